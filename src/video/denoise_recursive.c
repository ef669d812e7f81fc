// Noise reduction, recursive in time. Each picture is compared with the one remembered; where nothing moves
// the remembered one is kept for the most part, so that noise averages out over some fifteen frames. What is
// seen as motion is a matter of the places around, not of one sample: noise cancels out in their mean, motion
// does not. Both chroma planes decide together. What the output shows is the memory smoothed in space where
// neighbours differ little; the memory itself stays sharp.
//
// Interlaced frames are worked on field by field: lines of one never enter the other.
#include <math.h>
#include <stdlib.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "dsp/recursive.h"
#include "media/av.h"
#include "media/picture/frame_pool.h"
#include "video/denoise.h"
#include "video/stages.h"

enum {
    PLANES = 3,
    MARGIN = 32,     // samples kept free on each side of a row; kernels use 3 of them
    DIFFERENCES = 3, // rows kept
    SMOOTHED = TA_RECURSIVE_RADIUS + 1,
    LAG = TA_RECURSIVE_RADIUS + 1, // rows from reading to writing
    SETTLING = 45,
    SETTLING_LONG = 60, // frames; measured, see reach()
};

// Rows that a plane's kernels hand on to each other; row y lies at y modulo their number.
enum { ROWS = DIFFERENCES + 3 + TA_RECURSIVE_RADIUS + 2 * SMOOTHED };
struct rows {
    uint16_t *difference[DIFFERENCES], *mean, *magnitude, *motion;
    uint16_t *pulls[TA_RECURSIVE_RADIUS], *along[SMOOTHED], *across[SMOOTHED];
};

struct plane {
    int width, height;
    uint16_t *state; // the first sample of the first row
    ptrdiff_t stride;
    struct rows rows;
    struct ta_recursive_ramp space[TA_RECURSIVE_RADIUS], time;
};

struct priv {
    const struct ta_recursive_dsp *dsp;
    int shift; // from samples to 16 bits
    bool started;
    struct plane planes[PLANES];
    uint16_t *memory; // all states and rows
    struct ta_frame_pool *pool;
};

// One plane of a frame, or one field of it.
struct picture {
    struct plane *plane;
    const uint8_t *src;
    uint8_t *dst;
    uint16_t *state;
    ptrdiff_t src_step, dst_step, state_step; // src and dst in bytes
    int width, height;
    struct ta_recursive_ramp time;
};

// Measured on noisy and clean footage, 8 bit, against an endless run, at distances of d levels in time where
// a weight is a quarter (see levels()): after 45 frames at d of up to 7.5 89 dB PSNR or more in the worst
// frame; after 60 at 37 82 dB. A strength of 20 is 7.4, the highest, 255, is 26.
static struct ta_reach reach(const void *opts, const struct ta_format *in)
{
    (void)in;
    const double *strength = ((const struct ta_denoise_opts *)opts)->strength.v;
    double most = TA_MAX(strength[TA_LUMA_TIME], strength[TA_CHROMA_TIME]);
    return (struct ta_reach){most > 20 ? SETTLING_LONG : most > 0 ? SETTLING : 0, 0};
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)opts;
    (void)out;
    return ta_denoise_check_all(opts, in, why);
}

// A strength is the difference, in levels of 8 bits, at which a neighbour has a quarter of its weight. In
// hqdn3d that is the difference of two noisy samples; here distances are those of means (or of samples
// averaged over time), so low numbers can take out more before they blur, and high ones less: at the
// square root of the strength recursive is ahead of hqdn3d in PSNR and SSIM at the same strengths on every
// clip and noise tried, where a straight line gained less in the mean (docs/quality.md).
static double levels(double strength, double same, double factor)
{
    return factor * sqrt(same * strength) * 256;
}

static void set_strengths(struct priv *p, const struct ta_floats *strength)
{
    // The strengths that mean themselves, and what distances of means are of those of samples.
    const double same_in_space = 5, same_in_time = 7, in_space = 1.35, in_time = 1 / 1.6;
    const double by_square = 2, by_fourth_power = 3.4142; // (1 - 1 / 2)^2 = (1 - 1 / 3.4142)^4 = 1/4
    const double near = 0.28, far = 0.18;                 // shares of the neighbours in space, on each side
    for (int i = 0; i < PLANES; i++) {
        double space = levels(strength->v[i ? TA_CHROMA_SPACE : TA_LUMA_SPACE], same_in_space, in_space);
        double time = levels(strength->v[i ? TA_CHROMA_TIME : TA_LUMA_TIME], same_in_time, in_time);
        p->planes[i].space[0] = ta_recursive_ramp(space * by_square, sqrt(2 * near));
        p->planes[i].space[1] = ta_recursive_ramp(space * by_square, sqrt(2 * far));
        p->planes[i].time = ta_recursive_ramp(time * by_fourth_power / 2, 1); // motion counts half levels
    }
}

// Lays states and rows out in one piece of memory; `base` NULL only counts. Returns samples.
static size_t lay_out(struct priv *p, uint16_t *base)
{
    size_t at = 0;
    for (int i = 0; i < PLANES; i++) {
        struct plane *plane = &p->planes[i];
        size_t row = (size_t)FFALIGN(plane->width, MARGIN) + 2 * MARGIN;
        plane->stride = (ptrdiff_t)row;
        struct rows *r = &plane->rows;
        uint16_t **rows[ROWS + 1] = {&plane->state, &r->mean,     &r->magnitude,
                                     &r->motion,    &r->pulls[0], &r->pulls[1]};
        int count = 4 + TA_RECURSIVE_RADIUS;
        for (int k = 0; k < DIFFERENCES; k++)
            rows[count++] = &r->difference[k];
        for (int k = 0; k < SMOOTHED; k++) {
            rows[count++] = &r->along[k];
            rows[count++] = &r->across[k];
        }
        for (int k = 0; k < count; k++) {
            *rows[k] = base ? base + at + MARGIN : NULL;
            at += k ? row : row * (size_t)plane->height;
        }
    }
    return at;
}

static int init(struct ta_stage *s)
{
    struct priv *p = s->priv;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->in.pix_fmt);
    p->dsp = ta_recursive_dsp();
    p->shift = 16 - d->comp[0].depth;
    for (int i = 0; i < PLANES; i++) {
        p->planes[i].width = i ? AV_CEIL_RSHIFT(s->in.width, d->log2_chroma_w) : s->in.width;
        p->planes[i].height = i ? AV_CEIL_RSHIFT(s->in.height, d->log2_chroma_h) : s->in.height;
    }
    set_strengths(p, &((const struct ta_denoise_opts *)s->opts)->strength);
    p->memory = calloc(lay_out(p, NULL), sizeof *p->memory);
    p->pool = ta_frame_pool_create(s->in.pix_fmt, s->in.width, s->in.height);
    if (!p->memory || !p->pool)
        return ta_stage_no_memory(s);
    lay_out(p, p->memory);
    return 0;
}

static void extend(uint16_t *row, int width)
{
    row[-1] = row[0];
    row[width] = row[width - 1];
}

static void differ(const struct priv *p, const struct picture *a, int y)
{
    uint16_t *row = a->plane->rows.difference[y % DIFFERENCES];
    const uint8_t *src = a->src + y * a->src_step;
    const uint16_t *state = a->state + y * a->state_step;
    if (p->shift == 8)
        p->dsp->differ8(row, src, state, a->width);
    else
        p->dsp->differ16(row, (const uint16_t *)(const void *)src, state, p->shift, a->width);
}

static void find_motion(const struct priv *p, const struct picture *a, int y)
{
    const struct rows *r = &a->plane->rows;
    const uint16_t *here = r->difference[y % DIFFERENCES];
    const uint16_t *around[] = {r->difference[(y ? y - 1 : 0) % DIFFERENCES], here,
                                r->difference[TA_MIN(y + 1, a->height - 1) % DIFFERENCES]};
    p->dsp->gather(r->mean, r->magnitude, around, a->width);
    extend(r->mean, a->width);
    extend(r->magnitude, a->width);
    p->dsp->motion(r->motion, r->mean, r->magnitude, here, a->width);
}

// Takes row y into the memory.
static void follow(const struct priv *p, const struct picture *a, const struct picture *other, int y)
{
    const uint16_t *motion = a->plane->rows.motion, *others = other->plane->rows.motion;
    const uint8_t *src = a->src + y * a->src_step;
    uint16_t *state = a->state + y * a->state_step;
    if (p->shift == 8)
        p->dsp->follow8(state, src, motion, others, &a->time, a->width);
    else
        p->dsp->follow16(state, (const uint16_t *)(const void *)src, motion, others, &a->time, p->shift,
                         a->width);
}

// Smooths what is remembered of row y along the row, then against the rows above.
static void smooth(const struct priv *p, const struct picture *a, int y)
{
    const struct rows *r = &a->plane->rows;
    const struct ta_recursive_ramp *ramps = a->plane->space;
    const uint16_t *src[SMOOTHED];
    uint16_t *dst[SMOOTHED];
    for (int k = 0; k < SMOOTHED; k++) {
        src[k] = r->along[(y + SMOOTHED - k) % SMOOTHED];
        dst[k] = r->across[(y + SMOOTHED - k) % SMOOTHED];
    }
    p->dsp->along(r->along[y % SMOOTHED], a->state + y * a->state_step, r->pulls, ramps, a->width);
    p->dsp->across(dst, src, TA_MIN(y, TA_RECURSIVE_RADIUS), ramps, a->width);
}

static void put(const struct priv *p, const struct picture *a, int y)
{
    const uint16_t *row = a->plane->rows.across[y % SMOOTHED];
    uint8_t *dst = a->dst + y * a->dst_step;
    if (p->shift == 8)
        p->dsp->narrow8(dst, row, a->width);
    else
        p->dsp->narrow16((uint16_t *)(void *)dst, row, p->shift, a->width);
}

// Pictures that decide together, row by row: a row is written when no row that is still to be read needs what
// was there, so src and dst may be the same.
static void run(const struct priv *p, const struct picture *pictures, int count)
{
    int height = pictures[0].height;
    for (int y = 0; y < height + LAG; y++) {
        for (int i = 0; y < height && i < count; i++)
            differ(p, &pictures[i], y);
        int behind = y - 1, last = y - LAG;
        for (int i = 0; behind >= 0 && behind < height && i < count; i++)
            find_motion(p, &pictures[i], behind);
        for (int i = 0; behind >= 0 && behind < height && i < count; i++)
            follow(p, &pictures[i], &pictures[count - 1 - i], behind);
        for (int i = 0; behind >= 0 && behind < height && i < count; i++)
            smooth(p, &pictures[i], behind);
        for (int i = 0; last >= 0 && last < height && i < count; i++)
            put(p, &pictures[i], last);
    }
}

static struct picture picture_of(struct priv *p, int plane, int field, int fields, const AVFrame *in,
                                 AVFrame *out)
{
    struct plane *a = &p->planes[plane];
    return (struct picture){
        .plane = a,
        .src = in->data[plane] + (ptrdiff_t)field * in->linesize[plane],
        .dst = out->data[plane] + (ptrdiff_t)field * out->linesize[plane],
        .state = a->state + field * a->stride,
        .src_step = (ptrdiff_t)fields * in->linesize[plane],
        .dst_step = (ptrdiff_t)fields * out->linesize[plane],
        .state_step = fields * a->stride,
        .width = a->width,
        .height = (a->height - field + fields - 1) / fields,
        // Nothing is remembered yet: every sample is news.
        .time = p->started ? a->time : ta_recursive_ramp(0, 1),
    };
}

// Planes first..last, which decide together.
static void run_planes(struct priv *p, int first, int last, const AVFrame *in, AVFrame *out)
{
    if (!p->planes[first].space[0].limit && !p->planes[first].time.limit) {
        for (int i = first; i <= last && out != in; i++)
            av_image_copy_plane(out->data[i], out->linesize[i], in->data[i], in->linesize[i],
                                p->planes[i].width * (p->shift == 8 ? 1 : 2), p->planes[i].height);
        return;
    }
    int fields = ta_frame_is_interlaced(in) ? 2 : 1;
    for (int field = 0; field < fields; field++) {
        struct picture pictures[PLANES];
        for (int i = first; i <= last; i++)
            pictures[i - first] = picture_of(p, i, field, fields, in, out);
        run(p, pictures, last - first + 1);
    }
}

static int process(struct ta_stage *s, AVFrame *in)
{
    struct priv *p = s->priv;
    if (!in)
        return 0;
    AVFrame *out = ta_frame_pool_writable(p->pool, in);
    if (!out) {
        av_frame_free(&in);
        return ta_stage_no_memory(s);
    }
    run_planes(p, 0, 0, in, out);
    run_planes(p, 1, 2, in, out);
    p->started = true;
    if (out != in)
        av_frame_free(&in);
    return ta_stage_emit(s, out);
}

static void release(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!p)
        return;
    ta_freep(&p->memory);
    ta_frame_pool_destroy(&p->pool);
}

const struct ta_stage_info ta_stage_recursive = {
    .name = "denoise.recursive",
    .summary = "noise reduction that follows motion in time and edges in space",
    .options = ta_denoise_options,
    .options_size = sizeof(struct ta_denoise_opts),
    .priv_size = sizeof(struct priv),
    .needs_yuv = true,
    .by_field = true,
    .reach = reach,
    .neutral = ta_denoise_is_neutral,
    .set_measured = ta_denoise_set_measured,
    .configure = configure,
    .init = init,
    .process = process,
    .release = release,
};
