// What every processor of sound (src/dsp/sound_block.h) has to keep, whatever it does. Include after
// cmocka.h.
#ifndef TA_TESTS_UNIT_SOUND_KIT_H
#define TA_TESTS_UNIT_SOUND_KIT_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/sound_block.h"

struct kit_processor {
    const char *name;
    void *(*create)(int rate, int channels);
    void (*run)(void *x, float *const *planes, size_t samples);
    size_t (*latency)(const void *x);
    size_t (*reach)(const void *x);
    void (*destroy)(void *x);
};

// The functions of ta_sound_NAME_..., as KIT_PROCESSOR_OF(NAME) lists them; NAME_make(rate, channels) is the
// test's.
#define KIT_PROCESSOR(name)                                                                         \
    static void name##_run(void *x, float *const *planes, size_t samples)                           \
    {                                                                                               \
        ta_sound_##name##_run(x, planes, samples);                                                  \
    }                                                                                               \
    static size_t name##_latency(const void *x)                                                     \
    {                                                                                               \
        return ta_sound_##name##_latency(x);                                                        \
    }                                                                                               \
    static size_t name##_reach(const void *x)                                                       \
    {                                                                                               \
        return ta_sound_##name##_reach(x);                                                          \
    }                                                                                               \
    static void name##_destroy(void *x)                                                             \
    {                                                                                               \
        struct ta_sound_##name *own = x;                                                            \
        ta_sound_##name##_destroy(&own);                                                            \
        assert_null(own);                                                                           \
    }                                                                                               \
    static const struct kit_processor name##_processor = {#name,          name##_make,  name##_run, \
                                                          name##_latency, name##_reach, name##_destroy};

static uint32_t kit_seed = 1;

static inline double kit_uniform(void)
{
    kit_seed = kit_seed * 1664525u + 1013904223u;
    return (kit_seed >> 8) / 16777216.0;
}

static inline double kit_gaussian(void)
{
    double a = sqrt(-2 * log(kit_uniform() + 1e-9));
    return a * cos(2 * M_PI * kit_uniform());
}

static inline void kit_noise(float *x, size_t n, double level)
{
    for (size_t i = 0; i < n; i++)
        x[i] += (float)(level * kit_gaussian());
}

static inline void kit_tone(float *x, size_t n, int rate, double frequency, double level)
{
    for (size_t i = 0; i < n; i++)
        x[i] += (float)(level * sin(2 * M_PI * frequency * (double)i / rate + frequency));
}

// Words: bursts of a voice-like buzz with pauses.
static inline void kit_words(float *x, size_t n, int rate, double level)
{
    double phase = 0;
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / rate, place = fmod(t, 0.5), sum = 0;
        double shape = place < 0.3 ? pow(sin(M_PI * place / 0.3), 2) : 0;
        phase += 2 * M_PI * (117 + 20 * sin(2 * M_PI * 0.7 * t) + 5 * sin(2 * M_PI * 3 * t)) / rate;
        for (int k = 1; k <= 10; k++)
            sum += sin(k * phase + k * k) / (1 + fabs(k - 4.0));
        x[i] += (float)(level * shape * sum * 0.7);
    }
}

static inline double kit_rms(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return n ? sqrt(sum / (double)n) : 0;
}

static inline double kit_db(double ratio)
{
    return 20 * log10(ratio + 1e-12);
}

// 20 log of the signal over what differs from it.
static inline double kit_snr(const float *truth, const float *x, size_t n)
{
    double signal = 0, error = 0;
    for (size_t i = 0; i < n; i++) {
        double e = (double)x[i] - truth[i];
        signal += (double)truth[i] * truth[i];
        error += e * e;
    }
    return 10 * log10((signal + 1e-20) / (error + 1e-20));
}

// Runs all samples through in pieces of `piece` (0: of changing sizes), without the delay.
static inline void kit_run(const struct kit_processor *p, int rate, int channels, float *const *planes,
                           size_t n, size_t piece)
{
    void *x = p->create(rate, channels);
    assert_non_null(x);
    size_t latency = p->latency(x), all = n + latency, size = 1;
    float **work = ta_sound_planes(channels, all);
    for (int c = 0; c < channels; c++)
        memcpy(work[c], planes[c], n * sizeof(float));
    for (size_t at = 0; at < all; at += size) {
        float *to[TA_SOUND_CHANNELS_MOST];
        size = piece ? piece : (size * 7 + 3) % 5003 + 1;
        for (int c = 0; c < channels; c++)
            to[c] = work[c] + at;
        p->run(x, to, TA_MIN(size, all - at));
    }
    for (int c = 0; c < channels; c++)
        memcpy(planes[c], work[c] + latency, n * sizeof(float));
    assert_int_equal(p->latency(x), latency);
    free(work);
    p->destroy(x);
}

static inline void kit_check_pieces(const struct kit_processor *p, int rate, size_t n)
{
    float **a = ta_sound_planes(2, n), **b = ta_sound_planes(2, n);
    kit_words(a[0], n, rate, 0.2);
    kit_tone(a[1], n, rate, 50, 0.05);
    kit_noise(a[1], n, 0.02);
    for (int c = 0; c < 2; c++)
        memcpy(b[c], a[c], n * sizeof(float));
    kit_run(p, rate, 2, a, n, 4096);
    kit_run(p, rate, 2, b, n, 0);
    for (int c = 0; c < 2; c++)
        assert_memory_equal(a[c], b[c], n * sizeof(float));
    free(a);
    free(b);
}

static inline void kit_check_bad(const struct kit_processor *p, int rate, int channels, size_t n)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e38f, -3e38f, 1e-42f, -1e-40f, 0};
    float **a = ta_sound_planes(channels, n);
    for (int c = 0; c < channels; c++) {
        kit_noise(a[c], n, 0.1);
        for (size_t i = 0; i < n; i += 1 + (size_t)(kit_uniform() * 400))
            a[c][i] = bad[(i + (size_t)c) % TA_COUNT(bad)];
    }
    for (size_t i = n / 2; i < n / 2 + n / 8; i++)
        a[0][i] = NAN;
    kit_run(p, rate, channels, a, n, 0);
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < n; i++)
            if (!isfinite(a[c][i]) || fabsf(a[c][i]) > 1e7f)
                fail_msg("%s: %d Hz, %d channels: sample %zu of channel %d is %g", p->name, rate, channels, i,
                         c, (double)a[c][i]);
    free(a);
}

static inline void kit_check_silence(const struct kit_processor *p, int rate, int channels, size_t n)
{
    float **a = ta_sound_planes(channels, n);
    kit_run(p, rate, channels, a, n, 1024);
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < n; i++)
            if (a[c][i] != 0)
                fail_msg("%s: silence becomes %g", p->name, (double)a[c][i]);
    free(a);
}

// All that holds for any: `seconds` of sound each.
static inline void kit_check_manners(const struct kit_processor *p, double seconds)
{
    static const int rates[] = {2000, 8000, 11025, 16000, 44100, 48000, 96000, 192000};
    assert_null(p->create(TA_SOUND_RATE_LEAST - 1, 1));
    assert_null(p->create(TA_SOUND_RATE_MOST + 1, 1));
    assert_null(p->create(48000, 0));
    assert_null(p->create(48000, TA_SOUND_CHANNELS_MOST + 1));
    kit_check_pieces(p, 8000, (size_t)(8000 * seconds) + 17);
    kit_check_pieces(p, 22050, (size_t)(22050 * seconds));
    for (size_t i = 0; i < TA_COUNT(rates); i++)
        kit_check_bad(p, rates[i], 1 + (int)(i & 1),
                      (size_t)(rates[i] * TA_MIN(seconds, 30000.0 / rates[i])));
    for (int channels = 3; channels <= 8; channels++)
        kit_check_bad(p, 8000, channels, 8000);
    kit_check_silence(p, 16000, 2, (size_t)(16000 * seconds));
    kit_check_silence(p, 48000, 1, 1);
    float one = 0.25f, *plane = &one;
    kit_run(p, 48000, 1, &plane, 1, 1);
    assert_true(isfinite(one));
    kit_run(p, 48000, 1, &plane, 0, 1);
}

#endif
