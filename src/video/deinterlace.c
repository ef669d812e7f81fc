#include "video/deinterlace.h"

#include "base/mem.h"
#include "video/stages.h"

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

const struct ta_choice ta_fields_choices[] = {
    {"both", "a frame for each field: 29.97 interlaced becomes 59.94 progressive, all motion kept"},
    {"one", "a frame for each frame: half the motion, half the size"},
    {0},
};

const struct ta_choice ta_effort_choices[] = {
    {"auto", "best at --quality best, else good"},
    {"good", "vectors of whole samples"},
    {"best", "vectors of quarters of a sample, then a second pass over the result: 5 times the work"},
    {0},
};

const struct ta_opt ta_deinterlace_options[] = {
    TA_FIELDS_OPTION(struct ta_deinterlace_opts),
    {0},
};

struct ta_reach ta_deinterlace_reach(const void *opts, const struct ta_format *in)
{
    (void)opts;
    (void)in;
    return (struct ta_reach){1, 1};
}

int ta_deinterlace_fields(const void *opts)
{
    return ((const struct ta_deinterlace_opts *)opts)->fields == TA_FIELDS_BOTH ? 2 : 1;
}

int ta_deinterlace_configure(const void *opts, const struct ta_format *in, struct ta_format *out,
                             struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (!d || ta_pix_fmt_planar(in->pix_fmt) != in->pix_fmt) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    if (in->width < 3 || in->height < 4) {
        ta_buf_printf(why, "needs pictures of at least 3x4, not %dx%d", in->width, in->height);
        return TA_ERR_UNSUPPORTED;
    }
    out->time_base = av_mul_q(in->time_base, (AVRational){1, 2});
    if (ta_deinterlace_fields(opts) == 2 && in->frame_rate.num)
        out->frame_rate = av_mul_q(in->frame_rate, (AVRational){2, 1});
    out->scan = TA_SCAN_PROGRESSIVE;
    out->mixed_scan = false;
    return 0;
}

int ta_deinterlace_check_samples(const struct ta_format *in, struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (d->comp[0].depth >= 8 && d->comp[0].depth <= 16 && !d->comp[0].shift &&
        !(d->flags & (AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL |
                      AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM)))
        return 0;
    ta_buf_printf(why, "does not take %s", d->name);
    return TA_ERR_UNSUPPORTED;
}

int ta_deinterlace_describe(const char *filter, const void *opts, struct ta_buf *text)
{
    // parity=auto reads the frame's own order; deint=interlaced passes progressive frames through.
    ta_buf_printf(text, "%s=mode=%s:parity=auto:deint=interlaced", filter,
                  ta_deinterlace_fields(opts) == 2 ? "send_field" : "send_frame");
    return 0;
}
