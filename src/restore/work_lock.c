#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "restore/work_parts.h"

// A look at the lock takes it for a moment, which must not turn a run away.
static const double LOCK_PATIENCE = 0.3, LOCK_PAUSE = 0.02;
const double ta_work_task_patience = 3;

static bool is_still_named(const struct ta_work *w)
{
    struct stat held, named;
    return fstat(w->folder.fd, &held) == 0 && lstat(w->dir, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

static int try_lock(const struct ta_work *w)
{
    int ret;
    do
        ret = flock(w->folder.fd, (w->shared ? LOCK_SH : LOCK_EX) | LOCK_NB);
    while (ret < 0 && errno == EINTR);
    return ret < 0 ? ta_error_from_errno(errno) : 0;
}

static int take_lock(struct ta_work *w)
{
    double start = ta_clock_seconds();
    for (;;) {
        int err = try_lock(w);
        if (err != TA_ERR_BUSY ||
            ta_clock_seconds() - start > (w->shared ? ta_work_task_patience : LOCK_PATIENCE))
            return err;
        // perf-ok(polling-sleep): locks of files have no events, and another runner is rare
        usleep((useconds_t)(LOCK_PAUSE * 1e6)); // timed wait: a lock tells nobody that it is free
    }
}

// The folder that has the name now, held; it is made when it is missing.
static int hold(struct ta_work *w, struct ta_log *log)
{
    bool made;
    int err = ta_folder_make(&w->folder, w->dir, &made, log);
    if (err >= 0)
        err = ta_folder_own(&w->folder, log);
    if (err >= 0 && made) { // after a power cut it must still be in its folder
        char *parent = ta_path_dir(w->dir);
        err = ta_file_sync_dir(parent, log);
        free(parent);
    }
    return err;
}

// Is there a folder for it to be in?
static bool has_place(const struct ta_work *w)
{
    char *parent = ta_path_dir(w->dir);
    bool has = access(parent, F_OK) == 0;
    free(parent);
    return has;
}

// Takes the lock on the folder that has the name now: one that was removed between opening and locking does
// not count.
int ta_work_lock(struct ta_work *w)
{
    int err = 0;
    for (int tries = 0; tries < 100; tries++) {
        // Without a word at first: one that others remove just then is made again.
        err = hold(w, NULL);
        if (err == TA_ERR_NOT_FOUND && has_place(w))
            continue;
        if (err < 0)
            return hold(w, w->log);
        err = take_lock(w);
        if (err == TA_ERR_BUSY)
            ta_error(w->log,
                     "%s: another run is working on this output; \"terminalai status\" shows how far it is",
                     w->plan->output);
        else if (err < 0)
            ta_error(w->log, "%s: can't be locked: %s", w->dir, ta_error_text(err));
        if (err < 0)
            return err;
        if (is_still_named(w))
            return 0;
        ta_work_unlock(w);
    }
    if (err == TA_ERR_NOT_FOUND) // a file system that lets nobody make one
        return hold(w, w->log);
    ta_error(w->log, "%s: other runs keep removing this folder", w->dir);
    return TA_ERR_BUSY;
}

bool ta_work_lock_alone(struct ta_work *w)
{
    int ret;
    do // what is shared is given back before
        ret = flock(w->folder.fd, LOCK_EX | LOCK_NB);
    while (ret < 0 && errno == EINTR);
    if (ret == 0 && is_still_named(w))
        return true;
    ta_work_unlock(w);
    // timed wait: those that came at once must not come back at once
    usleep((useconds_t)(LOCK_PAUSE * 1e6) * (unsigned)(getpid() % 8) / 8);
    return false;
}

void ta_work_unlock(struct ta_work *w)
{
    ta_folder_close(&w->folder);
}

bool ta_work_is_live(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool live = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return live;
}
