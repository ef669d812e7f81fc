#include "diagnose/noise.h"

#include <math.h>
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "diagnose/measure.h"
#include "diagnose/noise_picture.h"

struct noise {
    struct ta_noise_picture *pictures;
    int64_t count, told; // those that told something
    bool coded;          // most of these are predicted from others
    double luma, chroma, level[TA_NOISE_LEVELS], across, down, still, confidence;
};

// What prediction and quantising take away from noise, as measured on MPEG-2 of 6 Mbit/s: a share, and what
// is too faint for the quantiser's least step. Very clean sources get none of it. In between it may be coding
// or what it left; to take luma's for the latter gains more where it is than it costs where it is not.
static const double coded_share = 1.27;
struct coded {
    double floor, clean_below, noisy_above;
};
static const struct coded of_luma = {0.75, 0.14, 0.19}, of_chroma = {0.7, 0.2, 0.5};

static int begin(void **state, const struct ta_measure_input *in)
{
    struct noise *n = *state = ta_xcalloc(1, sizeof *n);
    n->count = in->count;
    n->pictures = calloc((size_t)in->count, sizeof *n->pictures);
    return n->pictures ? 0 : TA_ERR_NOMEM;
}

// Are these pictures predicted from each other? Those of lossless and of tape's own codings never are.
static bool is_coded(const struct ta_measure_frame *f)
{
    const AVFrame *near[] = {f->before, f->frame, f->after};
    for (size_t i = 0; i < TA_COUNT(near); i++)
        if (near[i] && (near[i]->pict_type == AV_PICTURE_TYPE_P || near[i]->pict_type == AV_PICTURE_TYPE_B))
            return true;
    return false;
}

static void measure(void *state, const struct ta_measure_frame *f)
{
    struct noise *n = state;
    struct ta_noise_picture *p = &n->pictures[f->at];
    if (f->before && f->before->width == f->frame->width && f->before->height == f->frame->height &&
        f->before->format == f->frame->format)
        ta_noise_picture_measure(f->before, f->frame, is_coded(f), p);
    else
        *p = (struct ta_noise_picture){.luma = -1, .chroma = -1, .repeated = true};
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// A quantile of what is not below 0; -1 where nothing is.
static double quantile(float *values, int64_t count, double share)
{
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++)
        if (values[i] >= 0)
            values[n++] = values[i];
    qsort(values, (size_t)n, sizeof *values, compare);
    return n ? (double)values[(int64_t)(share * (double)(n - 1) + 0.5)] : -1;
}

static double of_all(const struct noise *n, float *room, size_t member, double share)
{
    for (int64_t i = 0; i < n->count; i++) {
        const struct ta_noise_picture *p = &n->pictures[i];
        const char *field = (const char *)p + member;
        room[i] = p->repeated || p->luma < 0 ? -1 : *(const float *)(const void *)field;
    }
    return quantile(room, n->count, share);
}

static double before_coding(double sigma, const struct coded *c)
{
    double faint = (sigma - c->clean_below) / (c->noisy_above - c->clean_below);
    double least = c->floor * fmax(0, fmin(faint, 1));
    return sigma > 0 ? sqrt(coded_share * coded_share * sigma * sigma + least * least) : sigma;
}

// Three digits: what is behind them says nothing, and plans are read by people.
static double rounded(double v)
{
    return round(v * 1000) / 1000;
}

static double correlation(const struct noise *n, bool down)
{
    double sum = 0;
    for (int64_t i = 0; i < n->count; i++) {
        const struct ta_noise_picture *p = &n->pictures[i];
        if (!p->repeated && p->luma >= 0)
            sum += (double)(down ? p->down : p->across) / (double)n->told;
    }
    return rounded(sum);
}

// How sure: by how many pictures told something, how much of them was still, how well they agree, and whether
// coding has flattened the noise before it could be measured.
static double confidence(const struct noise *n, double spread)
{
    double sure = fmin(1, (double)n->told / 10) * fmin(1, n->still / 0.25);
    sure *= 1 / (1 + fmax(0, spread / fmax(n->luma, 0.5) - 0.1));
    return rounded(n->coded ? sure * 0.5 : sure);
}

static int end(void *state, const struct ta_measure_input *in)
{
    (void)in;
    struct noise *n = state;
    int64_t coded = 0;
    float *room = malloc((size_t)n->count * sizeof *room);
    if (!room)
        return TA_ERR_NOMEM;
    for (int64_t i = 0; i < n->count; i++) {
        bool told = !n->pictures[i].repeated && n->pictures[i].luma >= 0;
        n->told += told;
        coded += told && n->pictures[i].coded;
    }
    n->coded = 2 * coded > n->told;
    // Of coded pictures, those that are the least flattened.
    double share = n->coded ? 0.75 : 0.5;
    const size_t luma = offsetof(struct ta_noise_picture, luma);
    double *values[] = {&n->luma, &n->chroma, &n->still};
    const size_t members[] = {luma, offsetof(struct ta_noise_picture, chroma),
                              offsetof(struct ta_noise_picture, still)};
    for (size_t i = 0; i < TA_COUNT(values); i++)
        *values[i] = of_all(n, room, members[i], share);
    for (size_t i = 0; i < TA_NOISE_LEVELS; i++)
        n->level[i] = of_all(n, room, offsetof(struct ta_noise_picture, level) + i * sizeof(float), share);
    // Stills, or drawings that hardly move: no noise, as far as it goes.
    n->confidence = n->count > 1 ? 0.5 : 0;
    if (n->told)
        n->confidence = confidence(n, of_all(n, room, luma, 0.9) - of_all(n, room, luma, 0.1));
    free(room);
    for (size_t i = 0; n->coded && i < TA_NOISE_LEVELS; i++)
        n->level[i] = before_coding(n->level[i], &of_luma);
    n->luma = n->coded ? before_coding(n->luma, &of_luma) : n->luma;
    n->chroma = n->coded ? before_coding(n->chroma, &of_chroma) : n->chroma;
    n->across = correlation(n, false);
    n->down = correlation(n, true);
    return 0;
}

static json_t *series(const struct noise *n)
{
    float *values = ta_xcalloc((size_t)n->count, sizeof *values), last = 0;
    for (int64_t i = 0; i < n->count; i++) {
        const struct ta_noise_picture *p = &n->pictures[i];
        values[i] = last = p->repeated || p->luma < 0 ? last : p->luma;
    }
    json_t *list = ta_series_json(values, n->count);
    free(values);
    return list;
}

static void write_json(const void *state, struct ta_measured *out)
{
    const struct noise *n = state;
    json_t *levels = json_array();
    for (int i = 0; i < TA_NOISE_LEVELS; i++)
        json_array_append_new(levels, n->level[i] < 0 ? json_null() : json_real(rounded(n->level[i])));
    out->value = json_pack("{s:f, s:f, s:o, s:f, s:f, s:f, s:b}", "luma", rounded(fmax(n->luma, 0)), "chroma",
                           rounded(fmax(n->chroma, 0)), "levels", levels, "across", n->across, "down",
                           n->down, "still", rounded(fmax(n->still, 0)), "coded", n->coded);
    out->confidence = n->confidence;
    out->series = series(n);
}

static void release(void *state)
{
    struct noise *n = state;
    if (n)
        free(n->pictures);
    free(n);
}

const struct ta_measure_info ta_measure_noise = {.name = "noise",
                                                 .unit = "codes",
                                                 .version = 1,
                                                 .begin = begin,
                                                 .frame = measure,
                                                 .end = end,
                                                 .json = write_json,
                                                 .release = release};
