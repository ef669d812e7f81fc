// What differs between versions of libav in writing containers.
#ifndef TA_MEDIA_MUX_AV_H
#define TA_MEDIA_MUX_AV_H

#include <stdbool.h>

#include "media/av.h"

// Copies the side data of a stream's header that `want` says yes to. An AVERROR or 0.
int ta_av_copy_side_data(AVStream *to, const AVStream *from,
                         bool (*want)(enum AVPacketSideDataType type, const void *priv), const void *priv);
bool ta_av_has_side_data(const AVStream *st, enum AVPacketSideDataType type);
// A block's time in Matroska includes the delay that its track declares. True when the muxer adds it to the
// packets' times, false when the caller has to (then only Opus's delay is declared).
bool ta_av_matroska_adds_delay(void);
// Can its Matroska muxer write a display matrix?
bool ta_av_matroska_writes_rotation(void);

#endif
