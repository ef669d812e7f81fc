// What is wrong with a file as a whole, found while it is indexed.
#include <string.h>

#include <libavformat/avformat.h>

#include "base/mem.h"
#include "media/index/index_build.h"
#include "media/index/picture_order.h"
#include "media/source.h"
#include "media/structure.h"

#define LEAST_LACK AV_TIME_BASE // of a track in MP4, before anybody is told
#define UNTIMED 12              // pictures in a row without a time of their own, at most
#define LEAST_UNREAD 4096       // bytes at the end of which a demuxer makes nothing, before anybody is told

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

// ---- transport streams ----

static bool is_other_video(const struct ta_index_builder *b, int pid)
{
    const AVFormatContext *fmt = b->source->fmt;
    for (unsigned i = 0; i < fmt->nb_streams; i++)
        if (fmt->streams[i]->id == pid)
            return (int)i != b->index->video && fmt->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    return false;
}

// Is this place one where the recording was cut, so that whole pictures and sound end and begin there, and
// the first picture needs none before it? Nothing is missing then that should be there.
static bool is_cut(const struct ta_index *index, const struct ta_structure_gap *place)
{
    if (!place->at_unit)
        return false;
    size_t i = 0;
    while (i < index->packet_count && index->packets[i].pos <= place->from)
        i++;
    return i == index->packet_count || (index->packets[i].flags & TA_PACKET_KEY);
}

// Each stream's counter shows a place at its own next packet: what overlaps is one.
static int64_t count_gaps(const struct ta_index_builder *b)
{
    const struct ta_structure *s = &b->structure;
    struct ta_structure_gap place = {.from = -1};
    int64_t count = 0;
    for (int i = 0; i < s->gap_count; i++) {
        const struct ta_structure_gap *g = &s->gaps[i];
        if (is_other_video(b, g->pid))
            continue;
        if (place.from >= 0 && g->from < place.to) {
            place.from = TA_MAX(place.from, g->from);
            place.at_unit &= g->at_unit;
            continue;
        }
        count += place.from >= 0 && !is_cut(b->index, &place);
        place = *g;
    }
    return count + (place.from >= 0 && !is_cut(b->index, &place));
}

// MPEG-1 and MPEG-2 in a broadcast's or a disc's container have a picture at each step. Where some are
// missing and no new group of pictures begins, or a picture there goes on with another's bytes, they got
// lost; else the film may have been cut there.
static int64_t count_holes(const struct ta_index_builder *b, double step)
{
    const struct ta_index *index = b->index;
    const AVStream *st = b->source->fmt->streams[index->video];
    static const char *const steady[] = {"mpeg", "mpegts", "pva", "wtv"};
    bool is = false;
    for (size_t i = 0; i < TA_COUNT(steady); i++)
        is |= !strcmp(b->source->fmt->iformat->name, steady[i]);
    if (!is || index->clock_count ||
        (st->codecpar->codec_id != AV_CODEC_ID_MPEG1VIDEO &&
         st->codecpar->codec_id != AV_CODEC_ID_MPEG2VIDEO))
        return 0;
    int64_t count = 0;
    for (size_t i = 0; i + 1 < index->frame_count; i++) {
        const struct ta_index_frame *f = &index->frames[i];
        if ((double)ta_index_frame_duration(index, i) < 1.9 * step || (f->flags & TA_FRAME_REPEAT))
            continue;
        size_t low = TA_MIN(f[0].packet, f[1].packet), high = TA_MAX(f[0].packet, f[1].packet);
        bool key = false, torn = false;
        // What has no time of its own takes that behind the picture before: the hole in time comes later.
        for (size_t k = low - TA_MIN(low, UNTIMED); k <= high + 2 && k < index->packet_count; k++) {
            key |= k > low && (index->packets[k].flags & TA_PACKET_KEY);
            torn |= index->packets[k].flags & TA_PACKET_TORN;
        }
        count += !key || torn;
    }
    return count;
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
    // Both see most of them.
    f->places = TA_MAX(ta_source_places(s), b->structure.breaks + count_gaps(b));
    f->cut_off = b->structure.cut_off;
    if (b->numbers)
        f->places += ta_picture_order_gaps(b->numbers, index->packets, index->packet_count, &f->cut_off);
    f->cut_off |= lost > 0 && !f->places;
    if (!f->places && !f->cut_off)
        f->places = count_holes(b, step);
    if (!f->places && !f->cut_off && s->reading.unread >= LEAST_UNREAD)
        f->places = 1;
    f->stated = stated_length(s, &b->structure);
    f->held = index->clock_count ? AV_NOPTS_VALUE : held_length(index, s->fmt);
    // A track may lack what others have.
    bool whole = f->stated == AV_NOPTS_VALUE || f->held == AV_NOPTS_VALUE || f->stated - f->held < LEAST_LACK;
    if (whole && b->structure.track_stated_us - b->structure.track_held_us > LEAST_LACK) {
        f->stated = b->structure.track_stated_us;
        f->held = b->structure.track_held_us;
    }
    measure_missing(index, step);
    measure_start(index);
}
