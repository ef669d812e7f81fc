// The resampler's kernels: each instruction set gives the bits of plain C, writes nothing but what is named,
// at odd lengths and extreme values; filters add up to one and lie where they are meant to.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "dsp/resample.h"

#include "sets.h"

enum { MAX_N = 700, GUARD = 64, ONE = 1 << 14 };

static const int lengths[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 97, 131};
static unsigned seed = 1;

static unsigned random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static int16_t random_sample(int round)
{
    unsigned r = random_bits();
    return round % 3 == 0   ? (int16_t)(r & 1 ? INT16_MAX : INT16_MIN)
           : round % 3 == 1 ? (int16_t)(r & 0x3ff)
                            : (int16_t)r;
}

static void fill(int16_t *p, int n, int round)
{
    for (int i = 0; i < n; i++)
        p[i] = random_sample(round);
}

// Two buffers that began alike: what was to be written is alike, and all else untouched.
static void expect_same(const void *a, const void *b, size_t bytes, const char *set, const char *what, int n)
{
    if (memcmp(a, b, bytes))
        fail_msg("%s: %s of %d differs from plain C", set, what, n);
}

static void rows(void **state)
{
    static const int shifts[] = {0, 1, 2, 6, 8};
    const struct ta_resample_dsp *c = &ta_resample_dsp_c, *own;
    static int16_t src[MAX_N + GUARD], a[MAX_N + GUARD], b[MAX_N + GUARD];
    use_set(state);
    own = ta_resample_dsp();
    assert_true(own && own != &ta_resample_dsp_c);
    for (size_t l = 0; l < TA_COUNT(lengths); l++)
        for (int round = 0; round < 15; round++) {
            int n = lengths[l], shift = shifts[round % (int)TA_COUNT(shifts)], odd = round % 2;
            fill(src, MAX_N + GUARD, round);
            for (int way = 0; way < 4; way++) {
                fill(a, MAX_N + GUARD, 2);
                memcpy(b, a, sizeof a);
                const void *in = (const uint8_t *)src + odd * (way == 0);
                if (way == 0) {
                    c->widen8(a + odd, in, shift, n);
                    own->widen8(b + odd, in, shift, n);
                } else if (way == 1) {
                    c->widen16(a + odd, in, shift, n);
                    own->widen16(b + odd, in, shift, n);
                } else if (way == 2) {
                    c->narrow8((uint8_t *)a + odd, src + odd, shift, n);
                    own->narrow8((uint8_t *)b + odd, src + odd, shift, n);
                } else {
                    c->narrow16((uint16_t *)a + odd, src + odd, n);
                    own->narrow16((uint16_t *)b + odd, src + odd, n);
                }
                static const char *const names[] = {"widen8", "widen16", "narrow8", "narrow16"};
                expect_same(a, b, sizeof a, own->name, names[way], n);
            }
        }
}

// Weights that add up to one, but where that is more than fits.
static void weigh(int16_t *weight, int taps)
{
    int left = ONE;
    for (int t = 0; t < taps; t++) {
        weight[t] = (int16_t)(t + 1 < taps ? (int)(random_bits() % 8192) - 4096 : left);
        left -= weight[t];
        if (t + 2 == taps)
            left = TA_MIN(TA_MAX(left, INT16_MIN), INT16_MAX);
    }
}

static void across(void **state)
{
    const struct ta_resample_dsp *c = &ta_resample_dsp_c, *own;
    static int16_t in[TA_RESAMPLE_TAPS][MAX_N], a[2][MAX_N + GUARD], b[2][MAX_N + GUARD];
    use_set(state);
    own = ta_resample_dsp();
    assert_true(own && own != &ta_resample_dsp_c);
    for (size_t l = 0; l < TA_COUNT(lengths); l++)
        for (int taps = 2; taps <= TA_RESAMPLE_TAPS; taps += 2)
            for (int round = 0; round < 6; round++) {
                const int16_t *p[TA_RESAMPLE_TAPS];
                int16_t weight[2][TA_RESAMPLE_TAPS] = {{0}};
                for (int t = 0; t < taps; t++) {
                    fill(in[t], MAX_N, round);
                    p[t] = in[t] + round % 2;
                }
                weigh(weight[0], taps);
                weigh(weight[1], taps);
                int16_t most = round % 2 ? INT16_MAX : 1023 - 32768;
                for (int outputs = 1; outputs <= 2; outputs++) {
                    const int16_t *const w[2] = {weight[0], weight[1]};
                    fill(a[0], 2 * (MAX_N + GUARD), 2);
                    memcpy(b, a, sizeof a);
                    c->across((int16_t *[]){a[0] + 1, outputs > 1 ? a[1] + 1 : NULL}, p, w, taps, most,
                              lengths[l]);
                    own->across((int16_t *[]){b[0] + 1, outputs > 1 ? b[1] + 1 : NULL}, p, w, taps, most,
                                lengths[l]);
                    expect_same(a, b, sizeof a, own->name, "across", lengths[l]);
                }
            }
}

static double triangle(double x)
{
    return fmax(0, 1 - fabs(x));
}

static double three(double x) // some kernel that reaches as far as any and goes below 0
{
    return fabs(x) < 3 ? cos(x * 1.3) * (3 - fabs(x)) : 0;
}

static void along(void **state)
{
    static const int sizes[][2] = {{8, 8},   {8, 9},     {9, 31},    {33, 64},  {64, 65},
                                   {40, 97}, {100, 640}, {180, 241}, {320, 640}};
    const struct ta_resample_dsp *c = &ta_resample_dsp_c, *own;
    static int16_t src[MAX_N + TA_RESAMPLE_MARGIN], a[MAX_N + GUARD], b[MAX_N + GUARD];
    use_set(state);
    own = ta_resample_dsp();
    assert_true(own && own != &ta_resample_dsp_c);
    for (size_t s = 0; s < TA_COUNT(sizes); s++)
        for (int round = 0; round < 8; round++) {
            struct ta_resample_filter f;
            double shift = round % 4 * 0.25 - 0.375;
            assert_int_equal(ta_resample_filter_init(&f, round % 2 ? three : triangle, round % 2 ? 3 : 1,
                                                     sizes[s][0], sizes[s][1], shift),
                             0);
            fill(src, MAX_N + TA_RESAMPLE_MARGIN, round);
            fill(a, MAX_N + GUARD, 2);
            memcpy(b, a, sizeof a);
            int16_t most = round % 3 ? INT16_MAX : 1023 - 32768;
            c->along(a + 1, src, &f, most);
            own->along(b + 1, src, &f, most);
            expect_same(a, b, sizeof a, own->name, "along", f.to);
            ta_resample_filter_release(&f);
        }
}

// A ramp comes out as a ramp, at the places that were asked for; weights add up to one exactly.
static void filters(void **state)
{
    (void)state;
    static const double shifts[] = {0, 0.25, -0.25, 0.5};
    for (int to = 64; to <= 640; to += 37)
        for (size_t s = 0; s < TA_COUNT(shifts); s++) {
            struct ta_resample_filter f;
            assert_int_equal(ta_resample_filter_init(&f, triangle, 1, 64, to, shifts[s]), 0);
            for (int i = 0; i < to; i++) {
                double sum = 0, place = 0, at = (i + 0.5) * 64 / to + shifts[s];
                for (int k = 0; k < f.taps; k++) {
                    sum += f.weight[i * TA_RESAMPLE_TAPS + k];
                    place += f.weight[i * TA_RESAMPLE_TAPS + k] * (f.left[i] + k + 0.5) / ONE;
                }
                assert_true(sum == ONE);
                assert_true(f.left[i] >= 0 && f.left[i] < 64 && (!i || f.left[i] >= f.left[i - 1]));
                if (at > 1 && at < 63 && fabs(place - at) > 0.001)
                    fail_msg("64 to %d, %d: %g instead of %g", to, i, place, at);
            }
            ta_resample_filter_release(&f);
        }
    struct ta_resample_filter f;
    assert_true(ta_resample_filter_init(&f, triangle, 1, 64, 63, 0) < 0);
    assert_true(ta_resample_filter_init(&f, triangle, 1, 4, 63, 0) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef __x86_64__
        SET_TEST(rows, "avx2"),    SET_TEST(rows, "avx512"),   SET_TEST(rows, "vnni"),
#endif
#ifdef __x86_64__
        SET_TEST(across, "avx2"),  SET_TEST(across, "avx512"), SET_TEST(across, "vnni"),
#endif
#ifdef __x86_64__
        SET_TEST(along, "avx2"),   SET_TEST(along, "avx512"),  SET_TEST(along, "vnni"),
#endif
        cmocka_unit_test(filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
