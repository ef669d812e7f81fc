// Measuring a source: one pass of decoding feeds every measure of a table. To add one, write a file with its
// row and name the row in measures.c.
#ifndef TA_DIAGNOSE_MEASURE_H
#define TA_DIAGNOSE_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/frame.h>

#include "diagnose/measured.h"
#include "media/index/index.h"

struct ta_cancel;
struct ta_log;

enum {
    TA_MEASURE_WINDOWS = 10,
    TA_MEASURE_WINDOW_FRAMES = 12,
};

// What is measured.
struct ta_measure_input {
    const char *path; // for messages
    const struct ta_index *index;
    enum ta_depth depth;
    int64_t count; // frames that are measured; of a sample, each TA_MEASURE_WINDOW_FRAMES are a window
    struct ta_log *log;
};

struct ta_measure_frame {
    const AVFrame *frame;
    const AVFrame *before, *after; // its neighbours; NULL at the ends of file or window
    int64_t number;                // in index->frames
    int64_t at;                    // among the frames that are measured, 0..count-1
};

struct ta_measure_info {
    const char *name, *unit;
    int version; // raise when the same pictures would give another value
    // *state is handed to the others and to release(), also when this fails.
    int (*begin)(void **state, const struct ta_measure_input *in);
    // Each frame once, from any thread and in any order, several at a time: it writes what belongs to f->at
    // and nothing else.
    void (*frame)(void *state, const struct ta_measure_frame *f);
    // All frames have been seen: decides.
    int (*end)(void *state, const struct ta_measure_input *in);
    // Sets value, confidence, and where there is one series and wants_full.
    void (*json)(const void *state, struct ta_measured *out);
    void (*release)(void *state); // takes NULL
};

extern const struct ta_measure_info *const ta_measures[]; // those of the program, NULL-terminated

// Files with so few frames are measured whole: a sample would hardly be faster.
bool ta_measure_is_short(const struct ta_index *index);

// Measures all rows of `table` in one pass, on all cores; short files at full depth. The results do not
// depend on the number of cores. *out has one entry a row, in the table's order, and is released by
// ta_measured_free(). 0 or TA_ERR_*; on failure *out is NULL.
int ta_measure_run(struct ta_measured **out, const struct ta_measure_info *const *table, const char *path,
                   const struct ta_index *index, enum ta_depth depth, const struct ta_cancel *cancel,
                   const struct ta_progress_fn *progress, struct ta_log *log);
int ta_measure_count(const struct ta_measure_info *const *table);

// A series of at most TA_SERIES_MAX points: means of neighbours where there are more values.
json_t *ta_series_json(const float *values, int64_t count);

#endif
