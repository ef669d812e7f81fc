// The kernels of hdr.h, compiled once for each instruction set by the file that includes this one. The loops
// are plain C that compilers turn into vector code. Each result depends on one pixel alone and its operations
// have one order; what is summed over pixels is whole numbers: vectors of any width give the same bits.
#ifndef TA_DSP_HDR_KERNELS_H
#define TA_DSP_HDR_KERNELS_H

#include <string.h>

#include "dsp/hdr.h"

#ifndef TA_HDR_TABLE
#define TA_HDR_TABLE ta_hdr_dsp_c
#define TA_HDR_NAME "c"
#endif

#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

enum { BLOCK = 256 }; // pixels at a time: what lies between the loops stays in the first cache

// Places in the table of light.
static void to_steps(int32_t at[3][BLOCK], const uint16_t *const src[3], const struct ta_hdr *h, int n)
{
    int32_t *restrict r = at[0], *restrict g = at[1], *restrict b = at[2];
    const uint16_t *restrict y = src[0], *restrict u = src[1], *restrict v = src[2];
    float zero = h->y_zero, scale = h->y_scale, r_v = h->r_v, g_u = h->g_u, g_v = h->g_v, b_u = h->b_u;
    float top = h->top;
    for (int i = 0; i < n; i++) {
        float l = ((float)y[i] - zero) * scale, cb = (float)(u[i] - 32768), cr = (float)(v[i] - 32768);
        float red = l + r_v * cr, green = l + g_u * cb + g_v * cr, blue = l + b_u * cb;
        red = MAX_OF(red, 0);
        green = MAX_OF(green, 0);
        blue = MAX_OF(blue, 0);
        r[i] = (int32_t)(MIN_OF(red, top) + 0.5f);
        g[i] = (int32_t)(MIN_OF(green, top) + 0.5f);
        b[i] = (int32_t)(MIN_OF(blue, top) + 0.5f);
    }
}

static void look_up(float *restrict dst, const int32_t *restrict at, const float *restrict table, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = table[at[i]];
}

// To BT.2020. Colours beyond that are brought to its edge.
static void change_gamut(float ch[3][BLOCK], float *restrict luminance, const struct ta_hdr *h, int n)
{
    float *restrict r = ch[0], *restrict g = ch[1], *restrict b = ch[2];
    const float *m = h->gamut;
    float m0 = m[0], m1 = m[1], m2 = m[2], m3 = m[3], m4 = m[4], m5 = m[5], m6 = m[6], m7 = m[7], m8 = m[8];
    for (int i = 0; i < n; i++) {
        float x = r[i], y = g[i], z = b[i];
        float red = m0 * x + m1 * y + m2 * z, green = m3 * x + m4 * y + m5 * z,
              blue = m6 * x + m7 * y + m8 * z;
        luminance[i] = 0.2627f * red + 0.6780f * green + 0.0593f * blue;
        r[i] = MAX_OF(red, 0);
        g[i] = MAX_OF(green, 0);
        b[i] = MAX_OF(blue, 0);
    }
}

// Along the knee: a gain by luminance, which keeps the hue. Saturated colours may be brighter than the peak
// without being light of more than white: they end there.
static void expand(float ch[3][BLOCK], float *restrict luminance, const struct ta_hdr *h, int n)
{
    float *restrict r = ch[0], *restrict g = ch[1], *restrict b = ch[2];
    float bend = h->bend, room = h->room, peak = h->peak, bright[BLOCK];
    for (int i = 0; i < n; i++) // a loop of its own: compilers would make it a branch of the next
        bright[i] = MAX_OF(luminance[i], 1);
    for (int i = 0; i < n; i++) {
        float t = bright[i] - 1, more = t + bend * t * t;
        float gain = (1 + MIN_OF(more, room)) / bright[i];
        float red = r[i] * gain, green = g[i] * gain, blue = b[i] * gain;
        r[i] = MIN_OF(red, peak);
        g[i] = MIN_OF(green, peak);
        b[i] = MIN_OF(blue, peak);
        luminance[i] *= gain;
    }
}

static void measure(float ch[3][BLOCK], int n, struct ta_hdr_light *light)
{
    const float *restrict r = ch[0], *restrict g = ch[1], *restrict b = ch[2];
    int32_t highest = 0;
    uint32_t sum = 0; // 256 times 64000 at most
    for (int i = 0; i < n; i++) {
        float most = MAX_OF(r[i], g[i]);
        most = MAX_OF(most, b[i]);
        int32_t m = (int32_t)(most * (TA_HDR_WHITE * TA_HDR_LIGHT) + 0.5f);
        highest = MAX_OF(highest, m);
        sum += (uint32_t)m;
    }
    light->highest = MAX_OF(light->highest, (uint32_t)highest);
    light->sum += sum;
}

static void apply_curve(float *restrict dst, const float *restrict src, const struct ta_hdr_curve *curve,
                        int n)
{
    const float *restrict base = curve->base, *restrict slope = curve->slope;
    for (int i = 0; i < n; i++) {
        float x = src[i] + 0x1p-20f;
        int32_t bits; // exponent, then 6 bits that count its pieces, then 17 within the piece
        memcpy(&bits, &x, sizeof bits);
        int32_t piece = (bits >> 17) - ((127 - 20) << 6);
        dst[i] = base[piece] + slope[piece] * (float)(bits & 0x1ffff);
    }
}

static void scale(float ch[3][BLOCK], const float *restrict by, int n)
{
    for (int k = 0; k < 3; k++) {
        float *restrict x = ch[k];
        for (int i = 0; i < n; i++)
            x[i] *= by[i];
    }
}

static void pack(uint16_t *const dst[3], float ch[3][BLOCK], int n)
{
    uint16_t *restrict y = dst[0], *restrict u = dst[1], *restrict v = dst[2];
    const float *restrict r = ch[0], *restrict g = ch[1], *restrict b = ch[2];
    for (int i = 0; i < n; i++) {
        float l = 0.2627f * r[i] + 0.6780f * g[i] + 0.0593f * b[i];
        y[i] = (uint16_t)(int32_t)(l * 56064.0f + 4096.5f);
        u[i] = (uint16_t)(int32_t)((b[i] - l) * (float)(57344 / 1.8814) + 32768.5f);
        v[i] = (uint16_t)(int32_t)((r[i] - l) * (float)(57344 / 1.4746) + 32768.5f);
    }
}

static void convert(uint16_t *const dst[3], const uint16_t *const src[3], const struct ta_hdr *h, int n,
                    struct ta_hdr_light *light)
{
    int32_t at[3][BLOCK];
    float ch[3][BLOCK], luminance[BLOCK];
    for (int done = 0; done < n; done += BLOCK) {
        int part = MIN_OF(n - done, BLOCK);
        const uint16_t *const from[3] = {src[0] + done, src[1] + done, src[2] + done};
        uint16_t *const to[3] = {dst[0] + done, dst[1] + done, dst[2] + done};
        to_steps(at, from, h, part);
        for (int k = 0; k < 3; k++)
            look_up(ch[k], at[k], h->linear, part);
        change_gamut(ch, luminance, h, part);
        expand(ch, luminance, h, part);
        measure(ch, part, light);
        if (h->hlg) {
            float factor[BLOCK];
            apply_curve(factor, luminance, &h->ootf, part);
            scale(ch, factor, part);
        }
        float signal[3][BLOCK];
        for (int k = 0; k < 3; k++)
            apply_curve(signal[k], ch[k], &h->encode, part);
        pack(to, signal, part);
    }
}

const struct ta_hdr_dsp TA_HDR_TABLE = {.name = TA_HDR_NAME, .convert = convert};

#endif
