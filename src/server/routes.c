// What clients can ask of the service.
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
#include "base/words.h"
#include "jobs/jobs.h"
#include "jobs/notify.h"
#include "jobs/supervisor.h"
#include "media/parts/name.h"
#include "recipe/options.h"
#include "restore/output.h"
#include "server/http.h"

enum { PAGE_MAX = 1000, PAGE = 100, BATCH_JOBS_MAX = 1000 };

static void reply(struct ta_request *r, int status, json_t *answer)
{
    r->status = status;
    r->answer = answer;
}

// What the queue said as an answer of HTTP; frees `why`.
static void refuse(struct ta_request *r, int err, char *why)
{
    if (err == TA_ERR_NOT_FOUND)
        ta_request_problem(r, 404, "no such job", "%s", why ? why : ta_error_text(err));
    else if (err == TA_ERR_INVALID)
        ta_request_problem(r, 409, "not in this state", "%s", why ? why : ta_error_text(err));
    else
        ta_request_problem(r, err == TA_ERR_NO_SPACE ? 507 : 503, ta_error_text(err),
                           "the list of jobs can't be written; the service's log says why");
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

// ---- about the service ----

static void get_health(struct ta_request *r)
{
    reply(r, 200, json_pack("{s:s}", "status", "ok"));
}

static void get_system(struct ta_request *r)
{
    int64_t counts[TA_JOB_STATE_COUNT];
    int workers, busy;
    json_t *jobs = json_object();
    ta_job_list_counts(ta_jobs_list(r->jobs), counts);
    ta_supervisor_counts(r->supervisor, &workers, &busy);
    for (int i = 0; i < TA_JOB_STATE_COUNT; i++)
        json_object_set_new(jobs, ta_job_state_name((enum ta_job_state)i), json_integer(counts[i]));
    json_t *roots = json_array();
    for (int i = 0; i < r->config->root_count; i++)
        json_array_append_new(roots, ta_json_any_text(r->config->roots[i]));
    reply(r, 200,
          json_pack("{s:s, s:i, s:I, s:I, s:i, s:i, s:b, s:o, s:o}", "version", ta_version(), "cores",
                    ta_cpu_count(), "memory_bytes", (json_int_t)ta_machine_memory_bytes(), "rss_bytes",
                    (json_int_t)ta_rss_bytes(), "workers", workers, "busy", busy, "paused",
                    ta_jobs_is_paused(r->jobs), "jobs", jobs, "roots", roots));
}

static void reply_text(struct ta_request *r, char *text)
{
    reply(r, 200, json_loads(text, 0, NULL));
    free(text);
}

static void get_options(struct ta_request *r)
{
    reply_text(r, ta_options_describe());
}

static void get_schema(struct ta_request *r)
{
    reply_text(r, ta_options_schema());
}

static void get_presets(struct ta_request *r)
{
    reply_text(r, ta_presets_describe());
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

// Does the path, all links followed, lie in one of the folders that clients may use?
static bool is_in_roots(const struct ta_request *r, const char *path)
{
    char *real = ta_path_absolute(path);
    bool in = r->local;
    for (int i = 0; i < r->config->root_count && !in; i++) {
        size_t n = strlen(r->config->roots[i]);
        bool all = n == 1; // "/"
        in = all || (!strncmp(real, r->config->roots[i], n) && (real[n] == '/' || !real[n]));
    }
    free(real);
    return in;
}

static bool check_source(struct ta_request *r, const char *input)
{
    char **files;
    int count = ta_name_files(input, &files);
    bool ok = count > 0;
    for (int i = 0; i < count && ok; i++) {
        if (files[i][0] != '/')
            ta_request_problem(r, 422, "input", "%s: give the whole path, from /", files[i]);
        else if (!is_in_roots(r, files[i]))
            ta_request_problem(r, 403, "input", "%s: not in a folder that was opened to clients", files[i]);
        ok = !r->status;
    }
    ta_name_files_free(&files);
    if (ok && !ta_name_exists(input))
        ta_request_problem(r, 422, "input", "%s: no file of this name", input);
    return !r->status;
}

static bool check_file(void *priv, const struct ta_stage_info *stage, const char *name, const char *value)
{
    struct ta_request *r = priv;
    (void)stage;
    if (strcmp(value, "none") && !is_in_roots(r, value))
        ta_request_problem(r, 403, "options", "%s: %s is not in a folder that was opened to clients", name,
                           value);
    return !r->status;
}

// Values of options as texts, each held against its table. NULL after a refusal.
static json_t *read_options(struct ta_request *r, const json_t *wanted, struct ta_options *options,
                            struct ta_buf *said)
{
    json_t *texts = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)wanted, key, value)
    {
        char *text = json_is_string(value)    ? ta_xstrdup(json_string_value(value))
                     : json_is_boolean(value) ? ta_xstrdup(json_is_true(value) ? "on" : "off")
                                              : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        if (!r->status && !json_is_string(value) && !json_is_boolean(value) && !json_is_number(value))
            ta_request_problem(r, 422, "options", "%s: a text, a number, true or false", key);
        else if (!r->status && !r->local && !strcmp(key, "work-dir"))
            ta_request_problem(r, 403, "options", "work-dir: not for clients");
        else if (!r->status && ta_options_set(options, TA_LAYER_CALLER, key, text, key) < 0)
            ta_request_problem(r, 422, "options", "%s", ta_buf_text(said));
        json_object_set_new(texts, key, json_string(text));
        free(text);
    }
    const struct ta_recipe_opts *recipe; // what single values do not show
    if (!r->status && ta_options_recipe(options, &recipe, NULL) < 0)
        ta_request_problem(r, 422, "options", "%s",
                           said->size ? ta_buf_text(said) : "these options do not go together");
    if (!r->status)
        ta_options_each_file(options, check_file, r);
    if (r->status) {
        json_decref(texts);
        texts = NULL;
    }
    return texts;
}

static bool check_output(struct ta_request *r, const char *input, const char *output)
{
    struct stat st;
    char *dir = ta_path_dir(output);
    if (output[0] != '/')
        ta_request_problem(r, 422, "output", "%s: give the whole path, from /", output);
    else if (!is_in_roots(r, dir))
        ta_request_problem(r, 403, "output", "%s: not in a folder that was opened to clients", output);
    else if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
        ta_request_problem(r, 422, "output", "%s: there is no such folder", dir);
    else if (ta_name_holds(input, output))
        ta_request_problem(r, 422, "output", "%s: that is the source", output);
    free(dir);
    return !r->status;
}

static void read_wish(struct ta_request *r, const json_t *o, struct wish *w)
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
            ta_request_problem(r, 422, "job", "unknown member \"%s\"%s%s%s", key,
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
        ta_request_problem(r, 422, "job",
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
    struct ta_buf said = {0};
    struct ta_log *log = NULL;
    struct ta_options *set = NULL;
    ta_log_keep_first(&log, &said);
    json_t *texts = NULL;
    if (check_source(r, w->input) && ta_options_create(&set, log) == 0)
        texts = read_options(r, options, set, &said);
    if (texts) {
        w->options = json_dumps(texts, JSON_COMPACT);
        w->output = output ? ta_xstrdup(json_string_value(output))
                           : ta_name_output(w->input, ta_output_extension(set));
        check_output(r, w->input, w->output);
    } else if (!r->status) {
        ta_request_problem(r, 503, "no memory", "out of memory");
    }
    json_decref(texts);
    ta_options_destroy(&set);
    ta_log_destroy(&log);
    ta_buf_release(&said);
}

static void post_jobs(struct ta_request *r)
{
    json_t *list = json_object_get(r->body, "jobs"), *answer = NULL;
    size_t count = list ? json_array_size(list) : 1;
    if (!r->body || (list && (!json_is_array(list) || !count || count > BATCH_JOBS_MAX))) {
        ta_request_problem(r, 422, "job", "give a job, or {\"jobs\": [...]} with 1 to %d of them",
                           (int)BATCH_JOBS_MAX);
        return;
    }
    struct wish *wishes = ta_xcalloc(count, sizeof(*wishes));
    struct ta_job_wanted *wanted = ta_xcalloc(count, sizeof(*wanted));
    struct ta_job **jobs = ta_xcalloc(count, sizeof(*jobs));
    for (size_t i = 0; i < count && !r->status; i++) {
        read_wish(r, list ? json_array_get(list, i) : r->body, &wishes[i]);
        wanted[i] = (struct ta_job_wanted){wishes[i].input, wishes[i].output, wishes[i].options,
                                           wishes[i].batch, wishes[i].priority};
        for (size_t k = 0; k < i && !r->status; k++)
            if (!strcmp(wishes[k].output, wishes[i].output))
                ta_request_problem(r, 422, "output", "%s: two of the jobs would make this file",
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
    free(jobs);
    free(wanted);
    release_wishes(wishes, count);
}

// ---- lists ----

// A whole number of the query in min..max; false after a refusal.
static bool query_number(struct ta_request *r, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const char *text = ta_request_query(r, name);
    char *end;
    if (!text)
        return true;
    int64_t value = strtoll(text, &end, 10);
    if (!*text || *end || value < min || value > max) {
        ta_request_problem(r, 422, name, "%s must be a whole number in %" PRId64 "..%" PRId64, name, min,
                           max);
        return false;
    }
    *out = value;
    return true;
}

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
            ta_request_problem(r, 422, "state", "there is no state \"%s\"", name);
        free(name);
        if (!known)
            return false;
        text += n + (text[n] == ',');
    }
    return true;
}

static void get_jobs(struct ta_request *r)
{
    struct ta_job_filter f = {.batch = ta_request_query(r, "batch"), .text = ta_request_query(r, "text")};
    const char *order = ta_request_query(r, "order");
    int64_t limit = PAGE;
    if (!query_number(r, "after", 0, INT64_MAX, &f.after) || !query_number(r, "limit", 1, PAGE_MAX, &limit) ||
        !query_states(r, &f.states))
        return;
    if (order && strcmp(order, "newest") && strcmp(order, "oldest")) {
        ta_request_problem(r, 422, "order", "order is \"oldest\" or \"newest\"");
        return;
    }
    f.limit = (int)limit;
    f.backwards = order && !strcmp(order, "newest");
    struct ta_job *found[PAGE_MAX];
    bool more;
    int count = ta_job_list_page(ta_jobs_list(r->jobs), &f, found, &more);
    json_t *jobs = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(jobs, ta_job_json(found[i]));
        if (i + 1 == count && more)
            f.after = found[i]->id;
        ta_job_unref(&found[i]);
    }
    json_t *o = json_pack("{s:o, s:b}", "jobs", jobs, "paused", ta_jobs_is_paused(r->jobs));
    json_object_set_new(o, "next", more ? json_integer(f.after) : json_null());
    json_object_set_new(o, "event", json_integer(ta_events_last(ta_jobs_events(r->jobs))));
    reply(r, 200, o);
}

static void get_job(struct ta_request *r)
{
    struct ta_job *job = ta_job_list_get(ta_jobs_list(r->jobs), r->id);
    if (job)
        reply(r, 200, ta_job_json(job));
    else
        ta_request_problem(r, 404, "no such job", "there is no job %" PRId64, r->id);
    ta_job_unref(&job);
}

static void get_history(struct ta_request *r)
{
    get_job(r);
    if (r->status != 200)
        return;
    json_decref(r->answer);
    reply(r, 200, json_pack("{s:o}", "changes", ta_jobs_history(r->jobs, r->id)));
}

// ---- changes ----

static void post_action(struct ta_request *r)
{
    enum ta_job_action action;
    struct ta_job *job = NULL;
    char *why = NULL;
    if (!ta_job_action_from_name(r->verb, &action)) {
        ta_request_problem(r, 404, "no such action", "\"%s\" is none of pause, resume, cancel, retry",
                           r->verb);
        return;
    }
    int err = ta_jobs_act(r->jobs, r->id, action, &job, &why);
    reply_job(r, err, job, why);
}

static void patch_job(struct ta_request *r)
{
    json_t *priority = json_object_get(r->body, "priority"), *before = json_object_get(r->body, "before");
    json_int_t level = json_integer_value(priority);
    struct ta_job *job = NULL;
    char *why = NULL;
    if (json_object_size(r->body) != 1 || !(json_is_integer(priority) || json_is_integer(before)) ||
        (priority && (level < TA_JOB_PRIORITY_MIN || level > TA_JOB_PRIORITY_MAX))) {
        ta_request_problem(r, 422, "change",
                           "give {\"priority\": %d..%d}, or {\"before\": number of a job, 0 for the end}",
                           TA_JOB_PRIORITY_MIN, TA_JOB_PRIORITY_MAX);
        return;
    }
    int err = priority ? ta_jobs_set_priority(r->jobs, r->id, (int)level, &job, &why)
                       : ta_jobs_move(r->jobs, r->id, json_integer_value(before), &job, &why);
    reply_job(r, err, job, why);
}

static void delete_job(struct ta_request *r)
{
    char *why = NULL;
    int err = ta_jobs_remove(r->jobs, r->id, &why);
    if (err)
        refuse(r, err, why);
    else
        reply(r, 200, json_pack("{s:I}", "removed", (json_int_t)1));
}

static void delete_jobs(struct ta_request *r)
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

static void post_queue(struct ta_request *r)
{
    bool pause = !strcmp(r->verb, "pause");
    if (!pause && strcmp(r->verb, "resume")) {
        ta_request_problem(r, 404, "no such action", "the queue knows pause and resume");
        return;
    }
    int err = ta_jobs_pause_all(r->jobs, pause);
    if (err)
        refuse(r, err, NULL);
    else
        reply(r, 200, json_pack("{s:b}", "paused", pause));
}

// ---- who is told ----

static void get_notifications(struct ta_request *r)
{
    reply(r, 200,
          r->config->notify ? ta_notify_json(r->config->notify)
                            : json_pack("{s:[], s:[]}", "endpoints", "notices"));
}

static void post_notification_test(struct ta_request *r)
{
    int64_t id = 0;
    int err = r->config->notify ? ta_notify_test(r->config->notify, r->verb, &id) : TA_ERR_NOT_FOUND;
    if (err == TA_ERR_NOT_FOUND)
        ta_request_problem(r, 404, "no such endpoint", "the configuration has no endpoint \"%s\"", r->verb);
    else if (err < 0)
        refuse(r, err, NULL);
    else
        reply(r, 202, json_pack("{s:I}", "id", (json_int_t)id));
}

const struct ta_route ta_routes[] = {
    {"GET", "/api/v1/health", "whether the service works", get_health, false},
    {"GET", "/api/v1/system", "version, machine, workers, jobs in each state", get_system, false},
    {"GET", "/api/v1/options", "all options, as a list", get_options, false},
    {"GET", "/api/v1/options/schema", "all options, as a JSON Schema", get_schema, false},
    {"GET", "/api/v1/presets", "the presets", get_presets, false},
    {"POST", "/api/v1/jobs", "submit a job, or several", post_jobs, true},
    {"GET", "/api/v1/jobs", "a page of the list: ?state=A,B&batch=&text=&after=&limit=&order=", get_jobs,
     false},
    {"DELETE", "/api/v1/jobs", "take out all that have ended: ?state=A,B", delete_jobs, true},
    {"GET", "/api/v1/jobs/{id}", "one job", get_job, false},
    {"PATCH", "/api/v1/jobs/{id}", "change its priority or its place", patch_job, true},
    {"DELETE", "/api/v1/jobs/{id}", "take it out of the list", delete_job, true},
    {"GET", "/api/v1/jobs/{id}/history", "its changes of state", get_history, false},
    {"POST", "/api/v1/jobs/{id}/{action}", "pause, resume, cancel, retry", post_action, true},
    {"POST", "/api/v1/queue/{action}", "pause or resume the whole queue", post_queue, true},
    {"GET", "/api/v1/notifications", "who is told of what, and whether it arrived", get_notifications, false},
    {"POST", "/api/v1/notifications/{name}/test", "send a test to this endpoint", post_notification_test,
     true},
    {0},
};
