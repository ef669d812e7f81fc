// NUT: its demuxer looks for the next mark where it finds nothing, in silence. Marks to seek by (syncpoints)
// say how far it is back to an earlier one; where none stands there, bytes between the two are missing, too
// many, or overwritten.
#include <stdlib.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/walk.h"

#define MARK 0x4e4be4adeeca4569
#define MARK_BYTES 8
#define HEAD_BYTES 64      // of a mark, with what it says
#define LONG_BLOCK 4096    // from here on a checksum follows the length
#define STEP_BYTES 4096    // read at a time
#define BACK_UNIT_BYTES 16 // in which the way back is told

struct nut {
    int64_t *marks; // where they stand
    size_t count, capacity;
    int64_t broken; // the latest mark behind a damaged place; -1
};

static int64_t read_number(const uint8_t **p, const uint8_t *end)
{
    uint64_t value = 0;
    for (int i = 0; i < 9 && *p < end; i++) {
        uint8_t byte = *(*p)++;
        value = value << 7 | (byte & 127);
        if (!(byte & 128))
            return (int64_t)value;
    }
    return -1;
}

// The next mark from `at` on, or the end of the file.
static int64_t next_mark(struct ta_walk *w, int64_t at)
{
    while (at + MARK_BYTES <= w->size) {
        int64_t have = TA_MIN(w->size - at, STEP_BYTES);
        const uint8_t *p = ta_walk_look(w, at, have);
        if (!p)
            break;
        for (int64_t i = 0; i + MARK_BYTES <= have; i++)
            if (p[i] == 'N' && AV_RB64(p + i) == MARK)
                return at + i;
        at += have - (MARK_BYTES - 1);
    }
    return w->size;
}

static int64_t nut_begin(struct ta_walk *w, int64_t *end)
{
    (void)end;
    struct nut *n = w->state = ta_xcalloc(1, sizeof(*n));
    n->broken = -1;
    int64_t first = next_mark(w, 0);
    return first < w->size ? first : -1;
}

// Does a mark stand as far back as this one says? Where it says nothing that can be read, it does not matter.
static bool leads_back(struct ta_walk *w, const struct nut *n, int64_t at)
{
    int64_t have = TA_MIN(w->size - at, HEAD_BYTES);
    const uint8_t *p = ta_walk_look(w, at, have);
    if (!p || have <= MARK_BYTES)
        return true;
    const uint8_t *q = p + MARK_BYTES;
    int64_t length = read_number(&q, p + have);
    q += length > LONG_BLOCK ? TA_MIN(4, p + have - q) : 0;
    int64_t time = read_number(&q, p + have), units = read_number(&q, p + have);
    if (length < 0 || time < 0 || units <= 0 || units > at / BACK_UNIT_BYTES)
        return true;
    int64_t to = at - units * BACK_UNIT_BYTES;
    for (size_t i = n->count; i-- > 0 && n->marks[i] > to - BACK_UNIT_BYTES;)
        if (n->marks[i] <= to)
            return true;
    return to < n->broken; // that was this one's place
}

static int64_t nut_unit(struct ta_walk *w, int64_t at)
{
    struct nut *n = w->state;
    if (!leads_back(w, n, at)) {
        w->out->breaks++;
        n->broken = at;
    }
    if (ta_try_grow((void **)&n->marks, &n->capacity, n->count + 1, sizeof(*n->marks)) < 0)
        return w->size - at;
    n->marks[n->count++] = at;
    return next_mark(w, at + MARK_BYTES) - at;
}

static void nut_finish(struct ta_walk *w)
{
    free(((struct nut *)w->state)->marks);
}

const struct ta_walk_format ta_walk_nut = {nut_begin, nut_unit, nut_finish, NULL, NULL};
