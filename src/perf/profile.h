// Profiles of parts of the program: each part does its real work in a process of its own, in which it is
// timed, sampled and counted; what the numbers say becomes findings.
#ifndef TA_PERF_PROFILE_H
#define TA_PERF_PROFILE_H

#include <stdbool.h>

#include <jansson.h>

#include "perf/sampler.h"

struct ta_buf;
struct ta_log;

struct ta_profile_config {
    const char *program;         // this program's own file: it is started anew for each pass
    const char *module;          // a name, or "all"
    const char *video;           // the source for pictures; NULL: a simulated tape
    const char *preload;         // the library that counts allocations; NULL: they are not counted
    bool quick;                  // as little as shows anything
    int64_t hz;                  // samples a second
    enum ta_sampler_clock clock; // of the samples
};

// What the process that is profiled does (the program, started by ta_profile_run()): one part's work, its
// numbers written to `path` as JSON. `count` alone: allocations and nothing else. 0 or TA_ERR_* (logged).
int ta_profile_inside(const struct ta_profile_config *config, const char *path, bool count,
                      struct ta_log *log);

// {version, time, machine, modules: [...]}; NULL after a message. Blocks for as long as the parts work.
// `tell` (may be NULL) hears which part is at work.
json_t *ta_profile_run(const struct ta_profile_config *config, void (*tell)(void *priv, const char *text),
                       void *priv, struct ta_log *log);
// Adds to each module of `report` its `findings`, and with a report of before what has changed.
void ta_profile_judge(json_t *report, const json_t *before);

// Append.
void ta_profile_text(const json_t *report, struct ta_buf *out);
void ta_profile_html(const json_t *report, struct ta_buf *out); // one page, nothing else needed

#endif
