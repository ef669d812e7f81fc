// Stages that libavfilter does, by the text of their describe(). Their priv_size is that of a pointer.
#ifndef TA_AUDIO_GRAPH_STAGE_H
#define TA_AUDIO_GRAPH_STAGE_H

#include "audio/stage.h"

int ta_sound_graph_stage_init(struct ta_sound_stage *s);
int ta_sound_graph_stage_run(struct ta_sound_stage *s, float *const *planes, size_t samples);
void ta_sound_graph_stage_release(struct ta_sound_stage *s);

#endif
