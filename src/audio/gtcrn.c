// GTCRN as a stage: a small network at 16 kHz, frame by frame, with its state. What is higher than 8 kHz
// goes.
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/tx.h>

#include <terminalai/error.h>

#include "audio/stages.h"
#include "audio/voice.h"
#include "base/log.h"
#include "base/mem.h"
#include "dsp/sound_block.h"

enum { RATE = 16000, HOP = 256, SIZE = 2 * HOP, BINS = SIZE / 2 + 1, FRAMES = 16, STATES = 3 };
static const double MOST_GAIN = 4; // of one answer for several channels
static const float PART = 1.f / SIZE;

static const struct ta_sound_tensor inputs[] = {{"mix", 4, {1, BINS, 1, 2}},
                                                {"conv_cache", 5, {2, 1, 16, 16, 33}},
                                                {"tra_cache", 5, {2, 3, 1, 1, 16}},
                                                {"inter_cache", 4, {2, 1, 33, 16}},
                                                {0}},
                                    outputs[] = {{"enh", 4, {1, BINS, 1, 2}},
                                                 {"conv_cache_out", 5, {2, 1, 16, 16, 33}},
                                                 {"tra_cache_out", 5, {2, 3, 1, 1, 16}},
                                                 {"inter_cache_out", 4, {2, 1, 33, 16}},
                                                 {0}};
static const int state_sizes[STATES] = {2 * 16 * 16 * 33, 2 * 3 * 16, 2 * 33 * 16};

struct channel {
    float before[HOP], rest[HOP];
    float complex *bins;
};

struct group {
    int channels;
    struct channel *each;
    AVTXContext *to_bins, *from_bins;
    av_tx_fn forward, backward;
    float *window, *frame, *work;    // SIZE
    float complex *mix, *made, *out; // BINS
    float *states[STATES][2];
};

static void destroy(void *x)
{
    struct group *g = x;
    for (int c = 0; c < g->channels; c++)
        free(g->each[c].bins);
    for (int i = 0; i < STATES; i++) {
        free(g->states[i][0]);
        free(g->states[i][1]);
    }
    av_tx_uninit(&g->to_bins);
    av_tx_uninit(&g->from_bins);
    void *own[] = {g->each, g->window, g->frame, g->work, g->mix, g->made, g->out};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        free(own[i]);
    free(g);
}

static void *create(const struct ta_sound_stage *s, int channels)
{
    struct group *g = ta_xcalloc(1, sizeof *g);
    float scale = 1, back = 1; // libavutil leaves the highest bin as it is with any other
    (void)s;
    g->channels = channels;
    g->each = ta_xcalloc((size_t)channels, sizeof *g->each);
    for (int c = 0; c < channels; c++)
        g->each[c].bins = ta_sound_alloc(BINS, sizeof(float complex));
    g->window = ta_sound_alloc(SIZE, sizeof(float));
    g->frame = ta_sound_alloc(SIZE, sizeof(float));
    g->work = ta_sound_alloc(SIZE, sizeof(float));
    g->mix = ta_sound_alloc(BINS, sizeof *g->mix);
    g->made = ta_sound_alloc(BINS, sizeof *g->made);
    g->out = ta_sound_alloc(BINS, sizeof *g->out);
    for (int i = 0; i < STATES; i++)
        for (int k = 0; k < 2; k++)
            g->states[i][k] = ta_sound_alloc((size_t)state_sizes[i], sizeof(float));
    // The root of a raised cosine, once on the way in and once on the way out.
    for (int i = 0; i < SIZE; i++)
        g->window[i] = (float)sin(M_PI * i / SIZE);
    if (av_tx_init(&g->to_bins, &g->forward, AV_TX_FLOAT_RDFT, 0, SIZE, &scale, 0) < 0 ||
        av_tx_init(&g->from_bins, &g->backward, AV_TX_FLOAT_RDFT, 1, SIZE, &back, 0) < 0) {
        destroy(g);
        return NULL;
    }
    return g;
}

static void hear(struct group *g, struct channel *c, const float *hop)
{
    for (int i = 0; i < HOP; i++) {
        g->frame[i] = c->before[i] * g->window[i];
        g->frame[HOP + i] = hop[i] * g->window[HOP + i];
        c->before[i] = hop[i];
    }
    g->forward(g->to_bins, c->bins, g->frame, sizeof(float));
}

static void give(struct group *g, struct channel *c, float keep, float *hop)
{
    for (int k = 0; k < BINS; k++) {
        float complex made = g->made[k];
        if (g->channels > 1) {
            // What the answer did to the sum is done to each.
            float complex mix = g->mix[k], gain = cabsf(mix) > 1e-9f ? made / mix : 0;
            float size = cabsf(gain);
            made = c->bins[k] * (size > (float)MOST_GAIN ? gain * ((float)MOST_GAIN / size) : gain);
        }
        g->out[k] = c->bins[k] * keep + made * (1 - keep);
    }
    g->backward(g->from_bins, g->work, g->out, sizeof(float complex));
    for (int i = 0; i < HOP; i++) {
        hop[i] = c->rest[i] + g->work[i] * g->window[i] * PART;
        c->rest[i] = g->work[HOP + i] * g->window[HOP + i] * PART;
    }
}

static int ask(struct group *g, struct ta_sound_network *n, struct ta_log *log)
{
    ta_sound_network_in(n, 0)->data = (float *)g->mix;
    ta_sound_network_out(n, 0)->data = (float *)g->made;
    for (int i = 0; i < STATES; i++) {
        float *before = g->states[i][0], *after = g->states[i][1];
        ta_sound_network_in(n, 1 + i)->data = before;
        ta_sound_network_out(n, 1 + i)->data = after;
        g->states[i][0] = after;
        g->states[i][1] = before;
    }
    return ta_sound_network_run(n, log);
}

static int process(void *x, struct ta_sound_network *networks, float *const *planes, float keep,
                   struct ta_log *log)
{
    struct group *g = x;
    int err = 0;
    for (int t = 0; t < FRAMES && err >= 0; t++) {
        memset(g->mix, 0, BINS * sizeof *g->mix);
        for (int c = 0; c < g->channels; c++) {
            hear(g, &g->each[c], planes[c] + (ptrdiff_t)t * HOP);
            for (int k = 0; k < BINS; k++)
                g->mix[k] += g->each[c].bins[k] / (float)g->channels;
        }
        err = ask(g, networks, log);
        for (int c = 0; c < g->channels && err >= 0; c++)
            give(g, &g->each[c], keep, planes[c] + (ptrdiff_t)t * HOP);
    }
    return err;
}

static const struct ta_sound_voice_info voice = {.rate = RATE,
                                                 .block = FRAMES * HOP,
                                                 .delay = HOP,
                                                 .create = create,
                                                 .process = process,
                                                 .destroy = destroy};

// ---- the stage ----

static const struct ta_opt options[] = {TA_SOUND_VOICE_OPTIONS, TA_SOUND_NETWORK_FILE(0, ""), {0}};

TA_SOUND_VOICE_IN_ENGINE("gtcrn", 1)

static int init(struct ta_sound_stage *s)
{
    int err = ta_sound_voice_init(s, &voice);
    return err < 0 ? err : ta_sound_network_open(ta_sound_voice_network(s, 0), s, 0, inputs, outputs);
}

const struct ta_sound_stage_info ta_sound_gtcrn = {
    .name = "denoise.gtcrn",
    .summary = "voices out of any noise, by the network GTCRN at 16 kHz: nothing above 8 kHz is left",
    .runtime = ta_sound_network_runtime,
    TA_SOUND_VOICE_STAGE,
};
