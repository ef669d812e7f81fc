// Where a process spends its processor time: a signal interrupts each thread so many times a second of what
// it computes, and the stack is unwound there by the tables that exceptions use, which all code has, also
// where no frame pointers are kept. One a process at a time.
#ifndef TA_PERF_SAMPLER_H
#define TA_PERF_SAMPLER_H

#include <jansson.h>

struct ta_sampler;
// From now on `hz` samples a second of each thread's processor time, of threads that come later too (within
// 20 ms of the clock); the first `most` are kept. Uses SIGPROF, which threads must not block. TA_ERR_LIMIT or
// TA_ERR_BUSY: the system gives no timers, or there is one already.
int ta_sampler_start(struct ta_sampler **out, int hz, int most);
void ta_sampler_stop(struct ta_sampler *s); // no more are taken
// {hz, own_seconds (what the samples took), samples, lost, functions: [{name, module, self, total}], stacks:
// [{stack: ["main", ...], count}]}: by number of samples, the most frequent first; those above 400 functions
// and 1,500 stacks are left out. After stop().
json_t *ta_sampler_json(struct ta_sampler *s);
void ta_sampler_destroy(struct ta_sampler **s);

#endif
