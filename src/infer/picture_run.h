// Pictures through a network that enlarges them: whole or by tiles, as many in a call as memory allows.
#ifndef TA_INFER_PICTURE_RUN_H
#define TA_INFER_PICTURE_RUN_H

#include "infer/pictures.h"

struct ta_cancel;

enum {
    TA_TILE_OVERLAP = 96, // pixels that neighbouring tiles share at least, or half a small tile
    TA_TILE_FADE = 8,     // in the middle of these, one fades into the other
    TA_TILE_MIN = 64,
};

// Thread-safety: Unsafe.
struct ta_picture_run;
struct ta_picture_run_params {
    struct ta_network *network;
    struct ta_network_use use;
    int made;          // planes of what comes out; 0: as many as go in
    int width, height; // of the pictures
    int tile;          // side of tiles; 0: whole pictures
    int batch;         // pictures, or tiles, in a call
    bool one_a_call;   // the network takes no more
};
// Bytes that tiles take; 0 for whole pictures. The network may be NULL.
int64_t ta_picture_run_bytes(const struct ta_picture_run_params *params);
// Takes memory for tiles once. TA_ERR_NOMEM after a message.
int ta_picture_run_create(struct ta_picture_run **out, const struct ta_picture_run_params *params,
                          struct ta_log *log);
void ta_picture_run_destroy(struct ta_picture_run **r);

// `count` pictures, each of planes x height x width numbers, to as many enlarged ones. Where the engine has
// not the memory, the batch is halved, then tiles are made, then halved, each said once in a warning; what
// fails still is the caller's affair. TA_ERR_* after a message.
int ta_picture_run(struct ta_picture_run *r, float *in, float *out, int count, const struct ta_cancel *cancel,
                   struct ta_log *log);
// Goes on with another network of the same kind, of the CPU for example.
// The one before it lives as long as the run: memory may be its.
void ta_picture_run_use_network(struct ta_picture_run *r, struct ta_network *network);

struct ta_picture_run_stats {
    int64_t calls;       // of the engine
    int64_t pictures;    // whole ones
    double busy;         // seconds in the engine
    int64_t allocations; // of memory for numbers, over its life
    int64_t bytes;       // of it, now
    int pinned;          // blocks of it that are the engine's, now
    int tile, batch;     // now
};
void ta_picture_run_get_stats(const struct ta_picture_run *r, struct ta_picture_run_stats *stats);

#endif
