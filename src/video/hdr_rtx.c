// NVIDIA's TrueHDR (infer/vfx.h) as a stage: pictures become 8 bit RGB with the primaries of BT.709, and come
// back as HDR10. Not yet seen on a device.
#include <math.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/picture/convert.h"
#include "video/hdr.h"
#include "video/rtx.h"
#include "video/stages.h"

enum { CODES = 1024, LEAST_PEAK = 400 };

static void config_of(const struct ta_hdr_opts *o, const struct ta_format *in, int streams,
                      struct ta_vfx_config *c)
{
    *c = (struct ta_vfx_config){.kind = TA_VFX_TRUE_HDR,
                                .width = in->width,
                                .height = in->height,
                                .out_width = in->width,
                                .out_height = in->height,
                                .streams = streams,
                                .contrast = (unsigned)o->contrast,
                                .saturation = (unsigned)o->saturation,
                                .middle_grey = (unsigned)o->middle_grey,
                                .luminance = (unsigned)o->peak};
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const struct ta_hdr_opts *o = opts;
    struct ta_vfx_config c;
    int err = ta_hdr_configure(in, out, why, AVCOL_TRC_SMPTE2084);
    if (err >= 0 && o->peak < LEAST_PEAK) {
        ta_buf_printf(why, "takes a peak of %d cd/m2 and more", LEAST_PEAK);
        err = TA_ERR_INVALID;
    }
    if (err < 0)
        return err;
    config_of(o, in, 1, &c);
    return ta_vfx_check(&c, why);
}

static int check(const void *opts, const struct ta_format *in, const struct ta_env *env, struct ta_buf *why)
{
    (void)in;
    return ta_rtx_check(env, ((const struct ta_hdr_opts *)opts)->runtime, why);
}

static void runtime(const void *opts, struct ta_buf *text)
{
    const struct ta_hdr_opts *o = opts;
    ta_buf_printf(text, "nvvfx %s", o->runtime ? o->runtime : "");
}

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    (void)opts;
    n->frames = ta_rtx_streams(env);
    // In pinned memory, as RGBA, and in planes.
    n->bytes = (int64_t)n->frames * 4 * 3 * 2 * in->width * in->height;
}

struct rtx_priv {
    struct ta_rtx_run run;
    uint32_t light[CODES]; // of each number, in TA_HDR_LIGHT of a cd/m2
};

// SMPTE ST 2084.
static double pq_light(double code)
{
    const double m1 = 2610.0 / 16384, m2 = 2523.0 / 32, c1 = 107.0 / 128, c2 = 2413.0 / 128,
                 c3 = 2392.0 / 128;
    double e = pow(code, 1 / m2);
    return 10000 * pow(fmax(e - c1, 0) / (c2 - c3 * e), 1 / m1);
}

static int make_converters(struct ta_stage *s)
{
    struct rtx_priv *p = s->priv;
    struct ta_format sdr = ta_rtx_rgb(&s->in), hdr = ta_rtx_rgb(&s->out);
    struct ta_buf why = {0};
    sdr.primaries = AVCOL_PRI_BT709;
    hdr.pix_fmt = AV_PIX_FMT_GBRP16;
    int err = ta_converter_create(&p->run.to_rgb, &s->in, &sdr, TA_KERNEL_SPLINE36, TA_DITHER_KIND_ORDERED,
                                  &why);
    if (err >= 0)
        err = ta_converter_create(&p->run.from_rgb, &hdr, &s->out, TA_KERNEL_SPLINE36, TA_DITHER_KIND_NONE,
                                  &why);
    if (err < 0)
        ta_error(s->log, "%s: %s", s->info->name, ta_buf_text(&why));
    ta_buf_release(&why);
    return err;
}

static int init(struct ta_stage *s)
{
    struct rtx_priv *p = s->priv;
    const struct ta_hdr_opts *o = s->opts;
    struct ta_engine *e;
    struct ta_vfx_config c;
    config_of(o, &s->in, TA_MIN(s->frames, TA_VFX_STREAMS_MAX), &c);
    int err = ta_rtx_engine(s->env, o->runtime, &e, s->log);
    if (err >= 0)
        err = make_converters(s);
    for (int i = 0; i < CODES; i++)
        p->light[i] = (uint32_t)lrint(pq_light(i / (double)(CODES - 1)) * TA_HDR_LIGHT);
    return err < 0 ? err : ta_rtx_start(s, &p->run, e, &c, AV_PIX_FMT_GBRP16);
}

// 10 bits become 16 so that the highest stays the highest.
static uint16_t widen(unsigned v)
{
    return (uint16_t)((v * 65535 + (CODES - 1) / 2) / (CODES - 1));
}

// Red in the lowest bits; planes are green, blue, red. Adds the light of the brightest of the three.
static void unpack(const struct rtx_priv *p, const uint8_t *in, AVFrame *f, struct ta_hdr_light *light)
{
    for (int y = 0; y < f->height; y++) {
        uint16_t *g = (uint16_t *)(f->data[0] + (ptrdiff_t)y * f->linesize[0]);
        uint16_t *b = (uint16_t *)(f->data[1] + (ptrdiff_t)y * f->linesize[1]);
        uint16_t *r = (uint16_t *)(f->data[2] + (ptrdiff_t)y * f->linesize[2]);
        for (int x = 0; x < f->width; x++, in += 4) {
            uint32_t v;
            memcpy(&v, in, sizeof v);
            unsigned red = v & 1023, green = v >> 10 & 1023, blue = v >> 20 & 1023;
            uint32_t most = p->light[TA_MAX(red, TA_MAX(green, blue))];
            r[x] = widen(red);
            g[x] = widen(green);
            b[x] = widen(blue);
            light->highest = TA_MAX(light->highest, most);
            light->sum += most;
        }
    }
}

static int emit_one(struct ta_stage *s, const AVFrame *in, const uint8_t *pixels)
{
    struct rtx_priv *p = s->priv;
    struct ta_hdr_light light = {0};
    AVFrame *out = NULL;
    unpack(p, pixels, p->run.made, &light);
    if (av_frame_copy_props(p->run.made, in) < 0)
        return ta_stage_no_memory(s);
    int err = ta_converter_run(p->run.from_rgb, p->run.made, &out, s->log);
    if (err < 0)
        return err;
    err = ta_hdr_tag_light(s, out, &light);
    if (err < 0) {
        av_frame_free(&out);
        return ta_stage_no_memory(s);
    }
    ta_format_tag_frame(&s->out, out);
    return ta_stage_emit(s, out);
}

static int process_many(struct ta_stage *s, AVFrame **in, int count)
{
    return ta_rtx_process(s, &((struct rtx_priv *)s->priv)->run, in, count, emit_one);
}

static void release(struct ta_stage *s)
{
    struct rtx_priv *p = s->priv;
    if (p)
        ta_rtx_end(&p->run);
}

static double cost(const void *opts)
{
    (void)opts;
    return 15; // of the processor, which converts; the card does the rest
}

const struct ta_stage_info ta_stage_hdr_rtx = {
    .name = "hdr.rtx",
    .choice = "hdr10", // which the plan makes by it where --hdr-method says so
    .summary = "HDR10 by NVIDIA's TrueHDR",
    .options = ta_hdr_options,
    .options_size = sizeof(struct ta_hdr_opts),
    .priv_size = sizeof(struct rtx_priv),
    .needs_yuv = true,
    .engine = true,
    .thread = TA_THREAD_OWN,
    .configure = configure,
    .check = check,
    .runtime = runtime,
    .needs = needs,
    .cost = cost,
    .init = init,
    .process_many = process_many,
    .release = release,
};
