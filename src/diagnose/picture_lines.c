#include "diagnose/picture_lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "diagnose/samples.h"

enum {
    MEAN = 4,      // samples of a line that are averaged
    WIDEST = 8192, // columns that are looked at
    BOTTOM = 12,   // lines at the bottom that levels leave out
    TORN_LEAST = 2,
    ABOVE = 4, // lines of the field above those that may be torn
    LOOKED = TA_TORN_MOST + ABOVE,
    LEAST_HEIGHT = 400, // of tapes' pictures
    MOST_HEIGHT = 640,
};

void ta_picture_levels_measure(const AVFrame *f, struct ta_picture_levels *out)
{
    *out = (struct ta_picture_levels){.black = -1, .white = -1};
    struct ta_samples luma, u, v;
    if (!ta_samples_of(f, 0, &luma) || luma.width < 64 || luma.height < 64)
        return;
    uint32_t histogram[256] = {0}, n = 0;
    int16_t row[WIDEST], other[WIDEST];
    int side = luma.width / 32, first = luma.height / 32, end = luma.height - TA_MAX(first, BOTTOM);
    int width = TA_MIN(luma.width - 2 * side, WIDEST);
    for (int y = first; y < end; y += 2) {
        ta_samples_row(row, &luma, side, y, width);
        for (int x = 0; x + MEAN <= width; x += MEAN, n++)
            histogram[(row[x] + row[x + 1] + row[x + 2] + row[x + 3]) / (MEAN * TA_SAMPLE_ONE)]++;
    }
    uint32_t few = TA_MAX(n / 200, 1), below = 0, above = 0;
    int black = 0, white = 255;
    while ((below += histogram[black]) < few)
        black++;
    while ((above += histogram[white]) < few)
        white--;
    out->black = (float)black;
    out->white = (float)white;
    if (!ta_samples_of(f, 1, &u) || !ta_samples_of(f, 2, &v))
        return;
    double sum = 0;
    int64_t count = 0;
    width = TA_MIN(u.width, WIDEST);
    for (int y = u.height / 32; y < u.height - BOTTOM; y += 4) {
        ta_samples_row(row, &u, 0, y, width);
        ta_samples_row(other, &v, 0, y, width);
        for (int x = 0; x + MEAN <= width; x += MEAN, count++) {
            double a = (row[x] + row[x + 1] + row[x + 2] + row[x + 3]) / (double)(MEAN * TA_SAMPLE_ONE) - 128,
                   b = (other[x] + other[x + 1] + other[x + 2] + other[x + 3]) /
                           (double)(MEAN * TA_SAMPLE_ONE) -
                       128;
            sum += sqrt(a * a + b * b);
        }
    }
    out->saturation = count ? (float)(sum / (double)count) : 0;
}

// ---- torn lines ----

static double difference(const int16_t *a, const int16_t *b, int n)
{
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += abs(a[i] - b[i]);
    return (double)sum / n / TA_SAMPLE_ONE;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *v, int n)
{
    double sorted[LOOKED];
    memcpy(sorted, v, (size_t)n * sizeof *v);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return sorted[n / 2];
}

// How much more the two lines below a border have than the two above it, counted from the bottom.
static double step_at(const double *v, int border)
{
    return (v[border - 1] + v[border - 2]) / (v[border] + v[border + 1] + 2);
}

int ta_picture_torn_lines(const AVFrame *before, const AVFrame *picture)
{
    struct ta_samples a, b;
    if (!ta_samples_of(before, 0, &a) || !ta_samples_of(picture, 0, &b) || b.height < LEAST_HEIGHT ||
        b.height > MOST_HEIGHT || b.width < 64 || a.width != b.width || a.height != b.height)
        return -1;
    double moved[LOOKED] = {0}, unlike[LOOKED] = {0}; // to `before`; to the line of the field above
    int16_t rows[2][WIDEST], was[WIDEST];
    int width = TA_MIN(b.width, WIDEST);
    for (int field = 0; field < 2; field++) {
        int last = b.height - 1 - field;
        ta_samples_row(rows[0], &b, 0, last, width);
        for (int i = 0; i < LOOKED; i++) {
            const int16_t *here = rows[i % 2];
            ta_samples_row(was, &a, 0, last - 2 * i, width);
            ta_samples_row(rows[(i + 1) % 2], &b, 0, last - 2 * (i + 1), width);
            moved[i] += difference(here, was, width) / 2;
            unlike[i] += difference(here, rows[(i + 1) % 2], width) / 2;
        }
    }
    int torn = 0;
    double best = 0;
    for (int n = TORN_LEAST; n <= TA_TORN_MOST; n++) {
        double step = step_at(moved, n) * step_at(unlike, n);
        // All at once, not by and by.
        bool apart = median(moved, n) > 2 * (median(moved + n, ABOVE) + 1) && step_at(moved, n) > 1.8;
        if (apart && step > best) {
            best = step;
            torn = n;
        }
    }
    // Where the picture moves all over, what is torn moves no more than the rest.
    double motion = median(moved + TA_TORN_MOST, ABOVE);
    if (!torn && motion > 4 && motion > 0.6 * median(unlike + TA_TORN_MOST, ABOVE))
        return -1;
    return torn;
}
