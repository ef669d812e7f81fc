#include "media/decoder.h"

#include <libavutil/imgutils.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

// Damaged pictures leave parts of their buffer as they were, which is whatever an earlier picture left there:
// black instead, so that the result depends on the packets alone.
static int get_buffer(AVCodecContext *c, AVFrame *frame, int flags)
{
    int ret = avcodec_default_get_buffer2(c, frame, flags);
    if (ret < 0 || c->codec_type != AVMEDIA_TYPE_VIDEO)
        return ret;
    ptrdiff_t linesizes[4];
    for (int i = 0; i < 4; i++)
        linesizes[i] = frame->linesize[i];
    // What can't be black (bit streams, Bayer) is left alone.
    av_image_fill_black(frame->data, linesizes, frame->format, frame->color_range, frame->width,
                        frame->height);
    return 0;
}

static int open_decoder(AVCodecContext **out, const AVStream *st, const AVBufferRef *headers, int delay,
                        const char *path, struct ta_log *log)
{
    *out = NULL;
    // What the head says of pictures is not of those that another codec goes on with.
    enum AVCodecID id = headers ? ta_av_headers_codec(headers) : st->codecpar->codec_id;
    const char *name = avcodec_get_name(id);
    const AVCodec *codec = avcodec_find_decoder(id);
    if (!codec && id == AV_CODEC_ID_NONE) {
        char tag[AV_FOURCC_MAX_STRING_SIZE];
        av_fourcc_make_string(tag, st->codecpar->codec_tag);
        ta_error(log, "%s: its pictures are of a kind that libav does not know (%s)", path,
                 st->codecpar->codec_tag ? tag : "it has no name");
        return TA_ERR_UNSUPPORTED;
    }
    if (!codec) {
        ta_error(log, "%s: this libav has no decoder for %s", path, name);
        return TA_ERR_UNSUPPORTED;
    }
    AVCodecContext *c = avcodec_alloc_context3(codec);
    if (!c)
        return TA_ERR_NOMEM;
    int ret = id == st->codecpar->codec_id ? avcodec_parameters_to_context(c, st->codecpar) : 0;
    if (ret >= 0 && headers)
        ret = ta_av_set_headers(c, headers);
    if (ret >= 0) {
        c->pkt_timebase = st->time_base;
        // Without the flag some old codecs round their motion compensation as the CPU likes best.
        c->flags |= AV_CODEC_FLAG_BITEXACT;
        c->thread_count = 1;
        c->thread_type = FF_THREAD_SLICE; // none of frames, which our get_buffer2() is not made for
        c->get_buffer2 = get_buffer;
        c->has_b_frames = TA_MAX(c->has_b_frames, delay);
        ret = ta_av_open(c, codec, NULL);
    }
    if (ret < 0) {
        ta_error(log, "%s: the %s decoder can't be opened: %s", path, name, ta_av_text(ret));
        avcodec_free_context(&c);
        return ta_error_from_av(ret);
    }
    *out = c;
    return 0;
}

int ta_decoder_open(AVCodecContext **out, const AVStream *st, int delay, const char *path, struct ta_log *log)
{
    return open_decoder(out, st, NULL, delay, path, log);
}

bool ta_decoder_needs_renewal(const AVCodecContext *c, const AVPacket *packet)
{
    return packet->opaque_ref && !ta_av_has_headers(c, packet->opaque_ref);
}

int ta_decoder_turn(AVCodecContext **c, const AVPacket *packet, const AVStream *st, int delay,
                    const char *path, struct ta_log *log)
{
    if (!ta_decoder_needs_renewal(*c, packet)) {
        avcodec_flush_buffers(*c);
        return 0;
    }
    avcodec_free_context(c);
    return open_decoder(c, st, packet->opaque_ref, delay, path, log);
}

// dav1d that has half of a picture takes nothing more, key pictures neither, until it is emptied.
static bool sticks(const AVCodecContext *c)
{
    return c->codec_id == AV_CODEC_ID_AV1;
}

// These leave blocks that they can't read, or whose checksum is not that of their bytes (FFV1), as they were,
// and say so in words alone.
static bool only_tells(const AVCodecContext *c)
{
    static const enum AVCodecID ids[] = {AV_CODEC_ID_H261,      AV_CODEC_ID_MJPEG,     AV_CODEC_ID_AMV,
                                         AV_CODEC_ID_FFV1,      AV_CODEC_ID_MSMPEG4V1, AV_CODEC_ID_MSMPEG4V2,
                                         AV_CODEC_ID_MSMPEG4V3, AV_CODEC_ID_WMV1,      AV_CODEC_ID_WMV2,
                                         AV_CODEC_ID_THEORA,    AV_CODEC_ID_FLASHSV,   AV_CODEC_ID_MSVIDEO1,
                                         AV_CODEC_ID_SNOW};
    for (size_t i = 0; i < TA_COUNT(ids); i++)
        if (c->codec_id == ids[i])
            return true;
    return false;
}

static int note_error(AVCodecContext *c, int ret)
{
    if (sticks(c) && ta_decoder_error_is_damage(ret) && ret != AVERROR(EAGAIN) && ret != AVERROR_EOF)
        c->opaque = c; // anything: it has failed
    return ret;
}

int ta_decoder_send(AVCodecContext *c, AVPacket *packet, uint32_t ordinal)
{
    if (packet)
        packet->pts = ordinal;
    if (c->opaque && packet && (packet->flags & AV_PKT_FLAG_KEY)) {
        avcodec_flush_buffers(c);
        c->opaque = NULL;
    }
    if (only_tells(c))
        ta_av_take_decoder_errors();
    int ret = note_error(c, avcodec_send_packet(c, packet));
    // Frames are always fetched until there are none, so the decoder is never full; at the end it may know
    // already.
    return ret == AVERROR_EOF && !packet ? 0 : ret;
}

int ta_decoder_receive(AVCodecContext *c, AVFrame *frame)
{
    int ret = note_error(c, avcodec_receive_frame(c, frame));
    if (ret >= 0 && only_tells(c) && ta_av_take_decoder_errors())
        frame->decode_error_flags |= FF_DECODE_ERROR_INVALID_BITSTREAM;
    return ret == AVERROR(EAGAIN) ? 0 : ret < 0 ? ret : 1;
}

bool ta_decoder_error_is_damage(int averror)
{
    return averror < 0 && averror != AVERROR(ENOMEM) && averror != AVERROR_EXIT;
}
