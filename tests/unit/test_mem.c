#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"

// Builds with AddressSanitizer ask for this; without it, allocations that are meant to fail end the program.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_allocation(void **state)
{
    (void)state;
    unsigned char *p = ta_xcalloc(1000, 3);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(p[i], 0);
    p[2999] = 7;
    p = ta_xrealloc(p, 100000);
    assert_int_equal(p[2999], 7);
    free(p);
    void *empty = ta_xcalloc(0, 8);
    assert_non_null(empty);
    empty = ta_xrealloc(empty, 0);
    assert_non_null(empty);
    free(empty);

    char *copy = ta_xstrdup("tape");
    assert_string_equal(copy, "tape");
    free(copy);
    copy = ta_xstrndup("tape", 2);
    assert_string_equal(copy, "ta");
    free(copy);
    const char unterminated[] = {'a', 'b'};
    copy = ta_xstrndup(unterminated, 2);
    assert_string_equal(copy, "ab");
    free(copy);
    copy = ta_xprintf("%d-%s", 5, "x");
    assert_string_equal(copy, "5-x");
    ta_freep(&copy);
    assert_null(copy);
}

// In a child process: the message and the abort.
static void test_out_of_memory(void **state)
{
    (void)state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(pipes[1], STDERR_FILENO);
        free(ta_xcalloc(SIZE_MAX / 4, 8));
        _exit(0);
    }
    close(pipes[1]);
    char text[4000] = "";
    size_t size = 0;
    ssize_t n;
    while (size < sizeof(text) - 1 && (n = read(pipes[0], text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)n;
    close(pipes[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "terminalai: error: out of memory"));
}

static void test_try_grow(void **state)
{
    (void)state;
    void *p = NULL;
    size_t capacity = 0;
    assert_int_equal(ta_try_grow(&p, &capacity, 0, 4), 0);
    assert_null(p);
    assert_int_equal(ta_try_grow(&p, &capacity, 1, 4), 0);
    assert_true(capacity >= 1);
    ((uint32_t *)p)[0] = 42;
    size_t before = capacity;
    assert_int_equal(ta_try_grow(&p, &capacity, before, 4), 0);
    assert_int_equal(capacity, before);
    assert_int_equal(ta_try_grow(&p, &capacity, before + 1, 4), 0);
    assert_true(capacity >= 2 * before);
    assert_int_equal(((uint32_t *)p)[0], 42);
    void *same = p;
    before = capacity;
    static const size_t too_much[] = {SIZE_MAX, SIZE_MAX / 4, SIZE_MAX / 4 + 1, SIZE_MAX / 8};
    for (size_t i = 0; i < TA_COUNT(too_much); i++) {
        assert_int_equal(ta_try_grow(&p, &capacity, too_much[i], 4), TA_ERR_NOMEM);
        assert_ptr_equal(p, same);
        assert_int_equal(capacity, before);
    }
    free(p);
}

static void test_buffer(void **state)
{
    (void)state;
    struct ta_buf b = {0};
    assert_string_equal(ta_buf_text(&b), "");
    char *nothing = ta_buf_take(&b);
    assert_string_equal(nothing, "");
    free(nothing);
    ta_buf_append(&b, NULL, 0);
    assert_string_equal(b.data, "");
    ta_buf_puts(&b, "one");
    ta_buf_putc(&b, ' ');
    ta_buf_printf(&b, "%s %d", "two", 3);
    ta_buf_append(&b, "\0z", 2);
    assert_int_equal(b.size, 11);
    assert_memory_equal(b.data, "one two 3\0z", 12);
    ta_buf_clear(&b);
    assert_int_equal(b.size, 0);
    assert_string_equal(ta_buf_text(&b), "");
    for (int i = 0; i < 100000; i++)
        ta_buf_putc(&b, (char)('a' + i % 26));
    assert_int_equal(b.size, 100000);
    assert_int_equal(strlen(b.data), 100000);
    assert_int_equal(b.data[99999], 'a' + 99999 % 26);
    char *text = ta_buf_take(&b);
    assert_null(b.data);
    assert_int_equal(b.size + b.capacity, 0);
    free(text);
    ta_buf_release(&b);
    ta_buf_release(&b);
}

static void test_quote(void **state)
{
    (void)state;
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"", "\"\""},
        {"it's", "\"it's\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"a\nb\tc\x1b[0m\x7f", "\"a\\nb\\x09c\\x1b[0m\\x7f\""},
        {"Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\x8e\x9e",
         "\"Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\x8e\x9e\""},
        {"\xff\xc3", "\"\\xff\\xc3\""},
        {"\xc3(", "\"\\xc3(\""},
        {"\xc2\x9b"
         "0m",
         "\"\\xc2\\x9b"
         "0m\""},                                // a C1 control
        {"\xc2\xa0", "\"\xc2\xa0\""},            // the first character behind them
        {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""}, // surrogate
        {"\xe2\x82", "\"\\xe2\\x82\""},          // cut short
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_buf b = {0};
        ta_buf_quote(&b, cases[i].text);
        assert_string_equal(b.data, cases[i].quoted);
        ta_buf_release(&b);
    }
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 1},
        {"a", 1},
        {"\x7f", 1},
        {"\x80", 0},
        {"\xbf", 0},
        {"\xc1\xbf", 0}, // overlong
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xc2\x7f", 0},
        {"\xc2\xc0", 0},
        {"\xe0\x9f\xbf", 0}, // overlong
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0}, // surrogate
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xe1\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0}, // overlong
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0}, // above U+10FFFF
        {"\xf5\x80\x80\x80", 0},
        {"\xf1\x80\x80", 0},
        {"\xf1\x80\x80\x7f", 0},
        {"\xff", 0},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        size_t length = ta_utf8_length(cases[i].text);
        if (length != cases[i].length)
            fail_msg("case %zu: length %zu, expected %zu", i, length, cases[i].length);
        assert_int_equal(ta_utf8_valid(cases[i].text), cases[i].length != 0);
    }
    assert_true(ta_utf8_valid("a\xc3\xbc z"));
    assert_false(ta_utf8_valid("a\xc3\xbc\xc3"));
    assert_int_equal(ta_utf8_columns("a\xc3\xbcz", 4), 3);
    assert_int_equal(ta_utf8_columns("a\xc3\xbcz", 3), 2);
    assert_int_equal(ta_utf8_columns("\xff\xff", 2), 2);
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int ret;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"+7", 0, 7},
        {"007", 0, 7},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775808", TA_ERR_INVALID, 0},
        {"-9223372036854775809", TA_ERR_INVALID, 0},
        {"", TA_ERR_FORMAT, 0},
        {"-", TA_ERR_FORMAT, 0},
        {"+-1", TA_ERR_FORMAT, 0},
        {" 1", TA_ERR_FORMAT, 0},
        {"1 ", TA_ERR_FORMAT, 0},
        {"0x10", TA_ERR_FORMAT, 0},
        {"1e3", TA_ERR_FORMAT, 0},
        {"1.0", TA_ERR_FORMAT, 0},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        int64_t value = 123;
        int ret = ta_int_parse(cases[i].text, &value);
        if (ret != cases[i].ret || value != (ret ? 123 : cases[i].value))
            fail_msg("\"%s\": %d, %lld", cases[i].text, ret, (long long)value);
    }
}

static void check_numbers(void)
{
    static const struct {
        const char *text;
        int ret;
        double value;
        const char *canonical;
    } cases[] = {
        {"0", 0, 0, "0"},
        {"1.50", 0, 1.5, "1.5"},
        {".5", 0, .5, "0.5"},
        {"5.", 0, 5, "5"},
        {"-2.5e-3", 0, -2.5e-3, "-0.0025"},
        {"+1E+6", 0, 1e6, "1000000"},
        {"1e15", 0, 1e15, "1e+15"},
        {"999999999999999", 0, 999999999999999, "999999999999999"},
        {"0.1", 0, 0.1, "0.1"},
        {"0.30000000000000004", 0, 0.1 + 0.2, "0.30000000000000004"},
        {"1e-320", 0, 1e-320, "1e-320"},
        {"1e-999", 0, 0, "0"},
        {"1.7976931348623157e308", 0, 1.7976931348623157e308, "1.7976931348623157e+308"},
        {"1e309", TA_ERR_INVALID, 0, NULL},
        {"-1e309", TA_ERR_INVALID, 0, NULL},
        {"", TA_ERR_FORMAT, 0, NULL},
        {".", TA_ERR_FORMAT, 0, NULL},
        {"-", TA_ERR_FORMAT, 0, NULL},
        {"1e", TA_ERR_FORMAT, 0, NULL},
        {"1e+", TA_ERR_FORMAT, 0, NULL},
        {"1,5", TA_ERR_FORMAT, 0, NULL},
        {"1.5.5", TA_ERR_FORMAT, 0, NULL},
        {" 1", TA_ERR_FORMAT, 0, NULL},
        {"1 ", TA_ERR_FORMAT, 0, NULL},
        {"0x1p3", TA_ERR_FORMAT, 0, NULL},
        {"inf", TA_ERR_FORMAT, 0, NULL},
        {"nan", TA_ERR_FORMAT, 0, NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        double value = 123;
        int ret = ta_number_parse(cases[i].text, &value);
        if (ret != cases[i].ret || value != (ret ? 123 : cases[i].value))
            fail_msg("\"%s\": %d, %.17g", cases[i].text, ret, value);
        if (ret)
            continue;
        struct ta_buf b = {0};
        ta_number_append(&b, value);
        assert_string_equal(b.data, cases[i].canonical);
        ta_buf_release(&b);
    }
    struct ta_buf b = {0};
    ta_number_append(&b, NAN);
    ta_buf_putc(&b, ' ');
    ta_number_append(&b, INFINITY);
    ta_buf_putc(&b, ' ');
    ta_number_append_fixed(&b, 1.25, 9);
    ta_buf_putc(&b, ' ');
    ta_number_append_fixed(&b, 1.0 / 3, 4);
    ta_buf_putc(&b, ' ');
    ta_number_append_fixed(&b, 1e20, 2);
    ta_buf_putc(&b, ' ');
    ta_number_append_fixed(&b, 0.000001, 9);
    assert_string_equal(b.data, "nan inf 1.25 0.3333 100000000000000000000 0.000001");
    ta_buf_release(&b);
}

static void test_numbers(void **state)
{
    (void)state;
    check_numbers();
}

// Any double comes back exactly.
static void test_numbers_round_trip(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        double value, again;
        memcpy(&value, &x, sizeof(value));
        if (!isfinite(value))
            continue;
        struct ta_buf b = {0};
        ta_number_append(&b, value);
        if (ta_number_parse(b.data, &again) || again != value)
            fail_msg("%.17g became %s", value, b.data);
        ta_buf_release(&b);
    }
}

static void test_numbers_with_comma_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    bool found = false;
    for (size_t i = 0; i < TA_COUNT(names) && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) && !strcmp(localeconv()->decimal_point, ",");
    if (!found) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    check_numbers();
    setlocale(LC_NUMERIC, "C");
}

static void test_visible(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line, *name;
    } cases[] = {
        {"tape 1.avi", "tape 1.avi", "tape 1.avi"},
        {"Müller – 日本.avi", "Müller – 日本.avi", "Müller – 日本.avi"},
        {"a\nb\tc", "a\\nb\\x09c", "\"a\\nb\\x09c\""},
        {"\x1b[2J", "\\x1b[2J", "\"\\x1b[2J\""},
        {"\xc2\x9b", "\\xc2\\x9b", "\"\\xc2\\x9b\""},
        {"x\u202egpj.exe", "x\\xe2\\x80\\xaegpj.exe", "\"x\\xe2\\x80\\xaegpj.exe\""},
        {"\u061c\u200f\u2028\u2066\ufeff",
         "\\xd8\\x9c\\xe2\\x80\\x8f\\xe2\\x80\\xa8\\xe2\\x81\\xa6\\xef\\xbb\\xbf",
         "\"\\xd8\\x9c\\xe2\\x80\\x8f\\xe2\\x80\\xa8\\xe2\\x81\\xa6\\xef\\xbb\\xbf\""},
        {"\u200d\u2027\u202f\u206a", "\u200d\u2027\u202f\u206a", "\u200d\u2027\u202f\u206a"},
        {"\xff\xc3", "\\xff\\xc3", "\"\\xff\\xc3\""},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_buf b = {0};
        ta_buf_visible(&b, cases[i].text, false);
        assert_string_equal(ta_buf_text(&b), cases[i].line);
        ta_buf_clear(&b);
        ta_buf_name(&b, cases[i].text);
        assert_string_equal(ta_buf_text(&b), cases[i].name);
        ta_buf_release(&b);
    }
    struct ta_buf b = {0};
    ta_buf_visible(&b, "a\n\tb\r", true);
    assert_string_equal(ta_buf_text(&b), "a\n\tb\\x0d");
    ta_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocation),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_try_grow),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_round_trip),
        cmocka_unit_test(test_numbers_with_comma_locale),
        cmocka_unit_test(test_visible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
