// The plan: every decision, frozen before work starts. Same options, source and version give the same bytes.
#ifndef TERMINALAI_PLAN_H
#define TERMINALAI_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <terminalai/env.h>
#include <terminalai/error.h>
#include <terminalai/log.h>
#include <terminalai/options.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ta_phase {
    TA_PHASE_INDEX = 0, // reading every packet
    TA_PHASE_SCAN,      // measuring the scan type
    TA_PHASE_SEGMENTS,  // restoring
    TA_PHASE_JOIN,
    TA_PHASE_VERIFY,
    TA_PHASE_DONE,
    TA_PHASE_MEASURE,  // measuring pictures and sound
    TA_PHASE_SOUND,    // what needs a whole restored track
    TA_PHASE_DOWNLOAD, // fetching what a plan needs
    TA_PHASE_COUNT,
};
// "index", "scan", "restore", "join", "verify", "done", "measure", "sound", "download".
const char *ta_phase_name(enum ta_phase phase);

// A snapshot. Times in seconds; 0 where not known yet. Texts are never NULL and live until the callback
// returns.
struct ta_progress {
    enum ta_phase phase;
    double fraction;                   // of this phase, 0..1
    double total;                      // of everything, 0..1
    int64_t frames_done, frames_total; // output frames finished; planned
    double fps;                        // output frames a second of wall clock, this run only
    double elapsed, eta;
    int64_t bytes; // written so far (segments, then the joined file)
    int segments_done, segments_total;
    int tasks_done, tasks_total; // of all kinds, segments among them
    const char *kind;            // of the task that was begun last ("video"); "" outside of tasks
    const char *stage; // what in the phase is being worked on: the stem of that task ("seg-00012"), the name
                       // of what is measured or fetched; "" where there is nothing to name
    int64_t rss_bytes; // memory that the process holds now
};

// What a call that works for long is given; all may be NULL. Both functions are called while the library
// holds no lock: `progress` at most 10 times a second and at each change of phase, from one thread at a time;
// `canceled` from any thread, often: it must be quick.
struct ta_callbacks {
    void (*progress)(void *priv, const struct ta_progress *progress);
    bool (*canceled)(void *priv);
    void *priv;
    // What stages may use: threads, networks (env.h). NULL: one thread a stage, no engines.
    struct ta_env *env;
};

// Thread-safety: a finished plan is read-only and may be shared.
struct ta_plan;

// Surveys the source and decides, as ta_plan_from_survey() does with a survey of its own. `output` NULL means
// the default name beside the source
// ("tape.avi" gives "tape.restored.mp4"); "-" is standard output (raw only). Nothing is written but the index
// cache. `callbacks` may be NULL.
int ta_plan_create(struct ta_plan **out, const char *input, const char *output, struct ta_options *options,
                   const struct ta_callbacks *callbacks, struct ta_log *log);
// A plan written earlier, with its index: index.bin in the same folder or in the plan's work folder, the one
// in the folder `cache` (NULL: none, see ta_options_cache()), or made again from the source. `work_dir` is
// where that work folder lies, as in the option of this name; NULL or "": beside the output. `output` (NULL:
// the plan's own) is what the caller calls the output: who runs plans of others names it, or looks at
// ta_plan_output() before anything is written there.
int ta_plan_load(struct ta_plan **out, const char *path, const char *output, const char *work_dir,
                 const char *cache, struct ta_log *log);
// The same without its index: the source is not looked at. For what asks for tasks and makes single ones
// (task.h): a task finds the index itself, and when several begin at once, one of them makes it for all.
int ta_plan_read(struct ta_plan **out, const char *path, const char *output, struct ta_log *log);
void ta_plan_destroy(struct ta_plan **plan);

const char *ta_plan_json(const struct ta_plan *plan); // stable text; lives as long as the plan
const char *ta_plan_input(const struct ta_plan *plan);
const char *ta_plan_output(const struct ta_plan *plan);
int64_t ta_plan_frames(const struct ta_plan *plan); // output frames
int ta_plan_segments(const struct ta_plan *plan);
// How long the output is; 0 when its frames have times of their own that the plan was not given.
double ta_plan_seconds(const struct ta_plan *plan);
// What the plan will take on disk, before anything is encoded: an experienced guess unless `exact`.
struct ta_estimate {
    int64_t segment_bytes; // all finished segments
    int64_t output_bytes;
    int64_t peak_bytes; // segments and joined file together: what has to be free; 0 for standard output
    bool exact;         // raw video
    bool tried;         // from ta_plan_try(): about right; else a table's guess, which noise makes too small
    double seconds;     // that the run takes on this machine; 0 when nobody has tried
    double cpu_seconds; // of its processors together; likewise
    int at_once;        // segments that are made at the same time; likewise
};
void ta_plan_estimate(const struct ta_plan *plan, struct ta_estimate *estimate);
// The same from excerpts of the plan that are really made and thrown away, the first two whatever they take
// (with less than a second of patience a single one, of few frames), others for about `patience` seconds;
// "jobs" and "memory" of `options` count. What can't be made stays a guess. TA_ERR_CANCELED when the
// callbacks say so.
int ta_plan_try(const struct ta_plan *plan, struct ta_options *options, double patience,
                const struct ta_callbacks *callbacks, struct ta_estimate *estimate, struct ta_log *log);
// The same, and the plan suits this machine afterwards: where a segment would take longer than half a minute
// here, which is what a stop can lose, it is cut into shorter ones, unless segment-length says how long they
// are. Cuts of unfinished work of this plan stay as they are. With patience 0 only plans that are long enough
// for that are tried, and `estimate` is of the tables otherwise. The plan must not be shared yet.
int ta_plan_suit(struct ta_plan *plan, struct ta_options *options, double patience,
                 const struct ta_callbacks *callbacks, struct ta_estimate *estimate, struct ta_log *log);
// The plan in words for a person: size, disk and time (from `estimate`; NULL: ta_plan_estimate()), warnings,
// source and output, decisions with reasons, streams; `technical`: the filters and the encoder's settings,
// too. Freed with free().
char *ta_plan_describe(const struct ta_plan *plan, const struct ta_estimate *estimate, bool technical);
// Its first three lines alone: size, disk, time.
char *ta_plan_describe_costs(const struct ta_plan *plan, const struct ta_estimate *estimate);

#ifdef __cplusplus
}
#endif
#endif
