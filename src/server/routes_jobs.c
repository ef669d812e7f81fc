// The jobs of the queue.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "base/words.h"
#include "jobs/address.h"
#include "jobs/alerts.h"
#include "jobs/jobs.h"
#include "jobs/supervisor.h"
#include "media/mux/containers.h"
#include "media/parts/name.h"
#include "recipe/options.h"
#include "restore/output.h"
#include "server/http.h"
#include "server/recipe.h"
#include "server/looks.h"
#include "server/roots.h"
#include "server/routes.h"
#include "server/tables.h"

enum { PAGE_MAX = 1000, PAGE = 100, BATCH_JOBS_MAX = 1000, ACTIONS_MAX = 1000 };

static void reply(struct ta_request *r, int status, json_t *answer)
{
    ta_request_reply(r, status, answer);
}

// What the queue said as an answer of HTTP; frees `why`.
static void refuse(struct ta_request *r, int err, char *why)
{
    if (err == TA_ERR_NOT_FOUND)
        ta_request_problem(r, 404, "no-such-job", "%s", why ? why : ta_error_text(err));
    else if (err == TA_ERR_INVALID)
        ta_request_problem(r, 409, "not-in-this-state", "%s", why ? why : ta_error_text(err));
    else
        ta_request_problem(r, err == TA_ERR_NO_SPACE ? 507 : 503, "list-not-written",
                           "the list of jobs can't be written (%s); the service's log says why",
                           ta_error_text(err));
    if (r->id)
        ta_request_arg(r, "id", json_integer(r->id));
    free(why);
}

// The changed job, or the refusal; takes both.
static void reply_job(struct ta_request *r, int err, struct ta_job *job, char *why)
{
    if (err)
        refuse(r, err, why);
    else
        reply(r, 200, ta_job_json(job));
    ta_job_unref(&job);
}

// ---- submitting ----

// What one job of a request becomes. Texts are owned.
struct wish {
    char *input, *output, *options, *batch;
    int priority;
};

static void release_wishes(struct wish *wishes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(wishes[i].input);
        free(wishes[i].output);
        free(wishes[i].options);
        free(wishes[i].batch);
    }
    free(wishes);
}

// An address of the web: what is there shows when it is got.
static bool check_address(struct ta_request *r, const char *input)
{
    bool plain = !ta_address_has_user(input);
    for (const char *c = input; *c; c++)
        plain = plain && (unsigned char)*c > ' ' && *c != 0x7f;
    if (!plain)
        ta_request_problem(r, 422, "bad-address", "%s: an address has no spaces, names or passwords in it",
                           input);
    return !r->status;
}

bool ta_route_check_source(struct ta_request *r, const char *input)
{
    char **files;
    int count = ta_name_files(input, &files);
    bool ok = count > 0;
    for (int i = 0; i < count && ok; i++) {
        if (files[i][0] != '/')
            ta_request_problem(r, 422, "path-not-whole", "%s: give the whole path, from /", files[i]);
        else if (!ta_roots_hold(r, files[i]))
            ta_roots_refuse(r, files[i]);
        ok = !r->status;
    }
    ta_name_files_free(&files);
    if (ok && !ta_utf8_valid(input)) // no question about it could be put into words
        ta_request_problem(r, 422, "name-not-utf8", "%s: the service takes names in UTF-8 alone", input);
    else if (ok && !ta_name_exists(input))
        ta_request_problem(r, 422, "no-such-file", "%s: no file of this name", input);
    if (r->status)
        ta_request_arg(r, "file", ta_json_any_text(input));
    return !r->status;
}

static bool check_output(struct ta_request *r, const char *input, const char *output)
{
    struct stat st;
    char *dir = ta_path_dir(output);
    if (output[0] != '/')
        ta_request_problem(r, 422, "path-not-whole", "%s: give the whole path, from /", output);
    else if (!ta_roots_hold(r, dir))
        ta_roots_refuse(r, output);
    else if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
        ta_request_problem(r, 422, "no-such-folder", "%s: there is no such folder", dir);
    else if (ta_name_holds(input, output))
        ta_request_problem(r, 422, "output-is-source", "%s: that is the source", output);
    else if (!ta_container_find(ta_path_extension(output)))
        ta_request_problem(r, 422, "output-container",
                           "%s: the name does not tell the container (.mp4, .mkv and others)%s", output,
                           *ta_path_extension(output) ? "" : "; the name of a folder ends with \"/\"");
    if (r->status)
        ta_request_arg(r, "file", ta_json_any_text(output));
    free(dir);
    return !r->status;
}

// The options of a job, which mostly are those of the one before it: they are read once then.
struct shared_recipe {
    struct ta_recipe recipe;
    const json_t *of; // what it was read from; NULL: nothing yet
};

static bool read_recipe(struct ta_request *r, const json_t *options, struct shared_recipe *shared)
{
    if (shared->of && options && json_equal((json_t *)shared->of, (json_t *)options))
        return true;
    ta_recipe_release(&shared->recipe);
    shared->of = options;
    return ta_recipe_read(r, options, &shared->recipe);
}

static void read_wish(struct ta_request *r, const json_t *o, struct shared_recipe *shared, struct wish *w)
{
    static const char *const known[] = {"input", "output", "options", "batch", "priority", NULL};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)o, key, value)
    {
        bool is = false;
        for (int i = 0; known[i]; i++)
            is = is || !strcmp(key, known[i]);
        if (!is) {
            const char *nearest = ta_nearest(key, known);
            ta_request_problem(r, 422, "unknown-member", "unknown member \"%s\"%s%s%s", key,
                               nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                               nearest ? "\"?" : "");
            return;
        }
    }
    const json_t *options = json_object_get(o, "options"), *priority = json_object_get(o, "priority"),
                 *input = json_object_get(o, "input"), *output = json_object_get(o, "output"),
                 *batch = json_object_get(o, "batch");
    if (!json_is_string(input) || (output && !json_is_string(output)) || (batch && !json_is_string(batch)) ||
        (options && !json_is_object(options)) || (priority && !json_is_integer(priority))) {
        ta_request_problem(r, 422, "no-job",
                           "a job is {\"input\": path, \"output\": path, \"options\": {name: value}, "
                           "\"batch\": text, \"priority\": number}; only the input must be there");
        return;
    }
    json_int_t level = priority ? json_integer_value(priority) : 0;
    if (level < TA_JOB_PRIORITY_MIN || level > TA_JOB_PRIORITY_MAX) {
        ta_request_problem(r, 422, "priority", "priority must lie in %d..%d", TA_JOB_PRIORITY_MIN,
                           TA_JOB_PRIORITY_MAX);
        return;
    }
    w->priority = (int)level;
    w->input = ta_xstrdup(json_string_value(input));
    w->batch = ta_xstrdup(batch ? json_string_value(batch) : "");
    bool web = ta_address_is_web(w->input);
    if (web && !output)
        ta_request_problem(r, 422, "no-output", "%s: say with \"output\" where the file goes", w->input);
    bool ok = !r->status && (web ? check_address(r, w->input) : ta_route_check_source(r, w->input));
    if (ok && read_recipe(r, options, shared)) {
        w->options = json_dumps(shared->recipe.texts, JSON_COMPACT);
        w->output = output
                        ? ta_xstrdup(json_string_value(output))
                        : ta_name_output(w->input, ta_output_extension_of(shared->recipe.options, w->input));
        check_output(r, w->input, w->output);
    }
}

void ta_route_jobs_post(struct ta_request *r)
{
    json_t *list = json_object_get(r->body, "jobs"), *answer = NULL;
    size_t count = list ? json_array_size(list) : 1;
    if (!r->body || (list && (!json_is_array(list) || !count || count > BATCH_JOBS_MAX))) {
        ta_request_problem(r, 422, "no-job", "give a job, or {\"jobs\": [...]} with 1 to %d of them",
                           (int)BATCH_JOBS_MAX);
        return;
    }
    struct wish *wishes = ta_xcalloc(count, sizeof(*wishes));
    struct ta_job_wanted *wanted = ta_xcalloc(count, sizeof(*wanted));
    struct ta_job **jobs = ta_xcalloc(count, sizeof(*jobs));
    struct shared_recipe shared = {.of = NULL};
    for (size_t i = 0; i < count && !r->status; i++) {
        read_wish(r, list ? json_array_get(list, i) : r->body, &shared, &wishes[i]);
        wanted[i] = (struct ta_job_wanted){wishes[i].input, wishes[i].output, wishes[i].options,
                                           wishes[i].batch, wishes[i].priority};
        for (size_t k = 0; k < i && !r->status; k++)
            if (!strcmp(wishes[k].output, wishes[i].output))
                ta_request_problem(r, 422, "same-output", "%s: two of the jobs would make this file",
                                   wishes[i].output);
    }
    int err = r->status ? 0 : ta_jobs_add(r->jobs, wanted, (int)count, jobs);
    if (err)
        refuse(r, err, NULL);
    if (!r->status) {
        answer = list ? json_array() : ta_job_json(jobs[0]);
        for (size_t i = 0; i < count && list; i++)
            json_array_append_new(answer, ta_job_json(jobs[i]));
        reply(r, 201, list ? json_pack("{s:o}", "jobs", answer) : answer);
    }
    for (size_t i = 0; i < count; i++)
        ta_job_unref(&jobs[i]);
    ta_recipe_release(&shared.recipe);
    free(jobs);
    free(wanted);
    release_wishes(wishes, count);
}

// ---- lists ----

// "queued,running": which states; false after a refusal.
static bool query_states(struct ta_request *r, unsigned *mask)
{
    const char *text = ta_request_query(r, "state");
    *mask = 0;
    while (text && *text) {
        size_t n = strcspn(text, ",");
        char *name = ta_xstrndup(text, n);
        enum ta_job_state state;
        bool known = ta_job_state_from_name(name, &state);
        if (known)
            *mask |= 1u << state;
        else
            ta_request_problem(r, 422, "no-such-state", "there is no state \"%s\"", name);
        free(name);
        if (!known)
            return false;
        text += n + (text[n] == ',');
    }
    return true;
}

static struct ta_blob *read_page(struct ta_request *r, struct ta_job_filter *f, int64_t event)
{
    struct ta_job *found[PAGE_MAX];
    struct ta_buf out = {0};
    bool more;
    double begun = ta_clock_seconds();
    ta_job_list_hold(ta_jobs_list(r->jobs));
    int count = ta_job_list_page(ta_jobs_list(r->jobs), f, found, &more);
    if (r->config->alerts)
        ta_alerts_query(r->config->alerts, ta_clock_seconds() - begun);
    int64_t last = 0;
    ta_buf_puts(&out, "{\"jobs\":[");
    for (int i = 0; i < count; i++) {
        if (i)
            ta_buf_putc(&out, ',');
        ta_job_text(&out, found[i]);
        last = found[i]->id;
        ta_job_unref(&found[i]);
    }
    ta_job_list_let_go(ta_jobs_list(r->jobs));
    ta_buf_printf(&out, "],\"paused\":%s,\"next\":", ta_jobs_is_paused(r->jobs) ? "true" : "false");
    if (more)
        ta_buf_printf(&out, "%" PRId64, last);
    else
        ta_buf_puts(&out, "null");
    ta_buf_printf(&out, ",\"event\":%" PRId64 "}", event);
    size_t size = out.size;
    return ta_blob_create_named(ta_buf_take(&out), size, "application/json", r->etag);
}

void ta_route_jobs(struct ta_request *r)
{
    struct ta_job_filter f = {.batch = ta_request_query(r, "batch"), .text = ta_request_query(r, "text")};
    const char *order = ta_request_query(r, "order");
    int64_t limit = PAGE;
    if (!ta_request_number(r, "after", 0, INT64_MAX - 1, &f.after) ||
        !ta_request_number(r, "limit", 1, PAGE_MAX, &limit) || !query_states(r, &f.states))
        return;
    if (order && strcmp(order, "newest") && strcmp(order, "oldest")) {
        ta_request_problem(r, 422, "no-such-order", "order is \"oldest\" or \"newest\"");
        return;
    }
    // Whatever changes in the list is an event.
    int64_t event = ta_events_last(ta_jobs_events(r->jobs));
    if (ta_request_is_known(r, ta_xprintf("%s-%" PRId64, r->run, event)))
        return;
    f.limit = (int)limit;
    f.backwards = order && !strcmp(order, "newest");
    const char *batch = f.batch ? f.batch : "", *text = f.text ? f.text : "";
    char *key = ta_xprintf("%" PRId64 " %d %d %u %" PRId64 " %d%zu:%s %d%zu:%s", event, f.limit, f.backwards,
                           f.states, f.after, f.batch != NULL, strlen(batch), batch, f.text != NULL,
                           strlen(text), text);
    r->blob = ta_tables_find(r->tables, key);
    if (!r->blob) {
        r->blob = read_page(r, &f, event);
        ta_tables_keep(r->tables, key, r->blob);
    }
    r->status = 200;
    free(key);
}

struct ta_job *ta_route_find_job(struct ta_request *r)
{
    struct ta_job *job = ta_job_list_get(ta_jobs_list(r->jobs), r->id);
    if (!job) {
        ta_request_problem(r, 404, "no-such-job", "there is no job %" PRId64, r->id);
        ta_request_arg(r, "id", json_integer(r->id));
    }
    return job;
}

void ta_route_job(struct ta_request *r)
{
    int64_t event = ta_events_last(ta_jobs_events(r->jobs));
    struct ta_job *job = ta_route_find_job(r);
    if (job && !ta_request_is_known(r, ta_xprintf("%s-%" PRId64, r->run, event))) {
        struct ta_buf out = {0};
        ta_job_text(&out, job);
        size_t size = out.size;
        r->blob = ta_blob_create_named(ta_buf_take(&out), size, "application/json", r->etag);
        r->status = 200;
    }
    ta_job_unref(&job);
}

void ta_route_job_history(struct ta_request *r)
{
    struct ta_job *job = ta_route_find_job(r);
    if (job)
        reply(r, 200, json_pack("{s:o}", "changes", ta_jobs_history(r->jobs, r->id)));
    ta_job_unref(&job);
}

// ---- changes ----

void ta_route_job_act(struct ta_request *r)
{
    enum ta_job_action action;
    struct ta_job *job = NULL;
    char *why = NULL;
    if (!ta_job_action_from_name(r->verb, &action)) {
        ta_request_problem(r, 404, "no-such-action", "\"%s\" is none of pause, resume, cancel, retry",
                           r->verb);
        return;
    }
    int err = ta_jobs_act(r->jobs, r->id, action, &job, &why);
    reply_job(r, err, job, why);
}

// One action on several: each for itself, since some may be in another state by now.
void ta_route_jobs_act(struct ta_request *r)
{
    enum { DELETES = TA_JOB_ACTION_COUNT };
    json_t *ids = json_object_get(r->body, "ids"), *id, *changed = json_array(), *refused = json_array();
    const char *name = json_string_value(json_object_get(r->body, "action"));
    enum ta_job_action action = TA_JOB_PAUSE;
    size_t i, count = json_array_size(ids);
    bool removes = name && !strcmp(name, "remove"),
         known = name && (removes || ta_job_action_from_name(name, &action));
    json_array_foreach(ids, i, id) known = known && json_is_integer(id);
    if (!known || !count || count > ACTIONS_MAX || json_object_size(r->body) != 2) {
        ta_request_problem(r, 422, "no-such-action",
                           "give {\"action\": \"pause\", \"resume\", \"cancel\", \"retry\" or \"remove\", "
                           "\"ids\": [1 to %d numbers of jobs]}",
                           (int)ACTIONS_MAX);
        json_decref(changed);
        json_decref(refused);
        return;
    }
    json_array_foreach(ids, i, id)
    {
        char *why = NULL;
        json_int_t number = json_integer_value(id);
        int err = removes ? ta_jobs_remove(r->jobs, number, &why)
                          : ta_jobs_act(r->jobs, number, action, NULL, &why);
        if (err)
            json_array_append_new(
                refused, json_pack("{s:I, s:s}", "id", number, "detail", why ? why : ta_error_text(err)));
        else
            json_array_append_new(changed, json_integer(number));
        free(why);
    }
    reply(r, 200, json_pack("{s:o, s:o}", "changed", changed, "refused", refused));
}

void ta_route_job_patch(struct ta_request *r)
{
    json_t *priority = json_object_get(r->body, "priority"), *before = json_object_get(r->body, "before");
    json_int_t level = json_integer_value(priority);
    struct ta_job *job = NULL;
    char *why = NULL;
    if (json_object_size(r->body) != 1 || !(json_is_integer(priority) || json_is_integer(before)) ||
        (priority && (level < TA_JOB_PRIORITY_MIN || level > TA_JOB_PRIORITY_MAX))) {
        ta_request_problem(r, 422, "no-such-change",
                           "give {\"priority\": %d..%d}, or {\"before\": number of a job, 0 for the end}",
                           TA_JOB_PRIORITY_MIN, TA_JOB_PRIORITY_MAX);
        return;
    }
    int err = priority ? ta_jobs_set_priority(r->jobs, r->id, (int)level, &job, &why)
                       : ta_jobs_move(r->jobs, r->id, json_integer_value(before), &job, &why);
    reply_job(r, err, job, why);
}

void ta_route_job_delete(struct ta_request *r)
{
    char *why = NULL;
    int err = ta_jobs_remove(r->jobs, r->id, &why);
    if (err)
        refuse(r, err, why);
    else
        reply(r, 200, json_pack("{s:I}", "removed", (json_int_t)1));
}

void ta_route_jobs_delete(struct ta_request *r)
{
    unsigned states;
    int removed;
    if (!query_states(r, &states))
        return;
    int err = ta_jobs_prune(r->jobs, states, -1, -1, &removed);
    if (err)
        refuse(r, err, NULL);
    else
        reply(r, 200, json_pack("{s:i}", "removed", removed));
}

void ta_route_queue(struct ta_request *r)
{
    bool pause = !strcmp(r->verb, "pause");
    if (!strcmp(r->verb, "drain")) {
        ta_supervisor_stop(r->supervisor, true);
        reply(r, 202, json_pack("{s:b}", "draining", 1));
        return;
    }
    if (!pause && strcmp(r->verb, "resume")) {
        ta_request_problem(r, 404, "no-such-action", "the queue knows pause, resume and drain");
        return;
    }
    int err = ta_jobs_pause_all(r->jobs, pause);
    if (err)
        refuse(r, err, NULL);
    else
        reply(r, 200, json_pack("{s:b}", "paused", pause));
}
