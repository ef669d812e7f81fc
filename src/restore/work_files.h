// What lies in a work folder and around it: names, sizes, removal. Nothing here takes the lock.
#ifndef TA_RESTORE_WORK_FILES_H
#define TA_RESTORE_WORK_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/folder.h"

struct ta_log;

#define TA_WORK_SUFFIX ".terminalai"

// Where the work folder of an output lies: OUTPUT.terminalai; NAME-HASH.terminalai under `work_dir`, or
// beside an output whose name is too long for that. To be freed.
char *ta_work_path_of(const char *output, const char *work_dir);
// Removes what a killed run was writing under this tag beside the output; "" for none. Only ever a plain file
// that has such a name, which no other program gives.
void ta_work_remove_part(const char *output, const char *tag);

// The name that the joined file has meanwhile where it is made in the work folder. To be freed.
char *ta_work_joined_name(const char *tag);

// Has a file in the work folder this name because a run made it?
bool ta_work_is_own_name(const char *name);
// The first file in the folder that no run makes, to be freed; NULL when there is none. 0 or TA_ERR_*.
int ta_work_find_foreign(const struct ta_folder *f, char **out, struct ta_log *log);

// Bytes of the files in a folder (no sub-folders); 0 when it can't be listed.
int64_t ta_work_disk_bytes(const char *dir);
// Bytes of all work folders that lie in `root`, but for the one called `except` (may be NULL).
int64_t ta_work_pool_bytes(const char *root, const char *except);

// Removes what killed runs left half-written.
void ta_work_remove_parts(const struct ta_folder *f);
// Removes what runs have made; true when nothing else is in the folder. The plan goes last but one, the
// journal last: whatever is left by a kill in the middle is known by them.
bool ta_work_empty(const struct ta_folder *f, struct ta_log *log);
// The same, and the folder itself when it is empty then.
void ta_work_remove(const struct ta_folder *f, struct ta_log *log);

#endif
