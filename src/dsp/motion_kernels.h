// The kernels of motion.h, compiled once for each instruction set by the file that includes this one. Most
// are plain C, written so that compilers turn them into vector code: each result depends on one position
// alone, and its operations have one order, so vectors of any width give the same bits. Blocks, whose rows
// are short, are written out for AVX2; AVX-512 has nothing to add there.
#ifndef TA_DSP_MOTION_KERNELS_H
#define TA_DSP_MOTION_KERNELS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "dsp/motion.h"

#ifndef TA_MOTION_TABLE
#define TA_MOTION_TABLE ta_motion_dsp_c
#define TA_MOTION_NAME "c"
#endif

enum {
    PIECE = 64, // of a row: what is kept of a piece stays in registers or the nearest cache
    BLOCK = TA_MOTION_BLOCK,
    STEP = TA_MOTION_STEP,
    MARGIN = TA_MOTION_MARGIN,
    MOST = (1 << TA_MOTION_DEPTH) - 1,
};

static void widen8(uint16_t *restrict dst, const uint8_t *restrict src, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(src[i] << (TA_MOTION_DEPTH - 8));
}

static void widen16(uint16_t *restrict dst, const uint16_t *restrict src, int depth, int n)
{
    int left = depth < TA_MOTION_DEPTH ? TA_MOTION_DEPTH - depth : 0;
    int right = depth > TA_MOTION_DEPTH ? depth - TA_MOTION_DEPTH : 0;
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(src[i] >> right << left);
}

static inline int narrowed(int x, int shift, int most)
{
    x = (x + (1 << shift >> 1)) >> shift;
    return x < most ? x : most;
}

static void narrow8(uint8_t *restrict dst, const uint16_t *restrict src, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = (uint8_t)narrowed(src[i], TA_MOTION_DEPTH - 8, 255);
}

static void narrow16(uint16_t *restrict dst, const uint16_t *restrict src, int depth, int n)
{
    int left = depth > TA_MOTION_DEPTH ? depth - TA_MOTION_DEPTH : 0;
    int right = depth < TA_MOTION_DEPTH ? TA_MOTION_DEPTH - depth : 0, most = (1 << depth) - 1;
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(narrowed(src[i], right, most) << left);
}

// The sums of 16 weights fill 16 bits.
static inline void blur_piece(uint8_t *restrict dst, const uint16_t *const rows[3], int at, int n)
{
    const uint16_t *restrict a = rows[0] + at, *restrict b = rows[1] + at, *restrict c = rows[2] + at;
    uint16_t sums[PIECE + 2];
    for (int i = 0; i < n + 2; i++)
        sums[i] = (uint16_t)(a[i - 1] + 2 * b[i - 1] + c[i - 1]);
    for (int i = 0; i < n; i++) {
        uint16_t x = (uint16_t)(sums[i] + 2 * sums[i + 1] + sums[i + 2]);
        dst[at + i] = (uint8_t)(x >> (TA_MOTION_DEPTH - 4));
    }
}

static void blur(uint8_t *dst, const uint16_t *const rows[3], int n)
{
    int i = 0;
    for (; i + PIECE <= n; i += PIECE)
        blur_piece(dst, rows, i, PIECE);
    if (i < n)
        blur_piece(dst, rows, i, n - i);
}

static void halve(uint8_t *restrict dst, const uint8_t *const rows[2], int n)
{
    const uint8_t *restrict a = rows[0], *restrict b = rows[1];
    for (int i = 0; i < n; i++) {
        int left = (a[2 * i] + b[2 * i] + 1) >> 1, right = (a[2 * i + 1] + b[2 * i + 1] + 1) >> 1;
        dst[i] = (uint8_t)((left + right + 1) >> 1);
    }
}

// Windows of the blocks that overlap in a cell: by row and column, in units of 1/32768.
#define FALLS(i) (15 - 2 * (i))
#define RISES(i) (2 * (i) + 1)
enum { WINDOW = 128, GUARD_BITS = 15 - TA_MOTION_DEPTH };

// With `GUARD_BITS` more below, so that four roundings stay far below a step.
static inline int weigh(int x, int weight)
{
    return (((x << GUARD_BITS) * weight >> 14) + 1) >> 1;
}

static inline bool same_place(const struct ta_motion_block *above, const struct ta_motion_block *below)
{
    return above[0].at + STEP == above[1].at && below[0].at + STEP == below[1].at &&
           above[1].at == below[1].at && above[0].step == above[1].step && below[0].step == below[1].step &&
           above[0].step == below[0].step;
}

#ifdef __AVX2__

static inline __m256i two_rows(const uint8_t *p, ptrdiff_t step)
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a),
                                   _mm_loadu_si128((const __m128i *)(const void *)(p + step)), 1);
}

static inline unsigned total(__m256i sums)
{
    __m128i s = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    return (unsigned)_mm_cvtsi128_si32(s) + (unsigned)_mm_extract_epi32(s, 2);
}

static unsigned sad16(const uint8_t *a, ptrdiff_t a_step, const uint8_t *b, ptrdiff_t b_step)
{
    __m256i sum = _mm256_setzero_si256();
    for (int y = 0; y < BLOCK; y += 4, a += 4 * a_step, b += 4 * b_step)
        sum = _mm256_add_epi64(sum, _mm256_sad_epu8(two_rows(a, 2 * a_step), two_rows(b, 2 * b_step)));
    return 2 * total(sum);
}

static inline __m256i four_short_rows(const uint8_t *p, ptrdiff_t step)
{
    __m128i row[4];
    for (int i = 0; i < 4; i++)
        row[i] = _mm_loadl_epi64((const __m128i *)(const void *)(p + i * step));
    __m128i low = _mm_unpacklo_epi64(row[0], row[1]), high = _mm_unpacklo_epi64(row[2], row[3]);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

static unsigned sad8(const uint8_t *a, ptrdiff_t a_step, const uint8_t *b, ptrdiff_t b_step)
{
    __m256i upper = _mm256_sad_epu8(four_short_rows(a, a_step), four_short_rows(b, b_step));
    __m256i lower = _mm256_sad_epu8(four_short_rows(a + 4 * a_step, a_step),
                                    four_short_rows(b + 4 * b_step, b_step));
    return total(_mm256_add_epi64(upper, lower));
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
    return 2 * total(sum);
}

static inline __m256i two_half_rows(const uint16_t *p, ptrdiff_t step)
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(a),
                                           _mm_loadu_si128((const __m128i *)(const void *)(p + step)), 1);
    return _mm256_slli_epi16(both, GUARD_BITS);
}

static inline __m256i two_factors(int first, int second)
{
    return _mm256_inserti128_si256(_mm256_set1_epi16((short)first), _mm_set1_epi16((short)second), 1);
}

// Two rows of a cell at a time; the second of an odd number is made and not written.
static void blend(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                  const struct ta_motion_block *below, int rows)
{
    const __m256i falls = _mm256_setr_epi16(FALLS(0), FALLS(1), FALLS(2), FALLS(3), FALLS(4), FALLS(5),
                                            FALLS(6), FALLS(7), FALLS(0), FALLS(1), FALLS(2), FALLS(3),
                                            FALLS(4), FALLS(5), FALLS(6), FALLS(7));
    const __m256i rises = _mm256_sub_epi16(_mm256_set1_epi16(16), falls);
    const __m256i half = _mm256_set1_epi16(1 << GUARD_BITS >> 1), most = _mm256_set1_epi16(MOST);
    for (int y = 0; y < rows; y += 2) {
        ptrdiff_t next = y + 1 < rows;
        __m256i down = two_factors(FALLS(y) * WINDOW, FALLS(y + 1) * WINDOW);
        __m256i up = two_factors(RISES(y) * WINDOW, RISES(y + 1) * WINDOW);
        const struct ta_motion_block blocks[4] = {above[0], above[1], below[0], below[1]};
        __m256i sum = half;
        for (int k = 0; k < 4; k++) {
            const uint16_t *p = blocks[k].at + y * blocks[k].step + (k % 2 ? 0 : STEP);
            __m256i window = _mm256_mullo_epi16(k < 2 ? down : up, k % 2 ? rises : falls);
            sum = _mm256_add_epi16(sum, _mm256_mulhrs_epi16(two_half_rows(p, next * blocks[k].step), window));
        }
        sum = _mm256_min_epi16(_mm256_srli_epi16(sum, GUARD_BITS), most);
        _mm_storeu_si128((__m128i *)(void *)(dst + y * dst_step), _mm256_castsi256_si128(sum));
        if (next)
            _mm_storeu_si128((__m128i *)(void *)(dst + (y + 1) * dst_step), _mm256_extracti128_si256(sum, 1));
    }
}

#else

static unsigned sad(const uint8_t *a, ptrdiff_t a_step, const uint8_t *b, ptrdiff_t b_step, int side,
                    int skip)
{
    unsigned sum = 0;
    for (int y = 0; y < side; y += skip)
        for (int x = 0; x < side; x++)
            sum += (unsigned)abs(a[y * a_step + x] - b[y * b_step + x]);
    return sum * (unsigned)skip;
}

static unsigned sad16(const uint8_t *a, ptrdiff_t a_step, const uint8_t *b, ptrdiff_t b_step)
{
    return sad(a, a_step, b, b_step, BLOCK, 2);
}

static unsigned sad8(const uint8_t *a, ptrdiff_t a_step, const uint8_t *b, ptrdiff_t b_step)
{
    return sad(a, a_step, b, b_step, 8, 1);
}

static unsigned sad16_between(const uint8_t *a, ptrdiff_t a_step, const uint8_t *const b[4], ptrdiff_t b_step)
{
    uint8_t mean[BLOCK * BLOCK] = {0};
    for (int y = 0; y < BLOCK; y += 2)
        for (int x = 0; x < BLOCK; x++) {
            ptrdiff_t at = y * b_step + x;
            int one = (b[0][at] + b[1][at] + 1) >> 1, other = (b[2][at] + b[3][at] + 1) >> 1;
            mean[y * BLOCK + x] = (uint8_t)((one + other + 1) >> 1);
        }
    return sad(a, a_step, mean, BLOCK, BLOCK, 2);
}

static void blend(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                  const struct ta_motion_block *below, int rows)
{
    for (int y = 0; y < rows; y++) {
        const uint16_t *a = above[0].at + y * above[0].step + STEP, *b = above[1].at + y * above[1].step;
        const uint16_t *c = below[0].at + y * below[0].step + STEP, *d = below[1].at + y * below[1].step;
        int down = FALLS(y) * WINDOW, up = RISES(y) * WINDOW;
        for (int x = 0; x < STEP; x++) {
            int sum = weigh(a[x], down * FALLS(x)) + weigh(b[x], down * RISES(x)) +
                      weigh(c[x], up * FALLS(x)) + weigh(d[x], up * RISES(x));
            sum = (sum + (1 << GUARD_BITS >> 1)) >> GUARD_BITS;
            dst[y * dst_step + x] = (uint16_t)(sum < MOST ? sum : MOST);
        }
    }
}

#endif

static void overlap(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                    const struct ta_motion_block *below, int cells, int rows)
{
    for (int c = 0; c < cells; c++, dst += STEP)
        if (same_place(above + c, below + c))
            for (int y = 0; y < rows; y++)
                memcpy(dst + y * dst_step, above[c + 1].at + y * above[c + 1].step, STEP * sizeof *dst);
        else
            blend(dst, dst_step, above + c, below + c, rows);
}

// Filters for places between samples, by quarters: in units of 1/32768.
static const int16_t taps[TA_MOTION_FRACTIONS][TA_MOTION_TAPS] = {
    {0, 32767, 0, 0}, {-2304, 28416, 7424, -768}, {-2048, 18432, 18432, -2048}, {-768, 7424, 28416, -2304}};
enum { BETWEEN_BITS = 2 }; // more while filtering: what rings over still fits 16 bits

static inline int16_t scaled(int x, int weight)
{
    return (int16_t)(((x * weight >> 14) + 1) >> 1);
}

// A row of a block from four rows, or four times a row.
static inline void filter(int16_t *restrict dst, const int16_t *a, const int16_t *b, const int16_t *c,
                          const int16_t *d, const int16_t *t)
{
    int16_t t0 = t[0], t1 = t[1], t2 = t[2], t3 = t[3];
    for (int x = 0; x < BLOCK; x++)
        dst[x] = (int16_t)(scaled(a[x], t0) + scaled(b[x], t1) + scaled(c[x], t2) + scaled(d[x], t3));
}

static void between(uint16_t *restrict dst, const uint16_t *restrict src, ptrdiff_t step, int fraction_x,
                    int fraction_y)
{
    enum { ROWS = BLOCK + TA_MOTION_TAPS - 1 };
    int16_t rows[ROWS][BLOCK], out[BLOCK];
    int first = fraction_y ? -1 : 0, end = fraction_y ? BLOCK + 2 : BLOCK;
    for (int y = first; y < end; y++) {
        int16_t raised[BLOCK + TA_MOTION_TAPS - 1];
        const uint16_t *p = src + y * step - (fraction_x ? 1 : 0);
        for (int x = 0; x < BLOCK + (fraction_x ? 3 : 0); x++)
            raised[x] = (int16_t)(p[x] << BETWEEN_BITS);
        if (fraction_x)
            filter(rows[y - first], raised, raised + 1, raised + 2, raised + 3, taps[fraction_x]);
        else
            memcpy(rows[y - first], raised, sizeof rows[0]);
    }
    for (int y = 0; y < BLOCK; y++, dst += BLOCK) {
        const int16_t *r = rows[y];
        if (fraction_y) {
            filter(out, rows[y], rows[y + 1], rows[y + 2], rows[y + 3], taps[fraction_y]);
            r = out;
        }
        for (int x = 0; x < BLOCK; x++) {
            int v = (r[x] + (1 << BETWEEN_BITS >> 1)) >> BETWEEN_BITS;
            v = v > 0 ? v : 0;
            dst[x] = (uint16_t)(v < MOST ? v : MOST);
        }
    }
}

static inline void differ_piece(uint16_t *restrict dst, const uint16_t *restrict a,
                                const uint16_t *restrict b, int n)
{
    uint16_t apart[PIECE + 2 * MARGIN], threes[PIECE + 2 * MARGIN - 2];
    for (int i = 0; i < n + 2 * MARGIN; i++) {
        int16_t d = (int16_t)(a[i - MARGIN] - b[i - MARGIN]);
        apart[i] = (uint16_t)(d < 0 ? -d : d);
    }
    for (int i = 0; i < n + 2 * MARGIN - 2; i++)
        threes[i] = (uint16_t)(apart[i] + apart[i + 1] + apart[i + 2]);
    for (int i = 0; i < n; i++)
        dst[i] = (uint16_t)(threes[i] + threes[i + 3] + threes[i + 6]);
}

static void differ(uint16_t *dst, const uint16_t *a, const uint16_t *b, int n)
{
    int i = 0;
    for (; i + PIECE <= n; i += PIECE)
        differ_piece(dst + i, a + i, b + i, PIECE);
    if (i < n)
        differ_piece(dst + i, a + i, b + i, n - i);
}

static void vertical(uint16_t *restrict dst, const uint16_t *const rows[4], int n)
{
    const uint16_t *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2], *restrict d = rows[3];
    for (int i = 0; i < n; i++) {
        int x = (9 * (b[i] + c[i]) - (a[i] + d[i]) + 8) >> 4;
        x = x > 0 ? x : 0;
        dst[i] = (uint16_t)(x < MOST ? x : MOST);
    }
}

// The model of a guess's variance, in squared steps of 8 bits, as fitted to films whose originals are known:
// AT_LEAST, then by the mean square of what it fails to explain (NEAR) and by its square (FAR), and by the
// mean square between two ways to interpolate, times how little of its samples is true (PHASE).
#define UNIT (1.0f / (1 << 2 * (TA_MOTION_DEPTH - 8)))
#define AT_LEAST 0.02f
#define NEAR (0.127f * UNIT / (4 * TA_MOTION_BOX * TA_MOTION_BOX))
#define FAR (0.00817f * UNIT * UNIT / (16.0f * TA_MOTION_BOX * TA_MOTION_BOX * TA_MOTION_BOX * TA_MOTION_BOX))
#define PHASE (1.14f * UNIT / (4 * TA_MOTION_BOX * TA_MOTION_BOX))
#define BASE_LEAST 0.004f
#define BASE_SPREAD (0.5f * UNIT / (TA_MOTION_BOX * TA_MOTION_BOX))

enum { MOST_UNEXPLAINED = 20000 }; // a guess that is farther off is as bad: products of variances fit a float

// The mean weighted by 1 / v is the sum of each value times the variances of all others, by the sum of these:
// one division a sample.
static inline __attribute__((always_inline)) void fuse_guesses(uint16_t *restrict dst,
                                                               const uint16_t *restrict base,
                                                               const uint16_t *restrict spread,
                                                               const struct ta_motion_guess *guesses,
                                                               int count, int n)
{
    for (int i = 0; i < n; i++) {
        float s = spread[i], doubt = s * s;
        float all = BASE_LEAST + BASE_SPREAD * doubt, weight = 1, sum = base[i];
        for (int k = 0; k < count; k++) {
            int d = guesses[k].above[i] + guesses[k].below[i];
            d = d < MOST_UNEXPLAINED ? d : MOST_UNEXPLAINED;
            float d2 = (float)d * (float)d * guesses[k].strict;
            float v = AT_LEAST + d2 * (NEAR + FAR * d2) + PHASE * (float)guesses[k].phase[i] * doubt;
            v *= guesses[k].trust;
            weight = weight * v + all;
            sum = sum * v + (float)guesses[k].row[i] * all;
            all *= v;
        }
        dst[i] = (uint16_t)(int32_t)(sum / weight + 0.5f);
    }
}

static void fuse(uint16_t *dst, const uint16_t *base, const uint16_t *spread,
                 const struct ta_motion_guess *guesses, int count, int n)
{
    struct ta_motion_guess g[TA_MOTION_GUESSES]; // that no sample written can change
    memcpy(g, guesses, (size_t)count * sizeof *g);
    switch (count) { // each with its loop over guesses unrolled
    case 5:
        fuse_guesses(dst, base, spread, g, 5, n);
        break;
    case 4:
        fuse_guesses(dst, base, spread, g, 4, n);
        break;
    case 3:
        fuse_guesses(dst, base, spread, g, 3, n);
        break;
    case 2:
        fuse_guesses(dst, base, spread, g, 2, n);
        break;
    case 1:
        fuse_guesses(dst, base, spread, g, 1, n);
        break;
    default:
        fuse_guesses(dst, base, spread, g, 0, n);
    }
}

const struct ta_motion_dsp TA_MOTION_TABLE = {
    .name = TA_MOTION_NAME,
    .widen8 = widen8,
    .widen16 = widen16,
    .narrow8 = narrow8,
    .narrow16 = narrow16,
    .blur = blur,
    .halve = halve,
    .sad16 = sad16,
    .sad8 = sad8,
    .sad16_between = sad16_between,
    .between = between,
    .overlap = overlap,
    .differ = differ,
    .vertical = vertical,
    .fuse = fuse,
};

#endif
