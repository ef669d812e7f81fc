// Which stages the sound of a track gets, how it is stored, and the tasks that make it.
#include "plan/sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/chain.h"
#include "audio/loudness.h"
#include "audio/stages.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/encode/audio_encoder.h"
#include "plan/decide.h"
#include "plan/tasks.h"

const char ta_task_sound_kind[] = "sound", ta_task_sound_finish_kind[] = "sound-finish";

// One side counts as silent 40 dB below the other, and as upside down from this correlation on.
static const double SILENT_SIDE = 1e-4, UPSIDE_DOWN = -0.9, AUDIBLE = 1e-9;

// What is surely there, and can be heard. dB of full scale; how far noise may lie below the sound.
static const double SURE = 0.5, NOISE_AUDIBLE_DB = -75, HUM_AUDIBLE_DB = -75, HISS_AUDIBLE = 50;

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

// ---- stages ----

struct choosing {
    struct ta_decision *d;
    struct ta_sound_recipe recipe;
    const struct ta_sound_facts *facts;
    struct ta_sound_plan *plan;
    struct ta_sound_format cur; // after the stages placed so far
    int err;
};

// Adds a stage with its defaults and returns its options; settle() configures it.
static void *add(struct choosing *c, const struct ta_sound_stage_info *info)
{
    struct ta_sound_plan *s = c->plan;
    s->stages = ta_xrealloc(s->stages, (size_t)(s->stage_count + 1) * sizeof *s->stages);
    struct ta_sound_stage_plan *stage = &s->stages[s->stage_count++];
    ta_sound_stage_plan_init(stage, info, &c->cur);
    return stage->opts;
}

static void settle(struct choosing *c)
{
    struct ta_sound_stage_plan *stage = &c->plan->stages[c->plan->stage_count - 1];
    int err = ta_sound_stage_plan_configure(stage, c->d->log);
    if (c->err >= 0)
        c->err = err;
    c->cur = stage->out;
}

static void add_filter(struct choosing *c, const struct ta_sound_stage_info *info, double frequency,
                       double gain)
{
    struct ta_sound_filter_opts *o = add(c, info);
    o->frequency = frequency;
    o->gain = gain;
    if (info == &ta_sound_peak)
        o->q = 1;
    settle(c);
}

static void add_compressor(struct choosing *c, double threshold, double ratio, double attack, double release)
{
    struct ta_sound_compressor_opts *o = add(c, &ta_sound_compressor);
    *o = (struct ta_sound_compressor_opts){threshold, ratio, attack, release};
    settle(c);
}

// By the noise of the quietest half seconds where there is any.
static void add_denoiser(struct choosing *c, double reduction, double fallback)
{
    struct ta_sound_afftdn_opts *o = add(c, &ta_sound_afftdn);
    double floor = isfinite(c->facts->floor) ? c->facts->floor : fallback;
    o->reduction = reduction;
    o->floor = round(TA_MAX(-80.0, TA_MIN(-20.0, floor)) * 10) / 10;
    settle(c);
}

static void add_hiss(struct choosing *c, double reduction, double strength)
{
    struct ta_sound_hiss_opts *o = add(c, &ta_sound_stage_hiss);
    *o = (struct ta_sound_hiss_opts){reduction, strength};
    settle(c);
}

static void add_limiter(struct choosing *c, double ceiling)
{
    struct ta_sound_limiter_opts *o = add(c, &ta_sound_limiter);
    o->ceiling = ceiling;
    settle(c);
}

// Noise by how much the sound stands out of it.
static void mend_hiss(struct choosing *c)
{
    const struct ta_sound_measured *m = &c->facts->heard;
    double over = m->rms_db - m->noise_db.value;
    double reduction = over < 20 ? 18 : over < 35 ? 12 : over < HISS_AUDIBLE ? 6 : 0;
    if (m->noise_db.confidence < SURE || m->noise_db.value < NOISE_AUDIBLE_DB || reduction <= 0)
        return;
    add_hiss(c, reduction, 1);
    ta_decision_tell(c->d, "sound",
                     "stream %d: noise lies at %.0f dB, %.0f dB below the sound: %.0f dB of it go",
                     c->plan->stream, m->noise_db.value, over, reduction);
}

static void mend_hum(struct choosing *c)
{
    const struct ta_sound_mains_result *hum = &c->facts->heard.hum;
    bool heard = hum->frequency > 0 && hum->confidence >= SURE && hum->level_db > HUM_AUDIBLE_DB;
    bool automatic = c->recipe.hum == TA_HUM_AUTO || (c->recipe.enhance == TA_ENHANCE_AUTO && !c->recipe.hum);
    if (c->recipe.hum != TA_HUM_REMOVE && !(automatic && heard))
        return;
    struct ta_sound_hum_opts *o = add(c, &ta_sound_stage_hum);
    o->frequency = heard ? round(hum->frequency * 1000) / 1000 : 0;
    settle(c);
    if (heard)
        ta_decision_tell(c->d, "sound", "stream %d: hum of %.2f Hz and %d harmonics at %.0f dB is taken out",
                         c->plan->stream, hum->frequency, TA_MAX(hum->harmonics - 1, 0), hum->level_db);
}

static void enhance(struct choosing *c)
{
    switch (c->recipe.enhance) {
    case TA_ENHANCE_AUTO:
        mend_hiss(c);
        break;
    case TA_ENHANCE_LIGHT:
        add_filter(c, &ta_sound_highpass, 80, 0);
        add_filter(c, &ta_sound_lowpass, 15000, 0);
        add_compressor(c, -20, 2, 20, 250);
        break;
    case TA_ENHANCE_MODERATE:
        add_filter(c, &ta_sound_highpass, 100, 0);
        add_filter(c, &ta_sound_lowpass, 14000, 0);
        add_hiss(c, 12, 1);
        add_compressor(c, -18, 3, 10, 200);
        add_filter(c, &ta_sound_peak, 3000, 2);
        break;
    case TA_ENHANCE_AGGRESSIVE:
        add_filter(c, &ta_sound_highpass, 120, 0);
        add_filter(c, &ta_sound_lowpass, 12000, 0);
        add_hiss(c, 24, 1.5);
        add_compressor(c, -15, 4, 5, 150);
        break;
    case TA_ENHANCE_VOICE:
        add_filter(c, &ta_sound_highpass, 100, 0);
        add_filter(c, &ta_sound_lowpass, 8000, 0);
        add_denoiser(c, 18, -35);
        add_filter(c, &ta_sound_peak, 200, -3);
        add_filter(c, &ta_sound_peak, 2500, 4);
        add_filter(c, &ta_sound_peak, 5000, 2);
        add_compressor(c, -20, 3, 5, 100);
        add_limiter(c, -0.45);
        break;
    case TA_ENHANCE_MUSIC:
        add_filter(c, &ta_sound_highpass, 30, 0);
        add_denoiser(c, 8, -50);
        add_compressor(c, -24, 2, 50, 500);
        break;
    default:
        break;
    }
}

// What is wrong with the two sides; -1: nothing that is sure.
static int heard_fault(const struct ta_sound_facts *f)
{
    double l = f->left, r = f->right;
    if (l > AUDIBLE && r < l * SILENT_SIDE)
        return TA_SOUND_FROM_LEFT;
    if (r > AUDIBLE && l < r * SILENT_SIDE)
        return TA_SOUND_FROM_RIGHT;
    return l > AUDIBLE && r > AUDIBLE && f->product < UPSIDE_DOWN * sqrt(l * r) ? TA_SOUND_INVERT : -1;
}

static void mend_channels(struct choosing *c)
{
    static const char *const heard[] = {"its right side is silent: it gets the left one",
                                        "its left side is silent: it gets the right one",
                                        "its right side is upside down: it is turned over"};
    int mode = -1;
    bool automatic = c->recipe.channels == TA_CHANNELS_AUTO ||
                     (!c->recipe.channels && c->recipe.enhance == TA_ENHANCE_AUTO);
    if (c->cur.channels != 2 || (!c->recipe.channels && !automatic))
        return;
    if (automatic) {
        mode = heard_fault(c->facts);
        if (mode >= 0)
            ta_decision_tell(c->d, "sound", "stream %d: %s", c->plan->stream, heard[mode]);
    } else {
        mode = c->recipe.channels - TA_CHANNELS_LEFT;
    }
    if (mode < 0)
        return;
    struct ta_sound_channels_opts *o = add(c, &ta_sound_channels);
    o->mode = mode;
    settle(c);
}

static void set_layout(char **layout, const char *name)
{
    free(*layout);
    *layout = ta_xstrdup(name);
}

static void add_mix(struct choosing *c, const char *layout)
{
    struct ta_sound_layout_opts *o = add(c, &ta_sound_mix);
    set_layout(&o->layout, layout);
    settle(c);
}

static void change_layout(struct choosing *c)
{
    static const char *const names[] = {NULL, "mono", "stereo", "5.1", "7.1"};
    static const int channels[] = {0, 1, 2, 6, 8};
    static const struct ta_sound_stage_info *const upmixes[] = {
        &ta_sound_upmix_matrix, &ta_sound_upmix_simple, &ta_sound_upmix_surround};
    const char *name = names[c->recipe.layout];
    int wanted = channels[c->recipe.layout];
    if (!name || c->cur.channels == wanted)
        return;
    if (wanted <= 2 || c->cur.channels > 2) {
        add_mix(c, name);
        return;
    }
    if (c->cur.channels == 1)
        add_mix(c, "stereo");
    const struct ta_sound_stage_info *info = upmixes[c->recipe.upmix];
    struct ta_sound_layout_opts *o = add(c, info);
    set_layout(&o->layout, name);
    if (info != &ta_sound_upmix_surround)
        o->lfe = c->recipe.lfe;
    if (info == &ta_sound_upmix_simple) {
        o->delay = c->recipe.delay;
        o->centre = c->recipe.centre;
    }
    settle(c);
}

// ---- how it is stored ----

static const char *codec_for(const struct choosing *c, enum ta_audio_codec codec, bool lossless)
{
    const char *container = c->d->plan->container->name;
    AVChannelLayout l = {.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = c->plan->out.channels};
    if (c->plan->out.mask)
        av_channel_layout_from_mask(&l, c->plan->out.mask);
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
    if (!strcmp(container, "webm"))
        return opus;
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

static int choose_codec(struct choosing *c, const struct ta_stream_facts *st, struct ta_stream_choice *choice)
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
    *choice = (struct ta_stream_choice){
        .action = TA_STREAM_TRANSCODE, .codec = codec, .reason = "its sound is restored"};
    return 0;
}

// ---- deciding ----

// The last frame that lies a second before what is needed: decoders have settled by then.
static struct ta_sound_anchor anchor_for(const struct choosing *c, int64_t from, int64_t shift, bool cut)
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
static void place(struct choosing *c)
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
    int64_t before = ta_sound_chain_reach(s->stages, s->stage_count).before;
    int pieces = ta_sound_pieces(s);
    s->anchors = ta_xcalloc((size_t)pieces, sizeof *s->anchors);
    for (int k = 0; k < pieces; k++) {
        int64_t from, end;
        ta_sound_piece(s, k, &from, &end);
        s->anchors[k] = k || cut ? anchor_for(c, from - before, shift, cut)
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
    int64_t from = 0 - ta_sound_chain_reach(s->stages, s->stage_count).before - s->in.rate;
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

static void tell(const struct choosing *c)
{
    const struct ta_sound_plan *s = c->plan;
    const struct ta_sound_facts *f = c->facts;
    char *from = ta_sound_layout_text(&s->in), *to = ta_sound_layout_text(&s->out);
    struct ta_buf b = {0};
    if (strcmp(from, to) != 0)
        ta_buf_printf(&b, "%s becomes %s, ", from, to);
    if (c->recipe.loudness < 0)
        ta_buf_printf(&b, "%g LUFS, ", c->recipe.loudness);
    if (isfinite(f->floor))
        ta_buf_printf(&b, "its quietest half seconds lie at %.0f dB, ", f->floor);
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
static bool is_stored_so(const struct choosing *c)
{
    enum ta_audio_codec wanted = (enum ta_audio_codec)c->d->recipe->audio_codec;
    if (wanted < TA_AUDIO_CODEC_AAC)
        return true;
    const AVCodecParameters *par = c->d->facts->source->streams[c->plan->stream].par;
    const AVCodec *encoder = avcodec_find_encoder_by_name(codec_for(c, wanted, false));
    return encoder && encoder->id == par->codec_id;
}

int ta_plan_choose_sound(struct ta_decision *d, int stream, struct ta_stream_choice *choice)
{
    struct choosing c = {.d = d};
    struct ta_plan *p = d->plan;
    int err = ta_options_sound(d->facts->options, &c.recipe, d->log);
    if (err < 0 || !ta_sound_is_wanted(d->recipe, &c.recipe) || choice->action == TA_STREAM_DROP)
        return err;
    for (int i = 0; i < d->facts->sound_count; i++)
        if (d->facts->sounds[i].stream == stream)
            c.facts = &d->facts->sounds[i];
    if (!c.facts || c.facts->end <= c.facts->start)
        return 0; // nothing of it can be decoded: what becomes of it else says so
    p->sounds = ta_xrealloc(p->sounds, (size_t)(p->sound_count + 1) * sizeof *p->sounds);
    c.plan = &p->sounds[p->sound_count++];
    *c.plan = (struct ta_sound_plan){.stream = stream,
                                     .in = c.facts->format,
                                     .true_rate = c.facts->true_rate,
                                     .loudness = c.recipe.loudness};
    c.cur = c.facts->format;
    c.plan->gaps = c.facts->gaps;
    c.plan->overlaps = c.facts->overlaps;
    c.plan->decode_errors = c.facts->decode_errors;
    c.plan->bad_samples = c.facts->bad_samples;
    c.plan->heard = ta_sound_heard_json(c.facts);
    mend_channels(&c);
    mend_hum(&c);
    enhance(&c);
    change_layout(&c);
    if (c.recipe.gain != 0) {
        struct ta_sound_gain_opts *o = add(&c, &ta_sound_gain);
        o->gain = c.recipe.gain;
        settle(&c);
    }
    c.plan->out = c.cur;
    // What changes sound may raise its peaks.
    if (c.plan->stage_count || c.recipe.loudness < 0)
        c.plan->ceiling = TA_LEVEL_CEILING;
    place(&c);
    bool drifts = c.plan->true_rate.num != c.plan->in.rate || c.plan->true_rate.den != 1;
    bool nothing = c.err >= 0 && !c.plan->stage_count && !(c.recipe.loudness < 0) && !drifts &&
                   is_stored_so(&c);
    if (nothing || c.plan->end <= c.plan->start) {
        // What was asked for changes nothing here: the track is copied as ever.
        for (int k = 0; k < c.plan->stage_count; k++)
            ta_sound_stage_plan_release(&c.plan->stages[k]);
        free(c.plan->stages);
        free(c.plan->anchors);
        json_decref(c.plan->heard);
        p->sound_count--;
        return c.err;
    }
    if (c.err >= 0)
        c.err = choose_codec(&c, &d->facts->source->streams[stream], choice);
    if (c.err >= 0)
        tell(&c);
    return c.err;
}
