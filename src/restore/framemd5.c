#include "restore/framemd5.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libswresample/swresample.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/alone.h"
#include "media/av.h"
#include "media/avio_new.h"

// A stream on its way from packets to raw pictures or samples.
struct track {
    AVStream *out;                 // NULL: not taken
    AVCodecContext *decoder, *raw; // NULL: the packets themselves are summed
    SwrContext *packer;            // planar samples to interleaved ones
    int64_t samples;               // given so far
};

struct sums {
    const char *input, *path;
    struct ta_meter *meter;
    struct ta_log *log;
    AVFormatContext *in, *out;
    struct track *tracks;
    AVPacket *packet, *raw_packet;
    AVFrame *frame;
};

char *ta_framemd5_path(const char *output)
{
    return ta_xprintf("%s.framemd5", output);
}

static int fail(struct sums *s, const char *file, const char *what, int ret)
{
    ta_error(s->log, "%s: %s: %s", file, what, ta_av_text(ret));
    return ta_error_from_av(ret);
}

// ---- opening ----

static const char *pcm_name(enum AVSampleFormat packed)
{
    switch (packed) {
    case AV_SAMPLE_FMT_U8:
        return "pcm_u8";
    case AV_SAMPLE_FMT_S16:
        return "pcm_s16le";
    case AV_SAMPLE_FMT_S32:
        return "pcm_s32le";
    case AV_SAMPLE_FMT_S64:
        return "pcm_s64le";
    case AV_SAMPLE_FMT_FLT:
        return "pcm_f32le";
    case AV_SAMPLE_FMT_DBL:
        return "pcm_f64le";
    default:
        return "";
    }
}

static int open_decoder(struct sums *s, struct track *t, const AVStream *st)
{
    const AVCodec *codec = avcodec_find_decoder(st->codecpar->codec_id);
    t->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!t->decoder || avcodec_parameters_to_context(t->decoder, st->codecpar) < 0) {
        ta_error(s->log, "%s: no decoder for %s", s->input, avcodec_get_name(st->codecpar->codec_id));
        return TA_ERR_UNSUPPORTED;
    }
    t->decoder->pkt_timebase = st->time_base;
    t->decoder->flags |= AV_CODEC_FLAG_BITEXACT;
    bool sound = t->decoder->codec_type == AVMEDIA_TYPE_AUDIO;
    t->decoder->thread_count = sound ? 1 : 0;
    int ret = sound ? ta_av_open_portable(t->decoder, codec, NULL) : ta_av_open(t->decoder, codec, NULL);
    return ret < 0 ? fail(s, s->input, "its decoder can't be opened", ret) : 0;
}

// The "encoder" that lays pixels or samples out as bytes, and the stream in the list.
static int open_raw(struct sums *s, struct track *t, const AVStream *st)
{
    const AVCodecParameters *par = st->codecpar;
    bool sound = par->codec_type == AVMEDIA_TYPE_AUDIO;
    enum AVSampleFormat packed = sound ? av_get_packed_sample_fmt(par->format) : AV_SAMPLE_FMT_NONE;
    const AVCodec *codec = avcodec_find_encoder_by_name(sound ? pcm_name(packed) : "rawvideo");
    t->raw = codec && par->format >= 0 ? avcodec_alloc_context3(codec) : NULL;
    t->out = avformat_new_stream(s->out, NULL);
    if (!t->raw || !t->out) {
        ta_error(s->log, "%s: stream %d can't be written as raw data", s->input, st->index);
        return TA_ERR_UNSUPPORTED;
    }
    if (sound) {
        t->raw->sample_fmt = packed;
        t->raw->sample_rate = par->sample_rate;
        t->raw->time_base = (AVRational){1, par->sample_rate};
        if (av_channel_layout_copy(&t->raw->ch_layout, &par->ch_layout) < 0)
            return TA_ERR_NOMEM;
    } else {
        t->raw->pix_fmt = par->format;
        t->raw->width = par->width;
        t->raw->height = par->height;
        t->raw->sample_aspect_ratio = st->sample_aspect_ratio.num ? st->sample_aspect_ratio
                                                                  : par->sample_aspect_ratio;
        t->raw->time_base = st->time_base;
    }
    t->raw->flags |= AV_CODEC_FLAG_BITEXACT;
    int ret = ta_av_open(t->raw, codec, NULL);
    if (ret >= 0 && sound && (int)packed != par->format) {
        AVChannelLayout layout = par->ch_layout; // read only, but older libav does not say so
        ret = swr_alloc_set_opts2(&t->packer, &layout, packed, par->sample_rate, &layout, par->format,
                                  par->sample_rate, 0, NULL);
        ret = ret < 0 ? ret : swr_init(t->packer);
    }
    if (ret >= 0)
        ret = avcodec_parameters_from_context(t->out->codecpar, t->raw);
    t->out->time_base = t->raw->time_base;
    t->out->sample_aspect_ratio = t->raw->sample_aspect_ratio;
    return ret < 0 ? fail(s, s->input, "a stream can't be written as raw data", ret) : 0;
}

// Decoders of lossy sound round differently from one processor to the next: their packets are what can be
// checked.
static bool decodes_exactly(const AVCodecParameters *par)
{
    const AVCodecDescriptor *d = avcodec_descriptor_get(par->codec_id);
    return par->codec_type == AVMEDIA_TYPE_VIDEO ||
           (d && (d->props & AV_CODEC_PROP_LOSSLESS) && !(d->props & AV_CODEC_PROP_LOSSY));
}

static int open_copy(struct sums *s, struct track *t, const AVStream *st)
{
    t->out = avformat_new_stream(s->out, NULL);
    if (!t->out || avcodec_parameters_copy(t->out->codecpar, st->codecpar) < 0)
        return TA_ERR_NOMEM;
    t->out->time_base = st->time_base;
    return 0;
}

static int open_track(struct sums *s, struct track *t, const AVStream *st)
{
    if (!decodes_exactly(st->codecpar))
        return open_copy(s, t, st);
    int err = open_decoder(s, t, st);
    return err < 0 ? err : open_raw(s, t, st);
}

static int open_input(struct sums *s)
{
    int ret = ta_open_alone(&s->in, s->input);
    if (ret >= 0)
        ret = avformat_alloc_output_context2(&s->out, NULL, "framemd5", NULL);
    if (ret < 0)
        return fail(s, s->input, "can't be read back", ret);
    s->out->flags |= AVFMT_FLAG_BITEXACT; // no version of libav in it
    s->tracks = ta_xcalloc(s->in->nb_streams, sizeof *s->tracks);
    bool video = false;
    for (unsigned i = 0; i < s->in->nb_streams; i++) {
        const AVStream *st = s->in->streams[i];
        bool picture = st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !video &&
                       !(st->disposition & AV_DISPOSITION_ATTACHED_PIC);
        video |= picture;
        if (!picture && st->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            continue;
        int err = open_track(s, &s->tracks[i], st);
        if (err < 0)
            return err;
    }
    s->packet = av_packet_alloc();
    s->raw_packet = av_packet_alloc();
    s->frame = av_frame_alloc();
    return s->packet && s->raw_packet && s->frame ? 0 : TA_ERR_NOMEM;
}

// ---- running ----

// One list entry. `frame` NULL ends the stream.
static int give(struct sums *s, struct track *t, AVFrame *frame)
{
    int ret = avcodec_send_frame(t->raw, frame);
    while (ret >= 0) {
        ret = avcodec_receive_packet(t->raw, s->raw_packet);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return 0;
        if (ret < 0)
            break;
        s->raw_packet->stream_index = t->out->index;
        if (frame && !s->raw_packet->duration)
            s->raw_packet->duration = ta_frame_duration(frame);
        av_packet_rescale_ts(s->raw_packet, t->raw->time_base, t->out->time_base);
        ret = av_interleaved_write_frame(s->out, s->raw_packet);
    }
    return fail(s, s->path, "can't be written", ret);
}

static int take_picture(struct sums *s, struct track *t)
{
    AVFrame *f = s->frame;
    if (f->format != t->raw->pix_fmt || f->width != t->raw->width || f->height != t->raw->height) {
        ta_error(s->log, "%s: the pictures change their size or format", s->input);
        return TA_ERR_DAMAGED;
    }
    if (ta_frame_is_damaged(f)) {
        ta_error(s->log, "%s: a picture decodes with errors", s->input);
        return TA_ERR_DAMAGED;
    }
    f->pts = f->best_effort_timestamp;
    f->pict_type = AV_PICTURE_TYPE_NONE;
    return give(s, t, f);
}

static int take_sound(struct sums *s, struct track *t)
{
    AVFrame *f = s->frame, *packed = NULL;
    if (f->pts != AV_NOPTS_VALUE)
        f->pts = av_rescale_q(f->pts, t->decoder->pkt_timebase, t->raw->time_base);
    else
        f->pts = t->samples;
    t->samples = f->pts + f->nb_samples;
    if (!t->packer)
        return give(s, t, f);
    packed = av_frame_alloc();
    int ret = packed ? 0 : AVERROR(ENOMEM);
    if (ret >= 0) {
        packed->format = t->raw->sample_fmt;
        packed->sample_rate = f->sample_rate;
        packed->nb_samples = f->nb_samples;
        packed->pts = f->pts;
        ret = av_channel_layout_copy(&packed->ch_layout, &f->ch_layout);
    }
    if (ret >= 0)
        ret = av_frame_get_buffer(packed, 0);
    if (ret >= 0)
        ret = swr_convert(t->packer, packed->data, packed->nb_samples, (const uint8_t **)f->extended_data,
                          f->nb_samples);
    int err = ret < 0 ? fail(s, s->input, "sound can't be laid out", ret) : give(s, t, packed);
    av_frame_free(&packed);
    return err;
}

// Decodes a packet, NULL at the end.
static int take_packet(struct sums *s, struct track *t, const AVPacket *packet)
{
    int ret = avcodec_send_packet(t->decoder, packet);
    if (ret < 0 && ret != AVERROR_EOF)
        return fail(s, s->input, "a packet does not decode", ret);
    for (;;) {
        ret = avcodec_receive_frame(t->decoder, s->frame);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return packet ? 0 : give(s, t, NULL);
        if (ret < 0)
            return fail(s, s->input, "a packet does not decode", ret);
        int err = t->decoder->codec_type == AVMEDIA_TYPE_AUDIO ? take_sound(s, t) : take_picture(s, t);
        av_frame_unref(s->frame);
        if (err < 0)
            return err;
    }
}

static int copy_packet(struct sums *s, struct track *t)
{
    av_packet_rescale_ts(s->packet, s->in->streams[s->packet->stream_index]->time_base, t->out->time_base);
    s->packet->stream_index = t->out->index;
    int ret = av_interleaved_write_frame(s->out, s->packet);
    return ret < 0 ? fail(s, s->path, "can't be written", ret) : 0;
}

static int take_all(struct sums *s)
{
    int64_t size = s->in->pb ? avio_size(s->in->pb) : 0;
    for (;;) {
        int ret = av_read_frame(s->in, s->packet);
        if (ret == AVERROR_EOF)
            break;
        if (ret < 0)
            return fail(s, s->input, "can't be read back", ret);
        struct track *t = &s->tracks[s->packet->stream_index];
        if (size > 0 && s->packet->pos > 0)
            ta_meter_fraction(s->meter, (double)s->packet->pos / (double)size);
        int err = t->raw ? take_packet(s, t, s->packet) : t->out ? copy_packet(s, t) : 0;
        av_packet_unref(s->packet);
        if (err >= 0 && ta_canceled(ta_meter_cancel(s->meter)))
            err = TA_ERR_CANCELED;
        if (err < 0)
            return err;
    }
    for (unsigned i = 0; i < s->in->nb_streams; i++) {
        int err = s->tracks[i].raw ? take_packet(s, &s->tracks[i], NULL) : 0;
        if (err < 0)
            return err;
    }
    return 0;
}

// `part` is where the list grows.
static int write_list(struct sums *s, const char *part, bool *created)
{
    int err = ta_avio_create(s->out, part, NULL, s->log);
    *created = err >= 0;
    int ret = err < 0 ? 0 : avformat_write_header(s->out, NULL);
    if (ret < 0)
        return fail(s, s->path, "can't be written", ret);
    if (err >= 0)
        err = take_all(s);
    if (err < 0)
        return err;
    ret = av_write_trailer(s->out);
    int closed = ta_avio_close(s->out, NULL);
    ret = ret < 0 ? ret : closed;
    return ret < 0 ? fail(s, s->path, "can't be written", ret) : 0;
}

static void release(struct sums *s)
{
    for (unsigned i = 0; s->tracks && i < s->in->nb_streams; i++) {
        avcodec_free_context(&s->tracks[i].decoder);
        avcodec_free_context(&s->tracks[i].raw);
        swr_free(&s->tracks[i].packer);
    }
    free(s->tracks);
    ta_avio_close(s->out, NULL);
    avformat_free_context(s->out);
    ta_close_alone(&s->in);
    av_packet_free(&s->packet);
    av_packet_free(&s->raw_packet);
    av_frame_free(&s->frame);
}

int ta_framemd5_write(const char *input, const char *part, const char *path, struct ta_meter *meter,
                      struct ta_log *log)
{
    struct sums s = {.input = input, .path = path, .meter = meter, .log = log};
    bool created = false;
    int err = open_input(&s);
    if (err >= 0)
        err = write_list(&s, part, &created);
    release(&s);
    if (err >= 0)
        err = ta_file_commit(part, path, log);
    if (err < 0 && created)
        unlink(part);
    return err;
}
