// The kernels of motion_blocks.h in plain C.
#ifndef TA_DSP_MOTION_BLOCKS_C_H
#define TA_DSP_MOTION_BLOCKS_C_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "dsp/motion_places.h"

static unsigned sad(const uint8_t *a, ptrdiff_t a_step, const uint8_t *b, ptrdiff_t b_step, int side,
                    int skip)
{
    unsigned sum = 0;
    for (int y = 0; y < side; y += skip)
        for (int x = 0; x < side; x++)
            sum += (unsigned)abs(a[y * a_step + x] - b[y * b_step + x]);
    return sum * (unsigned)skip;
}

static int uneven(const uint8_t *at, ptrdiff_t step)
{
    int sum = 0;
    for (int y = 0; y < BLOCK; y += 2, at += 2 * step)
        for (int x = 0; x + 1 < BLOCK / 2; x++)
            sum += (at[x + 1] - at[x]) * (at[x + 1] - at[x]);
    return sum;
}

// One block's search.
struct trial {
    const struct ta_motion_row *row;
    const uint8_t *block, *place;
    int least_x, most_x;
    int expected_x, expected_y;
    int x, y; // the best so far
    unsigned cost, error;
};

static void try_place(struct trial *t, int x, int y)
{
    const struct ta_motion_row *r = t->row;
    x = clipped(x, t->least_x, t->most_x);
    y = clipped(y, r->least_y, r->most_y);
    unsigned error = sad(t->block, r->step, t->place + y * r->step + x, r->step, r->side, r->side / 8);
    unsigned cost = error + (unsigned)(r->stray * (abs(x - t->expected_x) + abs(y - t->expected_y)));
    if (cost < t->cost) {
        t->cost = cost;
        t->error = error;
        t->x = x;
        t->y = y;
    }
}

static void try_ring(struct trial *t, int distance, int count)
{
    int x = t->x, y = t->y;
    for (int i = 0; i < count; i++)
        try_place(t, x + distance * ring[i][0], y + distance * ring[i][1]);
}

static int median(int a, int b, int c)
{
    return larger(smaller(a, b), smaller(larger(a, b), c));
}

static void search_row(const struct ta_motion_row *r)
{
    struct ta_motion_vector left = {0};
    for (int i = 0; i < r->count; i++) {
        struct ta_motion_vector up = r->above ? r->above[i] : left;
        struct ta_motion_vector right = r->above && i + 1 < r->count ? r->above[i + 1] : up;
        struct trial t = {
            .row = r,
            .block = r->block + i * r->pitch,
            .place = r->place + i * r->pitch,
            .least_x = larger(r->least_x - i * r->pitch, -r->longest),
            .most_x = smaller(r->most_x - i * r->pitch, r->longest),
            .expected_x = median(left.x, up.x, right.x),
            .expected_y = median(left.y, up.y, right.y),
            .cost = UINT32_MAX,
        };
        try_place(&t, r->first[i].x, r->first[i].y);
        if (r->second)
            try_place(&t, r->second[i].x, r->second[i].y);
        else
            try_place(&t, r->above ? right.x : 0, r->above ? right.y : 0);
        try_place(&t, left.x, left.y);
        try_place(&t, up.x, up.y);
        if (r->wide)
            try_ring(&t, r->wide, 2 * TA_MOTION_TRIALS);
        try_ring(&t, 1, r->around);
        left = (struct ta_motion_vector){(int16_t)t.x, (int16_t)t.y,
                                         (uint16_t)smaller((int)t.error, UINT16_MAX)};
        r->vectors[i] = left;
    }
}

static void search(const struct ta_motion_row *rows, int count)
{
    for (int k = 0; k < count; k++)
        search_row(rows + k);
}

static unsigned sad16_between(const uint8_t *a, ptrdiff_t a_step, const uint8_t *const b[4], ptrdiff_t b_step)
{
    uint8_t mean[BLOCK * BLOCK] = {0};
    for (int y = 0; y < BLOCK; y += 2)
        for (int x = 0; x < BLOCK; x++) {
            ptrdiff_t at = y * b_step + x;
            int one = (b[0][at] + b[1][at] + 1) >> 1, other = (b[2][at] + b[3][at] + 1) >> 1;
            mean[y * BLOCK + x] = (uint8_t)((one + other + 1) >> 1);
        }
    return sad(a, a_step, mean, BLOCK, BLOCK, 2);
}

static inline int weigh(int x, int weight)
{
    return ((x * weight >> 14) + 1) >> 1;
}

static void blend(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                  const struct ta_motion_block *below, int rows)
{
    for (int y = 0; y < rows; y++) {
        const uint16_t *a = above[0].at + y * above[0].step + STEP, *b = above[1].at + y * above[1].step;
        const uint16_t *c = below[0].at + y * below[0].step + STEP, *d = below[1].at + y * below[1].step;
        for (int x = 0; x < STEP; x++) {
            int sum = weigh(a[x] << GUARD_BITS, WINDOW(y, x)) +
                      weigh(b[x] << GUARD_BITS, WINDOW(y, STEP - 1 - x)) +
                      weigh(c[x] << GUARD_BITS, WINDOW(STEP - 1 - y, x)) +
                      weigh(d[x] << GUARD_BITS, WINDOW(STEP - 1 - y, STEP - 1 - x));
            sum = (sum + (1 << GUARD_BITS >> 1)) >> GUARD_BITS;
            dst[y * dst_step + x] = (uint16_t)(sum < MOST ? sum : MOST);
        }
    }
}

static void overlap(uint16_t *dst, ptrdiff_t dst_step, const struct ta_motion_block *above,
                    const struct ta_motion_block *below, int cells, int rows)
{
    for (int c = 0; c < cells; c++, dst += STEP)
        if (same_place(above + c, below + c))
            for (int y = 0; y < rows; y++)
                memcpy(dst + y * dst_step, above[c + 1].at + y * above[c + 1].step, STEP * sizeof *dst);
        else
            blend(dst, dst_step, above + c, below + c, rows);
}

// The samples around `p`, `step` apart, as they are or at a fraction.
static inline int filter(const int *p, ptrdiff_t step, int fraction)
{
    const int16_t *t = taps[fraction];
    return fraction
               ? weigh(p[-step], t[0]) + weigh(p[0], t[1]) + weigh(p[step], t[2]) + weigh(p[2 * step], t[3])
               : p[0];
}

static void between(uint16_t *restrict dst, ptrdiff_t dst_step, const uint16_t *restrict src, ptrdiff_t step,
                    int fraction_x, int fraction_y, int n)
{
    int first = fraction_y ? -1 : 0, end = fraction_y ? BLOCK + 2 : BLOCK;
    for (int x = 0; x < n; x++) {
        int column[BLOCK + TAPS - 1];
        for (int y = first; y < end; y++) {
            int along[TAPS] = {0};
            for (int i = fraction_x ? 0 : 1; i < (fraction_x ? TAPS : 2); i++)
                along[i] = src[y * step + x + i - 1] << BETWEEN_BITS;
            column[y - first] = filter(along + 1, 1, fraction_x);
        }
        for (int y = 0; y < BLOCK; y++) {
            int v = filter(column + y - first, 1, fraction_y);
            v = (v + (1 << BETWEEN_BITS >> 1)) >> BETWEEN_BITS;
            v = v > 0 ? v : 0;
            dst[y * dst_step + x] = (uint16_t)(v < MOST ? v : MOST);
        }
    }
}

static void differ(uint16_t *restrict dst, const uint16_t *restrict a, const uint16_t *restrict b, int n)
{
    int sum = 0;
    for (int i = -MARGIN; i < MARGIN; i++)
        sum += abs(a[i] - b[i]);
    for (int i = 0; i < n; i++) {
        sum += abs(a[i + MARGIN] - b[i + MARGIN]);
        dst[i] = (uint16_t)sum;
        sum -= abs(a[i - MARGIN] - b[i - MARGIN]);
    }
}

#endif
