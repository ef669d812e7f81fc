// The stage that enlarges by NVIDIA's Video Super Resolution, for the plan.
#ifndef TA_VIDEO_SCALE_RTX_H
#define TA_VIDEO_SCALE_RTX_H

#include "video/stage.h"

extern const struct ta_stage_info ta_stage_scale_rtx;

// Notes in its hidden options what size is wanted: it comes as near as it can, one to four times its input in
// each direction. `quality` is the recipe's.
void ta_scale_rtx_prepare(void *opts, const struct ta_format *in, int width, int height, int quality,
                          const char *version);

#endif
