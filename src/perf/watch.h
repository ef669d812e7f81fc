// The memory of a process and all that descend from it, over time.
#ifndef TA_PERF_WATCH_H
#define TA_PERF_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ta_buf;
struct ta_log;

struct ta_watch_point {
    double seconds; // since the beginning
    int64_t bytes;  // resident, of all processes together: pages that they share count for each
    int processes;
};

struct ta_watched {
    struct ta_watch_point *points;
    size_t count;
    int64_t peak; // bytes
    double seconds;
    int status; // as waitpid() gives it
};

// Starts `argv` (found in PATH) with the caller's standard streams and looks each `interval_ms` until it has
// ended; `preload` is the value of LD_PRELOAD for it, or NULL. TA_ERR_NOT_FOUND and others when it can't be
// started (logged). Release what was found.
// `each` (may be NULL) is called at each look.
int ta_watch_run(struct ta_watched *out, char *const *argv, const char *preload, int interval_ms,
                 void (*each)(void *priv), void *priv, struct ta_log *log);
void ta_watched_release(struct ta_watched *w);

// "seconds,bytes,processes" lines; a picture (SVG). Append.
void ta_watched_csv(const struct ta_watched *w, struct ta_buf *out);
void ta_watched_svg(const struct ta_watched *w, const char *title, struct ta_buf *out);

// Appends text with what XML and HTML would read as their own escaped.
void ta_append_xml(struct ta_buf *out, const char *text);

#endif
