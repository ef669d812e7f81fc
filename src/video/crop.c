// Crop: the picture's sides are cut off by moving pointers; no sample is copied. What stays keeps its pixels'
// shape, so that the display aspect changes with the size.
#include <stdlib.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"
#include "video/edges.h"
#include "video/stages.h"

static const struct ta_opt options[] = {
    {.name = "top",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_edges, top, int64_t),
     .def = "0",
     .max = TA_EDGE_MAX,
     .unit = "lines",
     .help = "lines of the source cut off at the top, as it is shown"},
    {.name = "bottom",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_edges, bottom, int64_t),
     .def = "0",
     .max = TA_EDGE_MAX,
     .unit = "lines",
     .help = "lines of the source cut off at the bottom, such as those of a tape's head switching"},
    {.name = "left",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_edges, left, int64_t),
     .def = "0",
     .max = TA_EDGE_MAX,
     .unit = "columns",
     .help = "columns of the source cut off at the left"},
    {.name = "right",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_edges, right, int64_t),
     .def = "0",
     .max = TA_EDGE_MAX,
     .unit = "columns",
     .help = "columns of the source cut off at the right"},
    {0},
};

static bool neutral(const void *opts, const struct ta_format *in)
{
    (void)in;
    return ta_edges_none(opts);
}

// Whole chroma samples, and as many lines of either field.
static int step_of(const struct ta_format *in, enum ta_side side)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (side == TA_SIDE_LEFT || side == TA_SIDE_RIGHT)
        return 1 << d->log2_chroma_w;
    return (in->scan != TA_SCAN_PROGRESSIVE ? 2 : 1) << d->log2_chroma_h;
}

// At the far sides it may be what stays that comes in whole steps: an odd width becomes even by one column.
static bool fits(int64_t value, int step, int size, enum ta_side side)
{
    bool far = side == TA_SIDE_RIGHT || side == TA_SIDE_BOTTOM;
    return value % step == 0 || (far && (size - value) % step == 0);
}

static int check_step(const struct ta_edges *stored, const struct ta_format *in, enum ta_side side,
                      struct ta_buf *why)
{
    bool columns = side == TA_SIDE_LEFT || side == TA_SIDE_RIGHT;
    int64_t value = ta_edges_side(stored, side);
    int step = step_of(in, side), size = columns ? in->width : in->height;
    if (fits(value, step, size, side))
        return 0;
    int64_t less = value, more = value;
    while (!fits(less, step, size, side))
        less--;
    while (!fits(more, step, size, side))
        more++;
    int64_t best = value - less < more - value ? less : more;
    ta_buf_printf(why, "%lld can't be cut at the %s of %s%s, which goes in steps of %d: the nearest is %lld",
                  (long long)value, ta_side_name(ta_side_shown(side, in->rotation)),
                  in->scan != TA_SCAN_PROGRESSIVE && !columns ? "interlaced " : "",
                  av_get_pix_fmt_name(in->pix_fmt), step, (long long)best);
    return TA_ERR_UNSUPPORTED;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (!d || ta_pix_fmt_planar(in->pix_fmt) != in->pix_fmt) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    struct ta_edges e = ta_edges_stored(opts, in->rotation);
    int err = ta_edges_check(&e, in, "cut", why);
    for (int side = TA_SIDE_TOP; side <= TA_SIDE_LEFT && err >= 0; side++)
        err = check_step(&e, in, (enum ta_side)side, why);
    if (err < 0)
        return err;
    out->width -= (int)(e.left + e.right);
    out->height -= (int)(e.top + e.bottom);
    return 0;
}

static int describe(const void *opts, const struct ta_format *in, const struct ta_format *out,
                    struct ta_buf *text)
{
    struct ta_edges e = ta_edges_stored(opts, in->rotation);
    ta_buf_printf(text, "crop=%d:%d:%d:%d", out->width, out->height, (int)e.left, (int)e.top);
    return 0;
}

static int process(struct ta_stage *s, AVFrame *f)
{
    if (!f)
        return 0;
    struct ta_edges e = ta_edges_stored(s->opts, s->in.rotation);
    f->crop_top = (size_t)e.top;
    f->crop_bottom = (size_t)e.bottom;
    f->crop_left = (size_t)e.left;
    f->crop_right = (size_t)e.right;
    int ret = av_frame_apply_cropping(f, AV_FRAME_CROP_UNALIGNED);
    if (ret < 0) {
        ta_error(s->log, "%s: a picture of %dx%d can't be cropped", s->info->name, f->width, f->height);
        av_frame_free(&f);
        return ta_error_from_av(ret);
    }
    return ta_stage_emit(s, f);
}

const struct ta_stage_info ta_stage_crop = {
    .name = "crop.crop",
    .summary = "lines and columns cut off at the sides, without copying",
    .options = options,
    .options_size = sizeof(struct ta_edges),
    .keeps_samples = true,
    .neutral = neutral,
    .configure = configure,
    .describe = describe,
    .process = process,
};
