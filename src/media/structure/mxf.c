// MXF: keys, lengths, values.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

static int64_t mxf_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 4);
    (void)end;
    return p && AV_RB32(p) == 0x060e2b34 ? 0 : -1; // what runs in before the head is not looked at
}

static int64_t mxf_unit(struct ta_walk *w, int64_t at)
{
    static const uint8_t encrypted[] = {0x06, 0x0e, 0x2b, 0x34, 0x02, 0x04, 0x01, 0x07,
                                        0x0d, 0x01, 0x03, 0x01, 0x02, 0x7e, 0x01};
    const uint8_t *p = ta_walk_look(w, at, 17);
    if (!p || AV_RB32(p) != 0x060e2b34)
        return p ? TA_WALK_NO_UNIT : TA_WALK_BEYOND_END;
    w->out->encrypted |= !w->searching && !memcmp(p, encrypted, sizeof(encrypted));
    int bytes = p[16] & 0x80 ? p[16] & 0x7f : 0;
    uint64_t length = p[16] & 0x7f;
    if (bytes > 8 || (p[16] == 0x80))
        return TA_WALK_NO_UNIT;
    if (bytes) {
        if (!(p = ta_walk_look(w, at + 17, bytes)))
            return TA_WALK_BEYOND_END;
        length = 0;
        for (int i = 0; i < bytes; i++)
            length = length << 8 | p[i];
    }
    return length > (uint64_t)(w->size - at) ? TA_WALK_BEYOND_END
                                             : ta_walk_within(w, at, 17 + bytes + (int64_t)length);
}

const struct ta_walk_format ta_walk_mxf = {mxf_begin, mxf_unit, NULL, NULL, NULL};
