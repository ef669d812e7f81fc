#include "media/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/decoder.h"
#include "media/index/packet_shape.h"
#include "media/packet_feed.h"
#include "media/reader_start.h"

#define WAITING_MAX 8 // frames that may come before one is given up that is wanted first
#define MARGIN 32     // frames around the range whose numbers are known

struct ta_reader {
    const struct ta_index *index;
    const struct ta_cancel *cancel;
    struct ta_log *log;
    char *path;
    size_t first, end, next; // numbers of frames: range, and the one to give next

    // Numbers of the frames that packets map_base.. hold; UINT32_MAX: none that is of interest here.
    uint32_t *map;
    uint32_t map_base, map_size;

    struct ta_feed *feed;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;
    int attempt;
    uint32_t start;
    bool drained, finished; // everything was sent; nothing more will come
    uint32_t shape;         // see ta_packet_needs_drain()
    bool turning;           // `packet` waits until the decoder has given what it holds
    uint32_t turn_ordinal;
    int delay;  // of the decoder
    int beyond; // frames after the range that came

    // Frames that came before their turn, by number.
    struct {
        size_t number;
        AVFrame *frame;
    } waiting[WAITING_MAX];
    int waiting_count;
    AVFrame *last;    // what was shown before `next`, if anything
    bool last_fitted; // ... in the frame already

    struct ta_format format; // of the frames that are given
    struct ta_part *parts;   // where pictures that are not like it stand
    int part_count;
    struct ta_fitter *fitter;
    int told_width, told_height; // of pictures that no part knows; the last that were told
    struct ta_reader_stats stats;
};

static int make_map(struct ta_reader *r)
{
    const struct ta_index *index = r->index;
    size_t from = r->first > MARGIN ? r->first - MARGIN : 0, to = TA_MIN(r->end + MARGIN, index->frame_count);
    uint32_t low = UINT32_MAX, high = 0;
    for (size_t i = from; i < to; i++) {
        low = TA_MIN(low, index->frames[i].packet);
        high = TA_MAX(high, index->frames[i].packet);
    }
    r->map_base = low;
    r->map_size = high - low + 1;
    r->map = malloc((size_t)r->map_size * sizeof(*r->map));
    if (!r->map)
        return TA_ERR_NOMEM;
    memset(r->map, 0xff, (size_t)r->map_size * sizeof(*r->map));
    for (size_t i = to; i-- > from;) // the first of several frames of a packet wins
        r->map[index->frames[i].packet - low] = (uint32_t)i;
    return 0;
}

static void forget_frames(struct ta_reader *r)
{
    for (int i = 0; i < r->waiting_count; i++)
        av_frame_free(&r->waiting[i].frame);
    r->waiting_count = 0;
    av_frame_free(&r->last);
    r->drained = r->finished = r->turning = false;
    r->shape = 0;
    r->beyond = 0;
    av_packet_unref(r->packet);
}

// Begins decoding at a place that fits the number of attempts made so far.
static int begin(struct ta_reader *r)
{
    const AVStream *st = ta_feed_stream(r->feed);
    forget_frames(r);
    avcodec_free_context(&r->decoder);
    r->start = ta_reader_start_packet(r->index, st->codecpar->codec_id, r->first, r->attempt);
    int err = ta_feed_start(r->feed, r->start);
    if (err < 0)
        return err;
    // The stream may have been opened anew.
    st = ta_feed_stream(r->feed);
    r->delay = ta_index_reorder(r->index->packets, r->index->packet_count);
    return ta_decoder_open(&r->decoder, st, r->delay, r->path, r->log);
}

int ta_reader_open(struct ta_reader **out, const char *path, const struct ta_index *index, size_t first,
                   size_t count, const struct ta_cancel *cancel, struct ta_log *log)
{
    *out = NULL;
    ta_require(log, count >= 1 && first < index->frame_count && count <= index->frame_count - first,
               TA_ERR_USAGE);
    struct ta_reader *r = ta_xcalloc(1, sizeof(*r));
    r->index = index;
    r->cancel = cancel;
    r->log = log;
    r->path = ta_xstrdup(path);
    r->first = r->next = first;
    r->end = first + count;
    r->packet = av_packet_alloc();
    r->frame = av_frame_alloc();
    r->format = index->format;
    r->part_count = ta_fit_parts(index, &r->format, 0, (int64_t)index->frame_count, &r->parts);
    ta_fitter_create(&r->fitter, &r->format, log);
    int err = r->packet && r->frame ? make_map(r) : TA_ERR_NOMEM;
    if (err >= 0)
        err = ta_feed_open(&r->feed, path, index, cancel, log);
    if (err >= 0)
        err = begin(r);
    if (err < 0) {
        ta_reader_close(&r);
        return err;
    }
    *out = r;
    return 0;
}

void ta_reader_set_fit(struct ta_reader *r, const struct ta_format *format, const struct ta_part *parts,
                       int count)
{
    r->format = *format;
    free(r->parts);
    r->parts = count ? ta_xcalloc((size_t)count, sizeof *parts) : NULL;
    if (count)
        memcpy(r->parts, parts, (size_t)count * sizeof *parts);
    r->part_count = count;
    ta_fitter_destroy(&r->fitter);
    ta_fitter_create(&r->fitter, format, r->log);
}

void ta_reader_close(struct ta_reader **reader)
{
    struct ta_reader *r = *reader;
    if (!r)
        return;
    forget_frames(r);
    avcodec_free_context(&r->decoder);
    ta_feed_close(&r->feed);
    av_packet_free(&r->packet);
    av_frame_free(&r->frame);
    ta_fitter_destroy(&r->fitter);
    free(r->parts);
    free(r->map);
    free(r->path);
    ta_freep(reader);
}

void ta_reader_get_stats(const struct ta_reader *r, struct ta_reader_stats *out)
{
    *out = r->stats;
    out->packets_read = r->feed ? ta_feed_packets_read(r->feed) : 0;
}

// Number of the frame that `packet` holds, among those around the range; SIZE_MAX when it is none of them, or
// one more than the packet has.
static size_t frame_number(const struct ta_reader *r, uint32_t packet)
{
    if (packet < r->map_base || packet - r->map_base >= r->map_size)
        return SIZE_MAX;
    uint32_t n = r->map[packet - r->map_base];
    if (n == UINT32_MAX)
        return SIZE_MAX;
    size_t waiting[WAITING_MAX];
    for (int i = 0; i < r->waiting_count; i++)
        waiting[i] = r->waiting[i].number;
    return ta_reader_number(r->index, n, r->next, waiting, r->waiting_count);
}

// Brings a picture of frame `number` into the frame that all have.
static int fit(struct ta_reader *r, AVFrame **frame, size_t number)
{
    const struct ta_format *to = &r->format;
    const struct ta_part *part = ta_part_of(r->parts, r->part_count, (int64_t)number);
    struct ta_place place = {0, 0, to->width, to->height};
    bool other = (*frame)->width != to->width || (*frame)->height != to->height;
    bool known = part && part->width == (*frame)->width && part->height == (*frame)->height;
    if (part && (!other || known))
        place = part->place;
    if (other && !known && (r->told_width != (*frame)->width || r->told_height != (*frame)->height)) {
        // Each segment has a reader: in the same words from all of them it is told once.
        struct ta_problem_about about = {
            .file = r->path,
            .args = json_pack("{s:i, s:i}", "width", (*frame)->width, "height", (*frame)->height)};
        ta_problem_at(
            r->log, TA_PROBLEM_PICTURES_CONVERTED, &about,
            "%s: some of its pictures are %dx%d instead of %dx%d, which was not to be seen before: scaled",
            r->path, (*frame)->width, (*frame)->height, to->width, to->height);
        r->told_width = (*frame)->width;
        r->told_height = (*frame)->height;
    }
    bool interlaced = ta_frame_is_interlaced(*frame) || (part && part->interlaced);
    return ta_fitter_run(r->fitter, frame, &place, interlaced, r->path);
}

static int keep_last(struct ta_reader *r, const AVFrame *f)
{
    av_frame_free(&r->last);
    r->last = av_frame_clone(f);
    return r->last ? 0 : TA_ERR_NOMEM;
}

// Sorts what the decoder gave: lead-in, wanted (into `waiting`), or beyond.
static int take_frame(struct ta_reader *r)
{
    AVFrame *f = r->frame;
    r->stats.frames_decoded++;
    uint32_t packet = f->pts >= 0 && f->pts < UINT32_MAX ? (uint32_t)f->pts : UINT32_MAX;
    size_t number = frame_number(r, packet);
    if (number == SIZE_MAX || number < r->next) {
        bool lead_in = r->next == r->first && packet <= r->index->frames[r->first].packet;
        r->last_fitted &= !lead_in;
        return lead_in ? keep_last(r, f) : 0;
    }
    if (number >= r->end) {
        r->beyond++;
        return 0;
    }
    AVFrame *copy = av_frame_alloc();
    if (!copy)
        return TA_ERR_NOMEM;
    av_frame_move_ref(copy, f);
    int at = r->waiting_count++;
    while (at > 0 && r->waiting[at - 1].number > number) {
        r->waiting[at] = r->waiting[at - 1];
        at--;
    }
    r->waiting[at].number = number;
    r->waiting[at].frame = copy;
    return 0;
}

// The packet, or the end.
static int send_packet(struct ta_reader *r, bool end, uint32_t ordinal)
{
    int ret = ta_decoder_send(r->decoder, end ? NULL : r->packet, ordinal);
    if (!end)
        av_packet_unref(r->packet);
    return ret < 0 && !ta_decoder_error_is_damage(ret) ? ta_error_from_av(ret) : 0;
}

// Brings one more frame from the decoder, or finds that there is none.
static int decode_more(struct ta_reader *r)
{
    for (int errors = 0;;) {
        if (ta_canceled(r->cancel))
            return TA_ERR_CANCELED;
        int ret = ta_decoder_receive(r->decoder, r->frame);
        if (ret > 0) {
            int err = take_frame(r);
            av_frame_unref(r->frame);
            return err;
        }
        if (r->turning && ret == AVERROR_EOF) {
            r->turning = false;
            ret = ta_decoder_turn(&r->decoder, r->packet, ta_feed_stream(r->feed), r->delay, r->path, r->log);
            if (ret >= 0)
                ret = send_packet(r, false, r->turn_ordinal);
            if (ret < 0)
                return ret;
            continue;
        }
        if (ret == AVERROR_EOF || (ret < 0 && ++errors > 256)) {
            r->finished = true;
            return 0;
        }
        if (ret < 0) {
            if (!ta_decoder_error_is_damage(ret))
                return ta_error_from_av(ret);
            continue;
        }
        uint32_t ordinal = 0;
        if (r->drained) { // it was told the end, and says that it wants more
            r->finished = true;
            return 0;
        }
        int more = ta_feed_next(r->feed, r->packet, &ordinal);
        if (more < 0)
            return more;
        r->drained = !more;
        r->turning = more && (ta_packet_needs_drain(r->decoder->codec_id, r->packet, &r->shape) ||
                              ta_decoder_needs_renewal(r->decoder, r->packet));
        r->turn_ordinal = ordinal;
        ret = send_packet(r, r->turning || !more, ordinal);
        if (ret < 0)
            return ret;
    }
}

// Gives `f` away as frame number `next`. `fitted`: it was given before.
static int deliver(struct ta_reader *r, AVFrame *f, bool fitted, AVFrame **frame)
{
    f->pts = (int64_t)r->next;
    f->pkt_dts = f->best_effort_timestamp = AV_NOPTS_VALUE;
    int err = fitted ? 0 : fit(r, &f, r->next);
    if (err >= 0) {
        ta_format_tag_frame(&r->format, f);
        err = keep_last(r, f);
        r->last_fitted = true;
    }
    if (err < 0) {
        av_frame_free(&f);
        return err;
    }
    r->next++;
    *frame = f;
    return 0;
}

// Some codecs show in their packets what their decoders don't say.
static bool is_damaged(const struct ta_reader *r, size_t frame)
{
    return r->index->packets[r->index->frames[frame].packet].flags & TA_PACKET_DAMAGED;
}

static int conceal(struct ta_reader *r, AVFrame **frame)
{
    const AVFrame *near = r->last ? r->last : r->waiting_count ? r->waiting[0].frame : NULL;
    if (!near) {
        ta_error(r->log, "%s: no frame around frame %zu can be decoded", r->path, r->next);
        return TA_ERR_DAMAGED;
    }
    ta_debug(r->log, "%s: frame %zu can't be decoded: its neighbour is repeated", r->path, r->next);
    r->stats.concealed++;
    AVFrame *f = av_frame_clone(near);
    return f ? deliver(r, f, near == r->last && r->last_fitted, frame) : TA_ERR_NOMEM;
}

int ta_reader_next(struct ta_reader *r, AVFrame **frame)
{
    *frame = NULL;
    while (r->next < r->end) {
        if (r->waiting_count && r->waiting[0].number == r->next) {
            AVFrame *f = r->waiting[0].frame;
            memmove(r->waiting, r->waiting + 1, (size_t)--r->waiting_count * sizeof(r->waiting[0]));
            r->stats.damaged += ta_frame_is_damaged(f) || is_damaged(r, r->next);
            return deliver(r, f, false, frame);
        }
        if (r->waiting_count < WAITING_MAX && r->beyond < WAITING_MAX && !r->finished) {
            int err = decode_more(r);
            if (err < 0)
                return err;
            continue;
        }
        // It does not come. At the start of the range an earlier place may be what is missing.
        if (r->next == r->first && r->start > 0 && r->attempt < TA_READER_ATTEMPTS - 1) {
            r->attempt++;
            ta_debug(r->log, "%s: frame %zu does not come from packet %" PRIu32 " on: going further back",
                     r->path, r->next, r->start);
            int err = begin(r);
            if (err < 0)
                return err;
            continue;
        }
        return conceal(r, frame);
    }
    return 0;
}
