#include "sound_score.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/tx.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_block.h"

static double si_sdr(const struct sound *a, const struct sound *b)
{
    double dot = 0, own = 0, signal = 0, error = 0;
    size_t n = TA_MIN(a->samples, b->samples);
    for (int c = 0; c < a->channels; c++)
        for (size_t i = 0; i < n; i++) {
            dot += (double)a->planes[c][i] * b->planes[c][i];
            own += (double)a->planes[c][i] * a->planes[c][i];
        }
    double gain = own > 0 ? dot / own : 0;
    for (int c = 0; c < a->channels; c++)
        for (size_t i = 0; i < n; i++) {
            double x = gain * a->planes[c][i], e = b->planes[c][i] - x;
            signal += x * x;
            error += e * e;
        }
    return 10 * log10((signal + 1e-20) / (error + signal * 1e-13 + 1e-20));
}

static double segmental(int rate, const struct sound *a, const struct sound *b)
{
    size_t step = (size_t)rate / 50, n = TA_MIN(a->samples, b->samples);
    double sum = 0;
    int count = 0;
    for (int c = 0; c < a->channels; c++)
        for (size_t at = 0; at + step <= n; at += step) {
            double signal = 0, error = 0;
            for (size_t i = at; i < at + step; i++) {
                double e = (double)a->planes[c][i] - b->planes[c][i];
                signal += (double)a->planes[c][i] * a->planes[c][i];
                error += e * e;
            }
            if (signal / (double)step < 1e-7)
                continue;
            sum += TA_MIN(TA_MAX(10 * log10(signal / (error + 1e-12)), -10), 35);
            count++;
        }
    return count ? sum / count : 0;
}

static double distance(const struct sound *a, const struct sound *b)
{
    enum { SIZE = 1024 };
    AVTXContext *tx = NULL;
    av_tx_fn transform;
    float scale = 1, *in = ta_sound_alloc(SIZE, sizeof *in);
    AVComplexFloat *out[2] = {ta_sound_alloc(SIZE, sizeof **out), ta_sound_alloc(SIZE, sizeof **out)};
    double sum = 0;
    size_t count = 0, n = TA_MIN(a->samples, b->samples);
    if (av_tx_init(&tx, &transform, AV_TX_FLOAT_RDFT, 0, SIZE, &scale, 0) < 0)
        abort();
    for (int c = 0; c < a->channels; c++)
        for (size_t at = 0; at + SIZE <= n; at += SIZE / 2) {
            double frame = 0, power = 0;
            for (int k = 0; k < 2; k++) {
                const float *x = (k ? b : a)->planes[c] + at;
                for (int i = 0; i < SIZE; i++) {
                    in[i] = x[i] * (float)(0.5 - 0.5 * cos(2 * M_PI * i / SIZE));
                    power += k ? 0 : in[i] * in[i];
                }
                transform(tx, out[k], in, sizeof(float));
            }
            if (power / SIZE < 1e-7)
                continue;
            for (int i = 1; i < SIZE / 2; i++) {
                double p = out[0][i].re * out[0][i].re + out[0][i].im * out[0][i].im + 1e-5;
                double q = out[1][i].re * out[1][i].re + out[1][i].im * out[1][i].im + 1e-5;
                frame += pow(10 * log10(p / q), 2);
            }
            sum += sqrt(frame / (SIZE / 2 - 1));
            count++;
        }
    av_tx_uninit(&tx);
    free(in);
    free(out[0]);
    free(out[1]);
    return count ? sum / (double)count : 0;
}

// By how many samples `b` is late, within 60 ms: of 2 seconds around the loudest.
static int delay(int rate, const struct sound *a, const struct sound *b)
{
    const struct ta_sound_dsp *dsp = ta_sound_dsp();
    int most = rate * 6 / 100, best = 0;
    size_t n = TA_MIN(a->samples, b->samples), length = (size_t)rate * 2, from = (size_t)most;
    if (n < (size_t)most * 4)
        return 0;
    length = TA_MIN(length, n - 2 * (size_t)most);
    double loudest = -1;
    for (size_t at = (size_t)most; at + length + (size_t)most <= n; at += length / 2) {
        double power = dsp->dot(a->planes[0] + at, a->planes[0] + at, length);
        if (power > loudest) {
            loudest = power;
            from = at;
        }
    }
    double best_sum = -DBL_MAX;
    for (int d = -most; d <= most; d++) {
        double sum = dsp->dot(a->planes[0] + from, b->planes[0] + from + d, length);
        if (sum > best_sum) {
            best_sum = sum;
            best = d;
        }
    }
    return best;
}

void sound_score(int rate, const struct sound *truth, const struct sound *test)
{
    int late = delay(rate, truth, test);
    struct sound a = *truth, b = *test;
    float *planes[2][TA_SOUND_CHANNELS_MOST];
    // Of what the delay leaves out.
    for (int c = 0; c < a.channels; c++) {
        planes[0][c] = a.planes[c] + (late < 0 ? -late : 0);
        planes[1][c] = b.planes[c] + (late > 0 ? late : 0);
    }
    a.planes = planes[0];
    b.planes = planes[1];
    a.samples -= late < 0 ? (size_t)-late : 0;
    b.samples -= late > 0 ? (size_t)late : 0;
    printf("{\"si_sdr\": %.2f, \"seg_snr\": %.2f, \"lsd\": %.2f, \"delay\": %d, \"samples\": [%zu, %zu]}\n",
           si_sdr(&a, &b), segmental(rate, &a, &b), distance(&a, &b), late, truth->samples, test->samples);
}
