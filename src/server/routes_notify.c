// What takes longer than usual, watched folders, and who is told of what.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "jobs/alerts.h"
#include "jobs/folders.h"
#include "jobs/notify.h"
#include "jobs/supervisor.h"
#include "metrics/metrics.h"
#include "server/http.h"
#include "server/recipe.h"
#include "server/roots.h"
#include "server/routes.h"

void ta_route_alerts(struct ta_request *r)
{
    ta_request_reply(r, 200,
                     r->config->alerts ? ta_alerts_json(r->config->alerts)
                                       : json_pack("{s:[], s:f}", "alerts", "queue_query_ms", 0.0));
}

void ta_route_metrics(struct ta_request *r)
{
    int workers, busy;
    ta_supervisor_counts(r->supervisor, &workers, &busy);
    char *text = r->config->alerts ? ta_alerts_prometheus(r->config->alerts, workers, busy) : ta_xstrdup("");
    r->status = 200;
    r->blob = ta_blob_create(text, strlen(text), "text/plain; version=0.0.4; charset=utf-8");
}

// Of this user's program and service alike: what was measured of each run.
void ta_route_runs(struct ta_request *r)
{
    enum { RUNS = 200, RUNS_MAX = 2000 };
    int64_t limit = RUNS;
    if (!ta_request_number(r, "limit", 1, RUNS_MAX, &limit))
        return;
    int broken = 0;
    json_t *runs = r->config->records ? ta_metrics_last(r->config->records, (int)limit, &broken, r->log)
                                      : json_array();
    if (runs)
        ta_request_reply(r, 200, json_pack("{s:o}", "runs", runs));
    else
        ta_request_problem(r, 503, "records-unreadable",
                           "the records of past runs can't be read; the service's log says why");
}

void ta_route_folders(struct ta_request *r)
{
    ta_request_reply(r, 200, json_pack("{s:o}", "folders", ta_folders_json(r->config->folders)));
}

// Is the entry one that this client may make? Its folders must lie where clients may read and make files.
static bool check_folder(struct ta_request *r)
{
    static const char *const members[] = {"path", "output", "done", "failed"};
    struct stat st;
    for (size_t i = 0; i < TA_COUNT(members); i++) {
        const json_t *value = json_object_get(r->body, members[i]);
        const char *path = json_string_value(value);
        if ((value && !json_is_string(value)) || (!i && !path)) {
            ta_request_problem(r, 422, "no-watched-folder",
                               "a watched folder is {\"path\": path, \"options\": {name: value}}, and what "
                               "else an entry of \"watch\" in the configuration has");
            return false;
        }
        if (path && path[0] != '/')
            ta_request_problem(r, 422, "path-not-whole", "%s: give the whole path, from /", path);
        else if (path && !ta_roots_hold(r, path))
            ta_roots_refuse(r, path);
        if (r->status) {
            ta_request_arg(r, "file", ta_json_any_text(path));
            return false;
        }
    }
    const char *path = json_string_value(json_object_get(r->body, "path"));
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        ta_request_problem(r, 422, "no-such-folder", "%s: there is no such folder", path);
        ta_request_arg(r, "file", ta_json_any_text(path));
    }
    return !r->status;
}

void ta_route_folder_add(struct ta_request *r)
{
    struct ta_recipe recipe = {0};
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    json_t *entry = json_copy(r->body);
    if (check_folder(r) && ta_recipe_read(r, json_object_get(r->body, "options"), &recipe) &&
        !ta_log_keep_first(&log, &why)) {
        json_object_set(entry, "options", recipe.texts);
        int err = ta_folders_add(r->config->folders, entry, log);
        if (err >= 0)
            ta_request_reply(r, 201, json_pack("{s:o}", "folders", ta_folders_json(r->config->folders)));
        else if (err == TA_ERR_EXISTS)
            ta_request_problem(r, 409, "folder-watched", "%s", ta_buf_text(&why));
        else
            ta_request_problem(r, err == TA_ERR_NO_SPACE ? 507 : 422, "folder-not-watched", "%s",
                               why.size ? ta_buf_text(&why) : ta_error_text(err));
    }
    json_decref(entry);
    ta_recipe_release(&recipe);
    ta_buf_release(&why);
    ta_log_destroy(&log);
}

void ta_route_folder_remove(struct ta_request *r)
{
    const char *path = ta_request_query(r, "path");
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    int err = ta_log_keep_first(&log, &why);
    if (!err)
        err = path ? ta_folders_remove(r->config->folders, path, log) : TA_ERR_NOT_FOUND;
    if (err >= 0) {
        ta_request_reply(r, 200, json_pack("{s:o}", "folders", ta_folders_json(r->config->folders)));
    } else if (err == TA_ERR_NOT_FOUND) {
        ta_request_problem(r, 404, "no-such-folder", "%s: no such folder is watched", path ? path : "path");
        ta_request_arg(r, "file", ta_json_any_text(path ? path : ""));
    } else if (err == TA_ERR_ACCESS) {
        ta_request_problem(r, 409, "folder-configured", "%s is watched by the configuration: change it there",
                           path);
    } else {
        ta_request_problem(r, 507, "folder-not-watched", "%s",
                           why.size ? ta_buf_text(&why) : ta_error_text(err));
    }
    ta_buf_release(&why);
    ta_log_destroy(&log);
}

void ta_route_notifications(struct ta_request *r)
{
    ta_request_reply(r, 200,
                     r->config->notify ? ta_notify_json(r->config->notify)
                                       : json_pack("{s:[], s:[]}", "endpoints", "notices"));
}

void ta_route_notify_test(struct ta_request *r)
{
    int64_t id = 0;
    int err = r->config->notify ? ta_notify_test(r->config->notify, r->verb, &id) : TA_ERR_NOT_FOUND;
    if (err == TA_ERR_NOT_FOUND) {
        ta_request_problem(r, 404, "no-such-endpoint", "the configuration has no endpoint \"%s\"", r->verb);
        ta_request_arg(r, "name", json_string(r->verb));
    } else if (err < 0) {
        ta_request_problem(r, err == TA_ERR_NO_SPACE ? 507 : 503, "list-not-written",
                           "the message can't be written down (%s); the service's log says why",
                           ta_error_text(err));
    } else {
        ta_request_reply(r, 202, json_pack("{s:I}", "id", (json_int_t)id));
    }
}
