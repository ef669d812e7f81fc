// What DeepFilterNet3 hears and does, around its networks: spectra of 20 ms every 10 ms at 48 kHz, the
// features that the networks take of them, and their gains and filters put to work.
//
// Frame t is made of hops t - 1 and t of the sound. The networks' answer to the features up to frame t is for
// frame t - TA_DEEPFILTER_AHEAD, whose filters reach from two frames before it to two behind it.
#ifndef TA_DSP_SOUND_DEEPFILTER_H
#define TA_DSP_SOUND_DEEPFILTER_H

#include <complex.h>

enum {
    TA_DEEPFILTER_RATE = 48000,
    TA_DEEPFILTER_HOP = 480, // samples
    TA_DEEPFILTER_BINS = 481,
    TA_DEEPFILTER_BANDS = 32, // of the gains, about as wide as the ear's
    TA_DEEPFILTER_LOW = 96,   // bins that are filtered
    TA_DEEPFILTER_ORDER = 5,  // frames that a filter covers
    TA_DEEPFILTER_AHEAD = 2,  // frames
    // Samples that come out belong to samples so much earlier: a frame's second half, and the frames ahead.
    TA_DEEPFILTER_DELAY = TA_DEEPFILTER_HOP * (1 + TA_DEEPFILTER_AHEAD),
};

// Bins of each band; they add up to all.
extern const int ta_deepfilter_widths[TA_DEEPFILTER_BANDS];

// What features remember: slow means. Plain data.
struct ta_deepfilter_memory {
    float bands[TA_DEEPFILTER_BANDS], bins[TA_DEEPFILTER_LOW];
};
void ta_deepfilter_memory_init(struct ta_deepfilter_memory *m);
// The features of a frame: `bands` of TA_DEEPFILTER_BANDS, `real` and `imag` of TA_DEEPFILTER_LOW.
void ta_deepfilter_features(struct ta_deepfilter_memory *m, const float complex *bins, float *bands,
                            float *real, float *imag);

// The spectra of one channel. Thread-safety: Unsafe; different ones may run in different threads.
struct ta_deepfilter;
// Up to `frames` are heard before they are made. NULL where libavutil has no such transform.
struct ta_deepfilter *ta_deepfilter_create(int frames);
void ta_deepfilter_destroy(struct ta_deepfilter **d);
// The next hop; returns the frame that it completes, which stays as it is until that frame is made.
const float complex *ta_deepfilter_hear(struct ta_deepfilter *d, const float *hop);
// The hop that the answer to the next frame completes, of TA_DEEPFILTER_DELAY samples ago. gains: of
// TA_DEEPFILTER_BANDS; filters: TA_DEEPFILTER_LOW times TA_DEEPFILTER_ORDER times (real, imaginary). keep:
// how much of the sound as it was stays in, 0 to 1. gains NULL: there is no answer yet, and silence comes
// out.
void ta_deepfilter_make(struct ta_deepfilter *d, const float *gains, const float *filters, float keep,
                        float *hop);

#endif
