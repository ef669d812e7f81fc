// The kernels of recursive.h over the vectors of vectors_*.h. The file that includes this one defines TABLE
// and TABLE_NAME. Operations do the same at all widths, so all give the same bits. Empty without vectors.
#ifndef TA_DSP_RECURSIVE_SIMD_H
#define TA_DSP_RECURSIVE_SIMD_H
#ifdef VEC

// One step for each whole vector and one for what remains.
#define EVERY(step, ...)                   \
    do {                                   \
        int i = 0;                         \
        for (; i + LANES <= n; i += LANES) \
            step(__VA_ARGS__, i, LANES);   \
        if (i < n)                         \
            step(__VA_ARGS__, i, n - i);   \
    } while (0)

// A ramp in registers. (Shifts by a register are slower than products.)
struct ramp {
    VEC limit, scale, shift;
};

INLINE VEC set1(unsigned x)
{
    return V(set1_epi16)((short)(uint16_t)x);
}

// Bytes as the upper halves of samples.
INLINE VEC load8(const uint8_t *p, int left)
{
    return V(slli_epi16)(load_bytes(p, left), 8);
}

INLINE void store8(uint8_t *p, VEC v, int left)
{
    store_bytes(p, V(srli_epi16)(v, 8), left);
}

INLINE struct ramp ramp_of(const struct ta_recursive_ramp *r)
{
    return (struct ramp){set1(r->limit), set1(r->scale), set1(1u << r->shift)};
}

INLINE VEC mean3(VEC a, VEC b, VEC c)
{
    return V(avg_epu16)(V(avg_epu16)(a, c), b);
}

// 0..32767
INLINE VEC slope(VEC d, struct ramp r)
{
    VEC left = V(mullo_epi16)(V(subs_epu16)(r.limit, d), r.shift);
    return V(mulhi_epu16)(left, r.scale);
}

INLINE VEC square(VEC x)
{
    return V(mulhrs_epi16)(x, x);
}

// a + weight (to - from); one of the two differences is 0.
INLINE VEC move(VEC a, VEC up, VEC down, VEC weight)
{
    a = V(add_epi16)(a, V(mulhi_epu16)(up, weight));
    return V(sub_epi16)(a, V(mulhi_epu16)(down, weight));
}

INLINE VEC difference(VEC sample, VEC state)
{
    return V(avg_epu16)(sample, V_XOR(state, set1(UINT16_MAX)));
}

INLINE void differ8_step(uint16_t *dst, const uint8_t *src, const uint16_t *state, int i, int left)
{
    store(dst + i, difference(load8(src + i, left), load(state + i, left)), left);
}

static void differ8(uint16_t *dst, const uint8_t *src, const uint16_t *state, int n)
{
    EVERY(differ8_step, dst, src, state);
}

INLINE void differ16_step(uint16_t *dst, const uint16_t *src, const uint16_t *state, __m128i shift, int i,
                          int left)
{
    VEC sample = V(sll_epi16)(load(src + i, left), shift);
    store(dst + i, difference(sample, load(state + i, left)), left);
}

static void differ16(uint16_t *dst, const uint16_t *src, const uint16_t *state, int shift, int n)
{
    EVERY(differ16_step, dst, src, state, _mm_cvtsi32_si128(shift));
}

INLINE VEC magnitude_of(VEC difference)
{
    return V(abs_epi16)(V_XOR(difference, set1(32768)));
}

INLINE void gather_step(uint16_t *mean, uint16_t *magnitude, const uint16_t *a, const uint16_t *b,
                        const uint16_t *c, int i, int left)
{
    VEC above = load(a + i, left), here = load(b + i, left), below = load(c + i, left);
    store(mean + i, mean3(above, here, below), left);
    store(magnitude + i, mean3(magnitude_of(above), magnitude_of(here), magnitude_of(below)), left);
}

static void gather(uint16_t *mean, uint16_t *magnitude, const uint16_t *const e[3], int n)
{
    const uint16_t *above = e[0], *here = e[1], *below = e[2];
    EVERY(gather_step, mean, magnitude, above, here, below);
}

INLINE VEC mean_along(const uint16_t *p, int left)
{
    return mean3(load(p - 1, left), load(p, left), load(p + 1, left));
}

INLINE void motion_step(uint16_t *dst, const uint16_t *mean, const uint16_t *magnitude,
                        const uint16_t *difference, int i, int left)
{
    VEC m = magnitude_of(mean_along(mean + i, left)), around = mean_along(magnitude + i, left);
    VEC own = magnitude_of(load(difference + i, left));
    m = V(max_epu16)(m, V(mulhi_epu16)(around, set1(TA_RECURSIVE_MEAN_MAGNITUDE)));
    m = V(max_epu16)(m, V(mulhi_epu16)(own, set1(TA_RECURSIVE_OWN_MAGNITUDE)));
    store(dst + i, m, left);
}

static void motion(uint16_t *dst, const uint16_t *mean, const uint16_t *magnitude, const uint16_t *difference,
                   int n)
{
    EVERY(motion_step, dst, mean, magnitude, difference);
}

INLINE VEC follow(VEC state, VEC sample, VEC motion_a, VEC motion_b, struct ramp r)
{
    VEC w = square(square(slope(V(avg_epu16)(motion_a, motion_b), r)));
    w = V(mulhi_epu16)(V(slli_epi16)(w, 1), set1(TA_RECURSIVE_MEMORY));
    return move(sample, V(subs_epu16)(state, sample), V(subs_epu16)(sample, state), w);
}

INLINE void follow8_step(uint16_t *state, const uint8_t *src, const uint16_t *a, const uint16_t *b,
                         struct ramp r, int i, int left)
{
    VEC x = follow(load(state + i, left), load8(src + i, left), load(a + i, left), load(b + i, left), r);
    store(state + i, x, left);
}

static void follow8(uint16_t *state, const uint8_t *src, const uint16_t *a, const uint16_t *b,
                    const struct ta_recursive_ramp *ramp, int n)
{
    EVERY(follow8_step, state, src, a, b, ramp_of(ramp));
}

INLINE void follow16_step(uint16_t *state, const uint16_t *src, const uint16_t *a, const uint16_t *b,
                          struct ramp r, __m128i shift, int i, int left)
{
    VEC sample = V(sll_epi16)(load(src + i, left), shift);
    store(state + i, follow(load(state + i, left), sample, load(a + i, left), load(b + i, left), r), left);
}

static void follow16(uint16_t *state, const uint16_t *src, const uint16_t *a, const uint16_t *b,
                     const struct ta_recursive_ramp *ramp, int shift, int n)
{
    EVERY(follow16_step, state, src, a, b, ramp_of(ramp), _mm_cvtsi32_si128(shift));
}

// How far `b` draws `a`, in two's complement.
INLINE VEC pull(VEC a, VEC b, struct ramp r)
{
    VEC up = V(subs_epu16)(b, a), down = V(subs_epu16)(a, b);
    VEC w = square(slope(V_OR(up, down), r));
    return V(sub_epi16)(V(mulhi_epu16)(up, w), V(mulhi_epu16)(down, w));
}

INLINE void pull_step(uint16_t *dst, const uint16_t *src, int k, struct ramp r, int i, int left)
{
    store(dst + i, pull(load(src + i, left), load(src + k + i, left), r), left);
}

// The pull between each sample and that k places on, and none at both ends.
INLINE void pull_row(uint16_t *dst, const uint16_t *src, int k, struct ramp r, int row)
{
    int n = row > k ? row - k : 0;
    EVERY(pull_step, dst, src, k, r);
    memset(dst - k, 0, (size_t)k * sizeof *dst);
    memset(dst + n, 0, (size_t)(row - n) * sizeof *dst);
}

INLINE void along_step(uint16_t *dst, const uint16_t *src, const uint16_t *near, const uint16_t *far, int i,
                       int left)
{
    VEC x = load(src + i, left);
    x = V(add_epi16)(x, V(sub_epi16)(load(near + i, left), load(near + i - 1, left)));
    x = V(add_epi16)(x, V(sub_epi16)(load(far + i, left), load(far + i - 2, left)));
    store(dst + i, x, left);
}

static void along(uint16_t *dst, const uint16_t *src, uint16_t *const pulls[TA_RECURSIVE_RADIUS],
                  const struct ta_recursive_ramp ramps[TA_RECURSIVE_RADIUS], int n)
{
    uint16_t *near = pulls[0], *far = pulls[1];
    pull_row(near, src, 1, ramp_of(&ramps[0]), n);
    pull_row(far, src, 2, ramp_of(&ramps[1]), n);
    EVERY(along_step, dst, src, near, far);
}

// `sum`, of the row `x`, drawn to the row above at `src`, and what is at `dst` the other way.
INLINE VEC pull_across(VEC sum, VEC x, uint16_t *dst, const uint16_t *src, struct ramp r, int left)
{
    VEC p = pull(x, load(src, left), r);
    store(dst, V(sub_epi16)(load(dst, left), p), left);
    return V(add_epi16)(sum, p);
}

INLINE void across_step(uint16_t *const *dst, const uint16_t *const *src, int above, struct ramp near,
                        struct ramp far, int i, int left)
{
    VEC x = load(src[0] + i, left), sum = x;
    if (above > 0)
        sum = pull_across(sum, x, dst[1] + i, src[1] + i, near, left);
    if (above > 1)
        sum = pull_across(sum, x, dst[2] + i, src[2] + i, far, left);
    store(dst[0] + i, sum, left);
}

static void across(uint16_t *const dst[TA_RECURSIVE_RADIUS + 1],
                   const uint16_t *const src[TA_RECURSIVE_RADIUS + 1], int above,
                   const struct ta_recursive_ramp ramps[TA_RECURSIVE_RADIUS], int n)
{
    struct ramp near = ramp_of(&ramps[0]), far = ramp_of(&ramps[1]);
    if (above == TA_RECURSIVE_RADIUS)
        EVERY(across_step, dst, src, TA_RECURSIVE_RADIUS, near, far);
    else
        EVERY(across_step, dst, src, above, near, far);
}

INLINE void narrow8_step(uint8_t *dst, const uint16_t *src, int i, int left)
{
    store8(dst + i, V(adds_epu16)(load(src + i, left), set1(128)), left);
}

static void narrow8(uint8_t *dst, const uint16_t *src, int n)
{
    EVERY(narrow8_step, dst, src);
}

INLINE void narrow16_step(uint16_t *dst, const uint16_t *src, VEC half, __m128i shift, int i, int left)
{
    store(dst + i, V(srl_epi16)(V(adds_epu16)(load(src + i, left), half), shift), left);
}

static void narrow16(uint16_t *dst, const uint16_t *src, int shift, int n)
{
    EVERY(narrow16_step, dst, src, set1((1u << shift) >> 1), _mm_cvtsi32_si128(shift));
}

const struct ta_recursive_dsp TABLE = {
    .name = TABLE_NAME,
    .differ8 = differ8,
    .differ16 = differ16,
    .gather = gather,
    .motion = motion,
    .follow8 = follow8,
    .follow16 = follow16,
    .along = along,
    .across = across,
    .narrow8 = narrow8,
    .narrow16 = narrow16,
};

#endif
#endif
