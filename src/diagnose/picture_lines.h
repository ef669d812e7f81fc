// What the lines of one picture tell of the tape it was on: how bright they get, and which are torn.
#ifndef TA_DIAGNOSE_PICTURE_LINES_H
#define TA_DIAGNOSE_PICTURE_LINES_H

#include <libavutil/frame.h>

struct ta_picture_levels {
    // Codes of 8 bits that 0.5 % of the picture lie below and above, its outermost parts left out and noise
    // averaged; < 0: unknown.
    float black, white;
    float saturation; // mean distance of chroma from gray, codes; 0 for gray pictures
};
void ta_picture_levels_measure(const AVFrame *picture, struct ta_picture_levels *out);

enum { TA_TORN_MOST = 12 }; // lines of a field
// Lines of each field at the bottom that a tape's switching heads have torn: moved aside and noisier than
// those above. They move from picture to picture, which the lines above do not. -1: nothing can be told,
// where the picture moves all over. Thread-safety: Safe.
int ta_picture_torn_lines(const AVFrame *before, const AVFrame *picture);

#endif
