// The tape: what recording and playing back does to the lines of a frame.
#ifndef TA_SIMULATE_TAPE_H
#define TA_SIMULATE_TAPE_H

#include <libavutil/frame.h>
#include <stdint.h>

struct ta_tape_params {
    double noise, jitter, dropouts; // as in struct ta_scene_opts
    uint32_t seed;
};

// Filters and stocks of noise. Read-only once created.
struct ta_tape;
struct ta_tape *ta_tape_create(const struct ta_tape_params *p);
void ta_tape_destroy(struct ta_tape **t);
// Plays frame number n (8-bit 4:2:2, width 720) back, in place.
void ta_tape_play(const struct ta_tape *t, int64_t n, AVFrame *frame);

#endif
