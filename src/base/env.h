// The stage environment: what a running stage may use. One a process; a task hands its stages a copy with its
// own log and cancelling. Everything is borrowed. No globals: what is not in here, a stage does not have.
#ifndef TA_BASE_ENV_H
#define TA_BASE_ENV_H

#include <stdbool.h>

struct ta_cancel;
struct ta_folder;
struct ta_ledger;
struct ta_log;
struct ta_pool;
struct ta_runtimes;
struct ta_sessions;
struct ta_sound_texts;
struct ta_tuning;

// Zeroed is valid: one thread, no engines, never cancelled, no messages, everything tuned as by default.
struct ta_env {
    struct ta_pool *pool;           // splits rows and blocks (base/thread.h); NULL: the caller's thread alone
    struct ta_sessions *sessions;   // loaded networks (infer/sessions.h); NULL: there is no engine
    const struct ta_cancel *cancel; // media/av.h; NULL: never
    struct ta_log *log;
    const struct ta_tuning *tuning;  // base/tuning.h; NULL: the defaults
    struct ta_runtimes *runtimes;    // engines (infer/runtimes.h); NULL: there is none
    struct ta_sound_texts *texts;    // of chains of sound (audio/text.h); NULL: they are built each time
    struct ta_ledger *ledger;        // what took how long (base/ledger.h); NULL: nobody asks
    const struct ta_folder *scratch; // where files between passes may be made (base/folder.h); NULL: nowhere
    int batch;                       // pictures that an engine gets at a time; 0: as tuned
    bool engine_fallback;            // the CPU goes on where a device fails
    bool joins_inside; // the output is put together in its work folder, which lies beside it: this
                       // process may write nowhere else there
};

#endif
