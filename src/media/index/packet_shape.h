// What a packet says of the size and shape of the pictures from it on.
#ifndef TA_MEDIA_INDEX_PACKET_SHAPE_H
#define TA_MEDIA_INDEX_PACKET_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "media/av.h"

// A number for the headers in a packet that decide size, shape and pixel format: the same number, the same
// headers. 0 when the packet has none, which leaves those before in force. What they mean only a decoder
// knows; where all numbers of a stream are the same nobody has to ask it. `length_size`: bytes of the length
// before each NAL unit, 0 for start codes.
uint32_t ta_packet_shape(enum AVCodecID codec, const AVPacket *packet, int length_size);

// libav's decoder for MPEG-1 and 2 forgets the picture that it holds back when the shape changes. True where
// it must be drained and flushed before it gets this packet. `key` is the shape so far, 0 at first.
bool ta_packet_needs_drain(enum AVCodecID codec, const AVPacket *packet, uint32_t *key);

#endif
