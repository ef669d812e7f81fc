// What a network in a file does, found out without trusting it.
#ifndef TA_RECIPE_MODEL_LOOK_H
#define TA_RECIPE_MODEL_LOOK_H

#include <jansson.h>

#include "infer/pictures.h"

struct ta_log;

// Loads and runs it with ONNX Runtime (`named`: as for ta_engine_open()) on the processor, in a process of
// its own with limits of time and memory: what crashes or hangs there is refused here. `path` must have
// passed ta_model_find(), which computed `sha256`. What fits is kept in the folder `cache` (NULL: nowhere) by
// its checksum, and not run again; what does not is tried again by another call, as another version of the
// runtime may take it. *facts (a new reference; NULL after a failure; may be NULL itself): "inputs" and
// "outputs" with "name", "float" and "shape", "planes", "factor", "width", "height", "range". Blocks for a
// second, at most a few minutes. TA_ERR_* after one message: DAMAGED it crashed, BUSY it took too long,
// UNSUPPORTED it does not enlarge pictures, NOT_FOUND no runtime, FORMAT the runtime can't read it.
int ta_model_look(struct ta_network_use *use, json_t **facts, const char *path, const char *sha256,
                  const char *named, const char *cache, struct ta_log *log);

#endif
