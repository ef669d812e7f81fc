// Problems: what a person should know of a call, each as a record with a stable code. The library tells them
// through the log that a call is given; a list that is attached to that log keeps them. How a call failed is
// one of them, the first of severity TA_SEVERITY_ERROR.
#ifndef TERMINALAI_PROBLEM_H
#define TERMINALAI_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include <terminalai/log.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ta_severity {
    TA_SEVERITY_NONE = 0, // nothing to tell
    TA_SEVERITY_WARNING,  // worth knowing, but the output lacks nothing
    TA_SEVERITY_LOSS,     // the output was made and lacks something that the source has or that was asked for
    TA_SEVERITY_ERROR,    // the call failed
};
const char *ta_severity_name(enum ta_severity severity); // "none", "warning", "loss", "error"

struct ta_problem {
    const char *code; // "stream-left-out"; docs/json.md has the list. A code never changes its meaning.
    enum ta_severity severity;
    const char *message; // one line for a person
    const char *advice;  // what to do about it; "" when the message says it all
    // Where; NULL, or -1 for `frame`, when that is not known or means nothing.
    const char *file;
    const char *option; // "resolution"
    const char *stage;  // "denoise.hqdn3d"
    int64_t frame;      // of the source
    const char *args; // a JSON object with the names and numbers in the message: {"stream":2}; "{}" for none
};

// A list of problems. Thread-safety: Safe, except create and destroy.
struct ta_problems;
// 0, or TA_ERR_NOMEM with *out = NULL.
int ta_problems_create(struct ta_problems **out);
void ta_problems_destroy(struct ta_problems **list); // *list may be NULL
void ta_problems_clear(struct ta_problems *list);
size_t ta_problems_count(const struct ta_problems *list);
// Problem i, 0..count-1, in the order of telling; it lives until the list is cleared or destroyed.
const struct ta_problem *ta_problems_get(const struct ta_problems *list, size_t i);
// The gravest there is.
enum ta_severity ta_problems_worst(const struct ta_problems *list);
// How the call failed: the first error; NULL when there is none. Valid once the call has returned: until then
// its code may be unknown ("").
const struct ta_problem *ta_problems_error(const struct ta_problems *list);

// From now on `list` keeps what is told through `log`, and through logs that the library makes from it. The
// list must outlive them, or be replaced before it goes. `list` NULL: no more.
void ta_log_collect(struct ta_log *log, struct ta_problems *list);

// A problem as JSON: {"code", "severity", "message"} and, where they say something, "advice",
// "where": {"file", "option", "stage", "frame"}, "args". Freed with free().
char *ta_problem_text(const struct ta_problem *problem);

// The status that a program ends with: 0 done; 1 failed; 2 wrong call; 3 done, but the output lacks
// something; 130 interrupted. `err` is what the call returned, `worst` the gravest problem that it told.
int ta_exit_status(enum ta_severity worst, int err);

#ifdef __cplusplus
}
#endif
#endif
