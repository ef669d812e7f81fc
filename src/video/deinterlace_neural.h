// The stage that deinterlaces by a network, for the plan.
#ifndef TA_VIDEO_DEINTERLACE_NEURAL_H
#define TA_VIDEO_DEINTERLACE_NEURAL_H

#include "video/stage.h"

struct ta_neural_facts;

#define TA_DEINTERLACE_NETWORK "deinterlace-ddd" // where the recipe names none

extern const struct ta_stage_info ta_stage_deinterlace_neural;

// Notes what was found of the network and the engine in its hidden options. TA_ERR_* after a message when
// there is none.
int ta_deinterlace_neural_prepare(void *opts, const struct ta_neural_facts *facts, struct ta_log *log);

#endif
