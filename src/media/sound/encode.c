#include "media/sound/encode.h"

#include <stdlib.h>

#include <libavutil/audio_fifo.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/audio_encoder.h"

struct ta_sound_encoder {
    AVCodecContext *enc;
    SwrContext *swr;
    AVAudioFifo *fifo;
    AVFrame *converted, *block;
    AVPacket *packet;
    AVCodecParameters *parameters;
    int64_t place; // of the next sample in the fifo, at the encoder's rate
    bool described, ending;
    int (*give)(void *priv, const AVCodecParameters *parameters, AVRational time_base,
                const AVPacket *packet);
    void *priv;
    struct ta_log *log;
};

static int fail(const struct ta_sound_encoder *e, const char *what, int ret)
{
    ta_error(e->log, "%s: %s", what, ta_av_text(ret));
    return ta_error_from_av(ret);
}

// Rates that differ by a few in a million need a filter that knows more places between two samples than it
// has phases: those between are taken in a line.
static int open_converter(struct ta_sound_encoder *e, const struct ta_sound_encoder_params *p)
{
    const AVChannelLayout *from = ta_audio_maps_in_order(&p->layout, &e->enc->ch_layout) ? &e->enc->ch_layout
                                                                                         : &p->layout;
    AVChannelLayout known = {0};
    if (from->order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&known, from->nb_channels);
    if (known.nb_channels && known.order == AV_CHANNEL_ORDER_UNSPEC &&
        e->enc->ch_layout.nb_channels == from->nb_channels)
        av_channel_layout_copy(&known, &e->enc->ch_layout);
    bool drifts = p->true_rate.num != p->rate || p->true_rate.den != 1;
    int in = drifts ? p->true_rate.num : p->rate,
        out = drifts ? e->enc->sample_rate * p->true_rate.den : e->enc->sample_rate;
    int ret = swr_alloc_set_opts2(&e->swr, &e->enc->ch_layout, e->enc->sample_fmt, out,
                                  known.nb_channels ? &known : (AVChannelLayout *)from, AV_SAMPLE_FMT_FLTP,
                                  in, 0, NULL);
    av_channel_layout_uninit(&known);
    if (ret >= 0 && drifts)
        ret = av_opt_set_int(e->swr, "linear_interp", 1, 0);
    if (ret >= 0) {
        ta_av_setup_begin(true);
        ret = swr_init(e->swr);
        ta_av_setup_end(true);
    }
    return ret < 0 ? fail(e, "can't be converted for the encoder", ret) : 0;
}

// Silence before the sound, so that it begins with a packet: what an encoder holds back lies in those before.
static int spare_first(struct ta_sound_encoder *e)
{
    int frame = e->enc->frame_size, samples = frame > 0 ? frame - e->enc->initial_padding % frame : 0;
    if (e->enc->initial_padding <= 0 || samples <= 0)
        return 0;
    AVFrame *f = e->block;
    if (ta_audio_encoder_frame(e->enc, f, samples) < 0)
        return TA_ERR_NOMEM;
    av_samples_set_silence(f->extended_data, 0, samples, f->ch_layout.nb_channels, f->format);
    int written = av_audio_fifo_write(e->fifo, (void **)f->extended_data, samples);
    av_frame_unref(f);
    e->place -= samples;
    return written < samples ? TA_ERR_NOMEM : 0;
}

int ta_sound_encoder_open(struct ta_sound_encoder **out, const struct ta_sound_encoder_params *p,
                          struct ta_log *log)
{
    struct ta_sound_encoder *e = ta_xcalloc(1, sizeof *e);
    e->log = log;
    e->give = p->packet;
    e->priv = p->priv;
    int err = ta_audio_encoder_open(&e->enc, p->codec, p->rate, AV_SAMPLE_FMT_FLTP, &p->layout, true,
                                    p->bit_rate, p->global_header, log);
    if (err >= 0)
        err = open_converter(e, p);
    if (err >= 0) {
        e->fifo = av_audio_fifo_alloc(e->enc->sample_fmt, e->enc->ch_layout.nb_channels,
                                      4 * ta_audio_encoder_samples(e->enc));
        e->converted = av_frame_alloc();
        e->block = av_frame_alloc();
        e->packet = av_packet_alloc();
        e->parameters = avcodec_parameters_alloc();
        e->place = ta_rescale(p->start, av_inv_q(p->true_rate), e->enc->time_base);
        if (!e->fifo || !e->converted || !e->block || !e->packet || !e->parameters)
            err = TA_ERR_NOMEM;
    }
    if (err >= 0 && p->spare_first)
        err = spare_first(e);
    if (err == TA_ERR_NOMEM)
        ta_error(log, "no memory for the sound of an encoder");
    if (err < 0)
        ta_sound_encoder_close(&e);
    *out = e;
    return err;
}

static int give_packets(struct ta_sound_encoder *e)
{
    for (;;) {
        AVPacket *p = e->packet;
        int ret = avcodec_receive_packet(e->enc, p);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return 0;
        if (ret < 0)
            return fail(e, "can't be encoded", ret);
        if (!e->described && avcodec_parameters_from_context(e->parameters, e->enc) < 0)
            return TA_ERR_NOMEM;
        e->described = true;
        if (e->ending)
            ta_audio_encoder_trim(p, e->place);
        int err = e->give(e->priv, e->parameters, e->enc->time_base, p);
        av_packet_unref(p);
        if (err < 0)
            return err;
    }
}

static int send_block(struct ta_sound_encoder *e, int samples)
{
    AVFrame *f = e->block;
    if (ta_audio_encoder_frame(e->enc, f, samples) < 0)
        return TA_ERR_NOMEM;
    f->pts = e->place;
    av_audio_fifo_read(e->fifo, (void **)f->extended_data, samples);
    e->place += samples;
    int ret = avcodec_send_frame(e->enc, f);
    av_frame_unref(f);
    return ret < 0 ? fail(e, "can't be encoded", ret) : give_packets(e);
}

static int encode_ready(struct ta_sound_encoder *e, bool all)
{
    int want = ta_audio_encoder_samples(e->enc), have, err = 0;
    while (err >= 0 && (have = av_audio_fifo_size(e->fifo)) >= want)
        err = send_block(e, want);
    if (err >= 0 && all && have > 0)
        err = send_block(e, have); // encoders without a short last frame pad it themselves
    return err;
}

static int convert(struct ta_sound_encoder *e, const uint8_t **planes, int samples)
{
    int room = swr_get_out_samples(e->swr, samples);
    if (room < 0)
        return fail(e, "can't be resampled", room);
    if (e->converted->nb_samples < room + 32) {
        av_frame_unref(e->converted);
        if (ta_audio_encoder_frame(e->enc, e->converted, room + 32) < 0)
            return TA_ERR_NOMEM;
    }
    int n = swr_convert(e->swr, e->converted->extended_data, e->converted->nb_samples, planes, samples);
    if (n < 0)
        return fail(e, "can't be resampled", n);
    return av_audio_fifo_write(e->fifo, (void **)e->converted->extended_data, n) < n ? TA_ERR_NOMEM : 0;
}

int ta_sound_encoder_push(struct ta_sound_encoder *e, float *const *planes, size_t samples)
{
    int err = convert(e, (const uint8_t **)planes, (int)samples);
    return err < 0 ? err : encode_ready(e, false);
}

int ta_sound_encoder_end(struct ta_sound_encoder *e)
{
    int err = convert(e, NULL, 0);
    if (err >= 0)
        err = encode_ready(e, true);
    if (err < 0)
        return err;
    e->ending = true;
    int ret = avcodec_send_frame(e->enc, NULL);
    return ret < 0 ? fail(e, "can't be encoded", ret) : give_packets(e);
}

void ta_sound_encoder_close(struct ta_sound_encoder **encoder)
{
    struct ta_sound_encoder *e = *encoder;
    *encoder = NULL;
    if (!e)
        return;
    avcodec_free_context(&e->enc);
    swr_free(&e->swr);
    if (e->fifo)
        av_audio_fifo_free(e->fifo);
    av_frame_free(&e->converted);
    av_frame_free(&e->block);
    av_packet_free(&e->packet);
    avcodec_parameters_free(&e->parameters);
    free(e);
}
