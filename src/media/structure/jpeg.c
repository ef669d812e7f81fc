// Motion JPEG without a container: pictures from mark to mark, one behind the other.
#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/walk.h"

#define LONGEST ((int64_t)1 << 28)
#define STEP_BYTES 4096
#define COPIES_MAX 1000 // of a picture, for one place

enum { START = 0xd8, END = 0xd9, SCAN = 0xda };

struct jpeg {
    int64_t latest, latest_bytes; // the latest whole picture; -1: none
    int64_t bytes, count;         // of all of them
};

static int64_t jpeg_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 2);
    (void)end;
    if (!p || AV_RB16(p) != 0xff00 + START)
        return -1;
    struct jpeg *j = w->state = ta_xcalloc(1, sizeof(*j));
    j->latest = -1;
    return 0;
}

static bool is_restart(uint8_t mark)
{
    return mark >= 0xd0 && mark <= 0xd7;
}

// The next mark in coded bytes; -1: the file ends before.
static int64_t after_scan(struct ta_walk *w, int64_t at)
{
    while (at + 1 < w->size) {
        int64_t have = TA_MIN(w->size - at, STEP_BYTES);
        const uint8_t *p = ta_walk_look(w, at, have);
        if (!p)
            return -1;
        for (int64_t i = 0; i + 1 < have; i++)
            if (p[i] == 0xff && p[i + 1] && p[i + 1] != 0xff && !is_restart(p[i + 1]))
                return at + i;
        at += have - 1;
    }
    return -1;
}

// What some writers put between pictures.
static int64_t after_padding(struct ta_walk *w, int64_t at)
{
    const uint8_t *p;
    while ((p = ta_walk_look(w, at, 2)) && (!p[0] || (p[0] == 0xff && p[1] == 0xff)))
        at++;
    return at + 1 == w->size ? w->size : at;
}

static int64_t length_of(struct ta_walk *w, int64_t start)
{
    const uint8_t *p = ta_walk_look(w, start, 2);
    bool coded = false;
    if (!p)
        return TA_WALK_BEYOND_END;
    if (AV_RB16(p) != 0xff00 + START)
        return TA_WALK_NO_UNIT;
    for (int64_t at = start + 2; at >= 0 && at - start < LONGEST;) {
        if (!(p = ta_walk_look(w, at, 2)))
            return TA_WALK_BEYOND_END;
        uint8_t mark = p[1];
        if (p[0] != 0xff || !mark || mark == START)
            return TA_WALK_NO_UNIT;
        if (mark == END)
            return coded ? after_padding(w, at + 2) - start : TA_WALK_NO_UNIT;
        if (mark == 0xff || mark == 1 || is_restart(mark)) {
            at += mark == 0xff ? 1 : 2;
            continue;
        }
        if (!(p = ta_walk_look(w, at, 4)))
            return TA_WALK_BEYOND_END;
        int length = AV_RB16(p + 2);
        if (length < 2)
            return TA_WALK_NO_UNIT;
        at += 2 + length;
        if (mark == SCAN) {
            coded = true;
            if ((at = after_scan(w, at)) < 0)
                return TA_WALK_BEYOND_END;
        }
    }
    return TA_WALK_NO_UNIT;
}

static int64_t jpeg_unit(struct ta_walk *w, int64_t at)
{
    struct jpeg *j = w->state;
    int64_t length = length_of(w, at);
    if (w->searching)
        return length < 0 ? TA_WALK_NO_UNIT : length;
    if (length > 0) {
        j->latest = at;
        j->latest_bytes = length;
        j->bytes += length;
        j->count++;
    }
    return length;
}

// The picture before is shown again in place of what is broken, as often as pictures of the usual size fit
// in, so that those behind it keep their time.
static void jpeg_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    const struct jpeg *j = w->state;
    struct ta_splice s = {.from = from, .to = to};
    if (j->latest >= 0) {
        int64_t usual = TA_MAX(1, j->bytes / j->count), copies = (to - from + usual / 2) / usual;
        s.fill = j->latest;
        s.fill_bytes = j->latest_bytes;
        s.copies = (int32_t)TA_MAX(1, TA_MIN(copies, COPIES_MAX));
    }
    ta_walk_splice(w, s);
}

const struct ta_walk_format ta_walk_jpeg = {jpeg_begin, jpeg_unit, NULL, jpeg_broken, NULL};
