#include "media/source_dv.h"

#include <string.h>
#include <strings.h>

#include "media/dv/demux.h"

static int read_at(void *priv, int64_t offset, uint8_t *buffer, int size)
{
    AVIOContext *pb = priv;
    int64_t at = avio_seek(pb, offset, SEEK_SET);
    int got = at < 0 ? (int)at : avio_read(pb, buffer, size);
    if (got == AVERROR_EOF)
        return 0;
    return got < 0 || pb->error >= 0 || pb->error == AVERROR_EOF ? got : pb->error;
}

static bool canceled(void *priv)
{
    return ta_canceled(priv);
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

int ta_source_open_dv(struct ta_source *s, AVIOContext *pb, struct ta_dv_table *known)
{
    int ret = 0;
    s->dv_table = ta_dv_table_ref(known);
    if (!s->dv_table) {
        const struct ta_dv_file file = file_of(pb);
        ret = ta_dv_scan(&s->dv_table, &file, NULL, 0, canceled, (void *)s->cancel);
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

void ta_source_close_dv(struct ta_source *s)
{
    ta_dv_demux_destroy(&s->dv);
    ta_dv_table_destroy(&s->dv_table);
    s->fmt = NULL;
}
