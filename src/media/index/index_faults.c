// What is wrong with a file as a whole, found while it is indexed.
#include <string.h>

#include <libavformat/avformat.h>

#include "base/mem.h"
#include "media/index/index_build.h"
#include "media/source.h"
#include "media/structure.h"

// The length that the head of the file states, AV_TIME_BASE units; AV_NOPTS_VALUE where it states none.
static int64_t stated_length(const struct ta_source *s, const struct ta_structure *structure)
{
    const AVFormatContext *fmt = s->fmt;
    if (structure->duration_us >= 0)
        return structure->duration_us;
    bool states = fmt->duration_estimation_method == AVFMT_DURATION_FROM_STREAM && fmt->duration > 0;
    int64_t length = states ? fmt->duration : AV_NOPTS_VALUE;
    // libavformat cuts an AVI's length down to what fits into the file. Its number of frames stays.
    const AVStream *st = fmt->streams[s->video];
    if (!strcmp(fmt->iformat->name, "avi") && st->nb_frames > 0 && st->avg_frame_rate.num > 0)
        length = TA_MAX(length, av_rescale_q(st->nb_frames, av_inv_q(st->avg_frame_rate), AV_TIME_BASE_Q));
    return length;
}

// From the start of the file to the end of what lasts longest; from 0 where the file starts later, because
// heads count from there.
static int64_t held_length(const struct ta_index *index, const AVFormatContext *fmt)
{
    int64_t end = AV_NOPTS_VALUE, start = fmt->start_time != AV_NOPTS_VALUE ? fmt->start_time : 0;
    for (int i = 0; i < index->stream_count && i < (int)fmt->nb_streams; i++) {
        const AVStream *st = fmt->streams[i];
        int64_t t = i == index->video ? index->end_pts : index->streams[i].end_pts;
        bool counts = i == index->video || st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
        if (counts && t != AV_NOPTS_VALUE)
            end = TA_MAX(end, ta_rescale(t, st->time_base, AV_TIME_BASE_Q));
    }
    return end == AV_NOPTS_VALUE ? end : TA_MAX(0, end - TA_MIN(start, 0));
}

// Packets that the file lists and that were not read. Parsers may give one packet for several or the other
// way round, so only a file in which reading failed lacks any.
static int64_t count_lost(struct ta_index *index, const struct ta_source *s)
{
    int64_t sum = 0;
    for (int i = 0; i < index->stream_count && i < (int)s->fmt->nb_streams; i++) {
        struct ta_index_stream *st = &index->streams[i];
        bool asked_for = s->fmt->streams[i]->discard < AVDISCARD_ALL;
        st->lost = asked_for ? TA_MAX(0, ta_reading_listed(s->fmt, i) - st->packets) : 0;
        if (s->packets || (!s->reading.failures && !s->reading.places))
            st->lost = 0;
        sum += st->lost;
    }
    return sum;
}

static void measure_missing(struct ta_index *index, double step)
{
    struct ta_index_faults *f = &index->faults;
    for (size_t i = 0; f->places && i + 1 < index->frame_count; i++) {
        double duration = (double)ta_index_frame_duration(index, i);
        if (duration > 1.5 * step)
            f->missing_time += (int64_t)(duration - step + 0.5);
    }
}

// Only packets before the first frame in the file and earlier than it.
static void measure_start(struct ta_index *index)
{
    const struct ta_index_frame *first = &index->frames[0];
    int64_t earliest = first->pts;
    if (index->clock_count || !index->undecodable_start || first->flags & TA_FRAME_TIME_GUESSED)
        return;
    for (size_t i = 0; i < first->packet; i++)
        if (index->packets[i].pts != AV_NOPTS_VALUE)
            earliest = TA_MIN(earliest, index->packets[i].pts);
    index->faults.late_start = first->pts - earliest;
}

void ta_index_note_faults(struct ta_index_builder *b, double step)
{
    struct ta_index *index = b->index;
    struct ta_index_faults *f = &index->faults;
    const struct ta_source *s = b->source;
    int64_t lost = count_lost(index, s);
    // Where nothing comes behind it, it is the end.
    f->places = ta_source_places(s) + b->structure.breaks;
    f->cut_off = b->structure.cut_off || (lost > 0 && !f->places);
    f->stated = stated_length(s, &b->structure);
    f->held = index->clock_count ? AV_NOPTS_VALUE : held_length(index, s->fmt);
    measure_missing(index, step);
    measure_start(index);
}
