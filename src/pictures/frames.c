// Threads joined by bounded queues: decode -> the chain's threads -> whoever asks. A failure cancels the
// queue before and reaches the one behind, so that nobody waits for ever; the first failure that is not the
// cancelling itself is the task's.
#include "pictures/frames.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/mastering_display_metadata.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/ledger.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/words.h"
#include "media/reader.h"
#include "video/chain_threads.h"

struct ta_frames {
    const struct ta_plan *plan;
    struct ta_segment seg;
    struct ta_env env;
    struct ta_log *log; // the environment's
    struct ta_queue *decoded, *restored;
    struct ta_thread *reader;
    struct ta_chain_threads *chain; // from `decoded` to `restored`
    struct ta_frames_stats stats;   // valid once all threads have ended
    bool measured;                  // frames carry how bright they are
    // What the chain must give next: field `field` of source frame `source`.
    int64_t source;
    int field;
    int64_t last_pts;
    int64_t given;
    bool paired; // the chain counts in half units: pts = 2 * source frame + field
};

// ---- decode ----

// The plan's word on the frame replaces the stream's flags.
static void prepare(const struct ta_plan *p, AVFrame *f)
{
    enum ta_scan_type scan = ta_plan_scan_of(p, f->pts);
    if (!p->deinterlaced && p->source_format.scan != TA_SCAN_PROGRESSIVE)
        scan = p->source_format.scan; // stays woven: one kind for the whole output
    if (p->film) {
        char action = ta_plan_film_of(p, f->pts);
        ta_film_mark(f, action);
        scan = action == TA_FILM_KEEP ? TA_SCAN_PROGRESSIVE
               : action == TA_FILM_VIDEO_BFF || action == TA_FILM_UNSEEN_BFF || action == TA_FILM_BOTTOM
                   ? TA_SCAN_BFF
                   : TA_SCAN_TFF;
    }
    ta_format_tag_frame(&p->source_format, f);
    ta_frame_set_interlaced(f, scan != TA_SCAN_PROGRESSIVE, scan == TA_SCAN_TFF);
    // Deinterlacers read it, and would leave an interlaced frame beside a repeated one woven.
    f->repeat_pict = 0;
    // Encoders take a frame's type as a wish: the source's key frames are none of the output's.
    f->pict_type = AV_PICTURE_TYPE_NONE;
}

static bool wanted(const struct ta_frames *t, int64_t source)
{
    return source >= t->seg.source_first && source < t->seg.source_first + t->seg.source_count;
}

static int read_frames(struct ta_frames *t, struct ta_reader *reader)
{
    struct ta_reader_stats before = {0}, now;
    struct ta_ledger_row *row = ta_ledger_row(t->env.ledger, "stage", "decode");
    for (;;) {
        AVFrame *f = NULL;
        struct ta_lap began = row ? ta_lap_now() : (struct ta_lap){0, 0};
        int err = ta_reader_next(reader, &f);
        struct ta_lap ended = row ? ta_lap_now() : began;
        ta_ledger_add(row, ended.wall - began.wall, ended.cpu - began.cpu, err >= 0 && f, 0);
        if (err < 0 || !f)
            return err;
        // Repairs in the lead-in are another segment's to count.
        ta_reader_get_stats(reader, &now);
        if (wanted(t, f->pts)) {
            t->stats.concealed += now.concealed - before.concealed;
            t->stats.damaged += now.damaged - before.damaged;
        }
        before = now;
        prepare(t->plan, f);
        err = ta_queue_push(t->decoded, f, ta_frame_bytes(f));
        if (err < 0)
            return err;
    }
}

static int run_reader(void *arg)
{
    struct ta_frames *t = arg;
    const struct ta_plan *p = t->plan;
    int64_t first, end;
    ta_plan_segment_input(p, &t->seg, p->index, &first, &end);
    struct ta_reader *reader = NULL;
    int err = ta_reader_open(&reader, p->input, p->index, (size_t)first, (size_t)(end - first), t->env.cancel,
                             t->log);
    if (err >= 0) {
        ta_reader_set_fit(reader, &p->source_format, p->parts, p->part_count);
        err = read_frames(t, reader);
    }
    ta_reader_close(&reader);
    ta_queue_finish(t->decoded, err);
    return err;
}

// ---- chain ----

static int not_as_planned(struct ta_frames *t, int64_t source, int field)
{
    ta_error(t->log, "the chain gave field %d of source frame %lld where field %d of %lld was planned", field,
             (long long)source, t->field, (long long)t->source);
    return TA_ERR_INTERNAL;
}

// Hands on the frame that was due, as often as the plan shows it.
static int give(struct ta_frames *t, AVFrame *f)
{
    int copies = ta_plan_copies_of(t->plan, t->source), err = 0;
    if ((t->field + 1) * copies < ta_plan_fields_of(t->plan, t->source)) {
        t->field++;
    } else {
        t->field = 0;
        t->source = ta_plan_giving(t->plan, t->source + 1);
    }
    for (; copies > 1 && err >= 0; copies--) {
        AVFrame *copy = av_frame_clone(f);
        if (copy)
            copy->pts = t->given++;
        err = copy ? ta_queue_push(t->restored, copy, ta_frame_bytes(copy)) : TA_ERR_NOMEM;
    }
    if (err < 0) {
        av_frame_free(&f);
        return err;
    }
    f->pts = t->given++;
    return ta_queue_push(t->restored, f, ta_frame_bytes(f));
}

// HDR10: the stage has written on the frame how bright it is. It is no wish to the encoder.
static void take_light(struct ta_frames *t, AVFrame *f)
{
    const AVFrameSideData *sd = av_frame_get_side_data(f, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    if (!t->measured || !sd)
        return;
    const AVContentLightMetadata *m = (const AVContentLightMetadata *)sd->data;
    t->stats.max_cll = TA_MAX(t->stats.max_cll, (int)m->MaxCLL);
    t->stats.max_fall = TA_MAX(t->stats.max_fall, (int)m->MaxFALL);
    av_frame_remove_side_data(f, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
}

// A frame of the chain by its time: which field of which source frame.
static int64_t source_of(const struct ta_frames *t, int64_t pts, int *field)
{
    *field = t->paired ? (int)(pts & 1) : 0;
    // Where inverse telecine leaves frames out, a deinterlacer puts the second field half-way to the next
    // frame that it sees, or as far from its frame as the one before where none follows.
    if (t->plan->film && t->field && pts > 2 * t->source) {
        int64_t next = ta_plan_giving(t->plan, t->source + 1);
        if (pts < 2 * next || next == t->plan->first_frame + t->plan->frame_count) {
            *field = 1;
            return t->source;
        }
    }
    return t->paired ? pts >> 1 : pts;
}

// What the chain gave: lead-in, lead-out and what is made for its neighbours' sake alone are dropped, the
// rest must be exactly what the plan says, in order.
static int take_restored(void *receiver, AVFrame *f)
{
    struct ta_frames *t = receiver;
    int64_t pts = f->pts;
    // A source of a single frame has no distance to a next one, and both its fields come with the same time.
    if (t->paired && pts <= t->last_pts)
        pts = t->last_pts + 1;
    t->last_pts = pts;
    int field;
    int64_t source = source_of(t, pts, &field);
    if (!wanted(t, source) || ta_plan_fields_of(t->plan, source) == 0) {
        av_frame_free(&f);
        return 0;
    }
    if (source != t->source || field != t->field) {
        av_frame_free(&f);
        return not_as_planned(t, source, field);
    }
    take_light(t, f);
    f->pict_type = AV_PICTURE_TYPE_NONE;
    // Captions belong to the frame, not to each of its fields.
    if (field)
        av_frame_remove_side_data(f, AV_FRAME_DATA_A53_CC);
    return give(t, f);
}

static bool has_all(void *receiver)
{
    const struct ta_frames *t = receiver;
    return t->given >= t->seg.out_count;
}

static int end_chain(void *receiver, int err)
{
    struct ta_frames *t = receiver;
    if (err >= 0 && t->given != t->seg.out_count) {
        ta_error(t->log, "the chain gave %lld %s where %lld %s planned", (long long)t->given,
                 ta_plural(t->given, "frame", "frames"), (long long)t->seg.out_count,
                 ta_plural(t->seg.out_count, "was", "were"));
        err = TA_ERR_INTERNAL;
    }
    ta_queue_finish(t->restored, err);
    return err;
}

// ---- from outside ----

int ta_frames_open(struct ta_frames **out, const struct ta_plan *plan, const struct ta_segment *segment,
                   const struct ta_env *env)
{
    struct ta_frames *t = ta_xcalloc(1, sizeof *t);
    *t = (struct ta_frames){.plan = plan,
                            .seg = *segment,
                            .env = *env,
                            .log = env->log,
                            .source = ta_plan_giving(plan, segment->source_first),
                            .last_pts = INT64_MIN,
                            .measured = ta_plan_hdr10_peak(plan->stages, plan->stage_count) > 0,
                            .paired = plan->deinterlaced};
    struct ta_chain_sink sink = {take_restored, has_all, end_chain, t};
    int err = ta_chain_queue_create(&t->decoded, segment->stages, segment->stage_count, env);
    if (err >= 0)
        err = ta_chain_queue_create(&t->restored, NULL, 0, env);
    if (err >= 0) {
        ta_queue_note(t->decoded, env->ledger, "decoded");
        ta_queue_note(t->restored, env->ledger, "restored");
    }
    if (err >= 0)
        err = ta_chain_threads_start(&t->chain, segment->stages, segment->stage_count, t->decoded, &sink,
                                     env);
    if (err >= 0)
        err = ta_thread_create(&t->reader, "decode", run_reader, t);
    if (err < 0)
        ta_frames_close(&t, err, NULL);
    *out = t;
    return err < 0 ? err : 0;
}

int ta_frames_next(struct ta_frames *f, AVFrame **frame)
{
    void *item = NULL;
    *frame = NULL;
    if (ta_canceled(f->env.cancel))
        return TA_ERR_CANCELED;
    int err = ta_queue_pop(f->restored, &item);
    *frame = item;
    return err;
}

int ta_frames_close(struct ta_frames **frames, int err, struct ta_frames_stats *stats)
{
    struct ta_frames *t = *frames;
    *frames = NULL;
    if (!t)
        return err;
    if (t->restored)
        ta_queue_cancel(t->restored);
    if (t->decoded && err < 0)
        ta_queue_cancel(t->decoded);
    ta_chain_threads_stop(t->chain);
    int found = ta_thread_join(&t->reader);
    found = ta_chain_first_cause(found, ta_chain_threads_join(&t->chain, err < 0 ? err : 0));
    if (found == TA_ERR_CANCELED && err >= 0)
        found = 0;
    err = ta_chain_first_cause(found, err);
    ta_queue_destroy(&t->decoded);
    ta_queue_destroy(&t->restored);
    if (stats)
        *stats = t->stats;
    free(t);
    return err;
}
