// What differs between versions of libav in writing containers.
#ifndef TA_MEDIA_MUX_MUX_AV_H
#define TA_MEDIA_MUX_MUX_AV_H

#include <stdbool.h>

#include "media/av.h"

// Copies the side data of a stream's header that `want` says yes to. An AVERROR or 0.
int ta_av_copy_side_data(AVStream *to, const AVStream *from,
                         bool (*want)(enum AVPacketSideDataType type, const void *priv), const void *priv);
// Adds one, copied. An AVERROR or 0.
int ta_av_add_side_data(AVStream *to, enum AVPacketSideDataType type, const void *data, size_t size);
bool ta_av_has_side_data(const AVStream *st, enum AVPacketSideDataType type);
// The decoder's delay that the Matroska muxer declares for a track of sound, in ms. A block's time includes
// it: *added says whether the muxer adds it to the packets' times, or the caller has to.
int64_t ta_av_matroska_delay(const AVCodecParameters *par, bool *added);
// Can its Matroska muxer write a display matrix?
bool ta_av_matroska_writes_rotation(void);

#endif
