// Tables that map colours: .cube files (Cube LUT 1.0) read, checked and written.
#ifndef TA_VIDEO_CUBE_H
#define TA_VIDEO_CUBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sha256.h"

struct ta_buf;
struct ta_log;

enum {
    TA_CUBE_MIN_SIZE = 2,
    TA_CUBE_MAX_SIZE = 256,    // nodes along each side of a 3D table
    TA_CUBE_MAX_CURVE = 65536, // entries of a 1D table
};

struct ta_cube {
    char *title;                         // never NULL once read
    bool curves;                         // a 1D table: three curves
    int size;                            // entries of a curve, or nodes along each side
    double domain_min[3], domain_max[3]; // the inputs of the first and the last entry: red, green, blue
    float *rows; // red, green, blue of each entry; in a 3D table the red input changes fastest
    size_t row_count;
};

// Reads the text of a .cube file. `name` is what messages call it: "FILE:LINE: what". Returns 0, or
// TA_ERR_FORMAT, TA_ERR_NOMEM with a message and *out zeroed.
int ta_cube_parse(struct ta_cube *out, const char *text, size_t size, const char *name, struct ta_log *log);
// The same from a file, with the SHA-256 of its bytes in `sum`. With `wanted` (may be NULL) a file that has
// another is not looked into: TA_ERR_MISMATCH, without a message.
int ta_cube_load(struct ta_cube *out, const char *path, const char *wanted, char sum[TA_SHA256_HEX],
                 struct ta_log *log);
// Appends the text of a .cube file with six decimals a value.
void ta_cube_write(const struct ta_cube *c, struct ta_buf *out);
void ta_cube_release(struct ta_cube *c);

#endif
