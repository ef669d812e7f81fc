// What both kinds of motion_blocks.h's kernels start from: sizes, windows, filters, places.
#ifndef TA_DSP_MOTION_PLACES_H
#define TA_DSP_MOTION_PLACES_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/motion.h"

enum {
    BLOCK = TA_MOTION_BLOCK,
    STEP = TA_MOTION_STEP,
    MARGIN = TA_MOTION_MARGIN,
    TAPS = TA_MOTION_TAPS,
    MOST = (1 << TA_MOTION_DEPTH) - 1,
    // Bits below while blocks are blended, so that four roundings stay far below a step, and while filters
    // run: what rings over still fits 16 bits.
    GUARD_BITS = 15 - TA_MOTION_DEPTH,
    BETWEEN_BITS = 2,
};

// Windows of the blocks that overlap in a cell, by column: a row that falls in 128ths of 1/32768. By row they
// fall and rise alike.
#define FALLS(i) (15 - 2 * (i))
#define WINDOW(y, x) (128 * FALLS(y) * FALLS(x))

// Filters for places between samples, by quarters: in units of 1/32768.
static const int16_t taps[TA_MOTION_FRACTIONS][TA_MOTION_TAPS] = {
    {0}, {-2304, 28416, 7424, -768}, {-2048, 18432, 18432, -2048}, {-768, 7424, 28416, -2304}};

// Places around one: at the sides, then in the corners.
static const int16_t ring[2 * TA_MOTION_TRIALS][2] = {{-1, 0},  {1, 0},  {0, -1}, {0, 1},
                                                      {-1, -1}, {1, -1}, {-1, 1}, {1, 1}};

static inline int clipped(int x, int least, int most)
{
    return x < least ? least : x > most ? most : x;
}

static inline int larger(int a, int b)
{
    return a > b ? a : b;
}

static inline int smaller(int a, int b)
{
    return a < b ? a : b;
}

static inline bool same_place(const struct ta_motion_block *above, const struct ta_motion_block *below)
{
    return above[0].at + STEP == above[1].at && below[0].at + STEP == below[1].at &&
           above[1].at == below[1].at && above[0].step == above[1].step && below[0].step == below[1].step &&
           above[0].step == below[0].step;
}

#endif
