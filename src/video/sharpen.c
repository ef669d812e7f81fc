// Sharpening. cas: libavfilter's contrast adaptive sharpening.
#include <math.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "media/format.h"
#include "video/stages.h"

enum planes { PLANES_LUMA = 0, PLANES_ALL };

struct sharpen_opts {
    double strength;
    bool limit;
    int planes; // enum planes
};

static const struct ta_choice planes_choices[] = {
    {"luma", "brightness only: chroma of tapes has little detail and much noise"},
    {"all", "chroma too"},
    {0},
};

static const struct ta_opt options[] = {
    {.name = "strength",
     .kind = &ta_opt_float,
     TA_FIELD(struct sharpen_opts, strength, double),
     .def = "0.4",
     .min = 0,
     .max = 1,
     .help = "how much, 0 to 1"},
    {.name = "limit",
     .kind = &ta_opt_switch,
     TA_FIELD(struct sharpen_opts, limit, bool),
     .def = "on",
     .help =
         "the less the noisier the source was measured, none from 1.5 codes on: noise would be sharpened, too",
     .flags = TA_OPT_ADVANCED},
    {.name = "planes",
     .kind = &ta_opt_choice,
     TA_FIELD(struct sharpen_opts, planes, int),
     .def = "luma",
     .choices = planes_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "what is sharpened"},
    {0},
};

// Half a code is what coding leaves of none. From 2 on sharpening lost more than noise reduction had gained
// on some footage (docs/quality.md).
static void set_measured(void *opts, const struct ta_stage_measured *m, struct ta_buf *why)
{
    const double none = 0.5, most = 1.5;
    struct sharpen_opts *o = opts;
    double share = TA_MIN(TA_MAX((most - m->noise_luma) / (most - none), 0), 1);
    if (!o->limit || !m->known || share == 1)
        return;
    o->limit = false; // done
    o->strength = round(o->strength * share * 100) / 100;
    if (o->strength > 0)
        ta_buf_printf(why, "strength %g, because noise of %.1f would be sharpened", o->strength,
                      m->noise_luma);
    else
        ta_buf_printf(why, "off, because noise of %.1f would be sharpened", m->noise_luma);
}

static bool neutral(const void *opts, const struct ta_format *in)
{
    (void)in;
    const struct sharpen_opts *o = opts;
    return !o->limit && o->strength <= 0;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)opts;
    (void)out;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    bool planar_yuv = d && d->nb_components == 3 &&
                      !(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) &&
                      (d->flags & AV_PIX_FMT_FLAG_PLANAR);
    if (!planar_yuv) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

static int describe(const void *opts, const struct ta_format *in, const struct ta_format *out,
                    struct ta_buf *text)
{
    (void)in;
    (void)out;
    const struct sharpen_opts *o = opts;
    ta_buf_printf(text, "cas=strength=%.9g:planes=%d", o->strength, o->planes == PLANES_ALL ? 7 : 1);
    return 0;
}

static const char *const filters[] = {"cas", NULL};

static double cost(const void *opts)
{
    (void)opts;
    return 14;
}

const struct ta_stage_info ta_stage_cas = {
    .name = "sharpen.cas",
    .summary = "contrast adaptive sharpening (libavfilter)",
    .options = options,
    .options_size = sizeof(struct sharpen_opts),
    .cost = cost,
    .needs_yuv = true,
    .filters = filters,
    .neutral = neutral,
    .set_measured = set_measured,
    .configure = configure,
    .describe = describe,
};
