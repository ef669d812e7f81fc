// Kernels of the processors of sound (sound_*.h). All instruction sets give the same bits: sums are kept in
// TA_SOUND_LANES lanes, which are added in one order. Arrays need no alignment, and only what is named is
// read or written. `n` may be 0.
#ifndef TA_DSP_SOUND_H
#define TA_DSP_SOUND_H

#include <stddef.h>

enum { TA_SOUND_LANES = 16 };

struct ta_sound_dsp {
    const char *name; // "c", "avx2", "avx512"

    // The sum of a[i] * b[i].
    float (*dot)(const float *a, const float *b, size_t n);
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
};

// The fastest that ta_cpu_flags() allows.
const struct ta_sound_dsp *ta_sound_dsp(void);

// One a set of instructions, for the choice above and for tests.
extern const struct ta_sound_dsp ta_sound_dsp_c, ta_sound_dsp_avx2, ta_sound_dsp_avx512;

#endif
