#include "media/facts.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/parts/disc.h"
#include "media/source.h"

static const char *const kinds[] = {"video", "audio", "subtitle", "data", "attachment", "cover"};

const char *ta_stream_kind_name(enum ta_stream_kind kind)
{
    return kind >= 0 && kind < (int)TA_COUNT(kinds) ? kinds[kind] : "data";
}

int ta_stream_kind_from_name(const char *name)
{
    for (size_t i = 0; i < TA_COUNT(kinds); i++)
        if (!strcmp(kinds[i], name))
            return (int)i;
    return TA_ERR_INVALID;
}

static enum ta_stream_kind kind_of(const AVStream *st)
{
    switch (st->codecpar->codec_type) {
    case AVMEDIA_TYPE_VIDEO:
        return st->disposition & AV_DISPOSITION_ATTACHED_PIC ? TA_STREAM_COVER : TA_STREAM_VIDEO;
    case AVMEDIA_TYPE_AUDIO:
        return TA_STREAM_AUDIO;
    case AVMEDIA_TYPE_SUBTITLE:
        return TA_STREAM_SUBTITLE;
    case AVMEDIA_TYPE_ATTACHMENT:
        return TA_STREAM_ATTACHMENT;
    default:
        return TA_STREAM_DATA;
    }
}

struct ta_stream_facts *ta_source_facts_add(struct ta_source_facts *f, enum ta_stream_kind kind)
{
    AVCodecParameters *par = avcodec_parameters_alloc();
    if (!par)
        return NULL;
    f->streams = ta_xrealloc(f->streams, ((size_t)f->stream_count + 1) * sizeof(*f->streams));
    struct ta_stream_facts *s = &f->streams[f->stream_count++];
    *s = (struct ta_stream_facts){.kind = kind,
                                  .par = par,
                                  .time_base = {1, 1},
                                  .start = AV_NOPTS_VALUE,
                                  .duration = AV_NOPTS_VALUE,
                                  .goes_on = -1};
    return s;
}

// Opened for real: anything may be attached as "cover.jpg", and a muxer that has taken it finds out too late.
static bool is_unreadable(const AVStream *st)
{
    const AVCodec *codec = avcodec_find_decoder(st->codecpar->codec_id);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    AVFrame *frame = av_frame_alloc();
    bool read = false;
    if (c && frame && avcodec_parameters_to_context(c, st->codecpar) >= 0) {
        c->thread_count = 1;
        read = ta_av_open(c, codec, NULL) >= 0 && avcodec_send_packet(c, &st->attached_pic) >= 0 &&
               avcodec_send_packet(c, NULL) >= 0 && avcodec_receive_frame(c, frame) >= 0 && frame->width > 0;
    }
    av_frame_free(&frame);
    avcodec_free_context(&c);
    return !read || st->codecpar->width <= 0;
}

static int copy_stream(struct ta_source_facts *f, const struct ta_source *source, const AVStream *st)
{
    int goes_on = ta_source_followed(source, st->index);
    struct ta_stream_facts *s = ta_source_facts_add(f, kind_of(st));
    if (!s)
        return TA_ERR_NOMEM;
    s->id = st->id;
    s->disposition = st->disposition;
    s->time_base = st->time_base;
    s->start = st->start_time;
    s->duration = st->duration;
    s->frame_rate = st->avg_frame_rate;
    s->goes_on = goes_on == st->index ? -1 : goes_on;
    s->unreadable = s->kind == TA_STREAM_COVER && is_unreadable(st);
    int ret = avcodec_parameters_copy(s->par, st->codecpar);
    if (ret >= 0)
        ret = av_dict_copy(&s->metadata, st->metadata, 0);
    return ret < 0 ? TA_ERR_NOMEM : 0;
}

static int copy_chapters(struct ta_source_facts *f, const AVFormatContext *fmt)
{
    f->chapters = ta_xcalloc(fmt->nb_chapters + 1, sizeof(*f->chapters));
    for (unsigned i = 0; i < fmt->nb_chapters; i++) {
        const AVChapter *from = fmt->chapters[i];
        struct ta_chapter_facts *c = &f->chapters[f->chapter_count++];
        *c = (struct ta_chapter_facts){
            .id = from->id, .time_base = from->time_base, .start = from->start, .end = from->end};
        if (av_dict_copy(&c->metadata, from->metadata, 0) < 0)
            return TA_ERR_NOMEM;
    }
    return 0;
}

static int copy_programmes(struct ta_source_facts *f, const AVFormatContext *fmt)
{
    f->programmes = ta_xcalloc(fmt->nb_programs + 1, sizeof(*f->programmes));
    for (unsigned i = 0; i < fmt->nb_programs; i++) {
        const AVProgram *from = fmt->programs[i];
        struct ta_programme_facts *p = &f->programmes[f->programme_count++];
        *p = (struct ta_programme_facts){.id = from->id};
        p->streams = ta_xcalloc(from->nb_stream_indexes + 1, sizeof(*p->streams));
        for (unsigned k = 0; k < from->nb_stream_indexes; k++)
            p->streams[p->stream_count++] = (int)from->stream_index[k];
        if (av_dict_copy(&p->metadata, from->metadata, 0) < 0)
            return TA_ERR_NOMEM;
    }
    return 0;
}

int ta_source_facts_read(struct ta_source_facts *out, const struct ta_source *source)
{
    const AVFormatContext *fmt = source->fmt;
    *out = (struct ta_source_facts){.format = ta_xstrdup(fmt->iformat->name),
                                    .start = fmt->start_time,
                                    .duration = fmt->duration,
                                    .video = source->video};
    int err = av_dict_copy(&out->metadata, fmt->metadata, 0) < 0 ? TA_ERR_NOMEM : 0;
    for (unsigned i = 0; err >= 0 && i < fmt->nb_streams; i++)
        err = copy_stream(out, source, fmt->streams[i]);
    if (err >= 0)
        err = copy_chapters(out, fmt);
    if (err >= 0)
        err = copy_programmes(out, fmt);
    out->recorder = ta_recorder_beside(source->path, &out->recorder_why);
    return err;
}

void ta_source_facts_release(struct ta_source_facts *f)
{
    for (int i = 0; i < f->stream_count; i++) {
        avcodec_parameters_free(&f->streams[i].par);
        av_dict_free(&f->streams[i].metadata);
    }
    for (int i = 0; i < f->chapter_count; i++)
        av_dict_free(&f->chapters[i].metadata);
    for (int i = 0; i < f->programme_count; i++) {
        free(f->programmes[i].streams);
        av_dict_free(&f->programmes[i].metadata);
    }
    av_dict_free(&f->metadata);
    free(f->streams);
    free(f->chapters);
    free(f->programmes);
    free(f->format);
    ta_recorder_destroy(&f->recorder);
    free(f->recorder_why);
    *f = (struct ta_source_facts){.video = -1};
}
