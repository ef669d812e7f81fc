#include "media/routes.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

#define SYNC 0x47
#define HEAD_BYTES 16 // of what is written: packet size, three counts
#define START_BYTES 8
#define ROUTE_BYTES 13
#define TURN_BYTES 12
#define TURNS_SHIFT 16 // their number stands above the size of packets, where it was 0 before there were any
#define TABLE_BYTES (11 + 2 * TA_ROUTE_TABLE_BYTES)

void ta_routes_release(struct ta_routes *r)
{
    free(r->starts);
    free(r->routes);
    free(r->tables);
    *r = (struct ta_routes){0};
}

static void *copy_list(const void *list, int count, size_t size)
{
    void *copy = ta_xcalloc((size_t)count + 1, size);
    if (count)
        memcpy(copy, list, (size_t)count * size);
    return copy;
}

void ta_routes_copy(struct ta_routes *to, const struct ta_routes *from)
{
    *to = *from;
    to->starts = copy_list(from->starts, from->start_count, sizeof(*to->starts));
    to->routes = copy_list(from->routes, from->route_count, sizeof(*to->routes));
    to->tables = copy_list(from->tables, from->table_count, sizeof(*to->tables));
}

static int find_pid(const struct ta_routes *r, int pid)
{
    int found = pid;
    for (int i = 0; i < r->route_count; i++) {
        if (r->routes[i].to == pid)
            return pid;
        if (r->routes[i].pid == pid && found == pid)
            found = r->routes[i].to;
    }
    return found;
}

int ta_routes_find(const struct ta_routes *r, int pid)
{
    int found = find_pid(r, pid);
    for (int i = 0; i < r->turn_count; i++)
        if (r->turns[i].pid == found)
            return r->turns[i].of;
    return found;
}

// ---- as bytes ----

void ta_routes_write(const struct ta_routes *r, struct ta_buf *out)
{
    uint8_t b[TABLE_BYTES];
    AV_WL32(b, (uint32_t)r->packet_bytes | (uint32_t)r->turn_count << TURNS_SHIFT);
    AV_WL32(b + 4, (uint32_t)r->start_count);
    AV_WL32(b + 8, (uint32_t)r->route_count);
    AV_WL32(b + 12, (uint32_t)r->table_count);
    ta_buf_append(out, b, HEAD_BYTES);
    for (int i = 0; i < r->start_count; i++) {
        AV_WL64(b, (uint64_t)r->starts[i]);
        ta_buf_append(out, b, START_BYTES);
    }
    for (int i = 0; i < r->route_count; i++) {
        AV_WL64(b, (uint64_t)r->routes[i].from);
        AV_WL16(b + 8, r->routes[i].pid);
        AV_WL16(b + 10, r->routes[i].to);
        b[12] = r->routes[i].counter;
        ta_buf_append(out, b, ROUTE_BYTES);
    }
    for (int i = 0; i < r->table_count; i++) {
        const struct ta_route_table *t = &r->tables[i];
        AV_WL64(b, (uint64_t)t->from);
        AV_WL16(b + 8, t->pid);
        b[10] = t->size;
        memcpy(b + 11, t->before, TA_ROUTE_TABLE_BYTES);
        memcpy(b + 11 + TA_ROUTE_TABLE_BYTES, t->after, TA_ROUTE_TABLE_BYTES);
        ta_buf_append(out, b, TABLE_BYTES);
    }
    for (int i = 0; i < r->turn_count; i++) {
        AV_WL64(b, (uint64_t)r->turns[i].from);
        AV_WL16(b + 8, r->turns[i].pid);
        AV_WL16(b + 10, r->turns[i].of);
        ta_buf_append(out, b, TURN_BYTES);
    }
}

static bool parse_lists(struct ta_routes *r, const uint8_t *p)
{
    bool good = r->starts[0] >= 0;
    for (int i = 0; i < r->start_count; i++, p += START_BYTES) {
        r->starts[i] = (int64_t)AV_RL64(p);
        good &= r->starts[i] >= 0 && r->starts[i] < INT64_MAX / 2 && (!i || r->starts[i] > r->starts[i - 1]);
    }
    for (int i = 0; i < r->route_count; i++, p += ROUTE_BYTES) {
        struct ta_route *o = &r->routes[i];
        *o = (struct ta_route){(int64_t)AV_RL64(p), AV_RL16(p + 8), AV_RL16(p + 10), p[12]};
        good &= o->from >= (i ? o[-1].from : 0) && o->pid < TA_ROUTE_PIDS && o->to < TA_ROUTE_PIDS &&
                o->counter < 16;
    }
    for (int i = 0; i < r->table_count; i++, p += TABLE_BYTES) {
        struct ta_route_table *t = &r->tables[i];
        *t = (struct ta_route_table){.from = (int64_t)AV_RL64(p), .pid = AV_RL16(p + 8), .size = p[10]};
        memcpy(t->before, p + 11, TA_ROUTE_TABLE_BYTES);
        memcpy(t->after, p + 11 + TA_ROUTE_TABLE_BYTES, TA_ROUTE_TABLE_BYTES);
        good &= t->from >= (i ? t[-1].from : 0) && t->pid < TA_ROUTE_PIDS && t->size <= TA_ROUTE_TABLE_BYTES;
    }
    for (int i = 0; i < r->turn_count; i++, p += TURN_BYTES) {
        struct ta_route_turn *f = &r->turns[i];
        *f = (struct ta_route_turn){(int64_t)AV_RL64(p), AV_RL16(p + 8), AV_RL16(p + 10)};
        good &= f->from >= (i ? f[-1].from : 0) && f->pid < TA_ROUTE_PIDS && f->of < TA_ROUTE_PIDS;
    }
    return good;
}

bool ta_routes_parse(struct ta_routes *out, const void *data, size_t size)
{
    const uint8_t *p = data;
    *out = (struct ta_routes){0};
    if (size < HEAD_BYTES)
        return false;
    uint32_t step = AV_RL32(p) & 0xffff, turns = AV_RL32(p) >> TURNS_SHIFT, starts = AV_RL32(p + 4),
             routes = AV_RL32(p + 8), tables = AV_RL32(p + 12);
    if (step < TA_ROUTE_PACKET_BYTES || step > 256 || !starts || starts > TA_ROUTES_MAX ||
        routes > TA_ROUTES_MAX || tables > TA_ROUTES_MAX || turns > TA_ROUTE_TURNS ||
        size != HEAD_BYTES + (size_t)starts * START_BYTES + (size_t)routes * ROUTE_BYTES +
                    (size_t)tables * TABLE_BYTES + (size_t)turns * TURN_BYTES)
        return false;
    out->packet_bytes = (int)step;
    out->start_count = (int)starts;
    out->route_count = (int)routes;
    out->table_count = (int)tables;
    out->turn_count = (int)turns;
    out->starts = ta_xcalloc(starts, sizeof(*out->starts));
    out->routes = ta_xcalloc(routes + 1, sizeof(*out->routes));
    out->tables = ta_xcalloc(tables + 1, sizeof(*out->tables));
    bool good = parse_lists(out, p + HEAD_BYTES);
    if (!good)
        ta_routes_release(out);
    return good;
}

// ---- reading ----

struct ta_router {
    struct ta_routes routes;
    ta_router_read *read;
    void *priv;
    int64_t at; // the routes up to here are in force
    int next;   // the first that is not yet
    uint16_t to[TA_ROUTE_PIDS];
    uint8_t counter[TA_ROUTE_PIDS];
};

static void restart(struct ta_router *r)
{
    r->at = -1;
    r->next = 0;
    for (int i = 0; i < TA_ROUTE_PIDS; i++) {
        r->to[i] = (uint16_t)i;
        r->counter[i] = 0;
    }
}

struct ta_router *ta_router_create(const struct ta_routes *routes, ta_router_read *read, void *priv)
{
    struct ta_router *r = ta_xcalloc(1, sizeof(*r));
    ta_routes_copy(&r->routes, routes);
    r->read = read;
    r->priv = priv;
    restart(r);
    return r;
}

void ta_router_destroy(struct ta_router **r)
{
    if (!*r)
        return;
    ta_routes_release(&(*r)->routes);
    ta_freep(r);
}

static void change_table(const struct ta_router *r, int64_t at, int pid, uint8_t *p)
{
    int head = p[3] & 0x20 ? 5 + p[4] : 4, size = TA_ROUTE_PACKET_BYTES - head;
    const struct ta_route_table *found = NULL;
    for (int i = 0; i < r->routes.table_count && r->routes.tables[i].from <= at; i++) {
        const struct ta_route_table *t = &r->routes.tables[i];
        if (t->pid == pid && t->size == size && !memcmp(t->before, p + head, t->size))
            found = t;
    }
    if (found)
        memcpy(p + head, found->after, found->size);
}

// A whole packet, which begins at byte `at` of the file.
static void change_packet(struct ta_router *r, int64_t at, uint8_t *p)
{
    int pid = AV_RB16(p + 1) & 0x1fff;
    if (*p != SYNC)
        return;
    if (at < r->at)
        restart(r);
    for (r->at = at; r->next < r->routes.route_count && r->routes.routes[r->next].from <= at; r->next++) {
        const struct ta_route *o = &r->routes.routes[r->next];
        r->to[o->pid] = o->to;
        r->counter[o->pid] = o->counter;
    }
    if ((p[3] & 0x10) && (!(p[3] & 0x20) || p[4] < TA_ROUTE_TABLE_BYTES))
        change_table(r, at, pid, p);
    AV_WB16(p + 1, (AV_RB16(p + 1) & 0xe000) | r->to[pid]);
    p[3] = (uint8_t)((p[3] & 0xf0) | ((p[3] + r->counter[pid]) & 15));
}

// A packet of which `data` holds only a part, or of which only what is before `end` is there.
static int change_part(struct ta_router *r, int64_t at, int64_t end, int64_t position, uint8_t *data,
                       int size)
{
    uint8_t packet[TA_ROUTE_PACKET_BYTES];
    int have = 0;
    while (have < TA_ROUTE_PACKET_BYTES) {
        int got = r->read(r->priv, at + have, packet + have, TA_ROUTE_PACKET_BYTES - have);
        if (got < 0)
            return got;
        if (!got)
            return 0; // the end of the file, where half a packet is none
        have += got;
    }
    change_packet(r, at, packet);
    int64_t from = TA_MAX(at, position), to = TA_MIN(end, position + size);
    if (to > from)
        memcpy(data + (from - position), packet + (from - at), (size_t)(to - from));
    return 0;
}

int ta_router_apply(struct ta_router *r, int64_t position, uint8_t *data, int size)
{
    const struct ta_routes *o = &r->routes;
    int k = 0;
    while (k + 1 < o->start_count && o->starts[k + 1] <= position)
        k++;
    int64_t at = o->starts[k];
    if (position > at)
        at += (position - at) / o->packet_bytes * o->packet_bytes;
    while (at < position + size) {
        int64_t next = k + 1 < o->start_count ? o->starts[k + 1] : INT64_MAX;
        int64_t end = TA_MIN(at + TA_ROUTE_PACKET_BYTES, next);
        int ret = 0;
        if (at >= position && end <= position + size && end - at == TA_ROUTE_PACKET_BYTES)
            change_packet(r, at, data + (at - position));
        else if (end > position)
            ret = change_part(r, at, end, position, data, size);
        if (ret < 0)
            return ret;
        at += o->packet_bytes;
        if (at >= next) {
            at = next;
            k++;
        }
    }
    return 0;
}
