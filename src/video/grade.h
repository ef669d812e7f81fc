// Colour operations on planar YUV, worked out once for a format and then run on frames. Where no operation
// needs red, green and blue, luma goes through a table and chroma through a 2 x 2 matrix. Else chroma is
// brought to full resolution, and each picture element goes through matrices, powers and tables as floats.
#ifndef TA_VIDEO_GRADE_H
#define TA_VIDEO_GRADE_H

#include <stdbool.h>

#include "media/format.h"
#include "video/cube.h"

// In the order in which they are done. Values are nominal: 0 is black, 1 is white.
struct ta_grade_settings {
    double black, white, mid; // levels: what becomes 0 and 1 (chroma is stretched alike), then a gamma
    double contrast, brightness, gamma; // of luma: about middle gray; added; power 1/gamma
    double gain[3];                     // of red, green, blue
    double saturation, hue;             // of chroma; degrees, red towards yellow
    double rgb_gamma[3];                // of red, green, blue: powers 1/gamma
    const struct ta_cube *cube;         // NULL for none; needed while the grade is created only
    double strength;                    // 0..1: this much of the cube's colours, the rest of those before
};
extern const struct ta_grade_settings ta_grade_neutral;

// Do these need more than luma?
bool ta_grade_needs_chroma(const struct ta_grade_settings *s); // saturation and hue: gray has nothing to turn
bool ta_grade_needs_rgb(const struct ta_grade_settings *s);

// The share of red and of blue in luma by the format's matrix; false if it has none.
bool ta_grade_luma_weights(const struct ta_format *f, double *kr, double *kb);

struct ta_grade;
// TA_ERR_UNSUPPORTED with the reason in `why` ("does not take gbrp") if such pictures can't be graded.
int ta_grade_check(const struct ta_format *f, struct ta_buf *why);
// `f` must have passed the check. TA_ERR_NOMEM on failure.
int ta_grade_create(struct ta_grade **out, const struct ta_grade_settings *s, const struct ta_format *f);
void ta_grade_destroy(struct ta_grade **grade);

// Planes that run() leaves as they are (and does not touch in `out`): luma; the two of chroma.
bool ta_grade_keeps_luma(const struct ta_grade *g);
bool ta_grade_keeps_chroma(const struct ta_grade *g);
// Both frames have the format of create(); chroma of frames that are marked interlaced is taken as that of
// fields. `out` must be another frame than `in`. Thread-safety: Unsafe.
void ta_grade_run(struct ta_grade *g, const AVFrame *in, AVFrame *out);

#endif
