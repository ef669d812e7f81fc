// Joins a source with itself: its video packets are one lane, all other streams go by ta_stream_choose(). For
// tests of the muxer that need no encoder. Prints what was chosen and counted, one "key value" a line.
//
//     mux_tool [--offset SECONDS] [--start SECONDS] [--end SECONDS] [--codec NAME] [--drop-video]
//     [--no-faststart] [--stdout] [--rate N/D] [--cancel-after N] IN OUT.ext
//
// --rate: what the video lane says of itself. --cancel-after: asked for the Nth time, say yes. --stdout: OUT
// only names the container. --codec: transcode all sound with this encoder. The times of the video packets
// are shifted as those of the other lanes; --offset auto is the time of the first picture.
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/parseutils.h>

#include <terminalai/error.h>
#include <terminalai/log.h>

#include "base/path.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/thread.h"
#include "media/mux/mux.h"
#include "media/source.h"

#define MAX_LANES 32

// The video lane: all packets of the main video stream, read by a demuxer of its own, as the segments of a
// restoration are.
struct video_lane {
    struct ta_lane lane;
    struct ta_source *source;
    int64_t shift, start, end; // stream's time base
    int64_t expected;          // the next decoding time
    bool begun;
};

static int video_next(struct ta_lane *lane, AVPacket *k)
{
    struct video_lane *v = (struct video_lane *)lane;
    AVStream *st = v->source->fmt->streams[v->source->video];

    while (ta_source_read_packet(v->source, k) >= 0) {
        bool out = (v->start != AV_NOPTS_VALUE && k->pts < v->start) ||
                   (v->end != AV_NOPTS_VALUE && k->pts >= v->end);
        if (k->stream_index == st->index && !out && (v->begun || (k->flags & AV_PKT_FLAG_KEY))) {
            v->begun = true;
            if (k->pts == AV_NOPTS_VALUE)
                k->pts = k->dts;
            if (k->dts == AV_NOPTS_VALUE)
                k->dts = v->expected != AV_NOPTS_VALUE ? v->expected
                                                       : k->pts - st->codecpar->video_delay * k->duration;
            v->expected = k->dts + k->duration;
            k->pts -= v->shift;
            k->dts -= v->shift;
            return 1;
        }
        av_packet_unref(k);
    }
    return 0;
}

static void video_destroy(struct ta_lane *lane)
{
    struct video_lane *v = (struct video_lane *)lane;
    avcodec_parameters_free(&lane->parameters);
    ta_source_close(&v->source);
    free(v);
}

static int video_create(struct ta_lane **out, const char *path, int64_t offset, int64_t start, int64_t end,
                        struct ta_log *log)
{
    struct video_lane *v = ta_xcalloc(1, sizeof(*v));
    int err = ta_source_open(&v->source, path, NULL, log);

    if (err >= 0 && v->source->video < 0)
        err = TA_ERR_NOT_FOUND;
    v->expected = AV_NOPTS_VALUE;
    *out = &v->lane;
    v->lane.destroy = video_destroy;
    v->lane.next = video_next;
    if (err < 0)
        return err;
    AVStream *st = v->source->fmt->streams[v->source->video];
    v->lane.time_base = st->time_base;
    v->lane.like = st;
    v->lane.frame_rate = st->avg_frame_rate;
    v->lane.sar = st->codecpar->sample_aspect_ratio;
    v->lane.parameters = avcodec_parameters_alloc();
    v->shift = ta_rescale(offset, AV_TIME_BASE_Q, st->time_base);
    v->start = ta_rescale(start, AV_TIME_BASE_Q, st->time_base);
    v->end = ta_rescale(end, AV_TIME_BASE_Q, st->time_base);
    return avcodec_parameters_copy(v->lane.parameters, st->codecpar) < 0 ? TA_ERR_NOMEM : 0;
}

struct tool {
    const char *in, *out, *codec;
    AVRational rate;
    int cancel_after; // questions; 0: never
    bool drop_video, no_faststart, to_stdout;
    int64_t offset, start, end;
    struct ta_log *log;
    struct ta_streams *streams;
    struct ta_lane *lanes[MAX_LANES];
    int count;
    struct ta_audio_transcode_stats stats;
};

static int add_stream(struct tool *t, int index, const struct ta_container_info *container)
{
    const AVStream *st = ta_streams_get(t->streams, index);
    struct ta_stream_choice c = ta_stream_choose(st->codecpar, st->disposition, container);
    enum AVMediaType type = st->codecpar->codec_type;
    struct ta_lane **lane = &t->lanes[t->count];
    int err = 0;

    if (t->codec && type == AVMEDIA_TYPE_AUDIO)
        c = (struct ta_stream_choice){
            .action = TA_STREAM_TRANSCODE, .codec = t->codec, .reason = "asked for"};
    printf("stream %d %s %s %s\n", index, ta_stream_action_name(c.action), c.codec ? c.codec : "-",
           c.reason ? c.reason : "-");
    if (c.action == TA_STREAM_DROP || type == AVMEDIA_TYPE_ATTACHMENT ||
        (st->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return 0;
    if (c.action == TA_STREAM_COPY)
        err = ta_lane_copy(lane, t->streams, index, t->offset);
    else if (type == AVMEDIA_TYPE_AUDIO)
        err = ta_lane_audio(lane, t->streams, index, t->offset, c.codec, 0, container->global_header,
                            &t->stats, t->log);
    else
        err = ta_lane_subtitle(lane, t->streams, index, t->offset, c.codec, container->global_header, t->log);
    if (err >= 0)
        t->count++;
    return err;
}

// Time of the first picture of the main video stream.
static int first_picture(struct tool *t, int64_t *time)
{
    struct ta_lane *lane;
    AVPacket *k = av_packet_alloc();
    int64_t least = INT64_MAX;

    int err = video_create(&lane, t->in, 0, t->start, t->end, t->log);
    for (int i = 0; err >= 0 && i < 50 && lane->next(lane, k) == 1; i++) {
        least = TA_MIN(least, ta_rescale(k->pts, lane->time_base, AV_TIME_BASE_Q));
        av_packet_unref(k);
    }
    ta_lane_destroy(&lane);
    av_packet_free(&k);
    *time = least == INT64_MAX ? 0 : least;
    return err;
}

static bool cancel(void *priv)
{
    struct tool *t = priv;
    return t->cancel_after && --t->cancel_after == 0 ? (t->cancel_after = 1) : false;
}

static int run(struct tool *t)
{
    struct ta_cancel canceled = {cancel, t};
    const struct ta_container_info *container = ta_container_find(ta_path_extension(t->out));
    struct ta_mux_result result = {0};
    int video = -1, err;

    if (!container)
        return TA_ERR_USAGE;
    if (t->offset == INT64_MIN) {
        err = first_picture(t, &t->offset);
        if (err < 0)
            return err;
    }
    err = ta_streams_open(&t->streams, t->in, NULL, t->start, t->end, NULL, t->log);
    if (err < 0)
        return err;
    if (!t->drop_video) {
        err = video_create(&t->lanes[0], t->in, t->offset, t->start, t->end, t->log);
        t->count = 1;
        if (err < 0)
            return err;
        video = t->lanes[0]->like->index;
        if (t->rate.num)
            t->lanes[0]->frame_rate = t->rate;
    }
    const AVFormatContext *fmt = ta_streams_format(t->streams);
    for (int i = 0; i < (int)fmt->nb_streams && t->count < MAX_LANES && err >= 0; i++) {
        if (i != video && strcmp(container->name, "y4m") != 0)
            err = add_stream(t, i, container);
    }
    if (err < 0)
        return err;
    struct ta_mux_params p = {
        .path = t->to_stdout ? "-" : t->out,
        .container = container,
        .lanes = t->lanes,
        .lane_count = t->count,
        .like = fmt,
        .offset = t->offset,
        .start = t->start,
        .end = t->end,
        .faststart = !t->no_faststart,
        .cancel = &canceled,
        .log = t->log,
    };
    err = ta_mux_write(&p, &result);
    if (err < 0)
        return err;
    printf("bytes %" PRId64 "\npackets %" PRId64 "\nearly %" PRId64 "\ndts_fixed %" PRId64 "\n", result.bytes,
           result.packets, result.early, result.dts_fixed);
    printf("gaps %" PRId64 "\noverlaps %" PRId64 "\ndecode_errors %" PRId64
           "\ngap_seconds %.3f\noverlap_seconds %.3f\n",
           t->stats.gaps, t->stats.overlaps, t->stats.decode_errors, t->stats.gap_seconds,
           t->stats.overlap_seconds);
    printf("peak_rss %" PRId64 "\n", ta_peak_rss_bytes());
    return 0;
}

static bool parse_time(const char *text, int64_t *out)
{
    double seconds;
    if (!strcmp(text, "auto")) {
        *out = INT64_MIN;
        return true;
    }
    if (ta_number_parse(text, &seconds) < 0)
        return false;
    *out = llrint(seconds * AV_TIME_BASE);
    return true;
}

static bool parse(struct tool *t, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
        bool value = i + 1 < argc;
        if (!strcmp(argv[i], "--drop-video"))
            t->drop_video = true;
        else if (!strcmp(argv[i], "--no-faststart"))
            t->no_faststart = true;
        else if (!strcmp(argv[i], "--stdout"))
            t->to_stdout = true;
        else if (value && !strcmp(argv[i], "--rate") && av_parse_video_rate(&t->rate, argv[i + 1]) >= 0)
            i++;
        else if (value && !strcmp(argv[i], "--cancel-after"))
            t->cancel_after = atoi(argv[++i]);
        else if (value && !strcmp(argv[i], "--codec"))
            t->codec = argv[++i];
        else if (value && !strcmp(argv[i], "--offset") && parse_time(argv[i + 1], &t->offset))
            i++;
        else if (value && !strcmp(argv[i], "--start") && parse_time(argv[i + 1], &t->start))
            i++;
        else if (value && !strcmp(argv[i], "--end") && parse_time(argv[i + 1], &t->end))
            i++;
        else
            return false;
    }
    if (argc - i != 2)
        return false;
    t->in = argv[i];
    t->out = argv[i + 1];
    return true;
}

int main(int argc, char **argv)
{
    struct tool t = {.start = AV_NOPTS_VALUE, .end = AV_NOPTS_VALUE};

    signal(SIGXFSZ, SIG_IGN); // a limit on file size is then an error of write()
    if (!parse(&t, argc, argv)) {
        fprintf(
            stderr,
            "usage: mux_tool [--offset SECONDS] [--start SECONDS] [--end SECONDS] [--codec NAME] [--drop-video] "
            "[--no-faststart] [--stdout] [--rate N/D] [--cancel-after N] IN OUT.ext\n");
        return 2;
    }
    ta_log_create(&t.log, NULL, NULL);
    ta_log_set_level(t.log, NULL, TA_LOG_VERBOSE);
    ta_log_set_level(t.log, "libav", getenv("TA_LIBAV_LOG") ? TA_LOG_VERBOSE : TA_LOG_QUIET);
    int err = run(&t);
    for (int i = 0; i < t.count; i++)
        ta_lane_destroy(&t.lanes[i]);
    if (!t.count)
        ta_lane_destroy(&t.lanes[0]);
    ta_streams_close(&t.streams);
    ta_log_destroy(&t.log);
    if (err < 0)
        printf("error %s\n", ta_error_text(err));
    return err < 0 ? 1 : 0;
}
