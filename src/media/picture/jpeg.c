#include "media/picture/jpeg.h"

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"

// perf-ok(alloc-in-frame-loop, setup-in-frame-loop): a picture that somebody asked for
int ta_jpeg_encode(const AVFrame *picture, int quality, struct ta_buf *out, struct ta_log *log)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *f = av_frame_clone(picture);
    int ret = c && packet && f ? 0 : AVERROR(ENOMEM);
    if (ret >= 0) {
        c->width = f->width;
        c->height = f->height;
        c->pix_fmt = AV_PIX_FMT_YUVJ420P;
        c->color_range = AVCOL_RANGE_JPEG;
        c->time_base = (AVRational){1, 25};
        c->thread_count = 1;
        c->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_QSCALE;
        c->global_quality = quality * FF_QP2LAMBDA;
        f->format = AV_PIX_FMT_YUVJ420P;
        f->quality = c->global_quality;
        f->pts = 0;
        f->pict_type = AV_PICTURE_TYPE_NONE;
        ret = ta_av_open(c, codec, NULL);
    }
    if (ret >= 0)
        ret = avcodec_send_frame(c, f);
    if (ret >= 0)
        ret = avcodec_send_frame(c, NULL);
    if (ret >= 0)
        ret = avcodec_receive_packet(c, packet);
    if (ret >= 0)
        ta_buf_append(out, packet->data, (size_t)packet->size);
    else
        ta_error(log, "a picture can't be encoded as JPEG: %s", ta_av_text(ret));
    av_frame_free(&f);
    av_packet_free(&packet);
    avcodec_free_context(&c);
    return ret < 0 ? ta_error_from_av(ret) : 0;
}
