// Kernels of the denoiser hqdn3d: recursive low-passes along rows, down columns and in time, whose weight
// falls with the difference. Samples are worked on as 16 bits whatever the source has. All instruction sets
// give the same bits, and those are libavfilter's (tests/unit/test_stages.c compares them); along a row each
// sample waits for the one before it, so rows are filtered four at a time.
#ifndef TA_DSP_HQDN3D_H
#define TA_DSP_HQDN3D_H

#include <stdint.h>

enum { TA_HQDN3D_ROWS = 4 };

// What is added to a sample for its difference d = previous - sample: pull[d >> step], for d of -65535 to
// 65535. 16-bit samples have a step of 0, others of 4.
struct ta_hqdn3d_curve {
    int16_t *pull; // the middle of `memory`
    int16_t *memory;
    int step;
};

// A neighbour that differs by `strength` levels of 8 bits (0 to 255) has a quarter of its weight; 0: none has
// any. Thread-safety: Safe.
void ta_hqdn3d_curve_init(struct ta_hqdn3d_curve *c, double strength, int depth);
void ta_hqdn3d_curve_release(struct ta_hqdn3d_curve *c);

// Takes samples of 8 to 16 bits to 16 (the middle of what they stand for) and filters along four rows, n > 0.
// The first sample of each stays, but for that of the picture's first row, which is dst[0] when `top`: it is
// its own neighbour.
void ta_hqdn3d_along8(uint16_t *const dst[TA_HQDN3D_ROWS], const uint8_t *const src[TA_HQDN3D_ROWS], int top,
                      const struct ta_hqdn3d_curve *c, int n);
void ta_hqdn3d_along16(uint16_t *const dst[TA_HQDN3D_ROWS], const uint16_t *const src[TA_HQDN3D_ROWS],
                       int depth, int top, const struct ta_hqdn3d_curve *c, int n);

struct ta_hqdn3d_dsp {
    const char *name; // "c", "avx2", "avx512"
    // above = row + pull of the difference between them
    void (*down)(uint16_t *above, const uint16_t *row, const struct ta_hqdn3d_curve *c, int n);
    // the same in time; dst is the result at the samples' own depth
    void (*in_time8)(uint8_t *dst, const uint16_t *row, uint16_t *before, const struct ta_hqdn3d_curve *c,
                     int n);
    void (*in_time16)(uint16_t *dst, const uint16_t *row, uint16_t *before, int depth,
                      const struct ta_hqdn3d_curve *c, int n);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_hqdn3d_dsp *ta_hqdn3d_dsp(void);

extern const struct ta_hqdn3d_dsp ta_hqdn3d_dsp_c, ta_hqdn3d_dsp_avx2, ta_hqdn3d_dsp_avx512;

#endif
