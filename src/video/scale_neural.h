// Enlarging by a network, "scale.neural".
#ifndef TA_VIDEO_SCALE_NEURAL_H
#define TA_VIDEO_SCALE_NEURAL_H

#include "video/neural.h"

// What "auto" takes where the recipe names none and it has been fetched.
#define TA_UPSCALE_NETWORK "upconv7-photo-x2"

extern const struct ta_stage_info ta_stage_scale_neural;
// Notes in its options what was found, which the plan keeps. TA_ERR_* after a message when nothing was.
int ta_scale_neural_prepare(void *opts, const struct ta_neural_facts *facts, struct ta_log *log);

#endif
