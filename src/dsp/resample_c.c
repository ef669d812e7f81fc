// The kernels of resample.h in plain C: what the others are tested against.
#include "dsp/resample.h"

static int16_t settle(int sum, int16_t most)
{
    int x = (sum + (1 << 13)) >> 14;
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x > most ? most : x);
}

static void widen8(int16_t *dst, const uint8_t *src, int shift, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (int16_t)((src[i] << shift) - 32768);
}

static void widen16(int16_t *dst, const uint16_t *src, int shift, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (int16_t)((uint16_t)(src[i] << shift) - 32768);
}

static void along(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most)
{
    for (int i = 0; i < f->to; i++) {
        int sum = 0;
        for (int k = 0; k < f->taps; k++) {
            int weight = f->weight[i * TA_RESAMPLE_TAPS + k]; // 0 may stand for a place behind the row
            sum += weight ? src[f->left[i] + k] * weight : 0;
        }
        dst[i] = settle(sum, most);
    }
}

static void across(int16_t *const dst[2], const int16_t *const *rows, const int16_t *const weight[2],
                   int taps, int16_t most, int n)
{
    for (int o = 0; o < 2 && dst[o]; o++)
        for (int i = 0; i < n; i++) {
            int sum = 0;
            for (int k = 0; k < taps; k++)
                sum += rows[k][i] * weight[o][k];
            dst[o][i] = settle(sum, most);
        }
}

static void narrow8(uint8_t *dst, const int16_t *src, int shift, int n)
{
    for (int i = 0; i < n; i++) {
        unsigned x = (unsigned)(src[i] + 32768);
        if (shift)
            x = (x + (1u << (shift - 1)) - 1 + ((x >> shift) & 1)) >> shift;
        dst[i] = (uint8_t)(x < 255 ? x : 255);
    }
}

static void narrow16(uint16_t *dst, const int16_t *src, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(src[i] + 32768);
}

const struct ta_resample_dsp ta_resample_dsp_c = {
    .name = "c",
    .widen8 = widen8,
    .widen16 = widen16,
    .along = along,
    .across = across,
    .narrow8 = narrow8,
    .narrow16 = narrow16,
};
