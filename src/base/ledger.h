// What took how long: rows of counters that many threads add to, by kind and name ("stage",
// "denoise.recursive"). A run has one (env.h); whoever works adds what it did. Nothing here decides anything.
#ifndef TA_BASE_LEDGER_H
#define TA_BASE_LEDGER_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// Kinds: "stage" (frames; time without that of the stages behind), "wait" (blocked on a queue or turn: count
// is how often), "lock" (blocked on a lock), "pass" (a pass through files: frames, bytes), "cache".
//
// Thread-safety: Safe.
struct ta_ledger;
struct ta_ledger_row;

int ta_ledger_create(struct ta_ledger **out);
void ta_ledger_destroy(struct ta_ledger **l);

// The row, made when there is none; it lives as long as the ledger. NULL for no ledger.
struct ta_ledger_row *ta_ledger_row(struct ta_ledger *l, const char *kind, const char *name);
// Seconds by the clock and of this thread's processor, how often or how many, bytes. Nothing for no row.
void ta_ledger_add(struct ta_ledger_row *row, double wall, double cpu, int64_t count, int64_t bytes);

struct ta_ledger_sum {
    double wall, cpu; // seconds, of all threads together
    int64_t count, bytes;
};
struct ta_ledger_sum ta_ledger_sum(const struct ta_ledger_row *row);
// All rows of a kind whose names begin so ("": all).
struct ta_ledger_sum ta_ledger_sum_of(struct ta_ledger *l, const char *kind, const char *prefix);

// Spans of time for a timeline, by thread; kept only after this call, the first `most` of them.
void ta_ledger_keep_spans(struct ta_ledger *l, int most);
// `begin` and `end` by ta_clock_seconds().
void ta_ledger_span(struct ta_ledger *l, const char *name, double begin, double end);

// {"rows": [{kind, name, wall, cpu, count, bytes}], "spans": [{name, lane, begin, end}], "spans_lost": n}:
// seconds since the ledger was made; lane is a thread's name and number. A new reference.
json_t *ta_ledger_json(struct ta_ledger *l);

// Both clocks at once, for ta_ledger_add().
struct ta_lap {
    double wall, cpu;
};
struct ta_lap ta_lap_now(void);

// As pthread_mutex_lock(); what it waited is added to the row.
void ta_ledger_lock(struct ta_ledger_row *row, pthread_mutex_t *mutex);

#endif
