// The chain as it is done by those who start one program after the other: a pass for each stage over all
// pictures of the segment, and a lossless file between two of them (the switch video_pipeline_filters off).
// The pictures are the same; it is there so that the difference can be measured.
#ifndef TA_VIDEO_PASSES_H
#define TA_VIDEO_PASSES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "video/chain_threads.h"

// Is it to be done like that? Where there is a folder for the files, and more than one stage.
bool ta_passes_wanted(const struct ta_env *env, int count);
// Takes what comes by `in`, and hands to the sink what the last pass gives (not its end). Blocks. `stop` is
// looked at for each picture: TA_ERR_CANCELED.
int ta_passes_run(const struct ta_stage_plan *stages, int count, struct ta_queue *in,
                  const struct ta_chain_sink *sink, const struct ta_env *env, const atomic_bool *stop);

#endif
