// Starting this program again as a child that ends with the service.
#ifndef TA_JOBS_SPAWN_H
#define TA_JOBS_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

struct ta_box;
struct ta_limited;
struct ta_log;

struct ta_spawn {
    char *const *command;            // argv, NULL-terminated; its first is the program's path
    int socket;                      // becomes TA_WORKER_FD in the child; -1: none
    int output;                      // becomes its standard output; -1: nothing is heard of it
    int nice;                        // added to its niceness, 0..19
    int64_t memory_bytes;            // that it may hold for data; 0: no limit
    const struct ta_limited *limits; // how much it may take; NULL: what it likes
    const struct ta_box *box;        // what it may do; NULL: all that this process may
};
// The child's number, or TA_ERR_LIMIT (logged). It has a process group of its own, gains no privileges, and
// is killed when the calling thread ends (PR_SET_PDEATHSIG): call it from one that lives as long as it is
// wanted. The descriptors stay the caller's.
pid_t ta_spawn(const struct ta_spawn *s, struct ta_log *log);
// Kills it, whatever it does, and waits for it; its status as of waitpid().
int ta_spawn_end(pid_t pid);

#endif
