// The chain of a segment: the plan's stages as libavfilter graphs and native stages, driven frame by frame.
#ifndef TA_VIDEO_CHAIN_H
#define TA_VIDEO_CHAIN_H

#include "video/stage.h"

// Thread-safety: Unsafe; one thread at a time.
struct ta_chain;

// `stages` must outlive the chain, and what `env` points at too; *env itself is copied (NULL: an empty one).
// Stages are started: networks are loaded. An empty chain passes frames through.
int ta_chain_create(struct ta_chain **out, const struct ta_stage_plan *stages, int count,
                    const struct ta_env *env);
// Takes `frame` (NULL: end of stream), also on failure. Every frame that comes out is handed to `emit`, which
// takes it.
int ta_chain_push(struct ta_chain *c, AVFrame *frame, int (*emit)(void *receiver, AVFrame *frame),
                  void *receiver);
void ta_chain_destroy(struct ta_chain **c);

// Would ta_chain_create() work? For planning: graphs and stages are started and thrown away, but for those
// that need an engine, which are asked (check()): nothing is loaded. Logs the reason.
int ta_chain_check(const struct ta_stage_plan *stages, int count, const struct ta_env *env);

// The chain in libavfilter's words, for reports and tests; to be freed. Stages that have none are shown as
// [name].
char *ta_chain_text(const struct ta_stage_plan *stages, int count);

// Reach of the whole chain in source frames.
struct ta_reach ta_chain_reach(const struct ta_stage_plan *stages, int count);

// What the stages of one running chain take, with the frames that those wait for which take several at a
// time; without what every chain holds (queues, a frame or two a stage).
int64_t ta_chain_bytes(const struct ta_stage_plan *stages, int count, const struct ta_env *env);

#endif
