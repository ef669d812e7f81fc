#include "dsp/sound_block.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/sound.h"

enum { ALIGNMENT = 64 };

bool ta_sound_takes(int rate, int channels)
{
    return rate >= TA_SOUND_RATE_LEAST && rate <= TA_SOUND_RATE_MOST && channels >= 1 &&
           channels <= TA_SOUND_CHANNELS_MOST;
}

void *ta_sound_alloc(size_t count, size_t size)
{
    size_t bytes = (count * size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *p = aligned_alloc(ALIGNMENT, bytes);
    if (!p) {
        fprintf(stderr, "out of memory (%zu bytes)\n", bytes);
        abort();
    }
    return memset(p, 0, bytes);
}

float **ta_sound_planes(int channels, size_t size)
{
    size_t head = ((size_t)channels * sizeof(float *) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t step = (size + 15) / 16 * 16;
    char *all = ta_sound_alloc(1, head + (size_t)channels * step * sizeof(float));
    float **planes = (float **)(void *)all;
    for (int c = 0; c < channels; c++)
        planes[c] = (float *)(void *)(all + head) + (size_t)c * step;
    return planes;
}

float ta_sound_number(float x)
{
    float size = fabsf(x);
    if (!(size >= TA_SOUND_LEAST))
        return 0;
    return size > TA_SOUND_MOST ? copysignf(TA_SOUND_MOST, x) : x;
}

// Those of values[from .. to) that are below `pivot`, or with `same` those that are not above it, to the
// front; returns the place behind them. Each is swapped whatever it is: a branch that goes either way by
// chance takes as long as ten of these.
static size_t gather(float *values, size_t from, size_t to, float pivot, bool same)
{
    size_t k = from;
    for (size_t i = from; i < to; i++) {
        float x = values[i];
        values[i] = values[k];
        values[k] = x;
        k += same ? x <= pivot : x < pivot;
    }
    return k;
}

static float middle_of_three(float a, float b, float c)
{
    float low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

// Quickselect: only the side that has it is gone on with.
float ta_sound_nth(float *values, size_t n, size_t nth)
{
    size_t first = 0, end = n;
    while (end - first > 1) {
        float pivot = middle_of_three(values[first], values[first + (end - first) / 2], values[end - 1]);
        size_t low = gather(values, first, end, pivot, false);
        if (nth < low) {
            end = low;
            continue;
        }
        first = gather(values, low, end, pivot, true);
        if (nth < first)
            return pivot;
    }
    return values[nth];
}

void ta_sound_block_init(struct ta_sound_block *b, size_t size, int channels)
{
    *b = (struct ta_sound_block){.dsp = ta_sound_dsp(), .channels = channels, .size = size};
    b->planes = ta_sound_planes(channels, size);
}

void ta_sound_block_release(struct ta_sound_block *b)
{
    ta_freep(&b->planes);
}

void ta_sound_block_run(struct ta_sound_block *b, float *const *planes, size_t samples,
                        void (*process)(void *self, float *const *planes), void *self)
{
    for (size_t at = 0; at < samples;) {
        size_t n = TA_MIN(samples - at, b->size - b->fill);
        for (int c = 0; c < b->channels; c++)
            b->dsp->exchange(b->planes[c] + b->fill, planes[c] + at, n);
        at += n;
        b->fill += n;
        if (b->fill == b->size) {
            b->fill = 0;
            process(self, b->planes);
        }
    }
}

void ta_sound_block_hear(struct ta_sound_block *b, const float *const *planes, size_t samples,
                         void (*process)(void *self, float *const *planes), void *self)
{
    for (size_t at = 0; at < samples;) {
        size_t n = TA_MIN(samples - at, b->size - b->fill);
        for (int c = 0; c < b->channels; c++)
            b->dsp->numbers(b->planes[c] + b->fill, planes[c] + at, n);
        at += n;
        b->fill += n;
        if (b->fill == b->size) {
            b->fill = 0;
            process(self, b->planes);
        }
    }
}
