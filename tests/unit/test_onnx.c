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
        cmocka_unit_test_setup_teardown(test_two_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
