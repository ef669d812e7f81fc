#include "media/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct ta_follows {
    struct ta_route_turn list[TA_ROUTE_TURNS];
    int count;
    AVBufferRef **headers; // of each stream
    int header_count;
};

struct ta_follows *ta_follows_create(const struct ta_routes *routes)
{
    if (!routes || !routes->turn_count)
        return NULL;
    struct ta_follows *f = ta_xcalloc(1, sizeof(*f));
    memcpy(f->list, routes->turns, sizeof(f->list));
    f->count = routes->turn_count;
    return f;
}

void ta_follows_destroy(struct ta_follows **f)
{
    if (!*f)
        return;
    for (int i = 0; i < (*f)->header_count; i++)
        av_buffer_unref(&(*f)->headers[i]);
    free((*f)->headers);
    ta_freep(f);
}

static int find_stream(const AVFormatContext *fmt, int id)
{
    for (unsigned i = 0; i < fmt->nb_streams; i++)
        if (fmt->streams[i]->id == id && fmt->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
            return (int)i;
    return -1;
}

int ta_follows_find(const struct ta_follows *f, const AVFormatContext *fmt, int stream)
{
    for (int i = 0; f && i < f->count && stream >= 0; i++) {
        int of = fmt->streams[stream]->id == f->list[i].pid ? find_stream(fmt, f->list[i].of) : -1;
        if (of >= 0)
            return of;
    }
    return stream;
}

bool ta_follows_has(const struct ta_follows *f, const AVFormatContext *fmt, int stream)
{
    for (int i = 0; f && i < f->count && stream >= 0; i++)
        if (fmt->streams[stream]->id == f->list[i].pid || fmt->streams[stream]->id == f->list[i].of)
            return true;
    return false;
}

// Transport streams have them in their packets; what libav puts beside depends on how much it has read.
static AVBufferRef *headers_of(struct ta_follows *f, const AVFormatContext *fmt, int stream)
{
    if (stream >= f->header_count) {
        size_t count = fmt->nb_streams;
        f->headers = ta_xrealloc(f->headers, count * sizeof(*f->headers));
        memset(f->headers + f->header_count, 0, (count - (size_t)f->header_count) * sizeof(*f->headers));
        f->header_count = (int)count;
    }
    if (!f->headers[stream])
        f->headers[stream] = ta_av_headers(fmt->streams[stream]->codecpar->codec_id, NULL, 0);
    return f->headers[stream];
}

int ta_follows_run(struct ta_follows *f, const AVFormatContext *fmt, AVPacket *packet)
{
    int own = packet->stream_index;
    if (!ta_follows_has(f, fmt, own))
        return 0;
    AVBufferRef *headers = headers_of(f, fmt, own);
    packet->opaque_ref = headers ? av_buffer_ref(headers) : NULL;
    if (!packet->opaque_ref)
        return AVERROR(ENOMEM);
    int of = ta_follows_find(f, fmt, own);
    if (of != own)
        av_packet_rescale_ts(packet, fmt->streams[own]->time_base, fmt->streams[of]->time_base);
    packet->stream_index = of;
    return 0;
}
