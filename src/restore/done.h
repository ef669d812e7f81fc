// What is left of a task that is finished: the facts that its journal line keeps.
#ifndef TA_RESTORE_DONE_H
#define TA_RESTORE_DONE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

// Named numbers in the order in which they were set. Which names there are is the task kind's business.
enum { TA_COUNT_NAME = 16, TA_COUNTS_MAX = 12 };
struct ta_counts {
    int count;
    struct {
        char name[TA_COUNT_NAME];
        int64_t value;
    } items[TA_COUNTS_MAX];
};

struct ta_done {
    int64_t bytes; // of its file; 0: not finished
    char sha256[65];
    struct ta_counts counts;
    bool removed; // its file is not needed any more; not in the journal
};

// 0 when there is no such number.
int64_t ta_counts_get(const struct ta_counts *counts, const char *name);
// False when there is no room, or the name is none (lower-case words joined by underscores, 15 bytes at
// most).
bool ta_counts_set(struct ta_counts *counts, const char *name, int64_t value);
json_t *ta_counts_json(const struct ta_counts *counts);
// No number of a task is larger: those of a million tasks have a sum.
#define TA_COUNT_VALUE_MAX ((int64_t)1 << 42)
// An object of whole numbers from 0 to that; false for anything else.
bool ta_counts_read(struct ta_counts *counts, const json_t *object);

#endif
