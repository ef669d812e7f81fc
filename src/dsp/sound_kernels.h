// The kernels of sound.h, compiled once for each instruction set by the file that includes this one: plain C
// that compilers turn into vector code.
#ifndef TA_DSP_SOUND_KERNELS_H
#define TA_DSP_SOUND_KERNELS_H

#include "dsp/sound.h"

#ifndef TA_SOUND_TABLE
#define TA_SOUND_TABLE ta_sound_dsp_c
#define TA_SOUND_NAME "c"
#endif

enum { LANES = TA_SOUND_LANES };

static float sum_of(const float *lanes)
{
    float four[4];
    for (int i = 0; i < 4; i++)
        four[i] = (lanes[i] + lanes[i + 4]) + (lanes[i + 8] + lanes[i + 12]);
    return (four[0] + four[1]) + (four[2] + four[3]);
}

static float dot(const float *a, const float *b, size_t n)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lanes[k] += a[i + k] * b[i + k];
    for (size_t k = 0; i + k < n; k++)
        lanes[k] += a[i + k] * b[i + k];
    return sum_of(lanes);
}

static void accumulate(float *restrict to, const float *restrict from, float gain, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += gain * from[i];
}

static void turn(float *restrict c, float *restrict s, const float *restrict c1, const float *restrict s1,
                 size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = c[i] * c1[i] - s[i] * s1[i], y = c[i] * s1[i] + s[i] * c1[i];
        c[i] = x;
        s[i] = y;
    }
}

static void subtract(float *restrict x, const float *restrict c, const float *restrict s, const float from[2],
                     const float to[2], size_t n)
{
    float step = n ? 1.0f / (float)n : 0;
    float a = from[0], b = from[1], da = (to[0] - a) * step, db = (to[1] - b) * step;
    for (int i = 0; i < (int)n; i++)
        x[i] -= (a + da * (float)i) * c[i] + (b + db * (float)i) * s[i];
}

static void filter(float *restrict to, const float *restrict from, const float *restrict weights, size_t taps,
                   size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        float lanes[LANES] = {0};
        for (size_t k = 0; k < taps; k++)
            for (size_t l = 0; l < LANES; l++)
                lanes[l] += weights[k] * from[i + k + l];
        for (size_t l = 0; l < LANES; l++)
            to[i + l] = lanes[l];
    }
    for (; i < n; i++) {
        float sum = 0;
        for (size_t k = 0; k < taps; k++)
            sum += weights[k] * from[i + k];
        to[i] = sum;
    }
}

const struct ta_sound_dsp TA_SOUND_TABLE = {
    .name = TA_SOUND_NAME,
    .dot = dot,
    .accumulate = accumulate,
    .turn = turn,
    .subtract = subtract,
    .filter = filter,
};

#endif
