// Flash films (SWF) that are not compressed: tags, each with its kind and its length.
#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/walk.h"

enum {
    TAG_END = 0,
    TAG_SHOW = 1,
    TAG_PLACE = 26,
    TAG_SOUND = 19,
    TAG_VIDEO_FRAME = 61,
    TAG_LAST = 100,
    LONG_LENGTH = 0x3f,
    FEW_TAGS = 4,      // in a row, where some are looked for
    LEAST_FILLED = 16, // bytes of a picture or of sound
};

struct swf {
    int64_t latest; // -1: none yet
};

static int64_t swf_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 9);
    (void)end;
    if (!p || memcmp(p, "FWS", 3) != 0)
        return -1;
    struct swf *s = w->state = ta_xcalloc(1, sizeof(*s));
    s->latest = -1;
    int side_bits = p[8] >> 3;                  // of each side of the stage
    return 8 + (5 + 4 * side_bits + 7) / 8 + 4; // rate and number of frames
}

static int64_t tag_length(struct ta_walk *w, int64_t at)
{
    struct swf *s = w->state;
    const uint8_t *p = ta_walk_look(w, at, 2);
    if (!p)
        return TA_WALK_BEYOND_END;
    int kind = AV_RL16(p) >> 6;
    int64_t length = AV_RL16(p) & LONG_LENGTH, head = 2;
    // Only of these there are many in a film.
    bool usual = kind == TAG_SHOW || kind == TAG_PLACE || kind == TAG_SOUND || kind == TAG_VIDEO_FRAME;
    if (kind > TAG_LAST || (w->searching && !usual) || ((kind == TAG_END || kind == TAG_SHOW) && length))
        return TA_WALK_NO_UNIT;
    if (length == LONG_LENGTH) {
        head = 6;
        p = ta_walk_look(w, at, head);
        length = p ? AV_RL32(p + 2) : 0;
        if (!p)
            return TA_WALK_BEYOND_END;
    }
    if (kind == TAG_END && at + head < w->size)
        return TA_WALK_NO_UNIT;
    length = ta_walk_within(w, at, head + length);
    if (!w->searching && length > 0)
        s->latest = at;
    return w->searching && length < 0 ? TA_WALK_NO_UNIT : length;
}

// With a picture or sound among them, and one that is shown.
static bool swf_goes_on(struct ta_walk *w, int64_t at)
{
    bool shown = false, filled = false;
    for (int i = 0; i < FEW_TAGS; i++) {
        const uint8_t *p = ta_walk_look(w, at, 2);
        int kind = p ? AV_RL16(p) >> 6 : TAG_END;
        int64_t length = tag_length(w, at);
        if (length <= 0)
            return false;
        shown |= kind == TAG_SHOW;
        filled |= (kind == TAG_VIDEO_FRAME || kind == TAG_SOUND) && length > LEAST_FILLED;
        at += length;
    }
    return shown && filled;
}

// Much looks like one tag, or two.
static int64_t swf_unit(struct ta_walk *w, int64_t at)
{
    return w->strict && !swf_goes_on(w, at) ? TA_WALK_NO_UNIT : tag_length(w, at);
}

// Bytes of the latest tag may be missing.
static int64_t swf_within(struct ta_walk *w, int64_t from)
{
    const struct swf *s = w->state;
    int64_t found = -1;
    w->searching = true;
    for (int64_t at = s->latest + 2; s->latest >= 0 && at < from && found < 0 && w->err >= 0; at++)
        if (swf_goes_on(w, at))
            found = at;
    w->searching = false;
    return found;
}

static void swf_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    struct ta_splice splice = {.from = from, .to = to, .fill = TA_SPLICE_ZEROS};
    if (to < from) // what is missing of the latest tag
        splice = (struct ta_splice){to, to, TA_SPLICE_ZEROS, from - to, 1};
    ta_walk_splice(w, splice);
}

const struct ta_walk_format ta_walk_swf = {swf_begin, swf_unit, NULL, swf_broken, swf_within};
