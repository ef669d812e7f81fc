#include "video/passes.h"

#include <terminalai/error.h>

#include "base/env.h"
#include "base/ledger.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "base/words.h"
#include "media/av.h"
#include "media/picture/lossless.h"
#include "video/chain.h"

bool ta_passes_wanted(const struct ta_env *env, int count)
{
    return env->tuning && !env->tuning->video_pipeline_filters && env->scratch && count > 1;
}

struct pass {
    struct ta_queue *in; // of the first pass
    struct ta_lossless *from, *to;
    const struct ta_chain_sink *sink; // of the last one
    const struct ta_env *env;
    const atomic_bool *stop;
    struct ta_ledger_row *files; // what writing and reading them took
};

static void count_file(const struct pass *p, struct ta_lap began)
{
    struct ta_lap now = ta_lap_now();
    ta_ledger_add(p->files, now.wall - began.wall, now.cpu - began.cpu, 0, 0);
}

static int put_aside(void *receiver, AVFrame *frame)
{
    struct pass *p = receiver;
    struct ta_lap began = ta_lap_now();
    int err = ta_lossless_write(p->to, frame);
    av_frame_free(&frame);
    count_file(p, began);
    return err;
}

static int take(struct pass *p, AVFrame **frame)
{
    void *item = NULL;
    *frame = NULL;
    if (atomic_load(p->stop) || ta_canceled(p->env->cancel))
        return TA_ERR_CANCELED;
    if (p->from) {
        struct ta_lap began = ta_lap_now();
        int err = ta_lossless_read(p->from, frame);
        count_file(p, began);
        return err;
    }
    int err = ta_queue_pop(p->in, &item);
    *frame = item;
    return err;
}

static int run_pass(struct pass *p, const struct ta_stage_plan *stage)
{
    struct ta_chain *chain = NULL;
    int err = ta_chain_create(&chain, stage, 1, p->env);
    for (bool end = false; err >= 0 && !end && (p->to || !p->sink->is_full(p->sink->priv));) {
        AVFrame *frame;
        err = take(p, &frame);
        end = !frame;
        if (err >= 0)
            err = p->to ? ta_chain_push(chain, frame, put_aside, p)
                        : ta_chain_push(chain, frame, p->sink->take, p->sink->priv);
    }
    ta_chain_destroy(&chain);
    if (err < 0 || !p->to)
        return err;
    struct ta_lap began = ta_lap_now();
    err = ta_lossless_finish(p->to);
    count_file(p, began);
    return err;
}

static void count_pass(const struct pass *p, const struct ta_stage_plan *stage, int number, int count,
                       double began)
{
    int64_t bytes = p->to ? ta_lossless_bytes(p->to) : 0, frames = p->to ? ta_lossless_frames(p->to) : 0;
    double now = ta_clock_seconds();
    ta_ledger_add(ta_ledger_row(p->env->ledger, "pass", stage->info->name), now - began, 0, frames, bytes);
    ta_ledger_span(p->env->ledger, stage->info->name, began, now);
    if (p->to)
        ta_verbose(p->env->log, "pass %d of %d, %s: %lld %s, %lld bytes, put into a file", number + 1, count,
                   stage->info->name, (long long)frames, ta_plural(frames, "frame", "frames"),
                   (long long)bytes);
    else
        ta_verbose(p->env->log, "pass %d of %d, %s", number + 1, count, stage->info->name);
}

int ta_passes_run(const struct ta_stage_plan *stages, int count, struct ta_queue *in,
                  const struct ta_chain_sink *sink, const struct ta_env *env, const atomic_bool *stop)
{
    struct ta_lossless *before = NULL;
    struct ta_ledger_row *files = ta_ledger_row(env->ledger, "stage", "files between passes");
    int err = 0;
    for (int i = 0; i < count && err >= 0; i++) {
        struct pass p = {.in = in, .from = before, .sink = sink, .env = env, .stop = stop, .files = files};
        double began = ta_clock_seconds();
        if (i + 1 < count)
            err = ta_lossless_create(&p.to, env->scratch, ta_cpu_count(), env->log);
        if (err >= 0)
            err = run_pass(&p, &stages[i]);
        if (err >= 0)
            count_pass(&p, &stages[i], i, count, began);
        ta_lossless_destroy(&before); // as soon as it has been read
        before = p.to;
    }
    ta_lossless_destroy(&before);
    return err;
}
