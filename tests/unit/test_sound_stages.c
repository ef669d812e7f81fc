// Stages of sound: what they do, that nothing moves, and the chain's texts.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/channel_layout.h>

#include "audio/chain.h"
#include "audio/limiter.h"
#include "audio/loudness.h"
#include "audio/mix.h"
#include "audio/stages.h"
#include "audio/text.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/tuning.h"

static const double PI = 3.14159265358979323846;
enum { RATE = 48000, LENGTH = 48000 };

#define assert_near(a, b, most)                                                   \
    do {                                                                          \
        double a_ = (a), b_ = (b);                                                \
        if (!(fabs(a_ - b_) <= (most)))                                           \
            fail_msg("%s is %g, not %g (within %g)", #a, a_, b_, (double)(most)); \
    } while (0)

static struct ta_sound_format format(int channels)
{
    AVChannelLayout l;
    av_channel_layout_default(&l, channels);
    return (struct ta_sound_format){.rate = RATE, .channels = channels, .mask = l.u.mask};
}

static float *planes[TA_SOUND_CHANNELS], *out[TA_SOUND_CHANNELS];

static int make(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        planes[i] = ta_xcalloc(LENGTH, sizeof **planes);
        out[i] = ta_xcalloc(LENGTH, sizeof **out);
    }
    return 0;
}

static int drop(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        free(planes[i]);
        free(out[i]);
    }
    return 0;
}

static void fill(int channel, double frequency, double level)
{
    for (int i = 0; i < LENGTH; i++)
        planes[channel][i] = (float)(level * sin(2 * PI * frequency * i / RATE));
}

// Runs one stage over all samples, pushed in odd portions.
static void run(struct ta_sound_stage_plan *p)
{
    struct ta_env env = {0};
    struct ta_sound_chain *chain;
    assert_int_equal(ta_sound_stage_plan_configure(p, NULL), 0);
    assert_int_equal(ta_sound_chain_create(&chain, p, 1, &p->in, &env), 0);
    float *at[TA_SOUND_CHANNELS];
    for (int done = 0, n = 1; done < LENGTH; done += n, n = TA_MIN(n * 3, 9999)) {
        n = TA_MIN(n, LENGTH - done);
        for (int c = 0; c < p->in.channels; c++)
            at[c] = planes[c] + done;
        assert_int_equal(ta_sound_chain_push(chain, at, (size_t)n), 0);
    }
    assert_int_equal(ta_sound_chain_end(chain), 0);
    assert_int_equal(ta_sound_chain_ready(chain), LENGTH);
    ta_sound_chain_take(chain, out, LENGTH);
    ta_sound_chain_destroy(&chain);
    ta_sound_stage_plan_release(p);
}

static double level_of(const float *samples)
{
    double sum = 0;
    for (int i = LENGTH / 2; i < LENGTH; i++)
        sum += (double)samples[i] * samples[i];
    return 10 * log10(2 * sum / (LENGTH / 2) + 1e-20);
}

static void filter(const struct ta_sound_stage_info *info, double frequency, double gain, double tone,
                   double expected, double most)
{
    struct ta_sound_format mono = format(1);
    struct ta_sound_stage_plan p;
    fill(0, tone, 1);
    ta_sound_stage_plan_init(&p, info, &mono);
    ((struct ta_sound_filter_opts *)p.opts)->frequency = frequency;
    ((struct ta_sound_filter_opts *)p.opts)->gain = gain;
    run(&p);
    assert_near(level_of(out[0]), expected, most);
}

static void test_filters(void **state)
{
    (void)state;
    filter(&ta_sound_highpass, 100, 0, 100, -3, 0.1);
    filter(&ta_sound_highpass, 100, 0, 25, -24.1, 0.2);
    filter(&ta_sound_highpass, 100, 0, 2000, 0, 0.01);
    filter(&ta_sound_lowpass, 8000, 0, 8000, -3, 0.1);
    filter(&ta_sound_lowpass, 8000, 0, 500, 0, 0.01);
    filter(&ta_sound_lowpass, 90000, 0, 20000, 0, 0.01);
    filter(&ta_sound_peak, 3000, 6, 3000, 6, 0.05);
    filter(&ta_sound_peak, 3000, -6, 3000, -6, 0.05);
    filter(&ta_sound_peak, 3000, 6, 50, 0, 0.1);
}

// `count` stages over `planes`, in portions of `portion`.
static void run_row(struct ta_sound_stage_plan *row, int count, size_t portion)
{
    struct ta_env env = {0};
    struct ta_sound_chain *chain;
    float *at[TA_SOUND_CHANNELS];
    assert_int_equal(ta_sound_chain_create(&chain, row, count, &row->in, &env), 0);
    for (size_t done = 0; done < LENGTH; done += portion) {
        for (int c = 0; c < row->in.channels; c++)
            at[c] = planes[c] + done;
        assert_int_equal(ta_sound_chain_push(chain, at, TA_MIN(portion, LENGTH - done)), 0);
    }
    assert_int_equal(ta_sound_chain_end(chain), 0);
    ta_sound_chain_take(chain, out, LENGTH);
    ta_sound_chain_destroy(&chain);
}

// Filters in a row are worked on together, and compressors by steps: as exactly as one stage after the other,
// and the same bits sample by sample.
static void test_rows(void **state)
{
    (void)state;
    enum { COUNT = 7, CHANNELS = 3 };
    static const struct ta_sound_stage_info *const infos[COUNT] = {
        &ta_sound_highpass, &ta_sound_peak, &ta_sound_peak,      &ta_sound_peak,
        &ta_sound_peak,     &ta_sound_peak, &ta_sound_compressor};
    struct ta_sound_format three = {.rate = RATE, .channels = CHANNELS};
    struct ta_sound_stage_plan row[COUNT];
    float *whole = ta_xcalloc((size_t)CHANNELS * LENGTH, sizeof *whole);
    for (int i = 0; i < COUNT; i++) {
        ta_sound_stage_plan_init(&row[i], infos[i], &three);
        if (infos[i] == &ta_sound_peak) {
            ((struct ta_sound_filter_opts *)row[i].opts)->gain = i - 3;
            ((struct ta_sound_filter_opts *)row[i].opts)->frequency = 300 * i * i;
        }
        assert_int_equal(ta_sound_stage_plan_configure(&row[i], NULL), 0);
    }
    for (int way = 0; way < 3; way++) {
        for (int c = 0; c < CHANNELS; c++)
            fill(c, 100 + 700 * (c % 2), 0.9 / (c % 2 + 1));
        if (way < 2)
            run_row(row, COUNT, way ? 1 : 5000);
        // The third is worked on alone.
        assert_true(way == 2 || !memcmp(out[0], out[2], LENGTH * sizeof(float)));
        for (int i = 0; way == 2 && i < COUNT; i++) {
            run_row(row + i, 1, 5000);
            for (int c = 0; c < CHANNELS; c++)
                memcpy(planes[c], out[c], LENGTH * sizeof(float));
        }
        for (int c = 0; c < CHANNELS; c++) {
            float *same = whole + (size_t)c * LENGTH;
            if (way == 0)
                memcpy(same, out[c], LENGTH * sizeof(float));
            else if (way == 1)
                assert_memory_equal(same, out[c], LENGTH * sizeof(float));
            for (int i = 0; way == 2 && i < LENGTH; i++)
                assert_near(same[i], out[c][i], 1e-6);
        }
    }
    for (int i = 0; i < COUNT; i++)
        ta_sound_stage_plan_release(&row[i]);
    free(whole);
}

static void test_compressor(void **state)
{
    (void)state;
    const struct {
        double in, out;
    } levels[] = {{-40, -40}, {-23.1, -23.1}, {-10, -15}, {0, -10}};
    for (size_t i = 0; i < TA_COUNT(levels); i++) {
        struct ta_sound_format stereo = format(2);
        struct ta_sound_stage_plan p;
        fill(0, 1000, pow(10, levels[i].in / 20));
        fill(1, 1000, pow(10, levels[i].in / 20) / 10);
        ta_sound_stage_plan_init(&p, &ta_sound_compressor, &stereo);
        run(&p);
        assert_near(level_of(out[0]), levels[i].out, 0.3);
        assert_near(level_of(out[1]), levels[i].out - 20, 0.3); // both alike
    }
}

// A wave whose samples lie beside its peaks: 3 dB more between them.
static float wave_at(int i)
{
    return (float)(0.99 * sin(PI / 2 * i + PI / 4) * (i > 9000 && i < 30000 ? 1 : 0.05));
}

static void test_limiter(void **state)
{
    (void)state;
    for (int i = 0; i < LENGTH; i++)
        planes[0][i] = planes[1][i] = (float)(0.99 * sin(PI / 2 * i + PI / 4) *
                                              (i > 9000 && i < 30000 ? 1 : 0.05));
    struct ta_true_peak *t = ta_true_peak_create(1);
    ta_true_peak_add(t, planes, LENGTH);
    assert_near(20 * log10(ta_true_peak_get(t)), 20 * log10(0.99), 0.9); // it begins and ends at once
    ta_true_peak_destroy(&t);
    struct ta_sound_format stereo = format(2);
    struct ta_sound_stage_plan p;
    ta_sound_stage_plan_init(&p, &ta_sound_limiter, &stereo);
    ((struct ta_sound_limiter_opts *)p.opts)->ceiling = -6;
    run(&p);
    t = ta_true_peak_create(2);
    ta_true_peak_add(t, out, LENGTH);
    double peak = 20 * log10(ta_true_peak_get(t));
    ta_true_peak_destroy(&t);
    assert_true(peak <= -6 && peak > -6.3);
    // Nothing moves, and what is quiet is let alone but for the moments around what is loud.
    for (int i = 0; i < 8500; i++)
        assert_true(out[0][i] == wave_at(i));
}

static void test_limiter_never_lets_through(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < LENGTH; i++) {
            seed = seed * 1664525u + 1013904223u;
            planes[0][i] = (float)((seed >> 8) / 16777216.0 * 2 - 1) *
                           ((seed >> 5) % 50 ? 0.3F : 1.05F); // 3 dB is what it is used for
        }
        struct ta_sound_format mono = format(1);
        struct ta_sound_stage_plan p;
        ta_sound_stage_plan_init(&p, &ta_sound_limiter, &mono);
        run(&p);
        struct ta_true_peak *t = ta_true_peak_create(1);
        ta_true_peak_add(t, out, LENGTH);
        assert_true(20 * log10(ta_true_peak_get(t)) <= -1.5);
        ta_true_peak_destroy(&t);
    }
}

// The same bits however samples are handed over, also where the look-ahead is shorter than a window.
static void test_limiter_in_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 31, 255, 256, 257, 1000};
    static const int rates[] = {2000, 8000, RATE};
    for (size_t r = 0; r < TA_COUNT(rates); r++)
        for (size_t k = 0; k < TA_COUNT(sizes); k++) {
            struct ta_limiter *whole = ta_limiter_create(rates[r], 2, -6);
            struct ta_limiter *parts = ta_limiter_create(rates[r], 2, -6);
            for (int i = 0; i < LENGTH; i++) {
                planes[0][i] = out[0][i] = i % 9000 < 3000 ? 0 : wave_at(i);
                planes[1][i] = out[1][i] = 0.7F * wave_at(LENGTH - i);
            }
            ta_limiter_run(whole, planes, LENGTH);
            for (size_t at = 0; at < LENGTH; at += sizes[k]) {
                float *to[] = {out[0] + at, out[1] + at};
                ta_limiter_run(parts, to, TA_MIN(sizes[k], LENGTH - at));
            }
            assert_true(ta_limiter_most(whole) > 3 && ta_limiter_most(whole) == ta_limiter_most(parts));
            for (int c = 0; c < 2; c++)
                assert_memory_equal(planes[c], out[c], LENGTH * sizeof(float));
            ta_limiter_destroy(&whole);
            ta_limiter_destroy(&parts);
        }
}

static void test_levels(void **state)
{
    (void)state;
    const struct {
        double loudness, peak, target;
        struct ta_level level;
    } rows[] = {
        {-20, -10, -14, {.gain = 6}},
        {-20, -6, -14, {.gain = 6, .limited = true}},                   // 1.5 dB over
        {-20, -2, -14, {.gain = 3.5, .limited = true, .missing = 2.5}}, // 5.5 dB over: 3 are limited
        {-10, -0.5, -23, {.gain = -13}},
        {-INFINITY, -INFINITY, -14, {.silent = true}},
        {-INFINITY, -20, -14, {.silent = true}}, // too short
        {-66, -55, -14, {.gain = 30, .missing = 22}},
        {-INFINITY, 2, 0, {.gain = -0.5, .limited = true}}, // no target: peaks alone
        {-INFINITY, -2, 0, {.gain = 0}},
    };
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        struct ta_level l = ta_level_for(rows[i].loudness, rows[i].peak, rows[i].target, TA_LEVEL_CEILING);
        assert_near(l.gain, rows[i].level.gain, 1e-9);
        assert_near(l.missing, rows[i].level.missing, 1e-9);
        assert_int_equal(l.limited, rows[i].level.limited);
        assert_int_equal(l.silent, rows[i].level.silent);
    }
}

static void test_weights(void **state)
{
    (void)state;
    float w[TA_MIX_CHANNELS][TA_MIX_CHANNELS];
    struct ta_sound_format from = {.rate = RATE, .channels = 6, .mask = AV_CH_LAYOUT_5POINT1_BACK}, to;
    assert_true(ta_mix_target(&from, "mono", &to));
    assert_true(ta_mix_weights(&from, &to, w));
    const double mono[] = {0.7071, 0.7071, 1, 0, 0.5, 0.5};
    for (int i = 0; i < 6; i++)
        assert_near(w[0][i], mono[i], 1e-4);
    assert_true(ta_mix_target(&from, "7.1", &to));
    assert_true(ta_mix_weights(&from, &to, w));
    for (int o = 4; o < 8; o++)
        assert_near(w[o][4 + o % 2], 0.7071, 1e-4);
    from.channels = 8;
    from.mask = AV_CH_LAYOUT_7POINT1;
    assert_true(ta_mix_target(&from, "5.1", &to));
    assert_true(ta_mix_weights(&from, &to, w));
    assert_near(w[4][4], 0.7071, 1e-4);
    assert_near(w[4][6], 0.7071, 1e-4);
    assert_near(w[3][3], 1, 1e-4);
    from = format(1);
    assert_true(ta_mix_target(&from, "stereo", &to));
    assert_true(ta_mix_weights(&from, &to, w));
    assert_near(w[0][0], 1, 0);
    assert_near(w[1][0], 1, 0);
    assert_false(ta_mix_target(&from, "22.2", &to));
    from = (struct ta_sound_format){.rate = RATE, .channels = 12};
    assert_true(ta_mix_target(&from, "stereo", &to));
    assert_false(ta_mix_weights(&from, &to, w));
}

// Every repair lets what is whole pass, each sample in its place.
static void test_repairs(void **state)
{
    (void)state;
    const struct ta_sound_stage_info *const repairs[] = {&ta_sound_stage_hum, &ta_sound_stage_buzz,
                                                         &ta_sound_stage_clicks};
    for (size_t k = 0; k < TA_COUNT(repairs); k++) {
        struct ta_sound_format stereo = format(2);
        struct ta_sound_stage_plan p;
        fill(0, 997, 0.3);
        fill(1, 1501, 0.2);
        // Of a sine that begins and ends at once nothing is told; nor are 20 samples at its end.
        float *were = ta_xcalloc(LENGTH, sizeof *were);
        memcpy(were, planes[0], LENGTH * sizeof *were);
        ta_sound_stage_plan_init(&p, repairs[k], &stereo);
        run(&p);
        double error = 0, power = 0;
        for (int i = 0; i < LENGTH; i++) {
            error += pow(out[0][i] - were[i], 2);
            power += pow(were[i], 2);
        }
        if (!(error <= power * 1e-4))
            fail_msg("%s changes clean sound by %.1f dB", repairs[k]->name, 10 * log10(error / power));
        free(were);
    }
}

static void test_click_goes(void **state)
{
    (void)state;
    struct ta_sound_format mono = format(1);
    struct ta_sound_stage_plan p;
    fill(0, 440, 0.3);
    for (int i = 20000; i < 40000; i += 5000)
        planes[0][i] += 0.6f;
    ta_sound_stage_plan_init(&p, &ta_sound_stage_clicks, &mono);
    run(&p);
    for (int i = 20000; i < 40000; i += 5000)
        assert_near(out[0][i], 0.3 * sin(2 * PI * 440 * i / RATE), 0.01);
}

static void test_texts(void **state)
{
    (void)state;
    struct ta_sound_texts *texts;
    struct ta_sound_format stereo = format(2);
    struct ta_sound_stage_plan p[2];
    ta_sound_stage_plan_init(&p[0], &ta_sound_highpass, &stereo);
    ta_sound_stage_plan_init(&p[1], &ta_sound_mix, &stereo);
    ta_sound_stage_plan_configure(&p[1], NULL);
    ta_sound_texts_create(&texts);
    char *first = ta_sound_text(texts, p, 2, NULL), *second = ta_sound_text(texts, p, 2, NULL);
    assert_string_equal(first, second);
    assert_string_equal(first, "highpass=f=80:t=q:w=0.707,pan=stereo|c0=1*c0|c1=1*c1");
    free(second);
    ((struct ta_sound_filter_opts *)p[0].opts)->frequency = 81;
    second = ta_sound_text(texts, p, 2, NULL);
    assert_string_not_equal(first, second);
    struct ta_sound_text_counts counts = ta_sound_texts_counts(texts);
    assert_int_equal(counts.hits, 1);
    assert_int_equal(counts.misses, 2);
    // As it was before: built each time.
    struct ta_tuning tuning;
    ta_tuning_defaults(&tuning);
    tuning.filter_chain_cache = false;
    char *third = ta_sound_text(texts, p, 2, &tuning);
    assert_string_equal(second, third);
    counts = ta_sound_texts_counts(texts);
    assert_int_equal(counts.hits + counts.misses, 3);
    free(first);
    free(second);
    free(third);
    for (int i = 0; i < 2; i++)
        ta_sound_stage_plan_release(&p[i]);
    ta_sound_texts_destroy(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_filters, make, drop),
        cmocka_unit_test_setup_teardown(test_rows, make, drop),
        cmocka_unit_test_setup_teardown(test_compressor, make, drop),
        cmocka_unit_test_setup_teardown(test_limiter, make, drop),
        cmocka_unit_test_setup_teardown(test_limiter_in_pieces, make, drop),
        cmocka_unit_test_setup_teardown(test_limiter_never_lets_through, make, drop),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_weights),
        cmocka_unit_test_setup_teardown(test_repairs, make, drop),
        cmocka_unit_test_setup_teardown(test_click_goes, make, drop),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
