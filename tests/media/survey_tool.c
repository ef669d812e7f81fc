// A measure that the program does not have, added by this file alone:
//
//     survey_tool FILE OUTPUT CACHE PRESET...
//
// Surveys FILE once, plans it under each preset, restores the first plan to OUTPUT and prints what happened,
// as JSON: {"passes": decodings of the source, "frames": frames that the measure saw, "plans": [plan, ...],
// "survey": ...}. CACHE "-" is none.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "diagnose/scan_type.h"
#include "restore/survey.h"

static int passes;
static atomic_long frames;

// ---- the measure: how bright the pictures are ----

struct brightness {
    float *means; // [count]
    int64_t count;
    double mean;
};

static int begin(void **state, const struct ta_measure_input *in)
{
    struct brightness *b = *state = ta_xcalloc(1, sizeof *b);
    b->count = in->count;
    b->means = ta_xcalloc((size_t)in->count, sizeof *b->means);
    passes++;
    return 0;
}

static void see(void *state, const struct ta_measure_frame *f)
{
    struct brightness *b = state;
    int64_t sum = 0;
    for (int y = 0; y < f->frame->height; y++)
        for (int x = 0; x < f->frame->width; x++)
            sum += f->frame->data[0][(ptrdiff_t)y * f->frame->linesize[0] + x];
    b->means[f->at] = (float)((double)sum / f->frame->height / f->frame->width);
    atomic_fetch_add(&frames, 1);
}

static int end(void *state, const struct ta_measure_input *in)
{
    struct brightness *b = state;
    for (int64_t i = 0; i < in->count; i++)
        b->mean += b->means[i] / (double)in->count;
    return 0;
}

static void json(const void *state, struct ta_measured *out)
{
    const struct brightness *b = state;
    out->value = json_pack("{s:f}", "mean", b->mean);
    out->series = ta_series_json(b->means, b->count);
    out->confidence = 1;
}

static void release(void *state)
{
    if (state)
        free(((struct brightness *)state)->means);
    free(state);
}

static const struct ta_measure_info brightness = {.name = "brightness",
                                                  .unit = "codes",
                                                  .version = 1,
                                                  .begin = begin,
                                                  .frame = see,
                                                  .end = end,
                                                  .json = json,
                                                  .release = release};
static const struct ta_measure_info *const table[] = {&ta_measure_scan_type, &brightness, NULL};

// ---- its use ----

static int plan_one(struct ta_survey *survey, const char *preset, const char *output, bool restore,
                    json_t *plans, struct ta_log *log)
{
    struct ta_options *options = NULL;
    struct ta_plan *plan = NULL;
    struct ta_restore_result result;
    int err = ta_options_create(&options, log);
    if (err >= 0)
        err = ta_options_set(options, TA_LAYER_CALLER, "preset", preset, NULL);
    if (err >= 0)
        err = ta_options_set(options, TA_LAYER_CALLER, "resolution", "144", NULL);
    if (err >= 0)
        err = ta_plan_from_survey(&plan, survey, output, options, NULL, log);
    if (err >= 0)
        json_array_append_new(plans, json_loads(ta_plan_json(plan), 0, NULL));
    if (err >= 0 && restore)
        err = ta_restore(plan, options, NULL, &result, log);
    ta_plan_destroy(&plan);
    ta_options_destroy(&options);
    return err;
}

int main(int argc, char **argv)
{
    struct ta_log *log = NULL;
    struct ta_survey *survey = NULL;
    if (argc < 5 || ta_log_create(&log, NULL, NULL) < 0)
        return 2;
    json_t *plans = json_array();
    int err = ta_survey_create(&survey, argv[1], strcmp(argv[3], "-") ? argv[3] : NULL, log);
    ta_survey_set_measures(survey, table);
    for (int i = 4; i < argc && err >= 0; i++)
        err = plan_one(survey, argv[i], argv[2], i == 4, plans, log);
    char *known = ta_survey_json(survey);
    json_t *root = json_pack("{s:i, s:I, s:o, s:o}", "passes", passes, "frames", (json_int_t)frames, "plans",
                             plans, "survey", json_loads(known, 0, NULL));
    char *text = ta_json_text(root);
    fputs(text, stdout);
    free(text);
    free(known);
    json_decref(root);
    ta_survey_destroy(&survey);
    ta_log_destroy(&log);
    return err < 0;
}
