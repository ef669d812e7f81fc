// All jobs in memory, for readers: under a read-write lock that is held only to look a value up, to take
// references, or to swap finished values. Nothing is allocated, written or told under it.
#ifndef TA_JOBS_LIST_H
#define TA_JOBS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobs/job.h"

struct ta_job_list;
int ta_job_list_create(struct ta_job_list **out); // 0 or TA_ERR_NOMEM
void ta_job_list_destroy(struct ta_job_list **x);

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
// or NULL. *wait_ms is when the first of those that wait for a time becomes due (0: none waits).
struct ta_job *ta_job_list_next(struct ta_job_list *x, int64_t now_ms, int64_t *due_ms);
// The highest position of the jobs that have not ended; 0 without any.
double ta_job_list_last_position(struct ta_job_list *x);

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
