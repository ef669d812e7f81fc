// Chroma samples and the lines and columns of luma they belong to: weights to bring chroma to full
// resolution, and back.
#ifndef TA_VIDEO_SITING_H
#define TA_VIDEO_SITING_H

enum { TA_SITING_MAX_RATIO = 4, TA_SITING_MAX_TAPS = 9 };

// One direction. Chroma sample i lies at luma position ratio * i + offset.
struct ta_siting {
    int ratio;
    // Linear interpolation: luma position ratio * i + k is chroma[i + at[k]] * weight[k] +
    // chroma[i + at[k] + 1] * (1 - weight[k]).
    int at[TA_SITING_MAX_RATIO]; // -1 or 0
    float weight[TA_SITING_MAX_RATIO];
    // Back: chroma i is the sum of full[ratio * i + first + k] * back[k]. This low-pass undoes the
    // interpolation exactly (so what changes nothing at full resolution changes nothing), has no gain at the
    // frequencies that would fold to zero, and the least noise of all that do this with these taps.
    int first, taps;
    float back[TA_SITING_MAX_TAPS];
};

// ratio 1, 2 or 4; 0 <= offset < ratio.
void ta_siting_init(struct ta_siting *s, int ratio, double offset);

#endif
