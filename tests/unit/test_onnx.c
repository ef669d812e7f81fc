// suite: thread
// ONNX Runtime on the processor, with networks that are written here byte by byte. Skipped without the
// library.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "infer/engine.h"
#include "infer/numbers.h"
#include "infer/runtimes.h"
#include "recipe/engine_places.h"

#include "capture.h"
#include "onnx_kit.h"

static struct capture messages;

// ---- networks ----

// y = ((x op x) op x)...: `ops` times. Each step needs memory of its own.
static struct ta_buf network(const char *op, int ops, int type, int size)
{
    const int shape[] = {1, size};
    struct ta_buf graph = {0};
    char from[16] = "x", to[16];
    for (int i = 0; i < ops; i++) {
        snprintf(to, sizeof to, i == ops - 1 ? "y" : "t%d", i);
        put_node(&graph, op, from, "x", to);
        memcpy(from, to, sizeof from);
    }
    put_value(&graph, INPUT, "x", type, 2, shape);
    put_value(&graph, OUTPUT, "y", type, 2, shape);
    return model_of(&graph);
}

static int load(struct ta_engine *e, struct ta_buf *model, struct ta_network **n)
{
    int err = e->info->load(e, ta_buf_text(model), model->size, 0, n, messages.log);
    ta_buf_release(model);
    return err;
}

static int setup(void **state)
{
    (void)state;
    capture_init(&messages);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    capture_release(&messages);
    return 0;
}

// ---- tests ----

static void test_open(void **state)
{
    (void)state;
    struct ta_engine *e = open_engine(0, messages.log);
    assert_string_equal(e->devices[0].provider, "CPUExecutionProvider");
    assert_int_equal(e->devices[0].kind, TA_DEVICE_CPU);
    assert_int_equal(e->note_count, 0);
    assert_int_equal(ta_engine_test(e, 0, messages.log), 0);
    struct ta_engine *second = open_engine(0, messages.log); // beside the first
    ta_engine_close(&e);
    assert_null(e);
    assert_int_equal(ta_engine_test(second, 0, messages.log), 0);
    ta_engine_close(&second);
    capture_expect(&messages, "");
}

static void test_shapes_and_sums(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct ta_engine *e = open_engine(0, messages.log);
    struct ta_network *n = NULL;
    struct ta_buf model = network("Add", 3, FLOAT, 0);
    assert_int_equal(load(e, &model, &n), 0);
    assert_int_equal(n->in_count, 1);
    assert_int_equal(n->out_count, 1);
    assert_string_equal(n->in[0].name, "x");
    assert_string_equal(n->out[0].name, "y");
    assert_int_equal(n->in[0].count, 2);
    assert_true(n->in[0].element == TA_ELEMENT_FLOAT);
    assert_true(n->in[0].dim[0] == 1 && n->in[0].dim[1] == -1);

    float *x = ta_xcalloc(N, sizeof *x), *y = ta_xcalloc(N + 1, sizeof *y);
    for (int i = 0; i < N; i++)
        x[i] = (float)i - 7;
    y[N] = 42; // behind what may be written
    struct ta_tensor in = {x, 2, {1, N}, NULL}, out = {y, 2, {1, N}, NULL};
    assert_int_equal(e->info->run(n, &in, &out, messages.log), 0);
    for (int i = 0; i < N; i++)
        assert_true(y[i] == 4 * x[i]);
    assert_true(y[N] == 42);
    capture_expect(&messages, "");

    out.dim[1] = N / 2; // what comes out does not fit
    assert_true(e->info->run(n, &in, &out, messages.log) < 0);
    capture_expect_error(&messages, "ONNX Runtime: running a network: ");
    assert_true(y[N] == 42);
    ta_network_unload(&n);
    ta_engine_close(&e);
    free(x);
    free(y);
}

static void test_other_shapes_are_refused(void **state)
{
    (void)state;
    float numbers[8] = {0};
    struct ta_engine *e = open_engine(0, messages.log);
    struct ta_network *n = NULL;
    struct ta_buf model = network("Add", 1, FLOAT, 4);
    assert_int_equal(load(e, &model, &n), 0);
    struct ta_tensor right = {numbers, 2, {1, 4}, NULL}, wide = {numbers, 2, {1, 8}, NULL},
                     deep = {numbers, 3, {1, 1, 4}, NULL}, none = {numbers, 2, {0, 4}, NULL};
    assert_int_equal(e->info->run(n, &right, &right, messages.log), 0);
    assert_int_equal(e->info->run(n, &wide, &right, messages.log), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "the network's input \"x\" is 1 x 4, not 1 x 8");
    assert_int_equal(e->info->run(n, &right, &deep, messages.log), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "the network's output \"y\" is 1 x 4, not 1 x 1 x 4");
    assert_int_equal(e->info->run(n, &none, &right, messages.log), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "not 0 x 4");
    ta_network_unload(&n);

    model = network("Add", 1, INT64, 4);
    assert_int_equal(load(e, &model, &n), 0);
    assert_int_equal(e->info->run(n, &right, &right, messages.log), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "the network's input \"x\" is of whole numbers of 64 bit");
    ta_network_unload(&n);

    model = network("Add", 1, DOUBLE, 4);
    assert_int_equal(load(e, &model, &n), 0);
    assert_int_equal(e->info->run(n, &right, &right, messages.log), TA_ERR_UNSUPPORTED);
    capture_expect_error(&messages, "the network's input \"x\" is neither of 32 bit numbers");
    ta_network_unload(&n);
    ta_engine_close(&e);
}

static void test_broken_networks(void **state)
{
    (void)state;
    struct ta_engine *e = open_engine(0, messages.log);
    struct ta_network *n = NULL;
    struct ta_buf whole = network("Add", 1, FLOAT, 4), model = {0};
    for (size_t size = 0; size < whole.size; size++) {
        assert_int_equal(e->info->load(e, whole.data, size, 0, &n, messages.log), TA_ERR_FORMAT);
        assert_null(n);
        capture_expect_error(&messages, "ONNX Runtime: loading a network: ");
    }
    ta_buf_release(&whole);
    ta_buf_puts(&model, "<!DOCTYPE html>");
    assert_int_equal(load(e, &model, &n), TA_ERR_FORMAT);
    capture_expect_error(&messages, "ONNX Runtime: loading a network: ");
    model = network("Conjure", 1, FLOAT, 4);
    assert_int_equal(load(e, &model, &n), TA_ERR_FORMAT);
    capture_expect_error(&messages, "Conjure");
    assert_int_equal(ta_engine_test(e, 0, messages.log), 0);
    ta_engine_close(&e);
}

static void test_memory_limit(void **state)
{
    (void)state;
    enum { N = 1 << 20 }; // 4 MiB a step
    struct ta_engine *e = open_engine(2 << 20, messages.log);
    struct ta_network *n = NULL;
    struct ta_buf model = network("Add", 3, FLOAT, 0);
    float *x = ta_xcalloc(N, sizeof *x), *y = ta_xcalloc(N, sizeof *y);
    struct ta_tensor in = {x, 2, {1, N}, NULL}, out = {y, 2, {1, N}, NULL};
    assert_int_equal(load(e, &model, &n), 0);
    assert_int_equal(e->info->run(n, &in, &out, messages.log), TA_ERR_NOMEM);
    capture_expect_error(&messages, "memory");
    in.dim[1] = out.dim[1] = N / 16; // less works, with the same network
    x[5] = 3;
    assert_int_equal(e->info->run(n, &in, &out, messages.log), 0);
    assert_true(y[5] == 12);
    ta_network_unload(&n);
    ta_engine_close(&e);
    free(x);
    free(y);
}

static int run_once(struct ta_network *n, float *x, float *y, int64_t count)
{
    struct ta_tensor in = {x, 2, {1, count}, NULL}, out = {y, 2, {1, count}, NULL};
    return n->engine->info->run(n, &in, &out, messages.log);
}

// The limit is the environment's, which all engines of the process share: a second engine changes it, and so
// does the same one when it is told. Networks keep the one that they were loaded with.
static void test_limit_changes(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    struct ta_engine *e = open_engine(2 << 20, messages.log), *second = NULL;
    struct ta_network *small = NULL, *large = NULL, *other = NULL;
    struct ta_buf model = network("Add", 3, FLOAT, 0);
    float *x = ta_xcalloc(N, sizeof *x), *y = ta_xcalloc(N, sizeof *y);
    assert_int_equal(load(e, &model, &small), 0);
    assert_int_equal(e->info->limit_memory(e, 64 << 20, messages.log), 0);
    model = network("Add", 3, FLOAT, 0);
    assert_int_equal(load(e, &model, &large), 0);
    assert_int_equal(run_once(large, x, y, N), 0);
    second = open_engine(2 << 20, messages.log); // beside the first, with a limit of its own
    model = network("Add", 3, FLOAT, 0);
    assert_int_equal(load(second, &model, &other), 0);
    assert_int_equal(run_once(large, x, y, N), 0);
    capture_expect(&messages, "");
    assert_int_equal(run_once(small, x, y, N), TA_ERR_NOMEM);
    capture_expect_error(&messages, "memory");
    assert_int_equal(run_once(other, x, y, N), TA_ERR_NOMEM);
    capture_expect_error(&messages, "memory");
    ta_network_unload(&small);
    ta_network_unload(&large);
    ta_engine_close(&e); // the environment stays, for the other
    assert_int_equal(run_once(other, x, y, N / 16), 0);
    ta_network_unload(&other);
    ta_engine_close(&second);
    free(x);
    free(y);
}

// By the library of the tests that stands for version 1.22 with two cards.
static int open_cards(struct ta_engine **out, const struct ta_engine_info *info, const char *named,
                      int threads, size_t memory_bytes, struct ta_log *log)
{
    const char *build = getenv("TA_BUILD_ROOT");
    char *stub = ta_xprintf("%s/tests/onnx_device_stub.so", build ? build : "build");
    const char *const libraries[] = {stub, NULL};
    const struct ta_engine_config config = {
        .libraries = libraries, .threads = threads, .memory_bytes = memory_bytes};
    (void)named;
    int err = info->open(out, &config, log);
    free(stub);
    return err;
}

// Versions that take one arena only take another in its place: another number of threads, another limit.
static void test_older_versions(void **state)
{
    (void)state;
    struct ta_runtimes *r = NULL;
    struct ta_engine *one = NULL, *two = NULL, *again = NULL;
    setenv("TA_STUB_ORT", "cards", 1);
    ta_runtimes_create(&r, open_cards);
    ta_runtimes_limit_memory(r, 1 << 30);
    int err = ta_runtimes_get(r, "onnx", 1, messages.log, &one);
    if (err == TA_ERR_NOT_FOUND)
        skip();
    assert_int_equal(err, 0);
    assert_int_equal(ta_runtimes_get(r, "onnx", 2, messages.log, &two), 0);
    ta_runtimes_limit_memory(r, 1 << 29);
    assert_int_equal(ta_runtimes_memory(r), 1 << 29);
    assert_int_equal(ta_runtimes_get(r, "onnx", 1, messages.log, &again), 0);
    assert_ptr_equal(again, one); // told, not opened again
    assert_ptr_not_equal(two, one);
    capture_expect(&messages, "");

    // Pinned memory goes by the number of the card, which is known of the first alone.
    for (int device = 0; device < 3; device++) {
        struct ta_network *n = NULL;
        struct ta_numbers numbers = {0};
        assert_int_equal(one->info->load(one, "", 0, device, &n, messages.log), 0);
        assert_int_equal(ta_numbers_take(&numbers, n, 100), 0);
        assert_ptr_equal(numbers.from, device == 1 ? n : NULL);
        assert_int_equal(numbers.count, 100);
        ta_numbers_give(&numbers);
        assert_int_equal(ta_numbers_take(&numbers, n, SIZE_MAX / 4), TA_ERR_NOMEM);
        assert_true(!numbers.at && !numbers.count); // what was not had counts nowhere
        ta_network_unload(&n);
    }
    ta_runtimes_destroy(&r);
    unsetenv("TA_STUB_ORT");
}

struct runner {
    struct ta_network *n;
    float factor;
    int wrong;
};

static int run_often(void *arg)
{
    struct runner *r = arg;
    float x[64], y[64];
    struct ta_tensor in = {x, 2, {1, 64}, NULL}, out = {y, 2, {1, 64}, NULL};
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 64; i++)
            x[i] = r->factor * (float)(i + round);
        if (r->n->engine->info->run(r->n, &in, &out, NULL) < 0)
            return TA_ERR_INTERNAL;
        for (int i = 0; i < 64; i++)
            r->wrong += y[i] != 4 * x[i];
    }
    return 0;
}

static void test_two_at_once(void **state)
{
    (void)state;
    struct ta_engine *e = open_engine(0, messages.log);
    struct ta_network *n = NULL;
    struct ta_buf model = network("Add", 3, FLOAT, 0);
    assert_int_equal(load(e, &model, &n), 0);
    struct runner a = {n, 1, 0}, b = {n, -3, 0};
    struct ta_thread *thread = NULL;
    assert_int_equal(ta_thread_create(&thread, "runner", run_often, &a), 0);
    assert_int_equal(run_often(&b), 0);
    assert_int_equal(ta_thread_join(&thread), 0);
    assert_int_equal(a.wrong + b.wrong, 0);
    ta_network_unload(&n);
    ta_engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shapes_and_sums, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_shapes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_networks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_older_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
