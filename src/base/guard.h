// Files that a call reads and must never write. They are known by what they are (device and inode), so that
// no link, other spelling or case of a name leads around it.
#ifndef TA_BASE_GUARD_H
#define TA_BASE_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

struct ta_guarded {
    dev_t device;
    ino_t inode;
    bool source; // holds what is restored
    char *path;  // as it was named
};

// {0} is an empty one. Thread-safety: Unsafe.
struct ta_guard {
    struct ta_guarded *items;
    int count;
};

// Adds what the path leads to; what is not there counts for nothing.
void ta_guard_add(struct ta_guard *g, const char *path, bool source);
void ta_guard_add_all(struct ta_guard *g, const struct ta_guard *other);
void ta_guard_release(struct ta_guard *g);

// The guarded file that the path leads to, or NULL.
const struct ta_guarded *ta_guard_find(const struct ta_guard *g, const char *path);
// The first source that lies in the folder itself, or NULL.
const struct ta_guarded *ta_guard_find_in(const struct ta_guard *g, const char *folder);

#endif
