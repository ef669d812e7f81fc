// Loud passages made quieter, all channels alike so that nothing wanders between them. The level is that of
// the loudest channel; gain follows it in dB with one time to fall and one to rise.
#include "audio/stages.h"

#include <math.h>

#include <terminalai/error.h>

#include "base/mem.h"

static const double KNEE = 6; // dB, around the threshold

// clang-format off
#define COMPRESSOR_OPTION(field, def_, min_, max_, unit_, help_)                          \
    {.name = #field, .kind = &ta_opt_float,                                               \
     TA_FIELD(struct ta_sound_compressor_opts, field, double), .def = def_, .min = min_,  \
     .max = max_, .unit = unit_, .help = help_}
// clang-format on

static const struct ta_opt options[] = {
    COMPRESSOR_OPTION(threshold, "-20", -60, 0, "dB", "what is louder becomes quieter"),
    COMPRESSOR_OPTION(ratio, "2", 1, 20, NULL, "by how much"),
    COMPRESSOR_OPTION(attack, "20", 0.1, 500, "ms", "how fast it becomes quieter"),
    COMPRESSOR_OPTION(release, "250", 1, 5000, "ms", "how fast it comes back"),
    {0},
};

enum {
    STEP = 16
}; // samples for which a gain is worked out: one exponential each would cost more than all else

struct compressor {
    double mean; // of squares of the loudest channel, over 5 ms: a wave's own swing is no change of level
    double mean_step;  // of the way there in a sample
    double level;      // dB that are taken off now
    double fall, rise; // of the way to their goal in STEP samples
    double gain, add;  // of this sample, and what it grows by in one
    int place;         // in the step
};

static int init(struct ta_sound_stage *s)
{
    const struct ta_sound_compressor_opts *o = s->opts;
    struct compressor *c = s->priv;
    c->fall = 1 - exp(-1000.0 * STEP / (o->attack * s->in.rate));
    c->rise = 1 - exp(-1000.0 * STEP / (o->release * s->in.rate));
    c->mean_step = 1 - exp(-1000 / (5.0 * s->in.rate));
    c->gain = 1;
    return 0;
}

// dB to take off where the level is `over` dB above the threshold.
static double reduction(double over, double ratio)
{
    double slope = 1 - 1 / ratio;
    if (over <= -KNEE / 2)
        return 0;
    if (over >= KNEE / 2)
        return over * slope;
    return slope * (over + KNEE / 2) * (over + KNEE / 2) / (2 * KNEE);
}

static void next_step(const struct ta_sound_compressor_opts *o, struct compressor *c)
{
    // A sine counts by its peak.
    double goal = reduction(10 * log10(2 * c->mean + 1e-20) - o->threshold, o->ratio);
    c->level += (goal - c->level) * (goal > c->level ? c->fall : c->rise);
    if (c->level < 1e-9)
        c->level = 0;
    double to = c->level > 0 ? pow(10, -c->level / 20) : 1;
    c->add = (to - c->gain) / STEP;
}

static int run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    const struct ta_sound_compressor_opts *o = s->opts;
    struct compressor *c = s->priv;
    for (size_t i = 0; i < samples; i++) {
        float loudest = 0;
        for (int k = 0; k < s->in.channels; k++)
            loudest = fmaxf(loudest, fabsf(planes[k][i]));
        c->mean += ((double)loudest * loudest - c->mean) * c->mean_step;
        if (!c->place)
            next_step(o, c);
        c->place = (c->place + 1) % STEP;
        c->gain += c->add;
        for (int k = 0; k < s->in.channels; k++)
            planes[k][i] *= (float)c->gain;
    }
    return 0;
}

// What is left of the gain's past has faded after ten times the slower of both.
static struct ta_sound_reach reach(const void *opts, const struct ta_sound_format *in)
{
    const struct ta_sound_compressor_opts *o = opts;
    return (struct ta_sound_reach){.before = (int64_t)(10 * fmax(o->attack, o->release) * in->rate / 1000)};
}

static void describe(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,
                     struct ta_buf *text)
{
    const struct ta_sound_compressor_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_printf(text, "acompressor=threshold=%gdB:ratio=%g:attack=%g:release=%g", o->threshold, o->ratio,
                  o->attack, o->release);
}

const struct ta_sound_stage_info ta_sound_compressor = {
    .name = "dynamics.compressor",
    .summary = "loud passages made quieter",
    .options = options,
    .options_size = sizeof(struct ta_sound_compressor_opts),
    .priv_size = sizeof(struct compressor),
    .reach = reach,
    .describe = describe,
    .init = init,
    .run = run,
};
