// Transcoded text subtitles: decoded to ASS, encoded again.
//
// mov_text has one sample on screen at any time, so what overlaps is cut into samples that hold all lines
// shown. The other codecs take events as they are. Events come in the order of their starts; one that does
// not starts where the last sample ended.
#include <stdlib.h>
#include <string.h>

#include <libavutil/mem.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "media/mux/containers.h"
#include "media/mux/streams.h"

#define MAX_TEXT (1 << 20)
#define UNKNOWN_LENGTH_MS 5000 // of a subtitle that has no end of its own
#define MAX_LENGTH_MS (24 * 3600 * 1000LL)

struct event {
    int64_t start, end; // ms of the output
    char *line;         // ASS dialogue: eight fields, then the text, all with commas between
};

struct subtitle_lane {
    struct ta_lane lane;
    struct ta_streams *streams;
    const AVStream *st;
    int64_t offset;     // AV_TIME_BASE units
    int64_t start, end; // the range in ms of the output: INT64_MIN, INT64_MAX when open
    struct ta_log *log;
    AVCodecContext *dec, *enc;
    AVPacket *packet;
    uint8_t *text;        // the encoder's result
    bool flatten;         // one sample at any time
    struct event *events; // in the order of their starts
    size_t count, room;
    int64_t cursor; // everything before is written
    int64_t known;  // no event that starts before it is still to come
    bool eof;
    int64_t bad;
};

static void destroy(struct ta_lane *lane)
{
    struct subtitle_lane *s = (struct subtitle_lane *)lane;

    if (s->bad)
        ta_problem_at(s->log, TA_PROBLEM_SUBTITLES_UNDECODABLE,
                      &(struct ta_problem_about){.args = json_pack("{s:I}", "count", (json_int_t)s->bad)},
                      "%lld %s can't be decoded (not UTF-8, perhaps) and %s left out", (long long)s->bad,
                      ta_plural(s->bad, "subtitle", "subtitles"), ta_plural(s->bad, "is", "are"));
    for (size_t i = 0; i < s->count; i++)
        free(s->events[i].line);
    free(s->events);
    free(s->text);
    avcodec_free_context(&s->dec);
    avcodec_free_context(&s->enc);
    av_packet_free(&s->packet);
    avcodec_parameters_free(&s->lane.parameters);
    ta_log_destroy(&s->log);
    free(s);
}

// The text of an ASS dialogue, behind its eighth comma.
static const char *text_of(const char *line)
{
    for (int i = 0; i < 8; i++) {
        const char *comma = strchr(line, ',');
        if (!comma)
            return line;
        line = comma + 1;
    }
    return line;
}

static int add_event(struct subtitle_lane *s, int64_t start, int64_t end, const char *line)
{
    int err = ta_try_grow((void **)&s->events, &s->room, s->count + 1, sizeof(*s->events));

    if (err < 0)
        return err;
    size_t i = s->count++;
    while (i > 0 && s->events[i - 1].start > start) {
        s->events[i] = s->events[i - 1];
        i--;
    }
    s->events[i] = (struct event){start, end, ta_xstrdup(line)};
    return 0;
}

static void remove_event(struct subtitle_lane *s, size_t i)
{
    free(s->events[i].line);
    s->count--;
    memmove(&s->events[i], &s->events[i + 1], (s->count - i) * sizeof(*s->events));
}

// Clips to the range and to what is already written, and takes it in.
static int take_decoded(struct subtitle_lane *s, const AVSubtitle *sub, const AVPacket *k)
{
    AVRational ms = {1, 1000};
    int64_t shift = ta_rescale(s->offset, AV_TIME_BASE_Q, ms);
    int64_t start, length = 0;

    if (sub->pts != AV_NOPTS_VALUE)
        start = ta_rescale(sub->pts, AV_TIME_BASE_Q, ms);
    else if (k->pts != AV_NOPTS_VALUE)
        start = ta_rescale(k->pts, s->st->time_base, ms);
    else
        return 0; // nobody knows when to show it
    start += sub->start_display_time - shift;
    if (k->duration > 0)
        length = ta_rescale(k->duration, s->st->time_base, ms);
    else if (sub->end_display_time != UINT32_MAX && sub->end_display_time > sub->start_display_time)
        length = (int64_t)sub->end_display_time - sub->start_display_time;
    if (length <= 0 || length > MAX_LENGTH_MS)
        length = UNKNOWN_LENGTH_MS;
    s->known = TA_MAX(s->known, start);
    int64_t end = TA_MIN(start + length, s->end);
    start = TA_MAX(start, s->start);
    if (s->flatten)
        start = TA_MAX(start, s->cursor);
    int err = 0;
    for (unsigned i = 0; i < sub->num_rects && end > start && err >= 0; i++) {
        if (sub->rects[i]->ass && *text_of(sub->rects[i]->ass))
            err = add_event(s, start, end, sub->rects[i]->ass);
    }
    return err;
}

// Reads and decodes one packet. TA_LANE_LATER, or 0.
static int read_more(struct subtitle_lane *s)
{
    int64_t until = s->lane.horizon == INT64_MAX ? INT64_MAX : s->lane.horizon + s->offset;
    AVSubtitle sub = {0};
    int got = 0;

    int ret = ta_streams_read(s->streams, s->st->index, until, s->packet);
    if (ret < 0 || ret == TA_LANE_LATER)
        return ret;
    if (ret == 0)
        s->eof = true; // and an empty packet, for decoders that hold text back
    ret = avcodec_decode_subtitle2(s->dec, &sub, &got, s->packet);
    int err = 0;
    if (ret < 0 && !s->eof)
        s->bad++;
    else if (got)
        err = take_decoded(s, &sub, s->packet);
    if (got)
        avsubtitle_free(&sub);
    av_packet_unref(s->packet);
    return err;
}

// Encodes one dialogue as a packet. 1, or 0 when nothing remains of it.
static int encode(struct subtitle_lane *s, char *line, int64_t start, int64_t end, AVPacket *out)
{
    AVSubtitleRect rect = {.type = SUBTITLE_ASS, .ass = line}, *rects = &rect;
    AVSubtitle sub = {.format = 1, .num_rects = 1, .rects = &rects};

    sub.pts = start * 1000;
    sub.end_display_time = (uint32_t)(end - start);
    int n = avcodec_encode_subtitle(s->enc, s->text, MAX_TEXT, &sub);
    if (n < 0) {
        s->bad++;
        ta_debug(s->log, "a subtitle can't be encoded: %s", ta_av_text(n));
        return 0;
    }
    if (n == 0)
        return 0;
    int ret = av_new_packet(out, n);
    if (ret < 0)
        return TA_ERR_NOMEM;
    memcpy(out->data, s->text, (size_t)n);
    out->pts = out->dts = start;
    out->duration = end - start;
    out->time_base = s->lane.time_base;
    out->flags |= AV_PKT_FLAG_KEY;
    return 1;
}

// All that is on screen from `start`, in one dialogue.
static char *lines_at(const struct subtitle_lane *s, int64_t start)
{
    struct ta_buf b = {0};

    for (size_t i = 0; i < s->count && s->events[i].start <= start; i++) {
        if (s->events[i].end <= start)
            continue;
        if (b.size)
            ta_buf_printf(&b, "{\\r}\\N%s", text_of(s->events[i].line));
        else
            ta_buf_puts(&b, s->events[i].line);
    }
    return ta_buf_take(&b);
}

// The next sample or event that starts before `known`. 1; 0 when there is none.
static int emit(struct subtitle_lane *s, AVPacket *out)
{
    int64_t known = s->eof ? INT64_MAX : s->known;

    while (s->count && TA_MAX(s->events[0].start, s->flatten ? s->cursor : INT64_MIN) < known) {
        int ret;
        if (!s->flatten) {
            struct event *e = &s->events[0];
            ret = encode(s, e->line, e->start, e->end, out);
            remove_event(s, 0);
        } else {
            int64_t start = TA_MAX(s->cursor, s->events[0].start), end = INT64_MAX;
            for (size_t i = 0; i < s->count; i++) {
                const struct event *e = &s->events[i];
                end = TA_MIN(end, e->start > start ? e->start : e->end);
            }
            char *lines = lines_at(s, start);
            ret = encode(s, lines, start, end, out);
            free(lines);
            s->cursor = end;
            for (size_t i = s->count; i-- > 0;) {
                if (s->events[i].end <= end)
                    remove_event(s, i);
            }
        }
        if (ret != 0)
            return ret;
    }
    return 0;
}

static int next(struct ta_lane *lane, AVPacket *packet)
{
    struct subtitle_lane *s = (struct subtitle_lane *)lane;

    for (;;) {
        int ret = emit(s, packet);
        if (ret != 0)
            return ret;
        if (s->eof)
            return 0;
        ret = read_more(s);
        if (ret == TA_LANE_LATER) {
            int64_t ms = ta_rescale(lane->horizon, AV_TIME_BASE_Q, (AVRational){1, 1000});
            s->known = TA_MAX(s->known, ms + 1);
            ret = emit(s, packet);
            return ret ? ret : TA_LANE_LATER;
        }
        if (ret < 0)
            return ret;
    }
}

static int open_codecs(struct subtitle_lane *s, const char *name, bool global_header)
{
    const AVCodecParameters *par = s->st->codecpar;
    const AVCodec *decoder = avcodec_find_decoder(par->codec_id),
                  *encoder = avcodec_find_encoder_by_name(name);

    if (!decoder || !encoder || encoder->type != AVMEDIA_TYPE_SUBTITLE ||
        !ta_subtitle_is_text(par->codec_id)) {
        ta_error(s->log, "subtitles of kind %s can't be turned into %s", avcodec_get_name(par->codec_id),
                 name);
        return TA_ERR_UNSUPPORTED;
    }
    s->dec = avcodec_alloc_context3(decoder);
    s->enc = avcodec_alloc_context3(encoder);
    if (!s->dec || !s->enc || avcodec_parameters_to_context(s->dec, par) < 0)
        return TA_ERR_NOMEM;
    s->dec->pkt_timebase = s->st->time_base;
    int ret = ta_av_open(s->dec, decoder, NULL);
    if (ret >= 0) {
        s->enc->time_base = s->lane.time_base;
        s->enc->flags |= AV_CODEC_FLAG_BITEXACT | (global_header ? AV_CODEC_FLAG_GLOBAL_HEADER : 0);
        if (s->dec->subtitle_header) {
            size_t n = (size_t)s->dec->subtitle_header_size;
            s->enc->subtitle_header = av_mallocz(n + 1);
            if (!s->enc->subtitle_header)
                return TA_ERR_NOMEM;
            memcpy(s->enc->subtitle_header, s->dec->subtitle_header, n);
            s->enc->subtitle_header_size = s->dec->subtitle_header_size;
        }
        ret = ta_av_open(s->enc, encoder, NULL);
    }
    if (ret < 0) {
        ta_error(s->log, "subtitles can't be turned from %s into %s: %s", decoder->name, encoder->name,
                 ta_av_text(ret));
        return ta_error_from_av(ret);
    }
    s->flatten = encoder->id == AV_CODEC_ID_MOV_TEXT;
    s->packet = av_packet_alloc();
    s->lane.parameters = avcodec_parameters_alloc();
    if (!s->packet || !s->lane.parameters || avcodec_parameters_from_context(s->lane.parameters, s->enc) < 0)
        return TA_ERR_NOMEM;
    return 0;
}

int ta_lane_subtitle(struct ta_lane **out, struct ta_streams *streams, int stream, int64_t offset,
                     const char *codec, bool global_header, struct ta_log *log)
{
    *out = NULL;
    int err = ta_streams_claim(streams, stream);
    if (err < 0)
        return err;
    struct subtitle_lane *s = ta_xcalloc(1, sizeof(*s));
    struct ta_lane *lane = &s->lane;
    AVRational ms = {1, 1000};
    int64_t start, end;

    s->log = ta_log_child(log, "subtitles %d", stream);
    s->streams = streams;
    s->st = ta_streams_get(streams, stream);
    s->offset = offset;
    ta_streams_range(streams, &start, &end);
    s->start = start == AV_NOPTS_VALUE ? INT64_MIN : ta_rescale(start - offset, AV_TIME_BASE_Q, ms);
    s->end = end == AV_NOPTS_VALUE ? INT64_MAX : ta_rescale(end - offset, AV_TIME_BASE_Q, ms);
    s->cursor = s->known = INT64_MIN;
    s->text = ta_xcalloc(MAX_TEXT, 1);
    lane->next = next;
    lane->destroy = destroy;
    lane->horizon = INT64_MAX;
    lane->like = s->st;
    lane->time_base = ms;
    err = open_codecs(s, codec, global_header);
    if (err < 0) {
        ta_lane_destroy(&lane);
        return err;
    }
    *out = lane;
    return 0;
}
