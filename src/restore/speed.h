// How fast networks are on this machine: measured while planning, kept from run to run.
#ifndef TA_RESTORE_SPEED_H
#define TA_RESTORE_SPEED_H

#include <stdbool.h>

#include "plan/plan.h"

// Of an output frame, through the whole chain.
struct ta_speed {
    double seconds, cpu_seconds;
};

// What was measured of chains with just these stages, formats, engine and encoder on as many cores as here.
// `cache` may be NULL: then nothing is kept. False: nothing was, or it is none.
bool ta_speed_find(const struct ta_plan *plan, const char *cache, struct ta_speed *out);
// That it can't be kept is no failure.
void ta_speed_keep(const struct ta_plan *plan, const char *cache, const struct ta_speed *speed);

#endif
