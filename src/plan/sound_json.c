// Restored sound in a plan's JSON.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/chain.h"
#include "audio/loudness.h"
#include "audio/text.h"
#include "base/mem.h"
#include "plan/json_read.h"
#include "plan/sound.h"
#include "plan/tasks.h"

enum { MAX_STREAM = 4096, MAX_STAGES = 32, MAX_PIECES = 10000 };
static const int64_t MAX_PLACE = (int64_t)1 << 50;

static json_t *stages_json(const struct ta_sound_plan *s)
{
    json_t *list = json_array();
    for (int i = 0; i < s->stage_count; i++) {
        const struct ta_sound_stage_plan *stage = &s->stages[i];
        json_t *options = stage->info->options ? ta_opt_to_json(stage->info->options, stage->opts)
                                               : json_object();
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "stage", stage->info->name, "options",
                                              options, "output", ta_sound_format_json(&stage->out)));
    }
    return list;
}

static json_t *anchors_json(const struct ta_sound_plan *s)
{
    json_t *list = json_array();
    for (int k = 0; k < ta_sound_pieces(s); k++)
        json_array_append_new(
            list, s->anchors[k].pts == AV_NOPTS_VALUE
                      ? json_null()
                      : json_pack("[I, I]", (json_int_t)s->anchors[k].pts, (json_int_t)s->anchors[k].place));
    return list;
}

static json_t *value_json(struct ta_sound_value v)
{
    return json_pack("{s:f, s:f}", "value", round(v.value * 100) / 100, "confidence",
                     round(v.confidence * 100) / 100);
}

json_t *ta_sound_heard_json(const struct ta_sound_facts *f)
{
    static const char *const states[] = {
        [TA_SOUND_UNKNOWN] = "unknown",
        [TA_SOUND_MONO] = "mono",
        [TA_SOUND_STEREO] = "stereo",
        [TA_SOUND_DUAL_MONO] = "dual-mono",
        [TA_SOUND_OUT_OF_PHASE] = "out-of-phase",
        [TA_SOUND_ONE_SIDED] = "one-sided",
    };
    const struct ta_sound_measured *m = &f->heard;
    json_t *o = json_pack("{s:f, s:f, s:f}", "seconds", m->seconds, "rms_db", round(m->rms_db * 100) / 100,
                          "peak_db", round(m->peak_db * 100) / 100);
    json_object_set_new(o, "noise_db", value_json(m->noise_db));
    json_object_set_new(o, "hiss_db", value_json(m->hiss_db));
    json_object_set_new(o, "bandwidth_hz", value_json(m->bandwidth_hz));
    json_object_set_new(o, "hum_hz",
                        value_json((struct ta_sound_value){m->hum.frequency, m->hum.confidence}));
    json_object_set_new(o, "hum_db", value_json((struct ta_sound_value){m->hum.level_db, m->hum.confidence}));
    json_object_set_new(o, "buzz_hz",
                        value_json((struct ta_sound_value){m->buzz.fields, m->buzz.confidence}));
    json_object_set_new(o, "buzz_db",
                        value_json((struct ta_sound_value){m->buzz.level_db, m->buzz.confidence}));
    json_object_set_new(o, "wow_percent",
                        value_json((struct ta_sound_value){m->wow.percent, m->wow.confidence}));
    json_object_set_new(o, "wow_hz", value_json((struct ta_sound_value){m->wow.hertz, m->wow.confidence}));
    json_object_set_new(o, "clicks_a_minute", value_json(m->clicks));
    json_object_set_new(o, "dropouts_a_minute", value_json(m->dropouts));
    json_object_set_new(o, "clipped_a_minute", value_json(m->clipped));
    json_object_set_new(o, "channels",
                        json_pack("{s:s, s:f}", "value", states[m->channels], "confidence",
                                  round(m->channels_confidence * 100) / 100));
    json_object_set_new(o, "drift_ppm", value_json((struct ta_sound_value){f->drift * 1e6, f->drift_sure}));
    return o;
}

static json_t *plan_json(const struct ta_sound_plan *s)
{
    json_t *o = json_pack("{s:i, s:o}", "stream", s->stream, "source_format", ta_sound_format_json(&s->in));
    json_object_set_new(o, "true_rate", ta_json_rational(s->true_rate));
    json_object_set_new(o, "start", json_integer(s->start));
    json_object_set_new(o, "end", json_integer(s->end));
    json_object_set_new(o, "piece", json_integer(s->piece));
    json_object_set_new(o, "anchors", anchors_json(s));
    json_object_set_new(o, "placement",
                        json_pack("{s:I, s:I, s:I, s:I}", "gaps", (json_int_t)s->gaps, "overlaps",
                                  (json_int_t)s->overlaps, "decode_errors", (json_int_t)s->decode_errors,
                                  "bad_samples", (json_int_t)s->bad_samples));
    if (s->heard)
        json_object_set(o, "heard", s->heard);
    json_object_set_new(o, "stages", stages_json(s));
    char *text = ta_sound_text(NULL, s->stages, s->stage_count, NULL);
    json_object_set_new(o, "chain", json_string(text));
    free(text);
    struct ta_sound_reach reach = ta_sound_chain_reach(s->stages, s->stage_count);
    json_object_set_new(
        o, "reach",
        json_pack("{s:I, s:I}", "before", (json_int_t)reach.before, "after", (json_int_t)reach.after));
    json_object_set_new(o, "output_format", ta_sound_format_json(&s->out));
    if (s->loudness < 0)
        json_object_set_new(o, "loudness", json_real(s->loudness));
    if (s->ceiling < 0)
        json_object_set_new(o, "ceiling", json_real(s->ceiling));
    return o;
}

json_t *ta_sound_plans_json(const struct ta_plan *plan)
{
    if (!plan->sound_count)
        return NULL;
    json_t *list = json_array();
    for (int i = 0; i < plan->sound_count; i++)
        json_array_append_new(list, plan_json(&plan->sounds[i]));
    return list;
}

// ---- reading ----

static void read_format(struct ta_reading *in, const json_t *owner, const char *key,
                        struct ta_sound_format *out)
{
    const json_t *o = ta_read_object(in, owner, key);
    if (!in->err && ta_sound_format_read(out, o) < 0)
        ta_read_refuse(in, "a format of sound is none");
}

static void read_stage(struct ta_reading *in, const json_t *o, struct ta_sound_plan *s,
                       struct ta_sound_format *cur)
{
    const char *name = ta_read_text(in, o, "stage");
    const json_t *options = ta_read_object(in, o, "options");
    const struct ta_sound_stage_info *info = in->err ? NULL : ta_sound_stage_find(name);
    struct ta_sound_format out = {0};
    if (!info) {
        ta_read_refuse(in, "unknown stage of sound");
        return;
    }
    struct ta_sound_stage_plan *stage = &s->stages[s->stage_count++];
    ta_sound_stage_plan_init(stage, info, cur);
    ta_opt_release(info->options, stage->opts);
    memset(stage->opts, 0, info->options_size);
    ta_read_note(in, ta_opt_require_all(info->options, options, in->where, in->log));
    if (!in->err)
        ta_read_note(in, ta_opt_from_json(info->options, stage->opts, options, in->where, in->log));
    if (!in->err)
        ta_read_note(in, ta_sound_stage_plan_configure(stage, in->log));
    read_format(in, o, "output", &out);
    if (!in->err && !ta_sound_format_equal(&out, &stage->out))
        ta_read_refuse(in, "what a stage of sound gives does not follow from its options");
    *cur = stage->out;
}

static void read_anchors(struct ta_reading *in, const json_t *o, struct ta_sound_plan *s)
{
    const json_t *list = ta_read_array(in, o, "anchors");
    size_t n = json_array_size(list);
    if (!in->err && n != (size_t)ta_sound_pieces(s))
        ta_read_refuse(in, "there are not as many anchors as pieces of sound");
    if (in->err)
        return;
    s->anchors = ta_xcalloc(n + 1, sizeof *s->anchors);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i), *pts = json_array_get(item, 0),
                     *place = json_array_get(item, 1);
        int64_t at = json_integer_value(place), first, end;
        s->anchors[i].pts = AV_NOPTS_VALUE;
        if (json_is_null(item))
            continue;
        ta_sound_piece(s, (int)i, &first, &end);
        if (!json_is_integer(pts) || !json_is_integer(place) || at > first || at < -MAX_PLACE)
            ta_read_refuse(in, "an anchor of sound is none");
        s->anchors[i] = (struct ta_sound_anchor){json_integer_value(pts), at};
    }
}

static void read_plan(struct ta_plan *p, const json_t *o, struct ta_reading *in)
{
    struct ta_sound_plan *s = &p->sounds[p->sound_count++];
    s->stream = ta_read_small(in, o, "stream", 0, MAX_STREAM);
    read_format(in, o, "source_format", &s->in);
    s->true_rate = ta_read_positive(in, o, "true_rate");
    s->start = ta_read_int(in, o, "start", -MAX_PLACE, MAX_PLACE);
    s->end = ta_read_int(in, o, "end", -MAX_PLACE, MAX_PLACE);
    s->piece = ta_read_int(in, o, "piece", 1, MAX_PLACE);
    if (!in->err &&
        (s->piece != (int64_t)TA_SOUND_PIECE_SECONDS * s->in.rate || s->start >= s->end ||
         (s->end - s->start) / s->piece > MAX_PIECES || fabs(av_q2d(s->true_rate) / s->in.rate - 1) > 0.01))
        ta_read_refuse(in, "the pieces of sound are none");
    read_anchors(in, o, s);
    if (json_object_get(o, "heard"))
        s->heard = json_incref(ta_read_object(in, o, "heard"));
    const json_t *placement = ta_read_object(in, o, "placement");
    s->gaps = ta_read_int(in, placement, "gaps", 0, MAX_PLACE);
    s->overlaps = ta_read_int(in, placement, "overlaps", 0, MAX_PLACE);
    s->decode_errors = ta_read_int(in, placement, "decode_errors", 0, MAX_PLACE);
    s->bad_samples = ta_read_int(in, placement, "bad_samples", 0, MAX_PLACE);
    const json_t *stages = ta_read_array(in, o, "stages");
    size_t n = json_array_size(stages);
    if (n > MAX_STAGES)
        ta_read_refuse(in, "too many stages of sound");
    struct ta_sound_format cur = s->in, out = {0};
    s->stages = ta_xcalloc((in->err ? 0 : n) + 1, sizeof *s->stages);
    for (size_t i = 0; i < n && !in->err; i++)
        read_stage(in, json_array_get(stages, i), s, &cur);
    s->out = cur;
    read_format(in, o, "output_format", &out);
    if (!in->err && !ta_sound_format_equal(&out, &cur))
        ta_read_refuse(in, "the output's sound does not follow from its stages");
    if (json_object_get(o, "loudness"))
        s->loudness = ta_read_number(in, o, "loudness");
    if (json_object_get(o, "ceiling"))
        s->ceiling = ta_read_number(in, o, "ceiling");
    if (!in->err && ((s->loudness != 0 && !(s->loudness >= -31 && s->loudness <= -9)) ||
                     (s->ceiling != 0 && s->ceiling != TA_LEVEL_CEILING)))
        ta_read_refuse(in, "the loudness of sound is none that this program aims at");
}

void ta_plan_read_sound(struct ta_plan *p, const json_t *root, struct ta_reading *in)
{
    if (in->err || !json_object_get(root, "sound"))
        return;
    const json_t *list = ta_read_array(in, root, "sound");
    size_t n = json_array_size(list);
    if (n < 1 || n > (size_t)p->stream_count)
        ta_read_refuse(in, "there are not as many streams as plans of sound");
    if (in->err)
        return;
    p->sounds = ta_xcalloc(n + 1, sizeof *p->sounds);
    for (size_t i = 0; i < n && !in->err; i++)
        read_plan(p, json_array_get(list, i), in);
}

static bool is_sound(const char *kind)
{
    return !strcmp(kind, ta_task_sound_kind) || !strcmp(kind, ta_task_sound_finish_kind);
}

static bool same_task(const struct ta_listed_task *a, const struct ta_listed_task *b)
{
    return !strcmp(a->kind, b->kind) && !strcmp(a->stem, b->stem) && a->index == b->index &&
           a->samples == b->samples && a->frames == b->frames && a->need_count == b->need_count &&
           (!a->need_count || !memcmp(a->needs, b->needs, (size_t)a->need_count * sizeof *a->needs));
}

void ta_plan_trust_sound(const struct ta_plan *p, struct ta_reading *in)
{
    if (in->err)
        return;
    for (int i = 0; i < p->sound_count; i++) {
        const struct ta_stream_plan *stream = NULL;
        for (int k = 0; k < p->stream_count; k++)
            if (p->streams[k].stream == p->sounds[i].stream)
                stream = &p->streams[k];
        if (!stream || stream->kind != TA_STREAM_AUDIO || stream->action != TA_STREAM_TRANSCODE)
            ta_read_refuse(in, "a plan of sound is of a stream that does not become sound");
        if (ta_sound_of_stream(p, p->sounds[i].stream) != &p->sounds[i])
            ta_read_refuse(in, "there are two plans of sound for one stream");
    }
    // The tasks that follow from the plans of sound, at the place where they are listed.
    struct ta_plan own = *p;
    int first = 0, count = 0;
    while (first < p->listed_count && !is_sound(p->listed[first].kind))
        first++;
    own.listed = NULL;
    own.listed_count = 0;
    own.segment_count = p->segment_count + first;
    ta_plan_list_sound(&own);
    for (int i = 0; i < p->listed_count; i++)
        count += is_sound(p->listed[i].kind);
    bool same = count == own.listed_count && first + count <= p->listed_count;
    for (int i = 0; i < own.listed_count && same; i++)
        same = same_task(&own.listed[i], &p->listed[first + i]);
    if (!same)
        ta_read_refuse(in, "the tasks of sound do not follow from the plans of sound");
    own.needing = NULL;
    own.needing_count = 0;
    ta_tasks_release(&own);
}
