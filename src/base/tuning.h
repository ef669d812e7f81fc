// Tuning: switches that decide how fast the program works and never what it makes. The program reads them
// once and hands them down (env.h); there is no global set, and no plan's identity knows of them.
#ifndef TA_BASE_TUNING_H
#define TA_BASE_TUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"

enum {
    TA_TUNING_DEVICES = 16,
    TA_BATCH_MAX = 32, // frames at a time, whoever asks: a tuning file, --batch, a stage
};

// What one device is given, "cpu" or "cuda:0"; 0: the engine decides.
struct ta_device_tuning {
    char device[32];
    int64_t batch;   // frames at a time, up to TA_BATCH_MAX
    int64_t threads; // that feed it; for the CPU: that share the rows of a picture
    int kernels;     // for the CPU: the instructions that kernels use (ta_tuning_kernels())
};

// The six optimisations by their ids; true: applied.
struct ta_tuning {
    bool video_pipeline_filters; // one pass through the chain instead of one a filter
    bool audio_model_preload;    // loaded networks are kept from file to file (sessions.h)
    bool queue_rwlock;           // readers of the job queue do not wait for each other
    bool gui_polling;            // the page is told of changes instead of asking for them
    bool progress_throttle;      // progress is told ten times a second at most, not for each packet
    bool filter_chain_cache;     // the text of a chain is made once
    // For measurements alone: false gives a device one frame at a time.
    bool engine_batching;
    struct ta_device_tuning devices[TA_TUNING_DEVICES];
    int device_count;
};

// The switches; the devices are a group of their own in the file.
extern const struct ta_opt ta_tuning_options[];
extern const struct ta_opt ta_device_tuning_options[];

// Everything applied, no device named.
void ta_tuning_defaults(struct ta_tuning *t);
// Reads a file of version 1 over the defaults. A file that is missing (or NULL) leaves the defaults; one that
// can't be read as a whole (garbled, an unknown name, another version) too, with a warning that says where
// and why. True: the file counts.
bool ta_tuning_load(struct ta_tuning *t, const char *path, struct ta_log *log);
// The file as text. Appends.
void ta_tuning_text(const struct ta_tuning *t, struct ta_buf *out);
// Writes it atomically, its folder too when that alone is missing. TA_ERR_* with a message.
int ta_tuning_save(const struct ta_tuning *t, const char *path, struct ta_log *log);

// How many frames a device gets at a time where its engine would take `own`. `t` NULL: the defaults.
int ta_tuning_batch(const struct ta_tuning *t, const char *device, int own);
// How many threads feed a device where its engine would use `own`. The same.
int ta_tuning_threads(const struct ta_tuning *t, const char *device, int own);
// The set of instructions for kernels, as ta_cpu_mask_from_name() takes it; "all" where none is named.
const char *ta_tuning_kernels(const struct ta_tuning *t);
// Its place among the choices; -1.
int ta_tuning_kernels_find(const char *name);
// What is set for this device, added when it is new; NULL when there are too many or it is no device's name.
struct ta_device_tuning *ta_tuning_device(struct ta_tuning *t, const char *device);

#endif
