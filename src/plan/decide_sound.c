// Plans without pictures to restore: sound files, and films whose pictures are copied as they are. Nothing is
// indexed: what the head says and what was heard is enough.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/parts/name.h"
#include "plan/decide.h"
#include "plan/sound.h"

static bool has_pictures(const struct ta_source_facts *source)
{
    bool any = false;
    for (int i = 0; i < source->stream_count; i++)
        any |= source->streams[i].kind == TA_STREAM_VIDEO;
    return any;
}

// By the output's name; else as the source is stored, or what holds everything.
static int choose_container(struct ta_decision *d)
{
    const char *output = d->facts->output, *own = ta_path_extension(d->facts->input);
    struct ta_plan *p = d->plan;
    bool pictures = has_pictures(d->facts->source);
    if (output) {
        p->container = ta_container_find(!strcmp(output, "-") ? "y4m" : ta_path_extension(output));
        p->output = ta_xstrdup(output);
    } else {
        const char *kept = ta_container_sound_name(own), *extension = kept ? kept : pictures ? "mkv" : "m4a";
        p->container = ta_container_find(extension);
        if (pictures && ta_container_is_sound_only(p->container)) // Ogg of web video
            p->container = ta_container_find(extension = "mkv");
        p->output = ta_name_output(d->facts->input, extension);
    }
    if (!p->container || !strcmp(p->container->name, "y4m")) {
        ta_error(
            d->log,
            "%s: the name does not tell the container: use .m4a, .mka, .flac, .wav, .ogg, .opus or .mp3 for "
            "sound, "
            ".mp4, .mkv, .mov or .webm with pictures",
            output ? output : d->facts->input);
        return TA_ERR_INVALID;
    }
    return 0;
}

// Time 0 is where the first of pictures and sound starts.
static void choose_origin(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    int64_t first = AV_NOPTS_VALUE;
    p->time_scale = 1;
    p->out_time_base = AV_TIME_BASE_Q;
    for (int i = 0; i < d->facts->source->stream_count; i++) {
        const struct ta_stream_facts *st = &d->facts->source->streams[i];
        if ((st->kind != TA_STREAM_AUDIO && st->kind != TA_STREAM_VIDEO) || st->start == AV_NOPTS_VALUE)
            continue;
        int64_t t = av_rescale_q(st->start, st->time_base, AV_TIME_BASE_Q);
        first = first == AV_NOPTS_VALUE ? t : TA_MIN(first, t);
    }
    p->offset = first == AV_NOPTS_VALUE || llabs(first) > TA_PLAN_TIME_MAX ? 0 : first;
}

// One end of the range in the source's time; AV_NOPTS_VALUE: open.
static int64_t range_end(const struct ta_decision *d, const struct ta_time *t)
{
    double seconds = t->value;
    if (t->unit == TA_TIME_NONE)
        return AV_NOPTS_VALUE;
    if (t->unit == TA_TIME_PERCENT)
        seconds = t->value / 100 *
                  (d->facts->source->duration > 0 ? (double)d->facts->source->duration / AV_TIME_BASE : 0);
    return d->plan->offset + (int64_t)(seconds * AV_TIME_BASE + 0.5);
}

static int choose_range(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_range *r = &d->recipe->range;
    if (r->start.unit == TA_TIME_FRAMES || r->end.unit == TA_TIME_FRAMES) {
        ta_error(d->log, "%s: no frames are counted here: give --range as times", d->facts->input);
        return TA_ERR_USAGE;
    }
    p->range_start = range_end(d, &r->start);
    p->range_end = range_end(d, &r->end);
    if (p->range_end != AV_NOPTS_VALUE && p->range_start == AV_NOPTS_VALUE)
        p->range_start = p->offset;
    if (p->range_start != AV_NOPTS_VALUE)
        p->offset = p->range_start;
    if (p->range_end == AV_NOPTS_VALUE || p->range_end > p->range_start)
        return 0;
    ta_error(d->log, "%s: the range ends before it begins", d->facts->input);
    return TA_ERR_INVALID;
}

static int choose_stream(struct ta_decision *d, int i)
{
    struct ta_plan *p = d->plan;
    const struct ta_stream_facts *st = &d->facts->source->streams[i];
    struct ta_stream_choice c = ta_stream_choose(st->par, st->disposition, p->container);
    bool sound = st->kind == TA_STREAM_AUDIO;
    int err = sound && !c.refuse ? ta_plan_choose_sound(d, i, &c) : 0;
    if (err < 0)
        return err;
    struct ta_stream_plan *s = &p->streams[p->stream_count++];
    *s = (struct ta_stream_plan){.stream = i,
                                 .kind = st->kind,
                                 .source_codec = ta_xstrdup(avcodec_get_name(st->par->codec_id)),
                                 .action = c.action,
                                 .codec = ta_xstrdup(c.codec ? c.codec : ""),
                                 .reason = ta_xstrdup(c.reason ? c.reason : ""),
                                 .start = AV_NOPTS_VALUE};
    const struct ta_sound_plan *restored = ta_sound_of_stream(p, i);
    if (restored)
        err = ta_plan_choose_bit_rate(d, s, restored->out.channels);
    else if (sound && c.action == TA_STREAM_TRANSCODE) {
        s->bit_rate = ta_plan_sound_bit_rate(s->codec, st->par->ch_layout.nb_channels);
        err = ta_plan_check_mp3(d, s->codec, st->par->ch_layout.nb_channels);
    }
    if (sound && st->start != AV_NOPTS_VALUE && p->range_start == AV_NOPTS_VALUE)
        s->start = av_rescale_q(st->start, st->time_base, AV_TIME_BASE_Q) - p->offset;
    if (c.action == TA_STREAM_DROP && st->kind != TA_STREAM_DATA && st->kind != TA_STREAM_ATTACHMENT)
        ta_decision_warn(d, TA_PROBLEM_STREAM_LEFT_OUT,
                         &(struct ta_problem_about){.args = json_pack("{s:i, s:s, s:s}", "stream", i, "kind",
                                                                      ta_stream_kind_name(s->kind), "codec",
                                                                      s->source_codec)},
                         "stream %d (%s, %s) is left out: %s", i, ta_stream_kind_name(s->kind),
                         s->source_codec, s->reason);
    return err;
}

static int decide(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    int sounds = 0, err = ta_options_recipe(d->facts->options, &d->recipe, d->log);
    if (err >= 0)
        err = choose_container(d);
    if (err < 0)
        return err;
    ta_log_set_about(d->log, d->facts->input);
    choose_origin(d);
    if ((err = choose_range(d)) < 0)
        return err;
    p->cuts = ta_xcalloc(1, sizeof *p->cuts);
    p->streams = ta_xcalloc((size_t)d->facts->source->stream_count + 1, sizeof *p->streams);
    for (int i = 0; i < d->facts->source->stream_count && err >= 0; i++)
        if ((err = choose_stream(d, i)) >= 0)
            sounds += p->streams[i].kind == TA_STREAM_AUDIO && p->streams[i].action != TA_STREAM_DROP;
    if (err >= 0 && !sounds) {
        ta_error(d->log, "%s: there is no sound in it that can be restored or copied", d->facts->input);
        err = TA_ERR_FORMAT;
    }
    if (err >= 0 && !p->sound_count)
        ta_decision_tell(d, "sound",
                         "stays as it is: no option of sound asks for anything; --audio-enhance auto "
                         "finds what is wrong with it");
    ta_plan_list_sound(p);
    return err;
}

int ta_plan_decide_sound(struct ta_plan **out, const struct ta_plan_facts *facts,
                         const struct ta_fingerprint *source, struct ta_log *log)
{
    struct ta_plan *p = ta_xcalloc(1, sizeof *p);
    struct ta_decision d = {.facts = facts, .plan = p, .log = ta_log_child(log, "plan")};
    p->sound_only = true;
    p->fields = 1;
    p->input = ta_xstrdup(facts->input);
    p->source = *source;
    // There is no index: what tells the source is what tells its index.
    memcpy(p->index_checksum, source->head_tail, sizeof p->index_checksum);
    p->decisions = json_array();
    p->warnings = json_array();
    p->diagnosis = json_object();
    p->recipe = ta_options_recipe_json(facts->options);
    int err = decide(&d);
    ta_log_destroy(&d.log);
    if (err < 0)
        ta_plan_destroy(&p);
    *out = p;
    return err < 0 ? err : 0;
}
