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
    EVEN = 12,  // frames from one such time to the next
    WIDE = 18,  // bins to each side that tell what is struck
    MOVES = 12, // hops until samples are moved back to the start of their room
};

// One or two channels: gains are real and the same for both, so that two of them are transformed as one
// signal of complex numbers, which takes little more than half as long, and need not be told apart between.
struct group {
    int channels;
    AVTXContext *to_bins, *from_bins;
    av_tx_fn forward, backward;
    size_t bins;
    float *in, *out; // the last `size` samples and what is being added up, from `place` on, side by side
    AVComplexFloat *spectra[SLOTS];
};

struct ta_sound_hiss {
    const struct ta_sound_dsp *dsp;
    struct ta_sound_block block;
    int channels, group_count;
    size_t size, hop, bins, place;
    struct group *groups;
    float *window, *back, *frame; // windows on the way in and out, each value twice
    float **powers;               // SLOTS: of all channels
    float *smooth, *even, *least, *before, *noise, *hiss, *over, *last, *gains, *twice, *around, *wide, *sums,
        *fours, *sixteens;
    float **snr; // of 3 frames, after the first gains
    float *parts[PARTS];
    AVComplexFloat *work;
    struct ta_sound_gains settings;
    float strength; // that noise is taken for
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
    const float weights[] = {0.25f, 0.5f, 0.25f};
    h->even[0] = 0.5f * (power[0] + power[1]);
    h->even[n - 1] = 0.5f * (power[n - 1] + power[n - 2]);
    h->dsp->filter(h->even + 1, power, weights, 3, n - 2);
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
    for (size_t i = 0; i < h->bins; i++)
        h->over[i] = 1 / TA_MAX(h->strength * h->hiss[i], 1e-24f);
}

static size_t slot_of(long long frame)
{
    return (size_t)((frame + SLOTS) % SLOTS);
}

// Of `count` rows by their weights: the sums of 2 * reach + 1 neighbours. At the ends the last one stands for
// those beyond.
static void sum_neighbours(struct ta_sound_hiss *h, float *to, const float *const *rows, const float *weights,
                           size_t count, size_t reach)
{
    static const float ones[5] = {1, 1, 1, 1, 1};
    size_t n = h->bins;
    float *wide = h->even;
    _Static_assert(2 * WIDE + 1 == 2 * 16 + 4 + 1, "what wide sums are made of");
    h->dsp->blend(wide + reach, rows, weights, count, n);
    for (size_t i = 0; i < reach; i++) {
        wide[i] = wide[reach];
        wide[n + reach + i] = wide[n + reach - 1];
    }
    if (reach == WIDE) { // of sums of four and of sixteen
        h->dsp->add_four(h->fours, wide, 1, n + 2 * WIDE - 3);
        h->dsp->add_four(h->sixteens, h->fours, 4, n + 2 * WIDE - 15);
        h->dsp->blend(to, (const float *const[]){h->sixteens, h->sixteens + 16, h->fours + 32, wide + 36},
                      ones, 4, n);
    } else
        h->dsp->filter(to, wide, ones, 2 * reach + 1, n);
}

// The first gains of frame `at`, into its slot of h->snr, by what is around each bin: 5 frames of 5 bins, or
// many bins of the frame itself where these have more, as consonants and all that is struck.
static void look(struct ta_sound_hiss *h, long long at)
{
    static const float of_25[5] = {0.04f, 0.04f, 0.04f, 0.04f, 0.04f}, of_wide = 1.0f / (2 * WIDE + 1);
    const float *rows[5];
    for (int i = 0; i < 5; i++)
        rows[i] = h->powers[slot_of(TA_MAX(at + i - 2, 0))];
    sum_neighbours(h, h->around, rows, of_25, 5, 2);
    sum_neighbours(h, h->wide, rows + 2, &of_wide, 1, WIDE);
    h->dsp->raise(h->around, h->wide, h->bins);
    h->dsp->first(h->snr[at % 3], h->last, h->powers[slot_of(at)], h->around, h->over, &h->settings, h->bins);
}

// What is left of frame `at`, each bin a tenth of the way to its neighbours of 3 frames and 3 bins, into
// h->around.
static void look_around(struct ta_sound_hiss *h, long long at)
{
    if (!at)
        look(h, 0);
    look(h, at + 1);
    static const float in_time[3] = {0.1f, 0.8f, 0.1f}, in_bins[2] = {0.1f, 0.7f};
    const float *rows[3];
    for (int i = 0; i < 3; i++)
        rows[i] = h->snr[TA_MAX(at + i - 1, 0) % 3];
    h->dsp->blend(h->wide, rows, in_time, 3, h->bins);
    sum_neighbours(h, h->sums, (const float *const[]){h->wide}, (const float[]){1}, 1, 1);
    h->dsp->blend(h->around, (const float *const[]){h->sums, h->wide}, in_bins, 2, h->bins);
}

// The spectra of what came last, into slot `slot`.
static void take(struct ta_sound_hiss *h, float *const *planes, size_t slot)
{
    size_t kept = h->size - h->hop;
    memset(h->powers[slot], 0, h->bins * sizeof(float));
    for (int i = 0; i < h->group_count; i++) {
        struct group *g = &h->groups[i];
        size_t step = (size_t)g->channels;
        float *in = g->in + h->place * step, *bins = &g->spectra[slot][0].re;
        if (g->channels == 2)
            h->dsp->interleave(in + kept * step, planes[2 * i], planes[2 * i + 1], h->hop);
        else
            memcpy(in + kept, planes[2 * i], h->hop * sizeof(float));
        h->dsp->multiply(h->frame, in, g->channels == 2 ? h->window : h->window + 2 * h->size,
                         h->size * step);
        g->forward(g->to_bins, bins, h->frame, step * sizeof(float));
        if (g->channels == 2)
            h->dsp->power_of_pair(h->powers[slot], bins, h->size);
        else
            h->dsp->power(h->powers[slot], bins, h->bins);
    }
}

// Adds frame `at` to what comes out, with the gains that it gets.
static void give(struct ta_sound_hiss *h, long long at)
{
    size_t slot = slot_of(at);
    look_around(h, at);
    h->dsp->last(h->gains, h->around, &h->settings, h->bins);
    h->dsp->mirror(h->gains + h->bins, h->gains + 1, h->bins - 2);
    h->dsp->interleave(h->twice, h->gains, h->gains, h->size); // for real and imaginary parts
    for (int i = 0; i < h->group_count; i++) {
        struct group *g = &h->groups[i];
        size_t step = (size_t)g->channels;
        h->dsp->multiply(&h->work[0].re, &g->spectra[slot][0].re, h->twice, 2 * g->bins);
        g->backward(g->from_bins, h->frame, h->work, sizeof *h->work);
        h->dsp->add_product(g->out + h->place * step, h->frame,
                            g->channels == 2 ? h->back : h->back + 2 * h->size, h->size * step);
    }
}

// What is complete, into `planes`; then the next hop begins.
static void move_on(struct ta_sound_hiss *h, float *const *planes)
{
    size_t kept = h->size - h->hop;
    for (int i = 0; i < h->group_count; i++) {
        struct group *g = &h->groups[i];
        const float *out = g->out + h->place * (size_t)g->channels;
        if (g->channels == 2)
            h->dsp->part(planes[2 * i], planes[2 * i + 1], out, h->hop);
        else
            memcpy(planes[2 * i], out, h->hop * sizeof(float));
    }
    h->place += h->hop;
    if (h->place < MOVES * h->hop)
        return;
    for (int i = 0; i < h->group_count; i++) {
        struct group *g = &h->groups[i];
        size_t step = (size_t)g->channels, from = h->place * step, n = kept * step;
        memmove(g->in, g->in + from, n * sizeof(float));
        memmove(g->out, g->out + from, n * sizeof(float));
        memset(g->out + n, 0, MOVES * h->hop * step * sizeof(float));
    }
    h->place = 0;
}

static bool is_silent(const struct ta_sound_hiss *h, float *const *planes)
{
    for (int c = 0; c < h->channels; c++)
        if (h->dsp->most(planes[c], h->hop) > 1e-7f)
            return false;
    return true;
}

static void process(void *self, float *const *planes)
{
    struct ta_sound_hiss *h = self;
    size_t slot = slot_of(h->count);
    take(h, planes, slot);
    // Digital silence, before the start and after the end too, says nothing of noise.
    h->sounding = is_silent(h, planes) ? 0 : h->sounding + 1;
    if (h->sounding >= OVERLAP)
        track(h, h->powers[slot]);
    if (h->count >= AHEAD && (h->count - AHEAD) % EVEN == 0)
        even_out(h);
    if (h->count >= AHEAD)
        give(h, h->count - AHEAD);
    move_on(h, planes);
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
    float **own[] = {&h->smooth, &h->even, &h->least, &h->before, &h->noise, &h->hiss,    &h->last,
                     &h->around, &h->wide, &h->over,  &h->sums,   &h->fours, &h->sixteens};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        *own[i] = ta_sound_alloc(h->bins + 2 * (size_t)WIDE, sizeof(float));
    for (int k = 0; k < PARTS; k++)
        h->parts[k] = ta_sound_alloc(h->bins, sizeof(float));
    for (size_t i = 0; i < h->bins; i++) {
        h->least[i] = h->before[i] = INFINITY;
        for (int k = 0; k < PARTS; k++)
            h->parts[k][i] = INFINITY;
    }
    h->gains = ta_sound_alloc(h->size, sizeof(float));
    h->twice = ta_sound_alloc(2 * h->size, sizeof(float));
    h->snr = ta_sound_planes(3, h->bins);
    h->powers = ta_sound_planes(SLOTS, h->bins);
    h->work = ta_sound_alloc(h->size, sizeof *h->work);
    h->frame = ta_sound_alloc(2 * h->size, sizeof(float));
    h->window = ta_sound_alloc(3 * h->size, sizeof(float));
    h->back = ta_sound_alloc(3 * h->size, sizeof(float));
    // The root, once on the way in and once on the way out: four frames add up to 2. For a pair the values
    // lie in twos, behind them as they are.
    for (size_t i = 0; i < h->size; i++) {
        double root = sqrt(0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)h->size));
        h->window[2 * i] = h->window[2 * i + 1] = h->window[2 * h->size + i] = (float)root;
        h->back[2 * i] = h->back[2 * i + 1] = (float)(root / 2 / (double)h->size);
        h->back[2 * h->size + i] = (float)root;
    }
}

static bool make_groups(struct ta_sound_hiss *h)
{
    float one = 1, back = 1 / (float)h->size / 2;
    h->group_count = (h->channels + 1) / 2;
    h->groups = ta_xcalloc((size_t)h->group_count, sizeof *h->groups);
    for (int i = 0; i < h->group_count; i++) {
        struct group *g = &h->groups[i];
        g->channels = 2 * i + 1 < h->channels ? 2 : 1;
        g->bins = g->channels == 2 ? h->size : h->bins;
        size_t room = (h->size + MOVES * h->hop) * (size_t)g->channels;
        g->in = ta_sound_alloc(room, sizeof(float));
        g->out = ta_sound_alloc(room, sizeof(float));
        for (int k = 0; k < SLOTS; k++)
            g->spectra[k] = ta_sound_alloc(g->bins, sizeof **g->spectra);
        enum AVTXType type = g->channels == 2 ? AV_TX_FLOAT_FFT : AV_TX_FLOAT_RDFT;
        if (av_tx_init(&g->to_bins, &g->forward, type, 0, (int)h->size, &one, 0) < 0 ||
            av_tx_init(&g->from_bins, &g->backward, type, 1, (int)h->size, g->channels == 2 ? &one : &back,
                       0) < 0)
            return false;
    }
    return true;
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
    // The less is taken away, the less it costs to believe that something is there: 1 up to 12 dB, 0 from 24
    // on, where noise alone must be lowered whole. By the means of bench/audio's cases.
    double mild = TA_MIN(TA_MAX((24 - floor) / 12, 0), 1);
    h->settings = (struct ta_sound_gains){.keep = 0.92f,
                                          .least = 0.003f,
                                          .floor = (float)pow(10, -floor / 20),
                                          .evidence = (float)(3.2 - 0.4 * mild),
                                          .raise = (float)(2.5 - 0.6 * mild)};
    h->strength = (float)(strength * (1 - 0.08 * mild));
    if (!make_groups(h))
        ta_sound_hiss_destroy(&h);
    return h;
}

void ta_sound_hiss_destroy(struct ta_sound_hiss **hiss)
{
    struct ta_sound_hiss *h = *hiss;
    if (!h)
        return;
    ta_sound_block_release(&h->block);
    for (int i = 0; i < h->group_count; i++) {
        struct group *g = &h->groups[i];
        av_tx_uninit(&g->to_bins);
        av_tx_uninit(&g->from_bins);
        free(g->in);
        free(g->out);
        for (int k = 0; k < SLOTS; k++)
            free(g->spectra[k]);
    }
    void *own[] = {h->groups, h->powers, h->work,  h->window, h->back,     h->frame, h->smooth, h->even,
                   h->least,  h->before, h->noise, h->hiss,   h->last,     h->gains, h->twice,  h->around,
                   h->wide,   h->over,   h->sums,  h->fours,  h->sixteens, h->snr};
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
