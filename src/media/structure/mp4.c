// MP4 in fragments: boxes.
#include "media/structure/walk.h"

#include <string.h>

#include <libavutil/common.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mathematics.h>

#include "base/mem.h"

static bool is_box(const uint8_t *p)
{
    static const char names[][5] = {"moof", "mdat", "moov", "ftyp", "styp", "sidx", "ssix", "mfra", "free",
                                    "skip", "wide", "emsg", "prft", "uuid", "udta", "meta", "pnot"};
    for (size_t i = 0; i < TA_COUNT(names); i++)
        if (!memcmp(p + 4, names[i], 4))
            return true;
    return false;
}

// The length of the box there, whether or not the file has all of it.
static uint64_t box_length(struct ta_walk *w, int64_t at, const uint8_t *p)
{
    uint64_t length = AV_RB32(p);
    if (length == 1)
        length = w->size - at < 16 ? UINT64_MAX : AV_RB64(p + 8);
    return length;
}

// ---- fragments ----

#define LONGEST_GAP ((int64_t)1 << 36) // bytes missing in one place that are believed
#define NEAR_BOXES 8                   // from one fragment to the next
#define FARTHEST ((int64_t)1 << 60)    // place in a file that is believed

// Fragments may say where in the file their pictures and sound are: most name where they begin themselves,
// others where the bytes behind their head are. That tells how many bytes are missing before one.
struct fragments {
    int64_t latest;   // box, -1: none yet
    int64_t inserted; // bytes by splices so far
    bool told, wrong; // whether they say it, and do so as the first one did
    bool behind;      // from where the head ends
    int64_t offset;   // ... that is
};

// The first place that a fragment's tracks, or the one between `at` and `end`, name; -1: they name none.
static int64_t named_place(struct ta_walk *w, int64_t at, int64_t end, bool track)
{
    int64_t first = -1;
    for (int i = 0; i < 1000 && at + 8 <= end; i++) {
        const uint8_t *p = ta_walk_look(w, at, 8);
        int64_t length = p ? AV_RB32(p) : 0;
        if (length < 8 || length > end - at)
            return first;
        int64_t place = -1;
        if (!track && !memcmp(p + 4, "traf", 4))
            place = named_place(w, at + 8, at + length, true);
        else if (track && !memcmp(p + 4, "tfhd", 4) && length >= 24 && (p = ta_walk_look(w, at + 8, 16)) &&
                 (p[3] & 1))
            place = (int64_t)TA_MIN(AV_RB64(p + 8), (uint64_t)FARTHEST);
        if (place >= 0 && place < FARTHEST && (first < 0 || place < first))
            first = place;
        at += length;
    }
    return first;
}

// Where the fragment at `at` should be by what it says; -1: it says nothing.
static int64_t said_place(struct ta_walk *w, int64_t at, int64_t length)
{
    const struct fragments *f = w->state;
    int64_t place = f->told && !f->wrong ? named_place(w, at + 8, at + length, false) : -1;
    return place < 0 ? -1 : place - f->offset - (f->behind ? length : 0);
}

static void note_fragment(struct ta_walk *w, int64_t at, int64_t length)
{
    struct fragments *f = w->state;
    int64_t place = named_place(w, at + 8, at + length, false), here = at + f->inserted;
    if (place < 0)
        return;
    if (!f->told) {
        f->told = true;
        f->behind = place != here;
        f->offset = f->behind ? place - here - length : 0;
    }
    f->wrong |= said_place(w, at, length) != here;
}

static int64_t box_unit(struct ta_walk *w, int64_t at)
{
    const uint8_t *p = ta_walk_look(w, at, TA_MIN(w->size - at, 16));
    if (!p || w->size - at < 8)
        return TA_WALK_BEYOND_END;
    if (!is_box(p) || (w->strict && memcmp(p + 4, "moof", 4) != 0))
        return TA_WALK_NO_UNIT;
    bool fragment = !memcmp(p + 4, "moof", 4);
    uint64_t length = box_length(w, at, p);
    if (!length)
        return w->size - at;
    if (length < 8)
        return TA_WALK_NO_UNIT;
    if (length > (uint64_t)(w->size - at))
        return TA_WALK_BEYOND_END;
    if (!w->searching && w->state) {
        if (fragment)
            note_fragment(w, at, (int64_t)length);
        ((struct fragments *)w->state)->latest = at;
    }
    return (int64_t)length;
}

// ---- what tracks say of their length ----

#define LONGEST ((int64_t)1 << 40) // ticks that are believed
#define EDITS_MAX 64               // that are looked at
#define PLAIN_RATE 0x10000

struct track {
    uint32_t kind;  // "vide", "soun"
    int64_t scale;  // of its own times, a second
    int64_t said;   // by its own head, in that; -1: nothing
    int64_t listed; // by its entry in the film, in the film's times
    int64_t held;   // by the list of its samples; -1: none
    int edits;
    int64_t from[EDITS_MAX], length[EDITS_MAX]; // what they show of it: its times; the film's
};

static int64_t full_number(const uint8_t *p, bool wide)
{
    int64_t value = wide ? (int64_t)AV_RB64(p) : AV_RB32(p);
    bool unknown = wide ? value < 0 : value == UINT32_MAX;
    return unknown ? -1 : value;
}

static void read_head(struct ta_walk *w, int64_t at, int64_t size, struct track *t)
{
    const uint8_t *p = size >= 24 ? ta_walk_look(w, at, TA_MIN(size, 36)) : NULL;
    bool wide = p && p[0] == 1;
    if (!p || (wide && size < 36))
        return;
    t->scale = AV_RB32(p + (wide ? 20 : 12));
    t->said = full_number(p + (wide ? 24 : 16), wide);
}

static int64_t read_listed(struct ta_walk *w, int64_t at, int64_t size)
{
    const uint8_t *p = size >= 24 ? ta_walk_look(w, at, TA_MIN(size, 36)) : NULL;
    bool wide = p && p[0] == 1;
    return !p || (wide && size < 36) ? -1 : full_number(p + (wide ? 28 : 20), wide);
}

static void read_edits(struct ta_walk *w, int64_t at, int64_t size, struct track *t)
{
    const uint8_t *p = size >= 8 ? ta_walk_look(w, at, 8) : NULL;
    bool wide = p && p[0] == 1;
    int64_t step = wide ? 20 : 12, count = p ? TA_MIN(AV_RB32(p + 4), (size - 8) / step) : 0;
    for (int64_t i = 0; i < count && t->edits < EDITS_MAX; i++) {
        const uint8_t *e = ta_walk_look(w, at + 8 + i * step, step);
        int64_t length = e ? full_number(e, wide) : -1;
        int64_t from = e ? (wide ? (int64_t)AV_RB64(e + 8) : (int32_t)AV_RB32(e + 4)) : -1;
        bool plain = e && AV_RB32(e + step - 4) == PLAIN_RATE;
        if (!plain || length < 0 || length > LONGEST || from < 0 || from > LONGEST)
            continue;
        t->from[t->edits] = from;
        t->length[t->edits++] = length;
    }
}

static void read_samples(struct ta_walk *w, int64_t at, int64_t size, struct track *t)
{
    const uint8_t *p = size >= 8 ? ta_walk_look(w, at, 8) : NULL;
    int64_t count = p ? TA_MIN(AV_RB32(p + 4), (size - 8) / 8) : 0;
    t->held = count ? 0 : -1;
    for (int64_t i = 0; i < count && (p = ta_walk_look(w, at + 8 + i * 8, 8)) != NULL; i++) {
        int64_t more = (int64_t)AV_RB32(p) * (int32_t)AV_RB32(p + 4);
        t->held = more < 0 || t->held + more > LONGEST ? t->held : t->held + more;
    }
}

struct film {
    int64_t scale, said; // of its times, a second; its length in that
    bool fragments;
};

// The track that lacks most of what it says.
static void judge(struct ta_walk *w, const struct track *t, const struct film *f)
{
    if ((t->kind != MKTAG('v', 'i', 'd', 'e') && t->kind != MKTAG('s', 'o', 'u', 'n')) || t->held < 0 ||
        t->scale <= 0 || f->fragments)
        return;
    int64_t held = av_rescale(t->held, 1000000, t->scale);
    int64_t said = t->said < 0 || t->said > LONGEST ? 0 : av_rescale(t->said, 1000000, t->scale);
    for (int i = 0; i < t->edits && f->scale > 0; i++)
        said = TA_MAX(said, av_rescale(t->from[i], 1000000, t->scale) +
                                av_rescale(t->length[i], 1000000, f->scale));
    // Many write the film's length for each track.
    if (f->scale > 0 && t->listed > f->said && t->listed < LONGEST)
        said = TA_MAX(said, av_rescale(t->listed, 1000000, f->scale));
    struct ta_structure *s = w->out;
    if (said - held > s->track_stated_us - s->track_held_us) {
        s->track_stated_us = said;
        s->track_held_us = held;
    }
}

// Boxes within others, as deep as lists of samples lie.
static void read_boxes(struct ta_walk *w, int64_t at, int64_t end, int depth, struct track *t, struct film *f)
{
    for (int i = 0; i < 10000 && at + 8 <= end && depth < 6; i++) {
        const uint8_t *p = ta_walk_look(w, at, 8);
        int64_t length = p ? AV_RB32(p) : 0, body = at + 8;
        if (length < 8 || length > end - at)
            return;
        uint32_t name = AV_RL32(p + 4);
        if (name == MKTAG('t', 'r', 'a', 'k')) {
            struct track own = {.held = -1, .said = -1, .listed = -1};
            read_boxes(w, body, at + length, depth + 1, &own, f);
            judge(w, &own, f);
        } else if (name == MKTAG('m', 'd', 'i', 'a') || name == MKTAG('m', 'i', 'n', 'f') ||
                   name == MKTAG('s', 't', 'b', 'l') || name == MKTAG('e', 'd', 't', 's')) {
            read_boxes(w, body, at + length, depth + 1, t, f);
        } else if (name == MKTAG('m', 'v', 'e', 'x')) {
            f->fragments = true;
        } else if (name == MKTAG('m', 'v', 'h', 'd') || name == MKTAG('m', 'd', 'h', 'd')) {
            struct track head = {0};
            read_head(w, body, length - 8, &head);
            if (name == MKTAG('m', 'v', 'h', 'd')) {
                f->scale = head.scale;
                f->said = head.said;
            } else {
                t->scale = head.scale;
                t->said = head.said;
            }
        } else if (name == MKTAG('t', 'k', 'h', 'd')) {
            t->listed = read_listed(w, body, length - 8);
        } else if (name == MKTAG('h', 'd', 'l', 'r') && length >= 20 && !t->kind) {
            p = ta_walk_look(w, body + 8, 4);
            t->kind = p ? AV_RL32(p) : 0;
        } else if (name == MKTAG('e', 'l', 's', 't')) {
            read_edits(w, body, length - 8, t);
        } else if (name == MKTAG('s', 't', 't', 's')) {
            read_samples(w, body, length - 8, t);
        }
        at += length;
    }
}

// What is not in fragments has a list of its packets, by which libav goes.
static int64_t box_begin(struct ta_walk *w, int64_t *end)
{
    int64_t at = 0, length;
    (void)end;
    for (int i = 0; i < 1000 && (length = box_unit(w, at)) > 0; i++) {
        const uint8_t *p = ta_walk_look(w, at, 8);
        if (p && !memcmp(p + 4, "moof", 4)) {
            struct fragments *f = w->state = ta_xcalloc(1, sizeof(*f));
            f->latest = -1;
            return at;
        }
        if (p && !memcmp(p + 4, "moov", 4)) {
            struct track none = {0};
            struct film film = {0};
            read_boxes(w, at + 8, at + length, 0, &none, &film);
        }
        at += length;
    }
    return -1;
}

// A box of which bytes are missing is followed by the next fragment too early.
static int64_t box_within(struct ta_walk *w, int64_t from)
{
    const struct fragments *f = w->state;
    int64_t found = -1;
    w->searching = w->strict = true;
    for (int64_t at = f->latest + 8; f->latest >= 0 && at < from && found < 0 && w->err >= 0; at++) {
        int64_t length = box_unit(w, at);
        w->strict = false;
        if (length > 0 && box_unit(w, at + length) != TA_WALK_NO_UNIT)
            found = at;
        w->strict = true;
    }
    w->searching = w->strict = false;
    return found;
}

// How many bytes are missing (too many: negative) before the fragment at `to`, by what it says and the next
// one as well. False: they don't tell.
static bool find_missing(struct ta_walk *w, int64_t to, int64_t *missing)
{
    const struct fragments *f = w->state;
    bool any = false;
    int64_t at = to, length;
    w->searching = true;
    for (int i = 0; i < NEAR_BOXES && at < w->size && (length = box_unit(w, at)) > 0; i++, at += length) {
        const uint8_t *p = ta_walk_look(w, at, 8);
        int64_t place = p && !memcmp(p + 4, "moof", 4) ? said_place(w, at, length) : -1;
        if (place < 0)
            continue;
        int64_t more = place - at - f->inserted;
        any = at == to || (any && more == *missing);
        *missing = at == to ? more : *missing;
        if (at != to)
            break;
    }
    w->searching = false;
    return any && *missing < LONGEST_GAP;
}

// What lies between two boxes is one to be skipped; `at` is a byte of what is read.
static void skip(struct ta_walk *w, int64_t at, int64_t bytes)
{
    uint8_t head[16] = {0, 0, 0, 1, 'f', 'r', 'e', 'e'};
    if (bytes < 16) {
        AV_WB32(head, (uint32_t)bytes);
        if (bytes >= 8)
            ta_walk_patch(w, at, head, 8);
        return;
    }
    AV_WB64(head + 8, (uint64_t)bytes);
    ta_walk_patch(w, at, head, 16);
}

// Zeros stand for what is missing, so that all behind them is where fragments, and the list at the end, say.
static void box_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    struct fragments *f = w->state;
    int64_t start = f->latest, end = from, missing = 0;
    const uint8_t *p = to - from >= 16 ? ta_walk_look(w, from, 16) : NULL;
    bool tells = find_missing(w, to, &missing), media = p && !memcmp(p + 4, "mdat", 4);
    if (media) { // reaches beyond the end of the file
        int64_t most = to - from + (tells ? TA_MAX(missing, 0) : LONGEST_GAP);
        start = from;
        end = from + (int64_t)TA_MIN(box_length(w, from, p), (uint64_t)most);
    }
    if (!tells || to + missing < start + 16)
        missing = TA_MAX(end - to, 0);
    if (missing > 0)
        ta_walk_splice(w, (struct ta_splice){to, to, TA_SPLICE_ZEROS, missing, 1});
    else if (missing < 0)
        ta_walk_splice(w, (struct ta_splice){.from = to + missing, .to = to, .fill = TA_SPLICE_ZEROS});
    skip(w, end + f->inserted, to + missing - end);
    f->inserted += missing;
}

const struct ta_walk_format ta_walk_mp4 = {box_begin, box_unit, NULL, box_broken, box_within};
