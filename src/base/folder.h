// A folder that is held open, and files in it by their names alone: whatever happens to the path that led
// there, it is this folder. No name is ever followed: a link in it is nothing that can be opened, and what is
// opened must be a plain file of the folder's owner. For folders of our own (work, cache), where others may
// have a hand in what lies around them.
#ifndef TA_BASE_FOLDER_H
#define TA_BASE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/sha256.h"

struct ta_buf;
struct ta_log;

struct ta_folder {
    int fd;           // -1: none
    const char *path; // for messages
    uid_t owner;      // of the files that the caller makes in it
};

// ---- the folder ----

// Opens it (its last component is no link) and holds it. TA_ERR_NOT_FOUND is not logged.
int ta_folder_hold(struct ta_folder *f, const char *path, struct ta_log *log);
// Makes it where it is missing; then the same. *made says that it was.
int ta_folder_make(struct ta_folder *f, const char *path, bool *made, struct ta_log *log);
// Is it the caller's own? Then nobody else may write in it from now on, nor look into it where its place is
// shared (everybody may write there); else TA_ERR_ACCESS after one line. On file systems that know no owners
// any will do.
int ta_folder_own(struct ta_folder *f, struct ta_log *log);
void ta_folder_close(struct ta_folder *f);

// ---- files in it ----

// All log failures with the folder's path, but for TA_ERR_NOT_FOUND of those that read.
// A new file, for writing and reading: TA_ERR_EXISTS when anything has the name. A descriptor to close().
int ta_folder_create(const struct ta_folder *f, const char *name, struct ta_log *log);
// One that is there, for reading. A descriptor to close().
int ta_folder_open(const struct ta_folder *f, const char *name, struct ta_log *log);
// The same for appending to it, created when it is missing; one with a second name is refused.
int ta_folder_open_append(const struct ta_folder *f, const char *name, struct ta_log *log);
int ta_folder_read(const struct ta_folder *f, const char *name, size_t limit, struct ta_buf *out,
                   struct ta_log *log);
int ta_folder_sha256(const struct ta_folder *f, const char *name, char out[TA_SHA256_HEX],
                     struct ta_log *log);
// Atomic: a new name, written and synced, then renamed, and the folder synced.
int ta_folder_write(const struct ta_folder *f, const char *name, const void *data, size_t size,
                    struct ta_log *log);
// Syncs the file `from`, renames it to `to`, syncs the folder.
int ta_folder_commit(const struct ta_folder *f, const char *from, const char *to, struct ta_log *log);
// Bytes of a plain file of the owner's; -1 when there is none of the name.
int64_t ta_folder_bytes(const struct ta_folder *f, const char *name);
// Has anything the name?
bool ta_folder_has(const struct ta_folder *f, const char *name);
void ta_folder_unlink(const struct ta_folder *f, const char *name);
// As ta_dir_list().
int ta_folder_list(const struct ta_folder *f, char ***names, struct ta_log *log);

#endif
