// The dummy engine, and pictures through it whole and in tiles.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "infer/dummy.h"
#include "infer/numbers.h"
#include "infer/picture_run.h"
#include "infer/runtimes.h"
#include "recipe/engine_places.h"

#include "capture.h"

static char folder[] = "/tmp/ta-dummy-XXXXXX";

static char *settings(const char *text)
{
    char *path = ta_xprintf("%s/engine.dummy", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "%s\n%s", TA_DUMMY_HEAD, text);
    fclose(f);
    return path;
}

struct fixture {
    struct ta_runtimes *runtimes;
    struct ta_engine *engine;
    struct ta_network *network;
    struct ta_network_use use;
};

static void set_up(struct fixture *f, const char *text, int device)
{
    char *path = settings(text);
    *f = (struct fixture){0};
    ta_runtimes_create(&f->runtimes, ta_engine_open);
    ta_runtimes_name_library(f->runtimes, path);
    assert_int_equal(ta_runtimes_get(f->runtimes, "dummy", 1, NULL, &f->engine), 0);
    assert_int_equal(f->engine->info->load(f->engine, "", 0, device, &f->network, NULL), 0);
    assert_int_equal(ta_network_find_use(f->network, &f->use, NULL), 0);
    free(path);
}

static void tear_down(struct fixture *f)
{
    ta_network_unload(&f->network);
    ta_runtimes_destroy(&f->runtimes);
}

// What a picture becomes is known: each number `factor` times in both directions, and `add` on top.
static int count_wrong(const struct fixture *f, const float *in, const float *out, int n, int w, int h,
                       float add)
{
    int factor = f->use.factor, wrong = 0;
    for (int p = 0; p < n * f->use.planes; p++)
        for (int y = 0; y < h * factor; y++)
            for (int x = 0; x < w * factor; x++) {
                float want = in[(p * h + y / factor) * w + x / factor] + add;
                float got = out[(p * h * factor + y) * w * factor + x];
                wrong += got - want > 1e-5F || want - got > 1e-5F;
            }
    return wrong;
}

// Runs n pictures of w x h and says how many numbers are wrong; err: what must come of it.
static int run(const struct fixture *f, struct ta_picture_run_params params, int n, float add, int err,
               struct ta_picture_run_stats *stats, struct ta_log *log)
{
    struct ta_picture_run *r = NULL;
    int wrong = 0;
    size_t numbers = (size_t)n * (size_t)f->use.planes * (size_t)params.width * (size_t)params.height;
    size_t larger = numbers * (size_t)f->use.factor * (size_t)f->use.factor;
    float *in = ta_xcalloc(numbers, sizeof *in), *out = ta_xcalloc(larger, sizeof *out);
    for (size_t i = 0; i < numbers; i++)
        in[i] = (float)(i * 2654435761U % 1000) / 1000;
    params.network = f->network;
    params.use = f->use;
    assert_int_equal(ta_picture_run_create(&r, &params, log), 0);
    assert_int_equal(ta_picture_run(r, in, out, n, NULL, log), err);
    if (err >= 0)
        wrong = count_wrong(f, in, out, n, params.width, params.height, add);
    ta_picture_run_get_stats(r, stats);
    ta_picture_run_destroy(&r);
    free(in);
    free(out);
    return wrong;
}

static int count_warnings(struct capture *log)
{
    int n = 0;
    for (const char *at = ta_buf_text(&log->text); (at = strstr(at, "warn ")); at++)
        n++;
    return n;
}

static void test_settings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {{"factor 9\n", "factor 9"}, {"factor\n", "factor"},         {"factor 2x\n", "2x"},
               {"speed 3\n", "speed"},     {"fail_as hunger\n", "hunger"}, {"device abacus\n", "abacus"}};
    struct ta_engine *e = NULL;
    struct capture log;
    for (size_t i = 0; i < TA_COUNT(bad); i++) {
        char *path = settings(bad[i].text);
        capture_init(&log);
        assert_int_equal(ta_engine_open(&e, &ta_engine_dummy, path, 1, 0, log.log), TA_ERR_FORMAT);
        capture_expect_error(&log, bad[i].message);
        capture_release(&log);
        free(path);
    }
    capture_init(&log);
    assert_int_equal(ta_engine_open(&e, &ta_engine_dummy, NULL, 1, 0, log.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&log, "--engine-library");
    capture_release(&log);
    for (const struct ta_engine_info *const *i = ta_engines; *i; i++)
        assert_string_not_equal((*i)->name, "dummy"); // in no list
}

static void test_runtimes(void **state)
{
    (void)state;
    struct fixture f;
    struct ta_engine *again = NULL, *other = NULL;
    struct capture log;
    set_up(&f, "version 7\n", 0);
    assert_string_equal(f.engine->version, "7");
    assert_int_equal(ta_runtimes_get(f.runtimes, "dummy", 1, NULL, &again), 0);
    assert_ptr_equal(again, f.engine);
    assert_int_equal(ta_runtimes_get(f.runtimes, "dummy", 2, NULL, &other), 0);
    assert_ptr_not_equal(other, f.engine);
    capture_init(&log);
    assert_int_equal(ta_runtimes_get(f.runtimes, "abacus", 1, log.log, &other), TA_ERR_NOT_FOUND);
    capture_expect_error(&log, "abacus");
    capture_release(&log);
    tear_down(&f);
}

static void test_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int factor, planes;
        float add;
    } cases[] = {{"", 2, 3, 0},
                 {"factor 1\n", 1, 3, 0},
                 {"factor 4\nadd 0.25\n", 4, 3, 0.25F},
                 {"planes 1\n", 2, 1, 0}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture f;
        struct ta_picture_run_stats stats;
        set_up(&f, cases[i].text, 0);
        assert_int_equal(f.use.factor, cases[i].factor);
        assert_int_equal(f.use.planes, cases[i].planes);
        assert_int_equal(f.use.width, 0);
        for (int batch = 1; batch <= 8; batch++) {
            struct ta_picture_run_params p = {.width = 37, .height = 21, .batch = batch};
            assert_int_equal(run(&f, p, 8, cases[i].add, 0, &stats, NULL), 0);
            assert_int_equal(stats.calls, (8 + batch - 1) / batch);
            assert_int_equal(stats.allocations, 0);
        }
        tear_down(&f);
    }
}

// However large tiles are, and whatever the picture's size is, each pixel comes out once.
static void test_tiles(void **state)
{
    (void)state;
    struct fixture f;
    struct ta_picture_run_stats stats;
    set_up(&f, "factor 3\nadd 0.5\n", 0);
    for (int tile = 64; tile <= 256; tile += 37)
        for (int width = 50; width < 700; width += 173)
            for (int height = 64; height < 300; height += 97) {
                struct ta_picture_run_params p = {.width = width, .height = height, .tile = tile, .batch = 3};
                assert_int_equal(run(&f, p, 2, 0.5F, 0, &stats, NULL), 0);
                assert_int_equal(stats.allocations, width > tile || height > tile ? 2 : 0);
            }
    // As a network does that takes one size only, be it larger than the picture.
    for (int side = 48; side <= 160; side += 56) {
        f.use.width = side;
        f.use.height = side + 8;
        struct ta_picture_run_params p = {.width = 99, .height = 77, .batch = 2};
        assert_int_equal(run(&f, p, 3, 0.5F, 0, &stats, NULL), 0);
        assert_int_equal(stats.allocations, 2);
    }
    tear_down(&f);
}

// Of a picture of 128 x 128 and its enlargement, a call holds 3 * 4 * 5 * 16384 = 983040 bytes.
static void test_memory(void **state)
{
    (void)state;
    static const struct {
        int64_t memory;
        int batch, tile, warnings;
    } cases[] = {{983040 * 8, 8, 0, 0},
                 {983040 * 5, 4, 0, 1},
                 {983040, 1, 0, 1},
                 {983039, 1, 64, 2},
                 {245760, 1, 64, 2}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture f;
        struct ta_picture_run_stats stats;
        struct capture log;
        char *text = ta_xprintf("memory %lld\n", (long long)cases[i].memory);
        set_up(&f, text, 0);
        capture_init(&log);
        struct ta_picture_run_params p = {.width = 128, .height = 128, .batch = 8};
        assert_int_equal(run(&f, p, 16, 0, 0, &stats, log.log), 0);
        assert_int_equal(stats.batch, cases[i].batch);
        assert_int_equal(stats.tile, cases[i].tile);
        assert_int_equal(count_warnings(&log), cases[i].warnings);
        capture_release(&log);
        tear_down(&f);
        free(text);
    }
    struct fixture f;
    struct ta_picture_run_stats stats;
    struct capture log;
    set_up(&f, "memory 50000\n", 0); // of 64 x 64, the smallest tile, it would be 245760
    capture_init(&log);
    struct ta_picture_run_params p = {.width = 128, .height = 128, .batch = 8};
    run(&f, p, 16, 0, TA_ERR_NOMEM, &stats, log.log);
    assert_non_null(strstr(ta_buf_text(&log.text), "error terminalai: the dummy engine has 50000 bytes"));
    capture_release(&log);
    tear_down(&f);
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        const char *as;
        int err, device;
    } cases[] = {{"internal", TA_ERR_INTERNAL, 0}, {"device", TA_ERR_DEVICE, 0}, {"device", 0, 1}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture f;
        struct ta_picture_run_stats stats;
        struct capture log;
        // Which factor it has was found out by two calls.
        char *text = ta_xprintf("fail_call 4\nfail_as %s\n%s", cases[i].as,
                                cases[i].device ? "device gpu\n" : "");
        set_up(&f, text, 0);
        assert_int_equal(f.engine->device_count, 1 + cases[i].device);
        capture_init(&log);
        struct ta_picture_run_params p = {.width = 16, .height = 16, .batch = 1};
        assert_int_equal(run(&f, p, 3, 0, cases[i].err, &stats, log.log), 0);
        if (cases[i].err < 0)
            assert_non_null(strstr(ta_buf_text(&log.text), "fails at call 4"));
        // A device that is gone may come back: no error yet.
        assert_int_equal(count_warnings(&log), cases[i].err == TA_ERR_DEVICE);
        capture_release(&log);
        tear_down(&f);
        free(text);
    }
}

static void test_delays(void **state)
{
    (void)state;
    struct fixture f;
    struct ta_picture_run_stats stats;
    set_up(&f, "call_ms 20\nframe_ms 2\n", 0);
    struct ta_picture_run_params p = {.width = 8, .height = 8, .batch = 4};
    run(&f, p, 8, 0, 0, &stats, NULL);
    assert_true(stats.busy >= 2 * (0.020 + 4 * 0.002));
    tear_down(&f);
}

// Memory of the device: for what runs there, as long as there is some, and given back.
static void test_memory_of_the_device(void **state)
{
    (void)state;
    struct fixture f;
    struct ta_dummy_memory m;
    struct ta_numbers a, b, c;
    struct ta_picture_run_stats stats;
    set_up(&f, "device gpu\npinned 10000\n", 0); // the CPU has ordinary memory
    assert_int_equal(ta_numbers_take(&a, f.network, 100), 0);
    assert_null(a.from);
    assert_int_equal((uintptr_t)a.at % 64, 0);
    ta_numbers_give(&a);
    tear_down(&f);

    set_up(&f, "device gpu\npinned 10000\n", 1);
    assert_int_equal(ta_numbers_take(&a, f.network, 1000), 0);
    assert_int_equal(ta_numbers_take(&b, f.network, 1000), 0);
    assert_int_equal(ta_numbers_take(&c, f.network, 1000), 0); // for which nothing is left
    assert_true(a.from == f.network && b.from == f.network && !c.from);
    a.at[999] = b.at[999] = c.at[999] = 1;
    ta_dummy_get_memory(f.engine, &m);
    assert_true(m.taken == 2 && m.refused == 1 && m.given == 0 && m.bytes >= 8000 && m.bytes <= 8128);
    ta_numbers_give(&c);
    ta_numbers_give(&b);
    ta_numbers_give(&a);
    assert_null(a.at);
    ta_numbers_give(&a);
    ta_dummy_get_memory(f.engine, &m);
    assert_true(m.taken == 2 && m.given == 2 && m.bytes == 0);
    assert_int_equal(ta_numbers_take(&a, f.network, SIZE_MAX / 4), TA_ERR_NOMEM);
    assert_int_equal(ta_numbers_take(&a, NULL, 7), 0);
    ta_numbers_give(&a);
    tear_down(&f);

    // Tiles lie there, whatever the pictures' own memory is.
    set_up(&f, "device gpu\npinned 100000000\n", 1);
    struct ta_dummy_memory before;
    struct ta_picture_run_params p = {.width = 200, .height = 100, .tile = 64, .batch = 4};
    ta_dummy_get_memory(f.engine, &before); // finding out what the network is good for took other memory
    assert_int_equal(run(&f, p, 3, 0, 0, &stats, NULL), 0);
    ta_dummy_get_memory(f.engine, &m);
    assert_int_equal(stats.pinned, 2);
    assert_true(m.there > 0 && m.there == m.tensors - before.tensors);
    assert_true(m.given == m.taken && m.bytes == 0);
    p.use = f.use;
    assert_int_equal(ta_picture_run_bytes(&p), stats.bytes);
    tear_down(&f);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char *path = ta_xprintf("%s/engine.dummy", folder);
    unlink(path);
    free(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings), cmocka_unit_test(test_runtimes),
        cmocka_unit_test(test_whole),    cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_memory),   cmocka_unit_test(test_failures),
        cmocka_unit_test(test_delays),   cmocka_unit_test(test_memory_of_the_device),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
