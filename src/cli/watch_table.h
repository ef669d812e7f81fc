// The queue as a table that is drawn again in its place.
#ifndef TA_CLI_WATCH_TABLE_H
#define TA_CLI_WATCH_TABLE_H

#include <stdbool.h>

#include <jansson.h>

struct ta_buf;

// Thread-safety: Unsafe.
struct ta_watch_table;
struct ta_watch_table *ta_watch_table_create(void);
void ta_watch_table_destroy(struct ta_watch_table **t);

// What the service tells: a job as a whole, how far one is ({"id", ...}), one that is gone, the queue's
// switch.
void ta_watch_table_set(struct ta_watch_table *t, const json_t *job);
void ta_watch_table_progress(struct ta_watch_table *t, const json_t *progress);
void ta_watch_table_remove(struct ta_watch_table *t, json_int_t id);
void ta_watch_table_pause(struct ta_watch_table *t, bool paused);

// The table for a terminal of this size, and what takes the cursor back over the one that was drawn before.
// Those at work come first, then those that wait in their order, then those that have ended, the newest
// first; what has no room is counted.
void ta_watch_table_draw(struct ta_watch_table *t, int rows, int columns, struct ta_buf *out);

#endif
