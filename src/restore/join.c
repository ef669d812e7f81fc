// An encoder's timestamps are only ordinals. Presentation times come from the timeline; sorted, decoding time
// dts[i] = pts[i - D] with D the largest reorder delay of all segments, and before the first picture they go
// on backwards at its duration.
#include "restore/join.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/words.h"
#include "media/mux/mux.h"
#include "media/mux/segfile.h"
#include "media/sound/packets.h"
#include "plan/sound.h"

struct video_lane {
    struct ta_lane lane;
    const struct ta_work *work;
    struct ta_log *log;
    struct ta_segreader *reader;
    int segment;        // of reader; -1 before the first
    int64_t in_segment; // packets given from it
    int delay;          // D
    int64_t
        *times; // D times before the segment's first frame, the segment's own, and the end of its last frame
    AVCodecParameters *first; // parameters of the first segment: all others must have the same
};

static int64_t delay_of(const struct ta_work *w)
{
    int delay = 0;
    for (int i = 0; i < w->plan->segment_count; i++)
        delay = TA_MAX(delay, ta_work_segment(w, i).delay);
    return delay;
}

// Times of segment k's output frames, and before them those of the D frames that precede.
static int fill_times(struct video_lane *v, int k)
{
    const struct ta_plan *p = v->work->plan;
    struct ta_segment s = ta_plan_segment(p, k);
    int64_t d = v->delay, n = s.out_count;
    int64_t *times = calloc((size_t)(d + n + 1), sizeof *times);
    if (!times) {
        ta_error(v->log, "out of memory for the times of %lld frames", (long long)n);
        return TA_ERR_NOMEM;
    }
    int64_t i = d;
    for (int64_t f = s.source_first; f < s.source_first + s.source_count; f++)
        for (int field = 0; field < ta_plan_fields_of(p, f); field++)
            times[i++] = ta_plan_time_of(p, p->index, f, field);
    int64_t end_frame = s.source_first + s.source_count;
    times[i] = end_frame < p->first_frame + p->frame_count ? ta_plan_time_of(p, p->index, end_frame, 0)
                                                           : ta_plan_end_time(p, p->index);
    if (k == 0) {
        int64_t step = TA_MAX(1, times[d + 1] - times[d]);
        for (int64_t j = 0; j < d; j++)
            times[j] = times[d] - (d - j) * step;
    } else {
        // A segment has at least as many frames as any encoder's delay, but for a source that is shorter
        // itself.
        int64_t before = ta_plan_segment(p, k - 1).out_count;
        memcpy(times, v->times + before, (size_t)d * sizeof *times);
    }
    free(v->times);
    v->times = times;
    return 0;
}

static bool same_parameters(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a->codec_id == b->codec_id && a->width == b->width && a->height == b->height &&
           a->format == b->format && a->extradata_size == b->extradata_size &&
           (!a->extradata_size || !memcmp(a->extradata, b->extradata, (size_t)a->extradata_size));
}

static int open_segment(struct video_lane *v, int k)
{
    ta_segreader_close(&v->reader);
    char *path = ta_work_task_path(v->work, k);
    int fd = ta_folder_open(&v->work->folder, ta_path_name(path), v->log);
    if (fd == TA_ERR_NOT_FOUND)
        ta_error(v->log, "%s: is gone", path);
    int err = fd < 0 ? fd : ta_segreader_open_fd(&v->reader, fd, path, v->log);
    if (err >= 0 && v->first && !same_parameters(v->first, ta_segreader_parameters(v->reader))) {
        ta_error(
            v->log,
            "%s: the encoder's headers differ from those of the first segment: was it made by another version?",
            path);
        err = TA_ERR_MISMATCH;
    }
    free(path);
    if (err >= 0)
        err = fill_times(v, k);
    v->segment = k;
    v->in_segment = 0;
    return err;
}

static int next_packet(struct ta_lane *lane, AVPacket *packet)
{
    struct video_lane *v = (struct video_lane *)lane;
    const struct ta_plan *p = v->work->plan;
    for (;;) {
        int got = ta_segreader_next(v->reader, packet);
        if (got < 0)
            return got;
        int64_t n = ta_plan_segment(p, v->segment).out_count;
        if (got && (packet->pts < 0 || packet->pts >= n || v->in_segment >= n)) {
            ta_error(v->log, "segment %d has packets that do not fit the plan", v->segment);
            av_packet_unref(packet);
            return TA_ERR_DAMAGED;
        }
        if (got) {
            const int64_t *own = v->times + v->delay;
            int64_t ordinal = packet->pts;
            packet->pts = own[ordinal];
            packet->duration = own[ordinal + 1] - own[ordinal];
            packet->dts = v->times[v->in_segment++];
            return 1;
        }
        if (v->in_segment != n) {
            ta_error(v->log, "segment %d has %lld %s where %lld %s planned", v->segment,
                     (long long)v->in_segment, ta_plural(v->in_segment, "frame", "frames"), (long long)n,
                     ta_plural(n, "was", "were"));
            return TA_ERR_DAMAGED;
        }
        if (v->segment + 1 >= p->segment_count)
            return 0;
        int err = open_segment(v, v->segment + 1);
        if (err < 0)
            return err;
    }
}

static void destroy_lane(struct ta_lane *lane)
{
    struct video_lane *v = (struct video_lane *)lane;
    ta_segreader_close(&v->reader);
    avcodec_parameters_free(&v->lane.parameters);
    free(v->times);
    free(v);
}

int ta_join_video_lane(struct ta_lane **out, const struct ta_work *work, struct ta_log *log)
{
    const struct ta_plan *p = work->plan;
    struct video_lane *v = ta_xcalloc(1, sizeof *v);
    *out = NULL;
    v->lane.next = next_packet;
    v->lane.destroy = destroy_lane;
    v->lane.time_base = p->out_time_base;
    v->lane.frame_rate = p->out_format.frame_rate;
    v->lane.sar = p->out_format.sar;
    v->lane.light = ta_work_light(work);
    v->work = work;
    v->log = log;
    v->delay = (int)delay_of(work);
    v->lane.parameters = avcodec_parameters_alloc();
    int err = v->lane.parameters ? open_segment(v, 0) : TA_ERR_NOMEM;
    if (err >= 0 && avcodec_parameters_copy(v->lane.parameters, ta_segreader_parameters(v->reader)) < 0)
        err = TA_ERR_NOMEM;
    v->first = v->lane.parameters;
    if (err < 0) {
        destroy_lane(&v->lane);
        return err;
    }
    *out = &v->lane;
    return 0;
}

// ---- all lanes ----

struct join {
    const struct ta_work *work;
    struct ta_meter *meter;
    struct ta_log *log;
    struct ta_streams *streams;
    struct ta_sound *sound;
    struct ta_lane **lanes;
    int lane_count;
    int sounds;
};

// The source's colour, geometry and field order are replaced by the output's; the mux copies the rest
// (rotation, language, ...) from the source stream.
void ta_join_describe_video(const struct ta_plan *p, AVCodecParameters *par)
{
    const struct ta_format *f = &p->out_format;
    par->sample_aspect_ratio = f->sar;
    par->color_primaries = f->primaries;
    par->color_trc = f->transfer;
    par->color_space = f->matrix;
    par->color_range = f->range;
    par->chroma_location = f->chroma_location;
    par->field_order = ta_scan_field_order(f->scan);
}

// Sound of other programmes of a broadcast, behind that of the picture's own?
static bool has_strangers(const struct ta_plan *p)
{
    if (!p->index)
        return false;
    int own = p->index->streams[p->index->video].programme;
    bool any = false;
    for (int i = 0; i < p->stream_count && own; i++)
        any |= p->streams[i].stream < p->index->stream_count && p->streams[i].kind == TA_STREAM_AUDIO &&
               p->index->streams[p->streams[i].stream].programme != own;
    return any;
}

// A track that was restored: the packets of its last task. No lane where nothing of it can be heard.
static int restored_lane(struct join *j, int stream, struct ta_lane **lane)
{
    const struct ta_plan *p = j->work->plan;
    int number = -1;
    for (int i = p->segment_count, n = ta_plan_tasks(p), k; i < n && number < 0; i++) {
        struct ta_task task = ta_plan_task(p, i);
        const struct ta_sound_plan *s = ta_sound_of_task(p, &task, &k);
        if (s && k < 0 && s->stream == stream)
            number = i;
    }
    if (number < 0)
        return TA_ERR_INTERNAL; // the plan was checked
    char *path = ta_work_task_path(j->work, number);
    int fd = ta_folder_open(&j->work->folder, ta_path_name(path), j->log);
    bool any = false;
    if (fd == TA_ERR_NOT_FOUND)
        ta_error(j->log, "%s: is gone", path);
    int err = fd < 0 ? fd : ta_packets_lane(lane, fd, path, &any, j->log);
    if (any)
        (*lane)->like = ta_streams_get(j->streams, stream);
    free(path);
    return err;
}

static int add_lane(struct join *j, const struct ta_stream_plan *s, int64_t offset)
{
    const struct ta_plan *p = j->work->plan;
    struct ta_lane **lane = &j->lanes[j->lane_count];
    bool global_header = p->container->global_header;
    int err = 0;
    if (s->kind == TA_STREAM_COVER || s->kind == TA_STREAM_ATTACHMENT)
        return 0; // the mux takes these from the source itself
    if (s->action == TA_STREAM_COPY)
        err = ta_lane_copy(lane, j->streams, s->stream, offset);
    else if (ta_sound_of_stream(p, s->stream))
        err = restored_lane(j, s->stream, lane);
    else if (s->action == TA_STREAM_TRANSCODE && s->kind == TA_STREAM_AUDIO)
        *lane = ta_sound_take(j->sound, s->stream);
    else if (s->action == TA_STREAM_TRANSCODE)
        err = ta_lane_subtitle(lane, j->streams, s->stream, offset, s->codec, global_header, j->log);
    else
        return 0;
    if (err >= 0 && !*lane)
        return 0;
    if (err >= 0 && s->kind == TA_STREAM_AUDIO && !j->sounds++ && has_strangers(p))
        (*lane)->disposition |= AV_DISPOSITION_DEFAULT;
    if (err >= 0)
        j->lane_count++;
    return err;
}

static int add_pictures(struct join *j)
{
    const struct ta_plan *p = j->work->plan;
    int err = ta_join_video_lane(&j->lanes[0], j->work, j->log);
    if (err < 0)
        return err;
    j->lane_count = 1;
    ta_join_describe_video(p, j->lanes[0]->parameters);
    // A preview's pictures are upright and no longer the source's.
    j->lanes[0]->like = p->show ? NULL : ta_streams_get(j->streams, p->index->video);
    return 0;
}

static int add_lanes(struct join *j, int64_t offset)
{
    const struct ta_plan *p = j->work->plan;
    int err = ta_sound_prepare(p, j->streams);
    if (err >= 0 && !p->sound_only)
        err = add_pictures(j);
    if (err < 0)
        return err;
    for (int i = 0; i < p->stream_count && err >= 0; i++) {
        if (!ta_streams_get(j->streams, p->streams[i].stream)) {
            ta_error(j->log, "%s: stream %d of the plan is not in the file", p->input, p->streams[i].stream);
            return TA_ERR_MISMATCH;
        }
        err = add_lane(j, &p->streams[i], offset);
    }
    return err;
}

// Covers and attachments that the plan leaves out, by their numbers in the source.
static bool *covers_left_out(const struct join *j)
{
    const struct ta_plan *p = j->work->plan;
    const unsigned count = ta_streams_format(j->streams)->nb_streams;
    bool *left_out = ta_xcalloc(count + 1, sizeof *left_out);
    for (int i = 0; i < p->stream_count; i++)
        if ((unsigned)p->streams[i].stream < count)
            left_out[p->streams[i].stream] = p->streams[i].action == TA_STREAM_DROP;
    return left_out;
}

static void report_packets(void *priv, int64_t packets, int64_t bytes)
{
    (void)packets;
    struct join *j = priv;
    int64_t expected = ta_work_video_bytes(j->work);
    ta_meter_bytes(j->meter, bytes);
    ta_meter_fraction(j->meter, expected > 0 ? (double)bytes / (double)expected : 0);
}

int ta_join(const struct ta_work *work, struct ta_sound *sound, const char *path, struct ta_meter *meter,
            struct ta_join_result *out, struct ta_log *log)
{
    const struct ta_plan *p = work->plan;
    struct join j = {.work = work, .sound = sound, .meter = meter, .log = ta_log_child(log, "join")};
    *out = (struct ta_join_result){0};
    j.lanes = ta_xcalloc((size_t)p->stream_count + 1, sizeof *j.lanes);
    ta_meter_start(meter, TA_PHASE_JOIN);
    int64_t offset = av_rescale_q(p->offset, p->out_time_base, AV_TIME_BASE_Q);
    int err = ta_streams_open(&j.streams, p->input, p->index, p->range_start, p->range_end,
                              ta_meter_cancel(meter), j.log);
    if (err >= 0)
        err = add_lanes(&j, offset);
    if (err >= 0) {
        bool *left_out = covers_left_out(&j);
        struct ta_mux_params params = {
            .path = path,
            .container = p->container,
            .lanes = j.lanes,
            .lane_count = j.lane_count,
            .like = ta_streams_format(j.streams),
            .chapters = p->chapters,
            .chapter_count = p->chapter_count,
            .no_chapters = p->no_chapters,
            .tags = p->tags,
            .left_out = left_out,
            .offset = offset,
            .start = p->range_start,
            .end = p->range_end,
            .faststart = true,
            .cancel = ta_meter_cancel(meter),
            .progress = report_packets,
            .priv = &j,
            .log = j.log,
        };
        struct ta_mux_result result = {0};
        err = ta_mux_write(&params, &result);
        out->bytes = result.bytes;
        out->early = result.early;
        out->refused = result.refused;
        free(left_out);
    }
    for (int i = 0; i < j.lane_count; i++)
        ta_lane_destroy(&j.lanes[i]);
    struct ta_audio_transcode_stats stats = ta_sound_stats(sound);
    out->audio_gaps = stats.gaps;
    out->audio_overlaps = stats.overlaps;
    out->audio_errors = stats.decode_errors;
    for (int i = 0; i < p->sound_count; i++) {
        out->audio_gaps += p->sounds[i].gaps;
        out->audio_overlaps += p->sounds[i].overlaps;
        out->audio_errors += p->sounds[i].decode_errors;
    }
    ta_streams_close(&j.streams);
    free(j.lanes);
    ta_log_destroy(&j.log);
    return err;
}
