#include "media/index/packet_facts.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/dv/mend.h"
#include "media/index/packet_shape.h"

#define HOLE_BYTES 256
#define MAX_TIME ((int64_t)1 << 58)

struct ta_packet_parser {
    enum AVCodecID codec;
    AVCodecParserContext *parser; // NULL when libav has none for the codec
    AVCodecContext *context;
    int nal_length_size;   // H.264 and HEVC in mp4 and Matroska: bytes of the length before each NAL unit; 0:
                           // start codes
    struct ta_dv_facts dv; // of the last packet, where that is DV
    int32_t number;        // H.261: of the picture
};

enum ta_packet_rule ta_packet_rule(enum AVCodecID id)
{
    switch (id) {
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4:
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
    case AV_CODEC_ID_FFV1: // intra in the container's eyes, but its state may run on for several frames
        return TA_RULE_REORDER;
    default:
        break;
    }
    // A skipped frame is an empty packet in many old codecs; only those without memory are safe.
    const AVCodecDescriptor *d = avcodec_descriptor_get(id);
    return d && (d->props & AV_CODEC_PROP_INTRA_ONLY) ? TA_RULE_INTRA : TA_RULE_DECODE;
}

static uint64_t mix(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * 0x9e3779b97f4a7c15u; // 2^64 / golden ratio: odd, and no bit pattern repeats in it
    return sum ^ sum >> 32;
}

// Every byte of the source goes through here. Four sums that do not wait for each other keep up with memory,
// which a CRC does not.
uint32_t ta_packet_check(const uint8_t *data, int size)
{
    uint64_t sums[4] = {1, 2, 3, 4};
    int at = 0;
    for (; size - at >= 32; at += 32)
        for (int i = 0; i < 4; i++)
            sums[i] = mix(sums[i], AV_RL64(data + at + 8 * i));
    uint8_t rest[32] = {0};
    if (size > at)
        memcpy(rest, data + at, (size_t)(size - at));
    uint64_t sum = (uint64_t)size;
    for (int i = 0; i < 4; i++)
        sum = mix(sum, mix(sums[i], AV_RL64(rest + 8 * i)));
    return (uint32_t)sum;
}

// From the headers that its context has now.
static void begin_parser(struct ta_packet_parser *p)
{
    const AVCodecContext *c = p->context;
    p->nal_length_size = 0;
    if (p->codec == AV_CODEC_ID_H264 && c->extradata_size >= 7 && c->extradata[0] == 1)
        p->nal_length_size = (c->extradata[4] & 3) + 1;
    if (p->codec == AV_CODEC_ID_HEVC && c->extradata_size >= 23 && c->extradata[0] == 1)
        p->nal_length_size = (c->extradata[21] & 3) + 1;
    av_parser_close(p->parser);
    p->parser = av_parser_init((int)p->codec);
    if (p->parser)
        p->parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
}

int ta_packet_parser_create(struct ta_packet_parser **out, const AVStream *st)
{
    *out = NULL;
    struct ta_packet_parser *p = ta_xcalloc(1, sizeof(*p));
    p->codec = st->codecpar->codec_id;
    p->context = avcodec_alloc_context3(NULL);
    if (!p->context || avcodec_parameters_to_context(p->context, st->codecpar) < 0) {
        ta_packet_parser_destroy(&p);
        return TA_ERR_NOMEM;
    }
    begin_parser(p);
    *out = p;
    return 0;
}

void ta_packet_parser_destroy(struct ta_packet_parser **p)
{
    if (!*p)
        return;
    av_parser_close((*p)->parser);
    avcodec_free_context(&(*p)->context);
    ta_freep(p);
}

static void set_key(struct ta_index_packet *p, bool key)
{
    p->flags = (uint16_t)(key ? p->flags | TA_PACKET_KEY : p->flags & ~TA_PACKET_KEY);
}

// Position behind the next 00 00 01, or `size`.
static int after_start_code(const uint8_t *data, int size, int at)
{
    while (at + 3 <= size) {
        if (data[at + 2] > 1)
            at += 3; // begins at none of them
        else if (!data[at] && !data[at + 1] && data[at + 2] == 1)
            return at + 3;
        else
            at++;
    }
    return size;
}

// The type of the first coded slice: 5 is an IDR picture's.
static bool is_h264_idr(const struct ta_packet_parser *p, const uint8_t *data, int size)
{
    int at = 0;
    for (int units = 0; units < 64; units++) {
        int64_t length = 0;
        if (p->nal_length_size) {
            if (size - at < p->nal_length_size + 1)
                return false;
            for (int i = 0; i < p->nal_length_size; i++)
                length = length << 8 | data[at++];
        } else {
            at = after_start_code(data, size, at);
            if (at >= size)
                return false;
        }
        int type = data[at] & 31;
        if (type >= 1 && type <= 5)
            return type == 5;
        if (length > size - at)
            return false;
        at += (int)length;
    }
    return false;
}

// One coded picture in the packet? (A packed packet has two, a picture that is not coded has hardly any
// data.) Sets or clears the key mark by the type of the first one: containers are often wrong about it.
static bool examine_mpeg4(const uint8_t *data, int size, struct ta_index_packet *out)
{
    int pictures = 0;
    for (int at = 0; (at = after_start_code(data, size, at)) < size;) {
        if (data[at] != 0xb6)
            continue;
        if (!pictures++ && at + 1 < size)
            set_key(out, data[at + 1] >> 6 == 0);
        if (size - at < 12)
            return false;
    }
    return pictures == 1;
}

// Slices go down the picture, those of MPEG-2 without leaving a row out: where one goes on with another
// picture's they don't. (Pictures of more than 2,800 lines count rows in another way.)
static bool is_torn(const struct ta_packet_parser *p, const uint8_t *data, int size)
{
    enum { PICTURE = 0, LAST_SLICE = 0xaf, MOST_LINES = 2800 };
    if (p->context->height > MOST_LINES)
        return false;
    int row = 0;
    for (int at = 0; (at = after_start_code(data, size, at)) < size;) {
        int code = data[at];
        if (code == PICTURE)
            row = 0;
        if (code == PICTURE || code > LAST_SLICE)
            continue;
        // Five bits of the quantizer, one that nothing else is said, and how far the first block is to the
        // right.
        bool from_left = at + 1 < size && (data[at + 1] & 6) == 2;
        if (code < row || (code == row && from_left) ||
            (code > row + 1 && p->codec == AV_CODEC_ID_MPEG2VIDEO))
            return true;
        row = code;
    }
    return false;
}

// Damage is what our demuxer found, or blocks of pictures that are none any more.
static void examine_dv(struct ta_packet_parser *p, const AVPacket *packet, struct ta_index_packet *out)
{
    const struct ta_dv_facts *f = &p->dv;
    ta_dv_examine(packet->data, (size_t)packet->size, &p->dv);
    bool whole = ta_dv_is_whole(packet->data, (size_t)packet->size, f);
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) || !whole)
        out->flags |= TA_PACKET_DAMAGED;
    // What is missing comes from the last whole one (dv/mend.h).
    if (!whole)
        set_key(out, false);
}

const struct ta_dv_facts *ta_packet_parser_dv(const struct ta_packet_parser *p)
{
    return p->codec == AV_CODEC_ID_DVVIDEO ? &p->dv : NULL;
}

// A picture of H.261 says its number by 32, and is made of groups that are all there, in order. Its decoder
// leaves those that are missing as they were. Start codes begin at any bit.
static bool examine_h261(struct ta_packet_parser *p, const AVPacket *packet)
{
    uint32_t bits = UINT32_MAX;
    int pictures = 0, last = 0, due = 0, step = 1, from = -1;
    bool whole = true;
    for (int64_t i = 0; i < (int64_t)packet->size * 8; i++) {
        bits = bits << 1 | (packet->data[i >> 3] >> (7 - (i & 7)) & 1);
        if (from >= 0 && i == from + 11) { // five bits of the number, six of which the fourth is the size
            p->number += (int)((bits >> 6 & 31) - (uint32_t)p->number) & 31;
            step = bits & 4 ? 1 : 2;
            last = bits & 4 ? 12 : 5;
            due = 1;
            from = -1;
        }
        if ((bits >> 4 & 0xffff) != 1 || from >= 0)
            continue;
        int group = (int)(bits & 15);
        if (!group) {
            from = (int)i;
            pictures++;
        } else {
            whole &= group == due;
            due = group + step;
        }
    }
    return whole && pictures == 1 && due == last + step;
}

int32_t ta_packet_parser_number(const struct ta_packet_parser *p)
{
    if (p->codec == AV_CODEC_ID_H261)
        return p->number;
    return p->parser ? p->parser->output_picture_number : 0;
}

static void take_parser_facts(const struct ta_packet_parser *p, struct ta_index_packet *out)
{
    const AVCodecParserContext *parser = p->parser;
    bool intra = parser->key_frame == -1 && parser->pict_type == AV_PICTURE_TYPE_I;
    bool mpeg = p->codec == AV_CODEC_ID_MPEG1VIDEO || p->codec == AV_CODEC_ID_MPEG2VIDEO;
    if (parser->key_frame == 1 || intra)
        set_key(out, true);
    else if (mpeg && parser->pict_type != AV_PICTURE_TYPE_NONE)
        set_key(out, false);
    // MPEG-1/2, H.264 and VC-1 count in fields, 1 being a frame; the others say nothing or start at 0.
    out->repeat_pict = (uint16_t)av_clip(parser->repeat_pict, 0, UINT16_MAX);
    if (parser->repeat_pict >= 2)
        out->flags |= TA_PACKET_REPEAT;
    if (parser->picture_structure == AV_PICTURE_STRUCTURE_TOP_FIELD)
        out->flags |= TA_PACKET_FIELD_TOP | TA_PACKET_INTERLACED;
    else if (parser->picture_structure == AV_PICTURE_STRUCTURE_BOTTOM_FIELD)
        out->flags |= TA_PACKET_FIELD_BOTTOM | TA_PACKET_INTERLACED;
    switch (parser->field_order) {
    case AV_FIELD_TT:
    case AV_FIELD_BT:
        out->flags |= TA_PACKET_INTERLACED | TA_PACKET_TOP_FIRST;
        break;
    case AV_FIELD_BB:
    case AV_FIELD_TB:
        out->flags |= TA_PACKET_INTERLACED;
        break;
    default:
        break;
    }
}

uint32_t ta_packet_parser_shape(const struct ta_packet_parser *p, const AVPacket *packet)
{
    return ta_packet_shape(p->codec, packet, p->nal_length_size);
}

// Broken headers give times that can't be meant and that sums would overflow with.
static int64_t sane_time(int64_t time)
{
    return time > MAX_TIME || time < -MAX_TIME ? AV_NOPTS_VALUE : time;
}

// Entropy coders never write as many zeros as a hole in a file has; stuffing is at the end.
static bool has_hole(const uint8_t *data, int size)
{
    int zeros = 0;
    while (size > 0 && !data[size - 1])
        size--;
    for (int at = HOLE_BYTES - 1; at < size; at += HOLE_BYTES) {
        if (data[at])
            continue;
        zeros = 1;
        for (int k = at - 1; k >= 0 && !data[k] && zeros < HOLE_BYTES; k--)
            zeros++;
        for (int k = at + 1; !data[k] && zeros < HOLE_BYTES; k++)
            zeros++;
        if (zeros >= HOLE_BYTES)
            return true;
    }
    return false;
}

bool ta_packet_parser_examine(struct ta_packet_parser *p, const AVPacket *packet, struct ta_index_packet *out)
{
    *out = (struct ta_index_packet){
        .pts = sane_time(packet->pts),
        .dts = sane_time(packet->dts),
        .pos = packet->pos,
        .size = (uint32_t)packet->size,
        .check = ta_packet_check(packet->data, packet->size),
    };
    // The next of several files: see ta_packets_read(). Without memory those before stay.
    if (packet->opaque_ref && !ta_av_has_headers(p->context, packet->opaque_ref) &&
        ta_av_set_headers(p->context, packet->opaque_ref) >= 0) {
        p->codec = p->context->codec_id;
        begin_parser(p);
    }
    if (packet->flags & AV_PKT_FLAG_KEY)
        out->flags |= TA_PACKET_KEY;
    if (packet->flags & AV_PKT_FLAG_DISCARD)
        out->flags |= TA_PACKET_DISCARD;
    if (packet->flags & AV_PKT_FLAG_CORRUPT)
        out->flags |= TA_PACKET_CORRUPT;
    if (packet->size <= 0)
        return false;

    if (p->parser) {
        uint8_t *data;
        int size;
        // A parser that says nothing of a picture leaves what it finds here, which is "intra" at first.
        p->parser->key_frame = -1;
        p->parser->pict_type = AV_PICTURE_TYPE_NONE;
        p->parser->picture_structure = AV_PICTURE_STRUCTURE_UNKNOWN;
        p->parser->field_order = AV_FIELD_UNKNOWN;
        p->parser->repeat_pict = 0;
        av_parser_parse2(p->parser, p->context, &data, &size, packet->data, packet->size, packet->pts,
                         packet->dts, packet->pos);
        take_parser_facts(p, out);
    }
    switch (p->codec) {
    case AV_CODEC_ID_H264:
        if ((out->flags & TA_PACKET_KEY) && is_h264_idr(p, packet->data, packet->size))
            out->flags |= TA_PACKET_CLEAN;
        break;
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
        out->flags |= is_torn(p, packet->data, packet->size) ? TA_PACKET_TORN : 0;
        break;
    case AV_CODEC_ID_VP9: // decoders of these take anything for a picture
    case AV_CODEC_ID_AV1:
    case AV_CODEC_ID_VP3:
    case AV_CODEC_ID_THEORA:
    case AV_CODEC_ID_VP6:
    case AV_CODEC_ID_VP6F:
        out->flags |= has_hole(packet->data, packet->size) ? TA_PACKET_DAMAGED : 0;
        break;
    case AV_CODEC_ID_VP8: // the frame tag: bit 0 is set for inter frames, bit 4 for shown ones
        set_key(out, !(packet->data[0] & 1));
        if (!(packet->data[0] & 16))
            out->flags |= TA_PACKET_HIDDEN;
        out->flags |= has_hole(packet->data, packet->size) ? TA_PACKET_DAMAGED : 0;
        break;
    case AV_CODEC_ID_DVVIDEO:
        examine_dv(p, packet, out);
        break;
    case AV_CODEC_ID_H261:
        out->flags |= examine_h261(p, packet) ? 0 : TA_PACKET_DAMAGED;
        set_key(out, false);
        break;
    case AV_CODEC_ID_MPEG4:
        return examine_mpeg4(packet->data, packet->size, out);
    default:
        break;
    }
    return true;
}
