// What takes noise away by a network, around the network: sound at its rate, in its blocks, channel by
// channel or all channels by one answer, and back, so that sample i that comes out belongs to sample i that
// went in.
#ifndef TA_AUDIO_VOICE_H
#define TA_AUDIO_VOICE_H

#include "audio/network.h"

// First in the options of these stages.
struct ta_sound_voice_opts {
    struct ta_sound_network_opts network;
    double reduction; // dB, most that noise is lowered by; TA_SOUND_REDUCTION_ALL: no limit
    bool link;        // one answer for all channels
};
enum { TA_SOUND_REDUCTION_ALL = 100 };

struct ta_sound_voice_info {
    int rate, block, delay; // samples; what process() gives is so much late
    // `channels` are cleaned by one answer. NULL where memory or a transform is missing.
    void *(*create)(const struct ta_sound_stage *s, int channels);
    // A block in place. keep: how much of the sound as it was stays in.
    int (*process)(void *x, struct ta_sound_network *networks, float *const *planes, float keep,
                   struct ta_log *log);
    void (*destroy)(void *x);
};

struct ta_sound_voice; // a stage's priv is a pointer to it
int ta_sound_voice_init(struct ta_sound_stage *s, const struct ta_sound_voice_info *info);
// Called by init() for each network of the stage, before anything runs.
struct ta_sound_network *ta_sound_voice_network(struct ta_sound_stage *s, int which);
int ta_sound_voice_run(struct ta_sound_stage *s, float *const *planes, size_t samples);
void ta_sound_voice_release(struct ta_sound_stage *s);

// Samples before a place that have a say in it, as far as it can be heard, and behind it.
struct ta_sound_reach ta_sound_voice_reach(const struct ta_sound_voice_info *info,
                                           const struct ta_sound_format *in);
int64_t ta_sound_voice_align(const void *opts, const struct ta_sound_format *in);
int ta_sound_voice_check(const struct ta_sound_format *in, struct ta_buf *why);

// clang-format off
#define TA_SOUND_VOICE_OPTIONS                                                                                   \
    {.name = "reduction", .kind = &ta_opt_float, TA_FIELD(struct ta_sound_voice_opts, reduction, double),        \
     .def = "100", .min = 0, .max = TA_SOUND_REDUCTION_ALL, .unit = "dB",                                        \
     .help = "most that noise is lowered by; 100 is no limit"},                                                  \
    {.name = "link", .kind = &ta_opt_switch, TA_FIELD(struct ta_sound_voice_opts, link, bool), .def = "off",     \
     .help = "all channels are cleaned as their sum is, not each by itself"},                                    \
    TA_SOUND_NETWORK_ENGINE
// What the tables of these stages have alike, beside their own options, configure, reach, describe and init.
#define TA_SOUND_VOICE_STAGE                                                                                     \
    .options = options, .options_size = sizeof(struct ta_sound_voice_opts),                                      \
    .priv_size = sizeof(struct ta_sound_voice *), .emits = true, .configure = configure, .reach = reach,         \
    .align = ta_sound_voice_align, .describe = describe, .init = init, .run = ta_sound_voice_run,                \
    .release = ta_sound_voice_release
// reach() of a stage with a `voice`.
#define TA_SOUND_VOICE_REACH                                                                                     \
    static struct ta_sound_reach reach(const void *opts, const struct ta_sound_format *in)                       \
    {                                                                                                            \
        (void)opts;                                                                                              \
        return ta_sound_voice_reach(&voice, in);                                                                 \
    }
// That and the others, where an engine runs so many networks.
#define TA_SOUND_VOICE_IN_ENGINE(title, networks)                                                                \
    TA_SOUND_VOICE_REACH                                                                                         \
    static int configure(const void *opts, const struct ta_sound_format *in, struct ta_sound_format *out,        \
                         struct ta_buf *why)                                                                     \
    {                                                                                                            \
        (void)out;                                                                                               \
        int err = ta_sound_voice_check(in, why);                                                                 \
        return err < 0 ? err : ta_sound_network_check(opts, networks, true, why);                                \
    }                                                                                                            \
    static void describe(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,  \
                         struct ta_buf *text)                                                                    \
    {                                                                                                            \
        const struct ta_sound_voice_opts *o = opts;                                                              \
        (void)in;                                                                                                \
        (void)out;                                                                                               \
        ta_buf_printf(text, title "=reduction=%g:link=%d", o->reduction, o->link);                               \
    }
// clang-format on

#endif
