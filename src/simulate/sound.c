// A slow melody on five tones over a drone, with the hiss, hum and clicks of an old tape. Nothing is carried
// from sample to sample, so that any part can be made alone.
#include "simulate/sound.h"

#include "draw/paint.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

enum {
    NOTE = TA_SOUND_RATE * 6 / 10, // samples a note
    RINGING = 3,                   // notes that are heard at a time
    ATTACK = TA_SOUND_RATE / 50,
};

static const double scale[] = {220.0, 247.5, 275.0, 330.0, 366.667, 440.0, 495.0, 550.0};

static double tone(double frequency, int64_t n)
{
    double turns = frequency * (double)n / TA_SOUND_RATE;
    return ta_sine(turns) + 0.3 * ta_sine(2 * turns) + 0.12 * ta_sine(3 * turns);
}

// A wandering melody: each note is at most two steps from a slow arc.
static double pitch_of(int64_t note, uint32_t seed)
{
    uint32_t h = ta_hash((uint32_t)note, 1, seed), arc = ta_hash((uint32_t)(note / 4), 2, seed);
    int step = (int)(arc % 5) + (int)(h % 4);
    return scale[step < 8 ? step : 7];
}

static double melody(int64_t n, uint32_t seed)
{
    int64_t newest = n / NOTE;
    double sum = 0;
    for (int64_t note = newest - RINGING + 1; note <= newest; note++) {
        if (note < 0 || ta_hash((uint32_t)note, 3, seed) % 8 == 0) // a rest
            continue;
        int64_t age = n - note * NOTE, left = (int64_t)RINGING * NOTE - age;
        double decay = (double)left / ((double)RINGING * NOTE);
        double rise = age < ATTACK ? (double)age / ATTACK : 1;
        sum += rise * decay * decay * decay * tone(pitch_of(note, seed), age);
    }
    return sum;
}

static int16_t to_sample(double v)
{
    v *= 32767;
    v = v < -32768 ? -32768 : v > 32767 ? 32767 : v;
    return (int16_t)(v < 0 ? v - 0.5 : v + 0.5);
}

void ta_sound_make(uint32_t seed, double cut_every, int64_t first, int count, int16_t *interleaved)
{
    int64_t cut_samples = (int64_t)(cut_every * TA_SOUND_RATE + 0.5);
    for (int i = 0; i < count; i++) {
        int64_t n = first + i;
        double m = 0.16 * melody(n, seed);
        double drone = 0.03 * (ta_sine(110.0 * (double)n / TA_SOUND_RATE) +
                               ta_sine(165.0 * (double)n / TA_SOUND_RATE));
        double hum = 0.004 * ta_sine(60.0 * (double)n / TA_SOUND_RATE);
        int64_t since = n % cut_samples;
        double click = since < 96 && n >= cut_samples
                           ? 0.5 * (1 - (double)since / 96) * (since % 12 < 6 ? 1 : -1)
                           : 0;
        for (int channel = 0; channel < 2; channel++) {
            // Two neighbours of white noise averaged: less at the top.
            uint32_t a = ta_hash((uint32_t)n, 10 + (uint32_t)channel, seed),
                     b = ta_hash((uint32_t)(n + 1), 10 + (uint32_t)channel, seed);
            double hiss = 0.012 * ((double)(a >> 8) + (double)(b >> 8)) / 16777216.0 - 0.012;
            double side = channel ? 0.85 : 1;
            interleaved[2 * i + channel] = to_sample(m * side + drone + hum + click + hiss);
        }
    }
}
