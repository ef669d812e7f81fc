// Separable resampling of planes in 16 bits, with weights of 14. All instruction sets give the same bits, and
// those are zimg's (tests/unit/test_convert.c compares them), in less time: samples stay 16 bits wide, and a
// row is filtered along itself by permuting registers where zimg transposes blocks.
//
// Between the passes a sample x is x - 32768, so that products of signed 16-bit numbers do. Rows handed to
// along() are readable for TA_RESAMPLE_MARGIN samples behind their last.
#ifndef TA_DSP_RESAMPLE_H
#define TA_DSP_RESAMPLE_H

#include <stdint.h>

enum { TA_RESAMPLE_TAPS = 8, TA_RESAMPLE_MARGIN = 64 };

// One direction. Output i is the sum of input[left[i] + k] * weight[i * 8 + k] over k < taps, in units of
// 1/16384; weights behind the taps are 0. The last output stands there again up to a multiple of 32.
struct ta_resample_filter {
    int from, to, taps; // taps: even, 2 to 8
    int *left;
    int16_t *weight;
    // The same for 32 outputs at a time, for registers that hold 32 samples: where a block's input begins;
    // for each of its pairs of samples in the order of packing (0-3, 8-11, 16-19, 24-27, then 4-7, ...) the
    // places of the first two in the input; and the weights of each two taps in that order.
    int *base;
    int16_t *place, *pair;
    int narrow; // no block's input is longer than 32 samples
    // For registers that hold 16: the bytes of each output's first two samples in those from the left one of
    // its four on, for 16 outputs at a time in the order of packing (0-3, 8-11, 4-7, 12-15).
    uint8_t *bytes;
};

// Weighs `from` samples at 0.5, 1.5, ... for `to` samples at (i + 0.5) * from / to + shift. Beyond the ends
// lies the mirror image. `kernel` is 0 beyond `support` (1, 2 or 3). TA_ERR_UNSUPPORTED to fewer samples,
// which takes more taps, and from less than TA_RESAMPLE_TAPS. Thread-safety: Safe.
int ta_resample_filter_init(struct ta_resample_filter *f, double (*kernel)(double), int support, int from,
                            int to, double shift);
void ta_resample_filter_release(struct ta_resample_filter *f);

struct ta_resample_dsp {
    const char *name; // "c", "avx2", "avx512", "avx512vnni"
    // dst = (src << shift) - 32768
    void (*widen8)(int16_t *dst, const uint8_t *src, int shift, int n);
    void (*widen16)(int16_t *dst, const uint16_t *src, int shift, int n);
    // f->to samples from f->from, clipped to `most` and -32768.
    void (*along)(int16_t *dst, const int16_t *src, const struct ta_resample_filter *f, int16_t most);
    // dst[o] = the sum of rows[k] * weight[o][k] over `taps` (even) rows, for two results of the same rows;
    // dst[1] is NULL where only one is wanted.
    void (*across)(int16_t *const dst[2], const int16_t *const *rows, const int16_t *const weight[2],
                   int taps, int16_t most, int n);
    // dst = (src + 32768) >> shift, rounded to nearest, halves to even, clipped to what 8 bits hold
    void (*narrow8)(uint8_t *dst, const int16_t *src, int shift, int n);
    void (*narrow16)(uint16_t *dst, const int16_t *src, int n); // no shift
};

// The fastest that ta_cpu_flags() allows; NULL where there is none but plain C, which zimg beats.
const struct ta_resample_dsp *ta_resample_dsp(void);

extern const struct ta_resample_dsp ta_resample_dsp_c, ta_resample_dsp_avx2, ta_resample_dsp_avx512,
    ta_resample_dsp_vnni;

#endif
