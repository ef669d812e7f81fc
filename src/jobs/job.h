// A job: one file to be restored by the service, and the states it goes through.
#ifndef TA_JOBS_JOB_H
#define TA_JOBS_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct ta_buf;

// In the order of lists. The names are in the store and in the API: they never change.
#define TA_JOB_STATE_LIST(X)      \
    X(QUEUED, "queued")           \
    X(DOWNLOADING, "downloading") \
    X(PLANNING, "planning")       \
    X(RUNNING, "running")         \
    X(PAUSED, "paused")           \
    X(DONE, "done")               \
    X(FAILED, "failed")           \
    X(CANCELLED, "cancelled")

enum ta_job_state {
#define TA_JOB_STATE_ENUM(id, name) TA_JOB_##id,
    TA_JOB_STATE_LIST(TA_JOB_STATE_ENUM)
#undef TA_JOB_STATE_ENUM
        TA_JOB_STATE_COUNT
};
const char *ta_job_state_name(enum ta_job_state state);
// False when there is none of the name.
bool ta_job_state_from_name(const char *name, enum ta_job_state *out);

// The table of legal changes; all else is refused. A state does not change into itself.
bool ta_job_may_become(enum ta_job_state from, enum ta_job_state to);
// Is a worker on it? Has it come to an end?
bool ta_job_state_is_active(enum ta_job_state state);
bool ta_job_state_is_final(enum ta_job_state state);

// What a client has asked of a job that a worker is on. It is kept with the job until the worker has obeyed.
enum ta_job_wish { TA_JOB_WISH_NONE = 0, TA_JOB_WISH_PAUSE, TA_JOB_WISH_CANCEL, TA_JOB_WISH_COUNT };
const char *ta_job_wish_name(enum ta_job_wish wish); // "", "pause", "cancel"

enum { TA_JOB_PRIORITY_MIN = -100, TA_JOB_PRIORITY_MAX = 100 };

// How far a job is that a worker is on; as progress of the program (docs/json.md), without the names of
// files.
struct ta_job_progress {
    double fraction, total, fps, eta, elapsed;
    int64_t frames_done, frames_total, bytes, rss;
    int segments_done, segments_total, tasks_done, tasks_total;
    char phase[16], kind[16], stage[32]; // what of a stage's name is longer is left out
};

// A value: once it is in the index it is never changed, only replaced, so that whoever holds a reference
// reads it without a lock. Texts are never NULL.
struct ta_job {
    atomic_int references;
    int64_t id; // 1.., in the order of submission, never used twice
    enum ta_job_state state;
    enum ta_job_wish wish;
    int priority;    // higher first
    double position; // among equals, lower first
    int attempt;     // of how many tries this is; 0 before the first
    int64_t created_ms, changed_ms;
    int64_t not_before_ms; // after a crash: when it is tried again; 0
    int64_t warnings;      // of a job that is done
    struct ta_job_progress progress;
    int64_t told_ms;      // of the clock: when an event last told of it
    char *input, *output; // paths from the root; the input may be a name of several files, or an address
    char *source;         // the file that was got of the address; "" before, and where the input is one
    char *title;          // what the address calls it: a text to show and nothing else; ""
    char *options;        // a JSON object of option texts, {"preset": "vhs"}
    char *batch;          // a label that jobs submitted together share; ""
    char *reason;         // why it is in this state, for a person
    char *result;         // JSON of what the worker told at the end, {} before
};

// A copy with one reference, to be changed and put into the index. Of NULL: an empty one.
struct ta_job *ta_job_copy(const struct ta_job *job);
struct ta_job *ta_job_ref(struct ta_job *job);
void ta_job_unref(struct ta_job **job); // NULL-safe
// Replaces a text that the job owns.
void ta_job_set(char **field, const char *text);

// The object in a text of the job, a new reference; one that was garbled in the store is empty.
json_t *ta_job_object(const char *text);
// As the API and the events show it, appended as one line of JSON; options and result must be objects (the
// store and the queue see to that).
void ta_job_text(struct ta_buf *out, const struct ta_job *job);
// The same as an object, a new reference.
json_t *ta_job_json(const struct ta_job *job);
// `id`: of its job, as events say it; 0: without.
void ta_job_progress_text(struct ta_buf *out, const struct ta_job_progress *p, int64_t id);
// What is missing or of another type stays zero: it comes from a worker.
void ta_job_progress_read(struct ta_job_progress *out, const json_t *object);

#endif
