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

// Is this character (`length` bytes, as ta_utf8_length() gives) one that is only seen by what it does to a
// terminal: a control, a line separator, or a mark that turns the direction of what follows? Such a one from
// a file's name or tag could hide or change the words around it.
bool ta_utf8_is_control(const char *text, size_t length);

#endif
