// Showing how far a run is: a line on a terminal, lines at intervals elsewhere, JSON for programs.
#ifndef TA_CLI_PROGRESS_H
#define TA_CLI_PROGRESS_H

#include <stdio.h>

#include <jansson.h>

#include <terminalai/plan.h>

#include "base/opt.h"

struct ta_buf;
struct ta_console;

enum ta_progress_mode {
    TA_PROGRESS_AUTO = 0, // LINE on a terminal, else PLAIN
    TA_PROGRESS_LINE,
    TA_PROGRESS_PLAIN,
    TA_PROGRESS_JSON,
    TA_PROGRESS_NONE,
};
extern const struct ta_choice ta_progress_choices[];

// One file's progress. Thread-safety: as the library calls it, one thread at a time.
struct ta_progress_view {
    struct ta_console *console;
    enum ta_progress_mode mode;
    FILE *json;        // where JSON lines go
    const char *input; // borrowed
    int index, count;  // of the files of this call, from 0
    double frame_rate; // of the output, on average; 0 when unknown
    bool streams;      // to standard output: nothing is kept of a run that is stopped
    // Inner state.
    bool started, stopping;
    enum ta_phase phase;
    double last_shown;
    bool told;               // plain: something of this phase
    struct ta_progress last; // as it was reported
};

// Zeroes the state for another file.
void ta_progress_begin(struct ta_progress_view *v, const char *input, int index);
// What is being made is known now.
void ta_progress_plan(struct ta_progress_view *v, const struct ta_plan *plan);
// For ta_callbacks.progress with the view as `priv`.
void ta_progress_show(void *view, const struct ta_progress *p);
// Removes the line.
void ta_progress_end(struct ta_progress_view *v);
// Writes an event as one line, when the mode is JSON; takes `event`.
void ta_progress_event(struct ta_progress_view *v, json_t *event);

// The line itself, at most `columns` wide; what matters least is left out first.
void ta_progress_line(const struct ta_progress *p, double frame_rate, int index, int count, int columns,
                      struct ta_buf *out);
// "0:07", "12:34", "1:02:03"; "12.3 MB".
// The same, and "0.1 s" below a second, where "0:00" would say nothing.
void ta_append_span(struct ta_buf *out, double seconds);
void ta_append_duration(struct ta_buf *out, double seconds);
void ta_append_bytes(struct ta_buf *out, int64_t bytes);

#endif
