#include "dsp/sound_hum.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_block.h"
#include "dsp/sound_mains.h"

enum {
    HOPS = 10, // a second, at each of which amplitudes are taken: whole numbers of periods of 50 and 60 Hz
    SPAN = 25, // hops to each side that say what is steady
    WIDE = 2 * SPAN + 1,
    FIND = 90, // hops that are heard before a frequency is needed
    TRY = 40,  // hops of which the frequency is taken exactly before the first is worked on
    HARMONICS = TA_SOUND_HARMONICS,
    ROUNDS = 4,  // of weighing anew
    LEAST = 12,  // measurements that are enough to tell
    TELLING = 8, // the lowest harmonics, of which some must be there
};

// How far the frequency may be from what was measured.
static const double drift = 0.003;

struct amplitude {
    float c, s; // of the cosine and of the sine; both 0: nothing was there to measure
};

// Of one harmonic in one channel.
struct line {
    struct amplitude ring[WIDE + 1]; // as measured, by hop
    struct amplitude last, next;     // what to subtract, at the start and the end of the hop that goes out
    double slow[2];                  // a mean of a second, for the phase
    double scatter;
    double steadiness; // the square of the mean to its variance
};

struct vote {
    double value, weight;
};

struct ta_sound_hum {
    const struct ta_sound_dsp *dsp;
    struct ta_sound_block block;
    struct ta_sound_mains *mains; // NULL: the frequency is known
    int rate, channels;
    size_t hop;
    double highest, frequency; // the second as given, 0: to be found
    double nominal;            // as measured, which it stays near to; 0 until then
    int ahead;                 // hops kept before amplitudes are taken
    size_t slots;
    float ***ring;          // slots, channels: hops
    double *phases, *steps; // of slots: at the start, cycles; cycles a sample
    long long count;        // hops so far
    float *window;          // 2 hops
    float *waves[4];        // cosine and sine of a harmonic and of the first, 2 hops each
    float **parts;          // channels: 2 hops under the window
    struct line *lines;     // channels * HARMONICS
    struct vote *votes;     // as many
    long long begun;        // the first hop that was worked on
};

static size_t slot_of(const struct ta_sound_hum *h, long long hop)
{
    return (size_t)(((hop % (long long)h->slots) + (long long)h->slots) % (long long)h->slots);
}

static int harmonics_of(const struct ta_sound_hum *h)
{
    double most = TA_MIN(h->highest + 10, 0.45 * h->rate);
    int n = (int)(most / h->nominal);
    return TA_MIN(n, HARMONICS);
}

// Cosines and sines of the fundamental over `n` samples.
static void fundamental(float *c, float *s, double phase, double step, size_t n)
{
    double x = cos(2 * M_PI * phase), y = sin(2 * M_PI * phase);
    double dx = cos(2 * M_PI * step), dy = sin(2 * M_PI * step);
    for (size_t i = 0; i < n; i++) {
        c[i] = (float)x;
        s[i] = (float)y;
        double t = x * dx - y * dy;
        y = x * dy + y * dx;
        x = t;
    }
}

static struct line *line_of(const struct ta_sound_hum *h, int channel, int k)
{
    return &h->lines[channel * HARMONICS + k];
}

// The amplitudes around the border of hops `at` and at + 1.
static void take(struct ta_sound_hum *h, long long at)
{
    size_t n = h->hop, a = slot_of(h, at), b = slot_of(h, at + 1);
    h->phases[b] = h->phases[a] + h->steps[a] * (double)n;
    h->phases[b] -= floor(h->phases[b]);
    fundamental(h->waves[2], h->waves[3], h->phases[a], h->steps[a], n);
    fundamental(h->waves[2] + n, h->waves[3] + n, h->phases[b], h->steps[b], n);
    memcpy(h->waves[0], h->waves[2], 2 * n * sizeof(float));
    memcpy(h->waves[1], h->waves[3], 2 * n * sizeof(float));
    for (int c = 0; c < h->channels; c++)
        for (size_t i = 0; i < n; i++) {
            h->parts[c][i] = h->ring[a][c][i] * h->window[i];
            h->parts[c][n + i] = h->ring[b][c][i] * h->window[n + i];
        }
    int harmonics = harmonics_of(h);
    for (int k = 0; k < harmonics; k++) {
        if (k)
            h->dsp->turn(h->waves[0], h->waves[1], h->waves[2], h->waves[3], 2 * n);
        for (int c = 0; c < h->channels; c++) {
            struct amplitude *to = &line_of(h, c, k)->ring[(at + 1) % (WIDE + 1)];
            to->c = h->dsp->dot(h->parts[c], h->waves[0], 2 * n);
            to->s = h->dsp->dot(h->parts[c], h->waves[1], 2 * n);
        }
    }
}

// Follows the fundamental: all harmonics that are steady say how far the phase has gone since.
static void follow(struct ta_sound_hum *h, long long at)
{
    double up = 0, down = 0;
    int harmonics = harmonics_of(h);
    for (int c = 0; c < h->channels; c++)
        for (int k = 0; k < harmonics; k++) {
            struct line *l = line_of(h, c, k);
            struct amplitude a = l->ring[(at + 1) % (WIDE + 1)];
            double re = a.c * l->slow[0] + a.s * l->slow[1], im = a.c * l->slow[1] - a.s * l->slow[0];
            double apart = (a.c - l->slow[0]) * (a.c - l->slow[0]) + (a.s - l->slow[1]) * (a.s - l->slow[1]);
            double power = l->slow[0] * l->slow[0] + l->slow[1] * l->slow[1];
            bool counts = l->steadiness > 8 || at < h->begun + 2 * SPAN;
            if (counts && power > 2 * l->scatter && power > 1e-14) {
                double weight = power / (l->scatter + 1e-3 * power);
                up += weight * (k + 1) * atan2(im, re) / (2 * M_PI);
                down += weight * (k + 1) * (k + 1);
            }
            l->slow[0] += 0.12 * (a.c - l->slow[0]);
            l->slow[1] += 0.12 * (a.s - l->slow[1]);
            l->scatter += 0.05 * (apart - l->scatter);
        }
    if (down <= 0)
        return;
    // The mean is some 8 hops old; the phase has gone so far in them.
    double turn = up / down / 8 / (double)h->hop;
    size_t b = slot_of(h, at + 1);
    double limit = drift * h->nominal / h->rate, middle = h->nominal / h->rate;
    double step = h->steps[b] + 0.15 * turn;
    h->steps[slot_of(h, at + 2)] = TA_MIN(TA_MAX(step, middle - limit), middle + limit);
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float middle_of(float *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

// What is steady around border `at`: a mean in which measurements count the less the farther off they are.
static struct amplitude steady(struct line *l, long long at, double *steadiness)
{
    struct amplitude a[WIDE];
    float c[WIDE], s[WIDE], taper[WIDE];
    size_t n = 0;
    for (int i = 0; i < WIDE; i++) {
        struct amplitude one = l->ring[(at - SPAN + i + 4 * (WIDE + 1)) % (WIDE + 1)];
        if (one.c == 0 && one.s == 0)
            continue;
        a[n] = one;
        c[n] = one.c;
        s[n] = one.s;
        taper[n++] = 0.5f + 0.5f * cosf((float)M_PI * (float)(i - SPAN) / (SPAN + 1));
    }
    *steadiness = 0;
    if (n < LEAST)
        return (struct amplitude){0};
    double x = middle_of(c, n), y = middle_of(s, n), variance = 0;
    for (int round = 0; round < ROUNDS; round++) {
        float far[WIDE];
        for (size_t i = 0; i < n; i++)
            far[i] = (float)((a[i].c - x) * (a[i].c - x) + (a[i].s - y) * (a[i].s - y));
        memcpy(c, far, n * sizeof *far);
        qsort(c, n, sizeof *c, compare);
        double scale = c[n / 3] + 1e-16, sum = 0, squares = 0, spread = 0, nx = 0, ny = 0;
        for (size_t i = 0; i < n; i++) {
            double w = taper[i] / (1 + far[i] / scale);
            sum += w;
            squares += w * w;
            nx += w * a[i].c;
            ny += w * a[i].s;
            spread += w * far[i];
        }
        x = nx / sum;
        y = ny / sum;
        // Windows overlap by half: neighbours say in part the same.
        variance = 1.6 * spread / sum * squares / (sum * sum);
    }
    *steadiness = (x * x + y * y) / (variance + 1e-18);
    return (struct amplitude){(float)x, (float)y};
}

static double rises(double x, double from, double to)
{
    return x <= from ? 0 : x >= to ? 1 : (x - from) / (to - from);
}

// Whether a channel hums at all: one line alone may be a note or a test tone.
static double presence(const struct ta_sound_hum *h, int channel, int harmonics)
{
    double evidence = 0;
    for (int k = 0; k < harmonics && k < TELLING; k++)
        evidence += rises(line_of(h, channel, k)->steadiness, 15, 60);
    double first = rises(line_of(h, channel, 0)->steadiness, 30, 90);
    return TA_MAX(rises(evidence, 1, 1.7), first);
}

static void settle(struct ta_sound_hum *h, long long at)
{
    int harmonics = harmonics_of(h);
    for (int c = 0; c < h->channels; c++) {
        for (int k = 0; k < harmonics; k++) {
            struct line *l = line_of(h, c, k);
            l->last = l->next;
            l->next = steady(l, at, &l->steadiness);
        }
        double present = presence(h, c, harmonics);
        for (int k = 0; k < harmonics; k++) {
            struct line *l = line_of(h, c, k);
            float gain = (float)(present * rises(l->steadiness, 8, 24));
            l->next.c *= gain;
            l->next.s *= gain;
        }
    }
}

static bool is_there(const struct line *l)
{
    return l->last.c != 0 || l->last.s != 0 || l->next.c != 0 || l->next.s != 0;
}

static void clean(struct ta_sound_hum *h, long long hop)
{
    size_t n = h->hop, at = slot_of(h, hop);
    int harmonics = 0;
    for (int c = 0; c < h->channels; c++)
        for (int k = harmonics; k < HARMONICS; k++)
            if (is_there(line_of(h, c, k)))
                harmonics = k + 1;
    if (!harmonics)
        return;
    fundamental(h->waves[2], h->waves[3], h->phases[at], h->steps[at], n);
    memcpy(h->waves[0], h->waves[2], n * sizeof(float));
    memcpy(h->waves[1], h->waves[3], n * sizeof(float));
    for (int k = 0; k < harmonics; k++) {
        if (k)
            h->dsp->turn(h->waves[0], h->waves[1], h->waves[2], h->waves[3], n);
        for (int c = 0; c < h->channels; c++) {
            const struct line *l = line_of(h, c, k);
            float from[2] = {l->last.c, l->last.s}, to[2] = {l->next.c, l->next.s};
            if (is_there(l))
                h->dsp->subtract(h->ring[at][c], h->waves[0], h->waves[1], from, to, n);
        }
    }
}

static int compare_votes(const void *a, const void *b)
{
    const struct vote *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

// The value that half of the weight lies below.
static double middle_vote(struct vote *votes, size_t n)
{
    double all = 0, sum = 0;
    qsort(votes, n, sizeof *votes, compare_votes);
    for (size_t i = 0; i < n; i++)
        all += votes[i].weight;
    for (size_t i = 0; i < n; i++)
        if ((sum += votes[i].weight) * 2 >= all)
            return votes[i].value;
    return 0;
}

// What a line says of how much the frequency is off, Hz: how far its phase goes in `lag` hops.
static struct vote vote_of(const struct line *l, int k, long long at, int lag)
{
    double re = 0, im = 0, all = 1e-30;
    for (long long i = at + 1; i + lag < at + TRY; i++) {
        struct amplitude a = l->ring[i % (WIDE + 1)], b = l->ring[(i + lag) % (WIDE + 1)];
        double x = b.c * a.c + b.s * a.s, y = b.c * a.s - b.s * a.c, size = sqrt(x * x + y * y) + 1e-30;
        // The root: loud notes and words are to count for little.
        re += x / sqrt(size);
        im += y / sqrt(size);
        all += sqrt(size);
    }
    double coherence = sqrt(re * re + im * im) / all;
    double weight = coherence < 0.5 ? 0 : TA_MIN(k, 4) * coherence * coherence;
    return (struct vote){atan2(im, re) / (2 * M_PI) / k * HOPS / lag, weight};
}

// By how much the frequency is off: all harmonics of hum agree on that, notes that are near to them do not.
static double deviation(struct ta_sound_hum *h, long long at, int lag)
{
    int harmonics = harmonics_of(h);
    size_t n = 0;
    for (int c = 0; c < h->channels; c++)
        for (int k = 0; k < harmonics; k++)
            h->votes[n++] = vote_of(line_of(h, c, k), k + 1, at, lag);
    return middle_vote(h->votes, n);
}

// From hop `at` on, of which TRY more are there, hum has this frequency, about.
static void begin(struct ta_sound_hum *h, double frequency, long long at)
{
    static const int lags[] = {1, 3, 9, 18};
    h->nominal = frequency;
    h->begun = at;
    for (size_t pass = 0; pass <= TA_COUNT(lags); pass++) {
        for (size_t i = 0; i < h->slots; i++)
            h->steps[i] = h->nominal / h->rate;
        h->phases[slot_of(h, at)] = 0;
        if (pass == TA_COUNT(lags))
            break;
        for (int i = 0; i < TRY; i++)
            take(h, at + i);
        double off = deviation(h, at, lags[pass]);
        h->nominal = TA_MIN(TA_MAX(h->nominal + off, (1 - drift) * frequency), (1 + drift) * frequency);
    }
    for (int i = 0; i < h->channels * HARMONICS; i++)
        h->lines[i] = (struct line){0};
}

static void find(struct ta_sound_hum *h, float *const *planes, long long at)
{
    struct ta_sound_mains_result found;
    ta_sound_mains_add(h->mains, (const float *const *)planes, h->hop);
    if (h->nominal > 0 || at < 0 || (at > 0 && h->count % HOPS))
        return;
    ta_sound_mains_result(h->mains, &found);
    if (found.confidence >= 0.5)
        begin(h, found.frequency, at);
}

static void process(void *self, float *const *planes)
{
    struct ta_sound_hum *h = self;
    size_t bytes = h->hop * sizeof(float), in = slot_of(h, h->count);
    long long at = h->count - h->ahead - 1, out = at - SPAN;
    for (int c = 0; c < h->channels; c++)
        memcpy(h->ring[in][c], planes[c], bytes);
    if (h->mains)
        find(h, planes, at);
    else if (at == 0)
        begin(h, h->frequency, 0);
    if (h->nominal > 0 && at >= 0) {
        h->steps[slot_of(h, at + 2)] = h->steps[slot_of(h, at + 1)];
        take(h, at);
        follow(h, at);
        settle(h, out + 1);
        if (out >= 0)
            clean(h, out);
    }
    size_t from = slot_of(h, out);
    for (int c = 0; c < h->channels; c++)
        memcpy(planes[c], h->ring[from][c], bytes);
    h->count++;
}

struct ta_sound_hum *ta_sound_hum_create(const struct ta_sound_hum_params *params, int rate, int channels)
{
    if (!ta_sound_takes(rate, channels))
        return NULL;
    struct ta_sound_hum *h = ta_xcalloc(1, sizeof *h);
    h->dsp = ta_sound_dsp();
    h->rate = rate;
    h->channels = channels;
    h->hop = (size_t)(rate + HOPS / 2) / HOPS;
    h->highest = params->highest > 0 ? params->highest : 1000;
    h->ahead = TRY;
    if (params->frequency > 0) {
        h->frequency = TA_MIN(TA_MAX(params->frequency, 45), 66);
    } else {
        h->mains = ta_sound_mains_create(rate, channels);
        h->ahead = FIND;
    }
    h->slots = (size_t)h->ahead + SPAN + 4;
    h->ring = ta_xcalloc(h->slots, sizeof *h->ring);
    for (size_t i = 0; i < h->slots; i++)
        h->ring[i] = ta_sound_planes(channels, h->hop);
    h->phases = ta_xcalloc(h->slots, sizeof *h->phases);
    h->steps = ta_xcalloc(h->slots, sizeof *h->steps);
    h->window = ta_sound_alloc(2 * h->hop, sizeof(float));
    for (size_t i = 0; i < 2 * h->hop; i++) // the mean of a cosine's square is a half
        h->window[i] = (float)((1 - cos(M_PI * ((double)i + 0.5) / (double)h->hop)) / (double)h->hop);
    for (int i = 0; i < 4; i++)
        h->waves[i] = ta_sound_alloc(2 * h->hop, sizeof(float));
    h->parts = ta_sound_planes(channels, 2 * h->hop);
    h->lines = ta_sound_alloc((size_t)channels * HARMONICS, sizeof *h->lines);
    h->votes = ta_sound_alloc((size_t)channels * HARMONICS, sizeof *h->votes);
    ta_sound_block_init(&h->block, h->hop, channels);
    return h;
}

void ta_sound_hum_destroy(struct ta_sound_hum **hum)
{
    struct ta_sound_hum *h = *hum;
    if (!h)
        return;
    ta_sound_mains_destroy(&h->mains);
    ta_sound_block_release(&h->block);
    for (size_t i = 0; i < h->slots; i++)
        free(h->ring[i]);
    free(h->ring);
    free(h->phases);
    free(h->steps);
    free(h->window);
    for (int i = 0; i < 4; i++)
        free(h->waves[i]);
    free(h->parts);
    free(h->lines);
    free(h->votes);
    ta_freep(hum);
}

void ta_sound_hum_run(struct ta_sound_hum *hum, float *const *planes, size_t samples)
{
    ta_sound_block_run(&hum->block, planes, samples, process, hum);
}

size_t ta_sound_hum_latency(const struct ta_sound_hum *hum)
{
    return hum->hop * (size_t)(hum->ahead + SPAN + 2);
}

size_t ta_sound_hum_reach(const struct ta_sound_hum *hum)
{
    return hum->hop * (size_t)(2 * SPAN);
}

double ta_sound_hum_frequency(const struct ta_sound_hum *hum)
{
    return hum->nominal > 0 ? hum->steps[slot_of(hum, hum->count - hum->ahead - 1)] * hum->rate : 0;
}
