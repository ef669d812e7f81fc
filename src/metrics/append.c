// The file of records. Several programs may write it at once: a line is one write, and whoever puts the file
// aside holds its lock.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "metrics/metrics.h"

// PATH.3 becomes PATH.4, ..., PATH becomes PATH.1.
static void put_aside(const char *path)
{
    for (int i = TA_METRICS_FILES - 1; i > 0; i--) {
        char *from = i > 1 ? ta_xprintf("%s.%d", path, i - 1) : ta_xstrdup(path),
             *to = ta_xprintf("%s.%d", path, i);
        rename(from, to);
        free(from);
        free(to);
    }
}

static int open_file(const char *path)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (fd < 0 && errno == ENOENT) {
        ta_dir_create_above(path, 0777, NULL); // what can't be made shows when the file is opened
        fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    }
    return fd;
}

// The file, locked, with room for so many bytes more; or -1 with errno.
static int open_with_room(const char *path, size_t size)
{
    for (int tries = 0; tries < 100; tries++) {
        struct stat held, named;
        int fd = open_file(path), locked = fd;
        while (fd >= 0 && (locked = flock(fd, LOCK_EX)) < 0 && errno == EINTR)
            continue;
        if (fd < 0 || locked < 0 || fstat(fd, &held) < 0) {
            int error = errno;
            if (fd >= 0)
                close(fd);
            errno = error;
            return -1;
        }
        // Nothing else is called so by a link, and nothing of somebody else is put aside.
        if (!S_ISREG(held.st_mode) || held.st_nlink > 1 || held.st_uid != geteuid()) {
            close(fd);
            errno = EPERM;
            return -1;
        }
        bool same = stat(path, &named) == 0 && named.st_ino == held.st_ino && named.st_dev == held.st_dev;
        if (same && (held.st_size == 0 || held.st_size + (int64_t)size <= TA_METRICS_FILE_BYTES))
            return fd;
        if (same)
            put_aside(path);
        close(fd);
    }
    errno = EBUSY;
    return -1;
}

// Does a line that could not be finished stand at the end? It must not swallow this one.
static bool is_torn(int fd)
{
    char last = '\n';
    off_t size = lseek(fd, 0, SEEK_END);
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int ta_metrics_append(const char *path, const struct ta_metrics *metrics, struct ta_log *log)
{
    char *line = ta_metrics_line(metrics);
    int err = ta_metrics_append_line(path, line, log);
    free(line);
    return err;
}

int ta_metrics_append_line(const char *path, const char *line, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "metrics");
    struct ta_buf b = {0};
    int fd = open_with_room(path, strlen(line) + 2), error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        ta_buf_printf(&b, "%s%s\n", is_torn(fd) ? "\n" : "", line);
        ssize_t n = write(fd, b.data, b.size);
        error = n == (ssize_t)b.size ? 0 : n < 0 ? errno : ENOSPC;
        close(fd);
    }
    if (error)
        ta_verbose(own, "%s: can't be written: %s", path, strerror(error));
    ta_buf_release(&b);
    ta_log_destroy(&own);
    return error ? ta_error_from_errno(error) : 0;
}
