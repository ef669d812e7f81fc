// The look-up tables for colour that recipes name: built-in ones, which formulae make, and .cube files.
#ifndef TA_VIDEO_LUTS_H
#define TA_VIDEO_LUTS_H

#include "video/cube.h"

// A built-in table.
struct ta_lut_info {
    const char *name;
    const char *summary;
    void (*grade)(double rgb[3]); // 0..1; what it gives is clipped to 0..1
};
extern const struct ta_lut_info ta_luts[]; // ends with name NULL

const struct ta_lut_info *ta_lut_find(const char *name);
// 33 nodes a side, values of six decimals: what the .cube text of it gives again.
void ta_lut_make(struct ta_cube *out, const struct ta_lut_info *info);

// A table by the name of a built-in one or the path of a .cube file. *resolved is the name, or the file's
// absolute path (freed by the caller); `sum` the SHA-256 of the file, or of the text that ta_cube_write()
// makes of a built-in one; `wanted` as for ta_cube_load(), for built-in ones too. On failure logs the reason,
// and nothing is to be freed.
int ta_lut_load(struct ta_cube *out, const char *spec, const char *wanted, char **resolved,
                char sum[TA_SHA256_HEX], struct ta_log *log);

#endif
