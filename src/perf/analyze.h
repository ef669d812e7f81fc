// Looks for what costs time in C sources: reads all files of a compile database by libclang, on all cores,
// and judges them together. What was read is kept by file, so that a second run reads only what changed.
#ifndef TA_PERF_ANALYZE_H
#define TA_PERF_ANALYZE_H

#include <jansson.h>

#include "perf/rules.h"

struct ta_log;

struct ta_analyze_opts {
    const char *path;        // folder or file; functions at or below it are judged
    const char *database;    // compile_commands.json or its folder; NULL: looked for
    const char *libclang;    // NULL: the system's
    const char *cache;       // folder for what was read; NULL: nothing is kept
    const char *const *only; // ids of rules, NULL-terminated; NULL: all
    int jobs;                // files at a time; 0: as many as there are cores
};

struct ta_analysis {
    char *root;      // absolute
    char *clang;     // its version
    int files, read; // in the database; read now, and not known from before
    json_t *errors;  // [{file, errors, first}] of what the compiler could not read as a whole
    struct ta_findings findings;
};

// TA_ERR_* after a message. Release in any case. Blocks.
int ta_analyze(const struct ta_analyze_opts *opts, struct ta_analysis *out, struct ta_log *log);
void ta_analysis_release(struct ta_analysis *a);

// Findings that nobody let be, of a severity or above.
int ta_analysis_count(const struct ta_analysis *a, enum ta_weight from);

// For people, worst first; for programs; and as SARIF 2.1.0. To be freed, new references.
char *ta_analysis_text(const struct ta_analysis *a);
json_t *ta_analysis_json(const struct ta_analysis *a);
json_t *ta_analysis_sarif(const struct ta_analysis *a);
// The rules as text, with why and what to do.
char *ta_rules_text(void);

// Writes `output` (text), and beside it the same with .json and .sarif, each atomically.
int ta_analysis_write(const struct ta_analysis *a, const char *output, struct ta_log *log);

#endif
