#include "jobs/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "base/words.h"
#include "jobs/jobs_parts.h"
#include "jobs/left.h"
#include "jobs/store.h"

enum { BATCH_MAX = 512 }; // operations in one transaction

struct ta_jobs {
    struct ta_log *log;
    struct ta_folder folder;
    int lock_fd;
    char *dir, *path;
    struct ta_store *store;
    struct ta_job_list *index;
    struct ta_events *events;
    struct ta_thread *writer;
    pthread_mutex_t wake_lock; // held while they are called, so that they can be taken back
    struct {
        void (*call)(void *priv);
        void *priv;
    } wakes[TA_JOBS_WAKES];
    struct ta_jobs_hooks hooks;
    void (*leave)(void *priv, const struct ta_job *job); // under wake_lock
    void *leave_priv;
    double last_position; // the highest that was ever given; the writer's
    // What waits for the writer.
    pthread_mutex_t lock;
    pthread_cond_t arrived, settled;
    struct ta_jobs_op *first, **last;
    bool closing;
    bool paused; // under the lock
};

int64_t ta_jobs_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct ta_job_list *ta_jobs_list(struct ta_jobs *jobs)
{
    return jobs->index;
}

struct ta_events *ta_jobs_events(struct ta_jobs *jobs)
{
    return jobs->events;
}

json_t *ta_jobs_history(struct ta_jobs *jobs, int64_t id)
{
    return ta_store_history(jobs->path, id, jobs->log);
}

void ta_jobs_on_change(struct ta_jobs *jobs, void (*wake)(void *priv), void *priv)
{
    pthread_mutex_lock(&jobs->wake_lock);
    for (int i = 0; i < TA_JOBS_WAKES; i++) {
        bool its = jobs->wakes[i].call && jobs->wakes[i].priv == priv;
        if (!its && (!wake || jobs->wakes[i].call))
            continue;
        jobs->wakes[i].call = wake;
        jobs->wakes[i].priv = priv;
        break;
    }
    pthread_mutex_unlock(&jobs->wake_lock);
}

void ta_jobs_on_leave(struct ta_jobs *jobs, void (*leave)(void *priv, const struct ta_job *job), void *priv)
{
    pthread_mutex_lock(&jobs->wake_lock);
    jobs->leave = leave;
    jobs->leave_priv = priv;
    pthread_mutex_unlock(&jobs->wake_lock);
}

void ta_jobs_set_hooks(struct ta_jobs *jobs, const struct ta_jobs_hooks *hooks)
{
    pthread_mutex_lock(&jobs->wake_lock);
    jobs->hooks = *hooks;
    pthread_mutex_unlock(&jobs->wake_lock);
}

// ---- one transaction ----

// What a transaction has changed so far: later operations of it see that.
struct changes {
    struct ta_jobs *jobs;
    struct ta_job **values;
    size_t count, capacity;
    int64_t *gone;
    size_t gone_count, gone_capacity;
    bool queue;           // a switch
    struct ta_job **left; // of those that are gone: a worker has begun them, and none has finished them
    size_t left_count;
    struct ta_jobs_hooks hooks;
};

void ta_jobs_refuse(struct ta_jobs_op *op, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    free(op->why);
    op->why = ta_xvprintf(format, args);
    va_end(args);
}

static struct ta_job *current(struct changes *c, int64_t id)
{
    for (size_t i = 0; i < c->gone_count; i++)
        if (c->gone[i] == id)
            return NULL;
    for (size_t i = c->count; i--;)
        if (c->values[i]->id == id)
            return ta_job_ref(c->values[i]);
    return ta_job_list_get(c->jobs->index, id);
}

// Takes `job`. One value a job: the latest.
static void keep(struct changes *c, struct ta_job *job)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->values[i]->id == job->id) {
            ta_job_unref(&c->values[i]);
            c->values[i] = job;
            return;
        }
    if (c->count == c->capacity) {
        c->capacity = TA_MAX(c->capacity * 2, (size_t)16);
        c->values = ta_xrealloc(c->values, c->capacity * sizeof(struct ta_job *));
    }
    c->values[c->count++] = job;
}

static int apply_add(struct changes *c, struct ta_jobs_op *op)
{
    int err = 0;
    for (int i = 0; i < op->count && !err; i++) {
        op->added[i]->position =
            ++c->jobs->last_position; // a number that is left out by a failure is no loss
        op->added[i]->created_ms = op->added[i]->changed_ms = ta_jobs_now_ms();
        err = ta_store_insert(c->jobs->store, op->added[i]);
        if (!err)
            keep(c, ta_job_ref(op->added[i]));
    }
    return err || !op->work ? err : op->work(op->priv, c->jobs->store, op->added);
}

static int apply_change(struct changes *c, struct ta_jobs_op *op)
{
    struct ta_job *old = current(c, op->id);
    if (!old) {
        ta_jobs_refuse(op, "there is no job %" PRId64, op->id);
        return TA_ERR_NOT_FOUND;
    }
    struct ta_job *job = ta_job_copy(old);
    int err = op->edit(op, job);
    if (op->to_end)
        job->position = ++c->jobs->last_position;
    if (!err && job->state != old->state && !ta_job_may_become(old->state, job->state)) {
        ta_jobs_refuse(op, "job %" PRId64 " is %s and can't become %s", op->id, ta_job_state_name(old->state),
                       ta_job_state_name(job->state));
        err = TA_ERR_INVALID;
    }
    if (!err) {
        if (job->state != old->state)
            job->changed_ms = ta_jobs_now_ms();
        err = ta_store_update(c->jobs->store, job, old->state);
    }
    bool ends = job->state != old->state && (job->state == TA_JOB_DONE || job->state == TA_JOB_FAILED);
    if (!err && ends && job->state == TA_JOB_DONE)
        err = ta_left_on_done(c->jobs->store, job);
    if (!err && ends && c->hooks.ended)
        err = c->hooks.ended(c->hooks.priv, c->jobs->store, job);
    if (!err) {
        op->result = ta_job_ref(job);
        keep(c, ta_job_ref(job));
    }
    ta_job_unref(&job);
    ta_job_unref(&old);
    return err;
}

static int apply_remove(struct changes *c, struct ta_jobs_op *op)
{
    struct ta_job *job = current(c, op->id);
    int err = 0;
    if (!job) {
        ta_jobs_refuse(op, "there is no job %" PRId64, op->id);
        return TA_ERR_NOT_FOUND;
    }
    if (ta_job_state_is_active(job->state)) {
        ta_jobs_refuse(op, "job %" PRId64 " is %s: cancel it first", op->id, ta_job_state_name(job->state));
        err = TA_ERR_INVALID;
    }
    bool left = false;
    if (!err && job->state != TA_JOB_DONE)
        err = ta_left_on_remove(c->jobs->store, job, &left);
    if (left) {
        c->left = ta_xrealloc(c->left, (c->left_count + 1) * sizeof(struct ta_job *));
        c->left[c->left_count++] = ta_job_ref(job);
    }
    ta_job_unref(&job);
    if (!err)
        err = ta_store_delete(c->jobs->store, op->id);
    if (!err) {
        if (c->gone_count == c->gone_capacity) {
            c->gone_capacity = TA_MAX(c->gone_capacity * 2, (size_t)16);
            c->gone = ta_xrealloc(c->gone, c->gone_capacity * sizeof(int64_t));
        }
        c->gone[c->gone_count++] = op->id;
    }
    return err;
}

static int apply(struct changes *c, struct ta_jobs_op *op)
{
    switch (op->kind) {
    case TA_JOBS_OP_ADD:
        return apply_add(c, op);
    case TA_JOBS_OP_CHANGE:
        return apply_change(c, op);
    case TA_JOBS_OP_REMOVE:
        return apply_remove(c, op);
    case TA_JOBS_OP_SWITCH:
        c->queue = true;
        return ta_store_set(c->jobs->store, op->key, op->value);
    case TA_JOBS_OP_STORE:
        return op->work(op->priv, c->jobs->store, NULL);
    }
    return TA_ERR_INTERNAL;
}

// Is it a failure of the store, after which the transaction holds nothing, or a refusal of this one alone?
static bool is_refusal(const struct ta_jobs_op *op, int err)
{
    return op->why && (err == TA_ERR_INVALID || err == TA_ERR_NOT_FOUND);
}

static void tell(struct ta_jobs *jobs, const struct changes *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct ta_buf text = {0};
        ta_job_text(&text, c->values[i]);
        ta_events_publish(jobs->events, "job", ta_buf_take(&text));
    }
    for (size_t i = 0; i < c->gone_count; i++)
        ta_events_publish(jobs->events, "gone", ta_xprintf("{\"id\":%" PRId64 "}", c->gone[i]));
    if (c->queue)
        ta_events_publish(jobs->events, "queue",
                          ta_xstrdup(ta_jobs_is_paused(jobs) ? "{\"paused\":true}" : "{\"paused\":false}"));
}

// How many jobs wait or are worked on.
static int64_t unfinished(const int64_t counts[TA_JOB_STATE_COUNT])
{
    return counts[TA_JOB_QUEUED] + counts[TA_JOB_DOWNLOADING] + counts[TA_JOB_PLANNING] +
           counts[TA_JOB_RUNNING];
}

// Has the last of them ended by this transaction?
static bool empties(const struct changes *c)
{
    int64_t counts[TA_JOB_STATE_COUNT], before;
    bool ends = false;
    ta_job_list_counts(c->jobs->index, counts);
    before = unfinished(counts);
    for (size_t i = 0; i < c->count + c->gone_count; i++) {
        bool gone = i >= c->count;
        struct ta_job *old = ta_job_list_get(c->jobs->index, gone ? c->gone[i - c->count] : c->values[i]->id);
        if (old)
            counts[old->state]--;
        if (!gone) {
            counts[c->values[i]->state]++;
            ends = ends || c->values[i]->state == TA_JOB_DONE || c->values[i]->state == TA_JOB_FAILED;
        }
        ta_job_unref(&old);
    }
    return ends && before > 0 && !unfinished(counts);
}

// Makes all operations of the list durable, or none; each has its result then.
// perf-ok(callback-under-lock): as ta_events_publish()
static void transact(struct ta_jobs *jobs, struct ta_jobs_op *ops)
{
    struct changes c = {.jobs = jobs};
    pthread_mutex_lock(&jobs->wake_lock);
    c.hooks = jobs->hooks;
    pthread_mutex_unlock(&jobs->wake_lock);
    int failed = ta_store_begin(jobs->store);
    for (struct ta_jobs_op *op = ops; op && !failed; op = op->next) {
        op->err = apply(&c, op);
        if (op->err && !is_refusal(op, op->err))
            failed = op->err;
    }
    if (!failed && c.hooks.emptied && empties(&c))
        failed = c.hooks.emptied(c.hooks.priv, jobs->store);
    if (!failed)
        failed = ta_job_list_reserve(jobs->index, c.count);
    if (!failed)
        failed = ta_store_commit(jobs->store);
    if (failed) {
        ta_store_rollback(jobs->store);
        for (struct ta_jobs_op *op = ops; op; op = op->next)
            if (!op->err || !is_refusal(op, op->err))
                op->err = failed;
    } else {
        // The index and the events have a reference each.
        for (size_t i = 0; i < c.count; i++)
            ta_job_ref(c.values[i]);
        ta_job_list_hold(jobs->index);
        ta_job_list_swap(jobs->index, c.values, (int)c.count, c.gone, (int)c.gone_count);
        for (struct ta_jobs_op *op = ops; op; op = op->next)
            if (op->kind == TA_JOBS_OP_SWITCH) {
                pthread_mutex_lock(&jobs->lock);
                jobs->paused = !strcmp(op->value, "on");
                pthread_mutex_unlock(&jobs->lock);
            }
        tell(jobs, &c);
        ta_job_list_let_go(jobs->index);
        pthread_mutex_lock(&jobs->wake_lock);
        for (size_t i = 0; i < c.left_count && jobs->leave; i++)
            jobs->leave(jobs->leave_priv, c.left[i]);
        pthread_mutex_unlock(&jobs->wake_lock);
    }
    for (size_t i = 0; i < c.left_count; i++)
        ta_job_unref(&c.left[i]);
    free(c.left);
    for (size_t i = 0; i < c.count; i++)
        ta_job_unref(&c.values[i]);
    free(c.values);
    free(c.gone);
}

// ---- the writer ----

// perf-ok(callback-under-lock): as ta_events_publish()
static int write_all(void *arg)
{
    struct ta_jobs *jobs = arg;
    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        while (!jobs->first && !jobs->closing)
            pthread_cond_wait(&jobs->arrived, &jobs->lock);
        if (!jobs->first)
            break;
        struct ta_jobs_op *ops = jobs->first, **end = &jobs->first;
        for (int i = 0; *end && i < BATCH_MAX; i++)
            end = &(*end)->next;
        jobs->first = *end;
        *end = NULL;
        if (!jobs->first)
            jobs->last = &jobs->first;
        pthread_mutex_unlock(&jobs->lock);
        transact(jobs, ops);
        pthread_mutex_lock(&jobs->wake_lock);
        for (int i = 0; i < TA_JOBS_WAKES; i++)
            if (jobs->wakes[i].call)
                jobs->wakes[i].call(jobs->wakes[i].priv);
        pthread_mutex_unlock(&jobs->wake_lock);
        pthread_mutex_lock(&jobs->lock);
        for (struct ta_jobs_op *op = ops, *next; op; op = next) {
            next = op->next; // its owner may go on as soon as the lock is free
            op->done = true;
        }
        pthread_cond_broadcast(&jobs->settled);
    }
    pthread_mutex_unlock(&jobs->lock);
    return 0;
}

void ta_jobs_do_all(struct ta_jobs *jobs, struct ta_jobs_op *ops, int count)
{
    pthread_mutex_lock(&jobs->lock);
    for (int i = 0; i < count; i++) {
        ops[i].next = NULL;
        *jobs->last = &ops[i];
        jobs->last = &ops[i].next;
    }
    pthread_cond_signal(&jobs->arrived);
    for (int i = 0; i < count; i++)
        while (!ops[i].done)
            pthread_cond_wait(&jobs->settled, &jobs->lock);
    pthread_mutex_unlock(&jobs->lock);
}

int ta_jobs_do(struct ta_jobs *jobs, struct ta_jobs_op *op)
{
    ta_jobs_do_all(jobs, op, 1);
    return op->err;
}

// ---- opening ----

static int take_lock(struct ta_jobs *jobs)
{
    char text[32] = "";
    jobs->lock_fd = ta_folder_open_append(&jobs->folder, "serve.lock", jobs->log);
    if (jobs->lock_fd < 0)
        return jobs->lock_fd;
    if (flock(jobs->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        struct ta_buf pid = {0};
        ta_folder_read(&jobs->folder, "serve.lock", sizeof(text) - 1, &pid, NULL);
        ta_error(jobs->log, "%s: another service works with this folder, process %s", jobs->dir,
                 atoi(ta_buf_text(&pid)) > 0 ? ta_buf_text(&pid) : "unknown");
        ta_buf_release(&pid);
        return TA_ERR_BUSY;
    }
    int length = snprintf(text, sizeof(text), "%d", (int)getpid());
    if (ftruncate(jobs->lock_fd, 0) < 0 || write(jobs->lock_fd, text, (size_t)length) != length)
        ta_warn(jobs->log, "%s/serve.lock: the process number could not be written", jobs->dir);
    return 0;
}

// A text that was garbled in the store becomes an empty object: from here on they are taken as they are.
static void check_object(char **text)
{
    if (!strcmp(*text, "{}"))
        return;
    json_t *o = json_loads(*text, 0, NULL);
    if (!json_is_object(o))
        ta_job_set(text, "{}");
    json_decref(o);
}

static int load_job(void *priv, struct ta_job *job)
{
    struct ta_jobs *jobs = priv;
    check_object(&job->options);
    check_object(&job->result);
    jobs->last_position = TA_MAX(jobs->last_position, job->position);
    return ta_job_list_swap(jobs->index, &job, 1, NULL, 0);
}

static int edit_left(struct ta_jobs_op *op, struct ta_job *job)
{
    (void)op;
    static const enum ta_job_state states[] = {TA_JOB_QUEUED, TA_JOB_PAUSED, TA_JOB_CANCELLED};
    static const char *const reasons[] = {"the service was stopped; its work goes on from where it was",
                                          "paused", "cancelled"};
    job->state = states[job->wish];
    ta_job_set(&job->reason, reasons[job->wish]);
    job->wish = TA_JOB_WISH_NONE;
    return 0;
}

// What a service before this one had begun.
static int take_up(struct ta_jobs *jobs)
{
    struct ta_job_filter active = {
        .states = 1u << TA_JOB_DOWNLOADING | 1u << TA_JOB_PLANNING | 1u << TA_JOB_RUNNING, .limit = 256};
    struct ta_job *found[256];
    bool more = true;
    int err = 0;
    while (more && !err) {
        int count = ta_job_list_page(jobs->index, &active, found, &more);
        for (int i = 0; i < count; i++) {
            struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE, .id = found[i]->id, .edit = edit_left};
            if (!err)
                err = ta_jobs_do(jobs, &op);
            ta_jobs_op_release(&op);
            active.after = found[i]->id;
            ta_job_unref(&found[i]);
        }
    }
    return err;
}

int ta_jobs_open(struct ta_jobs **out, const char *dir, const struct ta_tuning *tuning, struct ta_log *log)
{
    struct ta_jobs *jobs = ta_xcalloc(1, sizeof(*jobs));
    bool made;
    jobs->log = log;
    jobs->dir = ta_xstrdup(dir);
    jobs->path = ta_path_join(dir, "jobs.db");
    jobs->lock_fd = -1;
    jobs->last = &jobs->first;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_mutex_init(&jobs->wake_lock, NULL);
    pthread_cond_init(&jobs->arrived, NULL);
    pthread_cond_init(&jobs->settled, NULL);
    int err = ta_folder_make(&jobs->folder, jobs->dir, &made, log);
    if (err >= 0)
        err = ta_folder_own(&jobs->folder, log);
    if (err >= 0)
        err = take_lock(jobs);
    if (err >= 0)
        err = ta_job_list_create(&jobs->index, tuning && !tuning->queue_rwlock);
    if (err >= 0)
        err = ta_events_create(&jobs->events);
    if (err >= 0)
        err = ta_store_open(&jobs->store, jobs->path, log);
    if (err >= 0)
        err = ta_store_load(jobs->store, load_job, jobs);
    if (err >= 0) {
        char *paused = ta_store_get(jobs->store, "paused");
        jobs->paused = paused && !strcmp(paused, "on");
        free(paused);
        err = ta_thread_create(&jobs->writer, "jobs", write_all, jobs);
    }
    if (err >= 0)
        err = take_up(jobs);
    if (err < 0)
        ta_jobs_close(&jobs);
    *out = jobs;
    return err < 0 ? err : 0;
}

void ta_jobs_close(struct ta_jobs **out)
{
    struct ta_jobs *jobs = *out;
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->closing = true;
    pthread_cond_signal(&jobs->arrived);
    pthread_mutex_unlock(&jobs->lock);
    ta_thread_join(&jobs->writer);
    ta_store_close(&jobs->store);
    ta_job_list_destroy(&jobs->index);
    ta_events_destroy(&jobs->events);
    if (jobs->lock_fd >= 0)
        close(jobs->lock_fd);
    ta_folder_close(&jobs->folder);
    pthread_cond_destroy(&jobs->arrived);
    pthread_cond_destroy(&jobs->settled);
    pthread_mutex_destroy(&jobs->lock);
    pthread_mutex_destroy(&jobs->wake_lock);
    free(jobs->path);
    free(jobs->dir);
    ta_freep(out);
}

bool ta_jobs_is_paused(struct ta_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    bool paused = jobs->paused;
    pthread_mutex_unlock(&jobs->lock);
    return paused;
}
