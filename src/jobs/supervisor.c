#include "jobs/supervisor.h"

#include <errno.h>
#include <math.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "jobs/alerts.h"
#include "jobs/lines.h"
#include "jobs/spawn.h"
#include "metrics/metrics.h"

// A worker's place. It is free (no process), idle or at work.
struct seat {
    pid_t pid; // 0: free
    int fd;
    struct ta_lines lines;
    int64_t job;          // 0: idle
    double heard, idle;   // seconds of the clock: last line; since when it has no job
    double stop_by;       // when it is killed, having been told to stop; 0: not told
    enum ta_job_wish why; // it was told to stop; NONE with stop_by: the service stops
    bool hung;            // it was killed for its silence
    struct ta_box box;    // what it may do
};

// How a job ended that the store could not take yet (a full disk): tried again until it can.
struct pending {
    int64_t job;
    struct ta_job_end end;
    char *reason, *result;
};

struct ta_supervisor {
    struct ta_jobs *jobs;
    struct ta_supervisor_config config;
    struct ta_log *log;
    struct ta_limits *limits;
    struct seat *seats;
    struct pending *pending;
    int pending_count;
    double retry_at;      // when pending ends are tried again
    double query_seconds; // that the queue took to give the last job
    double beat_at;       // when whoever watches this process hears of it
    int64_t due_ms;       // when a job that waits for a time becomes due; 0: none
    int wake_fd;
    atomic_int stopping; // 0, 1: drain, 2: stop, 3: at once
    atomic_int workers, busy;
    int seat_count;     // the most that may ever work at once
    atomic_int at_once; // that may work at once now
    unsigned dice;
};

enum { WORKERS_MAX = 1000, RETRY_SECONDS = 5 };

struct ta_supervisor_config ta_supervisor_defaults(void)
{
    return (struct ta_supervisor_config){
        .workers = 1,
        .nice = 10,
        .silence_ms = 30000,
        .stop_ms = 2000,
        .backoff_ms = 5000,
        .attempts = 3,
        .idle_ms = 10 * 60 * 1000,
    };
}

static void wake(void *priv)
{
    struct ta_supervisor *s = priv;
    uint64_t one = 1;
    ssize_t ignored = write(s->wake_fd, &one, sizeof(one));
    (void)ignored;
}

// Downloads of jobs that nobody has any more.
static void clean_downloads(struct ta_supervisor *s)
{
    char **names = NULL;
    if (!s->config.downloads || access(s->config.downloads, F_OK) < 0)
        return;
    int count = ta_dir_list(s->config.downloads, &names, s->log);
    for (int i = 0; i < count; i++) {
        bool number = strspn(names[i], "0123456789") == strlen(names[i]);
        struct ta_job *job = number ? ta_job_list_get(ta_jobs_list(s->jobs), strtoll(names[i], NULL, 10))
                                    : NULL;
        if (number && (!job || job->state == TA_JOB_DONE)) {
            char *folder = ta_xprintf("%s/%s", s->config.downloads, names[i]);
            ta_dir_remove(folder, s->log);
            free(folder);
        }
        ta_job_unref(&job);
    }
    ta_dir_list_free(&names);
}

int ta_supervisor_create(struct ta_supervisor **out, struct ta_jobs *jobs,
                         const struct ta_supervisor_config *config, struct ta_log *log)
{
    struct ta_supervisor *s = ta_xcalloc(1, sizeof(*s));
    s->jobs = jobs;
    s->config = *config;
    s->config.workers = TA_MAX(1, TA_MIN(config->workers, (int)WORKERS_MAX));
    s->log = log;
    s->seat_count = TA_MAX(s->config.workers, TA_MIN(ta_cpu_count(), (int)WORKERS_MAX));
    atomic_init(&s->at_once, s->config.workers);
    s->seats = ta_xcalloc((size_t)s->seat_count, sizeof(*s->seats));
    s->dice = (unsigned)getpid() ^ (unsigned)ta_jobs_now_ms();
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake_fd < 0) {
        ta_error(log, "workers can't be watched: %s", ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        ta_supervisor_destroy(&s);
        return TA_ERR_LIMIT;
    }
    ta_limits_create(&s->limits, &config->limits, NULL, log);
    clean_downloads(s);
    ta_jobs_on_change(jobs, wake, s);
    *out = s;
    return 0;
}

void ta_supervisor_destroy(struct ta_supervisor **out)
{
    struct ta_supervisor *s = *out;
    if (!s)
        return;
    ta_jobs_on_change(s->jobs, NULL, s);
    for (int i = 0; i < s->pending_count; i++) {
        free(s->pending[i].reason);
        free(s->pending[i].result);
    }
    free(s->pending);
    free(s->seats);
    ta_limits_destroy(&s->limits);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    ta_freep(out);
}

void ta_supervisor_stop(struct ta_supervisor *s, bool drain)
{
    int now = atomic_load(&s->stopping);
    if (drain && !now)
        atomic_store(&s->stopping, 1);
    else if (!drain)
        atomic_store(&s->stopping, now < 2 ? 2 : 3);
    wake(s);
}

bool ta_supervisor_is_stopping(struct ta_supervisor *s)
{
    return atomic_load(&s->stopping) > 0;
}

bool ta_supervisor_has_groups(const struct ta_supervisor *s)
{
    return ta_limits_by_groups(s->limits);
}

void ta_supervisor_counts(struct ta_supervisor *s, int *workers, int *busy)
{
    *workers = atomic_load(&s->workers);
    *busy = atomic_load(&s->busy);
}

void ta_supervisor_limits(struct ta_supervisor *s, int *at_once, int *most)
{
    *at_once = atomic_load(&s->at_once);
    *most = s->seat_count;
}

void ta_supervisor_set_at_once(struct ta_supervisor *s, int at_once)
{
    atomic_store(&s->at_once, TA_MAX(1, TA_MIN(at_once, s->seat_count)));
    wake(s);
}

// ---- processes ----

// Takes what is in `box`, in any case.
static int start_worker(struct ta_supervisor *s, struct seat *seat, struct ta_box *box)
{
    int pair[2];
    struct ta_box its = *box;
    struct ta_limited limited;
    *box = (struct ta_box){0};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        ta_error(s->log, "a worker can't be started: %s", ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        ta_box_release(&its);
        return TA_ERR_LIMIT;
    }
    ta_limits_make(s->limits, (int)(seat - s->seats), its.devices, &limited);
    pid_t pid = ta_spawn(&(struct ta_spawn){.command = s->config.command,
                                            .socket = pair[1],
                                            .output = -1,
                                            .nice = s->config.nice,
                                            .limits = &limited,
                                            .box = s->config.open ? NULL : &its},
                         s->log);
    ta_limited_release(&limited);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        ta_box_release(&its);
        return TA_ERR_LIMIT;
    }
    *seat = (struct seat){
        .pid = pid, .fd = pair[0], .heard = ta_clock_seconds(), .idle = ta_clock_seconds(), .box = its};
    atomic_fetch_add(&s->workers, 1);
    ta_verbose(s->log, "worker %d started", (int)pid);
    return 0;
}

// ---- how jobs end ----

static void settle(struct ta_supervisor *s, int64_t job, const struct ta_job_end *end)
{
    int err = ta_jobs_end(s->jobs, job, end);
    if (!err || err == TA_ERR_INVALID || err == TA_ERR_NOT_FOUND)
        return;
    s->pending = ta_xrealloc(s->pending, (size_t)(s->pending_count + 1) * sizeof(*s->pending));
    struct pending *p = &s->pending[s->pending_count++];
    *p = (struct pending){.job = job, .end = *end, .reason = ta_xstrdup(end->reason)};
    p->end.reason = p->reason;
    if (end->result)
        p->end.result = p->result = ta_xstrdup(end->result);
    s->retry_at = ta_clock_seconds() + RETRY_SECONDS;
}

static void retry_pending(struct ta_supervisor *s)
{
    int left = 0;
    if (!s->pending_count || ta_clock_seconds() < s->retry_at)
        return;
    for (int i = 0; i < s->pending_count; i++) {
        struct pending p = s->pending[i];
        int err = ta_jobs_end(s->jobs, p.job, &p.end);
        if (err && err != TA_ERR_INVALID && err != TA_ERR_NOT_FOUND) {
            s->pending[left++] = p;
            continue;
        }
        free(p.reason);
        free(p.result);
    }
    s->pending_count = left;
    s->retry_at = ta_clock_seconds() + RETRY_SECONDS;
}

// When the next attempt may begin: the longer, the more have failed, and not all at once.
static int64_t backoff(struct ta_supervisor *s, int attempt)
{
    int64_t wait = (int64_t)s->config.backoff_ms << TA_MIN(attempt, 10);
    return ta_jobs_now_ms() + wait + (int64_t)(rand_r(&s->dice) % 1000) * wait / 4000;
}

static void leave_job(struct ta_supervisor *s, struct seat *seat)
{
    seat->job = 0;
    seat->stop_by = 0;
    seat->why = TA_JOB_WISH_NONE;
    seat->idle = ta_clock_seconds();
    atomic_fetch_sub(&s->busy, 1);
}

// What the service asked for decides what a stopped job becomes.
static bool end_stopped(struct ta_supervisor *s, struct seat *seat)
{
    if (seat->stop_by <= 0)
        return false;
    struct ta_job_end end = {.state = TA_JOB_QUEUED,
                             .reason = "the service stopped; its work goes on from where it was"};
    if (seat->why == TA_JOB_WISH_CANCEL)
        end = (struct ta_job_end){.state = TA_JOB_CANCELLED, .reason = "cancelled"};
    else if (seat->why == TA_JOB_WISH_PAUSE)
        end = (struct ta_job_end){.state = TA_JOB_PAUSED, .reason = "paused"};
    settle(s, seat->job, &end);
    leave_job(s, seat);
    return true;
}

// The worker is gone, or was killed, with a job in hand.
static void end_crashed(struct ta_supervisor *s, struct seat *seat, int status)
{
    struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), seat->job);
    int attempt = job ? job->attempt + 1 : 1;
    char *how = seat->hung ? ta_xprintf("said nothing for %d s and was ended", s->config.silence_ms / 1000)
                : WIFSIGNALED(status)
                    ? ta_xprintf("crashed (%s)", strsignal(WTERMSIG(status)))
                    : ta_xprintf("ended with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    bool again = attempt < s->config.attempts;
    char *reason = ta_xprintf("its worker %s; attempt %d of %d%s", how, attempt, s->config.attempts,
                              again ? ", tried again" : "");
    struct ta_job_end end = {.state = again ? TA_JOB_QUEUED : TA_JOB_FAILED,
                             .reason = reason,
                             .not_before_ms = again ? backoff(s, attempt - 1) : 0,
                             .attempted = true};
    ta_warn(s->log, "job %" PRId64 ": %s", seat->job, reason);
    settle(s, seat->job, &end);
    leave_job(s, seat);
    ta_job_unref(&job);
    free(reason);
    free(how);
}

static void bury(struct ta_supervisor *s, struct seat *seat)
{
    int status = ta_spawn_end(seat->pid);
    ta_verbose(s->log, "worker %d ended", (int)seat->pid);
    if (seat->job && !end_stopped(s, seat))
        end_crashed(s, seat, status);
    close(seat->fd);
    ta_buf_release(&seat->lines.buf);
    ta_box_release(&seat->box);
    *seat = (struct seat){0};
    atomic_fetch_sub(&s->workers, 1);
}

// Is the failure one of the machine's moment, which passes?
static bool passes(int err)
{
    return err == TA_ERR_NOMEM || err == TA_ERR_LIMIT || err == TA_ERR_BUSY;
}

// The folder of one job's download. To be freed.
static char *download_folder(const struct ta_supervisor *s, int64_t job)
{
    return ta_xprintf("%s/%" PRId64, s->config.downloads, job);
}

// A download has ended: its job goes back to its place, with what there is now.
static void on_fetched(struct ta_supervisor *s, struct seat *seat, const struct ta_job *job, int err,
                       const json_t *result)
{
    const char *path = json_string_value(json_object_get(result, "path")),
               *message = json_string_value(json_object_get(result, "message"));
    bool again = (passes(err) || err == TA_ERR_CLOSED) && job->attempt + 1 < s->config.attempts;
    struct ta_job_end end = {.state = err < 0 && !again ? TA_JOB_FAILED : TA_JOB_QUEUED,
                             .reason = err < 0 ? (message ? message : ta_error_text(err)) : "downloaded",
                             .not_before_ms = again ? backoff(s, job->attempt) : 0,
                             .attempted = err < 0,
                             .source = err < 0 ? NULL : path,
                             .title = err < 0 ? NULL : json_string_value(json_object_get(result, "title"))};
    if (!err && !path) {
        end.state = TA_JOB_FAILED;
        end.reason = "the download has ended without a file";
    }
    settle(s, seat->job, &end);
    leave_job(s, seat);
}

// Of a run, for the file and for whoever is to hear of it. Workers write no files but their own.
static void keep_record(struct ta_supervisor *s, int64_t job, const json_t *record)
{
    char *line = json_is_object(record) ? json_dumps(record, JSON_COMPACT) : NULL;
    if (!line)
        return;
    bool kept = !s->config.records || ta_metrics_append_line(s->config.records, line, s->log) >= 0;
    free(line);
    if (s->config.alerts)
        ta_alerts_run(s->config.alerts, job, record, kept);
}

static void on_result(struct ta_supervisor *s, struct seat *seat, const json_t *m)
{
    int err = (int)json_integer_value(json_object_get(m, "err"));
    const json_t *result = json_object_get(m, "result");
    if (err == TA_ERR_CANCELED && end_stopped(s, seat))
        return;
    keep_record(s, seat->job, json_object_get(m, "record"));
    char *text = json_dumps(result, JSON_COMPACT);
    const char *message = json_string_value(json_object_get(result, "message"));
    struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), seat->job);
    if (job && job->state == TA_JOB_DOWNLOADING) {
        on_fetched(s, seat, job, err, result);
        ta_job_unref(&job);
        free(text);
        return;
    }
    struct ta_job_end end = {
        .state = TA_JOB_DONE,
        .reason = json_is_true(json_object_get(result, "already")) ? "it was done already" : "",
        .result = text,
        .warnings = json_integer_value(json_object_get(result, "warnings"))};
    if (err < 0) {
        int attempt = job ? job->attempt + 1 : 1;
        bool again = passes(err) && attempt < s->config.attempts;
        end.state = again ? TA_JOB_QUEUED : TA_JOB_FAILED;
        end.reason = message ? message : ta_error_text(err);
        end.not_before_ms = again ? backoff(s, attempt - 1) : 0;
        end.attempted = true;
    }
    settle(s, seat->job, &end);
    if (end.state == TA_JOB_DONE && job && *job->source && s->config.downloads) {
        char *folder = download_folder(s, seat->job);
        ta_dir_remove(folder, s->log); // it was got for this alone, and can be got again
        free(folder);
    }
    leave_job(s, seat);
    ta_job_unref(&job);
    free(text);
}

// ---- what workers say ----

static void on_log(struct ta_supervisor *s, int64_t job, const json_t *m)
{
    int level = (int)json_integer_value(json_object_get(m, "level"));
    const char *text = json_string_value(json_object_get(m, "text"));
    if (text && level >= TA_LOG_ERROR && level <= TA_LOG_DEBUG)
        ta_log_message(s->log, TA_MAX((enum ta_log_level)level, TA_LOG_WARN), "job %" PRId64 ": %s", job,
                       text);
}

static void on_line(struct ta_supervisor *s, struct seat *seat, const json_t *m)
{
    const char *type = json_string_value(json_object_get(m, "type"));
    int64_t job = json_integer_value(json_object_get(m, "job"));
    seat->heard = ta_clock_seconds();
    if (!job || job != seat->job)
        return; // hello, or a word about a job that it has no more
    if (!strcmp(type, "progress")) {
        struct ta_job_progress p;
        ta_job_progress_read(&p, m);
        ta_jobs_report(s->jobs, job, &p);
    } else if (!strcmp(type, "log")) {
        on_log(s, job, m);
    } else if (!strcmp(type, "result")) {
        on_result(s, seat, m);
    }
}

static void hear(struct ta_supervisor *s, struct seat *seat)
{
    bool bad = false;
    if (ta_lines_fill(&seat->lines, seat->fd) <= 0) {
        bury(s, seat);
        return;
    }
    for (json_t *m; (m = ta_lines_next(&seat->lines, &bad)); json_decref(m))
        on_line(s, seat, m);
    if (bad) {
        ta_error(s->log, "worker %d speaks in a way that is not known", (int)seat->pid);
        bury(s, seat);
    }
}

// ---- what workers are told ----

static void give(struct ta_supervisor *s, struct seat *seat, const struct ta_job *job)
{
    bool fetch = job->state == TA_JOB_DOWNLOADING;
    json_t *m = ta_line_create(fetch ? "fetch" : "start", job->id);
    json_object_set_new(m, "input", json_string(*job->source ? job->source : job->input));
    json_object_set_new(m, "query_ms", json_real(s->query_seconds * 1000));
    if (fetch && s->config.downloads) {
        char *folder = download_folder(s, job->id);
        json_object_set_new(m, "folder", json_string(folder));
        json_object_set_new(m, "private", json_boolean(s->config.private_downloads));
        free(folder);
    }
    json_object_set_new(m, "output", json_string(job->output));
    json_object_set_new(m, "options", ta_job_object(job->options));
    seat->job = job->id;
    seat->heard = ta_clock_seconds();
    atomic_fetch_add(&s->busy, 1);
    ta_line_send(seat->fd, m); // a worker that is gone is seen by its end of the socket
}

static void box_for(const struct ta_supervisor *s, const struct ta_job *job, struct ta_box *box)
{
    if (s->config.open)
        return;
    if (job->state == TA_JOB_DOWNLOADING) {
        char *folder = download_folder(s, job->id);
        ta_box_for_download(box, folder);
        free(folder);
        return;
    }
    json_t *options = ta_job_object(job->options);
    struct ta_box_work work = {.input = *job->source ? job->source : job->input,
                               .output = job->output,
                               .work_dir = ta_json_member_text(options, "work-dir"),
                               .options = options,
                               .makes = true};
    ta_box_for_work(box, &s->config.rules, &work);
    json_decref(options);
}

// A worker without a job that may do what this one needs, else a free place, else that of another without a
// job, which is ended.
static struct seat *choose_seat(struct ta_supervisor *s, const struct ta_box *box)
{
    struct seat *best = NULL;
    for (int i = 0; i < s->seat_count; i++) {
        struct seat *seat = &s->seats[i];
        if (seat->pid && seat->job)
            continue;
        if (seat->pid && ta_box_covers(&seat->box, box))
            return seat;
        if (!best || (best->pid && !seat->pid))
            best = seat;
    }
    if (best && best->pid)
        bury(s, best);
    return best;
}

static bool has_room(const struct ta_supervisor *s)
{
    if (atomic_load(&s->busy) >= atomic_load(&s->at_once))
        return false;
    for (int i = 0; i < s->seat_count; i++)
        if (!s->seats[i].pid || !s->seats[i].job)
            return true;
    return false;
}

// perf-ok(process-in-loop): a worker stays for many jobs
static void give_jobs(struct ta_supervisor *s)
{
    s->due_ms = 0;
    while (has_room(s) && !atomic_load(&s->stopping)) {
        struct ta_job *job = NULL;
        struct ta_box box = {0};
        double begun = ta_clock_seconds();
        int err = ta_jobs_claim(s->jobs, &job, &s->due_ms);
        s->query_seconds = ta_clock_seconds() - begun;
        if (s->config.alerts)
            ta_alerts_query(s->config.alerts, s->query_seconds);
        if (err < 0 || !job)
            return;
        box_for(s, job, &box);
        struct seat *seat = choose_seat(s, &box);
        bool there = seat->pid || start_worker(s, seat, &box) >= 0;
        ta_box_release(&box);
        if (!there) {
            struct ta_job_end end = {.state = TA_JOB_QUEUED,
                                     .reason = "no worker could be started",
                                     .not_before_ms = backoff(s, 0)};
            settle(s, job->id, &end);
            ta_job_unref(&job);
            return;
        }
        give(s, seat, job);
        ta_job_unref(&job);
    }
}

static void tell_to_stop(struct ta_supervisor *s, struct seat *seat, enum ta_job_wish why)
{
    if (seat->stop_by <= 0) {
        ta_line_send(seat->fd, ta_line_create("cancel", seat->job));
        seat->stop_by = ta_clock_seconds() + s->config.stop_ms / 1000.0;
    }
    seat->why = why;
}

static void obey_wishes(struct ta_supervisor *s)
{
    bool stops = atomic_load(&s->stopping) >= 2;
    for (int i = 0; i < s->seat_count; i++) {
        struct seat *seat = &s->seats[i];
        if (!seat->pid || !seat->job)
            continue;
        struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), seat->job);
        if (job && job->wish != TA_JOB_WISH_NONE)
            tell_to_stop(s, seat, job->wish);
        else if (stops)
            tell_to_stop(s, seat, TA_JOB_WISH_NONE);
        ta_job_unref(&job);
    }
}

// ---- time ----

// May it wait for another job? One that is restricted to the files of the last can't, and has nothing loaded.
static bool stays(const struct ta_supervisor *s, const struct seat *seat)
{
    return s->config.open || seat->box.devices;
}

static void end_late_ones(struct ta_supervisor *s)
{
    double now = ta_clock_seconds();
    bool at_once = atomic_load(&s->stopping) == 3, stops = atomic_load(&s->stopping) > 0;
    for (int i = 0; i < s->seat_count; i++) {
        struct seat *seat = &s->seats[i];
        if (!seat->pid)
            continue;
        if (seat->job && seat->stop_by > 0 && (now >= seat->stop_by || at_once)) {
            bury(s, seat);
        } else if (seat->job && now - seat->heard >= s->config.silence_ms / 1000.0) {
            seat->hung = true;
            bury(s, seat);
        } else if (!seat->job && (stops || !stays(s, seat) ||
                                  (!s->config.ready && now - seat->idle >= s->config.idle_ms / 1000.0))) {
            bury(s, seat);
        }
    }
}

// Milliseconds until something has to be done without being told; -1: never.
static int sleep_ms(const struct ta_supervisor *s)
{
    double now = ta_clock_seconds(), until = INFINITY;
    for (int i = 0; i < s->seat_count; i++) {
        const struct seat *seat = &s->seats[i];
        if (!seat->pid)
            continue;
        if (seat->job)
            until = TA_MIN(until, seat->heard + s->config.silence_ms / 1000.0);
        else if (!s->config.ready)
            until = TA_MIN(until, seat->idle + s->config.idle_ms / 1000.0);
        if (seat->stop_by > 0)
            until = TA_MIN(until, seat->stop_by);
    }
    if (s->pending_count)
        until = TA_MIN(until, s->retry_at);
    if (s->config.beat_ms)
        until = TA_MIN(until, s->beat_at);
    double wait = (until - now) * 1000;
    if (s->due_ms)
        wait = TA_MIN(wait, (double)(s->due_ms - ta_jobs_now_ms()));
    return isinf(wait) ? -1 : (int)TA_MAX(1.0, TA_MIN(wait + 1, 3600e3));
}

// A worker for whatever comes.
static void start_ready(struct ta_supervisor *s, struct seat *seat)
{
    struct ta_box box = {0};
    if (!s->config.open)
        ta_box_for_any(&box, &s->config.rules);
    start_worker(s, seat, &box);
}

// perf-ok(process-in-loop): a worker stays for many jobs
int ta_supervisor_run(struct ta_supervisor *s)
{
    struct pollfd *fds = ta_xcalloc((size_t)s->seat_count + 1, sizeof(*fds));
    for (int i = 0; s->config.ready && i < TA_MIN(s->config.workers, s->seat_count); i++)
        start_ready(s, &s->seats[i]); // one that can't be started now is when there is a job
    for (;;) {
        obey_wishes(s);
        end_late_ones(s);
        retry_pending(s);
        give_jobs(s); // perf-ok(process-in-loop): workers stay
        if (atomic_load(&s->stopping) && !atomic_load(&s->workers))
            break;
        if (s->config.beat_ms && ta_clock_seconds() >= s->beat_at) {
            s->config.beat(s->config.priv);
            s->beat_at = ta_clock_seconds() + s->config.beat_ms / 1000.0;
        }
        fds[0] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
        for (int i = 0; i < s->seat_count; i++)
            fds[i + 1] = (struct pollfd){.fd = s->seats[i].pid ? s->seats[i].fd : -1, .events = POLLIN};
        if (poll(fds, (nfds_t)s->seat_count + 1, sleep_ms(s)) < 0)
            continue; // a signal: what it asks for is seen above
        uint64_t count;
        ssize_t ignored = fds[0].revents ? read(s->wake_fd, &count, sizeof(count)) : 0;
        (void)ignored;
        for (int i = 0; i < s->seat_count; i++)
            if (s->seats[i].pid && fds[i + 1].revents)
                hear(s, &s->seats[i]);
    }
    free(fds);
    // Ends that never reached the disk: those jobs are taken up as begun at the next start.
    return s->pending_count ? TA_ERR_IO : 0;
}
