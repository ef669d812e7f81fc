// A chain on threads of its own, joined by bounded queues: one for each group of stages that share one.
#ifndef TA_VIDEO_CHAIN_THREADS_H
#define TA_VIDEO_CHAIN_THREADS_H

#include "video/stage.h"

struct ta_queue;

// Stages first .. first+count-1 share a thread.
struct ta_chain_group {
    int first, count;
};
// How a chain is shared out: the number of groups, at least 1 (of no stages, for an empty chain). `groups`
// has room for `count` of them, and at least one.
int ta_chain_groups(const struct ta_stage_plan *stages, int count, struct ta_chain_group *groups);

// A queue of frames (AVFrame, those left are freed) in front of these stages: so deep that what takes several
// frames at a time finds the next ones gathered when it is done. With count 0: behind a chain.
int ta_chain_queue_create(struct ta_queue **out, const struct ta_stage_plan *stages, int count,
                          const struct ta_env *env);

// Who gets what the chain gives. All are called in the last group's thread.
struct ta_chain_sink {
    // Takes the frame, also on failure; TA_ERR_* ends the chain.
    int (*take)(void *priv, AVFrame *frame);
    // Is all there that is wanted? Then the rest is not waited for, and nothing is flushed.
    bool (*is_full)(void *priv);
    // The last call, always: how it ended, 0 or what failed. Returns what counts.
    int (*end)(void *priv, int err);
    void *priv;
};

// Thread-safety: Unsafe.
struct ta_chain_threads;
// Starts. Frames come by `in` (borrowed, ta_chain_queue_create()), whose end and errors go through the chain.
// Everything given must outlive it. Networks are loaded in the threads. When it fails, sink->end() is not
// called.
int ta_chain_threads_start(struct ta_chain_threads **out, const struct ta_stage_plan *stages, int count,
                           struct ta_queue *in, const struct ta_chain_sink *sink, const struct ta_env *env);
// No more is wanted: ends what the threads wait for among themselves. What they wait for outside, `in` and
// what the sink waits for, the caller cancels. `t` may be NULL.
void ta_chain_threads_stop(struct ta_chain_threads *t);
// Waits for all threads. `err` is how the caller's own work ended; the result is the failure that explains
// the others, or 0. *t may be NULL: then it is `err`.
int ta_chain_threads_join(struct ta_chain_threads **t, int err);

// The failure that explains the other: not the cancelling that followed from it.
int ta_chain_first_cause(int a, int b);

#endif
