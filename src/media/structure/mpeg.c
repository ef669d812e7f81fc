// MPEG transport and program streams: damage is flagged by demuxer and decoders, scrambling is not.
#include "media/structure/walk.h"

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

#define SAMPLE_BYTES (1 << 25) // of streams that are looked at for scrambling alone

static int64_t ts_begin(struct ta_walk *w, int64_t *end)
{
    static const struct {
        int64_t bytes, start;
    } kinds[] = {{188, 0}, {192, 4}, {204, 0}};
    for (size_t i = 0; i < TA_COUNT(kinds); i++) {
        bool all = true;
        for (int k = 0; k < 5 && all; k++) {
            const uint8_t *p = ta_walk_look(w, kinds[i].start + k * kinds[i].bytes, 4);
            all = p && *p == 0x47;
        }
        if (!all)
            continue;
        w->packet_bytes = kinds[i].bytes;
        *end = SAMPLE_BYTES;
        w->out->cut_off = w->size % w->packet_bytes != 0;
        return kinds[i].start;
    }
    return -1;
}

static int64_t ts_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, 4);
    if (!p || *p != 0x47)
        return p ? TA_WALK_NO_UNIT : TA_WALK_BEYOND_END;
    bool null = (AV_RB16(p + 1) & 0x1fff) == 0x1fff, payload = p[3] & 0x10;
    w->payloads += payload && !null && !w->searching;
    w->scrambled += payload && !null && !w->searching && (p[3] & 0xc0);
    return ta_walk_within(w, at, w->packet_bytes);
}

// Tables are never scrambled, and a recording may begin before the rest is.
static void ts_finish(struct ta_walk *w)
{
    w->out->encrypted = w->scrambled * 2 > w->payloads;
}

static int64_t ps_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 4);
    *end = SAMPLE_BYTES;
    return p && AV_RB32(p) == 0x1ba ? 0 : -1;
}

static int64_t ps_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, 14);
    if (!p || AV_RB24(p) != 1 || p[3] < 0xb9)
        return p ? TA_WALK_NO_UNIT : TA_WALK_BEYOND_END;
    if (p[3] == 0xb9)
        return 4;
    if (p[3] == 0xba)
        return ta_walk_within(w, at, (p[4] & 0xc0) == 0x40 ? 14 + (p[13] & 7) : 12);
    if ((p[3] & 0xf0) == 0xe0 && !w->searching) { // pictures: MPEG-2 says whether they are scrambled
        w->payloads++;
        w->scrambled += (p[6] & 0xc0) == 0x80 && (p[6] & 0x30);
    }
    return ta_walk_within(w, at, 6 + AV_RB16(p + 4));
}

// On a DVD some sectors of a scrambled title are always clear, and menus are.
static void ps_finish(struct ta_walk *w)
{
    w->out->encrypted = w->scrambled * 20 > w->payloads;
}

const struct ta_walk_format ta_walk_ts = {ts_begin, ts_unit, ts_finish, true};
const struct ta_walk_format ta_walk_ps = {ps_begin, ps_unit, ps_finish, true};
