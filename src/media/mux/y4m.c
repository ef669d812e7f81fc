// YUV4MPEG2: a line of text, then raw pictures. libav's muxer for it takes frames, not packets, and its own
// rules of formats.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/mux/mux_internal.h"
#include "media/mux/y4m_stream.h"

struct y4m {
    const struct ta_mux_params *p;
    struct ta_log *log;
    FILE *file;
    AVPacket *packet;
    int picture_bytes;
};

// The word for a pixel format after "C", the extension included; NULL when y4m has none.
static const char *colour_space(enum AVPixelFormat f, enum AVChromaLocation chroma)
{
    switch (f) {
    case AV_PIX_FMT_YUV420P:
        return chroma == AVCHROMA_LOC_TOPLEFT ? "420paldv XYSCSS=420PALDV"
               : chroma == AVCHROMA_LOC_LEFT  ? "420mpeg2 XYSCSS=420MPEG2"
                                              : "420jpeg XYSCSS=420JPEG";
    case AV_PIX_FMT_YUVJ420P:
        return "420jpeg XYSCSS=420JPEG";
    case AV_PIX_FMT_YUV411P:
        return "411 XYSCSS=411";
    case AV_PIX_FMT_YUV422P:
    case AV_PIX_FMT_YUVJ422P:
        return "422 XYSCSS=422";
    case AV_PIX_FMT_YUV444P:
    case AV_PIX_FMT_YUVJ444P:
        return "444 XYSCSS=444";
    case AV_PIX_FMT_GRAY8:
        return "mono";
    case AV_PIX_FMT_GRAY10LE:
        return "mono10";
    case AV_PIX_FMT_GRAY12LE:
        return "mono12";
    case AV_PIX_FMT_GRAY16LE:
        return "mono16";
    case AV_PIX_FMT_YUV420P10LE:
        return "420p10 XYSCSS=420P10";
    case AV_PIX_FMT_YUV420P12LE:
        return "420p12 XYSCSS=420P12";
    case AV_PIX_FMT_YUV420P14LE:
        return "420p14 XYSCSS=420P14";
    case AV_PIX_FMT_YUV420P16LE:
        return "420p16 XYSCSS=420P16";
    case AV_PIX_FMT_YUV422P10LE:
        return "422p10 XYSCSS=422P10";
    case AV_PIX_FMT_YUV422P12LE:
        return "422p12 XYSCSS=422P12";
    case AV_PIX_FMT_YUV422P14LE:
        return "422p14 XYSCSS=422P14";
    case AV_PIX_FMT_YUV422P16LE:
        return "422p16 XYSCSS=422P16";
    case AV_PIX_FMT_YUV444P10LE:
        return "444p10 XYSCSS=444P10";
    case AV_PIX_FMT_YUV444P12LE:
        return "444p12 XYSCSS=444P12";
    case AV_PIX_FMT_YUV444P14LE:
        return "444p14 XYSCSS=444P14";
    case AV_PIX_FMT_YUV444P16LE:
        return "444p16 XYSCSS=444P16";
    default:
        return NULL;
    }
}

int ta_y4m_head(struct ta_buf *out, const struct ta_format *f, const char *name, struct ta_log *log)
{
    AVRational sar = f->sar.num > 0 ? f->sar : (AVRational){0, 0};
    const char *space = colour_space(f->pix_fmt, f->chroma_location);
    char order = f->scan == TA_SCAN_TFF ? 't' : f->scan == TA_SCAN_BFF ? 'b' : 'p';
    if (!space) {
        const char *format = av_get_pix_fmt_name(f->pix_fmt);
        ta_error(log, "%s: y4m does not hold the pixel format %s", name, format ? format : "(unknown)");
        return TA_ERR_UNSUPPORTED;
    }
    if (f->frame_rate.num <= 0) {
        ta_error(log, "%s: y4m needs a frame rate", name);
        return TA_ERR_UNSUPPORTED;
    }
    ta_buf_printf(out, "YUV4MPEG2 W%d H%d F%d:%d I%c A%d:%d C%s%s\n", f->width, f->height, f->frame_rate.num,
                  f->frame_rate.den, order, sar.num, sar.den, space,
                  f->range == AVCOL_RANGE_JPEG   ? " XCOLORRANGE=FULL"
                  : f->range == AVCOL_RANGE_MPEG ? " XCOLORRANGE=LIMITED"
                                                 : "");
    return 0;
}

static enum ta_scan_type scan_of(const AVCodecParameters *par)
{
    switch (par->field_order) {
    case AV_FIELD_TT:
    case AV_FIELD_TB:
        return TA_SCAN_TFF;
    case AV_FIELD_BB:
    case AV_FIELD_BT:
        return TA_SCAN_BFF;
    default:
        return TA_SCAN_PROGRESSIVE;
    }
}

static int fail_write(const struct y4m *y)
{
    int err = ta_error_from_errno(errno);
    if (err == TA_ERR_CLOSED)
        ta_info(y->log, "%s: %s", y->p->path, ta_error_text(err));
    else
        ta_error(y->log, "%s: can't be written: %s", y->p->path,
                 ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    return err;
}

static int write_head(struct y4m *y, struct ta_mux_result *result)
{
    const struct ta_lane *lane = y->p->lanes[0];
    const AVCodecParameters *par = lane->parameters;
    if (y->p->lane_count != 1 || par->codec_type != AVMEDIA_TYPE_VIDEO ||
        par->codec_id != AV_CODEC_ID_RAWVIDEO) {
        ta_error(y->log, "%s: y4m holds a single stream of raw pictures", y->p->path);
        return TA_ERR_UNSUPPORTED;
    }
    struct ta_format f = {.pix_fmt = par->format,
                          .width = par->width,
                          .height = par->height,
                          .sar = lane->sar,
                          .scan = scan_of(par),
                          .frame_rate = lane->frame_rate,
                          .range = par->color_range,
                          .chroma_location = par->chroma_location};
    struct ta_buf head = {0};
    int err = ta_y4m_head(&head, &f, y->p->path, y->log);
    if (err >= 0 && fwrite(head.data, 1, head.size, y->file) != head.size)
        err = fail_write(y);
    y->picture_bytes = av_image_get_buffer_size(par->format, par->width, par->height, 1);
    result->bytes = (int64_t)head.size;
    ta_buf_release(&head);
    return err;
}

static int write_pictures(struct y4m *y, struct ta_mux_result *result)
{
    struct ta_lane *lane = y->p->lanes[0];
    for (;;) {
        if (ta_canceled(y->p->cancel))
            return TA_ERR_CANCELED;
        lane->horizon = INT64_MAX;
        int ret = lane->next(lane, y->packet);
        if (ret != 1)
            return ret;
        const AVPacket *k = y->packet;
        if (k->size != y->picture_bytes) {
            ta_error(y->log, "%s: internal: a picture of %d bytes, not %d", y->p->path, k->size,
                     y->picture_bytes);
            return TA_ERR_INTERNAL;
        }
        if (fputs("FRAME\n", y->file) < 0 || fwrite(k->data, 1, (size_t)k->size, y->file) != (size_t)k->size)
            return fail_write(y);
        result->packets++;
        result->bytes += 6 + k->size;
        av_packet_unref(y->packet);
        if (y->p->progress)
            y->p->progress(y->p->priv, result->packets, result->bytes);
    }
}

int ta_y4m_write(const struct ta_mux_params *p, struct ta_mux_result *result, struct ta_log *log)
{
    struct y4m y = {.p = p, .log = log, .packet = av_packet_alloc()};
    bool to_stdout = !strcmp(p->path, "-");
    int err = TA_ERR_NOMEM;

    if (y.packet) {
        int fd = to_stdout ? -1 : ta_file_create(p->path, log);
        y.file = to_stdout ? stdout : fd >= 0 ? fdopen(fd, "wb") : NULL;
        err = y.file ? 0 : fd < 0 ? fd : fail_write(&y);
    }
    if (err >= 0)
        err = write_head(&y, result);
    if (err >= 0)
        err = write_pictures(&y, result);
    if (y.file && fflush(y.file) != 0 && err >= 0)
        err = fail_write(&y);
    if (y.file && !to_stdout) {
        if (fclose(y.file) != 0 && err >= 0)
            err = fail_write(&y);
        if (err < 0)
            unlink(p->path);
    }
    av_packet_free(&y.packet);
    return err;
}
