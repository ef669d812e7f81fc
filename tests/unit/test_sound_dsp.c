// The kernels of sound: each instruction set gives the bits of plain C, at odd lengths; plain C computes what
// is meant.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp/sound.h"

#include "sets.h"
#include "sound_kit.h"

enum { MOST = 300, TAPS = 33 };

static const size_t lengths[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65, 127, MOST};

// Exactly so many, so that a sanitizer sees what reads beyond.
static float *floats(size_t n)
{
    float *p = malloc(n * sizeof *p + 1);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)kit_gaussian();
    return p;
}

static float *copy_of(const float *from, size_t n)
{
    float *p = malloc(n * sizeof *p + 1);
    assert_non_null(p);
    memcpy(p, from, n * sizeof *p);
    return p;
}

static void test_same_bits(void **state)
{
    use_set(state);
    const struct ta_sound_dsp *c = &ta_sound_dsp_c, *own = ta_sound_dsp();
    const float from[2] = {0.3f, -0.2f}, to[2] = {0.1f, 0.7f};
    for (size_t k = 0; k < TA_COUNT(lengths); k++) {
        size_t n = lengths[k];
        float *a = floats(n), *b = floats(n), *s = floats(n), *long_one = floats(n + TAPS - 1),
              *w = floats(TAPS);
        float *x = copy_of(a, n), *y = copy_of(a, n), *u = copy_of(b, n), *v = copy_of(b, n);
        float p = c->dot(a, b, n), q = own->dot(a, b, n);
        assert_memory_equal(&p, &q, sizeof p);
        c->accumulate(x, b, 0.37f, n);
        own->accumulate(y, b, 0.37f, n);
        assert_memory_equal(x, y, n * sizeof *x);
        c->turn(x, u, a, s, n);
        own->turn(y, v, a, s, n);
        assert_memory_equal(x, y, n * sizeof *x);
        assert_memory_equal(u, v, n * sizeof *x);
        c->subtract(x, b, s, from, to, n);
        own->subtract(y, b, s, from, to, n);
        assert_memory_equal(x, y, n * sizeof *x);
        assert_true(c->most(b, n) == own->most(b, n));
        c->raise(x, b, n);
        own->raise(y, b, n);
        assert_memory_equal(x, y, n * sizeof *x);
        c->filter(x, long_one, w, TAPS, n);
        own->filter(y, long_one, w, TAPS, n);
        assert_memory_equal(x, y, n * sizeof *x);
        float *all[] = {a, b, s, long_one, w, x, y, u, v};
        for (size_t i = 0; i < TA_COUNT(all); i++)
            free(all[i]);
    }
}

// What comes from files need be no number at all.
static void test_same_numbers(void **state)
{
    use_set(state);
    const struct ta_sound_dsp *c = &ta_sound_dsp_c, *own = ta_sound_dsp();
    const float odd[] = {NAN,    -NAN,   INFINITY,  -INFINITY, 1e-15f, -1e-16f,
                         1e-38f, 1e-44f, -65536.0f, 65537.0f,  -3e38f, -0.0f};
    for (size_t k = 0; k < TA_COUNT(lengths); k++) {
        size_t n = lengths[k], bad = 0;
        float *a = floats(n), *x = floats(n), *y = copy_of(x, n), *z = copy_of(x, n), *b = copy_of(a, n);
        for (size_t i = 0; i < n; i += 2)
            a[i] = b[i] = odd[(i / 2 + k) % TA_COUNT(odd)];
        float most = 0;
        for (size_t i = 0; i < n; i++) {
            bad += !isfinite(a[i]);
            most = fabsf(a[i]) > most ? fabsf(a[i]) : most;
        }
        assert_int_equal(c->bad(a, n), bad);
        assert_int_equal(own->bad(a, n), bad);
        assert_true(c->most(a, n) == most && own->most(a, n) == most);
        c->numbers(x, a, n);
        own->numbers(y, a, n);
        assert_memory_equal(x, y, n * sizeof *x);
        for (size_t i = 0; i < n; i++)
            assert_true(x[i] == ta_sound_number(a[i]));
        memcpy(y, z, n * sizeof *y);
        own->exchange(y, b, n);
        assert_memory_equal(x, y, n * sizeof *x);
        assert_memory_equal(b, z, n * sizeof *x);
        float *all[] = {a, b, x, y, z};
        for (size_t i = 0; i < TA_COUNT(all); i++)
            free(all[i]);
    }
}

static void test_same_bits_rows(void **state)
{
    use_set(state);
    const struct ta_sound_dsp *own = ta_sound_dsp(), *both[] = {&ta_sound_dsp_c, own};
    for (size_t k = 0; k < TA_COUNT(lengths); k++) {
        size_t n = lengths[k], apart = 1 + k % 5;
        float *a = floats(n), *b = floats(n), *long_one = floats(2 * n), *before = floats(n + 2),
              *w = floats(3);
        float *wide = floats(n + 3 * apart);
        const float *const rows[] = {a, b, long_one};
        float *made[2][8];
        for (int i = 0; i < 2; i++) {
            const struct ta_sound_dsp *d = both[i];
            float **m = made[i];
            for (int f = 0; f < 8; f++)
                m[f] = copy_of(long_one, 2 * n);
            d->add_product(m[0], a, b, n);
            d->interleave(m[1], a, b, n);
            d->part(m[2], m[3], long_one, n);
            d->mirror(m[4], a, n);
            d->add_four(m[5], wide, apart, n);
            d->blend(m[6], rows, w, 3, n);
            d->bends(m[7], before + 2, n);
            d->sizes(m[0], n);
            d->add_squares(m[7], a, b, 0.5f, n);
        }
        for (int f = 0; f < 8; f++)
            assert_memory_equal(made[0][f], made[1][f], 2 * n * sizeof(float));
        float **m = made[0], apart_by = n > 3 ? fabsf(a[n / 2] - a[n / 2 - 1]) : 0;
        for (size_t i = 0; i < n; i++)
            apart_by = i && fabsf(a[i] - a[i - 1]) < apart_by ? fabsf(a[i] - a[i - 1]) : apart_by;
        // The nearest two neighbours of all are found wherever they lie, and nothing below.
        if (n > 3) {
            assert_true(own->any_alike(a + 1, apart_by, -1, n - 1));
            assert_false(own->any_alike(a + 1, apart_by * 0.999f, -1, n - 1));
        }
        for (size_t i = 0; i < n; i++) {
            float sum = (wide[i] + wide[i + apart]) + (wide[i + 2 * apart] + wide[i + 3 * apart]);
            assert_true(m[0][i] == fabsf(long_one[i] + a[i] * b[i]));
            assert_true(m[1][2 * i] == a[i] && m[1][2 * i + 1] == b[i]);
            assert_true(m[2][i] == long_one[2 * i] && m[3][i] == long_one[2 * i + 1]);
            assert_true(m[4][i] == a[n - 1 - i]);
            assert_true(m[5][i] == sum);
            assert_true(fabs(m[6][i] - ((double)w[0] * a[i] + (double)w[1] * b[i] +
                                        (double)w[2] * long_one[i])) < 1e-5);
            float x[4] = {0.5f, 0.5f + a[i], 0.25f, 0.25f};
            assert_true(own->any_alike(x + 1, 0.1f, 0.3f, 2) == (fabsf(a[i]) <= 0.1f));
            assert_true(own->any_alike(x + 1, 0.1f, 0.2f, 3));
            assert_true(m[7][i] == fabsf(before[i + 2] - 2 * before[i + 1] + before[i]) +
                                       0.5f * (a[i] - b[i]) * (a[i] - b[i]));
        }
        for (int f = 0; f < 8; f++) {
            free(made[0][f]);
            free(made[1][f]);
        }
        float *all[] = {a, b, long_one, before, w, wide};
        for (size_t i = 0; i < TA_COUNT(all); i++)
            free(all[i]);
    }
}

// Two channels as one of complex numbers, by the transform as it is written.
static void test_pair(void **state)
{
    use_set(state);
    static const size_t sizes[] = {2, 4, 30, 32, 34, 64, 66, 128};
    for (size_t k = 0; k < TA_COUNT(sizes); k++) {
        size_t n = sizes[k];
        float *l = floats(n), *r = floats(n), *bins = floats(2 * n), *x = floats(n / 2 + 1);
        float *y = copy_of(x, n / 2 + 1), *z = copy_of(x, n / 2 + 1);
        for (size_t b = 0; b < n; b++) {
            double left[2] = {0}, right[2] = {0};
            for (size_t i = 0; i < n; i++) {
                double turn = 2 * M_PI * (double)(b * i % n) / (double)n;
                left[0] += l[i] * cos(turn);
                left[1] -= l[i] * sin(turn);
                right[0] += r[i] * cos(turn);
                right[1] -= r[i] * sin(turn);
            }
            bins[2 * b] = (float)(left[0] - right[1]);
            bins[2 * b + 1] = (float)(left[1] + right[0]);
            if (b <= n / 2)
                z[b] += (float)(left[0] * left[0] + left[1] * left[1] + right[0] * right[0] +
                                right[1] * right[1]);
        }
        ta_sound_dsp_c.power_of_pair(x, bins, n);
        ta_sound_dsp()->power_of_pair(y, bins, n);
        assert_memory_equal(x, y, (n / 2 + 1) * sizeof *x);
        for (size_t i = 0; i <= n / 2; i++)
            assert_true(fabsf(x[i] - z[i]) < 1e-3f * (1 + fabsf(z[i])));
        float *all[] = {l, r, bins, x, y, z};
        for (size_t i = 0; i < TA_COUNT(all); i++)
            free(all[i]);
    }
}

static void test_same_bits_spectra(void **state)
{
    use_set(state);
    const struct ta_sound_dsp *c = &ta_sound_dsp_c, *own = ta_sound_dsp();
    const struct ta_sound_gains settings = {0.98f, 0.003f, 0.1f, 3.2f, 2.5f};
    for (size_t k = 0; k < TA_COUNT(lengths); k++) {
        size_t n = lengths[k];
        float *in[6], *x[5], *y[5];
        for (int i = 0; i < 6; i++) {
            in[i] = floats(2 * n);
            for (size_t m = 0; i && m < 2 * n; m++)
                in[i][m] = in[i][m] * in[i][m] * (m % 13 ? 1 : 1e4f);
        }
        for (int i = 0; i < 5; i++) {
            x[i] = copy_of(in[i], 2 * n);
            y[i] = copy_of(in[i], 2 * n);
        }
        c->multiply(x[0], in[0], in[1], n);
        own->multiply(y[0], in[0], in[1], n);
        c->power(x[1], in[0], n);
        own->power(y[1], in[0], n);
        for (int round = 0; round < 2; round++) {
            struct ta_sound_track s = {x[3], x[4], in[4], x[1], 0.85f, 2, 0.01f};
            struct ta_sound_track t = {y[3], y[4], in[4], y[1], 0.85f, 2, 0.01f};
            c->track(&s, in[5 - round], n);
            own->track(&t, in[5 - round], n);
            c->first(x[0], x[2], in[1], in[2], x[1], &settings, n);
            own->first(y[0], y[2], in[1], in[2], y[1], &settings, n);
        }
        c->last(x[1], x[0], &settings, n);
        own->last(y[1], y[0], &settings, n);
        for (int i = 0; i < 5; i++) {
            assert_memory_equal(x[i], y[i], 2 * n * sizeof(float));
            free(x[i]);
            free(y[i]);
        }
        for (int i = 0; i < 6; i++)
            free(in[i]);
    }
}

static void test_values(void **state)
{
    (void)state;
    const struct ta_sound_dsp *c = &ta_sound_dsp_c;
    float a[MOST], b[MOST], s[MOST], x[MOST];
    for (int i = 0; i < MOST; i++) {
        a[i] = (float)(i % 7 - 3);
        b[i] = (float)(i % 5 - 2);
    }
    double sum = 0;
    for (int i = 0; i < MOST; i++)
        sum += a[i] * b[i];
    assert_true(c->dot(a, b, MOST) == (float)sum);
    // From the first harmonic to the third.
    for (int i = 0; i < MOST; i++) {
        a[i] = (float)cos(0.1 * i);
        s[i] = (float)sin(0.1 * i);
    }
    memcpy(b, a, sizeof b);
    memcpy(x, s, sizeof x);
    c->turn(b, x, a, s, MOST);
    c->turn(b, x, a, s, MOST);
    for (int i = 0; i < MOST; i++) {
        assert_true(fabs(b[i] - cos(0.3 * i)) < 1e-5);
        assert_true(fabs(x[i] - sin(0.3 * i)) < 1e-5);
    }
    // A wave that grows from nothing to 2 cos - sin.
    const float nothing[2] = {0, 0}, most[2] = {2, -1};
    memset(x, 0, sizeof x);
    c->subtract(x, a, s, nothing, most, MOST);
    for (int i = 0; i < MOST; i++)
        assert_true(fabs(x[i] + (double)i / MOST * (2 * cos(0.1 * i) - sin(0.1 * i))) < 1e-5);
    for (int i = 0; i < MOST; i++)
        x[i] = 0.5f;
    c->raise(x, a, MOST);
    for (int i = 0; i < MOST; i++)
        assert_true(x[i] == fmaxf(fabsf(a[i]), 0.5f));
    // A delay by two.
    const float delay[] = {0, 0, 1};
    c->filter(x, a, delay, 3, MOST - 2);
    assert_memory_equal(x, a + 2, (MOST - 2) * sizeof *x);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_true(ta_sound_number(NAN) == 0);
    assert_true(ta_sound_number(INFINITY) == 65536);
    assert_true(ta_sound_number(-INFINITY) == -65536);
    assert_true(ta_sound_number(1e-40f) == 0);
    assert_true(ta_sound_number(-0.3f) == -0.3f);
    assert_true(ta_sound_number(1e-9f) == 1e-9f);
    assert_true(ta_sound_number(3) == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_numbers),
        SET_TEST(test_same_bits, "avx2"),
        SET_TEST(test_same_bits, "avx512"),
        SET_TEST(test_same_numbers, "none"),
        SET_TEST(test_same_numbers, "avx2"),
        SET_TEST(test_same_numbers, "avx512"),
        SET_TEST(test_same_bits_rows, "none"),
        SET_TEST(test_same_bits_rows, "avx2"),
        SET_TEST(test_same_bits_rows, "avx512"),
        SET_TEST(test_pair, "none"),
        SET_TEST(test_pair, "avx2"),
        SET_TEST(test_pair, "avx512"),
        SET_TEST(test_same_bits_spectra, "avx2"),
        SET_TEST(test_same_bits_spectra, "avx512"),
    };
    return cmocka_run_group_tests_name("sound_dsp", tests, NULL, NULL);
}
