// Log objects. A log is created by the program that uses the library and handed to each call.
#ifndef TERMINALAI_LOG_H
#define TERMINALAI_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

// What may be logged how often: ERROR and WARN at most a few times a file; INFO a few lines a file; VERBOSE a
// few lines a segment or stage; DEBUG may be per frame.
enum ta_log_level {
    TA_LOG_QUIET = 0, // only as a threshold: nothing passes
    TA_LOG_ERROR,
    TA_LOG_WARN,
    TA_LOG_INFO,
    TA_LOG_VERBOSE,
    TA_LOG_DEBUG,
};

// Called for each message that passes, one call at a time for a log tree (the library holds a lock around
// it), from any thread. `component` is the name of the part that speaks, such as "plan" or "segment 12".
// `message` has no newline at its end. `code` is that of a problem (<terminalai/problem.h>), NULL for a
// message that is none and for an error that has no code of its own.
typedef void (*ta_log_fn)(void *priv, enum ta_log_level level, const char *component, const char *message,
                          const char *code);

// Thread-safety: Safe, except create and destroy.
//
// libav has one log a process. From its first use by this library its messages go to all logs that there are,
// as component "libav": errors at VERBOSE level, the rest at DEBUG, so that a log at its usual level shows
// none. Nothing of it goes to standard error; a program that wants libav's messages for itself calls
// av_log_set_callback() after the first call of this library. SVT-AV1 alone speaks for itself: set SVT_LOG=1
// in the environment before AV1 is encoded.
struct ta_log;

// Creates a root log with threshold INFO. `fn` may be NULL: then messages go to standard error as "component:
// message". Returns 0, or TA_ERR_NOMEM with *out = NULL.
int ta_log_create(struct ta_log **out, ta_log_fn fn, void *priv);

// Sets the threshold for all components (`component` NULL) or for a single one by name ("index", "segment",
// "libav", ...). A setting for one component wins over the common one, whatever the order of the calls. A
// component "segment 12" obeys the setting of "segment".
void ta_log_set_level(struct ta_log *log, const char *component, enum ta_log_level level);

// The level's name ("error", "warn", ...); and back: a level, or TA_ERR_INVALID for an unknown name.
const char *ta_log_level_name(enum ta_log_level level);
int ta_log_level_from_name(const char *name);

// Frees the log, after the last message on its way in other threads. Logs made from it inside the library
// must be gone. Not from within the log's own function. *log may be NULL; sets it to NULL.
void ta_log_destroy(struct ta_log **log);

#ifdef __cplusplus
}
#endif
#endif
