#include "video/steady.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "video/motion_parts.h"

enum {
    UNITS = 16,  // shifts are found in sixteenths of a sample,
    QUARTER = 4, // of which a quarter has so many
    RANGE = 8,   // samples to either side that are told apart
    BINS = 2 * RANGE * UNITS + 1,
    SPREAD = 24,    // the middle half of a row lies no farther apart: else the row says nothing
    FARTHEST = 48,  // jitter is no more: motion is
    ROWS = 16,      // in a part of the work
    SAY_MOST = 160, // of a block
    SAY_LEAST = 10, // of a row, for each of its blocks
    ROWS_KNOWN = 8, // of so many rows one must be known
};
#define SAY_UNIT 0.025 // of the noise's square
// By how much rows must be apart at least to be believed at all, and to be believed wholly: in units of a
// shift. Worn tapes come to 7 and more, films without jitter to 2.
#define APART_LEAST 4.0
#define APART_SURE 6.0
// What all rows have in common, a picture that shakes, is believed to be jitter up to so many times of what
// they differ by.
#define COMMON_MOST 1.5

struct ta_steady {
    int across, down, radius;
    struct ta_pool *pool;
    double noise;    // standard deviation in steps of 8 bits
    int16_t *shifts; // down for each away, from -radius on
    bool *known;
    int *says; // of the blocks of a row, for each part of the work
};

static int parts_of(int down)
{
    return (down + ROWS - 1) / ROWS;
}

int64_t ta_steady_bytes(int across, int down, int radius)
{
    return (2 * radius + 1) * (int64_t)down * (int64_t)(sizeof(int16_t) + sizeof(bool)) +
           (int64_t)parts_of(down) * across * (int64_t)sizeof(int);
}

struct ta_steady *ta_steady_create(int across, int down, int radius, double noise, struct ta_pool *pool)
{
    struct ta_steady *s = ta_xcalloc(1, sizeof *s);
    *s = (struct ta_steady){.across = across, .down = down, .radius = radius, .noise = noise, .pool = pool};
    size_t count = (size_t)(2 * radius + 1) * (size_t)down;
    s->shifts = ta_xcalloc(count, sizeof *s->shifts);
    s->known = ta_xcalloc(count, sizeof *s->known);
    s->says = ta_xcalloc((size_t)parts_of(down) * (size_t)across, sizeof *s->says);
    return s;
}

void ta_steady_destroy(struct ta_steady **steady)
{
    struct ta_steady *s = *steady;
    *steady = NULL;
    if (!s)
        return;
    free(s->shifts);
    free(s->known);
    free(s->says);
    free(s);
}

struct finding {
    struct ta_steady *s;
    const struct ta_motion_dsp *dsp;
    const struct ta_motion_bytes_plane *picture;
    const struct ta_motion_vector *const *vectors;
    unsigned far;
    int pairs, squares; // moments looked at on each side; the sum of their distances' squares
    double share;       // 1 / squares
};

// What the blocks of a row say, by shift.
struct tally {
    int counts[BINS], count, lowest;
};

// The mean of the middle half of what was counted, in units of a shift. False: too few, too far apart or off.
static bool middle(const struct tally *t, int least, int16_t *shift)
{
    const int *counts = t->counts;
    int first = t->count / 4, end = t->count - t->count / 4, seen = 0, lowest = BINS, highest = 0;
    int64_t sum = 0;
    if (t->count < least)
        return false;
    for (int i = t->lowest; i < BINS && seen < end; i++) {
        int from = seen > first ? seen : first;
        seen += counts[i];
        int to = seen < end ? seen : end;
        if (to <= from)
            continue;
        lowest = i < lowest ? i : lowest;
        highest = i;
        sum += (int64_t)(to - from) * (i - RANGE * UNITS);
    }
    int n = end - first, mean = (int)lrint((double)sum / n);
    *shift = (int16_t)mean;
    return highest - lowest <= SPREAD && abs(mean) <= FARTHEST;
}

// How much blocks have to say on where they are along the row: their differences from sample to sample,
// squared, by the noise. In flat places vectors follow the noise.
static void find_says(const struct finding *f, int row, int *says)
{
    const struct ta_motion_bytes_plane *p = f->picture;
    const uint8_t *at = p->at + (row - 1) * TA_MOTION_STEP * p->step - TA_MOTION_STEP;
    double unit = f->s->noise * f->s->noise * (TA_MOTION_BLOCK * TA_MOTION_BLOCK / 2) * SAY_UNIT;
    int half = f->dsp->uneven(at, p->step);
    for (int i = 0; i < f->s->across; i++) { // a block is two columns of cells
        int next = f->dsp->uneven(at + (i + 1) * TA_MOTION_STEP, p->step);
        double say = (half + next) / unit;
        says[i] = say < SAY_MOST ? (int)say : SAY_MOST;
        half = next;
    }
}

// What moves evenly is as far away later as it was before: the straight line through a block's places, and
// what is left of each.
static void find_row(const struct finding *f, int row, int *says)
{
    struct ta_steady *s = f->s;
    struct tally tallies[2 * TA_MOTION_RADIUS + 1];
    int r = s->radius, all = 0;
    for (int away = -f->pairs; away <= f->pairs; away++) {
        struct tally *t = &tallies[away + r];
        memset(t->counts, 0, sizeof t->counts);
        t->count = 0;
        t->lowest = BINS;
    }
    find_says(f, row, says);
    for (int column = 0; column < s->across; column++) {
        int i = row * s->across + column, along = 0, say = says[column];
        if (!say)
            continue;
        all += say;
        for (int k = 1; k <= f->pairs; k++)
            along += k * (f->vectors[r + k][i].x - f->vectors[r - k][i].x);
        for (int away = -f->pairs; away <= f->pairs; away++) {
            struct tally *t = &tallies[away + r];
            if (!away || f->vectors[away + r][i].error >= f->far)
                continue;
            int rest = (f->vectors[away + r][i].x * f->squares - away * along) * QUARTER;
            int bin = ta_motion_clip(ta_motion_nearest(rest * f->share) + RANGE * UNITS, 0, BINS - 1);
            t->counts[bin] += say;
            t->count += say;
            t->lowest = TA_MIN(bin, t->lowest);
        }
    }
    for (int away = -f->pairs; away <= f->pairs; away++) {
        int at = (away + r) * s->down + row;
        if (!away)
            continue;
        s->known[at] = middle(&tallies[away + r], TA_MAX(SAY_LEAST * s->across, all / 2), &s->shifts[at]);
        if (!s->known[at])
            s->shifts[at] = 0;
    }
}

static void find_part(void *arg, int part)
{
    const struct finding *f = arg;
    int end = TA_MIN((part + 1) * ROWS, f->s->down);
    for (int row = part * ROWS; row < end; row++)
        find_row(f, row, f->s->says + part * f->s->across);
}

// A straight line through the shifts of all rows, and how far these are off it, squared.
struct line {
    bool found;
    double start, slope, apart;
};

static struct line find_line(const struct ta_steady *s, int away)
{
    struct line l = {0};
    const int16_t *shifts = s->shifts + (away + s->radius) * s->down;
    const bool *known = s->known + (away + s->radius) * s->down;
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (int i = 0; i < s->down; i++)
        if (known[i]) {
            n++;
            x += i;
            y += shifts[i];
            xx += (double)i * i;
            xy += (double)i * shifts[i];
        }
    double even = n * xx - x * x;
    if (n < TA_MAX(s->down / ROWS_KNOWN, 2) || even <= 0)
        return l;
    l.found = true;
    l.slope = (n * xy - x * y) / even;
    l.start = (y - l.slope * x) / n;
    for (int i = 0; i < s->down; i++)
        if (known[i]) {
            double off = shifts[i] - l.start - l.slope * i;
            l.apart += off * off / n;
        }
    return l;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Rows of a tape that jitters are as far apart from one moment to the next as over many; what moves unevenly
// is hardly so to the nearest. How far rows are apart in the lower quarter of moments tells how much of it to
// believe: in the least of all, two may jitter alike. `lines` has those of the moments from -pairs on.
static double trust_of(const struct line *lines, int pairs)
{
    double aparts[2 * TA_MOTION_RADIUS];
    int count = 0;
    if (!lines[pairs - 1].found || !lines[pairs + 1].found)
        return 0;
    for (int i = 0; i <= 2 * pairs; i++)
        if (i != pairs && lines[i].found)
            aparts[count++] = sqrt(lines[i].apart);
    qsort(aparts, (size_t)count, sizeof *aparts, by_size);
    return fmax(0, fmin(1, (aparts[count / 4] - APART_LEAST) / (APART_SURE - APART_LEAST)));
}

// Holds what is common to all rows to what they differ by.
static void hold_common(struct ta_steady *s, int away, const struct line *l, double trust)
{
    int16_t *shifts = s->shifts + (away + s->radius) * s->down;
    const bool *known = s->known + (away + s->radius) * s->down;
    if (trust <= 0 || !l->found) {
        memset(shifts, 0, (size_t)s->down * sizeof *shifts);
        return;
    }
    double most = COMMON_MOST * sqrt(l->apart);
    for (int i = 0; i < s->down; i++)
        if (known[i]) {
            double line = l->start + l->slope * i;
            double shift = shifts[i] - line + fmax(-most, fmin(most, line));
            shifts[i] = (int16_t)lrint(trust * shift / QUARTER);
        }
}

double ta_steady_find(struct ta_steady *s, const struct ta_motion_bytes_plane *picture,
                      const struct ta_motion_vector *const *vectors, unsigned far)
{
    struct finding f = {.s = s, .dsp = ta_motion_dsp(), .picture = picture, .vectors = vectors, .far = far};
    int r = s->radius;
    memset(s->shifts, 0, (size_t)(2 * r + 1) * (size_t)s->down * sizeof *s->shifts);
    while (f.pairs < r && vectors[r + f.pairs + 1] && vectors[r - f.pairs - 1]) {
        f.pairs++;
        f.squares += 2 * f.pairs * f.pairs;
    }
    if (!f.pairs)
        return 0;
    f.share = 1.0 / f.squares;
    ta_pool_run(s->pool, parts_of(s->down), find_part, &f);
    struct line lines[2 * TA_MOTION_RADIUS + 1] = {{0}};
    for (int i = 0; i <= 2 * f.pairs; i++)
        lines[i] = find_line(s, i - f.pairs);
    double trust = trust_of(lines, f.pairs);
    for (int i = 0; i <= 2 * f.pairs; i++)
        if (i != f.pairs)
            hold_common(s, i - f.pairs, &lines[i], trust);
    return trust;
}

const int16_t *ta_steady_shifts(const struct ta_steady *s, int away)
{
    return s->shifts + (away + s->radius) * s->down;
}
