// The queue: jobs that are kept on disk, change only by legal steps, and are told of.
//
// One thread writes: it takes all that waits, makes it one transaction, and when that is on disk swaps the
// values into the index, tells events and lets the callers go on. So what a caller was told is on disk, and
// readers never wait for a disk. Thread-safety: Safe, except open and close.
#ifndef TA_JOBS_JOBS_H
#define TA_JOBS_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "jobs/events.h"
#include "jobs/list.h"
#include "jobs/job.h"

struct ta_log;
struct ta_tuning;
struct ta_jobs;

// The queue kept in the folder `dir`, made where it is missing. One process at a time: TA_ERR_BUSY names the
// other's number. Jobs that a service before this one had begun are queued again (paused or cancelled where
// that was asked for). Of the tuning queue_rwlock counts; NULL: as it is best.
int ta_jobs_open(struct ta_jobs **out, const char *dir, const struct ta_tuning *tuning, struct ta_log *log);
void ta_jobs_close(struct ta_jobs **jobs);

struct ta_job_list *ta_jobs_list(struct ta_jobs *jobs);
struct ta_events *ta_jobs_events(struct ta_jobs *jobs);
// The changes of one job (ta_store_history()).
json_t *ta_jobs_history(struct ta_jobs *jobs, int64_t id);

// ---- for clients ----

struct ta_job_wanted {
    const char *input, *output; // from the root
    const char *options;        // JSON object of texts
    const char *batch;          // "" for none
    int priority;
};
// All of them or none; *out (may be NULL; room for `count`) gets references to the new jobs. 0, or TA_ERR_*
// (logged).
int ta_jobs_add(struct ta_jobs *jobs, const struct ta_job_wanted *wanted, int count, struct ta_job **out);

enum ta_job_action {
    TA_JOB_PAUSE = 0, // a worker stops and its work is kept
    TA_JOB_RESUME,
    TA_JOB_CANCEL,
    TA_JOB_RETRY, // what failed or was cancelled
    TA_JOB_ACTION_COUNT
};
bool ta_job_action_from_name(const char *name,
                             enum ta_job_action *out); // "pause", "resume", "cancel", "retry"
// What follow return: 0 and (out may be NULL) a reference to the job as it is then; TA_ERR_NOT_FOUND;
// TA_ERR_INVALID when its state does not allow that, with the reason in *why (to be freed; may be NULL). A
// job that a worker is on keeps its state until the worker has obeyed: it has a wish then.
int ta_jobs_act(struct ta_jobs *jobs, int64_t id, enum ta_job_action action, struct ta_job **out, char **why);
int ta_jobs_set_priority(struct ta_jobs *jobs, int64_t id, int priority, struct ta_job **out, char **why);
// In front of job `before`, or (0) behind all.
int ta_jobs_move(struct ta_jobs *jobs, int64_t id, int64_t before, struct ta_job **out, char **why);
// A job that has ended: its source lies elsewhere now.
int ta_jobs_set_input(struct ta_jobs *jobs, int64_t id, const char *input);
// Takes a job that is not worked on out of the list.
int ta_jobs_remove(struct ta_jobs *jobs, int64_t id, char **why);
// Takes out all of these states (mask) that ended more than `age_ms` ago, and of the others all but the
// newest `keep` (-1: all are kept); the count in *removed.
int ta_jobs_prune(struct ta_jobs *jobs, unsigned states, int64_t age_ms, int64_t keep, int *removed);

// The switches of the whole queue: paused starts nothing, until it is taken back; draining the same, until
// the service ends.
int ta_jobs_pause_all(struct ta_jobs *jobs, bool paused);
bool ta_jobs_is_paused(struct ta_jobs *jobs);

// ---- for the other parts of the service ----

struct ta_store;

// Adds jobs, and in the same transaction whatever `also` writes (store.h): both are on disk, or neither.
// `also` runs on the writer's thread and must not call the queue; 0, or the error that undoes all.
int ta_jobs_add_with(struct ta_jobs *jobs, const struct ta_job_wanted *wanted, int count, struct ta_job **out,
                     int (*also)(void *priv, struct ta_store *store, struct ta_job *const *added),
                     void *priv);
// A transaction of its own; `added` is NULL.
int ta_jobs_store(struct ta_jobs *jobs,
                  int (*work)(void *priv, struct ta_store *store, struct ta_job *const *added), void *priv);

// What is to be on disk as soon as a job has ended. Both run on the writer's thread within the transaction
// that ends the job, and must not call the queue; an error undoes it. Set before jobs end; {0}: nothing.
struct ta_jobs_hooks {
    int (*ended)(void *priv, struct ta_store *store, const struct ta_job *job); // done or failed
    int (*emptied)(void *priv, struct ta_store *store); // that was the last: nothing waits, nothing runs
    void *priv;
};
void ta_jobs_set_hooks(struct ta_jobs *jobs, const struct ta_jobs_hooks *hooks);

// Called after each transaction, by the writer's thread, which must not call the queue from it. Up to
// TA_JOBS_WAKES at a time, told apart by `priv`; `wake` NULL takes that one back: it is not being called any
// more.
enum { TA_JOBS_WAKES = 8 };
void ta_jobs_on_change(struct ta_jobs *jobs, void (*wake)(void *priv), void *priv);

// Called for each job that is taken out of the list unfinished when its work, or that of an earlier one of
// the same file, lies where nobody will go on with it (left.h). By the writer's thread, which must not call
// the queue from it; NULL takes it back.
void ta_jobs_on_leave(struct ta_jobs *jobs, void (*leave)(void *priv, const struct ta_job *job), void *priv);

// ---- for the supervisor ----

// Is the input an address whose film is still to be got?
bool ta_job_is_remote(const struct ta_job *job);
// The job whose turn it is becomes "planning", or "downloading"; a reference. 0 with *out NULL when there is
// none; *due_ms then is when the next becomes due (0: never).
int ta_jobs_claim(struct ta_jobs *jobs, struct ta_job **out, int64_t *due_ms);
// Its worker's progress. The first frame that is restored makes the job "running".
void ta_jobs_report(struct ta_jobs *jobs, int64_t id, const struct ta_job_progress *p);

// How a worker's turn ended.
struct ta_job_end {
    enum ta_job_state state; // DONE, FAILED, CANCELLED, PAUSED or QUEUED (again, at not_before_ms)
    const char *reason;
    const char *result; // JSON; NULL: as it was
    int64_t warnings;
    int64_t not_before_ms;
    bool attempted;             // counts as an attempt that failed by itself
    const char *source, *title; // what was got of its address; NULL: as it was
};
int ta_jobs_end(struct ta_jobs *jobs, int64_t id, const struct ta_job_end *end);

// Milliseconds since 1970.
int64_t ta_jobs_now_ms(void);

#endif
