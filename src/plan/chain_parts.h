// Between the files that decide the chain: chain.c (which stages), chain_scale.c (size).
#ifndef TA_PLAN_CHAIN_PARTS_H
#define TA_PLAN_CHAIN_PARTS_H

#include "plan/decide.h"

struct ta_stage_info;

// Places a stage; the result is its options, at their defaults. Then, when these are as they should be, its
// output becomes what the next one gets.
void *ta_chain_add_stage(struct ta_decision *d, const struct ta_stage_info *info);
int ta_chain_finish_stage(struct ta_decision *d);
void ta_chain_set_pix_fmt(char **option, enum AVPixelFormat p);
// The kind of dither for the step to this format.
int ta_chain_dither_to(const struct ta_decision *d, enum AVPixelFormat to);
// To this pixel format and range at the same size, where that is any change.
int ta_chain_add_depth(struct ta_decision *d, enum AVPixelFormat to, int range);
// Output size in coded orientation, and why.
int ta_chain_choose_size(struct ta_decision *d, int *w, int *h, const char **why);
// To this size, pixel format and range, by what the recipe has in the slot "scale".
int ta_chain_add_scale(struct ta_decision *d, int w, int h, enum AVPixelFormat to, int range);
// That a stage runs on a card, by `runs`: its pictures are not the same everywhere.
void ta_chain_tell_device(struct ta_decision *d, const char *runs);
// Where nothing is scaled: says so to a caller who said with what.
void ta_chain_tell_vain_scale(struct ta_decision *d);
// Warns of an option that changes nothing, and why; of all of a slot that its stage does not have, as for
// ta_options_next_vain().
void ta_chain_tell_vain(struct ta_decision *d, const char *option, const char *why);
void ta_chain_tell_vain_options(struct ta_decision *d, const char *slot, const struct ta_opt *table,
                                const struct ta_opt *beside);

#endif
