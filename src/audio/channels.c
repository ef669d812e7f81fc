// Sound of which one channel is missing or upside down: cables that were plugged in half or wrongly.
#include "audio/stages.h"

#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"

static const struct ta_choice modes[] = {
    {"left", "the left channel on both sides"},
    {"right", "the right channel on both sides"},
    {"invert", "the right channel the other way up"},
    {0},
};

static const struct ta_opt options[] = {
    {.name = "mode",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_sound_channels_opts, mode, int),
     .def = "left",
     .choices = modes,
     .help = "what is done with the two channels"},
    {0},
};

static int configure(const void *opts, const struct ta_sound_format *in, struct ta_sound_format *out,
                     struct ta_buf *why)
{
    (void)opts;
    (void)out;
    if (in->channels == 2)
        return 0;
    ta_buf_printf(why, "takes sound of two channels, not of %d", in->channels);
    return TA_ERR_UNSUPPORTED;
}

static void describe(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,
                     struct ta_buf *text)
{
    static const char *const texts[] = {"pan=stereo|c0=c0|c1=c0", "pan=stereo|c0=c1|c1=c1",
                                        "pan=stereo|c0=c0|c1=-1*c1"};
    (void)in;
    (void)out;
    ta_buf_puts(text, texts[((const struct ta_sound_channels_opts *)opts)->mode]);
}

static int run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    const struct ta_sound_channels_opts *o = s->opts;
    if (o->mode == TA_SOUND_FROM_LEFT)
        memcpy(planes[1], planes[0], samples * sizeof **planes);
    else if (o->mode == TA_SOUND_FROM_RIGHT)
        memcpy(planes[0], planes[1], samples * sizeof **planes);
    for (size_t i = 0; o->mode == TA_SOUND_INVERT && i < samples; i++)
        planes[1][i] = -planes[1][i];
    return 0;
}

const struct ta_sound_stage_info ta_sound_channels = {
    .name = "channels.repair",
    .summary = "one-sided and out-of-phase sound",
    .options = options,
    .options_size = sizeof(struct ta_sound_channels_opts),
    .configure = configure,
    .describe = describe,
    .run = run,
};
