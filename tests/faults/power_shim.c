// Writes down, in order, everything that a process does to the files below TA_POWER_ROOT, with the data, into
// the file TA_POWER_LOG. From that, power.py makes the states that a power cut could have left at any moment.
//
// Records: a line, then for W that many bytes. Files are known by inode number.
//   C ino path      a new file        D ino path   a new folder     T ino size    cut to a size
//   W ino place n   data              S ino        file synced      Y path        folder synced
//   M from TAB to   renamed           L from TAB to  a second name  U path        unlinked, or folder removed
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *root;
static FILE *record;
static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_rename)(const char *, const char *);
static int (*real_renameat2)(int, const char *, int, const char *, unsigned);
static int (*real_link)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_rmdir)(const char *);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_ftruncate)(int, off64_t);

static void begin(void)
{
    *(void **)&real_open = dlsym(RTLD_NEXT, "open64");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_openat = dlsym(RTLD_NEXT, "openat64");
    *(void **)&real_renameat = dlsym(RTLD_NEXT, "renameat");
    *(void **)&real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    *(void **)&real_rename = dlsym(RTLD_NEXT, "rename");
    *(void **)&real_renameat2 = dlsym(RTLD_NEXT, "renameat2");
    *(void **)&real_link = dlsym(RTLD_NEXT, "link");
    *(void **)&real_unlink = dlsym(RTLD_NEXT, "unlink");
    *(void **)&real_rmdir = dlsym(RTLD_NEXT, "rmdir");
    *(void **)&real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    *(void **)&real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    root = getenv("TA_POWER_ROOT");
    const char *log = getenv("TA_POWER_LOG");
    int fd = root && log ? real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    record = fd >= 0 ? fdopen(fd, "a") : NULL;
}

// The tests give absolute paths.
static bool is_meant(const char *path)
{
    pthread_once(&once, begin);
    return record && !strncmp(path, root, strlen(root));
}

static bool path_of(int fd, char path[PATH_MAX])
{
    char name[32];
    pthread_once(&once, begin);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = record ? readlink(name, path, PATH_MAX - 1) : -1;
    path[n < 0 ? 0 : n] = 0;
    return n > 0 && is_meant(path);
}

static void put(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(record, format, args);
    va_end(args);
    fflush(record);
}

static unsigned long long number_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) ? 0 : (unsigned long long)st.st_ino;
}

static int open_recorded(const char *path, int flags, mode_t mode)
{
    struct stat st;
    if (!is_meant(path) || !(flags & (O_CREAT | O_TRUNC)))
        return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    bool there = !stat(path, &st);
    int fd = real_open(path, flags, mode);
    int saved = errno;
    if (fd >= 0 && !there)
        put("C %llu %s\n", number_of(fd), path);
    else if (fd >= 0 && (flags & O_TRUNC))
        put("T %llu 0\n", number_of(fd));
    pthread_mutex_unlock(&lock);
    errno = saved;
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    pthread_once(&once, begin);
    return open_recorded(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    pthread_once(&once, begin);
    return open_recorded(path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t size)
{
    char path[PATH_MAX];
    int saved = errno;
    if (!path_of(fd, path)) {
        errno = saved;
        return real_write(fd, data, size);
    }
    pthread_mutex_lock(&lock);
    struct stat st;
    bool append = fcntl(fd, F_GETFL) & O_APPEND;
    long long place = append && !fstat(fd, &st) ? (long long)st.st_size : (long long)lseek64(fd, 0, SEEK_CUR);
    ssize_t n = real_write(fd, data, size);
    saved = errno;
    if (n > 0) {
        put("W %llu %lld %zd\n", number_of(fd), place, n);
        fwrite(data, 1, (size_t)n, record);
        fflush(record);
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
    return n;
}

int fsync(int fd)
{
    char path[PATH_MAX];
    struct stat st;
    if (!path_of(fd, path) || fstat(fd, &st))
        return real_fsync(fd);
    pthread_mutex_lock(&lock);
    int result = real_fsync(fd);
    if (!result && S_ISDIR(st.st_mode))
        put("Y %s\n", path);
    else if (!result)
        put("S %llu\n", (unsigned long long)st.st_ino);
    pthread_mutex_unlock(&lock);
    return result;
}

// The path of a name in an open folder.
static bool path_at(int dir, const char *name, char out[PATH_MAX])
{
    char folder[PATH_MAX];
    pthread_once(&once, begin);
    if (name[0] == '/' || dir == AT_FDCWD)
        return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX;
    return path_of(dir, folder) && snprintf(out, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

static int openat_recorded(int dir, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat st;
    if (!(flags & (O_CREAT | O_TRUNC)) || !path_at(dir, name, path) || !is_meant(path))
        return real_openat(dir, name, flags, mode);
    pthread_mutex_lock(&lock);
    bool there = !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
    int fd = real_openat(dir, name, flags, mode), saved = errno;
    if (fd >= 0 && !there)
        put("C %llu %s\n", number_of(fd), path);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return fd;
}

int openat(int dir, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    pthread_once(&once, begin);
    return openat_recorded(dir, name, flags, mode);
}

int openat64(int dir, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    pthread_once(&once, begin);
    return openat_recorded(dir, name, flags, mode);
}

int renameat(int dir, const char *from, int to_dir, const char *to)
{
    char a[PATH_MAX], b[PATH_MAX];
    if (!path_at(dir, from, a) || !path_at(to_dir, to, b) || !is_meant(a))
        return real_renameat(dir, from, to_dir, to);
    pthread_mutex_lock(&lock);
    int result = real_renameat(dir, from, to_dir, to), saved = errno;
    if (!result)
        put("M %s\t%s\n", a, b);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

int unlinkat(int dir, const char *name, int flags)
{
    char path[PATH_MAX];
    if (!path_at(dir, name, path) || !is_meant(path))
        return real_unlinkat(dir, name, flags);
    pthread_mutex_lock(&lock);
    int result = real_unlinkat(dir, name, flags), saved = errno;
    if (!result)
        put("U %s\n", path);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

int rename(const char *from, const char *to)
{
    if (!is_meant(from))
        return real_rename(from, to);
    pthread_mutex_lock(&lock);
    int result = real_rename(from, to), saved = errno;
    if (!result)
        put("M %s\t%s\n", from, to);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

int renameat2(int dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (!is_meant(from))
        return real_renameat2(dir, from, to_dir, to, flags);
    pthread_mutex_lock(&lock);
    int result = real_renameat2(dir, from, to_dir, to, flags), saved = errno;
    if (!result)
        put("M %s\t%s\n", from, to);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

int link(const char *from, const char *to)
{
    if (!is_meant(from))
        return real_link(from, to);
    pthread_mutex_lock(&lock);
    int result = real_link(from, to), saved = errno;
    if (!result)
        put("L %s\t%s\n", from, to);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

static int forget(int (*real)(const char *), const char *path)
{
    if (!is_meant(path))
        return real(path);
    pthread_mutex_lock(&lock);
    int result = real(path), saved = errno;
    if (!result)
        put("U %s\n", path);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

int unlink(const char *path)
{
    pthread_once(&once, begin);
    return forget(real_unlink, path);
}

int rmdir(const char *path)
{
    pthread_once(&once, begin);
    return forget(real_rmdir, path);
}

int mkdir(const char *path, mode_t mode)
{
    struct stat st;
    if (!is_meant(path))
        return real_mkdir(path, mode);
    pthread_mutex_lock(&lock);
    int result = real_mkdir(path, mode), saved = errno;
    if (!result && !stat(path, &st))
        put("D %llu %s\n", (unsigned long long)st.st_ino, path);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

static int cut(int fd, off64_t size)
{
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    int result = real_ftruncate(fd, size), saved = errno;
    if (!result)
        put("T %llu %lld\n", number_of(fd), (long long)size);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

int ftruncate(int fd, off_t size)
{
    return cut(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return cut(fd, size);
}
