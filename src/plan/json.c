// The plan as JSON: stable order and text. Reading checks every number and name, so that a garbled or hostile
// plan is refused with one line.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "plan/plan.h"
#include "plan/redo_ranges.h"
#include "plan/tasks.h"
#include "video/chain.h"

// The second is that of plans whose source is several files.
enum { PLAN_VERSION = 1, PLAN_VERSION_FILES = 2, MAX_STAGES = 64, MAX_STREAMS = 4096, MAX_SCALE = 1 << 20 };

// A file name is any bytes; JSON text is UTF-8. Names that are not become {"hex": "..."}.
static json_t *path_json(const char *path)
{
    json_t *text = json_string(path);
    if (text)
        return text;
    struct ta_buf hex = {0};
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        ta_buf_printf(&hex, "%02x", *c);
    json_t *o = json_pack("{s:s}", "hex", ta_buf_text(&hex));
    ta_buf_release(&hex);
    return o;
}

static int read_path(const json_t *object, const char *where, char **out, struct ta_log *log)
{
    const json_t *v = json_object_get(object, "path");
    const char *hex = json_string_value(json_object_get(v, "hex"));
    if (json_is_string(v) && json_string_length(v) && strlen(json_string_value(v)) == json_string_length(v)) {
        *out = ta_xstrdup(json_string_value(v));
        return 0;
    }
    size_t n = hex ? strlen(hex) : 0;
    if (!n || n % 2 || strspn(hex, "0123456789abcdef") != n || n > 2 * 65536) {
        ta_error(log, "%s: a path is missing or garbled", where);
        return TA_ERR_FORMAT;
    }
    char *text = ta_xcalloc(n / 2 + 1, 1);
    for (size_t i = 0; i < n / 2; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        text[i] = (char)strtol(two, NULL, 16);
    }
    *out = text;
    return 0;
}

// ---- writing ----

static json_t *runs_json(const struct ta_plan *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->run_count; i++)
        json_array_append_new(list, json_pack("{s:I, s:I, s:s}", "first", (json_int_t)p->runs[i].first,
                                              "count", (json_int_t)p->runs[i].count, "scan",
                                              ta_scan_type_name(p->runs[i].type)));
    return list;
}

json_t *ta_stages_json(const struct ta_stage_plan *stages, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        const struct ta_stage_plan *s = &stages[i];
        json_t *options = s->info->options ? ta_opt_to_json(s->info->options, s->opts) : json_object();
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "stage", s->info->name, "options", options,
                                              "output", ta_format_to_json(&s->out)));
    }
    return list;
}

static json_t *cuts_json(const int64_t *cuts, int segments)
{
    json_t *list = json_array();
    for (int i = 0; i <= segments; i++)
        json_array_append_new(list, json_integer(cuts[i]));
    return list;
}

static json_t *streams_json(const struct ta_plan *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->stream_count; i++) {
        const struct ta_stream_plan *s = &p->streams[i];
        json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "stream", s->stream, "kind",
                              ta_stream_kind_name(s->kind), "source_codec", s->source_codec, "action",
                              ta_stream_action_name(s->action));
        if (s->action == TA_STREAM_TRANSCODE)
            json_object_set_new(o, "codec", json_string(s->codec));
        if (s->bit_rate)
            json_object_set_new(o, "bit_rate", json_integer(s->bit_rate));
        if (s->start != AV_NOPTS_VALUE)
            json_object_set_new(o, "start_us", json_integer(s->start));
        if (s->reason[0])
            json_object_set_new(o, "reason", json_string(s->reason));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *time_or_null(int64_t t)
{
    return t == AV_NOPTS_VALUE ? json_null() : json_integer(t);
}

static json_t *source_json(const struct ta_plan *p)
{
    json_t *o = json_object();
    json_object_set_new(o, "path", path_json(p->input_at ? p->input_at : p->input));
    json_object_set_new(o, "size", json_integer(p->source.size_bytes));
    json_object_set_new(o, "mtime_ns", json_integer(p->source.mtime_ns));
    json_object_set_new(o, "head_tail_sha256", json_string(p->source.head_tail));
    json_object_set_new(o, "index_sha256", json_string(p->index_checksum));
    if (p->source_files)
        json_object_set(o, "files", p->source_files);
    return o;
}

static json_t *show_json(const struct ta_show *show)
{
    json_t *o = json_pack("{s:s}", "layout", ta_show_layouts[show->layout].name);
    json_object_set_new(o, "names", json_pack("[s, s]", show->names[0], show->names[1]));
    json_object_set_new(o, "details", json_pack("[s, s]", show->details[0], show->details[1]));
    json_object_set_new(o, "chain_format", ta_format_to_json(&show->chain));
    return o;
}

static json_t *video_json(const struct ta_plan *p)
{
    json_t *o = json_object();
    json_object_set_new(o, "source_format", ta_format_to_json(&p->source_format));
    json_object_set_new(o, "first_frame", json_integer(p->first_frame));
    json_object_set_new(o, "source_frames", json_integer(p->frame_count));
    json_object_set_new(o, "frames", json_integer(p->out_frames));
    json_object_set_new(o, "runs", runs_json(p));
    if (p->part_count)
        json_object_set_new(o, "parts", ta_plan_parts_to_json(p));
    if (p->film)
        json_object_set_new(o, "film", ta_plan_film_to_json(p));
    json_object_set_new(o, "deinterlaced", json_boolean(p->deinterlaced));
    json_object_set_new(o, "fields", json_integer(p->fields));
    json_object_set_new(o, "stages", ta_stages_json(p->stages, p->stage_count));
    char *text = ta_chain_text(p->stages, p->stage_count);
    json_object_set_new(o, "chain", json_string(text));
    free(text);
    json_object_set_new(o, "reach",
                        json_pack("{s:i, s:i}", "before", p->reach.before, "after", p->reach.after));
    json_object_set_new(o, "output_format", ta_format_to_json(&p->out_format));
    if (p->show)
        json_object_set_new(o, "show", show_json(p->show));
    json_object_set_new(o, "encoder", ta_encoder_settings_to_json(&p->encoder));
    json_object_set_new(o, "cuts", cuts_json(p->cuts, p->segment_count));
    if (p->redo_count) {
        json_object_set_new(o, "base_cuts", cuts_json(p->base_cuts, p->base_count));
        json_object_set_new(o, "redo", ta_redo_json(p));
    }
    return o;
}

static json_t *time_json(const struct ta_plan *p)
{
    json_t *o = json_object();
    json_object_set_new(o, "time_base", ta_json_rational(p->out_time_base));
    json_object_set_new(o, "time_scale", json_integer(p->time_scale));
    json_object_set_new(o, "offset", json_integer(p->offset));
    json_object_set_new(o, "range_start", time_or_null(p->range_start));
    json_object_set_new(o, "range_end", time_or_null(p->range_end));
    return o;
}

char *ta_plan_to_json(const struct ta_plan *p)
{
    json_t *root = json_object();
    json_object_set_new(root, "version", json_integer(p->source_files ? PLAN_VERSION_FILES : PLAN_VERSION));
    json_object_set_new(root, "source", source_json(p));
    json_object_set_new(root, "output",
                        json_pack("{s:o, s:s, s:b}", "path",
                                  path_json(p->output_at ? p->output_at : p->output), "container",
                                  p->container->name, "framemd5", p->framemd5));
    json_object_set(root, "recipe", p->recipe);
    json_object_set(root, "diagnosis", p->diagnosis);
    json_object_set_new(root, "video", video_json(p));
    json_object_set_new(root, "time", time_json(p));
    json_object_set_new(root, "streams", streams_json(p));
    json_t *tasks = ta_tasks_json(p);
    if (tasks)
        json_object_set_new(root, "tasks", tasks);
    json_t *scenes = ta_plan_scenes_to_json(p);
    if (scenes)
        json_object_set_new(root, "container", scenes);
    json_object_set(root, "decisions", p->decisions);
    json_object_set(root, "warnings", p->warnings);
    char *text = ta_json_text(root);
    json_decref(root);
    return text;
}

// ---- reading ----

static int refuse(const char *where, const char *what, struct ta_log *log)
{
    ta_error(log, "%s: %s", where, what);
    return TA_ERR_FORMAT;
}

static int copy_hex(const json_t *object, const char *where, const char *key, char out[65],
                    struct ta_log *log)
{
    const char *text;
    int err = ta_json_get_string(object, where, key, &text, log);
    if (err < 0)
        return err;
    if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        return refuse(where, "a checksum is not 64 hex digits", log);
    memcpy(out, text, 65);
    return 0;
}

static int copy_text(const json_t *object, const char *where, const char *key, char **out, struct ta_log *log)
{
    const char *text;
    int err = ta_json_get_string(object, where, key, &text, log);
    if (err >= 0)
        *out = ta_xstrdup(text);
    return err;
}

static int read_small(const json_t *object, const char *where, const char *key, int min, int max, int *out,
                      struct ta_log *log)
{
    int64_t v;
    int err = ta_json_get_int(object, where, key, min, max, &v, log);
    if (err >= 0)
        *out = (int)v;
    return err;
}

static int read_source(struct ta_plan *p, const json_t *root, int64_t version, const char *where,
                       struct ta_log *log)
{
    json_t *o;
    int err = ta_json_get_object(root, where, "source", &o, log);
    if (err >= 0)
        err = read_path(o, where, &p->input, log);
    if (err >= 0)
        err = ta_json_get_int(o, where, "size", 0, INT64_MAX, &p->source.size_bytes, log);
    if (err >= 0)
        err = ta_json_get_int(o, where, "mtime_ns", INT64_MIN, INT64_MAX, &p->source.mtime_ns, log);
    if (err >= 0)
        err = copy_hex(o, where, "head_tail_sha256", p->source.head_tail, log);
    if (err >= 0)
        err = copy_hex(o, where, "index_sha256", p->index_checksum, log);
    if (err >= 0 && version == PLAN_VERSION_FILES) {
        json_t *files;
        err = ta_json_get_array(o, where, "files", &files, log);
        p->source_files = err >= 0 ? json_incref(files) : NULL;
    }
    return err;
}

static int read_output(struct ta_plan *p, const json_t *root, const char *where, struct ta_log *log)
{
    json_t *o;
    const char *container;
    int err = ta_json_get_object(root, where, "output", &o, log);
    if (err >= 0)
        err = read_path(o, where, &p->output, log);
    if (err >= 0)
        err = ta_json_get_string(o, where, "container", &container, log);
    if (err >= 0 && !(p->container = ta_container_find(container)))
        err = refuse(where, "unknown container", log);
    if (err >= 0)
        err = ta_json_get_bool(o, where, "framemd5", &p->framemd5, log);
    return err;
}

static int read_runs(struct ta_plan *p, const json_t *video, const char *where, struct ta_log *log)
{
    json_t *list;
    int err = ta_json_get_array(video, where, "runs", &list, log);
    if (err < 0)
        return err;
    size_t n = json_array_size(list);
    if (n < 1 || n > (size_t)p->frame_count)
        return refuse(where, "the number of runs does not fit the frames", log);
    p->runs = ta_xcalloc(n, sizeof *p->runs);
    int64_t next = p->first_frame, end = p->first_frame + p->frame_count;
    for (size_t i = 0; i < n && err >= 0; i++) {
        const json_t *o = json_array_get(list, i);
        struct ta_scan_run *r = &p->runs[i];
        const char *scan;
        err = ta_json_get_int(o, where, "first", next, next, &r->first, log);
        if (err >= 0)
            err = ta_json_get_int(o, where, "count", 1, end - next, &r->count, log);
        if (err >= 0)
            err = ta_json_get_string(o, where, "scan", &scan, log);
        int type = err >= 0 ? ta_scan_type_from_name(scan) : 0;
        if (err >= 0 && type < 0)
            err = refuse(where, "unknown scan type in a run", log);
        if (err >= 0) {
            r->type = (enum ta_scan_type)type;
            next += r->count;
            p->run_count++;
        }
    }
    if (err >= 0 && next != end)
        err = refuse(where, "the runs do not cover the frames", log);
    return err;
}

int ta_stages_read(const json_t *owner, const char *where, const struct ta_format *in,
                   struct ta_stage_plan **stages, int *count, struct ta_log *log)
{
    json_t *list;
    int err = ta_json_get_array(owner, where, "stages", &list, log);
    if (err < 0)
        return err;
    size_t n = json_array_size(list);
    if (n > MAX_STAGES)
        return refuse(where, "too many stages", log);
    *stages = ta_xcalloc(n + 1, sizeof **stages);
    struct ta_format cur = *in;
    for (size_t i = 0; i < n && err >= 0; i++) {
        const json_t *o = json_array_get(list, i);
        const char *name;
        json_t *options;
        struct ta_format out;
        err = ta_json_get_string(o, where, "stage", &name, log);
        const struct ta_stage_info *info = err >= 0 ? ta_stage_find(name) : NULL;
        if (err >= 0 && !info)
            err = refuse(where, "unknown stage", log);
        if (err >= 0)
            err = ta_json_get_object(o, where, "options", &options, log);
        if (err < 0)
            break;
        struct ta_stage_plan *s = &(*stages)[*count];
        ta_stage_plan_init(s, info, &cur);
        ++*count;
        if (info->options) {
            ta_opt_release(info->options, s->opts);
            memset(s->opts, 0, info->options_size);
            err = ta_opt_require_all(info->options, options, where, log);
            if (err >= 0)
                err = ta_opt_from_json(info->options, s->opts, options, where, log);
        }
        if (err >= 0)
            err = ta_stage_plan_configure(s, log);
        if (err >= 0)
            err = ta_format_from_json(&out, json_object_get(o, "output"), where, log);
        // What the stage gives follows from its options: a plan that says otherwise was altered.
        if (err >= 0 &&
            (out.pix_fmt != s->out.pix_fmt || out.width != s->out.width || out.height != s->out.height))
            err = refuse(where, "a stage's output does not follow from its options", log);
        cur = s->out;
    }
    return err;
}

static int read_labels(const json_t *show, const char *where, const char *key, char *out[2],
                       struct ta_log *log)
{
    json_t *list;
    int err = ta_json_get_array(show, where, key, &list, log);
    for (size_t i = 0; i < 2 && err >= 0; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text)
            return refuse(where, "a label of the preview is missing", log);
        out[i] = ta_xstrdup(text);
    }
    return err;
}

static int read_show(struct ta_plan *p, const json_t *video, const char *where, struct ta_log *log)
{
    json_t *o;
    const char *layout;
    if (!json_object_get(video, "show"))
        return 0;
    int err = ta_json_get_object(video, where, "show", &o, log);
    if (err < 0)
        return err;
    p->show = ta_xcalloc(1, sizeof *p->show);
    err = ta_json_get_string(o, where, "layout", &layout, log);
    for (int i = 0; err >= 0; i++) {
        if (!ta_show_layouts[i].name)
            return refuse(where, "unknown layout of a preview", log);
        p->show->layout = i;
        if (!strcmp(ta_show_layouts[i].name, layout))
            break;
    }
    if (err >= 0)
        err = read_labels(o, where, "names", p->show->names, log);
    if (err >= 0)
        err = read_labels(o, where, "details", p->show->details, log);
    if (err >= 0)
        err = ta_format_from_json(&p->show->chain, json_object_get(o, "chain_format"), where, log);
    return err;
}

static int read_cuts(const struct ta_plan *p, const json_t *video, const char *where, const char *key,
                     int64_t **cuts, int *segments, struct ta_log *log)
{
    json_t *list;
    int err = ta_json_get_array(video, where, key, &list, log);
    if (err < 0)
        return err;
    size_t n = json_array_size(list);
    if (n < 2 || n > (size_t)p->frame_count + 1)
        return refuse(where, "the number of cuts does not fit the frames", log);
    int64_t *c = *cuts = ta_xcalloc(n, sizeof *c);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        c[i] = json_integer_value(v);
        if (!json_is_integer(v) || (i && c[i] <= c[i - 1]))
            return refuse(where, "the cuts must rise", log);
    }
    if (c[0] != p->first_frame || c[n - 1] != p->first_frame + p->frame_count)
        return refuse(where, "the cuts do not cover the frames", log);
    // With inverse telecine some frames give nothing: a segment begins with one that does.
    for (size_t i = 1; p->film && i < n; i++)
        if (ta_plan_out_before(p, c[i]) == ta_plan_out_before(p, c[i - 1]) ||
            (i + 1 < n && ta_plan_fields_of(p, c[i]) < 1))
            return refuse(where, "a cut lies on a frame that gives nothing", log);
    *segments = (int)n - 1;
    return 0;
}

static int read_video(struct ta_plan *p, const json_t *root, const char *where, struct ta_log *log)
{
    json_t *o, *reach;
    int deinterlaced = 0;
    int err = ta_json_get_object(root, where, "video", &o, log);
    if (err >= 0)
        err = ta_format_from_json(&p->source_format, json_object_get(o, "source_format"), where, log);
    if (err >= 0)
        err = ta_json_get_int(o, where, "first_frame", 0, INT32_MAX, &p->first_frame, log);
    if (err >= 0)
        err = ta_json_get_int(o, where, "source_frames", 1, INT32_MAX, &p->frame_count, log);
    if (err >= 0)
        err = ta_json_get_bool(o, where, "deinterlaced", &deinterlaced, log);
    if (err >= 0)
        err = read_small(o, where, "fields", 1, 2, &p->fields, log);
    p->deinterlaced = deinterlaced;
    if (err >= 0)
        err = read_runs(p, o, where, log);
    if (err >= 0)
        err = ta_plan_parts_from_json(p, o, where, log);
    if (err >= 0)
        err = ta_plan_film_from_json(p, o, where, log);
    if (err >= 0)
        err = ta_json_get_int(o, where, "frames", 1, INT64_MAX, &p->out_frames, log);
    if (err >= 0 && p->out_frames != ta_plan_out_before(p, p->first_frame + p->frame_count))
        err = refuse(where, "the number of output frames does not follow from the runs", log);
    if (err >= 0)
        err = ta_stages_read(o, where, &p->source_format, &p->stages, &p->stage_count, log);
    if (err >= 0)
        err = ta_json_get_object(o, where, "reach", &reach, log);
    if (err >= 0)
        err = read_small(reach, where, "before", 0, 1 << 20, &p->reach.before, log);
    if (err >= 0)
        err = read_small(reach, where, "after", 0, 1 << 20, &p->reach.after, log);
    if (err >= 0)
        err = ta_format_from_json(&p->out_format, json_object_get(o, "output_format"), where, log);
    if (err >= 0)
        err = read_show(p, o, where, log);
    if (err >= 0)
        err = ta_encoder_settings_from_json(&p->encoder, json_object_get(o, "encoder"), where, log);
    if (err >= 0)
        err = ta_encoder_settings_trust(&p->encoder, &p->out_format,
                                        ta_plan_hdr10_peak(p->stages, p->stage_count), where, log);
    if (err >= 0)
        err = read_cuts(p, o, where, "cuts", &p->cuts, &p->segment_count, log);
    if (err >= 0 && json_object_get(o, "redo")) {
        err = read_cuts(p, o, where, "base_cuts", &p->base_cuts, &p->base_count, log);
        if (err >= 0)
            err = ta_redo_read(p, o, where, log);
    }
    return err;
}

static int read_open_time(const json_t *o, const char *where, const char *key, int64_t *out,
                          struct ta_log *log)
{
    *out = AV_NOPTS_VALUE;
    const json_t *v = json_object_get(o, key);
    if (!v || json_is_null(v))
        return 0;
    return ta_json_get_int(o, where, key, -(INT64_MAX >> 1), INT64_MAX >> 1, out, log);
}

static int read_time(struct ta_plan *p, const json_t *root, const char *where, struct ta_log *log)
{
    json_t *o;
    int err = ta_json_get_object(root, where, "time", &o, log);
    if (err >= 0)
        err = ta_json_get_rational(o, where, "time_base", &p->out_time_base, log);
    if (err >= 0 && (p->out_time_base.num < 1 || p->out_time_base.den < 1))
        err = refuse(where, "the time base must be positive", log);
    if (err >= 0)
        err = read_small(o, where, "time_scale", 1, MAX_SCALE, &p->time_scale, log);
    if (err >= 0)
        err = ta_json_get_int(o, where, "offset", -(INT64_MAX >> 2), INT64_MAX >> 2, &p->offset, log);
    if (err >= 0)
        err = read_open_time(o, where, "range_start", &p->range_start, log);
    if (err >= 0)
        err = read_open_time(o, where, "range_end", &p->range_end, log);
    return err;
}

static int read_stream(struct ta_stream_plan *s, const json_t *o, const char *where, struct ta_log *log)
{
    const char *action, *kind;
    int err = read_small(o, where, "stream", 0, MAX_STREAMS, &s->stream, log);
    if (err >= 0)
        err = ta_json_get_string(o, where, "kind", &kind, log);
    int k = err >= 0 ? ta_stream_kind_from_name(kind) : 0;
    if (err >= 0 && k < 0)
        err = refuse(where, "unknown kind of a stream", log);
    s->kind = (enum ta_stream_kind)k;
    if (err >= 0)
        err = copy_text(o, where, "source_codec", &s->source_codec, log);
    if (err >= 0)
        err = ta_json_get_string(o, where, "action", &action, log);
    int a = err >= 0 ? ta_stream_action_from_name(action) : 0;
    if (err >= 0 && a < 0)
        err = refuse(where, "unknown action for a stream", log);
    s->action = (enum ta_stream_action)a;
    if (err >= 0 && s->action == TA_STREAM_TRANSCODE)
        err = copy_text(o, where, "codec", &s->codec, log);
    else
        s->codec = ta_xstrdup("");
    if (err >= 0 && json_object_get(o, "bit_rate"))
        err = ta_json_get_int(o, where, "bit_rate", 0, 100000000, &s->bit_rate, log);
    if (err >= 0)
        err = read_open_time(o, where, "start_us", &s->start, log);
    if (err >= 0 && json_object_get(o, "reason"))
        err = copy_text(o, where, "reason", &s->reason, log);
    else
        s->reason = ta_xstrdup("");
    return err;
}

static int read_streams(struct ta_plan *p, const json_t *root, const char *where, struct ta_log *log)
{
    json_t *list;
    int err = ta_json_get_array(root, where, "streams", &list, log);
    if (err < 0)
        return err;
    size_t n = json_array_size(list);
    if (n > MAX_STREAMS)
        return refuse(where, "too many streams", log);
    p->streams = ta_xcalloc(n + 1, sizeof *p->streams);
    for (size_t i = 0; i < n && err >= 0; i++)
        err = read_stream(&p->streams[p->stream_count++], json_array_get(list, i), where, log);
    return err;
}

static int read_words(struct ta_plan *p, const json_t *root, const char *where, struct ta_log *log)
{
    int err = ta_json_get_object(root, where, "recipe", &p->recipe, log);
    json_incref(p->recipe);
    if (err >= 0) {
        err = ta_json_get_object(root, where, "diagnosis", &p->diagnosis, log);
        json_incref(p->diagnosis);
    }
    if (err >= 0) {
        err = ta_json_get_array(root, where, "decisions", &p->decisions, log);
        json_incref(p->decisions);
    }
    if (err >= 0) {
        err = ta_json_get_array(root, where, "warnings", &p->warnings, log);
        json_incref(p->warnings);
    }
    for (size_t i = 0; err >= 0 && i < json_array_size(p->warnings); i++) {
        struct ta_problem *problem = ta_problem_from_json(json_array_get(p->warnings, i));
        if (!problem)
            err = refuse(where, "a warning is neither a problem nor a text", log);
        ta_problem_destroy(&problem);
    }
    return err;
}

int ta_plan_from_json(struct ta_plan **out, const char *text, size_t size, const char *name,
                      struct ta_log *log)
{
    *out = NULL;
    json_t *root = NULL;
    int err = ta_json_parse(text, size, name, &root, log);
    if (err < 0)
        return err;
    struct ta_plan *p = ta_xcalloc(1, sizeof *p);
    int64_t version;
    err = ta_json_get_int(root, name, "version", 0, INT32_MAX, &version, log);
    if (err >= 0 && version != PLAN_VERSION && version != PLAN_VERSION_FILES) {
        ta_error(log, "%s: plans of version %lld are not known; this program reads versions up to %d", name,
                 (long long)version, PLAN_VERSION_FILES);
        err = TA_ERR_UNSUPPORTED;
    }
    if (err >= 0)
        err = read_source(p, root, version, name, log);
    if (err >= 0)
        err = read_output(p, root, name, log);
    if (err >= 0)
        err = read_video(p, root, name, log);
    if (err >= 0)
        err = read_time(p, root, name, log);
    if (err >= 0)
        err = read_streams(p, root, name, log);
    if (err >= 0)
        err = ta_tasks_read(p, root, name, log);
    if (err >= 0)
        err = ta_plan_scenes_from_json(p, root, name, log);
    if (err >= 0)
        err = read_words(p, root, name, log);
    json_decref(root);
    if (err < 0)
        ta_plan_destroy(&p);
    else
        p->json = ta_plan_to_json(p);
    *out = p;
    return err < 0 ? err : 0;
}
