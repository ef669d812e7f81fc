// Noise reduction known as hqdn3d: a recursive low-pass from left to right, then downwards, then in time, in
// which neighbours that differ more count less. The same as libavfilter's, with kernels of our own; there a
// strength of 0 means "some default", here none.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/common.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "dsp/hqdn3d.h"
#include "media/picture/frame_pool.h"
#include "video/denoise.h"
#include "video/stages.h"

enum { PLANES = 3, ROWS = TA_HQDN3D_ROWS, NONE = 4, CURVES = 5 };

struct plane {
    int width, height;
    uint16_t *before; // the picture remembered
    const struct ta_hqdn3d_curve *space, *time;
    bool in_space;
};

struct priv {
    const struct ta_hqdn3d_dsp *dsp;
    int depth;
    bool started;
    struct ta_hqdn3d_curve curves[CURVES]; // enum ta_denoise_strength, and none
    struct plane planes[PLANES];
    uint16_t *memory;     // the planes' pictures
    uint16_t *rows[ROWS]; // filtered along themselves
    uint16_t *above;
    struct ta_frame_pool *pool;
};

// The temporal filter is a recursive low-pass whose memory fades by a factor that depends on the strength.
// Measured with noise over the whole strength range used by presets: 60 frames bring the difference to an
// endless run below 80 dB PSNR (8 bit).
static struct ta_reach reach(const void *opts, const struct ta_format *in)
{
    (void)in;
    const double *strength = ((const struct ta_denoise_opts *)opts)->strength.v;
    return (struct ta_reach){strength[TA_LUMA_TIME] > 0 || strength[TA_CHROMA_TIME] > 0 ? 60 : 0, 0};
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)opts;
    (void)out;
    return ta_denoise_check_all(opts, in, why);
}

static int describe(const void *opts, const struct ta_format *in, const struct ta_format *out,
                    struct ta_buf *text)
{
    (void)in;
    (void)out;
    const double *s = ((const struct ta_denoise_opts *)opts)->strength.v,
                 none = 1e-9; // 0 would be "some default"
    ta_buf_printf(text, "hqdn3d=%.9g:%.9g:%.9g:%.9g", fmax(s[0], none), fmax(s[1], none), fmax(s[2], none),
                  fmax(s[3], none));
    return 0;
}

static int init(struct ta_stage *s)
{
    struct priv *p = s->priv;
    const struct ta_denoise_opts *o = s->opts;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->in.pix_fmt);
    p->dsp = ta_hqdn3d_dsp();
    p->depth = d->comp[0].depth;
    for (int i = 0; i < CURVES; i++)
        ta_hqdn3d_curve_init(&p->curves[i], i == NONE ? 0 : o->strength.v[i], p->depth);
    size_t samples = 0, width = (size_t)s->in.width;
    for (int i = 0; i < PLANES; i++) {
        struct plane *a = &p->planes[i];
        a->width = i ? AV_CEIL_RSHIFT(s->in.width, d->log2_chroma_w) : s->in.width;
        a->height = i ? AV_CEIL_RSHIFT(s->in.height, d->log2_chroma_h) : s->in.height;
        a->space = &p->curves[i ? TA_CHROMA_SPACE : TA_LUMA_SPACE];
        a->time = &p->curves[i ? TA_CHROMA_TIME : TA_LUMA_TIME];
        a->in_space = o->strength.v[i ? TA_CHROMA_SPACE : TA_LUMA_SPACE] > 0;
        samples += (size_t)a->width * (size_t)a->height;
    }
    p->memory = malloc((samples + width * (ROWS + 1)) * sizeof *p->memory);
    p->pool = ta_frame_pool_create(s->in.pix_fmt, s->in.width, s->in.height);
    if (!p->memory || !p->pool)
        return ta_stage_no_memory(s);
    uint16_t *at = p->memory;
    for (int i = 0; i < PLANES; i++) {
        p->planes[i].before = at;
        at += (size_t)p->planes[i].width * (size_t)p->planes[i].height;
    }
    for (int i = 0; i < ROWS; i++, at += width)
        p->rows[i] = at;
    p->above = at;
    return 0;
}

// Rows y to y + 3 into p->rows, filtered along themselves; behind the last row it stands again.
static void take_rows(const struct priv *p, const struct plane *a, const struct ta_hqdn3d_curve *curve,
                      const uint8_t *src, ptrdiff_t stride, int y)
{
    const uint8_t *rows[ROWS];
    const uint16_t *wide[ROWS];
    for (int i = 0; i < ROWS; i++) {
        rows[i] = src + TA_MIN(y + i, a->height - 1) * stride;
        wide[i] = (const uint16_t *)(const void *)rows[i];
    }
    if (p->depth == 8)
        ta_hqdn3d_along8(p->rows, rows, y == 0, curve, a->width);
    else
        ta_hqdn3d_along16(p->rows, wide, p->depth, y == 0, curve, a->width);
}

// Remembers the first picture as it is.
static void remember(const struct priv *p, const struct plane *a, const uint8_t *src, ptrdiff_t stride)
{
    for (int y = 0; y < a->height; y += ROWS) {
        take_rows(p, a, &p->curves[NONE], src, stride, y);
        for (int i = 0; i < ROWS && y + i < a->height; i++)
            memcpy(a->before + (ptrdiff_t)(y + i) * a->width, p->rows[i],
                   (size_t)a->width * sizeof *a->before);
    }
}

static void run_plane(const struct priv *p, const struct plane *a, const uint8_t *src, ptrdiff_t src_stride,
                      uint8_t *dst, ptrdiff_t dst_stride)
{
    for (int y = 0; y < a->height; y += ROWS) {
        take_rows(p, a, a->space, src, src_stride, y);
        for (int i = 0; i < ROWS && y + i < a->height; i++) {
            const uint16_t *row = p->rows[i];
            uint16_t *before = a->before + (ptrdiff_t)(y + i) * a->width;
            uint8_t *out = dst + (y + i) * dst_stride;
            if (a->in_space) {
                if (y + i == 0)
                    memcpy(p->above, row, (size_t)a->width * sizeof *row);
                else
                    p->dsp->down(p->above, row, a->space, a->width);
                row = p->above;
            }
            if (p->depth == 8)
                p->dsp->in_time8(out, row, before, a->time, a->width);
            else
                p->dsp->in_time16((uint16_t *)(void *)out, row, before, p->depth, a->time, a->width);
        }
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
    for (int i = 0; i < PLANES; i++) {
        if (!p->started)
            remember(p, &p->planes[i], in->data[i], in->linesize[i]);
        run_plane(p, &p->planes[i], in->data[i], in->linesize[i], out->data[i], out->linesize[i]);
    }
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
    for (int i = 0; i < CURVES; i++)
        ta_hqdn3d_curve_release(&p->curves[i]);
    ta_freep(&p->memory);
    ta_frame_pool_destroy(&p->pool);
}

const struct ta_stage_info ta_stage_hqdn3d = {
    .name = "denoise.hqdn3d",
    .summary = "recursive noise reduction in space and time",
    .options = ta_denoise_options,
    .options_size = sizeof(struct ta_denoise_opts),
    .priv_size = sizeof(struct priv),
    .needs_yuv = true,
    .reach = reach,
    .neutral = ta_denoise_is_neutral,
    .set_measured = ta_denoise_set_measured,
    .configure = configure,
    .describe = describe,
    .init = init,
    .process = process,
    .release = release,
};
