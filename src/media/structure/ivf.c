// IVF: pictures of VP8, VP9 and AV1, each behind its length and its time.
#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/walk.h"

#define HEAD_BYTES 12
#define LONGEST_PAUSE ((int64_t)1 << 32)    // ticks from picture to picture
#define LONGEST_SEARCHED ((int64_t)1 << 24) // ... where one is looked for behind damage
#define LONGEST_PICTURE ((int64_t)1 << 28)

struct ivf {
    int64_t latest, time; // of the latest picture: where it begins (-1: none), and its time
};

static int64_t ivf_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 32);
    (void)end;
    if (!p || AV_RB32(p) != 0x444b4946 || AV_RL16(p + 6) < 32)
        return -1;
    struct ivf *v = w->state = ta_xcalloc(1, sizeof(*v));
    v->latest = -1;
    return AV_RL16(p + 6);
}

// Nothing marks a head but that times go on, slowly.
static int64_t ivf_unit(struct ta_walk *w, int64_t at)
{
    struct ivf *v = w->state;
    const uint8_t *p = ta_walk_look(w, at, HEAD_BYTES);
    if (!p)
        return TA_WALK_BEYOND_END;
    int64_t size = AV_RL32(p), time = (int64_t)AV_RL64(p + 4);
    if (size > LONGEST_PICTURE || time < 0)
        return TA_WALK_NO_UNIT;
    if (v->latest >= 0 &&
        (time < v->time + w->searching || time - v->time > (w->searching ? LONGEST_SEARCHED : LONGEST_PAUSE)))
        return TA_WALK_NO_UNIT;
    int64_t length = ta_walk_within(w, at, HEAD_BYTES + size);
    if (!w->searching && length > 0)
        *v = (struct ivf){at, time};
    return w->searching && (length < 0 || !size) ? TA_WALK_NO_UNIT : length;
}

// Do pictures follow each other from there on?
static bool ivf_goes_on(struct ta_walk *w, int64_t at)
{
    for (int i = 0; i < 3; i++) {
        int64_t length = ivf_unit(w, at);
        if (length <= 0)
            return false;
        at += length;
        if (at == w->size)
            return true;
    }
    return true;
}

// A picture of which bytes are missing is followed by the next one too early.
static int64_t ivf_within(struct ta_walk *w, int64_t from)
{
    const struct ivf *v = w->state;
    int64_t found = -1;
    w->searching = true;
    for (int64_t at = v->latest + HEAD_BYTES; v->latest >= 0 && at < from && found < 0 && w->err >= 0; at++)
        if (ivf_goes_on(w, at))
            found = at;
    w->searching = false;
    return found;
}

// The demuxer gets over it with a length that fits: of what is left of a picture, or of what is none.
static void ivf_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    const struct ivf *v = w->state;
    uint8_t head[HEAD_BYTES];
    if (v->latest >= 0 && to - from <= HEAD_BYTES) {
        AV_WL32(head, (uint32_t)(to - v->latest - HEAD_BYTES));
        ta_walk_patch(w, v->latest, head, 4);
    } else if (to - from > HEAD_BYTES) {
        AV_WL32(head, (uint32_t)(to - from - HEAD_BYTES));
        AV_WL64(head + 4, (uint64_t)(v->latest < 0 ? 0 : v->time + 1));
        ta_walk_patch(w, from, head, HEAD_BYTES);
    }
}

const struct ta_walk_format ta_walk_ivf = {ivf_begin, ivf_unit, NULL, ivf_broken, ivf_within};
