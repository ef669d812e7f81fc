// The rows of a field that is missing from a moment, made by the kernels of dsp/bwdif.h from the three frames
// around: for the deinterlacer of that name, and for those that begin with its result.
#ifndef TA_VIDEO_BWDIF_FIELD_H
#define TA_VIDEO_BWDIF_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsp/bwdif.h"

// One plane of the frames and of what is made.
struct ta_bwdif_field {
    const uint8_t *earlier, *here, *later;
    ptrdiff_t earlier_step, here_step, later_step, step; // bytes
    uint8_t *dst;
    int width, height, bytes; // of a sample
    int depth;
    bool as_libavfilter; // with two bytes a sample rows next to the border count as outside, as they do there
    bool second;         // the field kept is the later one of its frame
    bool keep_top;       // ... and the one with the first line
    bool alone;          // nothing is known before (behind) the first (last) field of a film
};

// Rows first..end-1 of `dst`: those of the field kept are copied.
void ta_bwdif_field_rows(const struct ta_bwdif_dsp *dsp, const struct ta_bwdif_field *a, int first, int end);

// How much of what lies around row y of `height` there is for the kernels.
enum ta_bwdif_kind ta_bwdif_kind_of_row(int y, int height);

#endif
