// What the walk through a container and the formats that it knows say to each other. For src/media/structure/
// and structure.c alone.
#ifndef TA_MEDIA_STRUCTURE_WALK_H
#define TA_MEDIA_STRUCTURE_WALK_H

#include "media/structure.h"

#define TA_WALK_WINDOW_BYTES (1 << 17) // holds the largest page of Ogg
#define TA_WALK_NO_UNIT 0              // what a format says of a place: else the length of the unit there
#define TA_WALK_BEYOND_END -1          // ... of which the last part is missing
#define TA_WALK_MAX_SERIALS 64

struct ta_walk {
    ta_structure_read *read;
    void *priv;
    int64_t size; // of the file
    int err;
    int64_t start, length; // of the window
    bool searching;        // for the next unit behind a damaged place: nothing is noted
    bool strict;           // only what is hardly there by chance counts
    struct ta_structure *out;
    int64_t packet_bytes; // ASF, MPEG-TS: all have this size, so the next one is looked for by it at first
    bool corrects_errors; // ASF: packets begin with error correction
    struct {
        uint32_t serial, next;
        bool known; // `next`
        bool ended;
    } pages[TA_WALK_MAX_SERIALS]; // Ogg
    int serial_count;
    int64_t payloads, scrambled; // MPEG
    uint8_t window[TA_WALK_WINDOW_BYTES];
};

struct ta_walk_format {
    int64_t (*begin)(struct ta_walk *w, int64_t *end); // first unit, and where units end; -1: not this format
    int64_t (*unit)(struct ta_walk *w, int64_t at);
    void (*finish)(struct ta_walk *w);
    bool only_scrambling; // damage is seen elsewhere
};

// `count` bytes at `at`, valid until the next call; NULL where the file has fewer.
const uint8_t *ta_walk_look(struct ta_walk *w, int64_t at, int64_t count);
// `length`, or TA_WALK_BEYOND_END where the file has no such length behind `at`.
int64_t ta_walk_within(const struct ta_walk *w, int64_t at, int64_t length);

extern const struct ta_walk_format ta_walk_asf, ta_walk_avi, ta_walk_flv, ta_walk_mkv, ta_walk_mxf,
    ta_walk_ogg, ta_walk_ps, ta_walk_ts;

#endif
