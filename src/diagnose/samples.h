// Samples of a decoded frame in one unit, whatever its format: sixteenths of a code of 8 bits, 0..4095.
#ifndef TA_DIAGNOSE_SAMPLES_H
#define TA_DIAGNOSE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavutil/frame.h>

enum { TA_SAMPLE_ONE = 16, TA_SAMPLE_MAX = 4095 };

// Where one component's samples lie in a frame; borrowed from it.
struct ta_samples {
    const uint8_t *data;
    ptrdiff_t stride;
    int step, width, height; // bytes from sample to sample
    int low, bits;           // bits of padding below the value, bits of the value
    bool wide, big_endian;
};

// Component 0 is luma (green for RGB), 1 and 2 chroma. False where there is none or where it can't be read:
// of less than 8 bits, packed by bits, floats, in a device's memory.
bool ta_samples_of(const AVFrame *frame, int component, struct ta_samples *out);
// `count` samples of line y from column x, all within the picture.
void ta_samples_row(int16_t *out, const struct ta_samples *s, int x, int y, int count);

#endif
