#include "dsp/sound_buzz.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_block.h"

enum {
    HALF = 50, // frames to each side that a mean is of
    KEPT = 2 * HALF + 1,
    EVERY = 10,  // frames from one mean to the next
    TAPS = 16,   // of the shift by a part of a sample
    PIECES = 64, // of a frame, at most: what is loud counts for little by the piece
    LAG = 12,    // samples that two means may be apart, in half of the time that a mean is of
};

#define OWN 0.1f       // of its power, that buzz may differ by from frame to frame
#define EXPLAINED 0.9f // of what is heard in a piece, that may be left at most where it is buzz's

struct channel {
    float *x, *raw;           // all that is kept, from b->start on, cleaned and as it came
    float *all[2];            // that these two lie in, with room for more
    float *frames[KEPT];      // high-passed, shifted to whole samples, by frame
    float (*weights)[PIECES]; // KEPT
    float (*others)[PIECES];  // KEPT: by what is no buzz, where there is buzz
    float *mean, *buzz;       // of frames around; what of it is taken out
    float usual;              // power of its frames
    double contrast;          // how far its loudest piece stands out
};

struct ta_sound_buzz {
    const struct ta_sound_dsp *dsp;
    struct ta_sound_block block;
    int rate, channels;
    double period, nominal; // of a frame, samples
    size_t length, piece;   // whole samples of a frame; of one piece of it
    size_t capacity, room, smooth, latency;
    long long start, end;              // of the kept samples, of all
    long long taken, cleaned, aligned; // frames taken, done with; from which on the period is as it is
    double origin;                     // where frame `aligned` starts
    struct channel *list;
    float *work, *wide, *first, *second, *high, *round;
};

static double place_of(const struct ta_sound_buzz *b, long long frame)
{
    return b->origin + (double)(frame - b->aligned) * b->period;
}

// Weights that read a signal `part` of a sample after x[TAPS / 2 - 1].
static void shift_weights(float *weights, double part)
{
    double sum = 0, w[TAPS];
    for (int i = 0; i < TAPS; i++) {
        double t = i - (TAPS / 2 - 1) - part;
        double s = fabs(t) < 1e-9 ? 1 : sin(M_PI * t) / (M_PI * t);
        w[i] = s * (0.5 + 0.5 * cos(M_PI * t / (TAPS / 2 + 0.5)));
        sum += w[i];
    }
    for (int i = 0; i < TAPS; i++)
        weights[i] = (float)(w[i] / sum);
}

// What is below some 150 Hz goes: twice a mean of 2 * smooth + 1 samples. from holds 2 * smooth more on each
// side.
static void high_pass(struct ta_sound_buzz *b, float *to, const float *from, size_t n)
{
    size_t s = b->smooth, width = 2 * s + 1, wide = n + 2 * s;
    double sum = 0;
    const float *at = from - 2 * s;
    for (size_t i = 0; i + 1 < width; i++)
        sum += at[i];
    for (size_t i = 0; i < wide; i++) {
        sum += at[i + width - 1];
        b->wide[i] = (float)(sum / (double)width);
        sum -= at[i];
    }
    sum = 0;
    for (size_t i = 0; i + 1 < width; i++)
        sum += b->wide[i];
    for (size_t i = 0; i < n; i++) {
        sum += b->wide[i + width - 1];
        to[i] = from[i] - (float)(sum / (double)width);
        sum -= b->wide[i];
    }
}

// Whether sound begins or ends in there: digital silence for a moment.
static bool is_broken(const float *x, size_t n)
{
    size_t zeros = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        zeros = x[i] == 0 ? zeros + 1 : 0;
        most = TA_MAX(most, zeros);
    }
    return most > 24;
}

// Far below the usual nothing is told apart.
static float floor_of(const struct channel *c)
{
    return 0.01f * c->usual;
}

static float weight_of(const struct channel *c, float power, float own)
{
    float floor = floor_of(c);
    return power > 1e-4f * floor ? 1 / (power + floor + own) : 0;
}

// Turns powers into weights.
static void weigh(struct ta_sound_buzz *b, struct channel *c, long long frame)
{
    float *weights = c->weights[frame % KEPT], sum = 0;
    size_t count = (b->length + b->piece - 1) / b->piece;
    for (size_t p = 0; p < count; p++)
        sum += weights[p] / (float)count;
    if (sum > 1e-14f)
        c->usual = c->usual > 0 ? 0.95f * c->usual + 0.05f * sum : sum;
    for (size_t p = 0; p < count; p++)
        weights[p] = weight_of(c, weights[p], 0);
}

static void take(struct ta_sound_buzz *b, long long frame)
{
    double place = place_of(b, frame);
    long long whole = (long long)floor(place);
    float weights[TAPS];
    shift_weights(weights, place - (double)whole);
    size_t n = b->length;
    for (int c = 0; c < b->channels; c++) {
        struct channel *own = &b->list[c];
        float *to = own->frames[frame % KEPT];
        high_pass(b, b->high, own->raw + (whole - b->start) - (TAPS / 2 - 1), n + TAPS);
        b->dsp->filter(to, b->high, weights, TAPS, n);
        for (size_t p = 0; p * b->piece < n; p++) {
            size_t from = p * b->piece, length = TA_MIN(b->piece, n - from);
            float power = b->dsp->dot(to + from, to + from, length) / (float)length;
            own->weights[frame % KEPT][p] = power;
        }
        weigh(b, own, frame);
        if (is_broken(own->raw + (whole - b->start), n))
            memset(own->weights[frame % KEPT], 0, sizeof *own->weights);
    }
}

// The mean of frames [from, to) and, if wanted, the square of its own error.
static void average_piece(struct ta_sound_buzz *b, const struct channel *c, float (*weights)[PIECES],
                          size_t p, long long from, long long to, float *mean, float *error)
{
    size_t at = p * b->piece, length = TA_MIN(b->piece, b->length - at);
    float sum = 1e-20f;
    memset(mean + at, 0, length * sizeof(float));
    for (long long f = from; f < to; f++) {
        float w = weights[f % KEPT][p];
        sum += w;
        b->dsp->accumulate(mean + at, c->frames[f % KEPT] + at, w, length);
    }
    for (size_t i = at; i < at + length; i++)
        mean[i] /= sum;
    if (error)
        memset(error + at, 0, length * sizeof(float));
    for (long long f = from; error && f < to; f++) {
        float w = weights[f % KEPT][p] / sum;
        const float *x = c->frames[f % KEPT];
        b->dsp->add_squares(error + at, x + at, mean + at, w * w, length);
    }
}

static void average(struct ta_sound_buzz *b, const struct channel *c, long long from, long long to,
                    float *mean, float *error)
{
    for (size_t p = 0; p * b->piece < b->length; p++)
        average_piece(b, c, c->weights, p, from, to, mean, error);
}

// What of a frame's piece the mean is not: its power.
static float without(struct ta_sound_buzz *b, const struct channel *c, size_t at, size_t length,
                     long long frame)
{
    memcpy(b->first, c->frames[frame % KEPT] + at, length * sizeof(float));
    b->dsp->accumulate(b->first, c->mean + at, -1, length);
    return b->dsp->dot(b->first, b->first, length) / (float)length;
}

// Does the mean explain a piece of quiet frames? One that comes of loud frames alone, tones that happen to be
// in step, is nothing that quiet ones have.
static bool explains(struct ta_sound_buzz *b, const struct channel *c, size_t p, long long from, long long to)
{
    size_t at = p * b->piece, length = TA_MIN(b->piece, b->length - at);
    float all = 0, left = 0, floor = floor_of(c);
    for (long long f = from; f < to; f++) {
        float w = c->weights[f % KEPT][p];
        if (w <= 0)
            continue;
        all += 1 - w * floor;
        left += w * without(b, c, at, length, f);
    }
    return left < EXPLAINED * all;
}

// Buzz itself makes a piece loud, so that frames in which nothing else is heard count for no more than
// others. Where there is buzz, they are weighed by what is left without it, and the mean made anew.
static void average_again(struct ta_sound_buzz *b, struct channel *c, long long from, long long to,
                          float *error)
{
    for (size_t p = 0; p * b->piece < b->length; p++) {
        size_t at = p * b->piece, length = TA_MIN(b->piece, b->length - at);
        if (b->dsp->dot(c->buzz + at, c->buzz + at, length) <= 0 || !explains(b, c, p, from, to))
            continue;
        for (int round = 0; round < 2; round++) {
            // Buzz is not the same to the last each time: what it differs by itself is no reason to leave
            // some out.
            float own = OWN * b->dsp->dot(c->mean + at, c->mean + at, length) / (float)length;
            for (long long f = from; f < to; f++)
                c->others[f % KEPT][p] = c->weights[f % KEPT][p] > 0
                                             ? weight_of(c, without(b, c, at, length, f), own)
                                             : 0;
            average_piece(b, c, c->others, p, from, to, c->mean, error);
        }
    }
}

static float rises(double x, double from, double to)
{
    return (float)(x <= from ? 0 : x >= to ? 1 : (x - from) / (to - from));
}

// The means lack what is low in buzz. As it is nothing outside its place, that can be told: it is what the
// mean would lack of what is left inside.
static void give_lows(struct ta_sound_buzz *b, struct channel *c, const float *share)
{
    size_t n = b->length, around = 2 * b->smooth, turn = (size_t)lrint(b->period);
    for (int round = 0; round < 12; round++) {
        // A frame is followed by its like.
        for (size_t i = 0; i < n + 2 * around; i++)
            b->round[i] = c->buzz[(i + 4 * turn - around) % turn];
        high_pass(b, b->first, b->round + around, n);
        for (size_t i = 0; i < n; i++)
            c->buzz[i] = share[i] * (c->mean[i] + b->round[around + i] - b->first[i]);
    }
}

// What of a mean is buzz: what is far more than its own error, and than the most of the frame.
static void sift(struct ta_sound_buzz *b, struct channel *c, const float *error)
{
    size_t n = b->length, half = b->piece / 2;
    float *power = b->first, *noise = b->second, middle;
    for (size_t i = 0; i < n; i++) {
        size_t from = i > half ? i - half : 0, to = TA_MIN(i + half + 1, n);
        power[i] = b->dsp->dot(c->mean + from, c->mean + from, to - from) / (float)(to - from);
        float sum = 0;
        for (size_t k = from; k < to; k++)
            sum += error[k];
        noise[i] = sum / (float)(to - from);
    }
    memcpy(b->work, power, n * sizeof(float));
    middle = ta_sound_nth(b->work, n, n / 2);
    c->contrast = 0;
    float *share = b->work;
    for (size_t i = 0; i < n; i++) {
        double over = power[i] / (noise[i] + 1e-20), out = power[i] / (middle + 1e-20);
        c->contrast = TA_MAX(c->contrast, TA_MIN(over, out));
        share[i] = rises(over, 3, 9) * rises(out, 2.5, 6);
        c->buzz[i] = c->mean[i] * share[i];
    }
    // A mean of noise has peaks too: some of its pieces, though none that tower over both.
    if (c->contrast < 16)
        memset(c->buzz, 0, n * sizeof(float));
    else
        give_lows(b, c, share);
}

// By how many samples the second half of the frames is late against the first, by all channels; 0 if there is
// no telling.
static double lag_of(struct ta_sound_buzz *b, long long from, long long to)
{
    double scores[2 * LAG + 1] = {0};
    long long middle = (from + to) / 2;
    size_t n = b->length - 2 * LAG;
    for (int c = 0; c < b->channels; c++) {
        if (b->list[c].contrast < 16)
            continue;
        average(b, &b->list[c], from, middle, b->first, NULL);
        average(b, &b->list[c], middle, to, b->second, NULL);
        // Only where buzz is: elsewhere is what the two have of their own.
        for (size_t i = 0; i < b->length; i++)
            b->first[i] *= b->list[c].buzz[i] != 0;
        for (int lag = -LAG; lag <= LAG; lag++)
            scores[lag + LAG] += b->dsp->dot(b->first + LAG, b->second + LAG + lag, n);
    }
    int best = 0;
    for (int i = 0; i <= 2 * LAG; i++)
        if (scores[i] > scores[best])
            best = i;
    if (best == 0 || best == 2 * LAG || scores[best] <= 0)
        return 0;
    double bend = scores[best - 1] - 2 * scores[best] + scores[best + 1];
    return best - LAG + (bend < 0 ? 0.5 * (scores[best - 1] - scores[best + 1]) / bend : 0);
}

static bool is_silent(const struct ta_sound_buzz *b, long long frame)
{
    for (int c = 0; c < b->channels; c++)
        for (int p = 0; p < PIECES; p++)
            if (b->list[c].weights[frame % KEPT][p] > 0)
                return false;
    return true;
}

// Makes the means of frames [from, to) anew; first by the period as it is, then as the halves say it is.
static void renew(struct ta_sound_buzz *b, long long from, long long to)
{
    // After the end of sound there is nothing to go by.
    while (to > from && is_silent(b, to - 1))
        to--;
    if (to - from < HALF / 2)
        return;
    for (int round = 0; round < 4; round++) {
        for (int c = 0; c < b->channels; c++) {
            average(b, &b->list[c], from, to, b->list[c].mean, b->high);
            sift(b, &b->list[c], b->high);
        }
        double lag = lag_of(b, from, to);
        if (fabs(lag) < 0.05 || round == 3)
            break;
        double period = b->period + lag / (0.5 * (double)(to - from));
        if (fabs(period / b->nominal - 1) > 3e-4)
            break;
        // The frame that is next to be cleaned stays where it is.
        b->origin = place_of(b, b->cleaned);
        b->aligned = b->cleaned;
        b->period = period;
        for (long long f = from; f < to; f++)
            if (place_of(b, f) >= (double)(b->start + 3 * (long long)b->smooth + TAPS) &&
                place_of(b, f) + (double)(b->length + 3 * b->smooth + TAPS) < (double)b->end)
                take(b, f);
    }
    for (int c = 0; c < b->channels; c++) {
        struct channel *own = &b->list[c];
        if (own->contrast < 16)
            continue;
        average_again(b, own, from, to, b->high);
        sift(b, own, b->high);
    }
}

static void clean(struct ta_sound_buzz *b, long long frame)
{
    double place = place_of(b, frame);
    long long whole = (long long)ceil(place), next = (long long)ceil(place_of(b, frame + 1));
    float weights[TAPS];
    shift_weights(weights, (double)whole - place);
    size_t n = b->length;
    for (int c = 0; c < b->channels; c++) {
        struct channel *own = &b->list[c];
        if (own->contrast < 16)
            continue;
        memset(b->wide, 0, (n + 2 * TAPS) * sizeof(float));
        memcpy(b->wide + TAPS / 2 - 1, own->buzz, n * sizeof(float));
        b->dsp->filter(b->work, b->wide, weights, TAPS, n);
        b->dsp->accumulate(own->x + (whole - b->start), b->work, -1, TA_MIN((size_t)(next - whole), n));
    }
}

static void process(void *self, float *const *planes)
{
    struct ta_sound_buzz *b = self;
    size_t n = b->block.size;
    for (int c = 0; c < b->channels; c++) {
        float **own[] = {&b->list[c].x, &b->list[c].raw};
        for (int i = 0; i < 2; i++) {
            float *all = b->list[c].all[i];
            *own[i] += n;
            if (*own[i] + b->capacity > all + b->room)
                *own[i] = memmove(all, *own[i], (b->capacity - n) * sizeof(float));
            memcpy(*own[i] + b->capacity - n, planes[c], n * sizeof(float));
        }
    }
    b->start += (long long)n;
    b->end += (long long)n;
    size_t more = b->length + 3 * b->smooth + TAPS;
    while (place_of(b, b->taken) + (double)more < (double)b->end) {
        take(b, b->taken++);
        if (b->taken <= b->cleaned + HALF)
            continue;
        if (b->cleaned % EVERY == 0)
            renew(b, TA_MAX(0, b->taken - KEPT), b->taken);
        clean(b, b->cleaned++);
    }
    for (int c = 0; c < b->channels; c++)
        memcpy(planes[c], b->list[c].x + (b->capacity - b->latency), n * sizeof(float));
}

struct ta_sound_buzz *ta_sound_buzz_create(const struct ta_sound_buzz_params *params, int rate, int channels)
{
    if (!ta_sound_takes(rate, channels))
        return NULL;
    struct ta_sound_buzz *b = ta_xcalloc(1, sizeof *b);
    b->dsp = ta_sound_dsp();
    b->rate = rate;
    b->channels = channels;
    double fields = params->fields > 0 ? TA_MIN(TA_MAX(params->fields, 40), 70) : 60 / 1.001;
    b->period = b->nominal = 2 * rate / fields;
    b->length = (size_t)ceil(b->period) + 1;
    b->piece = (b->length + PIECES - 1) / PIECES;
    b->smooth = (size_t)rate / 400;
    size_t block = (size_t)rate / 50;
    ta_sound_block_init(&b->block, block, channels);
    // Blocks from what comes in to what goes out: those of frames to come, and a margin.
    b->latency = (size_t)((HALF + 3) * b->period) + 4 * (b->length + 3 * b->smooth + TAPS) / 2;
    b->latency = (b->latency / block + 1) * block;
    // And of frames before, which are taken anew when the period is found to be another.
    b->capacity = b->latency + (size_t)((HALF + 2) * b->period) + 4 * b->smooth + 2 * TAPS;
    b->room = b->capacity + 4 * (size_t)rate; // moved once in four seconds
    b->start = -(long long)b->capacity;
    b->list = ta_xcalloc((size_t)channels, sizeof *b->list);
    for (int c = 0; c < channels; c++) {
        struct channel *own = &b->list[c];
        own->x = own->all[0] = ta_sound_alloc(b->room, sizeof(float));
        own->raw = own->all[1] = ta_sound_alloc(b->room, sizeof(float));
        for (int f = 0; f < KEPT; f++)
            own->frames[f] = ta_sound_alloc(b->length, sizeof(float));
        own->weights = ta_sound_alloc(KEPT, sizeof *own->weights);
        own->others = ta_sound_alloc(KEPT, sizeof *own->others);
        own->mean = ta_sound_alloc(b->length, sizeof(float));
        own->buzz = ta_sound_alloc(b->length, sizeof(float));
    }
    float **own[] = {&b->work, &b->wide, &b->first, &b->second, &b->high, &b->round};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        *own[i] = ta_sound_alloc(b->length + 4 * TAPS + 4 * b->smooth, sizeof(float));
    return b;
}

void ta_sound_buzz_destroy(struct ta_sound_buzz **buzz)
{
    struct ta_sound_buzz *b = *buzz;
    if (!b)
        return;
    ta_sound_block_release(&b->block);
    for (int c = 0; c < b->channels; c++) {
        struct channel *own = &b->list[c];
        for (int f = 0; f < KEPT; f++)
            free(own->frames[f]);
        free(own->all[0]);
        free(own->all[1]);
        free(own->weights);
        free(own->others);
        free(own->mean);
        free(own->buzz);
    }
    void *own[] = {b->list, b->work, b->wide, b->first, b->second, b->high, b->round};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        free(own[i]);
    ta_freep(buzz);
}

void ta_sound_buzz_run(struct ta_sound_buzz *buzz, float *const *planes, size_t samples)
{
    ta_sound_block_run(&buzz->block, planes, samples, process, buzz);
}

size_t ta_sound_buzz_latency(const struct ta_sound_buzz *buzz)
{
    return buzz->latency;
}

size_t ta_sound_buzz_reach(const struct ta_sound_buzz *buzz)
{
    return (size_t)(2 * HALF * buzz->nominal);
}

void ta_sound_buzz_found(const struct ta_sound_buzz *b, struct ta_sound_buzz_found *out)
{
    double most = 0, contrast = 0;
    for (int c = 0; c < b->channels; c++) {
        const struct channel *own = &b->list[c];
        most = TA_MAX(most, b->dsp->dot(own->buzz, own->buzz, b->length) / (double)b->length);
        contrast = TA_MAX(contrast, own->contrast);
    }
    *out = (struct ta_sound_buzz_found){most > 0 ? 10 * log10(most) : -200, rises(contrast, 10, 60),
                                        2 * b->rate / b->period};
}
