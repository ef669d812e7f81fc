// Streams of a broadcast are roles in a programme: pictures, sound in a language, subtitles. The first
// programme map gives each its identifier, by which it is read from then on, whatever later maps call it.
#include "media/structure/ts_tables.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/ts_state.h"

#define SHORTEST_RUN (TA_TS_CLOCK / 5) // of pictures of one kind that others follow

struct ta_ts_tables *ta_ts_tables_create(int packet_bytes)
{
    struct ta_ts_tables *t = ta_xcalloc(1, sizeof(*t));
    t->packet_bytes = packet_bytes;
    t->expected = -1;
    t->starts = ta_xcalloc(TA_ROUTES_MAX, sizeof(*t->starts));
    t->roles = ta_xcalloc(TA_TS_ROLES, sizeof(*t->roles));
    t->changes = ta_xcalloc(TA_ROUTES_MAX, sizeof(*t->changes));
    t->maps = ta_xcalloc(TA_TS_MAPS, sizeof(*t->maps));
    t->tables[0] = ta_xcalloc(1, sizeof(*t->tables[0]));
    for (int i = 0; i < TA_ROUTE_PIDS; i++)
        t->role[i] = t->change[i] = TA_TS_NO_ROLE;
    return t;
}

void ta_ts_tables_destroy(struct ta_ts_tables **pt)
{
    struct ta_ts_tables *t = *pt;
    if (!t)
        return;
    for (int i = 0; i < TA_ROUTE_PIDS; i++)
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
    if (t->programme_count == TA_TS_PROGRAMMES) {
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
    struct ta_ts_programme *p = &t->programmes[slot];
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
        *p = (struct ta_ts_programme){.number = before};
        return gone;
    }
    p->mapped = true;
    return slot;
}

// ---- roles ----

bool ta_ts_same_language(const char *a, const char *b)
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
static int rank(const struct ta_ts_role *r, const struct ta_ts_entry *e, bool alone)
{
    int by_pid = r->pid == e->pid;
    if (r->kind != e->kind ||
        !(by_pid || (alone && r->present) || ta_ts_same_language(r->language, e->language)))
        return 0;
    bool language = r->language[0] && e->language[0] && !memcmp(r->language, e->language, 3);
    bool component = r->component >= 0 && r->component == e->component;
    return 1 + 2 * r->present + 4 * by_pid + 8 * component + 16 * language;
}

// The best pair first; of pairs that are equally good that which stands first in both.
static void match(struct ta_ts_tables *t, int slot, struct ta_ts_entry *entries, int count)
{
    bool taken[TA_TS_ROLES] = {false};
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
    if (t->role_count == TA_TS_ROLES) {
        t->too_much = true;
        return 0;
    }
    t->roles[t->role_count] = (struct ta_ts_role){.kind = e->kind,
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
    t->changes[t->change_count++] = (struct ta_ts_change){.from = from, .pid = pid, .role = role};
}

// From the packet with this counter on the role's packets are counted on.
static void count_change(struct ta_ts_tables *t, int pid, int counter)
{
    struct ta_ts_change *c = &t->changes[t->change[pid]];
    const struct ta_ts_role *r = &t->roles[c->role];
    if (!c->counted)
        c->counter = r->last >= 0 ? (r->last_counter + 1 - counter) & 15 : 0;
    c->counted = true;
}

// ---- programme maps ----

static void keep_map(struct ta_ts_tables *t, const struct ta_ts_map *map)
{
    // Maps of several programmes may take turns under one identifier.
    for (int i = t->map_count - 1; i >= 0; i--) {
        const struct ta_ts_map *m = t->maps[i];
        if (m->pid != map->pid || !ta_ts_section_equal(&m->section, &map->section))
            continue;
        if (!memcmp(m->roles, map->roles, sizeof(m->roles)))
            return;
        break;
    }
    if (t->map_count == TA_TS_MAPS)
        return;
    struct ta_ts_map *kept = ta_xcalloc(1, sizeof(*kept));
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
    struct ta_ts_map map = {.section = *s, .pid = pid, .count = count};
    int64_t from = s->pieces[0].at, before = t->tables[pid]->from;
    for (int i = 0; i < count && !t->too_much; i++) {
        struct ta_ts_entry *e = &entries[i];
        if (e->role == TA_TS_NO_ROLE)
            e->role = add_role(t, slot, e);
        struct ta_ts_role *r = &t->roles[e->role];
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

static void take_section(struct ta_ts_tables *t, int pid, struct ta_ts_latest *l)
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
    struct ta_ts_latest *l = t->tables[pid];
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
    struct ta_ts_programme *p = &t->programmes[t->roles[role].programme];
    if (!ta_ts_is_picture(t->roles[role].kind))
        return;
    if (p->pictures != role + 1) {
        bool first = !p->pictures;
        p->together |= !first && p->until - p->since < SHORTEST_RUN;
        if (!first && !p->together && t->turn_count < TA_ROUTE_TURNS)
            t->turns[t->turn_count] = (struct ta_ts_turn){at, role};
        t->turn_count += !first && !p->together;
        p->pictures = role + 1;
        p->since = p->until = time;
    }
    p->since = TA_MIN(p->since, time);
    p->until = TA_MAX(p->until, time);
}

static void note_role(struct ta_ts_tables *t, int pid, const uint8_t *packet, int64_t at)
{
    struct ta_ts_role *r = &t->roles[t->role[pid]];
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
