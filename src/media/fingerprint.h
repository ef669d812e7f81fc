// What tells one source from another.
#ifndef TA_MEDIA_FINGERPRINT_H
#define TA_MEDIA_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

struct ta_log;

// What identifies the file: size, mtime (ns) and SHA-256 of head and tail (1 MiB each). For cache keys and
// "source changed" checks.
struct ta_fingerprint {
    int64_t size_bytes;
    int64_t mtime_ns;
    char head_tail[65];
};
// The files of a source, of a DVD's title also its .IFO; the count. To free with ta_name_files_free().
int ta_source_files(const char *path, char ***files, struct ta_log *log);
// Of several files: the sum of sizes, the latest mtime, and the SHA-256 of all that is said of each.
int ta_fingerprint_read(const char *path, struct ta_fingerprint *out, struct ta_log *log);
// Of one file, whatever its name means.
int ta_fingerprint_read_file(const char *path, struct ta_fingerprint *out, struct ta_log *log);
bool ta_fingerprint_equal(const struct ta_fingerprint *a, const struct ta_fingerprint *b);

#endif
