#include "jobs/standstill.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

// Of a core. Heartbeats and timers of libraries take a hundredth of it, the slowest work a hundred times it.
static const double next_to_nothing = 0.005;

// What a file of proc(5) named "stat" says: the state ('R', 'S', 'D' ...), and clock ticks in user and system
// mode. False where there is none.
static bool read_stat(const char *path, char *state, long *ticks)
{
    char line[1024];
    unsigned long user, system;
    FILE *f = fopen(path, "re");
    char *got = f ? fgets(line, sizeof(line), f) : NULL;
    if (f)
        fclose(f);
    char *after = got ? strrchr(line, ')') : NULL; // the name before it may hold anything
    if (!after ||
        sscanf(after + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", state, &user, &system) != 3)
        return false;
    *ticks = (long)(user + system);
    return true;
}

// Does each of its threads wait for something that is no disk?
static bool all_sleep(pid_t pid)
{
    char path[300], state;
    long ticks;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    bool sleep = folder;
    for (struct dirent *e; sleep && (e = readdir(folder));) {
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%.32s/stat", (int)pid, e->d_name);
        sleep = !read_stat(path, &state, &ticks) || strchr("SZX", state); // one that is not there has ended
    }
    if (folder)
        closedir(folder);
    return sleep;
}

double ta_standstill_look(struct ta_standstill *s, pid_t pid, double now, double every)
{
    char path[64], state;
    long ticks, second = sysconf(_SC_CLK_TCK);
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (!read_stat(path, &state, &ticks) || second <= 0) {
        *s = (struct ta_standstill){0};
        return 0;
    }
    double used = (double)ticks / (double)second, passed = now - s->at;
    bool first = s->at <= 0,
         still = !first && used - s->used <= passed * next_to_nothing + 1.0 / (double)second;
    s->seconds = still && all_sleep(pid) ? s->seconds + TA_MIN(passed, 2 * every) : 0;
    s->at = now;
    s->used = used;
    return s->seconds;
}
