#include "media/parts/pieces.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/words.h"

#define HEAD_PACKETS 24 // of a stream: more than are ever reordered
#define HEAD_READ 4000  // of all streams
#define TAIL_SECONDS 4
#define TAIL_BYTES (1 << 20) // where only bytes lead there
#define CLOCK_STEP 0.5       // seconds: more than the order of pictures hides, less than a recording is long

// --- does it fit? ---

static int differs(const struct ta_source *first, const struct ta_source *source, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

static int differs(const struct ta_source *first, const struct ta_source *source, const char *what, ...)
{
    char text[256];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof(text), what, args);
    va_end(args);
    ta_error(source->log, "%s can't be joined to %s: %s", source->path, ta_path_name(first->path), text);
    return TA_ERR_MISMATCH;
}

static bool equal_headers(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a->extradata_size == b->extradata_size &&
           (a->extradata_size <= 0 || !memcmp(a->extradata, b->extradata, (size_t)a->extradata_size));
}

// FLAC's STREAMINFO: sizes of blocks; sizes of frames; rate, channels and bits; then the number of samples
// and their MD5, which are of this file alone.
enum { FLAC_FRAMES = 4, FLAC_FORMAT = 10, FLAC_SAMPLES = 13, FLAC_SIZE = 34 };

static bool is_flac(const AVCodecParameters *p)
{
    return p->codec_id == AV_CODEC_ID_FLAC && p->extradata_size >= FLAC_SIZE;
}

// Would a decoder that was opened with the headers of the first decode the other's sound and subtitles?
static bool same_headers(const AVCodecParameters *a, const AVCodecParameters *b)
{
    const uint8_t *x = a->extradata, *y = b->extradata;
    switch (a->codec_id) {
    case AV_CODEC_ID_MP2: // all is in the packets
    case AV_CODEC_ID_MP3:
    case AV_CODEC_ID_AC3:
        return true;
    case AV_CODEC_ID_AAC: // profile, rate and channels; what follows repeats the rate
        return equal_headers(a, b) || (a->extradata_size >= 2 && b->extradata_size >= 2 && !memcmp(x, y, 2));
    case AV_CODEC_ID_FLAC:
        return equal_headers(a, b) ||
               (is_flac(a) && is_flac(b) && !memcmp(x, y, FLAC_FRAMES) &&
                !memcmp(x + FLAC_FORMAT, y + FLAC_FORMAT, FLAC_SAMPLES - FLAC_FORMAT) &&
                (x[FLAC_SAMPLES] ^ y[FLAC_SAMPLES]) < 16);
    default:
        return a->codec_type == AVMEDIA_TYPE_VIDEO || equal_headers(a, b);
    }
}

bool ta_piece_renews(const AVCodecParameters *a, const AVCodecParameters *b)
{
    // MPEG's are in the packets, and pictures may refer to those of the file before.
    bool mpeg = a->codec_id == AV_CODEC_ID_MPEG1VIDEO || a->codec_id == AV_CODEC_ID_MPEG2VIDEO;
    return !mpeg && !equal_headers(a, b);
}

void ta_piece_blend_headers(AVCodecParameters *whole, const AVCodecParameters *other)
{
    if (!is_flac(whole) || equal_headers(whole, other))
        return;
    memset(whole->extradata + FLAC_FRAMES, 0, FLAC_FORMAT - FLAC_FRAMES); // not known
    whole->extradata[FLAC_SAMPLES] &= 0xf0;
    memset(whole->extradata + FLAC_SAMPLES + 1, 0, FLAC_SIZE - FLAC_SAMPLES - 1);
}

static const char *pix_fmt_name(int format)
{
    const char *name = av_get_pix_fmt_name(format);
    return name ? name : "unknown";
}

static int match_video(const struct ta_source *first, const struct ta_source *source, AVStream *a,
                       AVStream *b)
{
    const AVCodecParameters *p = a->codecpar, *q = b->codecpar;
    if (p->width != q->width || p->height != q->height)
        return differs(first, source, "its pictures are %dx%d instead of %dx%d", q->width, q->height,
                       p->width, p->height);
    if (p->format != q->format)
        return differs(first, source, "its pictures are %s instead of %s", pix_fmt_name(q->format),
                       pix_fmt_name(p->format));
    AVRational x = av_guess_sample_aspect_ratio(first->fmt, a, NULL),
               y = av_guess_sample_aspect_ratio(source->fmt, b, NULL);
    if (x.num > 0 && y.num > 0 && av_cmp_q(x, y))
        return differs(first, source, "its pixels have the shape %d:%d instead of %d:%d", y.num, y.den, x.num,
                       x.den);
    x = ta_usual_frame_rate(av_guess_frame_rate(first->fmt, a, NULL), 1e-3);
    y = ta_usual_frame_rate(av_guess_frame_rate(source->fmt, b, NULL), 1e-3);
    // The rate of a short file is a guess; what differs by this is another.
    if (x.num > 0 && y.num > 0 && (av_q2d(x) > 1.1 * av_q2d(y) || av_q2d(y) > 1.1 * av_q2d(x)))
        return differs(first, source, "it has %.3f frames a second instead of %.3f", av_q2d(y), av_q2d(x));
    return 0;
}

static int match_audio(const struct ta_source *first, const struct ta_source *source, const AVStream *a,
                       const AVStream *b)
{
    const AVCodecParameters *p = a->codecpar, *q = b->codecpar;
    if (p->sample_rate != q->sample_rate)
        return differs(first, source, "its sound has %d samples a second instead of %d", q->sample_rate,
                       p->sample_rate);
    if (p->ch_layout.nb_channels != q->ch_layout.nb_channels)
        return differs(first, source, "its sound has %d %s instead of %d", q->ch_layout.nb_channels,
                       ta_plural(q->ch_layout.nb_channels, "channel", "channels"), p->ch_layout.nb_channels);
    return 0;
}

static int match_stream(const struct ta_source *first, const struct ta_source *source, AVStream *a,
                        AVStream *b)
{
    const AVCodecParameters *p = a->codecpar, *q = b->codecpar;
    const char *kind = p->codec_type == AVMEDIA_TYPE_VIDEO   ? "pictures are"
                       : p->codec_type == AVMEDIA_TYPE_AUDIO ? "sound is"
                                                             : "subtitles are";
    if (p->codec_id != q->codec_id)
        return differs(first, source, "its %s %s instead of %s", kind, avcodec_get_name(q->codec_id),
                       avcodec_get_name(p->codec_id));
    int err = p->codec_type == AVMEDIA_TYPE_VIDEO   ? match_video(first, source, a, b)
              : p->codec_type == AVMEDIA_TYPE_AUDIO ? match_audio(first, source, a, b)
                                                    : 0;
    if (err >= 0 && !same_headers(p, q))
        return differs(first, source, "its %s made with other settings (%s)", kind,
                       avcodec_get_name(p->codec_id));
    return err;
}

static bool is_media(enum AVMediaType type)
{
    return type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO || type == AVMEDIA_TYPE_SUBTITLE;
}

// The n-th stream of a kind goes on the n-th of this kind.
static int find_stream(const struct ta_source *source, enum AVMediaType type, int n)
{
    for (unsigned i = 0; i < source->fmt->nb_streams; i++)
        if (source->fmt->streams[i]->codecpar->codec_type == type && n-- == 0)
            return (int)i;
    return -1;
}

static int count_streams(const struct ta_source *source, enum AVMediaType type)
{
    int n = 0;
    while (find_stream(source, type, n) >= 0)
        n++;
    return n;
}

int ta_piece_match(struct ta_piece *piece, const struct ta_source *first, const struct ta_source *source,
                   int count)
{
    static const struct {
        enum AVMediaType type;
        const char *name;
    } kinds[] = {
        {AVMEDIA_TYPE_VIDEO, "video"}, {AVMEDIA_TYPE_AUDIO, "sound"}, {AVMEDIA_TYPE_SUBTITLE, "subtitle"}};
    for (size_t k = 0; k < TA_COUNT(kinds); k++) {
        int a = count_streams(first, kinds[k].type), b = count_streams(source, kinds[k].type);
        if (a != b)
            return differs(first, source, "it has %d %s %s instead of %d", b, kinds[k].name,
                           ta_plural(b, "stream", "streams"), a);
    }
    int seen[AVMEDIA_TYPE_NB] = {0};
    for (int i = 0; i < count; i++) {
        AVStream *a = first->fmt->streams[i];
        enum AVMediaType type = a->codecpar->codec_type;
        struct ta_piece_stream *s = &piece->streams[i];
        s->own = type < 0 ? -1 : find_stream(source, type, seen[type]++);
        if (s->own < 0)
            continue;
        AVStream *b = source->fmt->streams[s->own];
        s->base = b->time_base;
        int err = is_media(type) ? match_stream(first, source, a, b) : 0;
        if (err < 0)
            return err;
    }
    return 0;
}

// --- where does it begin and end? ---

static int stream_of(const struct ta_piece *piece, int count, int own)
{
    for (int i = 0; i < count; i++)
        if (piece->streams[i].own == own)
            return i;
    return -1;
}

// A picture's duration to a thousandth of a tick: the container may have rounded it.
static int64_t fine_duration(const struct ta_source *source, AVStream *st, const AVPacket *packet)
{
    int64_t duration = TA_MAX(packet->duration, 0) * TA_PIECE_FINE;
    if (st->codecpar->codec_type != AVMEDIA_TYPE_VIDEO)
        return duration;
    AVRational rate = ta_usual_frame_rate(av_guess_frame_rate(source->fmt, st, NULL), 1e-3);
    if (rate.num <= 0 || rate.den <= 0)
        return duration;
    int64_t exact = av_rescale(TA_PIECE_FINE * (int64_t)rate.den, st->time_base.den,
                               (int64_t)rate.num * st->time_base.num);
    return !duration || llabs(exact - duration) < TA_PIECE_FINE ? exact : duration;
}

// Where times are rounded to coarse ticks, pictures at a constant rate tell the length of all better.
static void even_out(struct ta_piece_stream *s, const struct ta_source *source)
{
    AVStream *st = source->fmt->streams[s->own];
    AVRational rate = ta_usual_frame_rate(av_guess_frame_rate(source->fmt, st, NULL), 1e-3);
    if (st->codecpar->codec_type != AVMEDIA_TYPE_VIDEO || s->end == AV_NOPTS_VALUE || rate.num <= 0 ||
        rate.den <= 0)
        return;
    int64_t a = (int64_t)rate.den * st->time_base.den, b = (int64_t)rate.num * st->time_base.num;
    int64_t frames = av_rescale(s->end - s->first, b, a * TA_PIECE_FINE);
    int64_t length = av_rescale(frames * TA_PIECE_FINE, a, b);
    if (llabs(s->end - s->first - length) < TA_PIECE_FINE)
        s->end = s->first + length;
}

struct seen {
    int packets;
    bool has_pts;
};

static void note(struct ta_piece_stream *s, struct seen *seen, const struct ta_source *source,
                 const AVPacket *packet, bool head, bool tail)
{
    AVStream *st = source->fmt->streams[packet->stream_index];
    int64_t t = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (t == AV_NOPTS_VALUE || llabs(t) > ((int64_t)1 << 50))
        return;
    int64_t start = t * TA_PIECE_FINE;
    if (head && seen->packets < HEAD_PACKETS && (s->first == AV_NOPTS_VALUE || start < s->first))
        s->first = start;
    seen->packets++;
    if (!tail)
        return;
    int64_t end = start + fine_duration(source, st, packet);
    if (s->end == AV_NOPTS_VALUE || end > s->end)
        s->end = end;
}

// Reads on to the end, or until each stream has shown its start. What can't be read is the end.
static int read_on(struct ta_piece *piece, struct ta_source *source, int count, struct seen *seen, bool head,
                   bool tail)
{
    AVPacket *packet = av_packet_alloc();
    if (!packet)
        return TA_ERR_NOMEM;
    int errors = 0, err = 0;
    for (int64_t n = 0; err >= 0; n++) {
        bool enough = !tail && n >= HEAD_READ;
        for (int i = 0; !tail && !enough && i < count; i++) {
            enum AVMediaType type = piece->streams[i].own < 0
                                        ? AVMEDIA_TYPE_UNKNOWN
                                        : source->fmt->streams[piece->streams[i].own]->codecpar->codec_type;
            if ((type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO) && seen[i].packets < HEAD_PACKETS)
                break;
            enough = i == count - 1;
        }
        if (enough)
            break;
        int ret = ta_source_read_packet(source, packet);
        if (ta_canceled(source->cancel) || ret == AVERROR(ENOMEM))
            err = ret == AVERROR(ENOMEM) ? TA_ERR_NOMEM : TA_ERR_CANCELED;
        else if (ret == AVERROR_EOF || (ret < 0 && ++errors > 1000))
            break;
        if (err < 0 || ret < 0)
            continue;
        int i = stream_of(piece, count, packet->stream_index);
        if (i >= 0)
            note(&piece->streams[i], &seen[i], source, packet, head, tail);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return err;
}

// Containers whose index leads to the tail, with the times that reading from the start gives.
static bool seeks_exactly(const struct ta_source *source)
{
    const char *name = source->fmt->iformat->name;
    return !strcmp(name, "avi") || strstr(name, "mp4") || strstr(name, "matroska");
}

bool ta_piece_clock_goes_on(const struct ta_source *a, const struct ta_source *b)
{
    if (a->video < 0 || b->video < 0)
        return true;
    const AVStream *x = a->fmt->streams[a->video], *y = b->fmt->streams[b->video];
    if (x->start_time == AV_NOPTS_VALUE || y->start_time == AV_NOPTS_VALUE)
        return true;
    const double period = 8589934592.0 / 90000; // of its 33 bits
    double later = remainder(
        (double)y->start_time * av_q2d(y->time_base) - (double)x->start_time * av_q2d(x->time_base), period);
    if (x->duration <= 0)
        return later > 0;
    return later > 0 && fabs(later - (double)x->duration * av_q2d(x->time_base)) <= CLOCK_STEP;
}

// Near its end, by time or by bytes. False when neither leads there, or it is too short for it to be of use.
static bool seek_tail(struct ta_source *source)
{
    const AVFormatContext *fmt = source->fmt;
    if (!strcmp(fmt->iformat->name, "mpegts") || !strcmp(fmt->iformat->name, "mpeg")) {
        int64_t size = ta_source_bytes(source);
        return size > 4 * TAIL_BYTES && ta_source_seek_byte(source, size - TAIL_BYTES) >= 0;
    }
    if (!seeks_exactly(source) || source->video < 0 || fmt->duration <= 0)
        return false;
    int64_t start = fmt->start_time != AV_NOPTS_VALUE ? fmt->start_time : 0;
    int64_t to = start + fmt->duration - TAIL_SECONDS * (int64_t)AV_TIME_BASE;
    if (to <= start || fmt->duration > INT64_MAX / 4)
        return false;
    const AVStream *st = fmt->streams[source->video];
    return ta_source_seek(source, source->video, av_rescale_q(to, AV_TIME_BASE_Q, st->time_base)) >= 0;
}

// The tail alone. False when it does not show the end of each stream.
static bool read_tail(struct ta_piece *piece, struct ta_source *source, int count, const struct seen *head)
{
    const AVFormatContext *fmt = source->fmt;
    if (!seek_tail(source))
        return false;
    struct seen *tail = ta_xcalloc((size_t)count + 1, sizeof(*tail));
    bool whole = read_on(piece, source, count, tail, false, true) >= 0;
    for (int i = 0; i < count; i++)
        whole &= !head[i].packets || tail[i].packets ||
                 fmt->streams[piece->streams[i].own]->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE ||
                 fmt->streams[piece->streams[i].own]->codecpar->codec_type == AVMEDIA_TYPE_DATA;
    free(tail);
    return whole;
}

int ta_piece_open(struct ta_source **out, const struct ta_piece *piece, const struct ta_source *first)
{
    const struct ta_source_known known = {.routes = &piece->routes,
                                          .routes_count = piece->routes.packet_bytes ? 1 : 0};
    return ta_source_open_known(out, piece->path, &known, first->cancel, first->log);
}

int ta_piece_measure(struct ta_piece *piece, struct ta_source *source, int count)
{
    struct seen *seen = ta_xcalloc((size_t)count + 1, sizeof(*seen));
    for (int i = 0; i < count; i++)
        piece->streams[i].first = piece->streams[i].end = AV_NOPTS_VALUE;
    int err = read_on(piece, source, count, seen, true, false);
    if (err >= 0 && !read_tail(piece, source, count, seen)) {
        // All of it, from the start again.
        struct ta_source *again = NULL;
        memset(seen, 0, (size_t)count * sizeof(*seen));
        for (int i = 0; i < count; i++)
            piece->streams[i].first = piece->streams[i].end = AV_NOPTS_VALUE;
        err = ta_piece_open(&again, piece, source);
        if (err >= 0)
            err = read_on(piece, again, count, seen, true, true);
        ta_source_close(&again);
    }
    for (int i = 0; i < count && err >= 0; i++)
        if (piece->streams[i].own >= 0)
            even_out(&piece->streams[i], source);
    free(seen);
    return err;
}
