// The stages of a track in a row, for a piece of it: what delays is trimmed and padded, so that sample i that
// comes out belongs to sample i that went in.
#ifndef TA_AUDIO_CHAIN_H
#define TA_AUDIO_CHAIN_H

#include "audio/stage.h"

// `stages` are configured and outlive it. Thread-safety: Unsafe.
struct ta_sound_chain;
int ta_sound_chain_create(struct ta_sound_chain **out, const struct ta_sound_stage_plan *stages, int count,
                          const struct ta_sound_format *in, const struct ta_env *env);
// Any number of samples in planes of the first stage's input, which are written to.
int ta_sound_chain_push(struct ta_sound_chain *c, float *const *planes, size_t samples);
// The end: brings out what stages hold back. As many come out in all as went in.
int ta_sound_chain_end(struct ta_sound_chain *c);
size_t ta_sound_chain_ready(const struct ta_sound_chain *c);
// Takes `samples` <= ready() into planes of the last stage's output.
void ta_sound_chain_take(struct ta_sound_chain *c, float *const *planes, size_t samples);
void ta_sound_chain_destroy(struct ta_sound_chain **c);

int64_t ta_sound_chain_latency(const struct ta_sound_stage_plan *stages, int count);
// How far from the start of its track a piece may begin, in steps of so many samples.
int64_t ta_sound_chain_align(const struct ta_sound_stage_plan *stages, int count);
// The sum of what the stages need, each over the next.
struct ta_sound_reach ta_sound_chain_reach(const struct ta_sound_stage_plan *stages, int count);

#endif
