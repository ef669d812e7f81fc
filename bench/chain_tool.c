// Decodes a plan's source and runs its chain, without an encoder: what the restoration itself costs.
//
//     terminalai plan TAPE -o OUT.mp4 --json > PLAN && chain_tool PLAN [THREADS]
//
// Stages share the work of a picture between THREADS (1). Prints one JSON object: frames, wall and CPU
// seconds, peak memory.
#include <stdio.h>
#include <stdlib.h>

#include <terminalai/error.h>
#include <terminalai/log.h>
#include <terminalai/survey.h>

#include "base/env.h"
#include "base/log.h"
#include "base/thread.h"
#include "media/av.h"
#include "pictures/frames.h"

static void say(void *priv, enum ta_log_level level, const char *component, const char *message,
                const char *code)
{
    (void)code;
    (void)priv;
    if (level <= TA_LOG_WARN)
        fprintf(stderr, "%s: %s\n", component, message);
}

static int run_segment(const struct ta_plan *plan, int k, int64_t *frames, const struct ta_env *env)
{
    struct ta_segment segment = ta_plan_segment(plan, k);
    struct ta_frames *source = NULL;
    int err = ta_frames_open(&source, plan, &segment, env);
    while (err >= 0) {
        AVFrame *f = NULL;
        err = ta_frames_next(source, &f);
        if (err < 0 || !f)
            break;
        ++*frames;
        av_frame_free(&f);
    }
    return ta_frames_close(&source, err, NULL);
}

int main(int argc, char **argv)
{
    struct ta_log *log = NULL;
    struct ta_plan *plan = NULL;
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    if (argc < 2 || argc > 3 || threads < 1) {
        fprintf(stderr, "usage: chain_tool PLAN [THREADS]\n");
        return 2;
    }
    if (ta_log_create(&log, say, NULL) < 0)
        return 1;
    ta_av_apply_cpu_mask();
    char *cache = ta_cache_folder();
    int err = ta_plan_load(&plan, argv[1], NULL, NULL, cache, log);
    free(cache);
    struct ta_env env = {.log = log};
    if (err >= 0 && threads > 1)
        err = ta_pool_create(&env.pool, threads);
    double wall = ta_clock_seconds(), cpu = ta_cpu_seconds();
    int64_t frames = 0;
    for (int k = 0; err >= 0 && k < ta_plan_segments(plan); k++)
        err = run_segment(plan, k, &frames, &env);
    if (err >= 0)
        printf("{\"frames\": %lld, \"wall\": %.4f, \"cpu\": %.4f, \"peak\": %lld}\n", (long long)frames,
               ta_clock_seconds() - wall, ta_cpu_seconds() - cpu, (long long)ta_peak_rss_bytes());
    ta_pool_destroy(&env.pool);
    ta_plan_destroy(&plan);
    ta_log_destroy(&log);
    return err < 0;
}
