// A job's pictures, plan, report, and parts of it made again.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "base/tree.h"
#include "jobs/jobs.h"
#include "server/http.h"
#include "server/looks.h"
#include "server/recipe.h"
#include "server/routes.h"

void ta_look_job(struct ta_request *r)
{
    struct ta_job *job = ta_route_find_job(r);
    // What clients named may have been exchanged since.
    if (job && !ta_roots_hold(r, job->output))
        ta_roots_refuse(r, job->output);
    ta_job_unref(&job);
}

// Asks about the job's work; takes `look`. What is found holds until the job changes.
static void ask_about_work(struct ta_request *r, json_t *look, const struct ta_job *job)
{
    json_t *options = ta_job_object(job->options);
    char *state = ta_xprintf("job %" PRId64 " %" PRId64 " %s", job->id, job->changed_ms,
                             ta_job_state_name(job->state));
    json_object_set_new(look, "output", json_string(job->output));
    json_object_set_new(look, "source", json_string(*job->source ? job->source : job->input));
    json_object_set_new(look, "work_dir", json_string(ta_json_member_text(options, "work-dir")));
    ta_look_ask(r, look, state, TA_ASK_SHORT);
    if (r->status == 404)
        ta_request_problem(r, 404, "not-made-yet", "that is not made yet");
    free(state);
    json_decref(options);
}

void ta_route_job_picture(struct ta_request *r)
{
    struct ta_job *job = ta_route_find_job(r);
    json_t *look = json_pack("{s:s}", "kind", "made");
    if (job && ta_look_side(r, look) && ta_look_picture_size(r, look)) {
        if (json_object_get(look, "frame"))
            ask_about_work(r, json_incref(look), job);
        else
            ta_request_problem(r, 422, "number", "frame must be the number of a frame of the output");
    }
    json_decref(look);
    ta_job_unref(&job);
}

static void ask_part(struct ta_request *r, const char *part)
{
    struct ta_job *job = ta_route_find_job(r);
    if (job)
        ask_about_work(r, json_pack("{s:s, s:s}", "kind", "report", "part", part), job);
    ta_job_unref(&job);
}

void ta_route_job_plan(struct ta_request *r)
{
    ask_part(r, "plan");
}

void ta_route_job_report(struct ta_request *r)
{
    ask_part(r, "report");
}

void ta_route_job_measurements(struct ta_request *r)
{
    ask_part(r, "measures");
}

// ---- again ----

// The options of the job with those that are new for the range.
static json_t *redo_options(const struct ta_job *job, const json_t *changes, const char *range)
{
    json_t *o = ta_job_object(job->options);
    json_object_update(o, (json_t *)changes);
    json_object_set_new(o, "keep-work", json_string("on"));
    json_object_set_new(o, "overwrite", json_string("on"));
    json_object_set_new(o, "redo", json_string(range));
    return o;
}

void ta_route_redo(struct ta_request *r)
{
    struct ta_recipe recipe = {0};
    struct ta_job *job = ta_route_find_job(r), *again = NULL;
    const char *range = json_string_value(json_object_get(r->body, "range"));
    const json_t *options = json_object_get(r->body, "options");
    if (!job)
        return;
    if (!range || !*range || (options && !json_is_object(options)))
        ta_request_problem(
            r, 422, "no-range",
            "give {\"range\": \"12:30-12:48\", \"options\": {name: value}}: what is made again, and "
            "with what");
    else if (job->state != TA_JOB_DONE)
        ta_request_problem(r, 409, "not-done", "job %" PRId64 " is %s: nothing can be made again yet",
                           job->id, ta_job_state_name(job->state));
    else if (ta_recipe_read(r, options, &recipe)) {
        json_t *all = redo_options(job, recipe.texts, range);
        char *text = json_dumps(all, JSON_COMPACT);
        struct ta_job_wanted wanted = {job->input, job->output, text, job->batch, job->priority};
        int err = ta_jobs_add(r->jobs, &wanted, 1, &again);
        if (err)
            ta_request_problem(r, err == TA_ERR_NO_SPACE ? 507 : 503, "list-not-written",
                               "the list of jobs can't be written (%s); the service's log says why",
                               ta_error_text(err));
        else
            ta_request_reply(r, 201, ta_job_json(again));
        ta_job_unref(&again);
        free(text);
        json_decref(all);
    }
    ta_recipe_release(&recipe);
    ta_job_unref(&job);
}
