// Where a process spends its processor time: a signal interrupts each thread so many times a second of what
// it computes, and the stack is unwound there by the tables that exceptions use, which all code has, also
// where no frame pointers are kept. One a process at a time.
#ifndef TA_PERF_SAMPLER_H
#define TA_PERF_SAMPLER_H

#include <jansson.h>

// What counts a thread's processor time and interrupts it.
enum ta_sampler_clock {
    TA_SAMPLER_ANY = 0, // the first of these that the system allows for the calling thread
    TA_SAMPLER_EVENT,   // perf_event_open(): cycles where the processor counts them, else the kernel's clock
    TA_SAMPLER_TIMER,   // a timer of the thread's processor time: no finer than the kernel's ticks
};

struct ta_sampler;
// From now on `hz` samples a second of each thread's processor time, of threads that come later too (within
// 20 ms of the clock); the first `most` are kept. A thread that gets no clock is tried again every 20 ms.
// Uses SIGPROF, which threads must not block. TA_ERR_LIMIT or TA_ERR_BUSY: the system gives no such clock, or
// there is a sampler already.
int ta_sampler_start(struct ta_sampler **out, enum ta_sampler_clock clock, int hz, int most);
void ta_sampler_stop(struct ta_sampler *s); // no more are taken
// {clock: "cycles", "task clock" (both perf_event) or "timer", system: whether samples in the kernel count
// too, hz, own_seconds (what the samples took), samples, lost (those beyond `most`),
// threads_lost (without a clock at least for a while, for want of open files, say), functions: [{name,
// module, self, total}], stacks: [{stack: ["main", ...], count}]}: by number of samples, the most frequent
// first; those above 400 functions and 1,500 stacks are left out. After stop().
json_t *ta_sampler_json(struct ta_sampler *s);
void ta_sampler_destroy(struct ta_sampler **s);

#endif
