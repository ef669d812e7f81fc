// Which instructions and how many threads: whole runs of this program, each with a tuning file of its own.
#include "perf/tune.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "perf/trial_run.h"

enum { TRIES_MAX = 12 };
static const double NEAR = 0.97;

struct attempt {
    const char *mask; // as --cpu-mask has it
    int threads;
    double cost; // the least of all rounds
};

struct tune_cpu {
    const struct ta_tune_cpu_config *config;
    struct ta_trial trial;
    char *tape, *made;
    char sum[TA_SHA256_HEX]; // of what every run must make; "" before the first
};

static int run_once(struct tune_cpu *t, const char *mask, int threads, struct ta_trial_took *took)
{
    char *name = ta_xprintf("threads-%d", threads), sum[TA_SHA256_HEX] = "";
    char *tuning = ta_xprintf("version: 1\ndevices:\n  cpu: {threads: %d}\n", threads);
    const char *args[] = {"restore",      t->tape,  "-o",        t->made, "--preset",    "vhs",
                          "--resolution", "source", "--encoder", "raw",   "--jobs",      "1",
                          "--progress",   "none",   "--verify",  "quick", "--overwrite", "--restart",
                          "--cpu-mask",   mask,     "--json",    NULL};
    bool stop = t->config->canceled && t->config->canceled();
    int err = stop ? TA_ERR_CANCELED : ta_trial_program_tuned(&t->trial, name, tuning, args, took);
    if (err >= 0)
        err = ta_sha256_file(t->made, sum, t->trial.log);
    if (err >= 0 && !t->sum[0])
        strcpy(t->sum, sum);
    if (err >= 0 && strcmp(t->sum, sum) != 0) {
        ta_error(t->trial.log, "with the instructions \"%s\" and %d threads other pictures come out", mask,
                 threads);
        err = TA_ERR_MISMATCH;
    }
    free(tuning);
    free(name);
    return err;
}

static int run_all(struct tune_cpu *t, struct attempt *tries, int count, int rounds, bool by_cpu)
{
    int err = 0;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count && err >= 0; i++) {
            struct ta_trial_took took = {0};
            err = run_once(t, tries[i].mask, tries[i].threads, &took);
            double cost = by_cpu ? took.cpu : took.wall;
            tries[i].cost = round ? TA_MIN(tries[i].cost, cost) : cost;
        }
    return err;
}

static int try_kernels(struct tune_cpu *t, int rounds, json_t *out)
{
    static const char *const sets[] = {"all", "avx512", "avx2", "sse4.1"};
    struct attempt tries[TA_COUNT(sets)];
    unsigned before = 0;
    int count = 0, best = 0;
    for (size_t i = 0; i < TA_COUNT(sets); i++) {
        unsigned allowed;
        if (ta_cpu_mask_from_name(sets[i], &allowed) < 0)
            continue;
        // Not ta_cpu_flags(): an earlier choice that was kept, or --cpu-mask, hides the others from this
        // process and not from the runs.
        allowed &= ta_cpu_detected();
        if (i && allowed == before)
            continue;
        before = allowed;
        tries[count++] = (struct attempt){.mask = sets[i], .threads = ta_cpu_count()};
    }
    int err = run_all(t, tries, count, rounds, true);
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:f}", "kernels", tries[i].mask, "cpu_seconds", tries[i].cost));
        if (tries[i].cost < tries[best].cost && tries[i].cost < NEAR * tries[0].cost)
            best = i;
    }
    json_object_set_new(out, "kernels", json_pack("{s:o, s:s}", "tries", list, "best", tries[best].mask));
    return err;
}

static int try_threads(struct tune_cpu *t, int rounds, json_t *out)
{
    struct attempt tries[TRIES_MAX];
    int count = 0, best = 0;
    double least = 0;
    for (int n = ta_cpu_count(); n >= 1 && count<TRIES_MAX; n = n> 1 ? (n + 1) / 2 : 0)
        tries[count++] = (struct attempt){.mask = "all", .threads = n};
    int err = run_all(t, tries, count, rounds, false);
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        least = i ? TA_MIN(least, tries[i].cost) : tries[i].cost;
    for (int i = 0; i < count; i++) {
        json_array_append_new(list,
                              json_pack("{s:i, s:f}", "threads", tries[i].threads, "seconds", tries[i].cost));
        if (tries[i].cost * NEAR <= least)
            best = i; // fewer come later
    }
    json_object_set_new(out, "threads", json_pack("{s:o, s:i}", "tries", list, "best", tries[best].threads));
    return err;
}

int ta_tune_cpu(const struct ta_tune_cpu_config *config, json_t **out, struct ta_log *log)
{
    struct tune_cpu t = {.config = config,
                         .trial = {.program = config->program, .dir = config->folder, .log = log}};
    struct ta_trial_took took;
    json_t *found = json_object();
    char *frames = ta_xprintf("%d", config->frames);
    t.tape = ta_trial_path(&t.trial, "tape.avi");
    t.made = ta_trial_path(&t.trial, "out.y4m");
    int err = ta_trial_program(
        &t.trial, NULL, (const char *const[]){"simulate", "-o", t.tape, "--frames", frames, "--json", NULL},
        &took);
    // The first run measures the tape; what is measured is kept for the others.
    if (err >= 0)
        err = run_once(&t, "all", ta_cpu_count(), &took);
    if (err >= 0 && config->kernels)
        err = try_kernels(&t, config->rounds, found);
    if (err >= 0 && config->threads)
        err = try_threads(&t, config->rounds, found);
    if (err < 0)
        json_decref(found);
    *out = err < 0 ? NULL : found;
    free(frames);
    free(t.tape);
    free(t.made);
    return err < 0 ? err : 0;
}
