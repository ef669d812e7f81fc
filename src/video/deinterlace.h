// What the stages of the slot "deinterlace" share that make progressive frames of interlaced ones. All obey
// the interlaced flag and the field order of each frame, which the segment sets from the plan's scan runs:
// other frames pass untouched, once. Times come out in half units of the input's.
#ifndef TA_VIDEO_DEINTERLACE_H
#define TA_VIDEO_DEINTERLACE_H

#include "base/opt.h"
#include "media/format.h"
#include "video/stage.h"

struct ta_deinterlace_opts {
    int fields;         // enum ta_fields
    int w3fdif_filter;  // in w3fdif's table only
    int effort;         // enum ta_effort, in motion's table only
    int64_t vectors;    // motion's: how far those reach that it hands on (video/motion.h); set by the plan
    int64_t neighbours; // motion's: moments looked at on each side; set by the plan
};

extern const struct ta_opt ta_deinterlace_options[];

struct ta_reach ta_deinterlace_reach(const void *opts, const struct ta_format *in);
int ta_deinterlace_fields(const void *opts);
int ta_deinterlace_configure(const void *opts, const struct ta_format *in, struct ta_format *out,
                             struct ta_buf *why);
// For those that work on samples themselves: refuses what is not planar in 8 to 16 bits of this machine's
// order.
int ta_deinterlace_check_samples(const struct ta_format *in, struct ta_buf *why);
// Libavfilter's words for `filter` with these options.
int ta_deinterlace_describe(const char *filter, const void *opts, struct ta_buf *text);

#endif
