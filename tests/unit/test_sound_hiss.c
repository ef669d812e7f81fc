// Hiss: lowered by what was asked for, more than that taken off words nowhere; tones, places and delays kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp/sound.h"
#include "dsp/sound_hiss.h"

#include "sound_kit.h"

enum { RATE = 16000, SECONDS = 12, COUNT = RATE * SECONDS };

static struct ta_sound_hiss_params given;

static void *hiss_make(int rate, int channels)
{
    return ta_sound_hiss_create(&given, rate, channels);
}

KIT_PROCESSOR(hiss)

static void check_near(const char *what, double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%s: %g, expected %g within %g", what, value, expected, within);
}

// The right values are those of the formula with E1 by another program.
static void test_estimator(void **state)
{
    (void)state;
    const struct ta_sound_gains settings = {
        .keep = 0, .least = 0.001f, .floor = 0.1f, .evidence = 3.2f, .raise = 2.5f};
    float snr, before = 0, power = 3, around = 1e5f, over = 1, gain;
    // The a-priori SNR is 2, the a-posteriori 3: a gain of 0.68317, and 0.60398 in the second step.
    ta_sound_dsp_c.first(&snr, &before, &power, &around, &over, &settings, 1);
    check_near("power of the first step", before, 0.68317 * 0.68317 * 3, 1e-3);
    check_near("SNR of the second, raised", snr, 2.5 * 0.60398 * 3, 3e-3);
    // Among neighbours that are noise alone nothing is left.
    around = 1;
    ta_sound_dsp_c.first(&snr, &before, &power, &around, &over, &settings, 1);
    check_near("SNR in noise", snr, 0, 0);
    snr = 4;
    ta_sound_dsp_c.last(&gain, &snr, &settings, 1);
    check_near("gain", gain, 0.8, 1e-6);
    snr = 0;
    ta_sound_dsp_c.last(&gain, &snr, &settings, 1);
    check_near("floor", gain, 0.1, 1e-6);
}

// Spectra and back again: what nothing is taken from comes out as it went in, at its place.
static void test_identity(void **state)
{
    (void)state;
    static const int rates[] = {8000, 44100, 48000, 96000};
    given = (struct ta_sound_hiss_params){.reduction_db = 0};
    for (size_t i = 0; i < TA_COUNT(rates); i++) {
        size_t n = (size_t)rates[i] * 3;
        float **a = ta_sound_planes(2, n), **b = ta_sound_planes(2, n);
        for (int c = 0; c < 2; c++) {
            kit_words(a[c], n, rates[i], 0.2);
            kit_noise(a[c], n, 0.01);
            memcpy(b[c], a[c], n * sizeof(float));
        }
        kit_run(&hiss_processor, rates[i], 2, b, n, 999);
        for (int c = 0; c < 2; c++)
            assert_true(kit_snr(a[c], b[c], n) > 110);
        free(a);
        free(b);
    }
}

static void test_lowers(void **state)
{
    (void)state;
    static const double reductions[] = {6, 12, 18, 24};
    float **a = ta_sound_planes(1, COUNT);
    for (size_t i = 0; i < TA_COUNT(reductions); i++) {
        given = (struct ta_sound_hiss_params){.reduction_db = reductions[i]};
        memset(a[0], 0, COUNT * sizeof(float));
        kit_noise(a[0], COUNT, 0.01);
        kit_run(&hiss_processor, RATE, 1, a, COUNT, 4096);
        check_near("noise is lowered by", kit_db(0.01 / kit_rms(a[0], COUNT)), reductions[i], 1);
    }
    free(a);
}

// No musical noise: what is left of noise is nearly as even as noise, of which the loudest of some hundred
// pieces of 10 ms is 1.3 dB above the mean.
static void test_rest_is_even(void **state)
{
    (void)state;
    enum { FULL = 48000, PIECE = FULL / 100 };
    float **a = ta_sound_planes(1, COUNT);
    given = (struct ta_sound_hiss_params){.reduction_db = 18};
    kit_noise(a[0], COUNT, 0.01);
    kit_run(&hiss_processor, FULL, 1, a, COUNT, 4096);
    double mean = kit_rms(a[0], COUNT), most = 0;
    for (size_t at = PIECE; at + 2 * PIECE <= COUNT; at += PIECE)
        most = fmax(most, kit_rms(a[0] + at, PIECE));
    check_near("the loudest hundredth of a second, dB", kit_db(most / mean), 1.5, 2);
    free(a);
}

static void test_words(void **state)
{
    (void)state;
    static const double levels[] = {0.0045, 0.015, 0.045};
    given = (struct ta_sound_hiss_params){.reduction_db = 24};
    float **clean = ta_sound_planes(1, COUNT), **x = ta_sound_planes(1, COUNT);
    kit_words(clean[0], COUNT, RATE, 0.2);
    for (size_t i = 0; i < TA_COUNT(levels); i++) {
        memcpy(x[0], clean[0], COUNT * sizeof(float));
        kit_noise(x[0], COUNT, levels[i]);
        double before = kit_snr(clean[0], x[0], COUNT);
        kit_run(&hiss_processor, RATE, 1, x, COUNT, 4096);
        double after = kit_snr(clean[0], x[0], COUNT);
        if (after < before + 5)
            fail_msg("words in noise: %.1f dB become %.1f", before, after);
    }
    // Words that have none keep what they are.
    memcpy(x[0], clean[0], COUNT * sizeof(float));
    kit_run(&hiss_processor, RATE, 1, x, COUNT, 4096);
    assert_true(kit_snr(clean[0], x[0], COUNT) > 30);
    free(clean);
    free(x);
}

// A click of hands in hiss keeps its height and its place; a tone that is held for long keeps its level.
static void test_kept(void **state)
{
    (void)state;
    given = (struct ta_sound_hiss_params){.reduction_db = 18};
    float **x = ta_sound_planes(1, COUNT);
    size_t at = 6 * RATE + 123;
    kit_noise(x[0], COUNT, 0.003);
    for (int i = 0; i < 40; i++)
        x[0][at + (size_t)i] += 0.6f * (float)(cos(1.1 * i) * exp(-i / 8.0));
    kit_run(&hiss_processor, RATE, 1, x, COUNT, 4096);
    size_t peak = 0;
    for (size_t i = 0; i < COUNT; i++)
        if (fabsf(x[0][i]) > fabsf(x[0][peak]))
            peak = i;
    assert_int_equal(peak, at);
    check_near("the click's height", kit_db(x[0][peak] / 0.6), 0, 1);
    memset(x[0], 0, COUNT * sizeof(float));
    kit_tone(x[0], COUNT, RATE, 1234, 0.05);
    kit_noise(x[0], COUNT, 0.003);
    kit_run(&hiss_processor, RATE, 1, x, COUNT, 4096);
    check_near("the tone's level", kit_db(kit_rms(x[0] + RATE, COUNT - 2 * RATE) / (0.05 * M_SQRT1_2)), 0,
               0.5);
    free(x);
}

// One gain for all channels: how they relate does not change.
static void test_places(void **state)
{
    (void)state;
    given = (struct ta_sound_hiss_params){.reduction_db = 18};
    float **x = ta_sound_planes(2, COUNT);
    kit_words(x[0], COUNT, RATE, 0.2);
    kit_noise(x[0], COUNT, 0.01);
    for (size_t i = 0; i < COUNT; i++)
        x[1][i] = -0.5f * x[0][i];
    kit_run(&hiss_processor, RATE, 2, x, COUNT, 4096);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(fabsf(x[1][i] + 0.5f * x[0][i]) < 1e-6f);
    free(x);
}

static void test_reach(void **state)
{
    (void)state;
    given = (struct ta_sound_hiss_params){.reduction_db = 18};
    size_t n = 30 * RATE, at = 15 * RATE;
    float **a = ta_sound_planes(1, n), **b = ta_sound_planes(1, n);
    kit_words(a[0], n, RATE, 0.2);
    kit_noise(a[0], n, 0.01);
    void *x = hiss_make(RATE, 1);
    size_t from = at - hiss_reach(x);
    hiss_destroy(x);
    memcpy(b[0], a[0] + from, (n - from) * sizeof(float));
    kit_run(&hiss_processor, RATE, 1, a, n, 4096);
    kit_run(&hiss_processor, RATE, 1, b, n - from, 4096);
    double same = kit_snr(a[0] + at, b[0] + (at - from), n - at);
    if (same < 30)
        fail_msg("a start in the middle is only %.1f dB like one from the start", same);
    free(a);
    free(b);
}

static void test_manners(void **state)
{
    (void)state;
    given = (struct ta_sound_hiss_params){.reduction_db = 18};
    kit_check_manners(&hiss_processor, 4);
}

// Steady noise with a tone of its own, as rain on a roof has it, in white hiss 20 dB below: no hiss, and
// kept.
static void test_rain(void **state)
{
    (void)state;
    enum { HIGH = 48000, N = HIGH * 8 };
    float **a = ta_sound_planes(1, N), **b = ta_sound_planes(1, N);
    const double r = exp(-M_PI * 400 / HIGH), turn = 2 * r * cos(2 * M_PI * 3000 / HIGH);
    for (int i = 0; i < N; i++)
        a[0][i] = 0.001f * (float)kit_gaussian();
    for (int pass = 0; pass < 2; pass++) {
        double y1 = 0, y2 = 0;
        for (int i = 0; i < N; i++) {
            double y = 0.1 * a[0][i] + turn * y1 - r * r * y2;
            y2 = y1;
            y1 = y;
            a[0][i] = (float)y;
        }
    }
    double power = 0;
    for (int i = 0; i < N; i++)
        power += (double)a[0][i] * a[0][i] / N;
    memcpy(b[0], a[0], N * sizeof(float));
    kit_noise(b[0], N, sqrt(power) * 0.1);
    given = (struct ta_sound_hiss_params){.reduction_db = 24};
    kit_run(&hiss_processor, HIGH, 1, b, N, 4096);
    double snr = kit_snr(a[0] + N / 2, b[0] + N / 2, N / 2 - HIGH);
    if (snr < 12)
        fail_msg("rain: %.1f dB are left of the sound, 12 at least should be", snr);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimator),    cmocka_unit_test(test_identity), cmocka_unit_test(test_lowers),
        cmocka_unit_test(test_rest_is_even), cmocka_unit_test(test_words),    cmocka_unit_test(test_kept),
        cmocka_unit_test(test_places),       cmocka_unit_test(test_reach),    cmocka_unit_test(test_manners),
        cmocka_unit_test(test_rain),
    };
    return cmocka_run_group_tests_name("sound_hiss", tests, NULL, NULL);
}
