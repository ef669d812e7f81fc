// What clients and the supervisor do with jobs: each a change of values, made by the writer.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "jobs/address.h"
#include "jobs/jobs_parts.h"

enum { PROGRESS_MS = 95 }; // between two events of a job's progress

void ta_jobs_op_release(struct ta_jobs_op *op)
{
    ta_job_unref(&op->result);
    ta_freep(&op->why);
}

// Hands the results over to the caller's places, which may be NULL.
static int finish(struct ta_jobs_op *op, struct ta_job **out, char **why)
{
    if (out) {
        *out = op->result;
        op->result = NULL;
    }
    if (why) {
        *why = op->why;
        op->why = NULL;
    }
    ta_jobs_op_release(op);
    return op->err;
}

int ta_jobs_store(struct ta_jobs *jobs,
                  int (*work)(void *priv, struct ta_store *store, struct ta_job *const *added), void *priv)
{
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_STORE, .work = work, .priv = priv};
    ta_jobs_do(jobs, &op);
    return finish(&op, NULL, NULL);
}

int ta_jobs_add(struct ta_jobs *jobs, const struct ta_job_wanted *wanted, int count, struct ta_job **out)
{
    return ta_jobs_add_with(jobs, wanted, count, out, NULL, NULL);
}

int ta_jobs_add_with(struct ta_jobs *jobs, const struct ta_job_wanted *wanted, int count, struct ta_job **out,
                     int (*also)(void *priv, struct ta_store *store, struct ta_job *const *added), void *priv)
{
    struct ta_job **added = ta_xcalloc((size_t)count, sizeof(*added));
    for (int i = 0; i < count; i++) {
        added[i] = ta_job_copy(NULL);
        added[i]->priority = wanted[i].priority;
        ta_job_set(&added[i]->input, wanted[i].input);
        ta_job_set(&added[i]->output, wanted[i].output);
        ta_job_set(&added[i]->options, wanted[i].options);
        ta_job_set(&added[i]->batch, wanted[i].batch);
        ta_job_set(&added[i]->reason, "submitted");
    }
    struct ta_jobs_op op = {
        .kind = TA_JOBS_OP_ADD, .added = added, .count = count, .work = also, .priv = priv};
    int err = ta_jobs_do(jobs, &op);
    for (int i = 0; i < count; i++) {
        if (out)
            out[i] = err ? NULL : ta_job_ref(added[i]);
        ta_job_unref(&added[i]);
    }
    free(added);
    ta_jobs_op_release(&op);
    return err;
}

// ---- actions ----

static const char *const action_names[TA_JOB_ACTION_COUNT] = {"pause", "resume", "cancel", "retry"};

bool ta_job_action_from_name(const char *name, enum ta_job_action *out)
{
    for (int i = 0; i < TA_JOB_ACTION_COUNT; i++)
        if (!strcmp(action_names[i], name)) {
            *out = (enum ta_job_action)i;
            return true;
        }
    return false;
}

static void become(struct ta_job *job, enum ta_job_state state, const char *reason)
{
    job->state = state;
    job->wish = TA_JOB_WISH_NONE;
    job->not_before_ms = 0;
    ta_job_set(&job->reason, reason);
}

static int edit_action(struct ta_jobs_op *op, struct ta_job *job)
{
    enum ta_job_action action = (enum ta_job_action)op->number;
    enum ta_job_state state = job->state;
    bool active = ta_job_state_is_active(state);
    if (action == TA_JOB_PAUSE && active && job->wish != TA_JOB_WISH_CANCEL) {
        job->wish = TA_JOB_WISH_PAUSE;
    } else if (action == TA_JOB_PAUSE && state == TA_JOB_QUEUED) {
        become(job, TA_JOB_PAUSED, "paused");
    } else if (action == TA_JOB_CANCEL && active) {
        job->wish = TA_JOB_WISH_CANCEL;
    } else if (action == TA_JOB_CANCEL && (state == TA_JOB_QUEUED || state == TA_JOB_PAUSED)) {
        become(job, TA_JOB_CANCELLED, "cancelled");
    } else if (action == TA_JOB_RESUME && state == TA_JOB_PAUSED) {
        become(job, TA_JOB_QUEUED, "resumed");
    } else if (action == TA_JOB_RETRY && (state == TA_JOB_FAILED || state == TA_JOB_CANCELLED)) {
        become(job, TA_JOB_QUEUED, "tried again");
        job->attempt = 0;
        job->progress = (struct ta_job_progress){0};
        ta_job_set(&job->result, "{}");
    } else {
        ta_jobs_refuse(op, "job %" PRId64 " is %s%s: there is nothing to %s", job->id,
                       ta_job_state_name(state),
                       job->wish == TA_JOB_WISH_CANCEL ? " and being cancelled" : "", action_names[action]);
        return TA_ERR_INVALID;
    }
    return 0;
}

int ta_jobs_act(struct ta_jobs *jobs, int64_t id, enum ta_job_action action, struct ta_job **out, char **why)
{
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE, .id = id, .edit = edit_action, .number = (int)action};
    ta_jobs_do(jobs, &op);
    return finish(&op, out, why);
}

static int edit_priority(struct ta_jobs_op *op, struct ta_job *job)
{
    job->priority = op->number;
    return 0;
}

int ta_jobs_set_priority(struct ta_jobs *jobs, int64_t id, int priority, struct ta_job **out, char **why)
{
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE, .id = id, .edit = edit_priority, .number = priority};
    ta_jobs_do(jobs, &op);
    return finish(&op, out, why);
}

static int edit_position(struct ta_jobs_op *op, struct ta_job *job)
{
    job->position = op->position;
    job->priority = op->number;
    return 0;
}

// Calls `visit` for each job that stands in line with others of this priority.
static void each_in_line(struct ta_jobs *jobs, int priority, void (*visit)(void *priv, struct ta_job *job),
                         void *priv)
{
    struct ta_job_filter all = {.limit = 256};
    struct ta_job *found[256];
    bool more = true;
    while (more) {
        int count = ta_job_list_page(ta_jobs_list(jobs), &all, found, &more);
        for (int i = 0; i < count; i++) {
            if (found[i]->priority == priority && !ta_job_state_is_final(found[i]->state))
                visit(priv, found[i]);
            all.after = found[i]->id;
            ta_job_unref(&found[i]);
        }
    }
}

struct place {
    struct ta_jobs *jobs;
    int64_t id;
    double target, below; // the nearest position under the target's
    bool any;
};

static void find_below(void *priv, struct ta_job *job)
{
    struct place *p = priv;
    if (job->id == p->id || job->position >= p->target || (p->any && job->position <= p->below))
        return;
    p->below = job->position;
    p->any = true;
}

static void shift_up(void *priv, struct ta_job *job)
{
    struct place *p = priv;
    if (job->position < p->target)
        return;
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE,
                            .id = job->id,
                            .edit = edit_position,
                            .number = job->priority,
                            .position = job->position + 1};
    ta_jobs_do(p->jobs, &op);
    ta_jobs_op_release(&op);
}

// Where a job lands in front of another, and the priority it has to have there.
static int place_before(struct ta_jobs *jobs, int64_t id, int64_t before, double *position, int *priority,
                        char **why)
{
    struct ta_job *target = ta_job_list_get(ta_jobs_list(jobs), before);
    int err = 0;
    if (!target || ta_job_state_is_final(target->state)) {
        err = target ? TA_ERR_INVALID : TA_ERR_NOT_FOUND;
        if (why)
            *why = ta_xprintf(target ? "job %" PRId64 " has ended" : "there is no job %" PRId64, before);
    } else {
        struct place p = {.jobs = jobs, .id = id, .target = target->position};
        each_in_line(jobs, target->priority, find_below, &p);
        *priority = target->priority;
        *position = p.any ? p.below + (p.target - p.below) / 2 : p.target - 1;
        if ((p.any && *position <= p.below) || *position >= p.target) { // no number is left between the two
            each_in_line(jobs, target->priority, shift_up, &p);
            *position = p.target;
        }
    }
    ta_job_unref(&target);
    return err;
}

int ta_jobs_move(struct ta_jobs *jobs, int64_t id, int64_t before, struct ta_job **out, char **why)
{
    struct ta_job *job = ta_job_list_get(ta_jobs_list(jobs), id);
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE, .id = id, .edit = edit_position};
    int err = 0;
    if (out)
        *out = NULL;
    if (why)
        *why = NULL;
    if (job && before) {
        err = place_before(jobs, id, before, &op.position, &op.number, why);
    } else if (job) {
        op.to_end = true;
        op.number = job->priority;
    }
    ta_job_unref(&job);
    if (err)
        return err;
    ta_jobs_do(jobs, &op);
    return finish(&op, out, why);
}

static int edit_input(struct ta_jobs_op *op, struct ta_job *job)
{
    if (!ta_job_state_is_final(job->state)) {
        ta_jobs_refuse(op, "job %" PRId64 " is %s", job->id, ta_job_state_name(job->state));
        return TA_ERR_INVALID;
    }
    ta_job_set(&job->input, op->arg);
    return 0;
}

int ta_jobs_set_input(struct ta_jobs *jobs, int64_t id, const char *input)
{
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE, .id = id, .edit = edit_input, .arg = input};
    ta_jobs_do(jobs, &op);
    return finish(&op, NULL, NULL);
}

int ta_jobs_remove(struct ta_jobs *jobs, int64_t id, char **why)
{
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_REMOVE, .id = id};
    ta_jobs_do(jobs, &op);
    return finish(&op, NULL, why);
}

int ta_jobs_prune(struct ta_jobs *jobs, unsigned states, int64_t age_ms, int64_t keep, int *removed)
{
    enum { PAGE = 256 };
    struct ta_job_filter ended = {.limit = PAGE, .backwards = true, .states = states};
    struct ta_job *found[PAGE];
    int64_t now = ta_jobs_now_ms(), met = 0;
    bool more = true;
    int err = 0;
    *removed = 0;
    while (more && !err) {
        struct ta_jobs_op ops[PAGE];
        int count = ta_job_list_page(ta_jobs_list(jobs), &ended, found, &more), gone = 0;
        for (int i = 0; i < count; i++) {
            bool has_ended = ta_job_state_is_final(found[i]->state);
            bool old = now - found[i]->changed_ms > age_ms, many = has_ended && keep >= 0 && met++ >= keep;
            if (has_ended && (old || many))
                ops[gone++] = (struct ta_jobs_op){.kind = TA_JOBS_OP_REMOVE, .id = found[i]->id};
            ended.after = found[i]->id;
            ta_job_unref(&found[i]);
        }
        ta_jobs_do_all(jobs, ops, gone);
        for (int i = 0; i < gone; i++) {
            *removed += !ops[i].err;
            // A client may have been quicker.
            if (ops[i].err && ops[i].err != TA_ERR_NOT_FOUND && ops[i].err != TA_ERR_INVALID)
                err = ops[i].err;
            ta_jobs_op_release(&ops[i]);
        }
    }
    return err;
}

int ta_jobs_pause_all(struct ta_jobs *jobs, bool paused)
{
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_SWITCH, .key = "paused", .value = paused ? "on" : "off"};
    ta_jobs_do(jobs, &op);
    return finish(&op, NULL, NULL);
}

// ---- workers ----

bool ta_job_is_remote(const struct ta_job *job)
{
    return !*job->source && ta_address_is_web(job->input);
}

static int edit_claim(struct ta_jobs_op *op, struct ta_job *job)
{
    if (job->state != TA_JOB_QUEUED) {
        ta_jobs_refuse(op, "it is %s now", ta_job_state_name(job->state));
        return TA_ERR_INVALID;
    }
    become(job, ta_job_is_remote(job) ? TA_JOB_DOWNLOADING : TA_JOB_PLANNING, "a worker took it");
    job->progress = (struct ta_job_progress){0};
    return 0;
}

int ta_jobs_claim(struct ta_jobs *jobs, struct ta_job **out, int64_t *due_ms)
{
    *out = NULL;
    *due_ms = 0;
    while (!ta_jobs_is_paused(jobs)) {
        struct ta_job *next = ta_job_list_next(ta_jobs_list(jobs), ta_jobs_now_ms(), due_ms);
        if (!next)
            return 0;
        struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE, .id = next->id, .edit = edit_claim};
        ta_job_unref(&next);
        ta_jobs_do(jobs, &op);
        int err = finish(&op, out, NULL);
        if (err != TA_ERR_INVALID && err != TA_ERR_NOT_FOUND) // else a client was quicker: the next one
            return err;
    }
    return 0;
}

static int edit_begin(struct ta_jobs_op *op, struct ta_job *job)
{
    if (job->state != TA_JOB_PLANNING) {
        ta_jobs_refuse(op, "it is %s", ta_job_state_name(job->state));
        return TA_ERR_INVALID;
    }
    job->state = TA_JOB_RUNNING;
    job->progress = *(const struct ta_job_progress *)op->arg;
    ta_job_set(&job->reason, "");
    return 0;
}

void ta_jobs_begin(struct ta_jobs *jobs, int64_t id, const struct ta_job_progress *p)
{
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE, .id = id, .edit = edit_begin, .arg = p};
    ta_jobs_do(jobs, &op);
    ta_jobs_op_release(&op);
}

static int edit_end(struct ta_jobs_op *op, struct ta_job *job)
{
    const struct ta_job_end *end = op->arg;
    become(job, end->state, end->reason);
    job->not_before_ms = end->not_before_ms;
    job->attempt += end->attempted;
    if (end->state == TA_JOB_DONE) {
        job->warnings = end->warnings;
        job->progress.total = job->progress.fraction = 1;
        job->progress.eta = 0;
    }
    if (end->result)
        ta_job_set(&job->result, end->result);
    if (end->source) {
        ta_job_set(&job->source, end->source);
        job->attempt = 0; // what follows is another work
    }
    if (end->title)
        ta_job_set(&job->title, end->title);
    return 0;
}

int ta_jobs_end(struct ta_jobs *jobs, int64_t id, const struct ta_job_end *end)
{
    struct ta_jobs_op op = {.kind = TA_JOBS_OP_CHANGE, .id = id, .edit = edit_end, .arg = end};
    ta_jobs_do(jobs, &op);
    return finish(&op, NULL, NULL);
}

// ---- progress: never on disk ----

void ta_jobs_report(struct ta_jobs *jobs, int64_t id, const struct ta_job_progress *p)
{
    struct ta_job *old = ta_job_list_get(ta_jobs_list(jobs), id);
    if (!old || !ta_job_state_is_active(old->state)) {
        ta_job_unref(&old);
        return;
    }
    // Workers tell at most ten times a second; whoever tells more often is heard, but not told of each time.
    int64_t now = (int64_t)(ta_clock_seconds() * 1000);
    bool due = now - old->told_ms >= PROGRESS_MS || strcmp(old->progress.phase, p->phase) != 0;
    struct ta_job *value = ta_job_copy(old);
    value->progress = *p;
    value->told_ms = due ? now : old->told_ms;
    bool running = old->state == TA_JOB_PLANNING && p->frames_total > 0;
    ta_job_list_hold(ta_jobs_list(jobs));
    if (ta_job_list_report(ta_jobs_list(jobs), old, value) && due) {
        struct ta_buf event = {0};
        ta_job_progress_text(&event, p, id);
        ta_events_publish(ta_jobs_events(jobs), "progress", ta_buf_take(&event));
    }
    ta_job_list_let_go(ta_jobs_list(jobs));
    ta_job_unref(&old);
    if (running)
        ta_jobs_begin(jobs, id, p);
}
