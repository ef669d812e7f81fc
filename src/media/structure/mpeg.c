// MPEG transport and program streams, and PVA, the transport of an early card.
#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/ts_tables.h"
#include "media/structure/walk.h"

#define PIDS 8192
#define NULL_PID 0x1fff
#define SYNC 0x47
#define LONGEST_STUFFING 2352  // zeros between packs: what is left of a sector
#define LONGEST_OPEN (1 << 22) // packet of a program stream that does not say its length

// ---- transport streams: packets of one size, counted in each stream ----

struct ts_pid {
    int64_t last;    // byte of the last packet with content
    uint8_t counter; // of it
    bool known, pes; // holds pictures, sound or the like, not tables
};

struct ts {
    int64_t packets, gaps;
    struct ta_ts_tables *tables;
    struct ts_pid pids[PIDS];
};

static int64_t ts_begin(struct ta_walk *w, int64_t *end)
{
    static const struct {
        int64_t bytes, start;
    } kinds[] = {{188, 0}, {192, 4}, {204, 0}};
    (void)end;
    for (size_t i = 0; i < TA_COUNT(kinds); i++) {
        bool all = true;
        for (int k = 0; k < 5 && all; k++) {
            const uint8_t *p = ta_walk_look(w, kinds[i].start + k * kinds[i].bytes, 4);
            all = p && *p == SYNC;
        }
        if (!all)
            continue;
        w->packet_bytes = kinds[i].bytes;
        w->ahead = TA_WALK_WINDOW_BYTES;
        struct ts *ts = w->state = ta_xcalloc(1, sizeof(*ts));
        ts->tables = ta_ts_tables_create((int)kinds[i].bytes);
        return kinds[i].start;
    }
    return -1;
}

// Does a packet that begins a unit begin one of a stream, rather than a table?
static bool begins_pes(const uint8_t *p)
{
    int at = p[3] & 0x20 ? 5 + p[4] : 4;
    return (p[1] & 0x40) && at + 3 <= 188 && AV_RB24(p + at) == 1;
}

static void ts_count(struct ta_walk *w, const uint8_t *p, int64_t at)
{
    struct ts *ts = w->state;
    int pid = AV_RB16(p + 1) & 0x1fff, counter = p[3] & 15;
    bool restarts = (p[3] & 0x20) && p[4] && (p[5] & 0x80);
    struct ts_pid *s = &ts->pids[pid];
    // One that reception knows to be wrong counts as missing.
    if (pid == NULL_PID || !(p[3] & 0x10) || (p[1] & 0x80))
        return;
    s->pes |= begins_pes(p);
    ts->packets++;
    // The same one may be sent twice.
    if (s->known && s->pes && !restarts && counter != s->counter && counter != ((s->counter + 1) & 15)) {
        ts->gaps++;
        ta_walk_gap(w, (struct ta_structure_gap){s->last, at, pid, (p[1] & 0x40) != 0});
    }
    s->counter = (uint8_t)counter;
    s->known = true;
    s->last = at;
}

static int64_t ts_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, 4);
    if (!p || *p != SYNC)
        return p ? TA_WALK_NO_UNIT : TA_WALK_BEYOND_END;
    if (w->strict && at + 3 * w->packet_bytes < w->size) {
        for (int k = 2; k <= 3; k++) {
            const uint8_t *next = ta_walk_look(w, at + k * w->packet_bytes, 1);
            if (!next || *next != SYNC)
                return TA_WALK_NO_UNIT;
        }
    }
    if (!w->searching && (p = ta_walk_look(w, at, TA_MIN(w->packet_bytes, w->size - at))) != NULL) {
        bool null = (AV_RB16(p + 1) & 0x1fff) == NULL_PID, payload = p[3] & 0x10;
        w->payloads += payload && !null;
        w->scrambled += payload && !null && (p[3] & 0xc0);
        if (w->size - at >= w->packet_bytes) {
            ts_count(w, p, at);
            ta_ts_tables_packet(((struct ts *)w->state)->tables, p, at);
        }
    }
    // The last one has no room for what others have before or behind their 188 bytes.
    return w->size - at >= 188 ? w->packet_bytes : TA_WALK_BEYOND_END;
}

static void counted_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    ta_walk_gap(w, (struct ta_structure_gap){from, to, -1, false});
    w->out->breaks--;
}

// Tables are never scrambled, and a recording may begin before the rest is.
static void ts_finish(struct ta_walk *w)
{
    struct ts *ts = w->state;
    struct ta_structure *s = w->out;
    ta_ts_tables_finish(ts->tables, &s->routes);
    ta_ts_tables_destroy(&ts->tables);
    s->encrypted = w->scrambled * 2 > w->payloads;
    if (ts->gaps * 8 <= ts->packets || ts->packets < 64)
        return;
    // Nobody counted there.
    int kept = 0;
    for (int i = 0; i < s->gap_count; i++)
        if (s->gaps[i].pid < 0)
            s->gaps[kept++] = s->gaps[i];
    s->gap_count = kept;
}

// ---- program streams: packs, packets ----

static int64_t ps_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 4);
    (void)end;
    return p && AV_RB32(p) == 0x1ba ? 0 : -1;
}

static bool ps_head(const uint8_t *p)
{
    return AV_RB24(p) == 1 && p[3] >= 0xb9;
}

// Zeros up to the next head, which some writers fill sectors with.
static int64_t ps_stuffing(struct ta_walk *w, int64_t at)
{
    for (int64_t n = 0; n < LONGEST_STUFFING && !w->strict; n++) {
        const uint8_t *p = ta_walk_look(w, at + n, 4);
        if (!p)
            return w->size - at;
        if (ps_head(p))
            return n;
        if (*p)
            break;
    }
    return TA_WALK_NO_UNIT;
}

// A packet of pictures that does not say its length ends where the next head is.
static int64_t ps_open(struct ta_walk *w, int64_t at)
{
    for (int64_t n = 6; n < LONGEST_OPEN; n++) {
        const uint8_t *p = ta_walk_look(w, at + n, 4);
        if (!p)
            return w->size - at;
        if (AV_RB24(p) == 1 && (p[3] == 0xba || p[3] == 0xb9 || p[3] >= 0xbd))
            return n;
    }
    return TA_WALK_NO_UNIT;
}

static int64_t ps_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, TA_MIN(14, w->size - at));
    int64_t have = w->size - at;
    if (!p || (have < 4 && w->searching))
        return TA_WALK_BEYOND_END;
    if (have >= 4 && !ps_head(p))
        return *p ? TA_WALK_NO_UNIT : ps_stuffing(w, at);
    if (have < 4)
        return !*p ? have : TA_WALK_BEYOND_END;
    if (p[3] == 0xb9)
        return 4;
    if (have < 14)
        return TA_WALK_BEYOND_END;
    if (p[3] == 0xba)
        return ta_walk_within(w, at, (p[4] & 0xc0) == 0x40 ? 14 + (p[13] & 7) : 12);
    bool pictures = (p[3] & 0xf0) == 0xe0;
    if (pictures && !w->searching) { // MPEG-2 says whether they are scrambled
        w->payloads++;
        w->scrambled += (p[6] & 0xc0) == 0x80 && (p[6] & 0x30);
    }
    if (pictures && !AV_RB16(p + 4) && !w->strict)
        return ps_open(w, at);
    return ta_walk_within(w, at, 6 + AV_RB16(p + 4));
}

// On a DVD some sectors of a scrambled title are always clear, and menus are.
static void ps_finish(struct ta_walk *w)
{
    w->out->encrypted = w->scrambled * 20 > w->payloads;
}

// ---- PVA: packets that are counted in each of two streams ----

static int64_t pva_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 8);
    (void)end;
    return p && AV_RB16(p) == 0x4156 && p[4] == 0x55 ? 0 : -1;
}

static int64_t pva_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, 8);
    if (!p)
        return TA_WALK_BEYOND_END;
    int stream = p[2], length = AV_RB16(p + 6);
    if (AV_RB16(p) != 0x4156 || stream < 1 || stream > 2 || p[4] != 0x55 || length > 6136)
        return TA_WALK_NO_UNIT;
    int counter = p[3];
    if (!w->searching) {
        int i = 0;
        while (i < w->serial_count && w->pages[i].serial != (uint32_t)stream)
            i++;
        if (i == w->serial_count)
            w->pages[w->serial_count++].serial = (uint32_t)stream;
        if (w->pages[i].known && w->pages[i].next != (uint32_t)counter)
            ta_walk_gap(w, (struct ta_structure_gap){w->pages[i].at, at, stream, false});
        w->pages[i].at = at;
        w->pages[i].next = (uint32_t)(counter + 1) & 0xff;
        w->pages[i].known = true;
    }
    return ta_walk_within(w, at, 8 + length);
}

const struct ta_walk_format ta_walk_ts = {ts_begin, ts_unit, ts_finish, counted_broken, NULL};
const struct ta_walk_format ta_walk_ps = {ps_begin, ps_unit, ps_finish, NULL, NULL};
const struct ta_walk_format ta_walk_pva = {pva_begin, pva_unit, NULL, counted_broken, NULL};
