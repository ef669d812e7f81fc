// suite: thread
#include <errno.h>
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

#include "base/thread.h"

#include "capture.h"

static void test_error_texts(void **state)
{
    (void)state;
    static const struct {
        int err;
        const char *text;
    } cases[] = {
        {0, "success"},
        {7, "success"},
        {TA_ERR_NOMEM, "out of memory"},
        {TA_ERR_CANCELED, "cancelled"},
        {TA_ERR_INTERNAL, "internal error"},
        {-1000, "unknown error"},
        {INT32_MIN, "unknown error"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++)
        assert_string_equal(ta_error_text(cases[i].err), cases[i].text);
#define CHECK_TEXT(name, value, words, code)          \
    assert_int_equal(name, value);                    \
    assert_true(name < 0);                            \
    assert_string_equal(ta_error_text(value), words); \
    assert_string_equal(ta_error_code(value), code);
    TA_ERROR_LIST(CHECK_TEXT)
#undef CHECK_TEXT
}

// What is told to all goes to each log that a caller made and that wants it, and to none that has gone.
static void test_all_are_told(void **state)
{
    (void)state;
    struct capture first, second;
    struct ta_log *silent = NULL;
    capture_init(&first);
    capture_init(&second);
    assert_int_equal(ta_log_keep_first(&silent, NULL), 0);
    struct ta_log *child = ta_log_child(first.log, "plan");
    ta_log_set_level(silent, NULL, TA_LOG_DEBUG); // is nobody's, and hears nothing of others
    assert_false(ta_log_any_wants("libav", TA_LOG_VERBOSE));
    ta_log_set_level(second.log, "libav", TA_LOG_VERBOSE);
    assert_true(ta_log_any_wants("libav", TA_LOG_VERBOSE));
    assert_false(ta_log_any_wants("libav", TA_LOG_DEBUG));
    ta_log_tell_all("libav", TA_LOG_VERBOSE, "one");
    capture_expect(&first, "");
    capture_expect(&second, "verbose libav: one\n");
    ta_log_set_level(first.log, NULL, TA_LOG_DEBUG);
    ta_log_tell_all("libav", TA_LOG_VERBOSE, "two");
    capture_expect(&first, "verbose libav: two\n");
    capture_expect(&second, "verbose libav: two\n");
    ta_log_destroy(&child);
    capture_release(&first);
    ta_log_tell_all("libav", TA_LOG_VERBOSE, "three");
    capture_expect(&second, "verbose libav: three\n");
    capture_release(&second);
    assert_false(ta_log_any_wants("libav", TA_LOG_ERROR));
    ta_log_destroy(&silent);
}

static void test_level_names(void **state)
{
    (void)state;
    static const char *const names[] = {"quiet", "error", "warn", "info", "verbose", "debug"};
    for (int level = TA_LOG_QUIET; level <= TA_LOG_DEBUG; level++) {
        assert_string_equal(ta_log_level_name((enum ta_log_level)level), names[level]);
        assert_int_equal(ta_log_level_from_name(names[level]), level);
    }
    assert_string_equal(ta_log_level_name((enum ta_log_level)99), "unknown");
    static const char *const wrong[] = {"", "Info", "warning", "infos", "1"};
    for (size_t i = 0; i < TA_COUNT(wrong); i++)
        assert_int_equal(ta_log_level_from_name(wrong[i]), TA_ERR_INVALID);
    assert_int_equal(ta_log_level_from_name(NULL), TA_ERR_INVALID);
}

static void log_all(struct ta_log *log)
{
    ta_error(log, "e");
    ta_warn(log, "w");
    ta_info(log, "i");
    ta_verbose(log, "v");
    ta_debug(log, "d");
}

static void test_thresholds(void **state)
{
    (void)state;
    static const char *const passed[] = {"",
                                         "error x: e\n",
                                         "error x: e\nwarn x: w\n",
                                         "error x: e\nwarn x: w\ninfo x: i\n",
                                         "error x: e\nwarn x: w\ninfo x: i\nverbose x: v\n",
                                         "error x: e\nwarn x: w\ninfo x: i\nverbose x: v\ndebug x: d\n"};
    struct capture c;
    capture_init(&c);
    struct ta_log *x = ta_log_child(c.log, "x");
    log_all(x); // INFO at first
    capture_expect(&c, passed[TA_LOG_INFO]);
    for (int level = TA_LOG_QUIET; level <= TA_LOG_DEBUG; level++) {
        ta_log_set_level(c.log, NULL, (enum ta_log_level)level);
        log_all(x);
        capture_expect(&c, passed[level]);
        for (int l = TA_LOG_ERROR; l <= TA_LOG_DEBUG; l++)
            assert_int_equal(ta_log_wants(x, (enum ta_log_level)l), l <= level);
        assert_false(ta_log_wants(x, TA_LOG_QUIET));
    }
    ta_log_destroy(&x);
    assert_null(x);
    capture_release(&c);
}

static void test_component_levels(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    struct ta_log *before = ta_log_child(c.log, "segment %d", 12);
    ta_log_set_level(c.log, "segment", TA_LOG_DEBUG); // reaches logs made before it,
    ta_log_set_level(c.log, NULL, TA_LOG_ERROR);      // and a later common level does not undo it
    struct ta_log *after = ta_log_child(before, "segment 13"), *other = ta_log_child(c.log, "segments");
    ta_debug(before, "a");
    ta_debug(after, "b");
    ta_warn(other, "c"); // another component, however alike the names
    ta_warn(c.log, "d");
    ta_error(other, "f");
    capture_expect(&c, "debug segment 12: a\ndebug segment 13: b\nerror segments: f\n");
    ta_log_set_level(c.log, "segment 99", TA_LOG_QUIET); // means all segments too
    ta_error(after, "g");
    capture_expect(&c, "");
    ta_log_set_level(c.log, "terminalai", TA_LOG_DEBUG); // the root's own name
    ta_debug(c.log, "h");
    capture_expect(&c, "debug terminalai: h\n");
    ta_log_destroy(&other);
    ta_log_destroy(&after);
    ta_log_destroy(&before);
    capture_release(&c);
}

static void test_null_log(void **state)
{
    (void)state;
    struct ta_log *log = ta_log_child(NULL, "x %d", 1);
    assert_null(log);
    log_all(log);
    assert_false(ta_log_wants(log, TA_LOG_ERROR));
    ta_log_set_level(log, NULL, TA_LOG_DEBUG);
    ta_log_destroy(&log);
}

static void test_messages(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    ta_info(c.log, "%s", "100 %s %n\n\n"); // no second formatting; newlines at the end go
    capture_expect(&c, "info terminalai: 100 %s %n\n");
    char *words = ta_xcalloc(10001, 1);
    memset(words, 'x', 10000);
    ta_info(c.log, "%s", words);
    assert_int_equal(c.text.size, 10000 + strlen("info terminalai: \n"));
    ta_buf_clear(&c.text);
    free(words);
    errno = ENOSPC;
    ta_info(c.log, "errno");
    assert_int_equal(errno, ENOSPC);
    capture_release(&c);
}

// A child that outlives its root still works: its use must not depend on the order in which a program cleans
// up.
static void test_about(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    struct ta_log *plan = ta_log_child(c.log, "plan");
    ta_log_set_about(plan, "a.avi");
    struct ta_log *stage = ta_log_child(plan, "stage");
    ta_error(plan, "is empty");
    ta_error(plan, "a.avi: is empty");
    ta_error(stage, "does not take pal8");
    capture_expect(&c, "error plan: a.avi: is empty\nerror plan: a.avi: is empty\n"
                       "error stage: a.avi: does not take pal8\n");
    ta_log_set_about(NULL, "a.avi");
    ta_log_destroy(&stage);
    ta_log_destroy(&plan);
    capture_release(&c);
}

static void test_child_outlives_root(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    struct ta_log *child = ta_log_child(c.log, "late");
    ta_log_destroy(&c.log);
    ta_error(child, "still here");
    capture_expect(&c, "error late: still here\n");
    ta_log_destroy(&child);
    capture_release(&c);
}

static void test_only_first_error(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    struct ta_log *before = ta_log_child(c.log, "run"), *run = ta_log_child(c.log, "run");
    ta_log_only_first_error(run);
    ta_log_only_first_error(run); // once more changes nothing
    struct ta_log *a = ta_log_child(run, "segment 1"), *b = ta_log_child(run, "segment 2");
    struct ta_log *inner = ta_log_child(b, "encoder");
    ta_log_only_first_error(inner); // stays in the family
    ta_warn(a, "w");
    ta_error(a, "full");
    ta_error(inner, "full too");
    ta_error(run, "full as well");
    ta_warn(b, "w");
    capture_expect(&c, "warn segment 1: w\nerror segment 1: full\nwarn segment 2: w\n");
    // Logs outside know nothing of it.
    ta_error(before, "x");
    ta_error(c.log, "y");
    capture_expect(&c, "error run: x\nerror terminalai: y\n");
    // The family outlives the log that it began with.
    ta_log_destroy(&run);
    ta_log_destroy(&a);
    ta_log_set_level(c.log, NULL, TA_LOG_VERBOSE);
    struct ta_log *late = ta_log_child(b, "late");
    ta_error(late, "told softly");
    capture_expect(&c, "verbose late: told softly\n");
    ta_log_destroy(&late);
    ta_log_destroy(&inner);
    ta_log_destroy(&b);
    // An error that may not pass does not use up the place of the first.
    struct ta_log *other = ta_log_child(c.log, "other");
    ta_log_only_first_error(other);
    ta_log_set_level(c.log, "other", TA_LOG_QUIET);
    ta_error(other, "not told");
    ta_log_set_level(c.log, "other", TA_LOG_ERROR);
    ta_error(other, "told");
    ta_error(other, "not told");
    capture_expect(&c, "error other: told\n");
    ta_log_destroy(&other);
    ta_log_destroy(&before);
    capture_release(&c);
    ta_log_only_first_error(NULL);
}

static void test_standard_error(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    struct ta_log *log = NULL;
    int ret = ta_log_create(&log, NULL, NULL);
    struct ta_log *child = ta_log_child(log, "plan");
    ta_error(child, "tape.avi: not found");
    ta_warn(child, "odd\nsecond line");
    ta_info(child, "name \x1b[31m\x7f\t.");
    ta_verbose(child, "not shown");
    ta_log_destroy(&child);
    ta_log_destroy(&log);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    char text[500] = "";
    rewind(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    assert_int_equal(ret, 0);
    assert_string_equal(text, "plan: error: tape.avi: not found\nplan: warning: odd\nsecond line\n"
                              "plan: name \\x1b[31m\\x7f\t.\n");
}

#define THREADS 4
#define MESSAGES 500

struct counter {
    struct ta_log *log;
    int inside, messages, collisions; // plain on purpose: the log's lock guards them
};

static void count_message(void *priv, enum ta_log_level level, const char *component, const char *message,
                          const char *code)
{
    (void)code;
    (void)level;
    (void)component;
    (void)message;
    struct counter *c = priv;
    c->collisions += c->inside++;
    c->messages++;
    c->inside--;
}

static int log_many(void *arg)
{
    struct counter *c = arg;
    for (int i = 0; i < MESSAGES; i++) {
        struct ta_log *child = ta_log_child(c->log, "part%d %d", i % 10, i);
        ta_info(child, "%d", i);
        ta_log_set_level(c->log, i % 2 ? "unused" : NULL, TA_LOG_INFO);
        ta_log_destroy(&child);
    }
    return 0;
}

static void test_threads(void **state)
{
    (void)state;
    struct counter c = {0};
    assert_int_equal(ta_log_create(&c.log, count_message, &c), 0);
    struct ta_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(ta_thread_create(&threads[i], "log", log_many, &c), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(ta_thread_join(&threads[i]), 0);
    assert_int_equal(c.messages, THREADS * MESSAGES);
    assert_int_equal(c.collisions, 0);
    ta_log_destroy(&c.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_texts),
        cmocka_unit_test(test_all_are_told),
        cmocka_unit_test(test_level_names),
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_component_levels),
        cmocka_unit_test(test_null_log),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_about),
        cmocka_unit_test(test_child_outlives_root),
        cmocka_unit_test(test_standard_error),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_only_first_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
