#ifndef TA_BENCH_SOUND_PROCESSORS_H
#define TA_BENCH_SOUND_PROCESSORS_H

#include "sound_make.h"

// Runs a processor over all of it in place, without its delay; the CPU seconds that it took, or below 0 where
// there is none of that name. settings: NAME=VALUE.
double sound_process(const char *name, int rate, char **settings, int count, struct sound *s);
// Prints what the measures say.
void sound_hear(int rate, const struct sound *s);

#endif
