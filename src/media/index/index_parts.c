// Pictures that change their size or shape on the way: which frames have which.
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/decoder.h"
#include "media/fit.h"
#include "media/index/index_build.h"
#include "media/packet_feed.h"
#include "media/source.h"

// Packets that are decoded at most to learn what a header means.
#define SHAPE_PACKETS 64

int ta_index_note_shape(struct ta_index_builder *b, uint32_t packet, uint32_t key)
{
    const struct ta_shape_run *last = b->shape_run_count ? &b->shape_runs[b->shape_run_count - 1] : NULL;
    if (last && (!key || key == last->key))
        return 0;
    int err = ta_try_grow((void **)&b->shape_runs, &b->shape_run_capacity, b->shape_run_count + 1,
                          sizeof *b->shape_runs);
    if (err >= 0)
        b->shape_runs[b->shape_run_count++] = (struct ta_shape_run){packet, key};
    return err;
}

static bool is_known(AVRational sar)
{
    return sar.num > 0 && sar.den > 0;
}

static bool same_picture(const struct ta_format *a, const struct ta_format *b)
{
    return a->pix_fmt == b->pix_fmt && a->width == b->width && a->height == b->height &&
           !av_cmp_q(a->sar, b->sar);
}

static bool same_colours(const struct ta_format *a, const struct ta_format *b)
{
    return a->primaries == b->primaries && a->transfer == b->transfer && a->matrix == b->matrix &&
           a->range == b->range && a->chroma_location == b->chroma_location;
}

int ta_index_shape_of(struct ta_index_builder *b, const AVFrame *frame)
{
    const struct ta_format f = {
        .pix_fmt = ta_pix_fmt_plain(frame->format),
        .width = frame->width,
        .height = frame->height,
        .sar = is_known(frame->sample_aspect_ratio) ? frame->sample_aspect_ratio : (AVRational){0, 1},
        .primaries = frame->color_primaries,
        .transfer = frame->color_trc,
        .matrix = frame->colorspace,
        .range = ta_pix_fmt_plain(frame->format) != (enum AVPixelFormat)frame->format ? AVCOL_RANGE_JPEG
                                                                                      : frame->color_range,
        .chroma_location = frame->chroma_location,
    };
    int i = 0;
    pthread_mutex_lock(&b->shape_lock);
    while (i < b->shape_count && !(same_picture(&b->shapes[i], &f) && same_colours(&b->shapes[i], &f)))
        i++;
    if (i == b->shape_count && i < TA_SHAPES_MAX)
        b->shapes[b->shape_count++] = f;
    pthread_mutex_unlock(&b->shape_lock);
    return TA_MIN(i, TA_SHAPES_MAX - 1);
}

bool ta_index_shapes_differ(const struct ta_index_builder *b)
{
    bool differ = false;
    for (int i = 1; i < b->shape_count; i++)
        differ |= !same_picture(&b->shapes[i], &b->shapes[0]);
    return differ;
}

// What the decoder says of its pictures wins over what the headers said; what it leaves open is taken from
// these. But the container's word on the shape counts for all pictures, unless it only repeats what the codec
// says of some: then the others are as the codec says, too.
static struct ta_format resolve(const struct ta_index_builder *b, int shape)
{
    const AVStream *st = b->source->fmt->streams[b->index->video];
    const AVCodecParameters *p = st->codecpar;
    const struct ta_format *first = &b->shapes[b->first_shape], *own = &b->shapes[shape];
    struct ta_format f = b->index->format;
    AVRational told = st->sample_aspect_ratio;
    bool same_size = own->width == first->width && own->height == first->height, repeats = false;
    for (int i = 0; i < b->shape_count && is_known(told); i++) {
        const struct ta_format *g = &b->shapes[i];
        repeats |= g->width == first->width && g->height == first->height && is_known(g->sar) &&
                   ta_same_aspect(av_q2d(g->sar), av_q2d(told));
    }
    f.pix_fmt = own->pix_fmt;
    f.width = own->width;
    f.height = own->height;
    f.sar = own->sar;
    if (is_known(told) && same_size && (!repeats || !is_known(own->sar)))
        f.sar = told;
    f.primaries = own->primaries != AVCOL_PRI_UNSPECIFIED ? own->primaries : p->color_primaries;
    f.transfer = own->transfer != AVCOL_TRC_UNSPECIFIED ? own->transfer : p->color_trc;
    f.matrix = own->matrix != AVCOL_SPC_UNSPECIFIED ? own->matrix : p->color_space;
    f.range = own->range != AVCOL_RANGE_UNSPECIFIED ? own->range : p->color_range;
    f.chroma_location = own->chroma_location != AVCHROMA_LOC_UNSPECIFIED ? own->chroma_location
                                                                         : p->chroma_location;
    ta_format_resolve_colour(&f);
    return f;
}

// ---- what headers mean ----

// The shape of the first frame that packet `from` or a later one gives; -1 when none can be decoded.
static int decode_shape(struct ta_index_builder *b, struct ta_feed *feed, uint32_t from, AVPacket *packet,
                        AVFrame *frame, int *shape)
{
    AVCodecContext *decoder = NULL;
    *shape = -1;
    int err = ta_feed_start(feed, from);
    if (err >= 0)
        err = ta_decoder_open(&decoder, ta_feed_stream(feed), 0, b->source->path, b->log);
    for (int n = 0; err >= 0 && *shape < 0 && n <= SHAPE_PACKETS; n++) {
        uint32_t ordinal = from;
        int more = n < SHAPE_PACKETS ? ta_feed_next(feed, packet, &ordinal) : 0;
        if (more < 0) {
            err = more;
            break;
        }
        // Made with other headers: what this one holds back is of no interest any more.
        if (more && ta_decoder_needs_renewal(decoder, packet) &&
            (err = ta_decoder_turn(&decoder, packet, ta_feed_stream(feed), 0, b->source->path, b->log)) < 0)
            break;
        int ret = ta_decoder_send(decoder, more ? packet : NULL, ordinal);
        av_packet_unref(packet);
        while (ret >= 0 && (ret = ta_decoder_receive(decoder, frame)) > 0) {
            if (*shape < 0 && frame->pts >= (int64_t)from)
                *shape = ta_index_shape_of(b, frame);
            av_frame_unref(frame);
        }
        if (ret < 0 && !ta_decoder_error_is_damage(ret))
            err = ta_error_from_av(ret);
        if (!more)
            break;
    }
    avcodec_free_context(&decoder);
    return err;
}

struct known_shape {
    uint32_t key;
    int shape;
};

static int find_key(const struct known_shape *known, int count, uint32_t key)
{
    int i = 0;
    while (i < count && known[i].key != key)
        i++;
    return i;
}

static void mark_frames(struct ta_index_builder *b, const struct known_shape *known, int count)
{
    struct ta_index *index = b->index;
    for (size_t i = 0; i < index->frame_count; i++) {
        struct ta_index_frame *f = &index->frames[i];
        size_t low = 0, high = b->shape_run_count;
        while (high - low > 1) {
            size_t middle = (low + high) / 2;
            if (b->shape_runs[middle].packet <= f->packet)
                low = middle;
            else
                high = middle;
        }
        int at = find_key(known, count, b->shape_runs[low].key);
        uint32_t shape = (uint32_t)(at < count ? known[at].shape : b->first_shape);
        f->flags = (f->flags & ~TA_SHAPE_MASK) | shape << TA_SHAPE_SHIFT;
    }
}

int ta_index_decode_shapes(struct ta_index_builder *b)
{
    for (size_t i = 0; i < b->index->frame_count; i++) {
        uint32_t *flags = &b->index->frames[i].flags;
        *flags = (*flags & ~TA_SHAPE_MASK) | (uint32_t)b->first_shape << TA_SHAPE_SHIFT;
    }
    if (b->shape_run_count <= 1)
        return 0;
    struct known_shape known[4 * TA_SHAPES_MAX];
    int count = 0, before = b->first_shape, err = 0;
    struct ta_feed *feed = NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    err = packet && frame ? ta_feed_open(&feed, b->source->path, b->index, b->source->cancel, b->log)
                          : TA_ERR_NOMEM;
    for (size_t i = 0; err >= 0 && i < b->shape_run_count && count < (int)TA_COUNT(known); i++) {
        const struct ta_shape_run *r = &b->shape_runs[i];
        int at = find_key(known, count, r->key);
        if (at == count) {
            int shape;
            err = decode_shape(b, feed, r->packet, packet, frame, &shape);
            // One that can't be decoded gives no frames that would need it.
            known[count++] = (struct known_shape){r->key, shape < 0 ? before : shape};
        }
        before = known[at].shape;
    }
    ta_feed_close(&feed);
    av_packet_free(&packet);
    av_frame_free(&frame);
    if (err >= 0)
        mark_frames(b, known, count);
    return err;
}

// ---- parts ----

static int shape_number(const struct ta_index_frame *f)
{
    return (int)((f->flags & TA_SHAPE_MASK) >> TA_SHAPE_SHIFT);
}

struct count {
    int64_t frames;
    size_t first; // of them
};

// The shape (as a person sees it) that most frames have, and of these the size; of equals the first.
static int most_frames(const struct ta_format *shapes, const struct count *counts, int n)
{
    int best = -1;
    int64_t best_alike = 0;
    for (int i = 0; i < n; i++) {
        const struct ta_format *f = &shapes[i];
        double aspect = ta_display_aspect(f->width, f->height, f->sar);
        int64_t alike = 0, own = 0, best_own = 0;
        for (int k = 0; k < n; k++) {
            const struct ta_format *g = &shapes[k];
            if (ta_same_aspect(ta_display_aspect(g->width, g->height, g->sar), aspect))
                alike += counts[k].frames;
            own += same_picture(g, f) ? counts[k].frames : 0;
            best_own += best >= 0 && same_picture(g, &shapes[best]) ? counts[k].frames : 0;
        }
        if (!counts[i].frames)
            continue;
        if (best < 0 || alike > best_alike || (alike == best_alike && own > best_own) ||
            (alike == best_alike && own == best_own && counts[i].first < counts[best].first)) {
            best = i;
            best_alike = alike;
        }
    }
    return best;
}

static void take_format(struct ta_format *to, const struct ta_format *most)
{
    to->pix_fmt = most->pix_fmt;
    to->width = most->width;
    to->height = most->height;
    to->sar = most->sar;
    to->primaries = most->primaries;
    to->transfer = most->transfer;
    to->matrix = most->matrix;
    to->range = most->range;
    to->chroma_location = most->chroma_location;
}

void ta_index_settle_parts(struct ta_index_builder *b)
{
    struct ta_index *index = b->index;
    struct ta_format shapes[TA_SHAPES_MAX];
    struct count counts[TA_SHAPES_MAX] = {{0}};
    size_t runs = 1;
    if (!b->shape_count) // nothing was decoded: the headers' word
        return;
    for (int i = 0; i < b->shape_count; i++)
        shapes[i] = resolve(b, i);
    for (size_t i = index->frame_count; i-- > 0;) {
        struct count *c = &counts[shape_number(&index->frames[i])];
        c->frames++;
        c->first = i;
        runs += i && !same_picture(&shapes[shape_number(&index->frames[i])],
                                   &shapes[shape_number(&index->frames[i - 1])]);
    }
    take_format(&index->format, &shapes[most_frames(shapes, counts, b->shape_count)]);
    if (runs > 1)
        index->parts = ta_xcalloc(runs, sizeof *index->parts);
    const struct ta_format *last = NULL;
    for (size_t i = 0; i < index->frame_count; i++) {
        const struct ta_format *s = &shapes[shape_number(&index->frames[i])];
        if (runs > 1 && (!last || !same_picture(last, s)))
            index->parts[index->part_count++] = (struct ta_index_part){(uint32_t)i, s->width, s->height,
                                                                       s->sar, s->pix_fmt};
        last = s;
    }
    for (size_t i = 0; i < index->frame_count; i++)
        index->frames[i].flags &= ~TA_SHAPE_MASK;
}
