// The same excerpts under several presets, to choose by looking and by figures.
#ifndef TERMINALAI_COMPARE_H
#define TERMINALAI_COMPARE_H

#include <terminalai/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ta_compare_wish {
    const char *const *presets; // names or files, as the option "preset" takes them
    int preset_count;           // 1 or more
    const char *start; // place of a single excerpt ("1:23", "25%"); NULL: several, spread over the source
    int excerpts;      // how many of them
    double duration;   // seconds of each
};

struct ta_compare_result {
    int width, height; // of the grid
    int64_t frames;    // of the grid
    int panes, excerpts;
    int64_t warnings; // frames that could not be decoded
};

// Restores the excerpts under each preset, the other options being the same, and writes into `folder`
// (created when missing; its parent must exist): grid.mp4 (source and all results in step, labelled),
// contact.png (one frame of each), report.json, report.txt and report.html (measures and cost). Existing ones
// are replaced only when the option "overwrite" is on. `result` may be NULL.
int ta_compare(const char *input, const char *folder, struct ta_options *options,
               const struct ta_compare_wish *wish, const struct ta_callbacks *callbacks,
               struct ta_compare_result *result, struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
