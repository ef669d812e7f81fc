// What becomes of a file in a watched folder: complete, taken, done or failed.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "jobs/store.h"
#include "jobs/watch_parts.h"

enum { STORE_PAUSE_SECONDS = 10 };

static int64_t mtime_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

// ---- names that were dealt with ----

static uint64_t sum_of(const char *path, int64_t size, int64_t mtime_ns)
{
    uint64_t h = 14695981039346656037u;
    const uint64_t more[] = {(uint64_t)size, (uint64_t)mtime_ns};
    for (const char *c = path; *c; c++)
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    for (size_t i = 0; i < sizeof(more); i++)
        h = (h ^ ((const unsigned char *)more)[i]) * 1099511628211u;
    return h;
}

static size_t place_of(const struct ta_watch *w, uint64_t sum)
{
    size_t low = 0, high = w->known_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (w->known[middle] < sum)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ta_watch_is_known(const struct ta_watch *w, const char *path, int64_t size, int64_t mtime_ns)
{
    uint64_t sum = sum_of(path, size, mtime_ns);
    size_t at = place_of(w, sum);
    return at < w->known_count && w->known[at] == sum;
}

static void know(struct ta_watch *w, const char *path, const struct stat *st)
{
    uint64_t sum = sum_of(path, st->st_size, mtime_of(st));
    size_t at = place_of(w, sum);
    if (at < w->known_count && w->known[at] == sum)
        return;
    if (w->known_count == w->known_capacity) {
        w->known_capacity = TA_MAX(w->known_capacity * 2, (size_t)64);
        w->known = ta_xrealloc(w->known, w->known_capacity * sizeof(*w->known));
    }
    memmove(w->known + at + 1, w->known + at, (w->known_count - at) * sizeof(*w->known));
    w->known[at] = sum;
    w->known_count++;
}

// ---- in the store ----

static int put_seen(struct ta_store *store, const struct ta_watch_folder *f, const char *identity,
                    const char *path, int64_t job)
{
    return ta_store_do(
        store, "a file that was taken can't be written",
        "INSERT INTO seen(folder, identity, path, time, job, settled) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT(folder, identity) DO NOTHING",
        "sssiii", f->root, identity, path, ta_jobs_now_ms(), job, (int64_t)(job ? 0 : 1));
}

struct taking {
    struct ta_watch *w;
    const struct ta_watch_folder *folder;
    const char *identity, *path;
    int64_t found; // rows
};

static void see_row(void *priv, const struct ta_row *row)
{
    *(int64_t *)priv = ta_row_number(row, 0);
}

static int look_up(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    struct taking *t = priv;
    (void)added;
    return ta_store_each(store, "files that were taken can't be read",
                         "SELECT count(*) FROM seen WHERE folder=?1 AND identity=?2", see_row, &t->found,
                         "ss", t->folder->root, t->identity);
}

static int write_taken(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    struct taking *t = priv;
    return put_seen(store, t->folder, t->identity, t->path, added[0]->id);
}

static void load_row(void *priv, const struct ta_row *row)
{
    struct ta_watch *w = priv;
    for (int i = 0; i < w->count; i++)
        if (!strcmp(w->folders[i].root, ta_row_text(row, 0))) {
            if (w->taken_count == w->taken_capacity) {
                w->taken_capacity = TA_MAX(w->taken_capacity * 2, 16);
                w->taken = ta_xrealloc(w->taken, (size_t)w->taken_capacity * sizeof(*w->taken));
            }
            w->taken[w->taken_count++] = (struct ta_watch_taken){.folder = i,
                                                                 .identity = ta_xstrdup(ta_row_text(row, 1)),
                                                                 .path = ta_xstrdup(ta_row_text(row, 2)),
                                                                 .job = ta_row_number(row, 3),
                                                                 .told = ta_row_number(row, 4) == 2,
                                                                 .noted = ta_row_number(row, 4) >= 2,
                                                                 .output = ta_xstrdup("")};
            return;
        }
}

static int load_rows(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    (void)added;
    return ta_store_each(store, "files that were taken can't be read",
                         "SELECT folder, identity, path, job, settled FROM seen WHERE settled!=1", load_row,
                         priv, "");
}

int ta_watch_load(struct ta_watch *w)
{
    return ta_jobs_store(w->jobs, load_rows, w);
}

struct beginning {
    struct ta_watch *w;
    const struct ta_watch_folder *folder;
    char *const *paths;
    char (*identities)[65];
    int count;
    int64_t before;
};

static int look_begun(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    struct beginning *b = priv;
    (void)added;
    return ta_store_each(store, "watched folders can't be read",
                         "SELECT count(*) FROM watched WHERE folder=?1", see_row, &b->before, "s",
                         b->folder->root);
}

static int write_begun(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    struct beginning *b = priv;
    (void)added;
    int err = ta_store_do(store, "a watched folder can't be written",
                          "INSERT OR IGNORE INTO watched(folder, begun) VALUES(?1, ?2)", "si",
                          b->folder->root, ta_jobs_now_ms());
    for (int i = 0; i < b->count && !err; i++)
        if (b->identities[i][0])
            err = put_seen(store, b->folder, b->identities[i], b->paths[i], 0);
    return err;
}

int ta_watch_begin(struct ta_watch *w, int folder, char *const *paths, int count, bool *first)
{
    struct beginning b = {.w = w, .folder = &w->folders[folder], .paths = paths};
    int err = ta_jobs_store(w->jobs, look_begun, &b);
    *first = !err && !b.before;
    if (err || b.before)
        return err;
    b.identities = ta_xcalloc((size_t)count + 1, sizeof(*b.identities));
    b.count = w->folders[folder].existing ? 0 : count;
    for (int i = 0; i < b.count; i++) {
        struct stat st;
        int fd = open(paths[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
            ta_watch_identity(fd, &st, b.identities[i]) == 0)
            know(w, paths[i], &st);
        if (fd >= 0)
            close(fd);
    }
    err = ta_jobs_store(w->jobs, write_begun, &b);
    free(b.identities);
    return err;
}

// ---- taking ----

void ta_watch_add_file(struct ta_watch *w, int folder, const char *path)
{
    struct stat st;
    if (!ta_watch_wants_file(&w->folders[folder], path) || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    const struct ta_watch_folder *f = &w->folders[folder];
    // What other machines write shows in the end, by whatever they and this one keep in memory.
    double pause = w->views[folder].state == TA_WATCH_POLLED ? TA_MAX(f->settle, f->interval) : f->settle;
    double due = ta_clock_seconds() + pause;
    for (int i = 0; i < w->file_count; i++)
        if (!strcmp(w->files[i].path, path)) {
            w->files[i].due = due;
            return;
        }
    if (w->file_count == w->file_capacity) {
        w->file_capacity = TA_MAX(w->file_capacity * 2, 16);
        w->files = ta_xrealloc(w->files, (size_t)w->file_capacity * sizeof(*w->files));
    }
    w->files[w->file_count++] = (struct ta_watch_file){.folder = folder,
                                                       .path = ta_xstrdup(path),
                                                       .size = st.st_size,
                                                       .mtime_ns = mtime_of(&st),
                                                       .due = due};
}

// Has somebody on this machine the file open for writing? Where that can't be asked (the file of another
// user, a file system of the network): no.
static bool is_being_written(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
        return errno == EAGAIN;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

static bool is_taken_name(void *priv, const char *path)
{
    const struct ta_watch *w = priv;
    for (int i = 0; i < w->taken_count; i++)
        if (!strcmp(w->taken[i].output, path))
            return true;
    return false;
}

// Makes a job of it. 0, or TA_ERR_* when the store can't be written: it is tried again.
static int submit(struct ta_watch *w, const struct ta_watch_file *file, const char *identity)
{
    const struct ta_watch_folder *f = &w->folders[file->folder];
    struct taking t = {w, f, identity, file->path, 0};
    int err = ta_jobs_store(w->jobs, look_up, &t);
    if (err || t.found)
        return err;
    char *output = ta_watch_output(f, file->path, is_taken_name, w, w->log);
    if (!output)
        return TA_ERR_IO;
    struct ta_job_wanted wanted = {.input = file->path,
                                   .output = output,
                                   .options = f->options,
                                   .batch = f->batch,
                                   .priority = (int)f->priority};
    struct ta_job *job = NULL;
    err = ta_jobs_add_with(w->jobs, &wanted, 1, &job, write_taken, &t);
    if (!err) {
        if (w->taken_count == w->taken_capacity) {
            w->taken_capacity = TA_MAX(w->taken_capacity * 2, 16);
            w->taken = ta_xrealloc(w->taken, (size_t)w->taken_capacity * sizeof(*w->taken));
        }
        w->taken[w->taken_count++] = (struct ta_watch_taken){.folder = file->folder,
                                                             .job = job->id,
                                                             .path = ta_xstrdup(file->path),
                                                             .identity = ta_xstrdup(identity),
                                                             .output = output};
        ta_info(w->log, "%s: job %" PRId64, file->path, job->id);
    } else {
        free(output);
    }
    ta_job_unref(&job);
    return err;
}

// Looks at a file whose time has come. True: it is dealt with. False: it is looked at again, at its new
// `due`.
static bool settle(struct ta_watch *w, struct ta_watch_file *file)
{
    const struct ta_watch_folder *f = &w->folders[file->folder];
    struct stat st;
    char identity[65];
    double now = ta_clock_seconds();
    int fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        if (fd < 0 && errno != ENOENT)
            ta_warn(w->log, "%s: can't be read: %s", file->path,
                    ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        if (fd >= 0)
            close(fd);
        return true; // whoever lets it be read is told of, and brings it back
    }
    bool changed = st.st_size != file->size || mtime_of(&st) != file->mtime_ns;
    bool again = changed || is_being_written(fd);
    file->size = st.st_size;
    file->mtime_ns = mtime_of(&st);
    int err = again || !st.st_size ? 0 : ta_watch_identity(fd, &st, identity);
    close(fd);
    if (again) {
        file->due = now + f->settle;
        return false;
    }
    if (err < 0) {
        ta_warn(w->log, "%s: can't be read: %s", file->path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        return true;
    }
    if (st.st_size && submit(w, file, identity) < 0) {
        file->due = now + STORE_PAUSE_SECONDS;
        return false;
    }
    know(w, file->path, &st);
    return true;
}

double ta_watch_settle_files(struct ta_watch *w)
{
    double now = ta_clock_seconds(), next = INFINITY;
    for (int i = 0; i < w->file_count;) {
        struct ta_watch_file *file = &w->files[i];
        if (file->due <= now && settle(w, file)) {
            free(file->path);
            w->files[i] = w->files[--w->file_count];
            continue;
        }
        next = TA_MIN(next, file->due);
        i++;
    }
    return next;
}

// ---- ending ----

struct settled {
    const struct ta_watch *w;
    const struct ta_watch_taken *t;
    int how; // 1: for good, 2: it failed, which was told, 3: that is tried again
};

static int write_settled(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    const struct settled *s = priv;
    (void)added;
    return ta_store_do(store, "a file that was taken can't be written",
                       "UPDATE seen SET settled=?3, path=?4 WHERE folder=?1 AND identity=?2", "ssis",
                       s->w->folders[s->t->folder].root, s->t->identity, (int64_t)s->how, s->t->path);
}

static char *error_path(const char *path)
{
    return ta_xprintf("%s.error.txt", path);
}

static void write_error(const struct ta_watch *w, const struct ta_watch_taken *t, const struct ta_job *job)
{
    struct ta_buf text = {0};
    char *path = error_path(t->path);
    ta_buf_printf(&text, "%s\n\ncould not be restored: ", ta_path_name(t->path));
    ta_buf_visible(&text, job->reason, true);
    ta_buf_printf(&text,
                  "\n\nThis was job %" PRId64 ". \"terminalai jobs retry %" PRId64
                  "\" tries it again; then this file goes away.\n",
                  job->id, job->id);
    ta_file_write_atomic(path, text.data, text.size, w->log);
    ta_buf_release(&text);
    free(path);
}

// Moves it where it belongs, if anywhere; its path follows.
static void move_to(const struct ta_watch *w, struct ta_watch_taken *t, const char *folder)
{
    char *moved = folder && !t->moved
                      ? ta_watch_move(&w->folders[t->folder], t->path, t->identity, folder, w->log)
                      : NULL;
    if (moved) {
        free(t->path);
        t->path = moved;
        t->moved = true;
        ta_jobs_set_input(w->jobs, t->job, moved); // so that "retry" finds it
    }
}

// True when nothing more is to be done about it.
static bool end(struct ta_watch *w, struct ta_watch_taken *t)
{
    const struct ta_watch_folder *f = &w->folders[t->folder];
    struct ta_job *job = ta_job_list_get(ta_jobs_list(w->jobs), t->job);
    struct settled s = {w, t, 1};
    bool over = !job;
    if (job && job->state == TA_JOB_DONE) {
        char *note = error_path(t->path);
        if (t->noted && f->error_file)
            unlink(note); // of an attempt before
        free(note);
        move_to(w, t, f->done);
        over = true;
    } else if (job && job->state == TA_JOB_FAILED && !t->told) {
        move_to(w, t, f->failed);
        if (f->error_file)
            write_error(w, t, job);
        t->told = t->noted = true;
        s.how = 2;
        ta_jobs_store(w->jobs, write_settled, &s);
    } else if (job && !ta_job_state_is_final(job->state) && t->told) {
        t->told = t->moved = false; // tried again
        s.how = 3;
        ta_jobs_store(w->jobs, write_settled, &s);
    }
    ta_job_unref(&job);
    return over && !ta_jobs_store(w->jobs, write_settled, &s);
}

void ta_watch_end_files(struct ta_watch *w)
{
    for (int i = 0; i < w->taken_count;) {
        struct ta_watch_taken *t = &w->taken[i];
        if (!end(w, t)) {
            i++;
            continue;
        }
        free(t->path);
        free(t->identity);
        free(t->output);
        w->taken[i] = w->taken[--w->taken_count];
    }
}

void ta_watch_count(struct ta_watch *w)
{
    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < w->count; i++)
        w->waiting[i] = w->working[i] = 0;
    for (int i = 0; i < w->file_count; i++)
        w->waiting[w->files[i].folder]++;
    for (int i = 0; i < w->taken_count; i++)
        w->working[w->taken[i].folder] += !w->taken[i].told;
    pthread_mutex_unlock(&w->lock);
}
