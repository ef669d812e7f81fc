// NVIDIA's Video Super Resolution (infer/vfx.h) as a stage: pictures become 8 bit RGB, are enlarged on the
// card, and come back in their own format. Not yet seen on a device.
#include "video/scale_rtx.h"

#include <assert.h>
#include <stdlib.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/picture/convert.h"
#include "video/rtx.h"

enum { QUALITY_AUTO = 0, LARGEST = 65536 };

struct rtx_opts {
    int quality; // index into the choices
    int64_t width, height;
    char *runtime; // version of the library, set by the plan; NULL: none
};

static const struct ta_choice quality_choices[] = {
    {"auto", "by quality: low for fast, high for good, ultra for best"},
    {"bicubic", "enlarges, nothing else"},
    {"low", "takes artefacts of compression away; the quickest"},
    {"medium", "more of it"},
    {"high", "more of it"},
    {"ultra", "most of it"},
    {"denoise-low", "takes noise away and leaves the size to zimg"},
    {"denoise-medium", "more of it"},
    {"denoise-high", "more of it"},
    {"denoise-ultra", "most of it"},
    {"deblur-low", "sharpens what is blurred and leaves the size to zimg"},
    {"deblur-medium", "more of it"},
    {"deblur-high", "more of it"},
    {"deblur-ultra", "most of it"},
    {"clean-low", "for sources that lost little in compression"},
    {"clean-medium", "more of it"},
    {"clean-high", "more of it"},
    {"clean-ultra", "most of it"},
    {0},
};
// What the vendor calls them, in that order.
static const int levels[] = {TA_VFX_HIGH, 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
static_assert(TA_COUNT(levels) == TA_COUNT(quality_choices) - 1, "each choice has a level");
enum { CHOICE_LOW = 2, CHOICE_HIGH = 4, CHOICE_ULTRA = 5 };

static const struct ta_opt options[] = {
    {.name = "rtx-quality",
     .kind = &ta_opt_choice,
     TA_FIELD(struct rtx_opts, quality, int),
     .def = "auto",
     .choices = quality_choices,
     .help = "what NVIDIA's Video Super Resolution does, and how hard"},
    {.name = "rtx-width",
     .kind = &ta_opt_int,
     TA_FIELD(struct rtx_opts, width, int64_t),
     .min = 0,
     .max = LARGEST,
     .flags = TA_OPT_HIDDEN,
     .help = "width that it makes, set by the plan"},
    {.name = "rtx-height",
     .kind = &ta_opt_int,
     TA_FIELD(struct rtx_opts, height, int64_t),
     .min = 0,
     .max = LARGEST,
     .flags = TA_OPT_HIDDEN,
     .help = "height that it makes, set by the plan"},
    {.name = "rtx-runtime",
     .kind = &ta_opt_text,
     TA_FIELD(struct rtx_opts, runtime, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "version of NVIDIA's library, set by the plan"},
    {0},
};

static bool keeps_size(int level)
{
    return level >= TA_VFX_DENOISE_LOW && level <= TA_VFX_DEBLUR_ULTRA;
}

static int nearest(int in, int wanted)
{
    return TA_MAX(in, TA_MIN(wanted, in * TA_VFX_FACTOR_MAX));
}

void ta_scale_rtx_prepare(void *opts, const struct ta_format *in, int width, int height, int quality,
                          const char *version)
{
    static const int by_quality[] = {
        [TA_STAGE_FAST] = CHOICE_LOW, [TA_STAGE_GOOD] = CHOICE_HIGH, [TA_STAGE_BEST] = CHOICE_ULTRA};
    struct rtx_opts *o = opts;
    if (o->quality == QUALITY_AUTO)
        o->quality = by_quality[quality];
    free(o->runtime);
    o->runtime = version ? ta_xstrdup(version) : NULL;
    bool keeps = keeps_size(levels[o->quality]);
    o->width = keeps ? in->width : nearest(in->width, width);
    o->height = keeps ? in->height : nearest(in->height, height);
}

static void config_of(const struct rtx_opts *o, const struct ta_format *in, int streams,
                      struct ta_vfx_config *c)
{
    *c = (struct ta_vfx_config){.kind = TA_VFX_SUPER_RES,
                                .quality = levels[o->quality],
                                .width = in->width,
                                .height = in->height,
                                .out_width = (int)o->width,
                                .out_height = (int)o->height,
                                .streams = streams};
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const struct rtx_opts *o = opts;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    struct ta_vfx_config c;
    if (!ta_convert_takes(in->pix_fmt) || d->nb_components < 3 || ta_format_has_alpha(in)) {
        ta_buf_printf(why, "does not take %s: it needs colour in planes, without alpha", d->name);
        return TA_ERR_UNSUPPORTED;
    }
    if (in->scan != TA_SCAN_PROGRESSIVE) {
        ta_buf_puts(why, "would mix the fields of interlaced pictures");
        return TA_ERR_UNSUPPORTED;
    }
    config_of(o, in, 1, &c);
    int err = ta_vfx_check(&c, why);
    if (err < 0)
        return err;
    AVRational sar = in->sar.num > 0 ? in->sar : (AVRational){1, 1};
    out->width = c.out_width;
    out->height = c.out_height;
    av_reduce(&out->sar.num, &out->sar.den, (int64_t)sar.num * in->width * out->height,
              (int64_t)sar.den * in->height * out->width, 65535);
    return 0;
}

static int check(const void *opts, const struct ta_format *in, const struct ta_env *env, struct ta_buf *why)
{
    (void)in;
    return ta_rtx_check(env, ((const struct rtx_opts *)opts)->runtime, why);
}

static void runtime(const void *opts, struct ta_buf *text)
{
    const struct rtx_opts *o = opts;
    ta_buf_printf(text, "nvvfx %s", o->runtime ? o->runtime : "");
}

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    const struct rtx_opts *o = opts;
    int streams = ta_rtx_streams(env);
    n->frames = streams;
    // In pinned memory, as RGBA, and in planes.
    n->bytes = (int64_t)streams * 4 * 3 * ((int64_t)in->width * in->height + o->width * o->height);
}

struct rtx_priv {
    struct ta_rtx_run run;
};

static int make_converters(struct ta_stage *s)
{
    struct rtx_priv *p = s->priv;
    struct ta_format small = ta_rtx_rgb(&s->in), large = ta_rtx_rgb(&s->out);
    struct ta_buf why = {0};
    // Kernels count for chroma planes alone: the sizes are the same.
    int err = ta_converter_create(&p->run.to_rgb, &s->in, &small, TA_KERNEL_SPLINE36, TA_DITHER_KIND_NONE,
                                  &why);
    if (err >= 0)
        err = ta_converter_create(&p->run.from_rgb, &large, &s->out, TA_KERNEL_SPLINE36, TA_DITHER_KIND_NONE,
                                  &why);
    if (err < 0)
        ta_error(s->log, "%s: %s", s->info->name, ta_buf_text(&why));
    ta_buf_release(&why);
    return err;
}

static int init(struct ta_stage *s)
{
    struct rtx_priv *p = s->priv;
    struct ta_engine *e;
    struct ta_vfx_config c;
    config_of(s->opts, &s->in, TA_MIN(s->frames, TA_VFX_STREAMS_MAX), &c);
    int err = ta_rtx_engine(s->env, ((const struct rtx_opts *)s->opts)->runtime, &e, s->log);
    if (err >= 0)
        err = make_converters(s);
    return err < 0 ? err : ta_rtx_start(s, &p->run, e, &c, AV_PIX_FMT_GBRP);
}

static void unpack(const uint8_t *in, AVFrame *f)
{
    for (int y = 0; y < f->height; y++) {
        uint8_t *g = f->data[0] + (ptrdiff_t)y * f->linesize[0];
        uint8_t *b = f->data[1] + (ptrdiff_t)y * f->linesize[1];
        uint8_t *r = f->data[2] + (ptrdiff_t)y * f->linesize[2];
        for (int x = 0; x < f->width; x++, in += 4) {
            r[x] = in[0];
            g[x] = in[1];
            b[x] = in[2];
        }
    }
}

static int emit_one(struct ta_stage *s, const AVFrame *in, const uint8_t *pixels)
{
    struct rtx_priv *p = s->priv;
    AVFrame *out = NULL;
    unpack(pixels, p->run.made);
    if (av_frame_copy_props(p->run.made, in) < 0)
        return ta_stage_no_memory(s);
    int err = ta_converter_run(p->run.from_rgb, p->run.made, &out, s->log);
    if (err < 0)
        return err;
    out->sample_aspect_ratio = s->out.sar;
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
    return 10; // of the processor, which converts; the card does the rest
}

const struct ta_stage_info ta_stage_scale_rtx = {
    .name = "scale.rtx",
    .summary = "NVIDIA's Video Super Resolution, in 8 bit; the exact size comes behind it",
    .options = options,
    .options_size = sizeof(struct rtx_opts),
    .priv_size = sizeof(struct rtx_priv),
    .own_factor = true,
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
