// What a plan says of a source that is several files.
#ifndef TA_RESTORE_JOINED_H
#define TA_RESTORE_JOINED_H

#include "media/source.h"
#include "plan/plan.h"

// What its files are: name, size, checksum, and how each was placed. *files = NULL for a source that is one
// file. Reads heads and tails of the files.
int ta_joined_read(json_t **files, const struct ta_source *source, struct ta_log *log);
// Adds `files` (taken; may be NULL), how they are joined and what does not fit at the seams.
void ta_joined_tell(struct ta_plan *plan, json_t *files);

#endif
