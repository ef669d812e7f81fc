// Transport streams whose packet identifiers change on the way: under which identifier each packet is read,
// so that a demuxer sees streams that keep theirs from start to end. The file is not changed.
#ifndef TA_MEDIA_ROUTES_H
#define TA_MEDIA_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ta_buf;

enum {
    TA_ROUTE_PACKET_BYTES = 188,
    TA_ROUTE_PIDS = 8192,
    TA_ROUTE_TABLE_BYTES = 184, // what a packet has room for
    TA_ROUTES_MAX = 4096,       // of each of the lists below
    TA_ROUTE_TURNS = 64,
};

struct ta_route { // packets of `pid` from byte `from` on
    int64_t from;
    uint16_t pid, to;
    uint8_t counter; // is added to theirs
};

struct ta_route_table { // a packet of a programme map from byte `from` on that holds this
    int64_t from;
    uint16_t pid;
    uint8_t size;
    uint8_t before[TA_ROUTE_TABLE_BYTES], after[TA_ROUTE_TABLE_BYTES];
};

struct ta_route_turn { // pictures that go on as another kind: from byte `from` on they are those of `pid`,
    int64_t from;      // which follow those of `of`, the first ones
    uint16_t pid, of;
};

// Everything ascending by place.
struct ta_routes {
    int packet_bytes; // from packet to packet: 188, 192, 204; 0: nothing changes
    int64_t *starts;  // where packets follow each other anew
    struct ta_route *routes;
    struct ta_route_table *tables;
    int start_count, route_count, table_count;
    struct ta_route_turn turns[TA_ROUTE_TURNS];
    int turn_count;
};

void ta_routes_release(struct ta_routes *r);
void ta_routes_copy(struct ta_routes *to, const struct ta_routes *from);
// The identifier under which a stream is read that a demuxer without routes finds under `pid`; of pictures
// that follow others, theirs.
int ta_routes_find(const struct ta_routes *r, int pid);

void ta_routes_write(const struct ta_routes *r, struct ta_buf *out);
// false: that is none; nothing is to be released then.
bool ta_routes_parse(struct ta_routes *out, const void *data, size_t size);

// Reads by routes. Thread-safety: Unsafe; every reader has its own.
struct ta_router;

// Up to `size` bytes of the file at `position`: how many, 0 at the end, an AVERROR.
typedef int ta_router_read(void *priv, int64_t position, uint8_t *data, int size);

// `routes` is copied. `read` is asked for the rest of packets of which the bytes at hand are a part.
struct ta_router *ta_router_create(const struct ta_routes *routes, ta_router_read *read, void *priv);
void ta_router_destroy(struct ta_router **r);
// Changes `size` bytes that were read at `position`. 0 or an AVERROR.
int ta_router_apply(struct ta_router *r, int64_t position, uint8_t *data, int size);

#endif
