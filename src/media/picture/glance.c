#include "media/picture/glance.h"

#include <math.h>

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/decoder.h"
#include "media/picture/jpeg.h"
#include "media/source.h"

enum { PACKETS_MAX = 2000, SMALLEST = 16, QUALITY = 4 };

static int fit(double n)
{
    return TA_MAX((int)SMALLEST, (int)(n / 2 + 0.5) * 2);
}

// Pixels are square in what is shown; a picture that lies on its side stays so here.
static void choose_size(const struct ta_format *f, const AVFrame *in, int width, int *w, int *h)
{
    double sar = f->sar.num > 0 && f->sar.den > 0 ? av_q2d(f->sar) : 1, shown = in->width * sar,
           scale = width / TA_MAX(shown, (double)in->height);
    *w = TA_MIN(fit(shown * scale), width);
    *h = TA_MIN(fit(in->height * scale), width);
}

static int shrink(const AVFrame *in, const struct ta_format *format, int width, AVFrame **out,
                  struct ta_log *log)
{
    AVFrame *f = av_frame_alloc(), *field = av_frame_clone(in);
    struct SwsContext *sws = NULL;
    int ret = f && field ? 0 : AVERROR(ENOMEM);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->format);
    if (ret >= 0) {
        choose_size(format, in, width, &f->width, &f->height);
        f->format = AV_PIX_FMT_YUVJ420P;
        ret = av_frame_get_buffer(f, 0);
    }
    // Two fields would show as combs: one of them is enough for a small picture.
    if (ret >= 0 && in->interlaced_frame && in->height % 4 == 0) {
        field->height /= 2;
        for (int p = 0; p < 4; p++)
            field->linesize[p] *= 2;
    }
    if (ret >= 0) {
        sws = sws_getContext(field->width, field->height, field->format, f->width, f->height, f->format,
                             SWS_AREA | SWS_ACCURATE_RND, NULL, NULL, NULL);
        if (sws) {
            int matrix = format->matrix == AVCOL_SPC_BT709 ? SWS_CS_ITU709 : SWS_CS_ITU601;
            sws_setColorspaceDetails(sws, sws_getCoefficients(matrix), format->range == AVCOL_RANGE_JPEG,
                                     sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16, 1 << 16);
            ret = sws_scale(sws, (const uint8_t *const *)field->data, field->linesize, 0, field->height,
                            f->data, f->linesize);
        } else {
            ret = AVERROR(ENOSYS);
        }
    }
    sws_freeContext(sws);
    av_frame_free(&field);
    if (ret < 0) {
        ta_error(log, "pictures in %s can't be made smaller", d ? d->name : "an unknown pixel format");
        av_frame_free(&f);
    }
    *out = f;
    return ret < 0 ? TA_ERR_UNSUPPORTED : 0;
}

// The first picture from here on.
// perf-ok(alloc-in-frame-loop): one picture of a file
static int decode_one(struct ta_source *s, AVFrame *frame, struct ta_log *log)
{
    AVStream *st = s->fmt->streams[s->video];
    AVCodecContext *c = NULL;
    AVPacket *packet = av_packet_alloc();
    int err = ta_decoder_open(&c, st, 0, s->path, log), ret = 0, count = 0;
    bool got = false, drained = false;
    while (err >= 0 && !got && !drained && count < PACKETS_MAX) {
        ret = ta_source_read_packet(s, packet);
        drained = ret < 0;
        if (drained || packet->stream_index == s->video) {
            ta_decoder_send(c, drained ? NULL : packet, (uint32_t)count++);
            while (!got && (ret = ta_decoder_receive(c, frame)) != 0 && ret != AVERROR_EOF)
                got = ret == 1;
        }
        av_packet_unref(packet);
        if (ta_canceled(s->cancel))
            err = TA_ERR_CANCELED;
    }
    av_packet_free(&packet);
    avcodec_free_context(&c);
    if (err >= 0 && !got) {
        ta_error(log, "%s: no picture can be decoded there", s->path);
        err = TA_ERR_DAMAGED;
    }
    return err;
}

static void go_to(struct ta_source *s, double place)
{
    int64_t length = s->fmt->duration, start = s->fmt->start_time == AV_NOPTS_VALUE ? 0 : s->fmt->start_time;
    if (place <= 0)
        return;
    if (length > 0 && ta_source_seek(s, -1, start + (int64_t)((double)length * place)) >= 0)
        return;
    int64_t bytes = ta_source_bytes(s);
    if (bytes > 0)
        ta_source_seek_byte(s, (int64_t)((double)bytes * place));
}

int ta_glance(const char *path, double place, int width, const struct ta_cancel *cancel, struct ta_buf *out,
              struct ta_log *log)
{
    struct ta_source *s = NULL;
    struct ta_format format = {0};
    AVFrame *frame = av_frame_alloc(), *small = NULL;
    int err = frame ? ta_source_open(&s, path, cancel, log) : TA_ERR_NOMEM;
    if (err >= 0 && s->video < 0) {
        ta_error(log, "%s: there is no video in it", path);
        err = TA_ERR_UNSUPPORTED;
    }
    if (err >= 0) {
        for (unsigned i = 0; i < s->fmt->nb_streams; i++)
            if ((int)i != s->video)
                ta_source_discard(s, (int)i, AVDISCARD_ALL);
        err = ta_source_video_format(s, &format);
    }
    if (err >= 0) {
        go_to(s, place);
        err = decode_one(s, frame, log);
        if (err == TA_ERR_DAMAGED && place > 0) { // behind the last key frame, say
            ta_source_close(&s);
            err = ta_source_open(&s, path, cancel, log);
            if (err >= 0)
                err = decode_one(s, frame, log);
        }
    }
    if (err >= 0)
        err = shrink(frame, &format, width, &small, log);
    if (err >= 0)
        err = ta_jpeg_encode(small, QUALITY, out, log);
    av_frame_free(&small);
    av_frame_free(&frame);
    ta_source_close(&s);
    return err;
}
