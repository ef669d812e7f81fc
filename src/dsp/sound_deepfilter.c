#include "dsp/sound_deepfilter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/tx.h>

#include "base/mem.h"
#include "dsp/sound_block.h"

enum {
    HOP = TA_DEEPFILTER_HOP,
    SIZE = 2 * HOP,
    BINS = TA_DEEPFILTER_BINS,
    BANDS = TA_DEEPFILTER_BANDS,
    LOW = TA_DEEPFILTER_LOW,
    ORDER = TA_DEEPFILTER_ORDER,
    STEP = (BINS + 15) / 16 * 16, // so that each is aligned
};

// Equal steps on the scale of equivalent rectangular bandwidths, two bins at least: what the networks were
// trained with.
const int ta_deepfilter_widths[BANDS] = {2, 2, 2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  5,  5,  7,
                                         7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67};

// Shares of a frame in the slow means, a second long; the features' scales and starting points.
static const float NEW = 0.01f, OLD = 0.99f, BAND_SCALE = 1.f / 40, POWER_FLOOR = 1e-10f;
// Spectra as the networks know them: the sums over a frame by its length.
static const float PART = 1.f / SIZE;
static const float BANDS_FIRST = -60, BANDS_LAST = -90, BINS_FIRST = 1e-3f, BINS_LAST = 1e-4f;

struct ta_deepfilter {
    AVTXContext *to_bins, *from_bins;
    av_tx_fn forward, backward;
    float *window, *frame, *work; // SIZE
    float *before, *rest;         // HOP: the last hop heard, what of the last frame comes next
    float complex *spectra;       // frame t at (t % ring) * STEP
    int ring;
    int64_t heard, made;          // frames
    float complex *bins, *turned; // of the frame that is made; BINS
};

void ta_deepfilter_memory_init(struct ta_deepfilter_memory *m)
{
    for (int i = 0; i < BANDS; i++)
        m->bands[i] = BANDS_FIRST + (BANDS_LAST - BANDS_FIRST) * (float)i / (BANDS - 1);
    for (int i = 0; i < LOW; i++)
        m->bins[i] = BINS_FIRST + (BINS_LAST - BINS_FIRST) * (float)i / (LOW - 1);
}

void ta_deepfilter_features(struct ta_deepfilter_memory *m, const float complex *bins, float *bands,
                            float *real, float *imag)
{
    const float *x = (const float *)bins;
    for (int b = 0, k = 0; b < BANDS; b++) {
        float sum = 0;
        for (int end = k + ta_deepfilter_widths[b]; k < end; k++)
            sum += x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1];
        float level = 10 * log10f(sum / (float)ta_deepfilter_widths[b] + POWER_FLOOR);
        m->bands[b] = level * NEW + m->bands[b] * OLD;
        bands[b] = (level - m->bands[b]) * BAND_SCALE;
    }
    for (int k = 0; k < LOW; k++) {
        float size = sqrtf(x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1]);
        m->bins[k] = size * NEW + m->bins[k] * OLD;
        float scale = m->bins[k] > 1e-20f ? 1 / sqrtf(m->bins[k]) : 0;
        real[k] = x[2 * k] * scale;
        imag[k] = x[2 * k + 1] * scale;
    }
}

struct ta_deepfilter *ta_deepfilter_create(int frames)
{
    struct ta_deepfilter *d = ta_xcalloc(1, sizeof *d);
    d->window = ta_sound_alloc(SIZE, sizeof(float));
    d->frame = ta_sound_alloc(SIZE, sizeof(float));
    d->work = ta_sound_alloc(SIZE, sizeof(float));
    d->before = ta_sound_alloc(HOP, sizeof(float));
    d->rest = ta_sound_alloc(HOP, sizeof(float));
    d->ring = frames + ORDER;
    d->spectra = ta_sound_alloc((size_t)d->ring * STEP, sizeof(float complex));
    d->bins = ta_sound_alloc(BINS, sizeof(float complex));
    d->turned = ta_sound_alloc(BINS, sizeof(float complex));
    // Its square is even with itself half a frame later.
    for (int i = 0; i < SIZE; i++) {
        double s = sin(M_PI * (i + 0.5) / SIZE);
        d->window[i] = (float)sin(M_PI / 2 * s * s);
    }
    float scale = 1, back = 1; // libavutil leaves the highest bin as it is with any other
    if (av_tx_init(&d->to_bins, &d->forward, AV_TX_FLOAT_RDFT, 0, SIZE, &scale, 0) < 0 ||
        av_tx_init(&d->from_bins, &d->backward, AV_TX_FLOAT_RDFT, 1, SIZE, &back, 0) < 0)
        ta_deepfilter_destroy(&d);
    return d;
}

void ta_deepfilter_destroy(struct ta_deepfilter **deepfilter)
{
    struct ta_deepfilter *d = *deepfilter;
    if (!d)
        return;
    av_tx_uninit(&d->to_bins);
    av_tx_uninit(&d->from_bins);
    free(d->window);
    free(d->frame);
    free(d->work);
    free(d->before);
    free(d->rest);
    free(d->spectra);
    free(d->bins);
    free(d->turned);
    ta_freep(deepfilter);
}

// Frames before the first are silent.
static float complex *frame_at(const struct ta_deepfilter *d, int64_t t)
{
    return d->spectra + (t + d->ring) % d->ring * STEP;
}

const float complex *ta_deepfilter_hear(struct ta_deepfilter *d, const float *hop)
{
    float complex *bins = frame_at(d, d->heard++);
    for (int i = 0; i < HOP; i++) {
        d->frame[i] = d->before[i] * d->window[i] * PART;
        d->frame[HOP + i] = hop[i] * d->window[HOP + i] * PART;
        d->before[i] = hop[i];
    }
    d->forward(d->to_bins, bins, d->frame, sizeof(float));
    return bins;
}

static void filter(const struct ta_deepfilter *d, const float *const *around, const float *filters)
{
    float *to = (float *)d->bins;
    for (int k = 0; k < LOW; k++) {
        float re = 0, im = 0;
        for (int i = 0; i < ORDER; i++) {
            const float *x = around[i] + (ptrdiff_t)2 * k, *c = filters + (ptrdiff_t)2 * (k * ORDER + i);
            re += x[0] * c[0] - x[1] * c[1];
            im += x[0] * c[1] + x[1] * c[0];
        }
        to[2 * k] = re;
        to[2 * k + 1] = im;
    }
}

void ta_deepfilter_make(struct ta_deepfilter *d, const float *gains, const float *filters, float keep,
                        float *hop)
{
    const float *around[ORDER], *x;
    float *to = (float *)d->bins;
    int64_t t = d->made++;
    if (!gains) {
        memset(hop, 0, HOP * sizeof *hop);
        return;
    }
    for (int i = 0; i < ORDER; i++)
        around[i] = (const float *)frame_at(d, t - (ORDER - 1) + i);
    x = around[ORDER - 1 - TA_DEEPFILTER_AHEAD];
    for (int b = 0, k = 0; b < BANDS; b++)
        for (int end = k + ta_deepfilter_widths[b]; k < end; k++) {
            to[2 * k] = x[2 * k] * gains[b];
            to[2 * k + 1] = x[2 * k + 1] * gains[b];
        }
    filter(d, around, filters);
    for (int i = 0; i < 2 * BINS && keep > 0; i++)
        to[i] = x[i] * keep + to[i] * (1 - keep);
    memcpy(d->turned, d->bins, BINS * sizeof *d->bins);
    d->backward(d->from_bins, d->work, d->turned, sizeof(float complex));
    for (int i = 0; i < HOP; i++) {
        hop[i] = d->rest[i] + d->work[i] * d->window[i];
        d->rest[i] = d->work[HOP + i] * d->window[HOP + i];
    }
}
