// ONNX Runtime: opening the library, its plugins and devices.
#include "infer/onnx.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "infer/library.h"

// Where the vendor's entry leads.
struct api_base {
    const ta_ort_function *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
};

static int error_of(int code, const char *text)
{
    // It has no code for a lack of memory, and says it in the words of whoever lacked it.
    static const char *const memory[] = {"allocate memory", "out of memory", "bad_alloc", "bad allocation",
                                         "Available memory"};
    static const int errors[] = {
        [1] = TA_ERR_INTERNAL,     [2] = TA_ERR_MISMATCH,   [3] = TA_ERR_NOT_FOUND, [4] = TA_ERR_NOT_FOUND,
        [5] = TA_ERR_INTERNAL,     [6] = TA_ERR_INTERNAL,   [7] = TA_ERR_FORMAT,    [8] = TA_ERR_BUSY,
        [9] = TA_ERR_UNSUPPORTED,  [10] = TA_ERR_FORMAT,    [11] = TA_ERR_INTERNAL, [12] = TA_ERR_CANCELED,
        [13] = TA_ERR_UNSUPPORTED, [14] = TA_ERR_NOT_FOUND,
    };
    for (size_t i = 0; i < TA_COUNT(memory); i++)
        if (strstr(text, memory[i]))
            return TA_ERR_NOMEM;
    return code > 0 && code < (int)TA_COUNT(errors) ? errors[code] : TA_ERR_INTERNAL;
}

int ta_onnx_status_text(struct ta_onnx *o, void *status, struct ta_buf *why)
{
    if (!status)
        return 0;
    int code = ORT_CALL(o, ORT_GET_ERROR_CODE, int, (const void *), status);
    const char *text = ORT_CALL(o, ORT_GET_ERROR_MESSAGE, const char *, (const void *), status);
    int err = error_of(code, text);
    ta_buf_visible(why, text, false);
    ORT_RELEASE(o, ORT_RELEASE_STATUS, status);
    return err;
}

int ta_onnx_status(struct ta_onnx *o, void *status, const char *what, struct ta_log *log)
{
    struct ta_buf why = {0};
    int err = ta_onnx_status_text(o, status, &why);
    if (err < 0)
        ta_error(log, "ONNX Runtime: %s: %s", what, ta_buf_text(&why));
    ta_buf_release(&why);
    return err;
}

// Its own log. What makes a call fail comes back as a status too.
static void on_message(void *priv, int severity, const char *category, const char *id, const char *where,
                       const char *message)
{
    (void)category;
    (void)id;
    (void)where;
    ta_log_message(priv, severity >= 3 ? TA_LOG_VERBOSE : TA_LOG_DEBUG, "ONNX Runtime: %s", message);
}

// The table of one file, or an error and why.
static int open_library(struct ta_onnx *o, const char *file, struct ta_buf *why)
{
    unsigned major = 0, minor = 0;
    // Since 1.32 it sends usage data over the network unless it is told not to before it is loaded.
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    void *library = NULL;
    int err = ta_library_open(&library, file, why);
    if (err < 0)
        return err;
    // Stays in memory: its threads and its log end with the process, not before.
    const struct api_base *(*entry)(void) = (const struct api_base *(*)(void))dlsym(library, "OrtGetApiBase");
    if (!entry) {
        ta_buf_puts(why, "it is not ONNX Runtime: there is no OrtGetApiBase in it");
        dlclose(library);
        return TA_ERR_FORMAT;
    }
    const struct api_base *base = entry();
    const char *version = base && base->get_version ? base->get_version() : NULL;
    // Asked first, as an old one complains on standard error when asked for an interface that it lacks.
    if (!version || sscanf(version, "%u.%u", &major, &minor) != 2) {
        ta_buf_puts(why, "it is not ONNX Runtime: it does not tell its version");
        return TA_ERR_FORMAT;
    }
    if (major != 1 || minor < TA_ORT_API) {
        ta_buf_puts(why, "it is version ");
        ta_buf_visible(why, version, false);
        ta_buf_printf(why, "; needed is 1.%d or a newer 1.x", TA_ORT_API);
        return TA_ERR_UNSUPPORTED;
    }
    o->api = minor < TA_ORT_API_SHARED ? TA_ORT_API : TA_ORT_API_SHARED;
    o->table = base->get_api((uint32_t)o->api);
    if (!o->table) {
        ta_buf_printf(why, "it says that it is version %u.%u, but has no interface of version %d", major,
                      minor, o->api);
        return TA_ERR_UNSUPPORTED;
    }
    o->engine.library = ta_xstrdup(file);
    o->engine.version = ta_xstrdup(version);
    return 0;
}

static int find_library(struct ta_onnx *o, const char *const *files, struct ta_log *log)
{
    struct ta_buf all = {0};
    int worst = TA_ERR_NOT_FOUND;
    for (; *files && !o->table; files++) {
        struct ta_buf why = {0};
        int err = open_library(o, *files, &why);
        if (err < 0 && why.size) {
            char *note = ta_xprintf("%s: %s", *files, ta_buf_text(&why));
            ta_buf_printf(&all, "%s%s", all.size ? "; " : "", note);
            ta_engine_add_note(&o->engine, note);
            worst = err;
        }
        ta_buf_release(&why);
    }
    if (!o->table && all.size)
        ta_error(log, "%s", all.data);
    else if (!o->table)
        ta_error(log, "ONNX Runtime is not found");
    ta_buf_release(&all);
    return o->table ? 0 : worst;
}

pthread_rwlock_t ta_onnx_arena_lock = PTHREAD_RWLOCK_INITIALIZER;

// Memory for all networks comes from one arena with a limit, which is the environment's: another engine may
// have given it one, and some versions refuse a second beside it. Networks keep the one that they came with.
static void *replace_arena(struct ta_onnx *o, const void *arena)
{
    void *none = ORT_CALL(o, ORT_UNREGISTER_ALLOCATOR, void *, (void *, const void *), o->env, o->memory);
    ORT_RELEASE(o, ORT_RELEASE_STATUS, none); // there was none
    return ORT_CALL(o, ORT_CREATE_AND_REGISTER_ALLOCATOR, void *, (void *, const void *, const void *),
                    o->env, o->memory, arena);
}

static int onnx_limit_memory(struct ta_engine *e, size_t bytes, struct ta_log *log)
{
    struct ta_onnx *o = (struct ta_onnx *)e;
    void *arena = NULL, *status = NULL;
    pthread_rwlock_wrlock(&ta_onnx_arena_lock);
    o->limited = bytes > 0;
    if (bytes)
        status = ORT_CALL(o, ORT_CREATE_ARENA_CONFIG, void *, (size_t, int, int, int, void **), bytes,
                          1 /* as much as is asked for */, -1, -1, &arena);
    if (bytes && !status)
        status = replace_arena(o, arena);
    pthread_rwlock_unlock(&ta_onnx_arena_lock);
    ORT_RELEASE(o, ORT_RELEASE_ARENA_CONFIG, arena);
    return ta_onnx_status(o, status, "limiting its memory", log);
}

static void add_plugins(struct ta_onnx *o, const struct ta_engine_plugin *plugins, struct ta_log *log)
{
    for (const struct ta_engine_plugin *p = plugins; p && p->name; p++) {
        struct ta_buf why = {0};
        char *path = ta_path_absolute(p->file);
        int err = ta_library_check(path, &why);
        if (err >= 0)
            err = ta_onnx_status_text(o,
                                      ORT_CALL(o, ORT_REGISTER_PROVIDER_LIBRARY, void *,
                                               (void *, const char *, const char *), o->env, p->name, path),
                                      &why);
        if (err < 0) {
            ta_verbose(log, "%s: %s", path, ta_buf_text(&why));
            ta_engine_add_note(&o->engine, ta_xprintf("%s: %s", path, ta_buf_text(&why)));
        } else {
            size_t count = (size_t)o->registered_count + 1;
            o->registered = ta_xrealloc(o->registered, count * sizeof *o->registered);
            o->registered[o->registered_count++] = ta_xstrdup(p->name);
        }
        free(path);
        ta_buf_release(&why);
    }
}

static void add_device(struct ta_onnx *o, enum ta_device_kind kind, const char *provider, const char *vendor)
{
    struct ta_engine *e = &o->engine;
    e->devices = ta_xrealloc(e->devices, (size_t)(e->device_count + 1) * sizeof *e->devices);
    e->devices[e->device_count++] = (struct ta_engine_device){kind, ta_xstrdup(provider),
                                                              ta_xstrdup(vendor ? vendor : "")};
}

static int list_devices(struct ta_onnx *o, struct ta_log *log)
{
    static const char cpu[] = "CPUExecutionProvider";
    const void *const *list = NULL;
    size_t count = 0;
    void *status = ORT_CALL(o, ORT_GET_EP_DEVICES, void *, (void *, const void *const **, size_t *), o->env,
                            &list, &count);
    int err = ta_onnx_status(o, status, "listing its devices", log);
    if (err < 0)
        return err;
    add_device(o, TA_DEVICE_CPU, cpu, NULL);
    const void **kept = ta_xcalloc(count + 1, sizeof *kept);
    o->ep_devices = kept;
    for (size_t i = 0; i < count; i++) {
        const char *provider = ORT_CALL(o, ORT_EP_DEVICE_NAME, const char *, (const void *), list[i]);
        const void *hardware = ORT_CALL(o, ORT_EP_DEVICE_HARDWARE, const void *, (const void *), list[i]);
        unsigned kind = ORT_CALL(o, ORT_HARDWARE_TYPE, unsigned, (const void *), hardware);
        const char *vendor = ORT_CALL(o, ORT_HARDWARE_VENDOR, const char *, (const void *), hardware);
        if (!strcmp(provider, cpu)) {
            free(o->engine.devices[0].vendor);
            o->engine.devices[0].vendor = ta_xstrdup(vendor ? vendor : "");
            continue;
        }
        kept[o->engine.device_count - 1] = list[i];
        add_device(o, kind < TA_DEVICE_OTHER ? (enum ta_device_kind)kind : TA_DEVICE_OTHER, provider, vendor);
    }
    return 0;
}

static void onnx_close(struct ta_engine *e)
{
    struct ta_onnx *o = (struct ta_onnx *)e;
    if (o->table) {
        ORT_RELEASE(o, ORT_RELEASE_MEMORY_INFO, o->memory);
        while (o->registered_count > 0) {
            void *status = ORT_CALL(o, ORT_UNREGISTER_PROVIDER_LIBRARY, void *, (void *, const char *),
                                    o->env, o->registered[--o->registered_count]);
            ORT_RELEASE(o, ORT_RELEASE_STATUS, status);
            free(o->registered[o->registered_count]);
        }
        ORT_RELEASE(o, ORT_RELEASE_ENV, o->env);
    }
    pthread_mutex_destroy(&o->lock);
    free(o->blocks);
    free(o->registered);
    free((void *)o->ep_devices);
    ta_engine_release(e);
    ta_log_destroy(&o->log);
    free(o);
}

static int onnx_open(struct ta_engine **out, const struct ta_engine_config *config, struct ta_log *log)
{
    struct ta_onnx *o = ta_xcalloc(1, sizeof *o);
    *out = NULL;
    o->engine.info = &ta_engine_onnx;
    o->threads = TA_MAX(config->threads, 1);
    pthread_mutex_init(&o->lock, NULL);
    o->log = ta_log_child(log, "onnx"); // stays while the library may write to it
    int err = find_library(o, config->libraries, log);
    if (err < 0)
        goto fail;
    err = ta_onnx_status(
        o,
        ORT_CALL(o, ORT_CREATE_ENV_WITH_LOGGER, void *,
                 (void (*)(void *, int, const char *, const char *, const char *, const char *), void *, int,
                  const char *, void **),
                 on_message, o->log, 2, "terminalai", &o->env),
        "starting it", log);
    if (err >= 0)
        err = ta_onnx_status(o,
                             ORT_CALL(o, ORT_CREATE_CPU_MEMORY_INFO, void *, (int, int, void **),
                                      1 /* arena */, 0 /* default */, &o->memory),
                             "describing its memory", log);
    if (err >= 0 && config->memory_bytes)
        err = onnx_limit_memory(&o->engine, config->memory_bytes, log);
    if (err < 0)
        goto fail;
    add_plugins(o, config->plugins, log);
    err = list_devices(o, log);
    if (err < 0)
        goto fail;
    *out = &o->engine;
    return 0;
fail:
    onnx_close(&o->engine);
    return err;
}

static const struct ta_engine_plugin plugins[] = {
    {"cuda", "onnxruntime/capi/libonnxruntime_providers_cuda.so"},
    {"nv_tensorrt_rtx", "onnxruntime_ep_nv_tensorrt_rtx/libonnxruntime_providers_nv_tensorrt_rtx.so"},
    {"tensorrt", "onnxruntime/capi/libonnxruntime_providers_tensorrt.so"},
    {"webgpu", "onnxruntime_ep_webgpu/libonnxruntime_providers_webgpu.so"},
    {0},
};

const struct ta_engine_info ta_engine_onnx = {
    .name = "onnx",
    .summary = "ONNX Runtime, for networks in .onnx files",
    .advice =
        "install it with \"pip install onnxruntime\" (\"onnxruntime-gpu\" for NVIDIA's CUDA), or say where "
        "it is with --engine-library",
    .package = "onnxruntime/capi",
#ifdef __APPLE__
    .file = "libonnxruntime*.dylib",
    .system_file = "libonnxruntime.dylib",
#else
    .file = "libonnxruntime.so*",
    .system_file = "libonnxruntime.so.1",
#endif
    .plugins = plugins,
    .open = onnx_open,
    .close = onnx_close,
    .limit_memory = onnx_limit_memory,
    .load = ta_onnx_load,
    .unload = ta_onnx_unload,
    .run = ta_onnx_run,
    .take_memory = ta_onnx_take_memory,
    .give_memory = ta_onnx_give_memory,
};
