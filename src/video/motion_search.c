// The search for vectors: blocks of blurred pictures, from a quarter of the size up, each beginning where its
// neighbours and the level above have been.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "video/light.h"
#include "video/motion_parts.h"

enum {
    // What a vector costs for each sample that it differs from what its neighbours let expect, in steps of a
    // block at full size: in flat places it decides.
    STRAY = 24,
    REACH_IN = 3, // samples of the border's repetition that no block may touch: sub-pel search reads on
    // A cut: half of the blocks differ by so much a sample. Noise of tapes stays far below.
    LOST_ERROR = 20 * TA_MOTION_BLOCK * TA_MOTION_BLOCK,
    QUARTERS = 4,
    SURER = 8,      // a place between samples must be better by such a part
    LONGEST = 4096, // samples: so that quarters fit a vector
    SMALL = 8,      // side of the blocks at a quarter of the size
};

// A row of blocks, `side` wide and every `pitch`, of a picture of the level.
static struct ta_motion_row row_of(const struct ta_motion_search *s, int level, int side, int pitch, int y,
                                   struct ta_motion_vector *vectors, int across, bool first)
{
    const struct ta_motion_bytes_plane *from = &s->pictures[level], *to = &s->to->search[level];
    int at = (y - 1) * pitch;
    return (struct ta_motion_row){
        .block = from->at + at * from->step - pitch,
        .place = to->at + at * to->step - pitch,
        .step = from->step,
        .side = side,
        .pitch = pitch,
        .count = across,
        .above = first ? NULL : vectors + (ptrdiff_t)(y - 1) * across,
        .vectors = vectors + (ptrdiff_t)y * across,
        .least_x = -TA_MOTION_PAD + REACH_IN + pitch,
        .most_x = to->width + TA_MOTION_PAD - REACH_IN - side - 1 + pitch,
        .least_y = TA_MAX(-TA_MOTION_PAD + REACH_IN - at, -LONGEST >> level),
        .most_y = TA_MIN(to->height + TA_MOTION_PAD - REACH_IN - side - 1 - at, LONGEST >> level),
        .longest = LONGEST >> level,
        .stray = STRAY >> level,
    };
}

// At a quarter of the size, blocks of 8x8: 32x32 of the picture, every 16.
static void search_small(const struct ta_motion *m, const struct ta_motion_search *s,
                         struct ta_motion_place *places, int first, int end)
{
    struct ta_motion_row rows[TA_MOTION_SLICE / 2] = {0};
    memset(places, 0, (size_t)m->coarse_across * sizeof *places);
    for (int y = first; y < end; y++) {
        struct ta_motion_row *r = &rows[y - first];
        *r = row_of(s, 2, SMALL, SMALL / 2, y, s->coarse, m->coarse_across, y == first);
        r->first = places;
        r->wide = 2;
        r->around = 8;
    }
    m->dsp->search(rows, end - first);
}

// At half the size, blocks of 16x16 with the same middles.
static void search_half(const struct ta_motion *m, const struct ta_motion_search *s,
                        struct ta_motion_place *places, int first, int end)
{
    struct ta_motion_row rows[TA_MOTION_SLICE / 2] = {0};
    for (int y = first; y < end; y++, places += m->coarse_across) {
        struct ta_motion_row *r = &rows[y - first];
        *r = row_of(s, 1, TA_MOTION_BLOCK, TA_MOTION_BLOCK / 2, y, s->coarse, m->coarse_across, y == first);
        for (int i = 0; i < r->count; i++)
            places[i] = (struct ta_motion_place){(int16_t)(2 * r->vectors[i].x),
                                                 (int16_t)(2 * r->vectors[i].y)};
        r->first = places;
        r->around = 8;
    }
    m->dsp->search(rows, end - first);
}

static const int8_t ring[8][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}};

// A block, and where in the other picture it has gone so far.
struct refined {
    const struct ta_motion_dsp *dsp;
    const uint8_t *block, *place;
    ptrdiff_t step;
    unsigned error;
};

static unsigned error_between(const struct refined *r, int x, int y)
{
    const uint8_t *p[4];
    for (int i = 0; i < 4; i++) {
        // The nearest places at halves, each of which is the mean of two samples.
        int at_x = (i < 2 ? x : x + 1) & ~1, at_y = (i < 2 ? y : y + 1) & ~1;
        at_x = (at_x + (i & 1) * 2) >> 2;
        at_y = (at_y + (i & 1) * 2) >> 2;
        p[i] = r->place + at_y * r->step + at_x;
    }
    return r->dsp->sad16_between(r->block, r->step, p, r->step);
}

// Halves, then quarters around the whole sample found. The picture is blurred: means are filter enough. Where
// whole samples do nearly as well they stay, for what is taken from between them is blurred, and twice at
// best.
static void refine(struct refined *t, int *fraction_x, int *fraction_y)
{
    int best_x = 0, best_y = 0;
    unsigned least = t->error - t->error / SURER;
    unsigned left = error_between(t, -2, 0), right = error_between(t, 2, 0);
    unsigned up = error_between(t, 0, -2), down = error_between(t, 0, 2);
    int side = left < right ? -2 : 2, way = up < down ? -2 : 2;
    unsigned along = TA_MIN(left, right), across = TA_MIN(up, down), diagonal = error_between(t, side, way);
    if (along < least) {
        least = along;
        best_x = side;
    }
    if (across < least) {
        least = across;
        best_x = 0;
        best_y = way;
    }
    if (diagonal < least) {
        least = diagonal;
        best_x = side;
        best_y = way;
    }
    int x = best_x, y = best_y;
    for (int i = 0; i < 8; i++) {
        unsigned error = error_between(t, x + ring[i][0], y + ring[i][1]);
        if (error < least) {
            least = error;
            best_x = x + ring[i][0];
            best_y = y + ring[i][1];
        }
    }
    *fraction_x = best_x;
    *fraction_y = best_y;
    if (best_x || best_y)
        t->error = least;
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

// From samples to quarters.
static void finish(const struct ta_motion *m, const struct ta_motion_search *s, int first, int end)
{
    for (int y = first; y < end; y++) {
        struct ta_motion_row r = row_of(s, 0, TA_MOTION_BLOCK, TA_MOTION_STEP, y, s->vectors, m->across,
                                        true);
        for (int x = 0; x < m->across; x++) {
            struct ta_motion_vector *v = r.vectors + x;
            int fraction_x = 0, fraction_y = 0;
            if (m->settings.fine) {
                struct refined t = {
                    .dsp = m->dsp,
                    .block = r.block + x * TA_MOTION_STEP,
                    .place = r.place + x * TA_MOTION_STEP + v->y * r.step + v->x,
                    .step = r.step,
                    .error = v->error,
                };
                refine(&t, &fraction_x, &fraction_y);
                v->error = (uint16_t)t.error;
            }
            v->x = (int16_t)(QUARTERS * v->x + fraction_x);
            v->y = (int16_t)(QUARTERS * v->y + fraction_y);
        }
    }
}

static void search_full(const struct ta_motion *m, const struct ta_motion_search *s,
                        struct ta_motion_place *places, int first, int end)
{
    struct ta_motion_row rows[TA_MOTION_SLICE] = {0};
    for (int y = first; y < end; y++) {
        struct ta_motion_row *r = &rows[y - first];
        struct ta_motion_place *firsts = places, *seconds = places + m->across;
        *r = row_of(s, 0, TA_MOTION_BLOCK, TA_MOTION_STEP, y, s->vectors, m->across, y == first);
        for (int x = 0; x < m->across; x++) {
            int px[2], py[2];
            predict(m, s, x, y, px, py);
            firsts[x] = (struct ta_motion_place){(int16_t)whole(px[0]), (int16_t)whole(py[0])};
            seconds[x] = (struct ta_motion_place){(int16_t)whole(px[1]), (int16_t)whole(py[1])};
        }
        r->first = firsts;
        r->second = seconds;
        r->around = abs(s->away) >= 3 && !m->settings.fine ? 0 : 4;
        places += 2 * m->across;
    }
    m->dsp->search(rows, end - first);
    finish(m, s, first, end);
}

typedef void run_rows(const struct ta_motion *m, const struct ta_motion_search *s,
                      struct ta_motion_place *places, int first, int end);

struct pass {
    const struct ta_motion *m;
    struct ta_motion_search *searches;
    run_rows *run;
    int rows, slice, slices;
};

static void run_slice(void *arg, int part)
{
    const struct pass *p = arg;
    int first = part % p->slices * p->slice;
    struct ta_motion_place *places = p->m->places + (ptrdiff_t)part * TA_MOTION_PREDICTIONS * p->m->across;
    p->run(p->m, &p->searches[part / p->slices], places, first, TA_MIN(first + p->slice, p->rows));
}

static void run_pass(struct ta_motion *m, struct ta_motion_search *searches, int count, int rows, int slice,
                     run_rows *run)
{
    struct pass p = {m, searches, run, rows, slice, (rows + slice - 1) / slice};
    ta_pool_run(m->pool, count * p.slices, run_slice, &p);
}

// Where all is brighter or darker there than here, light would say more than what is to be found again.
static void light_up(struct ta_motion *m, struct ta_motion_search *s, struct ta_motion_bytes_plane *lit)
{
    int change = ta_light_change(m, s->from->sums, s->to->sums, s->away);
    s->pictures = s->from->search;
    if (!change)
        return;
    for (int level = 0; level < TA_MOTION_LEVELS; level++) {
        const struct ta_motion_bytes_plane *from = &s->from->search[level];
        for (int y = -TA_MOTION_PAD; y < from->height + TA_MOTION_PAD; y++) {
            const uint8_t *src = from->at + y * from->step - TA_MOTION_PAD;
            uint8_t *dst = lit[level].at + y * lit[level].step - TA_MOTION_PAD;
            for (int x = 0; x < from->width + 2 * TA_MOTION_PAD; x++)
                dst[x] = (uint8_t)ta_motion_clip(src[x] + change, 0, UINT8_MAX);
        }
    }
    s->pictures = lit;
}

void ta_motion_search(struct ta_motion *m, struct ta_motion_search *searches, int count)
{
    for (int i = 0; i < count; i++)
        light_up(m, &searches[i], m->lit[i]);
    for (int i = 0; i < count; i++)
        if (!searches[i].near && !searches[i].reverse) {
            run_pass(m, searches + i, 1, m->coarse_down, TA_MOTION_SLICE / 2, search_small);
            run_pass(m, searches + i, 1, m->coarse_down, TA_MOTION_SLICE / 2, search_half);
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
    memset(row - TA_MOTION_PAD, row[0], TA_MOTION_PAD);
    memset(row + p->width, row[p->width - 1], TA_MOTION_PAD);
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

// All sizes: what lies below a slice's last rows is of no concern to it.
static void blur_slice(void *arg, int part)
{
    const struct blurring *b = arg;
    const struct ta_motion_plane *luma = &b->moment->picture.planes[0];
    const struct ta_motion_bytes_plane *to = b->moment->search;
    int count = TA_MOTION_SLICE * TA_MOTION_STEP;
    for (int y = part * count; y < TA_MIN((part + 1) * count, to->height); y++) {
        const uint16_t *row = luma->at + y * luma->step;
        const uint16_t *rows[3] = {row - luma->step, row, row + luma->step};
        b->m->dsp->blur(to->at + y * to->step, rows, to->width);
        extend_bytes(to, y);
    }
    for (int level = 1; level < TA_MOTION_LEVELS; level++) {
        const struct ta_motion_bytes_plane *from = to++;
        count /= 2;
        for (int y = part * count; y < TA_MIN((part + 1) * count, to->height); y++) {
            const uint8_t *row = from->at + 2 * y * from->step;
            const uint8_t *rows[2] = {row, 2 * y + 1 < from->height ? row + from->step : row};
            b->m->dsp->halve(to->at + y * to->step, rows, to->width);
            extend_bytes(to, y);
        }
    }
}

void ta_motion_make_search_pictures(struct ta_motion *m, struct ta_motion_moment *moment)
{
    struct blurring b = {m, moment};
    int height = moment->search[0].height, slice = TA_MOTION_SLICE * TA_MOTION_STEP;
    ta_pool_run(m->pool, (height + slice - 1) / slice, blur_slice, &b);
    for (int level = 0; level < TA_MOTION_LEVELS; level++)
        extend_bytes_all(&moment->search[level]);
    ta_light_sums(m, moment, 2, moment->sums);
}
