// The noise of one picture, from its difference to the one before.
#ifndef TA_DIAGNOSE_NOISE_PICTURE_H
#define TA_DIAGNOSE_NOISE_PICTURE_H

#include <stdbool.h>

#include <libavutil/frame.h>

enum { TA_NOISE_LEVELS = 8 }; // of brightness, each 32 codes

struct ta_noise_picture {
    float luma, chroma;            // standard deviations in codes of 8 bits; < 0: unknown
    float level[TA_NOISE_LEVELS];  // of luma by brightness; < 0: unknown
    float weight[TA_NOISE_LEVELS]; // shares of the blocks that were used, 0..1 in sum
    float still;                   // share of the blocks that differ by noise alone, 0..1
    float across, down; // correlation of the noise with that of the next pixel, of the next line of the field
    bool repeated;      // shows what the one before shows, or has none before: says nothing
    bool coded;         // as it was said to be
};

// `before` is the picture that was shown before, of one format; `coded` says that pictures are predicted from
// each other, which flattens noise. Lines are compared with the same lines, so
// that fields never mix: interlaced or not is the same. The outermost lines and columns are left out.
// Thread-safety: Safe.
void ta_noise_picture_measure(const AVFrame *before, const AVFrame *picture, bool coded,
                              struct ta_noise_picture *out);

// The least level that half of the weight is not above; < 0 where nothing has weight.
float ta_noise_by_weight(const float *level, const float *weight);

#endif
