// Two sets of weights mixed: numbers of 16 and 32 bit, and networks that are not the same.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "infer/onnx_blend.h"

#include "capture.h"
#include "onnx_kit.h"

static struct capture messages;

enum { HALF = 10, RAW = 9, FLOATS = 4 };

// A network of one tensor, whose numbers lie in this field.
static struct ta_buf tensor_network(int type, int field, const void *numbers, size_t size, const char *op)
{
    static const int shape[] = {1, 2};
    struct ta_buf graph = {0}, tensor = {0};
    put_node(&graph, op, "x", "w", "y");
    // The numbers before their type: fields come in any order.
    put_bytes(&tensor, field, numbers, size);
    put_number(&tensor, 2, (uint64_t)type);
    put_text(&tensor, 8, "w");
    put_inside(&graph, 5, &tensor);
    put_value(&graph, INPUT, "x", type, 2, shape);
    put_value(&graph, OUTPUT, "y", type, 2, shape);
    return model_of(&graph);
}

static const uint8_t *numbers_in(const struct ta_buf *model, const void *numbers, size_t size)
{
    for (size_t i = 0; i + size <= model->size; i++)
        if (!memcmp(model->data + i, numbers, size))
            return (const uint8_t *)model->data + i;
    return NULL;
}

static void expect(int type, int field, const void *a, const void *b, size_t size, double share,
                   const void *mixed)
{
    struct ta_buf first = tensor_network(type, field, a, size, "Add");
    struct ta_buf other = tensor_network(type, field, b, size, "Add");
    assert_int_equal(ta_onnx_blend(first.data, first.size, other.data, other.size, share, messages.log), 0);
    struct ta_buf wanted = tensor_network(type, field, mixed, size, "Add");
    assert_non_null(numbers_in(&first, mixed, size));
    assert_memory_equal(first.data, wanted.data, wanted.size); // and nothing else
    ta_buf_release(&first);
    ta_buf_release(&other);
    ta_buf_release(&wanted);
}

static void test_numbers(void **state)
{
    (void)state;
    const float a[] = {0, 4, -1, 1e30F}, b[] = {8, 0, 1, 1e30F}, quarter[] = {2, 3, -0.5F, 1e30F};
    expect(FLOAT, RAW, a, b, sizeof a, 0.25, quarter);
    expect(FLOAT, FLOATS, a, b, sizeof a, 0.25, quarter);
    expect(FLOAT, RAW, a, b, sizeof a, 0, a);
    expect(FLOAT, RAW, a, b, sizeof a, 1, b);
    // 1 and 2, -2 and 0, 65504 (the largest) twice, 2^-24 (the smallest) and 3 of it, 2^-14 and 0, 0 and -0
    const uint16_t h[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x0000};
    const uint16_t k[] = {0x4000, 0x0000, 0x7bff, 0x0003, 0x0000, 0x0000};
    const uint16_t half[] = {0x3e00, 0xbc00, 0x7bff, 0x0002, 0x0200, 0x0000};
    expect(HALF, RAW, h, k, sizeof h, 0.5, half);
    // Between 1 and the number behind it, and that and the next one: to the even one.
    const uint16_t near[] = {0x3c00, 0x3c01}, next[] = {0x3c01, 0x3c02}, even[] = {0x3c00, 0x3c02};
    expect(HALF, RAW, near, next, sizeof near, 0.5, even);
}

// Every number of 16 bit comes back as it is.
static void test_each_half(void **state)
{
    (void)state;
    static uint16_t all[1 << 16];
    for (unsigned i = 0; i < TA_COUNT(all); i++)
        all[i] = (uint16_t)((i & 0x7c00) == 0x7c00 || i == 0x8000 ? 0 : i); // none that is no number
    expect(HALF, RAW, all, all, sizeof all, 0.5, all);
    expect(HALF, RAW, all, all, sizeof all, 1, all);
}

static void refuse(struct ta_buf *first, struct ta_buf *other)
{
    assert_int_equal(ta_onnx_blend(first->data, first->size, other->data, other->size, 0.5, messages.log),
                     TA_ERR_MISMATCH);
    capture_expect_error(&messages, "they differ in more than their numbers");
    ta_buf_release(first);
    ta_buf_release(other);
}

static void test_other_networks(void **state)
{
    (void)state;
    const float a[] = {1, 2}, more[] = {1, 2, 3};
    const int64_t whole[] = {3}, other[] = {4};
    struct ta_buf x = tensor_network(FLOAT, RAW, a, sizeof a, "Add");
    struct ta_buf y = tensor_network(FLOAT, RAW, a, sizeof a, "Mul");
    refuse(&x, &y);
    x = tensor_network(FLOAT, RAW, a, sizeof a, "Add");
    y = tensor_network(FLOAT, RAW, more, sizeof more, "Add");
    refuse(&x, &y);
    x = tensor_network(FLOAT, RAW, a, sizeof a, "Add");
    y = tensor_network(FLOAT, FLOATS, a, sizeof a, "Add");
    refuse(&x, &y);
    x = tensor_network(INT64, RAW, whole, sizeof whole, "Add"); // shapes are no weights
    y = tensor_network(INT64, RAW, other, sizeof other, "Add");
    refuse(&x, &y);
    x = tensor_network(INT64, RAW, whole, sizeof whole, "Add");
    y = tensor_network(INT64, RAW, whole, sizeof whole, "Add");
    assert_int_equal(ta_onnx_blend(x.data, x.size, y.data, y.size, 0.5, messages.log), 0);
    refuse(&x, &(struct ta_buf){0});
    ta_buf_release(&y);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_half, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_networks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
