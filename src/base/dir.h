// Folders: made, listed, removed, and the space that is left in them. base/folder.h is about one that is held
// open.
#ifndef TA_BASE_DIR_H
#define TA_BASE_DIR_H

#include <stdint.h>
#include <sys/types.h>

struct ta_log;

// The folders above `path` that are missing, made with `mode`; `path` itself is left alone.
int ta_dir_create_above(const char *path, mode_t mode, struct ta_log *log);
// mkdir -p of the last component only (parents must exist). TA_ERR_EXISTS if something else has the name; 0
// if it is a folder.
int ta_dir_create(const char *path, struct ta_log *log);
// Removes a folder and the plain files in it (no sub-folders). 0 also if it does not exist.
int ta_dir_remove(const char *path, struct ta_log *log);
// Removes a folder with all that is in it, as far as that can be; links are removed, not followed.
void ta_dir_remove_all(const char *path);
// Sorted names (no "." and ".."); *names is a NULL-terminated array to free with ta_dir_list_free. Returns
// the count.
int ta_dir_list(const char *path, char ***names, struct ta_log *log);
// Of an open folder; takes `fd`.
int ta_dir_list_fd(int fd, const char *path, char ***names, struct ta_log *log);
void ta_dir_list_free(char ***names);

// Bytes that an unprivileged user can still write on the file system of `path`; INT64_MAX when unknown.
int64_t ta_disk_free_bytes(const char *path);

#endif
