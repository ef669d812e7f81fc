// `jobs` encoders run at once; one task more than that is already begun, so that a free encoder never waits
// for a chain to settle. Where that one would take much memory it begins when a chain before it has ended,
// which is while its encoder still looks ahead.
#include "restore/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include <libavutil/imgutils.h>

#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/words.h"
#include "restore/task_kind.h"
#include "video/chain.h"

enum {
    MAX_JOBS = 512,    // and one segment more that is being warmed up
    FRAMES_HELD = 32,  // by queues, filters and reader of one segment
    HARDWARE_JOBS = 2, // one is fed while another ends; many drivers allow few more
};
// What a run may need and still have a chain ready before its time.
static const int64_t EARLY_BYTES = (int64_t)450 * 1000 * 1000;
static const double SPACE_INTERVAL = 0.5; // seconds between two looks at what segments take on disk

struct run {
    struct ta_work *work;
    const struct ta_sound *sound;
    const struct ta_run_opts *opts;
    struct ta_meter *meter;
    struct ta_log *log;
    struct ta_turns turns;
    char run_id[32];
    pthread_mutex_t lock;  // guards next, err and the work folder's state
    pthread_cond_t landed; // a task ended, well or badly
    int next;              // task before which all are finished
    int err;
    int flying[MAX_JOBS + 1]; // tasks that are being made
    int flying_count;
    double looked; // at the disk
    struct ta_space *space;
    struct ta_cancel stop;
};

// Of one segment's decoder, chain and queues.
static int64_t chain_bytes(const struct ta_plan *p, const struct ta_env *env)
{
    const struct ta_format *in = &p->source_format, *out = &p->out_format;
    int64_t frame = TA_MAX(av_image_get_buffer_size(in->pix_fmt, in->width, in->height, 1),
                           av_image_get_buffer_size(out->pix_fmt, out->width, out->height, 1));
    return FRAMES_HELD * TA_MAX(frame, 0) + ta_chain_bytes(p->stages, p->stage_count, env);
}

static int64_t encoder_bytes(const struct ta_plan *p)
{
    return ta_encoder_memory_bytes(&p->encoder, p->out_format.width, p->out_format.height);
}

static int chains_at_once(const struct ta_plan *p, int jobs, const struct ta_env *env)
{
    if (p->sound_only)
        return jobs;
    int64_t chain = chain_bytes(p, env), all = jobs * (chain + encoder_bytes(p)) + chain;
    return all <= EARLY_BYTES ? jobs + 1 : jobs;
}

int ta_run_jobs(const struct ta_plan *p, const struct ta_run_opts *run, const struct ta_env *env)
{
    if (p->sound_only)
        return (int)TA_MIN(TA_MIN(run->jobs > 0 ? run->jobs : ta_cpu_count(), MAX_JOBS),
                           TA_MAX(ta_plan_tasks(p), 1));
    if (ta_encoder_is_alone(&p->encoder))
        return 1;
    if (run->jobs > 0)
        return (int)TA_MIN(TA_MIN(run->jobs, MAX_JOBS), ta_plan_tasks(p));
    int64_t each = encoder_bytes(p) + chain_bytes(p, env);
    int64_t memory = run->memory > 0 ? run->memory : ta_machine_memory_bytes() / 2;
    int64_t by_memory = memory / TA_MAX(each, 1), by_cores = ta_cpu_count() / TA_MAX(p->encoder.threads, 1);
    int64_t jobs = TA_MIN(by_memory, by_cores);
    if (!ta_encoder_is_reproducible(&p->encoder))
        jobs = TA_MIN(jobs, HARDWARE_JOBS);
    return (int)TA_MAX(1, TA_MIN(jobs, ta_plan_tasks(p)));
}

// Bytes of what is not finished yet.
static int64_t flying_bytes(const struct run *r)
{
    int64_t sum = ta_sound_bytes(r->sound);
    for (int i = 0; i < r->flying_count; i++) {
        char *part = ta_work_part_name(r->work, r->flying[i], r->run_id);
        sum += TA_MAX(ta_folder_bytes(&r->work->folder, part), 0);
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

// Under the lock.
static bool is_flying(const struct run *r, int task)
{
    for (int i = 0; i < r->flying_count; i++)
        if (r->flying[i] == task)
            return true;
    return false;
}

// The first task that is missing and has what it needs, or -1. Under the lock.
static int find_task(struct run *r)
{
    int n = ta_plan_tasks(r->work->plan);
    while (r->next < n && r->work->done[r->next].bytes)
        r->next++; // nothing before it will ever be looked at again
    for (int i = r->next; i < n; i++)
        if (!r->work->done[i].bytes && !is_flying(r, i) && ta_work_is_ready(r->work, i, NULL))
            return i;
    return -1;
}

// The next task, or -1 when there is none for this thread: none is left, or the run is over. Waits while all
// that are left need one that is being made.
static int take_task(struct run *r)
{
    int task = -1;
    pthread_mutex_lock(&r->lock);
    while (r->err >= 0 && (task = find_task(r)) < 0 && r->flying_count &&
           r->work->done_count + r->flying_count < ta_plan_tasks(r->work->plan))
        pthread_cond_wait(&r->landed, &r->lock);
    if (r->err < 0)
        task = -1;
    if (task >= 0)
        r->flying[r->flying_count++] = task;
    pthread_mutex_unlock(&r->lock);
    return task;
}

// Under the lock.
static void land(struct run *r, int task)
{
    for (int i = 0; i < r->flying_count; i++)
        if (r->flying[i] == task) {
            r->flying[i] = r->flying[--r->flying_count];
            break;
        }
    pthread_cond_broadcast(&r->landed);
}

static int make(struct run *r, int number, const char *part, struct ta_done *done)
{
    struct ta_task task = ta_plan_task(r->work->plan, number);
    const struct ta_task_kind *kind = ta_task_kind_of(r->work->plan, number);
    struct ta_env env = ta_meter_env(r->meter, &r->stop, r->log);
    double told = 0;
    struct ta_task_run run = {.work = r->work,
                              .number = number,
                              .name = part,
                              .strict = r->opts->strict,
                              .turns = &r->turns,
                              .meter = r->meter,
                              .told = &told,
                              .env = &env};
    *done = (struct ta_done){0};
    ta_meter_name(r->meter, kind->name, task.stem);
    int err = kind->run(&run, done);
    if (err >= 0 && (!done->bytes || !ta_task_fits(r->work->plan, number, done))) {
        ta_error(r->log, "%s: internal: its result is not what was planned", task.stem);
        err = TA_ERR_INTERNAL;
    }
    if (err >= 0)
        ta_task_tell(&run, 1);
    return err;
}

// Makes one task and puts it in place. 0 when it is finished, whatever becomes of the run.
static int do_task(struct run *r, int number)
{
    char *part = ta_work_part_name(r->work, number, r->run_id);
    struct ta_done done;
    double start = ta_clock_seconds();
    int err = make(r, number, part, &done);
    if (err == TA_ERR_DEVICE) {
        const char *stem = ta_plan_task(r->work->plan, number).stem;
        ta_warn(r->log, "%s: the device that computes has failed: it is tried once more", stem);
        err = make(r, number, part, &done);
        if (err == TA_ERR_DEVICE)
            ta_error(r->log,
                     "%s: the device that computes has failed again: --engine-fallback goes on with the CPU",
                     stem);
    }
    pthread_mutex_lock(&r->lock);
    // Another copy of a task may have been quicker: its file has the same content.
    bool late = err >= 0 && r->work->shared && ta_work_is_done(r->work, number);
    if (!late && err >= 0)
        // perf-ok(block-under-lock): the journal has a line a task, in the order of their ends
        err = ta_work_commit(r->work, number, part, &done);
    if (late || err < 0)
        ta_folder_unlink(&r->work->folder, part);
    // Before others look for work: what has failed is missing still, and must not be taken again.
    if (err < 0 && (r->err == 0 || r->err == TA_ERR_CANCELED))
        r->err = err;
    land(r, number);
    pthread_mutex_unlock(&r->lock);
    if (err >= 0)
        ta_meter_add_task(r->meter, number < r->work->plan->segment_count);
    ta_verbose(r->log, "%s: %lld %s, %.2f s", ta_plan_task(r->work->plan, number).stem, (long long)done.bytes,
               ta_plural(done.bytes, "byte", "bytes"), ta_clock_seconds() - start);
    free(part);
    return err;
}

// Is there room to go on with what is left?
static void check_rest(struct run *r)
{
    pthread_mutex_lock(&r->lock);
    if (r->err >= 0 && r->work->done_count < ta_plan_tasks(r->work->plan))
        r->err = check_space(r);
    pthread_cond_broadcast(&r->landed);
    pthread_mutex_unlock(&r->lock);
}

static int run_worker(void *arg)
{
    struct run *r = arg;
    for (int task; (task = take_task(r)) >= 0;) {
        int err = do_task(r, task);
        if (err < 0)
            return err;
        check_rest(r);
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

static void run_init(struct run *r, int chains, int encoders)
{
    r->stop = (struct ta_cancel){asked_to_stop, r};
    name_run(r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->landed, NULL);
    ta_turns_init(&r->turns, chains, encoders);
}

static void run_release(struct run *r)
{
    ta_turns_release(&r->turns);
    pthread_cond_destroy(&r->landed);
    pthread_mutex_destroy(&r->lock);
}

int ta_run_task(struct ta_work *work, const struct ta_run_opts *run, int number, struct ta_meter *meter,
                struct ta_log *log)
{
    struct ta_space space;
    struct run r = {.work = work, .opts = run, .space = &space, .meter = meter, .log = log};
    run_init(&r, 1, 1);
    ta_space_init(&space, work, run, log);
    r.flying[r.flying_count++] = number;
    int err = do_task(&r, number);
    // What stopped it, a full disk for example, is why it failed.
    if (err < 0 && r.err < 0)
        err = r.err;
    run_release(&r);
    return err;
}

int ta_run_tasks(struct ta_work *work, const struct ta_sound *sound, const struct ta_run_opts *run,
                 struct ta_space *space, struct ta_meter *meter, struct ta_log *log)
{
    struct run r = {.work = work, .sound = sound, .opts = run, .space = space, .meter = meter, .log = log};
    struct ta_env env = ta_meter_env(meter, NULL, r.log);
    int jobs = ta_run_jobs(work->plan, run, &env);
    int missing = ta_plan_tasks(work->plan) - work->done_count, count = TA_MIN(jobs + 1, missing);
    int chains = chains_at_once(work->plan, jobs, &env);
    run_init(&r, chains, jobs);
    ta_verbose(r.log, "tasks to make: %d, at once: %d, chains: %d", missing, jobs, chains);
    struct ta_thread **threads = ta_xcalloc((size_t)count + 1, sizeof *threads);
    for (int i = 0; i < count; i++) {
        int err = ta_thread_create(&threads[i], "task", run_worker, &r);
        if (err < 0) {
            pthread_mutex_lock(&r.lock);
            r.err = r.err < 0 ? r.err : err;
            pthread_mutex_unlock(&r.lock);
        }
    }
    for (int i = 0; i < count; i++)
        ta_thread_join(&threads[i]);
    free(threads);
    run_release(&r);
    return r.err;
}
