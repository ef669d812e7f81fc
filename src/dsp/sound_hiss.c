#include "dsp/sound_hiss.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/tx.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_block.h"

enum {
    OVERLAP = 4, // frames over each sample
    PARTS = 8,   // of the time that the least power is sought in
    PART = 45,   // frames
    AHEAD = 120, // frames that noise is known ahead
    SLOTS = AHEAD + 2,
    BAND = 20, // bins that tell a level of noise, at least
    MOST_BANDS = 128,
    EVEN = 6,  // frames from one such time to the next
    WIDE = 18, // bins to each side that tell what is struck
};

struct ta_sound_hiss {
    const struct ta_sound_dsp *dsp;
    struct ta_sound_block block;
    int channels;
    size_t size, hop, bins;
    AVTXContext *to_bins, *from_bins;
    av_tx_fn forward, backward;
    float *window, *frame;
    float **recent, **out;     // channels: the last `size` samples; what is being added up
    AVComplexFloat ***spectra; // SLOTS, channels
    float **powers;            // SLOTS: of all channels
    float *smooth, *even, *least, *before, *noise, *hiss, *last, *gains, *around, *wide;
    float **snr; // of 3 frames, after the first gains
    float ones[2 * WIDE + 1];
    float *parts[PARTS];
    AVComplexFloat *work;
    struct ta_sound_gains settings;
    int bands;
    size_t edges[MOST_BANDS + 1]; // bins
    float levels[MOST_BANDS];
    double hertz;      // a bin
    long long count;   // frames
    long long tracked; // of those, heard for noise
    int sounding;      // hops without silence so far
};

static void renew_least(struct ta_sound_hiss *h)
{
    float *oldest = h->parts[h->tracked / PART % PARTS];
    memcpy(oldest, h->least, h->bins * sizeof(float));
    for (size_t i = 0; i < h->bins; i++) {
        float least = h->parts[0][i];
        for (int k = 1; k < PARTS; k++)
            least = TA_MIN(least, h->parts[k][i]);
        h->before[i] = least;
        h->least[i] = INFINITY;
    }
}

static void track(struct ta_sound_hiss *h, const float *power)
{
    // Neighbours are smoothed over, which leaves less for time to do.
    size_t n = h->bins;
    h->even[0] = 0.5f * (power[0] + power[1]);
    h->even[n - 1] = 0.5f * (power[n - 1] + power[n - 2]);
    for (size_t i = 1; i + 1 < n; i++)
        h->even[i] = 0.25f * power[i - 1] + 0.5f * power[i] + 0.25f * power[i + 1];
    if (!h->tracked)
        memcpy(h->smooth, h->even, n * sizeof(float));
    struct ta_sound_track t = {h->smooth, h->least, h->before, h->noise, 0.85f, 2.05f, 0.01f};
    h->dsp->track(&t, h->even, n);
    if (++h->tracked % PART == 0)
        renew_least(h);
}

static double middle_of(const struct ta_sound_hiss *h, int band)
{
    return h->hertz * 0.5 * (double)(h->edges[band] + h->edges[band + 1]);
}

// The usual level between two frequencies; below 0: there is no band.
static float usual_level(const struct ta_sound_hiss *h, double from, double to)
{
    float levels[MOST_BANDS];
    size_t count = 0;
    for (int b = 0; b < h->bands; b++)
        if (middle_of(h, b) > from && middle_of(h, b) < to)
            levels[count++] = h->levels[b];
    return count ? ta_sound_nth(levels, count, count / 2) : -1;
}

// Applause and rain are steady as hiss is, and stronger where hands and drops have their tone. Where hiss is
// seen to be even from 5 to 12 kHz, it rises from there to 2 kHz by no more than 1.5 dB an octave. A tape
// whose treble falls shows no such evenness, and nothing is concluded.
static void keep_to_plateau(struct ta_sound_hiss *h)
{
    float low = usual_level(h, 5000, 8000), high = usual_level(h, 8000, 12000);
    if (low <= 0 || high <= 0 || high < 0.5f * low || high > 2 * low)
        return;
    for (int b = 0; b < h->bands; b++)
        if (middle_of(h, b) > 2000 && middle_of(h, b) < 5000)
            h->levels[b] = TA_MIN(h->levels[b], low * (float)sqrt(6300 / middle_of(h, b)));
}

// Hiss has no narrow peaks, and notes that are held do: the middle of each band. Nor does it rise much to
// where voices and basses are: by no more than 1.5 dB an octave from what it is around 3 kHz.
static void even_out(struct ta_sound_hiss *h)
{
    for (int b = 0; b < h->bands; b++) {
        size_t from = h->edges[b], n = h->edges[b + 1] - from;
        memcpy(h->even, h->noise + from, n * sizeof(float));
        h->levels[b] = ta_sound_nth(h->even, n, n * 2 / 5);
    }
    keep_to_plateau(h);
    float usual = usual_level(h, 2000, 4500);
    for (int b = 0; b < h->bands && usual >= 0; b++)
        if (middle_of(h, b) <= 2000)
            h->levels[b] = TA_MIN(h->levels[b], usual * (float)sqrt(3000 / middle_of(h, b)));
    size_t place = 0;
    float level = h->levels[0];
    for (int b = 0; b < h->bands; b++) {
        size_t middle = (h->edges[b] + h->edges[b + 1]) / 2;
        float next = h->levels[b];
        for (size_t i = place; i < middle; i++)
            h->hiss[i] = level + (next - level) * (float)(i - place) / (float)(middle - place);
        place = middle;
        level = next;
    }
    for (size_t i = place; i < h->bins; i++)
        h->hiss[i] = level;
}

static size_t slot_of(long long frame)
{
    return (size_t)((frame + SLOTS) % SLOTS);
}

// Sums of 2 * reach + 1 neighbours, in place; at the ends the last one stands for those beyond.
static void sum_neighbours(struct ta_sound_hiss *h, float *x, size_t reach)
{
    size_t n = h->bins, width = 2 * reach + 1;
    float *wide = h->even;
    memcpy(wide + reach, x, n * sizeof(float));
    for (size_t i = 0; i < reach; i++) {
        wide[i] = x[0];
        wide[n + reach + i] = x[n - 1];
    }
    h->dsp->filter(x, wide, h->ones, width, n);
}

// The first gains of frame `at`, into its slot of h->snr, by what is around each bin: 5 frames of 5 bins, or
// many bins of the frame itself where these have more, as consonants and all that is struck.
static void look(struct ta_sound_hiss *h, long long at)
{
    memset(h->around, 0, h->bins * sizeof(float));
    for (long long i = at - 2; i <= at + 2; i++)
        h->dsp->accumulate(h->around, h->powers[slot_of(TA_MAX(i, 0))], 1.0f / 25, h->bins);
    sum_neighbours(h, h->around, 2);
    memset(h->wide, 0, h->bins * sizeof(float));
    h->dsp->accumulate(h->wide, h->powers[slot_of(at)], 1.0f / (2 * WIDE + 1), h->bins);
    sum_neighbours(h, h->wide, WIDE);
    for (size_t i = 0; i < h->bins; i++)
        h->around[i] = TA_MAX(h->around[i], h->wide[i]);
    h->dsp->first(h->snr[at % 3], h->last, h->powers[slot_of(at)], h->around, h->hiss, &h->settings, h->bins);
}

// What is left of frame `at`, each bin a tenth of the way to its neighbours of 3 frames and 3 bins, into
// h->around.
static void look_around(struct ta_sound_hiss *h, long long at)
{
    if (!at)
        look(h, 0);
    look(h, at + 1);
    memset(h->wide, 0, h->bins * sizeof(float));
    for (long long i = at - 1; i <= at + 1; i++)
        h->dsp->accumulate(h->wide, h->snr[TA_MAX(i, 0) % 3], i == at ? 0.8f : 0.1f, h->bins);
    memset(h->around, 0, h->bins * sizeof(float));
    h->dsp->accumulate(h->around, h->wide, 0.1f, h->bins);
    sum_neighbours(h, h->around, 1);
    h->dsp->accumulate(h->around, h->wide, 0.7f, h->bins);
}

static void give(struct ta_sound_hiss *h, long long at)
{
    size_t slot = slot_of(at);
    look_around(h, at);
    h->dsp->last(h->gains, h->around, &h->settings, h->bins);
    for (int c = 0; c < h->channels; c++) {
        memcpy(h->work, h->spectra[slot][c], h->bins * sizeof *h->work);
        h->dsp->apply(&h->work[0].re, h->gains, h->bins);
        h->backward(h->from_bins, h->frame, h->work, sizeof *h->work);
        h->dsp->multiply(h->frame, h->frame, h->window, h->size);
        h->dsp->accumulate(h->out[c], h->frame, 1, h->size);
    }
}

static bool is_silent(const struct ta_sound_hiss *h, float *const *planes)
{
    for (int c = 0; c < h->channels; c++)
        for (size_t i = 0; i < h->hop; i++)
            if (fabsf(planes[c][i]) > 1e-7f)
                return false;
    return true;
}

static void process(void *self, float *const *planes)
{
    struct ta_sound_hiss *h = self;
    size_t kept = h->size - h->hop, slot = slot_of(h->count);
    memset(h->powers[slot], 0, h->bins * sizeof(float));
    for (int c = 0; c < h->channels; c++) {
        memmove(h->recent[c], h->recent[c] + h->hop, kept * sizeof(float));
        memcpy(h->recent[c] + kept, planes[c], h->hop * sizeof(float));
        h->dsp->multiply(h->frame, h->recent[c], h->window, h->size);
        h->forward(h->to_bins, h->spectra[slot][c], h->frame, sizeof(float));
        h->dsp->power(h->powers[slot], &h->spectra[slot][c][0].re, h->bins);
    }
    // Digital silence, before the start and after the end too, says nothing of noise.
    h->sounding = is_silent(h, planes) ? 0 : h->sounding + 1;
    if (h->sounding >= OVERLAP)
        track(h, h->powers[slot]);
    if (h->count >= AHEAD && (h->count - AHEAD) % EVEN == 0)
        even_out(h);
    if (h->count >= AHEAD)
        give(h, h->count - AHEAD);
    for (int c = 0; c < h->channels; c++) {
        memcpy(planes[c], h->out[c], h->hop * sizeof(float));
        memmove(h->out[c], h->out[c] + h->hop, kept * sizeof(float));
        memset(h->out[c] + kept, 0, h->hop * sizeof(float));
    }
    h->count++;
}

static void make_bands(struct ta_sound_hiss *h)
{
    size_t from = 0;
    for (h->bands = 0; from < h->bins && h->bands < MOST_BANDS; h->bands++) {
        size_t width = TA_MAX(BAND, from / 6), left = h->bins - from;
        h->edges[h->bands] = from;
        from += left < 2 * width ? left : width;
    }
    h->edges[h->bands] = from;
}

static void make_planes(struct ta_sound_hiss *h)
{
    float **own[] = {&h->smooth, &h->even, &h->least, &h->before, &h->noise,
                     &h->hiss,   &h->last, &h->gains, &h->around, &h->wide};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        *own[i] = ta_sound_alloc(h->bins + 2 * (size_t)WIDE, sizeof(float));
    for (int k = 0; k < PARTS; k++)
        h->parts[k] = ta_sound_alloc(h->bins, sizeof(float));
    for (size_t i = 0; i < h->bins; i++) {
        h->least[i] = h->before[i] = INFINITY;
        for (int k = 0; k < PARTS; k++)
            h->parts[k][i] = INFINITY;
    }
    h->spectra = ta_xcalloc(SLOTS, sizeof *h->spectra);
    for (int i = 0; i < SLOTS; i++) {
        h->spectra[i] = ta_xcalloc((size_t)h->channels, sizeof **h->spectra);
        for (int c = 0; c < h->channels; c++)
            h->spectra[i][c] = ta_sound_alloc(h->bins, sizeof ***h->spectra);
    }
    h->snr = ta_sound_planes(3, h->bins);
    h->powers = ta_sound_planes(SLOTS, h->bins);
    h->work = ta_sound_alloc(h->bins, sizeof *h->work);
    h->window = ta_sound_alloc(h->size, sizeof(float));
    h->frame = ta_sound_alloc(h->size, sizeof(float));
    h->recent = ta_sound_planes(h->channels, h->size);
    h->out = ta_sound_planes(h->channels, h->size);
    // The root, once on the way in and once on the way out: four frames add up to 2.
    for (size_t i = 0; i < h->size; i++)
        h->window[i] = (float)sqrt(0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)h->size));
}

struct ta_sound_hiss *ta_sound_hiss_create(const struct ta_sound_hiss_params *params, int rate, int channels)
{
    if (!ta_sound_takes(rate, channels))
        return NULL;
    struct ta_sound_hiss *h = ta_xcalloc(1, sizeof *h);
    h->dsp = ta_sound_dsp();
    h->channels = channels;
    h->size = 128;
    while ((double)h->size < 0.03 * rate)
        h->size *= 2;
    h->hop = h->size / OVERLAP;
    h->bins = h->size / 2 + 1;
    h->hertz = (double)rate / (double)h->size;
    make_bands(h);
    make_planes(h);
    ta_sound_block_init(&h->block, h->hop, channels);
    double floor = TA_MIN(TA_MAX(params->reduction_db, 0), 60);
    double strength = params->strength > 0 ? TA_MIN(params->strength, 4) : 1;
    for (size_t i = 0; i < TA_COUNT(h->ones); i++)
        h->ones[i] = 1;
    h->settings = (struct ta_sound_gains){0.92f, 0.003f, (float)pow(10, -floor / 20), (float)strength};
    float scale = 1, back = 1 / (float)h->size / 2;
    if (av_tx_init(&h->to_bins, &h->forward, AV_TX_FLOAT_RDFT, 0, (int)h->size, &scale, 0) < 0 ||
        av_tx_init(&h->from_bins, &h->backward, AV_TX_FLOAT_RDFT, 1, (int)h->size, &back, 0) < 0)
        ta_sound_hiss_destroy(&h);
    return h;
}

void ta_sound_hiss_destroy(struct ta_sound_hiss **hiss)
{
    struct ta_sound_hiss *h = *hiss;
    if (!h)
        return;
    ta_sound_block_release(&h->block);
    av_tx_uninit(&h->to_bins);
    av_tx_uninit(&h->from_bins);
    for (int i = 0; i < SLOTS; i++) {
        for (int c = 0; c < h->channels; c++)
            free(h->spectra[i][c]);
        free(h->spectra[i]);
    }
    void *own[] = {h->spectra, h->powers, h->work,  h->window, h->frame,  h->recent,
                   h->out,     h->smooth, h->even,  h->least,  h->before, h->noise,
                   h->hiss,    h->last,   h->gains, h->around, h->wide,   h->snr};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        free(own[i]);
    for (int k = 0; k < PARTS; k++)
        free(h->parts[k]);
    ta_freep(hiss);
}

void ta_sound_hiss_run(struct ta_sound_hiss *hiss, float *const *planes, size_t samples)
{
    ta_sound_block_run(&hiss->block, planes, samples, process, hiss);
}

size_t ta_sound_hiss_latency(const struct ta_sound_hiss *hiss)
{
    return hiss->size + AHEAD * hiss->hop;
}

size_t ta_sound_hiss_reach(const struct ta_sound_hiss *hiss)
{
    return (size_t)(PARTS * PART) * 2 * hiss->hop;
}
