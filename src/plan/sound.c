// Which stages the sound of a track gets, how it is stored, and the tasks that make it.
#include "plan/sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/chain.h"
#include "audio/loudness.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/encode/audio_encoder.h"
#include "plan/decide.h"
#include "plan/sound_parts.h"
#include "plan/tasks.h"

const char ta_task_sound_kind[] = "sound", ta_task_sound_finish_kind[] = "sound-finish";

void ta_sound_facts_release(struct ta_sound_facts *f)
{
    ta_freep(&f->anchors);
    f->anchor_count = 0;
}

void ta_sound_plans_release(struct ta_plan *p)
{
    for (int i = 0; i < p->sound_count; i++) {
        struct ta_sound_plan *s = &p->sounds[i];
        for (int k = 0; k < s->stage_count; k++)
            ta_sound_stage_plan_release(&s->stages[k]);
        free(s->stages);
        free(s->anchors);
        json_decref(s->heard);
    }
    ta_freep(&p->sounds);
    p->sound_count = 0;
}

// ---- pieces and tasks ----

// Pieces begin at whole seconds, but for the first.
static int64_t grid_of(const struct ta_sound_plan *s)
{
    int64_t second = s->in.rate, whole = s->start / second;
    return (s->start < 0 && whole * second > s->start ? whole - 1 : whole) * second;
}

int ta_sound_pieces(const struct ta_sound_plan *s)
{
    return (int)((s->end - grid_of(s) + s->piece - 1) / s->piece);
}

void ta_sound_piece(const struct ta_sound_plan *s, int k, int64_t *first, int64_t *end)
{
    int64_t at = grid_of(s) + k * s->piece;
    *first = TA_MAX(at, s->start);
    *end = TA_MIN(at + s->piece, s->end);
}

int64_t ta_sound_piece_from(const struct ta_sound_plan *s, int64_t first)
{
    int64_t step = ta_sound_chain_align(s->stages, s->stage_count);
    int64_t from = TA_MAX(first - ta_sound_chain_reach(s->stages, s->stage_count).before, s->start);
    return s->start + (from - s->start) / step * step;
}

const struct ta_sound_plan *ta_sound_of_task(const struct ta_plan *plan, const struct ta_task *task,
                                             int *piece)
{
    int index = task->index;
    *piece = -1;
    if (!strcmp(task->kind, ta_task_sound_finish_kind))
        return index >= 0 && index < plan->sound_count ? &plan->sounds[index] : NULL;
    for (int i = 0; i < plan->sound_count && !strcmp(task->kind, ta_task_sound_kind); i++) {
        int pieces = ta_sound_pieces(&plan->sounds[i]);
        if (index < pieces) {
            *piece = index;
            return &plan->sounds[i];
        }
        index -= pieces;
    }
    return NULL;
}

const struct ta_sound_plan *ta_sound_of_stream(const struct ta_plan *plan, int stream)
{
    for (int i = 0; i < plan->sound_count; i++)
        if (plan->sounds[i].stream == stream)
            return &plan->sounds[i];
    return NULL;
}

void ta_plan_list_sound(struct ta_plan *p)
{
    int count = 0, index = 0;
    for (int i = 0; i < p->sound_count; i++)
        count += ta_sound_pieces(&p->sounds[i]) + 1;
    p->listed = ta_xrealloc(p->listed, (size_t)(p->listed_count + count + 1) * sizeof *p->listed);
    for (int i = 0; i < p->sound_count; i++) {
        const struct ta_sound_plan *s = &p->sounds[i];
        int pieces = ta_sound_pieces(s), before = p->segment_count + p->listed_count;
        for (int k = 0; k < pieces; k++) {
            int64_t first, end;
            ta_sound_piece(s, k, &first, &end);
            p->listed[p->listed_count++] = (struct ta_listed_task){
                .kind = ta_xstrdup(ta_task_sound_kind),
                .stem = ta_xprintf("snd-%d-%05d", s->stream, k),
                .index = index++,
                .samples = end - first};
        }
        struct ta_listed_task finish = {.kind = ta_xstrdup(ta_task_sound_finish_kind),
                                        .stem = ta_xprintf("sound-%d", s->stream),
                                        .index = i,
                                        .samples = s->end - s->start,
                                        .needs = ta_xcalloc((size_t)pieces + 1, sizeof *finish.needs),
                                        .need_count = pieces};
        for (int k = 0; k < pieces; k++)
            finish.needs[k] = before + k;
        p->listed[p->listed_count++] = finish;
    }
}

// ---- how it is stored ----

static const char *codec_for(const struct ta_sound_choosing *c, enum ta_audio_codec codec, bool lossless)
{
    const char *container = c->d->plan->container->name;
    AVChannelLayout l = {.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = c->plan->out.channels};
    if (c->plan->out.mask)
        av_channel_layout_from_mask(&l, c->plan->out.mask);
    const char *small = ta_container_small_sound(c->d->plan->container);
    const char *opus = avcodec_find_encoder_by_name("libopus") ? "libopus" : "opus";
    bool aac = ta_audio_keeps_channels(AV_CODEC_ID_AAC, &l, true), eight = c->plan->out.channels <= 8;
    switch (codec) {
    case TA_AUDIO_CODEC_FLAC:
        return "flac";
    case TA_AUDIO_CODEC_AAC:
        return "aac";
    case TA_AUDIO_CODEC_OPUS:
        return opus;
    case TA_AUDIO_CODEC_AC3:
        return "ac3";
    case TA_AUDIO_CODEC_EAC3:
        return "eac3";
    case TA_AUDIO_CODEC_PCM:
        return "pcm_s24le";
    default:
        break;
    }
    if (small)
        return small;
    if (!strcmp(container, "wav"))
        return "pcm_s24le";
    if (!strcmp(container, "flac"))
        return "flac";
    if (!strcmp(container, "mov"))
        return aac && !lossless ? "aac" : "pcm_s24le";
    if (!strcmp(container, "mkv") && lossless)
        return eight ? "flac" : "pcm_s24le";
    return aac ? "aac" : eight ? "flac" : "pcm_s24le";
}

static int choose_codec(struct ta_sound_choosing *c, const struct ta_stream_facts *st,
                        struct ta_stream_choice *choice)
{
    const AVCodecDescriptor *d = avcodec_descriptor_get(st->par->codec_id);
    const struct ta_container_info *container = c->d->plan->container;
    bool lossless = d && (d->props & AV_CODEC_PROP_LOSSLESS);
    const char *codec = codec_for(c, c->d->recipe->audio_codec, lossless);
    if (!ta_sound_may_be_stored(codec, container)) {
        ta_error(c->d->log,
                 "sound that is restored can't be stored as %s in %s: choose another --audio-codec", codec,
                 container->name);
        return TA_ERR_USAGE;
    }
    int err = ta_plan_check_mp3(c->d, codec, c->plan->out.channels);
    if (err < 0)
        return err;
    *choice = (struct ta_stream_choice){
        .action = TA_STREAM_TRANSCODE, .codec = codec, .reason = "its sound is restored"};
    return 0;
}

// ---- deciding ----

// The last frame that lies a second before what is needed: decoders have settled by then.
static struct ta_sound_anchor anchor_for(const struct ta_sound_choosing *c, int64_t from, int64_t shift,
                                         bool cut)
{
    const struct ta_sound_facts *f = c->facts;
    struct ta_sound_anchor best = {AV_NOPTS_VALUE, 0};
    for (int i = 0; i < f->anchor_count; i++) {
        int64_t place = f->anchors[i].place - shift;
        if (place <= from - c->plan->in.rate || (cut && i == 0 && place <= from))
            best = (struct ta_sound_anchor){f->anchors[i].pts, place};
    }
    return best;
}

static int64_t places(const struct ta_sound_facts *f, int64_t t, AVRational tb)
{
    return ta_rescale(t, tb, av_inv_q(f->true_rate));
}

// From the source's time to the output's, and cut to the range.
static void place(struct ta_sound_choosing *c)
{
    struct ta_plan *p = c->d->plan;
    struct ta_sound_plan *s = c->plan;
    const struct ta_sound_facts *f = c->facts;
    // As the reader reckons: both are rounded to the same unit first.
    int64_t shift = places(f, av_rescale_q(p->offset, p->out_time_base, AV_TIME_BASE_Q), AV_TIME_BASE_Q);
    int64_t first = 0;
    s->start = f->start - shift;
    s->end = f->end - shift;
    if (p->range_start != AV_NOPTS_VALUE)
        first = TA_MAX(0, places(f, p->range_start, AV_TIME_BASE_Q) - shift);
    bool cut = s->start < first;
    s->start = TA_MAX(s->start, first);
    if (p->range_end != AV_NOPTS_VALUE)
        s->end = TA_MIN(s->end, places(f, p->range_end, AV_TIME_BASE_Q) - shift);
    s->piece = (int64_t)TA_SOUND_PIECE_SECONDS * s->in.rate;
    if (s->end <= s->start)
        return;
    int pieces = ta_sound_pieces(s);
    s->anchors = ta_xcalloc((size_t)pieces, sizeof *s->anchors);
    for (int k = 0; k < pieces; k++) {
        int64_t from, end;
        ta_sound_piece(s, k, &from, &end);
        s->anchors[k] = k || cut ? anchor_for(c, ta_sound_piece_from(s, from), shift, cut)
                                 : (struct ta_sound_anchor){AV_NOPTS_VALUE, 0};
    }
}

static int64_t places_of(const struct ta_sound_plan *s, int64_t t, AVRational tb)
{
    return ta_rescale(t, tb, av_inv_q(s->true_rate));
}

static void narrow_track(const struct ta_plan *p, struct ta_sound_plan *s, int64_t before)
{
    int64_t now = places_of(s, av_rescale_q(p->offset, p->out_time_base, AV_TIME_BASE_Q), AV_TIME_BASE_Q);
    int64_t shift = now - before, end = s->end - shift, start = s->start - shift;
    int64_t from = 0 - ta_sound_chain_reach(s->stages, s->stage_count).before -
                   ta_sound_chain_align(s->stages, s->stage_count) - s->in.rate;
    struct ta_sound_anchor best = {AV_NOPTS_VALUE, 0};
    // Of the anchors that are there; the first piece was read from the start of the track.
    for (int k = 0; k < ta_sound_pieces(s); k++)
        if (s->anchors[k].pts != AV_NOPTS_VALUE && s->anchors[k].place - shift <= from)
            best = (struct ta_sound_anchor){s->anchors[k].pts, s->anchors[k].place - shift};
    if (p->range_end != AV_NOPTS_VALUE)
        end = TA_MIN(end, places_of(s, p->range_end, AV_TIME_BASE_Q) - now);
    s->start = TA_MAX(start, 0);
    s->end = TA_MAX(end, s->start + 1); // a piece of one sample where nothing of it is left
    int pieces = ta_sound_pieces(s);
    free(s->anchors);
    s->anchors = ta_xcalloc((size_t)pieces + 1, sizeof *s->anchors);
    for (int k = 0; k < pieces; k++)
        s->anchors[k] = best;
}

void ta_plan_narrow_sound(struct ta_plan *p, int64_t offset)
{
    if (!p->sound_count)
        return;
    for (int i = 0; i < p->sound_count; i++) {
        struct ta_sound_plan *s = &p->sounds[i];
        narrow_track(p, s,
                     places_of(s, av_rescale_q(offset, p->out_time_base, AV_TIME_BASE_Q), AV_TIME_BASE_Q));
    }
    ta_tasks_release(p);
    ta_plan_list_sound(p);
}

static void tell(const struct ta_sound_choosing *c)
{
    const struct ta_sound_plan *s = c->plan;
    const struct ta_sound_facts *f = c->facts;
    char *from = ta_sound_layout_text(&s->in), *to = ta_sound_layout_text(&s->out);
    struct ta_buf b = {0};
    if (strcmp(from, to) != 0)
        ta_buf_printf(&b, "%s becomes %s, ", from, to);
    if (c->recipe.loudness < 0)
        ta_buf_printf(&b, "%g LUFS, ", c->recipe.loudness);
    if (f->heard.noise_db.value > -200)
        ta_buf_printf(&b, "its quietest half seconds lie at %.0f dB, ", f->heard.noise_db.value);
    if (f->gaps || f->overlaps)
        ta_buf_printf(&b, "%lld gaps and %lld overlaps in its times, ", (long long)f->gaps,
                      (long long)f->overlaps);
    if (f->true_rate.num != s->in.rate || f->true_rate.den != 1)
        ta_buf_printf(&b, "its clock runs %+.1f ppm off and is set right, ", f->drift * 1e6);
    ta_decision_tell(c->d, "sound", "stream %d is restored: %s%d %s", s->stream, ta_buf_text(&b),
                     s->stage_count, s->stage_count == 1 ? "stage" : "stages");
    ta_buf_release(&b);
    free(from);
    free(to);
}

bool ta_sound_is_wanted(const struct ta_recipe_opts *recipe, const struct ta_sound_recipe *sound)
{
    return ta_sound_recipe_restores(sound) || recipe->audio_codec >= TA_AUDIO_CODEC_AAC;
}

// Is it stored so already?
static bool is_stored_so(const struct ta_sound_choosing *c)
{
    enum ta_audio_codec wanted = (enum ta_audio_codec)c->d->recipe->audio_codec;
    if (wanted < TA_AUDIO_CODEC_AAC)
        return true;
    const AVCodecParameters *par = c->d->facts->source->streams[c->plan->stream].par;
    const AVCodec *encoder = avcodec_find_encoder_by_name(codec_for(c, wanted, false));
    return encoder && encoder->id == par->codec_id;
}

static void drop_plan(struct ta_plan *p, struct ta_sound_plan *s)
{
    for (int k = 0; k < s->stage_count; k++)
        ta_sound_stage_plan_release(&s->stages[k]);
    free(s->stages);
    free(s->anchors);
    json_decref(s->heard);
    p->sound_count--;
}

static int choose(struct ta_sound_choosing *c, int stream, struct ta_stream_choice *choice)
{
    struct ta_plan *p = c->d->plan;
    p->sounds = ta_xrealloc(p->sounds, (size_t)(p->sound_count + 1) * sizeof *p->sounds);
    c->plan = &p->sounds[p->sound_count++];
    *c->plan = (struct ta_sound_plan){.stream = stream,
                                      .in = c->facts->format,
                                      .true_rate = c->facts->true_rate,
                                      .loudness = c->recipe.loudness};
    c->cur = c->facts->format;
    c->plan->gaps = c->facts->gaps;
    c->plan->overlaps = c->facts->overlaps;
    c->plan->decode_errors = c->facts->decode_errors;
    c->plan->bad_samples = c->facts->bad_samples;
    c->plan->heard = ta_sound_heard_json(c->facts);
    ta_sound_choose_stages(c);
    c->plan->out = c->cur;
    // What changes sound may raise its peaks.
    if (c->plan->stage_count || c->recipe.loudness < 0)
        c->plan->ceiling = TA_LEVEL_CEILING;
    place(c);
    bool drifts = c->plan->true_rate.num != c->plan->in.rate || c->plan->true_rate.den != 1;
    bool nothing = c->err >= 0 && !c->plan->stage_count && !(c->recipe.loudness < 0) && !drifts &&
                   is_stored_so(c);
    if (nothing || c->plan->end <= c->plan->start) {
        // What was asked for changes nothing here: the track is copied as ever.
        drop_plan(p, c->plan);
        return c->err;
    }
    if (c->err >= 0)
        c->err = choose_codec(c, &c->d->facts->source->streams[stream], choice);
    if (c->err >= 0)
        tell(c);
    return c->err;
}

int ta_plan_choose_sound(struct ta_decision *d, int stream, struct ta_stream_choice *choice)
{
    struct ta_sound_choosing c = {.d = d};
    struct ta_sound_facts raised = {0};
    int err = ta_options_sound(d->facts->options, &c.recipe, d->log);
    if (err < 0 || choice->action == TA_STREAM_DROP)
        return err;
    for (int i = 0; i < d->facts->sound_count; i++)
        if (d->facts->sounds[i].stream == stream)
            c.facts = &d->facts->sounds[i];
    if (!ta_sound_is_wanted(d->recipe, &c.recipe)) {
        if (c.facts)
            ta_sound_tell_heard(&c, stream);
        return 0;
    }
    if (!c.facts || c.facts->end <= c.facts->start)
        return 0; // nothing of it can be decoded: what becomes of it else says so
    ta_sound_choose_treble(&c, &raised);
    err = choose(&c, stream, choice);
    ta_sound_facts_release(&raised);
    return err;
}
