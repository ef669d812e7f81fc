// Programmes of a broadcast: which pictures are meant.
#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/source.h"

bool ta_source_set_video(struct ta_source *s, int stream)
{
    bool ok = stream >= 0 && stream < (int)s->fmt->nb_streams &&
              s->fmt->streams[stream]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    if (ok)
        s->video = ta_source_followed(s, stream);
    return ok;
}

static bool has_video(const struct ta_source *s, const AVProgram *p, int *largest)
{
    int64_t most = -1;
    for (unsigned k = 0; k < p->nb_stream_indexes; k++) {
        const AVCodecParameters *par = s->fmt->streams[p->stream_index[k]]->codecpar;
        int64_t size = (int64_t)par->width * par->height;
        if (par->codec_type == AVMEDIA_TYPE_VIDEO && size > most) {
            most = size;
            *largest = (int)p->stream_index[k];
        }
    }
    return most >= 0;
}

int ta_source_choose_programme(struct ta_source *s, int programme)
{
    struct ta_buf others = {0};
    int video = -1;
    for (unsigned i = 0; i < s->fmt->nb_programs; i++) {
        const AVProgram *p = s->fmt->programs[i];
        int largest = -1;
        if (!has_video(s, p, &largest))
            continue;
        if (p->id == programme)
            video = largest;
        ta_buf_printf(&others, "%s%d", others.size ? ", " : "", p->id);
    }
    if (video >= 0)
        s->video = ta_source_followed(s, video);
    else if (others.size)
        ta_error(s->log, "%s: no programme %d with pictures is in it; there are: %s", s->path, programme,
                 ta_buf_text(&others));
    else
        ta_error(s->log, "%s: there are no programmes in it to choose from", s->path);
    ta_buf_release(&others);
    return video >= 0 ? 0 : TA_ERR_INVALID;
}
