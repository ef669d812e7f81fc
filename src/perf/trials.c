// The trials of the patches that need no service.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "audio/stages.h"
#include "audio/text.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "perf/trial_run.h"

enum { FILES = 10, LOAD_MS = 100, TEXTS = 20000 };

static int sum_into(const struct ta_trial *t, struct ta_sha256 *all, const char *name)
{
    char sum[TA_SHA256_HEX], *path = ta_trial_path(t, name);
    int err = ta_sha256_file(path, sum, t->log);
    if (err >= 0)
        ta_sha256_update(all, sum, sizeof sum);
    free(path);
    return err;
}

static int sum_of(const struct ta_trial *t, const char *const *names, int count, struct ta_trial_run *out)
{
    struct ta_sha256 *all = ta_sha256_create();
    int err = 0;
    for (int i = 0; i < count && err >= 0; i++)
        err = sum_into(t, all, names[i]);
    ta_sha256_finish(&all, out->sum);
    return err;
}

// ---- video_pipeline_filters ----

int ta_trial_film_prepare(struct ta_trial *t)
{
    struct ta_trial_took took;
    char *tape = ta_trial_path(t, "tape.avi");
    int err = ta_trial_program(t, NULL, (const char *const[]){"simulate", "-o", tape, "--frames", "16", NULL},
                               &took);
    free(tape);
    return err;
}

int ta_trial_film(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    struct ta_trial_took took;
    char *tape = ta_trial_path(t, "tape.avi"), *made = ta_trial_path(t, "film.y4m");
    const char *args[] = {"restore",
                          tape,
                          "-o",
                          made,
                          "--preset",
                          "vhs",
                          "--quality",
                          "fast",
                          "--deinterlace",
                          "bwdif",
                          "--denoise",
                          "recursive",
                          "--resolution",
                          "960x720",
                          "--encoder",
                          "raw",
                          "--jobs",
                          "1",
                          "--progress",
                          "none",
                          "--overwrite",
                          "--restart",
                          "--verify",
                          "quick",
                          NULL};
    int err = ta_trial_program(t, applied ? NULL : "video_pipeline_filters", args, &took);
    out->cost = took.wall;
    if (err >= 0)
        err = sum_of(t, (const char *const[]){"film.y4m"}, 1, out);
    free(made);
    free(tape);
    return err;
}

// ---- audio_model_preload ----

// A network of ours that makes four of each pixel: Concat, then DepthToSpace; sides of any length.
static const unsigned char network[] = {
    0x08, 0x08, 0x3a, 0x94, 0x01, 0x0a, 0x24, 0x0a, 0x01, 0x78, 0x0a, 0x01, 0x78, 0x0a, 0x01, 0x78,
    0x0a, 0x01, 0x78, 0x12, 0x01, 0x74, 0x22, 0x06, 0x43, 0x6f, 0x6e, 0x63, 0x61, 0x74, 0x2a, 0x0b,
    0x0a, 0x04, 0x61, 0x78, 0x69, 0x73, 0x18, 0x01, 0xa0, 0x01, 0x02, 0x0a, 0x26, 0x0a, 0x01, 0x74,
    0x12, 0x01, 0x79, 0x22, 0x0c, 0x44, 0x65, 0x70, 0x74, 0x68, 0x54, 0x6f, 0x53, 0x70, 0x61, 0x63,
    0x65, 0x2a, 0x10, 0x0a, 0x09, 0x62, 0x6c, 0x6f, 0x63, 0x6b, 0x73, 0x69, 0x7a, 0x65, 0x18, 0x02,
    0xa0, 0x01, 0x02, 0x12, 0x04, 0x74, 0x65, 0x73, 0x74, 0x5a, 0x1d, 0x0a, 0x01, 0x78, 0x12, 0x18,
    0x0a, 0x16, 0x08, 0x01, 0x12, 0x12, 0x0a, 0x02, 0x08, 0x01, 0x0a, 0x02, 0x08, 0x03, 0x0a, 0x03,
    0x12, 0x01, 0x68, 0x0a, 0x03, 0x12, 0x01, 0x77, 0x62, 0x1f, 0x0a, 0x01, 0x79, 0x12, 0x1a, 0x0a,
    0x18, 0x08, 0x01, 0x12, 0x14, 0x0a, 0x02, 0x08, 0x01, 0x0a, 0x02, 0x08, 0x03, 0x0a, 0x04, 0x12,
    0x02, 0x68, 0x68, 0x0a, 0x04, 0x12, 0x02, 0x77, 0x77, 0x42, 0x02, 0x10, 0x0d,
};

int ta_trial_networks_prepare(struct ta_trial *t)
{
    char *settings = ta_xprintf("terminalai dummy engine\nload_ms %d\n", LOAD_MS);
    char *engine = ta_trial_path(t, "engine.dummy"), *model = ta_trial_path(t, "any.onnx");
    int err = ta_file_write_atomic(engine, settings, strlen(settings), t->log);
    if (err >= 0)
        err = ta_file_write_atomic(model, network, sizeof network, t->log);
    for (int i = 0; i < FILES && err >= 0; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.y4m", i);
        err = ta_trial_make_film(t, name, 32, 32, 3);
    }
    free(model);
    free(engine);
    free(settings);
    return err;
}

int ta_trial_networks(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    struct ta_trial_took took;
    const char *args[48] = {"restore"};
    char *paths[FILES + 3], names[FILES][32];
    const char *made[FILES];
    int n = 1, err;
    for (int i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], "%d.restored.mkv", i);
        made[i] = names[i];
        char source[16];
        snprintf(source, sizeof source, "%d.y4m", i);
        args[n++] = paths[i] = ta_trial_path(t, source);
    }
    paths[FILES] = ta_xprintf("%s/", t->dir);
    paths[FILES + 1] = ta_trial_path(t, "any.onnx");
    paths[FILES + 2] = ta_trial_path(t, "engine.dummy");
    const char *rest[] = {"-o",          paths[FILES], "--preset",         "clean",
                          "--encoder",   "ffv1",       "--resolution",     "64x64",
                          "--scale",     "neural",     "--scale-model",    paths[FILES + 1],
                          "--engine",    "dummy",      "--engine-library", paths[FILES + 2],
                          "--overwrite", "--restart",  "--progress",       "none"};
    memcpy((void *)(args + n), (const void *)rest, sizeof rest);
    err = ta_trial_program(t, applied ? NULL : "audio_model_preload", args, &took);
    out->cost = took.wall;
    if (err >= 0)
        err = sum_of(t, made, FILES, out);
    for (int i = 0; i < FILES + 3; i++)
        free(paths[i]);
    return err;
}

// ---- progress_throttle ----

int ta_trial_reports_prepare(struct ta_trial *t)
{
    return ta_trial_make_film(t, "small.y4m", 32, 32, 3000);
}

int ta_trial_reports(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    struct ta_trial_took took;
    char *small = ta_trial_path(t, "small.y4m"), *made = ta_trial_path(t, "small.mkv");
    const char *args[] = {
        "restore",     small,       "-o",       made,     "--preset", "clean",      "--resolution",
        "32x32",       "--encoder", "ffv1",     "--jobs", "1",        "--progress", "json",
        "--overwrite", "--restart", "--verify", "quick",  NULL};
    int err = ta_trial_program(t, applied ? NULL : "progress_throttle", args, &took);
    out->cost = took.cpu;
    if (err >= 0)
        err = sum_of(t, (const char *const[]){"small.mkv"}, 1, out);
    free(made);
    free(small);
    return err;
}

// ---- filter_chain_cache ----

int ta_trial_texts(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    static const struct ta_sound_stage_info *const infos[] = {&ta_sound_highpass, &ta_sound_lowpass,
                                                              &ta_sound_peak};
    struct ta_sound_stage_plan stages[TA_COUNT(infos)];
    const struct ta_sound_format format = {.rate = 48000, .channels = 2, .mask = 3};
    struct ta_sound_texts *texts = NULL;
    struct ta_tuning tuning;
    ta_tuning_defaults(&tuning);
    tuning.filter_chain_cache = applied;
    int err = ta_sound_texts_create(&texts);
    if (err < 0) {
        ta_error(t->log, "no memory for a trial");
        return err;
    }
    for (size_t i = 0; i < TA_COUNT(infos); i++)
        ta_sound_stage_plan_init(&stages[i], infos[i], &format);
    struct ta_sha256 *all = ta_sha256_create();
    double begun = ta_cpu_seconds();
    for (int i = 0; i < TEXTS; i++) {
        char *text = ta_sound_text(texts, stages, TA_COUNT(infos), &tuning);
        if (i % 1000 == 0)
            ta_sha256_update(all, text, strlen(text));
        free(text);
    }
    out->cost = ta_cpu_seconds() - begun;
    ta_sha256_finish(&all, out->sum);
    for (size_t i = 0; i < TA_COUNT(infos); i++)
        ta_sound_stage_plan_release(&stages[i]);
    ta_sound_texts_destroy(&texts);
    return 0;
}
