// The measurement is the same for all depths: a block is loaded as 8-bit codes in 16-bit words, then
// compared. Inner loops run over the constant width of a block, which lets compilers vectorise them at -O2.
#include "diagnose/field_metrics.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"

enum {
    BLOCK_WIDTH = 32,
    BLOCK_HEIGHT = 16,
    BLOCK_PIXELS = BLOCK_WIDTH * BLOCK_HEIGHT,
    MAX_BLOCKS = 400,
    MARGIN = 16,
};

// A difference between weaves means something above this part of the comb energy (what noise of that energy
// can do by chance, about 4 standard deviations for band-limited noise) and above this many codes (what lossy
// coding does).
static const double noise_share = 0.28;
static const double least_difference = 1.5;
// When the blocks' votes are fewer than this, the picture votes as a whole as well.
static const double weak_votes = 0.01;
// Field against neighbour field: how much farther the far weave must be than the near one to tell the order.
static const double order_ratio = 0.45;

// Where one component's samples lie in a frame.
struct plane {
    const uint8_t *data;
    ptrdiff_t stride;
    int step;  // bytes from sample to sample
    int shift; // right shift to 8 bits, after `low` bits of padding
    bool wide, big_endian;
};

typedef int16_t block_row[BLOCK_WIDTH];

struct block {
    block_row cur[BLOCK_HEIGHT + 2]; // with the line above and the line below
    block_row prev[BLOCK_HEIGHT], next[BLOCK_HEIGHT];
};

// Sums for lines of one parity.
struct line_sums {
    uint32_t comb_cur, comb_prev,
        comb_next; // the line from this frame or a neighbour, between this frame's other field
    uint32_t moved_prev, moved_next; // sums of absolute differences to the frames before and after
    uint32_t detail;                 // like comb_cur, but between the next lines of the same field
};

struct block_sums {
    struct line_sums top, bottom;
};

static bool plane_of(const AVFrame *f, struct plane *out)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    if (!desc || desc->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_PAL |
                                AV_PIX_FMT_FLAG_FLOAT))
        return false;
    bool rgb = desc->flags & AV_PIX_FMT_FLAG_RGB;
    const AVComponentDescriptor *c = &desc->comp[rgb ? 1 : 0];
    if (c->depth < 8 || c->depth > 16 || !f->data[c->plane])
        return false;
    out->data = f->data[c->plane] + c->offset;
    out->stride = f->linesize[c->plane];
    out->step = c->step;
    out->wide = c->depth > 8 || c->shift > 0;
    out->shift = c->shift + c->depth - 8;
    out->big_endian = desc->flags & AV_PIX_FMT_FLAG_BE;
    return true;
}

static void load_row(block_row out, const struct plane *p, int x, int y)
{
    const uint8_t *restrict src = p->data + y * p->stride + (ptrdiff_t)x * p->step;
    if (!p->wide && p->step == 1) {
        for (int i = 0; i < BLOCK_WIDTH; i++)
            out[i] = src[i];
    } else if (!p->wide) {
        for (int i = 0; i < BLOCK_WIDTH; i++)
            out[i] = src[i * p->step];
    } else if (p->step == 2 && !p->big_endian) {
        uint16_t wide[BLOCK_WIDTH];
        memcpy(wide, src, sizeof(wide));
        for (int i = 0; i < BLOCK_WIDTH; i++)
            out[i] = (int16_t)(wide[i] >> p->shift);
    } else {
        int low = p->big_endian ? 1 : 0;
        for (int i = 0; i < BLOCK_WIDTH; i++)
            out[i] = (int16_t)((src[i * p->step + low] | src[i * p->step + 1 - low] << 8) >> p->shift);
    }
}

static inline int16_t magnitude(int v)
{
    return (int16_t)(v < 0 ? -v : v);
}

static uint32_t total(const uint16_t *acc)
{
    uint32_t sum = 0;
    for (int i = 0; i < BLOCK_WIDTH; i++)
        sum += acc[i];
    return sum;
}

// Lines `first`, first + 2, ... of the block. Eight lines of at most 1020 fit 16 bits.
static void sum_lines(const struct block *b, int first, struct line_sums *out)
{
    uint16_t comb_cur[BLOCK_WIDTH] = {0}, comb_prev[BLOCK_WIDTH] = {0}, comb_next[BLOCK_WIDTH] = {0};
    uint16_t moved_prev[BLOCK_WIDTH] = {0}, moved_next[BLOCK_WIDTH] = {0};
    uint16_t detail[BLOCK_WIDTH] = {0};
    for (int y = first; y < BLOCK_HEIGHT; y += 2) {
        const int16_t *above = b->cur[y], *cur = b->cur[y + 1], *below = b->cur[y + 2];
        const int16_t *prev = b->prev[y], *next = b->next[y];
        for (int i = 0; i < BLOCK_WIDTH; i++) {
            int16_t around = (int16_t)(above[i] + below[i]);
            comb_cur[i] = (uint16_t)(comb_cur[i] + magnitude((int16_t)(around - 2 * cur[i])));
            comb_prev[i] = (uint16_t)(comb_prev[i] + magnitude((int16_t)(around - 2 * prev[i])));
            comb_next[i] = (uint16_t)(comb_next[i] + magnitude((int16_t)(around - 2 * next[i])));
            moved_prev[i] = (uint16_t)(moved_prev[i] + magnitude((int16_t)(cur[i] - prev[i])));
            moved_next[i] = (uint16_t)(moved_next[i] + magnitude((int16_t)(cur[i] - next[i])));
        }
    }
    // Seven lines have both neighbours in what is loaded.
    for (int y = first ? 1 : 2; y <= (first ? 13 : 14); y += 2) {
        const int16_t *above = b->cur[y - 1], *cur = b->cur[y + 1], *below = b->cur[y + 3];
        for (int i = 0; i < BLOCK_WIDTH; i++)
            detail[i] = (uint16_t)(detail[i] + magnitude((int16_t)(above[i] + below[i] - 2 * cur[i])));
    }
    *out = (struct line_sums){total(comb_cur),   total(comb_prev),  total(comb_next),
                              total(moved_prev), total(moved_next), total(detail) * 8 / 7};
}

// `y` is even, so that even lines of the block are top field lines.
static void measure_block(const struct plane *prev, const struct plane *cur, const struct plane *next, int x,
                          int y, struct block_sums *out)
{
    struct block b;
    for (int i = 0; i < BLOCK_HEIGHT + 2; i++)
        load_row(b.cur[i], cur, x, y + i - 1);
    for (int i = 0; i < BLOCK_HEIGHT; i++) {
        load_row(b.prev[i], prev, x, y + i);
        load_row(b.next[i], next, x, y + i);
    }
    sum_lines(&b, 0, &out->top);
    sum_lines(&b, 1, &out->bottom);
}

// Places of the blocks that are looked at: every k-th on a slanted lattice, as neither a thin upright nor a
// thin level thing falls through that.
struct place {
    int16_t x, y; // y is even
};

static int place_blocks(int width, int height, struct place *places)
{
    int margin_x = width >= 8 * MARGIN ? MARGIN : 0;
    int margin_y = height >= 8 * MARGIN ? MARGIN : 2;
    int columns = (width - 2 * margin_x) / BLOCK_WIDTH, rows = (height - 2 * margin_y) / BLOCK_HEIGHT;
    if (columns <= 0 || rows <= 0 || width > INT16_MAX || height > INT16_MAX)
        return 0;
    int every = (columns * rows + MAX_BLOCKS - 1) / MAX_BLOCKS;
    int slant = (int)lround(sqrt(every));
    int count = 0;
    for (int row = 0; row < rows; row++) {
        int first = (every - row * slant % every) % every;
        for (int column = first; column < columns && count < MAX_BLOCKS; column += every)
            places[count++] = (struct place){(int16_t)(margin_x + column * BLOCK_WIDTH),
                                             (int16_t)(margin_y + row * BLOCK_HEIGHT)};
    }
    return count;
}

// Comb energy of a block for the three hypotheses, in codes a pixel, from the sides that are used.
struct weaves {
    double tff, bff, progressive;
};

// Top field first: a top line is nearest in time to the bottom field before it, a bottom line to the top
// field after it. So bottom lines of the frame before and top lines of the frame after are half a frame away,
// the others one and a half.
static struct weaves weave(const struct block_sums *b, bool use_prev, bool use_next)
{
    const double scale = 2.0 / BLOCK_PIXELS / (use_prev && use_next ? 2 : 1);
    double own = b->top.comb_cur + (double)b->bottom.comb_cur;
    struct weaves w = {0, 0, own / BLOCK_PIXELS};
    // The baseline is taken out line by line: a single side compares different lines for the two orders.
    double tff = 0, bff = 0;
    if (use_prev) {
        tff += (double)b->bottom.comb_prev - b->bottom.comb_cur;
        bff += (double)b->top.comb_prev - b->top.comb_cur;
    }
    if (use_next) {
        tff += (double)b->top.comb_next - b->top.comb_cur;
        bff += (double)b->bottom.comb_next - b->bottom.comb_cur;
    }
    w.tff = w.progressive + tff * scale;
    w.bff = w.progressive + bff * scale;
    return w;
}

// Which hypothesis `blocks` pooled blocks speak for, and how strongly (up to 4).
static void vote(const struct weaves *w, int blocks, double weight, struct ta_field_metrics *out)
{
    double tff = w->tff - w->progressive, bff = w->bff - w->progressive;
    double calm = fmax(0, fmin(w->progressive, fmin(w->tff, w->bff)));
    double limit = noise_share * calm / sqrt(blocks) + least_difference * (blocks > 1 ? 0.4 : 1);
    double near = fmin(tff, bff), far = fmax(tff, bff), apart = far - near;
    if (near > limit && near > order_ratio * far)
        out->votes_progressive += weight * fmin(near / limit - 1, 3);
    else if (apart > limit && far > -0.5 * apart && tff < bff)
        out->votes_tff += weight * fmin(apart / limit - 1, 3);
    else if (apart > limit && far > -0.5 * apart)
        out->votes_bff += weight * fmin(apart / limit - 1, 3);
}

// The level of change that noise alone makes: one block in ten, field by field, changes less. A repeated
// field is at this level everywhere.
static double noise_floor(const struct block_sums *blocks, int count)
{
    enum { BINS = 512, PER_CODE = 8 };
    int bins[BINS] = {0};
    for (int i = 0; i < count; i++) {
        unsigned top = blocks[i].top.moved_prev * PER_CODE * 2 / BLOCK_PIXELS,
                 bottom = blocks[i].bottom.moved_prev * PER_CODE * 2 / BLOCK_PIXELS;
        bins[top < BINS ? top : BINS - 1]++;
        bins[bottom < BINS ? bottom : BINS - 1]++;
    }
    int below = 0, bin = 0;
    while (below + bins[bin] < count / 5)
        below += bins[bin++];
    return (double)bin / PER_CODE;
}

// Compares the two fields' changes since the frame before, over the blocks in which something moved.
static double repeated_field(const struct block_sums *blocks, int count)
{
    double floor = noise_floor(blocks, count);
    double top = 0, bottom = 0;
    for (int i = 0; i < count; i++) {
        double t = blocks[i].top.moved_prev * 2.0 / BLOCK_PIXELS,
               b = blocks[i].bottom.moved_prev * 2.0 / BLOCK_PIXELS;
        if (fmax(t, b) > 1.3 * floor + 1) {
            top += fmax(t - floor, 0);
            bottom += fmax(b - floor, 0);
        }
    }
    return top + bottom > 0 ? (bottom - top) / (bottom + top) : 0;
}

// Comb energies and votes from the sides that are used.
static void tally(const struct block_sums *blocks, int count, bool use_prev, bool use_next,
                  struct ta_field_metrics *out)
{
    out->tff = out->bff = out->progressive = 0;
    out->votes_tff = out->votes_bff = out->votes_progressive = 0;
    for (int i = 0; i < count; i++) {
        struct weaves w = weave(&blocks[i], use_prev, use_next);
        out->tff += w.tff / count;
        out->bff += w.bff / count;
        out->progressive += w.progressive / count;
        vote(&w, 1, 1.0 / count, out);
    }
    // Slow motion under heavy noise shows in no single block, but in all of them together.
    if (out->votes_tff + out->votes_bff + out->votes_progressive < weak_votes) {
        struct weaves all = {out->tff, out->bff, out->progressive};
        vote(&all, count, weak_votes, out);
    }
}

// What a block says of three fields: sums over the lines of one parity.
struct triple_sums {
    uint32_t before, after; // comb energy of the middle field woven with its neighbours
    uint32_t moved;         // from one neighbour to the other
    uint32_t detail;        // what a clean weave has
};

static struct triple_sums triple_of(const struct block_sums *b, int order, int which)
{
    // The outer fields are those of the other parity than the middle one.
    const struct line_sums *l = order == which ? &b->bottom : &b->top;
    return which ? (struct triple_sums){l->comb_cur, l->comb_next, l->moved_next, l->detail}
                 : (struct triple_sums){l->comb_prev, l->comb_cur, l->moved_prev, l->detail};
}

// Votes of a block, or of all blocks pooled, from energies in codes a pixel.
static void vote_triple(double before, double after, int blocks, double weight, struct ta_field_triple *out)
{
    double limit = noise_share * fmin(before, after) / sqrt(blocks) +
                   least_difference * (blocks > 1 ? 0.4 : 1);
    double better = fabs(after - before) / limit - 1;
    if (better > 0)
        *(before < after ? &out->before : &out->after) += (float)(weight * fmin(better, 3));
}

// Fits neither: combed on both sides, more than its detail can be, and moving.
static double torn_vote(const struct triple_sums *s)
{
    const double pixel = 2.0 / BLOCK_PIXELS;
    double calm = fmin(s->before, s->after) * pixel, clean = 1.5 * s->detail * pixel + 2;
    return calm > clean && s->moved * pixel > 0.25 * calm ? fmin(3, 2 * (calm / clean - 1)) : 0;
}

static void measure_triple(const struct block_sums *blocks, int count, int order, int which,
                           struct ta_field_triple *out)
{
    enum { BINS = 1024, PER_CODE = 4 };
    const double pixel = 2.0 / BLOCK_PIXELS; // lines of one parity
    int bins[BINS] = {0};
    double before = 0, after = 0;
    for (int i = 0; i < count; i++) {
        struct triple_sums s = triple_of(&blocks[i], order, which);
        before += s.before * pixel;
        after += s.after * pixel;
        vote_triple(s.before * pixel, s.after * pixel, 1, 1.0 / count, out);
        out->torn += (float)(torn_vote(&s) / count);
        bins[TA_MIN((unsigned)(s.moved * pixel * PER_CODE), BINS - 1)]++;
    }
    // As in tally(): slow motion under noise shows only in all blocks together.
    if (out->before + out->after < weak_votes)
        vote_triple(before / count, after / count, count, weak_votes, out);
    int few = TA_MAX(1, count / 32);
    double most = 0;
    for (int bin = BINS - 1, seen = 0; seen < few; bin--) {
        int n = TA_MIN(bins[bin], few - seen);
        most += (double)n * bin;
        seen += n;
    }
    out->moved_most = (float)(most / few / PER_CODE);
}

static double order_votes(const struct ta_field_metrics *m)
{
    return fabs(m->votes_tff - m->votes_bff);
}

void ta_field_metrics_measure(const AVFrame *prev, const AVFrame *cur, const AVFrame *next,
                              struct ta_field_metrics *out)
{
    struct block_sums blocks[MAX_BLOCKS];
    struct plane p, c, n;
    memset(out, 0, sizeof(*out));
    if ((!prev && !next) || !plane_of(cur, &c) || !plane_of(prev ? prev : next, &p) ||
        !plane_of(next ? next : prev, &n))
        return;
    struct place places[MAX_BLOCKS];
    int count = place_blocks(cur->width, cur->height, places);
    if (count == 0)
        return;
    for (int i = 0; i < count; i++)
        measure_block(&p, &c, &n, places[i].x, places[i].y, &blocks[i]);

    out->blocks = count;
    double pixels = (double)count * BLOCK_PIXELS;
    for (int i = 0; i < count; i++) {
        out->repeat_top += blocks[i].top.moved_prev * 2 / pixels;
        out->repeat_bottom += blocks[i].bottom.moved_prev * 2 / pixels;
    }
    if (prev) {
        out->motion = (out->repeat_top + out->repeat_bottom) / 2;
        out->repeat = repeated_field(blocks, count);
    } else {
        out->repeat_top = out->repeat_bottom = 0;
    }
    for (int order = 0; order < 2; order++) {
        if (prev)
            measure_triple(blocks, count, order, 0, &out->triples[order][0]);
        if (next)
            measure_triple(blocks, count, order, 1, &out->triples[order][1]);
    }
    tally(blocks, count, prev != NULL, next != NULL, out);
    if (!prev || !next || order_votes(out) > out->votes_progressive)
        return;
    // Perhaps a neighbour belongs to another scene, which says nothing but looks like a progressive frame's.
    // Then the other one alone knows the order.
    for (int use_prev = 0; use_prev < 2; use_prev++) {
        struct ta_field_metrics side = *out;
        tally(blocks, count, use_prev, !use_prev, &side);
        if (order_votes(&side) > 2 * side.votes_progressive && order_votes(&side) > weak_votes) {
            *out = side;
            return;
        }
    }
}

double ta_field_combing(const AVFrame *frame)
{
    struct place places[MAX_BLOCKS];
    struct plane p;
    int count = plane_of(frame, &p) ? place_blocks(frame->width, frame->height, places) : 0, combed = 0;
    for (int i = 0; i < count; i++) {
        block_row rows[BLOCK_HEIGHT + 4];
        uint16_t near[BLOCK_WIDTH] = {0}, far[BLOCK_WIDTH] = {0};
        for (int y = 0; y < BLOCK_HEIGHT + 4; y++)
            load_row(rows[y], &p, places[i].x, places[i].y + y - 2);
        for (int y = 2; y < BLOCK_HEIGHT + 2; y++) {
            const int16_t *above2 = rows[y - 2], *above = rows[y - 1], *line = rows[y], *below = rows[y + 1],
                          *below2 = rows[y + 2];
            for (int k = 0; k < BLOCK_WIDTH; k++) {
                near[k] = (uint16_t)(near[k] + magnitude((int16_t)(above[k] + below[k] - 2 * line[k])));
                far[k] = (uint16_t)(far[k] + magnitude((int16_t)(above2[k] + below2[k] - 2 * line[k])));
            }
        }
        combed += total(near) > 1.5 * total(far) + 2.0 * BLOCK_PIXELS;
    }
    return count ? (double)combed / count : 0;
}
