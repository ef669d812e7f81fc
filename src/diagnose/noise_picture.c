// What differs between two pictures of a still scene is their noise. Where things move, it is more: so blocks
// are compared, and the noise is read from the quietest of them, corrected for how much quieter than the mean
// the quietest of so many are by chance. That takes the number of independent samples in a block, which the
// noise's own correlation tells (tapes smear theirs along the lines), and the share of the blocks that are
// still, which is found by trying.
#include "diagnose/noise_picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "diagnose/samples.h"

enum {
    WIDE = 16, // a block: so many columns of so many lines of one field
    HIGH = 8,
    COUNT = WIDE * HIGH,
    MOST = 1600,                // blocks of a plane
    LEAST = 12,                 // blocks that tell anything
    LAGS = 6,                   // along a line
    MARGIN = 16,                // columns at the sides
    ABOVE = 8,                  // lines
    BELOW = 32,                 // ... where heads switch
    LOWEST = 2 * TA_SAMPLE_ONE, // samples from here on may be clipped
    HIGHEST = 253 * TA_SAMPLE_ONE,
};

// Read from this quantile of the blocks; where coding has flattened some of them, from a higher one.
static const double quiet_exact = 0.06, quiet_coded = 0.3;
// Blocks above this quantile of still ones count as moving.
static const double loud = 0.97, loud_z = 1.8808;

// More of a picture than this is no inserted drawing.
static const double clean_share = 0.15;

struct block {
    float variance;            // of the difference, in codes of 8 bits, squared
    float level;               // mean of the picture
    float lag[LAGS + 1], line; // covariances along the line and with the next line
};

struct blocks {
    struct block *list;
    int count, same, seen; // of those seen, `same` do not differ at all
};

// Smooth brightness changes are no noise: the mean difference is taken off.
static bool measure_block(const struct ta_samples *a, const struct ta_samples *b, int x, int y,
                          struct block *out, bool *same)
{
    int16_t d[HIGH][WIDE], v[WIDE], w[WIDE];
    int clipped = 0, sum = 0, first = 0, differ = 0, textured = 0;
    int64_t level = 0;
    for (int i = 0; i < HIGH; i++) {
        ta_samples_row(v, b, x, y + 2 * i, WIDE);
        ta_samples_row(w, a, x, y + 2 * i, WIDE);
        first = i ? first : v[0];
        for (int k = 0; k < WIDE; k++) {
            d[i][k] = (int16_t)(v[k] - w[k]);
            sum += d[i][k];
            level += v[k];
            differ |= d[i][k];
            textured |= v[k] ^ first;
            clipped += v[k] < LOWEST || v[k] >= HIGHEST;
        }
    }
    *same = !differ;
    if ((!differ && !textured) || clipped > COUNT / 12)
        return false;
    const double scale = 1.0 / TA_SAMPLE_ONE / TA_SAMPLE_ONE;
    double mean = (double)sum / COUNT;
    for (int lag = 0; lag <= LAGS; lag++) {
        int64_t s = 0;
        for (int i = 0; i < HIGH; i++)
            for (int k = lag; k < WIDE; k++)
                s += d[i][k] * d[i][k - lag];
        out->lag[lag] = (float)(((double)s / (HIGH * (WIDE - lag)) - mean * mean) * scale);
    }
    int64_t s = 0;
    for (int i = 1; i < HIGH; i++)
        for (int k = 0; k < WIDE; k++)
            s += d[i][k] * d[i - 1][k];
    out->line = (float)(((double)s / (COUNT - WIDE) - mean * mean) * scale);
    out->variance = out->lag[0];
    out->level = (float)((double)level / COUNT / TA_SAMPLE_ONE);
    return true;
}

static void measure_plane(const AVFrame *before, const AVFrame *picture, int component, struct blocks *all)
{
    struct ta_samples a, b;
    if (!ta_samples_of(before, component, &a) || !ta_samples_of(picture, component, &b) ||
        a.width != b.width || a.height != b.height)
        return;
    // Small pictures have no edges to spare.
    int side = b.width >= 8 * MARGIN ? MARGIN : 0, above = b.height >= 160 ? ABOVE : 0,
        below = b.height >= 160 ? BELOW : 0;
    int columns = (b.width - 2 * side) / WIDE, rows = (b.height - above - below) / (2 * HIGH);
    if (columns < 1 || rows < 1)
        return;
    int total = columns * rows * 2, every = (total + MOST - 1) / MOST;
    for (int n = 0; n < total; n += every) {
        // A step that divides the row's length would look at columns only.
        int at = (n + n / columns % every) % total, row = at / columns;
        struct block *block = &all->list[all->count];
        bool same = false;
        bool good = measure_block(&a, &b, side + at % columns * WIDE, above + row / 2 * 2 * HIGH + row % 2,
                                  block, &same);
        all->seen += good;
        all->same += good && same;
        all->count += good && !same;
    }
}

static int by_variance(const void *a, const void *b)
{
    float x = ((const struct block *)a)->variance, y = ((const struct block *)b)->variance;
    return (x > y) - (x < y);
}

// The quantile of a mean of `n` squares of normal values, whose mean is 1, by Wilson and Hilferty.
static double quantile(double z, double n)
{
    double k = 2 / (9 * n), root = 1 - k + z * sqrt(k);
    return root * root * root;
}

// The normal value below which a share p (0..0.5) lies, to 0.0005 (Abramowitz and Stegun 26.2.23).
static double normal_of(double p)
{
    double t = sqrt(-2 * log(fmin(fmax(p, 1e-6), 0.5)));
    return -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                     (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
}

struct source {
    bool coded;
    double rounding;
};

struct noise {
    double sigma, still, across, down;
};

// How many independent samples a block's variance comes from, and its mean.
static void count_independent(const struct block *list, int n, double *of_squares, double *of_mean,
                              struct noise *out)
{
    double lag[LAGS + 1] = {0}, line = 0;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k <= LAGS; k++)
            lag[k] += list[i].lag[k];
        line += list[i].line;
    }
    lag[0] = fmax(lag[0], 1e-9); // of blocks that hardly differ
    double squares = 1, sum = 1, down = fmin(fmax(line / lag[0], 0), 1);
    for (int k = 1; k <= LAGS; k++) {
        double r = fmin(fmax(lag[k] / lag[0], 0), 1);
        squares += 2 * r * r;
        sum += 2 * r;
    }
    *of_squares = COUNT / squares / (1 + 2 * down * down);
    *of_mean = COUNT / sum / (1 + 2 * down);
    out->across = fmax(-1, fmin(lag[1] / lag[0], 1));
    out->down = fmax(-1, fmin(line / lag[0], 1));
}

// `list` is sorted. `rounding` is the variance that the steps of the values add to a difference.
static bool estimate_at(double quiet, const struct block *list, int n, const struct source *from,
                        struct noise *out)
{
    if (n < LEAST)
        return false;
    double at = quiet * (n - 1), squares, means, share = 1, variance = 0;
    int low = (int)at;
    double read = list[low].variance +
                  (at - low) * (list[TA_MIN(low + 1, n - 1)].variance - list[low].variance);
    count_independent(list, TA_MAX(LEAST, n / 4), &squares, &means, out);
    for (int i = 0; i < 6; i++) {
        double p = fmin(quiet / share, 0.5);
        variance = read / quantile(normal_of(p), squares);
        int still = 0;
        while (still < n && list[still].variance < variance * quantile(loud_z, squares))
            still++;
        share = fmin(1, fmax(still / loud / n, quiet));
    }
    variance = variance / fmax(0.7, 1 - 1 / means) - from->rounding;
    out->sigma = sqrt(fmax(variance, 0) / 2);
    out->still = share;
    return true;
}

float ta_noise_by_weight(const float *level, const float *weight)
{
    double best = -1, all = 0;
    for (int i = 0; i < TA_NOISE_LEVELS; i++)
        all += weight[i];
    for (int i = 0; i < TA_NOISE_LEVELS; i++) {
        double under = 0;
        for (int k = 0; k < TA_NOISE_LEVELS; k++)
            under += level[k] <= level[i] ? weight[k] : 0;
        if (weight[i] > 0 && under >= all / 2 && (best < 0 || level[i] < best))
            best = level[i];
    }
    return (float)best;
}

// Where much moves, the higher quantile is not noise alone any more.
static bool estimate(const struct block *list, int n, const struct source *from, struct noise *out)
{
    struct noise quietest;
    if (!estimate_at(quiet_exact, list, n, from, out) || !from->coded)
        return n >= LEAST;
    quietest = *out;
    estimate_at(quiet_coded, list, n, from, out);
    out->sigma = fmin(out->sigma, 1.3 * quietest.sigma + 0.25);
    return true;
}

// By levels of brightness, as noise differs between them; the whole is their median by weight.
static void estimate_luma(struct blocks *all, const struct source *from, struct ta_noise_picture *out)
{
    struct block *some = ta_xcalloc((size_t)all->count + 1, sizeof *some);
    double sum = 0, share = 0, weights = 0;
    struct noise whole = {0};
    for (int level = 0; level < TA_NOISE_LEVELS; level++) {
        int n = 0;
        for (int i = 0; i < all->count; i++)
            if (TA_MIN((int)all->list[i].level / 32, TA_NOISE_LEVELS - 1) == level)
                some[n++] = all->list[i];
        struct noise noise;
        if (!estimate(some, n, from, &noise))
            continue;
        out->level[level] = (float)noise.sigma;
        out->weight[level] = (float)(n * noise.still);
        weights += n * noise.still;
        share += n * noise.still;
        sum += n;
        whole.across += noise.across * n * noise.still;
        whole.down += noise.down * n * noise.still;
    }
    free(some);
    struct noise noise;
    if (!weights) { // too few of each: all together
        if (estimate(all->list, all->count, from, &noise)) {
            out->luma = (float)noise.sigma;
            out->still = (float)noise.still;
            out->across = (float)noise.across;
            out->down = (float)noise.down;
        }
        return;
    }
    out->still = (float)(share / sum);
    out->across = (float)(whole.across / weights);
    out->down = (float)(whole.down / weights);
    for (int i = 0; i < TA_NOISE_LEVELS; i++)
        out->weight[i] /= (float)weights;
    out->luma = ta_noise_by_weight(out->level, out->weight);
}

static struct source source_of(const AVFrame *f, int component, bool coded)
{
    struct ta_samples s;
    double step = ta_samples_of(f, component, &s) ? pow(2, 8 - TA_MIN(s.bits, 12)) : 0;
    return (struct source){.coded = coded, .rounding = 2 * step * step / 12};
}

// Both planes together.
static float estimate_chroma(const AVFrame *before, const AVFrame *picture, bool coded)
{
    struct blocks all = {.list = ta_xcalloc(2 * (MOST + 2), sizeof *all.list)};
    struct source from = source_of(picture, 1, coded);
    struct noise noise = {.sigma = -1};
    measure_plane(before, picture, 1, &all);
    measure_plane(before, picture, 2, &all);
    qsort(all.list, (size_t)all.count, sizeof *all.list, by_variance);
    if (all.same * 2 > all.seen)
        noise.sigma = 0;
    else
        estimate(all.list, all.count, &from, &noise);
    free(all.list);
    return (float)noise.sigma;
}

void ta_noise_picture_measure(const AVFrame *before, const AVFrame *picture, bool coded,
                              struct ta_noise_picture *out)
{
    *out = (struct ta_noise_picture){.luma = -1, .chroma = -1, .coded = coded};
    for (int i = 0; i < TA_NOISE_LEVELS; i++)
        out->level[i] = -1;
    struct blocks luma = {.list = ta_xcalloc(MOST + 2, sizeof *luma.list)};
    struct source from = source_of(picture, 0, coded);
    measure_plane(before, picture, 0, &luma);
    out->repeated = luma.seen > 0 && luma.same * 2 > luma.seen;
    // Parts that stay the same to the last bit have no noise, unless coding has copied them.
    if (!coded && !out->repeated && luma.same > luma.seen * clean_share) {
        out->luma = out->chroma = 0;
        out->still = (float)luma.same / (float)luma.seen;
    } else if (!out->repeated) {
        qsort(luma.list, (size_t)luma.count, sizeof *luma.list, by_variance);
        estimate_luma(&luma, &from, out);
        out->chroma = estimate_chroma(before, picture, coded);
    }
    free(luma.list);
}
