// Kernels of non-local means. All instruction sets give the same bits. Rows need no alignment; only what is
// named is written. `n` may be 0.
#ifndef TA_DSP_NLMEANS_H
#define TA_DSP_NLMEANS_H

#include <stdint.h>

enum {
    TA_NLMEANS_BITS = 11,      // of the samples that are compared, at most
    TA_NLMEANS_MAX_PATCH = 15, // so that sums of squared differences fit 31 bits
};

struct ta_nlmeans_dsp {
    const char *name; // "c", "avx2", "avx512"

    // columns[i] += (a[i] - b[i])^2, less (old_a[i] - old_b[i])^2 where a row leaves the patch.
    void (*add)(int32_t *columns, const uint16_t *a, const uint16_t *b, int n);
    void (*slide)(int32_t *columns, const uint16_t *a, const uint16_t *b, const uint16_t *old_a,
                  const uint16_t *old_b, int n);
    // For each i the distance d is the sum of columns[i] to columns[i + patch - 1], and the weight w is
    // exp(-d scale), or 0 where that is less than 1/255: weight[i] += w, sum[i] += w values[i].
    void (*gather)(float *sum, float *weight, const int32_t *columns, const uint16_t *values, int patch,
                   float scale, int n);
    // The mean of what was gathered and of the sample itself, which weighs 1; rounded.
    void (*finish8)(uint8_t *dst, const float *sum, const float *weight, const uint16_t *values, int n);
    void (*finish16)(uint16_t *dst, const float *sum, const float *weight, const uint16_t *values, int n);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_nlmeans_dsp *ta_nlmeans_dsp(void);
extern const struct ta_nlmeans_dsp ta_nlmeans_dsp_c, ta_nlmeans_dsp_avx2, ta_nlmeans_dsp_avx512;

#endif
