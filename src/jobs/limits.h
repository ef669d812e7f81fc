// How much memory and how many cores a worker may take: by control groups (cgroup v2) where this process may
// make them (systemd's Delegate=), else by what every process may do to itself: a limit of its data, a choice
// of cores.
#ifndef TA_JOBS_LIMITS_H
#define TA_JOBS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include <sched.h>

struct ta_log;
struct ta_limits;

struct ta_limits_config {
    int64_t memory_bytes; // of one worker; 0: no limit
    int cpus;             // of one worker; 0: no limit
};

// `folder` is the control group of this process, NULL: it is looked for. It moves into a group "service"
// below it, beside which workers get theirs. Never fails: what is not allowed is said once (VERBOSE), and
// done the other way.
void ta_limits_create(struct ta_limits **out, const struct ta_limits_config *config, const char *folder,
                      struct ta_log *log);
void ta_limits_destroy(struct ta_limits **limits); // NULL-safe
// Are they kept by control groups?
bool ta_limits_by_groups(const struct ta_limits *limits);

// Is there memory for one more job beside others, of which `young` began so lately that they do not hold yet
// what they will? A tenth of the machine's `total` is left alone, and 300 MB, or the limit where it is less,
// are counted for each that does not hold its own. `available` below 0, where it is not known: true.
bool ta_limits_have_room(const struct ta_limits_config *config, int64_t available, int64_t total, int young);

// The limits of one child, made ready in the parent.
struct ta_limited {
    int group_fd; // where the child writes its number; -1: no group
    int64_t data_bytes;
    bool pinned;
    cpu_set_t cpus;
};
// For the worker in this place, 0... With `devices` its data is not counted: drivers reserve memory that is
// never there. `limits` NULL: none.
void ta_limits_make(struct ta_limits *limits, int place, bool devices, struct ta_limited *out);
void ta_limited_release(struct ta_limited *limited);
// How often the kernel has ended a worker of this place because its group's memory was used up; 0 where there
// are no groups.
int64_t ta_limits_exceeded(const struct ta_limits *limits, int place);
// In the child between fork and exec.
void ta_limited_enter(const struct ta_limited *limited);

#endif
