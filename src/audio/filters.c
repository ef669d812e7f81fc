// Filters of second order and plain gain. Computed in double: at 192 kHz the poles of a high-pass at 30 Hz
// lie so near to 1 that float would lose them.
#include "audio/stages.h"

#include <math.h>
#include <stdlib.h>

#include <terminalai/error.h>

#include "audio/biquad.h"
#include "base/mem.h"

enum { REACH_MS = 1000 }; // ten times what a high-pass at 20 Hz remembers

// clang-format off
#define FILTER_OPTIONS(def_frequency)                                                           \
    {.name = "frequency", .kind = &ta_opt_float,                                                \
     TA_FIELD(struct ta_sound_filter_opts, frequency, double), .def = def_frequency,            \
     .min = 10, .max = 100000, .unit = "Hz", .help = "where it works"},                         \
    {.name = "q", .kind = &ta_opt_float, TA_FIELD(struct ta_sound_filter_opts, q, double),      \
     .def = "0.707", .min = 0.1, .max = 20, .help = "how narrowly"}
// clang-format on

static const struct ta_opt highpass_options[] = {FILTER_OPTIONS("80"), {0}};
static const struct ta_opt lowpass_options[] = {FILTER_OPTIONS("15000"), {0}};
static const struct ta_opt peak_options[] = {FILTER_OPTIONS("1000"),
                                             {.name = "gain",
                                              .kind = &ta_opt_float,
                                              TA_FIELD(struct ta_sound_filter_opts, gain, double),
                                              .def = "0",
                                              .min = -30,
                                              .max = 30,
                                              .unit = "dB",
                                              .help = "by how much"},
                                             {0}};

struct filters {
    struct ta_biquad list[TA_BIQUADS]; // its own, and those of stages behind it that it has taken over
    int count;
    double state[TA_SOUND_CHANNELS][TA_BIQUADS][2];
};

static struct ta_sound_reach filter_reach(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    return (struct ta_sound_reach){.before = (int64_t)in->rate * REACH_MS / 1000};
}

// Waves far below a low-pass come out so much later; in its bilinear form as in the analogue one.
static int64_t lowpass_latency(const void *opts, const struct ta_sound_format *in)
{
    const struct ta_sound_filter_opts *o = opts;
    return o->frequency < 0.499 * in->rate ? llround(in->rate / (2 * M_PI * o->frequency * o->q)) : 0;
}

static int run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    struct filters *f = s->priv;
    int c = 0;
    for (; c + 2 <= s->in.channels; c += 2)
        ta_biquad_run_pair(f->list, f->count, f->state[c], f->state[c + 1], planes + c, samples);
    if (c < s->in.channels)
        ta_biquad_run(f->list, f->count, f->state[c], planes[c], samples);
    return 0;
}

static bool join(struct ta_sound_stage *s, const struct ta_sound_stage *next)
{
    struct filters *f = s->priv;
    if (next->info->run != run || f->count == TA_BIQUADS)
        return false;
    f->list[f->count++] = ((const struct filters *)next->priv)->list[0];
    return true;
}

static struct ta_biquad *own_filter(struct ta_sound_stage *s)
{
    struct filters *f = s->priv;
    f->count = 1;
    return &f->list[0];
}

static int init_highpass(struct ta_sound_stage *s)
{
    const struct ta_sound_filter_opts *o = s->opts;
    ta_biquad_highpass(own_filter(s), s->in.rate, o->frequency, o->q);
    return 0;
}

static int init_lowpass(struct ta_sound_stage *s)
{
    const struct ta_sound_filter_opts *o = s->opts;
    ta_biquad_lowpass(own_filter(s), s->in.rate, o->frequency, o->q);
    return 0;
}

static int init_peak(struct ta_sound_stage *s)
{
    const struct ta_sound_filter_opts *o = s->opts;
    ta_biquad_peak(own_filter(s), s->in.rate, o->frequency, o->q, o->gain);
    return 0;
}

static void describe_highpass(const void *opts, const struct ta_sound_format *in,
                              const struct ta_sound_format *out, struct ta_buf *text)
{
    const struct ta_sound_filter_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_printf(text, "highpass=f=%g:t=q:w=%g", o->frequency, o->q);
}

static void describe_lowpass(const void *opts, const struct ta_sound_format *in,
                             const struct ta_sound_format *out, struct ta_buf *text)
{
    const struct ta_sound_filter_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_printf(text, "lowpass=f=%g:t=q:w=%g", o->frequency, o->q);
}

static void describe_peak(const void *opts, const struct ta_sound_format *in,
                          const struct ta_sound_format *out, struct ta_buf *text)
{
    const struct ta_sound_filter_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_printf(text, "equalizer=f=%g:t=q:w=%g:g=%g", o->frequency, o->q, o->gain);
}

const struct ta_sound_stage_info ta_sound_highpass = {
    .name = "filter.highpass",
    .summary = "takes away what is lower",
    .options = highpass_options,
    .options_size = sizeof(struct ta_sound_filter_opts),
    .priv_size = sizeof(struct filters),
    .reach = filter_reach,
    .describe = describe_highpass,
    .init = init_highpass,
    .run = run,
    .join = join,
};

const struct ta_sound_stage_info ta_sound_lowpass = {
    .name = "filter.lowpass",
    .summary = "takes away what is higher",
    .options = lowpass_options,
    .options_size = sizeof(struct ta_sound_filter_opts),
    .priv_size = sizeof(struct filters),
    .latency = lowpass_latency,
    .reach = filter_reach,
    .describe = describe_lowpass,
    .init = init_lowpass,
    .run = run,
    .join = join,
};

const struct ta_sound_stage_info ta_sound_peak = {
    .name = "filter.peak",
    .summary = "raises or lowers what lies around a frequency",
    .options = peak_options,
    .options_size = sizeof(struct ta_sound_filter_opts),
    .priv_size = sizeof(struct filters),
    .reach = filter_reach,
    .describe = describe_peak,
    .init = init_peak,
    .run = run,
    .join = join,
};

// ---- gain ----

static const struct ta_opt gain_options[] = {
    {.name = "gain",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_gain_opts, gain, double),
     .def = "0",
     .min = -60,
     .max = 60,
     .unit = "dB",
     .help = "how much louder"},
    {0},
};

static int run_gain(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    const float factor = (float)pow(10, ((const struct ta_sound_gain_opts *)s->opts)->gain / 20);
    for (int c = 0; c < s->in.channels; c++)
        for (size_t i = 0; i < samples; i++)
            planes[c][i] *= factor;
    return 0;
}

static void describe_gain(const void *opts, const struct ta_sound_format *in,
                          const struct ta_sound_format *out, struct ta_buf *text)
{
    (void)in;
    (void)out;
    ta_buf_printf(text, "volume=%gdB:precision=float", ((const struct ta_sound_gain_opts *)opts)->gain);
}

const struct ta_sound_stage_info ta_sound_gain = {
    .name = "filter.gain",
    .summary = "louder or quieter",
    .options = gain_options,
    .options_size = sizeof(struct ta_sound_gain_opts),
    .describe = describe_gain,
    .run = run_gain,
};
