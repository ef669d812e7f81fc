#include "media/reading.h"

#include <string.h>

#include <libavformat/avformat.h>

#include "base/mem.h"

#define STOOD_MAX 8      // errors at one place before it is jumped over
#define AGAIN_MAX 1000   // times that a demuxer may ask to be called again
#define SPARE 64         // errors in a row beyond what is known to be missing
#define JUMP_BYTES 65536 // the first one; each further one in a row is twice as far
#define JUMPS_MAX 24
#define LEAST_PROBE 65536 // bytes
#define MOST_PROBE (1 << 28)

int ta_reading_error(const AVFormatContext *fmt)
{
    int error = fmt->pb ? fmt->pb->error : 0;
    return error < 0 && error != AVERROR_EOF && error != AVERROR_INVALIDDATA ? error : 0;
}

int64_t ta_reading_listed(const AVFormatContext *fmt, int stream)
{
    return strstr(fmt->iformat->name, "mp4") ? avformat_index_get_entries_count(fmt->streams[stream]) : -1;
}

// How many packets are still to come by the demuxer's own list; -1: it has none.
static int64_t still_listed(const struct ta_reading *r, const AVFormatContext *fmt)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < fmt->nb_streams; i++) {
        int64_t listed = ta_reading_listed(fmt, (int)i);
        if (listed < 0)
            return -1;
        if (fmt->streams[i]->discard < AVDISCARD_ALL)
            sum += listed;
    }
    return TA_MAX(0, sum - r->packets);
}

void ta_reading_restart(struct ta_reading *r)
{
    r->packets = r->failures = r->stood_at = r->furthest = r->unread = 0;
    r->stood = r->jumps = 0;
    r->ended = false;
}

void ta_reading_go_on(struct ta_reading *r)
{
    r->failures = 0;
    r->ended = false;
}

// Puts the demuxer behind a place that it can't get over.
static bool jump(struct ta_reading *r, AVFormatContext *fmt, int64_t size)
{
    if (fmt->iformat->flags & AVFMT_NO_BYTE_SEEK)
        return false;
    while (r->jumps < JUMPS_MAX) {
        int64_t to = r->stood_at + ((int64_t)JUMP_BYTES << r->jumps++);
        if (to >= size)
            return false;
        if (av_seek_frame(fmt, -1, to, AVSEEK_FLAG_BYTE) >= 0) {
            r->stood = 0;
            return true;
        }
    }
    return false;
}

// After a failure: is there any sense in calling the demuxer again?
static bool goes_on(struct ta_reading *r, AVFormatContext *fmt, int ret)
{
    r->failures++;
    if (ret == AVERROR(EAGAIN))
        return r->failures < AGAIN_MAX;
    // A list goes on behind packets that lie beyond the end of the file, which look like that end.
    int64_t listed = still_listed(r, fmt);
    if (listed >= 0)
        return r->failures <= listed + SPARE;
    int64_t size = fmt->pb ? avio_size(fmt->pb) : -1, at = fmt->pb ? avio_tell(fmt->pb) : 0;
    // Some demuxers call the early end of a file an input error.
    if (ret == AVERROR_EOF || size <= 0 || at >= size)
        return false;
    if (at > r->stood_at) {
        r->stood_at = at;
        r->stood = 0;
        return true;
    }
    return ++r->stood < STOOD_MAX || jump(r, fmt, size);
}

// At the end: what lies behind the first of the failures that led there. Demuxers with a list are called on
// behind the end of the file, where no packets need be: what they lack is seen by the list.
static void note_unread(struct ta_reading *r, const AVFormatContext *fmt, int ret)
{
    int64_t size = fmt->pb ? avio_size(fmt->pb) : -1;
    if (still_listed(r, fmt) < 0 && (r->failures > 1 || ret != AVERROR_EOF))
        r->unread = TA_MAX(0, size - r->failed_at);
}

// Demuxers take nonsense for the size of a packet, and call it a lack of memory. It is one if there is none
// for any packet that the file could hold.
static bool lacks_memory(const AVFormatContext *fmt, int ret)
{
    if (ret != AVERROR(ENOMEM))
        return false;
    int64_t size = fmt->pb ? avio_size(fmt->pb) : 0;
    void *probe = av_malloc((size_t)av_clip64(size, LEAST_PROBE, MOST_PROBE));
    bool lacks = !probe;
    av_free(probe);
    return lacks;
}

int ta_reading_next(struct ta_reading *r, AVFormatContext *fmt, AVPacket *packet)
{
    while (!r->ended) {
        int ret = av_read_frame(fmt, packet);
        int error = ta_reading_error(fmt);
        if (error < 0 || lacks_memory(fmt, ret) || ret == AVERROR_EXIT) {
            if (ret >= 0)
                av_packet_unref(packet);
            return error < 0 ? error : ret;
        }
        if (ret < 0) {
            if (!r->failures && fmt->pb)
                r->failed_at = avio_tell(fmt->pb);
            r->ended = !goes_on(r, fmt, ret);
            if (r->ended)
                note_unread(r, fmt, ret);
            continue;
        }
        if (r->jumps && packet->pos >= 0 && packet->pos <= r->furthest) {
            av_packet_unref(packet); // given before
            continue;
        }
        r->places += r->failures > 0;
        r->failures = r->stood = r->jumps = 0;
        r->furthest = TA_MAX(r->furthest, packet->pos);
        r->packets++;
        return 0;
    }
    return AVERROR_EOF;
}
