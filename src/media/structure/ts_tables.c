// Streams of a broadcast are roles in a programme: pictures, sound in a language, subtitles. The first
// programme map gives each its identifier, by which it is read from then on, whatever later maps call it.
#include "media/structure/ts_tables.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/ts_sections.h"

#define PIDS TA_ROUTE_PIDS
#define PROGRAMMES_MAX 256
#define ROLES_MAX 512
#define MAPS_MAX 1024 // different ones
#define CLOCK 90000
#define CLOCK_BITS 33
#define SHORTEST_RUN (CLOCK / 5) // of pictures of one kind that others follow
#define TURNS_MAX TA_ROUTE_TURNS
#define HAND_OVER (2 * CLOCK) // at most between two streams of which one continues the other

struct role {
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

struct programme {
    int number;
    bool listed; // in the latest list of programmes
    bool mapped; // a map of it was seen
    // Its pictures: which role's run now (one more than its number, 0: none yet), since when, and up to when.
    int pictures;
    int64_t since, until;
    bool together; // those of several run at once
};

struct change { // packets of `pid` are this role's from there on
    int64_t from;
    int pid, role, counter;
    bool counted;
};

struct turn { // a programme's pictures are this role's from there on
    int64_t from;
    int role;
};

struct map { // a programme map, when it was met
    struct ta_ts_section section;
    int pid;
    int roles[TA_TS_ENTRIES], places[TA_TS_ENTRIES], count; // of its entries
};

struct latest {                           // of one identifier of maps
    struct ta_ts_section section, before; // the open one, and the latest whole one
    int64_t from;                         // where that began
};

struct ta_ts_tables {
    int packet_bytes;
    int64_t expected;
    int64_t *starts;
    int start_count;
    struct latest *tables[PIDS]; // of programmes and their maps
    bool seen[PIDS];
    int64_t first_seen[PIDS];
    uint8_t first_counter[PIDS];
    int role[PIDS];   // whose packets an identifier has now
    int change[PIDS]; // the one in force; -1
    struct programme programmes[PROGRAMMES_MAX];
    int programme_count;
    struct role *roles;
    int role_count;
    struct change *changes;
    int change_count;
    struct turn turns[TURNS_MAX];
    int turn_count; // may be more than there is room for
    struct map **maps;
    int map_count;
    bool too_much; // of anything: nothing is changed then
};

struct ta_ts_tables *ta_ts_tables_create(int packet_bytes)
{
    struct ta_ts_tables *t = ta_xcalloc(1, sizeof(*t));
    t->packet_bytes = packet_bytes;
    t->expected = -1;
    t->starts = ta_xcalloc(TA_ROUTES_MAX, sizeof(*t->starts));
    t->roles = ta_xcalloc(ROLES_MAX, sizeof(*t->roles));
    t->changes = ta_xcalloc(TA_ROUTES_MAX, sizeof(*t->changes));
    t->maps = ta_xcalloc(MAPS_MAX, sizeof(*t->maps));
    t->tables[0] = ta_xcalloc(1, sizeof(*t->tables[0]));
    for (int i = 0; i < PIDS; i++)
        t->role[i] = t->change[i] = TA_TS_NO_ROLE;
    return t;
}

void ta_ts_tables_destroy(struct ta_ts_tables **pt)
{
    struct ta_ts_tables *t = *pt;
    if (!t)
        return;
    for (int i = 0; i < PIDS; i++)
        free(t->tables[i]);
    for (int i = 0; i < t->map_count; i++)
        free(t->maps[i]);
    free(t->maps);
    free(t->changes);
    free(t->roles);
    free(t->starts);
    ta_freep(pt);
}

// ---- programmes ----

static int add_programme(struct ta_ts_tables *t, int number)
{
    for (int i = 0; i < t->programme_count; i++)
        if (t->programmes[i].number == number)
            return i;
    if (t->programme_count == PROGRAMMES_MAX) {
        t->too_much = true;
        return 0;
    }
    t->programmes[t->programme_count].number = number;
    return t->programme_count++;
}

static void read_programmes(struct ta_ts_tables *t, const uint8_t *p, int size)
{
    if (!p[6] && !p[7]) // one section says it all
        for (int i = 0; i < t->programme_count; i++)
            t->programmes[i].listed = false;
    for (int at = 8; at + 4 <= size - 4; at += 4) {
        int number = AV_RB16(p + at), pid = AV_RB16(p + at + 2) & 0x1fff;
        if (!number || !pid)
            continue;
        t->programmes[add_programme(t, number)].listed = true;
        if (!t->tables[pid])
            t->tables[pid] = ta_xcalloc(1, sizeof(*t->tables[pid]));
    }
}

// The slot of a programme: one of its own, or that of the only one that is no longer listed, which it
// follows.
static int find_programme(struct ta_ts_tables *t, int number)
{
    int slot = add_programme(t, number), gone = -1, count = 0;
    struct programme *p = &t->programmes[slot];
    if (p->mapped)
        return slot;
    for (int i = 0; i < t->programme_count; i++) {
        if (t->programmes[i].mapped && !t->programmes[i].listed) {
            gone = i;
            count++;
        }
    }
    if (count == 1 && p->listed) { // its streams are this one's, by its number
        int before = t->programmes[gone].number;
        t->programmes[gone].number = number;
        t->programmes[gone].listed = true;
        *p = (struct programme){.number = before};
        return gone;
    }
    p->mapped = true;
    return slot;
}

// ---- roles ----

static bool same_language(const char *a, const char *b)
{
    return !a[0] || !b[0] || !memcmp(a, b, 3);
}

static int count_kind(const struct ta_ts_entry *entries, int count, uint32_t kind)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        n += entries[i].kind == kind;
    return n;
}

static int count_present(const struct ta_ts_tables *t, int slot, uint32_t kind)
{
    int n = 0;
    for (int i = 0; i < t->role_count; i++)
        n += t->roles[i].programme == slot && t->roles[i].kind == kind && t->roles[i].present;
    return n;
}

// How well an entry fits a role that nobody has taken; 0: not at all.
static int rank(const struct role *r, const struct ta_ts_entry *e, bool alone)
{
    int by_pid = r->pid == e->pid;
    if (r->kind != e->kind || !(by_pid || (alone && r->present) || same_language(r->language, e->language)))
        return 0;
    bool language = r->language[0] && e->language[0] && !memcmp(r->language, e->language, 3);
    bool component = r->component >= 0 && r->component == e->component;
    return 1 + 2 * r->present + 4 * by_pid + 8 * component + 16 * language;
}

// The best pair first; of pairs that are equally good that which stands first in both.
static void match(struct ta_ts_tables *t, int slot, struct ta_ts_entry *entries, int count)
{
    bool taken[ROLES_MAX] = {false};
    for (;;) {
        int best = 0, role = -1, entry = -1;
        for (int i = 0; i < count; i++) {
            bool alone = count_kind(entries, count, entries[i].kind) == 1 &&
                         count_present(t, slot, entries[i].kind) == 1;
            for (int k = 0; k < t->role_count && entries[i].role == TA_TS_NO_ROLE; k++) {
                if (taken[k] || t->roles[k].programme != slot)
                    continue;
                int n = rank(&t->roles[k], &entries[i], alone);
                if (n > best) {
                    best = n;
                    role = k;
                    entry = i;
                }
            }
        }
        if (!best)
            return;
        taken[role] = true;
        entries[entry].role = role;
    }
}

static int add_role(struct ta_ts_tables *t, int slot, const struct ta_ts_entry *e)
{
    if (t->role_count == ROLES_MAX) {
        t->too_much = true;
        return 0;
    }
    t->roles[t->role_count] = (struct role){.kind = e->kind,
                                            .programme = slot,
                                            .pid = e->pid,
                                            .first_pid = e->pid,
                                            .joined = TA_TS_NO_ROLE,
                                            .first = -1,
                                            .last = -1};
    return t->role_count++;
}

static void change(struct ta_ts_tables *t, int pid, int role, int64_t from)
{
    if (t->role[pid] == role)
        return;
    if (t->change_count == TA_ROUTES_MAX) {
        t->too_much = true;
        return;
    }
    t->role[pid] = role;
    t->change[pid] = t->change_count;
    t->changes[t->change_count++] = (struct change){.from = from, .pid = pid, .role = role};
}

// From the packet with this counter on the role's packets are counted on.
static void count_change(struct ta_ts_tables *t, int pid, int counter)
{
    struct change *c = &t->changes[t->change[pid]];
    const struct role *r = &t->roles[c->role];
    if (!c->counted)
        c->counter = r->last >= 0 ? (r->last_counter + 1 - counter) & 15 : 0;
    c->counted = true;
}

// ---- programme maps ----

static void keep_map(struct ta_ts_tables *t, const struct map *map)
{
    // Maps of several programmes may take turns under one identifier.
    for (int i = t->map_count - 1; i >= 0; i--) {
        const struct map *m = t->maps[i];
        if (m->pid != map->pid || !ta_ts_section_equal(&m->section, &map->section))
            continue;
        if (!memcmp(m->roles, map->roles, sizeof(m->roles)))
            return;
        break;
    }
    if (t->map_count == MAPS_MAX)
        return;
    struct map *kept = ta_xcalloc(1, sizeof(*kept));
    *kept = *map;
    t->maps[t->map_count++] = kept;
}

static void read_map(struct ta_ts_tables *t, int pid, const struct ta_ts_section *s)
{
    struct ta_ts_entry entries[TA_TS_ENTRIES];
    int count = ta_ts_entries(s, entries);
    if (count < 0)
        return;
    int slot = find_programme(t, AV_RB16(s->bytes + 3));
    match(t, slot, entries, count);
    for (int i = 0; i < t->role_count; i++)
        if (t->roles[i].programme == slot)
            t->roles[i].present = false;
    struct map map = {.section = *s, .pid = pid, .count = count};
    int64_t from = s->pieces[0].at, before = t->tables[pid]->from;
    for (int i = 0; i < count && !t->too_much; i++) {
        struct ta_ts_entry *e = &entries[i];
        if (e->role == TA_TS_NO_ROLE)
            e->role = add_role(t, slot, e);
        struct role *r = &t->roles[e->role];
        r->pid = e->pid;
        r->present = true;
        r->component = e->component;
        if (e->language[0])
            memcpy(r->language, e->language, sizeof(r->language));
        // A stream may run a little before the map that names it.
        bool early = t->seen[e->pid] && t->role[e->pid] == TA_TS_NO_ROLE && t->first_seen[e->pid] > before;
        change(t, e->pid, e->role, early ? t->first_seen[e->pid] : from);
        if (early && r->last >= 0)
            count_change(t, e->pid, t->first_counter[e->pid]);
        map.roles[i] = e->role;
        map.places[i] = e->place;
    }
    keep_map(t, &map);
}

static void take_section(struct ta_ts_tables *t, int pid, struct latest *l)
{
    struct ta_ts_section *s = &l->section;
    const uint8_t *p = s->bytes;
    if (!ta_ts_section_is_good(s))
        return;
    bool same = l->before.length == s->length && ta_ts_section_equal(&l->before, s);
    if (!same && !pid && p[0] == 0x00)
        read_programmes(t, p, s->length);
    else if (!same && pid && p[0] == 0x02 && s->length >= 16)
        read_map(t, pid, s);
    l->before = *s;
    l->from = s->pieces[0].at;
}

static void read_table(struct ta_ts_tables *t, int pid, const uint8_t *packet, int64_t at)
{
    struct latest *l = t->tables[pid];
    struct ta_ts_section *s = &l->section;
    int head = packet[3] & 0x20 ? 5 + packet[4] : 4;
    if (!(packet[3] & 0x10) || head >= TA_ROUTE_PACKET_BYTES)
        return;
    const uint8_t *payload = packet + head;
    int size = TA_ROUTE_PACKET_BYTES - head, offset = 0;
    bool begins = packet[1] & 0x40;
    if (begins)
        offset = 1 + payload[0];
    if (s->open && !begins)
        ta_ts_section_add(s, payload, size, 0, size, at);
    else if (s->open && payload[0])
        ta_ts_section_add(s, payload, size, 1, TA_MIN(offset, size), at);
    if (ta_ts_section_is_whole(s)) {
        take_section(t, pid, l);
        s->open = false;
    }
    while (begins && offset < size && payload[offset] != 0xff) {
        *s = (struct ta_ts_section){.open = true};
        offset += ta_ts_section_add(s, payload, size, offset, size, at);
        if (!ta_ts_section_is_whole(s))
            break;
        take_section(t, pid, l);
        s->open = false;
    }
}

// ---- packets ----

static void note_start(struct ta_ts_tables *t, int64_t at)
{
    if (at != t->expected) {
        if (t->start_count == TA_ROUTES_MAX)
            t->too_much = true;
        else
            t->starts[t->start_count++] = at;
    }
    t->expected = at + t->packet_bytes;
}

// Pictures of a programme that are of another kind from some place on follow those before. Where two kinds
// take turns all the time they are two pictures.
static void note_pictures(struct ta_ts_tables *t, int role, int64_t time, int64_t at)
{
    struct programme *p = &t->programmes[t->roles[role].programme];
    if (!ta_ts_is_picture(t->roles[role].kind))
        return;
    if (p->pictures != role + 1) {
        bool first = !p->pictures;
        p->together |= !first && p->until - p->since < SHORTEST_RUN;
        if (!first && !p->together && t->turn_count < TURNS_MAX)
            t->turns[t->turn_count] = (struct turn){at, role};
        t->turn_count += !first && !p->together;
        p->pictures = role + 1;
        p->since = p->until = time;
    }
    p->since = TA_MIN(p->since, time);
    p->until = TA_MAX(p->until, time);
}

static void note_role(struct ta_ts_tables *t, int pid, const uint8_t *packet, int64_t at)
{
    struct role *r = &t->roles[t->role[pid]];
    int head = packet[3] & 0x20 ? 5 + packet[4] : 4, counter = packet[3] & 15;
    if (!(packet[3] & 0x10) || head >= TA_ROUTE_PACKET_BYTES)
        return;
    count_change(t, pid, counter);
    if (r->first < 0) {
        r->first = at;
        r->first_counter = counter;
    }
    r->last = at;
    r->last_counter = (counter + t->changes[t->change[pid]].counter) & 15;
    int64_t time = packet[1] & 0x40 ? ta_ts_time(packet + head, TA_ROUTE_PACKET_BYTES - head) : -1;
    if (time < 0)
        return;
    note_pictures(t, t->role[pid], time, at);
    if (!r->timed)
        r->first_time = time;
    r->timed = true;
    r->last_time = time;
}

void ta_ts_tables_packet(struct ta_ts_tables *t, const uint8_t *packet, int64_t at)
{
    int pid = AV_RB16(packet + 1) & 0x1fff;
    note_start(t, at);
    if (t->too_much || (packet[1] & 0x80))
        return;
    if (!t->seen[pid]) {
        t->first_seen[pid] = at;
        t->first_counter[pid] = packet[3] & 15;
    }
    t->seen[pid] = true;
    if (t->tables[pid])
        read_table(t, pid, packet, at);
    else if (t->role[pid] != TA_TS_NO_ROLE)
        note_role(t, pid, packet, at);
}

// ---- all together ----

// Does `b` go on where `a` ends, though both stand in one map?
static bool hands_over(const struct role *a, const struct role *b)
{
    if (a->programme != b->programme || a->kind != b->kind || !same_language(a->language, b->language) ||
        !ta_ts_is_stream(a->kind) || a->kind == 0x06 || a->kind == 0x156 || a->kind == 0x159 ||
        a->first < 0 || b->first < a->last || !a->timed || !b->timed)
        return false;
    int64_t between = (b->first_time - a->last_time) & (((int64_t)1 << CLOCK_BITS) - 1);
    return between > 0 && between < HAND_OVER;
}

static void join_roles(struct ta_ts_tables *t)
{
    for (int b = 0; b < t->role_count; b++) {
        for (int a = 0; a < t->role_count && t->roles[b].joined == TA_TS_NO_ROLE; a++) {
            bool continued = false;
            for (int i = 0; i < t->role_count; i++)
                continued |= t->roles[i].joined == a;
            if (a == b || continued || !hands_over(&t->roles[a], &t->roles[b]))
                continue;
            t->roles[b].joined = a;
        }
    }
    // In the order of the file, so that counters go on from what was made of those before.
    for (int i = 0; i < t->role_count; i++) {
        int chain[ROLES_MAX], count = 0;
        for (int r = i; r != TA_TS_NO_ROLE && count < ROLES_MAX; r = t->roles[r].joined)
            chain[count++] = r;
        int shift = 0;
        for (int k = count - 2; k >= 0; k--) {
            const struct role *before = &t->roles[chain[k + 1]];
            shift = (before->last_counter + shift + 1 - t->roles[chain[k]].first_counter) & 15;
        }
        t->roles[i].shift = count > 1 ? shift : 0;
    }
}

static int root(const struct ta_ts_tables *t, int role)
{
    while (t->roles[role].joined != TA_TS_NO_ROLE)
        role = t->roles[role].joined;
    return role;
}

// The identifier that each role is read by: its first one, or where another role had that, one that nobody
// has.
static bool choose_pids(const struct ta_ts_tables *t, int *pids)
{
    bool used[PIDS] = {false};
    int next = PIDS - 2;
    for (int i = 0; i < t->role_count; i++) {
        int pid = t->roles[i].first_pid;
        if (root(t, i) != i)
            continue;
        if (used[pid]) {
            while (next > 0 && (used[next] || t->seen[next]))
                next--;
            pid = next;
        }
        if (!pid)
            return false;
        used[pid] = true;
        pids[i] = pid;
    }
    for (int i = 0; i < t->role_count; i++)
        pids[i] = pids[root(t, i)];
    return true;
}

static void put_pid(uint8_t *p, int pid)
{
    AV_WB16(p, (AV_RB16(p) & 0xe000) | pid);
}

static int compare_tables(const void *a, const void *b)
{
    const struct ta_route_table *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

// The map with the identifiers that its streams are read by, as packets.
static void put_map(struct ta_routes *out, const struct map *m, const int *pids)
{
    const struct ta_ts_section *s = &m->section;
    uint8_t after[TA_TS_SECTION_BYTES];
    memcpy(after, s->bytes, (size_t)s->length);
    int clock = AV_RB16(after + 8) & 0x1fff;
    for (int i = 0; i < m->count; i++) {
        if ((AV_RB16(after + m->places[i]) & 0x1fff) == clock)
            put_pid(after + 8, pids[m->roles[i]]);
        put_pid(after + m->places[i], pids[m->roles[i]]);
    }
    uint32_t crc = av_crc(av_crc_get_table(AV_CRC_32_IEEE), UINT32_MAX, after, (size_t)s->length - 4);
    AV_WL32(after + s->length - 4, crc); // libav's is turned round
    int done = 0;
    for (int i = 0; i < s->piece_count && out->table_count < TA_ROUTES_MAX; i++) {
        const struct ta_ts_piece *p = &s->pieces[i];
        struct ta_route_table *table = &out->tables[out->table_count++];
        *table = (struct ta_route_table){.from = p->at, .pid = (uint16_t)m->pid, .size = p->size};
        memcpy(table->before, p->payload, p->size);
        memcpy(table->after, p->payload, p->size);
        int count = TA_MIN(p->size - p->offset, s->length - done);
        memcpy(table->after + p->offset, after + done, (size_t)count);
        done += count;
    }
}

// Turns of one kind of pictures into another.
static bool add_turns(struct ta_routes *out, const struct ta_ts_tables *t, const int *pids)
{
    for (int i = 0; i < t->turn_count && t->turn_count <= TURNS_MAX; i++) {
        const struct role *r = &t->roles[t->turns[i].role];
        int first = t->turns[i].role;
        if (t->programmes[r->programme].together)
            continue;
        for (int k = 0; k < t->role_count; k++) {
            const struct role *other = &t->roles[k];
            if (other->programme == r->programme && ta_ts_is_picture(other->kind) && other->timed &&
                other->first < t->roles[first].first)
                first = k;
        }
        out->turns[out->turn_count++] = (struct ta_route_turn){
            t->turns[i].from, (uint16_t)pids[t->turns[i].role], (uint16_t)pids[first]};
    }
    return out->turn_count > 0;
}

static int compare_routes(const void *a, const void *b)
{
    const struct ta_route *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

void ta_ts_tables_finish(struct ta_ts_tables *t, struct ta_routes *out)
{
    int pids[ROLES_MAX];
    bool changes = false;
    *out = (struct ta_routes){0};
    if (t->too_much || !t->role_count || !t->start_count)
        return;
    join_roles(t);
    if (!choose_pids(t, pids))
        return;
    for (int i = 0; i < t->change_count; i++)
        changes |= ta_ts_is_stream(t->roles[t->changes[i].role].kind) &&
                   t->changes[i].pid != pids[t->changes[i].role];
    changes |= add_turns(out, t, pids);
    if (!changes)
        return;
    out->packet_bytes = t->packet_bytes;
    out->starts = t->starts;
    out->start_count = t->start_count;
    t->starts = NULL;
    out->routes = ta_xcalloc((size_t)t->change_count + 1, sizeof(*out->routes));
    out->tables = ta_xcalloc(TA_ROUTES_MAX, sizeof(*out->tables));
    for (int i = 0; i < t->change_count; i++) {
        const struct change *c = &t->changes[i];
        out->routes[out->route_count++] = (struct ta_route){
            c->from, (uint16_t)c->pid, (uint16_t)pids[c->role],
            (uint8_t)((c->counter + t->roles[c->role].shift) & 15)};
    }
    qsort(out->routes, (size_t)out->route_count, sizeof(*out->routes), compare_routes);
    for (int i = 0; i < t->map_count; i++)
        put_map(out, t->maps[i], pids);
    qsort(out->tables, (size_t)out->table_count, sizeof(*out->tables), compare_tables);
}
