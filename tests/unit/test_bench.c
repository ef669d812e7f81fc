// What runs of before and of now say about each other, and sections that are made.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/tree.h"
#include "perf/bench.h"

static json_t *run(const char *unit, const char *better, const char *machine, bool exact, const char *samples)
{
    char *text = ta_xprintf("{\"time\":\"2026-01-02T03:04:05Z\",\"program_version\":\"1\",\"machine\":\"m\","
                            "\"benches\":[{\"name\":\"b\",\"about\":\"a\",\"command\":\"c\"}],\"values\":[{"
                            "\"bench\":\"b\",\"name\":\"n\",\"value\":1,\"unit\":\"%s\",\"better\":\"%s\","
                            "\"machine\":\"%s\",\"command\":\"c\",\"exact\":%s,\"samples\":[%s]}]}",
                            unit, better, machine, exact ? "true" : "false", samples);
    json_t *o = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(o);
    return o;
}

static void check(const char *better, bool exact, const char *before, const char *now, const char *verdict)
{
    json_t *a = run("s", better, "m", exact, before), *b = run("s", better, "m", exact, now);
    json_t *c = ta_bench_compare(b, a);
    const char *got = ta_json_member_text(json_array_get(json_object_get(c, "values"), 0), "verdict");
    if (strcmp(got, verdict) != 0)
        fail_msg("%s to %s is \"%s\", should be \"%s\"", before, now, got, verdict);
    assert_int_equal(json_integer_value(json_object_get(c, verdict)), 1);
    json_decref(a);
    json_decref(b);
    json_decref(c);
}

static void test_verdicts(void **state)
{
    (void)state;
    check("less", false, "10,10.1,9.9", "15,15.1,14.9", "worse");
    check("more", false, "10,10.1,9.9", "15,15.1,14.9", "better");
    check("less", false, "15,15.1,14.9", "10,10.1,9.9", "better");
    check("neither", false, "10,10.1,9.9", "15,15.1,14.9", "same");
    // As much worse, on a machine on which the same thing varies by as much.
    check("less", false, "10,14,6", "15,11,19", "same");
    // One repeat of another load is noise and no regression.
    check("less", false, "10,10.1,9.9", "10,10.1,15", "same");
    // Repeats that agree by accident: a clock's step is not worse, much more is.
    check("less", false, "10,10,10", "10.05,10.05,10.05", "same");
    check("less", false, "10,10,10", "10.5,10.5,10.5", "worse");
    // Once each says nothing, of what is the same each time it does.
    check("less", false, "10", "15", "unknown");
    check("less", false, "10", "15,15", "unknown");
    check("less", true, "10", "10.001", "worse");
    check("more", true, "40.5", "40.5", "same");
    check("less", true, "0", "0", "same");
    check("less", true, "0", "1", "worse");
}

// The mean of n of one is beyond the noise where Student's t says so: 7.173 for 4 degrees and one in 1,000;
// 10.215 for 3, 22.327 for 2.
static void test_noise(void **state)
{
    (void)state;
    static const struct {
        const char *before, *now;
        double noise; // of a mean of 10
    } cases[] = {{"9,10,11", "9,10,11", 7.173 * 0.816497 / 10},
                 {"9,11", "9,10,11", 10.215 * 1.154701 * 0.912871 / 10},
                 {"9,11", "9,11", 22.327 * 1.414214 / 10}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        json_t *a = run("s", "less", "m", false, cases[i].before),
               *b = run("s", "less", "m", false, cases[i].now);
        json_t *c = ta_bench_compare(b, a);
        const json_t *v = json_array_get(json_object_get(c, "values"), 0);
        assert_float_equal(json_number_value(json_object_get(v, "noise")), cases[i].noise, 1e-3);
        json_decref(a);
        json_decref(b);
        json_decref(c);
    }
}

static void test_not_compared(void **state)
{
    (void)state;
    json_t *a = run("s", "less", "m", true, "10"), *b = run("s", "less", "other", true, "20");
    json_t *c = ta_bench_compare(b, a);
    assert_int_equal(json_integer_value(json_object_get(c, "other_machine")), 1);
    assert_int_equal(json_integer_value(json_object_get(c, "worse")), 0);
    json_decref(c);
    json_array_clear(json_object_get(b, "values"));
    c = ta_bench_compare(b, a); // asked for, and not measured any more
    assert_int_equal(json_array_size(json_object_get(c, "gone")), 1);
    json_array_clear(json_object_get(b, "benches"));
    json_decref(c);
    c = ta_bench_compare(b, a); // not asked for
    assert_int_equal(json_array_size(json_object_get(c, "gone")), 0);
    json_decref(a);
    json_decref(b);
    json_decref(c);
}

static void test_document(void **state)
{
    (void)state;
    struct ta_buf once = {0}, twice = {0}, changed = {0};
    json_t *a = run("s", "less", "m", false, "1.5,2,1");
    ta_bench_document(a, "# Title\n\nwords\n", &once);
    assert_non_null(strstr(ta_buf_text(&once), "words\n\n## Measured by"));
    assert_non_null(strstr(ta_buf_text(&once), "| n | 1 | s | 1 to 2 | less |"));
    ta_bench_document(a, ta_buf_text(&once), &twice);
    assert_string_equal(ta_buf_text(&once), ta_buf_text(&twice));
    // Where its marks are it stays, and all around it too.
    char *moved = ta_xprintf("%s\nbehind\n", ta_buf_text(&once));
    json_object_set_new(json_array_get(json_object_get(a, "values"), 0), "value", json_real(7));
    ta_bench_document(a, moved, &changed);
    assert_non_null(strstr(ta_buf_text(&changed), "| n | 7 | s |"));
    assert_null(strstr(ta_buf_text(&changed), "| n | 1 | s |"));
    assert_non_null(strstr(ta_buf_text(&changed), "end -->\n\nbehind\n"));
    free(moved);
    ta_buf_release(&once);
    ta_buf_release(&twice);
    ta_buf_release(&changed);
    json_decref(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_not_compared),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
