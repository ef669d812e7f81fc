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

// Four at a time and all of them, though predictions mostly agree: comparing costs less than choosing what to
// compare. The first of those that are equally good stays.
struct trials {
    int x[TA_MOTION_TRIALS], y[TA_MOTION_TRIALS];
};

static inline void try_all(struct trial *t, const struct trials *four)
{
    const uint8_t *places[TA_MOTION_TRIALS];
    unsigned errors[TA_MOTION_TRIALS], strays[TA_MOTION_TRIALS];
    int x[TA_MOTION_TRIALS], y[TA_MOTION_TRIALS];
    for (int i = 0; i < TA_MOTION_TRIALS; i++) {
        x[i] = ta_motion_clip(four->x[i], t->least_x, t->most_x);
        y[i] = ta_motion_clip(four->y[i], t->least_y, t->most_y);
        places[i] = t->place + y[i] * t->step + x[i];
        strays[i] = (unsigned)(t->stray * (abs(x[i] - t->expected_x) + abs(y[i] - t->expected_y)));
    }
    if (t->small)
        t->dsp->sad8(errors, t->block, t->block_step, places, t->step);
    else
        t->dsp->sad16(errors, t->block, t->block_step, places, t->step);
    unsigned best = UINT32_MAX; // cost and number
    for (unsigned i = 0; i < TA_MOTION_TRIALS; i++)
        best = TA_MIN(best, (errors[i] + strays[i]) * TA_MOTION_TRIALS + i);
    unsigned cost = best / TA_MOTION_TRIALS, k = best % TA_MOTION_TRIALS;
    if (cost < t->cost) {
        t->cost = cost;
        t->error = errors[k];
        t->x = x[k];
        t->y = y[k];
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

static void try_ring(struct trial *t, int distance, int count)
{
    int x = t->x, y = t->y;
    for (int first = 0; first < count; first += TA_MOTION_TRIALS) {
        struct trials four;
        for (int i = 0; i < TA_MOTION_TRIALS; i++) {
            four.x[i] = x + distance * ring[first + i][0];
            four.y[i] = y + distance * ring[first + i][1];
        }
        try_all(t, &four);
    }
}

// At a quarter of the size, blocks of 8x8: 32x32 of the picture, every 16.
static void search_small(const struct ta_motion *m, const struct ta_motion_search *s, int first, int end)
{
    for (int y = first; y < end; y++)
        for (int x = 0; x < m->coarse_across; x++) {
            struct ta_motion_vector *v = s->coarse + y * m->coarse_across + x;
            struct around a = look_around(v, x, y == first, m->coarse_across);
            struct trial t = begin(m, s, 2, x * 4 - 4, y * 4 - 4, true, &a, 1);
            try_all(&t, &(struct trials){{0, a.left->x, a.up->x, a.up_right->x},
                                         {0, a.left->y, a.up->y, a.up_right->y}});
            try_ring(&t, 2, 8);
            try_ring(&t, 1, 8);
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
            try_all(&t, &(struct trials){{2 * v->x, a.left->x, a.up->x, a.up_right->x},
                                         {2 * v->y, a.left->y, a.up->y, a.up_right->y}});
            try_ring(&t, 1, 8);
            *v = (struct ta_motion_vector){.x = (int16_t)t.x, .y = (int16_t)t.y};
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

// A vector of another moment, where one of a block has come to.
static const struct ta_motion_vector *vector_at(const struct ta_motion *m,
                                                const struct ta_motion_vector *vectors, int x, int y,
                                                int quarters_x, int quarters_y)
{
    x = ta_motion_clip((x * TA_MOTION_STEP + quarters_x / QUARTERS + 4) >> 3, 0, m->across - 1);
    y = ta_motion_clip((y * TA_MOTION_STEP + quarters_y / QUARTERS + 4) >> 3, 0, m->down - 1);
    return vectors + y * m->across + x;
}

// The first two to try, in quarters.
static void predict(const struct ta_motion *m, const struct ta_motion_search *s, int x, int y, int px[2],
                    int py[2])
{
    if (s->near) { // where a chain leads: to the nearer moment, and on from the block that is met there
        const struct ta_motion_vector *near = s->near + y * m->across + x;
        int steps = abs(s->away), other = steps - 1;
        px[0] = px[1] = near->x * steps / other;
        py[0] = py[1] = near->y * steps / other;
        if (s->step) {
            const struct ta_motion_vector *step = vector_at(m, s->step, x, y, near->x, near->y);
            px[0] = near->x + step->x;
            py[0] = near->y + step->y;
        }
    } else if (s->reverse) { // whatever came from there
        const struct ta_motion_vector *here = s->reverse + y * m->across + x;
        const struct ta_motion_vector *there = vector_at(m, s->reverse, x, y, -here->x, -here->y);
        px[0] = -here->x;
        py[0] = -here->y;
        px[1] = -there->x;
        py[1] = -there->y;
    } else {
        const struct ta_motion_vector *c = s->coarse + (y >> 1) * m->coarse_across + (x >> 1);
        const struct ta_motion_vector *d = s->coarse + ((y + 1) >> 1) * m->coarse_across + ((x + 1) >> 1);
        px[0] = 2 * QUARTERS * c->x;
        py[0] = 2 * QUARTERS * c->y;
        px[1] = 2 * QUARTERS * d->x;
        py[1] = 2 * QUARTERS * d->y;
    }
}

static void search_full(const struct ta_motion *m, const struct ta_motion_search *s, int first, int end)
{
    for (int y = first; y < end; y++)
        for (int x = 0; x < m->across; x++) {
            struct ta_motion_vector *v = s->vectors + y * m->across + x;
            struct around a = look_around(v, x, y == first, m->across);
            struct trial t = begin(m, s, 0, (x - 1) * TA_MOTION_STEP, (y - 1) * TA_MOTION_STEP, false, &a,
                                   QUARTERS);
            int px[2], py[2];
            predict(m, s, x, y, px, py);
            try_all(&t, &(struct trials){{whole(px[0]), whole(px[1]), whole(a.left->x), whole(a.up->x)},
                                         {whole(py[0]), whole(py[1]), whole(a.left->y), whole(a.up->y)}});
            for (int rounds = s->near ? 1 : 2; rounds && t.cost; rounds--) {
                int was_x = t.x, was_y = t.y;
                try_ring(&t, 1, TA_MOTION_TRIALS);
                if (t.x == was_x && t.y == was_y)
                    break;
            }
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
    if (!searches[0].near && !searches[0].reverse) {
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
