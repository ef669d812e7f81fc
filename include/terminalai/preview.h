// Seeing what a recipe does before all of it is done.
#ifndef TERMINALAI_PREVIEW_H
#define TERMINALAI_PREVIEW_H

#include <terminalai/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ta_preview_wish {
    const char *start;  // place in the source: "1:23.5", "25%", "1200f"
    double duration;    // seconds; what the source does not have is left out
    const char *layout; // "side", "split" or "stack"
};

// A plan whose output is an excerpt of what the recipe makes, beside the source it is made of: the same chain
// on the same frames as in a restoration of the whole file. It is run like any plan (ta_restore).
// TA_ERR_INVALID when the place is not in the source.
int ta_preview_plan(struct ta_plan **out, const char *input, const char *output, struct ta_options *options,
                    const struct ta_preview_wish *wish, const struct ta_callbacks *callbacks,
                    struct ta_log *log);

struct ta_preview_picture {
    int width, height;
    int64_t source_frame;
    double seconds; // place in the output
    int64_t bytes;
};
// One frame as a PNG: source, result, and the difference of the two, amplified. An existing file is replaced
// only when the option "overwrite" is on.
int ta_preview_png(const char *input, const char *output, struct ta_options *options, const char *start,
                   const struct ta_callbacks *callbacks, struct ta_preview_picture *result,
                   struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
