#include "pictures/source_view.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/picture/convert.h"
#include "media/reader.h"
#include "video/chain.h"
#include "video/stages.h"

struct ta_source_view {
    const struct ta_plan *plan;
    struct ta_log *log;
    struct ta_reader *reader;
    struct ta_stage_plan unpack; // packed pixels to planes; info NULL when not needed
    struct ta_chain *chain;
    struct ta_edges cut;
    struct ta_format pane;
    struct ta_converter *converter;
    AVFrame *frame;   // the current source frame, planar
    int64_t source;   // its number, -1 none
    int field;        // of the picture in `shown`
    AVFrame *picture; // of that field, whole
    AVFrame *shown;
};

// ---- turning ----

static void turn_plane(const AVFrame *in, AVFrame *out, int p, int degrees, int w, int h, size_t bytes)
{
    for (int y = 0; y < h; y++) {
        uint8_t *to = out->data[p] + (ptrdiff_t)y * out->linesize[p];
        for (int x = 0; x < w; x++) {
            int fx = degrees == 90 ? y : degrees == 180 ? w - 1 - x : h - 1 - y;
            int fy = degrees == 90 ? w - 1 - x : degrees == 180 ? h - 1 - y : x;
            memcpy(to + (size_t)x * bytes, in->data[p] + (ptrdiff_t)fy * in->linesize[p] + (size_t)fx * bytes,
                   bytes);
        }
    }
}

int ta_picture_turn(AVFrame **frame, int degrees)
{
    if (!degrees)
        return 0;
    const AVFrame *in = *frame;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->format);
    AVFrame *out = av_frame_alloc();
    if (out) {
        out->format = in->format;
        out->width = degrees == 180 ? in->width : in->height;
        out->height = degrees == 180 ? in->height : in->width;
    }
    if (!out || av_frame_get_buffer(out, 0) < 0 || av_frame_copy_props(out, in) < 0) {
        av_frame_free(&out);
        return TA_ERR_NOMEM;
    }
    for (int p = 0; p < 3; p++) {
        int w = p ? -((-out->width) >> d->log2_chroma_w) : out->width,
            h = p ? -((-out->height) >> d->log2_chroma_h) : out->height;
        turn_plane(in, out, p, degrees, w, h, d->comp[0].depth > 8 ? 2 : 1);
    }
    av_frame_free(frame);
    *frame = out;
    return 0;
}

// ---- fields ----

static void mean_line(uint8_t *to, const uint8_t *a, const uint8_t *b, int n, bool deep)
{
    if (deep)
        for (int i = 0; i < n; i++)
            ((uint16_t *)to)[i] = (uint16_t)((((const uint16_t *)a)[i] + ((const uint16_t *)b)[i] + 1) / 2);
    else
        for (int i = 0; i < n; i++)
            to[i] = (uint8_t)((a[i] + b[i] + 1) / 2);
}

// A frame with the lines of one field, and their means between them: what a picture tube shows of a field.
static int bob(const AVFrame *in, int parity, AVFrame **out)
{
    AVFrame *f = av_frame_clone(in);
    *out = NULL;
    if (!f || av_frame_make_writable(f) < 0) {
        av_frame_free(&f);
        return TA_ERR_NOMEM;
    }
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->format);
    bool deep = d->comp[0].depth > 8;
    for (int p = 0; p < av_pix_fmt_count_planes(in->format); p++) {
        bool chroma = (p == 1 || p == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
        int w = chroma ? -((-f->width) >> d->log2_chroma_w) : f->width,
            h = chroma ? -((-f->height) >> d->log2_chroma_h) : f->height;
        for (int y = 1 - parity; y < h; y += 2) {
            const uint8_t *above = f->data[p] + (ptrdiff_t)(y > 0 ? y - 1 : y + 1) * f->linesize[p],
                          *below = f->data[p] + (ptrdiff_t)(y + 1 < h ? y + 1 : y - 1) * f->linesize[p];
            if (h > 1)
                mean_line(f->data[p] + (ptrdiff_t)y * f->linesize[p], above, below, w, deep);
        }
    }
    ta_frame_set_interlaced(f, false, false);
    *out = f;
    return 0;
}

// ---- from decoding to the pane ----

static int take_unpacked(void *receiver, AVFrame *f)
{
    struct ta_source_view *v = receiver;
    av_frame_free(&v->frame);
    v->frame = f;
    return 0;
}

static int read_to(struct ta_source_view *v, int64_t source)
{
    while (v->source < source) {
        AVFrame *f = NULL;
        int err = ta_reader_next(v->reader, &f);
        if (err < 0)
            return err;
        if (!f) {
            ta_error(v->log, "the source ends before frame %lld", (long long)source);
            return TA_ERR_DAMAGED;
        }
        v->source = f->pts;
        ta_format_tag_frame(&v->plan->source_format, f);
        err = ta_chain_push(v->chain, f, take_unpacked, v);
        if (err < 0)
            return err;
    }
    return 0;
}

static int show(struct ta_source_view *v, int field)
{
    enum ta_scan_type scan = ta_plan_scan_of(v->plan, v->source);
    int err = 0;
    av_frame_free(&v->picture);
    av_frame_free(&v->shown);
    if (v->plan->deinterlaced && scan != TA_SCAN_PROGRESSIVE)
        err = bob(v->frame, (scan == TA_SCAN_TFF ? 0 : 1) ^ field, &v->picture);
    else if (!(v->picture = av_frame_clone(v->frame)))
        err = TA_ERR_NOMEM;
    AVFrame *part = err >= 0 ? av_frame_clone(v->picture) : NULL;
    if (err >= 0 && !part)
        err = TA_ERR_NOMEM;
    if (err >= 0) {
        ta_edges_cut(&v->cut, part);
        err = ta_converter_run(v->converter, part, &v->shown, v->log);
    }
    av_frame_free(&part);
    if (err >= 0)
        err = ta_picture_turn(&v->shown, v->plan->source_format.rotation);
    v->field = field;
    return err;
}

int ta_source_view_get(struct ta_source_view *v, int64_t source, int field, const AVFrame **pane)
{
    bool again = v->source == source && v->field == field && v->shown;
    int err = again ? 0 : read_to(v, source);
    if (err >= 0 && !again)
        err = show(v, field);
    *pane = err >= 0 ? v->shown : NULL;
    return err;
}

const AVFrame *ta_source_view_frame(const struct ta_source_view *v)
{
    return v->frame;
}

const AVFrame *ta_source_view_picture(const struct ta_source_view *v)
{
    return v->picture;
}

static int create_chain(struct ta_source_view *v, struct ta_format *planar)
{
    *planar = v->plan->source_format;
    enum AVPixelFormat p = ta_pix_fmt_planar(planar->pix_fmt);
    int count = 0, err = 0;
    if (p == AV_PIX_FMT_NONE)
        return TA_ERR_UNSUPPORTED;
    if (p != planar->pix_fmt) {
        ta_stage_plan_init(&v->unpack, &ta_stage_planar, planar);
        struct ta_planar_opts *o = v->unpack.opts;
        free(o->pix_fmt);
        o->pix_fmt = ta_xstrdup(av_get_pix_fmt_name(p));
        err = ta_stage_plan_configure(&v->unpack, v->log);
        *planar = v->unpack.out;
        count = 1;
    }
    return err < 0 ? err : ta_chain_create(&v->chain, &v->unpack, count, &(struct ta_env){.log = v->log});
}

int ta_source_view_open(struct ta_source_view **out, const struct ta_plan *plan, int64_t first, int64_t end,
                        const struct ta_edges *cut, const struct ta_format *pane,
                        const struct ta_cancel *stop, struct ta_log *log)
{
    struct ta_source_view *v = ta_xcalloc(1, sizeof *v);
    struct ta_format planar;
    struct ta_buf why = {0};
    v->plan = plan;
    v->log = log;
    v->source = -1;
    if (cut)
        v->cut = *cut;
    int err = create_chain(v, &planar);
    if (err >= 0) {
        struct ta_format to = *pane;
        planar.scan = to.scan = TA_SCAN_PROGRESSIVE; // shown as it is, or taken apart before
        planar.mixed_scan = false;
        AVFrame part = {.format = planar.pix_fmt, .width = planar.width, .height = planar.height};
        ta_edges_cut(&v->cut, &part);
        planar.width = part.width;
        planar.height = part.height;
        if (planar.rotation % 180) {
            to.width = pane->height;
            to.height = pane->width;
        }
        err = ta_converter_create(&v->converter, &planar, &to, TA_KERNEL_BICUBIC, TA_DITHER_KIND_NONE, &why);
        if (err < 0)
            ta_error(log, "%s: the source can't be shown: %s", plan->input, ta_buf_text(&why));
    }
    if (err >= 0)
        err = ta_reader_open(&v->reader, plan->input, plan->index, (size_t)first, (size_t)(end - first), stop,
                             log);
    if (err >= 0)
        ta_reader_set_fit(v->reader, &plan->source_format, plan->parts, plan->part_count);
    ta_buf_release(&why);
    if (err < 0)
        ta_source_view_close(&v);
    *out = v;
    return err < 0 ? err : 0;
}

void ta_source_view_close(struct ta_source_view **view)
{
    struct ta_source_view *v = *view;
    *view = NULL;
    if (!v)
        return;
    ta_reader_close(&v->reader);
    ta_chain_destroy(&v->chain);
    ta_converter_destroy(&v->converter);
    if (v->unpack.info)
        ta_stage_plan_release(&v->unpack);
    av_frame_free(&v->frame);
    av_frame_free(&v->picture);
    av_frame_free(&v->shown);
    free(v);
}
