// RealMedia: chunks, one of them with packets.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

static int64_t rm_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 8);
    int64_t at = 0;
    if (!p || memcmp(p, ".RMF", 4) != 0)
        return -1;
    while ((p = ta_walk_look(w, at, 18)) != NULL) {
        int64_t length = AV_RB32(p + 4);
        if (!memcmp(p, "DATA", 4)) {
            if (length > 18) {
                *end = at + length;
                w->out->cut_off = *end - 18 > w->size; // some writers count the chunk's head twice
            }
            return at + 18;
        }
        if (length < 8 || length > w->size - at)
            return -1;
        at += length;
    }
    return -1;
}

static int64_t rm_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, TA_MIN(w->size - at, 12));
    if (p && w->size - at < 12 && !*p)
        return w->size - at; // an empty one ends the file
    if (!p || w->size - at < 12)
        return TA_WALK_BEYOND_END;
    if (!memcmp(p, "INDX", 4) || !memcmp(p, "DATA", 4)) // behind packets whose length nobody noted
        return !memcmp(p, "INDX", 4) ? w->size - at : 18;
    int version = AV_RB16(p), length = AV_RB16(p + 2), stream = AV_RB16(p + 4);
    if (version > 1 || length < 12 + version || stream > 63)
        return TA_WALK_NO_UNIT;
    return ta_walk_within(w, at, length);
}

const struct ta_walk_format ta_walk_rm = {rm_begin, rm_unit, NULL, NULL, NULL};
