// Which networks for sound are here, of those that a recipe wants.
#ifndef TA_RESTORE_SOUND_NETWORKS_H
#define TA_RESTORE_SOUND_NETWORKS_H

#include <stdbool.h>

#include "audio/network.h"
#include "plan/plan.h"
#include "recipe/options.h"

struct ta_sound_networks {
    bool wants_denoiser, wants_extender;
    struct ta_sound_network_facts denoiser, extender;
};
// That there is none is no error here: the plan says so, where it needs one. To be released.
int ta_sound_networks_look(struct ta_sound_networks *n, struct ta_options *options, const struct ta_env *env,
                           struct ta_log *log);
// Loads those that are here: the best against noise that is, or that the options name, and the one for
// treble. What is missing or does not work is a warning.
void ta_sound_networks_preload(struct ta_options *options, const struct ta_env *env, struct ta_log *log);
void ta_sound_networks_release(struct ta_sound_networks *n);
// Into the facts of a plan, which borrow them.
void ta_sound_networks_tell(const struct ta_sound_networks *n, struct ta_plan_facts *facts);

#endif
