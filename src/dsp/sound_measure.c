#include "dsp/sound_measure.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_bands.h"
#include "dsp/sound_block.h"
#include "dsp/sound_buzz.h"
#include "dsp/sound_clicks.h"
#include "dsp/sound_levels.h"

// Of long tracks a part tells as much as the whole, and listening is what takes most of the time that a track
// takes.
enum {
    RATES = 2,         // of fields that buzz is looked for at
    BUZZ_TENTHS = 120, // that are heard for it in one piece, three means long, again after
    BUZZ_CYCLE = 2400, // so many
    WHOLE = 600,       // tenths from the start that are heard whole, and of which, from there on,
    PART_CYCLE = 1200,
    PART = 200,         // so many are: pieces as long as those in which speed is looked at
    CLICKS_WHOLE = 200, // the same for clicks, which take more time than all else
    CLICKS_CYCLE = 240,
    CLICKS_PART = 30,
    CLICKS_OURS = 5, // of the part: where it begins there is a click of ours, over when these are
};

static const double RATES_OF_FIELDS[RATES] = {60 / 1.001, 50};

// Pieces of the track, at one rate of fields.
struct buzz {
    struct ta_sound_buzz *now; // NULL between pieces
    struct ta_sound_buzz_found best;
    double sum; // of confidences
};

struct ta_sound_measure {
    int rate, channels;
    struct ta_sound_clicks *clicks;
    struct ta_sound_block block; // tenths of a second
    long long samples, bad;      // so far
    long long tenths, heard;     // so far; for clicks
    struct buzz buzz[RATES];
    float *mean, *spare;  // of all channels, a tenth; the same, to be written to
    int pieces, in_piece; // of buzz: those heard to their end, tenths of the one that is heard
    struct ta_sound_clicks_counts before, counts;
    struct ta_sound_levels *levels;
    struct ta_sound_bands *bands;
    struct ta_sound_mains *mains;
    struct ta_sound_wow *wow;
};

struct ta_sound_measure *ta_sound_measure_create(int rate, int channels)
{
    struct ta_sound_measure *m = ta_xcalloc(1, sizeof *m);
    m->rate = rate;
    m->channels = channels;
    m->clicks = ta_sound_clicks_create(&(struct ta_sound_clicks_params){0}, rate, channels);
    if (m->clicks)
        ta_sound_block_init(&m->block, (size_t)rate / 10, channels);
    m->mean = ta_sound_alloc((size_t)rate / 10, sizeof(float));
    m->spare = ta_sound_alloc((size_t)rate / 10, sizeof(float));
    m->levels = ta_sound_levels_create(rate, channels);
    m->bands = ta_sound_bands_create(rate, channels);
    m->mains = ta_sound_mains_create(rate, channels);
    m->wow = ta_sound_wow_create(rate, channels);
    if (!m->clicks || !m->levels || !m->bands || !m->mains || !m->wow)
        ta_sound_measure_destroy(&m);
    return m;
}

void ta_sound_measure_destroy(struct ta_sound_measure **measure)
{
    struct ta_sound_measure *m = *measure;
    if (!m)
        return;
    ta_sound_clicks_destroy(&m->clicks);
    for (int i = 0; i < RATES; i++)
        ta_sound_buzz_destroy(&m->buzz[i].now);
    free(m->mean);
    free(m->spare);
    ta_sound_block_release(&m->block);
    ta_sound_levels_destroy(&m->levels);
    ta_sound_bands_destroy(&m->bands);
    ta_sound_mains_destroy(&m->mains);
    ta_sound_wow_destroy(&m->wow);
    ta_freep(measure);
}

// What was found so far, with the piece that is being heard; its latency is not over before a fourth of it.
static struct ta_sound_buzz_heard buzz_of(const struct ta_sound_measure *m)
{
    struct ta_sound_buzz_heard out = {.level_db = -200};
    for (int i = 0; i < RATES; i++) {
        struct buzz b = m->buzz[i];
        struct ta_sound_buzz_found now = {.level_db = -200};
        int pieces = m->pieces;
        if (b.now && (m->in_piece > BUZZ_TENTHS / 4 || !pieces)) {
            ta_sound_buzz_found(b.now, &now);
            b.sum += now.confidence;
            pieces++;
        }
        if (now.confidence > b.best.confidence)
            b.best = now;
        double confidence = pieces ? b.sum / pieces : 0;
        if (b.best.level_db > -200 && confidence > out.confidence)
            out = (struct ta_sound_buzz_heard){b.best.fields, confidence, b.best.level_db};
    }
    return out;
}

static void end_piece(struct ta_sound_measure *m)
{
    for (int i = 0; i < RATES; i++) {
        struct buzz *b = &m->buzz[i];
        struct ta_sound_buzz_found found;
        ta_sound_buzz_found(b->now, &found);
        b->sum += found.confidence;
        if (found.confidence > b->best.confidence)
            b->best = found;
        ta_sound_buzz_destroy(&b->now);
    }
    m->pieces++;
    m->in_piece = 0;
}

static bool is_buzz_due(const struct ta_sound_measure *m)
{
    return m->tenths % BUZZ_CYCLE < BUZZ_TENTHS;
}

static void hear_buzz(struct ta_sound_measure *m, float *const *planes)
{
    size_t n = m->block.size;
    if (!is_buzz_due(m))
        return;
    memcpy(m->mean, planes[0], n * sizeof(float));
    for (int c = 1; c < m->channels; c++)
        for (size_t i = 0; i < n; i++)
            m->mean[i] += planes[c][i];
    for (int i = 0; i < RATES; i++) {
        struct buzz *b = &m->buzz[i];
        if (!m->in_piece)
            b->now = ta_sound_buzz_create(&(struct ta_sound_buzz_params){RATES_OF_FIELDS[i]}, m->rate, 1);
        for (size_t k = 0; k < n; k++)
            m->spare[k] = m->mean[k] / (float)m->channels;
        ta_sound_buzz_run(b->now, &m->spare, n);
    }
    if (++m->in_piece == BUZZ_TENTHS)
        end_piece(m);
}

static bool are_clicks_due(const struct ta_sound_measure *m)
{
    return m->tenths < CLICKS_WHOLE || m->tenths % CLICKS_CYCLE < CLICKS_PART;
}

static void hear_clicks(struct ta_sound_measure *m, float *const *planes)
{
    struct ta_sound_clicks_counts now;
    if (!are_clicks_due(m))
        return;
    ta_sound_clicks_run(m->clicks, planes, m->block.size);
    ta_sound_clicks_counts(m->clicks, &now);
    if (m->tenths < CLICKS_WHOLE || m->tenths % CLICKS_CYCLE >= CLICKS_OURS) {
        m->counts.clicks += now.clicks - m->before.clicks;
        m->counts.dropouts += now.dropouts - m->before.dropouts;
        m->heard++;
    }
    m->before = now;
}

static bool is_part_due(const struct ta_sound_measure *m)
{
    return m->tenths < WHOLE || m->tenths % PART_CYCLE < PART;
}

static void hear(struct ta_sound_measure *m)
{
    float *const *planes = m->block.planes;
    const float *const *as_heard = (const float *const *)planes;
    if (is_part_due(m)) {
        ta_sound_levels_add(m->levels, as_heard, m->block.size);
        ta_sound_bands_add(m->bands, as_heard, m->block.size);
        ta_sound_mains_add(m->mains, as_heard, m->block.size);
        ta_sound_wow_add(m->wow, as_heard, m->block.size);
    }
    hear_buzz(m, planes);
    hear_clicks(m, planes); // changes them
}

void ta_sound_measure_add(struct ta_sound_measure *measure, const float *const *planes, size_t samples)
{
    struct ta_sound_block *b = &measure->block;
    measure->samples += (long long)samples;
    for (size_t at = 0; at < samples;) {
        size_t n = TA_MIN(samples - at, b->size - b->fill);
        bool due = is_part_due(measure) || is_buzz_due(measure) || are_clicks_due(measure);
        for (int c = 0; c < measure->channels; c++) {
            measure->bad += (long long)b->dsp->bad(planes[c] + at, n);
            if (due)
                b->dsp->numbers(b->planes[c] + b->fill, planes[c] + at, n);
        }
        at += n;
        b->fill += n;
        if (b->fill < b->size)
            return;
        b->fill = 0;
        if (due)
            hear(measure);
        measure->tenths++;
    }
}

// Sure of many at once, and of few or none after some time.
static struct ta_sound_value a_minute(const struct ta_sound_measure *m, long long count)
{
    double minutes = (double)m->heard / 600, sure = TA_MAX(minutes * 3, (double)count / 10);
    return m->heard ? (struct ta_sound_value){(double)count / minutes, TA_MIN(sure, 1)}
                    : (struct ta_sound_value){0};
}

void ta_sound_measure_result(const struct ta_sound_measure *measure, struct ta_sound_measured *out)
{
    *out = (struct ta_sound_measured){0};
    ta_sound_levels_result(measure->levels, out);
    out->seconds = (double)measure->samples / measure->rate;
    out->bad_samples = measure->bad;
    ta_sound_bands_result(measure->bands, out);
    ta_sound_mains_result(measure->mains, &out->hum);
    ta_sound_wow_result(measure->wow, &out->wow);
    out->buzz = buzz_of(measure);
    out->clicks = a_minute(measure, measure->counts.clicks);
    out->dropouts = a_minute(measure, measure->counts.dropouts);
}
