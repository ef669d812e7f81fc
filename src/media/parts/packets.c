#include "media/parts/packets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/parts/pieces.h"

#define SOUND_SLACK 0.045 // seconds that sound may be off its pictures where it was only cut
#define SOUND_STEP 0.005  // seconds that sound which was not cut is moved for going on without a gap
#define STATED_SLACK 0.5  // seconds that a file may be shorter than its head says without a word
#define SOUND_CHUNK 1.0   // sound is stored in chunks that are no longer than this

struct ta_packets {
    struct ta_source *first; // borrowed: its demuxer reads the first file
    struct ta_piece *pieces;
    int count, streams;
    int at;                // the file that is read
    struct ta_source *now; // opened for it; NULL: the first one's
    bool *own_headers;     // [stream] each file has its own for the decoder
    enum AVDiscard *discard;
    bool told_discard;
    int64_t places; // where those that were read before are damaged
    int failed;     // AVERROR: the next file can't be opened
    int64_t bytes;
};

static struct ta_source *source_now(const struct ta_packets *p)
{
    return p->now ? p->now : p->first;
}

const struct ta_source *ta_packets_now(const struct ta_packets *p)
{
    return source_now(p);
}

// A time of a file in its own time base, in that of the first file.
static int64_t in_base(const struct ta_packets *p, const struct ta_piece *piece, int i, int64_t t)
{
    AVRational from = piece->streams[i].base, to = p->first->fmt->streams[i]->time_base;
    return t == AV_NOPTS_VALUE || !av_cmp_q(from, to) ? t : av_rescale_q(t, from, to);
}

// Fine units of one stream's time base in those of another's.
static int64_t across(const struct ta_packets *p, int from, int to, int64_t fine)
{
    AVRational a = p->first->fmt->streams[from]->time_base, b = p->first->fmt->streams[to]->time_base;
    return av_rescale(fine, (int64_t)a.num * b.den, (int64_t)a.den * b.num);
}

static double seconds_of(const struct ta_packets *p, int i, int64_t fine)
{
    return (double)fine * av_q2d(p->first->fmt->streams[i]->time_base) / TA_PIECE_FINE;
}

static int64_t ticks(int64_t fine)
{
    return fine >= 0 ? (fine + TA_PIECE_FINE / 2) / TA_PIECE_FINE
                     : -((-fine + TA_PIECE_FINE / 2) / TA_PIECE_FINE);
}

static bool has_times(const struct ta_piece_stream *s)
{
    return s->own >= 0 && s->first != AV_NOPTS_VALUE && s->end != AV_NOPTS_VALUE;
}

// Sound that was only cut goes on exactly. Were these files cut? True when their sound, put end to end, is as
// long as their pictures and never far from them on the way; far is what AVI stores in one piece, others know
// when their sound begins.
static bool was_cut(const struct ta_packets *p, int i, int clock, const int64_t *shifts)
{
    int64_t end = AV_NOPTS_VALUE;
    double away = 0, far = strcmp(p->first->fmt->iformat->name, "avi") != 0 ? SOUND_SLACK : SOUND_CHUNK;
    for (int k = 0; k < p->count; k++) {
        const struct ta_piece_stream *s = &p->pieces[k].streams[i], *c = &p->pieces[k].streams[clock];
        if (!has_times(s) || !has_times(c))
            return false;
        int64_t own = across(p, clock, i, shifts[k]), first = in_base(p, &p->pieces[k], i, s->first) + own;
        if (end == AV_NOPTS_VALUE)
            end = first;
        if (fabs(seconds_of(p, i, end - first)) > far)
            return false;
        end += in_base(p, &p->pieces[k], i, s->end - s->first);
        away = seconds_of(p, i, end) -
               seconds_of(p, clock, in_base(p, &p->pieces[k], clock, c->end) + shifts[k]);
    }
    return fabs(away) <= SOUND_SLACK;
}

static void place_sound(struct ta_packets *p, int i, int clock, const int64_t *shifts)
{
    bool cut = was_cut(p, i, clock, shifts);
    int64_t end = AV_NOPTS_VALUE;
    for (int k = 0; k < p->count; k++) {
        struct ta_piece_stream *s = &p->pieces[k].streams[i];
        int64_t shift = across(p, clock, i, shifts[k]);
        if (has_times(s)) {
            int64_t first = in_base(p, &p->pieces[k], i, s->first) + shift;
            double gap = end == AV_NOPTS_VALUE ? 0 : seconds_of(p, i, first - end);
            if (end != AV_NOPTS_VALUE && (cut || fabs(gap) <= SOUND_STEP)) {
                s->moved = -gap;
                shift += end - first;
            } else {
                s->gap = gap;
            }
            end = in_base(p, &p->pieces[k], i, s->end) + shift;
        }
        s->shift = ticks(shift);
    }
}

// Where each file begins: behind the pictures of the one before.
static int place(struct ta_packets *p)
{
    int clock = p->first->video;
    int64_t *shifts = ta_xcalloc((size_t)p->count, sizeof(*shifts)), end = 0;
    for (int i = 0; clock < 0 && i < p->streams; i++)
        clock = has_times(&p->pieces[0].streams[i]) ? i : clock;
    for (int k = 0; k < p->count; k++) {
        struct ta_piece *piece = &p->pieces[k];
        const struct ta_piece_stream *c = clock >= 0 ? &piece->streams[clock] : NULL;
        if (!c || !has_times(c)) {
            ta_error(p->first->log, "%s: nothing in it tells when it begins and ends: it can't be joined",
                     piece->path);
            free(shifts);
            return TA_ERR_DAMAGED;
        }
        int64_t first = in_base(p, piece, clock, c->first);
        shifts[k] = k ? end - first : 0;
        end = in_base(p, piece, clock, c->end) + shifts[k];
        int64_t begin = in_base(p, &p->pieces[0], clock, p->pieces[0].streams[clock].first);
        piece->start = seconds_of(p, clock, first + shifts[k] - begin);
        piece->duration = seconds_of(p, clock, end - first - shifts[k]);
    }
    for (int i = 0; i < p->streams; i++) {
        if (i != clock && p->first->fmt->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            place_sound(p, i, clock, shifts);
        for (int k = 0; k < p->count && p->first->fmt->streams[i]->codecpar->codec_type != AVMEDIA_TYPE_AUDIO;
             k++)
            p->pieces[k].streams[i].shift = ticks(across(p, clock, i, shifts[k]));
    }
    free(shifts);
    return 0;
}

static void add_chapters(struct ta_packets *p, int k, const struct ta_source *source)
{
    AVFormatContext *fmt = p->first->fmt;
    int64_t shift = llround(p->pieces[k].start * AV_TIME_BASE);
    for (unsigned i = 0; i < source->fmt->nb_chapters; i++) {
        const AVChapter *c = source->fmt->chapters[i];
        int64_t by = av_rescale_q(shift, AV_TIME_BASE_Q, c->time_base);
        ta_av_add_chapter(fmt, c->time_base, c->start + by, c->end + by, c->metadata);
    }
}

// The container's word on durations becomes that of the whole.
static void sum_durations(struct ta_packets *p)
{
    AVFormatContext *fmt = p->first->fmt;
    const struct ta_piece *last = &p->pieces[p->count - 1];
    fmt->duration = llround((last->start + last->duration) * AV_TIME_BASE);
    fmt->bit_rate = fmt->duration > 0 ? (int64_t)((double)p->bytes * 8 * AV_TIME_BASE / (double)fmt->duration)
                                      : 0;
    for (int i = 0; i < p->streams; i++) {
        AVStream *st = fmt->streams[i];
        const struct ta_piece_stream *a = &p->pieces[0].streams[i], *z = &last->streams[i];
        st->nb_frames = 0; // what the first file says
        if (has_times(a) && has_times(z))
            st->duration = ticks(in_base(p, last, i, z->end) - in_base(p, &p->pieces[0], i, a->first)) +
                           z->shift;
    }
}

// By the container's head alone: AVI by its number of pictures, which libavformat leaves as it is.
static double stated_seconds(const struct ta_source *source)
{
    const AVFormatContext *fmt = source->fmt;
    const AVStream *st = source->video >= 0 ? fmt->streams[source->video] : NULL;
    if (st && !strcmp(fmt->iformat->name, "avi") && st->nb_frames > 0 && st->avg_frame_rate.num > 0)
        return (double)st->nb_frames / av_q2d(st->avg_frame_rate);
    bool states = fmt->duration_estimation_method == AVFMT_DURATION_FROM_STREAM && fmt->duration > 0;
    return states ? (double)fmt->duration / AV_TIME_BASE : 0;
}

// A decoder of pictures can be opened anew where a file begins, with headers of its own.
static int note_headers(struct ta_packets *p, struct ta_piece *piece, const struct ta_source *source)
{
    for (int i = 0; i < p->streams; i++) {
        AVCodecParameters *first = p->first->fmt->streams[i]->codecpar;
        struct ta_piece_stream *s = &piece->streams[i];
        if (s->own < 0)
            continue;
        const AVCodecParameters *par = source->fmt->streams[s->own]->codecpar;
        if (first->codec_type == AVMEDIA_TYPE_AUDIO)
            ta_piece_blend_headers(first, par);
        if (first->codec_type != AVMEDIA_TYPE_VIDEO)
            continue;
        s->headers = ta_av_headers(par->codec_id, par->extradata, par->extradata_size);
        if (!s->headers)
            return TA_ERR_NOMEM;
        p->own_headers[i] |= ta_piece_renews(first, par);
    }
    return 0;
}

static int look_at(struct ta_packets *p, int k)
{
    struct ta_piece *piece = &p->pieces[k];
    struct ta_source *source = NULL;
    int err = ta_piece_open(&source, piece, p->first);
    if (err >= 0)
        err = ta_piece_match(piece, p->first, source, p->streams);
    if (err >= 0)
        err = ta_piece_measure(piece, source, p->streams);
    if (err >= 0)
        err = note_headers(p, piece, source);
    if (err >= 0) {
        piece->bytes = TA_MAX(ta_source_bytes(source), 0);
        piece->base = p->bytes;
        piece->chapters = source->fmt->nb_chapters > 0;
        piece->stated = stated_seconds(source);
        p->bytes += piece->bytes;
    }
    ta_source_close(&source);
    return err;
}

int ta_packets_open(struct ta_packets **out, struct ta_source *first, char *const *files, int count,
                    const struct ta_source_known *known)
{
    *out = NULL;
    struct ta_packets *p = ta_xcalloc(1, sizeof(*p));
    p->first = first;
    p->count = count;
    p->streams = (int)first->fmt->nb_streams;
    p->pieces = ta_xcalloc((size_t)count, sizeof(*p->pieces));
    p->discard = ta_xcalloc((size_t)p->streams, sizeof(*p->discard));
    p->own_headers = ta_xcalloc((size_t)p->streams, sizeof(*p->own_headers));
    for (int i = 0; i < p->streams; i++)
        p->discard[i] = first->fmt->streams[i]->discard;
    int err = 0;
    for (int k = 0; k < count && err >= 0; k++) {
        p->pieces[k].path = ta_xstrdup(files[k]);
        if (k < known->routes_count)
            ta_routes_copy(&p->pieces[k].routes, &known->routes[k]);
        p->pieces[k].streams = ta_xcalloc((size_t)p->streams, sizeof(*p->pieces[k].streams));
        err = look_at(p, k);
    }
    if (err >= 0)
        err = place(p);
    for (int k = 1; k < count && err >= 0; k++) {
        if (!p->pieces[k].chapters)
            continue;
        struct ta_source *source = NULL;
        err = ta_piece_open(&source, &p->pieces[k], first);
        if (err >= 0)
            add_chapters(p, k, source);
        ta_source_close(&source);
    }
    if (err < 0) {
        ta_packets_close(&p);
        return err;
    }
    sum_durations(p);
    *out = p;
    return 0;
}

void ta_packets_close(struct ta_packets **pp)
{
    struct ta_packets *p = *pp;
    if (!p)
        return;
    ta_source_close(&p->now);
    for (int k = 0; k < p->count; k++) {
        free(p->pieces[k].path);
        ta_routes_release(&p->pieces[k].routes);
        for (int i = 0; p->pieces[k].streams && i < p->streams; i++)
            av_buffer_unref(&p->pieces[k].streams[i].headers);
        free(p->pieces[k].streams);
    }
    free(p->pieces);
    free(p->discard);
    free(p->own_headers);
    ta_freep(pp);
}

// --- reading ---

static void apply_discard(struct ta_packets *p, int i)
{
    int own = p->pieces[p->at].streams[i].own;
    if (own >= 0)
        source_now(p)->fmt->streams[own]->discard = p->discard[i];
}

// The file from its start, or where it is when it is open already. 1: it was opened now.
static int turn_to(struct ta_packets *p, int k, bool anew)
{
    if (k == p->at && !anew)
        return 0;
    p->places += source_now(p)->reading.places;
    ta_source_close(&p->now);
    p->at = k;
    int err = ta_piece_open(&p->now, &p->pieces[k], p->first);
    if (err < 0) {
        p->failed = err == TA_ERR_CANCELED ? AVERROR_EXIT
                    : err == TA_ERR_NOMEM  ? AVERROR(ENOMEM)
                                           : AVERROR(EIO);
        return p->failed;
    }
    for (int i = 0; i < p->streams; i++)
        if (p->told_discard)
            apply_discard(p, i);
    return 1;
}

const char *ta_packets_file(const struct ta_packets *p, int k)
{
    return k < p->count ? p->pieces[k].path : NULL;
}

int64_t ta_packets_places(const struct ta_packets *p)
{
    return p->places + source_now(p)->reading.places;
}

int ta_packets_error(const struct ta_packets *p)
{
    return p->failed;
}

// First time of a file by the clock of the whole.
static int64_t begin_of(const struct ta_packets *p, int k, int i)
{
    const struct ta_piece_stream *s = &p->pieces[k].streams[i];
    return has_times(s) ? ticks(in_base(p, &p->pieces[k], i, s->first)) + s->shift : AV_NOPTS_VALUE;
}

// Sound that begins when that of the next file has begun has no pictures of its own.
static bool is_trimmed(const struct ta_packets *p, const AVPacket *packet)
{
    int i = packet->stream_index, next = p->at + 1;
    if (next >= p->count || p->pieces[next].streams[i].gap >= 0 || packet->pts == AV_NOPTS_VALUE)
        return false;
    return packet->pts >= begin_of(p, next, i);
}

// 1; 0 for a packet that has no place in the whole; an AVERROR.
static int place_packet(const struct ta_packets *p, AVPacket *packet)
{
    const struct ta_piece *piece = &p->pieces[p->at];
    int i = 0;
    while (i < p->streams && piece->streams[i].own != packet->stream_index)
        i++;
    if (i == p->streams)
        return 0; // a stream that the first file has not
    const struct ta_piece_stream *s = &piece->streams[i];
    AVRational to = p->first->fmt->streams[i]->time_base;
    if (av_cmp_q(s->base, to))
        av_packet_rescale_ts(packet, s->base, to);
    packet->stream_index = i;
    packet->pts += packet->pts != AV_NOPTS_VALUE ? s->shift : 0;
    packet->dts += packet->dts != AV_NOPTS_VALUE ? s->shift : 0;
    packet->pos += packet->pos >= 0 ? piece->base : 0;
    if (p->own_headers[i] && !(packet->opaque_ref = av_buffer_ref(s->headers)))
        return AVERROR(ENOMEM);
    return !is_trimmed(p, packet);
}

int ta_packets_read(struct ta_packets *p, AVPacket *packet)
{
    for (;;) {
        if (p->failed)
            return p->failed;
        struct ta_source *now = source_now(p);
        int ret = ta_reading_next(&now->reading, now->fmt, packet);
        if (ret >= 0) {
            int placed = place_packet(p, packet);
            if (placed > 0)
                return ret;
            av_packet_unref(packet);
            if (placed < 0)
                return placed;
            continue;
        }
        if (ret != AVERROR_EOF)
            return ret;
        if (p->at + 1 >= p->count)
            return AVERROR_EOF;
        if ((ret = turn_to(p, p->at + 1, true)) < 0)
            return ret;
    }
}

int ta_packets_seek(struct ta_packets *p, int stream, int64_t time)
{
    int i = stream >= 0 ? stream : p->first->video >= 0 ? p->first->video : 0;
    AVRational base = p->first->fmt->streams[i]->time_base;
    int64_t t = stream >= 0 ? time : av_rescale_q_rnd(time, AV_TIME_BASE_Q, base, AV_ROUND_DOWN);
    int k = p->count - 1;
    for (; k > 0; k--) {
        int64_t begin = begin_of(p, k, i);
        if (begin != AV_NOPTS_VALUE && begin <= t)
            break;
    }
    p->failed = 0;
    int ret = turn_to(p, k, false);
    if (ret < 0)
        return ret;
    const struct ta_piece_stream *s = &p->pieces[k].streams[i];
    t -= s->shift;
    if (av_cmp_q(s->base, base))
        t = av_rescale_q_rnd(t, base, s->base, AV_ROUND_DOWN);
    ta_reading_restart(&source_now(p)->reading);
    ret = av_seek_frame(source_now(p)->fmt, s->own, t, AVSEEK_FLAG_BACKWARD);
    // Its start is at or before that time, too.
    if (ret < 0 && k > 0)
        ret = turn_to(p, k, true);
    return ret < 0 ? ret : 0;
}

int ta_packets_seek_byte(struct ta_packets *p, int64_t position)
{
    int k = p->count - 1;
    while (k > 0 && p->pieces[k].base > position)
        k--;
    p->failed = 0;
    int ret = turn_to(p, k, false);
    if (ret < 0)
        return ret;
    ta_reading_restart(&source_now(p)->reading);
    return av_seek_frame(source_now(p)->fmt, -1, position - p->pieces[k].base, AVSEEK_FLAG_BYTE);
}

void ta_packets_discard(struct ta_packets *p, int stream, enum AVDiscard discard)
{
    p->discard[stream] = discard;
    p->told_discard = true;
    apply_discard(p, stream);
}

int64_t ta_packets_bytes(const struct ta_packets *p)
{
    return p->bytes;
}

int64_t ta_packets_position(const struct ta_packets *p)
{
    AVIOContext *pb = source_now(p)->fmt->pb;
    return p->pieces[p->at].base + (pb ? avio_tell(pb) : 0);
}

// Of all its streams: how long a file really is.
static double longest(const struct ta_packets *p, const struct ta_piece *piece)
{
    double most = piece->duration;
    for (int i = 0; i < p->streams; i++) {
        const struct ta_piece_stream *s = &piece->streams[i];
        if (has_times(s))
            most = fmax(most, (double)s->end * av_q2d(s->base) / TA_PIECE_FINE);
    }
    return most;
}

json_t *ta_packets_facts(const struct ta_packets *p)
{
    json_t *list = json_array();
    for (int k = 0; k < p->count; k++) {
        const struct ta_piece *piece = &p->pieces[k];
        json_t *o = json_object();
        json_object_set_new(o, "name", ta_source_text_json(ta_path_name(piece->path)));
        json_object_set_new(o, "size_bytes", json_integer(piece->bytes));
        json_object_set_new(o, "start_seconds", json_real(piece->start));
        json_object_set_new(o, "duration_seconds", json_real(piece->duration));
        if (piece->stated > longest(p, piece) + STATED_SLACK)
            json_object_set_new(o, "stated_seconds", json_real(piece->stated));
        for (int i = 0; i < p->streams; i++) {
            const struct ta_piece_stream *s = &piece->streams[i];
            if (s->moved != 0 && !json_object_get(o, "sound_moved_seconds"))
                json_object_set_new(o, "sound_moved_seconds", json_real(s->moved));
            if (s->gap != 0 && !json_object_get(o, "sound_gap_seconds"))
                json_object_set_new(o, "sound_gap_seconds", json_real(s->gap));
        }
        json_array_append_new(list, o);
    }
    return list;
}
