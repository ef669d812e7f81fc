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
    bool narrow, treble;        // it has nothing above 8 kHz, and is to get it
    int err;
};

// Adds the stages that the recipe asks for, by what was heard, and tells why; sets `cur` and `err`.
void ta_sound_choose_stages(struct ta_sound_choosing *c);
// Adds a stage with its defaults and returns its options; settle() configures it with what was set.
void *ta_sound_add_stage(struct ta_sound_choosing *c, const struct ta_sound_stage_info *info);
void ta_sound_settle_stage(struct ta_sound_choosing *c);

// ---- networks (sound_networks.c) ----

// Is the track to get treble, and is there room for it? Else `facts` become those in `raised`, at a rate that
// has room; to be released.
void ta_sound_choose_treble(struct ta_sound_choosing *c, struct ta_sound_facts *raised);
void ta_sound_add_voice(struct ta_sound_choosing *c);
void ta_sound_add_treble(struct ta_sound_choosing *c);

// Tells what was heard to be wrong in a track of which nothing is asked, and the options that would mend it.
void ta_sound_tell_heard(struct ta_sound_choosing *c, int stream);

#endif
