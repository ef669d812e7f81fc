// The denoiser's kernels: each instruction set gives the bits of plain C, reads and writes nothing but what
// is named, at odd lengths, odd addresses and extreme values; plain C computes what is meant.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "dsp/recursive.h"

#include "sets.h"

enum { MAX_N = 131, GUARD = 40, ROWS = 7, KERNELS = 10, PAGE = 4096 };

static const int lengths[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 97, MAX_N};

static unsigned seed;

static unsigned random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

// Input rows that end where memory ends, so that reading on is a fault. `room` samples before row[0] are
// readable.
static uint16_t *wall[ROWS];

static int build_walls(void **state)
{
    (void)state;
    for (int k = 0; k < ROWS; k++) {
        uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED || mprotect(p + PAGE, PAGE, PROT_NONE))
            return -1;
        wall[k] = (uint16_t *)(void *)(p + PAGE);
    }
    return 0;
}

static uint16_t random_sample(int round)
{
    unsigned r = random_bits();
    switch (round % 4) {
    case 0: // noise around a level
        return (uint16_t)(30000 + (r & 0x7ff));
    case 1: // ends of the range
        return r & 1 ? UINT16_MAX : r & 2 ? 0 : (uint16_t)(r >> 4);
    case 2:
        return (uint16_t)(32768 + (int)(r & 7) - 4);
    default:
        return (uint16_t)r;
    }
}

struct rows {
    uint16_t wide[3][MAX_N + 2 * GUARD];
    uint8_t bytes[MAX_N + 2 * GUARD];
};

// What kernel `which` makes of the walls, whose last `n` samples (and one more for motion) are its input. The
// output starts at an odd address or not. False when there is no such kernel.
static bool run(const struct ta_recursive_dsp *d, int which, struct rows *out, int n, int shift,
                const struct ta_recursive_ramp *ramps, int odd)
{
    uint16_t *dst = out->wide[0] + GUARD + odd, *dst1 = out->wide[1] + GUARD + odd;
    uint16_t *const all[] = {dst, dst1, out->wide[2] + GUARD + odd};
    uint8_t *dst8 = out->bytes + GUARD + odd;
    const uint16_t *src[ROWS];
    for (int k = 0; k < ROWS; k++)
        src[k] = wall[k] - n;
    const uint8_t *src8 = (const uint8_t *)wall[6] - n;
    uint16_t scratch[2][MAX_N + 8], *const pulls[] = {scratch[0] + 2, scratch[1] + 2};
    switch (which) {
    case 0:
        d->differ8(dst, src8, src[0], n);
        return true;
    case 1:
        d->differ16(dst, src[1], src[0], shift, n);
        return true;
    case 2:
        d->gather(dst, dst1, src, n);
        return true;
    case 3:
        d->motion(dst, src[0] - 1, src[1] - 1, src[2], n);
        return true;
    case 4:
        d->follow8(dst, src8, src[0], src[1], ramps, n);
        return true;
    case 5:
        d->follow16(dst, src[2], src[0], src[1], ramps, shift, n);
        return true;
    case 6:
        d->along(dst, src[0], pulls, ramps, n);
        return true;
    case 7:
        d->across(all, src, shift % 3, ramps, n);
        return true;
    case 8:
        d->narrow8(dst8, src[0], n);
        return true;
    case 9:
        d->narrow16(dst, src[0], shift, n);
        return true;
    default:
        return false;
    }
}

static void fill(struct rows *r, int round)
{
    for (int k = 0; k < ROWS; k++)
        for (int i = 1; i <= MAX_N + 3; i++)
            wall[k][-i] = random_sample(round);
    for (size_t i = 0; i < TA_COUNT(r->bytes); i++) {
        for (int k = 0; k < 3; k++)
            r->wide[k][i] = random_sample(round);
        r->bytes[i] = (uint8_t)random_bits();
    }
}

// Rows that a kernel writes, of wide[]; 3 stands for bytes.
static bool writes(int which, int row, int shift)
{
    switch (which) {
    case 2:
        return row <= 1;
    case 7:
        return row <= shift % 3;
    case 8:
        return row == 3;
    default:
        return row == 0;
    }
}

static void check(const struct ta_recursive_dsp *d, int which, int n, int shift, int odd,
                  const struct rows *before, const struct rows *want, const struct rows *got)
{
    for (int row = 0; row < 4; row++)
        for (int i = 0; i < (int)TA_COUNT(got->bytes); i++) {
            int at = i - GUARD - odd;
            int is = row == 3 ? got->bytes[i] : got->wide[row][i];
            int should = row == 3 ? want->bytes[i] : want->wide[row][i];
            int was = row == 3 ? before->bytes[i] : before->wide[row][i];
            if (is != should)
                fail_msg("%s: kernel %d, n %d, row %d at %d: %d instead of %d (seed %u)", d->name, which, n,
                         row, at, is, should, seed);
            if (is != was && !(at >= 0 && at < n && writes(which, row, shift)))
                fail_msg("%s: kernel %d, n %d writes at %d of row %d", d->name, which, n, at, row);
        }
}

static void compare(const struct ta_recursive_dsp *d)
{
    static const double limits[] = {0, 1, 3, 200, 1049, 4097, 20000, 32768, 65535, 1e9};
    int kernels = 0;
    for (int round = 0; round < 60; round++)
        for (size_t l = 0; l < TA_COUNT(lengths); l++) {
            struct ta_recursive_ramp ramps[2];
            for (int k = 0; k < 2; k++)
                ramps[k] = ta_recursive_ramp(limits[random_bits() % TA_COUNT(limits)], k ? 0.7 : 1);
            int shift = (int)(random_bits() % 9), odd = (int)(random_bits() & 1);
            struct rows before, want, got;
            fill(&before, round);
            for (int which = 0;; which++) {
                uint16_t inputs[ROWS][MAX_N + 3];
                for (int k = 0; k < ROWS; k++)
                    memcpy(inputs[k], wall[k] - MAX_N - 3, sizeof inputs[k]);
                want = got = before;
                if (!run(&ta_recursive_dsp_c, which, &want, lengths[l], shift, ramps, odd))
                    break;
                run(d, which, &got, lengths[l], shift, ramps, odd);
                check(d, which, lengths[l], shift, odd, &before, &want, &got);
                for (int k = 0; k < ROWS; k++)
                    assert_memory_equal(inputs[k], wall[k] - MAX_N - 3, sizeof inputs[k]);
                kernels = TA_MAX(kernels, which + 1);
            }
        }
    assert_int_equal(kernels, KERNELS);
}

static void test_plain_c_stays_in_bounds(void **state)
{
    (void)state;
    compare(&ta_recursive_dsp_c);
}

static void test_set(void **state)
{
    use_set(state);
    assert_true(ta_recursive_dsp() != &ta_recursive_dsp_c);
    compare(ta_recursive_dsp());
}

#ifdef __x86_64__
// Dispatch takes the best that is allowed.
static void test_dispatch(void **state)
{
    const char *set = use_set(state);
    assert_ptr_equal(ta_recursive_dsp(), !strcmp(set, "sse4.1") ? &ta_recursive_dsp_sse41
                                         : !strcmp(set, "avx2") ? &ta_recursive_dsp_avx2
                                                                : &ta_recursive_dsp_avx512);
}
#endif

static double ramp_at(double d, double limit)
{
    return d < limit ? 1 - d / limit : 0;
}

static void test_follow_is_what_is_meant(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double limit = 30 + random_bits() % 40000;
        struct ta_recursive_ramp ramp = ta_recursive_ramp(limit, 1);
        uint16_t was = (uint16_t)random_bits(), now = was, sample = (uint16_t)random_bits();
        uint16_t a = (uint16_t)(random_bits() % 32768), b = i % 3 ? a : (uint16_t)(random_bits() % 2000);
        ta_recursive_dsp_c.follow16(&now, &sample, &a, &b, &ramp, 0, 1);
        double want = sample + 0.875 * pow(ramp_at((a + b + 1) / 2, limit), 4) * (was - sample);
        double error = fabs(now - want), allowed = 1 + 1e-3 * fabs((double)was - sample);
        if (error > allowed)
            fail_msg("limit %g, motion %d %d, %d to %d: %d, not %g", limit, a, b, was, sample, now, want);
    }
}

// Along a row and across as many rows, against one sample at a time in floating point.
static void test_smoothing_is_what_is_meant(void **state)
{
    (void)state;
    enum { N = 9 };
    static const double share[] = {0.28, 0.18};
    for (int round = 0; round < 4000; round++) {
        double limit = 30 + random_bits() % 40000;
        struct ta_recursive_ramp ramps[] = {ta_recursive_ramp(limit, sqrt(2 * share[0])),
                                            ta_recursive_ramp(limit, sqrt(2 * share[1]))};
        uint16_t s[N], out[N], scratch[2][N + 2], *const pulls[] = {scratch[0] + 2, scratch[1] + 2};
        uint16_t down[N];
        for (int i = 0; i < N; i++)
            s[i] = random_sample(round);
        ta_recursive_dsp()->along(out, s, pulls, ramps, N);
        for (int i = 0; i < N; i++) {
            uint16_t *const dst[] = {&down[i], &down[TA_MAX(i - 1, 0)], &down[TA_MAX(i - 2, 0)]};
            const uint16_t *const src[] = {&s[i], &s[TA_MAX(i - 1, 0)], &s[TA_MAX(i - 2, 0)]};
            ta_recursive_dsp()->across(dst, src, TA_MIN(i, 2), ramps, 1);
        }
        assert_memory_equal(out, down, sizeof out);
        for (int i = 0; i < N; i++) {
            double want = s[i], reach = 0;
            for (int k = -2; k <= 2; k++) {
                if (!k || i + k < 0 || i + k >= N)
                    continue;
                double d = (double)s[i + k] - s[i];
                want += share[abs(k) - 1] * pow(ramp_at(fabs(d), limit), 2) * d;
                reach += fabs(d);
            }
            if (fabs(out[i] - want) > 4 + 1e-3 * reach)
                fail_msg("limit %g, at %d: %d from %d, not %g", limit, i, out[i], s[i], want);
        }
    }
}

// Motion of one sample: what it is where nothing, one point, a fine pattern, and everything changes by `d`.
static int motion_of(int d, int kind)
{
    uint16_t e[3][3], mean[3], magnitude[3], m;
    const uint16_t *const rows[3] = {e[0], e[1], e[2]};
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++) {
            bool on = kind == 3 || (kind == 1 && x == 1 && y == 1), other = kind == 2;
            e[y][x] = (uint16_t)(32768 + (on ? d : other ? ((x + y) & 1 ? -d : d) : 0));
        }
    ta_recursive_dsp()->gather(mean, magnitude, rows, 3);
    ta_recursive_dsp()->motion(&m, mean + 1, magnitude + 1, e[1] + 1, 1);
    return m;
}

static void test_motion_is_what_is_meant(void **state)
{
    (void)state;
    for (int d = 10; d < 32000; d = d * 3 / 2) {
        assert_int_equal(motion_of(d, 0), 0);
        assert_in_range(motion_of(d, 1), d / 4 - 1, d / 4 + 1);
        assert_in_range(motion_of(-d, 1), d / 4 - 1, d / 4 + 1);
        assert_in_range(motion_of(d, 2), (int)(d * 0.2688) - 1, (int)(d * 0.2688) + 1);
        assert_int_equal(motion_of(d, 3), d);
        assert_int_equal(motion_of(-d, 3), d);
    }
}

// Samples of every depth come back as they were.
static void test_there_and_back(void **state)
{
    (void)state;
    struct ta_recursive_ramp none = ta_recursive_ramp(0, 1);
    static uint16_t src[65536], back[65536], memory[65536], still[65536];
    for (int depth = 8; depth <= 16; depth++) {
        int n = 1 << depth;
        for (int i = 0; i < n; i++)
            src[i] = (uint16_t)i;
        const struct ta_recursive_dsp *d = ta_recursive_dsp();
        d->follow16(memory, src, still, still, &none, 16 - depth, n);
        d->narrow16(back, memory, 16 - depth, n);
        assert_memory_equal(src, back, (size_t)n * sizeof *src);
    }
    uint16_t high[] = {65535, 65408, 65407, 128, 127};
    uint8_t low[TA_COUNT(high)];
    ta_recursive_dsp()->narrow8(low, high, TA_COUNT(high));
    static const uint8_t want[] = {255, 255, 255, 1, 0};
    assert_memory_equal(low, want, sizeof want);
}

int main(void)
{
    seed = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_c_stays_in_bounds),
#ifdef __x86_64__
        SET_TEST(test_set, "sse4.1"),
        SET_TEST(test_dispatch, "sse4.1"),
        SET_TEST(test_set, "avx2"),
        SET_TEST(test_dispatch, "avx2"),
        SET_TEST(test_set, "avx512"),
        SET_TEST(test_dispatch, "avx512"),
#endif
        cmocka_unit_test(test_follow_is_what_is_meant),
        cmocka_unit_test(test_smoothing_is_what_is_meant),
        cmocka_unit_test(test_motion_is_what_is_meant),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, build_walls, NULL);
}
