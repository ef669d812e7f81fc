// The table of encoders, and that a row alone makes an encoder: with rows of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <math.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "media/encode/encoder_row.h"
#include "media/mux/containers.h"

#include "encoder_kit.h"

// ---- an encoder that the program does not have ----

static const enum AVPixelFormat standin_formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P, AV_PIX_FMT_NONE};

static int standin_check(const struct ta_format *in, enum AVPixelFormat pix_fmt, struct ta_log *log)
{
    (void)pix_fmt;
    if (in->width % 8 == 0)
        return 0;
    ta_error(log, "the stand-in takes widths in steps of 8");
    return TA_ERR_UNSUPPORTED;
}

static int standin_plan(struct ta_encoder_settings *s, const struct ta_encoder_wish *wish,
                        const struct ta_format *in, struct ta_log *log)
{
    (void)wish;
    (void)log;
    s->threads = ta_encoder_by_size(in, 1, 2, 3);
    ta_encoder_set(s, "pred", "median");
    return 0;
}

static int64_t standin_memory(const struct ta_encoder_settings *s, int64_t pixels, int64_t frame)
{
    return s->threads * 1000 + pixels + 2 * frame;
}

static const struct ta_encoder_info standin = {
    .name = "standin",
    .codec = "ffvhuff",
    .summary = "an encoder of the tests",
    .containers = "mkv avi",
    .lossless = true,
    .min_side = 8,
    .max_width = 4096,
    .max_height = 4096,
    .pix_fmts = standin_formats,
    .check = standin_check,
    .plan = standin_plan,
    .memory = standin_memory,
    .share = 0.5,
    .alone = true,
};

// Its row is all that it has: plan, encoding, memory, estimate and containers work.
static void test_a_row_is_enough(void **state)
{
    (void)state;
    struct ta_encoder_wish wish = {.crf = 18};
    struct ta_format f = format(AV_PIX_FMT_YUV422P, 64, 48);
    struct ta_encoder_settings s;
    struct ta_buf why = {0};
    assert_int_equal(ta_encoder_plan(&s, &standin, &wish, &f, log_), 0);
    assert_string_equal(s.name, "standin");
    assert_string_equal(s.codec, "ffvhuff");
    assert_int_equal(s.pix_fmt, AV_PIX_FMT_YUV422P);
    assert_string_equal(av_dict_get(s.options, "pred", NULL, 0)->value, "median");
    assert_true(ta_encoder_is_software(&s));
    assert_true(ta_encoder_is_reproducible(&s));
    assert_true(ta_encoder_is_alone(&s));
    assert_int_equal(ta_encoder_memory_bytes(&s, 64, 48), 1000 + 64 * 48 + 2 * 64 * 48 * 2);
    if (ta_encoder_try(&s, &f, &why) < 0)
        fail_msg("%s", ta_buf_text(&why));
    assert_int_equal(ta_encoder_test(&standin, NULL, &why), 0);
    assert_true(ta_encoder_may_be_in(&standin, "avi"));
    assert_false(ta_encoder_may_be_in(&standin, "av"));
    assert_true(ta_encoder_bits(&standin, 18, 16) == 8);
    ta_encoder_settings_release(&s);
    f.width = 60;
    ta_buf_clear(&said);
    assert_int_equal(ta_encoder_plan(&s, &standin, &wish, &f, log_), TA_ERR_UNSUPPORTED);
    assert_non_null(strstr(ta_buf_text(&said), "steps of 8"));
    ta_buf_release(&why);
}

// Of encoders that can only be alone, a second one in the same thread is refused: it would wait for itself.
static void test_alone_in_one_thread(void **state)
{
    (void)state;
    struct ta_encoder_wish wish = {.crf = 18};
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 64, 48);
    struct ta_encoder_settings s;
    struct ta_encoder *first = NULL, *second = NULL;
    struct ta_buf x = {0}, y = {0};
    alarm(60); // a hang ends as a failure
    assert_int_equal(ta_encoder_plan(&s, &standin, &wish, &f, log_), 0);
    assert_int_equal(ta_encoder_open(&first, &s, &f, log_), 0);
    ta_buf_clear(&said);
    assert_int_equal(ta_encoder_open(&second, &s, &f, log_), TA_ERR_USAGE);
    assert_null(second);
    assert_non_null(strstr(ta_buf_text(&said), "encoder standin is open already"));
    ta_encoder_close(&first);
    // The refused one took nobody's turn: another can be opened, and headers are got one after the other.
    assert_int_equal(ta_encoder_headers(&s, &f, &x, log_), 0);
    assert_int_equal(ta_encoder_headers(&s, &f, &y, log_), 0);
    assert_true(x.size > 0);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    assert_int_equal(ta_encoder_open(&first, &s, &f, log_), 0);
    ta_encoder_close(&first);
    alarm(0);
    ta_buf_release(&x);
    ta_buf_release(&y);
    ta_encoder_settings_release(&s);
}

// The user's scales follow the row's tables.
static void test_scales_of_a_row(void **state)
{
    (void)state;
    static const struct ta_crf_point points[] = {{0, 10}, {20, 30}, {51, 61}};
    static const char *const speeds[TA_ENCODER_SPEEDS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    struct ta_encoder_info row = {
        .name = "scales", .crf = points, .crf_count = TA_COUNT(points), .speeds = speeds, .bits = 0.1};
    assert_true(ta_encoder_crf(&row, 0) == 10);
    assert_true(ta_encoder_crf(&row, 10.25) == 20.25);
    assert_true(ta_encoder_crf(&row, 60) == 61);
    row.crf_steps = 1;
    assert_true(ta_encoder_crf(&row, 10.25) == 20);
    row.crf_steps = 10;
    assert_true(fabs(ta_encoder_crf(&row, 10.26) - 20.3) < 1e-9);
    assert_string_equal(ta_encoder_speed(&row, "ultrafast"), "a");
    assert_string_equal(ta_encoder_speed(&row, "placebo"), "j");
    assert_true(ta_encoder_bits(&row, 18, 16) == 0.1);
    assert_true(fabs(ta_encoder_bits(&row, 24, 16) - 0.05) < 1e-9);
    row.lossy_intra = true;
    assert_true(ta_encoder_bits(&row, 24, 16) == 0.1);
    row.share = 1;
    assert_true(ta_encoder_bits(&row, 24, 16) == 16);
}

static void test_default(void **state)
{
    (void)state;
    static const struct {
        const char *container;
        bool hdr;
        const char *name;
    } cases[] = {
        {NULL, false, "h264"}, {NULL, true, "hevc"},    {"mp4", false, "h264"}, {"mkv", true, "hevc"},
        {"mov", true, "hevc"}, {"webm", false, "av1"},  {"webm", true, "av1"},  {"y4m", false, "raw"},
        {"y4m", true, "raw"},  {"none", false, "h264"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++)
        assert_string_equal(ta_encoder_default(cases[i].container, cases[i].hdr)->name, cases[i].name);
}

// What every row must say.
static void test_rows(void **state)
{
    (void)state;
    for (int i = 0; ta_encoders[i]; i++) {
        const struct ta_encoder_info *e = ta_encoders[i];
        assert_ptr_equal(ta_encoder_find(e->name), e);
        assert_ptr_equal(ta_encoder_find(e->codec), e);
        assert_true(e->summary && e->containers && e->pix_fmts && e->pix_fmts[0] != AV_PIX_FMT_NONE);
        assert_true(e->min_side > 0 && e->max_width >= e->min_side && e->max_height >= e->min_side);
        assert_true((e->bits > 0) != (e->share > 0));
        assert_false(e->lossless && (e->lossy_intra || e->hardware || e->crf || e->speeds));
        char *containers = ta_xstrdup(e->containers), *save = NULL;
        for (char *c = strtok_r(containers, " ", &save); c; c = strtok_r(NULL, " ", &save))
            if (!ta_container_find(c))
                fail_msg("%s: there is no container %s", e->name, c);
        free(containers);
        for (int k = 1; k < e->crf_count; k++)
            assert_true(e->crf[k].x264 > e->crf[k - 1].x264 && e->crf[k].own > e->crf[k - 1].own);
        assert_true(!e->crf || (e->crf[0].x264 == 0 && e->crf[e->crf_count - 1].x264 == 51));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_is_enough),
        cmocka_unit_test(test_alone_in_one_thread),
        cmocka_unit_test(test_scales_of_a_row),
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
