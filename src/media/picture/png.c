#include "media/picture/png.h"

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"

// perf-ok(alloc-in-frame-loop): as ta_png_encode()
static AVFrame *packed(const AVFrame *in)
{
    AVFrame *f = av_frame_alloc();
    if (!f)
        return NULL;
    f->format = AV_PIX_FMT_RGB24;
    f->width = in->width;
    f->height = in->height;
    if (av_frame_get_buffer(f, 0) < 0) {
        av_frame_free(&f);
        return NULL;
    }
    for (int y = 0; y < in->height; y++) {
        const uint8_t *g = in->data[0] + (ptrdiff_t)y * in->linesize[0],
                      *b = in->data[1] + (ptrdiff_t)y * in->linesize[1],
                      *r = in->data[2] + (ptrdiff_t)y * in->linesize[2];
        uint8_t *to = f->data[0] + (ptrdiff_t)y * f->linesize[0];
        for (int x = 0; x < in->width; x++) {
            *to++ = r[x];
            *to++ = g[x];
            *to++ = b[x];
        }
    }
    return f;
}

// perf-ok(setup-in-frame-loop): as ta_png_encode()
static int encode(const AVFrame *f, AVPacket *packet)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!c)
        return AVERROR_ENCODER_NOT_FOUND;
    c->width = f->width;
    c->height = f->height;
    c->pix_fmt = AV_PIX_FMT_RGB24;
    c->time_base = (AVRational){1, 25};
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    int ret = ta_av_open(c, codec, NULL);
    if (ret >= 0)
        ret = avcodec_send_frame(c, f);
    if (ret >= 0)
        ret = avcodec_send_frame(c, NULL);
    if (ret >= 0)
        ret = avcodec_receive_packet(c, packet);
    avcodec_free_context(&c);
    return ret;
}

// perf-ok(alloc-in-frame-loop): a picture that somebody asked for
int ta_png_encode(const AVFrame *picture, struct ta_buf *out, const char *name, struct ta_log *log)
{
    AVFrame *f = packed(picture);
    AVPacket *packet = av_packet_alloc();
    int err = f && packet ? 0 : TA_ERR_NOMEM;
    if (err >= 0) {
        int ret = encode(f, packet);
        if (ret < 0) {
            ta_error(log, "%s: can't be encoded as PNG: %s", name, ta_av_text(ret));
            err = ta_error_from_av(ret);
        }
    }
    if (err >= 0)
        ta_buf_append(out, packet->data, (size_t)packet->size);
    av_packet_free(&packet);
    av_frame_free(&f);
    return err;
}

int ta_png_write(const char *path, const AVFrame *picture, int64_t *bytes, struct ta_log *log)
{
    struct ta_buf file = {0};
    int err = ta_png_encode(picture, &file, path, log);
    if (err >= 0)
        err = ta_file_write_atomic(path, file.data, file.size, log);
    if (err >= 0 && bytes)
        *bytes = (int64_t)file.size;
    ta_buf_release(&file);
    return err;
}
