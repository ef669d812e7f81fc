// Big-endian numbers of an .IFO file, read at places that the file itself names. Thread-safety: Safe.
#ifndef TA_MEDIA_PARTS_IFO_TABLE_H
#define TA_MEDIA_PARTS_IFO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A table of the file; what lies outside reads as 0, and is noted. Borrows the bytes and the note.
struct ta_ifo_table {
    const uint8_t *data;
    size_t size;
    bool *outside;
};

// A number of 1 to 4 bytes.
uint32_t ta_ifo_get(const struct ta_ifo_table *t, size_t at, int bytes);
// The table that begins at a byte of another one; empty when that lies outside.
struct ta_ifo_table ta_ifo_sub(const struct ta_ifo_table *t, uint64_t at);

#endif
