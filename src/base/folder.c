#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

enum { OTHERS_WRITE = S_IWGRP | S_IWOTH, OTHERS = S_IRWXG | S_IRWXO };

// Logs "FOLDER/NAME: can't WHAT: reason" for errno and returns its code.
static int fail(const struct ta_folder *f, const char *name, const char *what, struct ta_log *log)
{
    int number = errno;
    char reason[TA_ERRNO_TEXT];
    ta_error(log, "%s%s%s: can't %s: %s", f->path, name ? "/" : "", name ? name : "", what,
             number == ELOOP ? "it is a link" : ta_errno_text(number, reason));
    return ta_error_from_errno(number);
}

static int open_at(const struct ta_folder *f, const char *name, int flags)
{
    int fd;
    do
        fd = openat(f->fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int sync_fd(int fd)
{
    int ret;
    do
        ret = fsync(fd);
    while (ret < 0 && errno == EINTR);
    return ret;
}

// ---- the folder ----

int ta_folder_hold(struct ta_folder *f, const char *path, struct ta_log *log)
{
    struct stat st;
    *f = (struct ta_folder){.path = path};
    do
        f->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    while (f->fd < 0 && errno == EINTR);
    if (f->fd < 0 && errno == ENOENT)
        return TA_ERR_NOT_FOUND;
    if (f->fd < 0 && errno == ENOTDIR) {
        ta_error(log, "%s: something else has the name of this folder", path);
        return TA_ERR_EXISTS;
    }
    if (f->fd < 0 || fstat(f->fd, &st) < 0) {
        int err = fail(f, NULL, "open the folder", log);
        ta_folder_close(f);
        return err;
    }
    f->owner = st.st_uid;
    return 0;
}

// Where everybody may write, also where only the owner of a name may remove it.
static bool is_shared_place(const char *path)
{
    struct stat st;
    char *parent = ta_path_dir(path);
    bool shared = stat(parent, &st) < 0 || (st.st_mode & (S_IWOTH | S_ISVTX)) != 0;
    free(parent);
    return shared;
}

int ta_folder_make(struct ta_folder *f, const char *path, bool *made, struct ta_log *log)
{
    *f = (struct ta_folder){.fd = -1, .path = path};
    // Never writable for others, whatever umask says.
    *made = mkdir(path, is_shared_place(path) ? 0700 : 0755) == 0;
    if (!*made && errno != EEXIST)
        return fail(f, NULL, "create the folder", log);
    return ta_folder_hold(f, path, log);
}

// Does a file that the caller makes there become the folder owner's? On file systems without owners, and
// where a server decides on them.
static bool knows_no_owners(const struct ta_folder *f, uid_t owner)
{
    char tag[TA_TAG_SIZE], name[32];
    struct stat st;
    ta_file_tag(tag);
    snprintf(name, sizeof name, ".ta-%s.tmp", tag);
    int fd = open_at(f, name, O_WRONLY | O_CREAT | O_EXCL);
    bool same = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == owner;
    if (fd >= 0) {
        close(fd);
        unlinkat(f->fd, name, 0);
    }
    return same;
}

int ta_folder_own(struct ta_folder *f, struct ta_log *log)
{
    struct stat st;
    if (fstat(f->fd, &st) < 0)
        return fail(f, NULL, "look at the folder", log);
    f->owner = st.st_uid;
    if (st.st_uid != geteuid()) {
        if (knows_no_owners(f, st.st_uid))
            return 0;
        ta_error(log, "%s: this folder is another user's: nothing in it is believed or changed", f->path);
        return TA_ERR_ACCESS;
    }
    mode_t less = is_shared_place(f->path) ? OTHERS : OTHERS_WRITE;
    // Where it has no effect the file system has no such permissions.
    if ((st.st_mode & less) && fchmod(f->fd, st.st_mode & ~less & 07777) < 0 && errno != EPERM &&
        errno != EROFS && errno != EOPNOTSUPP)
        return fail(f, NULL, "close the folder to others", log);
    return 0;
}

void ta_folder_close(struct ta_folder *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

// ---- opening ----

int ta_folder_create(const struct ta_folder *f, const char *name, struct ta_log *log)
{
    int fd = open_at(f, name, O_RDWR | O_CREAT | O_EXCL);
    return fd < 0 ? fail(f, name, "create", log) : fd;
}

// What has been opened must be a plain file of the owner's. Takes `fd`.
static int check_opened(const struct ta_folder *f, const char *name, int fd, bool alone, struct ta_log *log)
{
    struct stat st;
    const char *why = NULL;
    if (fstat(fd, &st) < 0) {
        int err = fail(f, name, "look at it", log);
        close(fd);
        return err;
    }
    if (!S_ISREG(st.st_mode))
        why = "it is no plain file";
    else if (st.st_uid != f->owner)
        why = "it is another user's";
    else if (alone && st.st_nlink > 1)
        why = "it is another file, too (a hard link)";
    if (!why)
        return fd;
    ta_error(log, "%s/%s: can't be used: %s", f->path, name, why);
    close(fd);
    return TA_ERR_ACCESS;
}

int ta_folder_open(const struct ta_folder *f, const char *name, struct ta_log *log)
{
    int fd = open_at(f, name, O_RDONLY | O_NONBLOCK); // a pipe must not hold it up
    if (fd < 0 && errno == ENOENT)
        return TA_ERR_NOT_FOUND;
    return fd < 0 ? fail(f, name, "open", log) : check_opened(f, name, fd, false, log);
}

int ta_folder_open_append(const struct ta_folder *f, const char *name, struct ta_log *log)
{
    int fd = open_at(f, name, O_RDWR | O_APPEND | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        fd = open_at(f, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
        if (fd >= 0 && sync_fd(f->fd) < 0 && errno != EINVAL) {
            int err = fail(f, NULL, "write the folder to disk", log);
            close(fd);
            return err;
        }
        if (fd < 0 && errno == EEXIST) // somebody else's task was quicker
            fd = open_at(f, name, O_RDWR | O_APPEND | O_NONBLOCK);
    }
    return fd < 0 ? fail(f, name, "open", log) : check_opened(f, name, fd, true, log);
}

// ---- reading ----

int ta_folder_read(const struct ta_folder *f, const char *name, size_t limit, struct ta_buf *out,
                   struct ta_log *log)
{
    ta_buf_clear(out);
    int fd = ta_folder_open(f, name, log);
    if (fd < 0)
        return fd;
    char *path = ta_path_join(f->path, name);
    int err = ta_file_read_fd(fd, path, limit, out, log);
    free(path);
    close(fd);
    return err;
}

int ta_folder_sha256(const struct ta_folder *f, const char *name, char out[TA_SHA256_HEX], struct ta_log *log)
{
    int fd = ta_folder_open(f, name, log);
    if (fd < 0)
        return fd;
    char *path = ta_path_join(f->path, name);
    int err = ta_sha256_fd(fd, path, out, log);
    free(path);
    close(fd);
    return err;
}

int64_t ta_folder_bytes(const struct ta_folder *f, const char *name)
{
    struct stat st;
    bool is = fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
              st.st_uid == f->owner;
    return is ? st.st_size : -1;
}

bool ta_folder_has(const struct ta_folder *f, const char *name)
{
    struct stat st;
    return fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int ta_folder_list(const struct ta_folder *f, char ***names, struct ta_log *log)
{
    // A descriptor of its own: reading a folder moves its place.
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *names = NULL;
    return fd < 0 ? fail(f, NULL, "list the folder", log) : ta_dir_list_fd(fd, f->path, names, log);
}

// ---- writing ----

int ta_folder_write(const struct ta_folder *f, const char *name, const void *data, size_t size,
                    struct ta_log *log)
{
    char tag[TA_TAG_SIZE], tmp[32];
    ta_file_tag(tag);
    snprintf(tmp, sizeof tmp, ".ta-%s.tmp", tag);
    int fd = ta_folder_create(f, tmp, log);
    if (fd < 0)
        return fd;
    int err = ta_file_write_fd(fd, data, size) < 0 ? fail(f, name, "write", log) : 0;
    if (close(fd) < 0 && errno != EINTR && !err) // network file systems report late write errors here
        err = fail(f, name, "write", log);
    if (!err)
        err = ta_folder_commit(f, tmp, name, log);
    if (err < 0)
        unlinkat(f->fd, tmp, 0);
    return err;
}

int ta_folder_commit(const struct ta_folder *f, const char *from, const char *to, struct ta_log *log)
{
    int fd = ta_folder_open(f, from, log);
    if (fd == TA_ERR_NOT_FOUND)
        ta_error(log, "%s/%s: can't be put in place: it is gone", f->path, from);
    if (fd < 0)
        return fd;
    int err = sync_fd(fd) < 0 ? fail(f, from, "write to disk", log) : 0;
    close(fd);
    if (!err && renameat(f->fd, from, f->fd, to) < 0)
        err = fail(f, to, "put in place", log);
    // Some network file systems know no fsync of folders and say EINVAL.
    if (!err && sync_fd(f->fd) < 0 && errno != EINVAL)
        err = fail(f, NULL, "write the folder to disk", log);
    return err;
}

void ta_folder_unlink(const struct ta_folder *f, const char *name)
{
    unlinkat(f->fd, name, 0);
}
