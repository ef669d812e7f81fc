#include "media/structure/ts_sections.h"

#include <string.h>

#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>

#define REGISTERED_AC3 0x41432d33U
#define REGISTERED_EAC3 0x45414333U

int ta_ts_section_add(struct ta_ts_section *s, const uint8_t *payload, int size, int offset, int end,
                      int64_t at)
{
    int begin = offset;
    if (s->piece_count == TA_TS_PIECES) {
        s->open = false;
        return 0;
    }
    struct ta_ts_piece *piece = &s->pieces[s->piece_count++];
    *piece = (struct ta_ts_piece){.at = at, .size = (uint8_t)size, .offset = (uint8_t)offset};
    memcpy(piece->payload, payload, (size_t)size);
    while (offset < end && s->open && (s->have < 3 || s->have < s->length)) {
        s->bytes[s->have++] = payload[offset++];
        if (s->have == 3) {
            s->length = 3 + (AV_RB16(s->bytes + 1) & 0xfff);
            s->open = s->length <= TA_TS_SECTION_BYTES;
        }
    }
    return offset - begin;
}

bool ta_ts_section_is_whole(const struct ta_ts_section *s)
{
    return s->open && s->have >= 3 && s->have == s->length;
}

bool ta_ts_section_equal(const struct ta_ts_section *a, const struct ta_ts_section *b)
{
    bool same = a->piece_count == b->piece_count;
    for (int i = 0; i < a->piece_count && same; i++)
        same = a->pieces[i].size == b->pieces[i].size && a->pieces[i].offset == b->pieces[i].offset &&
               !memcmp(a->pieces[i].payload, b->pieces[i].payload, a->pieces[i].size);
    return same;
}

bool ta_ts_section_is_good(const struct ta_ts_section *s)
{
    return s->length >= 12 && (s->bytes[1] & 0x80) && (s->bytes[5] & 1) &&
           !av_crc(av_crc_get_table(AV_CRC_32_IEEE), UINT32_MAX, s->bytes, (size_t)s->length);
}

// Private data by its descriptors: what a demuxer goes by, too.
static void read_descriptors(struct ta_ts_entry *e, const uint8_t *p, int size)
{
    while (size >= 2 && p[1] + 2 <= size) {
        int tag = p[0], length = p[1];
        if (tag == 0x0a && length >= 3)
            memcpy(e->language, p + 2, 3);
        else if ((tag == 0x56 || tag == 0x59) && length >= 3 && !e->language[0])
            memcpy(e->language, p + 2, 3);
        else if (tag == 0x52 && length >= 1)
            e->component = p[2];
        if (e->kind == 0x06 &&
            (tag == 0x56 || tag == 0x59 || tag == 0x6a || tag == 0x7a || tag == 0x7b || tag == 0x7c))
            e->kind = 0x100U + (uint32_t)tag;
        else if (e->kind == 0x06 && tag == 0x05 && length >= 4)
            e->kind = AV_RB32(p + 2);
        p += length + 2;
        size -= length + 2;
    }
}

static struct ta_ts_entry read_entry(const uint8_t *p, int info)
{
    struct ta_ts_entry e = {
        .pid = AV_RB16(p + 1) & 0x1fff, .component = -1, .kind = p[0], .role = TA_TS_NO_ROLE};
    read_descriptors(&e, p + 5, info);
    // Different numbers of what one decoder takes.
    if (e.kind == 0x01)
        e.kind = 0x02;
    else if (e.kind == 0x04)
        e.kind = 0x03;
    else if (e.kind == 0x81 || e.kind == REGISTERED_AC3)
        e.kind = 0x16a;
    else if (e.kind == 0x87 || e.kind == REGISTERED_EAC3)
        e.kind = 0x17a;
    return e;
}

// Packets of a stream with times, rather than sections or data that nobody plays.
bool ta_ts_is_picture(uint32_t kind)
{
    static const uint32_t kinds[] = {0x02, 0x10, 0x1b, 0x24, 0x33, 0x42, 0xd1, 0xd2, 0xea};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i] == kind)
            return true;
    return false;
}

bool ta_ts_is_stream(uint32_t kind)
{
    return kind != 0x05 && (kind < 0x08 || kind > 0x0e) && kind != 0x86;
}

// Entries of a map; -1: it contradicts itself. What stands there twice counts once.
int ta_ts_entries(const struct ta_ts_section *s, struct ta_ts_entry *entries)
{
    const uint8_t *p = s->bytes;
    int end = s->length - 4, at = 12 + (AV_RB16(p + 10) & 0xfff), count = 0;
    while (at + 5 <= end && count < TA_TS_ENTRIES) {
        int info = AV_RB16(p + at + 3) & 0xfff;
        if (at + 5 + info > end)
            return -1;
        entries[count] = read_entry(p + at, info);
        entries[count].place = at + 1;
        bool again = false;
        for (int i = 0; i < count; i++)
            again |= entries[i].pid == entries[count].pid;
        count += !again;
        at += 5 + info;
    }
    return count;
}

// The time in the head of a packet of a stream; -1: none.
int64_t ta_ts_time(const uint8_t *p, int size)
{
    if (size < 14 || AV_RB24(p) != 1 || !(p[7] & 0x80))
        return -1;
    return (int64_t)(p[9] >> 1 & 7) << 30 | (int64_t)(AV_RB16(p + 10) >> 1) << 15 | AV_RB16(p + 12) >> 1;
}
