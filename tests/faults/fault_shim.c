// Makes calls of the C library fail, as the environment says:
//
//   TA_FAULT_READ=WORD:BYTES[:TIMES]   reading files whose path holds WORD fails with EIO once the process
//   has
//                                      read BYTES of them, TIMES times (0: for ever)
//   TA_FAULT_WRITE=WORD:BYTES[:TIMES]  writing fails with ENOSPC in the same way
//   TA_FAULT_SYNC=WORD:CALLS[:TIMES]   fsync() fails with EIO after CALLS calls that went well
//   TA_FAULT_CLOCK=SECONDS:CALLS       the wall clock is set back by SECONDS after CALLS looks at it
//
// WORD may be empty: all files. With * or ? it is a pattern for the whole path.
#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct fault {
    bool set;
    char word[64];
    long long limit, times; // times 0: for ever
    long long used, failed;
};

static struct fault reading, writing, syncing;
static long long clock_back, clock_calls, clock_looks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off64_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_clock)(clockid_t, struct timespec *);

static void parse(const char *name, struct fault *f)
{
    const char *text = getenv(name), *colon = text ? strchr(text, ':') : NULL;
    if (!colon || (size_t)(colon - text) >= sizeof f->word)
        return;
    memcpy(f->word, text, (size_t)(colon - text));
    f->set = sscanf(colon, ":%lld:%lld", &f->limit, &f->times) >= 1;
}

static void begin(void)
{
    *(void **)&real_read = dlsym(RTLD_NEXT, "read");
    *(void **)&real_pread = dlsym(RTLD_NEXT, "pread64");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    parse("TA_FAULT_READ", &reading);
    parse("TA_FAULT_WRITE", &writing);
    parse("TA_FAULT_SYNC", &syncing);
    const char *text = getenv("TA_FAULT_CLOCK");
    if (text)
        sscanf(text, "%lld:%lld", &clock_back, &clock_calls);
}

static bool is_meant(int fd, const char *word)
{
    char name[32], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, path, sizeof path - 1);
    if (n < 0)
        return false;
    path[n] = 0;
    return path[0] == '/' && strncmp(path, "/dev/", 5) && strncmp(path, "/proc/", 6) &&
           (strpbrk(word, "*?") ? !fnmatch(word, path, 0) : strstr(path, word) != NULL);
}

// Counts `amount` for the file; true when this call is to fail.
static bool strikes(struct fault *f, int fd, long long amount)
{
    pthread_once(&once, begin);
    if (!f->set || !is_meant(fd, f->word))
        return false;
    pthread_mutex_lock(&lock);
    bool strike = f->used + amount > f->limit && (!f->times || f->failed < f->times);
    f->used += strike ? 0 : amount;
    f->failed += strike;
    pthread_mutex_unlock(&lock);
    return strike;
}

ssize_t read(int fd, void *data, size_t size)
{
    int saved = errno;
    if (strikes(&reading, fd, (long long)size)) {
        errno = EIO;
        return -1;
    }
    errno = saved;
    return real_read(fd, data, size);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t place)
{
    if (strikes(&reading, fd, (long long)size)) {
        errno = EIO;
        return -1;
    }
    return real_pread(fd, data, size, place);
}

ssize_t pread(int fd, void *data, size_t size, off_t place)
{
    return pread64(fd, data, size, place);
}

ssize_t write(int fd, const void *data, size_t size)
{
    int saved = errno;
    if (strikes(&writing, fd, (long long)size)) {
        errno = ENOSPC;
        return -1;
    }
    errno = saved;
    return real_write(fd, data, size);
}

int fsync(int fd)
{
    if (strikes(&syncing, fd, 1)) {
        errno = EIO;
        return -1;
    }
    return real_fsync(fd);
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    pthread_once(&once, begin);
    int result = real_clock(id, out);
    if (id == CLOCK_REALTIME && clock_back &&
        __atomic_add_fetch(&clock_looks, 1, __ATOMIC_RELAXED) > clock_calls)
        out->tv_sec -= clock_back;
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}
