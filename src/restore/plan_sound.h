// Plans of sound alone: files without pictures, and films whose pictures are copied.
#ifndef TA_RESTORE_PLAN_SOUND_H
#define TA_RESTORE_PLAN_SOUND_H

#include "plan/plan.h"
#include "restore/callbacks.h"

// As ta_plan_create(), for a recipe that says "pictures: copy".
int ta_plan_create_sound(struct ta_plan **out, const char *input, const char *output,
                         struct ta_options *options, const struct ta_callbacks *callbacks,
                         struct ta_log *log);
// Does it?
bool ta_plan_wants_sound_only(struct ta_options *options);

#endif
