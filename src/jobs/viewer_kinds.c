// What a viewer is asked.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/kept.h"
#include "base/log.h"
#include "base/path.h"
#include "base/problem.h"
#include "base/thread.h"
#include "infer/fetch.h"
#include "infer/models.h"
#include "jobs/lines.h"
#include "jobs/viewer_parts.h"
#include "media/picture/glance.h"
#include "recipe/models.h"
#include "restore/callbacks.h"
#include "restore/outcome.h"
#include "restore/report.h"
#include "restore/work_files.h"

enum { REPORT_MAX = 64 << 20, FETCH_SILENCE_S = 30 };

int ta_viewer_probe(struct ta_viewer *v)
{
    char *text = NULL;
    int err = ta_probe(ta_viewer_text(v, "input"), &text, v->log);
    if (err >= 0)
        ta_buf_puts(&v->out, text);
    free(text);
    return err;
}

// ---- plans ----

static json_t *estimate_json(const struct ta_estimate *e)
{
    return json_pack("{s:I, s:I, s:I, s:b, s:b, s:f, s:f, s:i}", "segment_bytes",
                     (json_int_t)e->segment_bytes, "output_bytes", (json_int_t)e->output_bytes, "peak_bytes",
                     (json_int_t)e->peak_bytes, "exact", e->exact, "tried", e->tried, "seconds", e->seconds,
                     "cpu_seconds", e->cpu_seconds, "at_once", e->at_once);
}

int ta_viewer_plans(struct ta_viewer *v)
{
    static const double PATIENCE = 4; // seconds
    struct ta_plan *plan;
    struct ta_estimate estimate;
    int err = ta_viewer_plan(v, &plan);
    if (err < 0)
        return err;
    ta_plan_estimate(plan, &estimate);
    if (json_is_true(json_object_get(v->question, "estimate"))) {
        struct ta_options *options = NULL;
        struct ta_callbacks callbacks = ta_viewer_callbacks(v);
        err = ta_viewer_options(v, &options);
        if (err >= 0)
            err = ta_plan_try(plan, options, PATIENCE, &callbacks, &estimate, v->log);
        ta_options_destroy(&options);
    }
    if (err < 0)
        return err;
    char *words = ta_plan_describe(plan, &estimate, false);
    json_t *o = json_pack("{s:o, s:o, s:o, s:I, s:f, s:i}", "plan", json_loads(ta_plan_json(plan), 0, NULL),
                          "estimate", estimate_json(&estimate), "words", ta_json_any_text(words), "frames",
                          (json_int_t)ta_plan_frames(plan), "seconds", ta_plan_seconds(plan), "segments",
                          ta_plan_segments(plan));
    json_object_set_new(o, "output", ta_json_any_text(ta_plan_output(plan)));
    json_object_set(o, "measures", json_object_get(plan->survey, "measures"));
    json_object_set_new(o, "problems", ta_problems_to_json(v->problems));
    free(words);
    ta_viewer_reply(v, o);
    return 0;
}

// ---- pictures ----

static void reply_picture(struct ta_viewer *v, struct ta_picture *p, bool jpeg)
{
    ta_buf_release(&v->out);
    v->out = p->file;
    v->media = jpeg ? "image/jpeg" : "image/png";
    ta_viewer_head(v, "X-Frame", "%" PRId64, p->frame);
    ta_viewer_head(v, "X-Frames", "%" PRId64, p->frames);
    ta_viewer_head(v, "X-Source-Frame", "%" PRId64, p->source_frame);
    ta_viewer_head(v, "X-Field", "%d", p->field);
    ta_viewer_head(v, "X-Seconds", "%.6f", p->seconds);
    ta_viewer_head(v, "X-Size", "%dx%d", p->width, p->height);
}

static struct ta_picture_wish picture_wish(const struct ta_viewer *v)
{
    return (struct ta_picture_wish){
        .frame = json_object_get(v->question, "frame") ? ta_viewer_number(v, "frame") : -1,
        .at = ta_viewer_text(v, "at"),
        .width = (int)ta_viewer_number(v, "width"),
        .jpeg = json_is_true(json_object_get(v->question, "jpeg"))};
}

// What the stages may use, for pictures that are made here.
struct stage {
    struct ta_callbacks callbacks; // the meter points at them
    struct ta_meter meter;
    struct ta_env env;
};

static void stage_init(struct stage *s, struct ta_viewer *v)
{
    s->callbacks = ta_viewer_callbacks(v);
    s->callbacks.progress = NULL;
    ta_meter_init(&s->meter, &s->callbacks);
    s->env = ta_meter_env(&s->meter, ta_meter_cancel(&s->meter), v->log);
}

int ta_viewer_picture(struct ta_viewer *v)
{
    struct ta_plan *plan;
    struct ta_picture picture = {.frames = 0};
    struct ta_picture_wish wish = picture_wish(v);
    struct stage s;
    int err = ta_viewer_plan(v, &plan);
    if (err < 0)
        return err;
    stage_init(&s, v);
    err = strcmp(ta_viewer_text(v, "side"), "source") ? ta_picture_of_plan(&picture, plan, &wish, &s.env)
                                                      : ta_picture_of_source(&picture, plan, &wish, &s.env);
    ta_meter_release(&s.meter);
    if (err >= 0)
        reply_picture(v, &picture, wish.jpeg);
    else
        ta_buf_release(&picture.file);
    return err;
}

int ta_viewer_made(struct ta_viewer *v)
{
    struct ta_plan *plan;
    struct ta_picture picture = {.frames = 0};
    struct ta_picture_wish wish = picture_wish(v);
    char *folder;
    struct stage s;
    int err = ta_viewer_work(v, &plan, &folder);
    if (err < 0)
        return err;
    stage_init(&s, v);
    err = strcmp(ta_viewer_text(v, "side"), "source")
              ? ta_picture_of_result(&picture, plan, folder, v->cache, &wish, &s.env)
              : ta_picture_of_source(&picture, plan, &wish, &s.env);
    ta_meter_release(&s.meter);
    if (err >= 0)
        reply_picture(v, &picture, wish.jpeg);
    else
        ta_buf_release(&picture.file);
    free(folder);
    return err;
}

// ---- what is told of work ----

int ta_viewer_report(struct ta_viewer *v)
{
    const char *output = ta_viewer_text(v, "output"), *part = ta_viewer_text(v, "part");
    char *path = ta_report_path(output), *folder = NULL;
    struct ta_plan *plan = NULL;
    struct ta_report report = {0};
    json_t *o = NULL;
    int err = 0;
    if (!strcmp(part, "report")) {
        err = access(path, F_OK) < 0 ? TA_ERR_NOT_FOUND : ta_report_load(&report, path, v->log);
        if (err >= 0)
            err = ta_file_read(path, REPORT_MAX, &v->out, v->log);
    } else {
        err = ta_viewer_work(v, &plan, &folder);
        if (err >= 0 && !strcmp(part, "plan")) {
            ta_buf_puts(&v->out, ta_plan_json(plan));
        } else if (err >= 0) {
            json_t *measures = json_object_get(plan->survey, "measures");
            if (!measures && access(path, F_OK) == 0 && ta_json_load(path, &o, v->log) >= 0)
                measures = json_object_get(o, "measures");
            ta_viewer_reply(v, json_pack("{s:I, s:O?}", "frames", (json_int_t)ta_plan_frames(plan),
                                         "measures", measures));
            json_decref(o);
        }
    }
    ta_report_release(&report);
    free(folder);
    free(path);
    return err;
}

int ta_viewer_discard(struct ta_viewer *v)
{
    char *folder = ta_work_path_of(ta_viewer_text(v, "output"), ta_viewer_text(v, "work_dir"));
    int err = access(folder, F_OK) < 0 ? 0 : ta_work_discard(folder, v->log);
    if (err >= 0)
        ta_viewer_reply(v, json_pack("{s:b}", "removed", 1));
    free(folder);
    return err;
}

// ---- files that are made ----

// Makes room in the folder that the file is in.
static void prune_beside(const char *path, int64_t bytes, int count)
{
    char *folder = ta_path_dir(path);
    ta_kept_prune(folder, bytes, count, 0);
    free(folder);
}

int ta_viewer_glance(struct ta_viewer *v)
{
    enum { EACH = 64, MOST = 100000 };
    static const int64_t BYTES = 256 << 20;
    double place = json_number_value(json_object_get(v->question, "place"));
    const char *to = ta_viewer_text(v, "to");
    int err = ta_glance(ta_viewer_text(v, "input"), place, (int)ta_viewer_number(v, "width"), NULL, &v->out,
                        v->log);
    v->media = "image/jpeg";
    // A disk that is full, say, is no failure: the picture is there.
    if (err >= 0 && *to && ta_file_write_atomic(to, v->out.data, v->out.size, NULL) >= 0 &&
        v->kept++ % EACH == 0)
        prune_beside(to, BYTES, MOST);
    return err;
}

int ta_viewer_excerpt(struct ta_viewer *v)
{
    const char *input = ta_viewer_text(v, "input"), *to = ta_viewer_text(v, "to"),
               *start = ta_viewer_text(v, "start"), *layout = ta_viewer_text(v, "layout");
    enum { MOST = 48 }; // files: a film and its report each
    static const int64_t BYTES = (int64_t)4 << 30;
    struct ta_options *options = NULL;
    struct ta_plan *plan = NULL;
    struct ta_restore_result r = {0};
    struct ta_callbacks callbacks = ta_viewer_callbacks(v);
    int err = ta_viewer_options(v, &options);
    prune_beside(to, BYTES, MOST);
    if (err >= 0)
        err = ta_options_set(options, TA_LAYER_CALLER, "overwrite", "on", NULL);
    if (err >= 0) {
        struct ta_preview_wish wish = {
            .start = *start ? start : "25%",
            .duration = json_number_value(json_object_get(v->question, "duration")),
            .layout = *layout ? layout : "side"};
        err = ta_preview_plan(&plan, input, to, options, &wish, &callbacks, v->log);
    }
    if (err >= 0)
        err = ta_restore(plan, options, &callbacks, &r, v->log);
    if (err >= 0)
        ta_viewer_reply(v, json_pack("{s:I, s:I, s:I}", "frames", (json_int_t)r.frames, "bytes",
                                     (json_int_t)r.bytes, "source_frame", (json_int_t)plan->first_frame));
    ta_plan_destroy(&plan);
    ta_options_destroy(&options);
    return err;
}

static void on_fetched(void *priv, const struct ta_model *m, int64_t have)
{
    struct ta_viewer *v = priv;
    if (ta_clock_seconds() - v->told < 0.1)
        return;
    v->told = ta_clock_seconds();
    json_t *line = ta_line_create("progress", 0);
    json_object_set_new(line, "have_bytes", json_integer(have));
    json_object_set_new(line, "bytes", json_integer(m->bytes));
    ta_line_send(v->fd, line);
}

int ta_viewer_fetch(struct ta_viewer *v)
{
    struct ta_models models = {0};
    char *folder = ta_models_folder();
    int err = ta_models_load(&models, v->log);
    const struct ta_model *m = err >= 0 ? ta_models_named(&models, ta_viewer_text(v, "name")) : NULL;
    struct ta_fetch fetch = {NULL, FETCH_SILENCE_S, on_fetched, v, false};
    if (err >= 0 && (!m || !folder)) {
        ta_error(v->log, "%s: there is no network of this name", ta_viewer_text(v, "name"));
        err = TA_ERR_NOT_FOUND;
    }
    if (err >= 0)
        err = ta_model_fetch(m, folder, &fetch, v->log);
    if (err >= 0)
        ta_viewer_reply(v, json_pack("{s:s, s:I}", "name", m->name, "bytes", (json_int_t)m->bytes));
    ta_models_release(&models);
    free(folder);
    return err;
}
