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

static struct capture messages;

// ---- networks ----

static void put_varint(struct ta_buf *b, uint64_t n)
{
    for (; n > 127; n >>= 7)
        ta_buf_putc(b, (char)(n | 128));
    ta_buf_putc(b, (char)n);
}

static void put_number(struct ta_buf *b, int field, uint64_t n)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, n);
}

static void put_bytes(struct ta_buf *b, int field, const void *data, size_t size)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, size);
    ta_buf_append(b, data, size);
}

static void put_text(struct ta_buf *b, int field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

static void put_inside(struct ta_buf *b, int field, struct ta_buf *inner)
{
    put_bytes(b, field, ta_buf_text(inner), inner->size);
    ta_buf_release(inner);
}

enum { FLOAT = 1, INT64 = 7 };

// An input (field 11) or output (12) of shape [1, size], [1, any] when size is 0.
static void put_value(struct ta_buf *graph, int field, const char *name, int type, int size)
{
    struct ta_buf one = {0}, last = {0}, shape = {0}, tensor = {0}, kind = {0}, value = {0};
    put_number(&one, 1, 1);
    if (size)
        put_number(&last, 1, (uint64_t)size);
    else
        put_text(&last, 2, "n");
    put_inside(&shape, 1, &one);
    put_inside(&shape, 1, &last);
    put_number(&tensor, 1, (uint64_t)type);
    put_inside(&tensor, 2, &shape);
    put_inside(&kind, 1, &tensor);
    put_text(&value, 1, name);
    put_inside(&value, 2, &kind);
    put_inside(graph, field, &value);
}

static void put_node(struct ta_buf *graph, const char *op, const char *a, const char *b, const char *out)
{
    struct ta_buf node = {0};
    put_text(&node, 1, a);
    put_text(&node, 1, b);
    put_text(&node, 2, out);
    put_text(&node, 4, op);
    put_inside(graph, 1, &node);
}

// y = ((x op x) op x)...: `ops` times. Each step needs memory of its own.
static struct ta_buf network(const char *op, int ops, int type, int size)
{
    struct ta_buf graph = {0}, set = {0}, model = {0};
    char from[16] = "x", to[16];
    for (int i = 0; i < ops; i++) {
        snprintf(to, sizeof to, i == ops - 1 ? "y" : "t%d", i);
        put_node(&graph, op, from, "x", to);
        memcpy(from, to, sizeof from);
    }
    put_text(&graph, 2, "test");
    put_value(&graph, 11, "x", type, size);
    put_value(&graph, 12, "y", type, size);
    put_number(&set, 2, 13);
    put_number(&model, 1, 8);
    put_inside(&model, 7, &graph);
    put_inside(&model, 8, &set);
    return model;
}

// ---- the library ----

// Opens the library of the build folder, or skips the test.
static struct ta_engine *open_engine(size_t memory_bytes)
{
    const char *root = getenv("TA_SOURCE_ROOT");
    char *folder = ta_xprintf("%s/build/engines", root ? root : ".");
    struct ta_engine_places places;
    struct ta_engine *e = NULL;
    ta_engine_places_find(&places, &ta_engine_onnx, folder);
    free(folder);
    struct ta_engine_config config = {
        .libraries = (const char *const *)places.libraries, .threads = 2, .memory_bytes = memory_bytes};
    int err = ta_engine_onnx.open(&e, &config, messages.log);
    ta_engine_places_release(&places);
    if (err == TA_ERR_NOT_FOUND)
        skip();
    assert_int_equal(err, 0);
    return e;
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
    struct ta_engine *e = open_engine(0);
    assert_string_equal(e->devices[0].provider, "CPUExecutionProvider");
    assert_int_equal(e->devices[0].kind, TA_DEVICE_CPU);
    assert_int_equal(e->note_count, 0);
    assert_int_equal(ta_engine_test(e, 0, messages.log), 0);
    struct ta_engine *second = open_engine(0); // beside the first
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
    struct ta_engine *e = open_engine(0);
    struct ta_network *n = NULL;
    struct ta_buf model = network("Add", 3, FLOAT, 0);
    assert_int_equal(load(e, &model, &n), 0);
    assert_int_equal(n->in_count, 1);
    assert_int_equal(n->out_count, 1);
    assert_string_equal(n->in[0].name, "x");
    assert_string_equal(n->out[0].name, "y");
    assert_int_equal(n->in[0].count, 2);
    assert_true(n->in[0].is_float);
    assert_true(n->in[0].dim[0] == 1 && n->in[0].dim[1] == -1);

    float *x = ta_xcalloc(N, sizeof *x), *y = ta_xcalloc(N + 1, sizeof *y);
    for (int i = 0; i < N; i++)
        x[i] = (float)i - 7;
    y[N] = 42; // behind what may be written
    struct ta_tensor in = {x, 2, {1, N}}, out = {y, 2, {1, N}};
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
    struct ta_engine *e = open_engine(0);
    struct ta_network *n = NULL;
    struct ta_buf model = network("Add", 1, FLOAT, 4);
    assert_int_equal(load(e, &model, &n), 0);
    struct ta_tensor right = {numbers, 2, {1, 4}}, wide = {numbers, 2, {1, 8}},
                     deep = {numbers, 3, {1, 1, 4}}, none = {numbers, 2, {0, 4}};
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
    assert_int_equal(e->info->run(n, &right, &right, messages.log), TA_ERR_UNSUPPORTED);
    capture_expect_error(&messages, "the network's input \"x\" is not of 32 bit numbers");
    ta_network_unload(&n);
    ta_engine_close(&e);
}

static void test_broken_networks(void **state)
{
    (void)state;
    struct ta_engine *e = open_engine(0);
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
    struct ta_engine *e = open_engine(2 << 20);
    struct ta_network *n = NULL;
    struct ta_buf model = network("Add", 3, FLOAT, 0);
    float *x = ta_xcalloc(N, sizeof *x), *y = ta_xcalloc(N, sizeof *y);
    struct ta_tensor in = {x, 2, {1, N}}, out = {y, 2, {1, N}};
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
    struct ta_tensor in = {x, 2, {1, 64}}, out = {y, 2, {1, 64}};
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
    struct ta_engine *e = open_engine(0);
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
