// The parts of the program that a profile looks at, each doing its real work in this process.
#ifndef TA_PERF_MODULES_H
#define TA_PERF_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct ta_env;
struct ta_log;

// What a part is given to work with, and what it tells.
struct ta_perf_work {
    const char *folder;  // for its files; empty
    const char *video;   // the source for pictures; NULL: a tape is simulated in prepare()
    const char *program; // this program's own file
    struct ta_env *env;  // with a ledger
    struct ta_log *log;  // never NULL
    bool quick;          // as little as shows anything: tests
    void *state;         // between the three calls
    // Told by work():
    int64_t items;        // how many of what `unit` says were done
    const char *unit;     // "frames"; static
    int64_t output_bytes; // of what was delivered; 0: nothing is
    json_t *facts;        // what is particular to the part; an object, made by the caller
};

struct ta_perf_module {
    const char *name, *what;                 // as on the command line; what its work is, for people
    int (*prepare)(struct ta_perf_work *w);  // what is not measured: sources. 0 or TA_ERR_* (logged)
    int (*work)(struct ta_perf_work *w);     // what is
    void (*release)(struct ta_perf_work *w); // may be NULL
};

// In the order of reports, NULL-terminated.
extern const struct ta_perf_module *const ta_perf_modules[];
const struct ta_perf_module *ta_perf_module_find(const char *name);

#endif
