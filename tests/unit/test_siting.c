// Weights of chroma between its own resolution and luma's.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "video/siting.h"

static void expect_back(int ratio, double offset, int first, int taps, const double *back, double unit)
{
    struct ta_siting s;
    ta_siting_init(&s, ratio, offset);
    assert_int_equal(s.first, first);
    assert_int_equal(s.taps, taps);
    for (int k = 0; k < taps; k++)
        if (fabs((double)s.back[k] - back[k] / unit) > 1e-6)
            fail_msg("ratio %d, offset %g: tap %d is %g instead of %g", ratio, offset, k, (double)s.back[k],
                     back[k] / unit);
}

static void test_known_taps(void **state)
{
    (void)state;
    expect_back(1, 0, 0, 1, (double[]){1}, 1);
    // Beside a luma sample: the low-pass of the 5/3 wavelet. Half-way: that of the spline of order 3/1.
    expect_back(2, 0, -2, 5, (double[]){-1, 2, 6, 2, -1}, 8);
    expect_back(2, 1, -1, 5, (double[]){-1, 2, 6, 2, -1}, 8);
    expect_back(2, 0.5, -1, 4, (double[]){-1, 3, 3, -1}, 4);
    expect_back(2, 0.25, -1, 4, (double[]){-5, 25, 21, -9}, 32);
    expect_back(2, 0.75, -1, 4, (double[]){-9, 21, 25, -5}, 32);
}

// Up and down again gives what was there, and neither level nor position drifts.
static void test_there_and_back(void **state)
{
    (void)state;
    static const double cases[][2] = {{2, 0},   {2, 0.5}, {2, 1},   {2, 0.25}, {2, 0.75}, {4, 0},
                                      {4, 1.5}, {4, 3},   {4, 0.5}, {4, 0.75}, {4, 2.25}};
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        struct ta_siting s;
        enum { N = 24 };
        double chroma[N], full[4 * N];
        unsigned seed = 1;
        ta_siting_init(&s, (int)cases[c][0], cases[c][1]);
        for (int i = 0; i < N; i++) {
            seed = seed * 1664525u + 1013904223u;
            chroma[i] = (double)(seed >> 16);
        }
        for (int p = s.ratio; p < (N - 2) * s.ratio; p++) {
            int k = p % s.ratio, i = p / s.ratio + s.at[k];
            double w = (double)s.weight[k];
            full[p] = chroma[i] * w + chroma[i + 1] * (1 - w);
            // Linear interpolation at the place that the offset says.
            assert_true(fabs(1 - w - ((p - cases[c][1]) / s.ratio - i)) < 1e-9);
        }
        for (int i = 3; i < N - 5; i++) {
            double sum = 0;
            for (int t = 0; t < s.taps; t++)
                sum += full[i * s.ratio + s.first + t] * (double)s.back[t];
            if (fabs(sum - chroma[i]) > 0.2) // of 65536: taps are kept to six digits
                fail_msg("ratio %d, offset %g: %g instead of %g", s.ratio, cases[c][1], sum, chroma[i]);
        }
        // What alternates at luma's rate does not fold into chroma's level.
        double alternating = 0;
        for (int t = 0; t < s.taps; t++)
            alternating += (double)s.back[t] * ((t & 1) ? -1 : 1);
        assert_true(fabs(alternating) < 1e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_taps),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
