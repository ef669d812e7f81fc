// The bilinear transform of the analogue prototypes, as Robert Bristow-Johnson's cookbook has it.
#include "audio/biquad.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

struct angle {
    double cos, alpha;
};

static struct angle angle_of(int rate, double frequency, double q)
{
    double w = 2 * PI * fmin(frequency / rate, 0.499);
    return (struct angle){cos(w), sin(w) / (2 * q)};
}

static void set(struct ta_biquad *b, double b0, double b1, double b2, double a0, double a1, double a2)
{
    double first = b0 / a0, a = a1 / a0, c = a2 / a0;
    *b = (struct ta_biquad){first, b1 / a0 - a * first, b2 / a0 - c * first, a, c};
}

void ta_biquad_highpass(struct ta_biquad *b, int rate, double frequency, double q)
{
    struct angle t = angle_of(rate, frequency, q);
    double h = (1 + t.cos) / 2;
    set(b, h, -2 * h, h, 1 + t.alpha, -2 * t.cos, 1 - t.alpha);
}

void ta_biquad_lowpass(struct ta_biquad *b, int rate, double frequency, double q)
{
    struct angle t = angle_of(rate, frequency, q);
    double l = (1 - t.cos) / 2;
    if (frequency >= 0.499 * rate)
        *b = (struct ta_biquad){.b0 = 1}; // there is nothing higher
    else
        set(b, l, 2 * l, l, 1 + t.alpha, -2 * t.cos, 1 - t.alpha);
}

void ta_biquad_peak(struct ta_biquad *b, int rate, double frequency, double q, double gain_db)
{
    struct angle t = angle_of(rate, frequency, q);
    double a = pow(10, gain_db / 40);
    if (frequency >= 0.499 * rate)
        *b = (struct ta_biquad){.b0 = 1};
    else
        set(b, 1 + t.alpha * a, -2 * t.cos, 1 - t.alpha * a, 1 + t.alpha / a, -2 * t.cos, 1 - t.alpha / a);
}

// Numbers that have faded below what a float can hold are as slow to compute with as they are useless.
static double faded(double s)
{
    return fabs(s) < 1e-30 ? 0 : s;
}

// Two channels: side by side they take as long as one, in which each sample waits for the one before it.
typedef double pair __attribute__((vector_size(16)));

// Where `filters` is a constant, their states stay in registers.
static inline __attribute__((always_inline)) void run_pair(const struct ta_biquad *b, int filters,
                                                           double (*left)[2], double (*right)[2],
                                                           float *const *planes, size_t count)
{
    pair s1[TA_BIQUADS], s2[TA_BIQUADS];
    float *x = planes[0], *y = planes[1];
#pragma GCC unroll 4
    for (int k = 0; k < filters; k++) {
        s1[k] = (pair){left[k][0], right[k][0]};
        s2[k] = (pair){left[k][1], right[k][1]};
    }
    for (size_t i = 0; i < count; i++) {
        pair in = {x[i], y[i]};
#pragma GCC unroll 4
        for (int k = 0; k < filters; k++) {
            pair out = b[k].b0 * in + s1[k];
            pair next = (b[k].c1 * in + s2[k]) - b[k].a1 * s1[k];
            s2[k] = b[k].c2 * in - b[k].a2 * s1[k];
            s1[k] = next;
            in = out;
        }
        x[i] = (float)in[0];
        y[i] = (float)in[1];
    }
#pragma GCC unroll 4
    for (int k = 0; k < filters; k++) {
        left[k][0] = faded(s1[k][0]);
        left[k][1] = faded(s2[k][0]);
        right[k][0] = faded(s1[k][1]);
        right[k][1] = faded(s2[k][1]);
    }
}

void ta_biquad_run_pair(const struct ta_biquad *b, int filters, double (*left)[2], double (*right)[2],
                        float *const *planes, size_t count)
{
    switch (filters) {
    case 1:
        run_pair(b, 1, left, right, planes, count);
        break;
    case 2:
        run_pair(b, 2, left, right, planes, count);
        break;
    case 3:
        run_pair(b, 3, left, right, planes, count);
        break;
    default:
        run_pair(b, TA_BIQUADS, left, right, planes, count);
        break;
    }
}

void ta_biquad_run(const struct ta_biquad *b, int filters, double (*state)[2], float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double in = samples[i];
        for (int k = 0; k < filters; k++) {
            double out = b[k].b0 * in + state[k][0],
                   next = (b[k].c1 * in + state[k][1]) - b[k].a1 * state[k][0];
            state[k][1] = b[k].c2 * in - b[k].a2 * state[k][0];
            state[k][0] = next;
            in = out;
        }
        samples[i] = (float)in;
    }
    for (int k = 0; k < filters; k++) {
        state[k][0] = faded(state[k][0]);
        state[k][1] = faded(state[k][1]);
    }
}
