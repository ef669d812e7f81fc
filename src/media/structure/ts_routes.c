// When all packets were seen: which roles continue which, by what identifier each is read, and the tables
// that say so.
#include <stdlib.h>
#include <string.h>

#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/ts_state.h"

#define HAND_OVER (2 * TA_TS_CLOCK) // at most between two streams of which one continues the other

// Does `b` go on where `a` ends, though both stand in one map?
static bool hands_over(const struct ta_ts_role *a, const struct ta_ts_role *b)
{
    if (a->programme != b->programme || a->kind != b->kind ||
        !ta_ts_same_language(a->language, b->language) || !ta_ts_is_stream(a->kind) || a->kind == 0x06 ||
        a->kind == 0x156 || a->kind == 0x159 || a->first < 0 || b->first < a->last || !a->timed || !b->timed)
        return false;
    int64_t between = (b->first_time - a->last_time) & (((int64_t)1 << TA_TS_CLOCK_BITS) - 1);
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
        int chain[TA_TS_ROLES], count = 0;
        for (int r = i; r != TA_TS_NO_ROLE && count < TA_TS_ROLES; r = t->roles[r].joined)
            chain[count++] = r;
        int shift = 0;
        for (int k = count - 2; k >= 0; k--) {
            const struct ta_ts_role *before = &t->roles[chain[k + 1]];
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
    bool used[TA_ROUTE_PIDS] = {false};
    int next = TA_ROUTE_PIDS - 2;
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
static void put_map(struct ta_routes *out, const struct ta_ts_map *m, const int *pids)
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
    for (int i = 0; i < t->turn_count && t->turn_count <= TA_ROUTE_TURNS; i++) {
        const struct ta_ts_role *r = &t->roles[t->turns[i].role];
        int first = t->turns[i].role;
        if (t->programmes[r->programme].together)
            continue;
        for (int k = 0; k < t->role_count; k++) {
            const struct ta_ts_role *other = &t->roles[k];
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
    int pids[TA_TS_ROLES];
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
        const struct ta_ts_change *c = &t->changes[i];
        out->routes[out->route_count++] = (struct ta_route){
            c->from, (uint16_t)c->pid, (uint16_t)pids[c->role],
            (uint8_t)((c->counter + t->roles[c->role].shift) & 15)};
    }
    qsort(out->routes, (size_t)out->route_count, sizeof(*out->routes), compare_routes);
    for (int i = 0; i < t->map_count; i++)
        put_map(out, t->maps[i], pids);
    qsort(out->tables, (size_t)out->table_count, sizeof(*out->tables), compare_tables);
}
