// Noise reduction by non-local means: each sample becomes the mean of those around it, weighted by how alike
// their surroundings are. libavfilter's, which takes 8 bit only.
#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "media/format.h"
#include "video/stages.h"

struct nlmeans_opts {
    double strength;
    int64_t patch, research;
};

static const struct ta_opt options[] = {
    {.name = "nlmeans-strength",
     .kind = &ta_opt_float,
     TA_FIELD(struct nlmeans_opts, strength, double),
     .def = "4",
     .min = 1,
     .max = 30,
     .help = "strength of nlmeans, about the noise's standard deviation in 8-bit steps"},
    {.name = "nlmeans-patch",
     .kind = &ta_opt_int,
     TA_FIELD(struct nlmeans_opts, patch, int64_t),
     .def = "7",
     .min = 3,
     .max = 99,
     .unit = "samples",
     .flags = TA_OPT_ADVANCED,
     .help = "side of the patches that nlmeans compares, odd"},
    {.name = "nlmeans-research",
     .kind = &ta_opt_int,
     TA_FIELD(struct nlmeans_opts, research, int64_t),
     .def = "15",
     .min = 3,
     .max = 99,
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
    bool planar_yuv = d && d->nb_components == 3 && d->comp[0].depth == 8 &&
                      !(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) &&
                      (d->flags & AV_PIX_FMT_FLAG_PLANAR);
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

static int describe(const void *opts, const struct ta_format *in, const struct ta_format *out,
                    struct ta_buf *text)
{
    (void)in;
    (void)out;
    const struct nlmeans_opts *o = opts;
    ta_buf_printf(text, "nlmeans=s=%.9g:p=%d:r=%d", o->strength, (int)o->patch, (int)o->research);
    return 0;
}

static const char *const filters[] = {"nlmeans", NULL};

const struct ta_stage_info ta_stage_nlmeans = {
    .name = "denoise.nlmeans",
    .summary = "mean of similar patches of the same frame, 8 bit, very slow (libavfilter)",
    .options = options,
    .options_size = sizeof(struct nlmeans_opts),
    .needs_yuv = true,
    .max_depth = 8,
    .filters = filters,
    .configure = configure,
    .describe = describe,
};
