#include "restore/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/error.h>

#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "media/alone.h"
#include "media/av.h"

enum {
    SEAM_PACKETS = 8, // decoded after each key packet that starts a segment
    MAX_FAULTS_TOLD = 5,
};

struct stream_sum {
    int64_t packets, bytes, first, end;
};

struct check {
    const struct ta_plan *plan;
    const char *path;
    bool full;
    struct ta_meter *meter;
    struct ta_log *log;
    AVFormatContext *fmt;
    int video; // stream number in the output
    AVCodecContext *decoder;
    AVFrame *frame;
    struct stream_sum *sums;
    int64_t *times; // of the video packets, in file order
    size_t time_count, time_capacity;
    int64_t *seams; // times at which segments start, in the output's time base, rising; NULL without index
    int in_seam;    // packets still to decode after a seam
    int64_t expected_frames; // by the decoder, in the piece it works on
    int64_t got_frames, decoded;
    int64_t last_key_decoded; // time of it
    int faults;
};

static void fault(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fault(struct check *c, const char *format, ...)
{
    if (++c->faults > MAX_FAULTS_TOLD)
        return;
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    ta_error(c->log, "%s: %s", c->path, text);
    free(text);
}

static double seconds(int64_t t, AVRational tb)
{
    return t == AV_NOPTS_VALUE ? NAN : (double)t * av_q2d(tb);
}

// ---- opening ----

static int open_file(struct check *c)
{
    int err = ta_open_alone(&c->fmt, c->path);
    if (err < 0) {
        ta_error(c->log, "%s: can't be read back: %s", c->path, ta_av_text(err));
        return TA_ERR_DAMAGED;
    }
    c->video = -1;
    for (unsigned i = 0; i < c->fmt->nb_streams && c->video < 0 && !c->plan->sound_only; i++)
        if (c->fmt->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
            !(c->fmt->streams[i]->disposition & AV_DISPOSITION_ATTACHED_PIC))
            c->video = (int)i;
    if (c->video < 0 && !c->plan->sound_only) {
        ta_error(c->log, "%s: has no video stream", c->path);
        return TA_ERR_DAMAGED;
    }
    c->sums = ta_xcalloc(c->fmt->nb_streams, sizeof *c->sums);
    for (unsigned i = 0; i < c->fmt->nb_streams; i++)
        c->sums[i].first = c->sums[i].end = AV_NOPTS_VALUE;
    return 0;
}

static int open_decoder(struct check *c)
{
    const AVCodecParameters *par = c->fmt->streams[c->video]->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    c->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    c->frame = av_frame_alloc();
    if (!c->decoder || !c->frame || avcodec_parameters_to_context(c->decoder, par) < 0) {
        ta_error(c->log, "%s: no decoder for %s", c->path, avcodec_get_name(par->codec_id));
        return TA_ERR_UNSUPPORTED;
    }
    c->decoder->thread_count = c->full ? 0 : 1; // results are counted only
    c->decoder->pkt_timebase = c->fmt->streams[c->video]->time_base;
    int err = avcodec_open2(c->decoder, codec, NULL);
    if (err < 0) {
        ta_error(c->log, "%s: %s does not open: %s", c->path, codec->name, ta_av_text(err));
        return ta_error_from_av(err);
    }
    return 0;
}

// Times of the segments' first frames in the unit of the output's video stream.
static void find_seams(struct check *c)
{
    const struct ta_plan *p = c->plan;
    if (!p->index)
        return;
    c->seams = ta_xcalloc((size_t)p->segment_count, sizeof *c->seams);
    for (int i = 0; i < p->segment_count; i++)
        c->seams[i] = av_rescale_q(ta_plan_time_of(p, p->index, p->cuts[i], 0), p->out_time_base,
                                   c->fmt->streams[c->video]->time_base);
}

static bool is_seam(const struct check *c, int64_t t)
{
    int low = 0, high = c->plan->segment_count - 1;
    while (c->seams && low <= high) {
        int mid = (low + high) / 2;
        if (llabs(c->seams[mid] - t) <= 1)
            return true;
        if (c->seams[mid] < t)
            low = mid + 1;
        else
            high = mid - 1;
    }
    return false;
}

// ---- decoding ----

static void receive(struct check *c)
{
    while (avcodec_receive_frame(c->decoder, c->frame) >= 0) {
        if (ta_frame_is_damaged(c->frame))
            fault(c, "the frame at %.3f s decodes with errors",
                  seconds(c->frame->pts, c->fmt->streams[c->video]->time_base));
        c->got_frames++;
        c->decoded++;
        av_frame_unref(c->frame);
    }
}

static void decode_packet(struct check *c, const AVPacket *pkt)
{
    int err = avcodec_send_packet(c->decoder, pkt);
    if (err < 0 && err != AVERROR_EOF)
        fault(c, "the packet at %.3f s does not decode: %s",
              seconds(pkt ? pkt->pts : 0, c->fmt->streams[c->video]->time_base), ta_av_text(err));
    if (pkt)
        c->expected_frames++;
    receive(c);
}

// Ends a piece: what went in must have come out.
static void end_piece(struct check *c)
{
    if (!c->expected_frames)
        return;
    decode_packet(c, NULL);
    if (c->got_frames != c->expected_frames)
        fault(c, "%lld %s from %lld %s up to %.3f s", (long long)c->got_frames,
              ta_plural(c->got_frames, "frame decodes", "frames decode"), (long long)c->expected_frames,
              ta_plural(c->expected_frames, "packet", "packets"),
              seconds(c->time_count ? c->times[c->time_count - 1] : 0, c->fmt->streams[c->video]->time_base));
    avcodec_flush_buffers(c->decoder);
    c->expected_frames = c->got_frames = 0;
}

static void decode_sample(struct check *c, const AVPacket *pkt)
{
    if (c->full) {
        decode_packet(c, pkt);
        return;
    }
    bool key = pkt->flags & AV_PKT_FLAG_KEY;
    if (key) {
        // Intra-only codecs have nothing but key frames: one a second tells enough.
        AVRational tb = c->fmt->streams[c->video]->time_base;
        bool seam = is_seam(c, pkt->pts);
        bool due = c->last_key_decoded == AV_NOPTS_VALUE ||
                   seconds(pkt->pts - c->last_key_decoded, tb) >= 0.95 || seam;
        if (!due)
            return;
        end_piece(c);
        c->last_key_decoded = pkt->pts;
        c->in_seam = seam ? SEAM_PACKETS : 1;
    }
    if (c->in_seam > 0) {
        c->in_seam--;
        decode_packet(c, pkt);
        if (c->in_seam == 0)
            end_piece(c);
    }
}

// ---- packets ----

static int take_video(struct check *c, const AVPacket *pkt)
{
    int err = ta_try_grow((void **)&c->times, &c->time_capacity, c->time_count + 1, sizeof *c->times);
    if (err < 0)
        return err;
    c->times[c->time_count++] = pkt->pts;
    if (pkt->pts == AV_NOPTS_VALUE)
        fault(c, "a video packet has no time");
    decode_sample(c, pkt);
    return 0;
}

static int read_packets(struct check *c)
{
    AVPacket *pkt = av_packet_alloc();
    int err = pkt ? 0 : TA_ERR_NOMEM;
    int64_t size = c->fmt->pb ? avio_size(c->fmt->pb) : 0;
    while (err >= 0) {
        int got = av_read_frame(c->fmt, pkt);
        if (got == AVERROR_EOF)
            break;
        if (got < 0) {
            fault(c, "reading stops with: %s", ta_av_text(got));
            break;
        }
        struct stream_sum *s = &c->sums[pkt->stream_index];
        s->packets++;
        s->bytes += pkt->size;
        if (pkt->pts != AV_NOPTS_VALUE) {
            s->first = s->first == AV_NOPTS_VALUE ? pkt->pts : TA_MIN(s->first, pkt->pts);
            s->end = s->end == AV_NOPTS_VALUE ? pkt->pts + pkt->duration
                                              : TA_MAX(s->end, pkt->pts + pkt->duration);
        }
        if (pkt->stream_index == c->video)
            err = take_video(c, pkt);
        if (size > 0 && pkt->pos > 0)
            ta_meter_fraction(c->meter, (double)pkt->pos / (double)size * 0.9);
        if (ta_canceled(ta_meter_cancel(c->meter)))
            err = TA_ERR_CANCELED;
        av_packet_unref(pkt);
    }
    if (err >= 0)
        end_piece(c);
    av_packet_free(&pkt);
    return err;
}

// ---- comparing ----

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// Times that are nearer to each other than the container's unit come out as one, which the plan has to bear;
// without an index it is not known how near they are, only that Matroska's unit is a coarse one.
static void check_order(struct check *c)
{
    const struct ta_plan *p = c->plan;
    AVRational tb = c->fmt->streams[c->video]->time_base;
    bool coarse = av_cmp_q(p->out_time_base, tb) < 0;
    int64_t unit = p->index && coarse ? av_rescale_q_rnd(1, tb, p->out_time_base, AV_ROUND_UP) : 0,
            before = 0;
    size_t i = 0;
    for (int64_t f = p->first_frame; p->index && coarse && f < p->first_frame + p->frame_count; f++)
        for (int field = 0; field < ta_plan_fields_of(p, f); field++, i++) {
            int64_t time = ta_plan_time_of(p, p->index, f, field);
            if (i && c->times[i] == c->times[i - 1] && time - before >= unit)
                fault(c, "two frames have the same time, %.3f s", seconds(c->times[i], tb));
            before = time;
        }
    for (i = 1; !coarse && i < c->time_count; i++)
        if (c->times[i] <= c->times[i - 1])
            fault(c, "two frames have the same time, %.3f s", seconds(c->times[i], tb));
}

static void check_times(struct check *c)
{
    const struct ta_plan *p = c->plan;
    AVRational tb = c->fmt->streams[c->video]->time_base;
    if ((int64_t)c->time_count != p->out_frames) {
        fault(c, "has %zu video %s where %lld %s planned", c->time_count,
              ta_plural((int64_t)c->time_count, "frame", "frames"), (long long)p->out_frames,
              ta_plural(p->out_frames, "was", "were"));
        return;
    }
    qsort(c->times, c->time_count, sizeof *c->times, by_value);
    check_order(c);
    if (!p->index)
        return;
    // Containers round to their own unit; y4m counts frames.
    double tolerance = TA_MAX(av_q2d(tb), av_q2d(p->out_time_base)) + TA_MUX_TIME_ERROR;
    if (!strcmp(p->container->name, "y4m"))
        return;
    size_t i = 0;
    for (int64_t f = p->first_frame; f < p->first_frame + p->frame_count; f++)
        for (int field = 0; field < ta_plan_fields_of(p, f); field++, i++) {
            double want = (double)ta_plan_time_of(p, p->index, f, field) * av_q2d(p->out_time_base);
            double is = seconds(c->times[i], tb);
            if (fabs(want - is) > tolerance)
                fault(c, "frame %zu is at %.6f s where %.6f s was planned", i, is, want);
        }
}

// Sound must start where the plan says.
static void check_sync(struct check *c, struct ta_check_result *out)
{
    const struct ta_plan *p = c->plan;
    unsigned o = 0;
    for (int i = 0; i < p->stream_count; i++) {
        const struct ta_stream_plan *s = &p->streams[i];
        if (s->kind != TA_STREAM_AUDIO || s->action == TA_STREAM_DROP)
            continue;
        while (o < c->fmt->nb_streams && c->fmt->streams[o]->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            o++;
        if (o >= c->fmt->nb_streams) {
            out->sound_missing++; // nothing of it could be decoded, or nothing lies in the range
            return;
        }
        const AVStream *st = c->fmt->streams[o++];
        if (s->start == AV_NOPTS_VALUE || st->start_time == AV_NOPTS_VALUE)
            continue;
        // Of sound that begins late libav knows no start when it opens the file.
        int64_t seen = c->sums[o - 1].first, start = st->start_time;
        if (seen != AV_NOPTS_VALUE && seconds(seen - start, st->time_base) > 0.5)
            start = seen;
        double distance = fabs(seconds(start, st->time_base) - (double)TA_MAX(s->start, 0) / AV_TIME_BASE);
        double *worst = s->action == TA_STREAM_TRANSCODE ? &out->worst_sync_transcoded
                                                         : &out->worst_sync_copied;
        *worst = TA_MAX(*worst, distance);
    }
}

static json_t *sums_json(const struct check *c)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < c->fmt->nb_streams; i++) {
        const AVStream *st = c->fmt->streams[i];
        const struct stream_sum *s = &c->sums[i];
        json_t *o = json_pack("{s:s, s:I, s:I}", "codec", avcodec_get_name(st->codecpar->codec_id), "packets",
                              (json_int_t)s->packets, "bytes", (json_int_t)s->bytes);
        if (s->first != AV_NOPTS_VALUE) {
            json_object_set_new(o, "start", json_real(seconds(s->first, st->time_base)));
            json_object_set_new(o, "end", json_real(seconds(s->end, st->time_base)));
        }
        json_array_append_new(list, o);
    }
    return list;
}

int ta_check_output(const struct ta_plan *plan, const char *path, bool full, struct ta_meter *meter,
                    struct ta_check_result *out, struct ta_log *log)
{
    struct check c = {.plan = plan,
                      .path = path,
                      .full = full,
                      .meter = meter,
                      .log = log,
                      .last_key_decoded = AV_NOPTS_VALUE};
    *out = (struct ta_check_result){0};
    struct stat st;
    int err = ta_sha256_file(path, out->sha256, log);
    if (err >= 0)
        out->bytes = stat(path, &st) == 0 ? st.st_size : 0;
    if (err >= 0)
        err = open_file(&c);
    if (err >= 0 && !plan->sound_only)
        err = open_decoder(&c);
    if (err >= 0) {
        if (!plan->sound_only)
            find_seams(&c);
        err = read_packets(&c);
    }
    if (err >= 0) {
        if (!plan->sound_only)
            check_times(&c);
        check_sync(&c, out);
        out->streams = sums_json(&c);
        out->frames_decoded = c.decoded;
        if (c.faults > MAX_FAULTS_TOLD)
            ta_error(log, "%s: and %d more faults", path, c.faults - MAX_FAULTS_TOLD);
        if (c.faults)
            err = TA_ERR_DAMAGED;
    }
    av_frame_free(&c.frame);
    avcodec_free_context(&c.decoder);
    ta_close_alone(&c.fmt);
    free(c.sums);
    free(c.times);
    free(c.seams);
    return err;
}
