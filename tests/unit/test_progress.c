// What the command line shows: the progress line, durations, sizes, tables, exit statuses.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "cli/table.h"

static const struct ta_progress half_way = {
    .phase = TA_PHASE_SEGMENTS,
    .fraction = 0.4,
    .total = 0.4567,
    .frames_done = 1234,
    .frames_total = 2918,
    .fps = 61.24,
    .elapsed = 20,
    .eta = 34.2,
    .bytes = 12345678,
};

static void expect_line(const struct ta_progress *p, double rate, int count, int columns, const char *line)
{
    struct ta_buf out = {0};
    ta_progress_line(p, rate, 1, count, columns, &out);
    assert_string_equal(ta_buf_text(&out), line);
    ta_buf_release(&out);
}

static void test_line(void **state)
{
    (void)state;
    expect_line(&half_way, 24.5, 1, 200,
                "restore   45.6%  1234/2918 frames  61.2 fps  2.50x  ETA 0:34  12.3 MB");
    expect_line(&half_way, 0, 1, 200, "restore   45.6%  1234/2918 frames  61.2 fps  ETA 0:34  12.3 MB");
    expect_line(&half_way, 0, 5, 200, "[2/5] restore   45.6%  1234/2918 frames  61.2 fps  ETA 0:34  12.3 MB");
    expect_line(&half_way, 24.5, 1, 40, "restore   45.6%  61.2 fps  ETA 0:34");
    expect_line(&half_way, 24.5, 1, 6, " 45.6%");
    struct ta_progress done = {.phase = TA_PHASE_JOIN, .fraction = 0.99999};
    expect_line(&done, 25, 1, 80, "join      99.9%");
    struct ta_progress odd = {.phase = TA_PHASE_SEGMENTS, .total = NAN, .fps = 0, .eta = -3};
    expect_line(&odd, 25, 1, 80, "restore    0.0%");
}

static void test_line_fits(void **state)
{
    (void)state;
    for (int columns = 6; columns < 120; columns++) {
        struct ta_buf out = {0};
        ta_progress_line(&half_way, 24.5, 0, 12, columns, &out);
        if ((int)out.size > columns)
            fail_msg("%d columns: \"%s\"", columns, out.data);
        ta_buf_release(&out);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } durations[] = {{0, "0:00"},       {7.4, "0:07"}, {59.6, "1:00"}, {754, "12:34"},
                     {3723, "1:02:03"}, {NAN, "-:--"}, {-1, "-:--"}};
    static const struct {
        int64_t bytes;
        const char *text;
    } sizes[] = {{0, "0 B"},
                 {999, "999 B"},
                 {1000, "1.0 kB"},
                 {12345678, "12.3 MB"},
                 {123456789, "123 MB"},
                 {999600000, "1.0 GB"},
                 {1500000000000, "1.5 TB"}};
    struct ta_buf out = {0};
    for (size_t i = 0; i < TA_COUNT(durations); i++) {
        ta_buf_clear(&out);
        ta_append_duration(&out, durations[i].seconds);
        assert_string_equal(out.data, durations[i].text);
    }
    for (size_t i = 0; i < TA_COUNT(sizes); i++) {
        ta_buf_clear(&out);
        ta_append_bytes(&out, sizes[i].bytes);
        assert_string_equal(out.data, sizes[i].text);
    }
    ta_buf_release(&out);
}

static void test_table(void **state)
{
    (void)state;
    struct ta_table table = {.columns = 2};
    struct ta_buf out = {0};
    ta_table_cell(&table, "a");
    ta_table_cell(&table, "first words and more words than fit");
    ta_table_cell(&table, "bär");
    ta_table_cell(&table, "x");
    ta_table_print(&table, 1, 32, &out);
    assert_string_equal(out.data, " a    first words and more words\n      than fit\n bär  x\n");
    ta_table_release(&table);
    ta_buf_clear(&out);
    ta_text_wrap(&out, "one two three four five six seven\n\n  as it is, however long it may be\nend", 2, 28);
    assert_string_equal(
        out.data, "  one two three four five\n  six seven\n\n    as it is, however long it may be\n  end\n");
    ta_buf_release(&out);
}

// What a file's name or tag holds can't drive the terminal.
static void test_visible(void **state)
{
    (void)state;
    struct ta_buf out = {0};
    ta_console_visible(&out, "bär\x1b[2J\r\x7f\xc2\x9b\xff\tok\n");
    assert_string_equal(out.data, "bär\\x1b[2J\\x0d\\x7f\\xc2\\x9b\\xff\tok\n");
    ta_buf_release(&out);
}

static void test_exit(void **state)
{
    (void)state;
    assert_int_equal(ta_exit_worse(TA_EXIT_OK, TA_EXIT_LOSS), 3);
    assert_int_equal(ta_exit_worse(TA_EXIT_LOSS, TA_EXIT_FAILED), 1);
    assert_int_equal(ta_exit_worse(TA_EXIT_FAILED, TA_EXIT_LOSS), 1);
    assert_int_equal(ta_exit_worse(TA_EXIT_USAGE, TA_EXIT_FAILED), 2);
    assert_int_equal(ta_exit_worse(TA_EXIT_FAILED, TA_EXIT_INTERRUPTED), 130);
    assert_int_equal(ta_exit_worse(TA_EXIT_OK, TA_EXIT_OK), 0);
    assert_int_equal(ta_exit_from_error(0), 0);
    assert_int_equal(ta_exit_from_error(TA_ERR_CANCELED), 130);
    assert_int_equal(ta_exit_from_error(TA_ERR_INVALID), 2);
    assert_int_equal(ta_exit_from_error(TA_ERR_USAGE), 2);
    assert_int_equal(ta_exit_from_error(TA_ERR_DAMAGED), 1);
}

// JSON text must be UTF-8, names of files need not be.
static void test_json_text(void **state)
{
    (void)state;
    json_t *text = ta_json_any_text("a\xff"
                                    "b\xc3\xa4");
    assert_string_equal(json_string_value(text), "a\xef\xbf\xbd"
                                                 "b\xc3\xa4");
    json_decref(text);
    assert_null(ta_json_any_text(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),      cmocka_unit_test(test_line_fits), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_table),     cmocka_unit_test(test_visible),   cmocka_unit_test(test_exit),
        cmocka_unit_test(test_json_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
