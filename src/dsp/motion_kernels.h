// The kernels of motion.h, compiled once for each instruction set by the file that includes this one. Most
// are plain C, written so that compilers turn them into vector code: each result depends on one position
// alone, and its operations have one order, so vectors of any width give the same bits. Blocks, whose rows
// are short, and sums over neighbours, which slide, are written out (motion_blocks.h).
#ifndef TA_DSP_MOTION_KERNELS_H
#define TA_DSP_MOTION_KERNELS_H

#include <string.h>

#include "dsp/motion.h"
#include "dsp/motion_blocks.h"

#ifndef TA_MOTION_TABLE
#define TA_MOTION_TABLE ta_motion_dsp_c
#define TA_MOTION_NAME "c"
#endif

enum {
    PIECE = 64, // of a row: what is kept of a piece stays in registers or the nearest cache
};

static void widen8(uint16_t *restrict dst, const uint8_t *restrict src, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(src[i] << (TA_MOTION_DEPTH - 8));
}

static void widen16(uint16_t *restrict dst, const uint16_t *restrict src, int depth, int n)
{
    int left = depth < TA_MOTION_DEPTH ? TA_MOTION_DEPTH - depth : 0;
    int right = depth > TA_MOTION_DEPTH ? depth - TA_MOTION_DEPTH : 0;
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(src[i] >> right << left);
}

static inline int narrowed(int x, int shift, int most)
{
    x = (x + (1 << shift >> 1)) >> shift;
    return x < most ? x : most;
}

static void narrow8(uint8_t *restrict dst, const uint16_t *restrict src, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint8_t)narrowed(src[i], TA_MOTION_DEPTH - 8, 255);
}

static void narrow16(uint16_t *restrict dst, const uint16_t *restrict src, int depth, int n)
{
    int left = depth > TA_MOTION_DEPTH ? depth - TA_MOTION_DEPTH : 0;
    int right = depth < TA_MOTION_DEPTH ? TA_MOTION_DEPTH - depth : 0, most = (1 << depth) - 1;
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(narrowed(src[i], right, most) << left);
}

// The sums of 16 weights fill 16 bits.
static inline void blur_piece(uint8_t *restrict dst, const uint16_t *const rows[3], int at, int n)
{
    const uint16_t *restrict a = rows[0] + at, *restrict b = rows[1] + at, *restrict c = rows[2] + at;
    uint16_t sums[PIECE + 2];
    for (int i = 0; i < n + 2; i++)
        sums[i] = (uint16_t)(a[i - 1] + 2 * b[i - 1] + c[i - 1]);
    for (int i = 0; i < n; i++) {
        uint16_t x = (uint16_t)(sums[i] + 2 * sums[i + 1] + sums[i + 2]);
        dst[at + i] = (uint8_t)(x >> (TA_MOTION_DEPTH - 4));
    }
}

static void blur(uint8_t *dst, const uint16_t *const rows[3], int n)
{
    int i = 0;
    for (; i + PIECE <= n; i += PIECE)
        blur_piece(dst, rows, i, PIECE);
    if (i < n)
        blur_piece(dst, rows, i, n - i);
}

static void halve(uint8_t *restrict dst, const uint8_t *const rows[2], int n)
{
    const uint8_t *restrict a = rows[0], *restrict b = rows[1];
    for (int i = 0; i < n; i++) {
        int left = (a[2 * i] + b[2 * i] + 1) >> 1, right = (a[2 * i + 1] + b[2 * i + 1] + 1) >> 1;
        dst[i] = (uint8_t)((left + right + 1) >> 1);
    }
}

static void vertical(uint16_t *restrict dst, const uint16_t *const rows[4], int n)
{
    const uint16_t *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2], *restrict d = rows[3];
    for (int i = 0; i < n; i++) {
        int x = (9 * (b[i] + c[i]) - (a[i] + d[i]) + 8) >> 4;
        x = x > 0 ? x : 0;
        dst[i] = (uint16_t)(x < MOST ? x : MOST);
    }
}

// The model of a guess's variance, in squared steps of 8 bits, as fitted to films whose originals are known:
// AT_LEAST, then by the mean square of what it fails to explain (NEAR) and by its square (FAR), and by the
// mean square between two ways to interpolate, times how little of its samples is true (PHASE).
#define UNIT (1.0f / (1 << 2 * (TA_MOTION_DEPTH - 8)))
#define AT_LEAST 0.02f
#define NEAR (0.127f * UNIT / (4 * TA_MOTION_BOX * TA_MOTION_BOX))
#define FAR (0.00817f * UNIT * UNIT / (16.0f * TA_MOTION_BOX * TA_MOTION_BOX * TA_MOTION_BOX * TA_MOTION_BOX))
#define PHASE (1.14f * UNIT / (4 * TA_MOTION_BOX * TA_MOTION_BOX))
#define BASE_LEAST 0.004f
#define BASE_SPREAD (0.5f * UNIT / (TA_MOTION_BOX * TA_MOTION_BOX))

enum { MOST_UNEXPLAINED = 20000 }; // a guess that is farther off is as bad: products of variances fit a float

// A guess's variance is least + d2 * (near + far * d2) + phase * doubt.
struct model {
    float least, near, far;
};

// Of a piece.
static inline __attribute__((always_inline)) void find_variances(float *restrict variances,
                                                                 const float *restrict doubts,
                                                                 const struct ta_motion_guess *g,
                                                                 const struct model *model, int at, int n)
{
    const uint16_t *restrict above = g->above + at, *restrict below = g->below + at;
    const float *restrict phase = g->phase + at;
    const float least = model->least, near = model->near, far = model->far;
    uint16_t sums[PIECE];
    for (int i = 0; i < n; i++) { // in 16 bits: more than fits is too much
        uint16_t x = (uint16_t)(above[i] + below[i]);
        x = x < above[i] ? MOST_UNEXPLAINED : x;
        sums[i] = x < MOST_UNEXPLAINED ? x : MOST_UNEXPLAINED;
    }
    for (int i = 0; i < n; i++) {
        float d = sums[i], d2 = d * d;
        variances[i] = least + d2 * (near + far * d2) + phase[i] * (PHASE * doubts[i]);
    }
}

// The mean weighted by 1 / v is the sum of each value times the variances of all others, by the sum of these:
// one division a sample.
static inline __attribute__((always_inline)) void fuse_piece(
    uint16_t *restrict dst, const uint16_t *restrict base, const uint16_t *restrict spread,
    const struct ta_motion_guess *guesses, const struct model *models, int count, int at, int n)
{
    float doubts[PIECE], variances[TA_MOTION_GUESSES][PIECE];
    for (int i = 0; i < n; i++)
        doubts[i] = (float)spread[at + i] * (float)spread[at + i];
    for (int k = 0; k < count; k++)
        find_variances(variances[k], doubts, &guesses[k], &models[k], at, n);
    for (int i = 0; i < n; i++) {
        float all = BASE_LEAST + BASE_SPREAD * doubts[i], weight = 1, sum = base[at + i];
        for (int k = 0; k < count; k++) {
            float v = variances[k][i];
            weight = weight * v + all;
            sum = sum * v + (float)guesses[k].row[at + i] * all;
            all *= v;
        }
        dst[at + i] = (uint16_t)(int32_t)(sum / weight + 0.5f);
    }
}

static inline __attribute__((always_inline)) void fuse_guesses(uint16_t *dst, const uint16_t *base,
                                                               const uint16_t *spread,
                                                               const struct ta_motion_guess *guesses,
                                                               int count, int n)
{
    struct model models[TA_MOTION_GUESSES];
    for (int k = 0; k < count; k++) {
        const struct ta_motion_guess *g = &guesses[k];
        models[k] = (struct model){AT_LEAST * g->trust, NEAR * g->strict * g->trust,
                                   FAR * g->strict * g->strict * g->trust};
    }
    int i = 0;
    for (; i + PIECE <= n; i += PIECE)
        fuse_piece(dst, base, spread, guesses, models, count, i, PIECE);
    if (i < n)
        fuse_piece(dst, base, spread, guesses, models, count, i, n - i);
}

static void fuse(uint16_t *dst, const uint16_t *base, const uint16_t *spread,
                 const struct ta_motion_guess *guesses, int count, int n)
{
    struct ta_motion_guess g[TA_MOTION_GUESSES]; // that no sample written can change
    memcpy(g, guesses, (size_t)count * sizeof *g);
    switch (count) { // each with its loop over guesses unrolled
    case 5:
        fuse_guesses(dst, base, spread, g, 5, n);
        break;
    case 4:
        fuse_guesses(dst, base, spread, g, 4, n);
        break;
    case 3:
        fuse_guesses(dst, base, spread, g, 3, n);
        break;
    case 2:
        fuse_guesses(dst, base, spread, g, 2, n);
        break;
    case 1:
        fuse_guesses(dst, base, spread, g, 1, n);
        break;
    default:
        fuse_guesses(dst, base, spread, g, 0, n);
    }
}

const struct ta_motion_dsp TA_MOTION_TABLE = {
    .name = TA_MOTION_NAME,
    .widen8 = widen8,
    .widen16 = widen16,
    .narrow8 = narrow8,
    .narrow16 = narrow16,
    .blur = blur,
    .halve = halve,
    .uneven = uneven,
    .search = search,
    .sad16_between = sad16_between,
    .between = between,
    .overlap = overlap,
    .differ = differ,
    .vertical = vertical,
    .fuse = fuse,
};

#endif
