// AV1 without a container: units, each with its length in its head. Pictures begin with a unit that is two
// bytes and always the same.
#include <string.h>

#include "base/mem.h"
#include "media/structure/walk.h"

#define HEAD_BYTES 10 // at most: a byte, one more where layers are told, a length of up to eight
#define LONGEST ((int64_t)1 << 30)
#define CHAIN 6 // units in a row, behind damage

enum { SEQUENCE = 1, DELIMITER = 2, TILES = 8, PADDING = 15 }; // kinds of units; what is between is none else

struct obu {
    int64_t delimiter; // the latest one; -1: none yet
    int64_t shift;     // that splices have made so far
};

struct unit {
    int kind, head, length_at, length_bytes; // bytes of its head, and in which of them the length is
    int64_t length;                          // of all of it
};

// Is there one? TA_WALK_NO_UNIT, its length, or TA_WALK_BEYOND_END.
static int64_t read_unit(struct ta_walk *w, int64_t at, struct unit *u)
{
    int64_t have = TA_MIN(w->size - at, HEAD_BYTES), length = 0;
    const uint8_t *p = ta_walk_look(w, at, have);
    *u = (struct unit){0};
    if (!p || have < 2)
        return TA_WALK_BEYOND_END;
    u->kind = p[0] >> 3 & 15;
    u->length_at = p[0] & 4 ? 2 : 1;
    bool known = (u->kind >= SEQUENCE && u->kind <= TILES) || u->kind == PADDING;
    if ((p[0] & 0x83) != 2 || !known || (p[0] & 4 && p[1] & 7))
        return TA_WALK_NO_UNIT;
    bool more = true;
    for (int i = u->length_at; more && u->length_bytes < 8 && i < have; i++) {
        length |= (int64_t)(p[i] & 127) << 7 * u->length_bytes++;
        more = p[i] & 128;
    }
    if (more)
        return u->length_at + u->length_bytes == have && have < HEAD_BYTES ? TA_WALK_BEYOND_END
                                                                           : TA_WALK_NO_UNIT;
    if (length > LONGEST || (u->kind == DELIMITER && length))
        return TA_WALK_NO_UNIT;
    u->head = u->length_at + u->length_bytes;
    u->length = u->head + length;
    return ta_walk_within(w, at, u->length);
}

// Does a picture begin there, and do units follow each other?
static bool goes_on(struct ta_walk *w, int64_t at)
{
    struct unit u;
    for (int i = 0; i < CHAIN; i++) {
        int64_t length = read_unit(w, at, &u);
        bool delimiter = u.kind == DELIMITER;
        if (length <= 0 || (i < 2 && delimiter != !i))
            return i > 1 && length == TA_WALK_BEYOND_END;
        at += length;
        if (at == w->size)
            return i > 0;
    }
    return true;
}

static bool begins_picture(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, 2);
    return p && p[0] == 0x12 && !p[1] && goes_on(w, at);
}

static int64_t obu_begin(struct ta_walk *w, int64_t *end)
{
    (void)end;
    if (!goes_on(w, 0) && w->size > HEAD_BYTES)
        return -1;
    struct obu *o = w->state = ta_xcalloc(1, sizeof(*o));
    o->delimiter = -1;
    return 0;
}

static int64_t obu_unit(struct ta_walk *w, int64_t at)
{
    struct obu *o = w->state;
    struct unit u;
    if (w->searching && w->strict)
        return begins_picture(w, at) ? 2 : TA_WALK_NO_UNIT;
    int64_t length = read_unit(w, at, &u);
    if (length > 0 && u.kind == DELIMITER && !w->searching)
        o->delimiter = at;
    return length;
}

// Compressed bytes are often taken for a unit, which then leads astray: what is behind the latest beginning
// of a picture is looked through.
static int64_t obu_within(struct ta_walk *w, int64_t from)
{
    const struct obu *o = w->state;
    int64_t found = -1;
    for (int64_t at = o->delimiter + 2; o->delimiter >= 0 && at < from && found < 0 && w->err >= 0; at++)
        if (begins_picture(w, at))
            found = at;
    return found;
}

// The unit that reaches beyond `to` ends there, by a length that is written with as many bytes.
static void end_at(struct ta_walk *w, int64_t to)
{
    const struct obu *o = w->state;
    struct unit u;
    uint8_t length[8];
    for (int64_t at = o->delimiter; at < to && read_unit(w, at, &u) != TA_WALK_NO_UNIT && u.length;
         at += u.length) {
        if (at + u.length <= to)
            continue;
        int64_t left = to - at - u.head;
        for (int i = 0; i < u.length_bytes; i++)
            length[i] = (uint8_t)((left >> 7 * i & 127) | (i + 1 < u.length_bytes ? 128 : 0));
        if (left >= 0)
            ta_walk_patch(w, at + u.length_at + o->shift, length, (size_t)u.length_bytes);
        return;
    }
}

// Where nothing is one, that is left out.
static void obu_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    struct obu *o = w->state;
    if (to < from) {
        end_at(w, to);
        return;
    }
    ta_walk_splice(w, (struct ta_splice){.from = from, .to = to});
    o->shift -= to - from;
}

const struct ta_walk_format ta_walk_obu = {obu_begin, obu_unit, NULL, obu_broken, obu_within};
