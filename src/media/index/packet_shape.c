#include "media/index/packet_shape.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/dv/facts.h"
#include "media/index/packet_facts.h"

struct unit { // a piece of the packet between two start codes
    const uint8_t *data;
    int size;
};

static uint32_t add(uint32_t sum, const uint8_t *data, int size)
{
    uint32_t check = ta_packet_check(data, size);
    sum = (sum ^ check) * 0x9e3779b1u;
    return sum ? sum : 1;
}

// The next unit behind position *at: start codes, or lengths of `length_size` bytes. False at the end.
static bool next_unit(const AVPacket *p, int length_size, int *at, struct unit *u)
{
    const uint8_t *d = p->data;
    if (length_size) {
        int64_t length = 0;
        if (p->size - *at <= length_size)
            return false;
        for (int i = 0; i < length_size; i++)
            length = length << 8 | d[(*at)++];
        u->data = d + *at;
        u->size = (int)TA_MIN(length, p->size - *at);
        *at += u->size;
        return u->size > 0;
    }
    int i = *at;
    while (i + 3 < p->size && !(d[i] == 0 && d[i + 1] == 0 && d[i + 2] == 1))
        i++;
    if (i + 3 >= p->size)
        return false;
    i += 3;
    u->data = d + i;
    while (i + 2 < p->size && !(d[i] == 0 && d[i + 1] == 0 && d[i + 2] <= 1))
        i++;
    if (i + 2 >= p->size)
        i = p->size;
    u->size = (int)(d + i - u->data);
    *at = i;
    return true;
}

// Size, aspect and rate of the sequence header, chroma format of its extension, size of display. What bit
// rates and buffers are is nothing to pictures, and broadcasts change it.
static uint32_t mpeg_shape(const AVPacket *p)
{
    uint32_t sum = 0;
    struct unit u;
    for (int at = 0, units = 0; units < 16 && next_unit(p, 0, &at, &u); units++) {
        if (u.data[0] == 0xb3 && u.size >= 5)
            sum = add(sum, u.data, 5);
        else if (sum && u.data[0] == 0xb5 && u.size >= 4 && u.data[1] >> 4 == 1)
            sum = add(sum, u.data, 4);
        else if (sum && u.data[0] == 0xb5 && u.data[1] >> 4 == 2)
            sum = add(sum, u.data, u.size);
        else if (u.data[0] >= 1 && u.data[0] <= 0xaf)
            break; // slices
    }
    return sum;
}

static uint32_t nal_shape(const AVPacket *p, int length_size, bool hevc)
{
    uint32_t sum = 0;
    struct unit u;
    for (int at = 0, units = 0; units < 64 && next_unit(p, length_size, &at, &u); units++) {
        int type = hevc ? u.data[0] >> 1 & 63 : u.data[0] & 31;
        if (type == (hevc ? 33 : 7))
            sum = add(sum, u.data, u.size);
        else if (hevc ? type < 32 : type >= 1 && type <= 5)
            break;
    }
    return sum;
}

// The video object layer.
static uint32_t mpeg4_shape(const AVPacket *p)
{
    struct unit u;
    for (int at = 0, units = 0; units < 16 && next_unit(p, 0, &at, &u); units++) {
        if (u.data[0] >= 0x20 && u.data[0] <= 0x2f)
            return add(0, u.data, u.size);
        if (u.data[0] == 0xb6)
            break;
    }
    return 0;
}

// The frame header of a JPEG and the density of its JFIF.
static uint32_t jpeg_shape(const AVPacket *p)
{
    const uint8_t *d = p->data;
    uint32_t sum = 0;
    for (int at = 2; at + 4 <= p->size && d[at] == 0xff;) {
        int type = d[at + 1], size = AV_RB16(d + at + 2);
        if (size < 2 || size > p->size - at - 2)
            break;
        if (type == 0xe0 && size >= 14 && !memcmp(d + at + 4, "JFIF", 4))
            sum = add(sum, d + at + 11, 5);
        else if (type >= 0xc0 && type <= 0xcf && type != 0xc4 && type != 0xc8 && type != 0xcc)
            return add(sum, d + at, size);
        at += 2 + size;
    }
    return 0;
}

static uint32_t dv_shape(const AVPacket *p)
{
    struct ta_dv_facts facts;
    ta_dv_examine(p->data, (size_t)p->size, &facts);
    int profile = facts.profile ? ta_dv_profile_number(facts.profile) : -1;
    return profile < 0 ? 0 : 1 + 2 * (uint32_t)profile + (facts.tells_aspect && facts.wide);
}

// Key frames begin with what decides the size.
static uint32_t key_shape(const AVPacket *p, int from, int size)
{
    return (p->flags & AV_PKT_FLAG_KEY) && p->size >= from + size ? add(0, p->data + from, size) : 0;
}

uint32_t ta_packet_shape(enum AVCodecID codec, const AVPacket *p, int length_size)
{
    size_t size = 0;
    const uint8_t *headers = av_packet_get_side_data(p, AV_PKT_DATA_NEW_EXTRADATA, &size);
    uint32_t sum = 0;
    switch (codec) {
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
        sum = mpeg_shape(p);
        break;
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
        sum = nal_shape(p, length_size, codec == AV_CODEC_ID_HEVC);
        break;
    case AV_CODEC_ID_MPEG4:
        sum = mpeg4_shape(p);
        break;
    case AV_CODEC_ID_MJPEG:
        sum = jpeg_shape(p);
        break;
    case AV_CODEC_ID_DVVIDEO:
        sum = dv_shape(p);
        break;
    case AV_CODEC_ID_VP8:
        sum = p->size && !(p->data[0] & 1) && p->size >= 10 ? add(0, p->data + 3, 7) : 0;
        break;
    case AV_CODEC_ID_VP9:
        sum = key_shape(p, 1, 9);
        break;
    case AV_CODEC_ID_PRORES:
        sum = p->size >= 24 ? add(0, p->data + 16, 6) : 0;
        break;
    default:
        break;
    }
    if (headers && size)
        sum = add(sum, headers, (int)TA_MIN(size, 4096));
    return sum;
}

bool ta_packet_needs_drain(enum AVCodecID codec, const AVPacket *packet, uint32_t *key)
{
    if (codec != AV_CODEC_ID_MPEG1VIDEO && codec != AV_CODEC_ID_MPEG2VIDEO)
        return false;
    uint32_t now = mpeg_shape(packet), before = *key;
    if (now)
        *key = now;
    return now && before && now != before;
}
