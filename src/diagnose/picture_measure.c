#include "diagnose/picture_measure.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { BLOCK = 16, LEAST = 2 * BLOCK, BLACK = 24, WHITE = 228 };

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// One block, along its lines only: neighbouring lines may be of different fields. False where it is black or
// white: what is clipped has no noise.
static bool measure_block(const AVFrame *f, int x0, int y0, double *noise, double *slope)
{
    int64_t second = 0, first = 0, sum = 0;
    for (int y = y0; y < y0 + BLOCK; y++) {
        const uint8_t *c = f->data[0] + (ptrdiff_t)y * f->linesize[0] + x0;
        for (int x = 0; x < BLOCK; x++) {
            int v = c[x - 1] - 2 * c[x] + c[x + 1];
            second += (int64_t)v * v;
            first += abs(c[x + 1] - c[x - 1]);
            sum += c[x];
        }
    }
    // The mask's own gain: the root of its squares' sum, 6.
    *noise = sqrt((double)second / (BLOCK * BLOCK) / 6);
    *slope = (double)first / (2.0 * BLOCK * BLOCK);
    return sum > BLACK * BLOCK * BLOCK && sum < WHITE * BLOCK * BLOCK;
}

void ta_picture_measure(const AVFrame *f, struct ta_picture_measure *out)
{
    *out = (struct ta_picture_measure){0};
    if (f->width < LEAST + 2 || f->height < LEAST + 2)
        return;
    int columns = (f->width - 2) / BLOCK, rows = f->height / BLOCK, all = columns * rows, n = 0;
    double *noise = ta_xcalloc((size_t)all, sizeof *noise), *slope = ta_xcalloc((size_t)all, sizeof *slope);
    for (int i = 0; i < all; i++)
        n += measure_block(f, 1 + i % columns * BLOCK, i / columns * BLOCK, &noise[n], &slope[n]);
    qsort(noise, (size_t)n, sizeof *noise, compare_doubles);
    qsort(slope, (size_t)n, sizeof *slope, compare_doubles);
    int quarter = TA_MAX(1, n / 4), tenth = TA_MAX(1, n / 10);
    for (int i = 0; i < quarter && i < n; i++)
        out->noise += noise[i] / quarter;
    for (int i = TA_MAX(0, n - tenth); i < n; i++)
        out->sharpness += slope[i] / tenth;
    free(noise);
    free(slope);
}

double ta_picture_psnr(const AVFrame *a, const AVFrame *b, int x0, int y0, int width, int height)
{
    int64_t sum = 0;
    for (int y = y0; y < y0 + height; y++) {
        const uint8_t *p = a->data[0] + (ptrdiff_t)y * a->linesize[0],
                      *q = b->data[0] + (ptrdiff_t)y * b->linesize[0];
        for (int x = x0; x < x0 + width; x++)
            sum += (p[x] - q[x]) * (p[x] - q[x]);
    }
    double mse = (double)sum / ((double)TA_MAX(width, 1) * TA_MAX(height, 1));
    return mse > 0 ? TA_MIN(100.0, 10 * log10(255.0 * 255.0 / mse)) : 100;
}
