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
    return w->packet_bytes > 6 ? stop + 1 - line : -1;
}

static int64_t y4m_unit(struct ta_walk *w, int64_t at)
{
    int64_t have = TA_MIN(w->size - at, 80);
    const uint8_t *p = ta_walk_look(w, at, have), *stop;
    if (!p || have < 6)
        return TA_WALK_BEYOND_END;
    if (memcmp(p, "FRAME", 5) != 0 || !(stop = memchr(p, '\n', (size_t)have)))
        return TA_WALK_NO_UNIT;
    return ta_walk_within(w, at, stop - p + w->packet_bytes - 5);
}

// Where bytes were overwritten each picture stands where it stood.
static void y4m_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    for (; to - from >= w->packet_bytes && (to - from) % w->packet_bytes == 0; from += w->packet_bytes)
        ta_walk_patch(w, from, "FRAME\n", 6);
}

const struct ta_walk_format ta_walk_y4m = {y4m_begin, y4m_unit, NULL, y4m_broken};
