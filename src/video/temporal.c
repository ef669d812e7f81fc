#include "video/temporal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dsp/temporal.h"
#include "video/dropouts.h"
#include "video/light.h"
#include "video/motion_parts.h"
#include "video/steady.h"

enum {
    REFERENCES = 2 * TA_MOTION_RADIUS,
    WEIGHTS = 256, // entries of the table
    LOPSIDED = 2,
    WEIGHT_ONE = 1024, // the weight of a block that is found again within what noise differs
    STEP = TA_MOTION_STEP,
    SLICE = TA_MOTION_SLICE, // strips of 8 rows in a part of the work
    SIDE = TA_MOTION_BLOCK,
    SAMPLES = SIDE * SIDE,
    FIXED = 32, // bits below one step of a sample
};

enum kind { LUMA, CHROMA, LUMA_OF_TAPES, KINDS };

// What a part works in.
struct scratch {
    int16_t *sums[2];  // of the strips above and below a row of blocks
    uint16_t *between; // a block for each reference
};

struct ta_temporal {
    struct ta_temporal_settings settings;
    struct ta_motion *m;
    const struct ta_temporal_dsp *dsp;
    struct ta_pool *pool;
    int limits[TA_MOTION_PLANES];
    bool rgb; // no plane is of colour alone
    // By a block's error, in units of `unit`: errors in between are rounded down.
    uint16_t weights[KINDS][WEIGHTS];
    unsigned units[KINDS];
    uint64_t inverse[KINDS]; // 2^32 / unit, rounded up: exact for errors of 16 bits
    int parts;
    ptrdiff_t sums_step;
    struct scratch *scratch;
    uint8_t *shares; // of each block of luma
    uint16_t *sums;  // ... of samples (light.h)
    struct ta_steady *steady;
    struct ta_dropouts *dropouts;
    void *memory;
};

// How errors of blocks, and differences of samples, are judged: in standard deviations of the noise. A
// block's error is of blurred pictures, in which white noise of 1 differs by 0.42 a sample, and that of
// tapes, which runs along the rows, by more. Where rows jitter, what is the same differs by that as well
// (steady.h says how much that is to be believed); elsewhere bounds are narrow, for what is far off is
// something else, and costs detail.
#define LEAST 0.6
#define LUMA_MOST 1.6
#define LUMA_OF_TAPES_MOST 3.0
#define CHROMA_MOST 4.0
#define LUMA_SAMPLE_MOST 4.4
#define LUMA_OF_TAPES_SAMPLE_MOST 8.0
#define CHROMA_SAMPLE_MOST 4.5
#define OWN_WEIGHT 0.7

// `widest`: the largest `most` of those kinds that share a unit.
static void make_weights(struct ta_temporal *t, enum kind kind, double least, double most, double widest)
{
    unsigned unit = (unsigned)ceil(widest * SAMPLES / WEIGHTS);
    t->units[kind] = unit;
    if (!unit)
        return;
    t->inverse[kind] = (((uint64_t)1 << 32) + unit - 1) / unit;
    for (int i = 0; i < WEIGHTS; i++) {
        double x = fmax(0, (double)i * unit / SAMPLES - least) / (most - least);
        t->weights[kind][i] = x < 1 ? (uint16_t)lrint(WEIGHT_ONE * (1 - x * x) / (1 + x * x)) : 0;
    }
}

static bool is_chroma(const struct ta_temporal *t, int plane)
{
    return !t->rgb && (plane == 1 || plane == 2);
}

static int limit_of(const struct ta_temporal *t, int plane, double most)
{
    return (int)lrint(
        fmin(most * t->settings.noise[plane] * (1 << (TA_MOTION_DEPTH - 8)), TA_TEMPORAL_LIMIT));
}

static int slices_of(const struct ta_motion_plane *p)
{
    int strips = (p->height + STEP - 1) / STEP;
    return (strips + SLICE - 1) / SLICE;
}

static int64_t scratch_bytes(int width)
{
    int64_t row = (width + STEP - 1) / STEP * STEP + SIDE;
    return 2 * STEP * row * (int64_t)sizeof(int16_t) + REFERENCES * SAMPLES * (int64_t)sizeof(uint16_t);
}

// As many as ta_motion_take() has, for the planes of `in`.
static int parts_of(const struct ta_format *in)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    int parts = 0;
    for (int i = 0; i < av_pix_fmt_count_planes(in->pix_fmt); i++) {
        bool chroma = (i == 1 || i == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
        struct ta_motion_plane p = {.height = AV_CEIL_RSHIFT(in->height, chroma ? d->log2_chroma_h : 0)};
        parts += slices_of(&p);
    }
    return parts;
}

int64_t ta_temporal_bytes(const struct ta_temporal_settings *settings, const struct ta_format *in)
{
    int across = (in->width + STEP - 1) / STEP + 1, down = (in->height + STEP - 1) / STEP + 1;
    return parts_of(in) * scratch_bytes(in->width) + (int64_t)across * down * 3 +
           ta_steady_bytes(across, down, settings->radius) + ta_dropouts_bytes(in);
}

int ta_temporal_create(struct ta_temporal **out, const struct ta_temporal_settings *settings,
                       struct ta_motion *m, const struct ta_format *in, const struct ta_env *env)
{
    struct ta_temporal *t = ta_xcalloc(1, sizeof *t);
    *out = NULL;
    t->settings = *settings;
    t->m = m;
    t->dsp = ta_temporal_dsp();
    t->pool = env->pool;
    t->rgb = av_pix_fmt_desc_get(in->pix_fmt)->flags & AV_PIX_FMT_FLAG_RGB;
    t->parts = parts_of(in);
    t->sums_step = (in->width + STEP - 1) / STEP * STEP + SIDE;
    t->scratch = ta_xcalloc((size_t)t->parts, sizeof *t->scratch);
    t->shares = calloc((size_t)m->across * (size_t)m->down, 1);
    t->sums = calloc((size_t)m->across * (size_t)m->down, sizeof *t->sums);
    int64_t bytes = scratch_bytes(in->width);
    t->memory = calloc((size_t)t->parts, (size_t)bytes);
    t->steady = ta_steady_create(m->across, m->down, settings->radius, fmax(settings->noise[0], 0.5),
                                 env->pool);
    if (!t->memory || !t->shares || !t->sums ||
        ta_dropouts_create(&t->dropouts, settings->noise, in, env->pool) < 0) {
        ta_temporal_destroy(&t);
        return TA_ERR_NOMEM;
    }
    for (int i = 0; i < t->parts; i++) {
        int16_t *at = (int16_t *)t->memory + i * bytes / (int64_t)sizeof *at;
        t->scratch[i] = (struct scratch){{at, at + STEP * t->sums_step},
                                         (uint16_t *)at + 2 * STEP * t->sums_step};
    }
    double luma = settings->noise[0];
    for (int i = 0; i < TA_MOTION_PLANES; i++) {
        t->limits[i] = limit_of(t, i, is_chroma(t, i) ? CHROMA_SAMPLE_MOST : LUMA_SAMPLE_MOST);
        luma = fmax(luma,
                    settings->noise[i] / 2); // colour alone may be noisy: luma then says little against it
    }
    make_weights(t, LUMA, LEAST * luma, LUMA_MOST * luma, LUMA_OF_TAPES_MOST * luma);
    make_weights(t, LUMA_OF_TAPES, LEAST * luma, LUMA_OF_TAPES_MOST * luma, LUMA_OF_TAPES_MOST * luma);
    make_weights(t, CHROMA, LEAST * luma, CHROMA_MOST * luma, CHROMA_MOST * luma);
    *out = t;
    return 0;
}

void ta_temporal_destroy(struct ta_temporal **temporal)
{
    struct ta_temporal *t = *temporal;
    *temporal = NULL;
    if (!t)
        return;
    ta_steady_destroy(&t->steady);
    ta_dropouts_destroy(&t->dropouts);
    free(t->scratch);
    free(t->memory);
    free(t->shares);
    free(t->sums);
    free(t);
}

struct reference {
    int away;
    const struct ta_motion_picture *picture;
    const struct ta_motion_vector *vectors;
    const struct ta_motion_moment *moment;
    const int16_t *shifts; // of rows (steady.h)
    int64_t slope, start;  // what a block's samples are raised by, by their sum: fixed()
    bool known;            // ... or nothing here counts
};

struct mean {
    struct ta_temporal *t;
    const struct ta_motion_picture *here, *to;
    struct reference references[REFERENCES];
    int count;
    uint16_t weights[WEIGHTS]; // of luma, as much as rows jitter
    int limits[TA_MOTION_PLANES];
};

// Where light changes, what only earlier or only later moments say is too dark or too bright: one side may
// outweigh the other by a whole picture or two, and its farthest give way. References are in order of time.
static void balance(const struct mean *w, int *weights)
{
    int sums[2] = {0, 0}, last = w->count - 1;
    for (int k = 0; k < w->count; k++)
        sums[w->references[k].away > 0] += weights[k];
    for (int k = 0; k < w->count; k++) {
        int later = sums[1] > sums[0], at = later ? last - k : k;
        int over = abs(sums[1] - sums[0]) - LOPSIDED * WEIGHT_ONE;
        if (over <= 0 || (w->references[at].away > 0) != later)
            return;
        int less = TA_MIN(over, weights[at]);
        weights[at] -= less;
        sums[later] -= less;
    }
}

static int64_t fixed(double x)
{
    return llrint(x * ((int64_t)1 << FIXED));
}

static int shift_of(const struct ta_temporal *t, const struct reference *r, int block)
{
    int shift = (int)((r->slope * t->sums[block] + r->start) >> FIXED);
    return ta_motion_clip(shift, -TA_TEMPORAL_LIMIT, TA_TEMPORAL_LIMIT);
}

// Sets the references of a block and their weights, and which they are; returns how many there are.
static int refer(const struct mean *w, const struct scratch *s, int plane, int column, int row,
                 struct ta_temporal_reference *references, const struct reference **which)
{
    const struct ta_temporal *t = w->t;
    const struct ta_motion_plane *p = &w->here->planes[plane];
    enum kind kind = is_chroma(t, plane) ? CHROMA : LUMA;
    const uint16_t *of_errors = kind == CHROMA ? t->weights[CHROMA] : w->weights;
    int weights[REFERENCES], at[REFERENCES], count = 0;
    int sum = (int)(OWN_WEIGHT * WEIGHT_ONE);
    int luma_row = TA_MIN(row << p->shift_y, t->m->down - 1);
    int block = luma_row * t->m->across + TA_MIN(column << p->shift_x, t->m->across - 1);
    for (int k = 0; k < w->count; k++) {
        uint64_t error = (uint64_t)w->references[k].vectors[block].error * t->inverse[kind] >> 32;
        weights[k] = error < WEIGHTS && w->references[k].known ? of_errors[error] : 0;
    }
    balance(w, weights);
    for (int k = 0; k < w->count; k++) {
        if (!weights[k])
            continue;
        sum += weights[k];
        weights[count] = weights[k];
        at[count++] = k;
    }
    uint32_t share = ((uint32_t)TA_TEMPORAL_ONE << 16) / (uint32_t)sum; // one division for all
    for (int i = 0; i < count; i++) {
        const struct reference *r = &w->references[at[i]];
        struct ta_motion_vector v = r->vectors[block];
        v.x = (int16_t)(v.x - r->shifts[luma_row]);
        struct ta_motion_block b = ta_motion_block_at(t->m, &r->picture->planes[plane], &v, column, row,
                                                      s->between + i * SAMPLES);
        which[i] = r;
        references[i] = (struct ta_temporal_reference){
            b.at, b.step, (int16_t)(kind == CHROMA ? 0 : shift_of(t, r, block)),
            (int16_t)((uint32_t)weights[i] * (uint64_t)share >> 16)};
    }
    return count;
}

// A slice of one plane, or of two that the same blocks are taken for.
struct slice {
    const struct scratch *scratch[2];
    int planes[2], count;
    int first, end; // strips
};

static void gather_row(const struct mean *w, const struct slice *slice, int row)
{
    const struct ta_temporal *t = w->t;
    int plane = slice->planes[0], cells = (w->here->planes[plane].width + STEP - 1) / STEP;
    bool upper = row > slice->first, lower = row < slice->end;
    for (int i = 0; i <= cells; i++) {
        struct ta_temporal_reference references[REFERENCES];
        const struct reference *which[REFERENCES];
        int count = refer(w, slice->scratch[0], plane, i, row, references, which), sum = 0;
        for (int k = 0; k < count; k++)
            sum += references[k].weight;
        // Two whole references have 0.74 of the weight. The slice below has the same row of blocks.
        if (plane == 0 && (lower || row == t->m->down - 1))
            t->shares[row * t->m->across + i] = (uint8_t)TA_MIN(
                sum * TA_TEMPORAL_SURE / (TA_TEMPORAL_ONE * 7 / 10), TA_TEMPORAL_SURE);
        for (int c = 0; c < slice->count && count; c++) {
            const struct ta_motion_plane *here = &w->here->planes[slice->planes[c]];
            const uint16_t *own = here->at + (row - 1) * STEP * here->step + (i - 1) * STEP;
            int16_t *const *sums = slice->scratch[c]->sums;
            for (int k = 0; k < count && c; k++) {
                const struct ta_motion_plane *planes = which[k]->picture->planes;
                references[k].at = planes[slice->planes[c]].at + (references[k].at - planes[plane].at);
            }
            if (upper)
                t->dsp->gather(sums[(row + 1) & 1] + i * STEP, t->sums_step, own, here->step, references,
                               count, w->limits[plane], 0);
            if (lower)
                t->dsp->gather(sums[row & 1] + i * STEP, t->sums_step, own, here->step, references, count,
                               w->limits[plane], 1);
        }
    }
}

// Adds what was gathered for the strip above a row of blocks.
static void add_strip(const struct mean *w, const struct slice *slice, int c, int row)
{
    const struct ta_temporal *t = w->t;
    const struct ta_motion_plane *here = &w->here->planes[slice->planes[c]];
    const struct ta_motion_plane *to = &w->to->planes[slice->planes[c]];
    const int16_t *sums = slice->scratch[c]->sums[(row + 1) & 1] + STEP;
    int start = (row - 1) * STEP, bottom = TA_MIN(start + STEP, here->height);
    for (int y = start; y < bottom; y++, sums += t->sums_step)
        t->dsp->add(to->at + y * to->step, here->at + y * here->step, sums, here->width);
}

// Both planes of colour are taken from the same blocks, with the same weights.
static bool are_twins(const struct ta_temporal *t)
{
    return t->m->planes > 2 && is_chroma(t, 1) && t->limits[1] && t->limits[1] == t->limits[2] &&
           !t->m->settings.fine; // then a block may be made, of one plane
}

static void mean_part(void *arg, int part)
{
    const struct mean *w = arg;
    const struct ta_temporal *t = w->t;
    struct slice slice = {.scratch = {&t->scratch[part]}, .count = 1};
    int plane = 0;
    while (part >= slices_of(&w->here->planes[plane]))
        part -= slices_of(&w->here->planes[plane++]);
    bool twins = are_twins(t);
    if (!t->limits[plane] || (plane == 2 && twins))
        return;
    const struct ta_motion_plane *here = &w->here->planes[plane];
    slice.planes[0] = plane;
    slice.first = part * SLICE;
    slice.end = TA_MIN(slice.first + SLICE, (here->height + STEP - 1) / STEP);
    if (plane == 1 && twins) {
        slice.planes[1] = 2;
        slice.scratch[1] = slice.scratch[0] + slices_of(here);
        slice.count = 2;
    }
    for (int row = slice.first; row <= slice.end; row++) {
        for (int c = 0; c < slice.count; c++)
            memset(slice.scratch[c]->sums[row & 1], 0, (size_t)(STEP * t->sums_step) * sizeof(int16_t));
        gather_row(w, &slice, row);
        for (int c = 0; c < slice.count && row > slice.first; c++)
            add_strip(w, &slice, c, row);
    }
    for (int c = 0; c < slice.count; c++)
        ta_motion_extend(&w->to->planes[slice.planes[c]], slice.first * STEP,
                         TA_MIN(slice.end * STEP, here->height));
}

// Most of it is not found again: nothing of it counts, for the rest is found by chance.
static bool is_lost(const struct ta_temporal *t, const struct ta_motion_vector *vectors)
{
    int n = t->m->across * t->m->down, far = 0;
    for (int i = 0; i < n; i++)
        far += vectors[i].error >= t->units[CHROMA] * WEIGHTS;
    return far > n - n / 4;
}

// In what light each reference is. Their pictures to search tell.
static void find_light(void *arg, int part)
{
    const struct mean *w = arg;
    struct reference *r = (struct reference *)&w->references[part];
    struct ta_light light;
    r->known = ta_light_find(w->t->m, w->t->sums, r->moment, r->vectors, w->t->units[CHROMA] * WEIGHTS,
                             &light);
    double unit = 1 << (TA_MOTION_DEPTH - 8);
    r->slope = fixed((ta_light_shift(&light, TA_LIGHT_SAMPLES) - light.offset) * unit / TA_LIGHT_SAMPLES);
    r->start = fixed(light.offset * unit + 0.5);
}

static void find_lights(struct mean *w, int64_t moment)
{
    struct ta_temporal *t = w->t;
    ta_light_sums(t->m, ta_motion_searchable(t->m, moment), 1, t->sums);
    for (int i = 0; i < w->count; i++)
        w->references[i].moment = ta_motion_searchable(t->m, moment + w->references[i].away);
    ta_pool_run(t->pool, w->count, find_light, w);
}

// Bounds by how much rows are believed to jitter, 0 to 1.
static void widen(struct mean *w, double jitter)
{
    const struct ta_temporal *t = w->t;
    for (int i = 0; i < WEIGHTS; i++) {
        int narrow = t->weights[LUMA][i], wide = t->weights[LUMA_OF_TAPES][i];
        w->weights[i] = (uint16_t)lrint(narrow + jitter * (wide - narrow));
    }
    double most = LUMA_SAMPLE_MOST + jitter * (LUMA_OF_TAPES_SAMPLE_MOST - LUMA_SAMPLE_MOST);
    for (int i = 0; i < TA_MOTION_PLANES; i++)
        w->limits[i] = is_chroma(t, i) ? t->limits[i] : limit_of(t, i, most);
}

void ta_temporal_mean(struct ta_temporal *t, int64_t moment, const struct ta_motion_picture *to)
{
    struct mean w = {.t = t, .to = to};
    int radius = t->settings.radius;
    const struct ta_motion_vector *found[2 * TA_MOTION_RADIUS + 1] = {NULL};
    ta_motion_find(t->m, moment, radius);
    struct ta_motion_picture here = ta_dropouts_mend(t->dropouts, t->m, moment,
                                                     ta_motion_spare(t->m, t->settings.spare));
    w.here = &here;
    for (int k = -radius; k <= radius; k++) {
        const struct ta_motion_vector *vectors = k ? ta_motion_vectors(t->m, moment, k) : NULL;
        if (!vectors || is_lost(t, vectors))
            continue;
        found[k + radius] = vectors;
        w.references[w.count++] = (struct reference){.away = k,
                                                     .picture = ta_motion_picture(t->m, moment + k),
                                                     .vectors = vectors,
                                                     .shifts = ta_steady_shifts(t->steady, k)};
    }
    double jitter = ta_steady_find(t->steady, &ta_motion_searchable(t->m, moment)->search[0], found,
                                   t->units[CHROMA] * WEIGHTS / 2);
    widen(&w, jitter);
    find_lights(&w, moment);
    ta_pool_run(t->pool, t->parts, mean_part, &w);
    for (int i = 0; i < t->m->planes; i++)
        if (t->limits[i])
            ta_motion_extend_all(&to->planes[i]);
}

int ta_temporal_share(const struct ta_temporal *t, int x, int y)
{
    const uint8_t *above = t->shares + y * t->m->across + x, *below = above + t->m->across;
    return TA_MIN(TA_MIN(above[0], above[1]), TA_MIN(below[0], below[1]));
}
