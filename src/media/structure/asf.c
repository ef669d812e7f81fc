// Windows Media: packets of one size.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

static const uint8_t asf_header[16] = {0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11,
                                       0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c};
static const uint8_t asf_data[16] = {0x36, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11,
                                     0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c};
static const uint8_t asf_file[16] = {0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11,
                                     0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65};
static const uint8_t asf_encryption[][16] = {
    {0xfb, 0xb3, 0x11, 0x22, 0x23, 0xbd, 0xd2, 0x11, 0xb4, 0xb7, 0x00, 0xa0, 0xc9, 0x55, 0xfc, 0x6e},
    {0x14, 0xe6, 0x8a, 0x29, 0x22, 0x26, 0x17, 0x4c, 0xb9, 0x35, 0xda, 0xe0, 0x7e, 0xe9, 0x28, 0x9c},
    {0x33, 0x85, 0x05, 0x43, 0x81, 0x69, 0xe6, 0x49, 0x9b, 0x74, 0xad, 0x12, 0xcb, 0x86, 0xd5, 0x8c},
};

// The file's own words on itself, of the object in its head.
static void asf_take_file(struct ta_walk *w, int64_t at, uint64_t *packets)
{
    const uint8_t *p = ta_walk_look(w, at, 104);
    if (!p)
        return;
    bool live = AV_RL32(p + 88) & 1; // nothing of the rest is said then
    uint64_t duration = AV_RL64(p + 64) / 10, preroll = AV_RL64(p + 80);
    *packets = live ? 0 : AV_RL64(p + 56);
    if (AV_RL32(p + 92) == AV_RL32(p + 96))
        w->packet_bytes = AV_RL32(p + 96);
    if (!live && preroll < INT32_MAX && duration > preroll * 1000 && duration < (uint64_t)1 << 48)
        w->out->duration_us = (int64_t)(duration - preroll * 1000);
}

static int64_t asf_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 30);
    if (!p || memcmp(p, asf_header, 16) != 0)
        return -1;
    uint64_t packets = 0, head = AV_RL64(p + 16);
    int64_t at = 30;
    while ((uint64_t)at < head && (p = ta_walk_look(w, at, 24)) != NULL) {
        uint64_t length = AV_RL64(p + 16);
        for (size_t i = 0; i < TA_COUNT(asf_encryption); i++)
            w->out->encrypted |= !memcmp(p, asf_encryption[i], 16);
        if (length < 24 || length > (uint64_t)(w->size - at))
            return -1;
        if (!memcmp(p, asf_file, 16))
            asf_take_file(w, at, &packets);
        at += (int64_t)length;
    }
    p = ta_walk_look(w, at, 50);
    if (!p || memcmp(p, asf_data, 16) != 0 || w->packet_bytes < 64 || w->packet_bytes > TA_WALK_WINDOW_BYTES)
        return -1;
    at += 50;
    p = ta_walk_look(w, at, 1);
    w->corrects_errors = p && (*p & 0x80);
    uint64_t room = (uint64_t)(INT64_MAX - at) / (uint64_t)w->packet_bytes;
    if (packets > 0 && packets < room) {
        *end = at + (int64_t)packets * w->packet_bytes;
        w->out->cut_off = *end > w->size;
    }
    return at;
}

// A number of 0, 1, 2 or 4 bytes, by its two bits of type; moves *p on. `end` bounds the packet.
static uint32_t asf_number(const uint8_t **p, const uint8_t *end, int type)
{
    static const int sizes[] = {0, 1, 2, 4};
    int size = sizes[type & 3];
    const uint8_t *at = *p;
    if (end - at < size) {
        *p = end;
        return UINT32_MAX;
    }
    *p += size;
    return size == 0 ? 0 : size == 1 ? *at : size == 2 ? AV_RL16(at) : AV_RL32(at);
}

// One payload's head at *p: does it fit? Moves *p behind its data where the packet has several.
static bool asf_payload(const uint8_t **p, const uint8_t *end, int property, int length_type)
{
    if (end - *p < 1)
        return false;
    if (!(*(*p)++ & 0x7f)) // streams are numbered from 1
        return false;
    asf_number(p, end, property >> 4);
    uint32_t offset = asf_number(p, end, property >> 2), extra = asf_number(p, end, property);
    if (extra > (uint64_t)(end - *p))
        return false;
    uint32_t object = extra >= 8 ? AV_RL32(*p) : 0;
    *p += extra;
    if (extra == 1 || length_type == 0) // of several pictures, or the rest of the packet
        return extra == 1 || !object || offset < object;
    uint32_t length = asf_number(p, end, length_type);
    if (length > (uint64_t)(end - *p) || (object && (uint64_t)offset + length > object))
        return false;
    *p += length;
    return true;
}

static int64_t asf_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, w->packet_bytes);
    if (!p)
        return TA_WALK_BEYOND_END;
    const uint8_t *end = p + w->packet_bytes;
    if (w->corrects_errors) {
        if (p[0] != 0x82 || p[1] || p[2])
            return TA_WALK_NO_UNIT;
        p += 3;
    }
    int flags = *p++, property = *p++;
    if (flags & 0x80)
        return TA_WALK_NO_UNIT;
    uint32_t length = asf_number(&p, end, flags >> 5);
    asf_number(&p, end, flags >> 1);
    uint32_t padding = asf_number(&p, end, flags >> 3);
    if (length > w->packet_bytes || padding > (uint64_t)(end - p) || end - p - padding < 7)
        return TA_WALK_NO_UNIT;
    end -= padding;
    p += 6; // time and duration
    int count = 1, type = 0;
    if (flags & 1) {
        count = *p & 63;
        type = *p++ >> 6;
    }
    for (int i = 0; i < count; i++)
        if (!asf_payload(&p, end, property, type))
            return TA_WALK_NO_UNIT;
    return w->packet_bytes;
}

const struct ta_walk_format ta_walk_asf = {asf_begin, asf_unit, NULL, NULL, NULL};
