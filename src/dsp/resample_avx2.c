#include "dsp/resample.h"
#include "dsp/vectors_avx2.h"

#define TABLE ta_resample_dsp_avx2
#define TABLE_NAME "avx2"
#include "dsp/resample_simd.h"

INLINE __m256i two(const int16_t *low, const int16_t *high)
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)low);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)high);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
}

// Outputs i to i + 7, four a lane: each is a product of 8 samples with its weights, summed up.
INLINE __m256i eight(const int16_t *src, const int *left, const int16_t *weight)
{
    __m256i sum[4];
    for (int k = 0; k < 4; k++)
        sum[k] = _mm256_madd_epi16(two(src + left[k], src + left[k + 4]),
                                   two(weight + k * TA_RESAMPLE_TAPS, weight + (k + 4) * TA_RESAMPLE_TAPS));
    __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(sum[0], sum[1]), _mm256_hadd_epi32(sum[2], sum[3]));
    return _mm256_add_epi32(all, half());
}

static void along(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most)
{
    const __m256i top = _mm256_set1_epi16(most);
    for (int i = 0; i < f->to; i += LANES) {
        const int16_t *weight = f->weight + i * TA_RESAMPLE_TAPS;
        __m256i x = settle(eight(src, f->left + i, weight),
                           eight(src, f->left + i + 8, weight + 8 * TA_RESAMPLE_TAPS), top);
        store((uint16_t *)dst + i, _mm256_permute4x64_epi64(x, 0xd8), f->to - i);
    }
}
