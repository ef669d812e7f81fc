// The kernels of sound.h, compiled once for each instruction set by the file that includes this one: plain C
// that compilers turn into vector code.
#ifndef TA_DSP_SOUND_KERNELS_H
#define TA_DSP_SOUND_KERNELS_H

#include "dsp/sound.h"

#ifndef TA_SOUND_TABLE
#define TA_SOUND_TABLE ta_sound_dsp_c
#define TA_SOUND_NAME "c"
#endif

enum { LANES = TA_SOUND_LANES };

static float sum_of(const float *lanes)
{
    float four[4];
    for (int i = 0; i < 4; i++)
        four[i] = (lanes[i] + lanes[i + 4]) + (lanes[i + 8] + lanes[i + 12]);
    return (four[0] + four[1]) + (four[2] + four[3]);
}

static float dot(const float *a, const float *b, size_t n)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lanes[k] += a[i + k] * b[i + k];
    for (size_t k = 0; i + k < n; k++)
        lanes[k] += a[i + k] * b[i + k];
    return sum_of(lanes);
}

// As many floats as a register has, wherever they lie: compilers do not see by themselves that a loop over
// outputs within one over taps is this, and take wider vectors apart in memory.
#if defined __AVX512F__
enum { WIDTH = 16 };
#elif defined __AVX__
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif
typedef float vector __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
typedef int mask __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

// In one register after the other: compilers make comparisons one by one of lanes that are an array.
static float most(const float *x, size_t n)
{
    vector a = {0}, b = {0};
    size_t i = 0;
    for (; i + 2 * WIDTH <= n; i += 2 * WIDTH) {
        mask p = *(const mask *)(x + i) & 0x7fffffff, q = *(const mask *)(x + i + WIDTH) & 0x7fffffff;
        mask more_p = (vector)p > a, more_q = (vector)q > b;
        a = (vector)((p & more_p) | ((mask)a & ~more_p));
        b = (vector)((q & more_q) | ((mask)b & ~more_q));
    }
    float all = 0;
    for (; i < n; i++)
        all = __builtin_fabsf(x[i]) > all ? __builtin_fabsf(x[i]) : all;
    for (size_t k = 0; k < WIDTH; k++) {
        all = a[k] > all ? a[k] : all;
        all = b[k] > all ? b[k] : all;
    }
    return all;
}

static void blend(float *restrict to, const float *const *rows, const float *weights, size_t count, size_t n)
{
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) {
        vector sum = {0};
        for (size_t k = 0; k < count; k++)
            sum += weights[k] * *(const vector *)(rows[k] + i);
        *(vector *)(to + i) = sum;
    }
    for (; i < n; i++) {
        float sum = 0;
        for (size_t k = 0; k < count; k++)
            sum += weights[k] * rows[k][i];
        to[i] = sum;
    }
}

static void bends(float *restrict to, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float *at = x + i;
        to[i] = __builtin_fabsf(at[0] - 2 * at[-1] + at[-2]);
    }
}

static void sizes(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = __builtin_fabsf(x[i]);
}

static bool any_alike(const float *x, float apart, float least, size_t n)
{
    int any = 0;
    for (size_t i = 0; i < n; i++) {
        const float *at = x + i;
        any |= (__builtin_fabsf(at[0] - at[-1]) <= apart) & (__builtin_fabsf(at[0]) > least);
    }
    return any;
}

static void raise(float *restrict to, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = __builtin_fabsf(from[i]) > to[i] ? __builtin_fabsf(from[i]) : to[i];
}

// What is none fails every comparison.
static inline float number(float x)
{
    float size = __builtin_fabsf(x), kept = size > TA_SOUND_MOST ? __builtin_copysignf(TA_SOUND_MOST, x) : x;
    return size >= TA_SOUND_LEAST ? kept : 0;
}

static void numbers(float *restrict to, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = number(from[i]);
}

static void exchange(float *restrict own, float *restrict theirs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = theirs[i];
        theirs[i] = own[i];
        own[i] = number(x);
    }
}

static size_t bad(const float *x, size_t n)
{
    size_t count = 0;
    while (n) {
        size_t part = n < 4096 ? n : 4096;
        int sum = 0;
        for (size_t i = 0; i < part; i++)
            sum += !(__builtin_fabsf(x[i]) <= __FLT_MAX__);
        count += (size_t)sum;
        x += part;
        n -= part;
    }
    return count;
}

static void accumulate(float *restrict to, const float *restrict from, float gain, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += gain * from[i];
}

static void turn(float *restrict c, float *restrict s, const float *restrict c1, const float *restrict s1,
                 size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = c[i] * c1[i] - s[i] * s1[i], y = c[i] * s1[i] + s[i] * c1[i];
        c[i] = x;
        s[i] = y;
    }
}

static void subtract(float *restrict x, const float *restrict c, const float *restrict s, const float from[2],
                     const float to[2], size_t n)
{
    float step = n ? 1.0f / (float)n : 0;
    float a = from[0], b = from[1], da = (to[0] - a) * step, db = (to[1] - b) * step;
    for (int i = 0; i < (int)n; i++)
        x[i] -= (a + da * (float)i) * c[i] + (b + db * (float)i) * s[i];
}

static void filter(float *restrict to, const float *restrict from, const float *restrict weights, size_t taps,
                   size_t n)
{
    size_t i = 0;
    for (; i + 4 * WIDTH <= n; i += 4 * WIDTH) {
        vector a = {0}, b = {0}, c = {0}, d = {0};
        for (size_t k = 0; k < taps; k++) {
            const float *at = from + i + k;
            a += weights[k] * *(const vector *)at;
            b += weights[k] * *(const vector *)(at + WIDTH);
            c += weights[k] * *(const vector *)(at + 2 * WIDTH);
            d += weights[k] * *(const vector *)(at + 3 * WIDTH);
        }
        *(vector *)(to + i) = a;
        *(vector *)(to + i + WIDTH) = b;
        *(vector *)(to + i + 2 * WIDTH) = c;
        *(vector *)(to + i + 3 * WIDTH) = d;
    }
    for (; i < n; i++) {
        float sum = 0;
        for (size_t k = 0; k < taps; k++)
            sum += weights[k] * from[i + k];
        to[i] = sum;
    }
}

static void multiply(float *restrict to, const float *restrict a, const float *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = a[i] * b[i];
}

static void power(float *restrict to, const float *restrict bins, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += bins[2 * i] * bins[2 * i] + bins[2 * i + 1] * bins[2 * i + 1];
}

// Bin k is L + iR and bin n - k, but for signs, L - iR: what is in both beside the channels' powers cancels.
static void power_of_pair(float *restrict to, const float *restrict bins, size_t n)
{
    enum { TILE = 128 };
    float low[TILE], high[TILE];
    if (n)
        to[0] += bins[0] * bins[0] + bins[1] * bins[1];
    for (size_t at = 1, count; at <= n / 2; at += count) {
        count = n / 2 + 1 - at < TILE ? n / 2 + 1 - at : TILE;
        const float *b = bins + 2 * at, *t = bins + 2 * (n - at + 1 - count);
        for (size_t i = 0; i < count; i++)
            low[i] = b[2 * i] * b[2 * i] + b[2 * i + 1] * b[2 * i + 1];
        for (size_t i = 0; i < count; i++)
            high[i] = t[2 * i] * t[2 * i] + t[2 * i + 1] * t[2 * i + 1];
        for (size_t i = 0; i < count; i++)
            to[at + i] += 0.5f * (low[i] + high[count - 1 - i]);
    }
}

static void add_product(float *restrict to, const float *restrict a, const float *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += a[i] * b[i];
}

static void add_squares(float *restrict to, const float *restrict a, const float *restrict b, float weight,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += weight * (a[i] - b[i]) * (a[i] - b[i]);
}

static void interleave(float *restrict to, const float *restrict left, const float *restrict right, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = left[i];
        to[2 * i + 1] = right[i];
    }
}

static void part(float *restrict left, float *restrict right, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        left[i] = from[2 * i];
        right[i] = from[2 * i + 1];
    }
}

static void mirror(float *restrict to, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[n - 1 - i];
}

static void add_four(float *restrict to, const float *restrict x, size_t apart, size_t n)
{
    const float *a = x + apart, *b = a + apart, *c = b + apart;
    for (size_t i = 0; i < n; i++)
        to[i] = (x[i] + a[i]) + (b[i] + c[i]);
}

static inline float less(float a, float b)
{
    return a < b ? a : b;
}

static inline float more(float a, float b)
{
    return a > b ? a : b;
}

static void track(const struct ta_sound_track *t, const float *restrict power, size_t n)
{
    float *restrict smooth = t->smooth, *restrict least = t->least, *restrict noise = t->noise;
    const float *restrict before = t->before;
    const float keep = t->keep, bias = t->bias, learn = t->learn;
    for (size_t i = 0; i < n; i++) {
        float s = keep * smooth[i] + (1 - keep) * power[i];
        float l = less(least[i], s);
        float middle = bias * less(l, before[i]);
        smooth[i] = s;
        least[i] = l;
        // What is not far above the least is noise alone, and tells its mean better than the least does.
        float share = s < 1.8f * middle && power[i] < 5 * middle ? learn : 0;
        float x = noise[i] + share * (power[i] - noise[i]);
        noise[i] = less(more(x, 0.75f * middle), 1.5f * middle);
    }
}

// The square of the gain that makes the expected logarithm of the amplitude right is over / under:
// xi / (1 + xi) * exp(E1(v) / 2). The square of the exponential is 1 + exp(-gamma) / v where v is small and 1
// where it is large; in between the polynomial is within 1e-4.
struct lsa {
    float over, under;
};

static inline struct lsa lsa(float xi, float gamma)
{
    float wiener = xi / (1 + xi);
    float v = less(more(wiener * gamma, 1e-5f), 50);
    float under = v *
                  (1 + v * (0.78227872f +
                            v * (0.34669747f + v * (0.15194827f + v * (-0.01120289f + v * 0.01922146f)))));
    return (struct lsa){wiener * wiener * (under + 0.56145948f), under};
}

// Sixteen bins at a time: where none of them is more than noise, the second step has no say.
static void first(float *restrict snr, float *restrict before, const float *restrict power,
                  const float *restrict around, const float *restrict over,
                  const struct ta_sound_gains *settings, size_t n)
{
    const float keep = settings->keep, least = settings->least;
    for (size_t at = 0, count; at < n; at += count) {
        float gamma[LANES] = {0}, square[LANES] = {0}, rest[LANES] = {0};
        count = n - at < LANES ? n - at : LANES;
        for (size_t i = 0; i < count; i++) {
            size_t k = at + i;
            gamma[i] = less(power[k] * over[k], 1e6f);
            rest[i] = more(less(around[k] * over[k], 1e6f) - settings->evidence, 0);
            float xi = keep * less(before[k] * over[k], 1e6f) + (1 - keep) * more(gamma[i] - 1, 0);
            struct lsa g = lsa(more(xi, least), gamma[i]);
            square[i] = g.over / g.under;
            before[k] = square[i] * power[k];
        }
        if (most(rest, LANES) > 0)
            for (size_t i = 0; i < count; i++) {
                struct lsa g = lsa(more(square[i] * gamma[i], least), gamma[i]);
                float r = rest[i], all = 1 + r;
                // Raised, as what is judged by what is around it comes out too low. One root of one quotient,
                // for these take most of the time: of the gain, 1 at most, times r / (1 + r).
                snr[at + i] = settings->raise *
                              __builtin_sqrtf(less(g.over, g.under) * r * r / (g.under * all * all)) *
                              gamma[i];
            }
        else
            for (size_t i = 0; i < count; i++)
                snr[at + i] = 0;
    }
}

static void last(float *restrict gains, const float *restrict snr, const struct ta_sound_gains *settings,
                 size_t n)
{
    const float least = settings->least, floor = settings->floor;
    for (size_t i = 0; i < n; i++) {
        float xi = more(snr[i], least);
        gains[i] = more(xi / (1 + xi), floor);
    }
}

const struct ta_sound_dsp TA_SOUND_TABLE = {
    .name = TA_SOUND_NAME,
    .dot = dot,
    .most = most,
    .blend = blend,
    .bends = bends,
    .sizes = sizes,
    .any_alike = any_alike,
    .raise = raise,
    .numbers = numbers,
    .exchange = exchange,
    .bad = bad,
    .accumulate = accumulate,
    .turn = turn,
    .subtract = subtract,
    .filter = filter,
    .multiply = multiply,
    .power = power,
    .power_of_pair = power_of_pair,
    .add_product = add_product,
    .add_squares = add_squares,
    .interleave = interleave,
    .part = part,
    .mirror = mirror,
    .add_four = add_four,
    .track = track,
    .first = first,
    .last = last,
};

#endif
