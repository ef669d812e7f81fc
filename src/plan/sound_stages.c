// Which stages a track gets.
#include <math.h>
#include <stdlib.h>

#include "audio/stages.h"
#include "base/mem.h"
#include "plan/decide.h"
#include "plan/sound_parts.h"

// One side counts as silent 40 dB below the other, and as upside down from this correlation on.
static const double SILENT_SIDE = 1e-4, UPSIDE_DOWN = -0.9, AUDIBLE = 1e-9;

// What is surely there, and can be heard. dB of full scale; how far noise may lie below the sound.
static const double SURE = 0.5, BUZZ_SURE = 0.25, BUZZ_IS_HUM = 5e-4, NOISE_AUDIBLE_DB = -75,
                    HUM_AUDIBLE_DB = -75, BUZZ_AUDIBLE_DB = -75, HISS_AUDIBLE = 50;

// Percent. Less is in good machines too, and not heard.
static const double WOW_MATTERS = 0.08;

// A minute. Strokes and plucked strings are taken for a click now and then.
static const double CLICKS_MATTER = 15, DROPOUTS_MATTER = 3;

void *ta_sound_add_stage(struct ta_sound_choosing *c, const struct ta_sound_stage_info *info)
{
    struct ta_sound_plan *s = c->plan;
    s->stages = ta_xrealloc(s->stages, (size_t)(s->stage_count + 1) * sizeof *s->stages);
    struct ta_sound_stage_plan *stage = &s->stages[s->stage_count++];
    ta_sound_stage_plan_init(stage, info, &c->cur);
    return stage->opts;
}

void ta_sound_settle_stage(struct ta_sound_choosing *c)
{
    struct ta_sound_stage_plan *stage = &c->plan->stages[c->plan->stage_count - 1];
    int err = ta_sound_stage_plan_configure(stage, c->d->log);
    if (c->err >= 0)
        c->err = err;
    c->cur = stage->out;
}

static void add_filter(struct ta_sound_choosing *c, const struct ta_sound_stage_info *info, double frequency,
                       double gain)
{
    struct ta_sound_filter_opts *o = ta_sound_add_stage(c, info);
    o->frequency = frequency;
    o->gain = gain;
    if (info == &ta_sound_peak)
        o->q = 1;
    ta_sound_settle_stage(c);
}

static void add_compressor(struct ta_sound_choosing *c, double threshold, double ratio, double attack,
                           double release)
{
    struct ta_sound_compressor_opts *o = ta_sound_add_stage(c, &ta_sound_compressor);
    *o = (struct ta_sound_compressor_opts){threshold, ratio, attack, release};
    ta_sound_settle_stage(c);
}

static void add_hiss(struct ta_sound_choosing *c, double reduction, double strength)
{
    struct ta_sound_hiss_opts *o = ta_sound_add_stage(c, &ta_sound_stage_hiss);
    *o = (struct ta_sound_hiss_opts){reduction, strength};
    ta_sound_settle_stage(c);
}

static void add_limiter(struct ta_sound_choosing *c, double ceiling)
{
    struct ta_sound_limiter_opts *o = ta_sound_add_stage(c, &ta_sound_limiter);
    o->ceiling = ceiling;
    ta_sound_settle_stage(c);
}

// How much of the noise is to go, dB, by how much the sound stands out of it.
static double hiss_reduction(const struct ta_sound_measured *m)
{
    double over = m->rms_db - m->noise_db.value;
    if (m->noise_db.confidence < SURE || m->noise_db.value < NOISE_AUDIBLE_DB)
        return 0;
    return over < 20 ? 18 : over < 35 ? 12 : over < HISS_AUDIBLE ? 6 : 0;
}

static void mend_hiss(struct ta_sound_choosing *c)
{
    const struct ta_sound_measured *m = &c->facts->heard;
    double over = m->rms_db - m->noise_db.value, reduction = hiss_reduction(m);
    if (reduction <= 0)
        return;
    add_hiss(c, reduction, 1);
    ta_decision_tell(c->d, "sound",
                     "stream %d: noise lies at %.0f dB, %.0f dB below the sound: %.0f dB of it go",
                     c->plan->stream, m->noise_db.value, over, reduction);
}

// Is a repair to be made: where it is asked for, or is heard and may be?
static bool is_to_be_mended(const struct ta_sound_choosing *c, int repair, bool heard)
{
    bool automatic = repair == TA_REPAIR_AUTO ||
                     (repair == TA_REPAIR_KEEP && c->recipe.enhance == TA_ENHANCE_AUTO);
    return repair == TA_REPAIR_REMOVE || (automatic && heard);
}

static bool is_buzz_heard(const struct ta_sound_choosing *c)
{
    const struct ta_sound_buzz_heard *buzz = &c->facts->heard.buzz;
    return buzz->confidence >= BUZZ_SURE && buzz->level_db > BUZZ_AUDIBLE_DB;
}

// Buzz at the rate of fields has the harmonics of a hum of so many Hz, though no stronger ones low down.
static bool is_hum_heard(const struct ta_sound_choosing *c)
{
    const struct ta_sound_mains_result *hum = &c->facts->heard.hum;
    const struct ta_sound_buzz_heard *buzz = &c->facts->heard.buzz;
    bool same = is_buzz_heard(c) && fabs(hum->frequency / buzz->fields - 1) < BUZZ_IS_HUM &&
                hum->level_db < buzz->level_db + 3;
    return hum->frequency > 0 && hum->confidence >= SURE && hum->level_db > HUM_AUDIBLE_DB && !same;
}

static void mend_hum(struct ta_sound_choosing *c)
{
    const struct ta_sound_mains_result *hum = &c->facts->heard.hum;
    bool heard = is_hum_heard(c);
    if (!is_to_be_mended(c, c->recipe.hum, heard))
        return;
    struct ta_sound_hum_opts *o = ta_sound_add_stage(c, &ta_sound_stage_hum);
    o->frequency = heard ? round(hum->frequency * 1000) / 1000 : 0;
    ta_sound_settle_stage(c);
    if (heard)
        ta_decision_tell(c->d, "sound", "stream %d: hum of %.2f Hz and %d harmonics at %.0f dB is taken out",
                         c->plan->stream, hum->frequency, TA_MAX(hum->harmonics - 1, 0), hum->level_db);
}

// Fields a second of the pictures that are with the sound: 50, or 59.94; 0: there are none.
static double fields_of_pictures(const struct ta_sound_choosing *c)
{
    const struct ta_source_facts *source = c->d->facts->source;
    double rate = source->video >= 0 ? av_q2d(source->streams[source->video].frame_rate) : 0;
    return rate > 24.5 && rate < 25.5 ? 50 : rate > 49 && rate < 51 ? 50 : rate > 0 ? 60 / 1.001 : 0;
}

static void mend_buzz(struct ta_sound_choosing *c)
{
    const struct ta_sound_buzz_heard *buzz = &c->facts->heard.buzz;
    bool heard = is_buzz_heard(c);
    if (!is_to_be_mended(c, c->recipe.buzz, heard))
        return;
    struct ta_sound_buzz_opts *o = ta_sound_add_stage(c, &ta_sound_stage_buzz);
    double fields = heard ? buzz->fields : fields_of_pictures(c);
    if (fields > 0)
        o->fields = round(fields * 1000) / 1000;
    ta_sound_settle_stage(c);
    if (heard)
        ta_decision_tell(c->d, "sound",
                         "stream %d: buzz of head switching, %.2f fields a second, at %.0f dB is taken out",
                         c->plan->stream, o->fields, buzz->level_db);
}

// Said alone: to take it out, its course would have to be known at every moment, and pauses and noise hide
// it.
static void tell_wow(struct ta_sound_choosing *c, int stream)
{
    const struct ta_sound_wow_result *wow = &c->facts->heard.wow;
    if (wow->confidence >= SURE && wow->percent >= WOW_MATTERS)
        ta_decision_tell(c->d, "sound",
                         "stream %d: the speed swings by %.2f %% (wow and flutter, most of it %.1f times a "
                         "second): it stays, for no mend of it is proved here",
                         stream, wow->percent, wow->hertz);
}

static bool are_clicks_heard(const struct ta_sound_choosing *c)
{
    const struct ta_sound_measured *m = &c->facts->heard;
    bool clicks = m->clicks.confidence >= SURE && m->clicks.value >= CLICKS_MATTER;
    bool dropouts = m->dropouts.confidence >= SURE && m->dropouts.value >= DROPOUTS_MATTER;
    return !is_buzz_heard(c) && (clicks || dropouts); // buzz is clicks too
}

static void mend_clicks(struct ta_sound_choosing *c)
{
    const struct ta_sound_measured *m = &c->facts->heard;
    bool heard = are_clicks_heard(c);
    if (!is_to_be_mended(c, c->recipe.clicks, heard))
        return;
    ta_sound_add_stage(c, &ta_sound_stage_clicks);
    ta_sound_settle_stage(c);
    if (heard)
        ta_decision_tell(c->d, "sound", "stream %d: %.0f clicks and %.0f dropouts a minute are filled in",
                         c->plan->stream, m->clicks.value, m->dropouts.value);
}

static void enhance(struct ta_sound_choosing *c)
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
        add_hiss(c, 18, 1);
        add_filter(c, &ta_sound_peak, 200, -3);
        add_filter(c, &ta_sound_peak, 2500, 4);
        add_filter(c, &ta_sound_peak, 5000, 2);
        add_compressor(c, -20, 3, 5, 100);
        add_limiter(c, -0.45);
        break;
    case TA_ENHANCE_MUSIC:
        add_filter(c, &ta_sound_highpass, 30, 0);
        add_hiss(c, 8, 1);
        add_compressor(c, -24, 2, 50, 500);
        break;
    case TA_ENHANCE_NEURAL:
        ta_sound_add_voice(c);
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

static void mend_channels(struct ta_sound_choosing *c)
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
    struct ta_sound_channels_opts *o = ta_sound_add_stage(c, &ta_sound_channels);
    o->mode = mode;
    ta_sound_settle_stage(c);
}

static void set_layout(char **layout, const char *name)
{
    free(*layout);
    *layout = ta_xstrdup(name);
}

static void add_mix(struct ta_sound_choosing *c, const char *layout)
{
    struct ta_sound_layout_opts *o = ta_sound_add_stage(c, &ta_sound_mix);
    set_layout(&o->layout, layout);
    ta_sound_settle_stage(c);
}

static void change_layout(struct ta_sound_choosing *c)
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
    struct ta_sound_layout_opts *o = ta_sound_add_stage(c, info);
    set_layout(&o->layout, name);
    if (info != &ta_sound_upmix_surround)
        o->lfe = c->recipe.lfe;
    if (info == &ta_sound_upmix_simple) {
        o->delay = c->recipe.delay;
        o->centre = c->recipe.centre;
    }
    ta_sound_settle_stage(c);
}

void ta_sound_tell_heard(struct ta_sound_choosing *c, int stream)
{
    static const char *const faults[] = {[TA_SOUND_FROM_LEFT] = "its right side is silent",
                                         [TA_SOUND_FROM_RIGHT] = "its left side is silent",
                                         [TA_SOUND_INVERT] = "its right side is upside down"};
    const struct ta_sound_measured *m = &c->facts->heard;
    json_t *all = json_object_get(c->d->plan->diagnosis, "sound"), *heard = ta_sound_heard_json(c->facts);
    if (!all)
        json_object_set_new(c->d->plan->diagnosis, "sound", all = json_array());
    json_object_set_new(heard, "stream", json_integer(stream));
    json_array_append_new(all, heard);
    if (is_hum_heard(c))
        ta_decision_tell(c->d, "sound",
                         "stream %d: hum of %.2f Hz at %.0f dB is heard: --audio-hum auto takes it out",
                         stream, m->hum.frequency, m->hum.level_db);
    if (is_buzz_heard(c))
        ta_decision_tell(
            c->d, "sound",
            "stream %d: buzz of head switching at %.0f dB is heard: --audio-buzz auto takes it out", stream,
            m->buzz.level_db);
    if (are_clicks_heard(c))
        ta_decision_tell(c->d, "sound",
                         "stream %d: %.0f clicks and %.0f dropouts a minute are heard: --audio-clicks auto "
                         "fills them in",
                         stream, m->clicks.value, m->dropouts.value);
    if (hiss_reduction(m) > 0)
        ta_decision_tell(c->d, "sound",
                         "stream %d: noise is heard, %.0f dB below the sound: --audio-enhance auto lowers it",
                         stream, m->rms_db - m->noise_db.value);
    tell_wow(c, stream);
    int fault = c->facts->format.channels == 2 ? heard_fault(c->facts) : -1;
    if (fault >= 0)
        ta_decision_tell(c->d, "sound", "stream %d: %s: --audio-channels auto mends it", stream,
                         faults[fault]);
}

void ta_sound_choose_stages(struct ta_sound_choosing *c)
{
    mend_channels(c);
    mend_hum(c);
    mend_buzz(c);
    mend_clicks(c);
    tell_wow(c, c->plan->stream);
    enhance(c);
    ta_sound_add_treble(c);
    change_layout(c);
    if (c->recipe.gain != 0) {
        struct ta_sound_gain_opts *o = ta_sound_add_stage(c, &ta_sound_gain);
        o->gain = c->recipe.gain;
        ta_sound_settle_stage(c);
    }
}
