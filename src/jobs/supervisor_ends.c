// How jobs end: done, failed, stopped, or with a worker that is gone.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "jobs/alerts.h"
#include "jobs/limits.h"
#include "jobs/supervisor_parts.h"
#include "metrics/metrics.h"

enum { RETRY_SECONDS = 5 };

// What went well in few words, what did not with its reason; what was asked for is no news.
static void tell_end(const struct ta_supervisor *s, int64_t number, const struct ta_job_end *end)
{
    if (end->attempted || end->state == TA_JOB_FAILED) {
        ta_warn(s->log, "job %" PRId64 " %s: %s", number,
                end->state == TA_JOB_FAILED ? "has failed" : "is tried again", end->reason);
    } else if (end->state == TA_JOB_DONE) {
        struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), number);
        ta_info(s->log, "job %" PRId64 ": %s is done%s%s", number, job ? job->output : "",
                *end->reason ? ": " : "", end->reason);
        ta_job_unref(&job);
    }
}

void ta_supervisor_settle(struct ta_supervisor *s, int64_t job, const struct ta_job_end *end)
{
    tell_end(s, job, end);
    int err = ta_jobs_end(s->jobs, job, end);
    if (!err || err == TA_ERR_INVALID || err == TA_ERR_NOT_FOUND)
        return;
    s->pending = ta_xrealloc(s->pending, (size_t)(s->pending_count + 1) * sizeof(*s->pending));
    struct ta_pending_end *p = &s->pending[s->pending_count++];
    *p = (struct ta_pending_end){.job = job, .end = *end, .reason = ta_xstrdup(end->reason)};
    p->end.reason = p->reason;
    if (end->result)
        p->end.result = p->result = ta_xstrdup(end->result);
    s->retry_at = ta_clock_seconds() + RETRY_SECONDS;
}

void ta_supervisor_retry(struct ta_supervisor *s)
{
    int left = 0;
    if (!s->pending_count || ta_clock_seconds() < s->retry_at)
        return;
    for (int i = 0; i < s->pending_count; i++) {
        struct ta_pending_end p = s->pending[i];
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

int64_t ta_supervisor_backoff(struct ta_supervisor *s, int attempt)
{
    int64_t wait = (int64_t)s->config.backoff_ms << TA_MIN(attempt, 10);
    return ta_jobs_now_ms() + wait + (int64_t)(rand_r(&s->dice) % 1000) * wait / 4000;
}

static void leave_job(struct ta_supervisor *s, struct ta_seat *seat)
{
    seat->job = 0;
    seat->stop_by = 0;
    seat->why = TA_JOB_WISH_NONE;
    seat->idle = ta_clock_seconds();
    atomic_fetch_sub(&s->busy, 1);
}

// What the service asked for decides what a stopped job becomes.
static bool end_stopped(struct ta_supervisor *s, struct ta_seat *seat)
{
    if (seat->stop_by <= 0)
        return false;
    struct ta_job_end end = {.state = TA_JOB_QUEUED,
                             .reason = "the service stopped; its work goes on from where it was"};
    if (seat->why == TA_JOB_WISH_CANCEL)
        end = (struct ta_job_end){.state = TA_JOB_CANCELLED, .reason = "cancelled"};
    else if (seat->why == TA_JOB_WISH_PAUSE)
        end = (struct ta_job_end){.state = TA_JOB_PAUSED, .reason = "paused"};
    ta_supervisor_settle(s, seat->job, &end);
    leave_job(s, seat);
    return true;
}

// The worker is gone, or was killed, with a job in hand.
static void end_crashed(struct ta_supervisor *s, struct ta_seat *seat, int status)
{
    struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), seat->job);
    int attempt = job ? job->attempt + 1 : 1;
    bool exceeded = ta_limits_exceeded(s->limits, (int)(seat - s->seats)) > seat->exceeded;
    char *how = seat->hung ? ta_xprintf("said nothing for %d s and was ended", s->config.silence_ms / 1000)
                : seat->stalled ? ta_xprintf("did nothing for %d s and was ended", s->config.stall_ms / 1000)
                : exceeded ? ta_xprintf("needed more memory than it may take (worker-memory, %" PRId64 " MB)",
                                        s->config.limits.memory_bytes / 1000000)
                : WIFSIGNALED(status)
                    ? ta_xprintf("crashed (%s)", strsignal(WTERMSIG(status)))
                    : ta_xprintf("ended with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    bool again = attempt < s->config.attempts;
    char *reason = ta_xprintf("its worker %s; attempt %d of %d%s", how, attempt, s->config.attempts,
                              again ? ", tried again" : "");
    struct ta_job_end end = {.state = again ? TA_JOB_QUEUED : TA_JOB_FAILED,
                             .reason = reason,
                             .not_before_ms = again ? ta_supervisor_backoff(s, attempt - 1) : 0,
                             .attempted = true};
    ta_supervisor_settle(s, seat->job, &end);
    leave_job(s, seat);
    ta_job_unref(&job);
    free(reason);
    free(how);
}

void ta_supervisor_bury(struct ta_supervisor *s, struct ta_seat *seat)
{
    int status = ta_spawn_end(seat->pid);
    ta_verbose(s->log, "worker %d ended", (int)seat->pid);
    if (seat->job && !end_stopped(s, seat))
        end_crashed(s, seat, status);
    close(seat->fd);
    ta_buf_release(&seat->lines.buf);
    if (seat->box.work)
        rmdir(seat->box.work); // only what is empty: nothing was begun, or all of it has gone
    ta_box_release(&seat->box);
    *seat = (struct ta_seat){0};
    atomic_fetch_sub(&s->workers, 1);
}

// Is the failure one of the machine's moment, which passes?
static bool passes(int err)
{
    return err == TA_ERR_NOMEM || err == TA_ERR_LIMIT || err == TA_ERR_BUSY;
}

char *ta_supervisor_download_folder(const struct ta_supervisor *s, int64_t job)
{
    return ta_xprintf("%s/%" PRId64, s->config.downloads, job);
}

// A download has ended: its job goes back to its place, with what there is now.
static void on_fetched(struct ta_supervisor *s, struct ta_seat *seat, const struct ta_job *job, int err,
                       const json_t *result)
{
    const char *path = json_string_value(json_object_get(result, "path")),
               *message = json_string_value(json_object_get(result, "message"));
    bool again = (passes(err) || err == TA_ERR_CLOSED) && job->attempt + 1 < s->config.attempts;
    struct ta_job_end end = {.state = err < 0 && !again ? TA_JOB_FAILED : TA_JOB_QUEUED,
                             .reason = err < 0 ? (message ? message : ta_error_text(err)) : "downloaded",
                             .not_before_ms = again ? ta_supervisor_backoff(s, job->attempt) : 0,
                             .attempted = err < 0,
                             .source = err < 0 ? NULL : path,
                             .title = err < 0 ? NULL : json_string_value(json_object_get(result, "title"))};
    if (!err && !path) {
        end.state = TA_JOB_FAILED;
        end.reason = "the download has ended without a file";
    }
    ta_supervisor_settle(s, seat->job, &end);
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

void ta_supervisor_on_result(struct ta_supervisor *s, struct ta_seat *seat, const json_t *m)
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
        end.not_before_ms = again ? ta_supervisor_backoff(s, attempt - 1) : 0;
        end.attempted = true;
    }
    ta_supervisor_settle(s, seat->job, &end);
    if (end.state == TA_JOB_DONE && job && *job->source && s->config.downloads) {
        char *folder = ta_supervisor_download_folder(s, seat->job);
        ta_dir_remove(folder, s->log); // it was got for this alone, and can be got again
        free(folder);
    }
    leave_job(s, seat);
    ta_job_unref(&job);
    free(text);
}
