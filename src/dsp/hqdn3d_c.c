// The kernels of hqdn3d.h in plain C: what the others are tested against.
#include "dsp/hqdn3d.h"

#define INLINE static inline __attribute__((always_inline))

INLINE int widen(int sample, int depth)
{
    return (sample << (16 - depth)) + (((1 << (16 - depth)) - 1) >> 1);
}

INLINE int clip(int x)
{
    return x < UINT16_MAX ? x : UINT16_MAX;
}

INLINE int low_pass(int before, int sample, const int16_t *pull, int step)
{
    return clip(sample + pull[(before - sample) >> step]);
}

void ta_hqdn3d_along8(uint16_t *const dst[TA_HQDN3D_ROWS], const uint8_t *const src[TA_HQDN3D_ROWS], int top,
                      const struct ta_hqdn3d_curve *c, int n)
{
    const int16_t *pull = c->pull;
    const uint8_t *s0 = src[0], *s1 = src[1], *s2 = src[2], *s3 = src[3];
    uint16_t *d0 = dst[0], *d1 = dst[1], *d2 = dst[2], *d3 = dst[3];
    int x0 = widen(s0[0], 8) + (top ? pull[0] : 0), x1 = widen(s1[0], 8), x2 = widen(s2[0], 8),
        x3 = widen(s3[0], 8);
    for (int i = 0;;) {
        d0[i] = (uint16_t)x0;
        d1[i] = (uint16_t)x1;
        d2[i] = (uint16_t)x2;
        d3[i] = (uint16_t)x3;
        if (++i >= n)
            break;
        // 8 bits leave room above: nothing to clip.
        int a = widen(s0[i], 8), b = widen(s1[i], 8), e = widen(s2[i], 8), f = widen(s3[i], 8);
        x0 = a + pull[(x0 - a) >> 4];
        x1 = b + pull[(x1 - b) >> 4];
        x2 = e + pull[(x2 - e) >> 4];
        x3 = f + pull[(x3 - f) >> 4];
    }
}

void ta_hqdn3d_along16(uint16_t *const dst[TA_HQDN3D_ROWS], const uint16_t *const src[TA_HQDN3D_ROWS],
                       int depth, int top, const struct ta_hqdn3d_curve *c, int n)
{
    const int16_t *pull = c->pull;
    int x[TA_HQDN3D_ROWS];
    for (int r = 0; r < TA_HQDN3D_ROWS; r++)
        dst[r][0] = (uint16_t)(x[r] = clip(widen(src[r][0], depth) + (top && r == 0 ? pull[0] : 0)));
    for (int i = 1; i < n; i++)
        for (int r = 0; r < TA_HQDN3D_ROWS; r++)
            dst[r][i] = (uint16_t)(x[r] = low_pass(x[r], widen(src[r][i], depth), pull, c->step));
}

static void down(uint16_t *above, const uint16_t *row, const struct ta_hqdn3d_curve *c, int n)
{
    for (int i = 0; i < n; i++)
        above[i] = (uint16_t)low_pass(above[i], row[i], c->pull, c->step);
}

static void in_time8(uint8_t *dst, const uint16_t *row, uint16_t *before, const struct ta_hqdn3d_curve *c,
                     int n)
{
    for (int i = 0; i < n; i++) {
        before[i] = (uint16_t)low_pass(before[i], row[i], c->pull, c->step);
        dst[i] = (uint8_t)(before[i] >> 8);
    }
}

static void in_time16(uint16_t *dst, const uint16_t *row, uint16_t *before, int depth,
                      const struct ta_hqdn3d_curve *c, int n)
{
    for (int i = 0; i < n; i++) {
        before[i] = (uint16_t)low_pass(before[i], row[i], c->pull, c->step);
        dst[i] = (uint16_t)(before[i] >> (16 - depth));
    }
}

const struct ta_hqdn3d_dsp ta_hqdn3d_dsp_c = {
    .name = "c",
    .down = down,
    .in_time8 = in_time8,
    .in_time16 = in_time16,
};
