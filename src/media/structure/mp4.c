// MP4 in fragments: boxes.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

static bool is_box(const uint8_t *p)
{
    static const char names[][5] = {"moof", "mdat", "moov", "ftyp", "styp", "sidx", "ssix", "mfra", "free",
                                    "skip", "wide", "emsg", "prft", "uuid", "udta", "meta", "pnot"};
    for (size_t i = 0; i < TA_COUNT(names); i++)
        if (!memcmp(p + 4, names[i], 4))
            return true;
    return false;
}

static int64_t box_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, TA_MIN(w->size - at, 16));
    if (!p || w->size - at < 8)
        return TA_WALK_BEYOND_END;
    if (!is_box(p) || (w->strict && memcmp(p + 4, "moof", 4) != 0))
        return TA_WALK_NO_UNIT;
    uint64_t length = AV_RB32(p);
    if (!length)
        return w->size - at;
    if (length == 1)
        length = w->size - at < 16 ? UINT64_MAX : AV_RB64(p + 8);
    if (length < 8)
        return TA_WALK_NO_UNIT;
    return length > (uint64_t)(w->size - at) ? TA_WALK_BEYOND_END : (int64_t)length;
}

// What is not in fragments has a list of its packets, by which libav goes.
static int64_t box_begin(struct ta_walk *w, int64_t *end)
{
    int64_t at = 0, length;
    (void)end;
    for (int i = 0; i < 1000 && (length = box_unit(w, at)) > 0; i++) {
        const uint8_t *p = ta_walk_look(w, at, 8);
        if (p && !memcmp(p + 4, "moof", 4))
            return at;
        at += length;
    }
    return -1;
}

static void box_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    uint8_t head[16] = {0, 0, 0, 1, 'f', 'r', 'e', 'e'};
    if (to - from < 16) {
        AV_WB32(head, (uint32_t)(to - from));
        if (to - from >= 8)
            ta_walk_patch(w, from, head, 8);
        return;
    }
    AV_WB64(head + 8, (uint64_t)(to - from));
    ta_walk_patch(w, from, head, 16);
}

const struct ta_walk_format ta_walk_mp4 = {box_begin, box_unit, NULL, box_broken, NULL};
