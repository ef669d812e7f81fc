// Files: read whole, written atomically, appended to.
#ifndef TA_BASE_FILE_H
#define TA_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct ta_buf;
struct ta_log;

// Whole file into `out` (binary safe); at most `limit` bytes, else TA_ERR_INVALID. Logs failures with the
// path.
int ta_file_read(const char *path, size_t limit, struct ta_buf *out, struct ta_log *log);

// The rest of an open file; `path` is for messages.
int ta_file_read_fd(int fd, const char *path, size_t limit, struct ta_buf *out, struct ta_log *log);
// All of it, synced. -1 with errno.
int ta_file_write_fd(int fd, const void *data, size_t size);

// Atomic write: temporary name in the same folder, write, fsync, rename over `path`, fsync of the folder.
// On failure nothing is left behind and an old `path` is untouched. Logs failures with the path.
int ta_file_write_atomic(const char *path, const void *data, size_t size, struct ta_log *log);

// The same by way of a temporary name that the caller chooses, in the same folder, and that nothing has yet.
int ta_file_write_through(const char *tmp, const char *path, const void *data, size_t size,
                          struct ta_log *log);

// Opens a new file for writing and reading: TA_ERR_EXISTS when anything has the name, links that lead nowhere
// included. So nothing that was there is ever written into. A descriptor to close(); logs failures.
int ta_file_create(const char *path, struct ta_log *log);
// Digits that no other file's temporary name has (base/path.h: ta_path_part).
void ta_file_tag(char out[9]);

// Makes an existing finished temporary file permanent: fsync(tmp), rename(tmp, path), fsync(folder).
int ta_file_commit(const char *tmp, const char *path, struct ta_log *log);
// The same, but TA_ERR_EXISTS (not logged) when something has the name `path` already, also something that
// got it only now.
int ta_file_commit_new(const char *tmp, const char *path, struct ta_log *log);
int ta_file_sync_dir(const char *dir, struct ta_log *log);

// Appends `size` bytes with one write() and fsyncs; creates the file when needed.
int ta_file_append_sync(const char *path, const void *data, size_t size, struct ta_log *log);

// The same to a file that is open for it; closes `fd`.
int ta_file_append_fd(int fd, const char *path, const void *data, size_t size, struct ta_log *log);

#endif
