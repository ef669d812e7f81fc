#include "restore/report.h"
#include "restore/sound_result.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/error.h>
#include <terminalai/task.h>
#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/reading.h"
#include "base/tree.h"
#include "media/av.h"

enum { REPORT_VERSION = 1, REPORT_LIMIT = 64 << 20 };

char *ta_report_path(const char *output)
{
    return ta_xprintf("%s.json", output);
}

static json_t *segments(const struct ta_work *w)
{
    json_t *list = json_array();
    for (int i = 0; i < w->plan->segment_count; i++) {
        struct ta_segment_result r = ta_work_segment(w, i);
        json_array_append_new(list,
                              json_pack("{s:I, s:I, s:I, s:I, s:s}", "frames", (json_int_t)r.frames, "bytes",
                                        (json_int_t)r.bytes, "concealed", (json_int_t)r.concealed, "damaged",
                                        (json_int_t)r.damaged, "sha256", r.sha256));
    }
    return list;
}

static json_t *name_json(const char *output)
{
    json_t *name = json_string(ta_path_name(output));
    return name ? name : json_string("(not UTF-8)");
}

// All tasks, as the journal had them.
static json_t *tasks(const struct ta_work *w)
{
    json_t *list = json_array();
    for (int i = 0, n = ta_plan_tasks(w->plan); i < n; i++) {
        struct ta_task task = ta_plan_task(w->plan, i);
        const struct ta_done *d = &w->done[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:o}", "task", task.stem, "kind",
                                              task.kind, "sha256", d->sha256, "bytes", (json_int_t)d->bytes,
                                              "counts", ta_counts_json(&d->counts)));
    }
    return list;
}

char *ta_report_text(const struct ta_work *work, const struct ta_join_result *join,
                     const struct ta_check_result *check, const struct ta_restore_result *result,
                     const struct ta_problems *problems, const struct ta_sessions_stats *networks)
{
    const struct ta_plan *p = work->plan;
    int64_t work_bytes = ta_work_bytes(work);
    json_t *root = json_object();
    json_object_set_new(root, "version", json_integer(REPORT_VERSION));
    json_t *versions = ta_av_versions();
    json_object_set_new(versions, "terminalai", json_string(ta_version()));
    json_object_set_new(root, "versions", versions);
    json_object_set_new(root, "output",
                        json_pack("{s:o, s:I, s:s, s:O}", "name", name_json(p->output), "bytes",
                                  (json_int_t)check->bytes, "sha256", check->sha256, "streams",
                                  check->streams));
    json_object_set_new(root, "result",
                        json_pack("{s:I, s:I, s:I, s:I, s:I}", "frames", (json_int_t)result->frames,
                                  "concealed", (json_int_t)result->concealed, "damaged",
                                  (json_int_t)result->damaged, "warnings", (json_int_t)result->warnings,
                                  "losses", (json_int_t)result->losses));
    json_object_set_new(root, "problems", ta_problems_to_json(problems));
    json_object_set_new(root, "sound",
                        json_pack("{s:I, s:I, s:I, s:I}", "gaps_filled", (json_int_t)join->audio_gaps,
                                  "overlaps_trimmed", (json_int_t)join->audio_overlaps, "decode_errors",
                                  (json_int_t)join->audio_errors, "before_start", (json_int_t)join->early));
    if (p->sound_count)
        json_object_set_new(json_object_get(root, "sound"), "tracks", ta_sound_results_json(work));
    struct ta_light light = ta_work_light(work);
    if (light.peak)
        json_object_set_new(root, "light",
                            json_pack("{s:i, s:i, s:i}", "peak", light.peak, "max_cll", light.max_cll,
                                      "max_fall", light.max_fall));
    json_object_set_new(root, "verified",
                        json_pack("{s:I, s:f}", "frames_decoded", (json_int_t)check->frames_decoded,
                                  "worst_sync_seconds",
                                  TA_MAX(check->worst_sync_copied, check->worst_sync_transcoded)));
    json_object_set_new(root, "run",
                        json_pack("{s:f, s:f, s:I, s:i, s:i, s:I}", "wall_seconds", result->wall_seconds,
                                  "cpu_seconds", result->cpu_seconds, "peak_rss_bytes",
                                  (json_int_t)result->peak_rss_bytes, "segments_reused",
                                  result->segments_reused, "tasks_reused", result->tasks_reused, "work_bytes",
                                  (json_int_t)work_bytes));
    bool engine = false;
    for (int i = 0; i < p->stage_count; i++)
        engine |= p->stages[i].info->engine;
    for (int i = 0; i < p->sound_count; i++)
        for (int k = 0; k < p->sounds[i].stage_count; k++)
            engine |= p->sounds[i].stages[k].info->runtime != NULL;
    if (engine)
        json_object_set_new(root, "networks",
                            json_pack("{s:I, s:I, s:I, s:I, s:f}", "loads", (json_int_t)networks->loads,
                                      "hits", (json_int_t)networks->hits, "misses",
                                      (json_int_t)networks->misses, "bytes", (json_int_t)networks->bytes,
                                      "load_seconds", networks->seconds));
    json_object_set_new(root, "segments", segments(work));
    json_object_set_new(root, "tasks", tasks(work));
    json_t *measures = json_object_get(p->survey, "measures");
    if (measures)
        json_object_set(root, "measures", measures);
    json_t *plan = json_loads(p->json, 0, NULL);
    json_object_set_new(root, "plan", plan ? plan : json_null());
    char *text = ta_json_text(root);
    json_decref(root);
    return text;
}

// A stream as the check has counted it.
static void check_stream(struct ta_reading *in, const json_t *o)
{
    ta_read_text(in, o, "codec");
    ta_read_int(in, o, "packets", 0, INT64_MAX);
    ta_read_int(in, o, "bytes", 0, INT64_MAX);
    for (int i = 0; i < 2 && json_object_get(o, "start"); i++)
        ta_read_number(in, o, i ? "start" : "end");
}

int ta_report_parse(struct ta_report *out, const char *text, size_t size, const char *name,
                    struct ta_log *log)
{
    *out = (struct ta_report){0};
    json_t *root = NULL, *stream;
    size_t i;
    int err = ta_json_parse(text, size, name, &root, log);
    if (err < 0)
        return err;
    struct ta_reading in = {.where = name, .log = log};
    ta_read_int(&in, root, "version", REPORT_VERSION, REPORT_VERSION);
    const json_t *output = ta_read_object(&in, root, "output");
    out->bytes = ta_read_int(&in, output, "bytes", 0, INT64_MAX);
    ta_read_checksum(&in, output, "sha256", out->sha256);
    out->streams = json_incref(ta_read_array(&in, output, "streams"));
    json_array_foreach(out->streams, i, stream) check_stream(&in, stream);
    const json_t *plan = ta_read_object(&in, root, "plan");
    if (!in.err) {
        char *plan_text = ta_json_text(plan);
        ta_read_note(&in, ta_plan_from_json(&out->plan, plan_text, strlen(plan_text), name, log));
        free(plan_text);
    }
    json_decref(root);
    if (in.err)
        ta_report_release(out);
    return in.err;
}

int ta_report_load(struct ta_report *out, const char *path, struct ta_log *log)
{
    *out = (struct ta_report){0};
    struct ta_buf text = {0};
    int err = ta_file_read(path, REPORT_LIMIT, &text, log);
    if (err >= 0)
        err = ta_report_parse(out, ta_buf_text(&text), text.size, path, log);
    ta_buf_release(&text);
    return err;
}

bool ta_report_is_of(const char *path, const char *output, bool sums)
{
    struct ta_buf text = {0};
    json_t *root = NULL, *name = name_json(output);
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && ta_file_read(path, REPORT_LIMIT, &text, NULL) >= 0)
        root = json_loadb(ta_buf_text(&text), text.size, 0, NULL);
    json_t *made = json_object_get(json_object_get(root, "plan"), "output");
    bool is = json_is_string(json_object_get(json_object_get(root, "versions"), "terminalai")) &&
              json_equal(json_object_get(json_object_get(root, "output"), "name"), name) &&
              json_is_object(made) && (!sums || json_is_true(json_object_get(made, "framemd5")));
    json_decref(name);
    json_decref(root);
    ta_buf_release(&text);
    return is;
}

void ta_report_release(struct ta_report *r)
{
    json_decref(r->streams);
    ta_plan_destroy(&r->plan);
    *r = (struct ta_report){0};
}
