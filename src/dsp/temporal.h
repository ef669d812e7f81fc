// Kernels of the temporal mean: what the same block says at other moments. Samples are 16-bit words of
// TA_MOTION_DEPTH bits (motion.h). All instruction sets give the same bits. Rows need no alignment; only what
// is named is read or written. `n` may be 0.
#ifndef TA_DSP_TEMPORAL_H
#define TA_DSP_TEMPORAL_H

#include <stddef.h>
#include <stdint.h>

#include "dsp/motion.h"

enum {
    TA_TEMPORAL_REFERENCES = 12, // of a block, at most
    TA_TEMPORAL_LIMIT = 4095,    // the largest
    TA_TEMPORAL_ONE = 32767,     // all of the weight
    TA_TEMPORAL_GUARD = 3,       // bits of a sum below a sample's
    TA_TEMPORAL_AROUND = 5,      // samples and rows that energy is of
    TA_TEMPORAL_SHARPEN = 256,   // the amount that adds the whole difference to the rows beside
};

// A block at another moment.
struct ta_temporal_reference {
    const uint16_t *at; // its first sample
    ptrdiff_t step;     // of its rows
    int16_t shift;      // that its samples are raised by first, -TA_TEMPORAL_LIMIT to TA_TEMPORAL_LIMIT
    int16_t weight;     // 0 to TA_TEMPORAL_ONE; those of all references come to no more than that
};

// A row in parts, whose sum it is: detail of one sample, of two, and the rest.
struct ta_temporal_parts {
    const float *rest, *near, *far;
    const float *strength;       // factor of the noise, squared
    float near_noise, far_noise; // mean square in each detail
};

struct ta_temporal_dsp {
    const char *name; // "c", "avx2", "avx512"

    // Adds to 8 rows of 16 sums what `count` references change of the block at `here`, of 16 by 16, in its
    // upper (half 0) or lower (half 1) rows: the weighted sum of how far they are from here, times a window
    // that rises and falls linearly. Up to `limit` a distance counts as it is, and beyond it the less the
    // larger it is, from twice the limit on not at all. `at` and `here` are the block's first row for both
    // halves. sums are in units of a sample >> TA_TEMPORAL_GUARD.
    void (*gather)(int16_t *sums, ptrdiff_t sums_step, const uint16_t *here, ptrdiff_t here_step,
                   const struct ta_temporal_reference *references, int count, int limit, int half);
    // Compares 8 rows of 8 samples with two others: bit x of bits[y] is set where the sample is by more than
    // `limit` larger than both of them, or smaller than both, and these differ by no more than that.
    void (*unlike)(uint8_t bits[8], const uint16_t *here, ptrdiff_t here_step,
                   const struct ta_motion_block others[2], int limit);
    // src with the sums added, rounded.
    void (*add)(uint16_t *dst, const uint16_t *src, const int16_t *sums, int n);
    // Adds `amount` / TA_TEMPORAL_SHARPEN of how far the row rows[1] is from both beside it, at most `limit`,
    // without leaving the range of the samples next to it: two on each side, one above, one below. rows[1] is
    // read from [-2] to [n + 1].
    void (*sharpen)(uint16_t *dst, const uint16_t *const rows[3], int amount, int limit, int n);
    // A row, rows[1], smoothed with its neighbours, by weights 1 2 1 both ways, and what that takes off. Rows
    // are read from [-1] to [n].
    void (*part_near)(float *smooth, float *detail, const uint16_t *const rows[3], int n);
    // The same of what was smoothed before, with neighbours that lie two apart: read from [-2] to [n + 1].
    void (*part_far)(float *smooth, float *detail, const float *const rows[3], int n);
    // Sums of squares over the TA_TEMPORAL_AROUND samples around each: read from [-2] to [n + 1].
    void (*energy)(float *dst, const float *detail, int n);
    // Puts a row together: each detail less by what share noise has in its energy, of the rows around.
    void (*calm)(uint16_t *dst, const struct ta_temporal_parts *parts,
                 const float *const near_energy[TA_TEMPORAL_AROUND],
                 const float *const far_energy[TA_TEMPORAL_AROUND], int n);
    // A row of `depth`, more than TA_MOTION_DEPTH and up to 16 bits, changed by what `made` differs from its
    // upper bits: where it does not, the lower ones stay.
    void (*correct)(uint16_t *dst, const uint16_t *src, const uint16_t *made, int depth, int n);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_temporal_dsp *ta_temporal_dsp(void);

// One a set of instructions, for the choice above and for tests.
extern const struct ta_temporal_dsp ta_temporal_dsp_c, ta_temporal_dsp_avx2, ta_temporal_dsp_avx512;

#endif
