// What happens to jobs, as a numbered series that any number of readers follow, each at its own pace. The
// last TA_EVENTS_KEPT are kept; who falls further behind is told that some are gone.
#ifndef TA_JOBS_EVENTS_H
#define TA_JOBS_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

enum { TA_EVENTS_KEPT = 4096 };

struct ta_events;
int ta_events_create(struct ta_events **out); // 0 or TA_ERR_NOMEM
void ta_events_destroy(struct ta_events **e);

// Thread-safety of all below: Safe. Takes `data`, one line of JSON made with malloc; `kind` ("job",
// "progress", "gone", "queue", "alert") is static.
void ta_events_publish(struct ta_events *e, const char *kind, char *data);
// The number of the newest event; 0 before the first.
int64_t ta_events_last(struct ta_events *e);
// The first event after number *seq, with its number in *seq and its text in *data (freed by the caller).
// False when there is none yet. *lost says that others lay between and are gone.
bool ta_events_next(struct ta_events *e, int64_t *seq, const char **kind, char **data, bool *lost);
// Calls `wake` with its kind after each event, from the thread that published it and without a lock; it must
// be quick. One at a time; NULL: none, and none is being called any more.
void ta_events_on_publish(struct ta_events *e, void (*wake)(void *priv, const char *kind), void *priv);

#endif
