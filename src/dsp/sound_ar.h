// Autoregressive models of sound: a sample is predicted from TA_SOUND_ORDER before it. What is lost between
// samples that are known is filled in with what makes the errors of prediction least (LSAR).
#ifndef TA_DSP_SOUND_AR_H
#define TA_DSP_SOUND_AR_H

#include <stdbool.h>
#include <stddef.h>

#include "dsp/sound.h"

enum { TA_SOUND_ORDER = 31 };

struct ta_sound_ar {
    float weights[TA_SOUND_ORDER + 1]; // of the error: the first is 1, that of the sample itself
    double exact[TA_SOUND_ORDER + 1];  // the same
    double error;                      // mean square of it in what the model is of
};

// The model of n samples, by autocorrelation under a window; work holds n floats, and so does window. False
// where they are as good as silent.
bool ta_sound_ar_fit(struct ta_sound_ar *ar, const struct ta_sound_dsp *dsp, const float *x,
                     const float *window, float *work, size_t n);
// The same by Burg's method, of samples as they are: steady tones, which a window blurs, are foretold far
// ahead. work: 3 * n floats.
bool ta_sound_ar_fit_tones(struct ta_sound_ar *ar, const struct ta_sound_dsp *dsp, const float *x,
                           float *work, size_t n);
// Errors of prediction of x[0] to x[n - 1], from those before (`to`) and from those after them (`back`, may
// be NULL): x is read from -TA_SOUND_ORDER to n - 1 + TA_SOUND_ORDER.
void ta_sound_ar_errors(const struct ta_sound_ar *ar, const struct ta_sound_dsp *dsp, const float *x,
                        float *to, float *back, size_t n);
// Fills in x[0] to x[n - 1] from TA_SOUND_ORDER known samples on each side. work: n * (TA_SOUND_ORDER + 2)
// doubles.
void ta_sound_ar_fill(const struct ta_sound_ar *ar, float *x, size_t n, double *work);

#endif
