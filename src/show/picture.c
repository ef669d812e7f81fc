#include "show/picture.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/env.h"
#include "base/log.h"
#include "media/mux/segfile.h"
#include "media/picture/convert.h"
#include "media/picture/jpeg.h"
#include "media/picture/png.h"
#include "media/reader.h"
#include "media/source.h"
#include "pictures/compose.h"
#include "pictures/frames.h"
#include "pictures/source_view.h"
#include "restore/look.h"
#include "restore/task_kind.h"
#include "show/preview.h"

enum { JPEG_QUALITY = 3, SMALLEST = 16 };

// ---- which ----

// The source frame, and the number of its picture, that output frame `n` is made from.
static void find_source(const struct ta_plan *p, int64_t n, int64_t *source, int *field)
{
    int64_t low = p->first_frame, high = p->first_frame + p->frame_count;
    while (high - low > 1) { // the last that begins at or before it
        int64_t middle = low + (high - low) / 2;
        if (ta_plan_out_before(p, middle) <= n)
            low = middle;
        else
            high = middle;
    }
    *source = low;
    *field = (int)(n - ta_plan_out_before(p, low));
}

static int choose(struct ta_picture *out, const struct ta_plan *p, const struct ta_picture_wish *wish,
                  struct ta_log *log)
{
    int64_t n = wish->frame;
    *out = (struct ta_picture){.frames = p->out_frames};
    if (n < 0) {
        struct ta_excerpt at;
        int err = ta_excerpt_find(p, wish->at ? wish->at : "25%", 0, &at, log);
        if (err < 0)
            return err;
        n = ta_plan_out_before(p, at.first);
    }
    if (n >= p->out_frames) {
        ta_error(log, "%s: there is no frame %lld: the last one is %lld", p->input, (long long)n,
                 (long long)p->out_frames - 1);
        return TA_ERR_INVALID;
    }
    out->frame = n;
    find_source(p, n, &out->source_frame, &out->field);
    out->seconds = (double)ta_plan_time_of(p, p->index, out->source_frame, out->field) *
                   av_q2d(p->out_time_base);
    return 0;
}

static struct ta_format pane_of(const struct ta_plan *p, int width)
{
    struct ta_format f = ta_still_format(&p->out_format);
    if (width > 0 && width < f.width) {
        f.height = TA_MAX((int)SMALLEST, (int)((double)f.height * width / f.width / 2 + 0.5) * 2);
        f.width = TA_MAX((int)SMALLEST, width / 2 * 2);
    }
    return f;
}

// ---- the file ----

static int encode(struct ta_picture *out, const AVFrame *pane, const struct ta_format *format, bool jpeg,
                  struct ta_log *log)
{
    struct ta_format from = *format, to = *format;
    struct ta_converter *converter = NULL;
    struct ta_buf why = {0};
    AVFrame *f = NULL;
    to.range = AVCOL_RANGE_JPEG;
    to.pix_fmt = jpeg ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_GBRP;
    to.matrix = jpeg ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_RGB;
    if (jpeg) { // whole pairs
        to.width -= to.width % 2;
        to.height -= to.height % 2;
    }
    int err = ta_converter_create(&converter, &from, &to, TA_KERNEL_BICUBIC, TA_DITHER_KIND_NONE, &why);
    if (err < 0)
        ta_error(log, "the picture can't be shown: %s", ta_buf_text(&why));
    if (err >= 0)
        err = ta_converter_run(converter, pane, &f, log);
    if (err >= 0)
        err = jpeg ? ta_jpeg_encode(f, JPEG_QUALITY, &out->file, log)
                   : ta_png_encode(f, &out->file, "the picture", log);
    out->width = to.width;
    out->height = to.height;
    av_frame_free(&f);
    ta_converter_destroy(&converter);
    ta_buf_release(&why);
    return err;
}

// A picture of the output (taken) as a pane, and as a file.
static int finish(struct ta_picture *out, AVFrame **frame, const struct ta_format *format,
                  const struct ta_plan *p, const struct ta_picture_wish *wish, struct ta_log *log)
{
    struct ta_format pane = pane_of(p, wish->width);
    struct ta_pane_maker *maker = NULL;
    int err = ta_pane_maker_create(&maker, format, &pane, log);
    if (err >= 0)
        err = ta_pane_maker_run(maker, frame);
    if (err >= 0)
        err = encode(out, *frame, &pane, wish->jpeg, log);
    ta_pane_maker_destroy(&maker);
    av_frame_free(frame);
    return err;
}

// ---- the source, and what is made of it ----

int ta_picture_of_source(struct ta_picture *out, const struct ta_plan *p, const struct ta_picture_wish *wish,
                         const struct ta_env *env)
{
    struct ta_source_view *view = NULL;
    const AVFrame *pane = NULL;
    struct ta_format format = pane_of(p, wish->width);
    struct ta_edges cut = ta_plan_cut(p);
    int err = choose(out, p, wish, env->log);
    if (err >= 0)
        err = ta_source_view_open(&view, p, out->source_frame, out->source_frame + 1, &cut, &format,
                                  env->cancel, env->log);
    if (err >= 0)
        err = ta_source_view_get(view, out->source_frame,
                                 out->field / TA_MAX(1, ta_plan_copies_of(p, out->source_frame)), &pane);
    if (err >= 0)
        err = encode(out, pane, &format, wish->jpeg, env->log);
    ta_source_view_close(&view);
    return err;
}

int ta_picture_of_plan(struct ta_picture *out, const struct ta_plan *p, const struct ta_picture_wish *wish,
                       const struct ta_env *env)
{
    struct ta_frames *frames = NULL;
    AVFrame *kept = NULL;
    int err = choose(out, p, wish, env->log);
    if (err < 0)
        return err;
    struct ta_segment segment = ta_plan_range(p, out->source_frame, out->source_frame + 1);
    err = ta_frames_open(&frames, p, &segment, env);
    // The chain is asked for all of them, so that a failure shows.
    AVFrame *f = NULL;
    for (int i = 0; err >= 0; i++) {
        err = ta_frames_next(frames, &f);
        if (err < 0 || !f)
            break;
        if (i == out->field)
            kept = f;
        else
            av_frame_free(&f);
    }
    err = ta_frames_close(&frames, err >= 0 && !kept ? TA_ERR_INTERNAL : err, NULL);
    if (err >= 0)
        err = finish(out, &kept, &p->out_format, p, wish, env->log);
    av_frame_free(&kept);
    return err;
}

// ---- what is made already ----

// How the encoder took them: packed pixels are no pictures that can be worked on.
static int show_decoded(struct ta_picture *out, AVFrame **frame, const struct ta_plan *p,
                        const struct ta_picture_wish *wish, struct ta_log *log)
{
    struct ta_format format = p->out_format;
    if (ta_pix_fmt_planar((*frame)->format) != (*frame)->format) {
        const char *name = av_get_pix_fmt_name((*frame)->format);
        ta_error(log, "%s: pictures in %s can't be shown", p->output,
                 name ? name : "an unknown pixel format");
        av_frame_free(frame);
        return TA_ERR_UNSUPPORTED;
    }
    format.pix_fmt = (*frame)->format;
    ta_format_tag_frame(&format, *frame);
    ta_frame_set_interlaced(*frame, false, false);
    return finish(out, frame, &format, p, wish, log);
}

static int decode_output(struct ta_picture *out, const struct ta_plan *p, const char *cache,
                         const struct ta_picture_wish *wish, const struct ta_env *env)
{
    struct ta_source *source = NULL;
    struct ta_index *index = NULL;
    struct ta_reader *reader = NULL;
    AVFrame *frame = NULL;
    int err = ta_source_open(&source, p->output, env->cancel, env->log);
    if (err >= 0)
        err = ta_index_get(&index, source, false, cache, NULL, env->log);
    ta_source_close(&source);
    if (err >= 0 && (int64_t)index->frame_count <= out->frame) {
        ta_error(env->log, "%s: there is no frame %lld in it", p->output, (long long)out->frame);
        err = TA_ERR_INVALID;
    }
    if (err >= 0)
        err = ta_reader_open(&reader, p->output, index, (size_t)out->frame, 1, env->cancel, env->log);
    if (err >= 0)
        err = ta_reader_next(reader, &frame);
    if (err >= 0)
        err = frame ? show_decoded(out, &frame, p, wish, env->log) : TA_ERR_DAMAGED;
    av_frame_free(&frame);
    ta_reader_close(&reader);
    ta_index_destroy(&index);
    return err;
}

// perf-ok(alloc-in-frame-loop): one picture of a segment
static int decode_segment(struct ta_segreader *reader, AVCodecContext *c, int64_t number, AVFrame *frame)
{
    AVPacket *packet = av_packet_alloc();
    int64_t at = -1;
    int ret = packet ? 0 : AVERROR(ENOMEM), got = 1;
    while (ret >= 0 && at < number) {
        ret = avcodec_receive_frame(c, frame);
        if (ret >= 0) {
            at++;
        } else if (ret == AVERROR(EAGAIN) && got > 0) {
            got = ta_segreader_next(reader, packet);
            ret = got < 0 ? AVERROR_INVALIDDATA : avcodec_send_packet(c, got ? packet : NULL);
            av_packet_unref(packet);
        }
    }
    av_packet_free(&packet);
    return ret;
}

static int show_segment(struct ta_picture *out, const struct ta_plan *p, const char *path, int64_t number,
                        const struct ta_picture_wish *wish, struct ta_log *log)
{
    struct ta_segreader *reader = NULL;
    AVCodecContext *c = NULL;
    AVFrame *frame = av_frame_alloc();
    int err = frame ? ta_segreader_open(&reader, path, log) : TA_ERR_NOMEM, ret = 0;
    if (err >= 0) {
        const AVCodecParameters *par = ta_segreader_parameters(reader);
        const AVCodec *codec = avcodec_find_decoder(par->codec_id);
        c = codec ? avcodec_alloc_context3(codec) : NULL;
        ret = c ? avcodec_parameters_to_context(c, par) : AVERROR_DECODER_NOT_FOUND;
        if (ret >= 0) {
            c->flags |= AV_CODEC_FLAG_BITEXACT;
            ret = ta_av_open(c, codec, NULL);
        }
        if (ret >= 0)
            ret = decode_segment(reader, c, number, frame);
        if (ret < 0) {
            ta_error(log, "%s: can't be decoded: %s", path, ta_av_text(ret));
            err = ta_error_from_av(ret);
        }
    }
    if (err >= 0)
        err = show_decoded(out, &frame, p, wish, log);
    av_frame_free(&frame);
    avcodec_free_context(&c);
    ta_segreader_close(&reader);
    return err;
}

int ta_picture_of_result(struct ta_picture *out, const struct ta_plan *p, const char *work, const char *cache,
                         const struct ta_picture_wish *wish, const struct ta_env *env)
{
    int err = choose(out, p, wish, env->log);
    if (err < 0 || !work)
        return err < 0 ? err : decode_output(out, p, cache, wish, env);
    struct ta_look look;
    ta_look_init(&look, work);
    err = TA_ERR_NOT_FOUND;
    for (int i = 0; look.plan && i < look.plan->segment_count && err == TA_ERR_NOT_FOUND; i++) {
        struct ta_segment s = ta_plan_segment(look.plan, i);
        if (out->frame < s.out_first || out->frame >= s.out_first + s.out_count)
            continue;
        if (look.tasks[i] != TA_LOOK_DONE)
            break;
        struct ta_task task = ta_plan_task(look.plan, i);
        char *path = ta_xprintf("%s/%s.%s", look.dir, task.stem, ta_task_video.suffix);
        err = show_segment(out, p, path, out->frame - s.out_first, wish, env->log);
        free(path);
    }
    ta_look_release(&look);
    return err;
}
