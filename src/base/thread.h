// Threads, the bounded queue that joins them, and the pool that splits rows and blocks.
#ifndef TA_BASE_THREAD_H
#define TA_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// A named thread (15 characters are kept) whose function returns 0 or TA_ERR_*. Signals are blocked in it,
// but for SIGPROF.
struct ta_thread;
// 0, or with *out = NULL when the system gives no thread TA_ERR_LIMIT (it allows no more) or TA_ERR_NOMEM.
int ta_thread_create(struct ta_thread **out, const char *name, int (*run)(void *arg), void *arg);
// Does the system allow so many more at once? For whoever has to tell why a library failed.
bool ta_threads_available(int count);
int ta_thread_join(struct ta_thread **t); // waits; the function's result; *t becomes NULL. 0 for *t == NULL.

// Bounded queue of pointers; limits in items and bytes. End of stream and errors are states reached in order:
// ta_queue_finish(q, err) is seen by pop() after all items. ta_queue_cancel() wakes everybody at once and
// drops what is queued. Thread-safety: Safe for any number of producers and consumers, except create and
// destroy.
struct ta_queue;
// `drop` frees an item that nobody will take any more, without any lock held; may be NULL. max_bytes 0: no
// limit. An item larger than max_bytes passes alone.
int ta_queue_create(struct ta_queue **out, size_t max_items, size_t max_bytes, void (*drop)(void *item));
void ta_queue_destroy(struct ta_queue **q); // drops what is left
// From now on the ledger (may be NULL; it outlives the queue) hears how long others waited here, in the rows
// "NAME full" and "NAME empty" of the kind "wait". Before others use the queue.
struct ta_ledger;
void ta_queue_note(struct ta_queue *q, struct ta_ledger *ledger, const char *name);
// Takes ownership of `item` (not NULL) also on failure (then drops it). Blocks while full. 0;
// TA_ERR_CANCELED, also after finish(); TA_ERR_NOMEM.
int ta_queue_push(struct ta_queue *q, void *item, size_t bytes);
// Blocks while empty. 0 and *item; *item == NULL with 0 at the end of the stream; the error given to
// finish(); TA_ERR_CANCELED. The end, once reached, is returned by every later call.
int ta_queue_pop(struct ta_queue *q, void **item);
// What is queued can still be popped; what is pushed after it, and pushes that wait, fail. The first call
// counts.
void ta_queue_finish(struct ta_queue *q, int err);
void ta_queue_cancel(struct ta_queue *q);

// Fork and join over n parts: run(arg, i) for i in 0..n-1 on the pool's threads and the caller's own; returns
// when all are done. Any number of threads may call at the same time, parts too; a pool of 1 (or NULL) runs
// in the caller. The order of parts is not defined. While as many calls run as the pool has threads, a call
// runs all of its parts itself.
struct ta_pool;
int ta_pool_create(struct ta_pool **out, int threads); // threads >= 1 counts the caller
void ta_pool_destroy(struct ta_pool **p);
void ta_pool_run(struct ta_pool *p, int n, void (*run)(void *arg, int i), void *arg);

// Cores that this process may use (affinity and cgroup quota respected), at least 1.
int ta_cpu_count(void);

// A condition whose timed waits keep to the monotonic clock: one that is set back would make them long.
// `until` of pthread_cond_timedwait() is ta_clock_after(seconds), for seconds >= 0.
void ta_cond_init(pthread_cond_t *condition);
struct timespec ta_clock_after(double seconds);

// Sleeps so long, whatever signals come. For what lasts by intent: a measurement, or what stands for work.
void ta_sleep_us(int64_t us);

// Seconds of the monotonic clock; CPU seconds of this process.
double ta_clock_seconds(void);
double ta_cpu_seconds(void);
// A time of the calendar (seconds since 1970) as records have it, "2026-11-30T04:11:00Z"; "" when it has no
// such text.
enum { TA_UTC_TEXT = 21 };
void ta_utc_text(int64_t seconds, char out[TA_UTC_TEXT]);
int64_t ta_peak_rss_bytes(void);
// Memory that the process holds now; the peak where the system does not say.
int64_t ta_rss_bytes(void);
int64_t ta_machine_memory_bytes(void); // 4 GiB when the system does not tell
// What of it new work could get without anything being put out; -1 when the system does not tell.
int64_t ta_memory_available(void);

#endif
