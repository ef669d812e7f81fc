// Single pictures for pages: of the source, of what would be made of it, of what has been made.
#ifndef TA_SHOW_PICTURE_H
#define TA_SHOW_PICTURE_H

#include "base/mem.h"
#include "plan/plan.h"

struct ta_env;

// Which picture: of the output's, counted from 0. What is shown of the source at the same number is the
// frame, or the field, that it is made from: the two are in step.
struct ta_picture_wish {
    int64_t frame;  // -1: what `at` says
    const char *at; // a place in the source: "25%", "1:23.5", "1200f"
    int width;      // at most; 0: as large as the result
    bool jpeg;      // else PNG, to the last sample
};

struct ta_picture {
    struct ta_buf file;
    int width, height;
    int64_t frame, frames; // of the output, and how many it has
    int64_t source_frame;
    int field;
    double seconds; // place in the output
};

// All take a plan with its index. TA_ERR_INVALID where there is no such picture; logged. The picture is to be
// released with ta_buf_release() of its file.
int ta_picture_of_source(struct ta_picture *out, const struct ta_plan *plan,
                         const struct ta_picture_wish *wish, const struct ta_env *env);
// Made by the plan's chain, here and now.
int ta_picture_of_plan(struct ta_picture *out, const struct ta_plan *plan, const struct ta_picture_wish *wish,
                       const struct ta_env *env);
// Out of the finished file, or (`work` not NULL) out of a finished segment in this work folder.
// TA_ERR_NOT_FOUND, not logged: it is not made yet.
int ta_picture_of_result(struct ta_picture *out, const struct ta_plan *plan, const char *work,
                         const char *cache, const struct ta_picture_wish *wish, const struct ta_env *env);

#endif
