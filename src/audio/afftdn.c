// libavfilter's denoiser in the frequency domain.
#include "audio/stages.h"

#include <terminalai/error.h>

#include "base/mem.h"

static const struct ta_opt options[] = {
    {.name = "reduction",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_afftdn_opts, reduction, double),
     .def = "12",
     .min = 0.01,
     .max = 97,
     .unit = "dB",
     .help = "how much of the noise is taken away"},
    {.name = "floor",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_afftdn_opts, floor, double),
     .def = "-50",
     .min = -80,
     .max = -20,
     .unit = "dB",
     .help = "how loud the noise is"},
    {0},
};

// Windows of three steps, a step an eightieth of a second: what comes out is two steps late.
static int64_t latency(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    return 2 * (in->rate / 80);
}

static struct ta_sound_reach reach(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    return (struct ta_sound_reach){.before = 2 * (int64_t)in->rate, .after = in->rate / 4};
}

static void describe(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,
                     struct ta_buf *text)
{
    const struct ta_sound_afftdn_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_printf(text, "afftdn=nr=%g:nf=%g", o->reduction, o->floor);
}

static const char *const filters[] = {"afftdn", NULL};

const struct ta_sound_stage_info ta_sound_afftdn = {
    .name = "denoise.afftdn",
    .summary = "hiss, by libavfilter",
    .options = options,
    .options_size = sizeof(struct ta_sound_afftdn_opts),
    .priv_size = sizeof(void *),
    .graph = true,
    .filters = filters,
    .latency = latency,
    .reach = reach,
    .describe = describe,
};
