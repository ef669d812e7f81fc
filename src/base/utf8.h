// UTF-8, as far as messages, options and column counts need it.
#ifndef TA_BASE_UTF8_H
#define TA_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

// Bytes of the well-formed character at `text` (1 to 4; the terminating NUL counts as one byte), or 0 when it
// is not well-formed (overlong, surrogate, above U+10FFFF, cut short). Never reads past the NUL.
size_t ta_utf8_length(const char *text);
bool ta_utf8_valid(const char *text);
// Columns of a text, one for each character; bytes that are not well-formed count one each.
size_t ta_utf8_columns(const char *text, size_t size);

#endif
