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

INLINE void across_pairs(int16_t *dst, const int16_t *const *rows, const int16_t *weight, int pairs,
                         int16_t most, int n)
{
    VEC w[TA_RESAMPLE_TAPS / 2], top = V(set1_epi16)(most);
    for (int p = 0; p < pairs; p++)
        w[p] = V(set1_epi32)((int)((uint16_t)weight[2 * p] | (uint32_t)(uint16_t)weight[2 * p + 1] << 16));
    for (int i = 0; i < n; i += LANES) {
        VEC low = half(), high = low;
        for (int p = 0; p < pairs; p++) {
            VEC a = load((const uint16_t *)rows[2 * p] + i, n - i),
                b = load((const uint16_t *)rows[2 * p + 1] + i, n - i);
            low = dot(low, V(unpacklo_epi16)(a, b), w[p]);
            high = dot(high, V(unpackhi_epi16)(a, b), w[p]);
        }
        store((uint16_t *)dst + i, settle(low, high, top), n - i);
    }
}

static void across(int16_t *dst, const int16_t *const *rows, const int16_t *weight, int taps, int16_t most,
                   int n)
{
    if (taps == 6) // unrolled
        across_pairs(dst, rows, weight, 3, most, n);
    else
        across_pairs(dst, rows, weight, taps / 2, most, n);
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
