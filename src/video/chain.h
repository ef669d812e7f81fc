// The chain of a segment: the plan's stages as libavfilter graphs and native stages, driven frame by frame.
#ifndef TA_VIDEO_CHAIN_H
#define TA_VIDEO_CHAIN_H

#include "video/stage.h"

// Thread-safety: Unsafe; one thread at a time.
struct ta_chain;

// `stages` must outlive the chain. An empty chain passes frames through.
int ta_chain_create(struct ta_chain **out, const struct ta_stage_plan *stages, int count, struct ta_log *log);
// Takes `frame` (NULL: end of stream), also on failure. Every frame that comes out is handed to `emit`, which
// takes it.
int ta_chain_push(struct ta_chain *c, AVFrame *frame, int (*emit)(void *receiver, AVFrame *frame),
                  void *receiver);
void ta_chain_destroy(struct ta_chain **c);

// The chain in libavfilter's words, for reports and tests; to be freed. Stages that have none are shown as
// [name].
char *ta_chain_text(const struct ta_stage_plan *stages, int count);

// Reach of the whole chain in source frames.
struct ta_reach ta_chain_reach(const struct ta_stage_plan *stages, int count);

#endif
