#include "dsp/sound_wow.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/tx.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_block.h"

enum {
    OVERLAP = 4,
    MOST_PEAKS = 24,
    LEAST_PEAKS = 3, // that tell of a speed
    SWINGS = 461,    // rates that are tried
    AROUND = 60,     // of them to each side that say what one stands out of
    SETTLING = 5,    // frames that an onset spoils
    MOST_LINES = 4,
};
static const double LOWEST = 0.5, STEP = 0.025, PIECE = 20, LEAST_PIECE = 6; // Hz, seconds
static const double FROM = 150, TO = 5000;                                   // Hz of partials
static const double QUIETEST = 1e-4; // against the loudest partial, power
static const double FASTEST = 0.01;  // ratio from frame to frame that no tape's speed changes by
static const double APART = 0.001;   // the middle partial's distance from what all say together
static const double ONSET = 1.6;     // of the power, from frame to frame

struct peak {
    int bin;
    double frequency, power; // in bins
};

// What is added up of a piece.
struct piece {
    double re[SWINGS], im[SWINGS];
    long long told; // frames
};

struct ta_sound_wow {
    const struct ta_sound_dsp *dsp;
    struct ta_sound_block block;
    int rate, channels, size, hop, from, to;
    AVTXContext *tx;
    av_tx_fn transform;
    float *window, *recent, *in, *powers;
    AVComplexFloat *spectra[2];
    struct peak before[MOST_PEAKS];
    int before_count;
    double before_power;
    int settling;
    long long frames, piece_frames, told; // the last: frames of all pieces that told something
    double turn_re[SWINGS], turn_im[SWINGS], at_re[SWINGS], at_im[SWINGS];
    struct piece piece;
    double sums[SWINGS]; // powers of whole pieces, of an amplitude of 1
    int pieces;
};

struct ta_sound_wow *ta_sound_wow_create(int rate, int channels)
{
    if (!ta_sound_takes(rate, channels))
        return NULL;
    struct ta_sound_wow *w = ta_xcalloc(1, sizeof *w);
    w->dsp = ta_sound_dsp();
    w->rate = rate;
    w->channels = channels;
    w->size = 64;
    while (w->size < 0.04 * rate)
        w->size *= 2;
    w->hop = w->size / OVERLAP;
    w->from = TA_MAX((int)ceil(FROM * w->size / rate), 2);
    w->to = TA_MIN((int)(TO * w->size / rate), w->size / 2 - 2);
    ta_sound_block_init(&w->block, (size_t)w->hop, channels);
    size_t n = (size_t)w->size;
    w->window = ta_sound_alloc(n, sizeof(float));
    w->recent = ta_sound_alloc(n, sizeof(float));
    w->in = ta_sound_alloc(n, sizeof(float));
    w->powers = ta_sound_alloc(n / 2 + 1, sizeof(float));
    for (int i = 0; i < 2; i++)
        w->spectra[i] = ta_sound_alloc(n / 2 + 1, sizeof *w->spectra[i]);
    for (int i = 0; i < w->size; i++)
        w->window[i] = (float)((0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / w->size)) * 4 / w->size);
    for (int i = 0; i < SWINGS; i++) {
        double turn = 2 * M_PI * (LOWEST + STEP * i) * w->hop / rate;
        w->turn_re[i] = cos(turn);
        w->turn_im[i] = -sin(turn);
        w->at_re[i] = 1;
    }
    float scale = 1;
    if (av_tx_init(&w->tx, &w->transform, AV_TX_FLOAT_RDFT, 0, w->size, &scale, 0) < 0)
        ta_sound_wow_destroy(&w);
    return w;
}

void ta_sound_wow_destroy(struct ta_sound_wow **wow)
{
    struct ta_sound_wow *w = *wow;
    if (!w)
        return;
    ta_sound_block_release(&w->block);
    av_tx_uninit(&w->tx);
    free(w->window);
    free(w->recent);
    free(w->in);
    free(w->powers);
    free(w->spectra[0]);
    free(w->spectra[1]);
    ta_freep(wow);
}

// The strongest partials of the spectrum, each with its frequency by how far its phase has gone on.
static int find_peaks(const struct ta_sound_wow *w, const AVComplexFloat *now, const AVComplexFloat *before,
                      struct peak *out)
{
    const float *p = w->powers;
    float loudest = 0;
    int count = 0;
    for (int i = w->from; i < w->to; i++)
        loudest = TA_MAX(loudest, p[i]);
    if (loudest < 1e-8)
        return 0;
    for (int i = w->from; i < w->to; i++) {
        if (p[i] < loudest * QUIETEST || p[i] < p[i - 1] || p[i] <= p[i + 1] || p[i] < p[i - 2] ||
            p[i] < p[i + 2])
            continue;
        double re = (double)now[i].re * before[i].re + (double)now[i].im * before[i].im;
        double im = (double)now[i].im * before[i].re - (double)now[i].re * before[i].im;
        double turn = atan2(im, re) / (2 * M_PI) - (double)(i % OVERLAP) / OVERLAP;
        double off = (turn - rint(turn)) * OVERLAP; // bins
        if (fabs(off) > 1)
            continue; // no partial has its peak so far from itself
        struct peak peak = {i, i + off, p[i]};
        int at = TA_MIN(count, MOST_PEAKS - 1);
        if (count == MOST_PEAKS && out[at].power >= peak.power)
            continue;
        for (; at > 0 && out[at - 1].power < peak.power; at--)
            out[at] = out[at - 1];
        out[at] = peak;
        count = TA_MIN(count + 1, MOST_PEAKS);
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// By what ratio all partials have moved, less 1; false: they do not say.
static bool find_move(const struct ta_sound_wow *w, const struct peak *now, int count, double *move)
{
    double moves[MOST_PEAKS], apart[MOST_PEAKS];
    int n = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < w->before_count; k++)
            if (abs(now[i].bin - w->before[k].bin) <= 1) {
                moves[n++] = now[i].frequency / w->before[k].frequency - 1;
                break;
            }
    if (n < LEAST_PEAKS)
        return false;
    qsort(moves, (size_t)n, sizeof *moves, compare);
    *move = moves[n / 2];
    for (int i = 0; i < n; i++)
        apart[i] = fabs(moves[i] - *move);
    qsort(apart, (size_t)n, sizeof *apart, compare);
    return fabs(*move) < FASTEST && apart[n / 2] < APART;
}

static void end_piece(const struct ta_sound_wow *w, const struct piece *piece, double *sums, int *pieces)
{
    if ((double)piece->told * w->hop < LEAST_PIECE * w->rate)
        return;
    double scale = 2.0 / (double)piece->told;
    for (int i = 0; i < SWINGS; i++)
        sums[i] += scale * scale * (piece->re[i] * piece->re[i] + piece->im[i] * piece->im[i]);
    ++*pieces;
}

static void add_move(struct ta_sound_wow *w, double move)
{
    struct piece *p = &w->piece;
    p->told++;
    w->told++;
    for (int i = 0; i < SWINGS; i++) {
        p->re[i] += move * w->at_re[i];
        p->im[i] += move * w->at_im[i];
    }
}

static void turn_on(struct ta_sound_wow *w)
{
    for (int i = 0; i < SWINGS; i++) {
        double re = w->at_re[i] * w->turn_re[i] - w->at_im[i] * w->turn_im[i];
        w->at_im[i] = w->at_re[i] * w->turn_im[i] + w->at_im[i] * w->turn_re[i];
        w->at_re[i] = re;
    }
    if ((double)++w->piece_frames * w->hop < PIECE * w->rate)
        return;
    end_piece(w, &w->piece, w->sums, &w->pieces);
    w->piece = (struct piece){.told = 0};
    w->piece_frames = 0;
    for (int i = 0; i < SWINGS; i++) { // what is turned by much multiplying shrinks or grows
        w->at_re[i] = 1;
        w->at_im[i] = 0;
    }
}

static void process(void *self, float *const *planes)
{
    struct ta_sound_wow *w = self;
    size_t kept = (size_t)(w->size - w->hop), hop = (size_t)w->hop;
    AVComplexFloat *now = w->spectra[w->frames % 2], *before = w->spectra[(w->frames + 1) % 2];
    memmove(w->recent, w->recent + hop, kept * sizeof(float));
    memcpy(w->recent + kept, planes[0], hop * sizeof(float));
    for (int c = 1; c < w->channels; c++)
        w->dsp->accumulate(w->recent + kept, planes[c], 1, hop);
    w->dsp->multiply(w->in, w->recent, w->window, (size_t)w->size);
    w->transform(w->tx, now, w->in, sizeof(float));
    memset(w->powers, 0, (size_t)(w->size / 2 + 1) * sizeof(float));
    w->dsp->power(w->powers, &now[0].re, (size_t)w->to + 2);
    double power = 0, move;
    for (int i = w->from; i < w->to; i++)
        power += w->powers[i];
    // Where something begins to sound, its phases say nothing yet.
    w->settling = power > ONSET * w->before_power ? SETTLING : TA_MAX(w->settling - 1, 0);
    struct peak peaks[MOST_PEAKS];
    int count = find_peaks(w, now, before, peaks);
    if (!w->settling && find_move(w, peaks, count, &move))
        add_move(w, move);
    memcpy(w->before, peaks, (size_t)count * sizeof *peaks);
    w->before_count = count;
    w->before_power = power;
    w->frames++;
    turn_on(w);
}

void ta_sound_wow_add(struct ta_sound_wow *wow, const float *const *planes, size_t samples)
{
    ta_sound_block_hear(&wow->block, planes, samples, process, wow);
}

// How large a swing of the speed an amplitude of 1 of what moves from frame to frame is: spectra are means
// over their window, frequencies over a hop.
static double swing_of(const struct ta_sound_wow *w, int i)
{
    double hertz = LOWEST + STEP * i, half = M_PI * hertz * w->hop / w->rate, x = hertz * w->size / w->rate;
    double mean = fabs(x) < 1e-6 ? 1 : fabs(x - 1) < 1e-6 ? 0.5 : sin(M_PI * x) / (M_PI * x) / (1 - x * x);
    return 1 / (2 * sin(half) * (sin(half) / half) * TA_MAX(fabs(mean), 0.1));
}

// The mean of what is around a swing but for the swing itself, by the middle: that of noise has a mean of
// 1 / ln 2 of its middle. Swings that were taken out (0) say nothing; 0 where none are left.
static double mean_around(const double *sums, int i)
{
    double near[2 * AROUND + 1];
    int n = 0;
    for (int k = TA_MAX(i - AROUND, 0); k <= TA_MIN(i + AROUND, SWINGS - 1); k++)
        if (abs(k - i) > 4 && sums[k] > 0)
            near[n++] = sums[k];
    qsort(near, (size_t)n, sizeof *near, compare);
    return n ? near[n / 2] / M_LN2 : 0;
}

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

void ta_sound_wow_result(const struct ta_sound_wow *w, struct ta_sound_wow_result *out)
{
    double sums[SWINGS], power = 0, most = 0;
    int pieces = w->pieces, lines = 0;
    *out = (struct ta_sound_wow_result){0};
    memcpy(sums, w->sums, sizeof sums);
    end_piece(w, &w->piece, sums, &pieces);
    if (!pieces)
        return;
    double heard = clamp((double)w->told * w->hop / w->rate / 10);
    while (lines < MOST_LINES) {
        double best = 0, sure = 0;
        int at = -1;
        for (int i = 1; i + 1 < SWINGS; i++) {
            double mean = mean_around(sums, i), over = mean > 0 ? (sums[i] / mean - 1) * sqrt(pieces) : 0;
            double swing = sums[i] * swing_of(w, i) * swing_of(w, i);
            if (sums[i] >= sums[i - 1] && sums[i] >= sums[i + 1] && over > 14 && swing > best) {
                best = swing;
                at = i;
                sure = clamp((over - 10) / 20);
            }
        }
        if (at < 0)
            break;
        if (!lines) {
            out->hertz = LOWEST + STEP * at;
            out->confidence = sure * heard;
            most = best;
        }
        if (best < most / 4) // gaps in what is told make ghosts of it
            break;
        power += best / pieces / 2;
        lines++;
        for (int k = TA_MAX(at - 6, 0); k <= TA_MIN(at + 6, SWINGS - 1); k++)
            sums[k] = 0;
    }
    if (!lines)
        out->confidence = heard;
    out->percent = 100 * sqrt(power);
}
