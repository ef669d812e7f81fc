// Between the files that decide about sound.
#ifndef TA_PLAN_SOUND_PARTS_H
#define TA_PLAN_SOUND_PARTS_H

#include "plan/sound.h"
#include "recipe/sound_options.h"

struct ta_sound_choosing {
    struct ta_decision *d;
    struct ta_sound_recipe recipe;
    const struct ta_sound_facts *facts;
    struct ta_sound_plan *plan;
    struct ta_sound_format cur; // after the stages placed so far
    int err;
};

// Adds the stages that the recipe asks for, by what was heard, and tells why; sets `cur` and `err`.
void ta_sound_choose_stages(struct ta_sound_choosing *c);

#endif
