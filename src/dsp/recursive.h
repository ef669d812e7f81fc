// Kernels of the recursive denoiser: rows of samples against the picture remembered, in 16 bits whatever the
// source has. All instruction sets give the same bits. Rows need no alignment; only what is named is read or
// written. `n` may be 0. `shift` takes samples of 8 to 16 bits to 16: 16 - depth.
#ifndef TA_DSP_RECURSIVE_H
#define TA_DSP_RECURSIVE_H

#include <stdint.h>

// A straight line over distances d: top (1 - d / limit), nothing from `limit` on. Weights are its powers.
struct ta_recursive_ramp {
    uint16_t limit;
    uint16_t scale; // brings (limit - d) << shift to 0..32767
    int shift;
};
// `top` is 0 to 1. Distances are capped at 65535; a limit of less than 1 gives nothing any weight.
struct ta_recursive_ramp ta_recursive_ramp(double limit, double top);

enum { TA_RECURSIVE_RADIUS = 2 }; // of smoothing

struct ta_recursive_dsp {
    const char *name; // "c", "sse4.1", "avx2", "avx512"

    // dst = 32768 + (src - state) / 2, halves rounded up.
    void (*differ8)(uint16_t *dst, const uint8_t *src, const uint16_t *state, int n);
    void (*differ16)(uint16_t *dst, const uint16_t *src, const uint16_t *state, int shift, int n);
    // Of differences in three rows: at each column their mean, weighted 1 2 1, and that of their magnitudes.
    void (*gather)(uint16_t *mean, uint16_t *magnitude, const uint16_t *const differences[3], int n);
    // How far the picture has moved from the state, 0..32768: the largest of the mean difference around
    // (which noise leaves small and anything that moves makes large), 0.27 times the mean of its magnitudes
    // (fine patterns that move cancel out in the first), and 0.19 times the place's own (single points).
    // `mean` and `magnitude` are read from [-1] to [n].
    void (*motion)(uint16_t *dst, const uint16_t *mean, const uint16_t *magnitude, const uint16_t *difference,
                   int n);
    // state = src + weight (state - src), the weight being 7/8 of the fourth power of the ramp at the mean of
    // two motions.
    void (*follow8)(uint16_t *state, const uint8_t *src, const uint16_t *motion_a, const uint16_t *motion_b,
                    const struct ta_recursive_ramp *ramp, int n);
    void (*follow16)(uint16_t *state, const uint16_t *src, const uint16_t *motion_a, const uint16_t *motion_b,
                     const struct ta_recursive_ramp *ramp, int shift, int n);
    // Smoothing: each sample is drawn to its two neighbours on both sides, by half the square of the ramp of
    // the nearer ones, ramps[0], and of the others, ramps[1], at their difference. What lies beyond the ends
    // has no weight. Two samples draw each other equally, so each pair is worked out once: along the row, in
    // `pulls`, two rows with room for 2 more samples in front, whose contents are lost.
    void (*along)(uint16_t *dst, const uint16_t *src, uint16_t *const pulls[TA_RECURSIVE_RADIUS],
                  const struct ta_recursive_ramp ramps[TA_RECURSIVE_RADIUS], int n);
    // Across rows: src[0] is a new row and dst[0] its result so far; src[k] is the k-th row above for k up to
    // `above` (0 to 2), and dst[k], its result so far, is brought forward. dst[2] is complete then.
    void (*across)(uint16_t *const dst[TA_RECURSIVE_RADIUS + 1],
                   const uint16_t *const src[TA_RECURSIVE_RADIUS + 1], int above,
                   const struct ta_recursive_ramp ramps[TA_RECURSIVE_RADIUS], int n);
    // Back to samples, rounded.
    void (*narrow8)(uint8_t *dst, const uint16_t *src, int n);
    void (*narrow16)(uint16_t *dst, const uint16_t *src, int shift, int n);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_recursive_dsp *ta_recursive_dsp(void);

// One a set of instructions, for the choice above and for tests.
extern const struct ta_recursive_dsp ta_recursive_dsp_c, ta_recursive_dsp_sse41, ta_recursive_dsp_avx2,
    ta_recursive_dsp_avx512;

// Weights in units of 1/65536, here and there the same.
enum {
    TA_RECURSIVE_MEAN_MAGNITUDE = 17613, // 0.43 / 1.6
    TA_RECURSIVE_OWN_MAGNITUDE = 12288,  // 0.3 / 1.6
    TA_RECURSIVE_MEMORY = 57344,         // 7/8: a change that is not seen as motion is through in 20 frames
};

#endif
