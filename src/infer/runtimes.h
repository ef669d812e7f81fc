// Engines that are open, one for each kind, library and number of threads in a process. The limit of memory
// makes no other engine: libraries have it once a process.
#ifndef TA_INFER_RUNTIMES_H
#define TA_INFER_RUNTIMES_H

#include "infer/engine.h"

// Thread-safety: Safe, except create and destroy.
struct ta_runtimes;

// `open` finds the library and opens it: `named` is the one that the user named, or NULL. `memory_bytes`: as
// ta_engine_config has it.
typedef int (*ta_runtime_opener)(struct ta_engine **out, const struct ta_engine_info *engine,
                                 const char *named, int threads, size_t memory_bytes, struct ta_log *log);
void ta_runtimes_create(struct ta_runtimes **out, ta_runtime_opener open);
// After all sessions. *r may be NULL.
void ta_runtimes_destroy(struct ta_runtimes **r);

// What those that are opened from now on are opened from; NULL: wherever it is found.
void ta_runtimes_name_library(struct ta_runtimes *r, const char *named);

// What networks that are loaded from now on may use for computing on the processor; 0: no limit. Engines that
// are open are told when they are asked for next. Each that is told, or opened, gives its library a new limit
// for all that follow; networks that are loaded keep theirs, and ask for it in the key of their session.
void ta_runtimes_limit_memory(struct ta_runtimes *r, size_t bytes);
size_t ta_runtimes_memory(struct ta_runtimes *r); // that limit

// The engine of this name, opened when it is not yet: "onnx", or "dummy", which no list has. Borrowed, until
// destroy. A failure is not kept. Blocks while another thread opens one. TA_ERR_* after a message.
int ta_runtimes_get(struct ta_runtimes *r, const char *name, int threads, struct ta_log *log,
                    struct ta_engine **out);

#endif
