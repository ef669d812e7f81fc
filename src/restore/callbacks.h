// Between the caller's callbacks and the parts that do work: cancelling, and progress of all phases brought
// to one number.
#ifndef TA_RESTORE_CALLBACKS_H
#define TA_RESTORE_CALLBACKS_H

#include <pthread.h>

#include <terminalai/plan.h>

#include "base/env.h"
#include "media/index/index.h"

// The callbacks get copies and are called without the lock: what they do holds nobody up but the thread that
// tells. Thread-safety: Safe once initialised.
struct ta_meter {
    const struct ta_callbacks *callbacks; // may be NULL
    struct ta_cancel cancel;
    pthread_mutex_t lock;  // guards what follows
    pthread_cond_t told;   // nobody tells any more
    double (*clock)(void); // ta_clock_seconds(), or a test's
    bool unthrottled;      // measuring what reports cost: each packet is one
    bool telling;          // a thread is in a callback: one at a time
    struct ta_progress now;
    char stage[64];
    double phase_started, started, last_report;
    double from, to;         // the part of the phase that fractions are of
    int64_t frames_at_start; // done by earlier runs: not counted in fps
    // Work besides output frames that are counted one by one, in frames that take as long.
    double other_done, other_total, other_at_start;
    // Set after ta_meter_init(): called once a second at most, and at each change of phase. May be NULL.
    void (*watch)(void *priv, const struct ta_progress *progress);
    void *watch_priv;
    double last_watch;
};

void ta_meter_init(struct ta_meter *m, const struct ta_callbacks *callbacks);
void ta_meter_release(struct ta_meter *m);
const struct ta_cancel *ta_meter_cancel(const struct ta_meter *m);
// What the caller lets stages use, for a task with this cancelling and log of its own.
struct ta_env ta_meter_env(const struct ta_meter *m, const struct ta_cancel *cancel, struct ta_log *log);

// Begins a phase (reported at once, when a report that is being made has ended). The result can be handed to
// functions that report 0..1.
struct ta_progress_fn ta_meter_start(struct ta_meter *m, enum ta_phase phase);
void ta_meter_fraction(struct ta_meter *m, double fraction);
// Fractions are of this part of the phase from now on, until the next one begins.
void ta_meter_part(struct ta_meter *m, double from, double to);

// Restoring: totals, then what was added.
struct ta_meter_work {
    int64_t frames_total, frames_done;
    int tasks_total, tasks_done;       // of all kinds
    int segments_total, segments_done; // those of video
    double other_total, other_done;    // what is no output frame, in frames that take as long
};
void ta_meter_set_work(struct ta_meter *m, const struct ta_meter_work *work);
void ta_meter_add(struct ta_meter *m, int64_t frames, int64_t bytes);
void ta_meter_add_other(struct ta_meter *m, double frames);
void ta_meter_add_task(struct ta_meter *m, bool segment);
// What is being worked on from now on: `kind` outlives the meter, `stage` is copied.
void ta_meter_name(struct ta_meter *m, const char *kind, const char *stage);
void ta_meter_bytes(struct ta_meter *m, int64_t bytes);

#endif
