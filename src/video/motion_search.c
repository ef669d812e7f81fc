// The search for vectors: blocks of blurred pictures, from a quarter of the size up, each beginning where its
// neighbours and the level above have been.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "video/motion_parts.h"

enum {
    // What a vector costs for each sample that it differs from what its neighbours let expect, in steps of a
    // block at full size: in flat places it decides.
    STRAY = 24,
    REACH_IN = 3, // samples of the border's repetition that no block may touch: sub-pel search reads on
    // A cut: half of the blocks differ by so much a sample. Noise of tapes stays far below.
    LOST_ERROR = 20 * TA_MOTION_BLOCK * TA_MOTION_BLOCK,
    QUARTERS = 4,
    LONGEST = 4096, // samples: so that quarters fit a vector
    SMALL = 8,      // side of the blocks at a quarter of the size
};

// One block's search, in whole samples of its level.
struct trial {
    const struct ta_motion_dsp *dsp;
    const uint8_t *block, *place; // in the one picture, and the same place in the other
    ptrdiff_t block_step, step;
    bool small;
    int stray;
    int expected_x, expected_y;
    int least_x, most_x, least_y, most_y;
    int x, y; // the best so far
    unsigned cost, error;
};

static void try_vector(struct trial *t, int x, int y)
{
    x = ta_motion_clip(x, t->least_x, t->most_x);
    y = ta_motion_clip(y, t->least_y, t->most_y);
    if (x == t->x && y == t->y && t->cost != UINT32_MAX)
        return; // predictions mostly agree
    const uint8_t *there = t->place + y * t->step + x;
    unsigned error = t->small ? t->dsp->sad8(t->block, t->block_step, there, t->step)
                              : t->dsp->sad16(t->block, t->block_step, there, t->step);
    unsigned cost = error + (unsigned)(t->stray * (abs(x - t->expected_x) + abs(y - t->expected_y)));
    if (cost < t->cost) {
        t->cost = cost;
        t->error = error;
        t->x = x;
        t->y = y;
    }
}

static int median(int a, int b, int c)
{
    return a > b ? (b > c ? b : a > c ? c : a) : (a > c ? a : b > c ? c : b);
}

// The neighbours that are known when a block's turn comes: left, above, above and to the right. The first row
// of a slice has none above.
struct around {
    const struct ta_motion_vector *left, *up, *up_right;
};

static const struct ta_motion_vector nowhere;

static struct around look_around(const struct ta_motion_vector *v, int x, bool first_row, int across)
{
    struct around a = {x ? v - 1 : &nowhere, first_row ? (x ? v - 1 : &nowhere) : v - across, NULL};
    a.up_right = !first_row && x + 1 < across ? v - across + 1 : a.up;
    return a;
}

static struct trial begin(const struct ta_motion *m, const struct ta_motion_search *s, int level, int x,
                          int y, bool small, const struct around *a, int unit)
{
    const struct ta_motion_bytes_plane *from = &s->from->search[level], *to = &s->to->search[level];
    int side = small ? SMALL : TA_MOTION_BLOCK;
    struct trial t = {
        .dsp = m->dsp,
        .block = from->at + y * from->step + x,
        .place = to->at + y * to->step + x,
        .block_step = from->step,
        .step = to->step,
        .small = small,
        .stray = STRAY >> level,
        .expected_x = median(a->left->x, a->up->x, a->up_right->x) / unit,
        .expected_y = median(a->left->y, a->up->y, a->up_right->y) / unit,
        .least_x = TA_MAX(-TA_MOTION_PAD + REACH_IN - x, -LONGEST >> level),
        .most_x = TA_MIN(to->width + TA_MOTION_PAD - REACH_IN - side - 1 - x, LONGEST >> level),
        .least_y = TA_MAX(-TA_MOTION_PAD + REACH_IN - y, -LONGEST >> level),
        .most_y = TA_MIN(to->height + TA_MOTION_PAD - REACH_IN - side - 1 - y, LONGEST >> level),
        .cost = UINT32_MAX,
    };
    return t;
}

static const int8_t ring[8][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}};

static void try_ring(struct trial *t, int distance)
{
    int x = t->x, y = t->y;
    for (int i = 0; i < 8; i++)
        try_vector(t, x + distance * ring[i][0], y + distance * ring[i][1]);
}

// At a quarter of the size, blocks of 8x8: 32x32 of the picture, every 16.
static void search_small(const struct ta_motion *m, const struct ta_motion_search *s, int first, int end)
{
    for (int y = first; y < end; y++)
        for (int x = 0; x < m->coarse_across; x++) {
            struct ta_motion_vector *v = s->coarse + y * m->coarse_across + x;
            struct around a = look_around(v, x, y == first, m->coarse_across);
            struct trial t = begin(m, s, 2, x * 4 - 4, y * 4 - 4, true, &a, 1);
            try_vector(&t, 0, 0);
            try_vector(&t, t.expected_x, t.expected_y);
            try_vector(&t, a.left->x, a.left->y);
            try_vector(&t, a.up->x, a.up->y);
            try_vector(&t, a.up_right->x, a.up_right->y);
            try_ring(&t, 2);
            try_ring(&t, 1);
            *v = (struct ta_motion_vector){.x = (int16_t)t.x, .y = (int16_t)t.y};
        }
}

// At half the size, blocks of 16x16 with the same middles. Vectors still are in samples of the level.
static void search_half(const struct ta_motion *m, const struct ta_motion_search *s, int first, int end)
{
    for (int y = first; y < end; y++)
        for (int x = 0; x < m->coarse_across; x++) {
            struct ta_motion_vector *v = s->coarse + y * m->coarse_across + x;
            struct around a = look_around(v, x, y == first, m->coarse_across);
            struct trial t = begin(m, s, 1, x * 8 - 8, y * 8 - 8, false, &a, 1);
            try_vector(&t, 2 * v->x, 2 * v->y);
            try_vector(&t, a.left->x, a.left->y);
            try_vector(&t, a.up->x, a.up->y);
            try_vector(&t, a.up_right->x, a.up_right->y);
            try_ring(&t, 1);
            *v = (struct ta_motion_vector){.x = (int16_t)t.x, .y = (int16_t)t.y};
        }
}

// Steps to the four neighbours while that helps, `rounds` times at most.
static void descend(struct trial *t, int rounds)
{
    for (int i = 0, dx = 0, dy = 0; i < rounds; i++) {
        int x = t->x, y = t->y;
        if (dx <= 0)
            try_vector(t, x - 1, y);
        if (dx >= 0)
            try_vector(t, x + 1, y);
        if (dy <= 0)
            try_vector(t, x, y - 1);
        if (dy >= 0)
            try_vector(t, x, y + 1);
        dx = t->x - x;
        dy = t->y - y;
        if (!dx && !dy)
            return;
    }
}

static unsigned error_between(const struct trial *t, int x, int y)
{
    const uint8_t *p[4];
    for (int i = 0; i < 4; i++) {
        // The nearest places at halves, each of which is the mean of two samples.
        int at_x = (i < 2 ? x : x + 1) & ~1, at_y = (i < 2 ? y : y + 1) & ~1;
        at_x = (at_x + (i & 1) * 2) >> 2;
        at_y = (at_y + (i & 1) * 2) >> 2;
        p[i] = t->place + (t->y + at_y) * t->step + t->x + at_x;
    }
    return t->dsp->sad16_between(t->block, t->block_step, p, t->step);
}

// Halves, then quarters around the whole sample found. The picture is blurred: means are filter enough.
static void refine(struct trial *t, int *fraction_x, int *fraction_y)
{
    int best_x = 0, best_y = 0;
    unsigned left = error_between(t, -2, 0), right = error_between(t, 2, 0);
    unsigned up = error_between(t, 0, -2), down = error_between(t, 0, 2);
    int side = left < right ? -2 : 2, way = up < down ? -2 : 2;
    unsigned along = TA_MIN(left, right), across = TA_MIN(up, down), diagonal = error_between(t, side, way);
    if (along < t->error) {
        t->error = along;
        best_x = side;
    }
    if (across < t->error) {
        t->error = across;
        best_x = 0;
        best_y = way;
    }
    if (diagonal < t->error) {
        t->error = diagonal;
        best_x = side;
        best_y = way;
    }
    int x = best_x, y = best_y;
    for (int i = 0; i < 8; i++) {
        unsigned error = error_between(t, x + ring[i][0], y + ring[i][1]);
        if (error < t->error) {
            t->error = error;
            best_x = x + ring[i][0];
            best_y = y + ring[i][1];
        }
    }
    *fraction_x = best_x;
    *fraction_y = best_y;
}

static int whole(int quarters)
{
    return (quarters + QUARTERS / 2) >> 2;
}

static void try_quarters(struct trial *t, int x, int y)
{
    try_vector(t, whole(x), whole(y));
}

// Where a chain of vectors leads: to the nearer moment, and on from the block that is met there.
static void try_chained(const struct ta_motion *m, const struct ta_motion_search *s, struct trial *t, int x,
                        int y)
{
    const struct ta_motion_vector *near = s->near + y * m->across + x;
    int steps = abs(s->away), other = steps - 1;
    if (s->step) {
        int at_x = ta_motion_clip((x * TA_MOTION_STEP + near->x / QUARTERS + 4) >> 3, 0, m->across - 1);
        int at_y = ta_motion_clip((y * TA_MOTION_STEP + near->y / QUARTERS + 4) >> 3, 0, m->down - 1);
        const struct ta_motion_vector *step = s->step + at_y * m->across + at_x;
        try_quarters(t, near->x + step->x, near->y + step->y);
    }
    try_quarters(t, near->x * steps / other, near->y * steps / other);
}

static void search_full(const struct ta_motion *m, const struct ta_motion_search *s, int first, int end)
{
    for (int y = first; y < end; y++)
        for (int x = 0; x < m->across; x++) {
            struct ta_motion_vector *v = s->vectors + y * m->across + x;
            struct around a = look_around(v, x, y == first, m->across);
            struct trial t = begin(m, s, 0, (x - 1) * TA_MOTION_STEP, (y - 1) * TA_MOTION_STEP, false, &a,
                                   QUARTERS);
            if (s->near) {
                try_chained(m, s, &t, x, y);
            } else {
                const struct ta_motion_vector *c = s->coarse + (y >> 1) * m->coarse_across + (x >> 1);
                const struct ta_motion_vector *d = s->coarse + ((y + 1) >> 1) * m->coarse_across +
                                                   ((x + 1) >> 1);
                try_vector(&t, 2 * c->x, 2 * c->y);
                try_vector(&t, 2 * d->x, 2 * d->y);
                try_quarters(&t, a.up_right->x, a.up_right->y);
            }
            try_quarters(&t, a.left->x, a.left->y);
            try_quarters(&t, a.up->x, a.up->y);
            descend(&t, s->near ? 1 : 2);
            int fraction_x = 0, fraction_y = 0;
            if (m->settings.fine)
                refine(&t, &fraction_x, &fraction_y);
            *v = (struct ta_motion_vector){.x = (int16_t)(QUARTERS * t.x + fraction_x),
                                           .y = (int16_t)(QUARTERS * t.y + fraction_y),
                                           .error = (uint16_t)TA_MIN(t.error, UINT16_MAX)};
        }
}

struct pass {
    const struct ta_motion *m;
    struct ta_motion_search *searches;
    void (*run)(const struct ta_motion *m, const struct ta_motion_search *s, int first, int end);
    int rows, slice, slices;
};

static void run_slice(void *arg, int part)
{
    const struct pass *p = arg;
    int first = part % p->slices * p->slice;
    p->run(p->m, &p->searches[part / p->slices], first, TA_MIN(first + p->slice, p->rows));
}

static void run_pass(struct ta_motion *m, struct ta_motion_search *searches, int count, int rows, int slice,
                     void (*run)(const struct ta_motion *m, const struct ta_motion_search *s, int first,
                                 int end))
{
    struct pass p = {m, searches, run, rows, slice, (rows + slice - 1) / slice};
    ta_pool_run(m->pool, count * p.slices, run_slice, &p);
}

void ta_motion_search(struct ta_motion *m, struct ta_motion_search *searches, int count)
{
    if (!searches[0].near) {
        run_pass(m, searches, count, m->coarse_down, TA_MOTION_SLICE / 2, search_small);
        run_pass(m, searches, count, m->coarse_down, TA_MOTION_SLICE / 2, search_half);
    }
    run_pass(m, searches, count, m->down, TA_MOTION_SLICE, search_full);
    for (int i = 0; i < count; i++) {
        int n = m->across * m->down, far = 0;
        for (int k = 0; k < n; k++)
            far += searches[i].vectors[k].error >= LOST_ERROR;
        searches[i].lost = far > n / 2;
    }
}

// ---- the pictures that are searched ----

static void extend_bytes(const struct ta_motion_bytes_plane *p, int y)
{
    uint8_t *row = p->at + y * p->step;
    for (int i = 1; i <= TA_MOTION_PAD; i++) {
        row[-i] = row[0];
        row[p->width - 1 + i] = row[p->width - 1];
    }
}

static void extend_bytes_all(const struct ta_motion_bytes_plane *p)
{
    size_t bytes = (size_t)p->width + 2 * TA_MOTION_PAD;
    for (int y = 1; y <= TA_MOTION_PAD; y++) {
        memcpy(p->at - y * p->step - TA_MOTION_PAD, p->at - TA_MOTION_PAD, bytes);
        const uint8_t *last = p->at + (p->height - 1) * p->step - TA_MOTION_PAD;
        memcpy(p->at + (p->height - 1 + y) * p->step - TA_MOTION_PAD, last, bytes);
    }
}

struct blurring {
    const struct ta_motion *m;
    const struct ta_motion_moment *moment;
};

static void blur_slice(void *arg, int part)
{
    const struct blurring *b = arg;
    const struct ta_motion_plane *luma = &b->moment->picture.planes[0];
    const struct ta_motion_bytes_plane *to = &b->moment->search[0];
    int first = part * TA_MOTION_SLICE * TA_MOTION_STEP;
    for (int y = first; y < TA_MIN(first + TA_MOTION_SLICE * TA_MOTION_STEP, to->height); y++) {
        const uint16_t *row = luma->at + y * luma->step;
        const uint16_t *rows[3] = {row - luma->step, row, row + luma->step};
        b->m->dsp->blur(to->at + y * to->step, rows, to->width);
        extend_bytes(to, y);
    }
}

void ta_motion_make_search_pictures(struct ta_motion *m, struct ta_motion_moment *moment)
{
    struct blurring b = {m, moment};
    int height = moment->search[0].height, slice = TA_MOTION_SLICE * TA_MOTION_STEP;
    ta_pool_run(m->pool, (height + slice - 1) / slice, blur_slice, &b);
    extend_bytes_all(&moment->search[0]);
    for (int level = 1; level < TA_MOTION_LEVELS; level++) {
        const struct ta_motion_bytes_plane *from = &moment->search[level - 1], *to = &moment->search[level];
        for (int y = 0; y < to->height; y++) {
            const uint8_t *row = from->at + 2 * y * from->step;
            const uint8_t *rows[2] = {row, row + from->step};
            m->dsp->halve(to->at + y * to->step, rows, to->width);
            extend_bytes(to, y);
        }
        extend_bytes_all(to);
    }
}
