// A failure cancels the queue before and reaches the one behind, so that nobody waits for ever; the first
// failure that is not the cancelling itself is the chain's.
#include "video/chain_threads.h"

#include <stdlib.h>

#include <libavutil/imgutils.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"
#include "video/chain.h"
#include "video/passes.h"

enum { QUEUE_FRAMES = 8, QUEUE_BYTES = 96 << 20 };

struct group {
    struct ta_chain_threads *owner;
    const struct ta_stage_plan *stages;
    int count;
    struct ta_queue *in, *out; // owned: out, NULL for the last group
    struct ta_thread *thread;
};

struct ta_chain_threads {
    struct ta_env env;
    struct ta_chain_sink sink;
    struct group *groups;
    int count;
    atomic_bool stopped; // of passes, which wait at no queue
};

int ta_chain_groups(const struct ta_stage_plan *stages, int count, struct ta_chain_group *groups)
{
    int n = 0;
    bool later = false, heavy = false;
    groups[0] = (struct ta_chain_group){0, 0};
    for (int i = 0; i < count; i++) {
        enum ta_stage_thread thread = stages[i].info->thread;
        bool begins = i > 0 &&
                      (thread == TA_THREAD_OWN || stages[i - 1].info->thread == TA_THREAD_OWN ||
                       (thread == TA_THREAD_HEAVY && heavy) || (thread == TA_THREAD_LATER && !later));
        later |= i > 0 && thread == TA_THREAD_LATER;
        if (begins)
            groups[++n] = (struct ta_chain_group){i, 0};
        heavy = thread == TA_THREAD_HEAVY || (heavy && !begins);
        groups[n].count++;
    }
    return n + 1;
}

static void drop_frame(void *item)
{
    AVFrame *f = item;
    av_frame_free(&f);
}

int ta_chain_queue_create(struct ta_queue **out, const struct ta_stage_plan *stages, int count,
                          const struct ta_env *env)
{
    size_t frames = count && stages[0].info->thread == TA_THREAD_HEAVY ? TA_STAGE_HEAVY_QUEUE : QUEUE_FRAMES,
           bytes = QUEUE_BYTES;
    for (int i = 0; i < count; i++) {
        const struct ta_format *in = &stages[i].in;
        int taken = ta_stage_plan_needs(&stages[i], env).frames;
        int64_t each = av_image_get_buffer_size(in->pix_fmt, in->width, in->height, 1);
        if (taken == 1)
            continue;
        frames = TA_MAX(frames, (size_t)taken + QUEUE_FRAMES);
        bytes = TA_MAX(bytes, ((size_t)taken + QUEUE_FRAMES) * (size_t)TA_MAX(each, 0));
    }
    return ta_queue_create(out, frames, bytes, drop_frame);
}

static int pass_on(void *receiver, AVFrame *f)
{
    struct group *g = receiver;
    return ta_queue_push(g->out, f, ta_frame_bytes(f));
}

static int push_all(struct group *g, struct ta_chain *chain)
{
    const struct ta_chain_sink *sink = g->out ? NULL : &g->owner->sink;
    while (!sink || !sink->is_full(sink->priv)) {
        void *item = NULL;
        int err = ta_queue_pop(g->in, &item);
        bool end = !item;
        if (err >= 0)
            err = sink ? ta_chain_push(chain, item, sink->take, sink->priv)
                       : ta_chain_push(chain, item, pass_on, g);
        if (err < 0 || end)
            return err;
    }
    return 0;
}

static int run_group(void *arg)
{
    struct group *g = arg;
    struct ta_chain_threads *t = g->owner;
    struct ta_chain *chain = NULL;
    int err = ta_chain_create(&chain, g->stages, g->count, &t->env);
    if (err >= 0)
        err = push_all(g, chain);
    ta_chain_destroy(&chain);
    // Those before may still have frames that nobody needs any more.
    ta_queue_cancel(g->in);
    if (g->out)
        ta_queue_finish(g->out, err);
    else
        err = t->sink.end(t->sink.priv, err);
    return err;
}

static int run_passes(void *arg)
{
    struct group *g = arg;
    struct ta_chain_threads *t = g->owner;
    int err = ta_passes_run(g->stages, g->count, g->in, &t->sink, &t->env, &t->stopped);
    ta_queue_cancel(g->in);
    return t->sink.end(t->sink.priv, err);
}

void ta_chain_threads_stop(struct ta_chain_threads *t)
{
    if (t)
        atomic_store(&t->stopped, true);
    for (int i = 0; t && i < t->count; i++)
        if (t->groups[i].out)
            ta_queue_cancel(t->groups[i].out);
}

static int start(struct ta_chain_threads *t, bool passes)
{
    int err = 0;
    for (int i = 0; i + 1 < t->count && err >= 0; i++) {
        struct group *next = &t->groups[i + 1];
        err = ta_chain_queue_create(&t->groups[i].out, next->stages, next->count, &t->env);
        if (err >= 0)
            ta_queue_note(t->groups[i].out, t->env.ledger, next->stages[0].info->name);
        next->in = t->groups[i].out;
    }
    // From the front: while the last one does not run, the sink hears of nothing.
    for (int i = 0; i < t->count && err >= 0; i++)
        err = ta_thread_create(&t->groups[i].thread, "chain", passes ? run_passes : run_group, &t->groups[i]);
    return err;
}

int ta_chain_threads_start(struct ta_chain_threads **out, const struct ta_stage_plan *stages, int count,
                           struct ta_queue *in, const struct ta_chain_sink *sink, const struct ta_env *env)
{
    struct ta_chain_threads *t = ta_xcalloc(1, sizeof *t);
    struct ta_chain_group *groups = ta_xcalloc((size_t)TA_MAX(count, 1), sizeof *groups);
    *t = (struct ta_chain_threads){.env = *env, .sink = *sink};
    bool passes = ta_passes_wanted(env, count);
    t->count = passes ? 1 : ta_chain_groups(stages, count, groups);
    if (passes)
        groups[0] = (struct ta_chain_group){0, count};
    t->groups = ta_xcalloc((size_t)t->count, sizeof *t->groups);
    for (int i = 0; i < t->count; i++)
        t->groups[i] = (struct group){
            .owner = t, .stages = stages + groups[i].first, .count = groups[i].count, .in = in};
    free(groups);
    int err = start(t, passes);
    if (err < 0) {
        ta_queue_cancel(in);
        ta_chain_threads_stop(t);
        ta_chain_threads_join(&t, err);
    }
    *out = t;
    return err < 0 ? err : 0;
}

int ta_chain_first_cause(int a, int b)
{
    return a < 0 && (a != TA_ERR_CANCELED || b >= 0) ? a : b;
}

int ta_chain_threads_join(struct ta_chain_threads **threads, int err)
{
    struct ta_chain_threads *t = *threads;
    *threads = NULL;
    if (!t)
        return err;
    int found = 0;
    for (int i = 0; i < t->count; i++) {
        int own = ta_thread_join(&t->groups[i].thread);
        // Those before the last that were told that no more is needed ended well.
        if (i + 1 < t->count && own == TA_ERR_CANCELED && err >= 0)
            own = 0;
        found = ta_chain_first_cause(found, own);
    }
    for (int i = 0; i < t->count; i++)
        ta_queue_destroy(&t->groups[i].out);
    free(t->groups);
    free(t);
    return ta_chain_first_cause(found, err);
}
