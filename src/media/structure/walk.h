// What the walk through a container and the formats that it knows say to each other. For src/media/structure/
// and structure.c alone.
#ifndef TA_MEDIA_STRUCTURE_WALK_H
#define TA_MEDIA_STRUCTURE_WALK_H

#include <stddef.h>

#include "media/structure.h"

#define TA_WALK_WINDOW_BYTES (1 << 17) // holds the largest page of Ogg

enum {
    TA_WALK_NO_UNIT = 0,     // what a format says of a place: else the length of the unit there
    TA_WALK_BEYOND_END = -1, // ... of which the last part is missing
    TA_WALK_MAX_SERIALS = 64,
};

struct ta_walk_mkv {      // the cluster that is walked through
    int64_t cluster, end; // where it begins, 0: none did yet; and ends, INT64_MAX: open
    int size_bytes;       // of its length
    int64_t time;         // of the cluster, -1: not known
    int64_t next_time;    // ... of the next one
    int last;             // of the last block, from the cluster's time
    int64_t tracks;       // a bit for each track of which there were blocks
    bool mended;          // a place in it was passed over
    int patches;          // that there were before
    bool astray;          // while searching: what follows belongs to another cluster, whose head is gone
};

struct ta_walk {
    ta_structure_read *read;
    void *priv;
    int64_t size; // of the file
    int err;
    int64_t start, length; // of the window
    int64_t ahead;         // bytes that are read at a time, at least
    bool searching;        // for the next unit behind a damaged place: nothing is noted
    bool strict;           // only what is hardly there by chance counts
    struct ta_structure *out;
    int64_t packet_bytes; // ASF, MPEG-TS: all have this size, so the next one is looked for by it at first
    bool corrects_errors; // ASF: packets begin with error correction
    struct {
        int64_t at; // of the last one (PVA)
        uint32_t serial, next;
        bool known;               // `next`
        bool open;                // a packet goes on on the next page
    } pages[TA_WALK_MAX_SERIALS]; // Ogg, PVA
    int serial_count;
    int64_t payloads, scrambled; // MPEG
    void *state;                 // a format's own, to be freed
    struct ta_walk_mkv mkv;
    uint8_t window[TA_WALK_WINDOW_BYTES];
};

struct ta_walk_format {
    int64_t (*begin)(struct ta_walk *w, int64_t *end); // first unit, and where units end; -1: not this format
    int64_t (*unit)(struct ta_walk *w, int64_t at);
    void (*finish)(struct ta_walk *w);                           // may be NULL, as may the next
    void (*broken)(struct ta_walk *w, int64_t from, int64_t to); // no unit stands there; then one does
    // Where no unit follows the latest one: one that begins within that, because bytes of it are missing; -1.
    // May be NULL. `to` lies before `from` then.
    int64_t (*within)(struct ta_walk *w, int64_t from);
};

// `count` bytes at `at`, valid until the next call; NULL where the file has fewer.
const uint8_t *ta_walk_look(struct ta_walk *w, int64_t at, int64_t count);
// `length`, or TA_WALK_BEYOND_END where the file ends before.
int64_t ta_walk_within(const struct ta_walk *w, int64_t at, int64_t length);
void ta_walk_patch(struct ta_walk *w, int64_t at, const void *bytes, size_t size);
void ta_walk_splice(struct ta_walk *w, struct ta_splice splice);
void ta_walk_gap(struct ta_walk *w, struct ta_structure_gap gap);

extern const struct ta_walk_format ta_walk_asf, ta_walk_avi, ta_walk_dirac, ta_walk_film, ta_walk_flv,
    ta_walk_ivf, ta_walk_jpeg, ta_walk_mkv, ta_walk_mp4, ta_walk_mxf, ta_walk_nut, ta_walk_obu, ta_walk_ogg,
    ta_walk_ps, ta_walk_pva, ta_walk_rm, ta_walk_ts, ta_walk_swf, ta_walk_wtv, ta_walk_y4m;

#endif
