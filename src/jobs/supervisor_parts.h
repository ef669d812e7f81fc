// What the files of the supervisor share: a worker's place, and how jobs end.
#ifndef TA_JOBS_SUPERVISOR_PARTS_H
#define TA_JOBS_SUPERVISOR_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "jobs/lines.h"
#include "jobs/spawn.h"
#include "jobs/standstill.h"
#include "jobs/supervisor.h"

// A worker's place. It is free (no process), idle or at work.
struct ta_seat {
    pid_t pid; // 0: free
    int fd;
    struct ta_lines lines;
    int64_t job;          // 0: idle
    double heard, idle;   // seconds of the clock: last line; since when it has no job
    double stop_by;       // when it is killed, having been told to stop; 0: not told
    enum ta_job_wish why; // it was told to stop; NONE with stop_by: the service stops
    bool hung, stalled;   // it was killed for its silence, for doing nothing
    struct ta_standstill still;
    bool fetches;      // its job is a download, which waits for others and has limits of its own
    int64_t exceeded;  // ta_limits_exceeded() when it began
    double begun;      // when its job did
    struct ta_box box; // what it may do
};

// How a job ended that the store could not take yet (a full disk): tried again until it can.
struct ta_pending_end {
    int64_t job;
    struct ta_job_end end;
    char *reason, *result;
};

struct ta_supervisor {
    struct ta_jobs *jobs;
    struct ta_supervisor_config config;
    struct ta_log *log;
    struct ta_limits *limits;
    struct ta_seat *seats;
    struct ta_pending_end *pending;
    int pending_count;
    double retry_at;      // when pending ends are tried again
    double query_seconds; // that the queue took to give the last job
    double beat_at;       // when whoever watches this process hears of it
    int64_t available;    // memory of the machine when it was looked for
    double looked_at;     // when that was
    double stall_look;    // when it is to be looked for who does nothing
    double said_at;       // when it was said that there is none
    double look_at;       // when it is to be looked for again; 0: there is enough, or no need
    int64_t due_ms;       // when a job that waits for a time becomes due; 0: none
    int wake_fd;
    atomic_int stopping; // 0, 1: drain, 2: stop, 3: at once
    atomic_int workers, busy;
    int seat_count;     // the most that may ever work at once
    atomic_int at_once; // that may work at once now
    unsigned dice;
};

// Writes down how a job ended; what the store can't take now is tried again.
void ta_supervisor_settle(struct ta_supervisor *s, int64_t job, const struct ta_job_end *end);
void ta_supervisor_retry(struct ta_supervisor *s);
// When the next attempt may begin: the longer, the more have failed, and not all at once.
int64_t ta_supervisor_backoff(struct ta_supervisor *s, int attempt);
// A worker has ended: of itself, by its job, or killed. Its place is free then.
void ta_supervisor_bury(struct ta_supervisor *s, struct ta_seat *seat);
// A worker says what has become of its job.
void ta_supervisor_on_result(struct ta_supervisor *s, struct ta_seat *seat, const json_t *m);
// The folder of one job's download. To be freed.
char *ta_supervisor_download_folder(const struct ta_supervisor *s, int64_t job);

#endif
