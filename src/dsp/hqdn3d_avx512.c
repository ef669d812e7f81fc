#include <immintrin.h>

#include "dsp/hqdn3d.h"

enum { LANES = 16 };

static inline __m512i low_pass(__m512i before, __m512i sample, const struct ta_hqdn3d_curve *c)
{
    __m512i d = _mm512_sra_epi32(_mm512_sub_epi32(before, sample), _mm_cvtsi32_si128(c->step));
    __m512i pull = _mm512_i32gather_epi32(d, c->pull, sizeof *c->pull); // and what follows it
    pull = _mm512_srai_epi32(_mm512_slli_epi32(pull, 16), 16);
    return _mm512_min_epi32(_mm512_add_epi32(sample, pull), _mm512_set1_epi32(UINT16_MAX));
}

static inline __m512i load(const uint16_t *p, __mmask16 which)
{
    return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(which, p));
}

static inline void store(uint16_t *p, __m512i x, __mmask16 which)
{
    _mm512_mask_cvtepi32_storeu_epi16(p, which, x);
}

static inline __mmask16 first(int left)
{
    return (__mmask16)(left >= LANES ? 0xffff : (1 << left) - 1);
}

static void down(uint16_t *above, const uint16_t *row, const struct ta_hqdn3d_curve *c, int n)
{
    for (int i = 0; i < n; i += LANES) {
        __mmask16 which = first(n - i);
        store(above + i, low_pass(load(above + i, which), load(row + i, which), c), which);
    }
}

static void in_time8(uint8_t *dst, const uint16_t *row, uint16_t *before, const struct ta_hqdn3d_curve *c,
                     int n)
{
    for (int i = 0; i < n; i += LANES) {
        __mmask16 which = first(n - i);
        __m512i x = low_pass(load(before + i, which), load(row + i, which), c);
        store(before + i, x, which);
        _mm512_mask_cvtepi32_storeu_epi8(dst + i, which, _mm512_srli_epi32(x, 8));
    }
}

static void in_time16(uint16_t *dst, const uint16_t *row, uint16_t *before, int depth,
                      const struct ta_hqdn3d_curve *c, int n)
{
    const __m128i by = _mm_cvtsi32_si128(16 - depth);
    for (int i = 0; i < n; i += LANES) {
        __mmask16 which = first(n - i);
        __m512i x = low_pass(load(before + i, which), load(row + i, which), c);
        store(before + i, x, which);
        store(dst + i, _mm512_srl_epi32(x, by), which);
    }
}

const struct ta_hqdn3d_dsp ta_hqdn3d_dsp_avx512 = {
    .name = "avx512",
    .down = down,
    .in_time8 = in_time8,
    .in_time16 = in_time16,
};
