#include "perf/clang.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/library.h"

// Where systems keep it, besides where the loader looks.
static const char *const places[] = {
    "/usr/lib/llvm-*/lib/libclang.so.1",
    "/usr/lib/llvm-*/lib/libclang-*.so.*",
    "/usr/lib/*-linux-gnu/libclang-*.so.*",
    "/usr/lib64/libclang.so.*",
    "/usr/lib/libclang.so.*",
    "/opt/homebrew/opt/llvm/lib/libclang.dylib",
    "/usr/local/opt/llvm/lib/libclang.dylib",
    "/Library/Developer/CommandLineTools/usr/lib/libclang.dylib",
};

static const char *const header_places[] = {
    "/usr/lib/llvm-%d/lib/clang/*/include/stddef.h",
    "/usr/lib/clang/%d*/include/stddef.h",
    "/usr/lib64/clang/%d*/include/stddef.h",
    "/opt/homebrew/opt/llvm/lib/clang/%d*/include/stddef.h",
    "/usr/local/opt/llvm/lib/clang/%d*/include/stddef.h",
    "/Library/Developer/CommandLineTools/usr/lib/clang/%d*/include/stddef.h",
};

static int open_any(void **library, const char *named, struct ta_buf *why)
{
    if (named)
        return ta_library_open(library, named, why);
    for (size_t i = 0; i < TA_COUNT(places); i++) {
        glob_t found;
        int err = TA_ERR_NOT_FOUND;
        if (glob(places[i], 0, NULL, &found) == 0) {
            for (size_t n = found.gl_pathc; n > 0 && err < 0; n--) {
                ta_buf_clear(why);
                err = ta_library_open(library, found.gl_pathv[n - 1], why);
            }
            globfree(&found);
        }
        if (err >= 0)
            return err;
    }
    ta_buf_clear(why);
    return ta_library_open(library, "libclang.so", why);
}

static bool find_calls(struct ta_clang *c, const char **missing)
{
#define FIND(result, name, args)                              \
    {                                                         \
        void *call = dlsym(c->library, "clang_" #name);       \
        memcpy((void *)&c->name, (void *)&call, sizeof call); \
        if (!call)                                            \
            *missing = "clang_" #name;                        \
    }
    TA_CLANG_CALLS(FIND)
#undef FIND
    return !*missing;
}

// libclang knows where its compiler's headers lie only when it is where it was built for; "14" of the
// version.
static void find_headers(struct ta_clang *c)
{
    const char *number = c->version + strcspn(c->version, "0123456789");
    int major = atoi(number);
    for (size_t i = 0; i < TA_COUNT(header_places) && !c->resource; i++) {
        glob_t found;
        struct ta_buf pattern = {0};
        const char *mark = strstr(header_places[i], "%d");
        ta_buf_append(&pattern, header_places[i], (size_t)(mark - header_places[i]));
        ta_buf_printf(&pattern, "%d%s", major, mark + 2);
        if (glob(pattern.data, 0, NULL, &found) == 0) {
            const char *file = found.gl_pathv[found.gl_pathc - 1];
            c->resource = ta_xprintf("-resource-dir=%.*s", (int)(strlen(file) - strlen("/include/stddef.h")),
                                     file);
            globfree(&found);
        }
        ta_buf_release(&pattern);
    }
}

int ta_clang_open(struct ta_clang **out, const char *named, struct ta_log *log)
{
    struct ta_clang *c = ta_xcalloc(1, sizeof *c);
    struct ta_buf why = {0}, version = {0};
    const char *missing = NULL;
    int err = open_any(&c->library, named, &why);
    *out = NULL;
    if (err >= 0 && !find_calls(c, &missing)) {
        ta_buf_printf(&why, "it lacks %s: version 9 or newer is needed", missing);
        err = TA_ERR_UNSUPPORTED;
    }
    if (err < 0) {
        ta_error(log,
                 "libclang can't be opened (%s); install it: apt install libclang1 clang, dnf install clang, "
                 "pacman -S clang, brew install llvm%s",
                 ta_buf_text(&why), named ? "" : "; or name it with --libclang FILE");
        ta_clang_close(&c);
        ta_buf_release(&why);
        return TA_ERR_UNSUPPORTED;
    }
    ta_clang_append(c, c->getClangVersion(), &version);
    c->version = ta_buf_take(&version);
    find_headers(c);
    ta_buf_release(&why);
    *out = c;
    return 0;
}

void ta_clang_close(struct ta_clang **clang)
{
    struct ta_clang *c = *clang;
    if (!c)
        return;
    // The library stays: its threads' clean-up runs when the process ends.
    free(c->version);
    free(c->resource);
    ta_freep(clang);
}

void ta_clang_append(const struct ta_clang *clang, struct ta_clang_string text, struct ta_buf *out)
{
    const char *s = clang->getCString(text);
    ta_buf_puts(out, s ? s : "");
    clang->disposeString(text);
}
