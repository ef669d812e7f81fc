// The kernels of grade.h, compiled once for each instruction set by the file that includes this one. The
// loops are plain C, written so that compilers turn them into vector code: each result depends on one
// position alone, and its operations have one order, so vectors of any width give the same bits. Only the
// table of three inputs is written out for AVX2: its loads depend on the data.
#ifndef TA_DSP_GRADE_KERNELS_H
#define TA_DSP_GRADE_KERNELS_H

#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "dsp/grade.h"

#ifndef TA_GRADE_TABLE
#define TA_GRADE_TABLE ta_grade_dsp_c
#define TA_GRADE_NAME "c"
#endif

#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

static inline float clip(float x, float low, float high)
{
    x = MAX_OF(x, low);
    return MIN_OF(x, high);
}

static inline int round_clip(float x, float max)
{
    return (int)(clip(x, 0, max) + 0.5f);
}

static void widen8(float *restrict dst, const uint8_t *restrict src, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = src[i];
}

static void widen16(float *restrict dst, const uint16_t *restrict src, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = src[i];
}

static void look8(float *restrict dst, const uint8_t *restrict src, const float *restrict table, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = table[src[i]];
}

static void look16(float *restrict dst, const uint16_t *restrict src, const float *restrict table, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = table[src[i]];
}

static void map8(uint8_t *restrict dst, const uint8_t *restrict src, const uint8_t *restrict table, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = table[src[i]];
}

static void map16(uint16_t *restrict dst, const uint16_t *restrict src, const uint16_t *restrict table, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = table[src[i]];
}

static void turn8(uint8_t *const dst[2], const uint8_t *const src[2], const float m[6], int n)
{
    uint8_t *restrict a = dst[0], *restrict b = dst[1];
    const uint8_t *restrict u = src[0], *restrict v = src[1];
    float m0 = m[0], m1 = m[1], m2 = m[2], m3 = m[3], m4 = m[4], m5 = m[5];
    for (int i = 0; i < n; i++) {
        float x = u[i], y = v[i];
        a[i] = (uint8_t)round_clip(m0 * x + m1 * y + m2, 255);
        b[i] = (uint8_t)round_clip(m3 * x + m4 * y + m5, 255);
    }
}

static void turn16(uint16_t *const dst[2], const uint16_t *const src[2], const float m[6], int max, int n)
{
    uint16_t *restrict a = dst[0], *restrict b = dst[1];
    const uint16_t *restrict u = src[0], *restrict v = src[1];
    float m0 = m[0], m1 = m[1], m2 = m[2], m3 = m[3], m4 = m[4], m5 = m[5], top = (float)max;
    for (int i = 0; i < n; i++) {
        float x = u[i], y = v[i];
        a[i] = (uint16_t)round_clip(m0 * x + m1 * y + m2, top);
        b[i] = (uint16_t)round_clip(m3 * x + m4 * y + m5, top);
    }
}

static void blend(float *restrict dst, const float *restrict a, const float *restrict b, float wa, float wb,
                  int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = a[i] * wa + b[i] * wb;
}

static void expand2(float *restrict dst, const float *restrict src, const int at[], const float w[], int n)
{
    const float *s0 = src + at[0], *s1 = src + at[1];
    float a0 = w[0], a1 = w[1], b0 = 1 - a0, b1 = 1 - a1;
    for (int i = 0; i < n; i++) {
        dst[2 * i] = s0[i] * a0 + s0[i + 1] * b0;
        dst[2 * i + 1] = s1[i] * a1 + s1[i + 1] * b1;
    }
}

static void expand(float *restrict dst, const float *restrict src, int ratio, const int at[], const float w[],
                   int n)
{
    if (ratio == 2) {
        expand2(dst, src, at, w, n);
        return;
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < ratio; k++) {
            const float *s = src + i + at[k];
            dst[ratio * i + k] = s[0] * w[k] + s[1] * (1 - w[k]);
        }
}

static void shrink(float *restrict dst, const float *restrict src, int ratio, int first, const float w[],
                   int taps, int n)
{
    const float *s = src + first;
    if (ratio == 2 && taps == 5) {
        float a = w[0], b = w[1], c = w[2], d = w[3], e = w[4];
        for (int i = 0; i < n; i++)
            dst[i] = s[2 * i] * a + s[2 * i + 1] * b + s[2 * i + 2] * c + s[2 * i + 3] * d + s[2 * i + 4] * e;
        return;
    }
    if (ratio == 2 && taps == 4) {
        float a = w[0], b = w[1], c = w[2], d = w[3];
        for (int i = 0; i < n; i++)
            dst[i] = s[2 * i] * a + s[2 * i + 1] * b + s[2 * i + 2] * c + s[2 * i + 3] * d;
        return;
    }
    for (int i = 0; i < n; i++) {
        float sum = s[ratio * i] * w[0];
        for (int k = 1; k < taps; k++)
            sum += s[ratio * i + k] * w[k];
        dst[i] = sum;
    }
}

// Rows are summed in blocks that stay in the first cache.
enum { BLOCK = 256 };

static inline void sum_rows(float *restrict sum, const float *const src[], const float w[], int rows, int at,
                            int n)
{
    const float *restrict first = src[0] + at;
    float w0 = w[0];
    for (int i = 0; i < n; i++)
        sum[i] = first[i] * w0;
    for (int k = 1; k < rows; k++) {
        const float *restrict s = src[k] + at;
        float wk = w[k];
        for (int i = 0; i < n; i++)
            sum[i] += s[i] * wk;
    }
}

static void pack8(uint8_t *restrict dst, const float *const src[], const float w[], int rows, int n)
{
    float sum[BLOCK];
    for (int at = 0; at < n; at += BLOCK) {
        int count = MIN_OF(BLOCK, n - at);
        sum_rows(sum, src, w, rows, at, count);
        for (int i = 0; i < count; i++)
            dst[at + i] = (uint8_t)round_clip(sum[i], 255);
    }
}

static void pack16(uint16_t *restrict dst, const float *const src[], const float w[], int rows, int max,
                   int n)
{
    float sum[BLOCK], top = (float)max;
    for (int at = 0; at < n; at += BLOCK) {
        int count = MIN_OF(BLOCK, n - at);
        sum_rows(sum, src, w, rows, at, count);
        for (int i = 0; i < count; i++)
            dst[at + i] = (uint16_t)round_clip(sum[i], top);
    }
}

static void matrix(float *const ch[3], const float m[12], int n)
{
    float *restrict a = ch[0], *restrict b = ch[1], *restrict c = ch[2];
    float k[12];
    memcpy(k, m, sizeof k);
    for (int i = 0; i < n; i++) {
        float x = a[i], y = b[i], z = c[i];
        a[i] = k[0] * x + k[1] * y + k[2] * z + k[3];
        b[i] = k[4] * x + k[5] * y + k[6] * z + k[7];
        c[i] = k[8] * x + k[9] * y + k[10] * z + k[11];
    }
}

static void curve(float *restrict x, const struct ta_grade_curve *c, int n)
{
    const float *restrict t = c->values;
    float top = (float)(c->size - 1), beyond = c->beyond;
    int last = c->size - 2;
    for (int i = 0; i < n; i++) {
        float p = clip(x[i], 0, top);
        int k = (int)p;
        k = MIN_OF(k, last);
        float f = p - (float)k;
        x[i] = t[k] + (t[k + 1] - t[k]) * f + (x[i] - p) * beyond;
    }
}

static inline float float_of(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline int32_t bits_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

// x^e for x in 2^-10..: 2^(e log2 x), the logarithm of the mantissa (taken to sqrt(1/2)..sqrt(2)) by the
// series of artanh, the power of two by that of exp.
static inline float power_of(float x, float e)
{
    int32_t bits = bits_of(x) - 0x3f3504f3; // sqrt(1/2)
    float exponent = (float)(bits >> 23);
    float m = float_of((bits & 0x7fffff) + 0x3f3504f3);
    float s = (m - 1) / (m + 1), q = s * s;
    float log = ((((q * 0.3205989f + 0.41219857f) * q + 0.57707802f) * q + 0.96179670f) * q + 2.88539008f) *
                s;
    float t = clip((exponent + log) * e, -120, 120);
    // Adding 1.5 * 2^23 rounds to an integer.
    float whole = (t + 12582912.0f) - 12582912.0f;
    float f = t - whole;
    float p = 1.5252734e-5f;
    p = p * f + 1.5403530e-4f;
    p = p * f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    return p * float_of(((int32_t)whole + 127) * (1 << 23));
}

static void power(float *restrict x, float e, int n)
{
    const float toe = 1.0f / 1024;
    float slope = power_of(toe, e) * 1024;
    for (int i = 0; i < n; i++) {
        float v = x[i];
        float bent = power_of(MAX_OF(v, toe), e);
        float line = v * (v > 0 ? slope : 1.0f);
        x[i] = v > toe ? bent : line;
    }
}

// Corner offsets of the tetrahedron that a position lies in go along its largest fraction first. The sum is
// ((w0 n0 + w1 n1) + w2 n2) + w3 n3.
static void lut_one(float *const ch[3], const struct ta_grade_lut *lut, int i)
{
    int size = lut->size, last = size - 2, step_y = size, step_z = size * size;
    float top = (float)(size - 1);
    float x = ch[0][i], y = ch[1][i], z = ch[2][i];
    float px = clip(x, 0, top), py = clip(y, 0, top), pz = clip(z, 0, top);
    int ix = (int)px, iy = (int)py, iz = (int)pz;
    ix = MIN_OF(ix, last);
    iy = MIN_OF(iy, last);
    iz = MIN_OF(iz, last);
    float fx = px - (float)ix, fy = py - (float)iy, fz = pz - (float)iz;
    int xy = fx >= fy, yz = fy >= fz, xz = fx >= fz;
    int largest = xy && xz ? 1 : yz ? step_y : step_z;
    int least = xz && yz ? step_z : xy ? step_y : 1;
    int all = 1 + step_y + step_z;
    float high = MAX_OF(MAX_OF(fx, fy), fz), low = MIN_OF(MIN_OF(fx, fy), fz);
    float mid = MAX_OF(MIN_OF(fx, fy), MIN_OF(MAX_OF(fx, fy), fz));
    float w0 = 1 - high, w1 = high - mid, w2 = mid - low, w3 = low;
    const float *n0 = lut->nodes + 4 * ((intptr_t)ix + (intptr_t)iy * step_y + (intptr_t)iz * step_z);
    const float *n1 = n0 + 4 * (intptr_t)largest, *n2 = n0 + 4 * (intptr_t)(all - least),
                *n3 = n0 + 4 * (intptr_t)all;
    float ex = x - px, ey = y - py, ez = z - pz;
    const float *b = lut->beyond;
    for (int k = 0; k < 3; k++)
        ch[k][i] = (((n0[k] * w0 + n1[k] * w1) + n2[k] * w2) + n3[k] * w3) +
                   ((b[3 * k] * ex + b[3 * k + 1] * ey) + b[3 * k + 2] * ez);
}

#ifdef __AVX2__

#define SELECT(no, yes, mask) \
    _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(no), _mm256_castsi256_ps(yes), mask))

// The four corners (as numbers of floats from the first node) and their weights, of a run of positions, and
// how far those lie outside. A run at a time, because corners then come from memory one by one, which is
// faster than to pick them out of registers.
enum { RUN = 64 };
struct corners {
    int32_t node[4][RUN];
    float weight[4][RUN];
    float beyond[3][RUN];
    int outside; // a bit for each eight positions
};

// Of the eight positions from `i` on.
static inline void find_corners(struct corners *c, const float *const p[3], int size, int i)
{
    const __m256i last = _mm256_set1_epi32(size - 2), step_x = _mm256_set1_epi32(4),
                  step_y = _mm256_set1_epi32(4 * size), step_z = _mm256_set1_epi32(4 * size * size);
    const __m256 top = _mm256_set1_ps((float)(size - 1)), zero = _mm256_setzero_ps();
    __m256 f[3], outside = zero;
    __m256i at[3];
    for (int k = 0; k < 3; k++) {
        __m256 x = _mm256_loadu_ps(p[k] + i);
        __m256 in = _mm256_min_ps(_mm256_max_ps(x, zero), top);
        at[k] = _mm256_min_epi32(_mm256_cvttps_epi32(in), last);
        f[k] = _mm256_sub_ps(in, _mm256_cvtepi32_ps(at[k]));
        _mm256_storeu_ps(c->beyond[k] + i, _mm256_sub_ps(x, in));
        outside = _mm256_or_ps(outside, _mm256_cmp_ps(x, in, _CMP_NEQ_UQ));
    }
    __m256 xy = _mm256_cmp_ps(f[0], f[1], _CMP_GE_OQ), yz = _mm256_cmp_ps(f[1], f[2], _CMP_GE_OQ),
           xz = _mm256_cmp_ps(f[0], f[2], _CMP_GE_OQ);
    __m256i largest = SELECT(SELECT(step_z, step_y, yz), step_x, _mm256_and_ps(xy, xz));
    __m256i least = SELECT(SELECT(step_x, step_y, xy), step_z, _mm256_and_ps(xz, yz));
    __m256i all = _mm256_add_epi32(_mm256_add_epi32(step_x, step_y), step_z);
    __m256i n0 = _mm256_add_epi32(
        _mm256_add_epi32(_mm256_slli_epi32(at[0], 2), _mm256_mullo_epi32(at[1], step_y)),
        _mm256_mullo_epi32(at[2], step_z));
    __m256i n3 = _mm256_add_epi32(n0, all);
    _mm256_storeu_si256((__m256i *)(c->node[0] + i), n0);
    _mm256_storeu_si256((__m256i *)(c->node[1] + i), _mm256_add_epi32(n0, largest));
    _mm256_storeu_si256((__m256i *)(c->node[2] + i), _mm256_sub_epi32(n3, least));
    _mm256_storeu_si256((__m256i *)(c->node[3] + i), n3);
    __m256 xy_high = _mm256_max_ps(f[0], f[1]), xy_low = _mm256_min_ps(f[0], f[1]);
    __m256 high = _mm256_max_ps(xy_high, f[2]), low = _mm256_min_ps(xy_low, f[2]),
           mid = _mm256_max_ps(xy_low, _mm256_min_ps(xy_high, f[2]));
    _mm256_storeu_ps(c->weight[0] + i, _mm256_sub_ps(_mm256_set1_ps(1), high));
    _mm256_storeu_ps(c->weight[1] + i, _mm256_sub_ps(high, mid));
    _mm256_storeu_ps(c->weight[2] + i, _mm256_sub_ps(mid, low));
    _mm256_storeu_ps(c->weight[3] + i, low);
    c->outside |= (_mm256_movemask_ps(outside) != 0) << (i / 8);
}

static inline __m128 corner_sum(const struct corners *c, const float *nodes, int i)
{
    __m128 n[4];
    for (int k = 0; k < 4; k++)
        n[k] = _mm_mul_ps(_mm_loadu_ps(nodes + c->node[k][i]), _mm_set1_ps(c->weight[k][i]));
    return _mm_add_ps(_mm_add_ps(_mm_add_ps(n[0], n[1]), n[2]), n[3]);
}

static inline void sum_corners(float *const ch[3], const struct corners *c, const struct ta_grade_lut *lut,
                               int i)
{
    __m256 out[3], pair[4];
    for (int k = 0; k < 4; k++)
        pair[k] = _mm256_set_m128(corner_sum(c, lut->nodes, i + k + 4), corner_sum(c, lut->nodes, i + k));
    __m256 lo01 = _mm256_unpacklo_ps(pair[0], pair[1]), lo23 = _mm256_unpacklo_ps(pair[2], pair[3]);
    __m256 hi01 = _mm256_unpackhi_ps(pair[0], pair[1]), hi23 = _mm256_unpackhi_ps(pair[2], pair[3]);
    out[0] = _mm256_shuffle_ps(lo01, lo23, 0x44);
    out[1] = _mm256_shuffle_ps(lo01, lo23, 0xee);
    out[2] = _mm256_shuffle_ps(hi01, hi23, 0x44);
    for (int k = 0; k < 3; k++) {
        // Adding the zeros of positions inside changes nothing: left out where all eight are.
        if (c->outside >> (i / 8) & 1) {
            const float *b = lut->beyond + 3 * (intptr_t)k;
            __m256 sum = _mm256_add_ps(
                _mm256_mul_ps(_mm256_set1_ps(b[0]), _mm256_loadu_ps(c->beyond[0] + i)),
                _mm256_mul_ps(_mm256_set1_ps(b[1]), _mm256_loadu_ps(c->beyond[1] + i)));
            sum = _mm256_add_ps(sum, _mm256_mul_ps(_mm256_set1_ps(b[2]), _mm256_loadu_ps(c->beyond[2] + i)));
            out[k] = _mm256_add_ps(out[k], sum);
        }
        _mm256_storeu_ps(ch[k] + i, out[k]);
    }
}

static void lut3(float *const ch[3], const struct ta_grade_lut *lut, int n)
{
    struct corners c;
    int whole = n & ~7;
    for (int at = 0; at < whole; at += RUN) {
        float *const here[3] = {ch[0] + at, ch[1] + at, ch[2] + at};
        int count = MIN_OF(RUN, whole - at);
        c.outside = 0;
        for (int i = 0; i < count; i += 8)
            find_corners(&c, (const float *const *)here, lut->size, i);
        for (int i = 0; i < count; i += 8)
            sum_corners(here, &c, lut, i);
    }
    for (int i = whole; i < n; i++)
        lut_one(ch, lut, i);
}

#else

static void lut3(float *const ch[3], const struct ta_grade_lut *lut, int n)
{
    for (int i = 0; i < n; i++)
        lut_one(ch, lut, i);
}

#endif

const struct ta_grade_dsp TA_GRADE_TABLE = {
    .name = TA_GRADE_NAME,
    .widen8 = widen8,
    .widen16 = widen16,
    .look8 = look8,
    .look16 = look16,
    .map8 = map8,
    .map16 = map16,
    .turn8 = turn8,
    .turn16 = turn16,
    .blend = blend,
    .expand = expand,
    .shrink = shrink,
    .pack8 = pack8,
    .pack16 = pack16,
    .matrix = matrix,
    .lut = lut3,
    .curve = curve,
    .power = power,
};

#endif
