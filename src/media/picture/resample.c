#include "media/picture/resample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/resample.h"

struct ta_resampler {
    const struct ta_resample_dsp *dsp;
    struct ta_resample_side from, to;
    int work_depth;
    bool along_first;
    bool has_along, has_across;
    struct ta_resample_filter along, across;
    // The last rows that went in, as across() takes them: row y at y modulo their number.
    int16_t *ring[TA_RESAMPLE_TAPS];
    int16_t *wide, *tall[2], *done; // a row before along(), behind across(), and ready
    int16_t *memory;
};

// ---- kernels ----

static double bilinear(double x)
{
    return fmax(0, 1 - fabs(x));
}

// Keys' cubic with a = -0.5 (Catmull and Rom's spline): Keys, "Cubic convolution interpolation for digital
// image processing", 1981.
static double bicubic(double x)
{
    x = fabs(x);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

// The spline through six points whose ends are natural; in pieces, each from its left end.
static double spline36(double x)
{
    x = fabs(x);
    if (x < 1)
        return ((13.0 / 11 * x - 453.0 / 209) * x - 3.0 / 209) * x + 1;
    if (x < 2)
        return ((-6.0 / 11 * (x - 1) + 270.0 / 209) * (x - 1) - 156.0 / 209) * (x - 1);
    if (x < 3)
        return ((1.0 / 11 * (x - 2) - 45.0 / 209) * (x - 2) + 26.0 / 209) * (x - 2);
    return 0;
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin(x * M_PI) / (x * M_PI);
}

static double lanczos(double x)
{
    return fabs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static const struct {
    double (*weight)(double);
    int support;
} kernels[] = {
    [TA_KERNEL_BILINEAR] = {bilinear, 1},
    [TA_KERNEL_BICUBIC] = {bicubic, 2},
    [TA_KERNEL_SPLINE36] = {spline36, 3},
    [TA_KERNEL_LANCZOS] = {lanczos, 3},
};

// ---- planning ----

// The depth that zimg works at, 0 where it goes another way. 8 bits are always widened.
static int work_depth(int from, int to)
{
    if (from == 8)
        return to == 8 ? 16 : to;
    return to >= from ? to : to == 8 && from <= 10 ? from : 0;
}

// Which pass goes first costs differently: along a row is about twice the work of across. zimg's rule, since
// rounding between the passes depends on it.
static bool is_along_first(const struct ta_resample_side *from, const struct ta_resample_side *to)
{
    double x = (double)to->width / from->width, y = (double)to->height / from->height;
    return fmax(x, 1) * 2 + x * fmax(y, 1) < fmax(y, 1) + y * fmax(x, 1) * 2;
}

// Sample i of `to` lies at (i + 0.5) * from / to + shift of `from`.
static double shift_of(int from, int to, double from_offset, double to_offset)
{
    return to_offset * from / to - from_offset;
}

static int add_filter(struct ta_resample_filter *f, bool *has, enum ta_scale_kernel kernel, int from, int to,
                      double from_offset, double to_offset)
{
    double shift = shift_of(from, to, from_offset, to_offset);
    *has = from != to || shift != 0;
    return *has ? ta_resample_filter_init(f, kernels[kernel].weight, kernels[kernel].support, from, to, shift)
                : 0;
}

static int16_t *take(int16_t **at, int samples)
{
    int16_t *row = *at;
    *at += samples;
    return row;
}

static void lay_out(struct ta_resampler *r)
{
    int row = TA_MAX(r->from.width, r->to.width) + TA_RESAMPLE_MARGIN;
    row = (row + 31) & ~31;
    r->memory = ta_xcalloc((size_t)row * (TA_RESAMPLE_TAPS + 4), sizeof *r->memory);
    int16_t *at = r->memory;
    for (int k = 0; k < TA_RESAMPLE_TAPS; k++)
        r->ring[k] = take(&at, row);
    r->wide = take(&at, row);
    r->tall[0] = take(&at, row);
    r->tall[1] = take(&at, row);
    r->done = take(&at, row);
}

struct ta_resampler *ta_resampler_create(const struct ta_resample_side *from,
                                         const struct ta_resample_side *to, enum ta_scale_kernel kernel)
{
    const struct ta_resample_dsp *dsp = ta_resample_dsp();
    int depth = work_depth(from->depth, to->depth);
    if (!dsp || !depth)
        return NULL;
    struct ta_resampler *r = ta_xcalloc(1, sizeof *r);
    r->dsp = dsp;
    r->from = *from;
    r->to = *to;
    r->work_depth = depth;
    r->along_first = is_along_first(from, to);
    if (add_filter(&r->along, &r->has_along, kernel, from->width, to->width, from->offset_x, to->offset_x) <
            0 ||
        add_filter(&r->across, &r->has_across, kernel, from->height, to->height, from->offset_y,
                   to->offset_y) < 0) {
        ta_resampler_destroy(&r);
        return NULL;
    }
    lay_out(r);
    return r;
}

void ta_resampler_destroy(struct ta_resampler **resampler)
{
    struct ta_resampler *r = *resampler;
    *resampler = NULL;
    if (!r)
        return;
    ta_resample_filter_release(&r->along);
    ta_resample_filter_release(&r->across);
    free(r->memory);
    free(r);
}

// ---- running ----

static int16_t most(const struct ta_resampler *r)
{
    return (int16_t)((1 << r->work_depth) - 1 - 32768);
}

static void widen(const struct ta_resampler *r, int16_t *dst, const uint8_t *src)
{
    int shift = r->work_depth - r->from.depth;
    if (r->from.depth == 8)
        r->dsp->widen8(dst, src, shift, r->from.width);
    else
        r->dsp->widen16(dst, (const uint16_t *)(const void *)src, shift, r->from.width);
}

static void narrow(const struct ta_resampler *r, uint8_t *dst, const int16_t *src)
{
    if (r->to.depth == 8)
        r->dsp->narrow8(dst, src, r->work_depth - 8, r->to.width);
    else
        r->dsp->narrow16((uint16_t *)(void *)dst, src, r->to.width);
}

// Takes row y of the source in.
static void take_row(const struct ta_resampler *r, int y, const uint8_t *src)
{
    int16_t *row = r->ring[y % TA_RESAMPLE_TAPS];
    bool filter = r->has_along && r->along_first;
    widen(r, filter ? r->wide : row, src);
    if (filter)
        r->dsp->along(row, r->wide, &r->along, most(r));
}

// How many rows of the result, from y on, weigh the same rows of what goes in: 1 or 2.
static int count_alike(const struct ta_resampler *r, int y)
{
    return r->has_across && y + 1 < r->to.height && r->across.left[y + 1] == r->across.left[y] ? 2 : 1;
}

// Rows y to y + count - 1 between the rows that went in, whose width they have.
static void filter_across(const struct ta_resampler *r, int y, int count)
{
    const int16_t *rows[TA_RESAMPLE_TAPS],
        *weight = r->across.weight + (ptrdiff_t)y * TA_RESAMPLE_TAPS,
        *const both[2] = {weight, weight + (count > 1 ? TA_RESAMPLE_TAPS : 0)};
    int16_t *const made[2] = {r->tall[0], count > 1 ? r->tall[1] : NULL};
    for (int k = 0; k < r->across.taps; k++)
        rows[k] = r->ring[(r->across.left[y] + k) % TA_RESAMPLE_TAPS];
    r->dsp->across(made, rows, both, r->across.taps, most(r), r->along_first ? r->to.width : r->from.width);
}

void ta_resampler_run(struct ta_resampler *r, const uint8_t *src, ptrdiff_t src_stride, uint8_t *dst,
                      ptrdiff_t dst_stride)
{
    int in = 0, count;
    for (int y = 0; y < r->to.height; y += count) {
        int last = r->has_across ? r->across.left[y] + r->across.taps - 1 : y;
        for (; in <= last && in < r->from.height; in++)
            take_row(r, in, src + in * src_stride);
        count = count_alike(r, y);
        if (r->has_across)
            filter_across(r, y, count);
        for (int k = 0; k < count; k++) {
            const int16_t *row = r->has_across ? r->tall[k] : r->ring[y % TA_RESAMPLE_TAPS];
            if (r->has_along && !r->along_first) {
                r->dsp->along(r->done, row, &r->along, most(r));
                row = r->done;
            }
            narrow(r, dst + (y + k) * dst_stride, row);
        }
    }
}
