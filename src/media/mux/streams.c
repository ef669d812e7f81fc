#include "media/mux/streams.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/mathematics.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/index/index_streams.h"
#include "media/source.h"

// The demuxer may be this far ahead of what is wanted before a lane answers TA_LANE_LATER. More than sound
// and pictures are apart in any sane file; libavformat's own limit for interleaving is the same.
#define AHEAD (10 * (int64_t)AV_TIME_BASE)
// Where to start reading for a range: before it by this much, for subtitles on screen at its start and
// decoders that need a lead-in.
#define LEAD_IN (20 * (int64_t)AV_TIME_BASE)
#define HIGH_WATER (256 << 20)

struct node {
    struct node *next;
    AVPacket *packet;
};

struct queue {
    bool claimed;
    bool seen; // a packet came
    bool past; // ... and one that starts at or after the end of the range
    int clock; // which recording's clock its packets are on
    int64_t
        last; // time of its last packet by that clock, AV_TIME_BASE units; AV_NOPTS_VALUE before the first
    struct node *head, **tail;
};

struct ta_streams {
    struct ta_source *source;
    const struct ta_cancel *cancel;
    struct ta_log *log;
    int64_t start, end;
    int64_t *clocks; // what is added to the times of each recording; the first is 0
    int clock_count;
    struct queue *queues; // one a stream of the source
    unsigned count;
    struct node *spare;
    AVPacket *packet;
    int64_t position; // time of the last packet, AV_TIME_BASE units; AV_NOPTS_VALUE before the first
    size_t queued_bytes;
    bool warned, started, eof;
};

static void grow(struct ta_streams *s)
{
    unsigned before = s->count;
    s->count = s->source->fmt->nb_streams;
    s->queues = ta_xrealloc(s->queues, s->count * sizeof(*s->queues));
    // Those of before are still empty, but point into what has moved.
    memset(s->queues + before, 0, (s->count - before) * sizeof(*s->queues));
    for (unsigned i = 0; i < s->count; i++) {
        s->queues[i].tail = &s->queues[i].head;
        s->queues[i].last = AV_NOPTS_VALUE;
    }
}

int ta_streams_open(struct ta_streams **out, const char *path, const struct ta_index *index, int64_t start,
                    int64_t end, const struct ta_cancel *cancel, struct ta_log *log)
{
    *out = NULL;
    struct ta_streams *s = ta_xcalloc(1, sizeof(*s));
    s->cancel = cancel;
    s->log = ta_log_child(log, "streams");
    s->start = start;
    s->end = end;
    s->position = AV_NOPTS_VALUE;
    s->packet = av_packet_alloc();
    const struct ta_source_known known = index ? ta_index_known(index) : (struct ta_source_known){0};
    int err = s->packet ? ta_source_open_known(&s->source, path, &known, cancel, log) : TA_ERR_NOMEM;
    if (err < 0) {
        ta_streams_close(&s);
        return err;
    }
    grow(s);
    *out = s;
    return 0;
}

int ta_streams_complete(struct ta_streams *s, const struct ta_index *index)
{
    int err = ta_index_complete_source(index, s->source);
    grow(s);
    return err;
}

void ta_streams_set_clocks(struct ta_streams *s, const int64_t *offsets, int count)
{
    free(s->clocks);
    s->clock_count = count + 1;
    s->clocks = ta_xcalloc((size_t)s->clock_count, sizeof(*s->clocks));
    for (int i = 0; i < count; i++)
        s->clocks[i + 1] = offsets[i];
}

// The time on the common clock, given one on the stream's own. A jump that is nearer to the next recording's
// than to none means that this recording has begun.
static int64_t common_time(struct ta_streams *s, struct queue *q, int64_t t)
{
    while (q->last != AV_NOPTS_VALUE && q->clock + 1 < s->clock_count) {
        int64_t jump = s->clocks[q->clock] - s->clocks[q->clock + 1], seen = t - q->last;
        if (llabs(seen - jump) >= llabs(seen))
            break;
        q->clock++;
        q->last += jump;
    }
    q->last = t;
    return t + (s->clock_count ? s->clocks[q->clock] : 0);
}

// Moves the packet to the common clock; its time there, or AV_NOPTS_VALUE.
static int64_t place_packet(struct ta_streams *s, struct queue *q, AVPacket *packet, AVRational time_base)
{
    int64_t t = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    if (t == AV_NOPTS_VALUE)
        return t;
    t = common_time(s, q, ta_rescale(t, time_base, AV_TIME_BASE_Q));
    if (s->clock_count) {
        int64_t shift = ta_rescale(s->clocks[q->clock], AV_TIME_BASE_Q, time_base);
        packet->dts += packet->dts != AV_NOPTS_VALUE ? shift : 0;
        packet->pts += packet->pts != AV_NOPTS_VALUE ? shift : 0;
    }
    return t;
}

static void free_nodes(struct node *n)
{
    while (n) {
        struct node *next = n->next;
        av_packet_free(&n->packet);
        free(n);
        n = next;
    }
}

void ta_streams_close(struct ta_streams **ps)
{
    struct ta_streams *s = *ps;
    if (!s)
        return;
    for (unsigned i = 0; i < s->count; i++)
        free_nodes(s->queues[i].head);
    free_nodes(s->spare);
    free(s->queues);
    free(s->clocks);
    av_packet_free(&s->packet);
    ta_source_close(&s->source);
    ta_log_destroy(&s->log);
    free(s);
    *ps = NULL;
}

const AVFormatContext *ta_streams_format(const struct ta_streams *s)
{
    return s->source->fmt;
}

const AVStream *ta_streams_get(const struct ta_streams *s, int stream)
{
    return stream >= 0 && (unsigned)stream < s->count ? s->source->fmt->streams[stream] : NULL;
}

void ta_streams_range(const struct ta_streams *s, int64_t *start, int64_t *end)
{
    *start = s->start;
    *end = s->end;
}

struct ta_log *ta_streams_log(const struct ta_streams *s)
{
    return s->log;
}

int ta_streams_claim(struct ta_streams *s, int stream)
{
    if (!ta_streams_get(s, stream) || s->queues[stream].claimed || s->started) {
        ta_error(s->log, "%s: stream %d %s", s->source->path, stream,
                 !ta_streams_get(s, stream) ? "does not exist" : "can't be read a second time");
        return TA_ERR_INVALID;
    }
    s->queues[stream].claimed = true;
    return 0;
}

// A type-1 DV AVI holds a single stream of its own, sound inside the pictures: what discards the pictures
// discards the sound.
static bool may_discard(const struct ta_streams *s)
{
    const AVFormatContext *fmt = s->source->fmt;
    for (unsigned i = 0; i < s->count; i++) {
        if (fmt->streams[i]->codecpar->codec_id == AV_CODEC_ID_DVVIDEO)
            return false;
    }
    return true;
}

static int enqueue(struct ta_streams *s, struct queue *q)
{
    struct node *n = s->spare;
    if (n) {
        s->spare = n->next;
    } else {
        n = ta_xcalloc(1, sizeof(*n));
        n->packet = av_packet_alloc();
        if (!n->packet) {
            free(n);
            return TA_ERR_NOMEM;
        }
    }
    n->next = NULL;
    if (av_packet_make_refcounted(s->packet) < 0) {
        n->next = s->spare;
        s->spare = n;
        return TA_ERR_NOMEM;
    }
    av_packet_move_ref(n->packet, s->packet);
    *q->tail = n;
    q->tail = &n->next;
    s->queued_bytes += (size_t)n->packet->size + sizeof(AVPacket);
    if (s->queued_bytes > HIGH_WATER && !s->warned) {
        s->warned = true;
        ta_problem_at(
            s->log, TA_PROBLEM_STREAMS_APART, &(struct ta_problem_about){.file = s->source->path},
            "%s: its streams are far apart in the file, so a lot of memory is needed to bring them together",
            s->source->path);
    }
    return 0;
}

static void dequeue(struct ta_streams *s, struct queue *q, AVPacket *packet)
{
    struct node *n = q->head;
    q->head = n->next;
    if (!q->head)
        q->tail = &q->head;
    s->queued_bytes -= (size_t)n->packet->size + sizeof(AVPacket);
    av_packet_move_ref(packet, n->packet);
    n->next = s->spare;
    s->spare = n;
}

// Nothing more of the range can come: every stream that gives packets has passed its end, and the file is
// well past it.
static bool range_done(const struct ta_streams *s)
{
    if (s->end == AV_NOPTS_VALUE || s->position == AV_NOPTS_VALUE || s->position < s->end + AHEAD)
        return false;
    for (unsigned i = 0; i < s->count; i++) {
        enum AVMediaType type = s->source->fmt->streams[i]->codecpar->codec_type;
        bool sparse = type != AVMEDIA_TYPE_AUDIO && type != AVMEDIA_TYPE_VIDEO;
        const struct queue *q = &s->queues[i];
        if (q->claimed && q->seen && !q->past && !sparse)
            return false;
    }
    return true;
}

// Reads one packet and puts it into its queue, or sets eof.
static int read_one(struct ta_streams *s)
{
    AVFormatContext *fmt = s->source->fmt;

    if (ta_canceled(s->cancel))
        return TA_ERR_CANCELED;
    int ret = ta_source_read_packet(s->source, s->packet);
    if (ret == AVERROR_EXIT)
        return TA_ERR_CANCELED;
    if (ret == AVERROR_EOF) {
        s->eof = true;
        return 0;
    }
    if (ret < 0) {
        ta_error(s->log, "%s: can't be read: %s", s->source->path, ta_av_text(ret));
        return ta_error_from_av(ret);
    }
    unsigned i = (unsigned)s->packet->stream_index;
    if (i >= s->count) { // streams that appear later (MPEG-TS, FLV) were not planned for
        av_packet_unref(s->packet);
        return 0;
    }
    struct queue *q = &s->queues[i];
    int64_t t = place_packet(s, q, s->packet, fmt->streams[i]->time_base);
    if (t != AV_NOPTS_VALUE) {
        s->position = t;
        q->past = s->end != AV_NOPTS_VALUE && t >= s->end;
    }
    if (!q->claimed) {
        av_packet_unref(s->packet);
        return 0;
    }
    q->seen = true;
    int err = enqueue(s, q);
    av_packet_unref(s->packet);
    if (err >= 0 && range_done(s))
        s->eof = true;
    return err;
}

// Goes to the lead-in of the range, or stays at the start of the file where that is not possible: slower, not
// wrong.
static int seek(struct ta_streams *s)
{
    AVFormatContext *fmt = s->source->fmt;
    int64_t first = fmt->start_time != AV_NOPTS_VALUE ? fmt->start_time : 0;
    int64_t to = s->start - LEAD_IN;

    if (to <= first)
        return 0;
    int ret = ta_source_seek(s->source, -1, to);
    if (ret >= 0) {
        // Demuxers that guess (by bit rate, without an index) may land anywhere: look at a packet.
        int err = 0;
        while (err >= 0 && !s->eof && s->position == AV_NOPTS_VALUE)
            err = read_one(s);
        if (err < 0 || (!s->eof && s->position <= s->start))
            return err;
        for (unsigned i = 0; i < s->count; i++) {
            while (s->queues[i].head) {
                dequeue(s, &s->queues[i], s->packet);
                av_packet_unref(s->packet);
            }
            s->queues[i].seen = s->queues[i].past = false;
        }
        s->eof = false;
        s->position = AV_NOPTS_VALUE;
    }
    ta_verbose(s->log, "%s: can't seek: reading from the start", s->source->path);
    ret = ta_source_seek(s->source, -1, first);
    if (ret < 0)
        ret = ta_source_seek_byte(s->source, 0);
    if (ret < 0) {
        ta_error(s->log, "%s: can't be read from the start again: %s", s->source->path, ta_av_text(ret));
        return TA_ERR_IO;
    }
    return 0;
}

// Seeking comes before discarding: demuxers search in the packets of the main stream.
static int begin(struct ta_streams *s)
{
    int err = 0;

    s->started = true;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->queues[i].claimed) // some demuxers discard tracks that are switched off
            ta_source_discard(s->source, (int)i, AVDISCARD_DEFAULT);
    }
    if (s->start != AV_NOPTS_VALUE && !s->clock_count)
        err = seek(s);
    if (may_discard(s)) {
        for (unsigned i = 0; i < s->count; i++) {
            if (!s->queues[i].claimed)
                ta_source_discard(s->source, (int)i, AVDISCARD_ALL);
        }
    }
    return err;
}

int ta_streams_read(struct ta_streams *s, int stream, int64_t until, AVPacket *packet)
{
    struct queue *q = &s->queues[stream];

    if (!s->started) {
        int err = begin(s);
        if (err < 0)
            return err;
    }
    while (!q->head) {
        if (s->eof)
            return 0;
        if (until < INT64_MAX - AHEAD && s->position != AV_NOPTS_VALUE && s->position > until + AHEAD)
            return TA_LANE_LATER;
        int err = read_one(s);
        if (err < 0)
            return err;
    }
    dequeue(s, q, packet);
    return 1;
}
