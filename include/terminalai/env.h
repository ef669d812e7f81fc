// What running stages may use: threads, loaded networks, tuning. Made once a process and handed to every call
// by way of its callbacks, so that networks stay loaded from file to file.
#ifndef TERMINALAI_ENV_H
#define TERMINALAI_ENV_H

#include <terminalai/error.h>
#include <terminalai/log.h>

#ifdef __cplusplus
extern "C" {
#endif

// Thread-safety: Safe, except create and destroy; any number of calls may use it at once.
struct ta_env;

// `tuning` is the path of the tuning file: switches that decide how fast the library works, never what it
// makes. NULL, or a file that is not there: all are on. One that can't be read is told as a warning, and all
// are on. Returns 0, or TA_ERR_NOMEM with *out = NULL.
int ta_env_create(struct ta_env **out, const char *tuning, struct ta_log *log);
// What options of running say of engines counts from here on: "engine-library", "batch", "engine-fallback".
// No call may be using it. 0 or TA_ERR_INVALID, after a message.
struct ta_options;
int ta_env_use_options(struct ta_env *env, struct ta_options *options, struct ta_log *log);
// Every call that was given it has returned. *env may be NULL; sets it to NULL.
void ta_env_destroy(struct ta_env **env);

#ifdef __cplusplus
}
#endif
#endif
