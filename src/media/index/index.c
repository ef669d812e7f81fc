#include "media/index/index.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/words.h"
#include "media/index/index_build.h"
#include "media/lost_bytes.h"
#include "media/index/index_frames.h"
#include "media/parts/bytes.h"
#include "media/parts/packets.h"

#define AUDIO_TOLERANCE_MS 5
// In broadcasts and on DVDs: no reception pauses longer, but clocks of other recordings do.
#define LONGEST_GAP_SECONDS 600
#define MAX_PACKETS (UINT32_MAX - 1)

struct ta_index *ta_index_share(struct ta_index *index)
{
    atomic_fetch_add(&index->shares, 1);
    return index;
}

void ta_index_destroy(struct ta_index **index)
{
    if (!*index)
        return;
    if (atomic_fetch_sub(&(*index)->shares, 1) > 0) {
        *index = NULL;
        return;
    }
    free((*index)->packets);
    free((*index)->frames);
    free((*index)->streams);
    free((*index)->clocks);
    ta_dv_table_destroy(&(*index)->dv);
    free((*index)->parts);
    free((*index)->scenes);
    free((*index)->patches);
    free((*index)->splices);
    for (int i = 0; i < (*index)->routes_count; i++)
        ta_routes_release(&(*index)->routes[i]);
    free((*index)->routes);
    ta_freep(index);
}

struct ta_source_known ta_index_known(const struct ta_index *index)
{
    return (struct ta_source_known){.dv = index->dv,
                                    .patches = index->patches,
                                    .patch_count = index->patch_count,
                                    .splices = index->splices,
                                    .splice_count = index->splice_count,
                                    .routes = index->routes,
                                    .routes_count = index->routes_count};
}

int64_t ta_index_frame_duration(const struct ta_index *index, size_t i)
{
    return (i + 1 < index->frame_count ? index->frames[i + 1].pts : index->end_pts) - index->frames[i].pts;
}

void ta_index_report(struct ta_index_builder *b, double done)
{
    double now = ta_clock_seconds();
    if (!b->progress || !b->progress->report || now - b->reported < 0.05)
        return;
    b->reported = now;
    b->progress->report(b->progress->priv,
                        b->progress_from + (b->progress_to - b->progress_from) * av_clipd(done, 0, 1));
}

int ta_index_read_packet(struct ta_source *s, AVPacket *packet)
{
    int ret = ta_source_read_packet(s, packet);
    if (ta_canceled(s->cancel)) {
        av_packet_unref(packet);
        return TA_ERR_CANCELED;
    }
    if (ret >= 0)
        return 1;
    if (ret == AVERROR_EOF)
        return 0;
    if (ret != AVERROR(ENOMEM))
        ta_error(s->log, "%s: reading fails at byte %" PRId64 ": %s", s->path, ta_source_position(s),
                 ta_av_text(ret));
    return ta_error_from_av(ret);
}

static void measure_stream(struct ta_index_stream *s, const AVStream *st, const AVPacket *packet)
{
    int64_t start = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    s->packets++;
    s->bytes += packet->size;
    s->encrypted += av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL) != NULL;
    if (start == AV_NOPTS_VALUE || llabs(start) > ((int64_t)1 << 58))
        return;
    int64_t end = start + av_clip64(packet->duration, 0, (int64_t)1 << 40);
    if (st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && s->end_pts != AV_NOPTS_VALUE) {
        int64_t tolerance = av_rescale_q(AUDIO_TOLERANCE_MS, (AVRational){1, 1000}, st->time_base);
        int64_t gap = start - s->end_pts;
        if (gap > tolerance) {
            s->gaps++;
            s->gap_time += gap;
        } else if (-gap > tolerance) {
            s->overlaps++;
            s->overlap_time -= gap;
        }
        s->end_pts = end;
    }
    if (s->first_pts == AV_NOPTS_VALUE || start < s->first_pts)
        s->first_pts = start;
    if (s->end_pts == AV_NOPTS_VALUE || end > s->end_pts)
        s->end_pts = end;
}

// Is there no container that would tell of what is missing?
static bool is_bare(const struct ta_source *s)
{
    const char *demuxer = s->fmt->iformat->name;
    return !s->packets && (!strcmp(demuxer, "h264") || !strcmp(demuxer, "hevc") || !strcmp(demuxer, "h261"));
}

static int add_packet(struct ta_index_builder *b, const AVPacket *packet)
{
    struct ta_index *index = b->index;
    size_t n = index->packet_count;
    if (n >= MAX_PACKETS) {
        ta_error(b->log, "%s: more packets than can be counted", b->source->path);
        return TA_ERR_UNSUPPORTED;
    }
    int err = ta_try_grow((void **)&index->packets, &b->capacity, n + 1, sizeof(*index->packets));
    if (err < 0) {
        ta_error(b->log, "%s: out of memory for %zu packets", b->source->path, n);
        return err;
    }
    if (!ta_packet_parser_examine(b->parser, packet, &index->packets[n]) && !b->why_decode)
        b->why_decode = "some packets hold no frame, or several";
    index->packet_count = n + 1;
    if (is_bare(b->source)) {
        err = ta_try_grow((void **)&b->numbers, &b->numbers_capacity, n + 1, sizeof(*b->numbers));
        if (err < 0)
            return err;
        b->numbers[n] = ta_packet_parser_number(b->parser);
    }
    if ((err = ta_index_note_shape(b, (uint32_t)n, ta_packet_parser_shape(b->parser, packet))) < 0)
        return err;
    const struct ta_dv_facts *dv = ta_packet_parser_dv(b->parser);
    if (dv && (err = ta_dv_scenes_add(&b->scenes, (uint32_t)n, dv)) < 0)
        return err;
    int64_t end = packet->pts == AV_NOPTS_VALUE || packet->duration <= 0 ||
                          packet->duration > ((int64_t)1 << 40)
                      ? AV_NOPTS_VALUE
                      : index->packets[n].pts + packet->duration;
    if (index->packets[n].pts != AV_NOPTS_VALUE && end != AV_NOPTS_VALUE && end > b->packets_end)
        b->packets_end = end;
    return 0;
}

static int read_all_packets(struct ta_index_builder *b)
{
    struct ta_source *s = b->source;
    struct ta_index *index = b->index;
    AVPacket *packet = av_packet_alloc();
    if (!packet)
        return TA_ERR_NOMEM;
    int64_t size = ta_source_bytes(s);
    int err;
    while ((err = ta_index_read_packet(s, packet)) > 0) {
        ta_index_grow_streams(b);
        ta_index_watch_stream(b, packet);
        measure_stream(&index->streams[packet->stream_index], s->fmt->streams[packet->stream_index], packet);
        err = packet->stream_index == s->video ? add_packet(b, packet) : 0;
        av_packet_unref(packet);
        if (err < 0)
            break;
        if (size > 0)
            ta_index_report(b, (double)ta_source_position(s) / (double)size);
    }
    av_packet_free(&packet);
    ta_index_grow_streams(b);
    ta_index_end_streams(b);
    if (err >= 0 && !index->packet_count) {
        ta_error(b->log, "%s: the video stream is empty", s->path);
        err = TA_ERR_FORMAT;
    }
    return err;
}

// The nominal rate where the headers tell another than the frames have (or none). `step` is their typical
// duration.
static AVRational measured_rate(const struct ta_index *index, double step, AVRational stated)
{
    if (index->frame_count < 3)
        return stated;
    double rate = 1 / (step * av_q2d(index->time_base)), said = stated.num > 0 ? av_q2d(stated) : 0;
    // Variable rates: the mean says little, but a rate that is far from it says nothing.
    bool steady = (double)(index->variable - index->time_jumps) < 0.02 * (double)index->frame_count;
    if (said > 0 && (steady ? fabs(said / rate - 1) <= 0.01 : said <= 2.1 * rate && rate <= 2.1 * said))
        return stated;
    if (!steady)
        return (AVRational){0, 1};
    return ta_usual_frame_rate(av_d2q(rate, 100000), 0.0004);
}

// Interlaced frames come flagged by the parser where it knows, else by the decoder for the head.
static void settle_scan(struct ta_index *index)
{
    size_t votes[3] = {0};
    for (size_t i = 0; i < index->frame_count; i++) {
        uint32_t flags = index->frames[i].flags;
        votes[!(flags & TA_FRAME_INTERLACED) ? TA_SCAN_PROGRESSIVE
              : flags & TA_FRAME_TOP_FIRST   ? TA_SCAN_TFF
                                             : TA_SCAN_BFF]++;
    }
    enum ta_scan_type most = TA_SCAN_PROGRESSIVE;
    for (int i = 1; i < 3; i++)
        if (votes[i] > votes[most])
            most = i;
    index->format.scan = most;
    index->format.mixed_scan = votes[most] < index->frame_count;
}

// From numbers of packets to numbers of frames.
static void settle_scenes(struct ta_index_builder *b)
{
    struct ta_index *index = b->index;
    index->scenes = b->scenes.list;
    b->scenes.list = NULL;
    size_t frame = 0;
    for (size_t i = 0; i < b->scenes.count; i++) {
        while (frame < index->frame_count && index->frames[frame].packet < index->scenes[i].frame)
            frame++;
        if (frame == index->frame_count)
            break;
        struct ta_dv_scene scene = index->scenes[i];
        scene.frame = (uint32_t)frame;
        bool again = index->scene_count && index->scenes[index->scene_count - 1].frame == scene.frame;
        index->scenes[again ? index->scene_count - 1 : index->scene_count++] = scene;
    }
}

static int64_t nominal_duration(const struct ta_index *index)
{
    AVRational rate = index->format.frame_rate;
    if (rate.num <= 0 || rate.den <= 0)
        rate = (AVRational){25, 1};
    return TA_MAX(1, av_rescale_q(1, av_inv_q(rate), index->time_base));
}

static int make_frames(struct ta_index_builder *b, bool decode_all)
{
    struct ta_index *index = b->index;
    const AVStream *st = b->source->fmt->streams[b->source->video];
    enum ta_packet_rule rule = ta_packet_rule(st->codecpar->codec_id);
    struct ta_clock_rules rules = {
        .wrap = st->pts_wrap_bits > 0 && st->pts_wrap_bits < 56 ? (int64_t)1 << st->pts_wrap_bits : 0,
        .nominal = nominal_duration(index),
        .second = av_rescale_q(1, (AVRational){1, 1}, index->time_base),
    };
    if (b->source->fmt->iformat->flags & AVFMT_TS_DISCONT)
        rules.jump = rules.second * LONGEST_GAP_SECONDS;
    if (decode_all)
        b->why_decode = "it was asked for";
    else if (b->source->follows)
        b->why_decode = "the codec of its pictures changes";
    else if (rule == TA_RULE_DECODE)
        b->why_decode = "its codec may leave frames out";

    int err = 0;
    if (!b->why_decode) {
        int delay = rule == TA_RULE_INTRA ? 0 : TA_MAX(st->codecpar->video_delay, 0);
        err = ta_frames_from_packets(index->packets, index->packet_count, delay, &rules, &index->frames,
                                     &index->frame_count, &b->why_decode);
        if (err > 0)
            err = ta_index_decode_head(b);
        if (err >= 0 && !b->why_decode)
            err = ta_index_decode_shapes(b);
        if (err < 0)
            return err;
    }
    if (b->why_decode) {
        ta_verbose(b->log, "decoding all of %s for its frame list: %s", b->source->path, b->why_decode);
        b->progress_from = b->progress_to < 1 ? b->progress_to : 0;
        b->progress_to = 1;
        ta_freep(&index->frames);
        index->frame_count = 0;
        index->decoded = true;
        if ((err = ta_index_decode_all(b)) < 0)
            return err;
        ta_frames_repair_times(index->frames, index->frame_count, &rules, &index->clocks,
                               &index->clock_count);
        if (index->clock_count)
            ta_verbose(b->log, "%s: its clock jumps %d %s; the frames go on", b->source->path,
                       index->clock_count, ta_plural(index->clock_count, "time", "times"));
    } else if (b->packets_end > index->frames[index->frame_count - 1].pts) {
        index->end_pts = b->packets_end;
    }
    double step;
    if ((err = ta_index_measure(index, rules.nominal, &step)) < 0)
        return err;
    index->format.frame_rate = measured_rate(index, step, index->format.frame_rate);
    settle_scan(index);
    ta_index_settle_parts(b);
    ta_index_note_faults(b, step);
    settle_scenes(b);
    return 0;
}

// Of the file that is demuxed next.
static void take_routes(struct ta_index *index, struct ta_structure *s)
{
    size_t count = (size_t)index->routes_count + 1;
    index->routes = ta_xrealloc(index->routes, count * sizeof(*index->routes));
    index->routes[index->routes_count++] = s->routes;
    s->routes = (struct ta_routes){0};
}

static int check_structure(struct ta_index_builder *b)
{
    const struct ta_source *s = b->source;
    const char *demuxer = s->fmt->iformat->name, *path;
    if (s->bytes && !s->own_directory) {
        int err = ta_structure_walk(&b->structure, demuxer, ta_bytes_read, s->bytes, ta_bytes_size(s->bytes),
                                    s->cancel);
        return err == TA_ERR_CANCELED ? err : 0; // what can't be read is said where its packets are
    }
    if (!s->packets)
        return ta_structure_check(&b->structure, demuxer, s->path, s->cancel);
    b->structure.duration_us = -1;
    for (int k = 0; (path = ta_packets_file(s->packets, k)) != NULL; k++) {
        struct ta_structure one;
        int err = ta_structure_check(&one, demuxer, path, s->cancel);
        if (err < 0)
            return err;
        b->structure.breaks += one.breaks;
        b->structure.cut_off |= one.cut_off;
        b->structure.encrypted |= one.encrypted;
        take_routes(b->index, &one);
        ta_structure_release(&one);
    }
    return 0;
}

// Routes are kept where there are any.
static void settle_routes(struct ta_index *index)
{
    bool any = false;
    for (int i = 0; i < index->routes_count; i++)
        any |= index->routes[i].packet_bytes != 0;
    index->routes_count = any ? index->routes_count : 0;
}

// Where they are missing in files that list their packets, and the file's structure does not tell.
static void find_lost_bytes(struct ta_index_builder *b)
{
    struct ta_splice places[TA_LOST_MAX];
    int count = b->index->splice_count ? 0 : ta_lost_between_frames(b->source, places);
    b->structure.breaks += count ? count : b->source->index_moved;
    if (!count)
        return;
    struct ta_index *index = b->index;
    free(index->splices);
    index->splices = ta_xcalloc((size_t)count, sizeof(*index->splices));
    memcpy(index->splices, places, (size_t)count * sizeof(*places));
    index->splice_count = count;
}

// Opens the builder's own source, so that it reads over what is damaged.
static int open_source(struct ta_index_builder *b, const struct ta_source *source)
{
    struct ta_index *index = b->index;
    index->dv = ta_dv_table_ref(source->dv_table);
    struct ta_source_known known = ta_index_known(index);
    int err = ta_source_open_known(&b->source, source->path, &known, source->cancel, b->log);
    if (err >= 0)
        err = check_structure(b);
    if (err < 0 || b->source->dv)
        return err;
    if (!b->source->packets) {
        take_routes(index, &b->structure);
        index->patches = b->structure.patches;
        index->patch_count = b->structure.patch_count;
        b->structure.patches = NULL;
    }
    if (!b->source->packets && (!b->source->bytes || b->source->own_directory)) {
        index->splices = b->structure.splices;
        index->splice_count = b->structure.splice_count;
        b->structure.splices = NULL;
    }
    settle_routes(index);
    find_lost_bytes(b);
    if (!index->patch_count && !index->splice_count && !index->routes_count)
        return 0;
    known = ta_index_known(index);
    ta_source_close(&b->source);
    return ta_source_open_known(&b->source, source->path, &known, source->cancel, b->log);
}

// What the caller's demuxer calls the pictures may have another identifier by the routes, and another number.
static bool choose_video(struct ta_index_builder *b, const struct ta_source *wish)
{
    struct ta_source *s = b->source;
    int stream = wish->video;
    if (b->index->routes_count) {
        int id = ta_routes_find(&b->index->routes[0], wish->fmt->streams[stream]->id);
        stream = s->video;
        for (unsigned i = 0; i < s->fmt->nb_streams; i++)
            if (s->fmt->streams[i]->id == id)
                stream = (int)i;
    }
    if (!ta_source_set_video(s, stream))
        return false;
    b->index->video = stream;
    b->index->video_id = s->fmt->streams[stream]->id;
    return true;
}

bool ta_index_is_for(const struct ta_index *index, const struct ta_source *source)
{
    if (!index->routes_count)
        return index->video == source->video;
    int id = source->video < 0 ? -1 : source->fmt->streams[source->video]->id;
    return ta_routes_find(&index->routes[0], id) == index->video_id;
}

// Decoders take encrypted pictures for damaged ones.
static int refuse_encrypted(struct ta_index_builder *b)
{
    const struct ta_index_stream *video = &b->index->streams[b->index->video];
    uint32_t tag = b->source->fmt->streams[b->index->video]->codecpar->codec_tag;
    bool protected = tag == MKTAG('d', 'r', 'm', 'i') || tag == MKTAG('e', 'n', 'c', 'v'); // mp4 of shops
    if (!b->structure.encrypted && !protected && video->encrypted * 2 <= video->packets)
        return 0;
    ta_problem_at(b->log, TA_PROBLEM_SOURCE_ENCRYPTED, &(struct ta_problem_about){.file = b->source->path},
                  "%s: the file is encrypted: it can't be read without its key", b->source->path);
    return TA_ERR_UNSUPPORTED;
}

static int create(struct ta_index **out, struct ta_source *source, bool decode_all, bool in_one,
                  const struct ta_progress_fn *progress, struct ta_log *log)
{
    *out = NULL;
    struct ta_index_builder b = {
        .in_one = in_one,
        .log = log,
        .progress = progress,
        .progress_to = 1,
        .packets_end = INT64_MIN,
        .shape_lock = PTHREAD_MUTEX_INITIALIZER,
    };
    struct ta_format stated;
    int err = ta_source_video_format(source, &stated);
    if (err < 0)
        return err;
    b.index = ta_xcalloc(1, sizeof(*b.index));
    b.index->end_pts = AV_NOPTS_VALUE;
    // The caller's demuxer may stand anywhere; what counts is what a fresh one reads from the start.
    if ((err = open_source(&b, source)) < 0)
        goto end;
    if (!choose_video(&b, source)) {
        ta_error(log, "%s: it has changed while it was read", source->path);
        err = TA_ERR_MISMATCH;
        goto end;
    }
    const AVStream *st = b.source->fmt->streams[b.source->video];
    b.index->time_base = st->time_base;
    b.index->format = stated;
    if (decode_all || ta_packet_rule(st->codecpar->codec_id) == TA_RULE_DECODE)
        b.progress_to = 0.1;

    if ((err = ta_fingerprint_read(source->path, &b.index->source, log)) < 0 ||
        (err = ta_packet_parser_create(&b.parser, st)) < 0 || (err = read_all_packets(&b)) < 0 ||
        (err = refuse_encrypted(&b)) < 0 || (err = make_frames(&b, decode_all)) < 0 ||
        (err = ta_index_seal(b.index)) < 0)
        goto end;
    if (progress && progress->report)
        progress->report(progress->priv, 1);
    *out = b.index;
    b.index = NULL;
end:
    free(b.shape_runs);
    free(b.numbers);
    ta_structure_release(&b.structure);
    ta_dv_scenes_release(&b.scenes);
    ta_index_destroy(&b.index);
    ta_packet_parser_destroy(&b.parser);
    ta_source_close(&b.source);
    return err;
}

int ta_index_create(struct ta_index **out, struct ta_source *source, bool decode_all,
                    const struct ta_progress_fn *progress, struct ta_log *log)
{
    return create(out, source, decode_all, false, progress, log);
}

int ta_index_create_in_one(struct ta_index **out, struct ta_source *source, struct ta_log *log)
{
    return create(out, source, true, true, NULL, log);
}
