// What the processors of sound have in common: samples come in any number at a time, are made sound numbers,
// and are worked on in blocks of one size, so that the result depends on samples alone and not on how they
// were handed over.
//
// A processor of sound, X, has five functions:
//   ta_sound_X_create(params, rate, channels)   NULL if rate or channels are out of range (below). `params`
//                                               need live only until return.
//   ta_sound_X_run(x, planes, samples)          in place; planes[c] holds `samples` floats, nominally within
//                                               -1 and 1. What comes out at i is what belongs to input
//                                               i - latency; the first `latency` samples are nothing, and who
//                                               wants the last ones hands over as many zeros at the end.
//   ta_sound_X_latency(x)                       in samples; the same from create to destroy.
//   ta_sound_X_reach(x)                         samples before an input that have a say in what comes out for
//                                               it (beyond the latency, which is what comes after): who
//                                               starts in the middle of a track starts this much earlier.
//   ta_sound_X_destroy(&x)
// Thread-safety: Unsafe; different processors may run in different threads. Nothing is allocated after
// create.
#ifndef TA_DSP_SOUND_BLOCK_H
#define TA_DSP_SOUND_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

enum {
    TA_SOUND_RATE_LEAST = 2000,
    TA_SOUND_RATE_MOST = 768000,
    TA_SOUND_CHANNELS_MOST = 64,
};

struct ta_sound_dsp;
struct ta_sound_block {
    const struct ta_sound_dsp *dsp;
    int channels;
    size_t size, fill;
    float **planes; // those of the block before it, from `fill` on
};

// Whether processors take that.
bool ta_sound_takes(int rate, int channels);

// `count` zeroed elements of `size` bytes, aligned for any kernel and for libavutil's transforms; aborts
// where memory is out. Freed by free().
void *ta_sound_alloc(size_t count, size_t size);
// `channels` zeroed planes of `size` samples in one piece, freed by ta_freep().
float **ta_sound_planes(int channels, size_t size);

// A number to count with: what is none becomes 0, what is absurdly large is cut, what is too small to matter
// (and slow to count with) becomes 0. All else stays as it is.
float ta_sound_number(float x);

// What would be values[nth] if all n of them were sorted; they are reordered.
float ta_sound_nth(float *values, size_t n, size_t nth);

void ta_sound_block_init(struct ta_sound_block *b, size_t size, int channels);
void ta_sound_block_release(struct ta_sound_block *b);
// Swaps samples with those of the block before; each time a block is full, process(self, planes) works on it
// in place. Delays by `size` samples.
void ta_sound_block_run(struct ta_sound_block *b, float *const *planes, size_t samples,
                        void (*process)(void *self, float *const *planes), void *self);
// The same for who only listens: planes stay as they are.
void ta_sound_block_hear(struct ta_sound_block *b, const float *const *planes, size_t samples,
                         void (*process)(void *self, float *const *planes), void *self);

#endif
