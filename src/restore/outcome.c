#include "restore/outcome.h"

#include <stdlib.h>

#include "base/tree.h"
#include "plan/plan.h"
#include "recipe/folders.h"

json_t *ta_progress_json(const struct ta_progress *p, double frame_rate)
{
    json_t *o = json_object();
    json_object_set_new(o, "phase", json_string(ta_phase_name(p->phase)));
    json_object_set_new(o, "fraction", json_real(p->fraction));
    json_object_set_new(o, "total", json_real(p->total));
    json_object_set_new(o, "frames_done", json_integer(p->frames_done));
    json_object_set_new(o, "frames_total", json_integer(p->frames_total));
    json_object_set_new(o, "fps", json_real(p->fps));
    if (frame_rate > 0)
        json_object_set_new(o, "speed", json_real(p->fps / frame_rate));
    json_object_set_new(o, "elapsed", json_real(p->elapsed));
    json_object_set_new(o, "eta", json_real(p->eta));
    json_object_set_new(o, "bytes", json_integer(p->bytes));
    json_object_set_new(o, "segments_done", json_integer(p->segments_done));
    json_object_set_new(o, "segments_total", json_integer(p->segments_total));
    json_object_set_new(o, "tasks_done", json_integer(p->tasks_done));
    json_object_set_new(o, "tasks_total", json_integer(p->tasks_total));
    json_object_set_new(o, "kind", json_string(p->kind));
    json_object_set_new(o, "stage", json_string(p->stage));
    json_object_set_new(o, "rss", json_integer(p->rss_bytes));
    return o;
}

void ta_outcome_failure(json_t *o, const struct ta_problem *failure, int err)
{
    json_object_set_new(o, "error", json_string(ta_error_text(err)));
    json_object_set_new(o, "code", json_string(failure->code));
    json_object_set_new(o, "message", ta_json_any_text(failure->message));
    if (*failure->advice)
        json_object_set_new(o, "advice", ta_json_any_text(failure->advice));
}

json_t *ta_outcome_json(const char *input, const struct ta_plan *plan, const struct ta_restore_result *r,
                        int err, const struct ta_problem *failure)
{
    json_t *o = json_object();
    const char *status = err == TA_ERR_CANCELED ? "interrupted" : err < 0 ? "failed" : "done";
    json_object_set_new(o, "input", ta_json_any_text(input));
    if (plan)
        json_object_set_new(o, "output", ta_json_any_text(ta_plan_output(plan)));
    json_object_set_new(o, "status", json_string(status));
    if (failure) {
        ta_outcome_failure(o, failure, err);
        json_object_set_new(o, "resumable", json_boolean(r->resumable));
        return o;
    }
    json_object_set_new(o, "already", json_boolean(r->already));
    json_object_set_new(o, "width", json_integer(plan->out_format.width));
    json_object_set_new(o, "height", json_integer(plan->out_format.height));
    json_object_set_new(o, "frames", json_integer(r->frames));
    json_object_set_new(o, "concealed", json_integer(r->concealed));
    json_object_set_new(o, "damaged", json_integer(r->damaged));
    json_object_set_new(o, "warnings", json_integer(r->warnings));
    json_object_set_new(o, "losses", json_integer(r->losses));
    json_object_set_new(o, "bytes", json_integer(r->bytes));
    json_object_set_new(o, "segments_reused", json_integer(r->segments_reused));
    json_object_set_new(o, "tasks_reused", json_integer(r->tasks_reused));
    json_object_set_new(o, "wall_seconds", json_real(r->wall_seconds));
    json_object_set_new(o, "cpu_seconds", json_real(r->cpu_seconds));
    if (r->wall_seconds > 0)
        json_object_set_new(o, "fps", json_real((double)r->frames / r->wall_seconds));
    json_object_set_new(o, "peak_rss_bytes", json_integer(r->peak_rss_bytes));
    json_object_set_new(o, "work_bytes", json_integer(r->work_bytes));
    return o;
}

int ta_outcome_keep_record(const struct ta_restore_result *r, int exit_code, struct ta_log *log)
{
    char *path = r->metrics.run_id[0] ? ta_state_path("performance_metrics.jsonl") : NULL;
    struct ta_metrics metrics = r->metrics;
    metrics.exit_code = exit_code;
    int err = path ? ta_metrics_append(path, &metrics, log) : 0;
    free(path);
    return err;
}
