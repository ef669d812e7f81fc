// The kernels of resample.h in AVX-512. The file that includes this one defines TABLE and TABLE_NAME, and DOT
// where there is one instruction for dot(). Empty without these instructions.
#ifndef TA_DSP_RESAMPLE_AVX512_H
#define TA_DSP_RESAMPLE_AVX512_H
#ifdef __AVX512BW__

#include "dsp/resample.h"
#include "dsp/vectors_avx512.h"

#include "dsp/resample_simd.h"

// Two of the input's samples for each of 16 outputs, by one permutation.
INLINE __m512i pick(__m512i a, __m512i b, __m512i place, int narrow)
{
    return narrow ? _mm512_permutexvar_epi16(place, a) : _mm512_permutex2var_epi16(a, place, b);
}

INLINE void along_blocks(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most,
                         int narrow, int pairs)
{
    const __m512i top = _mm512_set1_epi16(most);
    const int16_t *place = f->place, *pair = f->pair;
    for (int i = 0, block = 0; i < f->to; i += LANES, block++, place += 2 * LANES) {
        const int16_t *in = src + f->base[block];
        __m512i at_low = _mm512_loadu_si512(place), at_high = _mm512_loadu_si512(place + 32);
        __m512i low = half(), high = low;
        // The next taps' samples lie two on: loads are to be had for less than changed places.
        for (int p = 0; p < pairs; p++, pair += 2 * LANES, in += 2) {
            __m512i a = _mm512_loadu_si512(in), b = narrow ? a : _mm512_loadu_si512(in + 32);
            __m512i x = pick(a, b, at_low, narrow), y = pick(a, b, at_high, narrow);
            low = dot(low, x, _mm512_loadu_si512(pair));
            high = dot(high, y, _mm512_loadu_si512(pair + 32));
        }
        store((uint16_t *)dst + i, settle(low, high, top), f->to - i);
    }
}

static void along(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most)
{
    if (f->narrow && f->taps == 6)
        along_blocks(dst, src, f, most, 1, 3);
    else if (f->narrow)
        along_blocks(dst, src, f, most, 1, f->taps / 2);
    else
        along_blocks(dst, src, f, most, 0, f->taps / 2);
}

#endif
#endif
