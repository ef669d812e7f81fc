// AVI: chunks; lists are looked into.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

static int64_t avi_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 12);
    (void)end;
    return p && !memcmp(p, "RIFF", 4) ? 0 : -1;
}

static bool avi_name(const struct ta_walk *w, const uint8_t *p)
{
    static const char data[][3] = {"dc", "db", "wb", "pc", "tx"};
    bool digits = p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9', words = true, packet = false;
    for (size_t i = 0; i < TA_COUNT(data); i++)
        packet |= digits && !memcmp(p + 2, data[i], 2);
    for (int i = 0; i < 4; i++)
        words &= p[i] == ' ' || p[i] == '_' || (p[i] >= '0' && p[i] <= '9') ||
                 ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'z');
    return packet || (words && !w->strict);
}

static int64_t avi_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, 8);
    if (!p || !avi_name(w, p))
        return p ? TA_WALK_NO_UNIT : TA_WALK_BEYOND_END;
    int64_t length = AV_RL32(p + 4);
    if (!memcmp(p, "RIFF", 4) || !memcmp(p, "LIST", 4))
        return ta_walk_within(w, at, 12);
    if (8 + length > w->size - at)
        return TA_WALK_BEYOND_END;
    if (8 + length == w->size - at || !(length & 1))
        return 8 + length;
    // Chunks are filled up to an even length, but not by all writers.
    p = ta_walk_look(w, at + 8 + length + 1, 4);
    if (!p || avi_name(w, p))
        return 8 + length + 1;
    p = ta_walk_look(w, at + 8 + length, 4);
    return 8 + length + !(p && avi_name(w, p));
}

const struct ta_walk_format ta_walk_avi = {avi_begin, avi_unit, NULL, NULL, NULL};
