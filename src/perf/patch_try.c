// Trials: pairs of runs, and what they say with which certainty.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "base/tree.h"
#include "perf/patch.h"
#include "recipe/folders.h"

// Slower beyond doubt is what lies below this with all of its interval: a trial of what costs nothing
// measurable would fail now and then otherwise.
static const double SLOWER = 0.95;
// What clocks and the system's counting can't tell from nothing.
static const double LEAST_SECONDS = 1e-5;

int ta_patch_find(const char *id)
{
    for (int i = 0; ta_patches[i].id; i++)
        if (!strcmp(ta_patches[i].id, id))
            return i;
    return -1;
}

// Student's t for 95 %, two sides, by degrees of freedom.
static double student(int freedom)
{
    static const double t[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                               2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                               2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
    return t[TA_MIN(TA_MAX(freedom, 1), (int)TA_COUNT(t)) - 1];
}

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}

static double median(const double *values, int count)
{
    double sorted[TA_PATCH_PAIRS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, by_size);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

void ta_gain_of(struct ta_gain *g, const double *without, const double *with, int pairs)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < pairs; i++)
        sum += log(without[i] / with[i]);
    double mean = sum / pairs;
    for (int i = 0; i < pairs; i++)
        squares += (log(without[i] / with[i]) - mean) * (log(without[i] / with[i]) - mean);
    // Of ratios the logarithms are symmetric.
    double half = pairs > 1 ? student(pairs - 1) * sqrt(squares / (pairs - 1) / pairs) : INFINITY;
    g->ratio = exp(mean);
    g->low = exp(mean - half);
    g->high = exp(mean + half);
    g->with = median(with, pairs);
    g->without = median(without, pairs);
    g->pairs = pairs;
}

bool ta_gain_holds(const struct ta_gain *g)
{
    return g->same && g->high >= SLOWER;
}

static int run_pairs(const struct ta_patch *p, struct ta_trial *t, int pairs, struct ta_gain *out)
{
    double costs[2][TA_PATCH_PAIRS_MAX];
    char first[TA_SHA256_HEX] = "";
    out->same = true;
    for (int i = 0; i < 2 * pairs; i++) {
        // Without, with; with, without: a machine that warms up or slows down does so to both.
        bool applied = (i / 2 + i) % 2;
        struct ta_trial_run run = {0};
        int err = p->run(t, applied, &run);
        if (err < 0)
            return err;
        costs[applied][i / 2] = TA_MAX(run.cost, LEAST_SECONDS);
        if (!i)
            strcpy(first, run.sum);
        out->same &= !strcmp(first, run.sum);
    }
    ta_gain_of(out, costs[false], costs[true], pairs);
    return 0;
}

int ta_patch_try(const struct ta_patch *p, const char *program, int pairs, struct ta_gain *out,
                 struct ta_log *log)
{
    char *dir = ta_temporary_folder_create("ta-patch", log);
    *out = (struct ta_gain){0};
    if (!dir)
        return TA_ERR_IO;
    struct ta_trial t = {.program = program, .dir = dir, .log = log};
    int err = p->prepare ? p->prepare(&t) : 0;
    if (err >= 0)
        err = run_pairs(p, &t, TA_MIN(TA_MAX(pairs, TA_PATCH_PAIRS_MIN), TA_PATCH_PAIRS_MAX), out);
    if (p->finish)
        p->finish(&t);
    ta_dir_remove_all(dir);
    free(dir);
    return err;
}

json_t *ta_gains_read(const char *path)
{
    json_t *root = access(path, F_OK) == 0 ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_is_object(root) || json_integer_value(json_object_get(root, "version")) != 1 ||
        !json_is_object(json_object_get(root, "patches"))) {
        json_decref(root);
        root = json_pack("{s:i,s:{}}", "version", 1, "patches");
    }
    return root;
}

int ta_gains_keep(const char *path, const char *id, const struct ta_gain *g, struct ta_log *log)
{
    json_t *root = ta_gains_read(path);
    char when[TA_UTC_TEXT];
    ta_utc_text(time(NULL), when);
    const struct ta_patch *p = &ta_patches[ta_patch_find(id)];
    json_object_set_new(json_object_get(root, "patches"), id,
                        json_pack("{s:f,s:f,s:f,s:f,s:f,s:s,s:i,s:b,s:s,s:s,s:i}", "ratio", g->ratio, "low",
                                  g->low, "high", g->high, "with", g->with, "without", g->without, "unit",
                                  p->unit, "pairs", g->pairs, "same", (int)g->same, "when", when, "program",
                                  ta_version(), "cores", ta_cpu_count()));
    char *text = ta_json_text(root);
    int err = ta_file_write_atomic(path, text, strlen(text), log);
    free(text);
    json_decref(root);
    return err;
}
