// SHA-256 of memory, files and streams.
#ifndef TA_BASE_SHA256_H
#define TA_BASE_SHA256_H

#include <stddef.h>

struct ta_log;

// SHA-256 as 64 lower-case hex digits and NUL.
#define TA_SHA256_HEX 65
void ta_sha256_hex(const void *data, size_t size, char out[TA_SHA256_HEX]);
// The rest of an open file; `path` is for messages.
int ta_sha256_fd(int fd, const char *path, char out[TA_SHA256_HEX], struct ta_log *log);
int ta_sha256_file(const char *path, char out[TA_SHA256_HEX], struct ta_log *log);
// Incremental form, for streams of writes.
struct ta_sha256;
struct ta_sha256 *ta_sha256_create(void);
void ta_sha256_update(struct ta_sha256 *s, const void *data, size_t size);
void ta_sha256_finish(struct ta_sha256 **s, char out[TA_SHA256_HEX]); // frees *s

// HMAC-SHA256 (RFC 2104) of a text under a key, as 64 digits.
void ta_hmac_sha256_hex(const void *key, size_t key_size, const void *data, size_t size,
                        char out[TA_SHA256_HEX]);

#endif
