// Between the caller's callbacks and the parts that do work: cancelling, and progress of all phases brought
// to one number.
#ifndef TA_RESTORE_CALLBACKS_H
#define TA_RESTORE_CALLBACKS_H

#include <pthread.h>

#include <terminalai/plan.h>

#include "media/index/index.h"

// Thread-safety: Safe once initialised.
struct ta_meter {
    const struct ta_callbacks *callbacks; // may be NULL
    struct ta_cancel cancel;
    pthread_mutex_t lock; // guards what follows
    struct ta_progress now;
    double phase_started, started, last_report;
    int64_t frames_at_start; // done by earlier runs: not counted in fps
    // Set after ta_meter_init(): called once a second at most, and at each change of phase. May be NULL.
    void (*watch)(void *priv, const struct ta_progress *progress);
    void *watch_priv;
    double last_watch;
};

void ta_meter_init(struct ta_meter *m, const struct ta_callbacks *callbacks);
void ta_meter_release(struct ta_meter *m);
const struct ta_cancel *ta_meter_cancel(const struct ta_meter *m);

// Begins a phase (reported at once). The result can be handed to functions that report 0..1.
struct ta_progress_fn ta_meter_start(struct ta_meter *m, enum ta_phase phase);
void ta_meter_fraction(struct ta_meter *m, double fraction);

// Restoring: totals, then what was added.
void ta_meter_set_work(struct ta_meter *m, int64_t frames_total, int64_t frames_done, int segments_total,
                       int segments_done);
void ta_meter_add(struct ta_meter *m, int64_t frames, int64_t bytes, int segments);
void ta_meter_bytes(struct ta_meter *m, int64_t bytes);

#endif
