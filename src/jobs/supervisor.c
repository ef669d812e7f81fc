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
#include "jobs/supervisor_parts.h"

enum {
    WORKERS_MAX = 1000,
    YOUNG_SECONDS = 15,      // until a job holds what it will
    LOOK_SECONDS = 2,        // between two looks for memory
    SAID_SECONDS = 60,       // between two messages that there is none
    STALL_LOOK_SECONDS = 10, // at most, between two looks at whether workers do anything
    LATE_SECONDS = 5,        // more than a busy machine keeps this process waiting
};

struct ta_supervisor_config ta_supervisor_defaults(void)
{
    return (struct ta_supervisor_config){
        .workers = 1,
        .nice = 10,
        .silence_ms = 30000,
        .stall_ms = 300000,
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
static int start_worker(struct ta_supervisor *s, struct ta_seat *seat, struct ta_box *box)
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
    *seat = (struct ta_seat){.pid = pid,
                             .fd = pair[0],
                             .heard = ta_clock_seconds(),
                             .idle = ta_clock_seconds(),
                             .exceeded = ta_limits_exceeded(s->limits, (int)(seat - s->seats)),
                             .box = its};
    atomic_fetch_add(&s->workers, 1);
    ta_verbose(s->log, "worker %d started", (int)pid);
    return 0;
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

static void on_line(struct ta_supervisor *s, struct ta_seat *seat, const json_t *m)
{
    const char *type = json_string_value(json_object_get(m, "type"));
    int64_t job = json_integer_value(json_object_get(m, "job"));
    seat->heard = ta_clock_seconds();
    if (!job || job != seat->job)
        return; // hello, or a word about a job that it has no more
    if (strcmp(type, "heartbeat") != 0)
        seat->still = (struct ta_standstill){0};
    if (!strcmp(type, "progress")) {
        struct ta_job_progress p;
        ta_job_progress_read(&p, m);
        ta_jobs_report(s->jobs, job, &p);
    } else if (!strcmp(type, "log")) {
        on_log(s, job, m);
    } else if (!strcmp(type, "result")) {
        ta_supervisor_on_result(s, seat, m);
    }
}

static void hear(struct ta_supervisor *s, struct ta_seat *seat)
{
    bool bad = false;
    if (ta_lines_fill(&seat->lines, seat->fd) <= 0) {
        ta_supervisor_bury(s, seat);
        return;
    }
    for (json_t *m; (m = ta_lines_next(&seat->lines, &bad)); json_decref(m))
        on_line(s, seat, m);
    if (bad) {
        ta_error(s->log, "worker %d speaks in a way that is not known", (int)seat->pid);
        ta_supervisor_bury(s, seat);
    }
}

// ---- what workers are told ----

static void give(struct ta_supervisor *s, struct ta_seat *seat, const struct ta_job *job, bool inside)
{
    bool fetch = job->state == TA_JOB_DOWNLOADING;
    json_t *m = ta_line_create(fetch ? "fetch" : "start", job->id);
    json_object_set_new(m, "input", json_string(*job->source ? job->source : job->input));
    json_object_set_new(m, "query_ms", json_real(s->query_seconds * 1000));
    if (fetch && s->config.downloads) {
        char *folder = ta_supervisor_download_folder(s, job->id);
        json_object_set_new(m, "folder", json_string(folder));
        json_object_set_new(m, "private", json_boolean(s->config.private_downloads));
        free(folder);
    }
    json_object_set_new(m, "output", json_string(job->output));
    json_object_set_new(m, "inside", json_boolean(inside));
    json_object_set_new(m, "options", ta_job_object(job->options));
    ta_info(s->log, "job %" PRId64 ": %s %s", job->id, job->input, fetch ? "is fetched" : "begins");
    seat->job = job->id;
    seat->begun = seat->heard = ta_clock_seconds();
    seat->still = (struct ta_standstill){0};
    seat->fetches = fetch;
    atomic_fetch_add(&s->busy, 1);
    ta_line_send(seat->fd, m); // a worker that is gone is seen by its end of the socket
}

static void box_for(const struct ta_supervisor *s, const struct ta_job *job, struct ta_box *box)
{
    if (s->config.open)
        return;
    if (job->state == TA_JOB_DOWNLOADING) {
        char *folder = ta_supervisor_download_folder(s, job->id);
        ta_box_for_download(box, folder);
        free(folder);
        return;
    }
    json_t *options = ta_job_object(job->options);
    struct ta_box_work work = {.input = *job->source ? job->source : job->input,
                               .output = job->output,
                               .work_dir = ta_json_member_text(options, "work-dir"),
                               .options = options,
                               .makes = true,
                               .exactly = true};
    ta_box_for_work(box, &s->config.rules, &work);
    json_decref(options);
}

// A worker without a job that may do what this one needs, else a free place, else that of another without a
// job, which is ended.
static struct ta_seat *choose_seat(struct ta_supervisor *s, const struct ta_box *box)
{
    struct ta_seat *best = NULL;
    for (int i = 0; i < s->seat_count; i++) {
        struct ta_seat *seat = &s->seats[i];
        if (seat->pid && seat->job)
            continue;
        if (seat->pid && (box->devices || !seat->box.devices || s->config.ready) &&
            ta_box_covers(&seat->box, box))
            return seat;
        if (!best || (best->pid && !seat->pid))
            best = seat;
    }
    if (best && best->pid)
        ta_supervisor_bury(s, best);
    return best;
}

// Memory that is not there is taken from what all others need at once: the machine stands still, workers say
// nothing for long and are ended as hung. One job is always at work.
static bool has_memory(struct ta_supervisor *s)
{
    double now = ta_clock_seconds();
    int young = 0;
    s->look_at = 0;
    if (s->config.open || !atomic_load(&s->busy))
        return true;
    for (int i = 0; i < s->seat_count; i++)
        young += s->seats[i].job && now - s->seats[i].begun < YOUNG_SECONDS;
    if (now - s->looked_at >= 1) {
        s->available = ta_memory_available();
        s->looked_at = now;
    }
    if (ta_limits_have_room(&s->config.limits, s->available, ta_machine_memory_bytes(), young))
        return true;
    if (now - s->said_at >= SAID_SECONDS) {
        ta_info(s->log, "%d at work: there is no memory for one more at once", atomic_load(&s->busy));
        s->said_at = now;
    }
    s->look_at = now + LOOK_SECONDS;
    return false;
}

static bool has_room(struct ta_supervisor *s)
{
    bool full = atomic_load(&s->busy) >= atomic_load(&s->at_once);
    if (full)
        s->look_at = 0;
    if (full || !has_memory(s))
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
        struct ta_seat *seat = choose_seat(s, &box);
        bool inside = box.work != NULL;
        bool there = seat->pid || start_worker(s, seat, &box) >= 0;
        ta_box_release(&box);
        if (!there) {
            struct ta_job_end end = {.state = TA_JOB_QUEUED,
                                     .reason = "no worker could be started",
                                     .not_before_ms = ta_supervisor_backoff(s, 0)};
            ta_supervisor_settle(s, job->id, &end);
            ta_job_unref(&job);
            return;
        }
        give(s, seat, job, inside);
        ta_job_unref(&job);
    }
}

static void tell_to_stop(struct ta_supervisor *s, struct ta_seat *seat, enum ta_job_wish why)
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
        struct ta_seat *seat = &s->seats[i];
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
static bool stays(const struct ta_supervisor *s, const struct ta_seat *seat)
{
    return s->config.open || seat->box.devices;
}

// Seconds between two looks at whether workers do anything; 0: none is wanted.
static double stall_every(const struct ta_supervisor *s)
{
    return s->config.stall_ms ? TA_MIN(s->config.stall_ms / 4000.0, STALL_LOOK_SECONDS) : 0;
}

// Those that live, and do nothing.
static void look_for_stalled(struct ta_supervisor *s, double now)
{
    double every = stall_every(s);
    if (every <= 0 || now < s->stall_look)
        return;
    s->stall_look = now + every;
    for (int i = 0; i < s->seat_count; i++) {
        struct ta_seat *seat = &s->seats[i];
        if (seat->pid && seat->job && !seat->fetches)
            seat->stalled = ta_standstill_look(&seat->still, seat->pid, now, every) >=
                            s->config.stall_ms / 1000.0;
    }
}

// This process has been put to sleep for so long, and its workers with it (a container that is paused, a
// machine that is moved): nobody was silent.
static void forgive(struct ta_supervisor *s, double seconds)
{
    for (int i = 0; i < s->seat_count; i++)
        s->seats[i].heard += seconds;
}

static void end_late_ones(struct ta_supervisor *s)
{
    double now = ta_clock_seconds();
    bool at_once = atomic_load(&s->stopping) == 3, stops = atomic_load(&s->stopping) > 0;
    look_for_stalled(s, now);
    for (int i = 0; i < s->seat_count; i++) {
        struct ta_seat *seat = &s->seats[i];
        if (!seat->pid)
            continue;
        if (seat->job && seat->stop_by > 0 && (now >= seat->stop_by || at_once)) {
            ta_supervisor_bury(s, seat);
        } else if (seat->job && now - seat->heard >= s->config.silence_ms / 1000.0) {
            seat->hung = true;
            ta_supervisor_bury(s, seat);
        } else if (seat->stalled) {
            ta_supervisor_bury(s, seat);
        } else if (!seat->job && (stops || !stays(s, seat) ||
                                  (!s->config.ready && now - seat->idle >= s->config.idle_ms / 1000.0))) {
            ta_supervisor_bury(s, seat);
        }
    }
}

// Milliseconds until something has to be done without being told; -1: never.
static int sleep_ms(const struct ta_supervisor *s)
{
    double now = ta_clock_seconds(), until = INFINITY;
    for (int i = 0; i < s->seat_count; i++) {
        const struct ta_seat *seat = &s->seats[i];
        if (!seat->pid)
            continue;
        if (seat->job)
            until = TA_MIN(until, seat->heard + s->config.silence_ms / 1000.0);
        if (seat->job && !seat->fetches && s->config.stall_ms)
            until = TA_MIN(until, s->stall_look);
        else if (!s->config.ready)
            until = TA_MIN(until, seat->idle + s->config.idle_ms / 1000.0);
        if (seat->stop_by > 0)
            until = TA_MIN(until, seat->stop_by);
    }
    if (s->pending_count)
        until = TA_MIN(until, s->retry_at);
    if (s->look_at > 0)
        until = TA_MIN(until, s->look_at);
    if (s->config.beat_ms)
        until = TA_MIN(until, s->beat_at);
    double wait = (until - now) * 1000;
    if (s->due_ms)
        wait = TA_MIN(wait, (double)(s->due_ms - ta_jobs_now_ms()));
    return isinf(wait) ? -1 : (int)TA_MAX(1.0, TA_MIN(wait + 1, 3600e3));
}

// A worker for whatever comes.
static void start_ready(struct ta_supervisor *s, struct ta_seat *seat)
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
        ta_supervisor_retry(s);
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
        int wait = sleep_ms(s);
        double began = ta_clock_seconds();
        int ready = poll(fds, (nfds_t)s->seat_count + 1, wait);
        double late = ta_clock_seconds() - began - wait / 1000.0;
        if (wait >= 0 && late > LATE_SECONDS)
            forgive(s, late);
        if (ready < 0)
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
