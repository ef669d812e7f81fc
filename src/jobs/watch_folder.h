// A watched folder as the configuration has it (an entry of the group "watch"), and what is done with its
// files.
#ifndef TA_JOBS_WATCH_FOLDER_H
#define TA_JOBS_WATCH_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/opt.h"

struct ta_log;
struct ta_marks;
struct stat;

struct ta_watch_folder {
    char *path, *pattern, *output, *done, *failed, *batch;
    bool recursive, existing, error_file;
    int poll; // index into "auto", "on", "off"
    double settle, interval;
    int64_t priority;
    // Made of them when it is read.
    char *root;      // the path with all links followed
    char *options;   // a JSON object of option texts, for its jobs
    char *extension; // of outputs
};
extern const struct ta_opt ta_watch_options[];

// Reads one entry, which stands at `path` ("watch.0") in the file; options of jobs in it ("options:") are
// held against their tables. `config` is the file with options of all jobs (NULL: the user's own). 0, or
// TA_ERR_* after a message; then it is empty. The folder need not be there yet.
int ta_watch_folder_read(struct ta_watch_folder *out, const json_t *entry, const char *file, const char *path,
                         const struct ta_marks *marks, const char *config, struct ta_log *log);
void ta_watch_folder_release(struct ta_watch_folder *f);

// Is a file of this name (a path in the folder) one to be restored? A folder to be looked into? Not what the
// service itself puts there.
bool ta_watch_wants_file(const struct ta_watch_folder *f, const char *path);
bool ta_watch_wants_folder(const struct ta_watch_folder *f, const char *path);
// Does the folder's file system tell of what other machines do there?
bool ta_watch_is_remote(const char *path);

// What tells a file from others, whatever it is called: its size and a sum over its beginning, its end and
// pieces between. Of an open file. 0 and 64 digits, or -1 with errno.
int ta_watch_identity(int fd, const struct stat *st, char out[65]);
// The output for a file: beside it, or at the same place below the folder `output`, whose folders are made; a
// name that nothing has, nor is `taken`. To be freed; NULL after a message.
char *ta_watch_output(const struct ta_watch_folder *f, const char *path,
                      bool (*taken)(void *priv, const char *path), void *priv, struct ta_log *log);
// Moves a file, if it still is the one of this identity, to the same place below `folder`, under a name that
// nothing has there. The new path, to be freed; NULL when it was not moved (told, unless the file is gone or
// another).
char *ta_watch_move(const struct ta_watch_folder *f, const char *path, const char *identity,
                    const char *folder, struct ta_log *log);

#endif
