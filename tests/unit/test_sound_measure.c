// What is heard in a track: levels, noise, bandwidth, clipping and how channels go together, against sound of
// which all that is known.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp/sound_measure.h"

#include "sound_kit.h"

enum { RATE = 16000, SECONDS = 24, COUNT = RATE * SECONDS };

static void hear(float *const *planes, int channels, struct ta_sound_measured *out)
{
    struct ta_sound_measure *m = ta_sound_measure_create(RATE, channels);
    // In pieces that divide nothing.
    for (size_t at = 0; at < COUNT; at += 3333) {
        const float *to[2] = {planes[0] + at, planes[channels - 1] + at};
        ta_sound_measure_add(m, to, TA_MIN(3333, COUNT - at));
    }
    ta_sound_measure_result(m, out);
    ta_sound_measure_destroy(&m);
    assert_null(m);
}

static void near(const char *what, double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%s: %g, expected %g within %g", what, value, expected, within);
}

static void test_levels(void **state)
{
    (void)state;
    struct ta_sound_measured r;
    float **a = ta_sound_planes(1, COUNT);
    kit_tone(a[0], COUNT, RATE, 440, 0.5);
    hear(a, 1, &r);
    near("seconds", r.seconds, SECONDS, 0);
    near("RMS", r.rms_db, kit_db(0.5 * M_SQRT1_2), 0.05);
    near("peak", r.peak_db, kit_db(0.5), 0.05);
    near("silent", r.silent, 0, 0);
    near("clipped", r.clipped.value, 0, 0);
    near("confidence of a noise without pauses", r.noise_db.confidence, 0, 0.05);
    assert_int_equal(r.channels, TA_SOUND_MONO);
    memset(a[0], 0, COUNT / 2 * sizeof(float));
    a[0][5] = NAN;
    hear(a, 1, &r);
    near("silent", r.silent, 0.5, 0.03);
    near("RMS of what is not silent", r.rms_db, kit_db(0.5 * M_SQRT1_2), 0.05);
    assert_int_equal(r.bad_samples, 1);
    free(a);
}

static void test_noise(void **state)
{
    (void)state;
    struct ta_sound_measured r;
    float **a = ta_sound_planes(1, COUNT);
    kit_words(a[0], COUNT, RATE, 0.2);
    // Pauses of a second and a half among words.
    for (int i = 0; i < COUNT; i++)
        if (i / RATE % 4 >= 2)
            a[0][i] = 0;
    kit_noise(a[0], COUNT, 0.003);
    hear(a, 1, &r);
    near("noise", r.noise_db.value, kit_db(0.003), 1);
    near("confidence of noise", r.noise_db.confidence, 1, 0.1);
    // White noise of 8 kHz, three quarters of it above 2 kHz.
    near("hiss", r.hiss_db.value, kit_db(0.003) - 1.25, 1.2);
    free(a);
}

static void test_bandwidth(void **state)
{
    (void)state;
    struct ta_sound_measured r;
    float **a = ta_sound_planes(1, COUNT);
    // Tones up to 3 kHz that come and go, in noise of all frequencies.
    for (double f = 100; f <= 3000; f += 73)
        kit_tone(a[0], COUNT, RATE, f, 0.02);
    for (int i = 0; i < COUNT; i++)
        a[0][i] *= (float)pow(sin(M_PI * i / RATE), 4);
    kit_noise(a[0], COUNT, 0.001);
    hear(a, 1, &r);
    near("bandwidth", r.bandwidth_hz.value, 3000, 200);
    assert_true(r.bandwidth_hz.confidence > 0.8);
    memset(a[0], 0, COUNT * sizeof(float));
    kit_noise(a[0], COUNT, 0.1);
    hear(a, 1, &r);
    near("bandwidth of noise", r.bandwidth_hz.value, RATE / 2.0, 0);
    free(a);
}

static void test_clipping(void **state)
{
    (void)state;
    struct ta_sound_measured r;
    float **a = ta_sound_planes(1, COUNT);
    int runs = 0;
    kit_tone(a[0], COUNT, RATE, 300, 0.2);
    // Ten louder seconds, of which each wave is cut at both ends.
    for (int i = 0; i < COUNT; i++) {
        float x = a[0][i] * (i < 10 * RATE ? 4 : 1);
        a[0][i] = fmaxf(-0.6f, fminf(0.6f, x));
    }
    runs = 10 * 300 * 2;
    hear(a, 1, &r);
    near("clipped runs a minute", r.clipped.value, runs * 60.0 / SECONDS, 60);
    near("the level", r.clip_level, 0.6, 0.01);
    assert_true(r.clipped.confidence > 0.9);
    // The flat top of a slow sine is none.
    memset(a[0], 0, COUNT * sizeof(float));
    kit_tone(a[0], COUNT, RATE, 20, 0.99);
    hear(a, 1, &r);
    near("clipped runs of a slow sine", r.clipped.value, 0, 0);
    free(a);
}

static void test_channels(void **state)
{
    (void)state;
    static const struct {
        float left, right, other; // gains of one sound in both, of another in the right
        enum ta_sound_channels is;
        int side;
        double correlation, balance;
    } cases[] = {
        {1, 1, 0, TA_SOUND_DUAL_MONO, 0, 1, 0},      {1, 0.5f, 0, TA_SOUND_DUAL_MONO, 0, 1, 6},
        {1, -1, 0, TA_SOUND_OUT_OF_PHASE, 0, -1, 0}, {1, 0, 0, TA_SOUND_ONE_SIDED, 0, 0, 40},
        {0, 1, 0, TA_SOUND_ONE_SIDED, 1, 0, -40},    {1, 0, 1, TA_SOUND_STEREO, 0, 0, 0},
        {1, 0.7f, 0.7f, TA_SOUND_STEREO, 0, 0.7, 0},
    };
    float **a = ta_sound_planes(2, COUNT), **s = ta_sound_planes(2, COUNT);
    kit_noise(s[0], COUNT, 0.1);
    kit_noise(s[1], COUNT, 0.1);
    for (size_t k = 0; k < TA_COUNT(cases); k++) {
        struct ta_sound_measured r;
        for (int i = 0; i < COUNT; i++) {
            a[0][i] = cases[k].left * s[0][i] + (float)(0.0002 * kit_gaussian());
            a[1][i] = cases[k].right * s[0][i] + cases[k].other * s[1][i] + (float)(0.0002 * kit_gaussian());
        }
        hear(a, 2, &r);
        if (r.channels != cases[k].is || r.side != cases[k].side || r.channels_confidence < 0.9)
            fail_msg("case %zu: state %d of side %d, sure by %.2f", k, (int)r.channels, r.side,
                     r.channels_confidence);
        near("correlation", r.correlation, cases[k].correlation, 0.05);
        if (fabs(cases[k].balance) < 20)
            near("balance", r.balance_db, cases[k].balance, 0.3);
        else
            assert_true(r.balance_db / cases[k].balance > 1);
    }
    memset(a[0], 0, COUNT * sizeof(float));
    memset(a[1], 0, COUNT * sizeof(float));
    struct ta_sound_measured r;
    hear(a, 2, &r);
    assert_int_equal(r.channels, TA_SOUND_UNKNOWN);
    near("silent", r.silent, 1, 0);
    near("RMS", r.rms_db, -200, 0);
    free(a);
    free(s);
}

static void test_clicks(void **state)
{
    (void)state;
    struct ta_sound_measured r;
    float **a = ta_sound_planes(1, COUNT);
    kit_words(a[0], COUNT, RATE, 0.2);
    kit_noise(a[0], COUNT, 0.001);
    hear(a, 1, &r);
    near("clicks of words", r.clicks.value, 0, 3);
    near("dropouts of words", r.dropouts.value, 0, 0);
    for (int i = RATE / 3; i < COUNT; i += RATE / 2)
        a[0][i] += 0.7f;
    hear(a, 1, &r);
    near("clicks a minute", r.clicks.value, 120, 6);
    assert_true(r.clicks.confidence > 0.9);
    free(a);
}

static void test_buzz(void **state)
{
    (void)state;
    struct ta_sound_measured r;
    float **a = ta_sound_planes(2, COUNT);
    for (int rate = 0; rate < 3; rate++) { // none, of 50 fields a second, of 59.94
        double period = rate == 1 ? RATE / 50.0 : RATE * 1.001 / 60;
        for (int c = 0; c < 2; c++) {
            memset(a[c], 0, COUNT * sizeof(float));
            kit_words(a[c], COUNT, RATE, 0.2);
            kit_noise(a[c], COUNT, 0.001);
        }
        for (int f = 0; rate && f * period + 40 < COUNT; f++)
            for (int i = 0; i < 40; i++)
                for (int c = 0; c < 2; c++)
                    a[c][(int)(f * period) + i] += (float)(0.05 * sin(0.5 * i) * exp(-0.1 * i));
        hear(a, 2, &r);
        near("buzz, fields", r.buzz.fields, rate == 1 ? 50 : rate ? 60 / 1.001 : 0, 0.01);
        near("buzz, confidence", r.buzz.confidence, rate ? 1 : 0, 0.5);
        if (rate)
            near("buzz, level", r.buzz.level_db, -49, 6);
    }
    free(a);
}

static void test_nth(void **state)
{
    (void)state;
    float values[101];
    for (int n = 1; n <= 101; n++)
        for (int step = 1; step < 8; step++) { // in any order, with equals
            int smaller = 0, equal = 0;
            for (int i = 0; i < n; i++)
                values[i] = (float)(i * step * 37 % 101 / (step % 2 ? 1 : 9));
            int nth = n * step / 8;
            float value = ta_sound_nth(values, (size_t)n, (size_t)nth);
            for (int i = 0; i < n; i++) {
                smaller += values[i] < value;
                equal += values[i] == value;
            }
            assert_true(smaller <= nth && smaller + equal > nth);
        }
}

// Five partials of one tone, at a speed that swings by this RMS, so many times a second.
static void play(float *to, double percent, double hertz)
{
    double most = percent / 100 * M_SQRT2 / (2 * M_PI * hertz);
    for (int i = 0; i < COUNT; i++) {
        double t = (double)i / RATE, at = t + most * sin(2 * M_PI * hertz * t), x = 0;
        for (int k = 1; k <= 5; k++)
            x += 0.1 / k * sin(2 * M_PI * 331.7 * k * at);
        to[i] = (float)(x + 1e-4 * kit_gaussian());
    }
}

static void test_wow(void **state)
{
    (void)state;
    static const struct {
        double percent, hertz;
    } swings[] = {{0.1, 0.9}, {0.3, 2.5}, {0.08, 6}, {0.5, 10}};
    struct ta_sound_measured r;
    float **a = ta_sound_planes(1, COUNT);
    for (size_t i = 0; i < TA_COUNT(swings); i++) {
        play(a[0], swings[i].percent, swings[i].hertz);
        hear(a, 1, &r);
        near("percent", r.wow.percent, swings[i].percent, 0.1 * swings[i].percent);
        near("swings a second", r.wow.hertz, swings[i].hertz, 0.06);
        near("confidence", r.wow.confidence, 1, 0.1);
    }
    play(a[0], 0, 1);
    hear(a, 1, &r);
    near("a speed that is even", r.wow.percent, 0, 0.005);
    near("confidence of it", r.wow.confidence, 1, 0.1);
    // Noise has no pitch that could say anything.
    for (int i = 0; i < COUNT; i++)
        a[0][i] = 0.1f * (float)kit_gaussian();
    hear(a, 1, &r);
    assert_true(r.wow.hertz == 0 && r.wow.percent == 0);
    near("confidence in noise", r.wow.confidence, 0, 0.3);
    free(a);
}

static void test_anything(void **state)
{
    (void)state;
    static const int rates[] = {2000, 8000, 192000, 768000};
    struct ta_sound_measured r;
    assert_null(ta_sound_measure_create(0, 2));
    assert_null(ta_sound_measure_create(48000, 0));
    for (size_t i = 0; i < TA_COUNT(rates); i++) {
        struct ta_sound_measure *m = ta_sound_measure_create(rates[i], 8);
        float **a = ta_sound_planes(8, 50000);
        ta_sound_measure_result(m, &r);
        assert_true(r.seconds == 0 && r.rms_db == -200 && !r.hum.frequency);
        for (int c = 0; c < 8; c++)
            for (int k = 0; k < 50000; k++)
                a[c][k] = k % 97 == c ? NAN : k % 89 == c ? INFINITY : (float)kit_gaussian() * 1e30f;
        ta_sound_measure_add(m, (const float *const *)a, 50000);
        ta_sound_measure_add(m, (const float *const *)a, 1);
        ta_sound_measure_result(m, &r);
        assert_true(isfinite(r.rms_db) && isfinite(r.noise_db.value) && isfinite(r.bandwidth_hz.value) &&
                    isfinite(r.correlation) && isfinite(r.hum.level_db) && isfinite(r.clipped.value) &&
                    isfinite(r.wow.percent) && isfinite(r.wow.confidence));
        ta_sound_measure_destroy(&m);
        free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),   cmocka_unit_test(test_noise),    cmocka_unit_test(test_bandwidth),
        cmocka_unit_test(test_clipping), cmocka_unit_test(test_channels), cmocka_unit_test(test_anything),
        cmocka_unit_test(test_clicks),   cmocka_unit_test(test_buzz),     cmocka_unit_test(test_nth),
        cmocka_unit_test(test_wow),
    };
    return cmocka_run_group_tests_name("sound_measure", tests, NULL, NULL);
}
