// What clients can ask of the service: the table. docs/api.md has a line for each.
#include "server/routes.h"

#include "server/http.h"
#include "server/looks.h"
#include "server/recipe.h"
#include "server/uploads.h"

static const struct ta_parameter list_query[] = {
    {"state", "string", "only jobs in these states, joined by commas"},
    {"batch", "string", "only jobs of this name"},
    {"text", "string", "only jobs whose input has this in its name"},
    {"order", "string", "\"oldest\" (first) or \"newest\""},
    {"limit", "integer", "at most so many, 1..1000"},
    {"after", "integer", "those behind this one: \"next\" of the page before"},
    {0},
};
static const struct ta_parameter state_query[] = {
    {"state", "string", "only jobs in these states, joined by commas"},
    {0},
};
static const struct ta_parameter event_query[] = {
    {"after", "integer", "events behind this number, as the header Last-Event-ID"},
    {0},
};
static const struct ta_parameter log_query[] = {
    {"after", "integer", "lines behind this number"},
    {"level", "string", "of this level and graver: error, warn, info, verbose, debug"},
    {"text", "string", "with this in them"},
    {"limit", "integer", "the newest so many, 1..2000"},
    {0},
};
static const struct ta_parameter file_query[] = {
    {"path", "string", "the folder; without it only the roots"},
    {0},
};
static const struct ta_parameter result_query[] = {
    {"show", "string", "to be shown, not saved"},
    {0},
};
static const struct ta_parameter runs_query[] = {
    {"limit", "integer", "the newest so many, 1..2000"},
    {0},
};
static const struct ta_parameter offset_query[] = {
    {"offset", "integer", "where the body goes: the bytes that the upload has"},
    {0},
};

#define R(m, p, s, f) .method = (m), .path = (p), .summary = (s), .run = (f)

static const struct ta_parameter probe_query[] = {
    {"input", "string", "the film"},
    {0},
};
static const struct ta_parameter picture_query[] = {
    {"input", "string", "the film"},
    {"side", "string", "\"source\" or \"result\""},
    {"options", "string", "as an object of JSON"},
    {"frame", "integer", "of the result, from 0; the source is shown in step with it"},
    {"at", "string", "instead: a place in the source, \"25%\", \"1:23.5\", \"1200f\""},
    {"width", "integer", "at most, 16..8192"},
    {"format", "string", "\"png\" or \"jpeg\""},
    {0},
};
static const struct ta_parameter made_query[] = {
    {"side", "string", "\"source\" or \"result\""},
    {"frame", "integer", "of the result, from 0; the source is shown in step with it"},
    {"width", "integer", "at most, 16..8192"},
    {"format", "string", "\"png\" or \"jpeg\""},
    {0},
};
static const struct ta_parameter folder_query[] = {
    {"path", "string", "the folder"},
    {0},
};
static const struct ta_parameter thumbnail_query[] = {
    {"input", "string", "the film"},
    {"at", "integer", "where in it, 0..100 percent"},
    {"width", "integer", "at most, 16..640"},
    {0},
};

const struct ta_route ta_routes[] = {
    {R("GET", "/api/v1/health", "whether the service works", ta_route_health), .answer = "Health"},
    {R("GET", "/api/v1/openapi.json", "this description", ta_route_openapi)},
    {R("POST", "/api/v1/session", "a cookie for who shows the token", ta_route_session), .body = "Session"},
    {R("GET", "/api/v1/system", "version, machine, disks, workers, jobs in each state", ta_route_system),
     .far = true, .answer = "System"},
    {R("PATCH", "/api/v1/system", "change how many jobs may run at once, until the service ends",
       ta_route_system_patch),
     .changes = true, .far = true, .body = "SystemChange", .answer = "System"},
    {R("GET", "/api/v1/logs", "the last lines of the service's log", ta_route_logs), .query = log_query,
     .answer = "Log"},
    {R("GET", "/api/v1/events", "what happens, as server-sent events", NULL), .query = event_query,
     .answer = "text/event-stream"},

    {R("GET", "/api/v1/options", "all options, as a list", ta_route_options), .answer = "Options"},
    {R("GET", "/api/v1/options/schema", "all options, as a JSON Schema", ta_route_schema)},
    {R("POST", "/api/v1/options/check", "whether options are right and go together", ta_recipe_check),
     .body = "OptionsWanted", .answer = "OptionsChecked"},
    {R("GET", "/api/v1/presets", "the presets", ta_route_presets), .answer = "Presets"},

    {R("GET", "/api/v1/files", "what is in a folder", ta_route_files), .far = true, .query = file_query,
     .answer = "Folder"},
    {R("POST", "/api/v1/uploads", "begin to send a file", ta_upload_create), .changes = true,
     .body = "UploadWanted", .answer = "Upload"},
    {R("GET", "/api/v1/uploads/{key}", "how much of it has come", ta_upload_get), .answer = "Upload"},
    {R("PATCH", "/api/v1/uploads/{key}", "send the next bytes of it", ta_upload_end), .changes = true,
     .query = offset_query, .body = "", .answer = "Upload", .begin = ta_upload_begin, .take = ta_upload_take,
     .drop = ta_upload_drop},
    {R("DELETE", "/api/v1/uploads/{key}", "give it up", ta_upload_delete), .changes = true},

    {R("GET", "/api/v1/probe", "what a film says about itself", ta_route_probe), .look = ta_look_query,
     .query = probe_query},
    {R("POST", "/api/v1/plan", "what would be made of it, and why", ta_route_plan), .look = ta_look_body,
     .body = "PlanWanted", .answer = "Plan"},
    {R("GET", "/api/v1/picture", "a picture of it, or of what would be made of it", ta_route_picture),
     .look = ta_look_query, .query = picture_query, .answer = "image/png"},
    {R("GET", "/api/v1/thumbnail", "a small picture of it, or a placeholder until it is made",
       ta_route_thumbnail),
     .look = ta_look_query, .query = thumbnail_query, .answer = "image/jpeg"},
    {R("POST", "/api/v1/excerpts", "restore an excerpt beside its source", ta_route_excerpt),
     .look = ta_look_body, .body = "ExcerptWanted", .answer = "Excerpt"},
    {R("GET", "/api/v1/excerpts/{key}", "how far it is", ta_route_excerpt_get), .answer = "Excerpt"},
    {R("GET", "/api/v1/excerpts/{key}/video", "the excerpt", ta_route_excerpt_video), .answer = "video/mp4"},
    {R("DELETE", "/api/v1/excerpts/{key}", "give it up, or remove its file", ta_route_excerpt_delete),
     .answer = "Excerpt"},

    {R("GET", "/api/v1/system/devices", "what can run networks", ta_route_devices)},
    {R("GET", "/api/v1/system/encoders", "encoders, and whether they work here", ta_route_encoders)},
    {R("GET", "/api/v1/system/doctor", "what of this machine is missing", ta_route_doctor)},
    {R("GET", "/api/v1/system/optimisations", "what makes the program fast, and the gain measured here",
       ta_route_optimisations)},
    {R("GET", "/api/v1/models", "the networks that are known, and which are here", ta_route_models)},
    {R("POST", "/api/v1/models/{name}/fetch", "get one", ta_route_model_fetch), .changes = true},
    {R("DELETE", "/api/v1/models/{name}/fetch", "give that up; what has come is kept for the next time",
       ta_route_model_fetch_cancel),
     .changes = true},
    {R("DELETE", "/api/v1/models/{name}", "remove its file", ta_route_model_remove), .changes = true},

    {R("POST", "/api/v1/jobs", "submit a job, or several", ta_route_jobs_post), .changes = true, .far = true,
     .body = "JobsWanted", .answer = "JobOrJobs"},
    {R("GET", "/api/v1/jobs", "a page of the list", ta_route_jobs), .query = list_query, .answer = "JobPage"},
    {R("DELETE", "/api/v1/jobs", "take out all that have ended", ta_route_jobs_delete), .changes = true,
     .disk = true, .query = state_query, .answer = "Removed"},
    {R("POST", "/api/v1/jobs/actions", "do the same with several jobs", ta_route_jobs_act), .changes = true,
     .disk = true, .body = "JobActions", .answer = "JobActionsDone"},
    {R("GET", "/api/v1/jobs/{id}", "one job", ta_route_job), .answer = "Job"},
    {R("PATCH", "/api/v1/jobs/{id}", "change its priority or its place", ta_route_job_patch), .changes = true,
     .disk = true, .body = "JobChange", .answer = "Job"},
    {R("DELETE", "/api/v1/jobs/{id}", "take it out of the list", ta_route_job_delete), .changes = true,
     .disk = true, .answer = "Removed"},
    {R("GET", "/api/v1/jobs/{id}/history", "its changes of state", ta_route_job_history), .disk = true,
     .answer = "History"},
    {R("GET", "/api/v1/jobs/{id}/result", "the file that it has made", ta_route_result), .far = true,
     .query = result_query, .answer = "application/octet-stream"},
    {R("GET", "/api/v1/jobs/{id}/picture", "a picture of it, of its source too", ta_route_job_picture),
     .look = ta_look_job, .query = made_query, .answer = "image/png"},
    {R("GET", "/api/v1/jobs/{id}/plan", "its plan", ta_route_job_plan), .look = ta_look_job},
    {R("GET", "/api/v1/jobs/{id}/report", "its report", ta_route_job_report), .look = ta_look_job},
    {R("GET", "/api/v1/jobs/{id}/measurements", "what was measured of its source", ta_route_job_measurements),
     .look = ta_look_job},
    {R("POST", "/api/v1/jobs/{id}/redo", "make a part of it again with other options: a new job",
       ta_route_redo),
     .changes = true, .far = true, .body = "RedoWanted", .answer = "Job"},
    {R("POST", "/api/v1/jobs/{id}/{action}", "pause, resume, cancel, retry", ta_route_job_act),
     .changes = true, .disk = true, .answer = "Job"},
    {R("POST", "/api/v1/queue/{action}",
       "pause or resume the whole queue; drain: finish what runs, then end the service", ta_route_queue),
     .changes = true, .disk = true},

    {R("GET", "/metrics", "numbers of the service, for Prometheus", ta_route_metrics),
     .answer = "text/plain"},
    {R("GET", "/api/v1/runs", "what was measured of past runs, oldest first", ta_route_runs), .disk = true,
     .query = runs_query, .answer = "Runs"},
    {R("GET", "/api/v1/alerts", "what takes longer, or more, than usual", ta_route_alerts),
     .answer = "Alerts"},
    {R("GET", "/api/v1/folders", "the watched folders, and how they are", ta_route_folders),
     .answer = "WatchedFolders"},
    {R("POST", "/api/v1/folders", "watch one more", ta_route_folder_add), .changes = true, .far = true,
     .body = "WatchWanted", .answer = "WatchedFolders"},
    {R("DELETE", "/api/v1/folders", "watch one no more that was added", ta_route_folder_remove),
     .changes = true, .disk = true, .query = folder_query, .answer = "WatchedFolders"},
    {R("GET", "/api/v1/notifications", "who is told of what, and whether it arrived", ta_route_notifications),
     .answer = "Notifications"},
    {R("POST", "/api/v1/notifications/{name}/test", "send a test to this endpoint", ta_route_notify_test),
     .changes = true, .disk = true, .answer = "NoticeSent"},

    {R("GET", "/", "the page", ta_route_page), .answer = "text/html"},
    {R("GET", "/{file}", "a file of the page", ta_route_page), .answer = "application/octet-stream"},
    {0},
};
