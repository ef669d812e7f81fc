// How many pictures at a time a device of this machine wants, found by trying.
#ifndef TA_PERF_TUNE_H
#define TA_PERF_TUNE_H

#include <jansson.h>

struct ta_log;

struct ta_tune_config {
    const char *engine, *library; // as the options "engine" and "engine-library"; NULL: by themselves
    const char *network;          // a name or a file, as "scale-model"
    const char *folder;           // for its files; empty
    int frames;                   // of the tape that is enlarged for each try
    int rounds;                   // each size is tried so often, in turns; its quickest counts
};
// {device, tries: [{batch, frames_a_second}], best}: `best` is the least batch within 3 % of the quickest.
// NULL after a message. Blocks.
json_t *ta_tune_batch(const struct ta_tune_config *config, struct ta_log *log);

#endif
