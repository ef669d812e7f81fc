#include "audio/mix.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>

#include <terminalai/error.h>

#include "audio/stages.h"
#include "base/mem.h"

static const float HALF_POWER = 0.70710678F;

bool ta_mix_target(const struct ta_sound_format *in, const char *layout, struct ta_sound_format *out)
{
    AVChannelLayout l = {0};
    *out = *in;
    // libav's own 5.1 has surround speakers at the sides or at the back, by version.
    bool ok = layout && av_channel_layout_from_string(&l, layout) >= 0 &&
              l.order == AV_CHANNEL_ORDER_NATIVE && l.nb_channels <= TA_MIX_CHANNELS;
    if (ok) {
        out->channels = l.nb_channels;
        out->mask = !strcmp(layout, "5.1") ? AV_CH_LAYOUT_5POINT1_BACK : l.u.mask;
    }
    av_channel_layout_uninit(&l);
    return ok;
}

// The place of a speaker among the channels; -1: there is none.
static int channel_of(uint64_t mask, uint64_t speaker)
{
    return mask & speaker ? __builtin_popcountll(mask & (speaker - 1)) : -1;
}

struct mix {
    uint64_t to;
    int in; // the channel that is being placed
    float (*weights)[TA_MIX_CHANNELS];
};

static bool add(struct mix *m, uint64_t speaker, float weight)
{
    int o = channel_of(m->to, speaker);
    if (o >= 0)
        m->weights[o][m->in] += weight;
    return o >= 0;
}

// One side's surround speaker: at the back or at the side.
static void add_surround(struct mix *m, uint64_t from, uint64_t own, uint64_t other, uint64_t front)
{
    bool both_in = (from & own) && (from & other), both_out = (m->to & own) && (m->to & other);
    float weight = both_in != both_out ? HALF_POWER : 1;
    if (both_out && both_in)
        add(m, own, 1);
    else if (both_out) {
        add(m, own, weight);
        add(m, other, weight);
    } else if (!add(m, own, weight) && !add(m, other, weight) && !add(m, front, weight * HALF_POWER))
        add(m, AV_CH_FRONT_CENTER, weight * 0.5F);
}

static void add_speaker(struct mix *m, uint64_t from, uint64_t speaker)
{
    switch (speaker) {
    case AV_CH_FRONT_LEFT:
    case AV_CH_FRONT_RIGHT:
        if (!add(m, speaker, 1))
            add(m, AV_CH_FRONT_CENTER, HALF_POWER);
        break;
    case AV_CH_FRONT_CENTER:
        if (!add(m, speaker, 1)) {
            add(m, AV_CH_FRONT_LEFT, HALF_POWER);
            add(m, AV_CH_FRONT_RIGHT, HALF_POWER);
        }
        break;
    case AV_CH_FRONT_LEFT_OF_CENTER:
        if (!add(m, speaker, 1) && !add(m, AV_CH_FRONT_LEFT, 1))
            add(m, AV_CH_FRONT_CENTER, HALF_POWER);
        break;
    case AV_CH_FRONT_RIGHT_OF_CENTER:
        if (!add(m, speaker, 1) && !add(m, AV_CH_FRONT_RIGHT, 1))
            add(m, AV_CH_FRONT_CENTER, HALF_POWER);
        break;
    case AV_CH_BACK_LEFT:
        add_surround(m, from, AV_CH_BACK_LEFT, AV_CH_SIDE_LEFT, AV_CH_FRONT_LEFT);
        break;
    case AV_CH_SIDE_LEFT:
        add_surround(m, from, AV_CH_SIDE_LEFT, AV_CH_BACK_LEFT, AV_CH_FRONT_LEFT);
        break;
    case AV_CH_BACK_RIGHT:
        add_surround(m, from, AV_CH_BACK_RIGHT, AV_CH_SIDE_RIGHT, AV_CH_FRONT_RIGHT);
        break;
    case AV_CH_SIDE_RIGHT:
        add_surround(m, from, AV_CH_SIDE_RIGHT, AV_CH_BACK_RIGHT, AV_CH_FRONT_RIGHT);
        break;
    case AV_CH_BACK_CENTER:
        if (add(m, speaker, 1))
            break;
        add_surround(m, AV_CH_BACK_LEFT, AV_CH_BACK_LEFT, AV_CH_SIDE_LEFT, AV_CH_FRONT_LEFT);
        add_surround(m, AV_CH_BACK_RIGHT, AV_CH_BACK_RIGHT, AV_CH_SIDE_RIGHT, AV_CH_FRONT_RIGHT);
        for (int o = 0; o < TA_MIX_CHANNELS; o++)
            m->weights[o][m->in] *= HALF_POWER;
        break;
    default: // low frequencies: left out where there is no channel for them
        add(m, speaker, 1);
        break;
    }
}

bool ta_mix_weights(const struct ta_sound_format *in, const struct ta_sound_format *out,
                    float weights[TA_MIX_CHANNELS][TA_MIX_CHANNELS])
{
    uint64_t from = in->mask;
    memset(weights, 0, sizeof(float) * TA_MIX_CHANNELS * TA_MIX_CHANNELS);
    if (!from && in->channels <= TA_MIX_CHANNELS) {
        AVChannelLayout l;
        av_channel_layout_default(&l, in->channels);
        from = l.order == AV_CHANNEL_ORDER_NATIVE ? l.u.mask : 0;
        av_channel_layout_uninit(&l);
    }
    if (!from || !out->mask || in->channels > TA_MIX_CHANNELS || out->channels > TA_MIX_CHANNELS)
        return false;
    struct mix m = {.to = out->mask, .weights = weights};
    for (uint64_t rest = from; rest; rest &= rest - 1, m.in++) {
        // One channel for more than one is the same in both: not 3 dB less in each.
        if (in->channels == 1 && out->channels == 2)
            weights[0][0] = weights[1][0] = 1;
        else
            add_speaker(&m, from, rest & -rest);
    }
    return true;
}

// ---- the stage ----

static const struct ta_opt options[] = {
    {.name = "layout",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_sound_layout_opts, layout, char *),
     .def = "stereo",
     .help = "speakers of what comes out"},
    {0},
};

struct mixer {
    float weights[TA_MIX_CHANNELS][TA_MIX_CHANNELS];
    float *planes[TA_MIX_CHANNELS];
};

static int configure(const void *opts, const struct ta_sound_format *in, struct ta_sound_format *out,
                     struct ta_buf *why)
{
    const struct ta_sound_layout_opts *o = opts;
    float weights[TA_MIX_CHANNELS][TA_MIX_CHANNELS];
    if (!ta_mix_target(in, o->layout, out)) {
        ta_buf_printf(why, "there is no layout \"%s\" of at most %d channels", o->layout ? o->layout : "",
                      TA_MIX_CHANNELS);
        return TA_ERR_UNSUPPORTED;
    }
    if (ta_mix_weights(in, out, weights))
        return 0;
    ta_buf_printf(why, "does not know what the %d channels are", in->channels);
    return TA_ERR_UNSUPPORTED;
}

static int init(struct ta_sound_stage *s)
{
    struct mixer *m = s->priv;
    ta_mix_weights(&s->in, &s->out, m->weights);
    for (int o = 0; o < s->out.channels; o++)
        m->planes[o] = ta_xcalloc(TA_SOUND_BLOCK, sizeof **m->planes);
    return 0;
}

static int run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    struct mixer *m = s->priv;
    for (int o = 0; o < s->out.channels; o++) {
        memset(m->planes[o], 0, samples * sizeof **m->planes);
        for (int i = 0; i < s->in.channels; i++) {
            const float w = m->weights[o][i];
            for (size_t k = 0; w != 0 && k < samples; k++)
                m->planes[o][k] += w * planes[i][k];
        }
    }
    return ta_sound_stage_emit(s, m->planes, samples);
}

static void release(struct ta_sound_stage *s)
{
    struct mixer *m = s->priv;
    for (int o = 0; o < TA_MIX_CHANNELS; o++)
        free(m->planes[o]);
}

static void describe(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,
                     struct ta_buf *text)
{
    float w[TA_MIX_CHANNELS][TA_MIX_CHANNELS];
    (void)opts;
    char *layout = ta_sound_layout_text(out);
    ta_buf_printf(text, "pan=%s", layout);
    free(layout);
    ta_mix_weights(in, out, w);
    for (int o = 0; o < out->channels; o++) {
        bool any = false;
        ta_buf_printf(text, "|c%d=", o);
        for (int i = 0; i < in->channels; i++)
            if (w[o][i] != 0) {
                ta_buf_printf(text, "%s%.4g*c%d", any ? "+" : "", (double)w[o][i], i);
                any = true;
            }
        if (!any)
            ta_buf_puts(text, "0*c0");
    }
}

const struct ta_sound_stage_info ta_sound_mix = {
    .name = "mix.weights",
    .summary = "other speakers by fixed weights, down as ITU-R BS.775 has it",
    .options = options,
    .options_size = sizeof(struct ta_sound_layout_opts),
    .priv_size = sizeof(struct mixer),
    .configure = configure,
    .describe = describe,
    .init = init,
    .run = run,
    .emits = true,
    .release = release,
};
