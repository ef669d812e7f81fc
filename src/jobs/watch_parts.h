// What watch.c (when: events, time) and watch_files.c (what becomes of a file) share. All of it belongs to
// the watching thread.
#ifndef TA_JOBS_WATCH_PARTS_H
#define TA_JOBS_WATCH_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "jobs/jobs.h"
#include "jobs/watch.h"

// A folder that the system tells of.
struct ta_watch_dir {
    int wd, folder;
    char *path;
};

// A file that may not be complete yet.
struct ta_watch_file {
    int folder;
    char *path;
    int64_t size, mtime_ns;
    double due; // seconds of the clock: when it is looked at again
};

// A file whose job has not ended, or has failed and may be tried again.
struct ta_watch_taken {
    int folder;
    int64_t job;
    bool told, noted; // of its failure; a note of one lies beside it
    bool moved;
    char *path, *identity, *output;
};

enum ta_watch_state { TA_WATCH_MISSING = 0, TA_WATCH_TOLD, TA_WATCH_POLLED };

struct ta_watch_view {
    enum ta_watch_state state;
    char *reason; // why it is missing; NULL
    double look;  // when it is looked at again: of those that are polled or missing; 0: never
};

struct ta_watch {
    struct ta_jobs *jobs;
    struct ta_watch_folder *folders;
    int count;
    struct ta_log *log;
    struct ta_thread *thread;
    int wake_fd, inotify;
    atomic_bool closing;
    struct ta_watch_dir *dirs;
    int dir_count, dir_capacity;
    struct ta_watch_file *files;
    int file_count, file_capacity;
    struct ta_watch_taken *taken;
    int taken_count, taken_capacity;
    uint64_t *known; // sums over name, size and time of files that were dealt with, in order: for polling
    size_t known_count, known_capacity;
    pthread_mutex_t lock; // over what others read: views, the two counts of each folder, `looked`
    pthread_cond_t changed;
    bool looked; // at each folder, once
    struct ta_watch_view *views;
    int *waiting, *working;
};

// A file that was seen: it is looked at when it has settled. Takes nothing.
void ta_watch_add_file(struct ta_watch *w, int folder, const char *path);
// Those whose time has come. Seconds of the clock when the next is due; INFINITY: none.
double ta_watch_settle_files(struct ta_watch *w);
// Files whose jobs have ended: moved, told of. Cheap when none has.
void ta_watch_end_files(struct ta_watch *w);
// What a service before this one has taken and not settled. 0 or TA_ERR_*.
int ta_watch_load(struct ta_watch *w);
// Was the folder watched before? When not, says so for the next time; its files, `paths`, are known then and
// not taken, unless the folder takes existing ones. 0 or TA_ERR_*, which leaves all as it was.
int ta_watch_begin(struct ta_watch *w, int folder, char *const *paths, int count, bool *first);
// Has a file of this name, size and time been dealt with?
bool ta_watch_is_known(const struct ta_watch *w, const char *path, int64_t size, int64_t mtime_ns);
void ta_watch_count(struct ta_watch *w); // for those who look

#endif
