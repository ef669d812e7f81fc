// Pictures that are missing of streams without a container, by the numbers of the others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "media/index/picture_order.h"

#define GOP 25 // a key picture and threes
#define COUNT ((size_t)GOP * 5)

// Groups of one key picture and B-pictures in pairs, as they stand in a file; `step` from picture to picture.
struct stream {
    int32_t numbers[COUNT];
    struct ta_index_packet packets[COUNT];
    size_t count;
    bool cut_off;
};

static struct stream make(int step)
{
    struct stream s = {.count = COUNT};
    for (size_t i = 0; i < COUNT; i++) {
        int in_group = (int)(i % GOP), of_three = in_group % 3;
        int shown = !in_group ? 0 : of_three == 1 ? in_group + 2 : in_group - 1;
        s.numbers[i] = shown * step;
        s.packets[i].flags = in_group ? 0 : TA_PACKET_KEY;
    }
    return s;
}

static void leave_out(struct stream *s, size_t first, size_t count)
{
    for (size_t i = first; i + count < s->count; i++) {
        s->numbers[i] = s->numbers[i + count];
        s->packets[i] = s->packets[i + count];
    }
    s->count -= count;
}

static int64_t gaps(struct stream *s)
{
    return ta_picture_order_gaps(s->numbers, s->packets, s->count, &s->cut_off);
}

static void test_whole(void **state)
{
    (void)state;
    for (int step = 1; step <= 2; step++) {
        struct stream s = make(step);
        assert_int_equal(gaps(&s), 0);
        assert_false(s.cut_off);
    }
}

static void test_missing(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 5; count++) {
        struct stream s = make(2);
        leave_out(&s, GOP + 7, count);
        assert_int_equal(gaps(&s), 1);
        leave_out(&s, (size_t)3 * GOP + 4, count);
        assert_int_equal(gaps(&s), 2);
        assert_false(s.cut_off);
    }
}

static void test_key_is_missing(void **state)
{
    (void)state;
    struct stream s = make(2);
    leave_out(&s, (size_t)2 * GOP, 1);
    assert_int_equal(gaps(&s), 1);
}

static void test_cut_at_keys(void **state)
{
    (void)state;
    struct stream s = make(2);
    leave_out(&s, GOP, GOP);
    assert_int_equal(gaps(&s), 0);
    assert_false(s.cut_off);
}

static void test_end(void **state)
{
    (void)state;
    struct stream s = make(1);
    s.count -= 2; // the picture before them in the file is shown after them
    assert_int_equal(gaps(&s), 0);
    assert_true(s.cut_off);
}

static void test_no_rule(void **state)
{
    (void)state;
    struct stream s = make(1);
    for (size_t i = 0; i < s.count; i++)
        s.numbers[i] = (int32_t)(i * i * 7 % 1009);
    assert_int_equal(gaps(&s), 0);
    for (size_t i = 0; i < s.count; i++)
        s.numbers[i] = 0; // a parser that doesn't tell
    assert_int_equal(gaps(&s), 0);
    assert_int_equal(ta_picture_order_gaps(NULL, NULL, 0, &s.cut_off), 0);
    assert_false(s.cut_off);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_key_is_missing),
        cmocka_unit_test(test_cut_at_keys),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_no_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
