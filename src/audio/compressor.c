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

// Samples for which a gain is worked out: one exponential each would cost more than all else. What comes out
// does not depend on how many come at a time: powers of a step are kept until it is over.
enum { STEP = 16 };

struct compressor {
    double mean; // of squares of the loudest channel, over 5 ms: a wave's own swing is no change of level
    double mean_step; // of the way there in a sample
    float
        weights[STEP]; // of a step's powers in the mean behind it, but for the first, which is in it already
    double keep;       // of that mean
    double quiet;      // a mean below which nothing is taken off
    double level;      // dB that are taken off now
    double fall, rise; // of the way to their goal in STEP samples
    float gain, to;    // at the start of the step and at its end
    float powers[STEP];
    int place; // in the step
};

static int init(struct ta_sound_stage *s)
{
    const struct ta_sound_compressor_opts *o = s->opts;
    struct compressor *c = s->priv;
    c->fall = 1 - exp(-1000.0 * STEP / (o->attack * s->in.rate));
    c->rise = 1 - exp(-1000.0 * STEP / (o->release * s->in.rate));
    c->mean_step = 1 - exp(-1000 / (5.0 * s->in.rate));
    for (int i = 1; i < STEP; i++)
        c->weights[i] = (float)(c->mean_step * pow(1 - c->mean_step, STEP - 1 - i));
    c->keep = pow(1 - c->mean_step, STEP - 1);
    c->quiet = 0.5 * pow(10, (o->threshold - KNEE / 2) / 10);
    c->gain = c->to = 1;
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

static void begin_step(const struct ta_sound_compressor_opts *o, struct compressor *c)
{
    c->mean += (c->powers[0] - c->mean) * c->mean_step;
    // A sine counts by its peak.
    double goal = c->mean < c->quiet
                      ? 0
                      : reduction(10 / M_LN10 * log(2 * c->mean + 1e-20) - o->threshold, o->ratio);
    c->level += (goal - c->level) * (goal > c->level ? c->fall : c->rise);
    if (c->level < 1e-9)
        c->level = 0;
    c->gain = c->to;
    c->to = c->level > 0 ? (float)exp(-c->level * (M_LN10 / 20)) : 1;
}

static void end_step(struct compressor *c)
{
    float sums[4] = {0};
    for (int i = 0; i < STEP; i += 4)
        for (int k = 0; k < 4; k++)
            sums[k] += c->weights[i + k] * c->powers[i + k];
    c->mean = c->keep * c->mean + ((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// Where n is a constant, loops become vectors.
static inline __attribute__((always_inline)) void run_part(const struct ta_sound_stage *s,
                                                           float *const *planes, size_t at, int place, int n)
{
    struct compressor *c = s->priv;
    float loudest[STEP];
    for (int i = 0; i < n; i++)
        loudest[i] = 0;
    for (int k = 0; k < s->in.channels; k++)
        for (int i = 0; i < n; i++) {
            float x = fabsf(planes[k][at + (size_t)i]);
            loudest[i] = loudest[i] > x ? loudest[i] : x;
        }
    for (int i = 0; i < n; i++)
        c->powers[place + i] = loudest[i] * loudest[i];
    if (!place)
        begin_step(s->opts, c);
    const float gain = c->gain, add = (c->to - gain) / STEP;
    for (int k = 0; k < s->in.channels; k++)
        for (int i = 0; i < n; i++)
            planes[k][at + (size_t)i] *= gain + add * (float)(place + i + 1);
    c->place = (place + n) % STEP;
    if (!c->place)
        end_step(c);
}

static int run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    const struct compressor *c = s->priv;
    for (size_t at = 0, n; at < samples; at += n) {
        n = TA_MIN(samples - at, (size_t)(STEP - c->place));
        if (n == STEP)
            run_part(s, planes, at, 0, STEP);
        else
            run_part(s, planes, at, c->place, (int)n);
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
