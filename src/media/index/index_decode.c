#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "media/decoder.h"
#include "media/dv/mend.h"
#include "media/index/index_build.h"
#include "media/index/index_frames.h"
#include "media/index/index_ranges.h"
#include "media/index/packet_shape.h"
#include "media/source.h"

#define HEAD_PACKETS 150 // most packets of the head, from the first key packet on
#define HEAD_MIN 16
#define SILENT_BYTES 16        // packets of at most so many may stand for a picture that does not change
#define DECODED_KEY (1u << 31) // in the flags of a decoded frame, while it is looked at here
#define IS_FIELD (TA_PACKET_FIELD_TOP | TA_PACKET_FIELD_BOTTOM)

// Decoded frames in the order they came.
struct decoded {
    struct ta_index_frame *frames; // pts: the dts that libav gives the frame, until place_frames()
    size_t count, capacity;
    uint32_t *lost; // ordinals of packets that the decoder refused, ascending
    size_t lost_count, lost_capacity;
};

// One decoder's work: on all packets, or on a range of them.
struct decode_pass {
    struct ta_index_builder *b;
    size_t first, end; // frames of these packets are taken
    bool past;         // the decoder has given a frame that is shown behind all of them
    const AVStream *stream;
    int delay; // of the decoder
    AVCodecContext *decoder;
    AVFrame *frame;
    struct decoded *out;
    uint32_t shape; // see ta_packet_needs_drain()
};

static int take_frame(struct decode_pass *d)
{
    const struct ta_index *index = d->b->index;
    struct decoded *out = d->out;
    const AVFrame *f = d->frame;
    if (f->pts < 0 || (uint64_t)f->pts >= index->packet_count) {
        ta_error(d->b->log, "%s: the %s decoder gives frames without saying of which packet",
                 d->b->source->path, d->decoder->codec->name);
        return TA_ERR_UNSUPPORTED;
    }
    // The key picture that the next range begins with is shown behind all of this one.
    d->past |= (size_t)f->pts == d->end;
    if ((size_t)f->pts < d->first || (size_t)f->pts >= d->end)
        return 0;
    int shape = ta_index_shape_of(d->b, f);
    int err = ta_try_grow((void **)&out->frames, &out->capacity, out->count + 1, sizeof(*out->frames));
    if (err < 0) {
        ta_error(d->b->log, "%s: out of memory for %zu frames", d->b->source->path, out->count);
        return err;
    }
    out->frames[out->count++] = (struct ta_index_frame){
        .pts = f->pkt_dts,
        .packet = (uint32_t)f->pts,
        .flags = (ta_frame_is_interlaced(f) ? TA_FRAME_INTERLACED : 0) |
                 (ta_frame_is_interlaced(f) && ta_frame_is_top_first(f) ? TA_FRAME_TOP_FIRST : 0) |
                 (f->repeat_pict > 0 ? TA_FRAME_REPEAT : 0) | (ta_frame_is_key(f) ? DECODED_KEY : 0) |
                 (uint32_t)shape << TA_SHAPE_SHIFT,
    };
    return 0;
}

// Decoders run single-threaded, so an error is about the packet that was sent last.
static int note_lost(struct decode_pass *d, uint32_t ordinal)
{
    struct decoded *out = d->out;
    bool own = ordinal >= d->first && ordinal < d->end;
    if (!own || (out->lost_count && out->lost[out->lost_count - 1] == ordinal))
        return 0;
    int err = ta_try_grow((void **)&out->lost, &out->lost_capacity, out->lost_count + 1, sizeof(*out->lost));
    if (err >= 0)
        out->lost[out->lost_count++] = ordinal;
    return err;
}

static int take_frames(struct decode_pass *d, uint32_t ordinal)
{
    int errors = 0;
    for (;;) {
        int ret = ta_decoder_receive(d->decoder, d->frame);
        if (ret == 0 || ret == AVERROR_EOF)
            return 0;
        if (ret < 0) {
            if (!ta_decoder_error_is_damage(ret))
                return ta_error_from_av(ret);
            int err = note_lost(d, ordinal);
            if (err < 0 || ++errors > 256) // it makes no progress
                return err;
            continue;
        }
        int err = take_frame(d);
        av_frame_unref(d->frame);
        if (err < 0)
            return err;
    }
}

static int decode_packet(struct decode_pass *d, AVPacket *packet, uint32_t ordinal)
{
    if (packet && (ta_packet_needs_drain(d->decoder->codec_id, packet, &d->shape) ||
                   ta_decoder_needs_renewal(d->decoder, packet))) {
        int err = ta_decoder_send(d->decoder, NULL, 0) < 0 ? 0 : take_frames(d, ordinal ? ordinal - 1 : 0);
        if (err >= 0)
            err = ta_decoder_turn(&d->decoder, packet, d->stream, d->delay, d->b->source->path, d->b->log);
        if (err < 0)
            return err;
    }
    int ret = ta_decoder_send(d->decoder, packet, ordinal);
    if (ret < 0) {
        if (!ta_decoder_error_is_damage(ret))
            return ta_error_from_av(ret);
        int err = note_lost(d, ordinal);
        if (err < 0)
            return err;
    }
    return take_frames(d, ordinal);
}

struct ta_dv_mender *ta_index_mender(const struct ta_source *s, int stream)
{
    bool needs = s->fmt->streams[stream]->codecpar->codec_id == AV_CODEC_ID_DVVIDEO && !s->dv;
    return needs ? ta_dv_mender_create() : NULL;
}

// The next packet of the stream, checked against the index. 1; 0 at the end; TA_ERR_*.
static int read_checked(struct ta_index_builder *b, struct ta_source *source, struct ta_dv_mender *mender,
                        AVPacket *packet, size_t n)
{
    for (int err; (err = ta_index_read_packet(source, packet)) > 0; av_packet_unref(packet)) {
        if (packet->stream_index != b->index->video)
            continue;
        const struct ta_index_packet *p = &b->index->packets[n];
        if (p->size == (uint32_t)packet->size && p->check == ta_packet_check(packet->data, packet->size)) {
            int ret = mender ? ta_dv_mender_run(mender, packet) : 0;
            return ret < 0 ? ret : 1;
        }
        av_packet_unref(packet);
        return TA_ERR_MISMATCH;
    }
    return 0;
}

// Decodes while reading: packets 0..count-1, and what the decoder holds back after them.
static int decode_in_one(struct ta_index_builder *b, struct ta_source *source, size_t count, int delay,
                         struct decoded *out)
{
    struct decode_pass d = {
        .b = b, .end = count, .out = out, .stream = source->fmt->streams[source->video], .delay = delay};
    struct ta_dv_mender *mender = ta_index_mender(source, source->video);
    AVPacket *packet = av_packet_alloc();
    d.frame = av_frame_alloc();
    int err = packet && d.frame ? 0 : TA_ERR_NOMEM;
    if (err >= 0)
        err = ta_decoder_open(&d.decoder, d.stream, delay, source->path, b->log);
    for (size_t n = 0; err >= 0 && n < count; n++) {
        if ((err = read_checked(b, source, mender, packet, n)) <= 0)
            break;
        err = decode_packet(&d, packet, (uint32_t)n);
        av_packet_unref(packet);
        ta_index_report(b, (double)(n + 1) / (double)count);
    }
    if (err >= 0)
        err = decode_packet(&d, NULL, count ? (uint32_t)count - 1 : 0);
    av_packet_free(&packet);
    av_frame_free(&d.frame);
    avcodec_free_context(&d.decoder);
    ta_dv_mender_destroy(&mender);
    return err;
}

// ---- in ranges ----

struct ranges {
    struct ta_index_builder *b;
    const struct ta_packet_range *list;
    struct decoded *results; // [range]
    const AVStream *stream;
    int delay;
    size_t count; // of all packets
};

static int decode_range(void *arg, int i, AVPacket *const *packets)
{
    const struct ranges *all = arg;
    const struct ta_packet_range *r = &all->list[i];
    struct decode_pass d = {.b = all->b,
                            .first = r->first,
                            .end = r->end,
                            .out = &all->results[i],
                            .stream = all->stream,
                            .delay = all->delay,
                            .frame = av_frame_alloc()};
    int err = d.frame ? 0 : TA_ERR_NOMEM;
    if (err >= 0)
        err = ta_decoder_open(&d.decoder, all->stream, all->delay, all->b->source->path, all->b->log);
    for (size_t n = r->from; err >= 0 && n < r->to && !d.past; n++)
        err = decode_packet(&d, packets[n - r->from], (uint32_t)n);
    if (err >= 0 && !d.past && r->to == all->count)
        err = decode_packet(&d, NULL, (uint32_t)all->count - 1);
    av_frame_free(&d.frame);
    avcodec_free_context(&d.decoder);
    return err;
}

static int read_for_crew(struct ta_index_builder *b, struct ta_source *source, size_t count,
                         struct ta_range_crew *crew)
{
    AVPacket *packet = av_packet_alloc();
    struct ta_dv_mender *mender = ta_index_mender(source, source->video);
    int err = packet ? 0 : TA_ERR_NOMEM;
    for (size_t n = 0; err >= 0 && n < count; n++) {
        if ((err = read_checked(b, source, mender, packet, n)) > 0)
            err = ta_range_crew_give(crew, packet);
        else if (err == 0)
            err = TA_ERR_MISMATCH; // shorter than it was
        av_packet_unref(packet);
        ta_index_report(b, (double)(n + 1) / (double)count);
    }
    av_packet_free(&packet);
    ta_dv_mender_destroy(&mender);
    return err;
}

static int append(struct decoded *to, const struct decoded *from)
{
    int err = ta_try_grow((void **)&to->frames, &to->capacity, to->count + from->count, sizeof(*to->frames));
    if (err >= 0)
        err = ta_try_grow((void **)&to->lost, &to->lost_capacity, to->lost_count + from->lost_count,
                          sizeof(*to->lost));
    if (err < 0)
        return err;
    if (from->count)
        memcpy(to->frames + to->count, from->frames, from->count * sizeof(*to->frames));
    if (from->lost_count)
        memcpy(to->lost + to->lost_count, from->lost, from->lost_count * sizeof(*to->lost));
    to->count += from->count;
    to->lost_count += from->lost_count;
    return 0;
}

static int decode_in_ranges(struct ta_index_builder *b, struct ta_source *source,
                            const struct ta_packet_range *list, int ranges, size_t count, int delay,
                            struct decoded *out)
{
    struct ranges all = {.b = b,
                         .list = list,
                         .results = ta_xcalloc((size_t)ranges, sizeof(*all.results)),
                         // Of the source that is not being read meanwhile.
                         .stream = b->source->fmt->streams[b->source->video],
                         .delay = delay,
                         .count = count};
    struct ta_range_crew *crew = NULL;
    int err = ta_range_crew_create(&crew, list, ranges, decode_range, &all);
    if (err >= 0) {
        err = read_for_crew(b, source, count, crew);
        err = ta_range_crew_finish(&crew, err);
    }
    for (int i = 0; i < ranges; i++) {
        if (err >= 0)
            err = append(out, &all.results[i]);
        free(all.results[i].frames);
        free(all.results[i].lost);
    }
    free(all.results);
    return err;
}

// ---- either way ----

// Times as libav's tools would show them, or AV_NOPTS_VALUE. Each depends on those before it.
static void place_frames(const struct ta_index *index, struct decoded *all)
{
    struct ta_time_guess guess = {.last_pts = AV_NOPTS_VALUE, .last_dts = AV_NOPTS_VALUE};
    for (size_t i = 0; i < all->count; i++) {
        struct ta_index_frame *f = &all->frames[i];
        f->pts = ta_time_guess_next(&guess, index->packets[f->packet].pts, f->pts);
    }
}

// Packets 0..count-1, and what the decoder holds back after them.
static int decode_packets(struct ta_index_builder *b, size_t count, struct decoded *out)
{
    struct ta_index *index = b->index;
    struct ta_packet_range *list = NULL;
    struct ta_source *source = NULL;
    const struct ta_source_known known = ta_index_known(index);
    int err = ta_source_open_known(&source, b->source->path, &known, b->source->cancel, b->log);
    if (err >= 0 && !ta_source_set_video(source, index->video))
        err = TA_ERR_MISMATCH;
    if (err >= 0) {
        const AVCodecParameters *par = source->fmt->streams[source->video]->codecpar;
        int delay = ta_index_reorder(index->packets, index->packet_count);
        int ranges = ta_packet_ranges(&list, index->packets, count, par->codec_id,
                                      TA_MAX(delay, par->video_delay));
        err = ranges > 1 && !b->in_one ? decode_in_ranges(b, source, list, ranges, count, delay, out)
                                       : decode_in_one(b, source, count, delay, out);
    }
    if (err == TA_ERR_MISMATCH)
        ta_error(b->log, "%s: it has changed while it was read", b->source->path);
    if (err >= 0) {
        place_frames(index, out);
        if (out->count)
            b->first_shape = (int)((out->frames[0].flags & TA_SHAPE_MASK) >> TA_SHAPE_SHIFT);
    }
    free(list);
    ta_source_close(&source);
    return err < 0 ? err : 0;
}

// To the third key packet, but not forever.
static size_t head_size(const struct ta_index *index)
{
    size_t first_key = 0, keys = 0, i;
    while (first_key < index->packet_count && !(index->packets[first_key].flags & TA_PACKET_KEY))
        first_key++;
    if (first_key == index->packet_count)
        first_key = 0;
    for (i = first_key; i < index->packet_count && i < first_key + HEAD_PACKETS; i++) {
        keys += index->packets[i].flags & TA_PACKET_KEY ? 1 : 0;
        if (keys >= 3 && i >= first_key + HEAD_MIN)
            break;
    }
    // Two fields are one frame: not between them.
    size_t fields = 0;
    while (fields < i && (index->packets[i - 1 - fields].flags & IS_FIELD))
        fields++;
    if (i < index->packet_count && fields % 2 && (index->packets[i].flags & IS_FIELD))
        i++;
    return TA_MIN(i, index->packet_count);
}

// Where the decoder disagrees with the parser on interlacing (or there is no parser), the decoder's word for
// the head is taken for all.
static void settle_flags(struct ta_index *index, const struct decoded *head)
{
    const uint32_t mask = TA_FRAME_INTERLACED | TA_FRAME_TOP_FIRST;
    size_t differ = 0, votes[4] = {0}, best = 0;
    for (size_t i = 0; i < head->count && i < index->frame_count; i++) {
        differ += (head->frames[i].flags & mask) != (index->frames[i].flags & mask);
        votes[(head->frames[i].flags & mask) / TA_FRAME_INTERLACED]++;
    }
    if (differ * 10 <= head->count)
        return;
    for (size_t i = 1; i < TA_COUNT(votes); i++)
        if (votes[i] > votes[best])
            best = i;
    for (size_t i = 0; i < index->frame_count; i++)
        index->frames[i].flags = (index->frames[i].flags & ~mask) | (uint32_t)best * TA_FRAME_INTERLACED;
}

int ta_index_decode_head(struct ta_index_builder *b)
{
    struct ta_index *index = b->index;
    struct decoded head = {0};
    size_t fed = head_size(index);
    uint32_t *ordinals = NULL;
    int err = decode_packets(b, fed, &head);
    if (err < 0)
        goto end;
    ordinals = malloc((head.count ? head.count : 1) * sizeof(*ordinals));
    if (!ordinals) {
        err = TA_ERR_NOMEM;
        goto end;
    }
    for (size_t i = 0; i < head.count; i++)
        ordinals[i] = head.frames[i].packet;
    int64_t missing = ta_frames_check_head(index->frames, index->frame_count, fed, ordinals, head.count);
    if (missing < 0) {
        b->why_decode = head.count ? "the first frames are not what its packets say"
                                   : "its first frames can't be decoded";
        goto end;
    }
    if (b->shape_run_count <= 1 && ta_index_shapes_differ(b)) {
        b->why_decode = "its pictures change without a word in the headers";
        goto end;
    }
    index->undecodable_start = missing;
    index->frame_count -= (size_t)missing;
    memmove(index->frames, index->frames + missing, index->frame_count * sizeof(*index->frames));
    settle_flags(index, &head);
end:
    free(ordinals);
    free(head.frames);
    free(head.lost);
    return err;
}

// Packets around the first frame that ought to have given a frame before it.
static int64_t count_undecodable(const struct ta_index *index)
{
    const struct ta_index_frame *first = &index->frames[0];
    int64_t count = 0;
    for (size_t i = 0; i < index->packet_count && i < (size_t)first->packet + 2 * TA_REORDER_MAX; i++) {
        const struct ta_index_packet *p = &index->packets[i];
        if (p->flags & (TA_PACKET_DISCARD | TA_PACKET_HIDDEN))
            continue;
        bool before = i < first->packet;
        // Leading pictures of an open GOP follow the first one in the file and precede it in time.
        int64_t time = index->packets[first->packet].pts;
        bool leading = i > first->packet && p->pts != AV_NOPTS_VALUE && time != AV_NOPTS_VALUE &&
                       p->pts < time;
        bool given = false;
        for (size_t k = 0; k < index->frame_count && k < 4 * TA_REORDER_MAX; k++)
            given |= index->frames[k].packet == i;
        count += (before || leading) && !given;
    }
    return count;
}

// A key packet is one that the decoder calls so, too: containers and libav's parsers are wrong about it for
// some old codecs.
static void settle_keys(struct ta_index *index)
{
    size_t agreed = 0;
    for (size_t i = 0; i < index->frame_count; i++)
        agreed += (index->frames[i].flags & DECODED_KEY) &&
                  (index->packets[index->frames[i].packet].flags & TA_PACKET_KEY);
    for (size_t i = 0; i < index->frame_count; i++) {
        struct ta_index_frame *f = &index->frames[i];
        if (agreed && !(f->flags & DECODED_KEY)) // not all decoders tell
            index->packets[f->packet].flags &= (uint16_t)~TA_PACKET_KEY;
        f->flags &= ~DECODED_KEY;
    }
}

// Which packets hold a frame of the list.
static uint8_t *mark_given(const struct ta_index *index)
{
    uint8_t *given = calloc(index->packet_count + 2, 1);
    for (size_t i = 0; given && i < index->frame_count; i++)
        given[index->frames[i].packet] = 1;
    return given;
}

static bool is_other_field(const struct ta_index *index, uint32_t a, uint32_t b)
{
    unsigned x = index->packets[a].flags & IS_FIELD, y = index->packets[b].flags & IS_FIELD;
    return x && y && x != y;
}

// Would this refused packet have been a frame of its own?
static bool is_missed(const struct ta_index *index, const uint8_t *given, uint32_t p)
{
    if (given[p] || (index->packets[p].flags & (TA_PACKET_DISCARD | TA_PACKET_HIDDEN)))
        return false;
    bool before = p > 0 && given[p - 1] && is_other_field(index, p, p - 1);
    bool after = p + 1 < index->packet_count && given[p + 1] && is_other_field(index, p, p + 1);
    return !before && !after;
}

static bool comes_before(const struct ta_index_frame *a, const struct ta_index_frame *b)
{
    if (a->pts != AV_NOPTS_VALUE && b->pts != AV_NOPTS_VALUE)
        return a->pts < b->pts;
    return a->packet < b->packet;
}

static int by_place(const void *a, const void *b)
{
    return comes_before(a, b) ? -1 : comes_before(b, a);
}

// Packets that the decoder refused hold frames too. They get their places in the list, so that what is made
// of it keeps its length: the reader puts a neighbour there and counts it. What comes before the first frame
// that can be decoded stays out.
static int insert_missed(struct ta_index *index, const struct decoded *all)
{
    uint8_t *given = mark_given(index);
    struct ta_index_frame *missed = calloc(all->lost_count + 1, sizeof(*missed)),
                          *merged = calloc(index->frame_count + all->lost_count, sizeof(*merged));
    size_t count = 0, out = 0, next = 0;
    if (!given || !missed || !merged) {
        free(given);
        free(missed);
        free(merged);
        return TA_ERR_NOMEM;
    }
    for (size_t i = 0; i < all->lost_count; i++) {
        uint32_t p = all->lost[i];
        struct ta_index_frame f = {.pts = index->packets[p].pts, .packet = p};
        if (!is_missed(index, given, p) || p < index->frames[0].packet || comes_before(&f, &index->frames[0]))
            continue;
        given[p] = 1;
        missed[count++] = f;
    }
    qsort(missed, count, sizeof(*missed), by_place);
    for (size_t i = 0; i < index->frame_count; i++) {
        while (next < count && comes_before(&missed[next], &index->frames[i])) {
            missed[next].flags = i ? index->frames[i - 1].flags & ~DECODED_KEY : 0;
            merged[out++] = missed[next++];
        }
        merged[out++] = index->frames[i];
    }
    while (next < count) {
        missed[next].flags = index->frames[index->frame_count - 1].flags & ~DECODED_KEY;
        merged[out++] = missed[next++];
    }
    free(index->frames);
    index->frames = merged;
    index->frame_count = out;
    free(given);
    free(missed);
    return 0;
}

// Packets that gave nothing and were not refused either: old decoders pass over nonsense in silence. Only of
// codecs each of whose packets is shown, if it is more than a few bytes that say "as before".
static int note_silent(const struct ta_index *index, enum AVCodecID codec, struct decoded *all)
{
    static const enum AVCodecID always[] = {
        AV_CODEC_ID_CINEPAK, AV_CODEC_ID_RV10,      AV_CODEC_ID_RV20,   AV_CODEC_ID_RV30,
        AV_CODEC_ID_RV40,    AV_CODEC_ID_FLV1,      AV_CODEC_ID_WMV1,   AV_CODEC_ID_WMV2,
        AV_CODEC_ID_H263,    AV_CODEC_ID_MSMPEG4V1, AV_CODEC_ID_SVQ1,   AV_CODEC_ID_MSMPEG4V2,
        AV_CODEC_ID_SVQ3,    AV_CODEC_ID_MSMPEG4V3, AV_CODEC_ID_INDEO3, AV_CODEC_ID_INDEO2};
    bool is = false;
    for (size_t i = 0; i < TA_COUNT(always); i++)
        is |= codec == always[i];
    if (!is)
        return 0;
    uint8_t *known = mark_given(index);
    uint32_t *list = calloc(index->packet_count + 1, sizeof(*list));
    size_t count = 0;
    for (size_t i = 0; known && i < all->lost_count; i++)
        known[all->lost[i]] = 2;
    for (uint32_t i = 0; known && list && i < index->packet_count; i++)
        if (known[i] == 2 || (!known[i] && index->packets[i].size > SILENT_BYTES))
            list[count++] = i;
    bool ok = known && list;
    free(known);
    if (!ok) {
        free(list);
        return TA_ERR_NOMEM;
    }
    free(all->lost);
    all->lost = list;
    all->lost_count = count;
    return 0;
}

int ta_index_decode_all(struct ta_index_builder *b)
{
    struct ta_index *index = b->index;
    struct decoded all = {0};
    int err = decode_packets(b, index->packet_count, &all);
    if (err >= 0 && !all.count) {
        ta_error(b->log, "%s: not a single frame can be decoded", b->source->path);
        err = TA_ERR_DAMAGED;
    }
    if (err < 0) {
        free(all.frames);
        free(all.lost);
        return err;
    }
    index->frames = all.frames;
    index->frame_count = all.count;
    if ((err = note_silent(index, b->source->fmt->streams[index->video]->codecpar->codec_id, &all)) < 0) {
        free(all.lost);
        return err;
    }
    if (all.lost_count)
        ta_verbose(b->log, "%s: %zu %s can't be decoded", b->source->path, all.lost_count,
                   ta_plural((int64_t)all.lost_count, "packet", "packets"));
    if (all.lost_count)
        err = insert_missed(index, &all);
    free(all.lost);
    if (err < 0)
        return err;
    settle_keys(index);
    index->undecodable_start = count_undecodable(index);
    return 0;
}
