// What can be known of a video packet without decoding it.
#ifndef TA_MEDIA_INDEX_PACKET_FACTS_H
#define TA_MEDIA_INDEX_PACKET_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "media/av.h"
#include "media/dv/facts.h"
#include "media/index/index.h"

// How well packets tell frames for a codec.
enum ta_packet_rule {
    TA_RULE_DECODE,  // only a decoder knows which packets give frames
    TA_RULE_INTRA,   // each packet is a frame (or a field), in order
    TA_RULE_REORDER, // each packet is a frame (or a field), in the order of presentation times
};
enum ta_packet_rule ta_packet_rule(enum AVCodecID id);

// Checksum of the data.
uint32_t ta_packet_check(const uint8_t *data, int size);

// Looks into one packet after the other. Thread-safety: Unsafe.
struct ta_packet_parser;
int ta_packet_parser_create(struct ta_packet_parser **out, const AVStream *st);
void ta_packet_parser_destroy(struct ta_packet_parser **p);
// See packet_shape.h.
uint32_t ta_packet_parser_shape(const struct ta_packet_parser *p, const AVPacket *packet);
// Fills everything of *out from a packet as the demuxer gave it. False when the packet shows that its stream
// needs a decoder to tell frames (packed MPEG-4 B-frames, pictures that are not coded, no data).
bool ta_packet_parser_examine(struct ta_packet_parser *p, const AVPacket *packet,
                              struct ta_index_packet *out);
// The number of its picture in the order in which pictures are shown (picture_order.h).
int32_t ta_packet_parser_number(const struct ta_packet_parser *p);
// What the packet that was examined last says of itself; NULL where it is no DV.
const struct ta_dv_facts *ta_packet_parser_dv(const struct ta_packet_parser *p);

#endif
