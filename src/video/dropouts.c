#include "video/dropouts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "base/thread.h"
#include "dsp/temporal.h"
#include "media/av.h"
#include "video/motion_parts.h"

enum {
    STEP = TA_MOTION_STEP,
    SIDE = TA_MOTION_BLOCK,
    MIDDLE = (SIDE - STEP) / 2, // of a block, the part that no other block knows better, begins so far inside
    ROWS = 16,                  // of blocks in a part of the work
    // A field's line is one row of the picture, and what was interpolated from it the rows beside. Two lines
    // at a time are as many as tapes lose.
    TALLEST = 5,
    SHORTEST = 10, // samples
    LONGER = 4,    // than tall, by such a factor
    SIDES = 2,
};
// What differs more from both neighbours, in standard deviations of noise.
#define LIMIT 6.0
// Below that it is no worn tape, and nothing is mended.
#define NOISE_LEAST 1.5

// Samples that differ, a bit each: byte i of a row has those from (i - 1) * STEP + MIDDLE on.
struct bits {
    uint8_t *at;
    int step, rows, width;
};

struct ta_dropouts {
    const struct ta_temporal_dsp *dsp;
    struct ta_pool *pool;
    int planes, limits[TA_MOTION_PLANES];
    struct bits bits[TA_MOTION_PLANES];
    uint8_t *thin;     // of a row
    uint16_t *between; // two blocks for each part
    int parts[TA_MOTION_PLANES], part_count;
    void *memory;
};

static int rows_of_blocks(int height)
{
    return (height + STEP - 1) / STEP + 1;
}

static void describe(struct ta_dropouts *d, const struct ta_format *in)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(in->pix_fmt);
    d->planes = av_pix_fmt_count_planes(in->pix_fmt);
    for (int i = 0; i < d->planes; i++) {
        bool chroma = (i == 1 || i == 2) && !(desc->flags & AV_PIX_FMT_FLAG_RGB);
        int width = AV_CEIL_RSHIFT(in->width, chroma ? desc->log2_chroma_w : 0);
        int height = AV_CEIL_RSHIFT(in->height, chroma ? desc->log2_chroma_h : 0);
        d->bits[i] = (struct bits){.step = (width + STEP - 1) / STEP + 1, .rows = height, .width = width};
        d->parts[i] = (rows_of_blocks(height) + ROWS - 1) / ROWS;
        d->part_count += d->parts[i];
    }
}

static int64_t measure(const struct ta_dropouts *d, int64_t *between)
{
    int64_t bytes = 0;
    for (int i = 0; i < d->planes; i++)
        bytes += (int64_t)d->bits[i].step * d->bits[i].rows;
    bytes += d->bits[0].step;
    *between = (bytes + TA_MOTION_ALIGNMENT - 1) / TA_MOTION_ALIGNMENT * TA_MOTION_ALIGNMENT;
    return *between + (int64_t)d->part_count * SIDES * SIDE * SIDE * (int64_t)sizeof *d->between;
}

int64_t ta_dropouts_bytes(const struct ta_format *in)
{
    struct ta_dropouts d = {0};
    int64_t between;
    describe(&d, in);
    return measure(&d, &between);
}

int ta_dropouts_create(struct ta_dropouts **out, const double noise[TA_MOTION_PLANES],
                       const struct ta_format *in, struct ta_pool *pool)
{
    struct ta_dropouts *d = ta_xcalloc(1, sizeof *d);
    int64_t between;
    d->dsp = ta_temporal_dsp();
    d->pool = pool;
    describe(d, in);
    d->memory = calloc(1, (size_t)measure(d, &between));
    *out = NULL;
    if (!d->memory) {
        ta_dropouts_destroy(&d);
        return TA_ERR_NOMEM;
    }
    uint8_t *at = d->memory;
    d->between = (uint16_t *)(void *)(at + between);
    for (int i = 0; i < d->planes; at += (ptrdiff_t)d->bits[i].step * d->bits[i].rows, i++) {
        double limit = LIMIT * fmax(noise[i], NOISE_LEAST) * (1 << (TA_MOTION_DEPTH - 8));
        bool worn = noise[i] > 0 && noise[0] >= NOISE_LEAST;
        d->limits[i] = worn ? (int)lrint(fmin(limit, TA_TEMPORAL_LIMIT)) : 0;
        d->bits[i].at = at;
    }
    d->thin = at;
    *out = d;
    return 0;
}

void ta_dropouts_destroy(struct ta_dropouts **dropouts)
{
    struct ta_dropouts *d = *dropouts;
    *dropouts = NULL;
    if (!d)
        return;
    free(d->memory);
    free(d);
}

struct mending {
    struct ta_dropouts *d;
    struct ta_motion *m;
    const struct ta_motion_picture *here, *sides[SIDES];
    const struct ta_motion_vector *vectors[SIDES];
};

// The middle of a block in both neighbours.
static void find_sides(const struct mending *w, int plane, int column, int row, uint16_t *between,
                       struct ta_motion_block sides[SIDES])
{
    const struct ta_motion_plane *here = &w->here->planes[plane];
    int across, down;
    ta_motion_blocks(w->m, &across, &down);
    int block = TA_MIN(row << here->shift_y, down - 1) * across + TA_MIN(column << here->shift_x, across - 1);
    for (int i = 0; i < SIDES; i++) {
        sides[i] = ta_motion_block_at(w->m, &w->sides[i]->planes[plane], w->vectors[i] + block, column, row,
                                      between + i * SIDE * SIDE);
        sides[i].at += MIDDLE * sides[i].step + MIDDLE;
    }
}

// perf-ok(columns-first): eight rows, of one block
static void find_part(void *arg, int part)
{
    const struct mending *w = arg;
    const struct ta_dropouts *d = w->d;
    uint16_t *between = d->between + (ptrdiff_t)part * SIDES * SIDE * SIDE;
    int plane = 0;
    while (part >= d->parts[plane])
        part -= d->parts[plane++];
    const struct bits *bits = &d->bits[plane];
    const struct ta_motion_plane *here = &w->here->planes[plane];
    int end = TA_MIN((part + 1) * ROWS, rows_of_blocks(bits->rows));
    if (!d->limits[plane])
        return;
    for (int row = part * ROWS; row < end; row++)
        for (int i = 0; i < bits->step; i++) {
            struct ta_motion_block sides[SIDES];
            uint8_t unlike[STEP];
            int y = (row - 1) * STEP + MIDDLE, x = (i - 1) * STEP + MIDDLE;
            int outside = TA_MAX(x + STEP - bits->width, 0);
            find_sides(w, plane, i, row, between, sides);
            d->dsp->unlike(unlike, here->at + y * here->step + x, here->step, sides, d->limits[plane]);
            for (int k = TA_MAX(-y, 0); k < TA_MIN(STEP, bits->rows - y); k++)
                bits->at[(ptrdiff_t)(y + k) * bits->step + i] = (uint8_t)(unlike[k] & (i ? 0xff : 0xf0) &
                                                                          0xff >> outside);
        }
}

// Rows around that differ in the same columns, this one among them.
static int tallness(const struct bits *b, int row, int i)
{
    int first = row, end = row + 1;
    while (first > 0 && end - first <= TALLEST && b->at[(ptrdiff_t)(first - 1) * b->step + i])
        first--;
    while (end < b->rows && end - first <= TALLEST && b->at[(ptrdiff_t)end * b->step + i])
        end++;
    return end - first;
}

// Keeps of a row, in `thin`, what is long and not tall; returns whether there is any.
static bool keep_thin(const struct bits *b, int row, uint8_t *thin)
{
    const uint8_t *bits = b->at + (ptrdiff_t)row * b->step;
    bool any = false;
    if (!bits[0] && !memcmp(bits, bits + 1, (size_t)b->step - 1)) // none at all
        return false;
    memset(thin, 0, (size_t)b->step);
    for (int i = 0; i < b->step; i++) {
        int first = i, tallest = 0, samples = 0;
        for (int tall; i < b->step && bits[i] && (tall = tallness(b, row, i)) <= TALLEST; i++) {
            tallest = TA_MAX(tall, tallest);
            samples += __builtin_popcount(bits[i]);
        }
        if (samples < TA_MAX(SHORTEST, LONGER * tallest))
            continue;
        memcpy(thin + first, bits + first, (size_t)(i - first));
        any = true;
    }
    return any;
}

static void mend_row(const struct mending *w, const struct ta_motion_plane *to, int plane, int y)
{
    const struct ta_dropouts *d = w->d;
    int row = (y + STEP - MIDDLE) / STEP, line = y - (row - 1) * STEP - MIDDLE;
    for (int i = 0; i < d->bits[plane].step; i++) {
        struct ta_motion_block s[SIDES];
        uint16_t *dst = to->at + y * to->step + (i - 1) * STEP + MIDDLE;
        if (!d->thin[i])
            continue;
        find_sides(w, plane, i, row, d->between, s);
        for (int x = 0; x < STEP; x++)
            if (d->thin[i] >> x & 1)
                dst[x] = (uint16_t)((s[0].at[line * s[0].step + x] + s[1].at[line * s[1].step + x] + 1) / 2);
    }
}

// With the border.
static void copy_plane(const struct ta_motion_plane *to, const struct ta_motion_plane *from)
{
    for (int y = -TA_MOTION_PAD; y < from->height + TA_MOTION_PAD; y++)
        memcpy(to->at + y * to->step - TA_MOTION_PAD, from->at + y * from->step - TA_MOTION_PAD,
               ((size_t)from->width + 2 * TA_MOTION_PAD) * sizeof *to->at);
}

struct ta_motion_picture ta_dropouts_mend(struct ta_dropouts *d, struct ta_motion *m, int64_t moment,
                                          const struct ta_motion_picture *to)
{
    struct mending w = {.d = d, .m = m, .here = ta_motion_picture(m, moment)};
    struct ta_motion_picture made = *w.here;
    for (int i = 0; i < SIDES; i++) {
        w.vectors[i] = ta_motion_vectors(m, moment, 2 * i - 1);
        if (!d->limits[0] || !w.vectors[i])
            return made;
        w.sides[i] = ta_motion_picture(m, moment + 2 * i - 1);
    }
    ta_pool_run(d->pool, d->part_count, find_part, &w);
    for (int i = 0; i < d->planes; i++)
        for (int y = 0; d->limits[i] && y < d->bits[i].rows; y++) {
            if (!keep_thin(&d->bits[i], y, d->thin))
                continue;
            if (made.planes[i].at != to->planes[i].at)
                copy_plane(&to->planes[i], &w.here->planes[i]);
            made.planes[i] = to->planes[i];
            mend_row(&w, &to->planes[i], i, y);
        }
    return made;
}
