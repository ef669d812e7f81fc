// Encoded sound as players will have it: its packets are decoded as they come out of the encoder.
#ifndef TA_MEDIA_SOUND_PLAYBACK_H
#define TA_MEDIA_SOUND_PLAYBACK_H

#include "media/av.h"

// Does the codec give back other samples than it got, and can they be looked at here?
bool ta_sound_playback_differs(enum AVCodecID codec);

// Thread-safety: Unsafe.
struct ta_sound_playback;
// `hear` gets what is decoded, in planes that are its only until it returns, and returns 0 or TA_ERR_*.
// `parameters` need live only until return. 0, TA_ERR_UNSUPPORTED or TA_ERR_NOMEM; logged.
int ta_sound_playback_create(struct ta_sound_playback **out, const AVCodecParameters *parameters,
                             int (*hear)(void *priv, float *const *planes, int channels, int samples),
                             void *priv, struct ta_log *log);
// NULL: the end. The packet is only read. 0, or what `hear` returned, or TA_ERR_* with a message.
int ta_sound_playback_push(struct ta_sound_playback *p, const AVPacket *packet);
void ta_sound_playback_destroy(struct ta_sound_playback **p);

#endif
