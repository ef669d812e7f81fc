// The kernels of temporal.h, compiled once for each instruction set by the file that includes this one: plain
// C that compilers turn into vector code, but for blocks, whose rows are short.
#ifndef TA_DSP_TEMPORAL_KERNELS_H
#define TA_DSP_TEMPORAL_KERNELS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "dsp/motion.h"
#include "dsp/temporal.h"

#ifndef TA_TEMPORAL_TABLE
#define TA_TEMPORAL_TABLE ta_temporal_dsp_c
#define TA_TEMPORAL_NAME "c"
#endif

enum {
    BLOCK = TA_MOTION_BLOCK,
    HALF = TA_MOTION_STEP,
    MOST = (1 << TA_MOTION_DEPTH) - 1,
    GUARD = TA_TEMPORAL_GUARD,
    WINDOW = 128, // so that those of the four blocks over a sample come to 1 << 15
};

// Of a window's two ways: the blocks' first half, then the second.
#define RISES(i) (2 * (i) + 1)
#define FALLS(i) (15 - 2 * (i))

#ifdef __AVX2__

static inline __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static void gather(int16_t *sums, ptrdiff_t sums_step, const uint16_t *here, ptrdiff_t here_step,
                   const struct ta_temporal_reference *references, int count, int limit, int half)
{
    const __m256i across = _mm256_setr_epi16(RISES(0), RISES(1), RISES(2), RISES(3), RISES(4), RISES(5),
                                             RISES(6), RISES(7), FALLS(0), FALLS(1), FALLS(2), FALLS(3),
                                             FALLS(4), FALLS(5), FALLS(6), FALLS(7));
    const __m256i twice = _mm256_set1_epi16((short)(2 * limit));
    __m256i all[HALF];
#pragma GCC unroll 8
    for (int y = 0; y < HALF; y++)
        all[y] = _mm256_setzero_si256();
    here += half * HALF * here_step;
    for (int k = 0; k < count; k++) {
        const uint16_t *there = references[k].at + half * HALF * references[k].step, *own = here;
        const __m256i weight = _mm256_set1_epi16(references[k].weight);
        const __m256i shift = _mm256_set1_epi16(references[k].shift);
        if (half) // the rows that the next blocks below take: too many streams for the processor to foresee
#pragma GCC unroll 8
            for (int y = 0; y < HALF; y++)
                _mm_prefetch((const char *)((uintptr_t)(there + (HALF + y) * references[k].step)),
                             _MM_HINT_T0);
#pragma GCC unroll 8
        for (int y = 0; y < HALF; y++, own += here_step, there += references[k].step) {
            __m256i apart = _mm256_sub_epi16(_mm256_add_epi16(load(there), shift), load(own));
            __m256i size = _mm256_abs_epi16(apart);
            size = _mm256_min_epi16(size, _mm256_subs_epu16(twice, size));
            apart = _mm256_slli_epi16(_mm256_sign_epi16(size, apart), GUARD);
            all[y] = _mm256_add_epi16(all[y], _mm256_mulhrs_epi16(apart, weight));
        }
    }
#pragma GCC unroll 8
    for (int y = 0; y < HALF; y++, sums += sums_step) {
        int down = (half ? FALLS(y) : RISES(y)) * WINDOW;
        __m256i sum = _mm256_mulhrs_epi16(all[y], _mm256_mullo_epi16(across, _mm256_set1_epi16((short)down)));
        _mm256_storeu_si256((__m256i *)(void *)sums, _mm256_add_epi16(load(sums), sum));
    }
}

static void unlike(uint8_t bits[8], const uint16_t *here, ptrdiff_t here_step,
                   const struct ta_motion_block others[2], int limit)
{
    const __m128i most = _mm_set1_epi16((short)limit), least = _mm_set1_epi16((short)-limit);
    // Mostly one of them says enough.
    __m128i any = _mm_setzero_si128();
#pragma GCC unroll 8
    for (int y = 0; y < HALF; y++) // what the blocks below take
        _mm_prefetch((const char *)((uintptr_t)(others[0].at + (HALF + y) * others[0].step)), _MM_HINT_T0);
#pragma GCC unroll 8
    for (int y = 0; y < HALF; y++) {
        __m128i own = _mm_loadu_si128((const void *)(here + y * here_step));
        __m128i a = _mm_sub_epi16(own, _mm_loadu_si128((const void *)(others[0].at + y * others[0].step)));
        any = _mm_or_si128(any, _mm_cmpgt_epi16(_mm_abs_epi16(a), most));
    }
    memset(bits, 0, HALF);
    if (_mm_testz_si128(any, any))
        return;
    for (int y = 0; y < HALF; y++) {
        __m128i own = _mm_loadu_si128((const void *)(here + y * here_step));
        __m128i a = _mm_sub_epi16(own, _mm_loadu_si128((const void *)(others[0].at + y * others[0].step)));
        __m128i b = _mm_sub_epi16(own, _mm_loadu_si128((const void *)(others[1].at + y * others[1].step)));
        __m128i larger = _mm_cmpgt_epi16(_mm_min_epi16(a, b), most);
        __m128i smaller = _mm_cmpgt_epi16(least, _mm_max_epi16(a, b));
        __m128i apart = _mm_cmpgt_epi16(_mm_abs_epi16(_mm_sub_epi16(a, b)), most);
        __m128i set = _mm_andnot_si128(apart, _mm_or_si128(larger, smaller));
        bits[y] = (uint8_t)_mm_movemask_epi8(_mm_packs_epi16(set, _mm_setzero_si128()));
    }
}

#else

static void unlike(uint8_t bits[8], const uint16_t *here, ptrdiff_t here_step,
                   const struct ta_motion_block others[2], int limit)
{
    for (int y = 0; y < HALF; y++) {
        bits[y] = 0;
        for (int x = 0; x < HALF; x++) {
            int a = here[y * here_step + x] - others[0].at[y * others[0].step + x];
            int b = here[y * here_step + x] - others[1].at[y * others[1].step + x];
            bool alone = (a > limit && b > limit) || (a < -limit && b < -limit);
            bits[y] |= (uint8_t)((alone && abs(a - b) <= limit) << x);
        }
    }
}

static inline int weigh(int x, int weight)
{
    return ((x * weight >> 14) + 1) >> 1;
}

static void gather(int16_t *sums, ptrdiff_t sums_step, const uint16_t *here, ptrdiff_t here_step,
                   const struct ta_temporal_reference *references, int count, int limit, int half)
{
    for (int y = 0; y < HALF; y++, sums += sums_step) {
        ptrdiff_t row = y + half * HALF;
        int down = (half ? FALLS(y) : RISES(y)) * WINDOW;
        for (int x = 0; x < BLOCK; x++) {
            int own = here[row * here_step + x], sum = 0;
            for (int k = 0; k < count; k++) {
                const struct ta_temporal_reference *r = &references[k];
                int apart = r->at[row * r->step + x] - own + r->shift, size = abs(apart);
                int rest = 2 * limit > size ? 2 * limit - size : 0;
                size = size < rest ? size : rest;
                sum += weigh((apart < 0 ? -size : size) * (1 << GUARD), r->weight);
            }
            int across = x < HALF ? RISES(x) : FALLS(x - HALF);
            sums[x] = (int16_t)(sums[x] + weigh(sum, across * down));
        }
    }
}

#endif

static inline int clipped(int x, int least, int most)
{
    x = x < least ? least : x;
    return x > most ? most : x;
}

static inline int less(int a, int b)
{
    return a < b ? a : b;
}

static inline int more(int a, int b)
{
    return a > b ? a : b;
}

static void add(uint16_t *restrict dst, const uint16_t *restrict src, const int16_t *restrict sums, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)clipped(src[i] + ((sums[i] + (1 << GUARD >> 1)) >> GUARD), 0, MOST);
}

static void sharpen(uint16_t *restrict dst, const uint16_t *const rows[3], int amount, int limit, int n)
{
    const uint16_t *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2];
    for (int i = 0; i < n; i++) {
        int x = b[i];
        int change = ((2 * x - a[i] - c[i]) * amount + TA_TEMPORAL_SHARPEN / 2) >> 8;
        int least = less(less(a[i], c[i]), less(less(b[i - 2], b[i - 1]), less(b[i + 1], b[i + 2])));
        int most = more(more(a[i], c[i]), more(more(b[i - 2], b[i - 1]), more(b[i + 1], b[i + 2])));
        dst[i] = (uint16_t)clipped(x + clipped(change, -limit, limit), less(least, x), more(most, x));
    }
}

static void part_near(float *restrict smooth, float *restrict detail, const uint16_t *const rows[3], int n)
{
    const uint16_t *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2];
    for (int i = 0; i < n; i++) {
        int left = a[i - 1] + 2 * b[i - 1] + c[i - 1], right = a[i + 1] + 2 * b[i + 1] + c[i + 1];
        float s = (float)(left + 2 * (a[i] + 2 * b[i] + c[i]) + right) * (1.0f / 16);
        smooth[i] = s;
        detail[i] = (float)b[i] - s;
    }
}

static void part_far(float *restrict smooth, float *restrict detail, const float *const rows[3], int n)
{
    const float *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2];
    for (int i = 0; i < n; i++) {
        float left = a[i - 2] + 2 * b[i - 2] + c[i - 2], right = a[i + 2] + 2 * b[i + 2] + c[i + 2];
        float s = (left + 2 * (a[i] + 2 * b[i] + c[i]) + right) * (1.0f / 16);
        smooth[i] = s;
        detail[i] = b[i] - s;
    }
}

static void energy(float *restrict dst, const float *restrict d, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = d[i - 2] * d[i - 2] + d[i - 1] * d[i - 1] + d[i] * d[i] + d[i + 1] * d[i + 1] +
                 d[i + 2] * d[i + 2];
}

// What is left of a detail whose energy, over all around, is `all`.
static inline float own_share(float all, float noise)
{
    float share = 1 - noise * (TA_TEMPORAL_AROUND * TA_TEMPORAL_AROUND) / (all + 1);
    return share > 0 ? share : 0;
}

static void calm(uint16_t *restrict dst, const struct ta_temporal_parts *parts,
                 const float *const near_energy[TA_TEMPORAL_AROUND],
                 const float *const far_energy[TA_TEMPORAL_AROUND], int n)
{
    const float *restrict rest = parts->rest, *restrict near = parts->near, *restrict far = parts->far;
    const float *restrict strength = parts->strength;
    const float *restrict a = near_energy[0], *restrict b = near_energy[1], *restrict c = near_energy[2];
    const float *restrict d = near_energy[3], *restrict e = near_energy[4];
    const float *restrict f = far_energy[0], *restrict g = far_energy[1], *restrict h = far_energy[2];
    const float *restrict j = far_energy[3], *restrict k = far_energy[4];
    float near_noise = parts->near_noise, far_noise = parts->far_noise;
    for (int i = 0; i < n; i++) {
        float x = own_share(a[i] + b[i] + c[i] + d[i] + e[i], near_noise * strength[i]);
        float y = own_share(f[i] + g[i] + h[i] + j[i] + k[i], far_noise * strength[i]);
        int made = (int)(rest[i] + near[i] * x + far[i] * y + 0.5f);
        dst[i] = (uint16_t)clipped(made, 0, MOST);
    }
}

static void correct(uint16_t *restrict dst, const uint16_t *restrict src, const uint16_t *restrict made,
                    int depth, int n)
{
    int shift = depth - TA_MOTION_DEPTH, most = (1 << depth) - 1;
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)clipped(src[i] + (made[i] - (src[i] >> shift)) * (1 << shift), 0, most);
}

const struct ta_temporal_dsp TA_TEMPORAL_TABLE = {
    .name = TA_TEMPORAL_NAME,
    .gather = gather,
    .unlike = unlike,
    .add = add,
    .sharpen = sharpen,
    .part_near = part_near,
    .part_far = part_far,
    .energy = energy,
    .calm = calm,
    .correct = correct,
};

#endif
