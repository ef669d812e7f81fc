// Buzz of head switching: found at the rate of fields, followed where clocks differ, taken out; tones and
// words stay.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dsp/sound_buzz.h"

#include "sound_kit.h"

enum { RATE = 32000, SECONDS = 14, COUNT = RATE * SECONDS };

static double given_fields;

static void *buzz_make(int rate, int channels)
{
    struct ta_sound_buzz_params params = {given_fields};
    return ta_sound_buzz_create(&params, rate, channels);
}

KIT_PROCESSOR(buzz)

// A ringing pulse at each field, of two heads, by a clock that is off by `off`.
static void add_buzz(float *x, double fields, double off, double level)
{
    for (int f = 0; f / fields < SECONDS; f++) {
        double start = (f + 0.3) / fields * RATE * (1 + off), size = f % 2 ? 1 : -0.7;
        for (int i = (int)ceil(start); i < TA_MIN((int)(start + 0.002 * RATE), COUNT); i++) {
            double t = (i - start) / RATE;
            x[i] += (float)(level * size * sin(2 * M_PI * 1800 * t) * exp(-t / 0.0004) *
                            pow(1 - exp(-t / 0.00015), 2));
        }
    }
}

static void check_removed(double fields, double off, bool words)
{
    float **clean = ta_sound_planes(1, COUNT), **buzz = ta_sound_planes(1, COUNT),
          **x = ta_sound_planes(1, COUNT);
    kit_noise(clean[0], COUNT, 0.001);
    if (words)
        kit_words(clean[0], COUNT, RATE, 0.1);
    add_buzz(buzz[0], fields, off, 0.1);
    for (int i = 0; i < COUNT; i++)
        x[0][i] = clean[0][i] + buzz[0][i];
    given_fields = fields == 50 ? 50 : 0;
    kit_run(&buzz_processor, RATE, 1, x, COUNT, 4096);
    // What is left of it, by what of the difference goes with it.
    double dot = 0, own = 0;
    for (int i = 0; i < COUNT; i++) {
        dot += (x[0][i] - clean[0][i]) * buzz[0][i];
        own += buzz[0][i] * buzz[0][i];
    }
    double rest = kit_db(fabs(dot / own)), pure = kit_snr(clean[0], x[0], COUNT);
    // Between words that are 20 dB louder it can be learnt what there is under them.
    if (rest > -30 || (words && pure < 45))
        fail_msg("buzz at %.2f, clock off by %g: lowered by %.1f dB, what was clean is at %.1f dB", fields,
                 off, -rest, pure);
    free(clean);
    free(buzz);
    free(x);
}

static void test_removed(void **state)
{
    (void)state;
    check_removed(50, 0, false);
    check_removed(60 / 1.001, 4e-5, false);
    check_removed(60 / 1.001, 0, true);
    check_removed(60 / 1.001, 4e-5, true);
    check_removed(50, -6e-5, true);
}

static void test_clean_stays(void **state)
{
    (void)state;
    float **a = ta_sound_planes(1, COUNT), **b = ta_sound_planes(1, COUNT);
    given_fields = 50;
    for (int kind = 0; kind < 4; kind++) {
        memset(a[0], 0, COUNT * sizeof(float));
        if (kind == 0)
            kit_words(a[0], COUNT, RATE, 0.2);
        if (kind == 1)
            kit_noise(a[0], COUNT, 0.1);
        // A tone in step with frames, and others that are not.
        if (kind == 2)
            kit_tone(a[0], COUNT, RATE, 1000, 0.5);
        for (int k = 1; kind == 3 && k < 10; k++)
            kit_tone(a[0], COUNT, RATE, 55 * k, 0.1 / k);
        memcpy(b[0], a[0], COUNT * sizeof(float));
        kit_run(&buzz_processor, RATE, 1, b, COUNT, 4096);
        double same = kit_snr(a[0], b[0], COUNT);
        if (same < 45)
            fail_msg("clean sound %d comes out at %.1f dB", kind, same);
    }
    free(a);
    free(b);
}

static void test_found(void **state)
{
    (void)state;
    float **x = ta_sound_planes(1, COUNT);
    struct ta_sound_buzz_found found;
    kit_noise(x[0], COUNT, 0.001);
    for (int with = 0; with < 2; with++) {
        struct ta_sound_buzz *b = ta_sound_buzz_create(&(struct ta_sound_buzz_params){0}, RATE, 1);
        float **copy = ta_sound_planes(1, COUNT);
        memcpy(copy[0], x[0], COUNT * sizeof(float));
        if (with)
            add_buzz(copy[0], 60 / 1.001, 3e-5, 0.1);
        double level = kit_db(sqrt(fmax(0, pow(kit_rms(copy[0], COUNT), 2) - 1e-6)));
        ta_sound_buzz_run(b, copy, COUNT);
        ta_sound_buzz_found(b, &found);
        if (!with && (found.confidence > 0.1 || found.level_db > -100))
            fail_msg("buzz of %.1f dB found in noise, sure by %.2f", found.level_db, found.confidence);
        if (with && (found.confidence < 0.9 || fabs(found.level_db - level) > 0.5 ||
                     fabs(found.fields * 1.001 / 60 * (1 + 3e-5) - 1) > 3e-6))
            fail_msg("buzz of %.1f dB, sure by %.2f, at %.5f fields", found.level_db, found.confidence,
                     found.fields);
        ta_sound_buzz_destroy(&b);
        free(copy);
    }
    free(x);
}

static void test_manners(void **state)
{
    (void)state;
    given_fields = 0;
    kit_check_manners(&buzz_processor, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_clean_stays),
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_manners),
    };
    return cmocka_run_group_tests_name("sound_buzz", tests, NULL, NULL);
}
