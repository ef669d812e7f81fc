// suite: thread
// Problems: kinds, lists, what a log does with them, exit statuses.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/thread.h"

#include "capture.h"

struct fixture {
    struct capture c;
    struct ta_problems *list;
};

static void set_up(struct fixture *x)
{
    capture_init(&x->c);
    assert_int_equal(ta_problems_create(&x->list), 0);
    ta_log_collect(x->c.log, x->list);
}

static void tear_down(struct fixture *x)
{
    ta_problems_destroy(&x->list);
    capture_release(&x->c);
}

static void assert_problem(const struct ta_problem *p, const char *json)
{
    assert_non_null(p);
    char *text = ta_problem_text(p);
    assert_string_equal(text, json);
    free(text);
}

// A code is one word, each has one kind, none is that of a plain failure.
static void test_kinds(void **state)
{
    (void)state;
    for (int i = 0; i < TA_PROBLEM_COUNT; i++) {
        const struct ta_problem_kind *k = &ta_problem_kinds[i];
        assert_true(strspn(k->code, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(k->code));
        assert_true(k->severity > TA_SEVERITY_NONE && k->severity <= TA_SEVERITY_ERROR);
        assert_true(strlen(k->meaning) > 10);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(k->code, ta_problem_kinds[j].code);
#define CHECK_CODE(name, value, words, word) assert_string_not_equal(k->code, word);
        TA_ERROR_LIST(CHECK_CODE)
#undef CHECK_CODE
    }
}

static void test_exit_status(void **state)
{
    (void)state;
    static const struct {
        enum ta_severity worst;
        int err, status;
    } cases[] = {
        {TA_SEVERITY_NONE, 0, 0},
        {TA_SEVERITY_NONE, 12, 0},
        {TA_SEVERITY_WARNING, 0, 0},
        {TA_SEVERITY_LOSS, 0, 3},
        {TA_SEVERITY_ERROR, 0, 1},
        {TA_SEVERITY_LOSS, TA_ERR_IO, 1},
        {TA_SEVERITY_ERROR, TA_ERR_USAGE, 2},
        {TA_SEVERITY_ERROR, TA_ERR_INVALID, 2},
        {TA_SEVERITY_ERROR, TA_ERR_CANCELED, 130},
        {TA_SEVERITY_ERROR, TA_ERR_UNSUPPORTED, 1},
        {TA_SEVERITY_ERROR, TA_ERR_DAMAGED, 1},
        {TA_SEVERITY_ERROR, -1000, 1},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++)
        assert_int_equal(ta_exit_status(cases[i].worst, cases[i].err), cases[i].status);
}

static void test_record(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x);
    struct ta_log *part = ta_log_child(x.c.log, "plan");
    ta_log_set_about(part, "tape.avi");
    int64_t frame = 12;
    struct ta_problem_about about = {.advice = "name the output .mkv",
                                     .option = "output",
                                     .stage = "mux",
                                     .frame = &frame,
                                     .args = json_pack("{s:i}", "stream", 2)};
    ta_problem_at(part, TA_PROBLEM_STREAM_LEFT_OUT, &about, "stream %d is left out", 2);
    ta_problem_at(part, TA_PROBLEM_OPTION_WITHOUT_EFFECT, NULL, "--x changes nothing");
    capture_expect(&x.c,
                   "warn plan: tape.avi: stream 2 is left out\nwarn plan: tape.avi: --x changes nothing\n");
    assert_int_equal(ta_problems_count(x.list), 2);
    assert_problem(
        ta_problems_get(x.list, 0),
        "{\"code\":\"stream-left-out\",\"severity\":\"loss\",\"message\":\"tape.avi: stream 2 is left "
        "out\",\"advice\":\"name the output .mkv\",\"where\":{\"file\":\"tape.avi\",\"option\":"
        "\"output\",\"stage\":\"mux\",\"frame\":12},\"args\":{\"stream\":2}}");
    assert_problem(ta_problems_get(x.list, 1),
                   "{\"code\":\"option-without-effect\",\"severity\":\"warning\",\"message\":\"tape.avi: --x "
                   "changes nothing\",\"where\":{\"file\":\"tape.avi\"}}");
    assert_null(ta_problems_get(x.list, 2));
    assert_int_equal(ta_problems_worst(x.list), TA_SEVERITY_LOSS);
    assert_null(ta_problems_error(x.list));
    // What is known is no news.
    ta_problem_at(part, TA_PROBLEM_OPTION_WITHOUT_EFFECT, NULL, "--x changes nothing");
    capture_expect(&x.c, "");
    assert_int_equal(ta_problems_count(x.list), 2);
    ta_problems_clear(x.list);
    assert_int_equal(ta_problems_count(x.list), 0);
    assert_int_equal(ta_problems_worst(x.list), TA_SEVERITY_NONE);
    ta_log_destroy(&part);
    tear_down(&x);
}

// From JSON and back; plans of before have words alone.
static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; // NULL: refused
    } cases[] = {
        {"\"stream 1 is left out\"",
         "{\"code\":\"plan-warning\",\"severity\":\"loss\",\"message\":\"stream 1 is left out\"}"},
        {"{\"code\":\"x\",\"severity\":\"warning\",\"message\":\"y\"}",
         "{\"code\":\"x\",\"severity\":\"warning\",\"message\":\"y\"}"},
        {"{\"code\":\"x\",\"severity\":\"error\",\"message\":\"y\",\"where\":{\"frame\":0},\"args\":{\"a\":[1]}}",
         "{\"code\":\"x\",\"severity\":\"error\",\"message\":\"y\",\"where\":{\"frame\":0},\"args\":{\"a\":[1]}}"},
        {"{\"code\":\"x\",\"severity\":\"grave\",\"message\":\"y\"}", NULL},
        {"{\"severity\":\"loss\",\"message\":\"y\"}", NULL},
        {"{\"code\":\"x\",\"severity\":\"loss\",\"message\":7}", NULL},
        {"[]", NULL},
        {"3", NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        json_t *in = json_loads(cases[i].in, JSON_DECODE_ANY, NULL);
        struct ta_problem *p = ta_problem_from_json(in);
        if (cases[i].out)
            assert_problem(p, cases[i].out);
        else
            assert_null(p);
        ta_problem_destroy(&p);
        json_decref(in);
    }
    struct ta_problem *p = ta_problem_create(TA_PROBLEM_STREAM_LEFT_OUT, NULL, "a\xff.avi");
    assert_problem(p, "{\"code\":\"stream-left-out\",\"severity\":\"loss\",\"message\":\"a?.avi\"}");
    ta_problem_destroy(&p);
}

// The first error is how a call failed; its code is that of the kind of failure.
static void test_failure(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x);
    ta_error(x.c.log, "out.mp4: can't be written");
    ta_error(x.c.log, "and so on");
    ta_problem_at(x.c.log, TA_PROBLEM_SOURCE_ENCRYPTED, NULL, "tape.avi: the file is encrypted");
    assert_string_equal(ta_problems_error(x.list)->code, "");
    assert_int_equal(ta_log_fail(x.c.log, TA_ERR_NO_SPACE, "tape.avi", "make room"), TA_ERR_NO_SPACE);
    assert_problem(ta_problems_error(x.list),
                   "{\"code\":\"no-space\",\"severity\":\"error\",\"message\":\"out.mp4: "
                   "can't be written\",\"advice\":\"make room\"}");
    assert_string_equal(ta_problems_get(x.list, 1)->code, "no-space");
    assert_string_equal(ta_problems_get(x.list, 1)->advice, "");
    assert_string_equal(ta_problems_get(x.list, 2)->code, "source-encrypted");
    // Again, as a caller of the caller does it.
    ta_log_fail(x.c.log, TA_ERR_IO, "tape.avi", "other advice");
    assert_string_equal(ta_problems_error(x.list)->code, "no-space");
    assert_string_equal(ta_problems_error(x.list)->advice, "make room");
    assert_int_equal(ta_problems_count(x.list), 3);
    ta_problems_clear(x.list);
    ta_buf_clear(&x.c.text);

    // What nobody has told.
    ta_log_fail(x.c.log, TA_ERR_NOMEM, "tape.avi", NULL);
    capture_expect(&x.c, "error terminalai: tape.avi: out of memory\n");
    assert_string_equal(ta_problems_error(x.list)->code, "no-memory");
    ta_problems_clear(x.list);
    ta_log_fail(x.c.log, TA_ERR_CANCELED, "tape.avi", "go on");
    capture_expect(&x.c, "");
    assert_string_equal(ta_problems_error(x.list)->code, "cancelled");
    assert_string_equal(ta_problems_error(x.list)->advice, "go on");
    ta_problems_clear(x.list);
    assert_int_equal(ta_log_fail(x.c.log, 7, "tape.avi", NULL), 0);
    assert_int_equal(ta_problems_count(x.list), 0);
    tear_down(&x);
}

// A call's own list has its problems alone, the caller's has them too; levels do not matter.
static void test_nested(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x);
    struct ta_problems *own;
    assert_int_equal(ta_problems_create(&own), 0);
    struct ta_log *call = ta_log_child(x.c.log, "restore");
    ta_log_collect(call, own);
    ta_log_only_first_error(call);
    struct ta_log *part = ta_log_child(call, "segment %d", 3);
    ta_log_set_level(x.c.log, NULL, TA_LOG_QUIET);
    ta_problem_at(x.c.log, TA_PROBLEM_SPACE_SHORT, NULL, "before");
    ta_problem_at(part, TA_PROBLEM_FRAMES_DAMAGED, NULL, "in it");
    ta_error(part, "first");
    ta_error(call, "what follows from it");
    capture_expect(&x.c, "");
    assert_int_equal(ta_problems_count(own), 2);
    assert_int_equal(ta_problems_count_of(own, TA_SEVERITY_LOSS), 1);
    assert_int_equal(ta_problems_count(x.list), 3);
    ta_log_fail(call, TA_ERR_IO, "a", "b");
    assert_string_equal(ta_problems_error(own)->code, "io");
    assert_string_equal(ta_problems_error(x.list)->code, "io");
    assert_string_equal(ta_problems_error(x.list)->advice, "b");
    ta_log_destroy(&part);
    ta_log_destroy(&call);
    ta_problems_destroy(&own);
    tear_down(&x);
}

static int tell_many(void *arg)
{
    struct fixture *x = arg;
    for (int i = 0; i < 200; i++) {
        ta_problem_at(x->c.log, TA_PROBLEM_FRAMES_DAMAGED, NULL, "%d", i);
        assert_non_null(ta_problems_get(x->list, 0));
    }
    return 0;
}

static void test_threads(void **state)
{
    (void)state;
    struct fixture x;
    struct ta_thread *threads[3];
    set_up(&x);
    for (size_t i = 0; i < TA_COUNT(threads); i++)
        assert_int_equal(ta_thread_create(&threads[i], "tell", tell_many, &x), 0);
    for (size_t i = 0; i < TA_COUNT(threads); i++)
        ta_thread_join(&threads[i]);
    assert_int_equal(ta_problems_count(x.list), 200);
    tear_down(&x);
}

// Without a log nobody hears it, and nothing happens.
static void test_no_log(void **state)
{
    (void)state;
    struct ta_problem_about about = {.args = json_object()};
    ta_problem_at(NULL, TA_PROBLEM_SPACE_SHORT, &about, "x");
    ta_log_collect(NULL, NULL);
    assert_null(ta_log_problems(NULL));
    assert_int_equal(ta_log_fail(NULL, TA_ERR_IO, "x", NULL), TA_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),   cmocka_unit_test(test_exit_status), cmocka_unit_test(test_record),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_failure),     cmocka_unit_test(test_nested),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
