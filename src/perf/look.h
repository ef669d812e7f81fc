// Reads one C file by libclang and writes down what rules judge (facts.h).
#ifndef TA_PERF_LOOK_H
#define TA_PERF_LOOK_H

#include "perf/facts.h"

struct ta_buf;
struct ta_clang;

struct ta_look_file {
    const char *path;        // absolute
    const char *dir;         // where the compiler would run, absolute
    const char *const *args; // the compiler's arguments without its name, the source and outputs
    int count;
    const char *root; // functions of files below this folder are looked at
};

// Fills `facts` (zeroed) and adds the names of all files that were read, NUL after each, to `read`. Errors of
// the compiler are counted in the facts; what could be read is there. TA_ERR_FORMAT, told to nobody, when
// nothing could be. Thread-safety: Safe, a call a file.
int ta_look(const struct ta_clang *clang, const struct ta_look_file *file, struct ta_facts *facts,
            struct ta_buf *read);

#endif
