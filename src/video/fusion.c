// A part is some rows of a plane, worked through from above: what each neighbour says of them is put together
// strip by strip, as far ahead as kernels look.
#include "video/fusion.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "dsp/bwdif.h"
#include "dsp/motion.h"
#include "video/bwdif_field.h"

enum {
    NEIGHBOURS = TA_FUSION_NEIGHBOURS,
    ROWS = 128,               // in a part of the work
    BORDER = 32,              // of rows that kernels look beyond the ends of
    GUESSES = NEIGHBOURS + 1, // and that nothing moves
    EXPLAINED = 2 * GUESSES,
    WINDOW = 4 * TA_MOTION_STEP, // rows of what neighbours say that are kept, while a part is worked through
    EVEN = 12 << (TA_MOTION_DEPTH - 8), // samples of a bar are so far from its colour, noise and all
    BESIDE = 4,                         // rows of them that kernels look at above and below
    // Phases are floats and take two rows each.
    ROWS_OF_A_PART = NEIGHBOURS * WINDOW + 3 + EXPLAINED + 2 * GUESSES,
};

// Rows that a part works in.
struct lines {
    uint16_t *guesses[NEIGHBOURS]; // row y of one at y % WINDOW
    uint16_t *base, *spatial, *spread, *explained[EXPLAINED];
    float *phases[GUESSES]; // times trust
};

struct ta_fuser {
    const struct ta_motion_dsp *dsp;
    const struct ta_bwdif_dsp *bwdif;
    struct ta_motion *motion;
    int depth;
    struct lines *lines; // a part each
    uint16_t *memory;
    ptrdiff_t row; // samples from one row in there to the next
};

int ta_fuser_parts(const struct ta_format *in)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    int parts = 0;
    for (int i = 0; i < av_pix_fmt_count_planes(in->pix_fmt); i++) {
        bool chroma = (i == 1 || i == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
        parts += (AV_CEIL_RSHIFT(in->height, chroma ? d->log2_chroma_h : 0) + ROWS - 1) / ROWS;
    }
    return parts;
}

static ptrdiff_t row_size(const struct ta_format *in)
{
    return (in->width + 2 * BORDER + BORDER - 1) / BORDER * BORDER;
}

int64_t ta_fuser_bytes(const struct ta_format *in)
{
    return (int64_t)ta_fuser_parts(in) * ROWS_OF_A_PART * row_size(in) * (int64_t)sizeof(uint16_t);
}

int ta_fuser_create(struct ta_fuser **out, struct ta_motion *motion, const struct ta_format *in)
{
    struct ta_fuser *p = ta_xcalloc(1, sizeof *p);
    int parts = ta_fuser_parts(in);
    *out = p;
    *p = (struct ta_fuser){
        .dsp = ta_motion_dsp(),
        .bwdif = ta_bwdif_dsp(),
        .motion = motion,
        .depth = av_pix_fmt_desc_get(in->pix_fmt)->comp[0].depth,
        .lines = ta_xcalloc((size_t)parts, sizeof *p->lines),
        .memory = calloc(1, (size_t)ta_fuser_bytes(in)),
        .row = row_size(in),
    };
    if (!p->memory) {
        ta_fuser_destroy(out);
        return TA_ERR_NOMEM;
    }
    uint16_t *at = p->memory + BORDER;
    for (int i = 0; i < parts; i++) {
        struct lines *l = &p->lines[i];
        for (int k = 0; k < NEIGHBOURS; k++, at += WINDOW * p->row)
            l->guesses[k] = at;
        uint16_t **wide[] = {&l->base, &l->spatial, &l->spread};
        for (size_t k = 0; k < TA_COUNT(wide); k++, at += p->row)
            *wide[k] = at;
        for (int k = 0; k < EXPLAINED; k++, at += p->row)
            l->explained[k] = at;
        for (int k = 0; k < GUESSES; k++, at += 2 * p->row)
            l->phases[k] = (float *)(void *)at;
    }
    return 0;
}

void ta_fuser_destroy(struct ta_fuser **fuser)
{
    struct ta_fuser *p = *fuser;
    *fuser = NULL;
    if (!p)
        return;
    free(p->lines);
    free(p->memory);
    free(p);
}

static const uint16_t *row_of(const struct ta_motion_picture *picture, int plane, int y)
{
    const struct ta_motion_plane *p = &picture->planes[plane];
    return p->at + y * p->step;
}

static const uint16_t *guess_row(const struct ta_fusion *f, const struct lines *l, int guess, int y)
{
    return l->guesses[guess] + y % WINDOW * f->fuser->row;
}

// The nearest row inside that belongs to the same field.
static int inside(int y, int height)
{
    while (y < 0)
        y += 2;
    while (y >= height)
        y -= 2;
    return y < 0 ? 0 : y;
}

// bwdif, with the neighbours moved to this moment in place of fields.
static const uint16_t *make_base(const struct ta_fusion *f, const struct lines *l, int plane, int y)
{
    const struct ta_motion_plane *here = &f->here->planes[plane];
    bool unknown = f->before < 0 && f->after < 0, end = !f->sides[0] || !f->sides[1];
    if (plane == 1 || plane == 2 || unknown || end) // chroma gains nothing by it, nor do a film's ends
        return row_of(f->bob, plane, y);
    uint16_t *dst = l->base;
    int height = here->height;
    enum ta_bwdif_kind kind = ta_bwdif_kind_of_row(y, height);
    struct ta_bwdif_rows r = {0};
    static const int beside[4] = {-3, -1, 1, 3};
    for (int i = 0; i < 4; i++)
        r.here[i] = row_of(f->here, plane, inside(y + beside[i], height));
    for (int i = 0; i < 2; i++) {
        int near = inside(y + 2 * i - 1, height);
        r.earlier[i] = guess_row(f, l, f->before < 0 ? f->after : f->before, near);
        r.later[i] = guess_row(f, l, f->after < 0 ? f->before : f->after, near);
    }
    for (int i = 0; i < 5; i++) {
        int at = inside(y + 2 * (i - 2), height);
        r.fields_before[i] = guess_row(f, l, f->before < 0 ? f->after : f->before, at);
        r.fields_after[i] = guess_row(f, l, f->after < 0 ? f->before : f->after, at);
    }
    f->fuser->bwdif->row16(dst, &r, kind, (1 << TA_MOTION_DEPTH) - 1, here->width);
    if (f->before < 0 || f->after < 0) { // one side alone contradicts itself nowhere
        const uint16_t *bob = row_of(f->bob, plane, y);
        for (int i = 0; i < here->width; i++)
            dst[i] = (uint16_t)((dst[i] + bob[i] + 1) >> 1);
    }
    return dst;
}

// How far each sample of a guess's row is from being true: by whether its vector brings lines that were there
// (0) or lines that were interpolated (4).
static void find_phases(const struct ta_fusion *f, int guess, int plane, int y, float *phases)
{
    const struct ta_motion_plane *here = &f->here->planes[plane];
    int across, down, cells = (here->width + TA_MOTION_STEP - 1) / TA_MOTION_STEP;
    if (f->whole[guess]) {
        memset(phases, 0, (size_t)here->width * sizeof *phases);
        return;
    }
    ta_motion_blocks(f->fuser->motion, &across, &down);
    int row = TA_MIN((y + TA_MOTION_STEP / 2) / TA_MOTION_STEP << here->shift_y, down - 1);
    for (int i = 0; i <= cells; i++) {
        const struct ta_motion_vector *v = f->vectors[guess] + row * across +
                                           TA_MIN(i << here->shift_x, across - 1);
        int quarters = ((v->y + (1 << here->shift_y >> 1)) >> here->shift_y) & 7;
        int phase = quarters > 4 ? 8 - quarters : quarters;
        float trusted = f->trusts[guess] * (float)(f->same_lines[guess] ? 4 - phase : phase);
        for (int k = 0; k < TA_MOTION_STEP; k++)
            phases[i * TA_MOTION_STEP - TA_MOTION_STEP / 2 + k] = trusted;
    }
}

// Mean distance from the mean, of each eighth sample.
static int unevenness(const uint16_t *row, int n)
{
    int count = (n + 7) / 8, sum = 0, apart = 0;
    for (int i = 0; i < n; i += 8)
        sum += row[i];
    for (int i = 0; i < n; i += 8)
        apart += abs(row[i] - sum / count);
    return apart / count;
}

// Of a picture with bars above and below: is this row next to where one begins? What a line that moves in
// from behind a bar looks like, the lines around say as well of the bar's own last line: no guess is to be
// trusted there.
static bool at_bar(const struct ta_fusion *f, int plane, int y)
{
    const struct ta_motion_plane *here = &f->here->planes[plane];
    if (plane || y < 1 || y + 1 >= here->height)
        return false;
    int above = unevenness(row_of(f->here, plane, y - 1), here->width);
    int below = unevenness(row_of(f->here, plane, y + 1), here->width);
    int less = TA_MIN(above, below), more = TA_MAX(above, below);
    return less <= EVEN && more > TA_MAX(EVEN, 3 * less);
}

static void fuse_row(const struct ta_fusion *f, struct lines *l, int plane, int y, bool first, uint16_t *dst)
{
    const struct ta_motion_dsp *dsp = f->fuser->dsp;
    const struct ta_motion_plane *here = &f->here->planes[plane];
    int height = here->height, n = here->width, above = inside(y - 1, height), below = inside(y + 1, height);
    const uint16_t *base = make_base(f, l, plane, y);
    const uint16_t *rows[4] = {row_of(f->here, plane, inside(y - 3, height)) - TA_MOTION_MARGIN,
                               row_of(f->here, plane, above) - TA_MOTION_MARGIN,
                               row_of(f->here, plane, below) - TA_MOTION_MARGIN,
                               row_of(f->here, plane, inside(y + 3, height)) - TA_MOTION_MARGIN};
    dsp->vertical(l->spatial - TA_MOTION_MARGIN, rows, n + 2 * TA_MOTION_MARGIN);
    dsp->differ(l->spread, row_of(f->here, plane, y), l->spatial, n);
    struct ta_motion_guess guesses[GUESSES];
    for (int i = 0; i < f->count; i++) {
        uint16_t **up = &l->explained[2 * i], **down = &l->explained[2 * i + 1], *was = *up;
        *up = *down; // what was below the row before is above this one
        *down = was;
        if (first)
            dsp->differ(*up, guess_row(f, l, i, above), row_of(f->here, plane, above), n);
        dsp->differ(*down, guess_row(f, l, i, below), row_of(f->here, plane, below), n);
        if (first || (y + TA_MOTION_STEP / 2) % TA_MOTION_STEP < 2)
            find_phases(f, i, plane, y, l->phases[i]);
        guesses[i] = (struct ta_motion_guess){
            .row = guess_row(f, l, i, y),
            .above = *up,
            .below = *down,
            .phase = l->phases[i],
            .trust = f->trusts[i],
            .strict = 1,
        };
    }
    int count = f->count;
    if (f->sides[0] && f->sides[1]) {
        uint16_t *change = l->explained[2 * NEIGHBOURS], *other = l->explained[2 * NEIGHBOURS + 1];
        dsp->differ(change, row_of(f->sides[0], plane, y), row_of(f->sides[1], plane, y), n);
        dsp->differ(other, row_of(f->sides[0], plane, below), row_of(f->here, plane, below), n);
        guesses[count++] = (struct ta_motion_guess){
            .row = row_of(f->bob, plane, y),
            .above = change,
            .below = other,
            .phase = l->phases[NEIGHBOURS], // all true
            .trust = 0.01f,
            .strict = 64,
        };
    }
    if (at_bar(f, plane, y))
        memcpy(dst, row_of(f->bob, plane, y), (size_t)n * sizeof *dst);
    else
        dsp->fuse(dst, base, l->spread, guesses, count, n);
}

// Gives a row to the frame: one that was there as it was, or samples of TA_MOTION_DEPTH bits.
static void give_row(const struct ta_fusion *f, int plane, int y, const uint16_t *made)
{
    const struct ta_fuser *p = f->fuser;
    int n = f->here->planes[plane].width;
    uint8_t *dst = f->out->data[plane] + y * (ptrdiff_t)f->out->linesize[plane];
    if (!made)
        memcpy(dst, f->source->data[plane] + y * (ptrdiff_t)f->source->linesize[plane],
               (size_t)n * (p->depth > 8 ? 2 : 1));
    else if (p->depth == 8)
        p->dsp->narrow8(dst, made, n);
    else
        p->dsp->narrow16((uint16_t *)(void *)dst, made, p->depth, n);
}

// Both return the first row that is not taken.
static int begin_guesses(const struct ta_fusion *f, int part, int plane, int first)
{
    int strip = TA_MAX(first - BESIDE, 0) / TA_MOTION_STEP;
    for (int i = 0; i < f->count; i++)
        ta_motion_take_begin(f->fuser->motion, part * NEIGHBOURS + i, f->neighbours[i], plane, f->vectors[i],
                             strip);
    return strip * TA_MOTION_STEP;
}

static int take_guesses(const struct ta_fusion *f, int part, int y)
{
    for (int i = 0; i < f->count; i++)
        ta_motion_take_strip(f->fuser->motion, part * NEIGHBOURS + i,
                             f->fuser->lines[part].guesses[i] + y % WINDOW * f->fuser->row, f->fuser->row);
    return y + TA_MOTION_STEP;
}

void ta_fuse_part(const struct ta_fusion *f, int part)
{
    struct lines *l = &f->fuser->lines[part];
    int plane = 0, slice = part;
    for (;; plane++) {
        int slices = (f->here->planes[plane].height + ROWS - 1) / ROWS;
        if (slice < slices)
            break;
        slice -= slices;
    }
    const struct ta_motion_plane *here = &f->here->planes[plane];
    int start = slice * ROWS, end = TA_MIN(start + ROWS, here->height);
    int taken = begin_guesses(f, part, plane, start);
    bool first = true;
    for (int y = start; y < end; y++) {
        while (taken <= TA_MIN(y + BESIDE, here->height - 1))
            taken = take_guesses(f, part, taken);
        uint16_t *dst = f->to ? f->to->planes[plane].at + y * f->to->planes[plane].step : l->spatial;
        const uint16_t *was = row_of(f->here, plane, y);
        if (y % 2 == f->missing && f->count) {
            fuse_row(f, l, plane, y, first, dst);
            first = false;
            was = dst;
        } else if (f->to) {
            memcpy(dst, was, (size_t)here->width * sizeof *dst);
        }
        if (f->out)
            give_row(f, plane, y, y % 2 == f->missing ? was : NULL);
    }
    if (f->to)
        ta_motion_extend(&f->to->planes[plane], start, end);
}
