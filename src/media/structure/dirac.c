// Dirac and VC-2 without a container: units that begin with four letters and say how long they are. The
// parser finds the next one itself.
#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/walk.h"

#define LETTERS 0x42424344 // BBCD
#define HEAD_BYTES 13      // with a kind, and how far it is to the next one and the one before
#define END 0x10

struct dirac {
    int64_t latest; // unit; -1
};

static int64_t dirac_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, HEAD_BYTES);
    (void)end;
    if (!p || AV_RB32(p) != LETTERS)
        return -1;
    struct dirac *d = w->state = ta_xcalloc(1, sizeof(*d));
    d->latest = -1;
    return 0;
}

// The last one of a stream need not say where another begins.
static int64_t dirac_unit(struct ta_walk *w, int64_t at)
{
    struct dirac *d = w->state;
    const uint8_t *p = ta_walk_look(w, at, HEAD_BYTES);
    if (!p)
        return TA_WALK_BEYOND_END;
    int64_t length = AV_RB32(p + 5);
    if (AV_RB32(p) != LETTERS || (length && length < HEAD_BYTES))
        return TA_WALK_NO_UNIT;
    if (!length)
        length = p[4] == END ? HEAD_BYTES : w->size - at;
    length = ta_walk_within(w, at, length);
    if (!w->searching && length > 0)
        d->latest = at;
    return w->searching && length < 0 ? TA_WALK_NO_UNIT : length;
}

// A unit of which bytes are missing is followed by the next one too early.
static int64_t dirac_within(struct ta_walk *w, int64_t from)
{
    const struct dirac *d = w->state;
    int64_t found = -1;
    w->searching = true;
    for (int64_t at = d->latest + HEAD_BYTES; d->latest >= 0 && at < from && found < 0 && w->err >= 0; at++) {
        int64_t length = dirac_unit(w, at);
        if (length > 0 && (at + length == w->size || dirac_unit(w, at + length) > 0))
            found = at;
    }
    w->searching = false;
    return found;
}

const struct ta_walk_format ta_walk_dirac = {dirac_begin, dirac_unit, NULL, NULL, dirac_within};
