// Sound encoders opened for a given kind of sound.
#ifndef TA_MEDIA_ENCODE_AUDIO_ENCODER_H
#define TA_MEDIA_ENCODE_AUDIO_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>

#include "media/av.h"

// Opens the encoder of that name for sound of this rate, format and layout, or for what it takes that is
// nearest: see (*out)->sample_rate, sample_fmt, ch_layout; the caller converts. Sample rates are kept where
// possible (at most 48 kHz for lossy codecs), formats widened rather than narrowed, layouts those that the
// codec's usual decoders know. `bit_rate` 0: see ta_audio_default_bit_rate(). Time base 1/rate.
// TA_ERR_UNSUPPORTED when there is no such encoder or it can't be opened; logged.
int ta_audio_encoder_open(AVCodecContext **out, const char *codec, int rate, enum AVSampleFormat format,
                          const AVChannelLayout *layout, int64_t bit_rate, bool global_header,
                          struct ta_log *log);

// Bits a second that are transparent enough for `codec` with so many channels at this rate; 0 for codecs
// without a choice.
int64_t ta_audio_default_bit_rate(const AVCodec *codec, int rate, int channels);

#endif
