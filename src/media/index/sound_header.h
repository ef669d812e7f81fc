// What the header of a packet of sound says.
#ifndef TA_MEDIA_INDEX_SOUND_HEADER_H
#define TA_MEDIA_INDEX_SOUND_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "media/av.h"

struct ta_sound_header {
    int rate, channels;
    int layer; // of MPEG audio: 1, 2 or 3; else 0
};

// For codecs whose packets say it themselves (MPEG, AC-3, E-AC-3, AAC in ADTS, PCM of DVDs), and what a
// container says beside a packet. False when nothing does.
bool ta_sound_header(enum AVCodecID codec, const AVPacket *packet, struct ta_sound_header *out);

#endif
