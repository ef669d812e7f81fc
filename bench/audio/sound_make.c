#include "sound_make.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/sound_block.h"

static uint64_t random_state;

static double uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static double gaussian(void)
{
    double a = sqrt(-2 * log(uniform() + 1e-12)), b = 2 * M_PI * uniform();
    return a * cos(b);
}

static void seed_with(unsigned seed)
{
    random_state = 88172645463325252u ^ ((uint64_t)seed * 0x9E3779B97F4A7C15u);
    for (int i = 0; i < 8; i++)
        uniform();
}

void sound_init(struct sound *s, int channels, size_t samples)
{
    *s = (struct sound){channels, samples, ta_sound_planes(channels, samples + 1)};
}

void sound_release(struct sound *s)
{
    ta_freep(&s->planes);
}

static void note(struct sound *s, double rate, double start, double length, double frequency, double level,
                 double place, bool bowed)
{
    size_t from = (size_t)(start * rate), to = TA_MIN((size_t)((start + length) * rate), s->samples);
    for (int k = 1; k <= 12 && k * frequency < 0.45 * rate; k++) {
        double phase = 2 * M_PI * uniform(), amplitude = level / pow(k, 1.3);
        double inharmonic = k * frequency * sqrt(1 + 2e-4 * k * k);
        for (size_t i = from; i < to; i++) {
            double t = (double)(i - from) / rate, left = length - t;
            double shape = bowed ? fmin(1, t / 0.08) * (1 + 0.1 * sin(2 * M_PI * 5 * t))
                                 : fmin(1, t / 0.004) * exp(-t * (1.5 + 0.8 * k));
            double x = amplitude * shape * fmin(1, left / 0.03) * sin(2 * M_PI * inharmonic * t + phase);
            for (int c = 0; c < s->channels; c++)
                s->planes[c][i] += (float)(x * (s->channels == 1 ? 1 : c ? place : 1 - place));
        }
    }
}

static void music(struct sound *s, int rate)
{
    static const int chords[4][3] = {{0, 4, 7}, {9, 12, 16}, {5, 9, 12}, {7, 11, 14}};
    double seconds = (double)s->samples / rate, beat = 0.5;
    for (int b = 0; b * beat < seconds; b++) {
        const int *chord = chords[b / 4 % 4];
        double t = b * beat;
        note(s, rate, t, 0.48, 65.41 * pow(2, chord[0] / 12.0), 0.12, 0.5, false);
        for (int i = 0; i < 3 && b % 4 == 0; i++)
            note(s, rate, t, 1.98, 261.63 * pow(2, chord[i] / 12.0), 0.03, 0.3 + 0.2 * i, true);
        for (int i = 0; i < 2; i++)
            note(s, rate, t + i * beat / 2, 0.4,
                 523.25 * pow(2, (chord[(int)(uniform() * 3)] + 12 * (int)(uniform() * 2)) / 12.0), 0.06,
                 0.2 + 0.6 * uniform(), false);
        // A drum of noise.
        size_t from = (size_t)((t + (b % 2 ? 0 : beat / 2)) * rate);
        for (size_t i = from; i < TA_MIN(from + (size_t)(0.15 * rate), s->samples); i++) {
            double x = 0.05 * gaussian() * exp(-(double)(i - from) / (0.03 * rate));
            for (int c = 0; c < s->channels; c++)
                s->planes[c][i] += (float)x;
        }
    }
}

static void applause(struct sound *s, int rate)
{
    double hands = 120 * (double)s->samples / rate;
    for (int h = 0; h < (int)hands; h++) {
        size_t from = (size_t)(uniform() * (double)s->samples), length = (size_t)(0.02 * rate);
        double level = 0.02 + 0.06 * uniform(), place = uniform();
        double tone = 900 + 1500 * uniform(), decay = 0.003 + 0.004 * uniform(), r = exp(-600.0 / rate);
        double y1 = 0, y2 = 0, turn = 2 * r * cos(2 * M_PI * tone / rate);
        for (size_t i = 0; i < length && from + i < s->samples; i++) {
            double x = gaussian() * exp(-(double)i / (decay * rate)), y = 0.3 * x + turn * y1 - r * r * y2;
            y2 = y1;
            y1 = y;
            for (int c = 0; c < s->channels; c++)
                s->planes[c][from + i] += (float)(level * (0.5 * x + y) *
                                                  (s->channels == 1 ? 1
                                                   : c              ? place
                                                                    : 1 - place));
        }
    }
}

static double rms(const struct sound *s)
{
    double sum = 0;
    for (int c = 0; c < s->channels; c++)
        for (size_t i = 0; i < s->samples; i++)
            sum += (double)s->planes[c][i] * s->planes[c][i];
    return sqrt(sum / (double)s->samples / s->channels);
}

bool sound_make(const char *kind, int rate, unsigned seed, struct sound *s)
{
    seed_with(seed);
    if (!strcmp(kind, "music"))
        music(s, rate);
    else if (!strcmp(kind, "applause"))
        applause(s, rate);
    else if (strcmp(kind, "silence"))
        return false;
    return true;
}

static void add_scaled(struct sound *s, const double *wave, double below_db)
{
    double sum = 0;
    for (size_t i = 0; i < s->samples; i++)
        sum += wave[i] * wave[i];
    double gain = rms(s) * pow(10, -below_db / 20) / sqrt(sum / (double)s->samples);
    for (int c = 0; c < s->channels; c++)
        for (size_t i = 0; i < s->samples; i++)
            s->planes[c][i] += (float)(gain * wave[i]);
}

// A mains hum whose frequency wanders as mains and tapes do.
static void hum(struct sound *s, int rate, double mains, double below_db)
{
    static const double levels[] = {1, 0.6, 0.8, 0.25, 0.5, 0.15, 0.3, 0.1, 0.2, 0.06, 0.12, 0.04};
    double *wave = ta_xcalloc(s->samples, sizeof *wave), phases[12], phase = 0;
    for (int k = 0; k < 12; k++)
        phases[k] = 2 * M_PI * uniform();
    for (size_t i = 0; i < s->samples; i++) {
        double t = (double)i / rate;
        phase += 2 * M_PI * mains * (1.0008 + 0.0003 * sin(2 * M_PI * t / 23)) / rate;
        for (int k = 0; k < 12; k++)
            wave[i] += levels[k] * sin((k + 1) * phase + phases[k]);
    }
    add_scaled(s, wave, below_db);
    free(wave);
}

static void hiss(struct sound *s, int rate, double below_db)
{
    double level = rms(s) * pow(10, -below_db / 20);
    (void)rate;
    for (int c = 0; c < s->channels; c++)
        for (size_t i = 0; i < s->samples; i++)
            s->planes[c][i] += (float)(level * gaussian());
}

static void clicks(struct sound *s, int rate, double a_minute)
{
    int count = (int)(a_minute * (double)s->samples / rate / 60);
    double level = rms(s);
    for (int k = 0; k < count; k++) {
        size_t from = (size_t)(uniform() * (double)s->samples);
        size_t length = (size_t)((0.0001 + 0.0009 * uniform() * uniform()) * rate) + 1;
        double size = level * (2 + 8 * uniform()) * (uniform() < 0.5 ? -1 : 1), turn = 0.5 + 2 * uniform();
        for (size_t i = 0; i < length && from + i < s->samples; i++)
            for (int c = 0; c < s->channels; c++)
                s->planes[c][from + i] += (float)(size * cos(turn * (double)i) *
                                                  exp(-2.0 * (double)i / (double)length));
    }
}

// Head switching: a ringing pulse at each field, of two heads.
static void buzz(struct sound *s, int rate, double below_db, double fields)
{
    double *wave = ta_xcalloc(s->samples, sizeof *wave), seconds = (double)s->samples / rate;
    for (int f = 0; f / fields < seconds; f++) {
        double start = (f + 0.3) / fields * rate * 1.00003, size = f % 2 ? 1 : -0.7;
        for (size_t i = (size_t)start; i < TA_MIN((size_t)(start + 0.002 * rate), s->samples); i++) {
            double t = ((double)i - start) / rate;
            wave[i] += size * sin(2 * M_PI * 1800 * t) * exp(-t / 0.0004) * pow(1 - exp(-t / 0.00015), 2);
        }
    }
    add_scaled(s, wave, below_db);
    free(wave);
}

static void dropouts(struct sound *s, int rate, double a_minute)
{
    int count = (int)(a_minute * (double)s->samples / rate / 60);
    for (int k = 0; k < count; k++) {
        size_t from = (size_t)(uniform() * (double)s->samples);
        size_t length = (size_t)((0.002 + 0.03 * uniform() * uniform()) * rate);
        for (size_t i = 0; i < length && from + i < s->samples; i++)
            for (int c = 0; c < s->channels; c++)
                s->planes[c][from + i] *= 0.003f;
    }
}

static void clip(struct sound *s, double over_db)
{
    float peak = 0;
    for (int c = 0; c < s->channels; c++)
        for (size_t i = 0; i < s->samples; i++)
            peak = TA_MAX(peak, fabsf(s->planes[c][i]));
    float limit = peak * (float)pow(10, -over_db / 20);
    for (int c = 0; c < s->channels; c++)
        for (size_t i = 0; i < s->samples; i++)
            s->planes[c][i] = fmaxf(-limit, fminf(limit, s->planes[c][i]));
}

// A tape's speed that swings: samples are read from where it would have been, by a sum of sines.
static void wow(struct sound *s, int rate, double percent, double hertz)
{
    enum { REACH = 16 };
    float *from = ta_xcalloc(s->samples, sizeof *from);
    double most = percent / 100 * M_SQRT2 / (2 * M_PI * hertz) * rate; // samples off place, for that RMS
    for (int c = 0; c < s->channels; c++) {
        memcpy(from, s->planes[c], s->samples * sizeof *from);
        for (size_t i = 0; i < s->samples; i++) {
            double at = (double)i + most * sin(2 * M_PI * hertz * (double)i / rate), sum = 0;
            long long first = (long long)floor(at) - REACH + 1;
            for (int k = 0; k < 2 * REACH; k++) {
                double t = at - (double)(first + k), x = M_PI * t;
                if (first + k >= 0 && first + k < (long long)s->samples)
                    sum += from[first + k] * (fabs(t) < 1e-9 ? 1 : sin(x) / x * (0.5 + 0.5 * cos(x / REACH)));
            }
            s->planes[c][i] = (float)sum;
        }
    }
    free(from);
}

bool sound_spoil(const char *kind, int rate, unsigned seed, double amount, struct sound *s)
{
    seed_with(seed);
    if (!strcmp(kind, "hum50") || !strcmp(kind, "hum60"))
        hum(s, rate, kind[3] == '5' ? 50 : 60, amount);
    else if (!strcmp(kind, "hiss"))
        hiss(s, rate, amount);
    else if (!strcmp(kind, "clicks"))
        clicks(s, rate, amount);
    else if (!strcmp(kind, "buzz50") || !strcmp(kind, "buzz60"))
        buzz(s, rate, amount, kind[4] == '5' ? 50 : 60 / 1.001);
    else if (!strcmp(kind, "dropouts"))
        dropouts(s, rate, amount);
    else if (!strcmp(kind, "wow"))
        wow(s, rate, amount, 1.7);
    else if (!strcmp(kind, "flutter"))
        wow(s, rate, amount, 8);
    else if (!strcmp(kind, "clip"))
        clip(s, amount);
    else
        return false;
    return true;
}
