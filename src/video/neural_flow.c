// The caller fills and emits; computing and making frames have a thread each. A batch goes round: filled,
// computed, made into frames, and, once its frames are out, filled again.
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "video/neural.h"

struct slot {
    float *in, *out;
    AVFrame *source[TA_NEURAL_BATCH_MAX], *made[TA_NEURAL_BATCH_MAX];
    int count, err;
};

struct ta_neural_flow {
    struct ta_neural_flow_params p;
    struct slot slots[TA_NEURAL_SLOTS];
    struct ta_queue *to_compute, *to_drain, *done;
    struct ta_thread *compute, *drain;
    int next, flying; // the slot to fill, and how many are under way
    double first, last;
    struct ta_neural_flow_stats stats;
};

static int take_memory(struct ta_neural_flow *f, struct slot *s, int pictures)
{
    s->in = malloc((size_t)pictures * f->p.in_numbers * sizeof *s->in);
    s->out = malloc((size_t)pictures * f->p.out_numbers * sizeof *s->out);
    f->stats.allocations += 2;
    if (s->in && s->out)
        return 0;
    ta_error(f->p.log, "out of memory for %d pictures at a time: a smaller --batch takes less", pictures);
    return TA_ERR_NOMEM;
}

static void drop_memory(struct slot *s)
{
    free(s->in);
    free(s->out);
    s->in = s->out = NULL;
}

static void drop_frames(struct slot *s)
{
    for (int i = 0; i < s->count; i++) {
        av_frame_free(&s->source[i]);
        av_frame_free(&s->made[i]);
    }
    s->count = 0;
}

// ---- the steps of a batch ----

static int fill(struct ta_neural_flow *f, struct slot *s)
{
    int err = 0;
    for (int i = 0; i < s->count && err >= 0; i++)
        err = ta_neural_fill(f->p.pictures, s->source[i], s->in + (size_t)i * f->p.in_numbers, f->p.log);
    return err;
}

static int compute(struct ta_neural_flow *f, struct slot *s)
{
    double begun = ta_clock_seconds();
    f->first = f->first > 0 ? f->first : begun;
    int err = ta_picture_run(f->p.run, s->in, s->out, s->count, f->p.cancel, f->p.log);
    if (err < 0 && err != TA_ERR_CANCELED && f->p.recover && f->p.recover(f->p.priv, err))
        err = ta_picture_run(f->p.run, s->in, s->out, s->count, f->p.cancel, f->p.log);
    f->last = ta_clock_seconds();
    f->stats.batches++;
    return err;
}

static int drain(struct ta_neural_flow *f, struct slot *s)
{
    int err = 0;
    for (int i = 0; i < s->count && err >= 0; i++) {
        err = ta_neural_drain(f->p.pictures, s->source[i], s->out + (size_t)i * f->p.out_numbers, &s->made[i],
                              f->p.log);
        av_frame_free(&s->source[i]);
    }
    return err;
}

static int work(struct ta_neural_flow *f, struct ta_queue *from, struct ta_queue *to,
                int (*step)(struct ta_neural_flow *f, struct slot *s))
{
    for (;;) {
        void *item = NULL;
        int err = ta_queue_pop(from, &item);
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

void ta_neural_flow_destroy(struct ta_neural_flow **flow)
{
    struct ta_neural_flow *f = *flow;
    *flow = NULL;
    if (!f)
        return;
    struct ta_queue **queues[] = {&f->to_compute, &f->to_drain, &f->done};
    for (size_t i = 0; i < TA_COUNT(queues); i++)
        if (*queues[i])
            ta_queue_cancel(*queues[i]);
    ta_thread_join(&f->compute);
    ta_thread_join(&f->drain);
    for (size_t i = 0; i < TA_COUNT(queues); i++)
        ta_queue_destroy(queues[i]);
    for (int i = 0; i < TA_NEURAL_SLOTS; i++) {
        drop_frames(&f->slots[i]);
        drop_memory(&f->slots[i]);
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

// As it was done before there were batches; kept to compare with.
static int run_plainly(struct ta_neural_flow *f, struct slot *s)
{
    int err = take_memory(f, s, 1);
    if (err >= 0)
        err = fill(f, s);
    if (err >= 0)
        err = compute(f, s);
    if (err >= 0)
        err = drain(f, s);
    drop_memory(s);
    return err;
}

int ta_neural_flow_push(struct ta_neural_flow *f, AVFrame **in, int count,
                        int (*emit)(void *receiver, AVFrame *frame), void *receiver)
{
    int err = 0;
    while (f->flying && err >= 0 && (!count || f->flying == TA_NEURAL_SLOTS))
        err = land(f, emit, receiver);
    if (err < 0 || !count) {
        for (int i = 0; i < count; i++)
            av_frame_free(&in[i]);
        return err;
    }
    struct slot *s = &f->slots[f->next];
    s->err = 0;
    for (s->count = 0; s->count < count; s->count++)
        s->source[s->count] = in[s->count];
    if (!f->p.overlap)
        return emit_all(s, run_plainly(f, s), emit, receiver);
    err = fill(f, s);
    if (err >= 0)
        err = ta_queue_push(f->to_compute, s, 0);
    if (err < 0) {
        drop_frames(s);
        return err;
    }
    f->next = (f->next + 1) % TA_NEURAL_SLOTS;
    f->flying++;
    return 0;
}

void ta_neural_flow_get_stats(const struct ta_neural_flow *f, struct ta_neural_flow_stats *stats)
{
    *stats = f->stats;
    stats->seconds = f->last - f->first;
}
