#include "dsp/sound_measure.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dsp/sound_bands.h"
#include "dsp/sound_block.h"
#include "dsp/sound_clicks.h"
#include "dsp/sound_levels.h"

enum {
    FIRST = 60, // seconds that are heard whole for clicks, which takes more time than all else,
    CYCLE = 8,  // and of which, from there on,
    HEARD = 2,  // so many are heard
};

struct ta_sound_measure {
    int rate, channels;
    struct ta_sound_clicks *clicks;
    struct ta_sound_block block; // tenths of a second
    long long tenths, heard;     // so far; for clicks
    struct ta_sound_clicks_counts before, counts;
    struct ta_sound_levels *levels;
    struct ta_sound_bands *bands;
    struct ta_sound_mains *mains;
};

struct ta_sound_measure *ta_sound_measure_create(int rate, int channels)
{
    struct ta_sound_measure *m = ta_xcalloc(1, sizeof *m);
    m->rate = rate;
    m->channels = channels;
    m->clicks = ta_sound_clicks_create(&(struct ta_sound_clicks_params){0}, rate, channels);
    if (m->clicks)
        ta_sound_block_init(&m->block, (size_t)rate / 10, channels);
    m->levels = ta_sound_levels_create(rate, channels);
    m->bands = ta_sound_bands_create(rate, channels);
    m->mains = ta_sound_mains_create(rate, channels);
    if (!m->clicks || !m->levels || !m->bands || !m->mains)
        ta_sound_measure_destroy(&m);
    return m;
}

void ta_sound_measure_destroy(struct ta_sound_measure **measure)
{
    struct ta_sound_measure *m = *measure;
    if (!m)
        return;
    ta_sound_clicks_destroy(&m->clicks);
    ta_sound_block_release(&m->block);
    ta_sound_levels_destroy(&m->levels);
    ta_sound_bands_destroy(&m->bands);
    ta_sound_mains_destroy(&m->mains);
    ta_freep(measure);
}

// Where a piece begins in mid-track there is a click of ours, which is over when half a second is.
static void hear_clicks(void *self, float *const *planes)
{
    struct ta_sound_measure *m = self;
    struct ta_sound_clicks_counts now;
    long long at = m->tenths++, in_cycle = at < FIRST * 10 ? CYCLE * 10 : at % (CYCLE * 10);
    bool whole = at < FIRST * 10;
    if (!whole && in_cycle >= HEARD * 10)
        return;
    ta_sound_clicks_run(m->clicks, planes, m->block.size);
    ta_sound_clicks_counts(m->clicks, &now);
    if (whole || in_cycle >= 5) {
        m->counts.clicks += now.clicks - m->before.clicks;
        m->counts.dropouts += now.dropouts - m->before.dropouts;
        m->heard++;
    }
    m->before = now;
}

void ta_sound_measure_add(struct ta_sound_measure *measure, const float *const *planes, size_t samples)
{
    ta_sound_levels_add(measure->levels, planes, samples);
    ta_sound_bands_add(measure->bands, planes, samples);
    ta_sound_mains_add(measure->mains, planes, samples);
    ta_sound_block_hear(&measure->block, planes, samples, hear_clicks, measure);
}

void ta_sound_measure_result(const struct ta_sound_measure *measure, struct ta_sound_measured *out)
{
    *out = (struct ta_sound_measured){0};
    ta_sound_levels_result(measure->levels, out);
    ta_sound_bands_result(measure->bands, out);
    ta_sound_mains_result(measure->mains, &out->hum);
    double minutes = (double)measure->heard / 600, sure = TA_MIN(minutes * 3, 1);
    if (measure->heard) {
        out->clicks = (struct ta_sound_value){(double)measure->counts.clicks / minutes, sure};
        out->dropouts = (struct ta_sound_value){(double)measure->counts.dropouts / minutes, sure};
    }
}
