// What is known of the engines of this machine, for lists.
#ifndef TA_CLI_ENGINE_ROWS_H
#define TA_CLI_ENGINE_ROWS_H

#include <jansson.h>
#include <stdbool.h>

struct ta_engine_info;
struct ta_log;

// Opens the engine and runs a network on each of its devices. An object to be freed: name, summary, works (on
// any device), why and advice (where it does not), library, version, notes [text], devices [{kind, provider,
// vendor, works, why}]. `named` as for ta_engine_open(), whose answer is in `opened`. What fails is told in
// the object, to the log only the rest.
json_t *ta_engine_row(const struct ta_engine_info *engine, const char *named, int *opened,
                      struct ta_log *log);

#endif
