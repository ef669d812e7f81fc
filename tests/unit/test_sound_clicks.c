// Clicks and dropouts: models with known values, what is lost between samples filled in, clicks found among
// words and taken out, and nothing where there is nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp/sound_ar.h"
#include "dsp/sound_clicks.h"

#include "sound_kit.h"

enum { RATE = 16000, SECONDS = 10, COUNT = RATE * SECONDS, MODEL = 4096 };

static struct ta_sound_clicks_params given;

static void *clicks_make(int rate, int channels)
{
    return ta_sound_clicks_create(&given, rate, channels);
}

KIT_PROCESSOR(clicks)

// x[i] = 1.6 x[i - 1] - 0.9 x[i - 2] + noise of RMS 0.01.
static void resonate(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(0.01 * kit_gaussian() + (i > 1 ? 1.6 * x[i - 1] - 0.9 * x[i - 2] : 0));
}

static void test_model(void **state)
{
    (void)state;
    static float x[MODEL + 64], window[MODEL], work[MODEL], to[MODEL], back[MODEL];
    struct ta_sound_ar ar;
    const struct ta_sound_dsp *dsp = ta_sound_dsp();
    for (int i = 0; i < MODEL; i++)
        window[i] = 1;
    assert_false(ta_sound_ar_fit(&ar, dsp, x, window, work, MODEL));
    resonate(x, MODEL + 64);
    assert_true(ta_sound_ar_fit(&ar, dsp, x + 32, window, work, MODEL));
    assert_true(fabs(ar.weights[1] + 1.6) < 0.06 && fabs(ar.weights[2] - 0.9) < 0.1);
    assert_true(fabs(kit_db(sqrt(ar.error) / 0.01)) < 0.5);
    ta_sound_ar_errors(&ar, dsp, x + 32, to, back, MODEL);
    assert_true(fabs(kit_db(kit_rms(to, MODEL) / 0.01)) < 0.5);
    assert_true(fabs(kit_db(kit_rms(back, MODEL) / 0.01)) < 0.5);
}

// Two tones are known from a few samples: 100 that are lost come back, from either model or truth.
static void test_fill(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 31, 32, 100};
    static float x[MODEL], truth[MODEL], window[MODEL], work[MODEL];
    static double equations[100 * (TA_SOUND_ORDER + 2)];
    struct ta_sound_ar ar;
    for (int i = 0; i < MODEL; i++) {
        window[i] = (float)sin(M_PI * (i + 0.5) / MODEL);
        truth[i] = (float)(0.3 * sin(0.11 * i) + 0.2 * sin(0.43 * i + 1));
    }
    assert_true(ta_sound_ar_fit(&ar, ta_sound_dsp(), truth, window, work, MODEL));
    for (size_t k = 0; k < TA_COUNT(lengths); k++) {
        size_t n = lengths[k];
        memcpy(x, truth, sizeof x);
        for (size_t i = 0; i < n; i++)
            x[1000 + i] = 0.9f;
        ta_sound_ar_fill(&ar, x + 1000, n, equations);
        double snr = kit_snr(truth + 1000, x + 1000, n);
        if (snr < (n < 64 ? 20 : 10))
            fail_msg("%zu samples come back at %.1f dB", n, snr);
        assert_memory_equal(x, truth, 1000 * sizeof *x);
        assert_memory_equal(x + 1000 + n, truth + 1000 + n, (MODEL - 1000 - n) * sizeof *x);
    }
}

static long long counted(float *const *planes, struct ta_sound_clicks_counts *out)
{
    struct ta_sound_clicks *x = ta_sound_clicks_create(&given, RATE, 1);
    float **copy = ta_sound_planes(1, COUNT + RATE);
    memcpy(copy[0], planes[0], COUNT * sizeof(float));
    ta_sound_clicks_run(x, copy, COUNT + RATE);
    ta_sound_clicks_counts(x, out);
    ta_sound_clicks_destroy(&x);
    free(copy);
    return out->clicks;
}

static void test_clicks(void **state)
{
    (void)state;
    enum { CLICKS = 50 };
    given = (struct ta_sound_clicks_params){0};
    float **clean = ta_sound_planes(1, COUNT), **x = ta_sound_planes(1, COUNT);
    kit_words(clean[0], COUNT, RATE, 0.2);
    kit_noise(clean[0], COUNT, 0.001);
    memcpy(x[0], clean[0], COUNT * sizeof(float));
    for (int k = 0; k < CLICKS; k++) {
        size_t at = (size_t)((k + 0.2 + 0.6 * kit_uniform()) * COUNT / CLICKS), n = (size_t)(1 + k % 12);
        float size = (k % 2 ? 0.5f : -0.7f) + 0.2f * (float)kit_uniform();
        for (size_t i = 0; i < n; i++)
            x[0][at + i] += size * (float)cos(1.3 * (double)i);
    }
    struct ta_sound_clicks_counts counts;
    long long found = counted(x, &counts);
    double before = kit_snr(clean[0], x[0], COUNT);
    kit_run(&clicks_processor, RATE, 1, x, COUNT, 4096);
    double after = kit_snr(clean[0], x[0], COUNT);
    if (found < CLICKS * 9 / 10 || found > CLICKS * 11 / 10 || after < before + 15)
        fail_msg("%lld of %d clicks found; %.1f dB become %.1f", found, CLICKS, before, after);
    free(clean);
    free(x);
}

// One of `length` seconds in the middle of a voice-like tone; what becomes of it.
static void check_gap(double length, double least_level)
{
    given = (struct ta_sound_clicks_params){0};
    float **x = ta_sound_planes(1, COUNT), **clean = ta_sound_planes(1, COUNT);
    size_t at = 5 * RATE + 31, n = (size_t)(length * RATE);
    for (int k = 1; k < 12; k++)
        kit_tone(clean[0], COUNT, RATE, 131 * k, 0.1 / k);
    kit_noise(clean[0], COUNT, 0.0005);
    while (fabsf(clean[0][at - 1]) < 0.04f || fabsf(clean[0][at + n]) < 0.04f)
        at++;
    memcpy(x[0], clean[0], COUNT * sizeof(float));
    memset(x[0] + at, 0, n * sizeof(float));
    struct ta_sound_clicks_counts counts;
    counted(x, &counts);
    kit_run(&clicks_processor, RATE, 1, x, COUNT, 4096);
    double level = kit_db(kit_rms(x[0] + at, n) / kit_rms(clean[0] + at, n));
    if (counts.dropouts != 1 || level < least_level)
        fail_msg("a gap of %.0f ms: %lld dropouts, filled in at %.1f dB", length * 1000, counts.dropouts,
                 level);
    assert_memory_equal(x[0], clean[0], (at - 4 * RATE / 1000) * sizeof(float));
    free(x);
    free(clean);
}

static void test_gaps(void **state)
{
    (void)state;
    check_gap(0.004, -2);
    check_gap(0.015, -6); // a model loses some in the middle
    check_gap(0.045, -3);
}

static void test_clean_stays(void **state)
{
    (void)state;
    given = (struct ta_sound_clicks_params){0};
    float **a = ta_sound_planes(1, COUNT), **b = ta_sound_planes(1, COUNT);
    for (int kind = 0; kind < 4; kind++) {
        memset(a[0], 0, COUNT * sizeof(float));
        if (kind == 0)
            kit_words(a[0], COUNT, RATE, 0.2);
        if (kind == 1)
            kit_noise(a[0], COUNT, 0.1);
        if (kind == 2)
            kit_tone(a[0], COUNT, RATE, 1000, 0.5);
        // Strokes that ring.
        for (int i = 0; kind == 3 && i < COUNT; i++)
            a[0][i] = (float)(0.5 * exp(-(i % 4000) / 400.0) * sin(0.3 * (i % 4000)));
        memcpy(b[0], a[0], COUNT * sizeof(float));
        kit_run(&clicks_processor, RATE, 1, b, COUNT, 4096);
        double same = kit_snr(a[0], b[0], COUNT);
        if (same < 45)
            fail_msg("clean sound %d comes out at %.1f dB", kind, same);
    }
    free(a);
    free(b);
}

static void test_manners(void **state)
{
    (void)state;
    given = (struct ta_sound_clicks_params){0};
    kit_check_manners(&clicks_processor, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model), cmocka_unit_test(test_fill),        cmocka_unit_test(test_clicks),
        cmocka_unit_test(test_gaps),  cmocka_unit_test(test_clean_stays), cmocka_unit_test(test_manners),
    };
    return cmocka_run_group_tests_name("sound_clicks", tests, NULL, NULL);
}
