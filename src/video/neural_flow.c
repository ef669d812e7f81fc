// The caller fills and emits; computing and making frames have a thread each. A batch goes round: filled,
// computed, made into frames, and, once its frames are out, filled again.
#include <stdatomic.h>
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "infer/numbers.h"
#include "video/neural.h"

struct slot {
    struct ta_numbers in, out;
    struct ta_neural_picture what[TA_NEURAL_FLOW_MAX];
    AVFrame *made[TA_NEURAL_FLOW_MAX];
    int count, err;
};

struct ta_neural_flow {
    struct ta_neural_flow_params p;
    struct slot slots[TA_NEURAL_SLOTS];
    struct ta_queue *to_compute, *to_drain, *done;
    struct ta_thread *compute, *drain;
    int next, filling, flying; // the slot to fill, pictures in it, and slots under way
    double first, last;
    int64_t held;       // bytes of buffers, now
    atomic_int waiting; // batches that were sent and that the engine has not taken
    struct ta_neural_flow_stats stats;
};

static void drop_memory(struct ta_neural_flow *f, struct slot *s)
{
    f->held -= (int64_t)((s->in.count + s->out.count) * sizeof(float));
    ta_numbers_give(&s->in);
    ta_numbers_give(&s->out);
}

static int take_memory(struct ta_neural_flow *f, struct slot *s, int pictures)
{
    struct ta_network *from = f->p.overlap ? f->p.network : NULL;
    int err = ta_numbers_take(&s->in, from, (size_t)pictures * f->p.in_numbers);
    if (err >= 0)
        err = ta_numbers_take(&s->out, from, (size_t)pictures * f->p.out_numbers);
    f->stats.allocations += 2;
    f->held += (int64_t)((s->in.count + s->out.count) * sizeof(float));
    f->stats.bytes = TA_MAX(f->stats.bytes, f->held);
    f->stats.pinned += (s->in.from != NULL) + (s->out.from != NULL);
    if (err >= 0)
        return 0;
    drop_memory(f, s);
    ta_error(f->p.log, "out of memory for %d pictures at a time: a smaller --batch takes less", pictures);
    return TA_ERR_NOMEM;
}

static void drop_frames(struct slot *s)
{
    for (int i = 0; i < s->count; i++) {
        av_frame_free(&s->what[i].source);
        av_frame_free(&s->made[i]);
    }
    s->count = 0;
}

// ---- the steps of a batch ----

static int compute(struct ta_neural_flow *f, struct slot *s)
{
    double begun = ta_clock_seconds();
    f->first = f->first > 0 ? f->first : begun;
    int err = ta_picture_run(f->p.run, s->in.at, s->out.at, s->count, f->p.cancel, f->p.log);
    if (err < 0 && err != TA_ERR_CANCELED && f->p.recover && f->p.recover(f->p.priv, err))
        err = ta_picture_run(f->p.run, s->in.at, s->out.at, s->count, f->p.cancel, f->p.log);
    f->last = ta_clock_seconds();
    f->stats.batches++;
    return err;
}

static int drain(struct ta_neural_flow *f, struct slot *s)
{
    int err = 0;
    for (int i = 0; i < s->count && err >= 0; i++) {
        const float *in = s->in.at + (size_t)i * f->p.in_numbers,
                    *out = s->out.at + (size_t)i * f->p.out_numbers;
        err = f->p.drain ? f->p.drain(f->p.priv, &s->what[i], in, out, &s->made[i])
                         : ta_neural_drain(f->p.pictures, s->what[i].source, out, &s->made[i], f->p.log);
        av_frame_free(&s->what[i].source);
    }
    return err;
}

// The next to compute. That it is not there yet counts when it comes: behind the last one nothing is missed.
static int pop_to_compute(struct ta_neural_flow *f, void **item)
{
    bool starved = f->stats.batches > 0 && !atomic_load(&f->waiting);
    int err = ta_queue_pop(f->to_compute, item);
    if (err < 0 || !*item)
        return err;
    atomic_fetch_sub(&f->waiting, 1);
    f->stats.starved += starved;
    return 0;
}

static int work(struct ta_neural_flow *f, struct ta_queue *from, struct ta_queue *to,
                int (*step)(struct ta_neural_flow *f, struct slot *s))
{
    for (;;) {
        void *item = NULL;
        int err = from == f->to_compute ? pop_to_compute(f, &item) : ta_queue_pop(from, &item);
        struct slot *s = item;
        if (err < 0 || !s)
            return err;
        if (s->err >= 0)
            s->err = step(f, s);
        err = ta_queue_push(to, s, 0);
        if (err < 0)
            return err;
    }
}

static int run_compute(void *arg)
{
    struct ta_neural_flow *f = arg;
    return work(f, f->to_compute, f->to_drain, compute);
}

static int run_drain(void *arg)
{
    struct ta_neural_flow *f = arg;
    return work(f, f->to_drain, f->done, drain);
}

// ---- the caller's side ----

int ta_neural_flow_create(struct ta_neural_flow **out, const struct ta_neural_flow_params *params)
{
    struct ta_neural_flow *f = ta_xcalloc(1, sizeof *f);
    struct ta_queue **queues[] = {&f->to_compute, &f->to_drain, &f->done};
    int err = 0;
    f->p = *params;
    if (f->p.batch < 1 || f->p.batch > TA_NEURAL_FLOW_MAX) {
        ta_error(f->p.log, "%d pictures at a time are not possible, but 1 to %d", f->p.batch,
                 TA_NEURAL_FLOW_MAX);
        err = TA_ERR_INVALID;
    }
    for (size_t i = 0; f->p.overlap && i < TA_COUNT(queues) && err >= 0; i++)
        err = ta_queue_create(queues[i], TA_NEURAL_SLOTS, 0, NULL);
    for (int i = 0; f->p.overlap && i < TA_NEURAL_SLOTS && err >= 0; i++)
        err = take_memory(f, &f->slots[i], f->p.batch);
    if (f->p.overlap && err >= 0)
        err = ta_thread_create(&f->compute, "engine", run_compute, f);
    if (f->p.overlap && err >= 0)
        err = ta_thread_create(&f->drain, "drain", run_drain, f);
    *out = f;
    if (err < 0)
        ta_neural_flow_destroy(out);
    return err;
}

void ta_neural_flow_stop(struct ta_neural_flow *f)
{
    if (!f)
        return;
    struct ta_queue *queues[] = {f->to_compute, f->to_drain, f->done};
    for (size_t i = 0; i < TA_COUNT(queues); i++)
        if (queues[i])
            ta_queue_cancel(queues[i]);
    ta_thread_join(&f->compute);
    ta_thread_join(&f->drain);
}

void ta_neural_flow_destroy(struct ta_neural_flow **flow)
{
    struct ta_neural_flow *f = *flow;
    *flow = NULL;
    if (!f)
        return;
    struct ta_queue **queues[] = {&f->to_compute, &f->to_drain, &f->done};
    ta_neural_flow_stop(f);
    for (size_t i = 0; i < TA_COUNT(queues); i++)
        ta_queue_destroy(queues[i]);
    for (int i = 0; i < TA_NEURAL_SLOTS; i++) {
        drop_frames(&f->slots[i]);
        drop_memory(f, &f->slots[i]);
    }
    free(f);
}

static int emit_all(struct slot *s, int err, int (*emit)(void *receiver, AVFrame *frame), void *receiver)
{
    for (int i = 0; i < s->count && err >= 0; i++) {
        AVFrame *frame = s->made[i];
        s->made[i] = NULL;
        err = emit(receiver, frame);
    }
    drop_frames(s);
    return err;
}

// Waits for the batch that went first.
static int land(struct ta_neural_flow *f, int (*emit)(void *receiver, AVFrame *frame), void *receiver)
{
    void *item = NULL;
    int err = ta_queue_pop(f->done, &item);
    if (err < 0 || !item)
        return err < 0 ? err : TA_ERR_INTERNAL;
    struct slot *s = item;
    f->flying--;
    return emit_all(s, s->err, emit, receiver);
}

int ta_neural_flow_room(struct ta_neural_flow *f, float **to, int (*emit)(void *receiver, AVFrame *frame),
                        void *receiver)
{
    struct slot *s = &f->slots[f->next];
    int err = !f->filling && f->flying == TA_NEURAL_SLOTS ? land(f, emit, receiver) : 0;
    if (err >= 0 && !f->p.overlap && !s->in.at) // asked for again: it is there
        err = take_memory(f, s, 1);
    *to = err < 0 ? NULL : s->in.at + (size_t)f->filling * f->p.in_numbers;
    return err;
}

// As it was done before there were batches; kept to compare with.
static int run_plainly(struct ta_neural_flow *f, struct slot *s)
{
    int err = compute(f, s);
    if (err >= 0)
        err = drain(f, s);
    drop_memory(f, s);
    return err;
}

int ta_neural_flow_send(struct ta_neural_flow *f)
{
    struct slot *s = &f->slots[f->next];
    if (!f->filling)
        return 0;
    f->filling = 0;
    atomic_fetch_add(&f->waiting, 1);
    int err = ta_queue_push(f->to_compute, s, 0);
    if (err < 0) {
        drop_frames(s);
        return err;
    }
    f->next = (f->next + 1) % TA_NEURAL_SLOTS;
    f->flying++;
    return 0;
}

int ta_neural_flow_add(struct ta_neural_flow *f, const struct ta_neural_picture *what,
                       int (*emit)(void *receiver, AVFrame *frame), void *receiver)
{
    struct slot *s = &f->slots[f->next];
    s->err = 0;
    s->what[f->filling++] = *what;
    s->count = f->filling;
    if (!f->p.overlap) {
        f->filling = 0;
        return emit_all(s, run_plainly(f, s), emit, receiver);
    }
    return f->filling < f->p.batch ? 0 : ta_neural_flow_send(f);
}

int ta_neural_flow_finish(struct ta_neural_flow *f, int (*emit)(void *receiver, AVFrame *frame),
                          void *receiver)
{
    int err = ta_neural_flow_send(f);
    while (f->flying && err >= 0)
        err = land(f, emit, receiver);
    return err;
}

int ta_neural_flow_push(struct ta_neural_flow *f, AVFrame **in, int count,
                        int (*emit)(void *receiver, AVFrame *frame), void *receiver)
{
    int err = 0;
    for (int i = 0; i < count; i++) {
        const struct ta_neural_picture what = {.source = in[i]};
        float *to = NULL;
        if (err >= 0)
            err = ta_neural_flow_room(f, &to, emit, receiver);
        if (err >= 0)
            err = ta_neural_fill(f->p.pictures, in[i], to, f->p.log);
        if (err >= 0)
            err = ta_neural_flow_add(f, &what, emit, receiver);
        else
            av_frame_free(&in[i]);
    }
    if (err < 0)
        return err;
    return count ? ta_neural_flow_send(f) : ta_neural_flow_finish(f, emit, receiver);
}

void ta_neural_flow_get_stats(const struct ta_neural_flow *f, struct ta_neural_flow_stats *stats)
{
    *stats = f->stats;
    stats->seconds = f->last - f->first;
}

void ta_neural_flow_tell(const struct ta_stage *s, const struct ta_neural_flow *f,
                         const struct ta_picture_run *run, int64_t planned)
{
    struct ta_picture_run_stats r;
    struct ta_neural_flow_stats all;
    ta_neural_flow_get_stats(f, &all);
    ta_picture_run_get_stats(run, &r);
    ta_verbose(
        s->log,
        "%s: pictures %lld, calls %lld, engine busy %.3f s of %.3f, buffers %lld of the engine's %lld, "
        "bytes %lld of %lld planned, batch %d, tile %d, engine waited %lld times",
        s->info->name, (long long)r.pictures, (long long)r.calls, r.busy, all.seconds,
        (long long)(all.allocations + r.allocations), (long long)(all.pinned + r.pinned),
        (long long)(all.bytes + r.bytes), (long long)planned, r.batch, r.tile, (long long)all.starved);
}
