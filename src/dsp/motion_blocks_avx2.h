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

static inline __m256i two_rows_at(const uint8_t *p, ptrdiff_t one, ptrdiff_t other)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(p + one)), load16(p + other), 1);
}

static inline __m256i two_rows(const uint8_t *p, ptrdiff_t step)
{
    return two_rows_at(p, 0, step);
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

// The search of a row's blocks, one after the other. Vectors lie as pairs of 16 bits, four in a register;
// where there is but one, all four are the same.
struct trial {
    const struct ta_motion_row *row;
    const uint8_t *block;
    __m256i place; // an address, four times
    __m256i own[4];
    __m128i farthest_least, farthest_most; // before they are held to `longest`
    __m128i least, most, expected;
    __m128i best, cost, error; // four times the cost; the error of the rows that are compared
};

static inline __m128i pairs(int x, int y)
{
    return _mm_set1_epi32((int)((uint32_t)y << 16 | (uint16_t)x));
}

static inline __m128i load_pair(const void *p)
{
    int x;
    memcpy(&x, p, sizeof x);
    return _mm_set1_epi32(x);
}

static inline __m128i chosen(__m128i four, __m128i which)
{
    return _mm_castps_si128(_mm_permutevar_ps(_mm_castsi128_ps(four), which));
}

// Of the blocks at four places.
static inline __attribute__((always_inline)) __m128i difference(const struct trial *t, __m256i places,
                                                                bool small)
{
    const ptrdiff_t step = t->row->step, twice = 2 * step, six = 6 * step;
    __m128i low = _mm256_castsi256_si128(places), high = _mm256_extracti128_si256(places, 1);
    const uint8_t *b[TA_MOTION_TRIALS] = {
        (const uint8_t *)_mm_cvtsi128_si64(low), (const uint8_t *)_mm_extract_epi64(low, 1),
        (const uint8_t *)_mm_cvtsi128_si64(high), (const uint8_t *)_mm_extract_epi64(high, 1)};
    __m256i s[TA_MOTION_TRIALS];
    if (small) {
#pragma GCC unroll 4
        for (int k = 0; k < TA_MOTION_TRIALS; k++) {
            s[k] = _mm256_sad_epu8(t->own[0], four_short_rows(b[k], step));
            __m256i rows = four_short_rows(b[k] + 4 * step, step);
            s[k] = _mm256_add_epi32(s[k], _mm256_sad_epu8(t->own[1], rows));
        }
        return four_totals(s);
    }
#pragma GCC unroll 4
    for (int k = 0; k < TA_MOTION_TRIALS; k++) {
        const uint8_t *end = b[k] + 4 * twice;
        __m256i c = _mm256_add_epi32(_mm256_sad_epu8(t->own[0], two_rows_at(b[k], 0, twice)),
                                     _mm256_sad_epu8(t->own[1], two_rows_at(b[k], 2 * twice, six)));
        __m256i d = _mm256_add_epi32(_mm256_sad_epu8(t->own[2], two_rows_at(end, 0, twice)),
                                     _mm256_sad_epu8(t->own[3], two_rows_at(end, 2 * twice, six)));
        s[k] = _mm256_add_epi32(c, d);
    }
    return four_totals(s);
}

// Without a branch: which is best can't be foreseen.
static inline __attribute__((always_inline)) void try_four(struct trial *t, __m128i c, bool small, bool first)
{
    const struct ta_motion_row *r = t->row;
    c = _mm_min_epi16(_mm_max_epi16(c, t->least), t->most);
    __m128i away = _mm_abs_epi16(_mm_sub_epi16(c, t->expected));
    __m128i at = _mm_madd_epi16(c, pairs(1, (int)r->step));
    __m128i errors = difference(t, _mm256_add_epi64(t->place, _mm256_cvtepi32_epi64(at)), small);
    __m128i costs = _mm_add_epi32(_mm_madd_epi16(away, _mm_set1_epi16((short)(TA_MOTION_TRIALS * r->stray))),
                                  _mm_setr_epi32(0, 1, 2, 3));
    costs = _mm_add_epi32(_mm_slli_epi32(errors, small ? 2 : 3), costs);
    // The least, and in its lowest bits which it is.
    __m128i least = _mm_min_epi32(costs, _mm_shuffle_epi32(costs, 0x4e));
    least = _mm_min_epi32(least, _mm_shuffle_epi32(least, 0xb1));
    __m128i best = chosen(c, least), error = chosen(errors, least),
            cost = _mm_andnot_si128(_mm_set1_epi32(3), least);
    if (first) {
        t->cost = cost;
        t->best = best;
        t->error = error;
        return;
    }
    __m128i better = _mm_cmpgt_epi32(t->cost, least);
    t->cost = _mm_min_epi32(t->cost, cost);
    t->best = _mm_blendv_epi8(t->best, best, better);
    t->error = _mm_blendv_epi8(t->error, error, better);
}

static inline __m128i median(__m128i a, __m128i b, __m128i c)
{
    return _mm_max_epi16(_mm_min_epi16(a, b), _mm_min_epi16(_mm_max_epi16(a, b), c));
}

static inline struct trial first_of(const struct ta_motion_row *r)
{
    return (struct trial){
        .row = r,
        .block = r->block,
        .place = _mm256_set1_epi64x((int64_t)r->place),
        .farthest_least = pairs(r->least_x, r->least_y),
        .farthest_most = pairs(r->most_x, r->most_y),
    };
}

// Block i, up to the best of its predictions.
static inline __attribute__((always_inline)) void begin(struct trial *t, int i, bool small)
{
    const struct ta_motion_row *r = t->row;
    __m128i left = t->best, up = left, right = left, second = _mm_setzero_si128();
    if (r->above) {
        up = load_pair(r->above + i);
        second = right = load_pair(r->above + (i + 1 < r->count ? i + 1 : i));
    }
    if (r->second)
        second = load_pair(r->second + i);
    const __m128i longest = pairs(r->longest, INT16_MAX), pitch = pairs(r->pitch, 0);
    t->least = _mm_max_epi16(t->farthest_least, _mm_sub_epi16(_mm_setzero_si128(), longest));
    t->most = _mm_min_epi16(t->farthest_most, longest);
    t->expected = median(left, up, right);
    for (int k = 0; k < (small ? 2 : 4); k++)
        t->own[k] = small ? four_short_rows(t->block + 4 * k * r->step, r->step)
                          : two_rows(t->block + 4 * k * r->step, 2 * r->step);
    __m128i predicted = _mm_blend_epi32(load_pair(r->first + i), second, 2);
    try_four(t, _mm_blend_epi32(predicted, _mm_blend_epi32(left, up, 8), 12), small, true);
    t->farthest_least = _mm_sub_epi16(t->farthest_least, pitch);
    t->farthest_most = _mm_sub_epi16(t->farthest_most, pitch);
}

static inline __attribute__((always_inline)) void end(struct trial *t, int i, bool small)
{
    const struct ta_motion_row *r = t->row;
    int best = _mm_cvtsi128_si32(t->best);
    memcpy(r->vectors + i, &best, sizeof best);
    r->vectors[i].error = (uint16_t)smaller(_mm_cvtsi128_si32(t->error) << (small ? 0 : 1), UINT16_MAX);
    t->block += r->pitch;
    t->place = _mm256_add_epi64(t->place, _mm256_set1_epi64x(r->pitch));
}

// The next block of a row and that of the row below, which lies `behind` its own, step by step: each step
// waits for the one before it, and has the other's to fill the time.
static inline __attribute__((always_inline)) void search_blocks(struct trial *t, int count, int i, int behind,
                                                                bool small, int wide, int around)
{
#pragma GCC unroll 2
    for (int k = 0; k < count; k++)
        begin(t + k, i - k * behind, small);
    for (int way = wide ? 0 : 1; way < 2; way++) {
        int distance = way ? 1 : wide, places = way ? around : 2 * TA_MOTION_TRIALS;
        __m128i middle[2];
#pragma GCC unroll 2
        for (int k = 0; k < count; k++)
            middle[k] = t[k].best;
        for (int p = 0; p < places; p += TA_MOTION_TRIALS) {
            __m128i away = _mm_mullo_epi16(load16(ring[p]), _mm_set1_epi16((short)distance));
#pragma GCC unroll 2
            for (int k = 0; k < count; k++)
                try_four(t + k, _mm_add_epi16(middle[k], away), small, false);
        }
    }
#pragma GCC unroll 2
    for (int k = 0; k < count; k++)
        end(t + k, i - k * behind, small);
}

// One row, or two of which the second is so far behind that what it takes from above is there.
static inline __attribute__((always_inline)) void search_rows(const struct ta_motion_row *rows, int count,
                                                              bool small, int wide, int around)
{
    enum { BEHIND = 2 };
    const struct ta_motion_row r[2] = {rows[0], rows[count - 1]}; // which no vector written can change
    struct trial t[2] = {first_of(&r[0]), first_of(&r[1])};
    int i = 0, n = r[0].count, alone = count > 1 ? smaller(BEHIND, n) : n;
    for (; i < alone; i++)
        search_blocks(t, 1, i, 0, small, wide, around);
    for (; i < n; i++) {
        // Rows that the next two take.
        ptrdiff_t ahead = (r[1].side + r[1].pitch + 2 * (i & 7)) * r[0].step;
        for (int k = 0; k < 2; k++, ahead += r[0].step) {
            _mm_prefetch((const char *)((uintptr_t)(t[0].block + ahead)), _MM_HINT_T0);
            _mm_prefetch((const char *)((uintptr_t)(r[0].place + i * r[0].pitch + ahead)), _MM_HINT_T0);
        }
        search_blocks(t, 2, i, BEHIND, small, wide, around);
    }
    for (i = n - alone; count > 1 && i < n; i++)
        search_blocks(t + 1, 1, i, 0, small, wide, around);
}

static void search(const struct ta_motion_row *rows, int count)
{
    if (rows->step > INT16_MAX) {
        ta_motion_dsp_c.search(rows, count);
        return;
    }
    for (int k = 0; k < count; k += 2) {
        const struct ta_motion_row *r = rows + k;
        int n = smaller(count - k, 2);
        if (r->side != BLOCK)
            search_rows(r, n, true, r->wide, r->around);
        else if (!r->wide && r->around == 4)
            search_rows(r, n, false, 0, 4);
        else
            search_rows(r, n, false, r->wide, r->around);
    }
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

#define FALLING(y)                                                                                    \
    WINDOW(y, 0), WINDOW(y, 1), WINDOW(y, 2), WINDOW(y, 3), WINDOW(y, 4), WINDOW(y, 5), WINDOW(y, 6), \
        WINDOW(y, 7)
#define RISING(y)                                                                                     \
    WINDOW(y, 7), WINDOW(y, 6), WINDOW(y, 5), WINDOW(y, 4), WINDOW(y, 3), WINDOW(y, 2), WINDOW(y, 1), \
        WINDOW(y, 0)

// Windows of the block in the middle of two cells, and of those at the sides.
#define MIDDLE(y)             \
    {                         \
        RISING(y), FALLING(y) \
    }
#define SIDES(y)              \
    {                         \
        FALLING(y), RISING(y) \
    }
static const int16_t middles[STEP][2 * STEP] = {MIDDLE(0), MIDDLE(1), MIDDLE(2), MIDDLE(3),
                                                MIDDLE(4), MIDDLE(5), MIDDLE(6), MIDDLE(7)};
static const int16_t sides[STEP][2 * STEP] = {SIDES(0), SIDES(1), SIDES(2), SIDES(3),
                                              SIDES(4), SIDES(5), SIDES(6), SIDES(7)};

static inline __m256i blended(__m256i samples, const int16_t window[2 * STEP])
{
    return _mm256_mulhrs_epi16(_mm256_slli_epi16(samples, GUARD_BITS), load32(window));
}

static inline __m256i halves(const uint16_t *left, const uint16_t *right)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(left)), load16(right), 1);
}

// Two cells side by side; of one alone, the second is made and not written.
static inline void blend(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                         const struct ta_motion_block *below, int cells, int rows)
{
    const __m256i half = _mm256_set1_epi16(1 << GUARD_BITS >> 1);
    const struct ta_motion_block a[3] = {above[0], above[1], above[cells]},
                                 b[3] = {below[0], below[1], below[cells]};
    for (int y = 0; y < rows; y++, dst += dst_step) {
        // The rows that the cells below take: too many streams for the processor to foresee.
        _mm_prefetch((const char *)((uintptr_t)(b[1].at + (STEP + y) * b[1].step)), _MM_HINT_T0);
        __m256i sum = _mm256_add_epi16(half, blended(load32(a[1].at + y * a[1].step), middles[y]));
        sum = _mm256_add_epi16(
            sum, blended(halves(a[0].at + STEP + y * a[0].step, a[2].at + y * a[2].step), sides[y]));
        sum = _mm256_add_epi16(sum, blended(load32(b[1].at + y * b[1].step), middles[STEP - 1 - y]));
        sum = _mm256_add_epi16(sum, blended(halves(b[0].at + STEP + y * b[0].step, b[2].at + y * b[2].step),
                                            sides[STEP - 1 - y]));
        sum = _mm256_srli_epi16(sum, GUARD_BITS);
        if (cells == 2)
            _mm256_storeu_si256((void *)dst, sum);
        else
            _mm_storeu_si128((void *)dst, _mm256_castsi256_si128(sum));
    }
}

static void overlap(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                    const struct ta_motion_block *below, int cells, int rows)
{
    for (int c = 0; c < cells;) {
        int first = c, same = 0;
        while (c < cells && same_place(above + c, below + c))
            c++;
        same = c - first;
        const struct ta_motion_block *from = above + first + 1;
        for (int y = 0; same && y < rows; y++) { // whole rows: their places in memory are foreseen
            const uint16_t *row = from->at + y * from->step;
            for (int x = 0; x < same * STEP; x += 32)
                _mm_prefetch((const char *)((uintptr_t)(row + STEP * from->step + x)), _MM_HINT_T0);
            memcpy(dst + y * dst_step + first * STEP, row, (size_t)same * STEP * sizeof *dst);
        }
        if (c < cells) {
            int n = smaller(cells - c, 2);
            blend(dst + c * STEP, dst_step, above + c, below + c, n, rows);
            c += n;
        }
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
