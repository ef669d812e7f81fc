// Threads, clocks, and how many cores there are.
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/mem.h"

struct ta_thread {
    pthread_t id;
    int (*run)(void *arg);
    void *arg;
    int result;
    char name[16]; // the kernel keeps 15 characters
};

static void *thread_main(void *arg)
{
    struct ta_thread *t = arg;
    pthread_setname_np(pthread_self(), t->name);
    t->result = t->run(t->arg);
    return NULL;
}

int ta_thread_create(struct ta_thread **out, const char *name, int (*run)(void *arg), void *arg)
{
    *out = NULL;
    struct ta_thread *t = ta_xcalloc(1, sizeof(*t));
    t->run = run;
    t->arg = arg;
    snprintf(t->name, sizeof(t->name), "%s", name);
    // The new thread inherits the mask: signals are for the program's main thread.
    sigset_t all, old;
    sigfillset(&all);
    sigdelset(&all, SIGPROF); // of a profile, which interrupts the thread itself
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&t->id, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        free(t);
        return err == EAGAIN ? TA_ERR_LIMIT : TA_ERR_NOMEM;
    }
    *out = t;
    return 0;
}

struct gate {
    pthread_mutex_t closed;
};

static int wait_at(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->closed);
    pthread_mutex_unlock(&gate->closed);
    return 0;
}

bool ta_threads_available(int count)
{
    struct gate gate;
    struct ta_thread **threads = ta_xcalloc((size_t)count + 1, sizeof *threads);
    int err = 0;
    pthread_mutex_init(&gate.closed, NULL);
    pthread_mutex_lock(&gate.closed);
    for (int i = 0; i < count && err >= 0; i++)
        err = ta_thread_create(&threads[i], "try", wait_at, &gate);
    pthread_mutex_unlock(&gate.closed);
    for (int i = 0; i < count; i++)
        ta_thread_join(&threads[i]);
    pthread_mutex_destroy(&gate.closed);
    free(threads);
    return err >= 0;
}

int ta_thread_join(struct ta_thread **t)
{
    if (!*t)
        return 0;
    pthread_join((*t)->id, NULL);
    int result = (*t)->result;
    ta_freep(t);
    return result;
}

void ta_sleep_us(int64_t us)
{
    struct timespec left = {us / 1000000, us % 1000000 * 1000};
    // timed wait: the caller's
    while (us > 0 && nanosleep(&left, &left) < 0 && errno == EINTR) {}
}

void ta_cond_init(pthread_cond_t *condition)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &clock);
    pthread_condattr_destroy(&clock);
}

struct timespec ta_clock_after(double seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + (int64_t)(seconds * 1e9);
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return t;
}

double ta_clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void ta_utc_text(int64_t seconds, char out[TA_UTC_TEXT])
{
    time_t when = (time_t)seconds;
    struct tm parts;
    if (!gmtime_r(&when, &parts) || !strftime(out, TA_UTC_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts))
        out[0] = '\0';
}

double ta_cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Of a file of the kernel's: the bytes that a line "name: 123 kB" tells; -1: there is none.
static int64_t bytes_in(const char *path, const char *name)
{
    char line[256];
    size_t n = strlen(name);
    long long kib = -1;
    FILE *f = fopen(path, "re");
    while (f && kib < 0 && fgets(line, sizeof(line), f))
        if (!strncmp(line, name, n) && line[n] == ':')
            sscanf(line + n, ": %lld kB", &kib);
    if (f)
        fclose(f);
    return kib < 0 ? -1 : kib * 1024;
}

int64_t ta_peak_rss_bytes(void)
{
    // What getrusage() says counts what the process held before exec() too: all of a large parent's.
    int64_t bytes = bytes_in("/proc/self/status", "VmHWM");
    struct rusage usage;
    if (bytes >= 0)
        return bytes;
    return getrusage(RUSAGE_SELF, &usage) < 0 ? 0 : (int64_t)usage.ru_maxrss * 1024;
}

int64_t ta_memory_available(void)
{
    return bytes_in("/proc/meminfo", "MemAvailable");
}

int64_t ta_rss_bytes(void)
{
    // Pages: of the program, and of these in memory.
    FILE *f = fopen("/proc/self/statm", "re");
    long long pages = 0;
    bool known = f && fscanf(f, "%*d %lld", &pages) == 1;
    if (f)
        fclose(f);
    return known ? (int64_t)pages * sysconf(_SC_PAGESIZE) : ta_peak_rss_bytes();
}

int64_t ta_machine_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (int64_t)pages * size : (int64_t)4 << 30;
}

static int affinity_count(void)
{
    // The kernel refuses masks smaller than its own: grow until it fits.
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (!set)
            break;
        size_t size = CPU_ALLOC_SIZE(cpus);
        CPU_ZERO_S(size, set);
        int count = sched_getaffinity(0, size, set) < 0 ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return 1;
}

// First line of a small file, without its newline; false if there is none.
static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool ok = fgets(line, size, file) != NULL;
    fclose(file);
    if (ok)
        line[strcspn(line, "\n")] = '\0';
    return ok;
}

static int quota_to_cores(long long quota, long long period, int most)
{
    if (quota <= 0 || period <= 0)
        return most;
    long long cores = (quota + period - 1) / period;
    return cores < most ? (int)cores : most;
}

// Version 2: every group from ours up to the root may hold a limit.
static int cgroup2_limit(char *group, int most)
{
    for (;;) {
        char *path = ta_xprintf("/sys/fs/cgroup%s/cpu.max", group), line[64];
        long long quota, period;
        if (read_line(path, line, sizeof(line)) && sscanf(line, "%lld %lld", &quota, &period) == 2)
            most = quota_to_cores(quota, period, most);
        free(path);
        char *slash = strrchr(group, '/');
        if (!slash)
            return most;
        *slash = '\0';
    }
}

static int cgroup1_limit(const char *group, int most)
{
    // In a container the group's own path is not mounted, but the root of the mount is the container's group.
    const char *groups[] = {group, ""};
    for (size_t i = 0; i < TA_COUNT(groups); i++) {
        char *quota_path = ta_xprintf("/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", groups[i]);
        char *period_path = ta_xprintf("/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", groups[i]);
        char quota[32], period[32];
        if (read_line(quota_path, quota, sizeof(quota)) && read_line(period_path, period, sizeof(period)))
            most = quota_to_cores(atoll(quota), atoll(period), most);
        free(quota_path);
        free(period_path);
    }
    return most;
}

// Is "cpu" one of the comma-separated controllers?
static bool has_cpu_controller(const char *controllers)
{
    while (*controllers) {
        size_t length = strcspn(controllers, ",");
        if (length == 3 && !strncmp(controllers, "cpu", 3))
            return true;
        controllers += length + (controllers[length] == ',');
    }
    return false;
}

int ta_cpu_count(void)
{
    int count = affinity_count();
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return count;
    // Lines are "ID:CONTROLLERS:PATH"; version 2 has ID 0 and no controllers.
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *controllers++ = '\0';
        *group++ = '\0';
        if (!strcmp(group, "/"))
            *group = '\0';
        if (!*controllers)
            count = cgroup2_limit(group, count);
        else if (has_cpu_controller(controllers))
            count = cgroup1_limit(group, count);
    }
    free(line);
    fclose(file);
    return count;
}
