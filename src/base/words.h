// Words that go with numbers, for messages.
#ifndef TA_BASE_WORDS_H
#define TA_BASE_WORDS_H

#include <stdint.h>

// `one` for 1 and -1, else `many`: printf("%lld %s", n, ta_plural(n, "frame", "frames")).
const char *ta_plural(int64_t count, const char *one, const char *many);

#endif
