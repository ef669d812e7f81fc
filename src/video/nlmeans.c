// Noise reduction by non-local means: each sample becomes the mean of those around it, weighted by how alike
// their surroundings (patches) are. Works on the planes one by one, in space only, so that a frame needs no
// others.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dsp/nlmeans.h"
#include "media/format.h"
#include "video/stages.h"

enum {
    MAX_RESEARCH = 51,
    BAND = 24,   // rows that are gathered at a time: their sums stay in cache
    SLICES = 16, // of a plane at most, one a thread
};

struct nlmeans_opts {
    double strength, chroma;
    int64_t patch, research;
};

static const struct ta_opt options[] = {
    {.name = "nlmeans-strength",
     .kind = &ta_opt_float,
     TA_FIELD(struct nlmeans_opts, strength, double),
     .def = "4",
     .min = 0.5,
     .max = 30,
     .help = "strength of nlmeans, about the noise's standard deviation in 8-bit steps"},
    {.name = "nlmeans-chroma",
     .kind = &ta_opt_float,
     TA_FIELD(struct nlmeans_opts, chroma, double),
     .def = "0.5",
     .max = 2,
     .help = "strength on chroma as a part of that on luma; 0 leaves chroma alone"},
    {.name = "nlmeans-patch",
     .kind = &ta_opt_int,
     TA_FIELD(struct nlmeans_opts, patch, int64_t),
     .def = "7",
     .min = 3,
     .max = TA_NLMEANS_MAX_PATCH,
     .unit = "samples",
     .flags = TA_OPT_ADVANCED,
     .help = "side of the patches that nlmeans compares, odd"},
    {.name = "nlmeans-research",
     .kind = &ta_opt_int,
     TA_FIELD(struct nlmeans_opts, research, int64_t),
     .def = "15",
     .min = 3,
     .max = MAX_RESEARCH,
     .unit = "samples",
     .flags = TA_OPT_ADVANCED,
     .help = "side of the area in which nlmeans looks for them, odd; time grows with its square"},
    {0},
};

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)out;
    const struct nlmeans_opts *o = opts;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    bool planar_yuv = d && d->nb_components == 3 && ta_pix_fmt_planar(in->pix_fmt) == in->pix_fmt &&
                      !(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL));
    if (!planar_yuv) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    if (o->patch % 2 == 0 || o->research % 2 == 0) {
        bool patch = o->patch % 2 == 0;
        ta_buf_printf(why, "the %s must be odd, not %lld", patch ? "patch" : "research area",
                      (long long)(patch ? o->patch : o->research));
        return TA_ERR_INVALID;
    }
    return 0;
}

// What one thread works with.
struct slice {
    int32_t *columns;    // sums of squared differences over the height of a patch
    float *sum, *weight; // of a band
};

struct nlmeans_priv {
    const struct ta_nlmeans_dsp *dsp;
    int pad;            // half a patch
    int stride;         // of the next two, with the pad on either side
    uint16_t *values;   // a plane, its edges repeated into the pad
    uint16_t *compared; // the same with TA_NLMEANS_BITS bits at most; may be `values`
    struct slice slices[SLICES];
    int slice_count;
};

static int init(struct ta_stage *s)
{
    struct nlmeans_priv *p = s->priv;
    const struct nlmeans_opts *o = s->opts;
    p->dsp = ta_nlmeans_dsp();
    p->pad = (int)o->patch / 2;
    p->stride = s->in.width + 2 * p->pad;
    size_t samples = (size_t)p->stride * (size_t)(s->in.height + 2 * p->pad);
    p->values = calloc(samples, sizeof *p->values);
    p->compared = ta_format_depth(&s->in) > TA_NLMEANS_BITS ? calloc(samples, sizeof *p->compared)
                                                            : p->values;
    bool all = p->values && p->compared;
    p->slice_count = s->env->pool ? TA_MIN(SLICES, ta_cpu_count()) : 1;
    for (int i = 0; i < p->slice_count; i++) {
        struct slice *slice = &p->slices[i];
        slice->columns = calloc((size_t)p->stride, sizeof *slice->columns);
        slice->sum = calloc((size_t)s->in.width * BAND, sizeof *slice->sum);
        slice->weight = calloc((size_t)s->in.width * BAND, sizeof *slice->weight);
        all = all && slice->columns && slice->sum && slice->weight;
    }
    if (all)
        return 0;
    ta_error(s->log, "%s: out of memory for pictures of %dx%d", s->info->name, s->in.width, s->in.height);
    return TA_ERR_NOMEM;
}

// The row of a padded plane; y from -pad on. Points at the first sample of the picture.
static uint16_t *row_of(const struct nlmeans_priv *p, uint16_t *plane, int y)
{
    return plane + (ptrdiff_t)(y + p->pad) * p->stride + p->pad;
}

static void pad_row(const struct nlmeans_priv *p, uint16_t *row, int width)
{
    for (int i = 1; i <= p->pad; i++) {
        row[-i] = row[0];
        row[width - 1 + i] = row[width - 1];
    }
}

static void load_plane(const struct nlmeans_priv *p, const AVFrame *f, int plane, int width, int height,
                       int depth)
{
    for (int y = 0; y < height; y++) {
        const uint8_t *src = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
        uint16_t *row = row_of(p, p->values, y);
        if (depth > 8)
            memcpy(row, src, (size_t)width * sizeof *row);
        else
            for (int x = 0; x < width; x++)
                row[x] = src[x];
        pad_row(p, row, width);
        if (p->compared == p->values)
            continue;
        uint16_t *compared = row_of(p, p->compared, y);
        for (int x = 0; x < width; x++)
            compared[x] = (uint16_t)(row[x] >> (depth - TA_NLMEANS_BITS));
        pad_row(p, compared, width);
    }
    uint16_t *first = row_of(p, p->compared, 0) - p->pad, *last = row_of(p, p->compared, height - 1) - p->pad;
    for (int i = 1; i <= p->pad; i++) {
        memcpy(first - (ptrdiff_t)i * p->stride, first, (size_t)p->stride * sizeof *first);
        memcpy(last + (ptrdiff_t)i * p->stride, last, (size_t)p->stride * sizeof *last);
    }
}

// What the samples at distance dx, dy give to rows y0..y1-1. Only those inside of the picture count.
static void gather_offset(const struct nlmeans_priv *p, const struct slice *s, const struct nlmeans_opts *o,
                          int width, int height, int dx, int dy, int y0, int y1, float scale)
{
    int band = y0;
    y0 = TA_MAX(y0, -dy);
    y1 = TA_MIN(y1, height - dy);
    int x0 = TA_MAX(0, -dx), n = TA_MIN(width, width - dx) - x0, all = n + 2 * p->pad, left = x0 - p->pad;
    if (n <= 0 || y0 >= y1)
        return;
    memset(s->columns, 0, (size_t)all * sizeof *s->columns);
    for (int y = y0 - p->pad; y <= y0 + p->pad; y++)
        p->dsp->add(s->columns, row_of(p, p->compared, y) + left, row_of(p, p->compared, y + dy) + left + dx,
                    all);
    for (int y = y0;; y++) {
        ptrdiff_t at = (ptrdiff_t)(y - band) * width + x0;
        p->dsp->gather(s->sum + at, s->weight + at, s->columns, row_of(p, p->values, y + dy) + x0 + dx,
                       (int)o->patch, scale, n);
        if (y + 1 == y1)
            break;
        int in = y + p->pad + 1, out = y - p->pad;
        p->dsp->slide(s->columns, row_of(p, p->compared, in) + left,
                      row_of(p, p->compared, in + dy) + left + dx, row_of(p, p->compared, out) + left,
                      row_of(p, p->compared, out + dy) + left + dx, all);
    }
}

// One plane, for the threads that take its bands: each writes rows of its own, from copies that nobody
// writes.
struct work {
    const struct nlmeans_priv *p;
    const struct nlmeans_opts *o;
    AVFrame *f;
    int plane, width, height, depth;
    float scale;
};

static void filter_band(const struct work *w, const struct slice *s, int y0)
{
    const struct nlmeans_priv *p = w->p;
    int width = w->width, y1 = TA_MIN(w->height, y0 + BAND), r = (int)w->o->research / 2;
    memset(s->sum, 0, (size_t)width * BAND * sizeof *s->sum);
    memset(s->weight, 0, (size_t)width * BAND * sizeof *s->weight);
    for (int dy = -r; dy <= r; dy++)
        for (int dx = -r; dx <= r; dx++)
            if (dx || dy)
                gather_offset(p, s, w->o, width, w->height, dx, dy, y0, y1, w->scale);
    for (int y = y0; y < y1; y++) {
        uint8_t *dst = w->f->data[w->plane] + (ptrdiff_t)y * w->f->linesize[w->plane];
        ptrdiff_t at = (ptrdiff_t)(y - y0) * width;
        const uint16_t *values = row_of(p, p->values, y);
        if (w->depth > 8)
            p->dsp->finish16((uint16_t *)(void *)dst, s->sum + at, s->weight + at, values, width);
        else
            p->dsp->finish8(dst, s->sum + at, s->weight + at, values, width);
    }
}

static void filter_slice(void *arg, int i)
{
    const struct work *w = arg;
    for (int y = i * BAND; y < w->height; y += w->p->slice_count * BAND)
        filter_band(w, &w->p->slices[i], y);
}

static void filter_plane(struct ta_stage *s, AVFrame *f, int plane, int width, int height, int depth)
{
    const struct nlmeans_priv *p = s->priv;
    const struct nlmeans_opts *o = s->opts;
    load_plane(p, f, plane, width, height, depth);
    // The strength is about 8-bit samples. Chroma of tapes is smoother than luma, noise and all: what is best
    // for luma washes out small coloured things (measured with tapes of known originals).
    float bits = (float)(1 << (TA_MIN(depth, TA_NLMEANS_BITS) - 8));
    float strength = (float)(plane ? o->strength * o->chroma : o->strength);
    float h = strength * 10 * bits;
    struct work w = {p, o, f, plane, width, height, depth, 1 / (h * h)};
    ta_pool_run(s->env->pool, p->slice_count, filter_slice, &w);
}

static int process(struct ta_stage *s, AVFrame *f)
{
    if (!f)
        return 0;
    int err = ta_stage_make_writable(s, &f);
    if (err < 0)
        return err;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->in.pix_fmt);
    const struct nlmeans_opts *o = s->opts;
    // Less than 0.01 of a step finds no patch alike.
    int planes = o->strength * o->chroma < 0.01 ? 1 : 3;
    for (int plane = 0; plane < planes; plane++)
        filter_plane(s, f, plane, AV_CEIL_RSHIFT(f->width, plane ? d->log2_chroma_w : 0),
                     AV_CEIL_RSHIFT(f->height, plane ? d->log2_chroma_h : 0), d->comp[0].depth);
    return ta_stage_emit(s, f);
}

static void release(struct ta_stage *s)
{
    struct nlmeans_priv *p = s->priv;
    if (!p)
        return;
    if (p->compared != p->values)
        free(p->compared);
    free(p->values);
    for (int i = 0; i < p->slice_count; i++) {
        free(p->slices[i].columns);
        free(p->slices[i].sum);
        free(p->slices[i].weight);
    }
}

// Each sample is compared with all of the area.
static double cost(const void *opts)
{
    const struct nlmeans_opts *o = opts;
    return 430 * (double)(o->research * o->research) / (15 * 15);
}

const struct ta_stage_info ta_stage_nlmeans = {
    .name = "denoise.nlmeans",
    .summary = "mean of similar patches of the same frame, 8 to 16 bit, slow",
    .options = options,
    .options_size = sizeof(struct nlmeans_opts),
    .cost = cost,
    .priv_size = sizeof(struct nlmeans_priv),
    .needs_yuv = true,
    .configure = configure,
    .init = init,
    .process = process,
    .release = release,
};
