// Threads joined by bounded queues: decode -> each group of the chain's stages -> whoever asks. A failure
// cancels the queue before and reaches the one behind, so that nobody waits for ever; the first failure that
// is not the cancelling itself is the task's.
#include "pictures/frames.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/mastering_display_metadata.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/reader.h"
#include "video/chain.h"

enum {
    QUEUE_FRAMES = 8,
    QUEUE_BYTES = 96 << 20,
    MAX_GROUPS = 2, // of stages: before the size changes, and from there on
};

struct ta_frames;

// Neighbouring stages that share a thread.
struct group {
    struct ta_frames *frames;
    const struct ta_stage_plan *stages;
    int count;
    struct ta_queue *in, *out; // owned: out; in is the reader's or the group's before
    struct ta_thread *thread;
};

struct ta_frames {
    const struct ta_plan *plan;
    struct ta_segment seg;
    const struct ta_cancel *stop;
    struct ta_log *log;
    struct ta_queue *decoded;
    struct ta_thread *reader;
    struct group groups[MAX_GROUPS];
    int group_count;
    struct ta_frames_stats stats; // valid once all threads have ended
    bool measured;                // frames carry how bright they are
    // What the chain must give next: field `field` of source frame `source`.
    int64_t source;
    int field;
    int64_t last_pts;
    int64_t given;
    bool paired; // the chain counts in half units: pts = 2 * source frame + field
};

static void drop_frame(void *item)
{
    AVFrame *f = item;
    av_frame_free(&f);
}

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
    for (;;) {
        AVFrame *f = NULL;
        int err = ta_reader_next(reader, &f);
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
    int err = ta_reader_open(&reader, p->input, p->index, (size_t)first, (size_t)(end - first), t->stop,
                             t->log);
    if (err >= 0)
        err = read_frames(t, reader);
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
        err = copy ? ta_queue_push(t->groups[t->group_count - 1].out, copy, ta_frame_bytes(copy))
                   : TA_ERR_NOMEM;
    }
    if (err < 0) {
        av_frame_free(&f);
        return err;
    }
    f->pts = t->given++;
    return ta_queue_push(t->groups[t->group_count - 1].out, f, ta_frame_bytes(f));
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

static int pass_on(void *receiver, AVFrame *f)
{
    struct group *g = receiver;
    return ta_queue_push(g->out, f, ta_frame_bytes(f));
}

static int push_last(struct group *g, struct ta_chain *chain)
{
    struct ta_frames *t = g->frames;
    int err = 0;
    while (err >= 0 && t->given < t->seg.out_count) {
        void *item = NULL;
        err = ta_queue_pop(g->in, &item);
        if (err >= 0)
            err = ta_chain_push(chain, item, take_restored, t);
        if (!item)
            break;
    }
    if (err >= 0 && t->given != t->seg.out_count) {
        ta_error(t->log, "the chain gave %lld frames where %lld were planned", (long long)t->given,
                 (long long)t->seg.out_count);
        err = TA_ERR_INTERNAL;
    }
    return err;
}

static int push_all(struct group *g, struct ta_chain *chain)
{
    for (;;) {
        void *item = NULL;
        int err = ta_queue_pop(g->in, &item);
        bool end = !item;
        if (err >= 0)
            err = ta_chain_push(chain, item, pass_on, g);
        if (err < 0 || end)
            return err;
    }
}

static int run_group(void *arg)
{
    struct group *g = arg;
    struct ta_frames *t = g->frames;
    bool last = g == &t->groups[t->group_count - 1];
    struct ta_chain *chain = NULL;
    int err = ta_chain_create(&chain, g->stages, g->count, t->log);
    if (err >= 0)
        err = last ? push_last(g, chain) : push_all(g, chain);
    ta_chain_destroy(&chain);
    // Those before may still have lead-out frames that nobody needs any more.
    ta_queue_cancel(g->in);
    ta_queue_finish(g->out, err);
    return err;
}

// A large picture costs about as much to scale, or to make HDR, as a small one costs to clean: on a machine
// with cores to spare the encoder would wait for one thread that did both.
static int first_of_second_group(const struct ta_segment *s)
{
    for (int i = 1; i < s->stage_count; i++)
        if (strncmp(s->stages[i].info->name, "scale.", 6) == 0 ||
            strncmp(s->stages[i].info->name, "hdr.", 4) == 0)
            return i;
    return s->stage_count;
}

static int start_groups(struct ta_frames *t)
{
    int split = first_of_second_group(&t->seg);
    t->group_count = split < t->seg.stage_count ? 2 : 1;
    struct ta_queue *in = t->decoded;
    int err = 0;
    for (int i = 0; i < t->group_count && err >= 0; i++) {
        struct group *g = &t->groups[i];
        g->frames = t;
        g->stages = t->seg.stages + (i ? split : 0);
        g->count = i ? t->seg.stage_count - split : split;
        g->in = in;
        err = ta_queue_create(&g->out, QUEUE_FRAMES, QUEUE_BYTES, drop_frame);
        in = g->out;
    }
    for (int i = 0; i < t->group_count && err >= 0; i++)
        err = ta_thread_create(&t->groups[i].thread, "chain", run_group, &t->groups[i]);
    return err;
}

// ---- from outside ----

int ta_frames_open(struct ta_frames **out, const struct ta_plan *plan, const struct ta_segment *segment,
                   const struct ta_cancel *stop, struct ta_log *log)
{
    struct ta_frames *t = ta_xcalloc(1, sizeof *t);
    *t = (struct ta_frames){.plan = plan,
                            .seg = *segment,
                            .stop = stop,
                            .log = log,
                            .source = ta_plan_giving(plan, segment->source_first),
                            .last_pts = INT64_MIN,
                            .measured = ta_plan_hdr10_peak(plan) > 0,
                            .paired = plan->deinterlaced};
    int err = ta_queue_create(&t->decoded, QUEUE_FRAMES, QUEUE_BYTES, drop_frame);
    if (err >= 0)
        err = start_groups(t);
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
    if (ta_canceled(f->stop))
        return TA_ERR_CANCELED;
    int err = ta_queue_pop(f->groups[f->group_count - 1].out, &item);
    *frame = item;
    return err;
}

// The failure that explains the others: not the cancelling that followed from it.
static int first_cause(int a, int b)
{
    return a < 0 && (a != TA_ERR_CANCELED || b >= 0) ? a : b;
}

int ta_frames_close(struct ta_frames **frames, int err, struct ta_frames_stats *stats)
{
    struct ta_frames *t = *frames;
    *frames = NULL;
    if (!t)
        return err;
    for (int i = 0; i < t->group_count; i++)
        if (t->groups[i].out)
            ta_queue_cancel(t->groups[i].out);
    if (t->decoded && err < 0)
        ta_queue_cancel(t->decoded);
    int last = t->group_count - 1;
    int found = ta_thread_join(&t->reader);
    for (int i = 0; i <= last; i++) {
        int group_err = ta_thread_join(&t->groups[i].thread);
        // Those before the last that were told that no more is needed ended well.
        if (i < last && group_err == TA_ERR_CANCELED && err >= 0)
            group_err = 0;
        found = first_cause(found, group_err);
    }
    if (found == TA_ERR_CANCELED && err >= 0)
        found = 0;
    err = first_cause(found, err);
    ta_queue_destroy(&t->decoded);
    for (int i = 0; i <= last; i++)
        ta_queue_destroy(&t->groups[i].out);
    if (stats)
        *stats = t->stats;
    free(t);
    return err;
}
