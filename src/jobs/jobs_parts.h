// What jobs.c and jobs_steps.c share: operations that wait for the writer.
#ifndef TA_JOBS_JOBS_PARTS_H
#define TA_JOBS_JOBS_PARTS_H

#include "jobs/jobs.h"

enum ta_jobs_op_kind {
    TA_JOBS_OP_ADD,
    TA_JOBS_OP_CHANGE,
    TA_JOBS_OP_REMOVE,
    TA_JOBS_OP_SWITCH,
    TA_JOBS_OP_STORE
};

struct ta_store;

struct ta_jobs_op {
    enum ta_jobs_op_kind kind;
    int64_t id;
    // CHANGE: edits a copy of the job, on the writer's thread. 0, or TA_ERR_INVALID after ta_jobs_refuse().
    int (*edit)(struct ta_jobs_op *op, struct ta_job *job);
    const void *arg;
    int number;
    double position;
    bool to_end;           // CHANGE: it gets the highest position of all
    struct ta_job **added; // ADD
    int count;
    const char *key, *value; // SWITCH
    // STORE, and with ADD behind the new jobs: more of the same transaction.
    int (*work)(void *priv, struct ta_store *store, struct ta_job *const *added);
    void *priv;
    // Results.
    struct ta_job *result; // CHANGE
    int err;
    char *why;
    // The writer's.
    bool done;
    struct ta_jobs_op *next;
};

// Waits until the writer has made it durable; its result.
int ta_jobs_do(struct ta_jobs *jobs, struct ta_jobs_op *op);
// The same of several, which the writer takes together; the results are in them.
void ta_jobs_do_all(struct ta_jobs *jobs, struct ta_jobs_op *ops, int count);
void ta_jobs_refuse(struct ta_jobs_op *op, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ta_jobs_op_release(struct ta_jobs_op *op);
// The job's worker has begun to restore.
void ta_jobs_begin(struct ta_jobs *jobs, int64_t id, const struct ta_job_progress *p);

#endif
