// Watched folders: files that appear in them become jobs, each once, whatever is killed between.
//
// A thread of its own is told by the system of new files (inotify), or looks again and again where file
// systems of the network do not tell. A file is taken when it is complete: closed by who wrote it and
// unchanged for a while. That it was taken, known by its content, is written in the transaction that adds its
// job.
#ifndef TA_JOBS_WATCH_H
#define TA_JOBS_WATCH_H

#include <jansson.h>

#include "jobs/watch_folder.h"

struct ta_jobs;
struct ta_log;
struct ta_watch;

// Begins to watch; `folders` are borrowed until close. A folder that is not there, or can't be read, is told,
// and looked for again. 0 or TA_ERR_*.
int ta_watch_open(struct ta_watch **out, struct ta_jobs *jobs, struct ta_watch_folder *folders, int count,
                  struct ta_log *log);
void ta_watch_close(struct ta_watch **w);
// Waits until each folder was looked at once: from then on a file that comes is one that was not there
// before. `seconds` at most, for a folder may be large, or far away.
void ta_watch_wait(struct ta_watch *w, int seconds);

// The folders and how they are: [{"path", "state", "reason", "waiting", "jobs"}]; a new reference. Any
// thread.
json_t *ta_watch_json(struct ta_watch *w);

#endif
