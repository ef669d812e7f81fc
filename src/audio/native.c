// The processors of src/dsp/sound_* as stages. They have the same five functions each (dsp/sound_block.h);
// what a plan asks of one is answered by one that is made for the question.
#include <terminalai/error.h>

#include "audio/stages.h"
#include "base/log.h"
#include "base/mem.h"
#include "dsp/sound_buzz.h"
#include "dsp/sound_clicks.h"
#include "dsp/sound_hiss.h"
#include "dsp/sound_hum.h"

// The functions of a stage around processor X, whose parameters `params_of` makes of the stage's options.
#define PROCESSOR(X, params_of)                                                                  \
    static struct ta_sound_##X *X##_create(const void *opts, const struct ta_sound_format *in)   \
    {                                                                                            \
        const struct ta_sound_##X##_params params = params_of(opts);                             \
        return ta_sound_##X##_create(&params, in->rate, in->channels);                           \
    }                                                                                            \
    static int X##_configure(const void *opts, const struct ta_sound_format *in,                 \
                             struct ta_sound_format *out, struct ta_buf *why)                    \
    {                                                                                            \
        struct ta_sound_##X *x = X##_create(opts, in);                                           \
        int err = x ? 0 : TA_ERR_UNSUPPORTED;                                                    \
        (void)out;                                                                               \
        if (!x)                                                                                  \
            ta_buf_printf(why, "does not take %d channels at %d Hz", in->channels, in->rate);    \
        ta_sound_##X##_destroy(&x);                                                              \
        return err;                                                                              \
    }                                                                                            \
    static int64_t X##_latency(const void *opts, const struct ta_sound_format *in)               \
    {                                                                                            \
        struct ta_sound_##X *x = X##_create(opts, in);                                           \
        int64_t latency = x ? (int64_t)ta_sound_##X##_latency(x) : 0;                            \
        ta_sound_##X##_destroy(&x);                                                              \
        return latency;                                                                          \
    }                                                                                            \
    static struct ta_sound_reach X##_reach(const void *opts, const struct ta_sound_format *in)   \
    {                                                                                            \
        struct ta_sound_##X *x = X##_create(opts, in);                                           \
        struct ta_sound_reach reach = {.before = x ? (int64_t)ta_sound_##X##_reach(x) : 0};      \
        ta_sound_##X##_destroy(&x);                                                              \
        return reach;                                                                            \
    }                                                                                            \
    static int X##_init(struct ta_sound_stage *s)                                                \
    {                                                                                            \
        struct ta_sound_##X *x = *(struct ta_sound_##X **)s->priv = X##_create(s->opts, &s->in); \
        return x ? 0 : TA_ERR_UNSUPPORTED;                                                       \
    }                                                                                            \
    static int X##_run(struct ta_sound_stage *s, float *const *planes, size_t samples)           \
    {                                                                                            \
        ta_sound_##X##_run(*(struct ta_sound_##X **)s->priv, planes, samples);                   \
        return 0;                                                                                \
    }                                                                                            \
    static void X##_release(struct ta_sound_stage *s)                                            \
    {                                                                                            \
        ta_sound_##X##_destroy(s->priv);                                                         \
    }

#define PROCESSOR_STAGE(X)                                                                          \
    .priv_size = sizeof(struct ta_sound_##X *), .configure = X##_configure, .latency = X##_latency, \
    .reach = X##_reach, .describe = X##_describe, .init = X##_init, .run = X##_run, .release = X##_release

// ---- hum ----

static const struct ta_opt hum_options[] = {
    {.name = "frequency",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_hum_opts, frequency, double),
     .def = "0",
     .min = 0,
     .max = 66,
     .unit = "Hz",
     .help = "of the mains, as measured; 0 is found on the way"},
    {0},
};

static struct ta_sound_hum_params hum_params(const struct ta_sound_hum_opts *o)
{
    return (struct ta_sound_hum_params){.frequency = o->frequency};
}

static void hum_describe(const void *opts, const struct ta_sound_format *in,
                         const struct ta_sound_format *out, struct ta_buf *text)
{
    (void)in;
    (void)out;
    ta_buf_printf(text, "hum=frequency=%g", ((const struct ta_sound_hum_opts *)opts)->frequency);
}

PROCESSOR(hum, hum_params)

const struct ta_sound_stage_info ta_sound_stage_hum = {
    .name = "repair.hum",
    .summary = "hum of the mains and its harmonics, followed and subtracted",
    .options = hum_options,
    .options_size = sizeof(struct ta_sound_hum_opts),
    PROCESSOR_STAGE(hum),
};

// ---- clicks ----

static const struct ta_opt clicks_options[] = {
    {.name = "threshold",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_clicks_opts, threshold, double),
     .def = "8",
     .min = 2,
     .max = 100,
     .help = "how far a click stands out of the sound around it"},
    {0},
};

static struct ta_sound_clicks_params clicks_params(const struct ta_sound_clicks_opts *o)
{
    return (struct ta_sound_clicks_params){.threshold = o->threshold};
}

static void clicks_describe(const void *opts, const struct ta_sound_format *in,
                            const struct ta_sound_format *out, struct ta_buf *text)
{
    (void)in;
    (void)out;
    ta_buf_printf(text, "clicks=threshold=%g", ((const struct ta_sound_clicks_opts *)opts)->threshold);
}

PROCESSOR(clicks, clicks_params)

const struct ta_sound_stage_info ta_sound_stage_clicks = {
    .name = "repair.clicks",
    .summary = "clicks and crackle replaced, dropouts filled in, by what is around them",
    .options = clicks_options,
    .options_size = sizeof(struct ta_sound_clicks_opts),
    PROCESSOR_STAGE(clicks),
};

// ---- buzz ----

static const struct ta_opt buzz_options[] = {
    {.name = "fields",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_buzz_opts, fields, double),
     .def = "59.94",
     .min = 40,
     .max = 70,
     .unit = "Hz",
     .help = "fields a second of the pictures that the sound was recorded with"},
    {0},
};

static struct ta_sound_buzz_params buzz_params(const struct ta_sound_buzz_opts *o)
{
    return (struct ta_sound_buzz_params){.fields = o->fields};
}

static void buzz_describe(const void *opts, const struct ta_sound_format *in,
                          const struct ta_sound_format *out, struct ta_buf *text)
{
    (void)in;
    (void)out;
    ta_buf_printf(text, "buzz=fields=%g", ((const struct ta_sound_buzz_opts *)opts)->fields);
}

PROCESSOR(buzz, buzz_params)

const struct ta_sound_stage_info ta_sound_stage_buzz = {
    .name = "repair.buzz",
    .summary = "buzz of head switching at the rate of fields, averaged in step and subtracted",
    .options = buzz_options,
    .options_size = sizeof(struct ta_sound_buzz_opts),
    PROCESSOR_STAGE(buzz),
};

// ---- hiss ----

static const struct ta_opt hiss_options[] = {
    {.name = "reduction",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_hiss_opts, reduction, double),
     .def = "12",
     .min = 0,
     .max = 60,
     .unit = "dB",
     .help = "by how much noise is lowered at most"},
    {.name = "strength",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_hiss_opts, strength, double),
     .def = "1",
     .min = 0.25,
     .max = 4,
     .help = "how loud noise is taken to be, against what is measured"},
    {0},
};

static struct ta_sound_hiss_params hiss_params(const struct ta_sound_hiss_opts *o)
{
    return (struct ta_sound_hiss_params){.reduction_db = o->reduction, .strength = o->strength};
}

static void hiss_describe(const void *opts, const struct ta_sound_format *in,
                          const struct ta_sound_format *out, struct ta_buf *text)
{
    const struct ta_sound_hiss_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_printf(text, "hiss=reduction=%g:strength=%g", o->reduction, o->strength);
}

PROCESSOR(hiss, hiss_params)

const struct ta_sound_stage_info ta_sound_stage_hiss = {
    .name = "denoise.hiss",
    .summary = "hiss, by spectra: noise by minimum statistics, gains of the logarithmic amplitude",
    .options = hiss_options,
    .options_size = sizeof(struct ta_sound_hiss_opts),
    PROCESSOR_STAGE(hiss),
};
