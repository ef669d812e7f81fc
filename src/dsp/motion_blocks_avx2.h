// The kernels of motion_blocks.h for AVX2. Empty in files compiled without it.
#ifndef TA_DSP_MOTION_BLOCKS_AVX2_H
#define TA_DSP_MOTION_BLOCKS_AVX2_H
#ifdef __AVX2__

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dsp/motion_places.h"

// ---- differences of blocks ----

static inline __m128i load16(const void *p)
{
    return _mm_loadu_si128(p);
}

static inline __m256i load32(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline __m256i two_rows(const uint8_t *p, ptrdiff_t step)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(p)), load16(p + step), 1);
}

// Four sums of 64 bits each, which fit 32, to four.
static inline __m128i four_totals(const __m256i sums[4])
{
    __m256i one = _mm256_or_si256(sums[0], _mm256_slli_epi64(sums[1], 32));
    __m256i other = _mm256_or_si256(sums[2], _mm256_slli_epi64(sums[3], 32));
    __m256i all = _mm256_add_epi32(_mm256_unpacklo_epi64(one, other), _mm256_unpackhi_epi64(one, other));
    return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

static inline __m256i four_short_rows(const uint8_t *p, ptrdiff_t step)
{
    __m128i row[4];
    for (int i = 0; i < 4; i++)
        row[i] = _mm_loadl_epi64((const void *)(p + i * step));
    __m128i low = _mm_unpacklo_epi64(row[0], row[1]), high = _mm_unpacklo_epi64(row[2], row[3]);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

static int uneven(const uint8_t *at, ptrdiff_t step)
{
    __m256i sum = _mm256_setzero_si256();
    for (int y = 0; y < TA_MOTION_BLOCK; y += 4, at += 4 * step) { // two rows at a time
        __m128i two = _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)at),
                                         _mm_loadl_epi64((const void *)(at + 2 * step)));
        __m256i next = _mm256_cvtepu8_epi16(_mm_srli_epi64(two, 8)); // nothing for the last,
        __m256i here = _mm256_cvtepu8_epi16(_mm_and_si128(two, _mm_set1_epi64x(0xffffffffffffff))); // twice
        __m256i off = _mm256_sub_epi16(next, here);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(off, off));
    }
    __m128i all = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    all = _mm_add_epi32(all, _mm_shuffle_epi32(all, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(all, _mm_shuffle_epi32(all, 0xb1)));
}

// One block's search. Vectors lie as pairs of 16 bits, four in a register.
struct trial {
    __m256i own[4];
    const uint8_t *place;
    __m128i least, most, expected;
    uint32_t best; // a vector
    unsigned cost, error;
};

static inline __m128i pairs(int x, int y)
{
    return _mm_set1_epi32((int)((uint32_t)y << 16 | (uint16_t)x));
}

static inline uint32_t load_pair(const void *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline __m128i broadcast(uint32_t pair)
{
    return _mm_set1_epi32((int)pair);
}

static inline __m128i difference(const struct trial *t, const uint8_t *const b[TA_MOTION_TRIALS],
                                 ptrdiff_t step, bool small)
{
    __m256i s[TA_MOTION_TRIALS];
    for (int k = 0; k < TA_MOTION_TRIALS; k++) {
        __m256i sum[4];
        for (int i = 0; i < (small ? 2 : 4); i++)
            sum[i] = _mm256_sad_epu8(t->own[i], small ? four_short_rows(b[k] + 4 * i * step, step)
                                                      : two_rows(b[k] + 4 * i * step, 2 * step));
        s[k] = _mm256_add_epi32(sum[0], sum[1]);
        if (!small)
            s[k] = _mm256_add_epi32(s[k], _mm256_add_epi32(sum[2], sum[3]));
    }
    __m128i all = four_totals(s);
    return small ? all : _mm_slli_epi32(all, 1);
}

static inline __attribute__((always_inline)) void try_four(struct trial *t, const struct ta_motion_row *r,
                                                           __m128i c, bool small)
{
    c = _mm_min_epi16(_mm_max_epi16(c, t->least), t->most);
    __m128i away = _mm_abs_epi16(_mm_sub_epi16(c, t->expected));
    __m128i x = _mm_srai_epi32(_mm_slli_epi32(c, 16), 16), y = _mm_srai_epi32(c, 16);
    __m128i at = _mm_add_epi32(_mm_mullo_epi32(y, _mm_set1_epi32((int)r->step)), x);
    int64_t low = _mm_cvtsi128_si64(at), high = _mm_extract_epi64(at, 1);
    const uint8_t *b[TA_MOTION_TRIALS] = {t->place + (int32_t)low, t->place + (low >> 32),
                                          t->place + (int32_t)high, t->place + (high >> 32)};
    __m128i errors = difference(t, b, r->step, small);
    __m128i costs = _mm_add_epi32(errors, _mm_madd_epi16(away, _mm_set1_epi16((short)r->stray)));
    // The least, and which it is.
    costs = _mm_add_epi32(_mm_slli_epi32(costs, 2), _mm_setr_epi32(0, 1, 2, 3));
    __m128i least = _mm_min_epu32(costs, _mm_shuffle_epi32(costs, 0x4e));
    least = _mm_min_epu32(least, _mm_shuffle_epi32(least, 0xb1));
    unsigned key = (unsigned)_mm_cvtsi128_si32(least);
    if (key / TA_MOTION_TRIALS < t->cost) {
        uint32_t places[TA_MOTION_TRIALS];
        unsigned sums[TA_MOTION_TRIALS];
        _mm_storeu_si128((void *)places, c);
        _mm_storeu_si128((void *)sums, errors);
        t->cost = key / TA_MOTION_TRIALS;
        t->best = places[key % TA_MOTION_TRIALS];
        t->error = sums[key % TA_MOTION_TRIALS];
    }
}

static inline __attribute__((always_inline)) void try_ring(struct trial *t, const struct ta_motion_row *r,
                                                           int distance, int count, bool small)
{
    __m128i middle = broadcast(t->best);
    for (int i = 0; i < count; i += TA_MOTION_TRIALS) {
        __m128i away = _mm_mullo_epi16(load16(ring[i]), _mm_set1_epi16((short)distance));
        try_four(t, r, _mm_add_epi16(middle, away), small);
    }
}

static inline __m128i median(__m128i a, __m128i b, __m128i c)
{
    return _mm_max_epi16(_mm_min_epi16(a, b), _mm_min_epi16(_mm_max_epi16(a, b), c));
}

static inline __attribute__((always_inline)) void search_row(const struct ta_motion_row *r, bool small)
{
    uint32_t left = 0;
    for (int i = 0; i < r->count; i++) {
        const uint8_t *block = r->block + i * r->pitch;
        uint32_t up = r->above ? load_pair(r->above + i) : left;
        uint32_t right = r->above && i + 1 < r->count ? load_pair(r->above + i + 1) : up;
        struct trial t = {
            .place = r->place + i * r->pitch,
            .least = pairs(larger(r->least_x - i * r->pitch, -r->longest), r->least_y),
            .most = pairs(smaller(r->most_x - i * r->pitch, r->longest), r->most_y),
            .expected = median(broadcast(left), broadcast(up), broadcast(right)),
            .cost = UINT32_MAX,
        };
        for (int k = 0; k < (small ? 2 : 4); k++)
            t.own[k] = small ? four_short_rows(block + 4 * k * r->step, r->step)
                             : two_rows(block + 4 * k * r->step, 2 * r->step);
        try_four(
            &t, r,
            _mm_setr_epi32((int)load_pair(r->first + i), (int)load_pair(r->second + i), (int)left, (int)up),
            small);
        if (r->wide)
            try_ring(&t, r, r->wide, 2 * TA_MOTION_TRIALS, small);
        try_ring(&t, r, 1, r->around, small);
        left = t.best;
        memcpy(r->vectors + i, &left, sizeof left);
        r->vectors[i].error = (uint16_t)smaller((int)t.error, UINT16_MAX);
    }
}

static void search(const struct ta_motion_row *r)
{
    if (r->side == BLOCK)
        search_row(r, false);
    else
        search_row(r, true);
}

static unsigned sad16_between(const uint8_t *a, ptrdiff_t a_step, const uint8_t *const b[4], ptrdiff_t b_step)
{
    __m256i sum = _mm256_setzero_si256();
    for (int y = 0; y < BLOCK; y += 4) {
        ptrdiff_t at = y * b_step;
        __m256i one = _mm256_avg_epu8(two_rows(b[0] + at, 2 * b_step), two_rows(b[1] + at, 2 * b_step));
        __m256i other = _mm256_avg_epu8(two_rows(b[2] + at, 2 * b_step), two_rows(b[3] + at, 2 * b_step));
        __m256i own = two_rows(a + y * a_step, 2 * a_step);
        sum = _mm256_add_epi64(sum, _mm256_sad_epu8(own, _mm256_avg_epu8(one, other)));
    }
    __m128i s = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    return 2 * ((unsigned)_mm_cvtsi128_si32(s) + (unsigned)_mm_extract_epi32(s, 2));
}

// ---- blocks over each other ----

static inline __m256i two_half_rows(const uint16_t *p, ptrdiff_t step)
{
    __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(load16(p)), load16(p + step), 1);
    return _mm256_slli_epi16(both, GUARD_BITS);
}

#define FALLING(y)                                                                                    \
    WINDOW(y, 0), WINDOW(y, 1), WINDOW(y, 2), WINDOW(y, 3), WINDOW(y, 4), WINDOW(y, 5), WINDOW(y, 6), \
        WINDOW(y, 7)
#define RISING(y)                                                                                     \
    WINDOW(y, 7), WINDOW(y, 6), WINDOW(y, 5), WINDOW(y, 4), WINDOW(y, 3), WINDOW(y, 2), WINDOW(y, 1), \
        WINDOW(y, 0)

// By pairs of rows: for the blocks above on the left and on the right, below on the left and on the right.
#define WINDOWS(y)                                                                                          \
    {                                                                                                       \
        {FALLING(y), FALLING((y) + 1)}, {RISING(y), RISING((y) + 1)}, {FALLING(7 - (y)), FALLING(6 - (y))}, \
        {                                                                                                   \
            RISING(7 - (y)), RISING(6 - (y))                                                                \
        }                                                                                                   \
    }
static const int16_t windows[STEP / 2][4][2 * STEP] = {WINDOWS(0), WINDOWS(2), WINDOWS(4), WINDOWS(6)};

// Two rows of a cell at a time; the second of an odd number is made and not written.
static inline void blend(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                         const struct ta_motion_block *below, int rows)
{
    const __m256i half = _mm256_set1_epi16(1 << GUARD_BITS >> 1), most = _mm256_set1_epi16(MOST);
    const struct ta_motion_block blocks[4] = {
        {above[0].at + STEP, above[0].step}, above[1], {below[0].at + STEP, below[0].step}, below[1]};
    for (int y = 0; y < rows; y += 2) {
        ptrdiff_t next = y + 1 < rows;
        __m256i sum = half;
        for (int k = 0; k < 4; k++) {
            __m256i both = two_half_rows(blocks[k].at + y * blocks[k].step, next * blocks[k].step);
            sum = _mm256_add_epi16(sum, _mm256_mulhrs_epi16(both, load32(windows[y / 2][k])));
        }
        sum = _mm256_min_epi16(_mm256_srli_epi16(sum, GUARD_BITS), most);
        _mm_storeu_si128((void *)(dst + y * dst_step), _mm256_castsi256_si128(sum));
        if (next)
            _mm_storeu_si128((void *)(dst + (y + 1) * dst_step), _mm256_extracti128_si256(sum, 1));
    }
}

// ---- places between samples ----

static inline __m256i filter(__m256i a, __m256i b, __m256i c, __m256i d, const int16_t *t)
{
    __m256i outer = _mm256_add_epi16(_mm256_mulhrs_epi16(a, _mm256_set1_epi16(t[0])),
                                     _mm256_mulhrs_epi16(d, _mm256_set1_epi16(t[3])));
    __m256i inner = _mm256_add_epi16(_mm256_mulhrs_epi16(b, _mm256_set1_epi16(t[1])),
                                     _mm256_mulhrs_epi16(c, _mm256_set1_epi16(t[2])));
    return _mm256_add_epi16(outer, inner);
}

static inline __m256i raised(const uint16_t *p)
{
    return _mm256_slli_epi16(load32(p), BETWEEN_BITS);
}

static inline __m256i along(const uint16_t *p, int fraction)
{
    return fraction ? filter(raised(p - 1), raised(p), raised(p + 1), raised(p + 2), taps[fraction])
                    : raised(p);
}

// 16 columns.
static inline __attribute__((always_inline)) void between_columns(uint16_t *dst, ptrdiff_t dst_step,
                                                                  const uint16_t *src, ptrdiff_t step,
                                                                  int fraction_x, int fraction_y)
{
    const __m256i half = _mm256_set1_epi16(1 << BETWEEN_BITS >> 1), most = _mm256_set1_epi16(MOST);
    __m256i a = half, b = half, c = half;
    if (fraction_y) {
        a = along(src - step, fraction_x);
        b = along(src, fraction_x);
        c = along(src + step, fraction_x);
    }
    for (int y = 0; y < BLOCK; y++, dst += dst_step) {
        __m256i v;
        if (fraction_y) {
            __m256i d = along(src + (y + 2) * step, fraction_x);
            v = filter(a, b, c, d, taps[fraction_y]);
            a = b;
            b = c;
            c = d;
        } else {
            v = along(src + y * step, fraction_x);
        }
        v = _mm256_srai_epi16(_mm256_add_epi16(v, half), BETWEEN_BITS);
        v = _mm256_min_epi16(_mm256_max_epi16(v, _mm256_setzero_si256()), most);
        _mm256_storeu_si256((void *)dst, v);
    }
}

static void between(uint16_t *dst, ptrdiff_t dst_step, const uint16_t *src, ptrdiff_t step, int fraction_x,
                    int fraction_y, int n)
{
    for (int x = 0; x < n; x += BLOCK) {
        int at = x + BLOCK <= n ? x : n - BLOCK; // the last ones partly a second time
        if (fraction_x && fraction_y)
            between_columns(dst + at, dst_step, src + at, step, fraction_x, fraction_y);
        else if (fraction_x)
            between_columns(dst + at, dst_step, src + at, step, fraction_x, 0);
        else
            between_columns(dst + at, dst_step, src + at, step, 0, fraction_y);
    }
}

// ---- sums over neighbours ----

static inline __m256i apart(const uint16_t *a, const uint16_t *b)
{
    return _mm256_abs_epi16(_mm256_sub_epi16(load32(a), load32(b)));
}

// 16 sums from what was apart in the first 16 places, and the next 16, which it replaces them by.
static inline __m256i nines(__m256i *first, __m256i next)
{
    __m256i here = *first, middle = _mm256_permute2x128_si256(here, next, 0x21);
    __m256i threes = _mm256_add_epi16(
        here, _mm256_add_epi16(_mm256_alignr_epi8(middle, here, 2), _mm256_alignr_epi8(middle, here, 4)));
    __m128i low = _mm256_castsi256_si128(next); // the first six sums of three beyond need no more
    low = _mm_add_epi16(low, _mm_add_epi16(_mm_srli_si128(low, 2), _mm_srli_si128(low, 4)));
    middle = _mm256_permute2x128_si256(threes, _mm256_castsi128_si256(low), 0x21);
    *first = next;
    return _mm256_add_epi16(threes, _mm256_add_epi16(_mm256_alignr_epi8(middle, threes, 6),
                                                     _mm256_alignr_epi8(middle, threes, 12)));
}

static void differ(uint16_t *dst, const uint16_t *a, const uint16_t *b, int n)
{
    enum { LANES = 16, MOST_LEFT = 2 * LANES };
    int i = 0;
    if (n >= LANES + MARGIN * 2) {
        __m256i here = apart(a - MARGIN, b - MARGIN);
        for (; i + LANES + 2 * MARGIN <= n; i += LANES)
            _mm256_storeu_si256((void *)(dst + i),
                                nines(&here, apart(a + i + LANES - MARGIN, b + i + LANES - MARGIN)));
    }
    if (i == n)
        return;
    uint16_t ends[2][MOST_LEFT + LANES] = {{0}}, sums[MOST_LEFT];
    size_t bytes = (size_t)(n - i + 2 * MARGIN) * sizeof *a;
    memcpy(ends[0], a + i - MARGIN, bytes);
    memcpy(ends[1], b + i - MARGIN, bytes);
    __m256i here = apart(ends[0], ends[1]);
    for (int k = 0; k < MOST_LEFT; k += LANES)
        _mm256_storeu_si256((void *)(sums + k),
                            nines(&here, apart(ends[0] + k + LANES, ends[1] + k + LANES)));
    memcpy(dst + i, sums, (size_t)(n - i) * sizeof *dst);
}

#endif
#endif
