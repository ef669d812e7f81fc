// Deinterlacing by the filter known as bwdif, with our own kernels. It gives libavfilter's bits, which
// includes how it treats the ends of a film: what has no neighbour there, the first frame's first field and
// the last one's second, is made from the frame alone.
#include <terminalai/error.h>

#include <libavutil/common.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/picture/frame_pool.h"
#include "video/bwdif_field.h"
#include "video/deinterlace.h"
#include "video/stages.h"

struct priv {
    const struct ta_bwdif_dsp *dsp;
    struct ta_frame_pool *pool;
    int depth, planes;
    AVFrame *earlier, *here, *later;
    bool first_alone, last_alone; // the next field made has no neighbour before, or none behind
};

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    int err = ta_deinterlace_configure(opts, in, out, why);
    return err < 0 ? err : ta_deinterlace_check_samples(in, why);
}

static int describe(const void *opts, const struct ta_format *in, const struct ta_format *out,
                    struct ta_buf *text)
{
    (void)in;
    (void)out;
    return ta_deinterlace_describe("bwdif", opts, text);
}

static int init(struct ta_stage *s)
{
    struct priv *p = s->priv;
    p->dsp = ta_bwdif_dsp();
    p->depth = av_pix_fmt_desc_get(s->in.pix_fmt)->comp[0].depth;
    p->planes = av_pix_fmt_count_planes(s->in.pix_fmt);
    p->pool = ta_frame_pool_create(s->in.pix_fmt, s->in.width, s->in.height);
    if (!p->pool)
        return ta_stage_no_memory(s);
    return 0;
}

static void make_plane(const struct priv *p, int plane, bool keep_top, bool second, bool alone, AVFrame *out)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(out->format);
    bool chroma = plane == 1 || plane == 2;
    struct ta_bwdif_field a = {
        .earlier = p->earlier->data[plane],
        .here = p->here->data[plane],
        .later = p->later->data[plane],
        .earlier_step = p->earlier->linesize[plane],
        .here_step = p->here->linesize[plane],
        .later_step = p->later->linesize[plane],
        .step = out->linesize[plane],
        .dst = out->data[plane],
        .width = chroma ? AV_CEIL_RSHIFT(out->width, d->log2_chroma_w) : out->width,
        .height = chroma ? AV_CEIL_RSHIFT(out->height, d->log2_chroma_h) : out->height,
        .bytes = p->depth > 8 ? 2 : 1,
        .depth = p->depth,
        .second = second,
        .keep_top = keep_top,
        .alone = alone,
        .as_libavfilter = true,
    };
    ta_bwdif_field_rows(p->dsp, &a, 0, a.height);
}

// The first or the second field of the frame in the middle.
static int give_field(struct ta_stage *s, bool second)
{
    struct priv *p = s->priv;
    AVFrame *out = ta_frame_pool_get(p->pool);
    if (!out || av_frame_copy_props(out, p->here) < 0) {
        av_frame_free(&out);
        return ta_stage_no_memory(s);
    }
    ta_frame_set_interlaced(out, false, false);
    out->pts = second ? p->here->pts + p->later->pts : 2 * p->here->pts;
    bool alone = second ? p->last_alone : p->first_alone;
    for (int plane = 0; plane < p->planes; plane++)
        make_plane(p, plane, ta_frame_is_top_first(p->here) != second, second, alone, out);
    p->first_alone = false;
    return ta_stage_emit(s, out);
}

static int give_frame(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!ta_frame_is_interlaced(p->here)) {
        AVFrame *out = av_frame_clone(p->here);
        if (!out)
            return ta_stage_no_memory(s);
        out->pts *= 2;
        return ta_stage_emit(s, out);
    }
    int err = give_field(s, false);
    return err >= 0 && ta_deinterlace_fields(s->opts) == 2 ? give_field(s, true) : err;
}

static int process(struct ta_stage *s, AVFrame *in)
{
    struct priv *p = s->priv;
    if (!p->later && !in)
        return 0;
    if (!p->later) { // the first frame stands for the one before it as well
        p->later = in;
        p->here = av_frame_clone(in);
        p->first_alone = ta_frame_is_interlaced(in);
        return p->here ? 0 : ta_stage_no_memory(s);
    }
    if (!in) { // and the last one for the one behind it
        in = av_frame_clone(p->later);
        if (!in)
            return ta_stage_no_memory(s);
        in->pts = 2 * p->later->pts - p->here->pts;
        p->last_alone = true;
        p->first_alone &= p->earlier != NULL; // of a single frame only the second field is made alone
    }
    av_frame_free(&p->earlier);
    p->earlier = p->here;
    p->here = p->later;
    p->later = in;
    return give_frame(s);
}

static void release(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!p)
        return;
    av_frame_free(&p->earlier);
    av_frame_free(&p->here);
    av_frame_free(&p->later);
    ta_frame_pool_destroy(&p->pool);
}

const struct ta_stage_info ta_stage_bwdif = {
    .name = "deinterlace.bwdif",
    .summary = "motion adaptive deinterlacing, w3fdif and yadif combined",
    .options = ta_deinterlace_options,
    .options_size = sizeof(struct ta_deinterlace_opts),
    .priv_size = sizeof(struct priv),
    .reach = ta_deinterlace_reach,
    .fields = ta_deinterlace_fields,
    .configure = configure,
    .describe = describe,
    .init = init,
    .process = process,
    .release = release,
};
