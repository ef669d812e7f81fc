// The caller's thread encodes what decoding and the chain, on threads of their own, hand over.
#include "restore/segment.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/folder.h"
#include "base/ledger.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "base/words.h"
#include "media/encode/encoder.h"
#include "media/mux/segfile.h"
#include "pictures/compose.h"
#include "pictures/frames.h"

struct task {
    const struct ta_plan *plan;
    struct ta_segment seg;
    struct ta_meter *meter;
    const struct ta_cancel *cancel;
    struct ta_log *log;
    struct ta_frames *frames; // NULL when it has given all
    struct ta_frames_stats stats;
    struct ta_turns *turns;
    struct ta_composer *composer; // of previews
    struct ta_ledger *ledger;
};

// ---- the chain ----

// The turn is the caller's then, to be ended by it also where the run was stopped meanwhile.
static int wait_for(struct task *t, enum ta_turn turn, const char *name)
{
    double began = ta_clock_seconds();
    ta_turns_wait(t->turns, turn);
    ta_ledger_add(ta_ledger_row(t->ledger, "wait", name), ta_clock_seconds() - began, 0, 1, 0);
    return ta_canceled(t->cancel) ? TA_ERR_CANCELED : 0;
}

// What it holds is free for the next segment's; a second call does nothing. `err` as ta_frames_close() has
// it.
static int end_chain(struct task *t, int err)
{
    if (!t->frames)
        return err;
    err = ta_frames_close(&t->frames, err, &t->stats);
    ta_turns_end(t->turns, TA_TURN_CHAIN);
    return err;
}

// ---- encode ----

struct output {
    struct ta_encoder *encoder;
    struct ta_segwriter *writer;
    AVPacket *packet;
    int64_t packets;
    int delay;
    struct ta_ledger_row *row;
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
        ta_meter_add(t->meter, 1, bytes);
    }
}

static int encode_frames(struct task *t, struct output *o)
{
    for (;;) {
        AVFrame *frame = NULL;
        int err = ta_frames_next(t->frames, &frame);
        bool end = !frame;
        if (err >= 0 && frame && t->composer)
            err = ta_composer_frame(t->composer, &frame);
        if (err >= 0 && end)
            err = end_chain(t, 0); // the encoder may have seconds of work yet
        if (err < 0)
            return err;
        struct ta_lap began = ta_lap_now();
        err = ta_encoder_send(o->encoder, frame);
        if (err >= 0)
            err = write_packets(t, o);
        struct ta_lap ended = ta_lap_now();
        ta_ledger_add(o->row, ended.wall - began.wall, ended.cpu - began.cpu, !end, 0);
        if (err < 0 || end)
            return err;
    }
}

static int encode(struct task *t, const struct ta_folder *folder, const char *name, bool *created,
                  struct ta_segment_result *out)
{
    const struct ta_plan *p = t->plan;
    struct output o = {.packet = av_packet_alloc(), .row = ta_ledger_row(t->ledger, "stage", "encode")};
    int err = o.packet ? ta_encoder_open(&o.encoder, t->seg.encoder, &p->out_format, t->log) : TA_ERR_NOMEM;
    int fd = err >= 0 ? ta_folder_create(folder, name, t->log) : err;
    *created = fd >= 0;
    if (fd >= 0) {
        char *path = ta_path_join(folder->path, name);
        err = ta_segwriter_create(&o.writer, fd, path, ta_encoder_context(o.encoder), t->log);
        free(path);
    } else {
        err = fd;
    }
    if (err >= 0)
        err = encode_frames(t, &o);
    if (err >= 0 && o.packets != t->seg.out_count) {
        ta_error(t->log, "the encoder gave %lld %s for %lld %s", (long long)o.packets,
                 ta_plural(o.packets, "packet", "packets"), (long long)t->seg.out_count,
                 ta_plural(t->seg.out_count, "frame", "frames"));
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

int ta_segment_make(const struct ta_plan *plan, const struct ta_segment *segment,
                    const struct ta_folder *folder, const char *name, struct ta_turns *turns,
                    struct ta_meter *meter, const struct ta_env *env, struct ta_segment_result *out)
{
    struct task t = {.plan = plan,
                     .seg = *segment,
                     .meter = meter,
                     .cancel = env->cancel,
                     .log = env->log,
                     .turns = turns,
                     .ledger = env->ledger};
    struct ta_env own = *env; // files between passes, where those are asked for, lie in the folder
    own.scratch = folder;
    double began = ta_clock_seconds();
    bool created = false;
    *out = (struct ta_segment_result){0};
    int err = wait_for(&t, TA_TURN_CHAIN, "chain's turn");
    if (err >= 0)
        err = ta_frames_open(&t.frames, plan, &t.seg, &own);
    if (err < 0)
        ta_turns_end(turns, TA_TURN_CHAIN);
    if (err >= 0 && plan->show)
        err = ta_composer_create(&t.composer, plan, &t.seg, env->cancel, t.log);
    if (err >= 0) {
        err = wait_for(&t, TA_TURN_ENCODER, "encoder's turn");
        if (err >= 0)
            err = encode(&t, folder, name, &created, out);
        ta_turns_end(turns, TA_TURN_ENCODER);
    }
    err = end_chain(&t, err);
    ta_composer_destroy(&t.composer);
    ta_ledger_span(t.ledger, name, began, ta_clock_seconds());
    out->concealed = t.stats.concealed;
    out->damaged = t.stats.damaged;
    out->max_cll = t.stats.max_cll;
    out->max_fall = t.stats.max_fall;
    if (err < 0 && created)
        ta_folder_unlink(folder, name);
    return err;
}

int ta_segment_run(const struct ta_plan *plan, int segment, const struct ta_folder *folder, const char *name,
                   struct ta_turns *turns, struct ta_meter *meter, const struct ta_env *env,
                   struct ta_segment_result *out)
{
    struct ta_segment range = ta_plan_segment(plan, segment);
    struct ta_env own = *env;
    own.log = ta_log_child(env->log, "segment %d", segment);
    ta_log_set_about(own.log, plan->input);
    int err = ta_segment_make(plan, &range, folder, name, turns, meter, &own, out);
    ta_log_destroy(&own.log);
    return err;
}

void ta_segment_to_done(const struct ta_segment_result *r, struct ta_done *done)
{
    *done = (struct ta_done){.bytes = r->bytes};
    memcpy(done->sha256, r->sha256, sizeof done->sha256);
    ta_counts_set(&done->counts, "frames", r->frames);
    ta_counts_set(&done->counts, "concealed", r->concealed);
    ta_counts_set(&done->counts, "damaged", r->damaged);
    ta_counts_set(&done->counts, "delay", r->delay);
    if (r->max_cll || r->max_fall) { // HDR10 alone has these
        ta_counts_set(&done->counts, "max_cll", r->max_cll);
        ta_counts_set(&done->counts, "max_fall", r->max_fall);
    }
}

void ta_segment_from_done(const struct ta_done *done, struct ta_segment_result *r)
{
    const struct ta_counts *c = &done->counts;
    *r = (struct ta_segment_result){.frames = ta_counts_get(c, "frames"),
                                    .bytes = done->bytes,
                                    .concealed = ta_counts_get(c, "concealed"),
                                    .damaged = ta_counts_get(c, "damaged"),
                                    .delay = (int)ta_counts_get(c, "delay"),
                                    .max_cll = (int)ta_counts_get(c, "max_cll"),
                                    .max_fall = (int)ta_counts_get(c, "max_fall")};
    memcpy(r->sha256, done->sha256, sizeof r->sha256);
}
