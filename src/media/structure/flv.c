// Flash video: tags, each followed by its length.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

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

const struct ta_walk_format ta_walk_flv = {flv_begin, flv_unit, NULL, false};
