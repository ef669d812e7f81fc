#include <immintrin.h>

#include "dsp/resample.h"

enum { LANES = 32, BLOCK = 32 };

static inline __mmask32 first(int left)
{
    return left >= LANES ? (__mmask32)-1 : (__mmask32)((1u << left) - 1);
}

static inline __m512i settle(__m512i low, __m512i high, __m512i most)
{
    const __m512i half = _mm512_set1_epi32(1 << 13);
    low = _mm512_srai_epi32(_mm512_add_epi32(low, half), 14);
    high = _mm512_srai_epi32(_mm512_add_epi32(high, half), 14);
    return _mm512_min_epi16(_mm512_packs_epi32(low, high), most);
}

static void widen8(int16_t *dst, const uint8_t *src, int shift, int n)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    for (int i = 0; i < n; i += LANES) {
        __mmask32 m = first(n - i);
        __m512i x = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(m, src + i));
        x = _mm512_xor_si512(_mm512_sll_epi16(x, by), _mm512_set1_epi16(INT16_MIN));
        _mm512_mask_storeu_epi16(dst + i, m, x);
    }
}

static void widen16(int16_t *dst, const uint16_t *src, int shift, int n)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    for (int i = 0; i < n; i += LANES) {
        __mmask32 m = first(n - i);
        __m512i x = _mm512_sll_epi16(_mm512_maskz_loadu_epi16(m, src + i), by);
        _mm512_mask_storeu_epi16(dst + i, m, _mm512_xor_si512(x, _mm512_set1_epi16(INT16_MIN)));
    }
}

// Two of the input's samples for each of 16 outputs, by one permutation.
static inline __m512i pick(__m512i a, __m512i b, __m512i place, int narrow)
{
    return narrow ? _mm512_permutexvar_epi16(place, a) : _mm512_permutex2var_epi16(a, place, b);
}

static inline void along_blocks(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f,
                                int16_t most, int narrow, int pairs)
{
    const __m512i top = _mm512_set1_epi16(most), two = _mm512_set1_epi16(2);
    const int16_t *place = f->place, *pair = f->pair;
    for (int i = 0, block = 0; i < f->to; i += BLOCK, block++, place += 2 * BLOCK) {
        const int16_t *in = src + f->base[block];
        __m512i a = _mm512_loadu_si512(in), b = narrow ? a : _mm512_loadu_si512(in + 32);
        __m512i at_low = _mm512_loadu_si512(place), at_high = _mm512_loadu_si512(place + 32);
        __m512i low = _mm512_setzero_si512(), high = low;
        for (int p = 0; p < pairs; p++, pair += 2 * BLOCK) {
            __m512i x = pick(a, b, at_low, narrow), y = pick(a, b, at_high, narrow);
            low = _mm512_add_epi32(low, _mm512_madd_epi16(x, _mm512_loadu_si512(pair)));
            high = _mm512_add_epi32(high, _mm512_madd_epi16(y, _mm512_loadu_si512(pair + 32)));
            at_low = _mm512_add_epi16(at_low, two);
            at_high = _mm512_add_epi16(at_high, two);
        }
        _mm512_mask_storeu_epi16(dst + i, first(f->to - i), settle(low, high, top));
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

static inline void across_pairs(int16_t *dst, const int16_t *const *rows, const int16_t *weight, int pairs,
                                int16_t most, int n)
{
    __m512i w[TA_RESAMPLE_TAPS / 2];
    for (int p = 0; p < pairs; p++)
        w[p] = _mm512_set1_epi32(
            (int)((uint16_t)weight[2 * p] | (uint32_t)(uint16_t)weight[2 * p + 1] << 16));
    for (int i = 0; i < n; i += LANES) {
        __mmask32 m = first(n - i);
        __m512i low = _mm512_setzero_si512(), high = low;
        for (int p = 0; p < pairs; p++) {
            __m512i a = _mm512_maskz_loadu_epi16(m, rows[2 * p] + i);
            __m512i b = _mm512_maskz_loadu_epi16(m, rows[2 * p + 1] + i);
            low = _mm512_add_epi32(low, _mm512_madd_epi16(_mm512_unpacklo_epi16(a, b), w[p]));
            high = _mm512_add_epi32(high, _mm512_madd_epi16(_mm512_unpackhi_epi16(a, b), w[p]));
        }
        _mm512_mask_storeu_epi16(dst + i, m, settle(low, high, _mm512_set1_epi16(most)));
    }
}

static void across(int16_t *dst, const int16_t *const *rows, const int16_t *weight, int taps, int16_t most,
                   int n)
{
    if (taps == 6)
        across_pairs(dst, rows, weight, 3, most, n);
    else
        across_pairs(dst, rows, weight, taps / 2, most, n);
}

static void narrow8(uint8_t *dst, const int16_t *src, int shift, int n)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    const __m512i half = _mm512_set1_epi16(shift ? (int16_t)((1 << (shift - 1)) - 1) : 0);
    const __m512i odd = _mm512_set1_epi16(shift ? 1 : 0);
    for (int i = 0; i < n; i += LANES) {
        __mmask32 m = first(n - i);
        __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi16(m, src + i), _mm512_set1_epi16(INT16_MIN));
        __m512i up = _mm512_add_epi16(half, _mm512_and_si512(_mm512_srl_epi16(x, by), odd));
        x = _mm512_srl_epi16(_mm512_adds_epu16(x, up), by);
        _mm256_mask_storeu_epi8(dst + i, m, _mm512_cvtusepi16_epi8(x));
    }
}

static void narrow16(uint16_t *dst, const int16_t *src, int n)
{
    for (int i = 0; i < n; i += LANES) {
        __mmask32 m = first(n - i);
        __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi16(m, src + i), _mm512_set1_epi16(INT16_MIN));
        _mm512_mask_storeu_epi16(dst + i, m, x);
    }
}

const struct ta_resample_dsp ta_resample_dsp_avx512 = {
    .name = "avx512",
    .widen8 = widen8,
    .widen16 = widen16,
    .along = along,
    .across = across,
    .narrow8 = narrow8,
    .narrow16 = narrow16,
};
