// YUV4MPEG2: pictures of one size, each with a line before it.
#include "media/structure/walk.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

// Bytes of a picture of `width` x `height` of that chroma; 0 when it isn't known.
static int64_t y4m_bytes(int64_t width, int64_t height, const char *chroma)
{
    static const struct {
        const char *name;
        int shift_x, shift_y, planes;
    } kinds[] = {{"420", 1, 1, 3}, {"422", 1, 0, 3}, {"444alpha", 0, 0, 4}, {"444", 0, 0, 3},
                 {"440", 0, 1, 3}, {"411", 2, 0, 3}, {"mono", 0, 0, 1}};
    for (size_t i = 0; i < TA_COUNT(kinds); i++) {
        size_t n = strlen(kinds[i].name);
        if (strncmp(chroma, kinds[i].name, n) != 0)
            continue;
        const char *rest = chroma + n;
        bool deep = (*rest == 'p' && rest[1] >= '1' && rest[1] <= '9') || *rest == '1';
        int64_t w = (width + (1 << kinds[i].shift_x) - 1) >> kinds[i].shift_x,
                h = (height + (1 << kinds[i].shift_y) - 1) >> kinds[i].shift_y,
                samples = width * height * (kinds[i].planes == 4 ? 2 : 1) +
                          (kinds[i].planes > 1 ? 2 * w * h : 0);
        return samples * (deep ? 2 : 1);
    }
    return 0;
}

struct y4m {
    int64_t latest, before; // where the two latest pictures begin; -1
    int64_t shift;          // that splices have made so far
};

static int64_t y4m_begin(struct ta_walk *w, int64_t *end)
{
    char line[256] = "";
    int64_t n = TA_MIN((int64_t)sizeof(line) - 1, w->size), width = 0, height = 0;
    const uint8_t *p = ta_walk_look(w, 0, n);
    const char *chroma = "420jpeg";
    (void)end;
    if (!p)
        return -1;
    memcpy(line, p, (size_t)n);
    char *stop = strchr(line, '\n');
    if (!stop || strncmp(line, "YUV4MPEG2 ", 10) != 0)
        return -1;
    *stop = '\0';
    for (char *at = line; (at = strchr(at, ' ')) != NULL;) {
        at++;
        if (*at == 'W')
            width = strtol(at + 1, NULL, 10);
        else if (*at == 'H')
            height = strtol(at + 1, NULL, 10);
        else if (*at == 'C')
            chroma = at + 1;
    }
    if (width <= 0 || height <= 0 || width > 65536 || height > 65536)
        return -1;
    w->packet_bytes = y4m_bytes(width, height, chroma) + 6;
    if (w->packet_bytes <= 6)
        return -1;
    struct y4m *y = w->state = ta_xcalloc(1, sizeof(*y));
    y->latest = y->before = -1;
    return stop + 1 - line;
}

static int64_t y4m_unit(struct ta_walk *w, int64_t at)
{
    int64_t have = TA_MIN(w->size - at, 80);
    const uint8_t *p = ta_walk_look(w, at, have), *stop;
    if (!p || have < 6)
        return TA_WALK_BEYOND_END;
    if (memcmp(p, "FRAME", 5) != 0 || !(stop = memchr(p, '\n', (size_t)have)))
        return TA_WALK_NO_UNIT;
    int64_t length = ta_walk_within(w, at, stop - p + w->packet_bytes - 5);
    struct y4m *y = w->state;
    if (!w->searching && length > 0) {
        y->before = y->latest;
        y->latest = at;
    }
    return length;
}

// A picture of which bytes are missing is followed by the next one too early.
static int64_t y4m_within(struct ta_walk *w, int64_t from)
{
    const struct y4m *y = w->state;
    int64_t found = -1;
    w->searching = true;
    for (int64_t at = y->latest + 6; y->latest >= 0 && at < from && found < 0 && w->err >= 0; at++) {
        const uint8_t *p = ta_walk_look(w, at, 5);
        if (!p || memcmp(p, "FRAME", 5) != 0)
            continue;
        int64_t length = y4m_unit(w, at);
        if (length > 0 && (at + length == w->size || y4m_unit(w, at + length) != TA_WALK_NO_UNIT))
            found = at;
    }
    w->searching = false;
    return found;
}

// Where bytes were overwritten each picture stands where it stood. Where some are missing or too many, the
// picture before is shown again in place of what is broken, so that those behind it keep their time.
static void y4m_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    struct y4m *y = w->state;
    int64_t size = w->packet_bytes;
    if (to > from && (to - from) % size == 0) {
        for (; to > from; from += size)
            ta_walk_patch(w, from + y->shift, "FRAME\n", 6);
        return;
    }
    struct ta_splice s = {from, to, y->latest, from - y->latest, (int32_t)((to - from + size / 2) / size)};
    if (to < from) {
        s = (struct ta_splice){y->latest, to, y->before, y->latest - y->before, 1};
        if (y->before < 0) { // the first one of all: the next
            s.fill = to;
            s.fill_bytes = TA_MIN(from - y->latest, w->size - to);
        }
        y->latest = y->before; // is no picture any more
        y->before = -1;
    }
    if (s.fill < 0)
        s.fill = s.fill_bytes = s.copies = 0;
    y->shift += s.copies * s.fill_bytes - (s.to - s.from);
    ta_walk_splice(w, s);
}

const struct ta_walk_format ta_walk_y4m = {y4m_begin, y4m_unit, NULL, y4m_broken, y4m_within};
