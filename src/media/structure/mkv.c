// Matroska: elements; segments and clusters are looked into.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

static int64_t mkv_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 4);
    (void)end;
    return p && AV_RB32(p) == 0x1a45dfa3 ? 0 : -1;
}

// An element's length from the bytes at `at`: how many these are, 0 when they are none. *length = -1: open.
static int mkv_length(struct ta_walk *w, int64_t at, int64_t *length)
{
    const uint8_t *p = ta_walk_look(w, at, 1);
    if (!p || !*p)
        return 0;
    int bytes = 1;
    while (!(*p & 0x80 >> (bytes - 1)))
        bytes++;
    if (!(p = ta_walk_look(w, at, bytes)))
        return 0;
    uint64_t value = *p & (0xff >> bytes);
    for (int i = 1; i < bytes; i++)
        value = value << 8 | p[i];
    *length = value == ((uint64_t)1 << 7 * bytes) - 1 ? -1 : (int64_t)value;
    return bytes;
}

static int64_t mkv_unit(struct ta_walk *w, int64_t at)
{
    static const uint32_t opened[] = {0x18538067, 0x1f43b675}; // segment, cluster
    static const uint32_t passed[] = {0x1a45dfa3, 0x114d9b74, 0x1549a966, 0x1654ae6b, 0x1c53bb6b,
                                      0x1941a469, 0x1043a770, 0x1254c367, // long
                                      0x5854,     0xec,       0xbf,       0xe7,       0xa7,
                                      0xab,       0xa3,       0xa0,       0xaf};
    const uint8_t *p = ta_walk_look(w, at, 1);
    if (!p)
        return TA_WALK_BEYOND_END;
    int id_bytes = *p & 0x80 ? 1 : *p & 0x40 ? 2 : *p & 0x20 ? 3 : 4;
    if ((w->strict && id_bytes < 4) || !(*p & 0xf0))
        return TA_WALK_NO_UNIT;
    if (!(p = ta_walk_look(w, at, id_bytes)))
        return TA_WALK_BEYOND_END;
    uint32_t id = 0;
    for (int i = 0; i < id_bytes; i++)
        id = id << 8 | p[i];
    bool open = id == opened[0] || id == opened[1], known = open;
    for (size_t i = 0; i < TA_COUNT(passed); i++)
        known |= id == passed[i];
    int64_t length;
    int bytes = known ? mkv_length(w, at + id_bytes, &length) : 0;
    if (!bytes)
        return known && w->size - at < 12 ? TA_WALK_BEYOND_END : TA_WALK_NO_UNIT;
    if (open)
        return id_bytes + bytes;
    if (length < 0)
        return TA_WALK_NO_UNIT;
    return length > w->size - at ? TA_WALK_BEYOND_END : ta_walk_within(w, at, id_bytes + bytes + length);
}

const struct ta_walk_format ta_walk_mkv = {mkv_begin, mkv_unit, NULL, false};
