#include "sound_processors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "dsp/sound_block.h"
#include "dsp/sound_buzz.h"
#include "dsp/sound_clicks.h"
#include "dsp/sound_hiss.h"
#include "dsp/sound_hum.h"
#include "dsp/sound_measure.h"

enum { PIECE = 4096 };

struct settings {
    char **texts;
    int count;
};

static double setting(const struct settings *s, const char *name, double fallback)
{
    size_t n = strlen(name);
    for (int i = 0; i < s->count; i++)
        if (!strncmp(s->texts[i], name, n) && s->texts[i][n] == '=')
            return atof(s->texts[i] + n + 1);
    return fallback;
}

struct processor {
    const char *name;
    void *(*create)(const struct settings *settings, int rate, int channels);
    void (*run)(void *x, float *const *planes, size_t samples);
    size_t (*latency)(const void *x);
    void (*destroy)(void **x);
};

// The four functions of a processor, by its name.
#define PROCESSOR(name)                                                   \
    static void name##_run(void *x, float *const *planes, size_t samples) \
    {                                                                     \
        ta_sound_##name##_run(x, planes, samples);                        \
    }                                                                     \
    static size_t name##_latency(const void *x)                           \
    {                                                                     \
        return ta_sound_##name##_latency(x);                              \
    }                                                                     \
    static void name##_destroy(void **x)                                  \
    {                                                                     \
        struct ta_sound_##name *own = *x;                                 \
        ta_sound_##name##_destroy(&own);                                  \
        *x = NULL;                                                        \
    }

PROCESSOR(buzz)
PROCESSOR(clicks)
PROCESSOR(hiss)
PROCESSOR(hum)

static void *buzz_create(const struct settings *s, int rate, int channels)
{
    struct ta_sound_buzz_params p = {setting(s, "fields", 0)};
    return ta_sound_buzz_create(&p, rate, channels);
}

static void *clicks_create(const struct settings *s, int rate, int channels)
{
    struct ta_sound_clicks_params p = {setting(s, "threshold", 0), setting(s, "keep_clicks", 0) != 0,
                                       setting(s, "keep_dropouts", 0) != 0};
    return ta_sound_clicks_create(&p, rate, channels);
}

static void *hiss_create(const struct settings *s, int rate, int channels)
{
    struct ta_sound_hiss_params p = {setting(s, "reduction", 18), setting(s, "strength", 1)};
    return ta_sound_hiss_create(&p, rate, channels);
}

static void *hum_create(const struct settings *s, int rate, int channels)
{
    struct ta_sound_hum_params p = {.frequency = setting(s, "frequency", 0),
                                    .highest = setting(s, "highest", 0)};
    return ta_sound_hum_create(&p, rate, channels);
}

#define ENTRY(name)                                                      \
    {                                                                    \
#name, name##_create, name##_run, name##_latency, name##_destroy \
    }

static const struct processor processors[] = {
    ENTRY(buzz),
    ENTRY(clicks),
    ENTRY(hiss),
    ENTRY(hum),
};

static double run_all(const struct processor *p, void *x, struct sound *s)
{
    size_t latency = p->latency(x);
    struct sound all;
    sound_init(&all, s->channels, s->samples + latency);
    for (int c = 0; c < s->channels; c++)
        memcpy(all.planes[c], s->planes[c], s->samples * sizeof(float));
    double start = ta_cpu_seconds();
    for (size_t at = 0; at < all.samples; at += PIECE) {
        float *planes[TA_SOUND_CHANNELS_MOST];
        for (int c = 0; c < s->channels; c++)
            planes[c] = all.planes[c] + at;
        p->run(x, planes, TA_MIN(PIECE, all.samples - at));
    }
    double seconds = ta_cpu_seconds() - start;
    for (int c = 0; c < s->channels; c++)
        memcpy(s->planes[c], all.planes[c] + latency, s->samples * sizeof(float));
    sound_release(&all);
    return seconds;
}

double sound_process(const char *name, int rate, char **settings, int count, struct sound *s)
{
    struct settings given = {settings, count};
    for (size_t i = 0; i < TA_COUNT(processors); i++) {
        const struct processor *p = &processors[i];
        if (strcmp(p->name, name))
            continue;
        void *x = p->create(&given, rate, s->channels);
        if (!x)
            break;
        double seconds = run_all(p, x, s);
        p->destroy(&x);
        return seconds;
    }
    fprintf(stderr, "no processor %s for that\n", name);
    return -1;
}

void sound_hear(int rate, const struct sound *s)
{
    struct ta_sound_measure *m = ta_sound_measure_create(rate, s->channels);
    struct ta_sound_measured r;
    double start = ta_cpu_seconds();
    ta_sound_measure_add(m, (const float *const *)s->planes, s->samples);
    ta_sound_measure_result(m, &r);
    double seconds = ta_cpu_seconds() - start;
    printf("{\"hum\": {\"frequency\": %.3f, \"confidence\": %.2f, \"level\": %.1f, \"harmonics\": %d}",
           r.hum.frequency, r.hum.confidence, r.hum.level_db, r.hum.harmonics);
    printf(", \"rms\": %.1f, \"peak\": %.1f, \"noise\": [%.1f, %.2f], \"hiss\": [%.1f, %.2f]", r.rms_db,
           r.peak_db, r.noise_db.value, r.noise_db.confidence, r.hiss_db.value, r.hiss_db.confidence);
    printf(", \"bandwidth\": [%.0f, %.2f], \"clipped\": [%.1f, %.2f, %.3f]", r.bandwidth_hz.value,
           r.bandwidth_hz.confidence, r.clipped.value, r.clipped.confidence, r.clip_level);
    printf(", \"buzz\": {\"fields\": %.3f, \"confidence\": %.2f, \"level\": %.1f}", r.buzz.fields,
           r.buzz.confidence, r.buzz.level_db);
    printf(", \"wow\": {\"percent\": %.4f, \"hertz\": %.2f, \"confidence\": %.2f}", r.wow.percent,
           r.wow.hertz, r.wow.confidence);
    printf(", \"clicks\": [%.1f, %.2f], \"dropouts\": %.1f", r.clicks.value, r.clicks.confidence,
           r.dropouts.value);
    printf(", \"channels\": [%d, %.2f, %d, %.2f, %.1f], \"times_real\": %.0f}\n", r.channels,
           r.channels_confidence, r.side, r.correlation, r.balance_db, r.seconds / TA_MAX(seconds, 1e-6));
    ta_sound_measure_destroy(&m);
}
