// Ogg: numbered pages with checksums.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>

static int64_t ogg_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 4);
    (void)end;
    return p && !memcmp(p, "OggS", 4) ? 0 : -1;
}

static void ogg_follow(struct ta_walk *w, const uint8_t *p)
{
    uint32_t serial = AV_RL32(p + 14), number = AV_RL32(p + 18);
    int i = 0;
    while (i < w->serial_count && w->pages[i].serial != serial)
        i++;
    if (i == TA_WALK_MAX_SERIALS)
        return;
    if (i == w->serial_count)
        w->pages[w->serial_count++].serial = serial;
    else if (w->pages[i].known && w->pages[i].next != number && !(p[5] & 2))
        w->out->breaks++; // pages are missing without a trace
    w->pages[i].next = number + 1;
    w->pages[i].known = true;
    w->pages[i].open = !(p[5] & 4) && p[26] && p[26 + p[26]] == 255;
}

static int64_t ogg_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, 27);
    if (!p)
        return TA_WALK_BEYOND_END;
    if (memcmp(p, "OggS", 4) != 0 || p[4])
        return TA_WALK_NO_UNIT;
    int64_t segments = p[26], length = 27 + segments;
    if (!(p = ta_walk_look(w, at, length)))
        return TA_WALK_BEYOND_END;
    for (int64_t i = 0; i < segments; i++)
        length += p[27 + i];
    if (!(p = ta_walk_look(w, at, length)))
        return TA_WALK_BEYOND_END;
    const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE);
    static const uint8_t zeros[4] = {0};
    uint32_t sum = av_crc(table, 0, p, 22);
    sum = av_crc(table, sum, zeros, 4);
    sum = av_crc(table, sum, p + 26, (size_t)length - 26);
    if (av_bswap32(sum) != AV_RL32(p + 22))
        return TA_WALK_NO_UNIT;
    if (!w->searching)
        ogg_follow(w, p);
    return length;
}

// Not all writers mark the end, so that its mark is missing says nothing.
static void ogg_finish(struct ta_walk *w)
{
    for (int i = 0; i < w->serial_count; i++)
        w->out->cut_off |= w->pages[i].open;
}

const struct ta_walk_format ta_walk_ogg = {ogg_begin, ogg_unit, ogg_finish, NULL, NULL};
