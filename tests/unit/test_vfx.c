// NVIDIA VFX against a library of the tests: TrueHDR's pictures, and what is refused. Skipped where it is not
// built.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/vfx.h"

// A folder in which the library of the tests has the vendor's names.
static struct ta_engine *open_stub(char folder[])
{
    static const char *const names[] = {"libVideoFX.so", "libNVCVImage.so"};
    const char *build = getenv("TA_BUILD_ROOT");
    struct ta_engine *e = NULL;
    char *stub = ta_xprintf("%s/tests/nvvfx_stub.so", build ? build : "build");
    if (access(stub, R_OK) < 0 || !mkdtemp(folder)) {
        free(stub);
        return NULL;
    }
    for (size_t i = 0; i < TA_COUNT(names); i++) {
        char *path = ta_xprintf("%s/%s", folder, names[i]);
        assert_int_equal(symlink(stub, path), 0);
        free(path);
    }
    char *library = ta_xprintf("%s/libVideoFX.so", folder);
    const char *const libraries[] = {library, NULL};
    const struct ta_engine_config config = {.libraries = libraries, .threads = 1};
    assert_int_equal(ta_engine_nvvfx.open(&e, &config, NULL), 0);
    for (size_t i = 0; i < TA_COUNT(names); i++) {
        char *path = ta_xprintf("%s/%s", folder, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(folder);
    free(library);
    free(stub);
    return e;
}

enum { W = 50, H = 20, STREAMS = 3 };

static void true_hdr(void **state)
{
    (void)state;
    char folder[] = "/tmp/ta-vfx-XXXXXX";
    struct ta_engine *e = open_stub(folder);
    if (!e)
        skip();
    const struct ta_vfx_config config = {TA_VFX_TRUE_HDR, 0, W, H, W, H, STREAMS, 100, 100, 50, 650};
    struct ta_vfx *v = NULL;
    uint8_t *in[STREAMS], *out[STREAMS];
    assert_int_equal(ta_vfx_create(&v, e, &config, NULL), 0);
    for (int round = 0; round < 3; round++) { // the same memory again
        for (int i = 0; i < STREAMS; i++) {
            in[i] = ta_xcalloc(W * H, 4);
            out[i] = ta_xcalloc(W * H, 4);
            for (int k = 0; k < W * H; k++) {
                in[i][4 * k] = (uint8_t)(k + i);
                in[i][4 * k + 1] = (uint8_t)(3 * k + round);
                in[i][4 * k + 2] = (uint8_t)(7 * k);
            }
        }
        assert_int_equal(
            ta_vfx_run(v, (const uint8_t *const *)in, W * 4, out, W * 4, STREAMS - (round == 2), NULL), 0);
        for (int i = 0; i < STREAMS - (round == 2); i++)
            for (int k = 0; k < W * H; k++) {
                uint32_t made;
                memcpy(&made, out[i] + (size_t)4 * (size_t)k, 4);
                assert_int_equal(made & 1023, in[i][4 * k] * 4);
                assert_int_equal(made >> 10 & 1023, in[i][4 * k + 1] * 4);
                assert_int_equal(made >> 20 & 1023, in[i][4 * k + 2] * 4);
            }
        for (int i = 0; i < STREAMS; i++) {
            free(in[i]);
            free(out[i]);
        }
    }
    ta_vfx_destroy(&v);
    assert_null(v);
    ta_engine_close(&e);
}

// Of 8x8 samples.
#define SUPER_RES(level, wide, high, count)                                                     \
    {                                                                                           \
        .kind = TA_VFX_SUPER_RES, .quality = level, .width = 8, .height = 8, .out_width = wide, \
        .out_height = high, .streams = count                                                    \
    }

static void refused(void **state)
{
    (void)state;
    static const struct ta_vfx_config cases[] = {
        SUPER_RES(5, 16, 16, 1),
        SUPER_RES(20, 16, 16, 1),
        SUPER_RES(1, 33, 16, 1),
        SUPER_RES(1, 8, 7, 1),
        SUPER_RES(9, 16, 16, 1),
        SUPER_RES(1, 16, 16, 0),
        SUPER_RES(1, 16, 16, 33),
        {.kind = TA_VFX_TRUE_HDR, .width = 8, .height = 8, .out_width = 16, .out_height = 16, .streams = 1},
        {.kind = TA_VFX_TRUE_HDR, .width = 0, .height = 8, .out_width = 0, .out_height = 8, .streams = 1},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_buf why = {0};
        if (ta_vfx_check(&cases[i], &why) != TA_ERR_UNSUPPORTED || !why.size)
            fail_msg("case %zu is taken", i);
        ta_buf_release(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(true_hdr), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
