// Stages of sound that run networks. Tiny networks of the tests stand for the real ones; those of the assets
// are run where they are. Skipped without the library.
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <libavutil/channel_layout.h>

#include "audio/chain.h"
#include "audio/network.h"
#include "audio/rate.h"
#include "audio/stages.h"
#include "audio/voice.h"
#include "base/env.h"
#include "base/file.h"
#include "base/sha256.h"
#include "dsp/sound_deepfilter.h"
#include "infer/runtimes.h"
#include "infer/sessions.h"

#include "capture.h"
#include "onnx_kit.h"
#include "sound_kit.h"
#include "sound_network_maker.h"

static struct capture messages;
static struct ta_env env;
static struct ta_engine *engine;

static int open_here(struct ta_engine **out, const struct ta_engine_info *info, const char *named,
                     int threads, size_t memory, struct ta_log *log)
{
    (void)info;
    (void)named;
    (void)threads;
    (void)memory;
    *out = open_engine(0, log);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    capture_init(&messages);
    env = (struct ta_env){.log = messages.log};
    ta_runtimes_create(&env.runtimes, open_here);
    assert_int_equal(ta_sessions_create(&env.sessions, 64 << 20), 0);
    engine = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ta_sessions_destroy(&env.sessions);
    ta_runtimes_destroy(&env.runtimes);
    capture_release(&messages);
    return 0;
}

static void start_engine(void)
{
    struct ta_engine *probe = open_engine(0, messages.log); // skips the test where there is none
    ta_engine_close(&probe);
    assert_int_equal(ta_runtimes_get(env.runtimes, "onnx", 1, messages.log, &engine), 0);
}

static char *asset(const char *name)
{
    const char *assets = getenv("TA_ASSETS"), *root = getenv("TA_SOURCE_ROOT");
    char *path = assets ? ta_xprintf("%s/%s", assets, name)
                        : ta_xprintf("%s/../shared/assets/%s", root ? root : ".", name);
    if (access(path, R_OK) < 0) {
        free(path);
        skip();
    }
    return path;
}

// Sound of 16 bit as numbers; to be freed.
static float *read_wav(const char *name, size_t *samples)
{
    struct ta_buf file = {0};
    char *path = asset(name);
    assert_int_equal(ta_file_read(path, 1 << 26, &file, NULL), 0);
    const uint8_t *b = (const uint8_t *)ta_buf_text(&file);
    size_t at = 12, size = 0;
    while (memcmp(b + at, "data", 4) != 0)
        at += 8 + (b[at + 4] | (size_t)b[at + 5] << 8 | (size_t)b[at + 6] << 16);
    size = b[at + 4] | (size_t)b[at + 5] << 8 | (size_t)b[at + 6] << 16;
    *samples = size / 2;
    float *x = ta_xcalloc(*samples, sizeof *x);
    for (size_t i = 0; i < *samples; i++)
        x[i] = (float)(int16_t)(b[at + 8 + 2 * i] | b[at + 9 + 2 * i] << 8) / 32768;
    ta_buf_release(&file);
    free(path);
    return x;
}

static double si_sdr(const float *clean, const float *x, size_t n)
{
    double cc = 0, cx = 0, signal = 0, error = 0;
    for (size_t i = 0; i < n; i++) {
        cc += (double)clean[i] * clean[i];
        cx += (double)clean[i] * x[i];
    }
    for (size_t i = 0; i < n; i++) {
        double s = cx / cc * clean[i];
        signal += s * s;
        error += (x[i] - s) * (x[i] - s);
    }
    return 10 * log10(signal / error);
}

// ---- a stage with its networks ----

struct subject {
    struct ta_sound_stage_plan plan;
    char *paths[TA_SOUND_NETWORKS];
};

static void plan_stage(struct subject *s, const struct ta_sound_stage_info *info, int rate, int channels,
                       char *const *paths)
{
    struct ta_sound_format f = {.rate = rate, .channels = channels};
    struct ta_sound_network_facts facts = {.engine = ta_xstrdup("onnx")};
    ta_sound_stage_plan_init(&s->plan, info, &f);
    if (engine) {
        facts.runtime = ta_xstrdup(engine->version);
        facts.provider = ta_xstrdup(engine->devices[0].provider);
    }
    for (int i = 0; i < TA_SOUND_NETWORKS && paths[i]; i++) {
        struct ta_buf file = {0};
        assert_int_equal(ta_file_read(paths[i], 1 << 26, &file, NULL), 0);
        ta_sha256_hex(ta_buf_text(&file), file.size, facts.sum[i]);
        ta_buf_release(&file);
        facts.model[i] = ta_xstrdup(paths[i]);
    }
    ta_sound_network_set(s->plan.opts, &facts);
    ta_sound_network_facts_release(&facts);
}

// Runs the stage over all samples in place, pushed in odd portions.
static int run_stage(struct subject *s, float *const *planes, size_t samples)
{
    struct ta_sound_chain *chain = NULL;
    int err = ta_sound_stage_plan_configure(&s->plan, messages.log);
    if (err >= 0)
        err = ta_sound_chain_create(&chain, &s->plan, 1, &s->plan.in, &env);
    float *at[TA_SOUND_CHANNELS];
    for (size_t done = 0, n = 1; done < samples && err >= 0; done += n, n = TA_MIN(n * 3, 9999)) {
        n = TA_MIN(n, samples - done);
        for (int c = 0; c < s->plan.in.channels; c++)
            at[c] = planes[c] + done;
        err = ta_sound_chain_push(chain, at, n);
    }
    if (err >= 0)
        err = ta_sound_chain_end(chain);
    if (err >= 0) {
        assert_int_equal(ta_sound_chain_ready(chain), samples);
        ta_sound_chain_take(chain, planes, samples);
    }
    ta_sound_chain_destroy(&chain);
    ta_sound_stage_plan_release(&s->plan);
    return err;
}

// ---- the feature chain ----

// Frame t of hops, and its features, as they are written down: in double, by the sums themselves.
static void expected_bins(const float *x, int t, double complex *bins)
{
    for (int k = 0; k < TA_DEEPFILTER_BINS; k++) {
        bins[k] = 0;
        for (int i = 0; i < 960; i++) {
            int at = 480 * (t - 1) + i;
            double s = sin(M_PI * (i + 0.5) / 960), w = sin(M_PI / 2 * s * s);
            bins[k] += at < 0 ? 0 : w * x[at] * cexp(-2 * M_PI * I * k * i / 960) / 960;
        }
    }
}

static void test_features(void **state)
{
    enum { FRAMES = 5 };
    (void)state;
    float x[FRAMES * 480] = {0}, bands[32], re[96], im[96];
    double mean[32], unit[96];
    double complex bins[TA_DEEPFILTER_BINS];
    struct ta_deepfilter_memory memory;
    struct ta_deepfilter *d = ta_deepfilter_create(FRAMES);
    kit_noise(x, FRAMES * 480, 0.1);
    kit_tone(x, FRAMES * 480, 48000, 700, 0.3);
    ta_deepfilter_memory_init(&memory);
    for (int b = 0; b < 32; b++)
        mean[b] = -60 - 30.0 * b / 31;
    for (int k = 0; k < 96; k++)
        unit[k] = 0.001 - 0.0009 * k / 95;
    for (int t = 0; t < FRAMES; t++) {
        const float complex *made = ta_deepfilter_hear(d, x + (ptrdiff_t)t * 480);
        expected_bins(x, t, bins);
        for (int k = 0; k < TA_DEEPFILTER_BINS; k++)
            if (!(cabs(made[k] - bins[k]) < 1e-6))
                fail_msg("bin %d of frame %d is %g%+gi, not %g%+gi", k, t, (double)crealf(made[k]),
                         (double)cimagf(made[k]), creal(bins[k]), cimag(bins[k]));
        ta_deepfilter_features(&memory, made, bands, re, im);
        for (int b = 0, k = 0; b < 32; b++) {
            double power = 0;
            int width = ta_deepfilter_widths[b];
            for (int end = k + width; k < end; k++)
                power += creal(bins[k] * conj(bins[k])) / width;
            double level = 10 * log10(power + 1e-10);
            mean[b] = 0.99 * mean[b] + 0.01 * level;
            if (fabs(bands[b] - (level - mean[b]) / 40) > 1e-4)
                fail_msg("band %d of frame %d is %g, not %g", b, t, (double)bands[b], (level - mean[b]) / 40);
        }
        for (int k = 0; k < 96; k++) {
            unit[k] = 0.99 * unit[k] + 0.01 * cabs(bins[k]);
            double complex want = bins[k] / sqrt(unit[k]);
            if (cabs(re[k] + I * im[k] - want) > 1e-4)
                fail_msg("bin %d of frame %d is %g%+gi, not %g%+gi", k, t, (double)re[k], (double)im[k],
                         creal(want), cimag(want));
        }
    }
    int all = 0;
    for (int b = 0; b < 32; b++)
        all += ta_deepfilter_widths[b];
    assert_int_equal(all, TA_DEEPFILTER_BINS);
    ta_deepfilter_destroy(&d);
}

// Gains of one and filters of one give the sound back, so much later; a gain of none leaves what is kept.
static void test_identity(void **state)
{
    enum { FRAMES = 20 };
    (void)state;
    float x[FRAMES * 480] = {0}, out[FRAMES * 480], gains[32], filters[96 * 10] = {0};
    kit_noise(x, FRAMES * 480, 0.2);
    for (int pass = 0; pass < 2; pass++) {
        struct ta_deepfilter *d = ta_deepfilter_create(4);
        for (int b = 0; b < 32; b++)
            gains[b] = pass ? 0 : 1;
        for (int k = 0; k < 96; k++)
            filters[k * 10 + 4] = pass ? 0 : 1; // of the frame itself
        for (int t = 0; t < FRAMES; t += 4) {
            for (int i = t; i < t + 4; i++)
                ta_deepfilter_hear(d, x + (ptrdiff_t)i * 480);
            for (int i = t; i < t + 4; i++)
                ta_deepfilter_make(d, i < 2 ? NULL : gains, filters, pass ? 0.25f : 0,
                                   out + (ptrdiff_t)i * 480);
        }
        for (int i = TA_DEEPFILTER_DELAY; i < FRAMES * 480; i++)
            if (fabsf(out[i] - (pass ? 0.25f : 1) * x[i - TA_DEEPFILTER_DELAY]) > 1e-5f)
                fail_msg("pass %d: sample %d is %g, not %g", pass, i, (double)out[i],
                         (double)x[i - TA_DEEPFILTER_DELAY]);
        ta_deepfilter_destroy(&d);
    }
}

// ---- rates ----

static void test_rates(void **state)
{
    static const int rates[][2] = {{48000, 48000}, {16000, 48000}, {48000, 16000}, {44100, 48000},
                                   {48000, 44100}, {22050, 16000}, {44101, 48000}, {192000, 16000}};
    (void)state;
    for (size_t i = 0; i < TA_COUNT(rates); i++) {
        int from = rates[i][0], to = rates[i][1];
        struct ta_sound_rate *r;
        float *x = ta_xcalloc((size_t)from, sizeof *x);
        size_t made = 0;
        double worst = 0;
        kit_tone(x, (size_t)from, from, 1000, 0.5);
        assert_int_equal(ta_sound_rate_create(&r, from, to, messages.log), 0);
        for (size_t done = 0, n = 1; done < (size_t)from; done += n, n = n * 7 % 5003 + 1) {
            const float *out;
            size_t count;
            n = TA_MIN(n, (size_t)from - done);
            assert_int_equal(ta_sound_rate_run(r, x + done, n, &out, &count), 0);
            for (size_t k = 0; k < count; k++, made++)
                if (made > (size_t)to / 20)
                    worst = TA_MAX(worst,
                                   fabs(out[k] - 0.5 * sin(2 * M_PI * 1000 * (double)made / to + 1000)));
        }
        ta_sound_rate_destroy(&r);
        free(x);
        if (worst > 1e-3 ||
            made + (size_t)ta_sound_rate_ahead(from, to) * (size_t)to / (size_t)from + 2 < (size_t)to)
            fail_msg("%d Hz to %d: off by %g, %zu samples", from, to, worst, made);
    }
}

// What the four make of a channel, frame by frame.
static void expected_deep(float *x, size_t samples)
{
    size_t hops = samples / 480;
    float gains[32], bands[32], filters[96 * 10], im[96], five[5][96] = {{0}};
    float *made = ta_xcalloc(hops * 480, sizeof *made);
    struct ta_deepfilter *d = ta_deepfilter_create(1);
    struct ta_deepfilter_memory memory;
    double sum = 0;
    ta_deepfilter_memory_init(&memory);
    for (int b = 0; b < 32; b++)
        gains[b] = 0.5f;
    for (size_t t = 0; t < hops; t++) {
        const float complex *bins = ta_deepfilter_hear(d, x + t * 480);
        memmove(five[0], five[1], 4 * sizeof *five);
        ta_deepfilter_features(&memory, bins, bands, five[4], im);
        if (t < 2)
            memset(five[4], 0, sizeof *five);
        for (int b = 0; b < 32 && t >= 2; b++)
            sum += bands[b] / 32;
        for (int k = 0; k < 96; k++) {
            float all = five[0][k] + five[1][k] + five[2][k] + five[3][k] + five[4][k];
            for (int i = 0; i < 10; i++)
                filters[k * 10 + i] = (float)(sum + all) * deep_weights[i];
        }
        ta_deepfilter_make(d, t < 2 ? NULL : gains, filters, 0, made + t * 480);
    }
    memcpy(x, made + TA_DEEPFILTER_DELAY, (hops * 480 - TA_DEEPFILTER_DELAY) * sizeof *x);
    ta_deepfilter_destroy(&d);
    free(made);
}

// Blocks, states, the frames before a block and those ahead: all as if there were no blocks. Linked channels
// that are alike come out as one would.
static void test_deepfilter(void **state)
{
    enum { LENGTH = 480 * 230, SURE = LENGTH - 2 * TA_DEEPFILTER_DELAY };
    (void)state;
    start_engine();
    char *paths[] = {tiny_conv(), tiny_gru(), tiny_gains(), tiny_deep(), NULL};
    float *one = ta_xcalloc(LENGTH, sizeof *one), *want = ta_xcalloc(LENGTH, sizeof *want),
          *two[2] = {ta_xcalloc(LENGTH, sizeof **two), ta_xcalloc(LENGTH, sizeof **two)};
    struct subject s;
    kit_noise(one, LENGTH, 0.05);
    kit_words(one, LENGTH, 48000, 0.2);
    for (int i = 0; i < 2; i++)
        memcpy(two[i], one, LENGTH * sizeof *one);
    memcpy(want, one, LENGTH * sizeof *one);
    expected_deep(want, LENGTH);
    plan_stage(&s, &ta_sound_deepfilter, 48000, 1, paths);
    assert_int_equal(run_stage(&s, &one, LENGTH), 0);
    plan_stage(&s, &ta_sound_deepfilter, 48000, 2, paths);
    ((struct ta_sound_voice_opts *)s.plan.opts)->link = true;
    assert_int_equal(run_stage(&s, two, LENGTH), 0);
    capture_expect(&messages, "");
    double snr = kit_snr(want, one, SURE), left = kit_snr(one, two[0], SURE),
           right = kit_snr(one, two[1], SURE);
    if (snr < 80 || left < 80 || right < 80)
        fail_msg("%.1f dB, linked %.1f and %.1f dB", snr, left, right);
    for (int i = 0; i < 4; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    free(one);
    free(want);
    free(two[0]);
    free(two[1]);
}

// ---- the real ones ----

static const char *const deepfilter_files[] = {
    "models/audio/dfn3/enc_conv_streaming.onnx", "models/audio/dfn3/enc_gru_streaming.onnx",
    "models/audio/dfn3/erb_dec_streaming.onnx", "models/audio/dfn3/df_dec_streaming.onnx"};

static double clean_asset(const struct ta_sound_stage_info *info, const char *const *files, int count)
{
    char *paths[TA_SOUND_NETWORKS + 1] = {0};
    size_t n, clean_n;
    float *noisy = read_wav("audio/dfn_noisy_snr0.wav", &n),
          *clean = read_wav("audio/dfn_clean_freesound_33711.wav", &clean_n);
    struct subject s;
    for (int i = 0; i < count; i++)
        paths[i] = asset(files[i]);
    plan_stage(&s, info, 48000, 1, paths);
    int err = run_stage(&s, &noisy, n);
    if (err < 0)
        fail_msg("%s: %s", info->name, ta_buf_text(&messages.text));
    double sdr = si_sdr(clean, noisy, TA_MIN(n, clean_n));
    free(noisy);
    free(clean);
    for (int i = 0; i < count; i++)
        free(paths[i]);
    return sdr;
}

static void test_assets(void **state)
{
    (void)state;
    start_engine();
    free(asset(deepfilter_files[0]));
    double sdr = clean_asset(&ta_sound_deepfilter, deepfilter_files, 4);
    if (sdr < 19.5)
        fail_msg("DeepFilterNet3: %.2f dB, not 19.5", sdr);
    sdr = clean_asset(&ta_sound_gtcrn, (const char *const[]){"models/audio/gtcrn/gtcrn_simple.onnx"}, 1);
    if (sdr < 8)
        fail_msg("GTCRN: %.2f dB, not 8", sdr);
    sdr = clean_asset(&ta_sound_rnnoise, (const char *const[]){"models/audio/rnnoise/sh.rnnn"}, 1);
    if (sdr < 10)
        fail_msg("RNNoise: %.2f dB, not 10", sdr);
    capture_expect(&messages, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_features, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deepfilter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assets, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
