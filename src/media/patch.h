// Bytes that are read in place of those of a file, so that a demuxer gets over a damaged place. The file is
// not changed.
#ifndef TA_MEDIA_PATCH_H
#define TA_MEDIA_PATCH_H

#include <stdint.h>

enum { TA_PATCH_BYTES = 16 };

struct ta_patch {
    int64_t at; // byte of the source
    uint8_t size;
    uint8_t bytes[TA_PATCH_BYTES];
};

#endif
