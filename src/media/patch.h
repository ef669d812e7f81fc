// What is read in place of a file's own bytes, so that a demuxer gets over a damaged place. The file is not
// changed.
#ifndef TA_MEDIA_PATCH_H
#define TA_MEDIA_PATCH_H

#include <stdint.h>

enum { TA_PATCH_BYTES = 16 };

struct ta_patch {
    int64_t at; // byte of the source, as splices make it
    uint8_t size;
    uint8_t bytes[TA_PATCH_BYTES];
};

#define TA_SPLICE_ZEROS -1

// Bytes of a file that are left out, and what is read there instead: other bytes of it, several times over,
// or zeros.
struct ta_splice {
    int64_t from, to;         // bytes of the file
    int64_t fill, fill_bytes; // of the file, too; TA_SPLICE_ZEROS
    int32_t copies;
};

#endif
