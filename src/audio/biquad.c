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
    *b = (struct ta_biquad){b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0};
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

// Two channels: side by side they take as long as one, in which each sample waits for the one before it.
typedef double pair __attribute__((vector_size(16)));

// Numbers that have faded below what a float can hold are as slow to compute with as they are useless.
static double faded(double s)
{
    return fabs(s) < 1e-30 ? 0 : s;
}

void ta_biquad_run_pair(const struct ta_biquad *b, double (*state)[2], float *const *planes, size_t count)
{
    float *left = planes[0], *right = planes[1];
    pair s1 = {state[0][0], state[1][0]}, s2 = {state[0][1], state[1][1]};
    for (size_t i = 0; i < count; i++) {
        pair x = {left[i], right[i]}, y = b->b0 * x + s1;
        s1 = b->b1 * x - b->a1 * y + s2;
        s2 = b->b2 * x - b->a2 * y;
        left[i] = (float)y[0];
        right[i] = (float)y[1];
    }
    for (int c = 0; c < 2; c++) {
        state[c][0] = faded(s1[c]);
        state[c][1] = faded(s2[c]);
    }
}

void ta_biquad_run(const struct ta_biquad *b, double *state, float *samples, size_t count)
{
    double s1 = state[0], s2 = state[1];
    for (size_t i = 0; i < count; i++) {
        double x = samples[i], y = b->b0 * x + s1;
        s1 = b->b1 * x - b->a1 * y + s2;
        s2 = b->b2 * x - b->a2 * y;
        samples[i] = (float)y;
    }
    state[0] = faded(s1);
    state[1] = faded(s2);
}
