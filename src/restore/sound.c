#include "restore/sound.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/mux/lane_ahead.h"
#include "plan/sound.h"

struct track {
    int stream;
    struct ta_streams *streams; // its own: each track is read at its own pace
    struct ta_lane *lane;       // NULL once taken
    struct ta_audio_transcode_stats stats;
};

struct ta_sound {
    struct ta_log *log;
    struct track *tracks;
    int count;
};

int ta_sound_prepare(const struct ta_plan *plan, struct ta_streams *streams)
{
    const struct ta_index *index = plan->index;
    if (!index)
        return 0;
    int err = ta_streams_complete(streams, index);
    if (err < 0 || !index->clock_count)
        return err;
    int64_t *offsets = ta_xcalloc((size_t)index->clock_count, sizeof *offsets);
    for (int i = 0; i < index->clock_count; i++)
        offsets[i] = ta_rescale(index->clocks[i].offset, index->time_base, AV_TIME_BASE_Q);
    ta_streams_set_clocks(streams, offsets, index->clock_count);
    free(offsets);
    return 0;
}

static int start_track(struct ta_sound *s, struct track *t, const struct ta_work *work,
                       const struct ta_stream_plan *stream, const struct ta_cancel *cancel)
{
    const struct ta_plan *p = work->plan;
    t->stream = stream->stream;
    int err = ta_streams_open(&t->streams, p->input, p->index, p->range_start, p->range_end, cancel, s->log);
    if (err < 0)
        return err;
    if ((err = ta_sound_prepare(p, t->streams)) < 0)
        return err;
    if (!ta_streams_get(t->streams, t->stream)) {
        ta_error(s->log, "%s: stream %d of the plan is not in the file", p->input, t->stream);
        return TA_ERR_MISMATCH;
    }
    int64_t offset = av_rescale_q(p->offset, p->out_time_base, AV_TIME_BASE_Q);
    struct ta_lane *lane;
    err = ta_lane_audio(&lane, t->streams, t->stream, offset, stream->codec, stream->bit_rate,
                        p->container->global_header, &t->stats, s->log);
    return err < 0 ? err : ta_lane_ahead(&t->lane, lane, &work->folder, s->log);
}

int ta_sound_start(struct ta_sound **out, const struct ta_work *work, const struct ta_cancel *cancel,
                   struct ta_log *log)
{
    const struct ta_plan *p = work->plan;
    struct ta_sound *s = ta_xcalloc(1, sizeof *s);
    s->log = ta_log_child(log, "sound");
    s->tracks = ta_xcalloc((size_t)p->stream_count + 1, sizeof *s->tracks);
    int err = 0;
    for (int i = 0; i < p->stream_count && err >= 0; i++) {
        const struct ta_stream_plan *stream = &p->streams[i];
        // Restored sound is tasks' work.
        if (stream->action == TA_STREAM_TRANSCODE && stream->kind == TA_STREAM_AUDIO &&
            !ta_sound_of_stream(p, stream->stream))
            err = start_track(s, &s->tracks[s->count++], work, stream, cancel);
    }
    if (err < 0)
        ta_sound_destroy(&s);
    *out = s;
    return err < 0 ? err : 0;
}

struct ta_lane *ta_sound_take(struct ta_sound *s, int stream)
{
    for (int i = 0; i < s->count; i++)
        if (s->tracks[i].stream == stream) {
            struct ta_lane *lane = s->tracks[i].lane;
            s->tracks[i].lane = NULL;
            return lane;
        }
    return NULL;
}

int ta_sound_error(const struct ta_sound *s)
{
    int err = 0;
    for (int i = 0; s && i < s->count && err >= 0; i++)
        err = s->tracks[i].lane ? ta_lane_ahead_error(s->tracks[i].lane) : 0;
    return err;
}

int64_t ta_sound_bytes(const struct ta_sound *s)
{
    int64_t bytes = 0;
    for (int i = 0; s && i < s->count; i++)
        bytes += s->tracks[i].lane ? ta_lane_ahead_bytes(s->tracks[i].lane) : 0;
    return bytes;
}

struct ta_audio_transcode_stats ta_sound_stats(const struct ta_sound *s)
{
    struct ta_audio_transcode_stats sum = {0};
    for (int i = 0; i < s->count; i++) {
        const struct ta_audio_transcode_stats *t = &s->tracks[i].stats;
        sum.gaps += t->gaps;
        sum.overlaps += t->overlaps;
        sum.decode_errors += t->decode_errors;
        sum.gap_seconds += t->gap_seconds;
        sum.overlap_seconds += t->overlap_seconds;
    }
    return sum;
}

void ta_sound_destroy(struct ta_sound **sound)
{
    struct ta_sound *s = *sound;
    *sound = NULL;
    if (!s)
        return;
    for (int i = 0; i < s->count; i++) {
        ta_lane_destroy(&s->tracks[i].lane);
        ta_streams_close(&s->tracks[i].streams);
    }
    free(s->tracks);
    ta_log_destroy(&s->log);
    free(s);
}
