#include "base/tuning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"

enum { VERSION = 1 };

#define SWITCH(field, text)                                                                           \
    {                                                                                                 \
        .name = #field, .kind = &ta_opt_switch, TA_FIELD(struct ta_tuning, field, bool), .def = "on", \
        .help = text                                                                                  \
    }

const struct ta_opt ta_tuning_options[] = {
    SWITCH(video_pipeline_filters, "all filters in one pass instead of one pass through a file each"),
    SWITCH(audio_model_preload, "loaded networks stay loaded from file to file"),
    SWITCH(queue_rwlock, "readers of the job queue do not wait for each other"),
    SWITCH(gui_polling, "the page is told of changes instead of asking every second"),
    SWITCH(progress_throttle, "progress is told ten times a second at most"),
    SWITCH(filter_chain_cache, "the text of a filter chain is made once"),
    SWITCH(engine_batching, "a device gets many frames at a time; off is for measurements"),
    {0},
};

static const struct ta_choice kernels[] = {
    {"all", "all that the machine has"},
    {"avx512", "up to AVX-512"},
    {"avx2", "up to AVX2"},
    {"sse4.1", "up to SSE4.1"},
    {"ssse3", "up to SSSE3"},
    {"sse2", "up to SSE2"},
    {"none", "none"},
    {0},
};

const struct ta_opt ta_device_tuning_options[] = {
    {.name = "batch",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_device_tuning, batch, int64_t),
     .def = "0",
     .max = TA_BATCH_MAX,
     .unit = "frames",
     .help = "frames at a time; 0: the engine decides"},
    {.name = "threads",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_device_tuning, threads, int64_t),
     .def = "0",
     .max = 512,
     .help = "threads that feed the device, for cpu those that share a picture; 0: by the machine"},
    {.name = "kernels",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_device_tuning, kernels, int),
     .def = "all",
     .choices = kernels,
     .help = "for cpu: the instructions that kernels use"},
    {0},
};

void ta_tuning_defaults(struct ta_tuning *t)
{
    *t = (struct ta_tuning){0};
    ta_opt_defaults(ta_tuning_options, t);
}

static bool is_device(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < sizeof((struct ta_device_tuning *)0)->device &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._-") == n;
}

static const struct ta_device_tuning *find_device(const struct ta_tuning *t, const char *device)
{
    for (int i = 0; t && i < t->device_count; i++)
        if (!strcmp(t->devices[i].device, device))
            return &t->devices[i];
    return NULL;
}

struct ta_device_tuning *ta_tuning_device(struct ta_tuning *t, const char *device)
{
    struct ta_device_tuning *d = (struct ta_device_tuning *)find_device(t, device);
    if (d || !is_device(device) || t->device_count == TA_TUNING_DEVICES)
        return d;
    d = &t->devices[t->device_count++];
    *d = (struct ta_device_tuning){0};
    ta_opt_defaults(ta_device_tuning_options, d);
    strcpy(d->device, device);
    return d;
}

static int read_devices(struct ta_tuning *t, json_t *devices, const char *path, const struct ta_marks *marks,
                        struct ta_log *log)
{
    const char *name;
    json_t *item;
    if (!json_is_object(devices)) {
        ta_error(log, "%s: devices must be a group", path);
        return TA_ERR_FORMAT;
    }
    json_object_foreach(devices, name, item)
    {
        if (!is_device(name) || t->device_count == TA_TUNING_DEVICES) {
            ta_error(log, "%s: \"%s\" can't be a device, or there are more than %d", path, name,
                     TA_TUNING_DEVICES);
            return TA_ERR_INVALID;
        }
        struct ta_device_tuning *d = ta_tuning_device(t, name);
        char *place = ta_xprintf("devices.%s", name);
        int err = ta_opt_merge_json(ta_device_tuning_options, d, item, path, marks, place, log);
        free(place);
        if (err < 0)
            return err;
    }
    return 0;
}

static int read_tree(struct ta_tuning *t, json_t *root, const char *path, const struct ta_marks *marks,
                     struct ta_log *log)
{
    int64_t version = 0;
    if (!json_is_object(root)) {
        ta_error(log, "%s: it is no list of \"switch: on\" lines", path);
        return TA_ERR_FORMAT;
    }
    int err = ta_json_get_int(root, path, "version", VERSION, VERSION, &version, log);
    json_t *devices = err < 0 ? NULL : json_object_get(root, "devices");
    if (devices)
        err = read_devices(t, devices, path, marks, log);
    json_object_del(root, "version");
    json_object_del(root, "devices");
    return err < 0 ? err : ta_opt_merge_json(ta_tuning_options, t, root, path, marks, "", log);
}

bool ta_tuning_load(struct ta_tuning *t, const char *path, struct ta_log *log)
{
    ta_tuning_defaults(t);
    if (!path || (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)))
        return false;
    struct ta_buf why = {0};
    struct ta_log *own = NULL;
    struct ta_marks *marks = NULL;
    json_t *root = NULL;
    int err = ta_log_keep_first(&own, &why);
    if (err >= 0)
        err = ta_yaml_load(path, &root, &marks, own);
    if (err >= 0)
        err = read_tree(t, root, path, marks, own);
    if (err < 0) {
        ta_problem_at(log, TA_PROBLEM_TUNING_IGNORED, &(struct ta_problem_about){.file = path},
                      "%s; the defaults of the tuning file are used", why.size ? ta_buf_text(&why) : path);
        ta_tuning_defaults(t);
    }
    json_decref(root);
    ta_marks_destroy(&marks);
    ta_log_destroy(&own);
    ta_buf_release(&why);
    return err >= 0;
}

static void append_options(const struct ta_opt *table, const void *values, const char *indent,
                           struct ta_buf *out)
{
    for (const struct ta_opt *o = table; o->name; o++) {
        char *text = ta_opt_text_of(o, values);
        ta_buf_printf(out, "%s%s: %s # %s\n", indent, o->name, text, o->help);
        free(text);
    }
}

void ta_tuning_text(const struct ta_tuning *t, struct ta_buf *out)
{
    ta_buf_puts(out, "# How fast TerminalAI works, never what it makes: a switch that is on is applied.\n");
    ta_buf_printf(out, "version: %d\n", VERSION);
    append_options(ta_tuning_options, t, "", out);
    for (int i = 0; i < t->device_count; i++) {
        ta_buf_printf(out, "%s  \"%s\":\n", i ? "" : "devices:\n", t->devices[i].device);
        append_options(ta_device_tuning_options, &t->devices[i], "    ", out);
    }
}

int ta_tuning_save(const struct ta_tuning *t, const char *path, struct ta_log *log)
{
    struct ta_buf text = {0};
    char *dir = ta_path_dir(path);
    int err = ta_dir_create(dir, log);
    ta_tuning_text(t, &text);
    if (err >= 0)
        err = ta_file_write_atomic(path, text.data, text.size, log);
    free(dir);
    ta_buf_release(&text);
    return err;
}

int ta_tuning_batch(const struct ta_tuning *t, const char *device, int own)
{
    const struct ta_device_tuning *d = find_device(t, device);
    return t && !t->engine_batching ? 1 : d && d->batch ? (int)d->batch : own;
}

int ta_tuning_threads(const struct ta_tuning *t, const char *device, int own)
{
    const struct ta_device_tuning *d = find_device(t, device);
    return d && d->threads ? (int)d->threads : own;
}

const char *ta_tuning_kernels(const struct ta_tuning *t)
{
    const struct ta_device_tuning *d = find_device(t, "cpu");
    return kernels[d ? d->kernels : 0].name;
}

int ta_tuning_kernels_find(const char *name)
{
    for (int i = 0; kernels[i].name; i++)
        if (!strcmp(kernels[i].name, name))
            return i;
    return -1;
}
