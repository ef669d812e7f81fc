// The plan as JSON: stable order and text. json_read.c reads it.
#include <stdlib.h>

#include "base/mem.h"
#include "base/tree.h"
#include "plan/json_read.h"
#include "plan/redo_ranges.h"
#include "plan/sound.h"
#include "plan/tasks.h"
#include "video/chain.h"

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

static json_t *runs_json(const struct ta_plan *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->run_count; i++)
        json_array_append_new(list, json_pack("{s:I, s:I, s:s}", "first", (json_int_t)p->runs[i].first,
                                              "count", (json_int_t)p->runs[i].count, "scan",
                                              ta_scan_type_name(p->runs[i].type)));
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
    json_object_set_new(root, "version",
                        json_integer(p->source_files ? TA_PLAN_VERSION_FILES : TA_PLAN_VERSION));
    json_object_set_new(root, "source", source_json(p));
    json_object_set_new(root, "output",
                        json_pack("{s:o, s:s, s:b}", "path",
                                  path_json(p->output_at ? p->output_at : p->output), "container",
                                  p->container->name, "framemd5", p->framemd5));
    json_object_set(root, "recipe", p->recipe);
    json_object_set(root, "diagnosis", p->diagnosis);
    json_object_set_new(root, "video", p->sound_only ? json_null() : video_json(p));
    json_object_set_new(root, "time", time_json(p));
    json_object_set_new(root, "streams", streams_json(p));
    json_t *sound = ta_sound_plans_json(p);
    if (sound)
        json_object_set_new(root, "sound", sound);
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
