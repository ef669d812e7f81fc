// The folders that a service watches: those of its configuration, and those that were added while it ran,
// which are kept in a file of its state ("folders.json") and can be taken out again.
//
// A change ends the watch and begins another one: nothing is missed between, since a watch looks through its
// folders at its start and knows by the store which files it has taken.
#ifndef TA_JOBS_FOLDERS_H
#define TA_JOBS_FOLDERS_H

#include <jansson.h>

#include "jobs/watch_folder.h"

struct ta_folders;
struct ta_jobs;
struct ta_log;

// `configured` is borrowed until close. `state`: the folder of the file. `config`: the file with options of
// all jobs (NULL: the user's own). What is wrong in the file of the state is told and left out. 0 or
// TA_ERR_*.
int ta_folders_open(struct ta_folders **out, struct ta_jobs *jobs, const struct ta_watch_folder *configured,
                    int count, const char *state, const char *config, struct ta_log *log);
void ta_folders_close(struct ta_folders **f);

// [{"path", "added", "state", "reason", "waiting", "jobs"}], a new reference; "added": it can be taken out.
// Any thread, as all that follows.
json_t *ta_folders_json(struct ta_folders *f);

// Adds one, described as an entry of the configuration's list "watch". 0, TA_ERR_EXISTS when the folder is
// watched already, TA_ERR_LIMIT when there are too many, or what reading and writing fail with; after a
// message to `log`, and nothing has changed then.
int ta_folders_add(struct ta_folders *f, const json_t *entry, struct ta_log *log);
// Takes one out that was added, by its path. Its jobs stay. 0, TA_ERR_NOT_FOUND, TA_ERR_ACCESS when it is
// of the configuration, or what writing fails with.
int ta_folders_remove(struct ta_folders *f, const char *path, struct ta_log *log);

#endif
