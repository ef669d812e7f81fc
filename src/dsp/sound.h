// Kernels of the processors of sound (sound_*.h). All instruction sets give the same bits: sums are kept in
// TA_SOUND_LANES lanes, which are added in one order. Arrays need no alignment, and only what is named is
// read or written. `n` may be 0.
#ifndef TA_DSP_SOUND_H
#define TA_DSP_SOUND_H

#include <stdbool.h>
#include <stddef.h>

enum { TA_SOUND_LANES = 16 };

// What can be counted with: sizes from the least (nothing that matters is smaller, and it is slow) to the
// most.
#define TA_SOUND_LEAST 1e-15f
#define TA_SOUND_MOST 65536.0f

// n floats each.
struct ta_sound_track {
    float *smooth;       // the power, smoothed in time
    float *least;        // of `smooth` since it was last reset
    const float *before; // the least of the time before that
    float *noise;        // the estimate
    float keep;          // of `smooth` from one frame to the next
    float bias;          // of noise's mean to the least of its smoothed power
    float learn;         // share of a frame of noise alone in the estimate
};

struct ta_sound_gains {
    float keep;     // of the a-priori SNR from one frame to the next
    float least;    // a-priori SNR
    float floor;    // least gain
    float evidence; // how many times noise is around a bin that is more than noise
    float raise;    // of the SNR that comes of it
};

struct ta_sound_dsp {
    const char *name; // "c", "avx2", "avx512"

    // The sum of a[i] * b[i].
    float (*dot)(const float *a, const float *b, size_t n);
    // The largest of |x[i]|; 0 for none. What is no number is passed over.
    float (*most)(const float *x, size_t n);
    // to[i] = the sum over k < count of weights[k] * rows[k][i]; to is none of the rows.
    void (*blend)(float *to, const float *const *rows, const float *weights, size_t count, size_t n);
    // to[i] = |x[i] - 2 * x[i - 1] + x[i - 2]|: x[-2] and x[-1] are there.
    void (*bends)(float *to, const float *x, size_t n);
    // x[i] = |x[i]|
    void (*sizes)(float *x, size_t n);
    // Whether an x[i] above `least` in size is no further than `apart` from x[i - 1]; x[-1] is there.
    bool (*any_alike)(const float *x, float apart, float least, size_t n);
    // to[i] becomes |from[i]| where that is more.
    void (*raise)(float *to, const float *from, size_t n);
    // to[i] = from[i] made a number to count with (ta_sound_number()).
    void (*numbers)(float *to, const float *from, size_t n);
    // Swaps own[i] and theirs[i]; what comes to own is made a number to count with.
    void (*exchange)(float *own, float *theirs, size_t n);
    // How many x[i] are infinite or no number.
    size_t (*bad)(const float *x, size_t n);
    // to[i] += gain * from[i]
    void (*accumulate)(float *to, const float *from, float gain, size_t n);
    // The angles of c (cosines) and s (sines) grow by those of c1 and s1: from one harmonic to the next.
    void (*turn)(float *c, float *s, const float *c1, const float *s1, size_t n);
    // Subtracts from x a wave whose amplitudes go in a line from (ac, as), reached at i = 0, to (bc, bs) at
    // n: x[i] -= a * c[i] + b * s[i].
    void (*subtract)(float *x, const float *c, const float *s, const float from[2], const float to[2],
                     size_t n);
    // to[i] = the sum over k < taps of weights[k] * from[i + k]; from holds n + taps - 1 samples.
    void (*filter)(float *to, const float *from, const float *weights, size_t taps, size_t n);

    // to[i] = a[i] * b[i]
    void (*multiply)(float *to, const float *a, const float *b, size_t n);
    // to[i] += a[i] * b[i]
    void (*add_product)(float *to, const float *a, const float *b, size_t n);
    // to[i] += weight * (a[i] - b[i]) * (a[i] - b[i])
    void (*add_squares)(float *to, const float *a, const float *b, float weight, size_t n);
    // Two channels of n samples side by side, as of n complex numbers, and apart again.
    void (*interleave)(float *to, const float *left, const float *right, size_t n);
    void (*part)(float *left, float *right, const float *from, size_t n);
    // to[i] = from[n - 1 - i]
    void (*mirror)(float *to, const float *from, size_t n);
    // to[i] = the sum of x[i] and the three that follow it, each `apart` behind the one before.
    void (*add_four)(float *to, const float *x, size_t apart, size_t n);
    // Of a spectrum of n bins, real and imaginary parts in turn: adds the power of each bin to `to`.
    void (*power)(float *to, const float *bins, size_t n);
    // Of the spectrum of n complex numbers (n is even) that two channels side by side make: adds the power of
    // both channels together to to[0] .. to[n / 2].
    void (*power_of_pair)(float *to, const float *bins, size_t n);
    // Estimates noise bin by bin, see sound_hiss.c.
    void (*track)(const struct ta_sound_track *t, const float *power, size_t n);
    // A first gain for each bin: that of the logarithmic spectral amplitude's estimator (MMSE-LSA) for powers
    // in noise, of which `over` is 1 / power, with an a-priori SNR that is decision-directed in two steps,
    // times one of what is `around`: the mean power of a bin's neighbours. before: the power of what came out
    // of that last, which is set anew. Gives what SNR is left after it.
    void (*first)(float *snr, float *before, const float *power, const float *around, const float *over,
                  const struct ta_sound_gains *settings, size_t n);
    // The gain for an SNR: no less than the floor.
    void (*last)(float *gains, const float *snr, const struct ta_sound_gains *settings, size_t n);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_sound_dsp *ta_sound_dsp(void);

// One a set of instructions, for the choice above and for tests.
extern const struct ta_sound_dsp ta_sound_dsp_c, ta_sound_dsp_avx2, ta_sound_dsp_avx512;

#endif
