// `jobs` encoders run at once; one segment more than that is already being decoded and warmed up, so that a
// free encoder never waits for a chain to settle.
#include "restore/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include <libavutil/imgutils.h>

#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "video/chain.h"

enum {
    MAX_JOBS = 512,    // and one segment more that is being warmed up
    FRAMES_HELD = 32,  // by queues, filters and reader of one segment
    HARDWARE_JOBS = 2, // one is fed while another ends; many drivers allow few more
};
static const double SPACE_INTERVAL = 0.5; // seconds between two looks at what segments take on disk

struct run {
    struct ta_work *work;
    const struct ta_sound *sound;
    const struct ta_run_opts *opts;
    struct ta_meter *meter;
    struct ta_log *log;
    struct ta_turns turns;
    char run_id[32];
    pthread_mutex_t lock; // guards next, err and the work folder's state
    int next;             // segment to look at
    int err;
    int flying[MAX_JOBS + 1]; // segments that are being made
    int flying_count;
    double looked; // at the disk
    struct ta_space *space;
    struct ta_cancel stop;
};

int ta_run_jobs(const struct ta_plan *p, const struct ta_run_opts *run, const struct ta_env *env)
{
    if (ta_encoder_is_alone(&p->encoder))
        return 1;
    if (run->jobs > 0)
        return (int)TA_MIN(TA_MIN(run->jobs, MAX_JOBS), p->segment_count);
    const struct ta_format *in = &p->source_format, *out = &p->out_format;
    int64_t frame = TA_MAX(av_image_get_buffer_size(in->pix_fmt, in->width, in->height, 1),
                           av_image_get_buffer_size(out->pix_fmt, out->width, out->height, 1));
    int64_t each = ta_encoder_memory_bytes(&p->encoder, out->width, out->height) +
                   FRAMES_HELD * TA_MAX(frame, 0) + ta_chain_bytes(p->stages, p->stage_count, env);
    int64_t memory = run->memory > 0 ? run->memory : ta_machine_memory_bytes() / 2;
    int64_t by_memory = memory / TA_MAX(each, 1), by_cores = ta_cpu_count() / TA_MAX(p->encoder.threads, 1);
    int64_t jobs = TA_MIN(by_memory, by_cores);
    if (!ta_encoder_is_reproducible(&p->encoder))
        jobs = TA_MIN(jobs, HARDWARE_JOBS);
    return (int)TA_MAX(1, TA_MIN(jobs, p->segment_count));
}

// Bytes of what is not finished yet.
static int64_t flying_bytes(const struct run *r)
{
    int64_t sum = ta_sound_bytes(r->sound);
    for (int i = 0; i < r->flying_count; i++) {
        char *part = ta_work_part_path(r->work, r->flying[i], r->run_id);
        struct stat st;
        if (stat(part, &st) == 0)
            sum += st.st_size;
        free(part);
    }
    return sum;
}

// Under the lock.
static int check_space(struct run *r)
{
    r->looked = ta_clock_seconds();
    return ta_space_check(r->space, flying_bytes(r));
}

static bool asked_to_stop(void *priv)
{
    struct run *r = priv;
    if (ta_canceled(ta_meter_cancel(r->meter)))
        return true;
    int sound = ta_sound_error(r->sound);
    pthread_mutex_lock(&r->lock);
    if (r->err == 0)
        r->err = sound;
    if (r->err == 0 && ta_clock_seconds() - r->looked >= SPACE_INTERVAL)
        r->err = check_space(r);
    bool stop = r->err < 0;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

// The next missing segment, or -1.
static int take_segment(struct run *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->next < r->work->plan->segment_count && r->work->done[r->next].frames)
        r->next++;
    int k = r->err >= 0 && r->next < r->work->plan->segment_count ? r->next++ : -1;
    if (k >= 0)
        r->flying[r->flying_count++] = k;
    pthread_mutex_unlock(&r->lock);
    return k;
}

// Under the lock.
static void land(struct run *r, int k)
{
    for (int i = 0; i < r->flying_count; i++)
        if (r->flying[i] == k) {
            r->flying[i] = r->flying[--r->flying_count];
            return;
        }
}

static int do_segment(struct run *r, int k)
{
    char *part = ta_work_part_path(r->work, k, r->run_id);
    struct ta_segment_result result;
    double start = ta_clock_seconds();
    struct ta_env env = ta_meter_env(r->meter, &r->stop, r->log);
    int err = ta_segment_run(r->work->plan, k, part, &r->turns, r->meter, &env, &result);
    if (err >= 0 && r->opts->strict && result.concealed + result.damaged > 0) {
        ta_error(
            r->log,
            "%s: %lld frames can't be decoded and %lld decode with errors, from source frame %lld on (--strict)",
            r->work->plan->input, (long long)result.concealed, (long long)result.damaged,
            (long long)ta_plan_segment(r->work->plan, k).source_first);
        err = TA_ERR_DAMAGED;
    }
    pthread_mutex_lock(&r->lock);
    // Another copy of a task may have been quicker: its file has the same content.
    bool late = err >= 0 && r->work->shared && ta_work_is_done(r->work, k);
    if (late)
        unlink(part);
    else if (err >= 0)
        err = ta_work_commit(r->work, k, part, &result);
    land(r, k);
    bool more = r->work->done_count < r->work->plan->segment_count;
    if (err >= 0 && more)
        err = check_space(r);
    pthread_mutex_unlock(&r->lock);
    if (err < 0)
        unlink(part);
    else
        ta_meter_add_task(r->meter, true);
    ta_verbose(r->log, "segment %d: %lld frames, %lld bytes, %.2f s", k, (long long)result.frames,
               (long long)result.bytes, ta_clock_seconds() - start);
    free(part);
    return err;
}

static int run_worker(void *arg)
{
    struct run *r = arg;
    for (int k; (k = take_segment(r)) >= 0;) {
        int err = do_segment(r, k);
        pthread_mutex_lock(&r->lock);
        if (err < 0 && (r->err == 0 || r->err == TA_ERR_CANCELED))
            r->err = err;
        pthread_mutex_unlock(&r->lock);
        if (err < 0)
            return err;
    }
    return 0;
}

// Names of temporary files that no other run on this or another machine uses.
static void name_run(struct run *r)
{
    char host[256] = "", sum[TA_SHA256_HEX];
    gethostname(host, sizeof host - 1);
    ta_sha256_hex(host, strlen(host), sum);
    snprintf(r->run_id, sizeof r->run_id, "%.8s-%d", sum, (int)getpid());
}

static void run_init(struct run *r, int turns)
{
    // What stops one segment, a full disk mostly, stops those beside it too: it is told once.
    ta_log_only_first_error(r->log);
    r->stop = (struct ta_cancel){asked_to_stop, r};
    r->turns.free = turns;
    name_run(r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->turns.lock, NULL);
    pthread_cond_init(&r->turns.changed, NULL);
}

static void run_release(struct run *r)
{
    pthread_cond_destroy(&r->turns.changed);
    pthread_mutex_destroy(&r->turns.lock);
    pthread_mutex_destroy(&r->lock);
    ta_log_destroy(&r->log);
}

int ta_run_segment(struct ta_work *work, const struct ta_run_opts *run, int segment, struct ta_meter *meter,
                   struct ta_log *log)
{
    struct ta_space space;
    struct run r = {
        .work = work, .opts = run, .space = &space, .meter = meter, .log = ta_log_child(log, "restore")};
    struct ta_log *work_log = work->log;
    run_init(&r, 1);
    work->log = r.log;
    ta_space_init(&space, work, run, r.log);
    r.flying[r.flying_count++] = segment;
    int err = do_segment(&r, segment);
    work->log = work_log;
    run_release(&r);
    return err;
}

int ta_run_segments(struct ta_work *work, const struct ta_sound *sound, const struct ta_run_opts *run,
                    struct ta_space *space, struct ta_meter *meter, struct ta_log *log)
{
    struct run r = {.work = work,
                    .sound = sound,
                    .opts = run,
                    .space = space,
                    .meter = meter,
                    .log = ta_log_child(log, "restore")};
    struct ta_log *work_log = work->log, *space_log = space->log;
    work->log = space->log = r.log;
    struct ta_env env = ta_meter_env(meter, NULL, r.log);
    int jobs = ta_run_jobs(work->plan, run, &env);
    int missing = work->plan->segment_count - work->done_count, count = TA_MIN(jobs + 1, missing);
    run_init(&r, jobs);
    ta_verbose(r.log, "%d segments to make, %d at once", missing, jobs);
    struct ta_thread **threads = ta_xcalloc((size_t)count + 1, sizeof *threads);
    for (int i = 0; i < count; i++) {
        int err = ta_thread_create(&threads[i], "segment", run_worker, &r);
        if (err < 0) {
            pthread_mutex_lock(&r.lock);
            r.err = r.err < 0 ? r.err : err;
            pthread_mutex_unlock(&r.lock);
        }
    }
    for (int i = 0; i < count; i++)
        ta_thread_join(&threads[i]);
    free(threads);
    work->log = work_log;
    space->log = space_log;
    run_release(&r);
    return r.err;
}
