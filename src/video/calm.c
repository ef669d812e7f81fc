#include "video/calm.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"
#include "dsp/temporal.h"

enum {
    ROWS = 64,   // in a part of the work
    RING = 8,    // rows of each kind that are kept
    MARGIN = 16, // values that rows have on either side
    KINDS = 7,
    FAR = 2,    // rows beyond that far detail is made from
    AROUND = 2, // rows beyond that energy is of
};

struct rows {
    float *near[RING], *near_detail[RING], *near_energy[RING];
    float *far[RING], *far_detail[RING], *far_energy[RING];
    float *strength;
};

struct ta_calm {
    const struct ta_temporal_dsp *dsp;
    struct ta_pool *pool;
    int width, height, parts;
    struct rows *rows;
    float *memory;
};

static int64_t row_size(int width)
{
    return ((int64_t)width + 2 * MARGIN + 15) / 16 * 16;
}

static int parts_of(int height)
{
    return (height + ROWS - 1) / ROWS;
}

int64_t ta_calm_bytes(int width, int height)
{
    return parts_of(height) * KINDS * RING * row_size(width) * (int64_t)sizeof(float);
}

struct ta_calm *ta_calm_create(int width, int height, struct ta_pool *pool)
{
    struct ta_calm *c = ta_xcalloc(1, sizeof *c);
    *c = (struct ta_calm){
        .dsp = ta_temporal_dsp(), .pool = pool, .width = width, .height = height, .parts = parts_of(height)};
    c->rows = ta_xcalloc((size_t)c->parts, sizeof *c->rows);
    c->memory = calloc(1, (size_t)ta_calm_bytes(width, height));
    if (!c->memory) {
        ta_calm_destroy(&c);
        return NULL;
    }
    float *at = c->memory + MARGIN;
    for (int i = 0; i < c->parts; i++) {
        struct rows *r = &c->rows[i];
        float **kinds[] = {r->near, r->near_detail, r->near_energy, r->far, r->far_detail, r->far_energy};
        for (size_t k = 0; k < TA_COUNT(kinds); k++)
            for (int n = 0; n < RING; n++, at += row_size(width))
                kinds[k][n] = at;
        r->strength = at;
        at += RING * row_size(width);
    }
    return c;
}

void ta_calm_destroy(struct ta_calm **calm)
{
    struct ta_calm *c = *calm;
    *calm = NULL;
    if (!c)
        return;
    free(c->rows);
    free(c->memory);
    free(c);
}

struct work {
    struct ta_calm *c;
    const struct ta_motion_plane *from, *to;
    float near, far; // what is left of the noise there, squared
    ta_calm_strength *strength;
    const void *arg;
};

// A row's place in a ring; rows begin above the picture.
static int ring(int y)
{
    return (y + RING) % RING;
}

static void near_row(const struct work *w, const struct rows *r, int y)
{
    const struct ta_motion_plane *p = w->from;
    const uint16_t *row = p->at + y * p->step - MARGIN / 2;
    const uint16_t *rows[3] = {row - p->step, row, row + p->step};
    w->c->dsp->part_near(r->near[ring(y)] - MARGIN / 2, r->near_detail[ring(y)] - MARGIN / 2, rows,
                         p->width + MARGIN);
    w->c->dsp->energy(r->near_energy[ring(y)], r->near_detail[ring(y)], p->width);
}

static void far_row(const struct work *w, const struct rows *r, int y)
{
    const float *rows[3] = {r->near[ring(y - FAR)] - MARGIN / 4, r->near[ring(y)] - MARGIN / 4,
                            r->near[ring(y + FAR)] - MARGIN / 4};
    int n = w->from->width + MARGIN / 2;
    w->c->dsp->part_far(r->far[ring(y)] - MARGIN / 4, r->far_detail[ring(y)] - MARGIN / 4, rows, n);
    w->c->dsp->energy(r->far_energy[ring(y)], r->far_detail[ring(y)], w->from->width);
}

static void give_row(const struct work *w, const struct rows *r, int y)
{
    const float *near[TA_TEMPORAL_AROUND], *far[TA_TEMPORAL_AROUND];
    int n = w->from->width;
    for (int i = 0; i < TA_TEMPORAL_AROUND; i++) {
        near[i] = r->near_energy[ring(y - AROUND + i)];
        far[i] = r->far_energy[ring(y - AROUND + i)];
    }
    if (y % TA_MOTION_STEP == 0)
        for (int x = 0; x < n; x += TA_MOTION_STEP) {
            float strength = w->strength(w->arg, x / TA_MOTION_STEP, y / TA_MOTION_STEP);
            for (int i = x; i < TA_MIN(x + TA_MOTION_STEP, n); i++)
                r->strength[i] = strength * strength;
        }
    struct ta_temporal_parts parts = {
        .rest = r->far[ring(y)],
        .near = r->near_detail[ring(y)],
        .far = r->far_detail[ring(y)],
        .strength = r->strength,
        .near_noise = w->near,
        .far_noise = w->far,
    };
    w->c->dsp->calm(w->to->at + y * w->to->step, &parts, near, far, n);
}

static void calm_part(void *arg, int part)
{
    const struct work *w = arg;
    const struct rows *r = &w->c->rows[part];
    int first = part * ROWS, end = TA_MIN(first + ROWS, w->from->height);
    for (int y = first - AROUND - FAR; y < end + AROUND + FAR; y++) {
        near_row(w, r, y);
        if (y - FAR >= first - AROUND)
            far_row(w, r, y - FAR);
        if (y - FAR - AROUND >= first)
            give_row(w, r, y - FAR - AROUND);
    }
}

void ta_calm_run(struct ta_calm *c, const struct ta_motion_plane *from, const struct ta_motion_plane *to,
                 double sigma, const struct ta_calm_left *left, ta_calm_strength *strength, const void *arg)
{
    double unit = (1 << (TA_MOTION_DEPTH - 8)) * sigma;
    struct work w = {
        .c = c,
        .from = from,
        .to = to,
        .near = (float)(left->near * unit * left->near * unit),
        .far = (float)(left->far * unit * left->far * unit),
        .strength = strength,
        .arg = arg,
    };
    ta_pool_run(c->pool, parts_of(from->height), calm_part, &w);
    ta_motion_extend_all(to);
}
