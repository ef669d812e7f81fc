// DeepFilterNet3 as a stage: its four networks in their streaming form, whose state goes from block to block,
// so that blocks change nothing. The feature chain around them is dsp/sound_deepfilter.h.
//
// The first network takes three frames and answers for the last of them. The others take a block. The last
// one adds two terms, of which one depends on four frames before, and the other has a state: each is asked
// for alone, the other being the same each time, so that no frame of a block is worked on twice.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/stages.h"
#include "audio/voice.h"
#include "base/log.h"
#include "base/mem.h"
#include "dsp/sound_block.h"
#include "dsp/sound_deepfilter.h"

enum {
    FRAMES = 50, // of a block
    HOP = TA_DEEPFILTER_HOP,
    BANDS = TA_DEEPFILTER_BANDS,
    LOW = TA_DEEPFILTER_LOW,
    WINDOW = 3,  // frames that the first network takes
    BEFORE = 4,  // frames before one that have a say in its filters
    MAPS = 64,   // of what goes from network to network
    HEARD = 256, // numbers that it makes of a frame,
    KNOWN = 512, // and of these, what it remembers taken in
    STATE = 256,
    FILTERS = LOW * TA_DEEPFILTER_ORDER * 2,
    SKIPS = 4, // maps that go past the middle
};

static const int skip_widths[SKIPS] = {32, 16, 8, 8};

enum { CONV, GRU, GAINS, DEEP };

static const struct ta_sound_tensor conv_in[] = {{"feat_erb", 4, {1, 1, WINDOW, BANDS}},
                                                 {"feat_spec", 4, {1, 2, WINDOW, LOW}},
                                                 {0}},
                                    conv_out[] = {{"e0", 4, {1, MAPS, 1, 32}},
                                                  {"e1", 4, {1, MAPS, 1, 16}},
                                                  {"e2", 4, {1, MAPS, 1, 8}},
                                                  {"e3", 4, {1, MAPS, 1, 8}},
                                                  {"c0", 4, {1, MAPS, 1, LOW}},
                                                  {"emb", 3, {1, 1, HEARD}},
                                                  {0}};
static const struct ta_sound_tensor gru_in[] = {{"emb", 3, {1, 0, HEARD}}, {"h0", 3, {1, 1, STATE}}, {0}},
                                    gru_out[] = {{"emb_out", 3, {1, 0, KNOWN}},
                                                 {"lsnr", 3, {1, 0, 1}},
                                                 {"h1", 3, {1, 1, STATE}},
                                                 {0}};
static const struct ta_sound_tensor gains_in[] = {{"emb", 3, {1, 0, KNOWN}},
                                                  {"e3", 4, {1, MAPS, 0, 8}},
                                                  {"e2", 4, {1, MAPS, 0, 8}},
                                                  {"e1", 4, {1, MAPS, 0, 16}},
                                                  {"e0", 4, {1, MAPS, 0, 32}},
                                                  {"erb_h0", 3, {2, 1, STATE}},
                                                  {0}},
                                    gains_out[] = {
                                        {"m", 4, {1, 1, 0, BANDS}}, {"erb_h1", 3, {2, 1, STATE}}, {0}};
static const struct ta_sound_tensor deep_in[] = {{"emb", 3, {1, 0, KNOWN}},
                                                 {"c0", 4, {1, MAPS, 0, LOW}},
                                                 {"df_h0", 3, {2, 1, STATE}},
                                                 {0}},
                                    deep_out[] = {{"coefs", 4, {1, 0, LOW, 2 * TA_DEEPFILTER_ORDER}},
                                                  {"235", 3, {1, 0, 1}},
                                                  {"df_h1", 3, {2, 1, STATE}},
                                                  {0}};

// What one answer is for.
struct group {
    int channels;
    struct ta_deepfilter **spectra; // of each channel
    struct ta_deepfilter_memory memory;
    int64_t frames; // heard so far
    float complex *sum;
    // Features: WINDOW - 1 frames of the block before, then those of this one.
    float *bands, *low[2];
    float *window[2];                                     // of the first network
    float *skip[SKIPS], *one[SKIPS], *low_one, *low_maps; // low_maps: BEFORE frames of the block before first
    float *heard, *known, *level, *gains, *by_state, *by_frames, *neither;
    float *states[3][2]; // of the networks with one, before and after a block
    float *nothing;      // zeros, as many as the largest input has
    bool has_neither;
};

static void destroy(void *x)
{
    struct group *g = x;
    for (int c = 0; c < g->channels; c++)
        ta_deepfilter_destroy(&g->spectra[c]);
    void *own[] = {g->spectra,   g->sum,      g->bands,     g->low[0],  g->low[1], g->window[0],
                   g->window[1], g->low_one,  g->low_maps,  g->heard,   g->known,  g->level,
                   g->gains,     g->by_state, g->by_frames, g->neither, g->nothing};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        free(own[i]);
    for (int i = 0; i < SKIPS; i++) {
        free(g->skip[i]);
        free(g->one[i]);
    }
    for (int i = 0; i < 3; i++) {
        free(g->states[i][0]);
        free(g->states[i][1]);
    }
    free(g);
}

static float *numbers(size_t count)
{
    return ta_sound_alloc(count, sizeof(float));
}

static void *create(const struct ta_sound_stage *s, int channels)
{
    (void)s;
    struct group *g = ta_xcalloc(1, sizeof *g);
    bool transforms = true;
    g->channels = channels;
    g->spectra = ta_xcalloc((size_t)channels, sizeof *g->spectra);
    for (int c = 0; c < channels; c++)
        transforms &= (g->spectra[c] = ta_deepfilter_create(FRAMES)) != NULL;
    ta_deepfilter_memory_init(&g->memory);
    g->sum = ta_sound_alloc(TA_DEEPFILTER_BINS, sizeof *g->sum);
    g->bands = numbers((FRAMES + WINDOW) * BANDS);
    for (int i = 0; i < 2; i++)
        g->low[i] = numbers((FRAMES + WINDOW) * LOW);
    g->window[0] = numbers(WINDOW * BANDS);
    g->window[1] = numbers(WINDOW * LOW * 2);
    for (int i = 0; i < SKIPS; i++) {
        g->skip[i] = numbers((size_t)MAPS * FRAMES * (size_t)skip_widths[i]);
        g->one[i] = numbers((size_t)MAPS * (size_t)skip_widths[i]);
    }
    g->low_one = numbers(MAPS * LOW);
    g->low_maps = numbers(MAPS * (FRAMES + BEFORE) * LOW);
    g->heard = numbers(FRAMES * HEARD);
    g->known = numbers(FRAMES * KNOWN);
    g->level = numbers(FRAMES + BEFORE);
    g->gains = numbers(FRAMES * BANDS);
    g->by_state = numbers(FRAMES * FILTERS);
    g->by_frames = numbers((FRAMES + BEFORE) * FILTERS);
    g->neither = numbers(FILTERS);
    g->nothing = numbers(MAPS * LOW);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            g->states[i][k] = numbers(2 * STATE);
    if (!transforms) {
        destroy(g);
        return NULL;
    }
    return g;
}

// ---- hearing ----

static void features(struct group *g, int row, const float complex *const *bins)
{
    const float complex *all = bins[0];
    if (g->channels > 1) {
        all = g->sum;
        for (int k = 0; k < TA_DEEPFILTER_BINS; k++) {
            float complex sum = 0;
            for (int c = 0; c < g->channels; c++)
                sum += bins[c][k];
            g->sum[k] = sum / (float)g->channels;
        }
    }
    float *bands = g->bands + (ptrdiff_t)row * BANDS, *re = g->low[0] + (ptrdiff_t)row * LOW,
          *im = g->low[1] + (ptrdiff_t)row * LOW;
    ta_deepfilter_features(&g->memory, all, bands, re, im);
    // The networks begin with the first frame that they look ahead to.
    if (g->frames++ < TA_DEEPFILTER_AHEAD) {
        memset(bands, 0, BANDS * sizeof *bands);
        memset(re, 0, LOW * sizeof *re);
        memset(im, 0, LOW * sizeof *im);
    }
}

static void hear(struct group *g, float *const *planes)
{
    const float complex *bins[TA_SOUND_CHANNELS];
    enum { KEPT = WINDOW - 1 };
    memmove(g->bands, g->bands + (ptrdiff_t)FRAMES * BANDS, (size_t)KEPT * BANDS * sizeof(float));
    for (int i = 0; i < 2; i++)
        memmove(g->low[i], g->low[i] + (ptrdiff_t)FRAMES * LOW, (size_t)KEPT * LOW * sizeof(float));
    for (int t = 0; t < FRAMES; t++) {
        for (int c = 0; c < g->channels; c++)
            bins[c] = ta_deepfilter_hear(g->spectra[c], planes[c] + (ptrdiff_t)t * HOP);
        features(g, KEPT + t, bins);
    }
}

// ---- networks ----

static struct ta_tensor *put(struct ta_tensor *t, float *data, int side, int frames)
{
    t->data = data;
    if (side >= 0)
        t->dim[side] = frames;
    return t;
}

// From the maps of one frame to place t of those of `frames`.
static void take_maps(float *to, const float *from, int width, int frames, int t)
{
    for (int m = 0; m < MAPS; m++)
        memcpy(to + ((ptrdiff_t)m * frames + t) * width, from + (ptrdiff_t)m * width,
               (size_t)width * sizeof *to);
}

// Frames first..FRAMES-1 of the block, one by one.
static int run_conv(struct group *g, struct ta_sound_network *n, int first, struct ta_log *log)
{
    int frames = FRAMES - first, err = 0;
    put(ta_sound_network_in(n, 0), g->window[0], -1, 0);
    put(ta_sound_network_in(n, 1), g->window[1], -1, 0);
    for (int i = 0; i < SKIPS; i++)
        put(ta_sound_network_out(n, i), g->one[i], -1, 0);
    put(ta_sound_network_out(n, SKIPS), g->low_one, -1, 0);
    // What the block before has left of the maps lies at their end.
    for (int t = first; t < FRAMES && err >= 0; t++) {
        memcpy(g->window[0], g->bands + (ptrdiff_t)t * BANDS, (size_t)WINDOW * BANDS * sizeof(float));
        for (int i = 0; i < 2; i++)
            memcpy(g->window[1] + (ptrdiff_t)i * WINDOW * LOW, g->low[i] + (ptrdiff_t)t * LOW,
                   (size_t)WINDOW * LOW * sizeof(float));
        put(ta_sound_network_out(n, SKIPS + 1), g->heard + (ptrdiff_t)(t - first) * HEARD, -1, 0);
        err = ta_sound_network_run(n, log);
        for (int i = 0; i < SKIPS; i++)
            take_maps(g->skip[i], g->one[i], skip_widths[i], frames, t - first);
        take_maps(g->low_maps, g->low_one, LOW, FRAMES + BEFORE, BEFORE + t);
    }
    return err;
}

static void swap_state(struct group *g, int which)
{
    float *before = g->states[which][0];
    g->states[which][0] = g->states[which][1];
    g->states[which][1] = before;
}

static int run_gru(struct group *g, struct ta_sound_network *n, int frames, struct ta_log *log)
{
    put(ta_sound_network_in(n, 0), g->heard, 1, frames);
    put(ta_sound_network_in(n, 1), g->states[0][0], -1, 0);
    put(ta_sound_network_out(n, 0), g->known, 1, frames);
    put(ta_sound_network_out(n, 1), g->level, 1, frames);
    put(ta_sound_network_out(n, 2), g->states[0][1], -1, 0);
    swap_state(g, 0);
    return ta_sound_network_run(n, log);
}

static int run_gains(struct group *g, struct ta_sound_network *n, int frames, struct ta_log *log)
{
    put(ta_sound_network_in(n, 0), g->known, 1, frames);
    for (int i = 0; i < SKIPS; i++)
        put(ta_sound_network_in(n, 1 + i), g->skip[SKIPS - 1 - i], 2, frames);
    put(ta_sound_network_in(n, SKIPS + 1), g->states[1][0], -1, 0);
    put(ta_sound_network_out(n, 0), g->gains, 2, frames);
    put(ta_sound_network_out(n, 1), g->states[1][1], -1, 0);
    swap_state(g, 1);
    return ta_sound_network_run(n, log);
}

// Of `known` frames of state and `maps` frames of maps, of which one is 1 or both are.
static int ask_deep(struct group *g, struct ta_sound_network *n, float *known, int known_frames, float *maps,
                    int map_frames, float *filters, struct ta_log *log)
{
    bool real = known != g->nothing;
    put(ta_sound_network_in(n, 0), known, 1, known_frames);
    put(ta_sound_network_in(n, 1), maps, 2, map_frames);
    put(ta_sound_network_in(n, 2), real ? g->states[2][0] : g->nothing, -1, 0);
    put(ta_sound_network_out(n, 0), filters, 1, TA_MAX(known_frames, map_frames));
    put(ta_sound_network_out(n, 1), g->level, 1, known_frames);
    put(ta_sound_network_out(n, 2), real ? g->states[2][1] : g->known, -1, 0);
    if (real)
        swap_state(g, 2);
    return ta_sound_network_run(n, log);
}

// by_state becomes the filters of the frames from `first` on.
static int run_deep(struct group *g, struct ta_sound_network *n, int first, struct ta_log *log)
{
    int frames = FRAMES - first;
    int err = ask_deep(g, n, g->known, frames, g->nothing, 1, g->by_state, log);
    if (err >= 0)
        err = ask_deep(g, n, g->nothing, 1, g->low_maps, FRAMES + BEFORE, g->by_frames, log);
    if (err >= 0 && !g->has_neither)
        err = ask_deep(g, n, g->nothing, 1, g->nothing, 1, g->neither, log);
    if (err < 0)
        return err;
    g->has_neither = true;
    for (int t = 0; t < frames; t++) {
        float *to = g->by_state + (ptrdiff_t)t * FILTERS;
        const float *more = g->by_frames + (ptrdiff_t)(BEFORE + first + t) * FILTERS;
        for (int i = 0; i < FILTERS; i++)
            to[i] += more[i] - g->neither[i];
    }
    return 0;
}

// The last frames of the maps come before the next block's.
static void keep_maps(struct group *g)
{
    for (int m = 0; m < MAPS; m++) {
        float *map = g->low_maps + (ptrdiff_t)m * (FRAMES + BEFORE) * LOW;
        memmove(map, map + (ptrdiff_t)FRAMES * LOW, (size_t)BEFORE * LOW * sizeof *map);
    }
}

static int process(void *x, struct ta_sound_network *networks, float *const *planes, float keep,
                   struct ta_log *log)
{
    struct group *g = x;
    int first = g->frames < TA_DEEPFILTER_AHEAD ? TA_DEEPFILTER_AHEAD : 0, frames = FRAMES - first;
    hear(g, planes);
    int err = run_conv(g, &networks[CONV], first, log);
    if (err >= 0)
        err = run_gru(g, &networks[GRU], frames, log);
    if (err >= 0)
        err = run_gains(g, &networks[GAINS], frames, log);
    if (err >= 0)
        err = run_deep(g, &networks[DEEP], first, log);
    if (err < 0)
        return err;
    keep_maps(g);
    for (int c = 0; c < g->channels; c++)
        for (int t = 0; t < FRAMES; t++) {
            bool answered = t >= first;
            ta_deepfilter_make(g->spectra[c], answered ? g->gains + (ptrdiff_t)(t - first) * BANDS : NULL,
                               answered ? g->by_state + (ptrdiff_t)(t - first) * FILTERS : NULL, keep,
                               planes[c] + (ptrdiff_t)t * HOP);
        }
    return 0;
}

static const struct ta_sound_voice_info voice = {.rate = TA_DEEPFILTER_RATE,
                                                 .block = FRAMES * HOP,
                                                 .delay = TA_DEEPFILTER_DELAY,
                                                 .create = create,
                                                 .process = process,
                                                 .destroy = destroy};

// ---- the stage ----

static const struct ta_opt options[] = {
    TA_SOUND_VOICE_OPTIONS,
    TA_SOUND_NETWORK_FILE(0, "-conv"),
    TA_SOUND_NETWORK_FILE(1, "-gru"),
    TA_SOUND_NETWORK_FILE(2, "-gains"),
    TA_SOUND_NETWORK_FILE(3, "-filters"),
    {0},
};

TA_SOUND_VOICE_IN_ENGINE("deepfilternet3", 4)

static int init(struct ta_sound_stage *s)
{
    static const struct ta_sound_tensor *const ins[] = {conv_in, gru_in, gains_in, deep_in}, *const outs[] = {
                                                                                                 conv_out,
                                                                                                 gru_out,
                                                                                                 gains_out,
                                                                                                 deep_out};
    int err = ta_sound_voice_init(s, &voice);
    for (int i = 0; i < 4 && err >= 0; i++)
        err = ta_sound_network_open(ta_sound_voice_network(s, i), s, i, ins[i], outs[i]);
    return err;
}

const struct ta_sound_stage_info ta_sound_deepfilter = {
    .name = "denoise.deepfilternet3",
    .summary = "voices out of any noise, by the networks of DeepFilterNet3 at 48 kHz",
    .runtime = ta_sound_network_runtime,
    TA_SOUND_VOICE_STAGE,
};
