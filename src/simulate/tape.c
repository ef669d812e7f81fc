// All per-pixel work is in 16-bit integers: the same result with any instruction set, and compilers vectorise
// it.
#include "simulate/tape.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "draw/paint.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

enum {
    WIDTH = 720,
    CHROMA_WIDTH = WIDTH / 2,
    PAD = 64, // samples of border on each side of a line
    TAPS = 13,
    PHASES = 16,           // positions of the luma filter between two pixels
    ONE = 64,              // luma filter and noise count in 1/64 code
    MOST_NOISE = 75 * ONE, // with the filter's sum of 244 * ONE * 1.72 at most, 16 bits hold it
    STOCK = 1 << 17,       // samples of noise to draw lines from
    TORN_LINES = 6,        // of a field, where the heads switch
    CHROMA_RIGHT = 1,      // delay in chroma samples
    CHROMA_LANES = 16 * ((CHROMA_WIDTH + 15) / 16),
};

struct ta_tape {
    struct ta_tape_params params;
    int16_t taps[PHASES][TAPS];
    int16_t *luma_noise, *chroma_noise; // STOCK + WIDTH + PAD samples each
};

// A small generator for one line or one stock.
static uint32_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

// Close to normal, sigma 1.
static double draw_normal(uint64_t *state)
{
    int64_t sum = 0;
    for (int i = 0; i < 6; i++)
        sum += draw(state) >> 8;
    return ((double)sum / 16777216.0 - 3) * 1.4142135623730951; // the sum of six has a variance of 1/2
}

static double low_pass(double x, double cutoff)
{
    double half = TAPS / 2 + 1.0;
    double window = fabs(x) < half ? 0.5 + 0.5 * (double)ta_sine(0.25 + 0.5 * x / half) : 0;
    double v = fabs(x) < 1e-9 ? 2 * cutoff : (double)ta_sine(cutoff * x) / (3.141592653589793 * x);
    return v * window;
}

// 3 MHz at 13.5 MHz sampling, with the overshoot of a player's sharpening, moved by phase / PHASES of a pixel
// to the right.
static void make_taps(int16_t *taps, int phase)
{
    double v[TAPS], sum = 0, error = 0;
    for (int k = 0; k < TAPS; k++) {
        double x = k - TAPS / 2 + (double)phase / PHASES;
        v[k] = 1.5 * low_pass(x, 3.0 / 13.5) - 0.5 * low_pass(x, 1.3 / 13.5);
        sum += v[k];
    }
    for (int k = 0; k < TAPS; k++) { // rounded so that the taps add up to ONE
        double wanted = v[k] / sum * ONE + error;
        taps[k] = (int16_t)floor(wanted + 0.5);
        error = wanted - taps[k];
    }
}

// White noise through a box filter `passes` times, at sigma.
static int16_t *make_noise(int box, int passes, double sigma, uint64_t seed)
{
    enum { COUNT = STOCK + WIDTH + PAD };
    double *a = ta_xcalloc(COUNT + 64, sizeof(*a));
    int16_t *out = ta_xcalloc(COUNT, sizeof(*out));
    for (int i = 0; i < COUNT + 64; i++)
        a[i] = draw_normal(&seed);
    for (int p = 0; p < passes; p++)
        for (int i = 0; i < COUNT + 64 - box; i++) {
            double sum = 0;
            for (int k = 0; k < box; k++)
                sum += a[i + k];
            a[i] = sum;
        }
    double power = 0;
    for (int i = 0; i < COUNT; i++)
        power += a[i] * a[i];
    double scale = sigma * ONE / sqrt(power / COUNT);
    for (int i = 0; i < COUNT; i++)
        out[i] = (int16_t)floor(fmax(-8000, fmin(8000, a[i] * scale)) + 0.5);
    free(a);
    return out;
}

struct ta_tape *ta_tape_create(const struct ta_tape_params *p)
{
    struct ta_tape *t = ta_xcalloc(1, sizeof(*t));
    t->params = *p;
    for (int i = 0; i < PHASES; i++)
        make_taps(t->taps[i], i);
    t->luma_noise = make_noise(2, 2, p->noise, p->seed * 2654435761u + 1);       // about 3 MHz
    t->chroma_noise = make_noise(5, 2, p->noise / 2, p->seed * 2654435761u + 2); // about 0.5 MHz
    return t;
}

void ta_tape_destroy(struct ta_tape **t)
{
    if (!*t)
        return;
    free((*t)->luma_noise);
    free((*t)->chroma_noise);
    ta_freep(t);
}

// How one line is torn.
struct line {
    int shift, phase;           // pixels and 1/PHASES of one, to the right
    int noise_from, noise_gain; // gain in quarters
    int drop_from, drop_count;  // pixels
};

static struct line line_of(const struct ta_tape *t, int64_t n, int y, int height)
{
    uint64_t state = (uint64_t)ta_hash((uint32_t)n, (uint32_t)y, t->params.seed) << 20 | (uint32_t)y;
    struct line l = {.noise_gain = 4};
    draw(&state);
    l.noise_from = (int)(draw(&state) % STOCK);
    double moved = t->params.jitter > 0 ? t->params.jitter * draw_normal(&state) : 0;
    int from_bottom = (height - 1 - y) / 2;
    if (from_bottom < TORN_LINES) {
        moved += 34 - 5.5 * from_bottom + draw(&state) % 4;
        l.noise_gain = 12;
    }
    moved = fmax(-PAD / 2, fmin(PAD / 2 + 8, moved));
    int parts = (int)floor(moved * PHASES + 0.5);
    l.shift = (int)floor((double)parts / PHASES);
    l.phase = parts - l.shift * PHASES;
    if (t->params.dropouts > 0 && draw(&state) < t->params.dropouts / (height / 2) * 4294967296.0) {
        l.drop_from = (int)(draw(&state) % WIDTH);
        l.drop_count = 10 + (int)(draw(&state) % 30 + draw(&state) % 60);
    }
    return l;
}

static void clip_row(uint8_t *restrict dst, const int16_t *restrict v)
{
    for (int x = 0; x < WIDTH; x++) {
        int16_t c = (int16_t)((v[x] + ONE / 2) >> 6);
        c = c < 1 ? 1 : c;
        dst[x] = (uint8_t)(c > 254 ? 254 : c);
    }
}

static void play_luma(const struct ta_tape *t, const struct line *l, uint8_t *row)
{
    int16_t in[PAD + WIDTH + PAD], out[WIDTH];
    // Less contrast and lifted black.
    int16_t *line = in + PAD;
    for (int x = 0; x < WIDTH; x++)
        line[x] = (int16_t)((row[x] * 15 >> 4) + 5);
    for (int x = 0; x < PAD; x++) {
        in[x] = l->shift > 12 ? 20 : line[0]; // a torn line shows the blanking at its start
        line[WIDTH + x] = line[WIDTH - 1];
    }
    const int16_t *noise = t->luma_noise + l->noise_from, *taps = t->taps[l->phase];
    int16_t gain = (int16_t)l->noise_gain;
    for (int x = 0; x < WIDTH; x++) {
        int v = noise[x] * gain >> 2;
        v = v < -MOST_NOISE ? -MOST_NOISE : v;
        out[x] = (int16_t)(v > MOST_NOISE ? MOST_NOISE : v);
    }
    for (int k = 0; k < TAPS; k++) {
        const int16_t *from = line + k - TAPS / 2 - l->shift;
        int16_t tap = taps[k];
        for (int x = 0; x < WIDTH; x++)
            out[x] = (int16_t)(out[x] + from[x] * tap);
    }
    for (int x = l->drop_from; x < l->drop_from + l->drop_count && x < WIDTH; x++) {
        int fade = 256 * (l->drop_from + l->drop_count - x) / l->drop_count; // white at once, then a tail
        out[x] = (int16_t)(out[x] + ((225 * ONE - out[x]) * fade >> 8));
    }
    clip_row(row, out);
}

static void play_chroma(const struct ta_tape *t, const struct line *l, const uint8_t *from, uint8_t *to,
                        int plane)
{
    int16_t in[PAD + CHROMA_LANES + PAD];
    int16_t *line = in + PAD;
    for (int x = 0; x < CHROMA_WIDTH; x++)
        line[x] = (int16_t)(from[x] - 128);
    for (int x = 0; x < PAD; x++) {
        in[x] = l->shift > 12 ? 0 : line[0];
        line[CHROMA_WIDTH + x] = line[CHROMA_WIDTH - 1];
    }
    // Two boxes of four samples; each pass takes samples to the left, which delays by three in sum.
    const int16_t *src = line - CHROMA_RIGHT - l->shift / 2 + 3;
    int16_t a[CHROMA_LANES + 16], b[CHROMA_LANES + 16];
    for (int x = 0; x < CHROMA_LANES; x++)
        a[x] = (int16_t)(src[x] + src[x - 1] + src[x - 2] + src[x - 3]);
    for (int x = 0; x < 3; x++)
        b[x] = (int16_t)(a[x] * 4);
    for (int x = 3; x < CHROMA_LANES; x++)
        b[x] = (int16_t)(a[x] + a[x - 1] + a[x - 2] + a[x - 3]);
    const int16_t *noise = t->chroma_noise + (l->noise_from + plane * 4099) % STOCK;
    for (int x = 0; x < CHROMA_WIDTH; x++) {
        int16_t v = (int16_t)((b[x] * 15 / 4 + noise[x] + 128 * ONE + ONE / 2) >>
                              6); // 15/16 of the saturation
        v = v < 1 ? 1 : v;
        to[x] = (uint8_t)(v > 254 ? 254 : v);
    }
}

void ta_tape_play(const struct ta_tape *t, int64_t n, AVFrame *f)
{
    // Chroma lies one line of the field too low: from the bottom up, each line can be read before it is
    // written.
    for (int y = f->height - 1; y >= 0; y--) {
        struct line l = line_of(t, n, y, f->height);
        play_luma(t, &l, f->data[0] + (ptrdiff_t)y * f->linesize[0]);
        for (int plane = 1; plane < 3; plane++) {
            const uint8_t *from = f->data[plane] + (ptrdiff_t)(y >= 2 ? y - 2 : y) * f->linesize[plane];
            play_chroma(t, &l, from, f->data[plane] + (ptrdiff_t)y * f->linesize[plane], plane);
        }
    }
}
