// The jobs on disk: a SQLite file, "jobs.db" in the state folder. One thread at a time; the queue's writer
// owns it.
#ifndef TA_JOBS_STORE_H
#define TA_JOBS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "jobs/job.h"

struct ta_log;
struct ta_store;

// Opens or makes it. The schema has a number (user_version): an older one is changed step by step after a
// copy was made beside it (jobs.db.before-VERSION), a newer one is refused (TA_ERR_UNSUPPORTED). A file that
// is no database, or whose integrity check fails, is moved aside (jobs.db.damaged-TIME, never deleted), said,
// and a new one is begun.
int ta_store_open(struct ta_store **out, const char *path, struct ta_log *log);
void ta_store_close(struct ta_store **s);

// Calls `visit` for all jobs by id; it owns the job. Stops at its error.
int ta_store_load(struct ta_store *s, int (*visit)(void *priv, struct ta_job *job), void *priv);

// One transaction. Between begin and commit any number of the calls below; commit makes all of them durable
// or, on failure, none. Errors are logged with the file's name: TA_ERR_NO_SPACE, TA_ERR_ACCESS, TA_ERR_IO.
int ta_store_begin(struct ta_store *s);
int ta_store_commit(struct ta_store *s);
void ta_store_rollback(struct ta_store *s);

// A new job (id 0) gets its number here.
int ta_store_insert(struct ta_store *s, struct ta_job *job);
// The whole row; `from` is the state before: a change of it becomes a line in its history.
int ta_store_update(struct ta_store *s, const struct ta_job *job, enum ta_job_state from);
int ta_store_delete(struct ta_store *s, int64_t id);
// A switch of the whole queue, such as "paused".
int ta_store_set(struct ta_store *s, const char *key, const char *value);
// To be freed; NULL when there is none.
char *ta_store_get(struct ta_store *s, const char *key);

// For what else is kept with the jobs (notices, watched folders, baselines): statements with values for ?1,
// ?2, ...: `types` has a letter for each, 'i' an int64_t, 's' a text that is not NULL. `doing` is what can't
// be done, for the message.
int ta_store_do(struct ta_store *s, const char *doing, const char *sql, const char *types, ...);
struct ta_row;
int64_t ta_row_number(const struct ta_row *row, int column);
const char *ta_row_text(const struct ta_row *row, int column); // borrowed until the row's visit ends
int ta_store_each(struct ta_store *s, const char *doing, const char *sql,
                  void (*visit)(void *priv, const struct ta_row *row), void *priv, const char *types, ...);

// The changes of one job, oldest first: [{"time_ms", "from", "state", "reason"}]; a new reference. Opens the
// file for reading on its own: Safe from any thread.
json_t *ta_store_history(const char *path, int64_t id, struct ta_log *log);

#endif
