// Kernels of the deinterlacer bwdif ("Bob Weaver"): a row of the field that is missing from a moment, made
// from the rows around it in space and time. Where nothing moves it is the mean of the fields before and
// after; where something does, Martin Weston's three-field filter (BBC PH-2071), or a vertical one where the
// rows above and below differ little, kept within what the neighbourhood allows. All instruction sets give
// the same bits, and those are libavfilter's (tests/unit/test_stages.c compares them).
#ifndef TA_DSP_BWDIF_H
#define TA_DSP_BWDIF_H

#include <stdint.h>

enum ta_bwdif_kind {
    TA_BWDIF_INNER,   // reads all rows
    TA_BWDIF_BORDER,  // none that is farther away than 2
    TA_BWDIF_OUTMOST, // none that is farther away than 1
};

// Rows of samples (bytes, or 16-bit words for more than 8 bits) at the columns that are made. Those that a
// kind does not read may be anything.
struct ta_bwdif_rows {
    const void *here[4];               // this frame's, 3 and 1 above, 1 and 3 below
    const void *earlier[2], *later[2]; // the frames' before and after it, 1 above and 1 below
    const void *fields_before[5],      // the missing field's as it was just before this moment: 4 and 2
                                       // above, the place itself, 2 and 4 below
        *fields_after[5];              // and as it will be just after
};

struct ta_bwdif_dsp {
    const char *name; // "c", "sse4.1", "avx2", "avx512"
    void (*row8)(uint8_t *dst, const struct ta_bwdif_rows *rows, enum ta_bwdif_kind kind, int n);
    // `most` is the largest sample.
    void (*row16)(uint16_t *dst, const struct ta_bwdif_rows *rows, enum ta_bwdif_kind kind, int most, int n);
    // From the rows of this moment alone, as in ta_bwdif_rows.here.
    void (*alone8)(uint8_t *dst, const void *const here[4], int n);
    void (*alone16)(uint16_t *dst, const void *const here[4], int most, int n);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_bwdif_dsp *ta_bwdif_dsp(void);

// One a set of instructions, for the choice above and for tests.
extern const struct ta_bwdif_dsp ta_bwdif_dsp_c, ta_bwdif_dsp_sse41, ta_bwdif_dsp_avx2, ta_bwdif_dsp_avx512;

// Weights in units of 1/8192; those of high frequencies in units of 1/32768.
enum {
    TA_BWDIF_LOW_NEAR = 4309,
    TA_BWDIF_LOW_FAR = -213,
    TA_BWDIF_HIGH_PLACE = 5570,
    TA_BWDIF_HIGH_NEAR = -3801,
    TA_BWDIF_HIGH_FAR = 1016,
    TA_BWDIF_VERTICAL_NEAR = 5077,
    TA_BWDIF_VERTICAL_FAR = -981,
};

#endif
