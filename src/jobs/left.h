// What unfinished jobs leave behind: work folders, with which the next job of the same file goes on. All run
// on the writer's thread, within its transaction.
#ifndef TA_JOBS_LEFT_H
#define TA_JOBS_LEFT_H

#include <stdbool.h>

struct ta_job;
struct ta_store;

// An unfinished job is about to be taken out of the list. *alone says that work of a worker may lie there
// with which nobody else will go on. Where another job makes the same file in the same place it is noted that
// it does: what is left is that job's then. 0 or TA_ERR_*.
int ta_left_on_remove(struct ta_store *store, const struct ta_job *job, bool *alone);
// A job is done: nothing is left of its file. 0 or TA_ERR_*.
int ta_left_on_done(struct ta_store *store, const struct ta_job *job);

#endif
