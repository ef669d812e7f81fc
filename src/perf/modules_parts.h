// Inside the modules: those that there are.
#ifndef TA_PERF_MODULES_PARTS_H
#define TA_PERF_MODULES_PARTS_H

#include "perf/modules.h"

extern const struct ta_perf_module ta_perf_video_pipeline, ta_perf_audio_processing, ta_perf_queue_manager,
    ta_perf_gui, ta_perf_rtx_video_sdk;

// A simulated tape in the work's folder; *path is to be freed, also on failure.
int ta_perf_make_tape(struct ta_perf_work *w, int frames, char **path);

#endif
