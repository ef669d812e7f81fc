// The plan's JSON read. A plan may come from anywhere: each member must be there, of its type and in its
// range, and all together must be what this program decides (trust.c), or the plan is refused with one line.
// Nothing is opened or built for this, so that it costs next to nothing.
#include "plan/json_read.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "plan/decide.h"
#include "plan/sound.h"
#include "video/chain.h"

enum { MAX_STREAMS = 4096, MAX_SCALE = 1 << 20, MAX_PATH_BYTES = 65536, MAX_BIT_RATE = 100000000 };

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

// A text, or {"hex": "..."} for a name that is no UTF-8; see path_json() in json.c.
static char *read_path(struct ta_reading *in, const json_t *owner)
{
    const json_t *v = json_object_get(owner, "path");
    const char *text = json_string_value(v), *hex = json_string_value(json_object_get(v, "hex"));
    size_t n = hex ? strlen(hex) : 0;
    if (in->err)
        return ta_xstrdup("");
    if (text && *text && strlen(text) <= MAX_PATH_BYTES)
        return ta_xstrdup(text);
    bool good = n && n % 2 == 0 && n <= 2 * MAX_PATH_BYTES && strspn(hex, "0123456789abcdef") == n;
    for (size_t i = 0; good && i < n; i += 2)
        good = hex[i] != '0' || hex[i + 1] != '0';
    if (!good) {
        ta_read_refuse(in, "a path is missing or garbled");
        return ta_xstrdup("");
    }
    char *out = ta_xcalloc(n / 2 + 1, 1);
    for (size_t i = 0; i < n / 2; i++)
        out[i] = (char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return out;
}

static void read_source(struct ta_plan *p, const json_t *root, int version, struct ta_reading *in)
{
    const json_t *o = ta_read_object(in, root, "source");
    p->input = read_path(in, o);
    p->source.size_bytes = ta_read_int(in, o, "size", 0, INT64_MAX);
    p->source.mtime_ns = ta_read_int(in, o, "mtime_ns", INT64_MIN, INT64_MAX);
    ta_read_checksum(in, o, "head_tail_sha256", p->source.head_tail);
    ta_read_checksum(in, o, "index_sha256", p->index_checksum);
    if (version == TA_PLAN_VERSION_FILES)
        p->source_files = json_incref(ta_read_array(in, o, "files"));
}

static void read_output(struct ta_plan *p, const json_t *root, struct ta_reading *in)
{
    const json_t *o = ta_read_object(in, root, "output");
    p->output = read_path(in, o);
    p->container = ta_container_find(ta_read_text(in, o, "container"));
    if (!p->container)
        ta_read_refuse(in, "unknown container");
    p->framemd5 = ta_read_bool(in, o, "framemd5");
}

static void read_runs(struct ta_plan *p, const json_t *video, struct ta_reading *in)
{
    const json_t *list = ta_read_array(in, video, "runs");
    size_t n = json_array_size(list);
    if (n < 1 || n > (size_t)p->frame_count)
        ta_read_refuse(in, "the number of runs does not fit the frames");
    if (in->err)
        return;
    p->runs = ta_xcalloc(n, sizeof *p->runs);
    int64_t next = p->first_frame, end = p->first_frame + p->frame_count;
    for (size_t i = 0; i < n && !in->err; i++) {
        const json_t *o = json_array_get(list, i);
        struct ta_scan_run *r = &p->runs[i];
        r->first = ta_read_int(in, o, "first", next, next);
        r->count = ta_read_int(in, o, "count", 1, end - next);
        int type = ta_scan_type_from_name(ta_read_text(in, o, "scan"));
        if (type < 0)
            ta_read_refuse(in, "unknown scan type in a run");
        r->type = (enum ta_scan_type)TA_MAX(type, 0);
        next += r->count;
        p->run_count++;
    }
    if (next != end)
        ta_read_refuse(in, "the runs do not cover the frames");
}

static void read_labels(struct ta_reading *in, const json_t *show, const char *key, char *out[2])
{
    const json_t *list = ta_read_array(in, show, key);
    for (size_t i = 0; i < 2 && !in->err; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text)
            ta_read_refuse(in, "a label of the preview is missing");
        out[i] = ta_xstrdup(text ? text : "");
    }
}

static void read_format(struct ta_reading *in, const json_t *owner, const char *key, struct ta_format *out)
{
    if (!in->err)
        ta_read_note(in, ta_format_from_json(out, json_object_get(owner, key), in->where, in->log));
}

static void read_show(struct ta_plan *p, const json_t *video, struct ta_reading *in)
{
    if (in->err || !json_object_get(video, "show"))
        return;
    const json_t *o = ta_read_object(in, video, "show");
    const char *layout = ta_read_text(in, o, "layout");
    int i = 0;
    while (ta_show_layouts[i].name && strcmp(ta_show_layouts[i].name, layout))
        i++;
    if (!ta_show_layouts[i].name)
        ta_read_refuse(in, "unknown layout of a preview");
    if (in->err)
        return;
    p->show = ta_xcalloc(1, sizeof *p->show);
    p->show->layout = i;
    read_labels(in, o, "names", p->show->names);
    read_labels(in, o, "details", p->show->details);
    read_format(in, o, "chain_format", &p->show->chain);
}

// Each segment must give at least as many frames as an encoder holds back, unless it is the only one.
static void read_cuts(const struct ta_plan *p, const json_t *video, const char *key, int64_t **cuts,
                      int *segments, struct ta_reading *in)
{
    const json_t *list = ta_read_array(in, video, key);
    size_t n = json_array_size(list);
    if (n < 2 || n > (size_t)p->frame_count + 1)
        ta_read_refuse(in, "the number of cuts does not fit the frames");
    if (in->err)
        return;
    int64_t *c = *cuts = ta_xcalloc(n, sizeof *c);
    for (size_t i = 0; i < n && !in->err; i++) {
        const json_t *v = json_array_get(list, i);
        c[i] = json_integer_value(v);
        if (!json_is_integer(v) || (i && c[i] <= c[i - 1]))
            ta_read_refuse(in, "the cuts must rise");
    }
    if (c[0] != p->first_frame || c[n - 1] != p->first_frame + p->frame_count)
        ta_read_refuse(in, "the cuts do not cover the frames");
    int64_t before = 0;
    for (size_t i = 1; i < n && !in->err; i++) {
        int64_t out = ta_plan_out_before(p, c[i]);
        // With inverse telecine some frames give nothing: a segment begins with one that does.
        if (p->film && (out == before || (i + 1 < n && ta_plan_fields_of(p, c[i]) < 1)))
            ta_read_refuse(in, "a cut lies on a frame that gives nothing");
        if (n > 2 && out - before < TA_MIN_SEGMENT_OUT)
            ta_read_refuse(in, "a segment is too short");
        before = out;
    }
    *segments = in->err ? 0 : (int)n - 1;
}

static void read_timeline(struct ta_plan *p, const json_t *o, struct ta_reading *in)
{
    read_format(in, o, "source_format", &p->source_format);
    p->first_frame = ta_read_int(in, o, "first_frame", 0, INT32_MAX);
    p->frame_count = ta_read_int(in, o, "source_frames", 1, INT32_MAX);
    p->deinterlaced = ta_read_bool(in, o, "deinterlaced");
    p->fields = ta_read_small(in, o, "fields", 1, 2);
    read_runs(p, o, in);
    ta_plan_read_parts(p, o, in);
    ta_plan_read_film(p, o, in);
    p->out_frames = ta_read_int(in, o, "frames", 1, INT64_MAX);
    if (!in->err && p->out_frames != ta_plan_out_before(p, p->first_frame + p->frame_count))
        ta_read_refuse(in, "the number of output frames does not follow from the runs");
}

static void read_video(struct ta_plan *p, const json_t *root, struct ta_reading *in)
{
    const json_t *o = ta_read_object(in, root, "video");
    read_timeline(p, o, in);
    ta_read_stages(in, o, &p->source_format, &p->stages, &p->stage_count);
    p->reach = ta_read_reach(in, o, p->stages, p->stage_count);
    read_format(in, o, "output_format", &p->out_format);
    read_show(p, o, in);
    ta_read_encoder(in, o, &p->out_format, ta_plan_hdr10_peak(p->stages, p->stage_count), &p->encoder);
    read_cuts(p, o, "cuts", &p->cuts, &p->segment_count, in);
    if (!in->err && json_object_get(o, "redo")) {
        read_cuts(p, o, "base_cuts", &p->base_cuts, &p->base_count, in);
        ta_plan_read_redo(p, o, in);
    }
}

// A time that may be open: null, or left out.
static int64_t read_open_time(struct ta_reading *in, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!v || json_is_null(v))
        return AV_NOPTS_VALUE;
    return ta_read_int(in, o, key, -TA_PLAN_TIME_MAX, TA_PLAN_TIME_MAX);
}

static void read_time(struct ta_plan *p, const json_t *root, struct ta_reading *in)
{
    const json_t *o = ta_read_object(in, root, "time");
    p->out_time_base = ta_read_positive(in, o, "time_base");
    p->time_scale = ta_read_small(in, o, "time_scale", 1, MAX_SCALE);
    p->offset = ta_read_int(in, o, "offset", -TA_PLAN_TIME_MAX, TA_PLAN_TIME_MAX);
    p->range_start = read_open_time(in, o, "range_start");
    p->range_end = read_open_time(in, o, "range_end");
}

static void read_stream(struct ta_stream_plan *s, const json_t *o, struct ta_reading *in)
{
    int kind, action;
    s->stream = ta_read_small(in, o, "stream", 0, MAX_STREAMS);
    if ((kind = ta_stream_kind_from_name(ta_read_text(in, o, "kind"))) < 0)
        ta_read_refuse(in, "unknown kind of a stream");
    s->source_codec = ta_read_copy(in, o, "source_codec");
    if ((action = ta_stream_action_from_name(ta_read_text(in, o, "action"))) < 0)
        ta_read_refuse(in, "unknown action for a stream");
    s->kind = (enum ta_stream_kind)TA_MAX(kind, 0);
    s->action = (enum ta_stream_action)TA_MAX(action, 0);
    s->codec = ta_read_copy(in, o, s->action == TA_STREAM_TRANSCODE ? "codec" : "codec?");
    s->bit_rate = ta_read_int(in, o, "bit_rate?", 0, MAX_BIT_RATE);
    s->start = read_open_time(in, o, "start_us");
    s->reason = ta_read_copy(in, o, "reason?");
}

static void read_streams(struct ta_plan *p, const json_t *root, struct ta_reading *in)
{
    const json_t *list = ta_read_array(in, root, "streams");
    size_t n = json_array_size(list);
    if (n > MAX_STREAMS)
        ta_read_refuse(in, "too many streams");
    if (in->err)
        return;
    p->streams = ta_xcalloc(n + 1, sizeof *p->streams);
    for (size_t i = 0; i < n && !in->err; i++)
        read_stream(&p->streams[p->stream_count++], json_array_get(list, i), in);
}

// {"name": {first: text, second: text}, ...}
static void check_pairs(struct ta_reading *in, const json_t *object, const char *first, const char *second)
{
    const char *name;
    json_t *item;
    json_object_foreach((json_t *)object, name, item)
    {
        ta_read_text(in, item, first);
        ta_read_text(in, item, second);
    }
}

static void read_words(struct ta_plan *p, const json_t *root, struct ta_reading *in)
{
    size_t i;
    json_t *item;
    p->recipe = json_incref(ta_read_object(in, root, "recipe"));
    check_pairs(in, p->recipe, "value", "from");
    p->diagnosis = json_incref(ta_read_object(in, root, "diagnosis"));
    p->decisions = json_incref(ta_read_array(in, root, "decisions"));
    json_array_foreach(p->decisions, i, item)
    {
        ta_read_text(in, item, "what");
        ta_read_text(in, item, "why");
    }
    p->warnings = json_incref(ta_read_array(in, root, "warnings"));
    json_array_foreach(p->warnings, i, item)
    {
        struct ta_problem *problem = in->err ? NULL : ta_problem_from_json(item);
        if (!problem)
            ta_read_refuse(in, "a warning is neither a problem nor a text");
        ta_problem_destroy(&problem);
    }
}

static void read_all(struct ta_plan *p, const json_t *root, struct ta_reading *in)
{
    int version = ta_read_small(in, root, "version", 0, INT32_MAX);
    if (!in->err && version != TA_PLAN_VERSION && version != TA_PLAN_VERSION_FILES) {
        ta_error(in->log, "%s: plans of version %d are not known; this program reads versions up to %d",
                 in->where, version, TA_PLAN_VERSION_FILES);
        ta_read_note(in, TA_ERR_UNSUPPORTED);
    }
    read_source(p, root, version, in);
    read_output(p, root, in);
    p->sound_only = json_is_null(json_object_get(root, "video"));
    if (p->sound_only)
        p->cuts = ta_xcalloc(1, sizeof *p->cuts);
    else
        read_video(p, root, in);
    read_time(p, root, in);
    read_streams(p, root, in);
    ta_plan_read_sound(p, root, in);
    ta_plan_read_tasks(p, root, in);
    ta_plan_read_scenes(p, root, in);
    read_words(p, root, in);
    if (!in->err)
        ta_plan_trust(p, in);
}

int ta_plan_from_json(struct ta_plan **out, const char *text, size_t size, const char *name,
                      struct ta_log *log)
{
    *out = NULL;
    json_t *root = NULL;
    int err = ta_json_parse(text, size, name, &root, log);
    if (err < 0)
        return err;
    struct ta_reading in = {.where = name, .log = log};
    struct ta_plan *p = ta_xcalloc(1, sizeof *p);
    read_all(p, root, &in);
    json_decref(root);
    if (in.err)
        ta_plan_destroy(&p);
    else
        p->json = ta_plan_to_json(p);
    *out = p;
    return in.err;
}
