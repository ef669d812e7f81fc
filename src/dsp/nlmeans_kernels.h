// The kernels of nlmeans.h, compiled once for each instruction set by the file that includes this one: plain
// C that compilers turn into vector code. Each result depends on one position alone, and its operations have
// one order, so vectors of any width give the same bits.
#ifndef TA_DSP_NLMEANS_KERNELS_H
#define TA_DSP_NLMEANS_KERNELS_H

#include "dsp/nlmeans.h"

#ifndef TA_NLMEANS_TABLE
#define TA_NLMEANS_TABLE ta_nlmeans_dsp_c
#define TA_NLMEANS_NAME "c"
#endif

enum { PIECE = 64 }; // of a row: sums of a piece stay in registers or the nearest cache

static void add(int32_t *restrict columns, const uint16_t *restrict a, const uint16_t *restrict b, int n)
{
    for (int i = 0; i < n; i++) {
        int32_t d = a[i] - b[i];
        columns[i] += d * d;
    }
}

static void slide(int32_t *restrict columns, const uint16_t *restrict a, const uint16_t *restrict b,
                  const uint16_t *restrict old_a, const uint16_t *restrict old_b, int n)
{
    for (int i = 0; i < n; i++) {
        int32_t d = a[i] - b[i], e = old_a[i] - old_b[i];
        columns[i] += d * d - e * e;
    }
}

// exp(y) for y in -6..0, within 3e-6 of the value: a polynomial for exp(y / 16), four times squared.
static inline float exponential(float y)
{
    float x = y * 0.0625f;
    float e = 1 + x * (1 + x * (0.5f + x * (0.166666667f + x * (0.0416666667f +
                                                                x * (0.00833333333f + x * 0.00138888889f)))));
    e *= e;
    e *= e;
    e *= e;
    return e * e;
}

static inline void gather_piece(float *restrict sum, float *restrict weight, const int32_t *restrict columns,
                                const uint16_t *restrict values, int patch, float scale, int n)
{
    int32_t distance[PIECE];
    for (int i = 0; i < n; i++)
        distance[i] = columns[i];
    for (int k = 1; k < patch; k++)
        for (int i = 0; i < n; i++)
            distance[i] += columns[i + k];
    // Compared as integers, by the sign of the difference: compilers make branches of choices between floats.
    int32_t limit = (int32_t)(5.54126354f / scale); // exp(-5.54) = 1/255
    for (int i = 0; i < n; i++) {
        int32_t d = distance[i] < limit ? distance[i] : limit;
        int32_t counts = (int32_t)((uint32_t)(distance[i] - limit) >> 31);
        float w = exponential((float)d * -scale) * (float)counts;
        weight[i] += w;
        sum[i] += w * (float)values[i];
    }
}

static void gather(float *sum, float *weight, const int32_t *columns, const uint16_t *values, int patch,
                   float scale, int n)
{
    int i = 0;
    for (; i + PIECE <= n; i += PIECE) {
        if (patch == 7) // the usual one, with its loop unrolled
            gather_piece(sum + i, weight + i, columns + i, values + i, 7, scale, PIECE);
        else
            gather_piece(sum + i, weight + i, columns + i, values + i, patch, scale, PIECE);
    }
    gather_piece(sum + i, weight + i, columns + i, values + i, patch, scale, n - i);
}

static void finish8(uint8_t *restrict dst, const float *restrict sum, const float *restrict weight,
                    const uint16_t *restrict values, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint8_t)(int32_t)((sum[i] + (float)values[i]) / (weight[i] + 1) + 0.5f);
}

static void finish16(uint16_t *restrict dst, const float *restrict sum, const float *restrict weight,
                     const uint16_t *restrict values, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(int32_t)((sum[i] + (float)values[i]) / (weight[i] + 1) + 0.5f);
}

const struct ta_nlmeans_dsp TA_NLMEANS_TABLE = {
    .name = TA_NLMEANS_NAME,
    .add = add,
    .slide = slide,
    .gather = gather,
    .finish8 = finish8,
    .finish16 = finish16,
};

#endif
