// How noisy and how sharp a single picture is: figures to compare versions of the same picture by.
#ifndef TA_DIAGNOSE_PICTURE_MEASURE_H
#define TA_DIAGNOSE_PICTURE_MEASURE_H

#include <libavutil/frame.h>

struct ta_picture_measure {
    // Standard deviation of the noise in 8-bit codes: second differences along the lines of the flattest
    // quarter of the picture's blocks, which the picture itself adds little to.
    double noise;
    // Mean slope from pixel to pixel, in 8-bit codes, of the tenth of the blocks that have most of it.
    double sharpness;
};

// Luma of 8 bits; at least 34x34, else all is 0. Interlaced or not is the same. Thread-safety: Safe.
void ta_picture_measure(const AVFrame *picture, struct ta_picture_measure *out);

// dB of the luma of two 8-bit pictures of one size, over the box; 100 when they are equal.
double ta_picture_psnr(const AVFrame *a, const AVFrame *b, int x, int y, int width, int height);

#endif
