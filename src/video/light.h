// How light changes from one moment to another: a camera opens or closes, a scene fades. What is found again
// is then brighter or darker throughout, and a mean over time would lag behind. One straight line for the
// whole picture, from what blocks show there to what they show here, sets that right; what changes in places
// alone, a shadow or something that was not found again, has no say.
//
// Thread-safety: Safe, for different results.
#ifndef TA_VIDEO_LIGHT_H
#define TA_VIDEO_LIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "video/motion.h"

struct ta_motion_moment;

// Levels of 8 bits here are `gain` times those there, and `offset`.
struct ta_light {
    double gain, offset;
};

enum { TA_LIGHT_SAMPLES = 16 }; // that a block's sum is of

// Of a moment with pictures to search, the sum of samples in each `every`th block both ways
// (ta_motion_blocks()), in steps of 8 bits.
void ta_light_sums(const struct ta_motion *m, const struct ta_motion_moment *moment, int every,
                   uint16_t *sums);
// By how many steps of 8 bits there is brighter than here, as long as nobody knows what has moved where: the
// middle of how far every second block's sums differ in place. 0 where they don't agree, and where it is more
// than light changes by in `away` moments: a flash is another picture.
int ta_light_change(const struct ta_motion *m, const uint16_t *here, const uint16_t *there, int away);
// From `there`, where `vectors` lead, to the moment that `sums` are of; blocks whose error is `far` or more
// have no say. As it was, where most blocks disagree on how it changed. False: it changed, and a line does
// not tell how, as in a flash.
bool ta_light_find(const struct ta_motion *m, const uint16_t *sums, const struct ta_motion_moment *there,
                   const struct ta_motion_vector *vectors, unsigned far, struct ta_light *light);
// What a sample of such a block there is to be raised by, in steps of 8 bits.
static inline double ta_light_shift(const struct ta_light *l, unsigned sum)
{
    return (l->gain - 1) * sum / TA_LIGHT_SAMPLES + l->offset;
}

#endif
