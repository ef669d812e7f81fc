#include <immintrin.h>

#include "dsp/hqdn3d.h"

enum { LANES = 8 };

static inline __m256i low_pass(__m256i before, __m256i sample, const struct ta_hqdn3d_curve *c)
{
    __m256i d = _mm256_sra_epi32(_mm256_sub_epi32(before, sample), _mm_cvtsi32_si128(c->step));
    __m256i pull = _mm256_i32gather_epi32((const int *)(const void *)c->pull, d,
                                          sizeof *c->pull); // and what follows it
    pull = _mm256_srai_epi32(_mm256_slli_epi32(pull, 16), 16);
    return _mm256_min_epi32(_mm256_add_epi32(sample, pull), _mm256_set1_epi32(UINT16_MAX));
}

static inline __m256i load(const uint16_t *p)
{
    return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline __m128i narrow(__m256i x)
{
    return _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

static inline void store(uint16_t *p, __m256i x)
{
    _mm_storeu_si128((__m128i *)(void *)p, narrow(x));
}

// What is left behind the last whole vector is plain C's.

static void down(uint16_t *above, const uint16_t *row, const struct ta_hqdn3d_curve *c, int n)
{
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        store(above + i, low_pass(load(above + i), load(row + i), c));
    ta_hqdn3d_dsp_c.down(above + i, row + i, c, n - i);
}

static void in_time8(uint8_t *dst, const uint16_t *row, uint16_t *before, const struct ta_hqdn3d_curve *c,
                     int n)
{
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m256i x = low_pass(load(before + i), load(row + i), c);
        store(before + i, x);
        __m128i high = _mm_srli_epi16(narrow(x), 8);
        _mm_storel_epi64((__m128i *)(void *)(dst + i), _mm_packus_epi16(high, high));
    }
    ta_hqdn3d_dsp_c.in_time8(dst + i, row + i, before + i, c, n - i);
}

static void in_time16(uint16_t *dst, const uint16_t *row, uint16_t *before, int depth,
                      const struct ta_hqdn3d_curve *c, int n)
{
    const __m128i by = _mm_cvtsi32_si128(16 - depth);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m256i x = low_pass(load(before + i), load(row + i), c);
        store(before + i, x);
        store(dst + i, _mm256_srl_epi32(x, by));
    }
    ta_hqdn3d_dsp_c.in_time16(dst + i, row + i, before + i, depth, c, n - i);
}

const struct ta_hqdn3d_dsp ta_hqdn3d_dsp_avx2 = {
    .name = "avx2",
    .down = down,
    .in_time8 = in_time8,
    .in_time16 = in_time16,
};
