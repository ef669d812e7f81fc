// Three threads joined by two bounded queues: decode -> chain -> encode (the caller's thread). A failure
// cancels both queues, so that nobody waits for ever; the first failure that is not the cancelling itself is
// the task's.
#include "restore/segment.h"

#include <stdlib.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/encoder.h"
#include "media/reader.h"
#include "media/segfile.h"
#include "video/chain.h"

enum {
    QUEUE_FRAMES = 8,
    QUEUE_BYTES = 96 << 20,
};

struct task {
    const struct ta_plan *plan;
    struct ta_segment seg;
    struct ta_meter *meter;
    const struct ta_cancel *stop;
    struct ta_log *log;
    struct ta_queue *decoded, *restored;
    int64_t concealed, damaged; // valid once the reading thread has ended
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
    ta_format_tag_frame(&p->source_format, f);
    ta_frame_set_interlaced(f, scan != TA_SCAN_PROGRESSIVE, scan == TA_SCAN_TFF);
    // Deinterlacers read it, and would leave an interlaced frame beside a repeated one woven.
    f->repeat_pict = 0;
    // Encoders take a frame's type as a wish: the source's key frames are none of the output's.
    f->pict_type = AV_PICTURE_TYPE_NONE;
}

static bool wanted(const struct task *t, int64_t source)
{
    return source >= t->seg.source_first && source < t->seg.source_first + t->seg.source_count;
}

static int read_frames(struct task *t, struct ta_reader *reader)
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
            t->concealed += now.concealed - before.concealed;
            t->damaged += now.damaged - before.damaged;
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
    struct task *t = arg;
    const struct ta_plan *p = t->plan;
    int64_t first = TA_MAX(0, t->seg.source_first - p->reach.before);
    int64_t end = TA_MIN((int64_t)p->index->frame_count,
                         t->seg.source_first + t->seg.source_count + p->reach.after);
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

static int not_as_planned(struct task *t, int64_t source, int field)
{
    ta_error(t->log, "the chain gave field %d of source frame %lld where field %d of %lld was planned", field,
             (long long)source, t->field, (long long)t->source);
    return TA_ERR_INTERNAL;
}

static void advance(struct task *t)
{
    if (t->field + 1 < ta_plan_fields_of(t->plan, t->source)) {
        t->field++;
    } else {
        t->field = 0;
        t->source++;
    }
    t->given++;
}

// What the chain gave: lead-in and lead-out are dropped, the rest must be exactly what the plan says, in
// order.
static int take_restored(void *receiver, AVFrame *f)
{
    struct task *t = receiver;
    int64_t pts = f->pts;
    // A source of a single frame has no distance to a next one, and both its fields come with the same time.
    if (t->paired && pts <= t->last_pts)
        pts = t->last_pts + 1;
    t->last_pts = pts;
    int64_t source = t->paired ? pts >> 1 : pts;
    int field = t->paired ? (int)(pts & 1) : 0;
    if (!wanted(t, source)) {
        av_frame_free(&f);
        return 0;
    }
    if (source != t->source || field != t->field) {
        av_frame_free(&f);
        return not_as_planned(t, source, field);
    }
    f->pts = t->given;
    f->pict_type = AV_PICTURE_TYPE_NONE;
    // Captions belong to the frame, not to each of its fields.
    if (field)
        av_frame_remove_side_data(f, AV_FRAME_DATA_A53_CC);
    advance(t);
    return ta_queue_push(t->restored, f, ta_frame_bytes(f));
}

static int push_frames(struct task *t, struct ta_chain *chain)
{
    int err = 0;
    while (err >= 0 && t->given < t->seg.out_count) {
        void *item = NULL;
        err = ta_queue_pop(t->decoded, &item);
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

static int run_chain(void *arg)
{
    struct task *t = arg;
    struct ta_chain *chain = NULL;
    int err = ta_chain_create(&chain, t->plan->stages, t->plan->stage_count, t->log);
    if (err >= 0)
        err = push_frames(t, chain);
    ta_chain_destroy(&chain);
    // The reader may still have lead-out frames that nobody needs any more.
    ta_queue_cancel(t->decoded);
    ta_queue_finish(t->restored, err);
    return err;
}

// ---- encode ----

struct output {
    struct ta_encoder *encoder;
    struct ta_segwriter *writer;
    AVPacket *packet;
    int64_t packets;
    int delay;
};

static int write_packets(struct task *t, struct output *o)
{
    for (;;) {
        int got = ta_encoder_receive(o->encoder, o->packet);
        if (got <= 0)
            return got;
        if (o->packet->pts < 0 || o->packet->pts >= t->seg.out_count) {
            ta_error(t->log, "the encoder gave a packet for frame %lld of %lld", (long long)o->packet->pts,
                     (long long)t->seg.out_count);
            return TA_ERR_INTERNAL;
        }
        o->delay = TA_MAX(o->delay, (int)(o->packets - o->packet->pts));
        o->packets++;
        int64_t bytes = o->packet->size;
        int err = ta_segwriter_write(o->writer, o->packet);
        if (err < 0)
            return err;
        ta_meter_add(t->meter, 1, bytes, 0);
    }
}

static int encode_frames(struct task *t, struct output *o)
{
    for (;;) {
        if (ta_canceled(t->stop))
            return TA_ERR_CANCELED;
        void *item = NULL;
        int err = ta_queue_pop(t->restored, &item);
        if (err < 0)
            return err;
        bool end = !item;
        err = ta_encoder_send(o->encoder, item);
        if (err >= 0)
            err = write_packets(t, o);
        if (err < 0 || end)
            return err;
    }
}

static int encode(struct task *t, const char *path, struct ta_segment_result *out)
{
    const struct ta_plan *p = t->plan;
    struct output o = {.packet = av_packet_alloc()};
    int err = o.packet ? ta_encoder_open(&o.encoder, &p->encoder, &p->out_format, t->log) : TA_ERR_NOMEM;
    if (err >= 0)
        err = ta_segwriter_create(&o.writer, path, ta_encoder_context(o.encoder), t->log);
    if (err >= 0)
        err = encode_frames(t, &o);
    if (err >= 0 && o.packets != t->seg.out_count) {
        ta_error(t->log, "the encoder gave %lld packets for %lld frames", (long long)o.packets,
                 (long long)t->seg.out_count);
        err = TA_ERR_INTERNAL;
    }
    if (err >= 0)
        err = ta_segwriter_finish(o.writer, &out->frames, &out->bytes, out->sha256);
    out->delay = o.delay;
    ta_segwriter_destroy(&o.writer);
    ta_encoder_close(&o.encoder);
    av_packet_free(&o.packet);
    return err;
}

// ---- the task ----

static void wait_turn(struct ta_turns *turns)
{
    if (!turns)
        return;
    pthread_mutex_lock(&turns->lock);
    while (!turns->free)
        pthread_cond_wait(&turns->changed, &turns->lock);
    turns->free--;
    pthread_mutex_unlock(&turns->lock);
}

static void end_turn(struct ta_turns *turns)
{
    if (!turns)
        return;
    pthread_mutex_lock(&turns->lock);
    turns->free++;
    pthread_cond_broadcast(&turns->changed);
    pthread_mutex_unlock(&turns->lock);
}

// The failure that explains the others: not the cancelling that followed from it.
static int first_cause(int a, int b, int c)
{
    int errs[] = {a, b, c}, result = 0;
    for (int i = 0; i < 3; i++)
        if (errs[i] < 0 && (result == 0 || result == TA_ERR_CANCELED))
            result = errs[i];
    return result;
}

int ta_segment_run(const struct ta_plan *plan, int segment, const char *path, struct ta_turns *turns,
                   struct ta_meter *meter, const struct ta_cancel *stop, struct ta_segment_result *out,
                   struct ta_log *log)
{
    struct task t = {.plan = plan,
                     .seg = ta_plan_segment(plan, segment),
                     .meter = meter,
                     .stop = stop,
                     .last_pts = INT64_MIN};
    *out = (struct ta_segment_result){0};
    t.log = ta_log_child(log, "segment %d", segment);
    ta_log_set_about(t.log, plan->input);
    t.source = t.seg.source_first;
    t.paired = plan->deinterlaced;
    struct ta_thread *reader = NULL, *chain = NULL;
    int err = ta_queue_create(&t.decoded, QUEUE_FRAMES, QUEUE_BYTES, drop_frame);
    if (err >= 0)
        err = ta_queue_create(&t.restored, QUEUE_FRAMES, QUEUE_BYTES, drop_frame);
    if (err >= 0)
        err = ta_thread_create(&reader, "decode", run_reader, &t);
    if (err >= 0)
        err = ta_thread_create(&chain, "chain", run_chain, &t);
    if (err >= 0) {
        wait_turn(turns);
        err = encode(&t, path, out);
        end_turn(turns);
    }
    if (t.restored)
        ta_queue_cancel(t.restored);
    if (t.decoded && err < 0)
        ta_queue_cancel(t.decoded);
    int chain_err = ta_thread_join(&chain), reader_err = ta_thread_join(&reader);
    // A reader that was told that no more is needed ended well.
    if (err >= 0 && reader_err == TA_ERR_CANCELED)
        reader_err = 0;
    err = first_cause(reader_err, chain_err, err);
    ta_queue_destroy(&t.decoded);
    ta_queue_destroy(&t.restored);
    out->concealed = t.concealed;
    out->damaged = t.damaged;
    if (err < 0)
        unlink(path);
    ta_log_destroy(&t.log);
    return err;
}
