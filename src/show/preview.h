// What previews and comparisons share: excerpts, labels, stills.
#ifndef TA_SHOW_PREVIEW_H
#define TA_SHOW_PREVIEW_H

#include "restore/callbacks.h"
#include "plan/plan.h"

struct ta_excerpt {
    int64_t first, end; // source frames
};
// The excerpt of `duration` seconds (at least a frame) from `start` (text) on; TA_ERR_INVALID when the plan
// has no frame there.
int ta_excerpt_find(const struct ta_plan *p, const char *start, double duration, struct ta_excerpt *out,
                    struct ta_log *log);

// "720x480 interlaced, 29.97 fps"; "1440x1080, 59.94 fps, vhs" with the preset's name or without. To be
// freed.
char *ta_show_source_detail(const struct ta_plan *p);
char *ta_show_result_detail(const struct ta_plan *p, const struct ta_format *chain, bool with_preset);

// The format of a still for these pictures: 8-bit 4:4:4 with square pixels, upright.
struct ta_format ta_still_format(const struct ta_format *chain);
// A board of such pictures written as PNG.
int ta_still_write(const char *path, const AVFrame *board, const struct ta_format *format, int64_t *bytes,
                   struct ta_log *log);
// 128 + gain * (b - a) in each plane of 8 bits; `gain` times the difference, grey where there is none. New
// frame.
int ta_still_difference(const AVFrame *a, const AVFrame *b, int gain, AVFrame **out);

#endif
