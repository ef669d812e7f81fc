// The parts of a comparison: compare.c runs the presets, compare_grid.c shows them, compare_report.c tells.
#ifndef TA_SHOW_COMPARE_H
#define TA_SHOW_COMPARE_H

#include <terminalai/compare.h>

#include "base/folder.h"
#include "diagnose/picture_measure.h"
#include "show/preview.h"
#include "restore/segment.h"

struct ta_measures {
    int pictures; // measured; the rest are their means
    double noise, sharpness, combing;
    double psnr; // luma against the source at the common size; not for the source itself
};

// A pane of the grid, in its pixels, without its label.
struct ta_compare_box {
    int x, y, width, height;
};

struct ta_contestant {
    char *preset;
    struct ta_plan *plan;
    char **files;                      // [excerpt_count] its encoded excerpts
    struct ta_segment_result *results; // [excerpt_count]
    double wall_seconds, cpu_seconds;  // of restoring and encoding all excerpts
    struct ta_edges cut;               // what it cuts off, as stored
    struct ta_compare_box box;         // where the grid has it
    struct ta_measures measures;
};

struct ta_compare {
    const char *input, *folder;
    struct ta_contestant *contestants;
    int count;
    struct ta_excerpt *excerpts;
    int excerpt_count;
    char *temporary; // folder for encoded excerpts
    struct ta_folder held;
    struct ta_meter *meter;
    struct ta_log *log;
    struct ta_edges cut; // what any of them cuts off: measured is what all of them show
    struct ta_measures source;
    struct ta_compare_box box; // of the source
    struct ta_compare_result result;
};

// Writes grid.mp4 and contact.png, and fills in the measures.
int ta_compare_grid(struct ta_compare *c, struct ta_options *options);
// Writes report.json, report.txt and report.html.
int ta_compare_report(const struct ta_compare *c);

#endif
