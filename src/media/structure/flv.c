// Flash video: tags, each followed by its length.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

static int64_t flv_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 9);
    (void)end;
    return p && !memcmp(p, "FLV", 3) ? (int64_t)AV_RB32(p + 5) + 4 : -1;
}

static bool flv_tag(const uint8_t *p)
{
    int type = p[0] & 0x1f;
    return !(p[0] & 0xc0) && (type == 8 || type == 9 || type == 18) && !AV_RB24(p + 8);
}

static int64_t flv_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, 11);
    if (!p || !flv_tag(p))
        return p ? TA_WALK_NO_UNIT : TA_WALK_BEYOND_END;
    w->out->encrypted |= !w->searching && (p[0] & 0x20);
    int64_t length = 11 + (int64_t)AV_RB24(p + 1);
    if (at + length == w->size)
        return length;
    p = ta_walk_look(w, at + length, 4);
    if (!p)
        return TA_WALK_BEYOND_END;
    // Some writers put anything there.
    if (AV_RB32(p) == length)
        return length + 4;
    p = ta_walk_look(w, at + length + 4, 11);
    return p && !w->strict && flv_tag(p) ? length + 4 : TA_WALK_NO_UNIT;
}

// A tag of script data over the damaged place.
static void flv_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    while (to - from >= 16) {
        int64_t length = TA_MIN(to - from, 1 << 24);
        if (to - from - length < 16 && length < to - from)
            length -= 32;
        uint8_t head[14] = {18}, tail[4];
        AV_WB24(head + 1, (uint32_t)length - 15);
        AV_WB32(tail, (uint32_t)length - 4);
        ta_walk_patch(w, from, head, sizeof(head));
        ta_walk_patch(w, from + length - 4, tail, sizeof(tail));
        from += length;
    }
}

const struct ta_walk_format ta_walk_flv = {flv_begin, flv_unit, NULL, flv_broken, NULL};
