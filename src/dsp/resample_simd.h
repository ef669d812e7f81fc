// The kernels of resample.h but along(), over the vectors of vectors_*.h. The file that includes this one
// defines TABLE, TABLE_NAME and along(), and DOT where there is one instruction for dot(). Empty without
// vectors.
#ifndef TA_DSP_RESAMPLE_SIMD_H
#define TA_DSP_RESAMPLE_SIMD_H
#ifdef VEC

// To and from x - 32768.
INLINE VEC turn(VEC x)
{
    return V_XOR(x, V(set1_epi16)(INT16_MIN));
}

// Sums of products begin with what rounds them.
INLINE VEC half(void)
{
    return V(set1_epi32)(1 << 13);
}

// The sum and the products of two neighbours each.
INLINE VEC dot(VEC sum, VEC a, VEC b)
{
#ifdef DOT
    return DOT(sum, a, b);
#else
    return V(add_epi32)(sum, V(madd_epi16)(a, b));
#endif
}

// Sums in the order of unpacking.
INLINE VEC settle(VEC low, VEC high, VEC most)
{
    return V(min_epi16)(V(packs_epi32)(V(srai_epi32)(low, 14), V(srai_epi32)(high, 14)), most);
}

static void along(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most);

static void widen8(int16_t *dst, const uint8_t *src, int shift, int n)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    for (int i = 0; i < n; i += LANES)
        store((uint16_t *)dst + i, turn(V(sll_epi16)(load_bytes(src + i, n - i), by)), n - i);
}

static void widen16(int16_t *dst, const uint16_t *src, int shift, int n)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    for (int i = 0; i < n; i += LANES)
        store((uint16_t *)dst + i, turn(V(sll_epi16)(load(src + i, n - i), by)), n - i);
}

// Both rows at once: loading and interleaving the input is half of the work of one.
INLINE void across_pairs(int16_t *const dst[2], const int16_t *const *rows, const int16_t *const weight[2],
                         int pairs, int16_t most, int n, int outputs)
{
    VEC w[2][TA_RESAMPLE_TAPS / 2], top = V(set1_epi16)(most);
    for (int o = 0; o < outputs; o++)
        for (int p = 0; p < pairs; p++)
            w[o][p] = V(set1_epi32)(
                (int)((uint16_t)weight[o][2 * p] | (uint32_t)(uint16_t)weight[o][2 * p + 1] << 16));
    for (int i = 0; i < n; i += LANES) {
        VEC low[2] = {half(), half()}, high[2] = {half(), half()};
        for (int p = 0; p < pairs; p++) {
            VEC a = load((const uint16_t *)rows[2 * p] + i, n - i),
                b = load((const uint16_t *)rows[2 * p + 1] + i, n - i);
            VEC c = V(unpacklo_epi16)(a, b), d = V(unpackhi_epi16)(a, b);
            for (int o = 0; o < outputs; o++) {
                low[o] = dot(low[o], c, w[o][p]);
                high[o] = dot(high[o], d, w[o][p]);
            }
        }
        for (int o = 0; o < outputs; o++)
            store((uint16_t *)dst[o] + i, settle(low[o], high[o], top), n - i);
    }
}

static void across(int16_t *const dst[2], const int16_t *const *rows, const int16_t *const weight[2],
                   int taps, int16_t most, int n)
{
    if (taps == 6 && dst[1]) // unrolled
        across_pairs(dst, rows, weight, 3, most, n, 2);
    else if (taps == 6)
        across_pairs(dst, rows, weight, 3, most, n, 1);
    else
        across_pairs(dst, rows, weight, taps / 2, most, n, dst[1] ? 2 : 1);
}

static void narrow8(uint8_t *dst, const int16_t *src, int shift, int n)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    const VEC bias = V(set1_epi16)(shift ? (int16_t)((1 << (shift - 1)) - 1) : 0),
              odd = V(set1_epi16)(shift ? 1 : 0), top = V(set1_epi16)(255);
    for (int i = 0; i < n; i += LANES) {
        VEC x = turn(load((const uint16_t *)src + i, n - i));
        VEC up = V(add_epi16)(bias, V_AND(V(srl_epi16)(x, by), odd));
        x = V(min_epu16)(V(srl_epi16)(V(adds_epu16)(x, up), by), top);
        store_bytes(dst + i, x, n - i);
    }
}

static void narrow16(uint16_t *dst, const int16_t *src, int n)
{
    for (int i = 0; i < n; i += LANES)
        store(dst + i, turn(load((const uint16_t *)src + i, n - i)), n - i);
}

const struct ta_resample_dsp TABLE = {
    .name = TABLE_NAME,
    .widen8 = widen8,
    .widen16 = widen16,
    .along = along,
    .across = across,
    .narrow8 = narrow8,
    .narrow16 = narrow16,
};

#endif
#endif
