// All jobs in memory, for readers: under a read-write lock that is held only to look a value up, to take
// references, or to swap finished values. Nothing is allocated, written or told under it.
//
// For measurements there is the way that is usual elsewhere (the switch queue_rwlock of tuning.h): one mutex
// for everybody, which is held as well while a list is put into words and while changes are told.
#ifndef TA_JOBS_LIST_H
#define TA_JOBS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobs/job.h"

struct ta_job_list;
int ta_job_list_create(struct ta_job_list **out, bool one_mutex); // 0 or TA_ERR_NOMEM
void ta_job_list_destroy(struct ta_job_list **x);

// Around what makes a list into words, or tells of a change: the mutex is held for all of it. With the
// read-write lock they do nothing. Calls nest.
void ta_job_list_hold(struct ta_job_list *x);
void ta_job_list_let_go(struct ta_job_list *x);

// For measurements: `passed` hears of each time that the lock was held, when it has been given back, how long
// the thread waited for it and how long it had it, in seconds. Set it before threads use the list; NULL:
// none.
void ta_job_list_watch(struct ta_job_list *x,
                       void (*passed)(void *priv, bool writer, double waited, double held), void *priv);

// Thread-safety of all below: Safe. A reference to the job, or NULL.
struct ta_job *ta_job_list_get(struct ta_job_list *x, int64_t id);

// Which jobs of a list: of any state in the mask (bit 1 << state; 0: all), of this batch and with this text
// in the name of the input (NULL: all).
struct ta_job_filter {
    unsigned states;
    const char *batch, *text;
    int64_t after;  // ids beyond this one; 0: from the first
    int limit;      // 1..
    bool backwards; // from the newest; `after` then is what the ids are below (0: from the last)
};
// Up to `limit` references into `out`, by id; the count. *more says that others follow.
int ta_job_list_page(struct ta_job_list *x, const struct ta_job_filter *filter, struct ta_job **out,
                     bool *more);
// How many jobs are in each state.
void ta_job_list_counts(struct ta_job_list *x, int64_t counts[TA_JOB_STATE_COUNT]);
// The queued job whose turn it is at `now_ms`: highest priority, then lowest position, then id; a reference
// or NULL. Then *due_ms is when the first of those that wait for a time becomes due (0: none waits).
struct ta_job *ta_job_list_next(struct ta_job_list *x, int64_t now_ms, int64_t *due_ms);

// ---- writers: one at a time ----

// Swaps in finished values, all at once: each replaces the job of its id, or is new (ids rise). `gone` are
// ids to be taken out. Takes the references. 0, or TA_ERR_NOMEM with nothing changed and taken.
int ta_job_list_swap(struct ta_job_list *x, struct ta_job *const *values, int count, const int64_t *gone,
                     int gone_count);
// Room for so many more, so that the next swap of new jobs can't fail.
int ta_job_list_reserve(struct ta_job_list *x, size_t more);
// A job's new progress, if it is still the value `old`. Takes `value`. False when another came first.
bool ta_job_list_report(struct ta_job_list *x, const struct ta_job *old, struct ta_job *value);

#endif
