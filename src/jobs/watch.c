#include "jobs/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "jobs/watch_parts.h"

enum { DEPTH_MAX = 32 };

static const unsigned interest = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_ATTRIB |
                                 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;

// ---- what a folder holds ----

// A walk through a folder and those in it: each is visited once, by its number, whatever leads to it again.
struct walk {
    struct ta_watch *w;
    int folder;
    bool told; // the system is asked to tell of each
    struct {
        dev_t device;
        ino_t inode;
    } * visited;
    size_t visited_count;
    char **files;
    int file_count;
    int err; // of the folder itself, or of asking
};

static bool is_new(struct walk *k, const struct stat *st)
{
    for (size_t i = 0; i < k->visited_count; i++)
        if (k->visited[i].device == st->st_dev && k->visited[i].inode == st->st_ino)
            return false;
    if (!(k->visited_count & (k->visited_count + 1)))
        k->visited = ta_xrealloc(k->visited, (2 * k->visited_count + 1) * sizeof(*k->visited));
    k->visited[k->visited_count].device = st->st_dev;
    k->visited[k->visited_count++].inode = st->st_ino;
    return true;
}

// Asks the system to tell of this folder; before it is read, so that nothing is missed between.
static int ask(struct walk *k, const char *path)
{
    struct ta_watch *w = k->w;
    int wd = inotify_add_watch(w->inotify, path, interest);
    if (wd < 0)
        return ta_error_from_errno(errno);
    for (int i = 0; i < w->dir_count; i++)
        if (w->dirs[i].wd == wd && w->dirs[i].folder == k->folder) {
            free(w->dirs[i].path); // it was called otherwise
            w->dirs[i].path = ta_xstrdup(path);
            return 0;
        }
    if (w->dir_count == w->dir_capacity) {
        w->dir_capacity = TA_MAX(w->dir_capacity * 2, 16);
        w->dirs = ta_xrealloc(w->dirs, (size_t)w->dir_capacity * sizeof(*w->dirs));
    }
    w->dirs[w->dir_count++] = (struct ta_watch_dir){wd, k->folder, ta_xstrdup(path)};
    return 0;
}

static void keep(struct walk *k, char *path)
{
    if (!(k->file_count & (k->file_count + 1)))
        k->files = ta_xrealloc(k->files, (2 * (size_t)k->file_count + 1) * sizeof(*k->files));
    k->files[k->file_count++] = path;
}

static void look_into(struct walk *k, const char *path, int depth)
{
    const struct ta_watch_folder *f = &k->w->folders[k->folder];
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | (depth ? O_NOFOLLOW : 0) | O_CLOEXEC);
    int err = fd < 0 || fstat(fd, &st) < 0 ? ta_error_from_errno(errno) : 0;
    if (!err && !is_new(k, &st)) {
        close(fd);
        return;
    }
    if (!err && k->told)
        err = ask(k, path);
    DIR *d = !err ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        if (!depth || err == TA_ERR_LIMIT || err == TA_ERR_NO_SPACE)
            k->err = err ? err : TA_ERR_IO;
        else
            ta_warn(k->w->log, "%s: can't be read: %s", path, ta_error_text(err ? err : TA_ERR_IO));
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        char *full = ta_path_join(path, e->d_name);
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            st.st_mode = 0;
        if (S_ISDIR(st.st_mode) && f->recursive && depth < DEPTH_MAX && ta_watch_wants_folder(f, full))
            look_into(k, full, depth + 1);
        if (S_ISREG(st.st_mode) && ta_watch_wants_file(f, full)) {
            keep(k, full);
            full = NULL;
        }
        free(full);
    }
    closedir(d);
}

static void release_walk(struct walk *k)
{
    for (int i = 0; i < k->file_count; i++)
        free(k->files[i]);
    free(k->files);
    free(k->visited);
}

// ---- a folder's state ----

static void forget_dirs(struct ta_watch *w, int folder, const char *below)
{
    size_t n = below ? strlen(below) : 0;
    for (int i = 0; i < w->dir_count;) {
        struct ta_watch_dir *d = &w->dirs[i];
        bool under = !below || (!strncmp(d->path, below, n) && (!d->path[n] || d->path[n] == '/'));
        if (d->folder != folder || !under) {
            i++;
            continue;
        }
        int wd = d->wd;
        free(d->path);
        *d = w->dirs[--w->dir_count];
        bool shared = false; // by another folder, above or below this one
        for (int k = 0; k < w->dir_count; k++)
            shared = shared || w->dirs[k].wd == wd;
        if (!shared)
            inotify_rm_watch(w->inotify, wd);
    }
}

static void set_state(struct ta_watch *w, int folder, enum ta_watch_state state, const char *reason)
{
    struct ta_watch_view *v = &w->views[folder];
    const char *path = w->folders[folder].path;
    bool changed = v->state != state || !v->reason != !reason || (reason && strcmp(v->reason, reason));
    if (changed && state == TA_WATCH_MISSING)
        ta_warn(w->log, "%s: can't be watched: %s; it is looked for again", path, reason);
    else if (changed && reason)
        ta_warn(w->log, "%s: %s; it is looked at every %g s", path, reason, w->folders[folder].interval);
    else if (changed && v->reason)
        ta_info(w->log, "%s: is watched again", path);
    pthread_mutex_lock(&w->lock);
    free(v->reason);
    v->reason = reason ? ta_xstrdup(reason) : NULL;
    v->state = state;
    v->look = state == TA_WATCH_TOLD ? 0 : ta_clock_seconds() + w->folders[folder].interval;
    pthread_mutex_unlock(&w->lock);
}

// Looks through a folder: at the start, when it is polled, when it is back, when events were lost.
static void look_at(struct ta_watch *w, int folder)
{
    const struct ta_watch_folder *f = &w->folders[folder];
    bool polled = f->poll == 1 || (f->poll == 0 && ta_watch_is_remote(f->root)), first = false;
    struct walk k = {.w = w, .folder = folder, .told = !polled};
    forget_dirs(w, folder, NULL); // the name may mean another folder now
    look_into(&k, f->root, 0);
    const char *why = NULL;
    if (k.told && (k.err == TA_ERR_NO_SPACE || k.err == TA_ERR_LIMIT)) {
        // What the system does not tell of (its limit of watches is reached) is looked at.
        forget_dirs(w, folder, NULL);
        release_walk(&k);
        k = (struct walk){.w = w, .folder = folder};
        look_into(&k, f->root, 0);
        polled = true;
        why = "the system tells of no more folders (fs.inotify.max_user_watches)";
    }
    if (k.err < 0) {
        forget_dirs(w, folder, NULL);
        set_state(w, folder, TA_WATCH_MISSING, ta_error_text(k.err));
    } else if (ta_watch_begin(w, folder, k.files, k.file_count, &first) < 0) {
        set_state(w, folder, TA_WATCH_MISSING, "the list of jobs can't be written");
    } else {
        set_state(w, folder, polled ? TA_WATCH_POLLED : TA_WATCH_TOLD, why);
        for (int i = 0; i < k.file_count; i++) {
            struct stat st;
            bool known = lstat(k.files[i], &st) < 0 ||
                         ta_watch_is_known(w, k.files[i], st.st_size,
                                           (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
            bool waits = false; // one that is looked at anyway is not put off by this
            for (int j = 0; j < w->file_count; j++)
                waits = waits || !strcmp(w->files[j].path, k.files[i]);
            if (!known && !waits)
                ta_watch_add_file(w, folder, k.files[i]);
        }
    }
    release_walk(&k);
}

// ---- events ----

// A folder that has appeared in a watched one: what is in it already is as new as it is.
static void look_into_new(struct ta_watch *w, int folder, const char *path)
{
    struct walk k = {.w = w, .folder = folder, .told = true};
    look_into(&k, path, 1);
    if (k.err < 0)
        w->views[folder].look = ta_clock_seconds();
    for (int i = 0; i < k.file_count; i++)
        ta_watch_add_file(w, folder, k.files[i]);
    release_walk(&k);
}

static void on_event(struct ta_watch *w, const struct ta_watch_dir *dir, const struct inotify_event *e)
{
    const struct ta_watch_folder *f = &w->folders[dir->folder];
    int folder = dir->folder;
    if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
        if (!strcmp(dir->path, f->root))
            w->views[folder].look = ta_clock_seconds();
        else if (e->mask & IN_IGNORED)
            forget_dirs(w, folder, dir->path);
        return;
    }
    if (!e->len)
        return;
    char *path = ta_path_join(dir->path, e->name); // `dir` may move from here on
    if (e->mask & IN_ISDIR) {
        if (e->mask & IN_MOVED_FROM)
            forget_dirs(w, folder, path);
        if (e->mask & (IN_CREATE | IN_MOVED_TO) && f->recursive && ta_watch_wants_folder(f, path))
            look_into_new(w, folder, path);
    } else if (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB)) {
        ta_watch_add_file(w, folder, path);
    }
    free(path);
}

static void hear(struct ta_watch *w)
{
    char buffer[64 << 10] __attribute__((aligned(8)));
    ssize_t n = read(w->inotify, buffer, sizeof(buffer));
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const struct inotify_event *)(const void *)(buffer + at);
        at += (ssize_t)(sizeof(*e) + e->len);
        if (e->mask & IN_Q_OVERFLOW) {
            for (int i = 0; i < w->count; i++)
                w->views[i].look = ta_clock_seconds();
            continue;
        }
        // The same folder may be watched for several entries. Events change the list: each is found anew.
        for (int folder = 0; folder < w->count; folder++)
            for (int i = 0; i < w->dir_count; i++)
                if (w->dirs[i].wd == e->wd && w->dirs[i].folder == folder) {
                    struct ta_watch_dir dir = w->dirs[i];
                    dir.path = ta_xstrdup(dir.path);
                    on_event(w, &dir, e);
                    free(dir.path);
                    break;
                }
    }
}

// ---- the thread ----

static double next_look(const struct ta_watch *w)
{
    double next = INFINITY;
    for (int i = 0; i < w->count; i++)
        if (w->views[i].look > 0)
            next = TA_MIN(next, w->views[i].look);
    return next;
}

static int watch_all(void *arg)
{
    struct ta_watch *w = arg;
    for (int i = 0; i < w->count; i++)
        look_at(w, i);
    pthread_mutex_lock(&w->lock);
    w->looked = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    while (!atomic_load(&w->closing)) {
        ta_watch_end_files(w);
        double until = ta_watch_settle_files(w);
        until = TA_MIN(until, next_look(w));
        ta_watch_count(w);
        // timed wait: a file is complete when nothing has happened for a while; some folders are polled
        double wait = isinf(until) ? -1 : TA_MAX(0.0, TA_MIN(until - ta_clock_seconds(), 86400.0)) * 1000 + 1;
        struct pollfd fds[] = {{.fd = w->wake_fd, .events = POLLIN}, {.fd = w->inotify, .events = POLLIN}};
        if (poll(fds, 2, (int)wait) < 0)
            continue;
        uint64_t count;
        ssize_t ignored = fds[0].revents ? read(w->wake_fd, &count, sizeof(count)) : 0;
        (void)ignored;
        if (fds[1].revents)
            hear(w);
        for (int i = 0; i < w->count; i++)
            if (w->views[i].look > 0 && w->views[i].look <= ta_clock_seconds())
                look_at(w, i);
    }
    return 0;
}

static void wake(void *priv)
{
    struct ta_watch *w = priv;
    uint64_t one = 1;
    ssize_t ignored = write(w->wake_fd, &one, sizeof(one));
    (void)ignored;
}

int ta_watch_open(struct ta_watch **out, struct ta_jobs *jobs, struct ta_watch_folder *folders, int count,
                  struct ta_log *log)
{
    struct ta_watch *w = ta_xcalloc(1, sizeof(*w));
    w->jobs = jobs;
    w->folders = folders;
    w->count = count;
    w->log = log;
    w->views = ta_xcalloc((size_t)count, sizeof(*w->views));
    w->waiting = ta_xcalloc((size_t)count, sizeof(*w->waiting));
    w->working = ta_xcalloc((size_t)count, sizeof(*w->working));
    pthread_mutex_init(&w->lock, NULL);
    ta_cond_init(&w->changed);
    signal(SIGIO, SIG_IGN); // to whoever holds a lease that is broken (watch_files.c)
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int err = 0;
    if (w->wake_fd < 0 || w->inotify < 0) {
        ta_error(log, "folders can't be watched: %s", ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        err = TA_ERR_LIMIT;
    }
    if (!err)
        err = ta_watch_load(w);
    if (!err) {
        ta_jobs_on_change(jobs, wake, w);
        err = ta_thread_create(&w->thread, "watch", watch_all, w);
    }
    if (err < 0)
        ta_watch_close(&w);
    *out = w;
    return err;
}

void ta_watch_close(struct ta_watch **out)
{
    struct ta_watch *w = *out;
    if (!w)
        return;
    ta_jobs_on_change(w->jobs, NULL, w);
    atomic_store(&w->closing, true);
    wake(w);
    ta_thread_join(&w->thread);
    for (int i = 0; i < w->dir_count; i++)
        free(w->dirs[i].path);
    for (int i = 0; i < w->file_count; i++)
        free(w->files[i].path);
    for (int i = 0; i < w->taken_count; i++) {
        free(w->taken[i].path);
        free(w->taken[i].identity);
        free(w->taken[i].output);
    }
    for (int i = 0; i < w->count; i++)
        free(w->views[i].reason);
    free(w->dirs);
    free(w->files);
    free(w->taken);
    free(w->known);
    free(w->views);
    free(w->waiting);
    free(w->working);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    if (w->inotify >= 0)
        close(w->inotify);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    ta_freep(out);
}

void ta_watch_wait(struct ta_watch *w, int seconds)
{
    struct timespec until = ta_clock_after(seconds);
    pthread_mutex_lock(&w->lock);
    int err = 0;
    while (!w->looked && !err) // timed wait: a folder may be too large or too far away to wait for
        err = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    pthread_mutex_unlock(&w->lock);
}

// perf-ok(long-critical-section): a few folders
json_t *ta_watch_json(struct ta_watch *w)
{
    static const char *const states[] = {"missing", "watched", "polled"};
    json_t *all = json_array();
    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < w->count; i++)
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:i, s:i}", "path", w->folders[i].path, "state",
                                             states[w->views[i].state], "reason",
                                             w->views[i].reason ? w->views[i].reason : "", "waiting",
                                             w->waiting[i], "jobs", w->working[i]));
    pthread_mutex_unlock(&w->lock);
    return all;
}
