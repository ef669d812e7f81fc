#include "jobs/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

// What a job of high resolution comes to.
#define JOB_BYTES INT64_C(300000000)

struct ta_limits {
    struct ta_limits_config config;
    char *folder; // NULL: no groups
};

// ---- control groups ----

// Where the second version is mounted. To be freed; NULL: nowhere.
static char *find_mount(void)
{
    char line[4096], *found = NULL;
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f && !found && fgets(line, sizeof(line), f)) {
        char at[1024];
        const char *type = strstr(line, " - cgroup2 ");
        if (type && sscanf(line, "%*s %*s %*s %*s %1023s", at) == 1)
            found = ta_xstrdup(at);
    }
    if (f)
        fclose(f);
    return found;
}

static char *find_folder(void)
{
    char line[4096], *mount = find_mount(), *folder = NULL;
    FILE *f = mount ? fopen("/proc/self/cgroup", "re") : NULL;
    while (f && !folder && fgets(line, sizeof(line), f))
        if (!strncmp(line, "0::/", 4)) {
            line[strcspn(line, "\n")] = '\0';
            folder = ta_xprintf("%s%s", mount, line[4] ? line + 3 : "");
        }
    if (f)
        fclose(f);
    free(mount);
    return folder;
}

static bool put(const char *folder, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool put(const char *folder, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args), *path = ta_path_join(folder, name);
    va_end(args);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int error = errno;
    if (fd >= 0)
        close(fd);
    free(text);
    free(path);
    errno = error;
    return done;
}

// Nobody but groups may be in a group that hands on what it is allowed.
static bool take_group(const char *folder)
{
    char *own = ta_path_join(folder, "service");
    bool moved = (mkdir(own, 0755) == 0 || errno == EEXIST) && put(own, "cgroup.procs", "%d", (int)getpid());
    bool done = moved && put(folder, "cgroup.subtree_control", "+memory +cpu");
    int error = errno;
    if (moved && !done)
        put(folder, "cgroup.procs", "%d", (int)getpid());
    if (!done)
        rmdir(own);
    free(own);
    errno = error;
    return done;
}

void ta_limits_create(struct ta_limits **out, const struct ta_limits_config *config, const char *folder,
                      struct ta_log *log)
{
    struct ta_limits *l = ta_xcalloc(1, sizeof(*l));
    l->config = *config;
    *out = l;
    if (config->memory_bytes <= 0 && config->cpus <= 0)
        return;
    l->folder = folder ? ta_xstrdup(folder) : find_folder();
    if (!l->folder || !take_group(l->folder)) {
        ta_verbose(log, "workers get no control groups (%s): limits are those of processes",
                   l->folder ? strerror(errno) : "there are none");
        ta_freep(&l->folder);
    }
}

void ta_limits_destroy(struct ta_limits **limits)
{
    if (!*limits)
        return;
    free((*limits)->folder);
    ta_freep(limits);
}

bool ta_limits_by_groups(const struct ta_limits *limits)
{
    return limits && limits->folder;
}

// The group of a place, -1 where it can't be made.
static int open_group(const struct ta_limits *l, int place)
{
    char *group = ta_xprintf("%s/worker-%d", l->folder, place), *procs = ta_path_join(group, "cgroup.procs");
    bool made = mkdir(group, 0755) == 0 || errno == EEXIST;
    if (made && l->config.memory_bytes > 0)
        made = put(group, "memory.max", "%" PRId64, l->config.memory_bytes);
    if (made && l->config.memory_bytes > 0)
        put(group, "memory.oom.group", "1"); // not one thread's child of it: all
    if (made && l->config.cpus > 0)
        made = put(group, "cpu.max", "%" PRId64 " 100000", (int64_t)l->config.cpus * 100000);
    int fd = made ? open(procs, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
    free(procs);
    free(group);
    return fd;
}

int64_t ta_limits_exceeded(const struct ta_limits *l, int place)
{
    int64_t count = 0;
    char line[128],
        *path = l && l->folder ? ta_xprintf("%s/worker-%d/memory.events", l->folder, place) : NULL;
    FILE *f = path ? fopen(path, "re") : NULL;
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "oom_kill %" SCNd64, &count) == 1)
            break;
    if (f)
        fclose(f);
    free(path);
    return count;
}

// ---- processes ----

// So many cores, others than those of the next place, as far as there are.
static void choose_cores(const struct ta_limits *l, int place, struct ta_limited *out)
{
    cpu_set_t all;
    int total, first, index = 0;
    CPU_ZERO(&out->cpus);
    if (sched_getaffinity(0, sizeof(all), &all) < 0 || (total = CPU_COUNT(&all)) <= l->config.cpus)
        return;
    first = (int)((int64_t)place * l->config.cpus % total);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all) && (index++ - first + total) % total < l->config.cpus)
            CPU_SET(i, &out->cpus);
    out->pinned = true;
}

bool ta_limits_have_room(const struct ta_limits_config *config, int64_t available, int64_t total, int young)
{
    int64_t each = config->memory_bytes > 0 ? TA_MIN(config->memory_bytes, JOB_BYTES) : JOB_BYTES;
    return available < 0 || available - total / 10 >= (young + 1) * each;
}

void ta_limits_make(struct ta_limits *l, int place, bool devices, struct ta_limited *out)
{
    *out = (struct ta_limited){.group_fd = -1};
    if (l && l->folder)
        out->group_fd = open_group(l, place);
    if (!l || out->group_fd >= 0)
        return;
    if (l->config.memory_bytes > 0 && !devices)
        out->data_bytes = l->config.memory_bytes;
    if (l->config.cpus > 0)
        choose_cores(l, place, out);
}

void ta_limited_release(struct ta_limited *limited)
{
    if (limited->group_fd >= 0)
        close(limited->group_fd);
    limited->group_fd = -1;
}

void ta_limited_enter(const struct ta_limited *limited)
{
    ssize_t ignored = limited->group_fd >= 0 ? write(limited->group_fd, "0", 1) : 0;
    (void)ignored;
    if (limited->data_bytes > 0) {
        struct rlimit limit = {(rlim_t)limited->data_bytes, (rlim_t)limited->data_bytes};
        setrlimit(RLIMIT_DATA, &limit);
    }
    if (limited->pinned)
        sched_setaffinity(0, sizeof(limited->cpus), &limited->cpus);
}
