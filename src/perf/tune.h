// What this machine wants, found by trying: how many pictures at a time a device gets, which of the CPU's
// instructions kernels use, and how many threads share the rows of a picture. None changes a result.
#ifndef TA_PERF_TUNE_H
#define TA_PERF_TUNE_H

#include <stdbool.h>

#include <jansson.h>

struct ta_log;

struct ta_tune_config {
    const char *engine, *library; // as the options "engine" and "engine-library"; NULL: by themselves
    const char *network;          // a name or a file, as "scale-model"
    const char *folder;           // for its files; empty
    int frames;                   // of the tape that is enlarged for each try
    int rounds;                   // each size is tried so often, in turns; its quickest counts
    bool (*canceled)(void);       // asked again and again, from any thread; NULL: never
};
// {device, tries: [{batch, frames_a_second}], best}: `best` is the least batch within 3 % of the quickest.
// TA_ERR_* after a message, with *out NULL: of the run that failed; TA_ERR_UNSUPPORTED: the plan names no
// device. TA_ERR_CANCELED without a message. Blocks.
int ta_tune_batch(const struct ta_tune_config *config, json_t **out, struct ta_log *log);

// The program itself restores a simulated tape without an encoder's work, again and again, in turns.
struct ta_tune_cpu_config {
    const char *program;    // this one's file
    const char *folder;     // for its files; empty
    int frames, rounds;     // as above
    bool kernels, threads;  // what is tried
    bool (*canceled)(void); // asked before each run; NULL: never
};
// {kernels: {tries: [{kernels, cpu_seconds}], best}, threads: {tries: [{threads, seconds}], best}}: of the
// sets of instructions that this machine has the one that takes the least processor time, "all" where none
// is better by 3 %; the least number of threads within 3 % of the quickest. TA_ERR_* after a message, with
// *out NULL: of the run that failed; TA_ERR_MISMATCH when results differ. TA_ERR_CANCELED without a message.
// Blocks.
int ta_tune_cpu(const struct ta_tune_cpu_config *config, json_t **out, struct ta_log *log);

#endif
