// Deinterlacing by the filter known as bwdif, with our own kernels. It gives libavfilter's bits, which
// includes how it treats the ends of a film: what has no neighbour there, the first frame's first field and
// the last one's second, is made from the frame alone.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/common.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "dsp/bwdif.h"
#include "media/av.h"
#include "media/picture/frame_pool.h"
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
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (err >= 0 && (d->comp[0].depth < 8 || d->comp[0].depth > 16 || d->comp[0].shift ||
                     (d->flags & (AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL |
                                  AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM)))) {
        ta_buf_printf(why, "does not take %s", d->name);
        err = TA_ERR_UNSUPPORTED;
    }
    return err;
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

// One plane of the frames: the rows of one field are missing from `dst`.
struct planes {
    const uint8_t *earlier, *here, *later;
    ptrdiff_t earlier_step, here_step, later_step, step; // bytes
    uint8_t *dst;
    int width, height, bytes; // of a sample
    int depth;
    bool second; // the field made is the later one of its frame
};

// The row `away` from y, or where that lies outside the one as far on the other side. With deep samples rows
// next to the border count as outside, as they do in libavfilter, which measures in bytes there.
static int row_near(const struct planes *a, int y, int away, int other)
{
    int margin = abs(away) * (a->bytes - 1);
    bool inside = away > 0 ? y + away + margin < a->height : y + away - margin >= 0;
    int row = inside ? y + away : y + other;
    return row < 0 || row >= a->height ? y - other : row;
}

static void make_alone(const struct ta_bwdif_dsp *dsp, const struct planes *a, int y)
{
    static const int away[4][2] = {{-3, 1}, {-1, 1}, {1, -1}, {3, -1}};
    const void *here[4];
    for (int i = 0; i < 4; i++)
        here[i] = a->here + row_near(a, y, away[i][0], away[i][1]) * a->here_step;
    uint8_t *dst = a->dst + y * a->step;
    if (a->bytes == 1)
        dsp->alone8(dst, here, a->width);
    else
        dsp->alone16((uint16_t *)(void *)dst, here, (1 << a->depth) - 1, a->width);
}

static void make_row(const struct ta_bwdif_dsp *dsp, const struct planes *a, int y)
{
    enum ta_bwdif_kind kind = y >= 4 && y + 5 <= a->height   ? TA_BWDIF_INNER
                              : y >= 2 && y + 3 <= a->height ? TA_BWDIF_BORDER
                                                             : TA_BWDIF_OUTMOST;
    struct ta_bwdif_rows r = {0};
    for (int i = 0; i < 2; i++) {
        int row = row_near(a, y, i ? 1 : -1, i ? -1 : 1);
        r.here[1 + i] = a->here + row * a->here_step;
        r.earlier[i] = a->earlier + row * a->earlier_step;
        r.later[i] = a->later + row * a->later_step;
    }
    if (kind == TA_BWDIF_INNER) {
        r.here[0] = a->here + (y - 3) * a->here_step;
        r.here[3] = a->here + (y + 3) * a->here_step;
    }
    // The missing field was before this one in its own frame, or in the frame before.
    const uint8_t *before = a->second ? a->here : a->earlier, *after = a->second ? a->later : a->here;
    ptrdiff_t before_step = a->second ? a->here_step : a->earlier_step,
              after_step = a->second ? a->later_step : a->here_step;
    int reach = kind == TA_BWDIF_INNER ? 2 : kind == TA_BWDIF_BORDER ? 1 : 0;
    for (int i = -reach; i <= reach; i++) {
        r.fields_before[2 + i] = before + (y + 2 * i) * before_step;
        r.fields_after[2 + i] = after + (y + 2 * i) * after_step;
    }
    uint8_t *dst = a->dst + y * a->step;
    if (a->bytes == 1)
        dsp->row8(dst, &r, kind, a->width);
    else
        dsp->row16((uint16_t *)(void *)dst, &r, kind, (1 << a->depth) - 1, a->width);
}

static void make_plane(const struct priv *p, int plane, bool keep_top, bool second, bool alone, AVFrame *out)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(out->format);
    bool chroma = plane == 1 || plane == 2;
    struct planes a = {
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
    };
    for (int y = 0; y < a.height; y++) {
        bool kept = (y % 2 == 0) == keep_top;
        if (kept)
            memcpy(a.dst + y * a.step, a.here + y * a.here_step, (size_t)a.width * (size_t)a.bytes);
        else if (alone)
            make_alone(p->dsp, &a, y);
        else
            make_row(p->dsp, &a, y);
    }
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
