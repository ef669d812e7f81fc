// What a mean over time leaves of the noise, taken off in space. A picture is parted into three: detail of
// one sample, detail of two, and the rest. Where the detail around a sample is no stronger than what is left
// of the noise, it goes; where it is much stronger, a picture's own, it stays as it is.
//
// Thread-safety: Unsafe; splits its work over the pool that it is given, with the same bits for any number of
// threads.
#ifndef TA_VIDEO_CALM_H
#define TA_VIDEO_CALM_H

#include <stdint.h>

#include "video/motion.h"

struct ta_pool;
struct ta_calm;

// For planes of the width and height. NULL: no memory.
struct ta_calm *ta_calm_create(int width, int height, struct ta_pool *pool);
void ta_calm_destroy(struct ta_calm **c);
int64_t ta_calm_bytes(int width, int height);

// How strong it is in the cell of 8 by 8 samples: 0, nothing, to 1.
typedef float ta_calm_strength(const void *arg, int x, int y);

// What a mean leaves of a sigma of 1 in the detail of one sample and of two.
struct ta_calm_left {
    double near, far;
};

// Makes `to` of `from`, whose borders are extended: noise of `sigma` steps of 8 bits in what the mean was
// made of. Borders of `to` are extended.
void ta_calm_run(struct ta_calm *c, const struct ta_motion_plane *from, const struct ta_motion_plane *to,
                 double sigma, const struct ta_calm_left *left, ta_calm_strength *strength, const void *arg);

#endif
