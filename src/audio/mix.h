// Weights of a mix from some speakers to others.
#ifndef TA_AUDIO_MIX_H
#define TA_AUDIO_MIX_H

#include "audio/stage.h"

enum { TA_MIX_CHANNELS = 8 };

// The format with the layout of that name (libav's: "mono", "stereo", "5.1", "7.1"); 5.1 has its surround
// speakers at the back, as the codecs have it. False when there is none of at most TA_MIX_CHANNELS channels.
bool ta_mix_target(const struct ta_sound_format *in, const char *layout, struct ta_sound_format *out);
// weights[o][i] of input channel i in output channel o, as ITU-R BS.775 mixes down: centre and surround at
// 0.7071 in front, without the channel of low frequencies. Speakers that both have are kept as they are; a
// pair of surround speakers where the other has two is shared, or gathered, with the same energy. False when
// what the channels are is not known and can't be guessed.
bool ta_mix_weights(const struct ta_sound_format *in, const struct ta_sound_format *out,
                    float weights[TA_MIX_CHANNELS][TA_MIX_CHANNELS]);

#endif
