// Sound encoded as it comes: planes of float in, packets out.
#ifndef TA_MEDIA_SOUND_ENCODE_H
#define TA_MEDIA_SOUND_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/av.h"

struct ta_sound_encoder_params {
    const char *codec; // libav's name
    int64_t bit_rate;  // 0: the encoder's
    bool global_header;
    int rate;             // of the planes' samples
    AVRational true_rate; // samples that are a second: `rate`, or a little off, which is set right
    AVChannelLayout layout;
    bool spare_first; // packets before time 0 will be lost: none of them may hold any of the sound
    int64_t start;    // place of the first sample, counted at the true rate from time 0
    // Takes the packets one by one, in `time_base`; `parameters` are final with the first.
    int (*packet)(void *priv, const AVCodecParameters *parameters, AVRational time_base,
                  const AVPacket *packet);
    void *priv;
};

// Rates are kept where the codec takes them; channels are never mixed where it has as many. Thread-safety:
// Unsafe.
struct ta_sound_encoder;
// `params` need live only until return, but for what `priv` points to.
int ta_sound_encoder_open(struct ta_sound_encoder **out, const struct ta_sound_encoder_params *params,
                          struct ta_log *log);
int ta_sound_encoder_push(struct ta_sound_encoder *e, float *const *planes, size_t samples);
int ta_sound_encoder_end(struct ta_sound_encoder *e);
void ta_sound_encoder_close(struct ta_sound_encoder **e);

#endif
