#include "media/sound/playback.h"

#include <stdlib.h>

#include <libswresample/swresample.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

struct ta_sound_playback {
    AVCodecContext *dec;
    SwrContext *swr; // NULL: frames are planes of floats already
    AVFrame *frame, *floats;
    int (*hear)(void *priv, float *const *planes, int channels, int samples);
    void *priv;
    struct ta_log *log;
};

static int fail(const struct ta_sound_playback *p, int ret)
{
    ta_error(p->log, "what was encoded can't be decoded: %s", ta_av_text(ret));
    return ta_error_from_av(ret);
}

bool ta_sound_playback_differs(enum AVCodecID codec)
{
    const AVCodecDescriptor *d = avcodec_descriptor_get(codec);
    return d && (d->props & AV_CODEC_PROP_LOSSY) && avcodec_find_decoder(codec);
}

int ta_sound_playback_create(struct ta_sound_playback **out, const AVCodecParameters *parameters,
                             int (*hear)(void *priv, float *const *planes, int channels, int samples),
                             void *priv, struct ta_log *log)
{
    struct ta_sound_playback *p = ta_xcalloc(1, sizeof *p);
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    int ret = codec ? 0 : AVERROR_DECODER_NOT_FOUND;
    *p = (struct ta_sound_playback){.hear = hear, .priv = priv, .log = log};
    p->frame = av_frame_alloc();
    p->floats = av_frame_alloc();
    p->dec = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!p->frame || !p->floats || (codec && !p->dec))
        ret = AVERROR(ENOMEM);
    if (ret >= 0)
        ret = avcodec_parameters_to_context(p->dec, parameters);
    if (ret >= 0) {
        p->dec->thread_count = 1;
        p->dec->pkt_timebase = (AVRational){1, parameters->sample_rate};
        ret = ta_av_open_portable(p->dec, codec, NULL);
    }
    int err = ret < 0 ? fail(p, ret) : 0;
    if (err < 0)
        ta_sound_playback_destroy(&p);
    *out = p;
    return err;
}

static int to_floats(struct ta_sound_playback *p, const AVFrame **floats)
{
    AVFrame *f = p->frame, *to = p->floats;
    int ret = 0;
    *floats = f;
    if (f->format == AV_SAMPLE_FMT_FLTP)
        return 0;
    if (!p->swr) {
        ret = swr_alloc_set_opts2(&p->swr, &f->ch_layout, AV_SAMPLE_FMT_FLTP, f->sample_rate, &f->ch_layout,
                                  f->format, f->sample_rate, 0, NULL);
        if (ret >= 0) {
            ta_av_setup_begin(true);
            ret = swr_init(p->swr);
            ta_av_setup_end(true);
        }
    }
    if (ret >= 0) {
        av_frame_unref(to);
        to->format = AV_SAMPLE_FMT_FLTP;
        to->sample_rate = f->sample_rate;
        ret = av_channel_layout_copy(&to->ch_layout, &f->ch_layout);
    }
    if (ret >= 0)
        ret = swr_convert_frame(p->swr, to, f);
    *floats = to;
    return ret < 0 ? fail(p, ret) : 0;
}

int ta_sound_playback_push(struct ta_sound_playback *p, const AVPacket *packet)
{
    int ret = avcodec_send_packet(p->dec, packet), err = 0;
    while (ret >= 0 && err >= 0) {
        const AVFrame *f;
        ret = avcodec_receive_frame(p->dec, p->frame);
        if (ret < 0)
            break;
        err = to_floats(p, &f);
        if (err >= 0)
            err = p->hear(p->priv, (float *const *)f->extended_data, f->ch_layout.nb_channels, f->nb_samples);
        av_frame_unref(p->frame);
    }
    if (err < 0)
        return err;
    return ret < 0 && ret != AVERROR(EAGAIN) && ret != AVERROR_EOF ? fail(p, ret) : 0;
}

void ta_sound_playback_destroy(struct ta_sound_playback **playback)
{
    struct ta_sound_playback *p = *playback;
    *playback = NULL;
    if (!p)
        return;
    avcodec_free_context(&p->dec);
    swr_free(&p->swr);
    av_frame_free(&p->frame);
    av_frame_free(&p->floats);
    free(p);
}
