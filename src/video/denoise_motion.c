// Motion-compensated noise reduction: each picture becomes the mean of what it shows and of what those around
// it show of the same things, wherever these are found again (video/temporal.h). Noise says how much two
// pictures of the same thing may differ. Then luma gets back some of the height of its detail that the
// interpolation of missing lines takes.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dsp/temporal.h"
#include "media/av.h"
#include "media/picture/frame_pool.h"
#include "video/calm.h"
#include "video/deinterlace.h"
#include "video/denoise.h"
#include "video/motion.h"
#include "video/stages.h"
#include "video/temporal.h"

enum {
    RADIUS_GOOD = 3,
    RADIUS_BEST = 5,
    ROWS = 128, // in a part of the work: whole strips
    DEPTH = TA_MOTION_DEPTH,
};

static int parse_noise(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    if (strcmp(text, "auto") != 0)
        return ta_opt_float.parse(o, text, field, why);
    *(double *)field = TA_NOISE_AUTO;
    return 0;
}

static void format_noise(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    if (*(const double *)field < 0)
        ta_buf_puts(out, "auto");
    else
        ta_opt_float.format(o, field, out);
}

static const struct ta_opt_kind kind_noise = {.name = "noise",
                                              .syntax = "X|auto",
                                              .parse = parse_noise,
                                              .format = format_noise,
                                              .type = TA_OPT_TYPE_DOUBLE};

static const struct ta_choice effort_choices[] = {
    {"auto", "best at --quality best, else good"},
    {"good", "3 pictures on each side, moved by whole samples"},
    {"best", "5 pictures on each side, moved by quarters of a sample: 4 times the work"},
    {0},
};

static const struct ta_opt options[] = {
    {.name = "motion-strength",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_denoise_motion_opts, strength, double),
     .def = "1",
     .max = 4,
     .help = "strength of motion, as a factor of the noise that was measured; 0 changes nothing"},
    {.name = "motion-sigma-luma",
     .kind = &kind_noise,
     TA_FIELD(struct ta_denoise_motion_opts, sigma_luma, double),
     .def = "auto",
     .max = TA_NOISE_MOST,
     .flags = TA_OPT_ADVANCED,
     .help = "standard deviation of luma's noise in 8-bit steps, for motion; auto is as measured"},
    {.name = "motion-sigma-chroma",
     .kind = &kind_noise,
     TA_FIELD(struct ta_denoise_motion_opts, sigma_chroma, double),
     .def = "auto",
     .max = TA_NOISE_MOST,
     .flags = TA_OPT_ADVANCED,
     .help = "standard deviation of chroma's noise in 8-bit steps, for motion; auto is as measured"},
    {.name = "motion-sharpen",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_denoise_motion_opts, sharpen, double),
     .def = "0.15",
     .max = 1,
     .flags = TA_OPT_ADVANCED,
     .help =
         "sharpening of luma from row to row behind motion, within the range of the samples around and by "
         "no more than the noise"},
    {.name = "motion-effort",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_denoise_motion_opts, effort, int),
     .def = "auto",
     .choices = effort_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "how hard motion tries"},
    {.name = "motion-radius",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_denoise_motion_opts, radius, int64_t),
     .def = "0",
     .max = TA_MOTION_RADIUS,
     .unit = "pictures",
     .flags = TA_OPT_ADVANCED,
     .help = "pictures that motion looks at on each side; 0 is as the effort says"},
    {0},
};

// What a part works in.
struct scratch {
    uint16_t *row;   // sharpened
    uint8_t *shares; // of the cells of a strip of rows
};

struct priv {
    const struct ta_motion_dsp *dsp;
    const struct ta_temporal_dsp *temporal_dsp;
    struct ta_motion *motion;
    struct ta_temporal *mean;
    struct ta_calm *calm; // NULL: what the mean leaves stays
    double sigma[2];      // of luma, of chroma
    struct ta_frame_pool *pool;
    int depth, planes, parts;
    bool changes[TA_MOTION_PLANES];
    int sharpen, sharpen_limit;
    int64_t next;            // picture to give
    struct scratch *scratch; // a part each
    uint16_t *memory;
};

static bool is_best(const struct ta_denoise_motion_opts *o)
{
    return o->effort == TA_EFFORT_BEST;
}

static int radius_of(const void *opts)
{
    const struct ta_denoise_motion_opts *o = opts;
    return o->radius ? (int)o->radius : is_best(o) ? RADIUS_BEST : RADIUS_GOOD;
}

static void set_quality(void *opts, int quality)
{
    struct ta_denoise_motion_opts *o = opts;
    if (o->effort == TA_EFFORT_AUTO)
        o->effort = quality == TA_STAGE_BEST ? TA_EFFORT_BEST : TA_EFFORT_GOOD;
    o->radius = radius_of(o);
}

static double noise_of(const struct ta_denoise_motion_opts *o, bool chroma)
{
    double sigma = chroma ? o->sigma_chroma : o->sigma_luma;
    return o->strength * (sigma < 0 ? TA_NOISE_UNKNOWN : sigma);
}

static bool is_still(const void *opts)
{
    return noise_of(opts, false) == 0 && noise_of(opts, true) == 0;
}

static struct ta_reach reach(const void *opts, const struct ta_format *in)
{
    (void)in;
    int radius = is_still(opts) ? 0 : radius_of(opts);
    return (struct ta_reach){radius, radius};
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)opts;
    (void)out;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (!d || ta_pix_fmt_planar(in->pix_fmt) != in->pix_fmt) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    return ta_deinterlace_check_samples(in, why);
}

static struct ta_motion_settings settings_of(const void *opts)
{
    int radius = radius_of(opts);
    return (struct ta_motion_settings){
        .radius = radius,
        .frames = 2 * radius + 1,
        .fine = is_best(opts),
        .spares = 2, // the mean, and what it works in
    };
}

static struct ta_temporal_settings mean_of(const void *opts, const struct ta_format *in)
{
    struct ta_temporal_settings s = {.radius = radius_of(opts), .spare = 1};
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    for (int i = 0; i < d->nb_components; i++) {
        bool chroma = (i == 1 || i == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB) && d->nb_components > 2;
        bool alpha = (d->flags & AV_PIX_FMT_FLAG_ALPHA) && i == d->nb_components - 1;
        s.noise[i] = alpha ? 0 : noise_of(opts, chroma);
    }
    return s;
}

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    (void)env;
    struct ta_motion_settings settings = settings_of(opts);
    struct ta_temporal_settings mean = mean_of(opts, in);
    if (!is_still(opts))
        n->bytes = ta_motion_bytes(&settings, in) + ta_temporal_bytes(&mean, in) +
                   (is_best(opts) ? ta_calm_bytes(in->width, in->height) : 0);
}

static double cost(const void *opts)
{
    return is_still(opts) ? 0 : (is_best(opts) ? 14.0 : 6.0) * radius_of(opts);
}

static int cells_of(int width)
{
    return (width + TA_MOTION_STEP - 1) / TA_MOTION_STEP;
}

static int parts_of(const struct ta_motion_picture *p, int planes)
{
    int parts = 0;
    for (int i = 0; i < planes; i++)
        parts += (p->planes[i].height + ROWS - 1) / ROWS;
    return parts;
}

static int init(struct ta_stage *s)
{
    struct priv *p = s->priv;
    const struct ta_denoise_motion_opts *o = s->opts;
    if (is_still(o))
        return 0;
    struct ta_motion_settings settings = settings_of(o);
    struct ta_temporal_settings mean = mean_of(o, &s->in);
    p->dsp = ta_motion_dsp();
    p->temporal_dsp = ta_temporal_dsp();
    p->depth = av_pix_fmt_desc_get(s->in.pix_fmt)->comp[0].depth;
    p->planes = av_pix_fmt_count_planes(s->in.pix_fmt);
    for (int i = 0; i < p->planes; i++)
        p->changes[i] = mean.noise[i] > 0;
    p->sharpen = (int)lrint(o->sharpen * TA_TEMPORAL_SHARPEN);
    p->sharpen_limit = (int)lrint(mean.noise[0] * (1 << (DEPTH - 8)));
    p->pool = ta_frame_pool_create(s->in.pix_fmt, s->in.width, s->in.height);
    if (!p->pool || ta_motion_create(&p->motion, &settings, &s->in, s->env) < 0 ||
        ta_temporal_create(&p->mean, &mean, p->motion, &s->in, s->env) < 0)
        return ta_stage_no_memory(s);
    p->sigma[0] = mean.noise[0];
    p->sigma[1] = p->planes > 2 ? mean.noise[1] : 0;
    bool rgb = av_pix_fmt_desc_get(s->in.pix_fmt)->flags & AV_PIX_FMT_FLAG_RGB; // no plane alone is the light
    if (is_best(o) && p->changes[0] && !rgb &&
        !(p->calm = ta_calm_create(s->in.width, s->in.height, s->env->pool)))
        return ta_stage_no_memory(s);
    p->parts = parts_of(ta_motion_spare(p->motion, 0), p->planes);
    ptrdiff_t words = s->in.width + (cells_of(s->in.width) + 1) / 2;
    p->memory = calloc((size_t)p->parts, (size_t)words * sizeof *p->memory);
    if (!p->memory)
        return ta_stage_no_memory(s);
    p->scratch = ta_xcalloc((size_t)p->parts, sizeof *p->scratch);
    for (int i = 0; i < p->parts; i++) {
        uint16_t *row = p->memory + i * words;
        p->scratch[i] = (struct scratch){row, (uint8_t *)(row + s->in.width)};
    }
    return 0;
}

struct giving {
    struct priv *p;
    const struct ta_motion_picture *made;
    const AVFrame *source;
    AVFrame *out;
};

static void find_shares(const struct giving *g, int y, uint8_t *shares)
{
    for (int i = 0; i < cells_of(g->made->planes[0].width); i++)
        shares[i] = (uint8_t)ta_temporal_share(g->p->mean, i, y / TA_MOTION_STEP);
}

// Where little was taken over noise is what it was: sharpening would only raise it.
static void sharpen_row(const struct giving *g, int y, const struct scratch *scratch)
{
    const struct priv *p = g->p;
    const struct ta_motion_plane *made = &g->made->planes[0];
    const uint16_t *row = made->at + y * made->step;
    const uint8_t *shares = scratch->shares;
    int cells = cells_of(made->width);
    for (int i = 0; i < cells;) {
        int share = shares[i], first = i++;
        while (i < cells && shares[i] == share)
            i++;
        int x = first * TA_MOTION_STEP, n = TA_MIN(i * TA_MOTION_STEP, made->width) - x;
        const uint16_t *rows[3] = {row + x - made->step, row + x, row + x + made->step};
        p->temporal_dsp->sharpen(scratch->row + x, rows, p->sharpen * share / TA_TEMPORAL_SURE,
                                 p->sharpen_limit, n);
    }
}

static void give_row(const struct giving *g, int plane, int y, const struct scratch *scratch)
{
    const struct priv *p = g->p;
    const struct ta_motion_plane *made = &g->made->planes[plane];
    const uint16_t *row = made->at + y * made->step;
    int n = made->width;
    const uint8_t *src = g->source->data[plane] + y * (ptrdiff_t)g->source->linesize[plane];
    uint8_t *dst = g->out->data[plane] + y * (ptrdiff_t)g->out->linesize[plane];
    if (!p->changes[plane]) {
        memcpy(dst, src, (size_t)n * (p->depth > 8 ? 2 : 1));
        return;
    }
    if (plane == 0 && p->sharpen && p->sharpen_limit) {
        if (y % TA_MOTION_STEP == 0)
            find_shares(g, y, scratch->shares);
        sharpen_row(g, y, scratch);
        row = scratch->row;
    }
    if (p->depth == 8)
        p->dsp->narrow8(dst, row, n);
    else if (p->depth <= DEPTH)
        p->dsp->narrow16((uint16_t *)(void *)dst, row, p->depth, n);
    else
        p->temporal_dsp->correct((uint16_t *)(void *)dst, (const uint16_t *)(const void *)src, row, p->depth,
                                 n);
}

static void give_part(void *arg, int part)
{
    const struct giving *g = arg;
    const struct scratch *scratch = &g->p->scratch[part];
    int plane = 0;
    for (;; plane++) {
        int slices = (g->made->planes[plane].height + ROWS - 1) / ROWS;
        if (part < slices)
            break;
        part -= slices;
    }
    int end = TA_MIN((part + 1) * ROWS, g->made->planes[plane].height);
    for (int y = part * ROWS; y < end; y++)
        give_row(g, plane, y, scratch);
}

// Of luma and of chroma: neighbours share the means' noise. Fitted to tapes whose originals are known.
static const struct ta_calm_left left[2] = {{0.18, 0.09}, {0.2, 0.12}};

struct calming {
    const struct ta_temporal *mean;
    int shift_x, shift_y; // of the plane
};

// Where little was taken over, detail may be the picture's own as well as noise.
static float calm_strength(const void *arg, int x, int y)
{
    const struct calming *c = arg;
    return (float)ta_temporal_share(c->mean, x << c->shift_x, y << c->shift_y) / TA_TEMPORAL_SURE;
}

static void calm(const struct priv *p, const struct ta_motion_picture *made, struct ta_motion_picture *calmed)
{
    *calmed = *made;
    for (int i = 0; i < TA_MIN(p->planes, 3); i++) {
        if (!p->changes[i])
            continue;
        struct calming c = {p->mean, made->planes[i].shift_x, made->planes[i].shift_y};
        calmed->planes[i] =
            ta_motion_spare(p->motion, 1)->planes[i]; // the mean has done with what it works in
        ta_calm_run(p->calm, &made->planes[i], &calmed->planes[i], p->sigma[i > 0], &left[i > 0],
                    calm_strength, &c);
    }
}

static int give_picture(struct ta_stage *s)
{
    struct priv *p = s->priv;
    struct giving g = {
        .p = p,
        .made = ta_motion_spare(p->motion, 0),
        .source = ta_motion_frame(p->motion, p->next),
        .out = ta_frame_pool_get(p->pool),
    };
    if (!g.out || av_frame_copy_props(g.out, g.source) < 0) {
        av_frame_free(&g.out);
        return ta_stage_no_memory(s);
    }
    ta_temporal_mean(p->mean, p->next, g.made);
    struct ta_motion_picture calmed;
    if (p->calm) {
        calm(p, ta_motion_spare(p->motion, 0), &calmed);
        g.made = &calmed;
    }
    ta_pool_run(s->env->pool, p->parts, give_part, &g);
    return ta_stage_emit(s, g.out);
}

static int process(struct ta_stage *s, AVFrame *in)
{
    struct priv *p = s->priv;
    if (!p->motion)
        return in ? ta_stage_emit(s, in) : 0;
    int err = 0, lag = radius_of(s->opts);
    ta_motion_push(p->motion, in);
    if (in)
        ta_motion_take_over(p->motion, ta_motion_count(p->motion) - 1, in);
    int64_t count = ta_motion_count(p->motion);
    for (; err >= 0 && p->next + (in ? lag : 0) < count; p->next++)
        err = give_picture(s);
    return err;
}

static void release(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!p)
        return;
    ta_calm_destroy(&p->calm);
    ta_temporal_destroy(&p->mean);
    ta_motion_destroy(&p->motion);
    ta_frame_pool_destroy(&p->pool);
    ta_freep(&p->scratch);
    ta_freep(&p->memory);
}

const struct ta_stage_info ta_stage_denoise_motion = {
    .name = "denoise.motion",
    .summary = "noise reduction over time that follows motion, by the noise that was measured",
    .lighter = "recursive",
    .thread = TA_THREAD_HEAVY,
    .options = options,
    .options_size = sizeof(struct ta_denoise_motion_opts),
    .priv_size = sizeof(struct priv),
    .reach = reach,
    .set_quality = set_quality,
    .configure = configure,
    .needs = needs,
    .cost = cost,
    .init = init,
    .process = process,
    .release = release,
};
