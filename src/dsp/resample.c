#include "dsp/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/cpu.h"
#include "base/mem.h"

enum { ONE = 1 << 14, BLOCK = 32, MAX_SUPPORT = 3 };

const struct ta_resample_dsp *ta_resample_dsp(void)
{
#ifdef __x86_64__
    unsigned flags = ta_cpu_flags();
    if (flags & TA_CPU_AVX512 && flags & TA_CPU_VNNI)
        return &ta_resample_dsp_vnni;
    if (flags & TA_CPU_AVX512)
        return &ta_resample_dsp_avx512;
    if (flags & TA_CPU_AVX2)
        return &ta_resample_dsp_avx2;
#endif
    return NULL;
}

// Where a place outside is mirrored to.
static int inside(double place, int count)
{
    if (place < 0)
        place = -place;
    else if (place >= count)
        place = fmin(2.0 * count - place, count - 0.5);
    return (int)floor(fmax(place, 0));
}

// Whole weights that add up to one: each takes over the error of those before it, the largest what is left.
static void quantize(int16_t *out, const double *weights, int taps)
{
    double error = 0;
    int sum = 0, largest = 0;
    for (int k = 0; k < taps; k++) {
        double wanted = weights[k] * ONE - error;
        out[k] = (int16_t)lrint(wanted);
        error = out[k] - wanted;
        sum += out[k];
        if (abs(out[k]) > abs(out[largest]))
            largest = k;
    }
    out[largest] = (int16_t)(out[largest] + ONE - sum);
}

// One output: which places of the input it takes, not in order and some twice, and their weights.
struct output {
    int count, place[2 * MAX_SUPPORT];
    double weight[2 * MAX_SUPPORT];
    int left, end;
};

static void weigh(struct output *o, double (*kernel)(double), int support, int from, double at)
{
    double first = floor(at - support + 0.5) + 0.5, total = 0;
    o->count = 2 * support;
    for (int k = 0; k < o->count; k++) {
        o->place[k] = inside(first + k, from);
        o->weight[k] = kernel(first + k - at);
        total += o->weight[k];
    }
    o->left = from;
    o->end = 0;
    for (int k = 0; k < o->count; k++) {
        o->weight[k] /= total;
        o->left = TA_MIN(o->left, o->place[k]);
        o->end = TA_MAX(o->end, o->place[k] + 1);
    }
}

static void make_blocks(struct ta_resample_filter *f, int blocks)
{
    int pairs = f->taps / 2;
    f->base = ta_xcalloc((size_t)blocks, sizeof *f->base);
    f->place = ta_xcalloc((size_t)blocks * 2 * BLOCK, sizeof *f->place);
    f->pair = ta_xcalloc((size_t)blocks * (size_t)pairs * 2 * BLOCK, sizeof *f->pair);
    f->narrow = 1;
    for (int b = 0; b < blocks; b++) {
        f->base[b] = f->left[b * BLOCK];
        if (f->left[b * BLOCK + BLOCK - 1] + f->taps - f->base[b] > BLOCK)
            f->narrow = 0;
        for (int lane = 0; lane < BLOCK; lane++) {
            int half = lane / 16, in_half = lane % 16;
            int i = b * BLOCK + in_half / 4 * 8 + half * 4 + in_half % 4;
            for (int e = 0; e < 2; e++) {
                f->place[(b * BLOCK + lane) * 2 + e] = (int16_t)(f->left[i] - f->base[b] + e);
                for (int p = 0; p < pairs; p++)
                    f->pair[((b * pairs + p) * BLOCK + lane) * 2 + e] =
                        f->weight[i * TA_RESAMPLE_TAPS + 2 * p + e];
            }
        }
    }
}

// Four outputs take at most 3 samples more than one does (to >= from): their first two lie within 8.
static void make_bytes(struct ta_resample_filter *f, int outputs)
{
    f->bytes = ta_xcalloc((size_t)outputs, 4);
    for (int i = 0; i < outputs; i++) {
        int lane = i % 4 + (i & 8) / 2 + (i & 4) * 2; // 0-3, 8-11, 4-7, 12-15
        for (int b = 0; b < 4; b++)
            f->bytes[(i / 16 * 16 + lane) * 4 + b] = (uint8_t)(2 * (f->left[i] - f->left[i & ~3]) + b);
    }
}

int ta_resample_filter_init(struct ta_resample_filter *f, double (*kernel)(double), int support, int from,
                            int to, double shift)
{
    *f = (struct ta_resample_filter){.from = from, .to = to};
    if (to < from || from < TA_RESAMPLE_TAPS)
        return TA_ERR_UNSUPPORTED;
    struct output *outputs = ta_xcalloc((size_t)to, sizeof *outputs);
    int taps = 2;
    for (int i = 0; i < to; i++) {
        weigh(&outputs[i], kernel, support, from, (i + 0.5) / ((double)to / from) + shift);
        taps = TA_MAX(taps, outputs[i].end - outputs[i].left);
    }
    f->taps = (taps + 1) & ~1;
    int blocks = (to + BLOCK - 1) / BLOCK;
    f->left = ta_xcalloc((size_t)blocks * BLOCK, sizeof *f->left);
    f->weight = ta_xcalloc((size_t)blocks * BLOCK * TA_RESAMPLE_TAPS, sizeof *f->weight);
    for (int i = 0; i < blocks * BLOCK; i++) {
        const struct output *o = &outputs[TA_MIN(i, to - 1)];
        double row[2 * MAX_SUPPORT] = {0};
        f->left[i] = TA_MIN(o->left, from - taps);
        for (int k = 0; k < o->count; k++)
            row[o->place[k] - f->left[i]] += o->weight[k];
        quantize(f->weight + i * TA_RESAMPLE_TAPS, row, taps);
    }
    free(outputs);
    make_blocks(f, blocks);
    make_bytes(f, blocks * BLOCK);
    return 0;
}

void ta_resample_filter_release(struct ta_resample_filter *f)
{
    ta_freep(&f->left);
    ta_freep(&f->weight);
    ta_freep(&f->base);
    ta_freep(&f->place);
    ta_freep(&f->pair);
    ta_freep(&f->bytes);
}
