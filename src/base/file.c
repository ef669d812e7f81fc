#include "base/error.h"
#include "base/file.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

static int open_retry(const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int sync_retry(int fd)
{
    int ret;
    do
        ret = fsync(fd);
    while (ret < 0 && errno == EINTR);
    return ret;
}

// Closes without losing errno.
static void close_quietly(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

int ta_file_read_fd(int fd, const char *path, size_t limit, struct ta_buf *out, struct ta_log *log)
{
    int ret = 0;
    for (;;) {
        char block[65536];
        ssize_t n = read(fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            ret = ta_fail_errno(log, path, "read");
            break;
        }
        if (!n)
            break;
        if ((size_t)n > limit - out->size) {
            ta_error(log, "%s: larger than the limit of %zu bytes", path, limit);
            ret = TA_ERR_INVALID;
            break;
        }
        ta_buf_append(out, block, (size_t)n);
    }
    if (ret < 0)
        ta_buf_clear(out);
    return ret;
}

int ta_file_read(const char *path, size_t limit, struct ta_buf *out, struct ta_log *log)
{
    ta_buf_clear(out);
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0)
        return ta_fail_errno(log, path, "open");
    int ret = ta_file_read_fd(fd, path, limit, out, log);
    close(fd);
    return ret;
}

int ta_file_sync_dir(const char *dir, struct ta_log *log)
{
    int fd = open_retry(dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return ta_fail_errno(log, dir, "open the folder");
    // Some network file systems know no fsync of folders and say EINVAL.
    int ret = sync_retry(fd) < 0 && errno != EINVAL ? ta_fail_errno(log, dir, "write the folder to disk") : 0;
    close(fd);
    return ret;
}

static int sync_parent(const char *path, struct ta_log *log)
{
    char *dir = ta_path_dir(path);
    int ret = ta_file_sync_dir(dir, log);
    free(dir);
    return ret;
}

static int sync_file(const char *path, struct ta_log *log)
{
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0)
        return ta_fail_errno(log, path, "open");
    int ret = sync_retry(fd) < 0 ? ta_fail_errno(log, path, "write to disk") : 0;
    close(fd);
    return ret;
}

static int fail_rename(const char *tmp, const char *path, struct ta_log *log)
{
    int errnum = errno;
    char *what = ta_xprintf("rename it to %s", path);
    errno = errnum;
    int ret = ta_fail_errno(log, tmp, what);
    free(what);
    return ret;
}

int ta_file_commit(const char *tmp, const char *path, struct ta_log *log)
{
    int ret = sync_file(tmp, log);
    if (ret < 0)
        return ret;
    return rename(tmp, path) < 0 ? fail_rename(tmp, path, log) : sync_parent(path, log);
}

// rename() that takes no name that is taken. File systems that can't do that in one step do it in two.
static int rename_new(const char *tmp, const char *path)
{
#ifdef RENAME_NOREPLACE
    if (!renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE))
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return -1;
#endif
    if (!link(tmp, path)) {
        unlink(tmp);
        return 0;
    }
    if (errno == EEXIST)
        return -1;
    struct stat st; // no hard links either (FAT, some network file systems)
    if (!lstat(path, &st)) {
        errno = EEXIST;
        return -1;
    }
    return rename(tmp, path);
}

int ta_file_commit_new(const char *tmp, const char *path, struct ta_log *log)
{
    int ret = sync_file(tmp, log);
    if (ret < 0)
        return ret;
    if (rename_new(tmp, path) < 0)
        return errno == EEXIST ? TA_ERR_EXISTS : fail_rename(tmp, path, log);
    return sync_parent(path, log);
}

static int write_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size) {
        ssize_t n = write(fd, p, TA_MIN(size, (size_t)1 << 30));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

int ta_file_write_fd(int fd, const void *data, size_t size)
{
    return write_all(fd, data, size) < 0 ? -1 : sync_retry(fd);
}

// Creates a file with a new name in the folder of `path`. The name does not grow with that of `path`, which
// may be as long as the file system allows. Returns a descriptor and *tmp, or -1 with errno.
static int create_temporary(const char *path, char **tmp)
{
    char *dir = ta_path_dir(path);
    int fd = -1;
    for (int attempt = 0; attempt < 100; attempt++) {
        uint64_t id;
        if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
            break;
        char name[40];
        snprintf(name, sizeof(name), ".ta-%016llx.tmp", (unsigned long long)id);
        *tmp = ta_path_join(dir, name);
        fd = open_retry(*tmp, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd >= 0)
            break;
        ta_freep(tmp);
        if (errno != EEXIST)
            break;
    }
    free(dir);
    return fd;
}

// Writes `data` through the open file `tmp` to `path`; closes `fd`.
static int finish_write(int fd, const char *tmp, const char *path, const void *data, size_t size,
                        struct ta_log *log)
{
    if (write_all(fd, data, size) < 0 || sync_retry(fd) < 0) {
        close_quietly(fd);
        goto fail;
    }
    if (close(fd) < 0 && errno != EINTR) // network file systems report late write errors here
        goto fail;
    if (rename(tmp, path) < 0)
        goto fail;
    return sync_parent(path, log);

fail:;
    int ret = ta_fail_errno(log, path, "write");
    unlink(tmp);
    return ret;
}

int ta_file_create(const char *path, struct ta_log *log)
{
    int fd = open_retry(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    return fd < 0 ? ta_fail_errno(log, path, "create") : fd;
}

void ta_file_tag(char out[9])
{
    uint32_t id = (uint32_t)getpid();
    if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
        id ^= (uint32_t)(ta_clock_seconds() * 1e6); // a name that is taken is refused, not used
    snprintf(out, 9, "%08x", (unsigned)id);
}

int ta_file_write_atomic(const char *path, const void *data, size_t size, struct ta_log *log)
{
    char *tmp = NULL;
    int fd = create_temporary(path, &tmp);
    if (fd < 0)
        return ta_fail_errno(log, path, "create");
    int ret = finish_write(fd, tmp, path, data, size, log);
    free(tmp);
    return ret;
}

int ta_file_write_through(const char *tmp, const char *path, const void *data, size_t size,
                          struct ta_log *log)
{
    int fd = ta_file_create(tmp, log);
    return fd < 0 ? fd : finish_write(fd, tmp, path, data, size, log);
}

int ta_file_append_fd(int fd, const char *path, const void *data, size_t size, struct ta_log *log)
{
    int ret = 0;
    off_t before = lseek(fd, 0, SEEK_END);
    ssize_t n;
    do
        n = write(fd, data, size);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && (size_t)n != size) {
        // Half a record would spoil the next one: take it back. What stopped the write shows on the next try.
        errno = ENOSPC;
        if (before >= 0 && ftruncate(fd, before) < 0)
            ta_problem_at(log, TA_PROBLEM_JOURNAL_GARBLED, &(struct ta_problem_about){.file = path},
                          "%s: ends in a record that is cut short", path);
        else
            errno = ENOSPC;
        n = -1;
    }
    if (n < 0)
        ret = ta_fail_errno(log, path, "append");
    else if (sync_retry(fd) < 0)
        ret = ta_fail_errno(log, path, "write to disk");
    if (close(fd) < 0 && errno != EINTR && !ret)
        ret = ta_fail_errno(log, path, "append");
    return ret;
}

int ta_file_append_sync(const char *path, const void *data, size_t size, struct ta_log *log)
{
    bool created = false;
    int fd = open_retry(path, O_WRONLY | O_APPEND, 0);
    if (fd < 0 && errno == ENOENT) {
        fd = open_retry(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
        created = true;
    }
    if (fd < 0)
        return ta_fail_errno(log, path, "open");
    int ret = ta_file_append_fd(fd, path, data, size, log);
    return !ret && created ? sync_parent(path, log) : ret;
}
