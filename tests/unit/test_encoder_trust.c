// Settings from a file: what this program chooses is believed, and nothing else is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "capture.h"
#include "encoder_kit.h"
#include "media/encode/encoder_row.h"

static bool trusted(const struct ta_encoder_settings *s, const struct ta_format *f, int hdr_peak)
{
    return ta_encoder_settings_trust(s, f, hdr_peak, "plan", NULL) >= 0;
}

static void own_choices(void **state)
{
    (void)state;
    static const char *const qualities[] = {"fast", "good", "best"};
    static const double crfs[] = {0, 1, 17.5, 18, 23, 33.3, 51};
    static const enum AVPixelFormat pix[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_GBRP};
    int tried = 0;
    for (const struct ta_encoder_info *const *e = ta_encoders; *e; e++)
        for (size_t i = 0; i < TA_COUNT(qualities) * TA_COUNT(crfs) * TA_COUNT(pix) * 3; i++) {
            struct ta_format f = format(pix[i % 3], i % 2 ? 720 : 1920, i % 2 ? 480 : 1080);
            f.scan = i / 3 % 3 == 1 ? TA_SCAN_TFF : TA_SCAN_PROGRESSIVE;
            struct ta_encoder_wish wish = {.crf = crfs[i / 27], .quality = qualities[i / 9 % 3]};
            if (i % 5 == 0)
                wish.speed = ta_encoder_speeds[i % TA_ENCODER_SPEEDS];
            if ((*e)->hdr && i % 7 == 0)
                wish.hdr_peak = 600;
            struct ta_encoder_settings s;
            if (ta_encoder_plan(&s, *e, &wish, &f, NULL) < 0)
                continue;
            f.pix_fmt = s.pix_fmt;
            if (!trusted(&s, &f, wish.hdr_peak))
                fail_msg("%s, crf %g, %s: not believed", (*e)->name, wish.crf, wish.quality);
            ta_encoder_settings_release(&s);
            tried++;
        }
    assert_true(tried > 600);
}

static void others(void **state)
{
    (void)state;
    static const char *const changes[][3] = {
        {"h264", "x264-params", "dump-yuv=/tmp/x"},
        {"h264", "x264-params", NULL},
        {"h264", "x264opts", "stats=/tmp/x"},
        {"h264", "passlogfile", "/tmp/x"},
        {"h264", "preset", "../veryfast"},
        {"h264", "preset", NULL},
        {"h264", "crf", "18 "},
        {"h264", "crf", "0x12"},
        {"h264", "crf", "nan"},
        {"h264", "crf", "-1"},
        {"h264", "crf", "52"},
        {"h264", "crf", "18.50"},
        {"h264", "flags", "+bitexact"},
        {"h264", "CRF", "18"},
        {"hevc", "x265-params", "csv=/tmp/x"},
        {"av1", "svtav1-params", "stat-file=/tmp/x"},
        {"ffv1", "crf", "18"},
        {"prores", "profile", "9"},
    };
    for (size_t i = 0; i < TA_COUNT(changes); i++) {
        struct ta_format f = format(AV_PIX_FMT_YUV420P, 720, 480);
        struct ta_encoder_wish wish = {.crf = 18};
        struct ta_encoder_settings s;
        struct capture c;
        capture_init(&c);
        assert_int_equal(ta_encoder_plan(&s, ta_encoder_find(changes[i][0]), &wish, &f, NULL), 0);
        f.pix_fmt = s.pix_fmt;
        assert_true(trusted(&s, &f, 0));
        av_dict_set(&s.options, changes[i][1], changes[i][2], AV_DICT_MATCH_CASE);
        if (ta_encoder_settings_trust(&s, &f, 0, "plan", c.log) != TA_ERR_FORMAT)
            fail_msg("%s: %s=%s is believed", changes[i][0], changes[i][1], changes[i][2]);
        capture_expect_error(&c, changes[i][2] ? changes[i][1] : changes[i][0]);
        capture_release(&c);
        ta_encoder_settings_release(&s);
    }
}

static void other_pictures(void **state)
{
    (void)state;
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 720, 480);
    struct ta_encoder_wish wish = {.crf = 18};
    struct ta_encoder_settings s;
    assert_int_equal(ta_encoder_plan(&s, ta_encoder_find("h264"), &wish, &f, NULL), 0);
    f.scan = TA_SCAN_TFF;
    assert_false(trusted(&s, &f, 0));
    f.scan = TA_SCAN_PROGRESSIVE;
    f.width = 3840;
    f.height = 2160; // other threads
    assert_false(trusted(&s, &f, 0));
    f.width = 99999;
    assert_false(trusted(&s, &f, 0));
    f = format(AV_PIX_FMT_YUV420P, 720, 480);
    s.threads = 64;
    assert_false(trusted(&s, &f, 0));
    ta_encoder_settings_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_choices),
        cmocka_unit_test(others),
        cmocka_unit_test(other_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
