// The program with a second choice in the slot "scale", "double": a stand-in for networks, which know one
// factor. Each sample becomes a square of four, or with --scale-dots one of them, three being black.
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "video/stages.h"

struct double_opts {
    bool dots;
};

static const struct ta_opt double_options[] = {
    {.name = "dots",
     .kind = &ta_opt_switch,
     TA_FIELD(struct double_opts, dots, bool),
     .def = "off",
     .help = "one sample of four"},
    {0},
};

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)opts;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (d->nb_components != 3 || !(d->flags & AV_PIX_FMT_FLAG_PLANAR)) {
        ta_buf_printf(why, "does not take %s", d->name);
        return TA_ERR_UNSUPPORTED;
    }
    out->width = in->width * 2;
    out->height = in->height * 2;
    return 0;
}

static void double_plane(const uint8_t *from, ptrdiff_t pitch_from, uint8_t *to, ptrdiff_t pitch_to,
                         int width, int height, int bytes, bool dots)
{
    for (int y = 0; y < height * 2; y++)
        for (int x = 0; x < width * 2; x++) {
            uint8_t *at = to + y * pitch_to + x * bytes;
            if (dots && (x | y) & 1)
                memset(at, 0, (size_t)bytes);
            else
                memcpy(at, from + y / 2 * pitch_from + x / 2 * bytes, (size_t)bytes);
        }
}

static int process(struct ta_stage *s, AVFrame *in)
{
    const struct double_opts *o = s->opts;
    if (!in)
        return 0;
    AVFrame *out = av_frame_alloc();
    out->format = s->out.pix_fmt;
    out->width = s->out.width;
    out->height = s->out.height;
    int err = av_frame_get_buffer(out, 0) < 0 || av_frame_copy_props(out, in) < 0 ? ta_stage_no_memory(s) : 0;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->in.pix_fmt);
    for (int i = 0; i < 3 && err >= 0; i++) {
        int across = i ? d->log2_chroma_w : 0, down = i ? d->log2_chroma_h : 0;
        double_plane(in->data[i], in->linesize[i], out->data[i], out->linesize[i],
                     AV_CEIL_RSHIFT(s->in.width, across), AV_CEIL_RSHIFT(s->in.height, down),
                     d->comp[0].depth > 8 ? 2 : 1, o->dots && !i);
    }
    av_frame_free(&in);
    if (err < 0)
        av_frame_free(&out);
    return err < 0 ? err : ta_stage_emit(s, out);
}

static const struct ta_stage_info twice = {
    .name = "scale.double",
    .summary = "each sample becomes four",
    .thread = TA_THREAD_LATER,
    .own_factor = true,
    .options = double_options,
    .options_size = sizeof(struct double_opts),
    .configure = configure,
    .process = process,
};

const struct ta_stage_info *const ta_stages[] = {
    &ta_stage_planar,
    &ta_stage_crop,
    &ta_stage_mask,
    &ta_stage_bwdif,
    &ta_stage_yadif,
    &ta_stage_w3fdif,
    &ta_stage_ivtc,
    &ta_stage_deblock_weak,
    &ta_stage_deblock_strong,
    &ta_stage_hqdn3d,
    &ta_stage_recursive,
    &ta_stage_nlmeans,
    &ta_stage_cas,
    &ta_stage_colour,
    &ta_stage_zscale,
    &twice,
    &ta_stage_hdr10,
    &ta_stage_hlg,
    &ta_stage_hdr_rtx,
    &ta_stage_depth,
    NULL,
};

const struct ta_choice ta_scale_choices[] = {
    {"auto", "resize"},
    {"resize", "the exact size"},
    {"double", "each sample becomes four"},
    {0},
};
