// The kernels of non-local means: each instruction set gives the bits of plain C, writes nothing else and
// leaves its input alone, at odd lengths, odd addresses and extreme values; plain C computes what is meant.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "dsp/nlmeans.h"

#include "sets.h"

enum { MAX_N = 200, GUARD = 24, ROOM = MAX_N + TA_NLMEANS_MAX_PATCH + 2 * GUARD };

static const int lengths[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, MAX_N};

static uint32_t seed;

static uint32_t random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

struct rows {
    uint16_t w[4][ROOM];
    int32_t columns[ROOM];
    float sum[ROOM], weight[ROOM];
    uint8_t out8[ROOM];
    uint16_t out16[ROOM];
};

// Samples of `bits` bits with extremes among them; columns as sums of up to 15 squared differences.
static void fill(struct rows *r, int bits)
{
    int max = (1 << bits) - 1;
    memset(r, 0, sizeof *r);
    for (int i = 0; i < ROOM; i++) {
        for (int k = 0; k < 4; k++) {
            uint32_t kind = random_bits() % 6;
            r->w[k][i] = (uint16_t)(kind == 0   ? max
                                    : kind == 1 ? 0
                                                : (int)(random_bits() % (uint32_t)(max + 1)));
        }
        uint32_t kind = random_bits() % 6;
        r->columns[i] = kind == 0   ? 15 * 2047 * 2047
                        : kind == 1 ? 0
                                    : (int32_t)(random_bits() >> random_bits() % 20);
        r->weight[i] = (float)(random_bits() % 2600) / 2;
        r->sum[i] = r->weight[i] * (float)r->w[3][i];
        r->out8[i] = (uint8_t)random_bits();
        r->out16[i] = (uint16_t)random_bits();
    }
}

// Runs all kernels of a table at an odd place.
static void run(const struct ta_nlmeans_dsp *dsp, struct rows *r, int n, int patch, float scale)
{
    int g = GUARD + n % 3;
    dsp->add(r->columns + g, r->w[0] + g, r->w[1] + g, n + patch - 1);
    dsp->slide(r->columns + g, r->w[1] + g, r->w[2] + g, r->w[0] + g, r->w[1] + g, n + patch - 1);
    dsp->gather(r->sum + g, r->weight + g, r->columns + g, r->w[3] + g, patch, scale, n);
    dsp->finish16(r->out16 + g, r->sum + g, r->weight + g, r->w[3] + g, n);
    dsp->finish8(r->out8 + g, r->sum + g, r->weight + g, r->w[3] + g, n);
}

static void same_bits(void **state)
{
    use_set(state);
    const struct ta_nlmeans_dsp *own = ta_nlmeans_dsp();
    assert_true(own != &ta_nlmeans_dsp_c);
    for (size_t l = 0; l < TA_COUNT(lengths); l++)
        for (int patch = 3; patch <= TA_NLMEANS_MAX_PATCH; patch += 2)
            for (int bits = 8; bits <= TA_NLMEANS_BITS; bits++) {
                static struct rows a, b;
                seed = (uint32_t)(l * 1000 + (size_t)patch * 10 + (size_t)bits);
                fill(&a, bits);
                b = a;
                float scale = 1 / (float)(1 << (2 * bits - 8 + patch % 4));
                run(&ta_nlmeans_dsp_c, &a, lengths[l], patch, scale);
                run(own, &b, lengths[l], patch, scale);
                if (memcmp(&a, &b, sizeof a))
                    fail_msg("%s differs from C: %d samples, patch %d, %d bit", own->name, lengths[l], patch,
                             bits);
            }
}

// Only what is named is written.
static void guards(void **state)
{
    (void)state;
    static struct rows a, b;
    for (size_t l = 0; l < TA_COUNT(lengths); l++) {
        fill(&a, 8);
        b = a;
        int n = lengths[l], g = GUARD + n % 3, patch = 7;
        run(&ta_nlmeans_dsp_c, &a, n, patch, 0.001f);
        assert_memory_equal(a.w, b.w, sizeof a.w);
        for (int i = 0; i < ROOM; i++) {
            if (i < g || i >= g + n + patch - 1)
                assert_int_equal(a.columns[i], b.columns[i]);
            if (i >= g && i < g + n)
                continue;
            assert_true(a.sum[i] == b.sum[i] && a.weight[i] == b.weight[i]);
            assert_int_equal(a.out8[i], b.out8[i]);
            assert_int_equal(a.out16[i], b.out16[i]);
        }
    }
}

static void means_what_it_says(void **state)
{
    (void)state;
    static struct rows a, b;
    seed = 7;
    fill(&a, 11);
    b = a;
    const int n = 100, patch = 7;
    const double scale = 1e-6;
    ta_nlmeans_dsp_c.gather(a.sum, a.weight, a.columns, a.w[3], patch, (float)scale, n);
    int counted = 0;
    for (int i = 0; i < n; i++) {
        double d = 0;
        for (int k = 0; k < patch; k++)
            d += b.columns[i + k];
        double w = exp(-d * scale), got = (double)a.weight[i] - (double)b.weight[i];
        if (w < 1 / 255.0 - 1e-6)
            assert_true(got == 0);
        else
            assert_true(fabs(got - w) < 2e-4); // the sum it was added to has 24 bits
        counted += got > 0;
    }
    assert_true(counted > 10 && counted < n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef __x86_64__
        SET_TEST(same_bits, "avx2"),
        SET_TEST(same_bits, "avx512"),
#endif
        cmocka_unit_test(guards),
        cmocka_unit_test(means_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
