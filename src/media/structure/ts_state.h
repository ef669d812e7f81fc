// What the tables of a transport stream have said up to a place. For the files of ts_tables.h alone.
#ifndef TA_MEDIA_STRUCTURE_TS_STATE_H
#define TA_MEDIA_STRUCTURE_TS_STATE_H

#include "media/structure/ts_sections.h"
#include "media/structure/ts_tables.h"

enum {
    TA_TS_PROGRAMMES = 256, // most of each
    TA_TS_ROLES = 512,
    TA_TS_MAPS = 1024, // different ones
    TA_TS_CLOCK = 90000,
    TA_TS_CLOCK_BITS = 33,
};

struct ta_ts_role {
    uint32_t kind;
    int programme; // number of the slot
    int pid;       // under which it runs now
    int first_pid; // under which it ran first
    int joined;    // the role that this one continues; TA_TS_NO_ROLE
    int component;
    char language[4];
    bool present; // in the latest map
    bool timed;
    int64_t first, last; // bytes of its first and latest packet, -1: none yet
    int64_t first_time, last_time;
    int first_counter, last_counter; // as they are read
    int shift;                       // is added to its counters where it continues another role
};

struct ta_ts_programme {
    int number;
    bool listed; // in the latest list of programmes
    bool mapped; // a map of it was seen
    // Its pictures: which role's run now (one more than its number, 0: none yet), since when, and up to when.
    int pictures;
    int64_t since, until;
    bool together; // those of several run at once
};

struct ta_ts_change { // packets of `pid` are this role's from there on
    int64_t from;
    int pid, role, counter;
    bool counted;
};

struct ta_ts_turn { // a programme's pictures are this role's from there on
    int64_t from;
    int role;
};

struct ta_ts_map { // a programme map, when it was met
    struct ta_ts_section section;
    int pid;
    int roles[TA_TS_ENTRIES], places[TA_TS_ENTRIES], count; // of its entries
};

struct ta_ts_latest {                     // of one identifier of maps
    struct ta_ts_section section, before; // the open one, and the latest whole one
    int64_t from;                         // where that began
};

struct ta_ts_tables {
    int packet_bytes;
    int64_t expected;
    int64_t *starts;
    int start_count;
    struct ta_ts_latest *tables[TA_ROUTE_PIDS]; // of programmes and their maps
    bool seen[TA_ROUTE_PIDS];
    int64_t first_seen[TA_ROUTE_PIDS];
    uint8_t first_counter[TA_ROUTE_PIDS];
    int role[TA_ROUTE_PIDS];   // whose packets an identifier has now
    int change[TA_ROUTE_PIDS]; // the one in force; -1
    struct ta_ts_programme programmes[TA_TS_PROGRAMMES];
    int programme_count;
    struct ta_ts_role *roles;
    int role_count;
    struct ta_ts_change *changes;
    int change_count;
    struct ta_ts_turn turns[TA_ROUTE_TURNS];
    int turn_count; // may be more than there is room for
    struct ta_ts_map **maps;
    int map_count;
    bool too_much; // of anything: nothing is changed then
};
// Languages that may be one: that of either is not said, or they are the same.
bool ta_ts_same_language(const char *a, const char *b);

#endif
