// What takes longer than usual, watched folders, and who is told of what.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "jobs/alerts.h"
#include "jobs/notify.h"
#include "jobs/supervisor.h"
#include "jobs/watch.h"
#include "server/http.h"
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

void ta_route_folders(struct ta_request *r)
{
    json_t *folders = r->config->watch ? ta_watch_json(r->config->watch) : json_array();
    ta_request_reply(r, 200, json_pack("{s:o}", "folders", folders));
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
