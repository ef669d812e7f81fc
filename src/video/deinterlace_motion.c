// Motion-compensated deinterlacing. Each field's moment gets the whole picture of its neighbours in time,
// moved to where things are now; a missing row is the mean of what these say and of what is interpolated,
// each by how well it explains the rows next to it, which are known. Where nothing is found again, bwdif's
// result stays.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dsp/bwdif.h"
#include "media/av.h"
#include "media/picture/frame_pool.h"
#include "video/bwdif_field.h"
#include "video/deinterlace.h"
#include "video/motion.h"
#include "video/stages.h"

static const struct ta_opt options[] = {
    TA_FIELDS_OPTION(struct ta_deinterlace_opts),
    TA_EFFORT_OPTION(struct ta_deinterlace_opts),
    {.name = "vectors",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_deinterlace_opts, vectors, int64_t),
     .def = "0",
     .max = TA_MOTION_RADIUS,
     .flags = TA_OPT_HIDDEN,
     .help = "how far vectors reach that are handed on to the next stage; set by the plan"},
    {.name = "neighbours",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_deinterlace_opts, neighbours, int64_t),
     .def = "2",
     .min = 1,
     .max = 2,
     .flags = TA_OPT_HIDDEN,
     .help = "moments looked at on each side; set by the plan"},
    {0},
};

enum {
    NEIGHBOURS = 4,           // moments looked at: two on each side
    FAR = 2,                  // the farther ones
    FRAMES_AROUND = 2,        // frames on each side that decide a result: one for each step of two moments
    ROWS = 128,               // in a part of the work
    BORDER = 32,              // of rows that kernels look beyond the ends of
    GUESSES = NEIGHBOURS + 1, // and that nothing moves
    EXPLAINED = 2 * GUESSES,
    WINDOW = 4 * TA_MOTION_STEP, // rows of what neighbours say that are kept, while a part is worked through
    EVEN = 12 << (TA_MOTION_DEPTH - 8), // samples of a bar are so far from its colour, noise and all
    BESIDE = 4,                         // rows of them that kernels look at above and below
    ON_THE_WAY = 4, // pictures, at most, whose vectors the next stage has yet to take over
};
static const int aways[NEIGHBOURS] = {-1, 1, -FAR, FAR};
// The variance of what moves on for two moments, in that for one.
static const float trusts[NEIGHBOURS] = {1, 1, 1.365f, 1.365f};

// Rows that a part works in.
struct lines {
    uint16_t *guesses[NEIGHBOURS]; // row y of one at y % WINDOW
    uint16_t *base, *spatial, *spread, *explained[EXPLAINED];
    float *phases[GUESSES]; // times trust
};

struct priv {
    const struct ta_motion_dsp *dsp;
    const struct ta_bwdif_dsp *bwdif;
    struct ta_motion *motion;
    struct ta_frame_pool *pool;
    AVBufferPool *handed; // what pictures carry; NULL: nothing
    int depth, planes, parts;
    int64_t next;     // frame to give
    int64_t *results; // which moment's first result lies in which spare picture
    int result_count;
    struct lines *lines; // a part each
    uint16_t *memory;
    ptrdiff_t row; // samples from one row in there to the next
};

static bool is_best(const void *opts)
{
    return ((const struct ta_deinterlace_opts *)opts)->effort == TA_EFFORT_BEST;
}

static void set_quality(void *opts, int quality)
{
    struct ta_deinterlace_opts *o = opts;
    if (o->effort == TA_EFFORT_AUTO)
        o->effort = quality == TA_STAGE_BEST ? TA_EFFORT_BEST : TA_EFFORT_GOOD;
}

static int radius_of(const void *opts)
{
    int vectors = (int)((const struct ta_deinterlace_opts *)opts)->vectors;
    return TA_MAX(FAR, vectors);
}

static bool hands_on(const void *opts)
{
    return ((const struct ta_deinterlace_opts *)opts)->vectors > 0;
}

// A frame for each step of two moments, and one for what is interpolated there.
static int around(const void *opts)
{
    return TA_MAX(is_best(opts) ? FRAMES_AROUND + 1 : FRAMES_AROUND, (radius_of(opts) + 1) / 2 + 1);
}

static struct ta_reach reach(const void *opts, const struct ta_format *in)
{
    (void)in;
    return (struct ta_reach){around(opts), around(opts)};
}

static int parts_of(const struct ta_format *in)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    int parts = 0;
    for (int i = 0; i < av_pix_fmt_count_planes(in->pix_fmt); i++) {
        bool chroma = (i == 1 || i == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
        parts += (AV_CEIL_RSHIFT(in->height, chroma ? d->log2_chroma_h : 0) + ROWS - 1) / ROWS;
    }
    return parts;
}

static struct ta_motion_settings settings_of(const void *opts, const struct ta_format *in)
{
    int frames = 2 * around(opts) + 1;
    return (struct ta_motion_settings){
        .radius = radius_of(opts),
        .frames = frames,
        .fields = true,
        .fine = is_best(opts),
        .spares = is_best(opts) ? NEIGHBOURS + 1 : 0, // first results of a moment and around it
        .takers = NEIGHBOURS * parts_of(in),
    };
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    int err = ta_deinterlace_configure(opts, in, out, why);
    return err < 0 ? err : ta_deinterlace_check_samples(in, why);
}

static ptrdiff_t row_size(const struct ta_format *in)
{
    return (in->width + 2 * BORDER + BORDER - 1) / BORDER * BORDER;
}

// Phases are floats and take two rows each.
enum { ROWS_OF_A_PART = NEIGHBOURS * WINDOW + 3 + EXPLAINED + 2 * GUESSES };

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    (void)env;
    struct ta_motion_settings settings = settings_of(opts, in);
    n->bytes = ta_motion_bytes(&settings, in) +
               (int64_t)parts_of(in) * ROWS_OF_A_PART * row_size(in) * (int64_t)sizeof(uint16_t) +
               (hands_on(opts) ? ON_THE_WAY * (int64_t)ta_motion_handed_bytes(&settings, in) : 0);
}

static int init(struct ta_stage *s)
{
    struct priv *p = s->priv;
    struct ta_motion_settings settings = settings_of(s->opts, &s->in);
    p->dsp = ta_motion_dsp();
    p->bwdif = ta_bwdif_dsp();
    p->depth = av_pix_fmt_desc_get(s->in.pix_fmt)->comp[0].depth;
    p->planes = av_pix_fmt_count_planes(s->in.pix_fmt);
    p->pool = ta_frame_pool_create(s->in.pix_fmt, s->in.width, s->in.height);
    if (!p->pool || ta_motion_create(&p->motion, &settings, &s->in, s->env) < 0)
        return ta_stage_no_memory(s);
    if (hands_on(s->opts) &&
        !(p->handed = av_buffer_pool_init(ta_motion_handed_bytes(&settings, &s->in), NULL)))
        return ta_stage_no_memory(s);
    p->result_count = settings.spares;
    p->results = ta_xcalloc((size_t)p->result_count + 1, sizeof *p->results);
    for (int i = 0; i < p->result_count; i++)
        p->results[i] = -1;
    p->parts = parts_of(&s->in);
    p->lines = ta_xcalloc((size_t)p->parts, sizeof *p->lines);
    p->row = row_size(&s->in);
    p->memory = calloc((size_t)p->parts * ROWS_OF_A_PART * (size_t)p->row, sizeof *p->memory);
    if (!p->memory)
        return ta_stage_no_memory(s);
    uint16_t *at = p->memory + BORDER;
    for (int i = 0; i < p->parts; i++) {
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

// One moment's missing rows.
struct fusion {
    struct priv *p;
    const struct ta_motion_picture *here; // interpolated so far
    const struct ta_motion_picture *bob;
    const struct ta_motion_picture *neighbours[NEIGHBOURS]; // that guesses are taken from
    const struct ta_motion_vector *vectors[NEIGHBOURS];
    bool same_lines[NEIGHBOURS]; // the guess is from a field of the same lines
    bool whole[NEIGHBOURS];      // ... from a frame: all its lines are true
    float trusts[NEIGHBOURS];
    int count;
    const struct ta_motion_picture *sides[2]; // the nearest moments as they are; NULL where there is none
    int before, after;                        // guesses of the nearest moments; negative: none
    int missing;                              // the first missing row, 0 or 1
    const struct ta_motion_picture *to;       // or
    AVFrame *out;
    const AVFrame *source; // of the rows that are there
};

static const uint16_t *row_of(const struct ta_motion_picture *picture, int plane, int y)
{
    const struct ta_motion_plane *p = &picture->planes[plane];
    return p->at + y * p->step;
}

static const uint16_t *guess_row(const struct fusion *f, const struct lines *l, int guess, int y)
{
    return l->guesses[guess] + y % WINDOW * f->p->row;
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
static const uint16_t *make_base(const struct fusion *f, const struct lines *l, int plane, int y)
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
    f->p->bwdif->row16(dst, &r, kind, (1 << TA_MOTION_DEPTH) - 1, here->width);
    if (f->before < 0 || f->after < 0) { // one side alone contradicts itself nowhere
        const uint16_t *bob = row_of(f->bob, plane, y);
        for (int i = 0; i < here->width; i++)
            dst[i] = (uint16_t)((dst[i] + bob[i] + 1) >> 1);
    }
    return dst;
}

// How far each sample of a guess's row is from being true: by whether its vector brings lines that were there
// (0) or lines that were interpolated (4).
static void find_phases(const struct fusion *f, int guess, int plane, int y, float *phases)
{
    const struct ta_motion_plane *here = &f->here->planes[plane];
    int across, down, cells = (here->width + TA_MOTION_STEP - 1) / TA_MOTION_STEP;
    if (f->whole[guess]) {
        memset(phases, 0, (size_t)here->width * sizeof *phases);
        return;
    }
    ta_motion_blocks(f->p->motion, &across, &down);
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
static bool at_bar(const struct fusion *f, int plane, int y)
{
    const struct ta_motion_plane *here = &f->here->planes[plane];
    if (plane || y < 1 || y + 1 >= here->height)
        return false;
    int above = unevenness(row_of(f->here, plane, y - 1), here->width);
    int below = unevenness(row_of(f->here, plane, y + 1), here->width);
    int less = TA_MIN(above, below), more = TA_MAX(above, below);
    return less <= EVEN && more > TA_MAX(EVEN, 3 * less);
}

static void fuse_row(const struct fusion *f, struct lines *l, int plane, int y, bool first, uint16_t *dst)
{
    const struct ta_motion_dsp *dsp = f->p->dsp;
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
static void give_row(const struct fusion *f, int plane, int y, const uint16_t *made)
{
    const struct priv *p = f->p;
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
static int begin_guesses(const struct fusion *f, int part, int plane, int first)
{
    int strip = TA_MAX(first - BESIDE, 0) / TA_MOTION_STEP;
    for (int i = 0; i < f->count; i++)
        ta_motion_take_begin(f->p->motion, part * NEIGHBOURS + i, f->neighbours[i], plane, f->vectors[i],
                             strip);
    return strip * TA_MOTION_STEP;
}

static int take_guesses(const struct fusion *f, int part, int y)
{
    for (int i = 0; i < f->count; i++)
        ta_motion_take_strip(f->p->motion, part * NEIGHBOURS + i,
                             f->p->lines[part].guesses[i] + y % WINDOW * f->p->row, f->p->row);
    return y + TA_MOTION_STEP;
}

static void fuse_part(void *arg, int part)
{
    const struct fusion *f = arg;
    struct lines *l = &f->p->lines[part];
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

static const struct ta_motion_picture *first_result(struct ta_stage *s, int64_t moment);

// Where nothing of the neighbours is found again, what was interpolated stays.
static void fuse(struct ta_stage *s, int64_t moment, bool again, const struct ta_motion_picture *to,
                 AVFrame *out)
{
    struct priv *p = s->priv;
    struct ta_motion *m = p->motion;
    bool top = ta_motion_is_top(m, moment);
    int neighbours = (int)((const struct ta_deinterlace_opts *)s->opts)->neighbours;
    struct fusion f = {
        .p = p,
        .here = again ? first_result(s, moment) : ta_motion_picture(m, moment),
        .bob = ta_motion_picture(m, moment),
        .before = -1,
        .after = -1,
        .missing = top ? 1 : 0,
        .to = to,
        .out = out,
        .source = ta_motion_frame(m, moment / 2),
    };
    for (int i = 0; i < 2; i++)
        if (ta_motion_has(m, moment + 2 * i - 1))
            f.sides[i] = ta_motion_picture(m, moment + 2 * i - 1);
    ta_motion_find(m, moment, FAR);
    for (int i = 0; i < 2 * neighbours; i++) {
        int64_t other = moment + aways[i];
        const struct ta_motion_vector *vectors = ta_motion_vectors(m, moment, aways[i]);
        if (!vectors)
            continue;
        f.neighbours[f.count] = again ? first_result(s, other) : ta_motion_picture(m, other);
        f.vectors[f.count] = vectors;
        f.whole[f.count] = ta_motion_is_whole(m, other);
        f.same_lines[f.count] = ta_motion_is_top(m, other) == top;
        f.trusts[f.count] = trusts[i];
        if (aways[i] == -1)
            f.before = f.count;
        if (aways[i] == 1)
            f.after = f.count;
        f.count++;
    }
    ta_pool_run(s->env->pool, p->parts, fuse_part, &f);
}

// What the first pass makes of a moment.
static const struct ta_motion_picture *first_result(struct ta_stage *s, int64_t moment)
{
    struct priv *p = s->priv;
    if (ta_motion_is_whole(p->motion, moment))
        return ta_motion_picture(p->motion, moment);
    int i = (int)(moment % p->result_count);
    const struct ta_motion_picture *result = ta_motion_spare(p->motion, i);
    if (p->results[i] != moment) {
        p->results[i] = moment;
        fuse(s, moment, false, result, NULL);
        for (int k = 0; k < p->planes; k++)
            ta_motion_extend_all(&result->planes[k]);
    }
    return result;
}

// The times around a frame; those beyond the ends lie as far away as on the other side.
static int64_t time_of_next(const struct priv *p, const AVFrame *here)
{
    const AVFrame *later = ta_motion_frame(p->motion, p->next + 1);
    const AVFrame *earlier = ta_motion_frame(p->motion, p->next - 1);
    return later ? later->pts : earlier ? 2 * here->pts - earlier->pts : here->pts;
}

static int give_field(struct ta_stage *s, const AVFrame *here, bool second)
{
    struct priv *p = s->priv;
    AVFrame *out = ta_frame_pool_get(p->pool);
    if (!out || av_frame_copy_props(out, here) < 0) {
        av_frame_free(&out);
        return ta_stage_no_memory(s);
    }
    ta_frame_set_interlaced(out, false, false);
    out->pts = second ? here->pts + time_of_next(p, here) : 2 * here->pts;
    int64_t moment = 2 * p->next + (second ? 1 : 0);
    // All of them before the first is needed: they use the same pictures to work in.
    for (int64_t k = moment - FAR; is_best(s->opts) && k <= moment + FAR; k++)
        if (ta_motion_has(p->motion, k))
            first_result(s, k);
    fuse(s, moment, is_best(s->opts), NULL, out);
    if (p->handed && ta_motion_hand_on(p->motion, moment, p->handed, out) < 0) {
        av_frame_free(&out);
        return ta_stage_no_memory(s);
    }
    return ta_stage_emit(s, out);
}

static int give_frame(struct ta_stage *s)
{
    struct priv *p = s->priv;
    const AVFrame *here = ta_motion_frame(p->motion, p->next);
    if (!ta_frame_is_interlaced(here)) {
        AVFrame *out = av_frame_clone(here);
        if (!out)
            return ta_stage_no_memory(s);
        out->pts *= 2;
        return ta_stage_emit(s, out);
    }
    int err = give_field(s, here, false);
    return err >= 0 && ta_deinterlace_fields(s->opts) == 2 ? give_field(s, here, true) : err;
}

static int process(struct ta_stage *s, AVFrame *in)
{
    struct priv *p = s->priv;
    int err = 0, lag = around(s->opts);
    ta_motion_push(p->motion, in);
    int64_t count = ta_motion_count(p->motion);
    for (; err >= 0 && p->next + (in ? lag : 0) < count; p->next++)
        err = give_frame(s);
    return err;
}

static void release(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!p)
        return;
    ta_motion_destroy(&p->motion);
    ta_frame_pool_destroy(&p->pool);
    av_buffer_pool_uninit(&p->handed);
    ta_freep(&p->results);
    ta_freep(&p->lines);
    ta_freep(&p->memory);
}

const struct ta_stage_info ta_stage_deinterlace_motion = {
    .name = "deinterlace.motion",
    .summary = "motion-compensated deinterlacing: missing lines from where things were and will be",
    .lighter = "bwdif",
    .options = options,
    .options_size = sizeof(struct ta_deinterlace_opts),
    .priv_size = sizeof(struct priv),
    .reach = reach,
    .fields = ta_deinterlace_fields,
    .set_quality = set_quality,
    .configure = configure,
    .needs = needs,
    .init = init,
    .process = process,
    .release = release,
};
