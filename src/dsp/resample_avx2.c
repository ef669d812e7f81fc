#include "dsp/resample.h"

#include <stddef.h>

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

// Two of the input's samples for each of 8 outputs: for those from `near` on and for those from `far` on.
INLINE __m256i pick(const int16_t *src, int near, int far, __m256i from)
{
    return _mm256_shuffle_epi8(two(src + near, src + far), from);
}

// Sums of 16 outputs, 0 to 3 and 8 to 11 in `low`, the others in `high`, as settle() wants them.
INLINE void along_pairs(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most,
                        int pairs)
{
    const __m256i top = _mm256_set1_epi16(most);
    for (int i = 0; i < f->to; i += LANES) {
        const int *left = f->left + i;
        const uint8_t *from = f->bytes + 4 * i;
        // Weights lie in blocks of 32 outputs: this is the first half of one, or the second.
        const int16_t *pair = f->pair + (ptrdiff_t)(i / 32) * pairs * 64 + i % 32;
        __m256i from_low = _mm256_loadu_si256((const __m256i *)(const void *)from),
                from_high = _mm256_loadu_si256((const __m256i *)(const void *)(from + 32));
        __m256i low = half(), high = low;
        for (int p = 0; p < pairs; p++, pair += 64) {
            const int16_t *in = src + 2 * p;
            low = dot(low, pick(in, left[0], left[8], from_low),
                      _mm256_loadu_si256((const __m256i *)(const void *)pair));
            high = dot(high, pick(in, left[4], left[12], from_high),
                       _mm256_loadu_si256((const __m256i *)(const void *)(pair + 32)));
        }
        store((uint16_t *)dst + i, settle(low, high, top), f->to - i);
    }
}

static void along(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most)
{
    if (f->taps == 6) // unrolled
        along_pairs(dst, src, f, most, 3);
    else
        along_pairs(dst, src, f, most, f->taps / 2);
}
