// The kernels of recursive.h in plain C, one sample at a time: what the others are tested against.
#include "dsp/recursive.h"

enum { ZERO = 32768 }; // of differences

static unsigned average(unsigned a, unsigned b)
{
    return (a + b + 1) >> 1;
}

// (a + 2 b + c) / 4 in two roundings, as vector units do it.
static unsigned mean3(unsigned a, unsigned b, unsigned c)
{
    return average(average(a, c), b);
}

static unsigned distance(unsigned a, unsigned b)
{
    return a > b ? a - b : b - a;
}

// 0..32767
static unsigned slope(unsigned d, const struct ta_recursive_ramp *r)
{
    unsigned left = d < r->limit ? r->limit - d : 0;
    return ((left << r->shift) * r->scale) >> 16;
}

static unsigned square(unsigned x)
{
    return (x * x + 0x4000) >> 15;
}

// The part of b - a that `weight` (of 65536) takes, cut towards 0: what does not differ stays as it is.
static int part(unsigned a, unsigned b, unsigned weight)
{
    int p = (int)((distance(a, b) * weight) >> 16);
    return b > a ? p : -p;
}

static uint16_t difference(unsigned sample, unsigned state)
{
    return (uint16_t)average(sample, UINT16_MAX - state);
}

static void differ8(uint16_t *dst, const uint8_t *src, const uint16_t *state, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = difference((unsigned)src[i] << 8, state[i]);
}

static void differ16(uint16_t *dst, const uint16_t *src, const uint16_t *state, int shift, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = difference((uint16_t)(src[i] << shift), state[i]);
}

static void gather(uint16_t *mean, uint16_t *magnitude, const uint16_t *const e[3], int n)
{
    for (int i = 0; i < n; i++) {
        mean[i] = (uint16_t)mean3(e[0][i], e[1][i], e[2][i]);
        magnitude[i] = (uint16_t)mean3(distance(e[0][i], ZERO), distance(e[1][i], ZERO),
                                       distance(e[2][i], ZERO));
    }
}

static void motion(uint16_t *dst, const uint16_t *mean, const uint16_t *magnitude, const uint16_t *difference,
                   int n)
{
    for (int i = 0; i < n; i++) {
        unsigned m = distance(mean3(mean[i - 1], mean[i], mean[i + 1]), ZERO);
        unsigned around = mean3(magnitude[i - 1], magnitude[i], magnitude[i + 1]);
        unsigned own = distance(difference[i], ZERO);
        around = (around * TA_RECURSIVE_MEAN_MAGNITUDE) >> 16;
        own = (own * TA_RECURSIVE_OWN_MAGNITUDE) >> 16;
        m = m > around ? m : around;
        dst[i] = (uint16_t)(m > own ? m : own);
    }
}

static uint16_t follow(unsigned state, unsigned sample, unsigned motion_a, unsigned motion_b,
                       const struct ta_recursive_ramp *r)
{
    unsigned w = square(square(slope(average(motion_a, motion_b), r)));
    w = (w * 2 * TA_RECURSIVE_MEMORY) >> 16;
    return (uint16_t)((int)sample + part(sample, state, w));
}

static void follow8(uint16_t *state, const uint8_t *src, const uint16_t *a, const uint16_t *b,
                    const struct ta_recursive_ramp *r, int n)
{
    for (int i = 0; i < n; i++)
        state[i] = follow(state[i], (unsigned)src[i] << 8, a[i], b[i], r);
}

static void follow16(uint16_t *state, const uint16_t *src, const uint16_t *a, const uint16_t *b,
                     const struct ta_recursive_ramp *r, int shift, int n)
{
    for (int i = 0; i < n; i++)
        state[i] = follow(state[i], (uint16_t)(src[i] << shift), a[i], b[i], r);
}

// How far `b` draws `a`.
static int pull(unsigned a, unsigned b, const struct ta_recursive_ramp *r)
{
    return part(a, b, square(slope(distance(a, b), r)));
}

static void along(uint16_t *dst, const uint16_t *src, uint16_t *const pulls[TA_RECURSIVE_RADIUS],
                  const struct ta_recursive_ramp ramps[TA_RECURSIVE_RADIUS], int n)
{
    (void)pulls;
    for (int i = 0; i < n; i++) {
        int sum = src[i];
        for (int k = 1; k <= TA_RECURSIVE_RADIUS; k++) {
            sum += i >= k ? pull(src[i], src[i - k], &ramps[k - 1]) : 0;
            sum += i + k < n ? pull(src[i], src[i + k], &ramps[k - 1]) : 0;
        }
        dst[i] = (uint16_t)sum;
    }
}

static void across(uint16_t *const dst[TA_RECURSIVE_RADIUS + 1],
                   const uint16_t *const src[TA_RECURSIVE_RADIUS + 1], int above,
                   const struct ta_recursive_ramp ramps[TA_RECURSIVE_RADIUS], int n)
{
    for (int i = 0; i < n; i++) {
        int sum = src[0][i];
        for (int k = 1; k <= above; k++) {
            int p = pull(src[0][i], src[k][i], &ramps[k - 1]);
            sum += p;
            dst[k][i] = (uint16_t)(dst[k][i] - p);
        }
        dst[0][i] = (uint16_t)sum;
    }
}

static unsigned narrow(unsigned x, int shift)
{
    unsigned rounded = x + ((1u << shift) >> 1);
    return (rounded < UINT16_MAX ? rounded : UINT16_MAX) >> shift;
}

static void narrow8(uint8_t *dst, const uint16_t *src, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint8_t)narrow(src[i], 8);
}

static void narrow16(uint16_t *dst, const uint16_t *src, int shift, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)narrow(src[i], shift);
}

const struct ta_recursive_dsp ta_recursive_dsp_c = {
    .name = "c",
    .differ8 = differ8,
    .differ16 = differ16,
    .gather = gather,
    .motion = motion,
    .follow8 = follow8,
    .follow16 = follow16,
    .along = along,
    .across = across,
    .narrow8 = narrow8,
    .narrow16 = narrow16,
};
