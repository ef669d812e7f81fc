// The one door for files that get a name of the user's: whether it may be written, before any work.
//
// Nothing that a call reads is ever written, by whatever name: sources and all their files, look-up tables,
// presets, configuration, plans (base/guard.h). Nothing that is there is replaced without --overwrite, but
// for what an earlier run of ours left beside the same output. What is written grows under a new name
// (ta_output_part_name()) that no file had before, and takes its own by renaming, which never writes into
// another file.
#ifndef TA_RESTORE_OUTPUT_H
#define TA_RESTORE_OUTPUT_H

#include <stdbool.h>

#include "base/guard.h"
#include "recipe/options.h"

struct ta_log;
struct ta_plan;

// ---- what is read (output_guard.c) ----

// The files of a source, by any of its names (media/parts/name.h).
void ta_guard_add_source(struct ta_guard *g, const char *name);
// What the options have been read from, and what they name.
void ta_guard_add_options(struct ta_guard *g, struct ta_options *options);
// Source and files of a plan, and the plan's own file where it was given as one.
void ta_guard_add_plan(struct ta_guard *g, const struct ta_plan *plan);

// ---- may it be written? ----

// 0, or why the file `output` can't be made, logged: TA_ERR_EXISTS when it is guarded, or there (and not to
// be replaced, or no plain file), TA_ERR_NOT_FOUND or TA_ERR_ACCESS for its folder.
int ta_output_check(const struct ta_guard *g, const char *output, bool overwrite, struct ta_log *log);
// The same for what a run leaves beside its output: the report, and with `framemd5` the checksums. Those of
// an earlier run are replaced, whatever else has these names only with `overwrite`.
int ta_output_check_beside(const struct ta_guard *g, const char *output, bool framemd5, bool overwrite,
                           struct ta_log *log);
// Before a source is read for it: both, of whatever `overwrite` says nothing about.
int ta_output_check_early(const char *input, const char *output, struct ta_options *options,
                          struct ta_log *log);
// The extension of outputs that are named here: the first container of the recipe's encoder.
const char *ta_output_extension(struct ta_options *options);
// The same of this input: where sound alone is restored, the source has a say.
const char *ta_output_extension_of(struct ta_options *options, const char *input);
// A work folder that holds a source would be emptied over it.
int ta_output_check_folder(const struct ta_guard *g, const char *folder, struct ta_log *log);

#endif
