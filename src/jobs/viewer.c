#include "jobs/viewer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/problem.h"
#include "jobs/lines.h"
#include "jobs/viewer_parts.h"
#include "media/parts/name.h"
#include "restore/callbacks.h"
#include "restore/outcome.h"
#include "restore/plan_index.h"
#include "restore/report.h"
#include "restore/work_files.h"

static const struct kind {
    const char *name;
    int (*answer)(struct ta_viewer *v);
} kinds[] = {
    {"probe", ta_viewer_probe},     {"plan", ta_viewer_plans},      {"picture", ta_viewer_picture},
    {"made", ta_viewer_made},       {"report", ta_viewer_report},   {"glance", ta_viewer_glance},
    {"excerpt", ta_viewer_excerpt}, {"discard", ta_viewer_discard}, {"fetch", ta_viewer_fetch},
};

// ---- for the kinds ----

const char *ta_viewer_text(const struct ta_viewer *v, const char *name)
{
    return ta_json_member_text(v->question, name);
}

int64_t ta_viewer_number(const struct ta_viewer *v, const char *name)
{
    return json_integer_value(json_object_get(v->question, name));
}

void ta_viewer_reply(struct ta_viewer *v, json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);
    ta_buf_clear(&v->out);
    ta_buf_puts(&v->out, text ? text : "{}");
    v->media = "application/json";
    free(text);
    json_decref(answer);
}

void ta_viewer_head(struct ta_viewer *v, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    json_object_set_new(v->head, name, ta_json_any_text(text));
    free(text);
}

static void on_progress(void *priv, const struct ta_progress *p)
{
    struct ta_viewer *v = priv;
    json_t *m = ta_line_create("progress", 0), *o = ta_progress_json(p, 0);
    json_object_set_new(m, "progress", o);
    ta_line_send(v->fd, m);
}

struct ta_callbacks ta_viewer_callbacks(struct ta_viewer *v)
{
    return (struct ta_callbacks){.progress = on_progress, .priv = v, .env = v->env};
}

int ta_viewer_options(struct ta_viewer *v, struct ta_options **out)
{
    const char *name;
    json_t *value;
    int err = ta_options_create(out, v->log);
    if (err >= 0)
        err = ta_options_load_config(*out, v->config);
    json_object_foreach(json_object_get(v->question, "options"), name, value)
    {
        if (err >= 0 && json_is_string(value))
            err = ta_options_set(*out, TA_LAYER_CALLER, name, json_string_value(value), name);
    }
    return err >= 0 ? ta_env_use_options(v->env, *out, v->log) : err;
}

// A source as it is now: its names, sizes and times.
static char *state_of(const char *input)
{
    struct ta_buf out = {0};
    char **files;
    int count = ta_name_files(input, &files);
    for (int i = 0; i < count; i++) {
        struct stat st = {0};
        stat(files[i], &st);
        ta_buf_printf(&out, "%s\n%lld %lld.%ld %lld\n", files[i], (long long)st.st_size,
                      (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ino);
    }
    ta_name_files_free(&files);
    return ta_buf_take(&out);
}

static void forget(struct ta_viewer *v)
{
    for (int i = 0; i < TA_VIEWER_PLANS; i++) {
        ta_plan_destroy(&v->plans[i].plan);
        ta_freep(&v->plans[i].key);
    }
    ta_survey_destroy(&v->survey);
    ta_freep(&v->surveyed);
}

static struct ta_plan *find_plan(struct ta_viewer *v, const char *key)
{
    for (int i = 0; i < TA_VIEWER_PLANS; i++)
        if (v->plans[i].key && !strcmp(v->plans[i].key, key))
            return v->plans[i].plan;
    return NULL;
}

// Takes both.
static void keep_plan(struct ta_viewer *v, char *key, struct ta_plan *plan)
{
    int i = v->next_plan++ % TA_VIEWER_PLANS;
    ta_plan_destroy(&v->plans[i].plan);
    free(v->plans[i].key);
    v->plans[i].key = key;
    v->plans[i].plan = plan;
}

int ta_viewer_plan(struct ta_viewer *v, struct ta_plan **out)
{
    const char *input = ta_viewer_text(v, "input"), *output = ta_viewer_text(v, "output");
    char *options_text = json_dumps(json_object_get(v->question, "options"), JSON_COMPACT | JSON_SORT_KEYS),
         *state = state_of(input),
         *key = ta_xprintf("plan %s %s %s", output, options_text ? options_text : "", state);
    struct ta_options *options = NULL;
    struct ta_callbacks callbacks = ta_viewer_callbacks(v);
    int err = 0;
    *out = find_plan(v, key);
    if (!*out && (!v->surveyed || strcmp(v->surveyed, state))) { // another source, or another state of it
        forget(v);
        err = ta_survey_create(&v->survey, input, v->cache, v->log);
        v->surveyed = ta_xstrdup(state);
    }
    if (!*out && err >= 0)
        err = ta_viewer_options(v, &options);
    if (!*out && err >= 0)
        err = ta_plan_from_survey(out, v->survey, *output ? output : NULL, options, &callbacks, v->log);
    if (options && err >= 0) {
        keep_plan(v, key, *out);
        key = NULL;
    }
    ta_options_destroy(&options);
    free(key);
    free(state);
    free(options_text);
    return err;
}

int ta_viewer_work(struct ta_viewer *v, struct ta_plan **out, char **folder)
{
    const char *output = ta_viewer_text(v, "output"), *work_dir = ta_viewer_text(v, "work_dir");
    char *dir = ta_work_path_of(output, work_dir), *state = state_of(output),
         *plan_path = ta_xprintf("%s/plan.json", dir);
    bool begun = access(plan_path, F_OK) == 0;
    char *work_state = state_of(plan_path), *key = ta_xprintf("work %s %s", begun ? "" : state, work_state);
    int err = 0;
    *folder = NULL;
    *out = find_plan(v, key);
    if (!*out && begun) {
        err = ta_plan_load(out, plan_path, output, work_dir, v->cache, v->log);
    } else if (!*out) {
        struct ta_report report = {0};
        char *path = ta_report_path(output);
        err = access(path, F_OK) < 0 ? TA_ERR_NOT_FOUND : ta_report_load(&report, path, v->log);
        if (err >= 0) {
            *out = report.plan;
            report.plan = NULL;
            err = ta_plan_find_index(*out, work_dir, v->cache, v->log);
        }
        if (err < 0)
            ta_plan_destroy(out);
        ta_report_release(&report);
        free(path);
    }
    if (err >= 0 && !find_plan(v, key))
        keep_plan(v, ta_xstrdup(key), *out);
    if (err >= 0 && begun)
        *folder = ta_xstrdup(dir);
    free(key);
    free(work_state);
    free(plan_path);
    free(state);
    free(dir);
    return err;
}

// ---- one question ----

static int status_of(int err)
{
    switch (err) {
    case TA_ERR_NOT_FOUND:
        return 404;
    case TA_ERR_ACCESS:
        return 403;
    case TA_ERR_BUSY:
    case TA_ERR_EXISTS:
        return 409;
    case TA_ERR_NO_SPACE:
        return 507;
    case TA_ERR_NOMEM:
    case TA_ERR_LIMIT:
        return 503;
    default:
        return 422;
    }
}

static bool send_bytes(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool send_answer(struct ta_viewer *v, int err, const char *about)
{
    json_t *m = ta_line_create("answer", 0);
    const struct ta_problem *p = ta_log_fail(v->log, err, about, NULL) < 0 ? ta_problems_error(v->problems)
                                                                           : NULL;
    json_object_set_new(m, "status", json_integer(err < 0 ? status_of(err) : 200));
    if (err < 0) {
        json_t *o = p ? ta_problem_to_json(p) : json_pack("{s:s}", "message", ta_error_text(err));
        json_object_set_new(m, "problem", o);
        return ta_line_send(v->fd, m) >= 0;
    }
    json_object_set_new(m, "media", json_string(v->media));
    json_object_set(m, "head", v->head);
    json_object_set_new(m, "bytes", json_integer((json_int_t)v->out.size));
    return ta_line_send(v->fd, m) >= 0 && send_bytes(v->fd, ta_buf_text(&v->out), v->out.size);
}

static bool answer(struct ta_viewer *v, const json_t *question)
{
    const char *name = ta_json_member_text(question, "kind"), *input = ta_json_member_text(question, "input");
    int err = 0;
    ta_problems_clear(v->problems);
    v->question = question;
    v->media = "application/json";
    v->head = json_object();
    ta_buf_clear(&v->out);
    size_t i = 0;
    while (i < TA_COUNT(kinds) && strcmp(kinds[i].name, name))
        i++;
    if (err >= 0)
        err = i < TA_COUNT(kinds) ? kinds[i].answer(v) : TA_ERR_INTERNAL;
    bool sent = send_answer(v, TA_MIN(err, 0), *input ? input : ta_json_member_text(question, "output"));
    json_decref(v->head);
    return sent;
}

int ta_viewer_run(int fd, struct ta_env *env, const char *config)
{
    struct ta_viewer v = {.fd = fd, .env = env, .config = config, .cache = ta_cache_folder()};
    struct ta_lines lines = {0};
    bool bad = false, on = true;
    // Plans and surveys that are kept have logs made from this one.
    int err = ta_log_keep_first(&v.log, NULL);
    if (err >= 0)
        err = ta_problems_create(&v.problems);
    if (err >= 0)
        ta_log_collect(v.log, v.problems);
    while (err >= 0 && on && !bad && ta_lines_fill(&lines, fd) > 0)
        for (json_t *m; on && (m = ta_lines_next(&lines, &bad)); json_decref(m))
            on = answer(&v, m);
    forget(&v);
    ta_buf_release(&lines.buf);
    ta_buf_release(&v.out);
    free(v.cache);
    ta_log_destroy(&v.log);
    ta_problems_destroy(&v.problems);
    return err;
}
