#include "infer/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "infer/download.h"
#include "infer/models.h"

enum { ATTEMPTS = 3 }; // that bring nothing new, one after the other

// NAME.onnx, and what it is while it comes: of this checksum alone, as a manifest may change.
static char *file_name(const struct ta_model *m)
{
    return ta_model_file_name(m);
}

static char *part_name(const struct ta_model *m)
{
    return ta_xprintf("%s.%.8s.part", m->name, m->sha256);
}

static enum ta_model_state state_in(const struct ta_folder *f, const struct ta_model *m, bool full)
{
    char *name = file_name(m), sum[TA_SHA256_HEX];
    enum ta_model_state state = TA_MODEL_HERE;
    if (!ta_folder_has(f, name))
        state = TA_MODEL_ABSENT;
    else if (ta_folder_bytes(f, name) != m->bytes ||
             (full && (ta_folder_sha256(f, name, sum, NULL) < 0 || strcmp(sum, m->sha256) != 0)))
        state = TA_MODEL_WRONG;
    free(name);
    return state;
}

enum ta_model_state ta_model_state(const struct ta_model *m, const char *folder, bool full)
{
    struct ta_folder f = {.fd = -1};
    enum ta_model_state state = TA_MODEL_ABSENT;
    if (folder && ta_folder_hold(&f, folder, NULL) >= 0)
        state = state_in(&f, m, full);
    ta_folder_close(&f);
    return state;
}

// The folder and those above it.
static int make_folder(struct ta_folder *f, const char *path, struct ta_log *log)
{
    bool made = false;
    int err = ta_dir_create_above(path, 0777, log);
    if (err >= 0)
        err = ta_folder_make(f, path, &made, log);
    return err < 0 ? err : ta_folder_own(f, log);
}

static int check_bytes(const struct ta_model *m, const char *what, int64_t bytes, const char *sum,
                       struct ta_log *log)
{
    if (bytes != m->bytes)
        ta_error(log, "%s: it is not the network \"%s\": it has %lld bytes, not %lld", what, m->name,
                 (long long)bytes, (long long)m->bytes);
    else if (strcmp(sum, m->sha256) != 0)
        ta_error(log, "%s: it is not the network \"%s\": its checksum is %s, not %s", what, m->name, sum,
                 m->sha256);
    else
        return 0;
    return TA_ERR_DAMAGED;
}

static int copy_file(const struct ta_folder *f, const struct ta_model *m, const char *from,
                     struct ta_log *log)
{
    struct ta_buf data = {0};
    char sum[TA_SHA256_HEX], *name = file_name(m);
    struct stat st;
    int err = 0;
    // Before anything of a file that is another is read.
    if (stat(from, &st) == 0 && S_ISREG(st.st_mode) && st.st_size != m->bytes)
        err = check_bytes(m, from, st.st_size, "", log);
    if (err >= 0)
        err = ta_file_read(from, (size_t)m->bytes, &data, log);
    if (err >= 0) {
        ta_sha256_hex(ta_buf_text(&data), data.size, sum);
        err = check_bytes(m, from, (int64_t)data.size, sum, log);
    }
    if (err >= 0)
        err = ta_folder_write(f, name, data.data, data.size, log);
    free(name);
    ta_buf_release(&data);
    return err;
}

// The file that a download goes to, open and ours alone as long as it is open. Another process may finish it
// or remove it while we wait: then it has not this name any more.
static int open_part(const struct ta_folder *f, const struct ta_model *m, const char *part,
                     const struct ta_fetch *fetch, struct ta_log *log)
{
    for (bool told = false;;) {
        struct stat ours, named;
        int fd = ta_folder_open_append(f, part, log);
        if (fd < 0)
            return fd;
        int locked = flock(fd, LOCK_EX | LOCK_NB);
        if (locked < 0 && errno == EWOULDBLOCK && !told) {
            if (fetch->progress)
                fetch->progress(fetch->priv, m, -1);
            told = true;
        }
        while (locked < 0 && (errno == EWOULDBLOCK || errno == EINTR))
            locked = flock(fd, LOCK_EX);
        if (locked < 0) { // a file system without locks: what comes is compared in the end
            ta_verbose(log, "%s/%s: can't be locked: %s", f->path, part, strerror(errno));
            return fd;
        }
        if (fstat(fd, &ours) == 0 && fstatat(f->fd, part, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
            ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
            return fd;
        close(fd);
    }
}

struct watcher {
    const struct ta_model *model;
    struct ta_fetch *fetch;
};

static void on_progress(void *priv, int64_t have)
{
    const struct watcher *w = priv;
    if (w->fetch->progress)
        w->fetch->progress(w->fetch->priv, w->model, have);
}

// All of it, in several goes where it breaks off.
static int download(const struct ta_model *m, int fd, const char *address, struct ta_fetch *fetch,
                    struct ta_log *log)
{
    struct watcher w = {m, fetch};
    struct ta_download d = {.address = address,
                            .fd = fd,
                            .bytes = m->bytes,
                            .timeout_s = fetch->timeout_s,
                            .progress = on_progress,
                            .priv = &w};
    struct stat st;
    if (fstat(fd, &st) < 0 || (st.st_size > m->bytes && ftruncate(fd, 0) < 0)) {
        ta_error(log, "%s: %s", m->name, strerror(errno));
        return ta_error_from_errno(errno);
    }
    d.have = st.st_size > m->bytes ? 0 : st.st_size;
    if (d.have > 0)
        ta_verbose(log, "%s: %lld of %lld bytes are here", m->name, (long long)d.have, (long long)m->bytes);
    int err = 0;
    struct ta_buf why = {0};
    for (int attempt = 0; d.have < m->bytes && attempt < ATTEMPTS; attempt++) {
        int64_t had = d.have;
        ta_buf_clear(&why);
        err = ta_download(&d, &why);
        if (err >= 0 && d.have < m->bytes) {
            ta_buf_printf(&why, "it ends after %lld of %lld bytes", (long long)d.have, (long long)m->bytes);
            err = TA_ERR_BUSY;
        }
        if (err != TA_ERR_BUSY || d.silent)
            break;
        if (d.have > had)
            attempt = -1;
    }
    if (err < 0) {
        struct ta_buf shown = {0};
        ta_buf_visible(&shown, address, false);
        ta_error(log, "%s: %s: %s%s", m->name, ta_buf_text(&shown), ta_buf_text(&why),
                 err == TA_ERR_BUSY     ? "; the same command goes on where it is"
                 : err == TA_ERR_CLOSED ? " A file that was got elsewhere is taken with \"--from FILE\""
                                        : "");
        ta_buf_release(&shown);
    }
    ta_buf_release(&why);
    return err;
}

static int fetch_part(const struct ta_folder *f, const struct ta_model *m, const char *address,
                      struct ta_fetch *fetch, struct ta_log *log)
{
    char *part = part_name(m), *name = file_name(m), sum[TA_SHA256_HEX];
    int err = 0, fd = open_part(f, m, part, fetch, log);
    if (fd < 0) {
        err = fd;
        goto out;
    }
    if (state_in(f, m, true) == TA_MODEL_HERE) { // somebody else was quicker
        ta_folder_unlink(f, part);
        fetch->was_here = true;
        goto out;
    }
    err = download(m, fd, address, fetch, log);
    if (err < 0)
        goto out;
    err = ta_folder_sha256(f, part, sum, log);
    if (err >= 0)
        err = check_bytes(m, address, ta_folder_bytes(f, part), sum, log);
    if (err == TA_ERR_DAMAGED)
        ta_folder_unlink(f, part); // nothing can be made of it
    if (err >= 0)
        err = ta_folder_commit(f, part, name, log);
out:
    if (fd >= 0) {
        struct stat st;
        if (err < 0 && fstat(fd, &st) == 0 && st.st_size == 0)
            ta_folder_unlink(f, part);
        close(fd);
    }
    free(part);
    free(name);
    return err;
}

int ta_model_fetch(const struct ta_model *m, const char *folder, struct ta_fetch *fetch, struct ta_log *log)
{
    struct ta_folder f = {.fd = -1};
    const char *from = fetch->from ? fetch->from : m->file;
    fetch->was_here = false;
    if (!folder) {
        ta_error(log, "there is no folder for networks: neither XDG_DATA_HOME nor HOME is set");
        return TA_ERR_NOT_FOUND;
    }
    if (ta_model_state(m, folder, true) == TA_MODEL_HERE) {
        fetch->was_here = true;
        return 0;
    }
    if (!from) {
        ta_error(log,
                 "%s: no address of this very file is known; it comes from what %s has (%lld bytes, sha256 "
                 "%s): \"terminalai models fetch %s --from FILE\" takes it from you",
                 m->name, m->source, (long long)m->bytes, m->sha256, m->name);
        return TA_ERR_UNSUPPORTED;
    }
    int err = make_folder(&f, folder, log);
    if (err >= 0 && strstr(from, "://"))
        err = fetch_part(&f, m, from, fetch, log);
    else if (err >= 0)
        err = copy_file(&f, m, from, log);
    ta_folder_close(&f);
    return err;
}

int ta_model_remove(const struct ta_model *m, const char *folder, bool *removed, struct ta_log *log)
{
    struct ta_folder f = {.fd = -1};
    *removed = false;
    if (!folder)
        return 0;
    int err = ta_folder_hold(&f, folder, log);
    if (err == TA_ERR_NOT_FOUND)
        return 0;
    char *names[] = {file_name(m), part_name(m)};
    for (size_t i = 0; i < TA_COUNT(names) && err >= 0; i++) {
        bool there = ta_folder_has(&f, names[i]);
        if (there)
            ta_folder_unlink(&f, names[i]);
        if (there && ta_folder_has(&f, names[i])) {
            ta_error(log, "%s/%s can't be removed", folder, names[i]);
            err = TA_ERR_ACCESS;
        }
        *removed |= there && err >= 0;
    }
    free(names[0]);
    free(names[1]);
    ta_folder_close(&f);
    return err;
}
