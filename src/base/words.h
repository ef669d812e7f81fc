// Words that go with numbers, for messages.
#ifndef TA_BASE_WORDS_H
#define TA_BASE_WORDS_H

#include <stdint.h>

// `one` for 1 and -1, else `many`: printf("%lld %s", n, ta_plural(n, "frame", "frames")).
const char *ta_plural(int64_t count, const char *one, const char *many);

// "512 B", "1.5 kB", "37.9 MB", "120 GB": in powers of 1000. Written into `out`, which is returned.
enum { TA_BYTES_TEXT = 32 };
const char *ta_bytes_text(int64_t bytes, char out[TA_BYTES_TEXT]);

#endif
