// Hum of the mains: found, told from notes and words, followed, taken out; what is clean stays to the bit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp/sound_hum.h"
#include "dsp/sound_mains.h"

#include "sound_kit.h"

enum { RATE = 16000, SECONDS = 24, COUNT = RATE * SECONDS };

static double given_frequency;

static void *hum_make(int rate, int channels)
{
    struct ta_sound_hum_params params = {.frequency = given_frequency};
    return ta_sound_hum_create(&params, rate, channels);
}

KIT_PROCESSOR(hum)

// Eight harmonics of a fundamental that wanders by `wander`, of RMS `level`.
static void add_hum(float *x, double frequency, double wander, double level)
{
    static const double sizes[] = {1, 0.5, 0.7, 0.2, 0.4, 0.1, 0.2, 0.05};
    double phase = 0, power = 0;
    for (size_t k = 0; k < TA_COUNT(sizes); k++)
        power += sizes[k] * sizes[k] / 2;
    for (size_t i = 0; i < COUNT; i++) {
        double sum = 0, t = (double)i / RATE;
        phase += 2 * M_PI * frequency * (1 + wander * sin(2 * M_PI * t / 17)) / RATE;
        for (size_t k = 0; k < TA_COUNT(sizes); k++)
            sum += sizes[k] * sin((double)(k + 1) * phase + (double)(k * k));
        x[i] += (float)(level / sqrt(power) * sum);
    }
}

static struct ta_sound_mains_result hear(const float *x)
{
    struct ta_sound_mains *m = ta_sound_mains_create(RATE, 1);
    struct ta_sound_mains_result r;
    ta_sound_mains_add(m, &x, COUNT);
    ta_sound_mains_result(m, &r);
    ta_sound_mains_destroy(&m);
    assert_null(m);
    return r;
}

static void test_measured(void **state)
{
    (void)state;
    static const double frequencies[] = {50, 60, 49.7, 60.4};
    float **a = ta_sound_planes(1, COUNT);
    for (size_t i = 0; i < TA_COUNT(frequencies); i++) {
        memset(a[0], 0, COUNT * sizeof(float));
        kit_words(a[0], COUNT, RATE, 0.2);
        kit_noise(a[0], COUNT, 0.001);
        add_hum(a[0], frequencies[i], 0, 0.02);
        struct ta_sound_mains_result r = hear(a[0]);
        if (fabs(r.frequency - frequencies[i]) > 0.02 || fabs(r.level_db - kit_db(0.02)) > 1.5 ||
            r.confidence < 0.9)
            fail_msg("%.2f Hz of %.1f dB heard as %.3f Hz of %.1f dB, confidence %.2f", frequencies[i],
                     kit_db(0.02), r.frequency, r.level_db, r.confidence);
    }
    free(a);
}

static void test_nothing_heard(void **state)
{
    (void)state;
    float **a = ta_sound_planes(1, COUNT);
    struct ta_sound_mains_result r = hear(a[0]);
    assert_true(r.frequency == 0 && r.confidence == 0);
    kit_noise(a[0], COUNT, 0.05);
    assert_true(hear(a[0]).confidence < 0.2);
    memset(a[0], 0, COUNT * sizeof(float));
    kit_words(a[0], COUNT, RATE, 0.2);
    kit_noise(a[0], COUNT, 0.001);
    assert_true(hear(a[0]).confidence < 0.2);
    // A test tone is no hum, though it is a multiple of 50 Hz.
    memset(a[0], 0, COUNT * sizeof(float));
    kit_tone(a[0], COUNT, RATE, 1000, 0.3);
    kit_noise(a[0], COUNT, 0.001);
    assert_true(hear(a[0]).confidence < 0.5);
    free(a);
}

// What of `part` (which was added) is still in x, dB.
static double rest_of(const float *x, const float *clean, const float *part, size_t from, size_t to)
{
    double dot = 0, own = 0;
    for (size_t i = from; i < to; i++) {
        dot += ((double)x[i] - clean[i]) * part[i];
        own += (double)part[i] * part[i];
    }
    return kit_db(fabs(dot / own));
}

static void check_removed(double frequency, double given, double wander, double level)
{
    float **clean = ta_sound_planes(1, COUNT), **hum = ta_sound_planes(1, COUNT),
          **x = ta_sound_planes(1, COUNT);
    kit_words(clean[0], COUNT, RATE, 0.2);
    kit_noise(clean[0], COUNT, 0.001);
    add_hum(hum[0], frequency, wander, level);
    for (size_t i = 0; i < COUNT; i++)
        x[0][i] = clean[0][i] + hum[0][i];
    given_frequency = given;
    kit_run(&hum_processor, RATE, 1, x, COUNT, 4096);
    double rest = rest_of(x[0], clean[0], hum[0], 0, COUNT);
    size_t from = 2 * RATE, n = COUNT - 4 * RATE;
    double pure = kit_snr(clean[0] + from, x[0] + from, n);
    // Half a dB of what was clean is a change of 6 %, 24.7 dB below it.
    if (rest > -30 || pure < 26)
        fail_msg(
            "hum of %.2f Hz (given %.2f, wandering by %g) is lowered by %.1f dB, the rest is %.1f dB above what "
            "was changed",
            frequency, given, wander, -rest, pure);
    free(clean);
    free(hum);
    free(x);
}

static void test_removed(void **state)
{
    (void)state;
    check_removed(50, 50, 0, 0.03);
    check_removed(60, 0, 0, 0.03);
    check_removed(59.9, 60, 0, 0.03);
    check_removed(50.05, 0, 0.0003, 0.03);
    check_removed(50.2, 50.2, 0.0003, 0.01);
}

static void test_clean_stays(void **state)
{
    (void)state;
    static const double frequencies[] = {0, 50, 60};
    float **a = ta_sound_planes(1, COUNT), **b = ta_sound_planes(1, COUNT);
    for (size_t i = 0; i < TA_COUNT(frequencies); i++) {
        memset(a[0], 0, COUNT * sizeof(float));
        kit_words(a[0], COUNT, RATE, 0.2);
        kit_noise(a[0], COUNT, 0.001);
        kit_tone(a[0], COUNT, RATE, 440, 0.05);
        memcpy(b[0], a[0], COUNT * sizeof(float));
        given_frequency = frequencies[i];
        kit_run(&hum_processor, RATE, 1, b, COUNT, 4096);
        assert_true(kit_snr(a[0], b[0], COUNT) > 60);
        // A test tone.
        memset(a[0], 0, COUNT * sizeof(float));
        kit_tone(a[0], COUNT, RATE, 1000, 0.3);
        memcpy(b[0], a[0], COUNT * sizeof(float));
        kit_run(&hum_processor, RATE, 1, b, COUNT, 4096);
        assert_memory_equal(a[0], b[0], COUNT * sizeof(float));
    }
    free(a);
    free(b);
}

// Whoever starts `reach` before a sample gets what a run from the start gives, nearly.
static void test_reach(void **state)
{
    (void)state;
    float **a = ta_sound_planes(1, COUNT), **b = ta_sound_planes(1, COUNT);
    kit_words(a[0], COUNT, RATE, 0.2);
    add_hum(a[0], 50, 0, 0.03);
    given_frequency = 50;
    void *x = hum_make(RATE, 1);
    size_t at = 12 * RATE, from = at - hum_reach(x);
    hum_destroy(x);
    memcpy(b[0], a[0] + from, (COUNT - from) * sizeof(float));
    kit_run(&hum_processor, RATE, 1, a, COUNT, 4096);
    kit_run(&hum_processor, RATE, 1, b, COUNT - from, 4096);
    double same = kit_snr(a[0] + at, b[0] + (at - from), COUNT - at);
    if (same < 45)
        fail_msg("a start in the middle is only %.1f dB like one from the start", same);
    free(a);
    free(b);
}

static void test_manners(void **state)
{
    (void)state;
    given_frequency = 0;
    kit_check_manners(&hum_processor, 13);
    given_frequency = 50;
    kit_check_manners(&hum_processor, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured), cmocka_unit_test(test_nothing_heard),
        cmocka_unit_test(test_removed),  cmocka_unit_test(test_clean_stays),
        cmocka_unit_test(test_reach),    cmocka_unit_test(test_manners),
    };
    return cmocka_run_group_tests_name("sound_hum", tests, NULL, NULL);
}
