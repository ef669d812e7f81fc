// FILM: a list of all packets at the head.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

static int64_t film_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 16);
    (void)end;
    if (!p || memcmp(p, "FILM", 4) != 0)
        return -1;
    int64_t head = AV_RB32(p + 4), at = 16, last = 0, count = 0;
    while (at < head && (p = ta_walk_look(w, at, 16)) != NULL && memcmp(p, "STAB", 4) != 0) {
        int64_t length = AV_RB32(p + 4);
        if (length < 8)
            return -1;
        at += length;
    }
    if (at >= head || !p)
        return -1;
    count = AV_RB32(p + 12);
    at += 16;
    for (int64_t i = 0; i < count && at + 16 <= head; i++, at += 16) {
        if (!(p = ta_walk_look(w, at, 16)))
            break;
        last = TA_MAX(last, head + (int64_t)AV_RB32(p) + AV_RB32(p + 4));
    }
    w->out->cut_off = last > w->size;
    return -1;
}

const struct ta_walk_format ta_walk_film = {film_begin, NULL, NULL, NULL, NULL};
