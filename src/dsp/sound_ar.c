#include "dsp/sound_ar.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { ORDER = TA_SOUND_ORDER };

// What reflection coefficient `reflection` makes of the weights a[0..i - 1].
static void step(double *a, int i, double reflection)
{
    double old[ORDER + 1];
    memcpy(old, a, sizeof old);
    for (int k = 1; k < i; k++)
        a[k] = old[k] + reflection * old[i - k];
    a[i] = reflection;
}

static void set(struct ta_sound_ar *ar, const double *a, double error)
{
    for (int k = 0; k <= ORDER; k++)
        ar->weights[k] = (float)a[k];
    memcpy(ar->exact, a, sizeof ar->exact);
    ar->error = error;
}

bool ta_sound_ar_fit(struct ta_sound_ar *ar, const struct ta_sound_dsp *dsp, const float *x,
                     const float *window, float *work, size_t n)
{
    double r[ORDER + 1], a[ORDER + 1] = {1}, error;
    dsp->multiply(work, x, window, n);
    for (size_t k = 0; k <= ORDER; k++)
        r[k] = k < n ? dsp->dot(work, work + k, n - k) : 0;
    *ar = (struct ta_sound_ar){.weights = {1}, .exact = {1}};
    if (!(r[0] > 1e-12 * (double)n))
        return false;
    // Some noise at -90 dB: no model of what is not there.
    error = r[0] *= 1 + 1e-8;
    for (int i = 1; i <= ORDER; i++) {
        double sum = r[i];
        for (int k = 1; k < i; k++)
            sum += a[k] * r[i - k];
        double reflection = -sum / error;
        if (!(fabs(reflection) < 1))
            break;
        step(a, i, reflection);
        error *= 1 - reflection * reflection;
    }
    set(ar, a, error / (double)n);
    return true;
}

bool ta_sound_ar_fit_tones(struct ta_sound_ar *ar, const struct ta_sound_dsp *dsp, const float *x,
                           float *work, size_t n)
{
    float *ahead = work, *back = work + n, *kept = work + 2 * n;
    double a[ORDER + 1] = {1}, error = dsp->dot(x, x, n) / (double)n;
    *ar = (struct ta_sound_ar){.weights = {1}, .exact = {1}};
    if (n <= ORDER || !(error > 1e-12))
        return false;
    memcpy(ahead, x, n * sizeof *ahead);
    memcpy(back, x, n * sizeof *back);
    for (int i = 1; i <= ORDER; i++) {
        // ahead[k] and back[k - 1] are the errors at k of prediction from i - 1 samples before and after.
        size_t m = n - (size_t)i;
        float *f = ahead + i, *b = back;
        double power = dsp->dot(f, f, m) + dsp->dot(b, b, m) + 1e-9 * error * (double)m;
        double reflection = -2 * dsp->dot(f, b, m) / power;
        if (!(fabs(reflection) < 1))
            break;
        step(a, i, reflection);
        error *= 1 - reflection * reflection;
        memcpy(kept, f, m * sizeof *kept);
        dsp->accumulate(f, b, (float)reflection, m);
        dsp->accumulate(b, kept, (float)reflection, m);
    }
    set(ar, a, error);
    return true;
}

void ta_sound_ar_errors(const struct ta_sound_ar *ar, const struct ta_sound_dsp *dsp, const float *x,
                        float *to, float *back, size_t n)
{
    float turned[ORDER + 1];
    for (int k = 0; k <= ORDER; k++)
        turned[k] = ar->weights[ORDER - k];
    dsp->filter(to, x - ORDER, turned, ORDER + 1, n);
    if (back)
        dsp->filter(back, x, ar->weights, ORDER + 1, n);
}

// The equations' matrix depends on distance alone and has ORDER diagonals beside the middle one: Cholesky
// within them. row(i)[k] is the element at (i, i - ORDER + k).
void ta_sound_ar_fill(const struct ta_sound_ar *ar, float *x, size_t n, double *work)
{
    double near[ORDER + 1], *rows = work, *right = work + n * (ORDER + 1);
    for (int k = 0; k <= ORDER; k++) {
        near[k] = 0;
        for (int i = 0; i + k <= ORDER; i++)
            near[k] += ar->exact[i] * ar->exact[i + k];
    }
    near[0] *= 1 + 1e-7;
    for (size_t i = 0; i < n; i++) {
        right[i] = 0;
        for (int k = 1; k <= ORDER; k++) {
            if (i < (size_t)k)
                right[i] -= near[k] * x[(ptrdiff_t)i - k];
            if (i + (size_t)k >= n)
                right[i] -= near[k] * x[i + (size_t)k];
        }
        double *row = rows + i * (ORDER + 1);
        for (int k = i < ORDER ? ORDER - (int)i : 0; k <= ORDER; k++) {
            size_t column = i + (size_t)k - ORDER;
            const double *other = rows + column * (ORDER + 1);
            double sum = near[ORDER - k];
            // Columns that both rows have, before this one.
            for (int m = i < ORDER ? ORDER - (int)i : 0; m < k; m++) {
                int there = m + ORDER - k;
                sum -= row[m] * other[there];
            }
            row[k] = k < ORDER ? sum / other[ORDER] : sqrt(TA_MAX(sum, 1e-12));
        }
    }
    for (size_t i = 0; i < n; i++) {
        const double *row = rows + i * (ORDER + 1);
        for (int k = i < ORDER ? ORDER - (int)i : 0; k < ORDER; k++)
            right[i] -= row[k] * right[i + (size_t)k - ORDER];
        right[i] /= row[ORDER];
    }
    for (size_t i = n; i-- > 0;) {
        const double *row = rows + i * (ORDER + 1);
        right[i] /= row[ORDER];
        for (int k = i < ORDER ? ORDER - (int)i : 0; k < ORDER; k++)
            right[i + (size_t)k - ORDER] -= row[k] * right[i];
        x[i] = (float)right[i];
    }
}
