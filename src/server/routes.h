// The functions of the table of routes, by the file that they are in.
#ifndef TA_SERVER_ROUTES_H
#define TA_SERVER_ROUTES_H

#include "server/request.h"

// routes_about.c: the service, what it can do, and what others can know of it
void ta_route_health(struct ta_request *r);
void ta_route_system(struct ta_request *r);
void ta_route_system_patch(struct ta_request *r);
void ta_route_options(struct ta_request *r);
void ta_route_schema(struct ta_request *r);
void ta_route_presets(struct ta_request *r);
void ta_route_logs(struct ta_request *r);
void ta_route_openapi(struct ta_request *r);
void ta_route_session(struct ta_request *r);
// routes_machine.c: devices, encoders, networks; asked of this program's commands
void ta_route_devices(struct ta_request *r);
void ta_route_encoders(struct ta_request *r);
void ta_route_doctor(struct ta_request *r);
void ta_route_models(struct ta_request *r);
void ta_route_optimisations(struct ta_request *r);
void ta_route_model_fetch(struct ta_request *r);
void ta_route_model_fetch_cancel(struct ta_request *r);
void ta_route_model_remove(struct ta_request *r);
// routes_files.c: what is in folders, and what jobs have made
void ta_route_files(struct ta_request *r);
void ta_route_result(struct ta_request *r);
// routes_looks.c: what a file is, and how it would look
void ta_route_probe(struct ta_request *r);
void ta_route_plan(struct ta_request *r);
void ta_route_picture(struct ta_request *r);
void ta_route_thumbnail(struct ta_request *r);
void ta_route_excerpt(struct ta_request *r);
void ta_route_excerpt_get(struct ta_request *r);
void ta_route_excerpt_video(struct ta_request *r);
void ta_route_excerpt_delete(struct ta_request *r);
// routes_work.c: a job's pictures, plan, report, and parts made again
void ta_route_job_picture(struct ta_request *r);
void ta_route_job_plan(struct ta_request *r);
void ta_route_job_report(struct ta_request *r);
void ta_route_job_measurements(struct ta_request *r);
void ta_route_redo(struct ta_request *r);
// routes_jobs.c: the queue
void ta_route_jobs_post(struct ta_request *r);
void ta_route_jobs(struct ta_request *r);
void ta_route_jobs_delete(struct ta_request *r);
void ta_route_jobs_act(struct ta_request *r);
void ta_route_job(struct ta_request *r);
void ta_route_job_patch(struct ta_request *r);
void ta_route_job_delete(struct ta_request *r);
void ta_route_job_history(struct ta_request *r);
void ta_route_job_act(struct ta_request *r);
void ta_route_queue(struct ta_request *r);
// routes_notify.c: watched folders, who is told
void ta_route_alerts(struct ta_request *r);
void ta_route_metrics(struct ta_request *r);
void ta_route_runs(struct ta_request *r);
void ta_route_folders(struct ta_request *r);
void ta_route_folder_add(struct ta_request *r);
void ta_route_folder_remove(struct ta_request *r);
void ta_route_notifications(struct ta_request *r);
void ta_route_notify_test(struct ta_request *r);
// pages.c: the files of the page
void ta_route_page(struct ta_request *r);

// The job that the path names, a reference; NULL after a refusal.
struct ta_job;
struct ta_job *ta_route_find_job(struct ta_request *r);

#endif
