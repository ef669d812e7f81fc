#include "diagnose/tape.h"

#include <math.h>
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "diagnose/measure.h"
#include "diagnose/picture_lines.h"

enum { SAME = 4 }; // codes within which levels count as the same

static double rounded(double v)
{
    return round(v * 1000) / 1000;
}

// ---- levels ----

struct levels {
    struct ta_picture_levels *pictures;
    int64_t count, told;
    double black, white, saturation, black_share, white_share;
};

static int begin_levels(void **state, const struct ta_measure_input *in)
{
    struct levels *l = *state = ta_xcalloc(1, sizeof *l);
    l->count = in->count;
    l->pictures = calloc((size_t)in->count, sizeof *l->pictures);
    return l->pictures ? 0 : TA_ERR_NOMEM;
}

static void measure_levels(void *state, const struct ta_measure_frame *f)
{
    struct levels *l = state;
    ta_picture_levels_measure(f->frame, &l->pictures[f->at]);
}

// Of the pictures that are not all dark or all bright, such as black between two recordings.
static bool tells(const struct ta_picture_levels *p)
{
    return p->black >= 0 && p->white - p->black >= 40;
}

// The extreme of all but a twentieth, so that a few odd pictures do not count.
static int end_levels(void *state, const struct ta_measure_input *in)
{
    (void)in;
    struct levels *l = state;
    int64_t dark[256] = {0}, bright[256] = {0};
    for (int64_t i = 0; i < l->count; i++) {
        const struct ta_picture_levels *p = &l->pictures[i];
        if (!tells(p))
            continue;
        l->told++;
        dark[(int)p->black]++;
        bright[(int)p->white]++;
        l->saturation += (double)p->saturation;
    }
    if (!l->told)
        return 0;
    l->saturation /= (double)l->told;
    int64_t few = TA_MAX(l->told / 20, 1), below = 0, above = 0;
    int black = 0, white = 255;
    while ((below += dark[black]) < few)
        black++;
    while ((above += bright[white]) < few)
        white--;
    l->black = black;
    l->white = white;
    for (int i = 0; i < 256; i++) {
        l->black_share += i <= black + SAME ? (double)dark[i] / (double)l->told : 0;
        l->white_share += i >= white - SAME ? (double)bright[i] / (double)l->told : 0;
    }
    return 0;
}

static void write_levels(const void *state, struct ta_measured *out)
{
    const struct levels *l = state;
    out->value = json_pack("{s:f, s:f, s:f, s:f, s:f}", "black", l->black, "white", l->white, "saturation",
                           rounded(l->saturation), "black_share", rounded(l->black_share), "white_share",
                           rounded(l->white_share));
    out->confidence = l->told ? rounded(fmin(1, (double)l->told / 10) * fmin(l->black_share, l->white_share))
                              : 0;
    float *values = ta_xcalloc((size_t)l->count, sizeof *values);
    for (int64_t i = 0; i < l->count; i++)
        values[i] = fmaxf(l->pictures[i].black, 0);
    out->series = ta_series_json(values, l->count);
    free(values);
}

static void release_levels(void *state)
{
    struct levels *l = state;
    if (l)
        free(l->pictures);
    free(l);
}

const struct ta_measure_info ta_measure_levels = {.name = "levels",
                                                  .unit = "codes",
                                                  .version = 1,
                                                  .begin = begin_levels,
                                                  .frame = measure_levels,
                                                  .end = end_levels,
                                                  .json = write_levels,
                                                  .release = release_levels};

// ---- head switching ----

struct torn {
    int8_t *lines; // of a field; < 0: not told
    int64_t count;
    int most;      // that most of the pictures agree on
    double agreed; // share
    int64_t told;
};

static int begin_torn(void **state, const struct ta_measure_input *in)
{
    struct torn *t = *state = ta_xcalloc(1, sizeof *t);
    t->count = in->count;
    t->lines = calloc((size_t)in->count, sizeof *t->lines);
    return t->lines ? 0 : TA_ERR_NOMEM;
}

static void measure_torn(void *state, const struct ta_measure_frame *f)
{
    struct torn *t = state;
    bool comparable = f->before && f->before->format == f->frame->format;
    t->lines[f->at] = (int8_t)(comparable ? ta_picture_torn_lines(f->before, f->frame) : -1);
}

// The place of the switch hardly changes on a tape: the number that most pictures have, give or take one. A
// few lines that are torn now and then are something else.
static int end_torn(void *state, const struct ta_measure_input *in)
{
    (void)in;
    struct torn *t = state;
    enum { NUMBERS = 32 };
    int64_t counts[NUMBERS + 2] = {0}; // the first and the last stay empty
    for (int64_t i = 0; i < t->count; i++)
        if (t->lines[i] >= 0) {
            t->told++;
            counts[1 + TA_MIN(t->lines[i], NUMBERS - 1)]++;
        }
    for (int i = 1; i < NUMBERS; i++)
        if (counts[1 + i] > counts[1 + t->most])
            t->most = i;
    // None is no number near another.
    int64_t best = counts[1 + t->most] + (t->most ? counts[2 + t->most] : 0) +
                   (t->most > 1 ? counts[t->most] : 0);
    t->agreed = t->told ? (double)best / (double)t->told : 0;
    if (t->most < 2 || t->most > TA_TORN_MOST || t->agreed < 0.5 || t->told < 5)
        t->most = 0;
    return 0;
}

static void write_torn(const void *state, struct ta_measured *out)
{
    const struct torn *t = state;
    out->value = json_pack("{s:i}", "lines", 2 * t->most);
    out->confidence = rounded(t->agreed * fmin(1, (double)t->told / 10));
}

static void release_torn(void *state)
{
    struct torn *t = state;
    if (t)
        free(t->lines);
    free(t);
}

const struct ta_measure_info ta_measure_head_switching = {.name = "head_switching",
                                                          .unit = "lines",
                                                          .version = 1,
                                                          .begin = begin_torn,
                                                          .frame = measure_torn,
                                                          .end = end_torn,
                                                          .json = write_torn,
                                                          .release = release_torn};
