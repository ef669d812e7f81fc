// Copied streams: the source's packets with their times shifted and made whole.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/mathematics.h>
#include <libavutil/mem.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "media/mux/streams.h"

struct copy_lane {
    struct ta_lane lane;
    struct ta_streams *streams;
    int stream;
    AVRational from;    // the source stream's time base
    int64_t offset;     // AV_TIME_BASE units
    int64_t shift;      // the same in lane.time_base
    int64_t start, end; // the range in `from`, or AV_NOPTS_VALUE
    int64_t tolerance;  // sound: a tick of the source's clock in samples, rounded up
    int64_t expected;   // where the last packet ended, lane.time_base; AV_NOPTS_VALUE before the first
    bool exact;         // ... to the sample
    bool waits_for_key;
    bool done;
    int64_t guessed; // times that the source does not have
};

static void destroy(struct ta_lane *lane)
{
    struct copy_lane *c = (struct copy_lane *)lane;
    if (c->guessed)
        ta_verbose(ta_streams_log(c->streams), "stream %d: %lld %s without time, placed after what is before",
                   c->stream, (long long)c->guessed, ta_plural(c->guessed, "packet", "packets"));
    avcodec_parameters_free(&c->lane.parameters);
    free(c);
}

// In the lane's time base. *exact: not rounded from the source's ticks.
static int64_t duration_of(const struct copy_lane *c, const AVPacket *p, bool *exact)
{
    int64_t told = p->duration > 0 ? ta_rescale(p->duration, c->from, c->lane.time_base) : 0;

    *exact = false;
    if (c->lane.parameters->codec_type == AVMEDIA_TYPE_AUDIO) {
        int samples = av_get_audio_frame_duration2(c->lane.parameters, p->size);
        // Where both are known and far apart, the parser saw what the header does not say (doubled rates,
        // changed frame sizes).
        if (samples > 0 && (!told || llabs(told - samples) <= c->tolerance)) {
            *exact = true;
            return samples;
        }
        return told;
    }
    if (!told && c->lane.frame_rate.num > 0)
        told = ta_rescale(1, av_inv_q(c->lane.frame_rate), c->lane.time_base);
    return told;
}

static bool is_subtitle(const struct copy_lane *c)
{
    return c->lane.parameters->codec_type == AVMEDIA_TYPE_SUBTITLE;
}

// Is the packet (times of the source) outside the range? Subtitles are clipped to it.
static bool outside(struct copy_lane *c, AVPacket *p)
{
    int64_t t = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;

    if (t == AV_NOPTS_VALUE)
        return false;
    if (c->end != AV_NOPTS_VALUE && t >= c->end) {
        if (p->dts != AV_NOPTS_VALUE && p->dts >= c->end)
            c->done = true;
        return true;
    }
    if (is_subtitle(c) && p->duration > 0) {
        int64_t stop = t + p->duration;
        if (c->end != AV_NOPTS_VALUE && stop > c->end)
            stop = c->end;
        if (c->start != AV_NOPTS_VALUE && t < c->start) {
            if (stop <= c->start)
                return true;
            t = c->start;
        }
        p->pts = p->dts = t;
        p->duration = stop - t;
        return false;
    }
    if (c->start != AV_NOPTS_VALUE && t < c->start) {
        // Pictures as subtitles end with the next one: their length is not known here, so these start with
        // the first in the range.
        c->expected = AV_NOPTS_VALUE;
        return true;
    }
    return false;
}

static int64_t to_lane(const struct copy_lane *c, int64_t t)
{
    return t == AV_NOPTS_VALUE ? t : ta_rescale(t, c->from, c->lane.time_base) - c->shift;
}

// The time of a sound packet in samples, without the rounding of the source's ticks where it can be known.
static int64_t refine(const struct copy_lane *c, int64_t pts)
{
    if (c->expected != AV_NOPTS_VALUE)
        return c->exact && llabs(pts - c->expected) <= c->tolerance ? c->expected : pts;
    // The first one: encoder delay begins that long before the source's time 0.
    int64_t delay = c->lane.parameters->initial_padding;
    if (delay > 0 && llabs(pts + c->shift + delay) <= c->tolerance)
        return -delay - c->shift;
    return pts;
}

static void set_times(struct copy_lane *c, AVPacket *p)
{
    bool exact;
    int64_t duration = duration_of(c, p, &exact);
    int64_t pts = to_lane(c, p->pts), dts = to_lane(c, p->dts);
    bool reordered = c->lane.parameters->codec_type == AVMEDIA_TYPE_VIDEO &&
                     c->lane.parameters->video_delay > 0;

    if (pts == AV_NOPTS_VALUE && dts == AV_NOPTS_VALUE) {
        c->guessed++;
        pts = dts = c->expected != AV_NOPTS_VALUE ? c->expected : -c->shift;
    } else if (pts == AV_NOPTS_VALUE) {
        c->guessed += reordered;
        pts = dts;
    } else if (dts == AV_NOPTS_VALUE) {
        // Matroska stores no decoding times; libavformat leaves those of the first pictures open.
        if (reordered)
            dts = c->expected != AV_NOPTS_VALUE ? c->expected
                                                : pts - c->lane.parameters->video_delay * duration;
        else
            dts = pts;
    }
    if (c->lane.parameters->codec_type == AVMEDIA_TYPE_AUDIO) {
        pts = refine(c, pts);
        dts = pts;
    }
    if (dts > pts)
        dts = pts;
    p->pts = pts;
    p->dts = dts;
    p->duration = duration;
    c->expected = (reordered ? dts : pts) + duration;
    c->exact = exact;
}

static int next(struct ta_lane *lane, AVPacket *p)
{
    struct copy_lane *c = (struct copy_lane *)lane;

    while (!c->done) {
        int64_t until = lane->horizon == INT64_MAX ? INT64_MAX : lane->horizon + c->offset;
        int ret = ta_streams_read(c->streams, c->stream, until, p);
        if (ret != 1)
            return ret;
        if (outside(c, p) || (c->waits_for_key && !(p->flags & AV_PKT_FLAG_KEY)) ||
            // mov_text: a sample without text, which the muxer makes itself where it is needed
            (lane->parameters->codec_id == AV_CODEC_ID_MOV_TEXT && p->size <= 2)) {
            av_packet_unref(p);
            continue;
        }
        c->waits_for_key = false;
        set_times(c, p);
        p->time_base = lane->time_base;
        return 1;
    }
    return 0;
}

// A DVD's subtitles are placed in its own picture, whose size the file of a title does not repeat for them.
// Players take the size of the pictures they see, which is another one after a restoration, unless the track
// says it.
static int add_vobsub_size(const struct ta_streams *s, AVCodecParameters *par)
{
    const AVFormatContext *fmt = ta_streams_format(s);

    if (par->codec_id != AV_CODEC_ID_DVD_SUBTITLE || par->extradata_size > 0)
        return 0;
    for (unsigned i = 0; i < fmt->nb_streams; i++) {
        const AVCodecParameters *video = fmt->streams[i]->codecpar;
        if (video->codec_type != AVMEDIA_TYPE_VIDEO || video->width <= 0)
            continue;
        char text[64];
        int n = snprintf(text, sizeof(text), "size: %dx%d\n", video->width, video->height);
        av_freep(&par->extradata);
        par->extradata = av_mallocz((size_t)n + AV_INPUT_BUFFER_PADDING_SIZE);
        if (!par->extradata)
            return TA_ERR_NOMEM;
        memcpy(par->extradata, text, (size_t)n);
        par->extradata_size = n;
        break;
    }
    return 0;
}

int ta_lane_copy(struct ta_lane **out, struct ta_streams *s, int stream, int64_t offset)
{
    *out = NULL;
    int err = ta_streams_claim(s, stream);
    if (err < 0)
        return err;
    const AVStream *st = ta_streams_get(s, stream);
    struct copy_lane *c = ta_xcalloc(1, sizeof(*c));
    struct ta_lane *lane = &c->lane;
    int64_t start, end;

    c->streams = s;
    c->stream = stream;
    c->from = st->time_base;
    c->offset = offset;
    c->expected = AV_NOPTS_VALUE;
    lane->next = next;
    lane->destroy = destroy;
    lane->horizon = INT64_MAX;
    lane->like = st;
    lane->copied = true;
    lane->frame_rate = st->avg_frame_rate;
    lane->sar = st->sample_aspect_ratio.num ? st->sample_aspect_ratio : st->codecpar->sample_aspect_ratio;
    lane->parameters = avcodec_parameters_alloc();
    if (!lane->parameters || avcodec_parameters_copy(lane->parameters, st->codecpar) < 0 ||
        add_vobsub_size(s, lane->parameters) < 0) {
        ta_lane_destroy(&lane);
        return TA_ERR_NOMEM;
    }
    enum AVMediaType type = lane->parameters->codec_type;
    lane->time_base = st->time_base;
    if (type == AVMEDIA_TYPE_AUDIO && lane->parameters->sample_rate > 0) {
        lane->time_base = (AVRational){1, lane->parameters->sample_rate};
        c->tolerance = av_rescale_rnd(1, (int64_t)c->from.num * lane->parameters->sample_rate, c->from.den,
                                      AV_ROUND_UP);
    }
    c->waits_for_key = type == AVMEDIA_TYPE_VIDEO;
    c->shift = ta_rescale(offset, AV_TIME_BASE_Q, lane->time_base);
    ta_streams_range(s, &start, &end);
    c->start = ta_rescale(start, AV_TIME_BASE_Q, c->from);
    c->end = ta_rescale(end, AV_TIME_BASE_Q, c->from);
    *out = lane;
    return 0;
}
