#include "media/index/index_streams.h"

#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/index/index_build.h"
#include "media/index/sound_header.h"
#include "media/source.h"

#define LEARN_PACKETS 16 // that are decoded at most to learn what sound it is

// Of each stream, while the index is made.
struct ta_stream_watch {
    int rate, channels;      // by the last packet that said it
    AVCodecContext *decoder; // of sound that the head says nothing of
    int decoded;
};

// ---- sound ----

static void take_sound(struct ta_index_stream *s, struct ta_stream_watch *w, int rate, int channels)
{
    if (!w->channels) {
        s->rate = rate;
        s->channels = s->least_channels = channels;
    } else {
        s->layout_changes += channels != w->channels;
        s->rate_changes += rate != w->rate;
        s->channels = TA_MAX(s->channels, channels);
        s->least_channels = TA_MIN(s->least_channels, channels);
    }
    w->rate = rate;
    w->channels = channels;
}

// Sound of a codec whose packets say nothing, in a file whose head says nothing: the first pictures of it are
// decoded.
static void learn(struct ta_index_stream *s, struct ta_stream_watch *w, const AVStream *st,
                  const AVPacket *packet)
{
    const AVCodec *codec = avcodec_find_decoder(st->codecpar->codec_id);
    if (s->channels || w->decoded >= LEARN_PACKETS || !codec)
        return;
    if (!w->decoder) {
        w->decoder = avcodec_alloc_context3(codec);
        if (!w->decoder || avcodec_parameters_to_context(w->decoder, st->codecpar) < 0 ||
            ta_av_open(w->decoder, codec, NULL) < 0) {
            avcodec_free_context(&w->decoder);
            w->decoded = LEARN_PACKETS;
            return;
        }
    }
    AVFrame *frame = av_frame_alloc();
    w->decoded++;
    if (frame && avcodec_send_packet(w->decoder, packet) >= 0 &&
        avcodec_receive_frame(w->decoder, frame) >= 0 && frame->sample_rate > 0 &&
        frame->ch_layout.nb_channels > 0)
        take_sound(s, w, frame->sample_rate, frame->ch_layout.nb_channels);
    av_frame_free(&frame);
    if (s->channels || w->decoded >= LEARN_PACKETS)
        avcodec_free_context(&w->decoder);
}

// ---- all ----

static void note_programmes(struct ta_index_builder *b)
{
    const AVFormatContext *fmt = b->source->fmt;
    for (unsigned i = 0; i < fmt->nb_programs; i++) {
        const AVProgram *p = fmt->programs[i];
        bool main = false;
        for (unsigned k = 0; k < p->nb_stream_indexes; k++)
            main |= (int)p->stream_index[k] == b->index->video;
        for (unsigned k = 0; k < p->nb_stream_indexes; k++) {
            unsigned n = p->stream_index[k];
            // What several programmes share belongs to that of the picture.
            if (n < (unsigned)b->index->stream_count && (main || !b->index->streams[n].programme))
                b->index->streams[n].programme = p->id;
        }
    }
}

void ta_index_grow_streams(struct ta_index_builder *b)
{
    struct ta_index *index = b->index;
    int count = (int)b->source->fmt->nb_streams;
    if (count <= index->stream_count)
        return;
    index->streams = ta_xrealloc(index->streams, (size_t)count * sizeof(*index->streams));
    b->watches = ta_xrealloc(b->watches, (size_t)count * sizeof(*b->watches));
    for (int i = index->stream_count; i < count; i++) {
        index->streams[i] = (struct ta_index_stream){.first_pts = AV_NOPTS_VALUE, .end_pts = AV_NOPTS_VALUE};
        b->watches[i] = (struct ta_stream_watch){0};
    }
    index->stream_count = count;
    note_programmes(b);
}

void ta_index_watch_stream(struct ta_index_builder *b, const AVPacket *packet)
{
    const AVStream *st = b->source->fmt->streams[packet->stream_index];
    struct ta_index_stream *s = &b->index->streams[packet->stream_index];
    struct ta_stream_watch *w = &b->watches[packet->stream_index];
    struct ta_sound_header h;
    if (st->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
        return;
    if (ta_sound_header(st->codecpar->codec_id, packet, &h)) {
        take_sound(s, w, h.rate, h.channels);
        s->layer = s->layer ? s->layer : h.layer;
    } else if (!s->channels && (st->codecpar->sample_rate <= 0 || st->codecpar->ch_layout.nb_channels <= 0)) {
        learn(s, w, st, packet);
    }
}

void ta_index_end_streams(struct ta_index_builder *b)
{
    note_programmes(b);
    for (int i = 0; i < b->index->stream_count; i++)
        avcodec_free_context(&b->watches[i].decoder);
    ta_freep(&b->watches);
}

// ---- the way back ----

static int rewind_source(struct ta_source *s)
{
    int ret = s->fmt->iformat->flags & AVFMT_NO_BYTE_SEEK
                  ? ta_source_seek(s, -1, s->fmt->start_time != AV_NOPTS_VALUE ? s->fmt->start_time : 0)
                  : ta_source_seek_byte(s, 0);
    if (ret >= 0)
        return 0;
    ta_error(s->log, "%s: can't be read from the start again: %s", s->path, ta_av_text(ret));
    return TA_ERR_IO;
}

int ta_index_complete_source(const struct ta_index *index, struct ta_source *source)
{
    AVFormatContext *fmt = source->fmt;
    AVPacket *packet = NULL;
    int err = 0;
    if ((int)fmt->nb_streams < index->stream_count) {
        packet = av_packet_alloc();
        err = packet ? 0 : TA_ERR_NOMEM;
        int more = 1;
        while (err >= 0 && more > 0 && (int)fmt->nb_streams < index->stream_count) {
            more = ta_index_read_packet(source, packet);
            err = more < 0 ? more : 0;
            av_packet_unref(packet);
        }
        av_packet_free(&packet);
        if (err >= 0)
            err = rewind_source(source);
    }
    for (int i = 0; err >= 0 && i < index->stream_count && i < (int)fmt->nb_streams; i++) {
        AVCodecParameters *par = fmt->streams[i]->codecpar;
        const struct ta_index_stream *s = &index->streams[i];
        if (par->codec_type != AVMEDIA_TYPE_AUDIO || !s->channels)
            continue;
        static const enum AVCodecID layers[] = {AV_CODEC_ID_MP1, AV_CODEC_ID_MP2, AV_CODEC_ID_MP3};
        bool late = par->sample_rate <= 0;
        if (late)
            par->sample_rate = s->rate;
        // What nobody has looked at yet is called layer III.
        if (late && par->codec_id == AV_CODEC_ID_MP3 && s->layer)
            par->codec_id = layers[s->layer - 1];
        // Where channels come and go there must be room for all of them.
        if (par->ch_layout.nb_channels <= 0 ||
            (s->layout_changes && s->channels > par->ch_layout.nb_channels)) {
            av_channel_layout_uninit(&par->ch_layout);
            av_channel_layout_default(&par->ch_layout, s->channels);
        }
    }
    return err;
}
