// Kernels of motion estimation and compensation. Pictures that are searched are bytes; pictures that are
// taken from are 16-bit words that hold samples of TA_MOTION_DEPTH bits, whatever the source has, so that all
// depths have the same results. All instruction sets give the same bits. Rows need no alignment; only what is
// named is read or written. `n` may be 0.
#ifndef TA_DSP_MOTION_H
#define TA_DSP_MOTION_H

#include <stddef.h>
#include <stdint.h>

enum {
    TA_MOTION_DEPTH = 12,
    TA_MOTION_BLOCK = 16,    // side of a block
    TA_MOTION_STEP = 8,      // blocks lie so far apart: each overlaps its neighbours by half
    TA_MOTION_BOX = 9,       // samples in a row that differences are summed over
    TA_MOTION_MARGIN = 4,    // ... and how many of them lie on either side of the place
    TA_MOTION_FRACTIONS = 4, // places from one sample to the next
    TA_MOTION_GUESSES = 5,   // for a row, at most
    TA_MOTION_TAPS = 4,      // samples in a row that one between them is made from: 1 before, 2 behind
    TA_MOTION_TRIALS = 4,    // places that a block is compared with at a time
};

// A block of a picture that is taken from: its first sample and the distance of its rows in samples.
struct ta_motion_block {
    const uint16_t *at;
    ptrdiff_t step;
};

// What one reference says of a row that is to be made.
struct ta_motion_guess {
    const uint16_t *row;           // the samples it would put there
    const uint16_t *above, *below; // how far it is from what is known of the rows next to it: differ()'s sums
    const float *phase;            // 0 (its samples are true) to 4 (they are interpolated), times `trust`
    float trust;                   // factor of its variance
    float strict;                  // factor of the squares of what it does not explain
};

// Where a block has gone: in samples of the picture that was searched while it is searched, in quarters of a
// sample of luma beyond.
struct ta_motion_vector {
    int16_t x, y;
    uint16_t error; // sum of absolute differences between the blurred blocks, in 8 bits
};
struct ta_motion_place {
    int16_t x, y;
};

// A row of blocks to search: each is compared where two predictions, the block on its left and the one above
// say, then around the best of these, four places at a time: all of them, though predictions mostly agree,
// for comparing costs less than choosing what to compare. The cost of a place is the sum of absolute
// differences (of blocks of 16 by 16: every second row counts twice) and `stray` for each sample that it lies
// from the median of the vectors on the left, above, and above on the right; of equals the first stays.
struct ta_motion_row {
    const uint8_t *block, *place; // the first block, and its place in the other picture
    ptrdiff_t step;               // of the rows of both
    int side, pitch;              // of a block, 8 or 16; samples from one to the next
    int count;
    const struct ta_motion_place *first;  // predictions
    const struct ta_motion_place *second; // NULL: the vector above on the right, or none
    const struct ta_motion_vector *above; // NULL: unknown, the one on the left stands for it
    struct ta_motion_vector *vectors;     // the result
    // Places allowed: for the first block; x of others are `pitch` less each, but not beyond longest.
    int least_x, most_x, least_y, most_y, longest;
    int stray;
    int wide;   // the eight places so far around are tried first; 0: none
    int around; // then the 4 or 8 places next to the best
};

struct ta_motion_dsp {
    const char *name; // "c", "avx2", "avx512"

    // Samples of 8 bits, or of `depth`, 8 to 16, to TA_MOTION_DEPTH and back (rounded, at most all ones).
    void (*widen8)(uint16_t *dst, const uint8_t *src, int n);
    void (*widen16)(uint16_t *dst, const uint16_t *src, int depth, int n);
    void (*narrow8)(uint8_t *dst, const uint16_t *src, int n);
    void (*narrow16)(uint16_t *dst, const uint16_t *src, int depth, int n);

    // A row of a picture to search: weights 1 2 1 both ways, as bytes. Rows are read from [-1] to [n].
    void (*blur)(uint8_t *dst, const uint16_t *const rows[3], int n);
    // The mean of two columns by two rows, rounded up twice.
    void (*halve)(uint8_t *dst, const uint8_t *const rows[2], int n);

    // Of 8 by 16 samples, each second row, the sum of squares of differences from sample to sample.
    int (*uneven)(const uint8_t *at, ptrdiff_t step);
    // Finds where the blocks of rows have gone, one row after the other: each may have what is found for the
    // one before it above. Rows have the same side and count.
    void (*search)(const struct ta_motion_row *rows, int count);
    // Of a block of 16 by 16 whose samples are means of means, b[0] and b[1] and then with that of b[2] and
    // b[3], the sum of absolute differences; every second row counts twice.
    unsigned (*sad16_between)(const uint8_t *a, ptrdiff_t a_step, const uint8_t *const b[4],
                              ptrdiff_t b_step);

    // 16 rows of n columns, which are 16 and a multiple of 8, that lie between samples, by quarters of one, 0
    // to 3 each way and not both 0: by a filter of four taps along the row, then across. src is read one
    // before and two behind where there is a fraction.
    void (*between)(uint16_t *dst, ptrdiff_t dst_step, const uint16_t *src, ptrdiff_t step, int fraction_x,
                    int fraction_y, int n);
    // Puts a picture together, `cells` of 8 columns side by side, `rows` (1 to 8) of them: cell c is where
    // the lower halves of the blocks above[c] and above[c + 1] and the upper halves of below[c] and below[c +
    // 1] lie over each other; they are blended with windows that fall off linearly. above[c].at is the first
    // sample of the block's ninth row. Where all four are the same place of one picture, it is copied.
    void (*overlap)(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                    const struct ta_motion_block *below, int cells, int rows);

    // Sums of |a - b| over the 9 samples around each. Rows are read from [-4] to [n + 3].
    void (*differ)(uint16_t *dst, const uint16_t *a, const uint16_t *b, int n);
    // A row interpolated from those 3 and 1 above, 1 and 3 below: (9 near - far) / 16.
    void (*vertical)(uint16_t *dst, const uint16_t *const rows[4], int n);
    // The mean of `base` and what `count` references say, each weighted by the inverse of its variance as
    // modelled from how well it explains what is known, and from `spread`, differ()'s sums between two ways
    // to interpolate.
    void (*fuse)(uint16_t *dst, const uint16_t *base, const uint16_t *spread,
                 const struct ta_motion_guess *guesses, int count, int n);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_motion_dsp *ta_motion_dsp(void);

// One a set of instructions, for the choice above and for tests.
extern const struct ta_motion_dsp ta_motion_dsp_c, ta_motion_dsp_avx2, ta_motion_dsp_avx512;

#endif
