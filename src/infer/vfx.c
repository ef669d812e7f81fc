// NVIDIA VFX: opening its libraries.
#include "infer/vfx.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "infer/library.h"
#include "infer/vfx_parts.h"

// Its libraries ask for each other by plain names, which the package's files do not all have: each is opened
// before those that need it. What lacks is found out by those that need it.
static const struct {
    const char *pattern; // of glob(), in the folder of the package
    bool needed;
} parts[] = {
    {"libnpp*.so*", false},         {"libcudnn.so*", false},
    {"libnvinfer.so*", false},      {"libnvinfer_plugin.so*", false},
    {"libnvonnxparser.so*", false}, {"libNVCVImage.so*", true},
    {"libnvngxruntime.so*", false}, {"libVideoFXLocal.so*", false},
    {"libVideoFX.so*", true},       {"libnvVFXVideoSuperRes.so*", false},
    {"libnvVFXTrueHDR.so*", false}, {"libnvidia-ngx-*.so*", false},
};

enum { NEEDED_MAJOR = 1, NEEDED_MINOR = 2 }; // the first with Video Super Resolution

static int error_of(int status)
{
    switch (status) {
    case -3:
        return TA_ERR_NOMEM;
    case -2:
    case -9:
    case -16:
    case -17:
    case -18:
    case -19:
        return TA_ERR_UNSUPPORTED;
    case -10:
    case -11:
    case -12:
    case -13:
    case -14:
    case -20:
        return TA_ERR_NOT_FOUND;
    default:
        return TA_ERR_INTERNAL;
    }
}

static const char *advice_of(int status)
{
    switch (status) {
    case -2:
    case -4:
    case -14:
    case -20:
        return "; its package is not whole or too old for this: install it again (\"pip install -U nvidia-vfx\")";
    case -3:
        return "; the card has not enough memory for this size and as many pictures at a time";
    case -11:
    case -12:
        return "; the driver's libnvidia-ngx.so.1 must be there: on Debian and Ubuntu it comes with "
               "libnvidia-gl-VERSION";
    case -16:
        return "; it can't make pictures of this size";
    case -17:
    case -18:
        return "; it needs an NVIDIA card of the generation Turing or later";
    case -19:
        return "; it needs another driver: 570.190, 580.82, 590.44 or later";
    case -99:
        return "; is there an NVIDIA card with a driver, and may this user use it? (\"nvidia-smi\")";
    default:
        return "";
    }
}

int ta_vfx_status(const struct ta_vfx_engine *e, int status, const char *what, struct ta_log *log)
{
    if (status == 0)
        return 0;
    const char *text = e->NvCV_GetErrorStringFromCode ? e->NvCV_GetErrorStringFromCode(status) : NULL;
    struct ta_buf shown = {0};
    ta_buf_visible(&shown, text ? text : "no text", false);
    ta_error(log, "NVIDIA VFX: %s: %s (%d)%s", what, ta_buf_text(&shown), status, advice_of(status));
    ta_buf_release(&shown);
    return error_of(status);
}

static void *open_one(struct ta_vfx_engine *e, const char *file, bool needed, struct ta_buf *why)
{
    struct ta_buf text = {0};
    void *library = NULL;
    // Seen by those that are opened after it; stays in memory, as its threads do.
    if (ta_library_open_shared(&library, file, &text) < 0) {
        if (needed)
            ta_buf_printf(why, "%s: %s", ta_path_name(file), text.size ? text.data : "is not there");
        else
            ta_engine_add_note(&e->engine, ta_xprintf("%s: %s", file, ta_buf_text(&text)));
    }
    ta_buf_release(&text);
    return library;
}

// All parts in the folder of `file`; by name alone where it is no path. *fx has NvVFX_*, *image NvCVImage_*.
static int open_parts(struct ta_vfx_engine *e, const char *file, void **fx, void **image, struct ta_buf *why)
{
    *fx = *image = NULL;
    if (!strchr(file, '/')) {
        *image = open_one(e, "libNVCVImage.so", true, why);
        *fx = *image ? open_one(e, file, true, why) : NULL;
        return *fx ? 0 : TA_ERR_NOT_FOUND;
    }
    int err = ta_library_check(file, why);
    if (err < 0)
        return err;
    char *folder = ta_path_dir(file);
    for (size_t i = 0; i < TA_COUNT(parts) && err >= 0; i++) {
        glob_t found = {0};
        char *pattern = ta_library_pattern(folder, parts[i].pattern);
        bool is_fx = !strcmp(parts[i].pattern, "libVideoFX.so*");
        void *library = NULL;
        if (is_fx)
            library = open_one(e, file, true, why);
        else if (glob(pattern, 0, NULL, &found) == 0)
            // Of several versions the last; of different libraries all.
            for (size_t k = 0; k < found.gl_pathc; k++)
                library = open_one(e, found.gl_pathv[k], parts[i].needed && k + 1 == found.gl_pathc, why);
        if (parts[i].needed && !library) {
            if (!why->size)
                ta_buf_printf(why, "there is no %s beside it", parts[i].pattern);
            err = TA_ERR_FORMAT;
        }
        if (is_fx)
            *fx = library;
        else if (parts[i].needed)
            *image = library;
        globfree(&found);
        free(pattern);
    }
    free(folder);
    return err;
}

static int open_library(struct ta_vfx_engine *e, const char *file, struct ta_buf *why)
{
    void *fx, *image;
    unsigned version = 0;
    int err = open_parts(e, file, &fx, &image, why);
    if (err < 0)
        return err;
#define X(result, name, parameters)                                                  \
    if (err >= 0) {                                                                  \
        void *at = dlsym(!strncmp(#name, "NvVFX_", 6) ? fx : image, #name);          \
        e->name = (result(*) parameters)at;                                          \
        if (!at) {                                                                   \
            ta_buf_printf(why, "it is not NVIDIA VFX: there is no %s in it", #name); \
            err = TA_ERR_FORMAT;                                                     \
        }                                                                            \
    }
    TA_VFX_FUNCTIONS(X)
#undef X
    if (err < 0)
        return err;
    int status = e->NvVFX_GetVersion(&version);
    unsigned major = version >> 24, minor = version >> 16 & 255;
    if (status) {
        ta_buf_printf(why, "it does not tell its version (%d)", status);
        return TA_ERR_FORMAT;
    }
    if (major != NEEDED_MAJOR || minor < NEEDED_MINOR) {
        ta_buf_printf(why, "it is version %u.%u; needed is %d.%d or a newer %d.x", major, minor, NEEDED_MAJOR,
                      NEEDED_MINOR, NEEDED_MAJOR);
        return TA_ERR_UNSUPPORTED;
    }
    e->engine.library = ta_xstrdup(file);
    e->engine.version = ta_xprintf("%u.%u.%u", major, minor, version & 0xffff);
    return 0;
}

static void vfx_close(struct ta_engine *e)
{
    ta_engine_release(e);
    free(e);
}

static int vfx_open(struct ta_engine **out, const struct ta_engine_config *config, struct ta_log *log)
{
    struct ta_vfx_engine *e = ta_xcalloc(1, sizeof *e);
    struct ta_buf all = {0};
    int err = TA_ERR_NOT_FOUND;
    *out = NULL;
    e->engine.info = &ta_engine_nvvfx;
    for (const char *const *file = config->libraries; *file && !e->engine.library; file++) {
        struct ta_buf why = {0};
        int one = open_library(e, *file, &why);
        // That the system knows no such library is nothing to tell beside others.
        if (one < 0 && strchr(*file, '/')) {
            char *note = ta_xprintf("%s: %s", *file, ta_buf_text(&why));
            ta_buf_printf(&all, "%s%s", all.size ? "; " : "", note);
            ta_engine_add_note(&e->engine, note);
            err = one;
        }
        ta_buf_release(&why);
    }
    if (e->engine.library) {
        e->engine.devices = ta_xcalloc(1, sizeof *e->engine.devices);
        e->engine.devices[0] = (struct ta_engine_device){TA_DEVICE_GPU, ta_xstrdup("VideoSuperRes"),
                                                         ta_xstrdup("NVIDIA")};
        e->engine.device_count = 1;
        *out = &e->engine;
        err = 0;
    } else {
        ta_error(log, "%s", all.size ? all.data : "NVIDIA VFX is not found");
        vfx_close(&e->engine);
    }
    ta_buf_release(&all);
    return err;
}

enum { TEST_WIDTH = 640, TEST_HEIGHT = 360 };

// A grey picture twice as large must be about as grey.
static int vfx_test(struct ta_engine *e, int device, struct ta_log *log)
{
    enum { W = TEST_WIDTH, H = TEST_HEIGHT, GREY = 128, NEAR = 16 };
    const struct ta_vfx_config config = {.kind = TA_VFX_SUPER_RES,
                                         .quality = TA_VFX_LOW,
                                         .width = W,
                                         .height = H,
                                         .out_width = 2 * W,
                                         .out_height = 2 * H,
                                         .streams = 1};
    struct ta_vfx *v = NULL;
    uint8_t *in = ta_xcalloc(W * H, 4), *out = ta_xcalloc(4 * W * H, 4);
    const uint8_t *given[] = {in};
    uint8_t *made[] = {out};
    (void)device;
    memset(in, GREY, (size_t)W * H * 4);
    int err = ta_vfx_create(&v, e, &config, log);
    if (err >= 0)
        err = ta_vfx_run(v, given, W * 4, made, 2 * W * 4, 1, log);
    size_t middle = ((size_t)H * 2 * W + W) * 4;
    if (err >= 0 && abs(out[middle] - GREY) > NEAR) {
        ta_error(log, "it computes wrong: grey %d became %d", GREY, out[middle]);
        err = TA_ERR_INTERNAL;
    }
    ta_vfx_destroy(&v);
    free(in);
    free(out);
    return err;
}

const struct ta_engine_info ta_engine_nvvfx = {
    .name = "nvvfx",
    .summary = "NVIDIA VFX, which enlarges pictures on NVIDIA cards",
    .advice =
        "on a machine with an NVIDIA card (Turing or later), install it with \"pip install nvidia-vfx\", or say "
        "where it is with --engine-library",
    .package = "nvvfx/libs",
    .file = "libVideoFX.so*",
    .system_file = "libVideoFX.so",
    .open = vfx_open,
    .close = vfx_close,
    .test = vfx_test,
};
