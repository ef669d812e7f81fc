// Log for use inside the library: children with a component name, and macros.
#ifndef TA_BASE_LOG_H
#define TA_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include <terminalai/log.h>

#include "base/problem.h"

struct ta_buf;

// A child log that shares the root's callback and levels and speaks as `component` (copied). `parent` may be
// NULL: then the child is NULL too, which every log function takes and ignores. Aborts when out of memory.
struct ta_log *ta_log_child(struct ta_log *parent, const char *component, ...)
    __attribute__((format(printf, 2, 3)));

// A root log that is heard by nobody: the first error goes to `first` (NULL: nowhere), which must outlive it
// and be empty, so that it can be told as the reason of something else. 0, or TA_ERR_NOMEM with *out = NULL.
int ta_log_keep_first(struct ta_log **out, struct ta_buf *first);

// What messages are about, a file mostly: those of this log, and of children made later, begin with "ABOUT: "
// unless they do so already. For parts that are not told which file they work on. `about` is copied. Call
// before other threads use the log.
void ta_log_set_about(struct ta_log *log, const char *about);

// Of this log and of children made later, only the first error passes as one; what follows it is told at
// VERBOSE level. For work in several threads that mostly fails in all of them for the same reason, such as a
// full disk. A log that is in such a family already stays in it. Call before other threads use the log.
void ta_log_only_first_error(struct ta_log *log);

// For what speaks to the whole process: to each log that its caller created, as `component` (static). Does
// one of them want it? Thread-safety: Safe.
bool ta_log_any_wants(const char *component, enum ta_log_level level);
void ta_log_tell_all(const char *component, enum ta_log_level level, const char *message);

// Would a message of this level pass? For messages that are costly to build.
bool ta_log_wants(const struct ta_log *log, enum ta_log_level level);

void ta_log_message(struct ta_log *log, enum ta_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void ta_log_vmessage(struct ta_log *log, enum ta_log_level level, const char *format, va_list args);

// The list that keeps what is told through `log` (ta_log_collect); NULL for none.
struct ta_problems *ta_log_problems(const struct ta_log *log);

// Tells a problem: a message, at WARN or ERROR level by its kind's severity, and a record in the log's list.
// One that the list has already is told at VERBOSE level. `about` (file, option, numbers) is NULL only where
// there is nothing that a program could use.
void ta_problem_at(struct ta_log *log, enum ta_problem_id id, const struct ta_problem_about *about,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
// The end of a public call that returns `err`: when that is a failure, the record of it is completed, and
// told in general words if nobody has told anything (but for TA_ERR_CANCELED and TA_ERR_CLOSED). `about`:
// what was worked on, a file mostly; `advice` may be NULL. Returns `err`, or 0 for a count.
int ta_log_fail(struct ta_log *log, int err, const char *about, const char *advice);
// One that exists already: from a plan.
void ta_problem_tell(struct ta_log *log, const struct ta_problem *problem);

#define ta_error(log, ...) ta_log_message(log, TA_LOG_ERROR, __VA_ARGS__)
#define ta_warn(log, ...) ta_log_message(log, TA_LOG_WARN, __VA_ARGS__)
#define ta_info(log, ...) ta_log_message(log, TA_LOG_INFO, __VA_ARGS__)
#define ta_verbose(log, ...) ta_log_message(log, TA_LOG_VERBOSE, __VA_ARGS__)
#define ta_debug(log, ...) ta_log_message(log, TA_LOG_DEBUG, __VA_ARGS__)

// For caller bugs: logs expression, file and line; aborts in debug builds, else makes the function return
// `ret`.
#ifdef NDEBUG
#define ta_require(log, expr, ret)                                                   \
    do {                                                                             \
        if (!(expr)) {                                                               \
            ta_error(log, "internal: %s fails at %s:%d", #expr, __FILE__, __LINE__); \
            return ret;                                                              \
        }                                                                            \
    } while (0)
#else
#define ta_require(log, expr, ret)                                                   \
    do {                                                                             \
        if (!(expr)) {                                                               \
            ta_error(log, "internal: %s fails at %s:%d", #expr, __FILE__, __LINE__); \
            __builtin_trap();                                                        \
        }                                                                            \
    } while (0)
#endif

#endif
