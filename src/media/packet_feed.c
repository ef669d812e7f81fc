#include "media/packet_feed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/dv/mend.h"
#include "media/index/index_build.h"
#include "media/source.h"

#define NEAR_BYTES ((int64_t)1 << 20) // so near to the start seeking saves nothing
#define NEAR_PACKETS 32
#define STRANGERS_MAX 100 // packets that may come after a seek before one is known

struct ta_feed {
    const struct ta_index *index;
    const struct ta_cancel *cancel;
    struct ta_log *log;
    char *path;
    struct ta_source *source;
    AVPacket *held;              // packet `next`, when `has_held`
    AVPacket *side;              // side data of packets that were skipped: a palette holds until the next one
    struct ta_dv_mender *mender; // DV in a container that knows nothing of its blocks; else NULL
    bool has_held;
    bool
        from_start; // everything since the start of the file was read, so nothing can be wrong with the place
    bool fresh;     // just opened: stands at the start
    bool no_seek;
    uint32_t next; // ordinal that comes next
    int64_t packets_read;
};

enum place { PLACE_FOUND, PLACE_LATE, PLACE_UNKNOWN }; // or TA_ERR_*

static int reopen(struct ta_feed *f)
{
    ta_source_close(&f->source);
    const struct ta_source_known known = ta_index_known(f->index);
    int err = ta_source_open_known(&f->source, f->path, &known, f->cancel, f->log);
    if (err < 0)
        return err;
    const struct ta_index *index = f->index;
    int64_t size = ta_source_bytes(f->source);
    AVStream *st = ta_source_set_video(f->source, index->video) ? f->source->fmt->streams[index->video]
                                                                : NULL;
    if (!st || size != index->source.size_bytes || av_cmp_q(st->time_base, index->time_base) != 0) {
        ta_error(f->log, "%s: this is not the file that was indexed", f->path);
        return TA_ERR_MISMATCH;
    }
    // Only the video is asked for. Streams that turn up later are dropped where packets are read.
    for (unsigned i = 0; i < f->source->fmt->nb_streams; i++)
        if ((int)i != index->video)
            ta_source_discard(f->source, (int)i, AVDISCARD_ALL);
    f->fresh = f->from_start = true;
    return 0;
}

int ta_feed_open(struct ta_feed **out, const char *path, const struct ta_index *index,
                 const struct ta_cancel *cancel, struct ta_log *log)
{
    *out = NULL;
    struct ta_feed *f = ta_xcalloc(1, sizeof(*f));
    f->index = index;
    f->cancel = cancel;
    f->log = log;
    f->path = ta_xstrdup(path);
    f->held = av_packet_alloc();
    f->side = av_packet_alloc();
    int err = f->held && f->side ? reopen(f) : TA_ERR_NOMEM;
    if (err < 0) {
        ta_feed_close(&f);
        return err;
    }
    // A palette may have been changed anywhere before.
    f->no_seek = ta_feed_stream(f)->codecpar->format == AV_PIX_FMT_PAL8;
    f->mender = ta_index_mender(f->source, index->video);
    *out = f;
    return 0;
}

const AVStream *ta_feed_stream(const struct ta_feed *f)
{
    return f->source->fmt->streams[f->index->video];
}

int64_t ta_feed_packets_read(const struct ta_feed *f)
{
    return f->packets_read;
}

void ta_feed_close(struct ta_feed **f)
{
    if (!*f)
        return;
    av_packet_free(&(*f)->held);
    av_packet_free(&(*f)->side);
    ta_source_close(&(*f)->source);
    ta_dv_mender_destroy(&(*f)->mender);
    free((*f)->path);
    ta_freep(f);
}

// The next packet of the video stream into `held`: 1, 0 at the end, TA_ERR_*.
static int read_video(struct ta_feed *f)
{
    av_packet_unref(f->held);
    int err;
    while ((err = ta_index_read_packet(f->source, f->held)) > 0) {
        if (f->held->stream_index == f->index->video) {
            f->packets_read++;
            f->fresh = false;
            return 1;
        }
        av_packet_unref(f->held);
    }
    return err;
}

static bool is_packet(const struct ta_index_packet *p, const AVPacket *packet, uint32_t check)
{
    return p->size == (uint32_t)packet->size && p->check == check;
}

// Side data that stays in force must not get lost with a packet that is skipped.
static void keep_side_data(struct ta_feed *f)
{
    static const enum AVPacketSideDataType kept[] = {AV_PKT_DATA_PALETTE, AV_PKT_DATA_NEW_EXTRADATA};
    for (size_t i = 0; i < TA_COUNT(kept); i++) {
        size_t size = 0;
        const uint8_t *data = av_packet_get_side_data(f->held, kept[i], &size);
        uint8_t *copy = data ? av_packet_new_side_data(f->side, kept[i], size) : NULL;
        if (copy)
            memcpy(copy, data, size);
    }
}

static void give_side_data(struct ta_feed *f, AVPacket *packet)
{
    for (int i = 0; i < f->side->side_data_elems; i++) {
        const AVPacketSideData *s = &f->side->side_data[i];
        if (av_packet_get_side_data(packet, s->type, NULL))
            continue;
        uint8_t *copy = av_packet_new_side_data(packet, s->type, s->size);
        if (copy)
            memcpy(copy, s->data, s->size);
    }
    av_packet_unref(f->side);
}

// Which packet of the index is `held`? -1 when none is or several could be.
static int64_t recognise(const struct ta_feed *f)
{
    const struct ta_index *index = f->index;
    const AVPacket *packet = f->held;
    uint32_t check = ta_packet_check(packet->data, packet->size);
    int64_t same_data = -1, same_place = -1, same_all = -1;
    int data_count = 0, place_count = 0, all_count = 0;
    for (size_t i = 0; i < index->packet_count; i++) {
        const struct ta_index_packet *p = &index->packets[i];
        if (!is_packet(p, packet, check))
            continue;
        same_data = (int64_t)i;
        data_count++;
        if (packet->pos < 0 || p->pos != packet->pos)
            continue;
        same_place = (int64_t)i;
        place_count++;
        if (packet->pts != AV_NOPTS_VALUE && p->pts == packet->pts) {
            same_all = (int64_t)i;
            all_count++;
        }
    }
    return data_count == 1 ? same_data : place_count == 1 ? same_place : all_count == 1 ? same_all : -1;
}

// Skips to packet `target` from packet number `at`, which is in `held`.
static int skip_to(struct ta_feed *f, uint32_t at, uint32_t target)
{
    while (at < target) {
        keep_side_data(f);
        int err = read_video(f);
        if (err <= 0)
            return err < 0 ? err : PLACE_UNKNOWN;
        at++;
        if (!is_packet(&f->index->packets[at], f->held, ta_packet_check(f->held->data, f->held->size)))
            return PLACE_UNKNOWN;
    }
    f->has_held = true;
    f->next = target;
    return PLACE_FOUND;
}

// After a seek: reads until a packet is known, then up to `target`. Parsers that start in the middle give
// pieces at first.
static int find_place(struct ta_feed *f, uint32_t target)
{
    av_packet_unref(f->side);
    for (int strangers = 0; strangers < STRANGERS_MAX; strangers++) {
        int err = read_video(f);
        if (err <= 0)
            return err < 0 ? err : PLACE_LATE;
        int64_t at = recognise(f);
        if (at > (int64_t)target)
            return PLACE_LATE;
        if (at >= 0)
            return skip_to(f, (uint32_t)at, target);
    }
    return PLACE_UNKNOWN;
}

static int64_t seek_time(const struct ta_index_packet *p)
{
    if (p->pts == AV_NOPTS_VALUE || p->dts == AV_NOPTS_VALUE)
        return p->pts == AV_NOPTS_VALUE ? p->dts : p->pts;
    return TA_MIN(p->pts, p->dts);
}

static uint32_t earlier_key(const struct ta_index *index, uint32_t from, int keys)
{
    uint32_t at = from;
    while (at > 0 && keys > 0)
        keys -= (index->packets[--at].flags & TA_PACKET_KEY) != 0;
    return at;
}

static int try_time_seeks(struct ta_feed *f, uint32_t target)
{
    static const int keys_before[] = {0, 1, 4};
    for (size_t i = 0; i < TA_COUNT(keys_before); i++) {
        int64_t time = seek_time(&f->index->packets[earlier_key(f->index, target, keys_before[i])]);
        if (time == AV_NOPTS_VALUE)
            continue;
        f->from_start = f->fresh = false;
        if (ta_source_seek(f->source, f->index->video, time) < 0)
            return PLACE_UNKNOWN;
        int place = find_place(f, target);
        if (place != PLACE_LATE)
            return place;
    }
    return PLACE_LATE;
}

static int try_byte_seeks(struct ta_feed *f, uint32_t target)
{
    int64_t pos = f->index->packets[target].pos;
    if (pos < 0 || (f->source->fmt->iformat->flags & AVFMT_NO_BYTE_SEEK))
        return PLACE_UNKNOWN;
    for (int64_t before = 1 << 16; before < pos && before <= 1 << 24; before <<= 4) {
        f->from_start = f->fresh = false;
        if (ta_source_seek_byte(f->source, pos - before) < 0)
            return PLACE_UNKNOWN;
        int place = find_place(f, target);
        if (place < 0 || place == PLACE_FOUND)
            return place;
    }
    return PLACE_UNKNOWN;
}

static int start_from_beginning(struct ta_feed *f, uint32_t target)
{
    int err = f->fresh ? 0 : reopen(f);
    if (err < 0)
        return err;
    av_packet_unref(f->side);
    err = read_video(f);
    if (err > 0 && is_packet(&f->index->packets[0], f->held, ta_packet_check(f->held->data, f->held->size)))
        err = skip_to(f, 0, target);
    else if (err >= 0)
        err = PLACE_UNKNOWN;
    if (err > 0) {
        ta_error(f->log, "%s: its packets are not those that were indexed: has it changed?", f->path);
        return TA_ERR_MISMATCH;
    }
    return err;
}

int ta_feed_start(struct ta_feed *f, uint32_t ordinal)
{
    const struct ta_index_packet *p = &f->index->packets[ordinal];
    f->has_held = false;
    if (f->mender)
        ta_dv_mender_restart(f->mender);
    if (ordinal < NEAR_PACKETS || f->no_seek || (p->pos >= 0 && p->pos < NEAR_BYTES))
        return start_from_beginning(f, ordinal);

    int place = try_time_seeks(f, ordinal);
    if (place > 0) {
        ta_debug(f->log, "%s: seeking by time does not lead to packet %" PRIu32, f->path, ordinal);
        place = try_byte_seeks(f, ordinal);
    }
    if (place > 0) {
        ta_verbose(f->log, "%s: can't be seeked to packet %" PRIu32 ": reading from the start", f->path,
                   ordinal);
        f->fresh = false;
        place = start_from_beginning(f, ordinal);
    }
    return place;
}

int ta_feed_next(struct ta_feed *f, AVPacket *packet, uint32_t *ordinal)
{
    if (f->next >= f->index->packet_count)
        return 0;
    int err = 1;
    if (!f->has_held) {
        err = read_video(f);
        if (err < 0)
            return err;
        if (!err ||
            !is_packet(&f->index->packets[f->next], f->held, ta_packet_check(f->held->data, f->held->size))) {
            if (f->from_start) {
                ta_error(f->log,
                         "%s: packet %" PRIu32 " is not the one that was indexed: has the file changed?",
                         f->path, f->next);
                return TA_ERR_MISMATCH;
            }
            // What comes after a seek may differ for a while from what comes in one go.
            f->fresh = false;
            if ((err = start_from_beginning(f, f->next)) < 0)
                return err;
        }
    }
    av_packet_move_ref(packet, f->held);
    give_side_data(f, packet);
    f->has_held = false;
    *ordinal = f->next++;
    err = f->mender ? ta_dv_mender_run(f->mender, packet) : 0;
    return err < 0 ? err : 1;
}
