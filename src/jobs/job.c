#include "jobs/job.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static const char *const state_names[TA_JOB_STATE_COUNT] = {
#define TA_JOB_STATE_NAME(id, name) name,
    TA_JOB_STATE_LIST(TA_JOB_STATE_NAME)
#undef TA_JOB_STATE_NAME
};

#define TO(state) (1u << TA_JOB_##state)

// What each state may become. A job goes back to the queue when its worker crashed or the service stopped;
// what has ended begins again only by "retry", and what is done never: that is another job.
static const unsigned legal[TA_JOB_STATE_COUNT] = {
    [TA_JOB_QUEUED] = TO(DOWNLOADING) | TO(PLANNING) | TO(PAUSED) | TO(CANCELLED) | TO(FAILED),
    [TA_JOB_DOWNLOADING] = TO(QUEUED) | TO(PLANNING) | TO(PAUSED) | TO(CANCELLED) | TO(FAILED),
    [TA_JOB_PLANNING] = TO(QUEUED) | TO(RUNNING) | TO(PAUSED) | TO(DONE) | TO(FAILED) | TO(CANCELLED),
    [TA_JOB_RUNNING] = TO(QUEUED) | TO(PAUSED) | TO(DONE) | TO(FAILED) | TO(CANCELLED),
    [TA_JOB_PAUSED] = TO(QUEUED) | TO(CANCELLED),
    [TA_JOB_DONE] = 0,
    [TA_JOB_FAILED] = TO(QUEUED),
    [TA_JOB_CANCELLED] = TO(QUEUED),
};

const char *ta_job_state_name(enum ta_job_state state)
{
    return state_names[state];
}

const char *ta_job_wish_name(enum ta_job_wish wish)
{
    static const char *const names[TA_JOB_WISH_COUNT] = {"", "pause", "cancel"};
    return names[wish];
}

bool ta_job_state_from_name(const char *name, enum ta_job_state *out)
{
    for (int i = 0; i < TA_JOB_STATE_COUNT; i++)
        if (!strcmp(state_names[i], name)) {
            *out = (enum ta_job_state)i;
            return true;
        }
    return false;
}

bool ta_job_may_become(enum ta_job_state from, enum ta_job_state to)
{
    return legal[from] >> to & 1;
}

bool ta_job_state_is_active(enum ta_job_state state)
{
    return state == TA_JOB_DOWNLOADING || state == TA_JOB_PLANNING || state == TA_JOB_RUNNING;
}

bool ta_job_state_is_final(enum ta_job_state state)
{
    return state == TA_JOB_DONE || state == TA_JOB_FAILED || state == TA_JOB_CANCELLED;
}

struct ta_job *ta_job_copy(const struct ta_job *job)
{
    struct ta_job *copy = ta_xcalloc(1, sizeof(*copy));
    const size_t values = offsetof(struct ta_job, id); // others may count references meanwhile
    if (job)
        memcpy((char *)copy + values, (const char *)job + values, sizeof(*copy) - values);
    atomic_init(&copy->references, 1);
    copy->input = ta_xstrdup(job ? job->input : "");
    copy->output = ta_xstrdup(job ? job->output : "");
    copy->options = ta_xstrdup(job ? job->options : "{}");
    copy->batch = ta_xstrdup(job ? job->batch : "");
    copy->reason = ta_xstrdup(job ? job->reason : "");
    copy->result = ta_xstrdup(job ? job->result : "{}");
    copy->source = ta_xstrdup(job ? job->source : "");
    copy->title = ta_xstrdup(job ? job->title : "");
    return copy;
}

struct ta_job *ta_job_ref(struct ta_job *job)
{
    atomic_fetch_add_explicit(&job->references, 1, memory_order_relaxed);
    return job;
}

void ta_job_unref(struct ta_job **job)
{
    struct ta_job *j = *job;
    *job = NULL;
    if (!j || atomic_fetch_sub_explicit(&j->references, 1, memory_order_acq_rel) > 1)
        return;
    free(j->input);
    free(j->output);
    free(j->options);
    free(j->batch);
    free(j->reason);
    free(j->result);
    free(j->source);
    free(j->title);
    free(j);
}

void ta_job_set(char **field, const char *text)
{
    char *copy = ta_xstrdup(text ? text : "");
    free(*field);
    *field = copy;
}

static int64_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

// A name of the worker's, as far as there is room.
static void copy_name(char *out, size_t size, const json_t *o, const char *key)
{
    const char *name = json_string_value(json_object_get(o, key));
    size_t n = 0;
    for (size_t step; name && name[n] && (step = TA_MAX(ta_utf8_length(name + n), (size_t)1)) < size - n;)
        n += step; // no half characters
    if (n)
        memcpy(out, name, n);
}

void ta_job_progress_read(struct ta_job_progress *out, const json_t *o)
{
    *out = (struct ta_job_progress){
        .fraction = number(o, "fraction"),
        .total = number(o, "total"),
        .fps = number(o, "fps"),
        .eta = number(o, "eta"),
        .elapsed = number(o, "elapsed"),
        .frames_done = whole(o, "frames_done"),
        .frames_total = whole(o, "frames_total"),
        .bytes = whole(o, "bytes"),
        .rss = whole(o, "rss"),
        .segments_done = (int)whole(o, "segments_done"),
        .segments_total = (int)whole(o, "segments_total"),
        .tasks_done = (int)whole(o, "tasks_done"),
        .tasks_total = (int)whole(o, "tasks_total"),
    };
    copy_name(out->phase, sizeof(out->phase), o, "phase");
    copy_name(out->kind, sizeof(out->kind), o, "kind");
    copy_name(out->stage, sizeof(out->stage), o, "stage");
}

json_t *ta_job_object(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    if (json_is_object(o))
        return o;
    json_decref(o);
    return json_object();
}
