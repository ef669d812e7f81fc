// Where the libraries of engines may be on this machine. The environment is asked here and nowhere below.
#ifndef TA_RECIPE_ENGINE_PLACES_H
#define TA_RECIPE_ENGINE_PLACES_H

#include "base/opt.h"
#include "infer/engine.h"

struct ta_engine_opts {
    char *engine_library; // NULL: wherever it is found
};
extern const struct ta_opt ta_engine_options[];

// All that were found, the best first. {0} is empty.
struct ta_engine_places {
    char **libraries; // NULL-terminated
    int library_count;
    struct ta_engine_plugin *plugins; // with paths, owned; a name of NULL ends it
    int plugin_count;
};

// What the user named: `given`, else $TERMINALAI_ENGINE_LIBRARY; NULL for nothing. Borrowed.
const char *ta_engine_named(const char *given);

// `named` (a file, or a folder with the library or with packages) is the only place when it is not NULL. Else
// the folders where the pythons of $PATH, the user's own first, keep packages; at last, by name alone,
// wherever the system finds it. Nothing is opened or run; no messages.
void ta_engine_places_find(struct ta_engine_places *places, const struct ta_engine_info *engine,
                           const char *named);
void ta_engine_places_release(struct ta_engine_places *places);

// Does who names this file or folder mean this engine? By the name of the file, or by what is in the folder;
// what is of no engine means the first of the list.
bool ta_engine_is_meant(const struct ta_engine_info *engine, const char *named);

// Finds and opens in one; `named` as above, where this engine is meant; else as if nothing was named. Threads
// and memory: as ta_engine_config has them.
int ta_engine_open(struct ta_engine **out, const struct ta_engine_info *engine, const char *named,
                   int threads, size_t memory_bytes, struct ta_log *log);

#endif
