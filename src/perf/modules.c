// Pictures, sound and engines: restorations by the library's own doors.
#include "perf/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/terminalai.h>

#include "audio/text.h"
#include "base/env.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "infer/sessions.h"
#include "perf/modules_parts.h"
#include "simulate/scene.h"
#include "simulate/sound.h"

const struct ta_perf_module *const ta_perf_modules[] = {
    &ta_perf_video_pipeline, &ta_perf_audio_processing,
    &ta_perf_queue_manager,  &ta_perf_gui,
    &ta_perf_rtx_video_sdk,  NULL,
};

const struct ta_perf_module *ta_perf_module_find(const char *name)
{
    for (const struct ta_perf_module *const *m = ta_perf_modules; *m; m++)
        if (!strcmp((*m)->name, name))
            return *m;
    return NULL;
}

int ta_perf_make_tape(struct ta_perf_work *w, int frames, char **path)
{
    struct ta_scene_opts scene = {0};
    *path = ta_xprintf("%s/tape.avi", w->folder);
    ta_opt_defaults(ta_scene_options, &scene);
    scene.frames = frames;
    int err = ta_scene_write_tape(&scene, *path, w->log);
    ta_opt_release(ta_scene_options, &scene);
    return err;
}

// One restoration; the pairs of names and values end with NULL.
static int restore(struct ta_perf_work *w, const char *input, const char *output, const char *const *settings)
{
    struct ta_options *options = NULL;
    struct ta_plan *plan = NULL;
    struct ta_restore_result result = {0};
    const struct ta_callbacks callbacks = {.env = w->env};
    int err = ta_options_create(&options, w->log);
    for (const char *const *s = settings; err >= 0 && *s; s += 2)
        err = ta_options_set(options, TA_LAYER_CALLER, s[0], s[1], "the profile");
    if (err >= 0)
        err = ta_options_set(options, TA_LAYER_CALLER, "overwrite", "on", "the profile");
    if (err >= 0)
        err = ta_env_use_options(w->env, options, w->log);
    if (err >= 0)
        err = ta_plan_create(&plan, input, output, options, &callbacks, w->log);
    if (err >= 0)
        err = ta_restore(plan, options, &callbacks, &result, w->log);
    if (err >= 0) {
        struct stat st;
        w->items += result.frames;
        w->output_bytes += !stat(output, &st) ? st.st_size : 0;
    }
    ta_plan_destroy(&plan);
    ta_options_destroy(&options);
    return err < 0 ? err : 0;
}

static void release_text(struct ta_perf_work *w)
{
    free(w->state);
}

// ---- video_pipeline ----

static int video_prepare(struct ta_perf_work *w)
{
    char *path = w->video ? ta_xstrdup(w->video) : NULL;
    int err = w->video ? 0 : ta_perf_make_tape(w, w->quick ? 16 : 150, &path);
    w->state = path;
    return err;
}

static int video_work(struct ta_perf_work *w)
{
    static const char *const settings[] = {"preset", "vhs", NULL};
    static const char *const quick[] = {"preset", "vhs",          "quality",   "fast", "resolution",
                                        "480",    "preset-speed", "ultrafast", NULL};
    char *out = ta_xprintf("%s/restored.mp4", w->folder);
    w->unit = "frames";
    int err = restore(w, w->state, out, w->quick ? quick : settings);
    free(out);
    return err;
}

const struct ta_perf_module ta_perf_video_pipeline = {
    .name = "video_pipeline",
    .what = "a tape restored by the preset vhs, 1080 lines, with the encoder",
    .prepare = video_prepare,
    .work = video_work,
    .release = release_text};

// ---- audio_processing ----

enum { SOUND_FILES = 10, SOUND_RATE = 48000 };

static void put_number(unsigned char *at, uint32_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(n >> 8 * i);
}

static int write_sound(const char *path, int seconds, uint32_t seed, struct ta_log *log)
{
    size_t samples = (size_t)seconds * SOUND_RATE, bytes = samples * 4;
    unsigned char *file = ta_xcalloc(1, 44 + bytes);
    memcpy(file, "RIFF----WAVEfmt ", 16);
    put_number(file + 4, (uint32_t)(36 + bytes), 4);
    put_number(file + 16, 16, 4);
    put_number(file + 20, 1, 2);
    put_number(file + 22, 2, 2);
    put_number(file + 24, SOUND_RATE, 4);
    put_number(file + 28, SOUND_RATE * 4, 4);
    put_number(file + 32, 4, 2);
    put_number(file + 34, 16, 2);
    memcpy(file + 36, "data", 4);
    put_number(file + 40, (uint32_t)bytes, 4);
    int16_t *pcm = ta_xcalloc(samples * 2, sizeof *pcm);
    ta_sound_make(seed, 5, 0, (int)samples, pcm);
    for (size_t i = 0; i < samples * 2; i++) { // hiss, as a tape has it
        seed = seed * 1664525 + 1013904223;
        int value = pcm[i] / 2 + (int)(seed >> 23) - 256;
        put_number(file + 44 + 2 * i, (uint32_t)(value & 0xffff), 2);
    }
    int err = ta_file_write_atomic(path, file, 44 + bytes, log);
    free(pcm);
    free(file);
    return err;
}

static int sound_prepare(struct ta_perf_work *w)
{
    int err = 0;
    for (int i = 0; i < SOUND_FILES && err >= 0; i++) {
        char *path = ta_xprintf("%s/sound%d.wav", w->folder, i);
        err = write_sound(path, w->quick ? 1 : 20, (uint32_t)i + 1, w->log);
        free(path);
    }
    return err;
}

static int sound_work(struct ta_perf_work *w)
{
    static const char *const settings[] = {"pictures", "copy", "audio-enhance", "moderate", NULL};
    int err = 0;
    for (int i = 0; i < SOUND_FILES && err >= 0; i++) {
        char *in = ta_xprintf("%s/sound%d.wav", w->folder, i),
             *out = ta_xprintf("%s/mended%d.wav", w->folder, i);
        err = restore(w, in, out, settings);
        free(in);
        free(out);
    }
    struct ta_sound_text_counts texts = ta_sound_texts_counts(w->env->texts);
    json_object_set_new(
        w->facts, "chain_texts",
        json_pack("{s:I, s:I}", "hits", (json_int_t)texts.hits, "misses", (json_int_t)texts.misses));
    w->items = (int64_t)SOUND_FILES;
    w->unit = "files";
    return err;
}

const struct ta_perf_module ta_perf_audio_processing = {.name = "audio_processing",
                                                        .what = "ten sound files mended in one call",
                                                        .prepare = sound_prepare,
                                                        .work = sound_work};

// ---- rtx_video_sdk ----

// Each pixel becomes four: Concat and DepthToSpace, as ONNX has them.
static const unsigned char twice[] = {
    0x08, 0x08, 0x3a, 0x94, 0x01, 0x0a, 0x24, 0x0a, 0x01, 'x',  0x0a, 0x01, 'x',  0x0a, 0x01, 'x',
    0x0a, 0x01, 'x',  0x12, 0x01, 't',  0x22, 0x06, 'C',  'o',  'n',  'c',  'a',  't',  0x2a, 0x0b,
    0x0a, 0x04, 'a',  'x',  'i',  's',  0x18, 0x01, 0xa0, 0x01, 0x02, 0x0a, 0x26, 0x0a, 0x01, 't',
    0x12, 0x01, 'y',  0x22, 0x0c, 'D',  'e',  'p',  't',  'h',  'T',  'o',  'S',  'p',  'a',  'c',
    'e',  0x2a, 0x10, 0x0a, 0x09, 'b',  'l',  'o',  'c',  'k',  's',  'i',  'z',  'e',  0x18, 0x02,
    0xa0, 0x01, 0x02, 0x12, 0x04, 't',  'e',  's',  't',  0x5a, 0x1d, 0x0a, 0x01, 'x',  0x12, 0x18,
    0x0a, 0x16, 0x08, 0x01, 0x12, 0x12, 0x0a, 0x02, 0x08, 0x01, 0x0a, 0x02, 0x08, 0x03, 0x0a, 0x03,
    0x12, 0x01, 'h',  0x0a, 0x03, 0x12, 0x01, 'w',  0x62, 0x1f, 0x0a, 0x01, 'y',  0x12, 0x1a, 0x0a,
    0x18, 0x08, 0x01, 0x12, 0x14, 0x0a, 0x02, 0x08, 0x01, 0x0a, 0x02, 0x08, 0x03, 0x0a, 0x04, 0x12,
    0x02, 'h',  'h',  0x0a, 0x04, 0x12, 0x02, 'w',  'w',  0x42, 0x02, 0x10, 0x0d};

static int engine_prepare(struct ta_perf_work *w)
{
    // A device that takes 4 ms for a call and 1 ms for each picture in it: what batches are for.
    static const char device[] = "terminalai dummy engine\ndevice gpu\nload_ms 200\ncall_ms 4\nframe_ms 1\n";
    char *network = ta_xprintf("%s/twice.onnx", w->folder),
         *library = ta_xprintf("%s/device.dummy", w->folder), *path;
    int err = ta_file_write_atomic(network, twice, sizeof twice, w->log);
    if (err >= 0)
        err = ta_file_write_atomic(library, device, sizeof device - 1, w->log);
    if (err >= 0)
        err = ta_perf_make_tape(w, w->quick ? 4 : 90, &path);
    else
        path = NULL;
    w->state = path;
    free(network);
    free(library);
    return err;
}

static int engine_work(struct ta_perf_work *w)
{
    char *network = ta_xprintf("%s/twice.onnx", w->folder),
         *library = ta_xprintf("%s/device.dummy", w->folder), *out = ta_xprintf("%s/enlarged.y4m", w->folder);
    const char *const settings[] = {"preset",         "clean",       "resolution", "1440x960", "scale",
                                    "neural",         "scale-model", network,      "engine",   "dummy",
                                    "engine-library", library,       "encoder",    "raw",      "deinterlace",
                                    "bwdif",          NULL};
    w->unit = "frames";
    int err = restore(w, w->state, out, settings);
    struct ta_sessions_stats s;
    ta_sessions_get_stats(w->env->sessions, &s);
    json_object_set_new(w->facts, "networks",
                        json_pack("{s:I, s:I, s:I, s:f}", "loads", (json_int_t)s.loads, "hits",
                                  (json_int_t)s.hits, "misses", (json_int_t)s.misses, "load_seconds",
                                  s.seconds));
    json_object_set_new(w->facts, "device", json_string("stand-in: 4 ms a call, 1 ms a picture"));
    free(network);
    free(library);
    free(out);
    return err;
}

const struct ta_perf_module ta_perf_rtx_video_sdk = {
    .name = "rtx_video_sdk",
    .what = "a tape enlarged by a network on a device; a stand-in where there is no real one",
    .prepare = engine_prepare,
    .work = engine_work,
    .release = release_text};
