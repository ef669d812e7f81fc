// The colour kernels: each instruction set gives the bits of plain C, writes nothing else and leaves its
// input alone, at odd lengths, odd addresses, and values at and beyond every limit; plain C computes what is
// meant.
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
#include "dsp/grade.h"

#include "sets.h"

enum { MAX_N = 150, GUARD = 16, ROOM = 4 * MAX_N + 2 * GUARD, LUT_SIZE = 5 };

static const int lengths[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67, 136, MAX_N};

static unsigned seed;

static unsigned random_bits(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static float random_float(float low, float high)
{
    return low + (high - low) * (float)(random_bits() & 0xffff) / 65535;
}

// Mostly in range, with whole numbers, limits and far values among them.
static float random_position(float top)
{
    switch (random_bits() % 8) {
    case 0:
        return floorf(random_float(0, top + 0.999f));
    case 1:
        return random_float(-3 * top, 0);
    case 2:
        return random_float(top, 4 * top);
    case 3:
        return (random_bits() & 1) ? top : 0;
    default:
        return random_float(0, top);
    }
}

struct rows {
    float f[3][ROOM];
    uint16_t w[3][ROOM];
    uint8_t b[3][ROOM];
};

static void fill(struct rows *r, float top, int max)
{
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < ROOM; i++) {
            r->f[k][i] = random_position(top);
            unsigned kind = random_bits() % 6;
            r->w[k][i] = (uint16_t)(kind == 0 ? max : kind == 1 ? 0 : (int)random_bits() % (max + 1));
            r->b[k][i] = (uint8_t)random_bits();
        }
}

static struct ta_grade_lut random_lut(void)
{
    static float nodes[4 * LUT_SIZE * LUT_SIZE * LUT_SIZE];
    for (size_t i = 0; i < TA_COUNT(nodes); i++)
        nodes[i] = random_float(-100, 1200);
    struct ta_grade_lut lut = {.nodes = nodes, .size = LUT_SIZE};
    for (int i = 0; i < 9; i++)
        lut.beyond[i] = random_float(-300, 300);
    return lut;
}

static struct ta_grade_curve random_curve(void)
{
    static float values[9];
    for (size_t i = 0; i < TA_COUNT(values); i++)
        values[i] = random_float(-1, 2);
    return (struct ta_grade_curve){.values = values, .size = TA_COUNT(values), .beyond = 0.25f};
}

// Runs kernel number `which` on `r`, at odd addresses; false when there is no such kernel.
static bool run(const struct ta_grade_dsp *d, int which, struct rows *r, int n)
{
    static uint16_t map[65536];
    static uint8_t map8[256];
    static float look[65536];
    if (!look[0]) {
        for (int i = 0; i < 65536; i++) {
            look[i] = (float)(i * 7 % 1009) + 1;
            map[i] = (uint16_t)(65535 - i);
            map8[i & 255] = (uint8_t)(i * 31);
        }
    }
    static const int at[] = {-1, 0, 0, 0};
    static const float weights[] = {0.25f, 0.75f, 0.5f, 0.125f, -0.125f, 0.25f, 0.0625f, 0.5f, -0.25f};
    static const float m[12] = {0.5f,   -0.25f, 1.2f, 3.1f,  0.3f,   1.7f,
                                -0.01f, -70.f,  0.2f, -0.9f, 1.125f, 512.f};
    enum { G = GUARD + 1 };
    const float *const rows[3] = {r->f[1] + G, r->f[2] + G, r->f[1] + G + 2};
    const uint8_t *const b[2] = {r->b[1] + G, r->b[2] + G};
    const uint16_t *const w[2] = {r->w[1] + G, r->w[2] + G};
    uint8_t *const to_b[2] = {r->b[0] + G, r->b[0] + G + 2 * MAX_N};
    uint16_t *const to_w[2] = {r->w[0] + G, r->w[0] + G + 2 * MAX_N};
    float *const ch[3] = {r->f[0] + G, r->f[1] + G, r->f[2] + G};
    struct ta_grade_lut lut;
    struct ta_grade_curve curve;
    switch (which) {
    case 0:
        d->widen8(r->f[0] + G, b[0], n);
        break;
    case 1:
        d->widen16(r->f[0] + G, w[0], n);
        break;
    case 2:
        d->look8(r->f[0] + G, b[0], look, n);
        break;
    case 3:
        d->look16(r->f[0] + G, w[0], look, n);
        break;
    case 4:
        d->map8(to_b[0], b[0], map8, n);
        break;
    case 5:
        d->map16(to_w[0], w[0], map, n);
        break;
    case 6:
        d->turn8(to_b, b, m, n);
        break;
    case 7:
        d->turn16(to_w, w, m, 1023, n);
        break;
    case 8:
        d->turn16(to_w, w, m, 65535, n);
        break;
    case 9:
        d->blend(r->f[0] + G, rows[0], rows[1], 0.375f, 0.625f, n);
        break;
    case 10:
        d->expand(r->f[0] + G, rows[0], 2, at, weights, n);
        break;
    case 11:
        d->expand(r->f[0] + G, rows[0], 4, at, weights, n);
        break;
    case 12:
        d->shrink(r->f[0] + G, rows[0], 2, -1, weights, 4, n);
        break;
    case 13:
        d->shrink(r->f[0] + G, rows[0], 2, -2, weights, 5, n);
        break;
    case 14:
        d->shrink(r->f[0] + G, rows[0], 4, -4, weights, 9, n / 2);
        break;
    case 15:
        d->pack8(to_b[0], rows, weights, 3, n);
        break;
    case 16:
        d->pack16(to_w[0], rows, weights, 1, 4095, n);
        break;
    case 17:
        d->pack16(to_w[0], rows, weights, 3, 65535, n);
        break;
    case 18:
        d->matrix(ch, m, n);
        break;
    case 19:
        lut = random_lut();
        d->lut(ch, &lut, n);
        break;
    case 20:
        curve = random_curve();
        d->curve(ch[1], &curve, n);
        break;
    case 21:
        d->power(ch[2], 1 / 2.2f, n);
        break;
    case 22:
        d->power(ch[0], 3.5f, n);
        break;
    default:
        return false;
    }
    return true;
}

// How far behind the address G a kernel may write: counted in elements of each row.
static bool may_write(int which, int row, int i, int n, char type)
{
    int at = i - GUARD - 1;
    bool first = at >= 0 && at < n, second = at >= 2 * MAX_N && at < 2 * MAX_N + n;
    switch (type) {
    case 'b':
        return row == 0 && ((first && (which == 4 || which == 6 || which == 15)) || (second && which == 6));
    case 'w':
        return row == 0 &&
               ((first && (which == 5 || which == 7 || which == 8 || which == 16 || which == 17)) ||
                (second && (which == 7 || which == 8)));
    default:
        if (which == 18 || which == 19)
            return first;
        if (which == 20 || which == 21)
            return first && row == which - 19;
        if (which == 10 || which == 11)
            return row == 0 && at >= 0 && at < n * (which == 10 ? 2 : 4);
        return row == 0 && first && (which <= 3 || which == 9 || (which >= 12 && which <= 14) || which == 22);
    }
}

static void check_rows(const struct ta_grade_dsp *d, int which, int n, const struct rows *before,
                       const struct rows *want, const struct rows *got)
{
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < ROOM; i++) {
            bool same = got->b[k][i] == want->b[k][i] && got->w[k][i] == want->w[k][i] &&
                        got->f[k][i] == want->f[k][i];
            if (!same)
                fail_msg("%s: kernel %d, n %d, row %d, %d: %d %d %a instead of %d %d %a (seed %u)", d->name,
                         which, n, k, i - GUARD - 1, got->b[k][i], got->w[k][i], (double)got->f[k][i],
                         want->b[k][i], want->w[k][i], (double)want->f[k][i], seed);
            bool touched = (got->b[k][i] != before->b[k][i] && !may_write(which, k, i, n, 'b')) ||
                           (got->w[k][i] != before->w[k][i] && !may_write(which, k, i, n, 'w')) ||
                           (got->f[k][i] != before->f[k][i] && !may_write(which, k, i, n, 'f'));
            if (touched)
                fail_msg("%s: kernel %d, n %d writes at %d of row %d", d->name, which, n, i - GUARD - 1, k);
        }
}

static struct rows before, want, got;

static void compare(const struct ta_grade_dsp *d)
{
    int kernels = 0;
    for (int round = 0; round < 16; round++)
        for (size_t l = 0; l < TA_COUNT(lengths); l++)
            for (int which = 0;; which++) {
                static const float tops[] = {1, LUT_SIZE - 1, 1023, 65535};
                fill(&before,
                     which >= 21   ? tops[0]
                     : which >= 19 ? tops[1]
                                   : tops[round % 4],
                     which == 7 ? 1023 : 65535);
                want = got = before;
                unsigned now = seed;
                if (!run(&ta_grade_dsp_c, which, &want, lengths[l]))
                    break;
                seed = now; // the same tables
                run(d, which, &got, lengths[l]);
                check_rows(d, which, lengths[l], &before, &want, &got);
                kernels = TA_MAX(kernels, which + 1);
            }
    assert_int_equal(kernels, 23);
}

static void test_plain_c_stays_in_bounds(void **state)
{
    (void)state;
    compare(&ta_grade_dsp_c);
}

static void test_set(void **state)
{
    use_set(state);
    assert_true(ta_grade_dsp() != &ta_grade_dsp_c);
    compare(ta_grade_dsp());
}

#ifdef __x86_64__
// Dispatch takes the best that is allowed.
static void test_dispatch(void **state)
{
    const char *set = use_set(state);
    assert_ptr_equal(ta_grade_dsp(), !strcmp(set, "avx2") ? &ta_grade_dsp_avx2 : &ta_grade_dsp_avx512);
}
#endif

static void test_power(void **state)
{
    (void)state;
    static const float exponents[] = {0.1f, 1 / 2.2f, 0.95f, 1, 1.05f, 2.2f, 10};
    for (size_t e = 0; e < TA_COUNT(exponents); e++)
        for (int i = -2000; i <= 40000; i++) {
            float x = (float)i / 32768, y = x;
            ta_grade_dsp_c.power(&y, exponents[e], 1);
            double exponent = (double)exponents[e], toe = 1.0 / 1024;
            double ideal = x <= 0             ? (double)x
                           : (double)x <= toe ? (double)x * pow(toe, exponent) / toe
                                              : pow((double)x, exponent);
            double limit = ideal > 1 ? 4e-6 * ideal : 1.0 / (1 << 20);
            if (fabs((double)y - ideal) > limit)
                fail_msg("%a^%g is %.9g instead of %.9g", (double)x, exponent, (double)y, ideal);
        }
}

// A table that holds an affine function gives this function everywhere, also outside with its slope.
static void test_lut_of_an_affine_function(void **state)
{
    (void)state;
    static float nodes[4 * LUT_SIZE * LUT_SIZE * LUT_SIZE];
    static const float a[3][4] = {{1, 2, -3, 4}, {0, -1, 2, 0.5f}, {8, 0, 1, -2}};
    struct ta_grade_lut lut = {.nodes = nodes, .size = LUT_SIZE};
    for (int i = 0; i < LUT_SIZE * LUT_SIZE * LUT_SIZE; i++)
        for (int k = 0; k < 3; k++)
            nodes[4 * i + k] = a[k][0] * (float)(i % LUT_SIZE) + a[k][1] * (float)(i / LUT_SIZE % LUT_SIZE) +
                               a[k][2] * (float)(i / LUT_SIZE / LUT_SIZE) + a[k][3];
    for (int k = 0; k < 9; k++)
        lut.beyond[k] = a[k / 3][k % 3];
    for (int i = 0; i < 5000; i++) {
        float x[3];
        for (int k = 0; k < 3; k++)
            x[k] = random_position(LUT_SIZE - 1);
        float y[3] = {x[0], x[1], x[2]};
        ta_grade_dsp_c.lut((float *const[3]){&y[0], &y[1], &y[2]}, &lut, 1);
        for (int k = 0; k < 3; k++) {
            float ideal = a[k][0] * x[0] + a[k][1] * x[1] + a[k][2] * x[2] + a[k][3];
            assert_true(fabsf(y[k] - ideal) < 2e-4f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_c_stays_in_bounds),
#ifdef __x86_64__
        SET_TEST(test_set, "avx2"),
        SET_TEST(test_dispatch, "avx2"),
        SET_TEST(test_set, "avx512"),
        SET_TEST(test_dispatch, "avx512"),
#endif
        cmocka_unit_test(test_power),
        cmocka_unit_test(test_lut_of_an_affine_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
