#include <immintrin.h>
#include <string.h>

#include "dsp/resample.h"

enum { LANES = 16 };

// Rows of any length: the last vector is worked on in a copy.
static inline __m256i load(const void *p, int left)
{
    if (left >= LANES)
        return _mm256_loadu_si256((const __m256i *)p);
    int16_t part[LANES] = {0};
    memcpy(part, p, (size_t)left * sizeof *part);
    return _mm256_loadu_si256((const __m256i *)(const void *)part);
}

static inline void store(void *p, __m256i v, int left)
{
    if (left >= LANES) {
        _mm256_storeu_si256((__m256i *)p, v);
        return;
    }
    int16_t part[LANES];
    _mm256_storeu_si256((__m256i *)(void *)part, v);
    memcpy(p, part, (size_t)left * sizeof *part);
}

static inline __m256i turn(__m256i x) // to and from x - 32768
{
    return _mm256_xor_si256(x, _mm256_set1_epi16(INT16_MIN));
}

static inline __m256i settle32(__m256i sum)
{
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << 13)), 14);
}

static void widen8(int16_t *dst, const uint8_t *src, int shift, int n)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    for (int i = 0; i < n; i += LANES) {
        int left = n - i;
        uint8_t part[LANES] = {0};
        const uint8_t *in = src + i;
        if (left < LANES) {
            memcpy(part, in, (size_t)left);
            in = part;
        }
        __m256i x = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)in));
        store(dst + i, turn(_mm256_sll_epi16(x, by)), left);
    }
}

static void widen16(int16_t *dst, const uint16_t *src, int shift, int n)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    for (int i = 0; i < n; i += LANES)
        store(dst + i, turn(_mm256_sll_epi16(load(src + i, n - i), by)), n - i);
}

static inline __m256i two(const int16_t *low, const int16_t *high)
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)low);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)high);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
}

// Outputs i to i + 7, four a lane: each is a product of 8 samples with its weights, summed up.
static inline __m256i eight(const int16_t *src, const int *left, const int16_t *weight)
{
    __m256i sum[4];
    for (int k = 0; k < 4; k++)
        sum[k] = _mm256_madd_epi16(two(src + left[k], src + left[k + 4]),
                                   two(weight + k * TA_RESAMPLE_TAPS, weight + (k + 4) * TA_RESAMPLE_TAPS));
    return _mm256_hadd_epi32(_mm256_hadd_epi32(sum[0], sum[1]), _mm256_hadd_epi32(sum[2], sum[3]));
}

static void along(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most)
{
    const __m256i top = _mm256_set1_epi16(most);
    int i = 0;
    for (; i + LANES <= f->to; i += LANES) {
        const int16_t *weight = f->weight + i * TA_RESAMPLE_TAPS;
        __m256i low = settle32(eight(src, f->left + i, weight));
        __m256i high = settle32(eight(src, f->left + i + 8, weight + 8 * TA_RESAMPLE_TAPS));
        __m256i x = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
        _mm256_storeu_si256((__m256i *)(void *)(dst + i), _mm256_min_epi16(x, top));
    }
    for (; i < f->to; i++) {
        int sum = 1 << 13;
        for (int k = 0; k < f->taps; k++)
            sum += src[f->left[i] + k] * f->weight[i * TA_RESAMPLE_TAPS + k];
        sum >>= 14;
        dst[i] = (int16_t)(sum < INT16_MIN ? INT16_MIN : sum > most ? most : sum);
    }
}

static inline void across_pairs(int16_t *dst, const int16_t *const *rows, const int16_t *weight, int pairs,
                                int16_t most, int n)
{
    __m256i w[TA_RESAMPLE_TAPS / 2];
    for (int p = 0; p < pairs; p++)
        w[p] = _mm256_set1_epi32(
            (int)((uint16_t)weight[2 * p] | (uint32_t)(uint16_t)weight[2 * p + 1] << 16));
    for (int i = 0; i < n; i += LANES) {
        __m256i low = _mm256_setzero_si256(), high = low;
        for (int p = 0; p < pairs; p++) {
            __m256i a = load(rows[2 * p] + i, n - i), b = load(rows[2 * p + 1] + i, n - i);
            low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), w[p]));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), w[p]));
        }
        __m256i x = _mm256_packs_epi32(settle32(low), settle32(high));
        store(dst + i, _mm256_min_epi16(x, _mm256_set1_epi16(most)), n - i);
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
    const __m256i half = _mm256_set1_epi16(shift ? (int16_t)((1 << (shift - 1)) - 1) : 0);
    const __m256i odd = _mm256_set1_epi16(shift ? 1 : 0);
    for (int i = 0; i < n; i += LANES) {
        __m256i x = turn(load(src + i, n - i));
        __m256i up = _mm256_add_epi16(half, _mm256_and_si256(_mm256_srl_epi16(x, by), odd));
        x = _mm256_srl_epi16(_mm256_adds_epu16(x, up), by);
        x = _mm256_min_epu16(x, _mm256_set1_epi16(255));
        __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
        uint8_t part[LANES];
        _mm_storeu_si128((__m128i *)(void *)(n - i >= LANES ? dst + i : part), bytes);
        if (n - i < LANES)
            memcpy(dst + i, part, (size_t)(n - i));
    }
}

static void narrow16(uint16_t *dst, const int16_t *src, int n)
{
    for (int i = 0; i < n; i += LANES)
        store(dst + i, turn(load(src + i, n - i)), n - i);
}

const struct ta_resample_dsp ta_resample_dsp_avx2 = {
    .name = "avx2",
    .widen8 = widen8,
    .widen16 = widen16,
    .along = along,
    .across = across,
    .narrow8 = narrow8,
    .narrow16 = narrow16,
};
