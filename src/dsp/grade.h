// Kernels of the colour stage: rows of samples as floats, three channels at a time. All instruction sets give
// the same bits. Rows need no alignment; only what is named is written. `n` may be 0.
#ifndef TA_DSP_GRADE_H
#define TA_DSP_GRADE_H

#include <stdint.h>

// A table of three inputs and three outputs, interpolated in tetrahedra. Inputs are positions in the grid: 0
// is the first node, size - 1 the last. What lies outside takes the value at the nearest point of the grid
// plus `beyond` times the distance.
struct ta_grade_lut {
    const float *nodes; // 4 floats a node (the fourth unused), the first input fastest
    int size;           // of each side, 2 to 256
    float beyond[9];    // 3 x 3, rows are outputs
};

// A table for one channel, interpolated between neighbours; slope `beyond` outside of positions 0..size-1.
struct ta_grade_curve {
    const float *values;
    int size; // at least 2
    float beyond;
};

struct ta_grade_dsp {
    const char *name; // "c", "avx2", "avx512"

    // Samples to floats; look*() by a table of 256 or 65536 values.
    void (*widen8)(float *dst, const uint8_t *src, int n);
    void (*widen16)(float *dst, const uint16_t *src, int n);
    void (*look8)(float *dst, const uint8_t *src, const float *table, int n);
    void (*look16)(float *dst, const uint16_t *src, const float *table, int n);
    // Samples to samples by a table.
    void (*map8)(uint8_t *dst, const uint8_t *src, const uint8_t *table, int n);
    void (*map16)(uint16_t *dst, const uint16_t *src, const uint16_t *table, int n);
    // dst[0] = m0 u + m1 v + m2, dst[1] = m3 u + m4 v + m5, rounded and clipped to 0..max.
    void (*turn8)(uint8_t *const dst[2], const uint8_t *const src[2], const float m[6], int n);
    void (*turn16)(uint16_t *const dst[2], const uint16_t *const src[2], const float m[6], int max, int n);

    // dst = a wa + b wb
    void (*blend)(float *dst, const float *a, const float *b, float wa, float wb, int n);
    // `n` times `ratio` (2 or 4) floats from n: dst[ratio i + k] = src[i + at[k]] w[k] + src[i + at[k] + 1]
    // (1 - w[k]), at[k] being -1 or 0. Reads src[-1] to src[n].
    void (*expand)(float *dst, const float *src, int ratio, const int at[], const float w[], int n);
    // dst[i] = the sum of src[ratio i + first + k] w[k] over `taps` k, in this order.
    void (*shrink)(float *dst, const float *src, int ratio, int first, const float w[], int taps, int n);
    // The sum of `rows` rows, each with its weight, rounded to the nearest sample in 0..max.
    void (*pack8)(uint8_t *dst, const float *const src[], const float w[], int rows, int n);
    void (*pack16)(uint16_t *dst, const float *const src[], const float w[], int rows, int max, int n);

    // In place, on three channels: m holds three rows of (x, y, z, 1).
    void (*matrix)(float *const ch[3], const float m[12], int n);
    void (*lut)(float *const ch[3], const struct ta_grade_lut *lut, int n);
    // In place, on one channel. power(): x^e where x > 2^-10, a straight line to 0 below, x itself where x <
    // 0; within 2^-20 of 0..1.
    void (*curve)(float *x, const struct ta_grade_curve *curve, int n);
    void (*power)(float *x, float e, int n);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_grade_dsp *ta_grade_dsp(void);

// One a set of instructions, for the choice above and for tests.
extern const struct ta_grade_dsp ta_grade_dsp_c, ta_grade_dsp_avx2, ta_grade_dsp_avx512;

#endif
