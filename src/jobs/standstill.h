// Does a process still do something? Looked at from outside, every few seconds.
//
// A worker whose heart beats may stand still all the same: its encoder waits for a thread that has gone, its
// driver for a device that does not answer. What tells is what the kernel knows of it: none of its threads
// runs, wants to run or waits for a disk, and next to no processor time was taken between two looks.
#ifndef TA_JOBS_STANDSTILL_H
#define TA_JOBS_STANDSTILL_H

#include <stdint.h>
#include <sys/types.h>

// Begin with {0}, and again whenever the process is known to do something.
struct ta_standstill {
    double at, seconds; // of the monotonic clock: last look; for how long it has stood still
    double used;        // of the processor, over its life
};

// Seconds for which `pid`, a child of this process that was not waited for, has stood still now, `now` being
// the time of the monotonic clock. A look that comes much later than `every` seconds after the last counts as
// one that came in time: this process did not run either. 0 where the system does not tell.
double ta_standstill_look(struct ta_standstill *s, pid_t pid, double now, double every);

#endif
