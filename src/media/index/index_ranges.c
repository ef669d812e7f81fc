#include "media/index/index_ranges.h"

#include <stdlib.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "media/index/index_frames.h"

enum {
    RANGE_PACKETS = 256,       // at least, so that little is decoded twice ...
    RANGE_BYTES = 8 << 20,     // ... unless it is this large
    LEAST_PACKETS = 24,        // even then
    MOST_BYTES = 64 << 20,     // a range that is larger is decoded as it is read
    QUEUE_BYTES = 128 << 20,   // ranges that wait for a thread
    MAX_THREADS = 16,          // each holds a decoder and a range
    TAIL = 2 * TA_REORDER_MAX, // packets after a range besides those that the delay asks for
};

// How many keys before a range decoding starts; -1: only from the start of the stream. Codecs whose packets
// say little of themselves, or whose decoders remember more than the last pictures, are not in the list.
static int lead_in(enum AVCodecID codec)
{
    switch (codec) {
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_HEVC:
        return 1;
    case AV_CODEC_ID_H264: // a recovery point may need more pictures until all is right
        return 2;
    case AV_CODEC_ID_DVVIDEO:
    case AV_CODEC_ID_MJPEG:
    case AV_CODEC_ID_PRORES:
    case AV_CODEC_ID_DNXHD:
        return 0;
    default:
        return -1;
    }
}

static int64_t bytes_of(const struct ta_index_packet *packets, size_t from, size_t to)
{
    int64_t sum = 0;
    for (size_t n = from; n < to; n++)
        sum += packets[n].size;
    return sum;
}

int ta_packet_ranges(struct ta_packet_range **out, const struct ta_index_packet *packets, size_t count,
                     enum AVCodecID codec, int delay)
{
    int lead = lead_in(codec), ranges = 0;
    size_t keys[3] = {0}; // the last ones, the latest first
    size_t first = 0, from = 0, tail = (size_t)(2 * delay + TAIL);
    int64_t bytes = 0;
    struct ta_packet_range *list = *out = ta_xcalloc(count / LEAST_PACKETS + 2, sizeof(*list));
    for (size_t n = 0; lead >= 0 && n < count; n++) {
        bool key = packets[n].flags & TA_PACKET_KEY;
        bool enough = n - first >= RANGE_PACKETS || (bytes >= RANGE_BYTES && n - first >= LEAST_PACKETS);
        if (key && n && enough) {
            list[ranges++] = (struct ta_packet_range){first, n, from, TA_MIN(n + tail, count)};
            first = n;
            from = lead ? keys[lead - 1] : n;
            bytes = 0;
        }
        if (key) {
            keys[2] = keys[1];
            keys[1] = keys[0];
            keys[0] = n;
        }
        bytes += packets[n].size;
    }
    list[ranges++] = (struct ta_packet_range){first, count, from, count};
    for (int i = 0; i < ranges; i++)
        if (ranges > 1 && bytes_of(packets, list[i].from, list[i].to) > MOST_BYTES)
            ranges = 1;
    if (ranges == 1)
        list[0] = (struct ta_packet_range){0, count, 0, count};
    return ranges;
}

// ---- the threads ----

struct load {
    int range;
    size_t count;
    AVPacket *packets[];
};

struct ta_range_crew {
    const struct ta_packet_range *ranges;
    int range_count;
    int (*decode)(void *arg, int i, AVPacket *const *packets);
    void *arg;
    struct ta_queue *queue;
    struct ta_thread *threads[MAX_THREADS];
    int thread_count;
    struct load **loads; // [range], being filled
    int oldest, newest;  // ranges that take packets: oldest..newest-1
    size_t next;         // number of the next packet
};

static void free_load(void *item)
{
    struct load *load = item;
    for (size_t i = 0; load && i < load->count; i++)
        av_packet_free(&load->packets[i]);
    free(load);
}

static int work(void *arg)
{
    struct ta_range_crew *c = arg;
    for (;;) {
        void *item = NULL;
        int err = ta_queue_pop(c->queue, &item);
        if (err < 0 || !item)
            return err;
        struct load *load = item;
        err = c->decode(c->arg, load->range, load->packets);
        free_load(load);
        if (err < 0) {
            ta_queue_cancel(c->queue);
            return err;
        }
    }
}

int ta_range_crew_create(struct ta_range_crew **out, const struct ta_packet_range *ranges, int count,
                         int (*decode)(void *arg, int i, AVPacket *const *packets), void *arg)
{
    struct ta_range_crew *c = *out = ta_xcalloc(1, sizeof(*c));
    c->ranges = ranges;
    c->range_count = count;
    c->decode = decode;
    c->arg = arg;
    c->loads = ta_xcalloc((size_t)count, sizeof(*c->loads));
    int threads = TA_MIN(TA_MIN(ta_cpu_count(), MAX_THREADS), count);
    int err = ta_queue_create(&c->queue, (size_t)threads, QUEUE_BYTES, free_load);
    while (err >= 0 && c->thread_count < threads) {
        err = ta_thread_create(&c->threads[c->thread_count], "index", work, c);
        if (err < 0 && c->thread_count > 0) {
            err = 0; // fewer do it, too
            break;
        }
        c->thread_count += err >= 0;
    }
    if (err < 0)
        ta_range_crew_finish(out, err);
    return err;
}

static int add(struct ta_range_crew *c, int i, const AVPacket *packet)
{
    const struct ta_packet_range *r = &c->ranges[i];
    if (!c->loads[i]) {
        c->loads[i] = calloc(1, sizeof(struct load) + (r->to - r->from) * sizeof(AVPacket *));
        if (!c->loads[i])
            return TA_ERR_NOMEM;
        c->loads[i]->range = i;
    }
    AVPacket *copy = av_packet_clone(packet);
    if (!copy)
        return TA_ERR_NOMEM;
    c->loads[i]->packets[c->loads[i]->count++] = copy;
    return 0;
}

int ta_range_crew_give(struct ta_range_crew *c, const AVPacket *packet)
{
    size_t n = c->next++;
    int err = 0;
    while (c->newest < c->range_count && c->ranges[c->newest].from <= n)
        c->newest++;
    for (int i = c->oldest; i < c->newest && err >= 0; i++)
        if (n < c->ranges[i].to)
            err = add(c, i, packet);
    while (err >= 0 && c->oldest < c->newest && n + 1 >= c->ranges[c->oldest].to) {
        struct load *load = c->loads[c->oldest];
        int64_t bytes = 0;
        for (size_t k = 0; k < load->count; k++)
            bytes += load->packets[k]->size;
        c->loads[c->oldest++] = NULL;
        err = ta_queue_push(c->queue, load, (size_t)bytes);
    }
    return err;
}

int ta_range_crew_finish(struct ta_range_crew **crew, int err)
{
    struct ta_range_crew *c = *crew;
    if (err < 0 && c->queue)
        ta_queue_cancel(c->queue);
    else if (c->queue)
        ta_queue_finish(c->queue, 0);
    for (int i = 0; i < c->thread_count; i++) {
        int result = ta_thread_join(&c->threads[i]);
        // What stopped the others counts, not that they were stopped.
        if (result < 0 && (err >= 0 || err == TA_ERR_CANCELED))
            err = result;
    }
    for (int i = 0; i < c->range_count; i++)
        free_load(c->loads[i]);
    ta_queue_destroy(&c->queue);
    free(c->loads);
    free(c);
    *crew = NULL;
    return err;
}
