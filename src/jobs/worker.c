#include "jobs/worker.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "jobs/fetch.h"
#include "jobs/lines.h"
#include "restore/outcome.h"
#include "restore/settle.h"

enum { HEARTBEAT_SECONDS = 2 };

struct worker {
    int fd;
    struct ta_env *env;
    const char *config;
    pthread_mutex_t send_lock;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    json_t *start; // the job that was given and not begun yet; under the lock
    bool closed;   // the service has hung up; under the lock
    atomic_bool canceled;
    _Atomic(int64_t) job; // that is worked on; 0: none
    double told;          // when progress of a download was
    double query_ms;      // that the queue took to give this job
    json_t *record;       // of the run that has ended; the service keeps it
    atomic_bool heard;    // a line was sent since the last heartbeat was due
};

static void send_line(struct worker *w, json_t *message)
{
    pthread_mutex_lock(&w->send_lock);
    ta_line_send(w->fd, message); // a service that is gone is seen by the thread that reads
    pthread_mutex_unlock(&w->send_lock);
    atomic_store(&w->heard, true);
}

// ---- what the service says ----

static int listen_to_service(void *arg)
{
    struct worker *w = arg;
    struct ta_lines lines = {0};
    bool bad = false;
    while (!bad && ta_lines_fill(&lines, w->fd) > 0)
        for (json_t *m; (m = ta_lines_next(&lines, &bad));) {
            const char *type = json_string_value(json_object_get(m, "type"));
            pthread_mutex_lock(&w->lock);
            if ((!strcmp(type, "start") || !strcmp(type, "fetch")) && !w->start) {
                w->start = json_incref(m);
                atomic_store(&w->canceled, false);
                pthread_cond_broadcast(&w->changed);
            } else if (!strcmp(type, "cancel")) {
                atomic_store(&w->canceled, true);
            }
            pthread_mutex_unlock(&w->lock);
            json_decref(m);
        }
    ta_buf_release(&lines.buf);
    pthread_mutex_lock(&w->lock);
    w->closed = true;
    atomic_store(&w->canceled, true);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return 0;
}

// Says that the process lives, where the work itself says nothing for a while.
static int beat(void *arg)
{
    struct worker *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->closed) {
        if (!atomic_load(&w->job)) {
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        struct timespec until = ta_clock_after(HEARTBEAT_SECONDS);
        // timed wait: a service that hears nothing takes the worker for hung
        pthread_cond_timedwait(&w->changed, &w->lock, &until);
        int64_t job = atomic_load(&w->job);
        if (job && !w->closed && !atomic_exchange(&w->heard, false)) {
            pthread_mutex_unlock(&w->lock);
            send_line(w, ta_line_create("heartbeat", job));
            pthread_mutex_lock(&w->lock);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return 0;
}

// ---- one job ----

static void on_progress(void *priv, const struct ta_progress *p)
{
    struct worker *w = priv;
    json_t *m = ta_line_create("progress", atomic_load(&w->job));
    json_t *o = ta_progress_json(p, 0);
    json_object_update(m, o);
    json_decref(o);
    send_line(w, m);
}

static bool on_canceled(void *priv)
{
    struct worker *w = priv;
    return atomic_load(&w->canceled);
}

static void on_message(void *priv, enum ta_log_level level, const char *component, const char *text,
                       const char *code)
{
    (void)code;
    struct worker *w = priv;
    json_t *m = ta_line_create("log", atomic_load(&w->job));
    json_object_set_new(m, "level", json_integer(level));
    json_object_set_new(m, "component", ta_json_any_text(component ? component : ""));
    json_object_set_new(m, "text", ta_json_any_text(text));
    send_line(w, m);
}

static int set_options(struct ta_options *options, const char *config, const json_t *wanted)
{
    const char *key;
    json_t *value;
    int err = ta_options_load_config(options, config);
    json_object_foreach((json_t *)wanted, key, value)
    {
        if (err >= 0 && strcmp(key, "redo") != 0)
            err = ta_options_set(options, TA_LAYER_CALLER, key, json_string_value(value), key);
    }
    return err;
}

// Of a whole film, or of one that is made and of which a part is made again.
static int make_plan(struct ta_plan **plan, const char *input, const char *output, const json_t *wanted,
                     struct ta_options *options, const struct ta_callbacks *callbacks, struct ta_log *log)
{
    const char *range = ta_json_member_text(wanted, "redo"), *work_dir = "";
    struct ta_redo_result result;
    if (!*range)
        return ta_plan_create(plan, input, output, options, callbacks, log);
    ta_options_get(options, "work-dir", &work_dir, NULL);
    int err = ta_redo_plan(plan, input, output, work_dir, range, options, callbacks, &result, log);
    if (err >= 0 && result.others[0])
        ta_info(log, "%s: in %s %s", output, range, result.others);
    free(result.others);
    return err;
}

static json_t *restore(struct worker *w, const char *input, const char *output, const json_t *wanted,
                       struct ta_log *log, int *out_err)
{
    struct ta_options *options = NULL;
    struct ta_plan *plan = NULL;
    struct ta_restore_result r = {0};
    struct ta_output_found found = {0};
    struct ta_estimate estimate;
    char *name = NULL;
    struct ta_callbacks callbacks = {
        .progress = on_progress, .canceled = on_canceled, .priv = w, .env = w->env};
    int err = ta_options_create(&options, log);
    if (err >= 0)
        err = set_options(options, w->config, wanted);
    if (err >= 0)
        err = ta_env_use_options(w->env, options, log);
    if (err >= 0) {
        struct ta_settle_wish wish = {input, output, false, "\"overwrite\" replaces it"};
        err = ta_output_settle(&wish, options, &found, &name, log);
    }
    if (err >= 0 && found.state == TA_OUTPUT_SAME) {
        r = (struct ta_restore_result){
            .already = true, .frames = ta_plan_frames(found.report.plan), .bytes = found.report.bytes};
    } else if (err >= 0) {
        err = make_plan(&plan, input, output, wanted, options, &callbacks, log);
        if (err >= 0)
            err = ta_plan_suit(plan, options, 0, &callbacks, &estimate, log);
        if (err >= 0) {
            ta_mapped_give_back(); // of libraries that planning alone has touched
            err = ta_restore(plan, options, &callbacks, &r, log);
        }
    }
    free(name);
    err = TA_MIN(err, 0);
    const struct ta_plan *made = plan ? plan : found.report.plan;
    const struct ta_problem *failure = ta_log_fail(log, err, input, NULL) < 0
                                           ? ta_problems_error(ta_log_problems(log))
                                           : NULL;
    json_t *result = ta_outcome_json(input, made, &r, err, failure);
    json_object_set_new(result, "problems", ta_problems_to_json(ta_log_problems(log)));
    json_object_set_new(result, "output", ta_json_any_text(output));
    if (r.metrics.run_id[0]) {
        r.metrics.queue_query_ms = w->query_ms;
        r.metrics.exit_code = ta_exit_status(r.losses > 0 ? TA_SEVERITY_LOSS : TA_SEVERITY_NONE, err);
        char *line = ta_metrics_line(&r.metrics);
        w->record = json_loads(line, 0, NULL);
        free(line);
    }
    ta_output_found_release(&found);
    ta_plan_destroy(&plan);
    ta_options_destroy(&options);
    *out_err = err;
    return result;
}

// ---- one download ----

static void on_bytes(void *priv, int64_t bytes, int64_t total)
{
    struct worker *w = priv;
    double now = ta_clock_seconds();
    if (now - w->told < 0.1) // at most ten a second
        return;
    w->told = now;
    json_t *m = ta_line_create("progress", atomic_load(&w->job));
    double share = total > 0 ? TA_MIN((double)bytes / (double)total, 1.0) : 0;
    json_object_set_new(m, "phase", json_string("download"));
    json_object_set_new(m, "fraction", json_real(share));
    json_object_set_new(m, "bytes", json_integer((json_int_t)bytes));
    send_line(w, m);
}

static json_t *fetch(struct worker *w, const json_t *start, const char *address, struct ta_log *log,
                     int *out_err)
{
    const char *folder = json_string_value(json_object_get(start, "folder"));
    struct ta_fetch f = {.address = address,
                         .folder = folder,
                         .private_too = json_is_true(json_object_get(start, "private")),
                         .progress = on_bytes,
                         .canceled = on_canceled,
                         .priv = w};
    *out_err = folder ? ta_fetch(&f, log) : TA_ERR_INTERNAL;
    const struct ta_problem *failure = ta_log_fail(log, *out_err, address, NULL) < 0
                                           ? ta_problems_error(ta_log_problems(log))
                                           : NULL;
    json_t *result = json_object();
    if (failure)
        ta_outcome_failure(result, failure, *out_err);
    if (f.path)
        json_object_set_new(result, "path", ta_json_any_text(f.path));
    if (f.title)
        json_object_set_new(result, "title", ta_json_any_text(f.title));
    free(f.path);
    free(f.title);
    return result;
}

static int run_job(struct worker *w, const json_t *start)
{
    struct ta_log *log = NULL;
    struct ta_problems *problems = NULL;
    const char *input = json_string_value(json_object_get(start, "input")),
               *output = json_string_value(json_object_get(start, "output"));
    int64_t job = json_integer_value(json_object_get(start, "job"));
    int err = ta_log_create(&log, on_message, w);
    if (!err)
        err = ta_problems_create(&problems);
    if (!err)
        ta_log_collect(log, problems);
    json_t *result = NULL;
    w->record = NULL;
    w->query_ms = json_number_value(json_object_get(start, "query_ms"));
    if (!err && input && !strcmp(ta_json_member_text(start, "type"), "fetch"))
        result = fetch(w, start, input, log, &err);
    w->env->joins_inside = json_is_true(json_object_get(start, "inside"));
    if (!err && !result && input && output)
        result = restore(w, input, output, json_object_get(start, "options"), log, &err);
    json_t *m = ta_line_create("result", job);
    json_object_set_new(m, "err", json_integer(result ? err : err ? err : TA_ERR_INTERNAL));
    json_object_set_new(m, "result", result ? result : json_object());
    if (w->record)
        json_object_set_new(m, "record", w->record);
    send_line(w, m);
    ta_log_destroy(&log);
    ta_problems_destroy(&problems);
    return err;
}

int ta_worker_run(int fd, struct ta_env *env, const char *config)
{
    struct worker w = {.fd = fd, .env = env, .config = config};
    struct ta_thread *reader = NULL, *heart = NULL;
    pthread_mutex_init(&w.send_lock, NULL);
    pthread_mutex_init(&w.lock, NULL);
    ta_cond_init(&w.changed);
    json_t *hello = ta_line_create("hello", 0);
    json_object_set_new(hello, "pid", json_integer(getpid()));
    json_object_set_new(hello, "version", json_string(ta_version()));
    send_line(&w, hello);
    int err = ta_thread_create(&reader, "service", listen_to_service, &w);
    if (!err)
        err = ta_thread_create(&heart, "heartbeat", beat, &w);
    pthread_mutex_lock(&w.lock);
    while (!err && !w.closed) {
        if (!w.start) {
            pthread_cond_wait(&w.changed, &w.lock);
            continue;
        }
        json_t *start = w.start;
        w.start = NULL;
        atomic_store(&w.job, json_integer_value(json_object_get(start, "job")));
        pthread_cond_broadcast(&w.changed);
        pthread_mutex_unlock(&w.lock);
        run_job(&w, start);
        json_decref(start);
        pthread_mutex_lock(&w.lock);
        atomic_store(&w.job, 0);
    }
    pthread_mutex_unlock(&w.lock);
    if (err < 0)
        _exit(1); // a thread may still read the descriptor; there is nothing to keep
    ta_thread_join(&reader);
    ta_thread_join(&heart);
    json_decref(w.start);
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    pthread_mutex_destroy(&w.send_lock);
    return err;
}
