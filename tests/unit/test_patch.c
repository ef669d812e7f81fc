// What interleaved runs say, and tuning files changed by their lines.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "perf/patch.h"

static void test_gain(void **state)
{
    (void)state;
    struct ta_gain g = {.same = true};
    ta_gain_of(&g, (double[]){2, 2, 2}, (double[]){1, 1, 1}, 3);
    assert_float_equal(g.ratio, 2, 1e-9);
    assert_float_equal(g.low, 2, 1e-9);
    assert_float_equal(g.high, 2, 1e-9);
    // Logarithms 0, log 2, log 4: mean log 2, deviation log 2, t(2) = 4.303.
    ta_gain_of(&g, (double[]){1, 2, 4}, (double[]){1, 1, 1}, 3);
    assert_float_equal(g.ratio, 2, 1e-9);
    assert_float_equal(g.high, exp(log(2) * (1 + 4.303 / sqrt(3))), 1e-6);
    assert_float_equal(g.low * g.high, 4, 1e-6);
    assert_float_equal(g.without, 2, 1e-9);
    assert_int_equal(g.pairs, 3);
}

// An interval that reaches what is as fast is no proof of being slower.
static void test_holds(void **state)
{
    (void)state;
    assert_true(ta_gain_holds(&(struct ta_gain){.ratio = 0.9, .low = 0.8, .high = 1.01, .same = true}));
    assert_false(ta_gain_holds(&(struct ta_gain){.ratio = 0.8, .low = 0.7, .high = 0.9, .same = true}));
    assert_false(ta_gain_holds(&(struct ta_gain){.ratio = 3, .low = 2, .high = 4, .same = false}));
}

static void expect_edit(const char *before, const char *id, bool on, const char *after)
{
    bool which[TA_PATCH_COUNT] = {false};
    struct ta_buf out = {0};
    which[ta_patch_find(id)] = true;
    assert_int_equal(ta_patch_edit(before, which, on, &out, NULL), 0);
    assert_string_equal(ta_buf_text(&out), after);
    ta_buf_release(&out);
}

static void test_edit(void **state)
{
    (void)state;
    expect_edit("version: 1\n", "gui_polling", true, "version: 1\n");
    expect_edit("version: 1\n", "gui_polling", false, "version: 1\ngui_polling: off\n");
    expect_edit("version: 1", "gui_polling", false, "version: 1\ngui_polling: off\n");
    expect_edit("version: 1\ngui_polling: on # why\n", "gui_polling", false,
                "version: 1\ngui_polling: off # why\n");
    expect_edit("version: 1\ngui_polling: false\nqueue_rwlock: off\n", "gui_polling", true,
                "version: 1\ngui_polling: on\nqueue_rwlock: off\n");
    expect_edit("#gui_polling: on\nversion: 1\r\ngui_polling:\toff\r\n", "gui_polling", true,
                "#gui_polling: on\nversion: 1\r\ngui_polling:\ton\r\n");
}

static void test_other_forms(void **state)
{
    (void)state;
    bool which[TA_PATCH_COUNT] = {true};
    struct ta_buf out = {0};
    assert_int_equal(ta_patch_edit("{version: 1, gui_polling: off}\n", which, false, &out, NULL), 0);
    assert_non_null(strstr(out.data, "\nvideo_pipeline_filters: off"));
    assert_non_null(strstr(out.data, "\ngui_polling: off"));
    ta_buf_clear(&out);
    assert_int_equal(ta_patch_edit("\"video_pipeline_filters\": on\nversion: 1\n", which, false, &out, NULL),
                     0);
    assert_non_null(strstr(out.data, "\nvideo_pipeline_filters: off"));
    assert_null(strstr(out.data, "\""));
    ta_buf_clear(&out);
    assert_true(ta_patch_edit("version: 1\nnothing: on\n", which, false, &out, NULL) < 0);
    assert_int_equal(out.size, 0);
    ta_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gain),
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_other_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
