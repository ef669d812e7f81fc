// YUV4MPEG2: a line of text, then raw pictures. libav's muxer for it takes frames, not packets, and its own
// rules of formats.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/mux/mux_internal.h"

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

static char field_order(const AVCodecParameters *par)
{
    switch (par->field_order) {
    case AV_FIELD_TT:
    case AV_FIELD_TB:
        return 't';
    case AV_FIELD_BB:
    case AV_FIELD_BT:
        return 'b';
    default:
        return 'p';
    }
}

static int fail_write(const struct y4m *y)
{
    int number = errno;
    ta_error(y->log, "%s: can't be written: %s", y->p->path, strerror(number));
    return ta_error_from_errno(number);
}

static int write_head(struct y4m *y, struct ta_mux_result *result)
{
    const struct ta_lane *lane = y->p->lanes[0];
    const AVCodecParameters *par = lane->parameters;
    AVRational sar = lane->sar.num > 0 ? lane->sar : (AVRational){0, 0};
    const char *space = colour_space(par->format, par->chroma_location);

    if (y->p->lane_count != 1 || par->codec_type != AVMEDIA_TYPE_VIDEO ||
        par->codec_id != AV_CODEC_ID_RAWVIDEO) {
        ta_error(y->log, "%s: y4m holds a single stream of raw pictures", y->p->path);
        return TA_ERR_UNSUPPORTED;
    }
    if (!space) {
        const char *name = av_get_pix_fmt_name(par->format);
        ta_error(y->log, "%s: y4m does not hold the pixel format %s", y->p->path, name ? name : "(unknown)");
        return TA_ERR_UNSUPPORTED;
    }
    if (lane->frame_rate.num <= 0) {
        ta_error(y->log, "%s: y4m needs a frame rate", y->p->path);
        return TA_ERR_UNSUPPORTED;
    }
    y->picture_bytes = av_image_get_buffer_size(par->format, par->width, par->height, 1);
    bool full = par->color_range == AVCOL_RANGE_JPEG;
    int n = fprintf(y->file, "YUV4MPEG2 W%d H%d F%d:%d I%c A%d:%d C%s%s\n", par->width, par->height,
                    lane->frame_rate.num, lane->frame_rate.den, field_order(par), sar.num, sar.den, space,
                    full                                   ? " XCOLORRANGE=FULL"
                    : par->color_range == AVCOL_RANGE_MPEG ? " XCOLORRANGE=LIMITED"
                                                           : "");
    if (n < 0)
        return fail_write(y);
    result->bytes = n;
    return 0;
}

static int write_pictures(struct y4m *y, struct ta_mux_result *result)
{
    struct ta_lane *lane = y->p->lanes[0];
    AVRational frame = av_inv_q(lane->frame_rate);
    int64_t first = AV_NOPTS_VALUE;
    bool warned = false;

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
        if (first == AV_NOPTS_VALUE)
            first = k->pts;
        // Half a frame off, and pictures would be shown at other times than they should.
        if (!warned &&
            av_compare_ts(llabs(k->pts - first - ta_rescale(result->packets, frame, lane->time_base)) * 2,
                          lane->time_base, 1, frame) > 0) {
            ta_problem(y->log, TA_PROBLEM_TIMES_LOST,
                       "%s: y4m has a constant frame rate, but the pictures' times have not", y->p->path);
            warned = true;
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
        y.file = to_stdout ? stdout : fopen(p->path, "wb");
        err = y.file ? 0 : fail_write(&y);
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
        struct stat st;
        if (err < 0 && lstat(p->path, &st) == 0 && S_ISREG(st.st_mode))
            unlink(p->path);
    }
    av_packet_free(&y.packet);
    return err;
}
