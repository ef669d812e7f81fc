// The six optimisations that can be switched (base/tuning.h): what each is, what it gains on this machine,
// and the tuning file changed by them. Each is tried with and without before the file says that it is
// applied: what comes out must be the same, and it must not be slower.
#ifndef TA_PERF_PATCH_H
#define TA_PERF_PATCH_H

#include <jansson.h>
#include <stdbool.h>

#include "base/sha256.h"

struct ta_buf;
struct ta_log;
struct ta_tuning;

enum { TA_PATCH_COUNT = 6, TA_PATCH_PAIRS_MIN = 3, TA_PATCH_PAIRS_MAX = 31 };

// A folder for a trial, and what it keeps there from run to run.
struct ta_trial {
    const char *program; // this one's file, run again with a tuning file of its own
    const char *dir;     // empty at first; its files are removed by whoever made it
    struct ta_log *log;
    void *kept; // prepare() makes it, finish() releases it
};

struct ta_trial_run {
    double cost;             // seconds, of the clock or of processors: trial's `unit` says which
    char sum[TA_SHA256_HEX]; // of what came out
};

struct ta_patch {
    const char *id;
    const char *severity; // of the loss without it
    const char *title;    // what it is
    const char *before;   // how it is done without
    const char *measured; // what the trial does
    const char *unit;     // what `cost` counts: "seconds", "processor seconds"
    // Once before the runs; NULL: nothing to do. TA_ERR_UNSUPPORTED after a message where this build can't.
    int (*prepare)(struct ta_trial *t);
    int (*run)(struct ta_trial *t, bool applied, struct ta_trial_run *out);
    void (*finish)(struct ta_trial *t); // NULL: nothing to do
};
// In the order of the seed; the last has no id.
extern const struct ta_patch ta_patches[];
int ta_patch_find(const char *id); // its place; -1

// What interleaved runs gave: how many times as much it costs without, and where that lies with 95 %
// certainty.
struct ta_gain {
    double ratio, low, high;
    double with, without; // medians of what a run costs
    int pairs;
    bool same; // what came out was the same in all runs
};

// Runs pairs of with and without, each pair in the other order than the last. 0 or TA_ERR_* after a message.
// Blocks for seconds to a minute.
int ta_patch_try(const struct ta_patch *p, const char *program, int pairs, struct ta_gain *out,
                 struct ta_log *log);
// The same output, and not slower beyond doubt.
bool ta_gain_holds(const struct ta_gain *g);
// Pairs of costs (before, with) into a ratio and its interval. For ta_patch_try() and its test.
void ta_gain_of(struct ta_gain *g, const double *without, const double *with, int pairs);

// Gains as they were measured here (a JSON file): {version, patches: {ID: {ratio, low, high, pairs, same,
// unit, when, program, cores}}}. Reading what is missing or no such file gives an empty one. New reference.
json_t *ta_gains_read(const char *path);
int ta_gains_keep(const char *path, const char *id, const struct ta_gain *g, struct ta_log *log);

// ---- the file ----

// The text of a tuning file with these switches set: only their own lines change or are added; a file in
// another form is written anew. `before` NULL: there is no file. Appends. TA_ERR_FORMAT after a message when
// what is there can't be read.
int ta_patch_edit(const char *before, const bool which[TA_PATCH_COUNT], bool on, struct ta_buf *after,
                  struct ta_log *log);
// The lines that change: "-gui_polling: off", "+gui_polling: on". Appends; nothing when nothing changes.
void ta_patch_diff(const char *before, const char *after, struct ta_buf *out);

struct ta_patch_change {
    const char *file;           // the tuning file
    const char *gains;          // where gains are kept
    const char *program;        // for trials
    bool which[TA_PATCH_COUNT]; // of ta_patches
    bool on;                    // apply, or revert
    bool dry_run, backup;
    int pairs;
    // Hears what would change, and what each trial gave. May be NULL.
    void (*told)(void *priv, const char *text);
    void *priv;
};
// Applies or reverts. What is applied is tried first, on a copy; the file is written when all of it holds,
// and is byte for byte what it was otherwise. Reverting what was applied with a backup brings back the
// backup's bytes. One at a time: TA_ERR_BUSY after a message. TA_ERR_MISMATCH: a trial did not hold.
int ta_patch_change(const struct ta_patch_change *c, struct ta_log *log);

// Tries these and keeps the gains, under the same lock; the file stays. TA_ERR_MISMATCH as above.
int ta_patch_validate(const struct ta_patch_change *c, struct ta_log *log);

#endif
