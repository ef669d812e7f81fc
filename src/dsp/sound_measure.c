#include "dsp/sound_measure.h"

#include <stdlib.h>

#include "base/mem.h"
#include "dsp/sound_bands.h"
#include "dsp/sound_levels.h"

struct ta_sound_measure {
    struct ta_sound_levels *levels;
    struct ta_sound_bands *bands;
    struct ta_sound_mains *mains;
};

struct ta_sound_measure *ta_sound_measure_create(int rate, int channels)
{
    struct ta_sound_measure *m = ta_xcalloc(1, sizeof *m);
    m->levels = ta_sound_levels_create(rate, channels);
    m->bands = ta_sound_bands_create(rate, channels);
    m->mains = ta_sound_mains_create(rate, channels);
    if (!m->levels || !m->bands || !m->mains)
        ta_sound_measure_destroy(&m);
    return m;
}

void ta_sound_measure_destroy(struct ta_sound_measure **measure)
{
    struct ta_sound_measure *m = *measure;
    if (!m)
        return;
    ta_sound_levels_destroy(&m->levels);
    ta_sound_bands_destroy(&m->bands);
    ta_sound_mains_destroy(&m->mains);
    ta_freep(measure);
}

void ta_sound_measure_add(struct ta_sound_measure *measure, const float *const *planes, size_t samples)
{
    ta_sound_levels_add(measure->levels, planes, samples);
    ta_sound_bands_add(measure->bands, planes, samples);
    ta_sound_mains_add(measure->mains, planes, samples);
}

void ta_sound_measure_result(const struct ta_sound_measure *measure, struct ta_sound_measured *out)
{
    *out = (struct ta_sound_measured){0};
    ta_sound_levels_result(measure->levels, out);
    ta_sound_bands_result(measure->bands, out);
    ta_sound_mains_result(measure->mains, &out->hum);
}
