#include "video/denoise.h"

#include "base/mem.h"

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

int ta_denoise_check(const struct ta_format *in, struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    bool planar_yuv = d && d->nb_components == 3 && av_pix_fmt_count_planes(in->pix_fmt) == 3 &&
                      !(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL));
    if (!planar_yuv || d->comp[0].depth < 8 || d->comp[0].depth > 16 || d->comp[0].shift ||
        (d->flags & (AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL))) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}
