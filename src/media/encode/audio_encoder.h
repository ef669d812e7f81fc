// Sound encoders opened for a given kind of sound.
#ifndef TA_MEDIA_ENCODE_AUDIO_ENCODER_H
#define TA_MEDIA_ENCODE_AUDIO_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>

#include "media/av.h"

// Does the codec keep every channel apart, as it is? AAC and Opus know few layouts, and give the channel of
// low frequencies little more than these: a layout that is not known, or whose low channel may hold anything
// (`low_is_low` is false), needs another codec. FLAC has eight channels.
bool ta_audio_keeps_channels(enum AVCodecID codec, const AVChannelLayout *layout, bool low_is_low);

// Opens the encoder of that name for sound of this rate, format and layout, or for what it takes that is
// nearest: see (*out)->sample_rate, sample_fmt, ch_layout; the caller converts. Sample rates are kept where
// possible (at most 48 kHz for lossy codecs), formats widened rather than narrowed, layouts those that the
// codec's usual decoders know. Channels are never mixed where the encoder has as many: then they go into its
// layout one by one, whatever that calls them (ta_audio_maps_in_order()). `bit_rate` 0: see
// ta_audio_default_bit_rate(). Time base 1/rate. TA_ERR_UNSUPPORTED when there is no such encoder or it can't
// be opened; logged. `low_is_low`: as above; where it is not, Opus gets channels that are no speakers.
int ta_audio_encoder_open(AVCodecContext **out, const char *codec, int rate, enum AVSampleFormat format,
                          const AVChannelLayout *layout, bool low_is_low, int64_t bit_rate,
                          bool global_header, struct ta_log *log);

// How many samples a frame of such an encoder holds: its own number, or one of ours where any will do.
int ta_audio_encoder_samples(const AVCodecContext *enc);
// Room in `frame`, which holds nothing, for so many samples of the encoder's kind. 0 or TA_ERR_NOMEM.
int ta_audio_encoder_frame(const AVCodecContext *enc, AVFrame *frame, int samples);
// What one of the last packets holds beyond `end`, where the sound ends, is padding.
void ta_audio_encoder_trim(AVPacket *packet, int64_t end);

// Do channels of `from` go into those of `to` in their order, without a matrix? They do where there are as
// many and the names of the speakers say nothing, or not the same.
bool ta_audio_maps_in_order(const AVChannelLayout *from, const AVChannelLayout *to);

// Bits a second that are transparent enough for `codec` with so many channels at this rate; 0 for codecs
// without a choice.
int64_t ta_audio_default_bit_rate(const AVCodec *codec, int rate, int channels);

#endif
