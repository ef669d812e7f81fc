// Sections of a transport stream's tables, put together from packets, and what programme maps say of streams.
// For src/media/structure/ts_tables.c alone.
#ifndef TA_MEDIA_STRUCTURE_TS_SECTIONS_H
#define TA_MEDIA_STRUCTURE_TS_SECTIONS_H

#include <stdbool.h>

#include "media/routes.h"

enum {
    TA_TS_SECTION_BYTES = 1024, // the longest of programme maps
    TA_TS_PIECES = 8,           // packets that hold one section
    TA_TS_ENTRIES = 256,        // of one map
    TA_TS_NO_ROLE = -1,
};

struct ta_ts_piece { // of a section, in one packet
    int64_t at;
    uint8_t size, offset; // of the packet's payload; where the section goes on in it
    uint8_t payload[TA_ROUTE_TABLE_BYTES];
};

struct ta_ts_section { // that is being put together
    int length;        // known once three bytes are there
    int have, piece_count;
    bool open;
    uint8_t bytes[TA_TS_SECTION_BYTES];
    struct ta_ts_piece pieces[TA_TS_PIECES];
};

struct ta_ts_entry { // of a programme map
    int pid, component;
    int place;     // of the identifier, in the section
    uint32_t kind; // what is in it
    char language[4];
    int role;
};

// A packet's payload, from `offset` up to `end`: how many bytes were the open section's.
int ta_ts_section_add(struct ta_ts_section *s, const uint8_t *payload, int size, int offset, int end,
                      int64_t at);
bool ta_ts_section_is_whole(const struct ta_ts_section *s);
bool ta_ts_section_is_good(const struct ta_ts_section *s); // in force, and its checksum is right
// Do both lie in their packets in the same way?
bool ta_ts_section_equal(const struct ta_ts_section *a, const struct ta_ts_section *b);
// Entries of a programme map, TA_TS_ENTRIES at most; -1: it contradicts itself. What stands there twice
// counts once.
int ta_ts_entries(const struct ta_ts_section *s, struct ta_ts_entry *entries);
// Packets with times, rather than sections or data that nobody plays?
bool ta_ts_is_stream(uint32_t kind);
bool ta_ts_is_picture(uint32_t kind); // of moving pictures that a decoder may know
// The time in the head of a packet of a stream, of which `size` bytes are there; -1: none.
int64_t ta_ts_time(const uint8_t *p, int size);

#endif
