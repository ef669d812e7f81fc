#include "media/source_dv.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/thread.h"
#include "media/dv/demux.h"

#define TELL_SECONDS 0.1

static int read_at(void *priv, int64_t offset, uint8_t *buffer, int size)
{
    AVIOContext *pb = priv;
    int64_t at = avio_seek(pb, offset, SEEK_SET);
    int got = at < 0 ? (int)at : avio_read(pb, buffer, size);
    if (got == AVERROR_EOF)
        return 0;
    return got < 0 || pb->error >= 0 || pb->error == AVERROR_EOF ? got : pb->error;
}

struct watch {
    const struct ta_cancel *cancel;
    const struct ta_progress_fn *progress;
    int64_t bytes;
    double told; // when
};

static bool watch(void *priv, int64_t position)
{
    struct watch *w = priv;
    double now = w->progress ? ta_clock_seconds() : 0;
    if (w->progress && now - w->told >= TELL_SECONDS) {
        w->told = now;
        w->progress->report(w->progress->priv, av_clipd((double)position / (double)w->bytes, 0, 1));
    }
    return ta_canceled(w->cancel);
}

static struct ta_dv_file file_of(AVIOContext *pb)
{
    return (struct ta_dv_file){.read = read_at, .priv = pb, .bytes = TA_MAX(avio_size(pb), 0)};
}

bool ta_source_is_dv(const struct ta_source *s, AVIOContext *pb, const AVInputFormat *demuxer)
{
    const char *dot = strrchr(s->path, '.');
    bool named = dot && (!strcasecmp(dot, ".dv") || !strcasecmp(dot, ".dif"));
    if (demuxer && strcmp(demuxer->name, "dv") != 0 && !named)
        return false;
    const struct ta_dv_file file = file_of(pb);
    bool is = ta_dv_probe(&file);
    avio_seek(pb, 0, SEEK_SET);
    return is;
}

static int open_table(struct ta_source *s, AVIOContext *pb, const struct ta_source_known *known, bool in_avi)
{
    int ret = 0;
    s->dv_table = ta_dv_table_ref(known->dv);
    if (!s->dv_table) {
        const struct ta_dv_file file = file_of(pb);
        struct watch w = {s->cancel, known->progress, TA_MAX(file.bytes, 1), 0};
        ret = ta_dv_scan(&s->dv_table, &file, in_avi, watch, &w);
    }
    if (ret >= 0)
        ret = ta_dv_demux_create(&s->dv, s->dv_table, pb);
    if (ret < 0) {
        ta_dv_table_destroy(&s->dv_table);
        return ret;
    }
    s->fmt = ta_dv_demux_format(s->dv);
    return 0;
}

int ta_source_open_dv(struct ta_source *s, AVIOContext *pb, const struct ta_source_known *known)
{
    return open_table(s, pb, known, false);
}

// The head of its stream says so.
static bool is_type1(AVIOContext *pb)
{
    uint8_t head[4096];
    int64_t place = avio_tell(pb); // from where libav goes on
    int size = read_at(pb, 0, head, sizeof(head));
    avio_seek(pb, place, SEEK_SET);
    for (int i = 0; i + 12 <= size; i++)
        if (!memcmp(head + i, "strh", 4))
            return !memcmp(head + i + 8, "iavs", 4);
    return false;
}

int ta_source_take_avi(struct ta_source *s, const struct ta_source_known *known)
{
    AVFormatContext *libav = s->fmt;
    AVIOContext *pb = libav->pb;
    if (strcmp(libav->iformat->name, "avi") != 0 || !is_type1(pb))
        return 0;
    int64_t place = avio_tell(pb);
    int ret = open_table(s, pb, known, true);
    if (ret == AVERROR_INVALIDDATA) {
        avio_seek(pb, place, SEEK_SET);
        return 0; // nothing that we know: libav may
    }
    if (ret < 0)
        return ret;
    for (AVDictionaryEntry *e = NULL; (e = av_dict_get(libav->metadata, "", e, AV_DICT_IGNORE_SUFFIX));)
        av_dict_set(&s->fmt->metadata, e->key, e->value, AV_DICT_DONT_OVERWRITE);
    avformat_close_input(&libav); // not what it reads from, which was given to it
    return 0;
}

void ta_source_close_dv(struct ta_source *s)
{
    ta_dv_demux_destroy(&s->dv);
    ta_dv_table_destroy(&s->dv_table);
    s->fmt = NULL;
}
