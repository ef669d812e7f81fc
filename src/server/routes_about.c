// The service itself, and what it can do.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/dir.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "jobs/box.h"
#include "jobs/jobs.h"
#include "jobs/supervisor.h"
#include "server/http.h"
#include "server/ring.h"
#include "server/routes.h"
#include "server/tables.h"

enum { LOG_LINES = 500 };

void ta_route_health(struct ta_request *r)
{
    ta_request_reply(r, 200, json_pack("{s:s}", "status", "ok"));
}

static json_t *disk_of(const char *path)
{
    json_t *o = json_object();
    json_object_set_new(o, "path", ta_json_any_text(path));
    json_object_set_new(o, "free_bytes", json_integer(ta_disk_free_bytes(path)));
    return o;
}

void ta_route_system(struct ta_request *r)
{
    int64_t counts[TA_JOB_STATE_COUNT];
    int workers, busy, at_once, most;
    json_t *jobs = json_object(), *roots = json_array(), *disks = json_array();
    ta_job_list_counts(ta_jobs_list(r->jobs), counts);
    ta_supervisor_counts(r->supervisor, &workers, &busy);
    ta_supervisor_limits(r->supervisor, &at_once, &most);
    for (int i = 0; i < TA_JOB_STATE_COUNT; i++)
        json_object_set_new(jobs, ta_job_state_name((enum ta_job_state)i), json_integer(counts[i]));
    for (int i = 0; i < r->config->root_count; i++) {
        json_array_append_new(roots, ta_json_any_text(r->config->roots[i]));
        json_array_append_new(disks, disk_of(r->config->roots[i]));
    }
    if (r->config->state)
        json_array_append_new(disks, disk_of(r->config->state));
    json_t *o = json_pack("{s:s, s:i, s:I, s:I, s:i, s:i, s:b, s:o, s:o, s:o}", "version", ta_version(),
                          "cores", ta_cpu_count(), "memory_bytes", (json_int_t)ta_machine_memory_bytes(),
                          "rss_bytes", (json_int_t)ta_rss_bytes(), "workers", workers, "busy", busy, "paused",
                          ta_jobs_is_paused(r->jobs), "jobs", jobs, "roots", roots, "disks", disks);
    json_object_set_new(o, "limits",
                        json_pack("{s:i, s:i, s:s, s:b}", "at_once", at_once, "at_once_most", most, "gaps",
                                  ta_box_gaps(), "groups", ta_supervisor_has_groups(r->supervisor)));
    json_object_set_new(o, "read_only", json_boolean(r->config->read_only && !r->local));
    json_object_set_new(o, "uploads",
                        r->config->uploads
                            ? json_pack("{s:o, s:I}", "folder", ta_json_any_text(r->config->uploads),
                                        "max_bytes", (json_int_t)r->config->upload_bytes)
                            : json_null());
    ta_request_reply(r, 200, o);
}

void ta_route_system_patch(struct ta_request *r)
{
    json_t *at_once = json_object_get(r->body, "at_once");
    int now, most;
    ta_supervisor_limits(r->supervisor, &now, &most);
    if (json_object_size(r->body) != 1 || !json_is_integer(at_once) || json_integer_value(at_once) < 1 ||
        json_integer_value(at_once) > most) {
        ta_request_problem(r, 422, "no-such-change", "give {\"at_once\": 1..%d}, jobs that may run at once",
                           most);
        return;
    }
    ta_supervisor_set_at_once(r->supervisor, (int)json_integer_value(at_once));
    ta_route_system(r);
}

// ---- tables ----

static void reply_table(struct ta_request *r, enum ta_table_name name)
{
    r->status = 200;
    r->blob = ta_tables_get(r->tables, name);
}

void ta_route_options(struct ta_request *r)
{
    reply_table(r, TA_TABLE_OPTIONS);
}

void ta_route_schema(struct ta_request *r)
{
    reply_table(r, TA_TABLE_SCHEMA);
}

void ta_route_openapi(struct ta_request *r)
{
    reply_table(r, TA_TABLE_OPENAPI);
}

// Not kept: the user's own presets change.
void ta_route_presets(struct ta_request *r)
{
    char *text = ta_presets_describe();
    r->status = 200;
    r->blob = ta_blob_create(text, strlen(text), "application/json");
}

// ---- log ----

void ta_route_logs(struct ta_request *r)
{
    const char *name = ta_request_query(r, "level");
    int level = name ? ta_log_level_from_name(name) : TA_LOG_DEBUG;
    int64_t after = 0, limit = LOG_LINES;
    if (level < 0) {
        ta_request_problem(r, 422, "no-such-level", "there is no level \"%s\"", name);
        return;
    }
    if (!ta_request_number(r, "after", 0, INT64_MAX - 1, &after) ||
        !ta_request_number(r, "limit", 1, TA_RING_KEPT, &limit))
        return;
    ta_request_reply(r, 200,
                     r->ring ? ta_log_ring_json(r->ring, after, (enum ta_log_level)level,
                                                ta_request_query(r, "text"), (int)limit)
                             : json_pack("{s:[], s:i}", "lines", "last", 0));
}
