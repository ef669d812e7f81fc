#include "video/light.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "video/motion_parts.h"

enum {
    LEVEL = 2, // pictures of a quarter of the size: a block is 4 samples wide there
    SIDE = TA_MOTION_BLOCK >> LEVEL,
    EVERY = 2,    // blocks overlap by half: each second one says as much
    ROUNDS = 4,   // of fitting, each with less trust in what lies off
    RANGE = 1024, // differences of sums that are told apart, to either side
    LEAST = 16,   // blocks
    FASTEST = 6,  // levels from moment to moment
};
#define GAIN_MOST 1.3  // more than that is another picture, not another light
#define OFF_LEAST 0.4  // levels that a block may be off with all of its say
#define EVEN_LEAST 4.0 // standard deviation of levels that it takes to tell a gain from an offset
#define OFF_MOST 3.0   // if half of the blocks are off by so many, light is not what changed

static unsigned sum_at(const struct ta_motion_bytes_plane *p, int x, int y)
{
    unsigned sum = 0;
    x = ta_motion_clip(x, -TA_MOTION_PAD / 2, p->width + TA_MOTION_PAD / 2 - SIDE);
    y = ta_motion_clip(y, -TA_MOTION_PAD / 2, p->height + TA_MOTION_PAD / 2 - SIDE);
    const uint8_t *at = p->at + y * p->step + x;
    for (int j = 0; j < SIDE; j++, at += p->step) { // of four samples at once, in halves of a word
        uint32_t row;
        memcpy(&row, at, SIDE);
        sum += (row & 0xff00ff) + (row >> 8 & 0xff00ff);
    }
    return (sum & 0xffff) + (sum >> 16);
}

void ta_light_sums(const struct ta_motion *m, const struct ta_motion_moment *moment, int every,
                   uint16_t *sums)
{
    for (int y = 0; y < m->down; y += every)
        for (int x = 0; x < m->across; x += every)
            *sums++ = (uint16_t)sum_at(&moment->search[LEVEL], (x - 1) * SIDE / 2, (y - 1) * SIDE / 2);
}

// The least distance that half of those counted have.
static int half_way(const int *counts, int size, int n)
{
    int i = 0;
    for (int seen = counts[0]; seen <= n / 2 && i + 1 < size;)
        seen += counts[++i];
    return i;
}

int ta_light_change(const struct ta_motion *m, const uint16_t *here, const uint16_t *there, int away)
{
    int n = ((m->across + 1) / 2) * ((m->down + 1) / 2), counts[2 * RANGE + 1] = {0},
        off[2 * RANGE + 1] = {0};
    for (int i = 0; i < n; i++)
        counts[RANGE + ta_motion_clip(there[i] - here[i], -RANGE, RANGE)]++;
    int change = half_way(counts, TA_COUNT(counts), n) - RANGE;
    for (int i = 0; i < n; i++)
        off[TA_MIN(abs(there[i] - here[i] - change), 2 * RANGE)]++;
    if (abs(change) > FASTEST * TA_LIGHT_SAMPLES * abs(away) ||
        half_way(off, TA_COUNT(off), n) > abs(change) / 2)
        return 0;
    return (change + (change < 0 ? -1 : 1) * TA_LIGHT_SAMPLES / 2) / TA_LIGHT_SAMPLES;
}

// A block's levels there and here.
struct pair {
    float there, here;
};

// The middle of how far pairs are off a line, to either side (signed) or away.
static double middle(const struct pair *pairs, int n, const struct ta_light *l, bool away)
{
    int counts[2 * RANGE + 1] = {0};
    for (int k = 0; k < n; k++) {
        double off = pairs[k].here - pairs[k].there * l->gain - l->offset;
        int bin = ta_motion_nearest(TA_LIGHT_SAMPLES * (away ? fabs(off) : off));
        counts[RANGE + ta_motion_clip(bin, -RANGE, RANGE)]++;
    }
    return (double)(half_way(counts, TA_COUNT(counts), n) - RANGE) / TA_LIGHT_SAMPLES;
}

static void fit(const struct pair *pairs, int n, double off_most, struct ta_light *l)
{
    double w = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (int k = 0; k < n; k++) {
        double there = pairs[k].there, here = pairs[k].here;
        double off = (here - there * l->gain - l->offset) / off_most;
        double say = fmax(0, 1 - off * off);
        w += say;
        x += say * there;
        y += say * here;
        xx += say * there * there;
        xy += say * there * here;
    }
    if (w < LEAST)
        return;
    double spread = xx / w - x / w * (x / w), gain = 1;
    if (spread > EVEN_LEAST * EVEN_LEAST)
        gain = (xy / w - x / w * (y / w)) / spread;
    *l = (struct ta_light){gain, (y - gain * x) / w};
}

bool ta_light_find(const struct ta_motion *m, const uint16_t *sums, const struct ta_motion_moment *there,
                   const struct ta_motion_vector *vectors, unsigned far, struct ta_light *light)
{
    struct ta_light as_it_was = {1, 0}, l = as_it_was;
    bool known = true;
    struct pair *pairs = ta_xcalloc((size_t)(m->across * m->down), sizeof *pairs);
    int n = 0;
    for (int y = 1; y + 1 < m->down; y += EVERY)
        for (int x = 1; x + 1 < m->across; x += EVERY) {
            const struct ta_motion_vector *v = vectors + y * m->across + x;
            if (v->error >= far)
                continue;
            unsigned sum = sum_at(&there->search[LEVEL], (x - 1) * SIDE / 2 + ((v->x + 8) >> 4),
                                  (y - 1) * SIDE / 2 + ((v->y + 8) >> 4));
            pairs[n++] = (struct pair){(float)sum / TA_LIGHT_SAMPLES,
                                       (float)sums[y * m->across + x] / TA_LIGHT_SAMPLES};
        }
    double change = n ? middle(pairs, n, &l, false) : 0;
    l.offset = change;
    for (int i = 0; i < ROUNDS && n >= LEAST; i++)
        fit(pairs, n, fmax(OFF_LEAST, 3 * middle(pairs, n, &l, true)), &l);
    bool strange = l.gain > GAIN_MOST || l.gain < 1 / GAIN_MOST;
    if (n < LEAST || strange || middle(pairs, n, &l, true) > OFF_MOST) {
        l = as_it_was;
        known = fabs(change) <= OFF_MOST;
    }
    free(pairs);
    *light = l;
    return known;
}
