// Noise reduction. hqdn3d: libavfilter's recursive low-pass in space and time.
#include "base/mem.h"
#include "media/format.h"
#include "video/denoise.h"
#include "video/stages.h"

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

const struct ta_opt ta_denoise_options[] = {
    {.name = "strength",
     .kind = &ta_opt_floats,
     TA_FIELD(struct ta_denoise_opts, strength, struct ta_floats),
     .def = "3:2:3:2",
     .min = 0,
     .max = 255,
     .min_count = 4,
     .max_count = 4,
     .syntax = "L:C:TL:TC",
     .help = "luma and chroma strength in space, then in time"},
    {0},
};

// The temporal filter is a recursive low-pass whose memory fades by a factor that depends on the strength.
// Measured with noise over the whole strength range used by presets: 60 frames bring the difference to an
// endless run below 80 dB PSNR (8 bit).
static struct ta_reach reach(const void *opts, const struct ta_format *in)
{
    (void)opts;
    (void)in;
    return (struct ta_reach){60, 0};
}

int ta_denoise_check(const struct ta_format *in, struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    bool planar_yuv = d && d->nb_components == 3 && av_pix_fmt_count_planes(in->pix_fmt) == 3 &&
                      !(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL));
    if (!planar_yuv) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)opts;
    (void)out;
    return ta_denoise_check(in, why);
}

static int describe(const void *opts, const struct ta_format *in, const struct ta_format *out,
                    struct ta_buf *text)
{
    (void)in;
    (void)out;
    const struct ta_floats *s = &((const struct ta_denoise_opts *)opts)->strength;
    ta_buf_printf(text, "hqdn3d=%.9g:%.9g:%.9g:%.9g", s->v[0], s->v[1], s->v[2], s->v[3]);
    return 0;
}

static const char *const filters[] = {"hqdn3d", NULL};

const struct ta_stage_info ta_stage_hqdn3d = {
    .name = "denoise.hqdn3d",
    .summary = "recursive noise reduction in space and time (libavfilter)",
    .options = ta_denoise_options,
    .options_size = sizeof(struct ta_denoise_opts),
    .needs_yuv = true,
    .filters = filters,
    .reach = reach,
    .configure = configure,
    .describe = describe,
};
