#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/encoder.h"
#include "media/encode/encoder_check.h"
#include "media/encode/encoder_hardware.h"
#include "encoder_kit.h"

static void test_table(void **state)
{
    (void)state;
    assert_non_null(ta_encoder_find("h264"));
    assert_ptr_equal(ta_encoder_find("libx265"), ta_encoder_find("hevc"));
    assert_null(ta_encoder_find("h265"));
    assert_null(ta_encoder_find(""));
    for (int row = 0; ta_encoders[row]; row++) {
        const struct ta_encoder_info *i = ta_encoders[row];
        const AVCodec *codec = avcodec_find_encoder_by_name(i->codec);
        if (!codec) // a libav built without it: nothing to compare
            continue;
        assert_true(i->summary && i->containers && i->containers[0]);
        for (const enum AVPixelFormat *p = i->pix_fmts; *p != AV_PIX_FMT_NONE; p++) {
            assert_non_null(av_get_pix_fmt_name(*p));
            struct ta_format f = format(*p, 128, 96);
            struct ta_encoder_settings s;
            struct ta_encoder_wish wish = {.crf = 18, .quality = "fast"};
            assert_int_equal(ta_encoder_plan(&s, i, &wish, &f, log_), 0);
            // Each format is really taken, and is what pictures of this kind are stored in.
            if (i->lossless || i->lossy_intra)
                assert_string_equal(av_get_pix_fmt_name(s.pix_fmt), av_get_pix_fmt_name(*p));
            f.pix_fmt = s.pix_fmt;
            struct ta_encoder *e = NULL;
            said.size = 0;
            int err = ta_encoder_open(&e, &s, &f, log_);
            if (err)
                print_message("%s %s: %s", i->name, av_get_pix_fmt_name(*p), ta_buf_text(&said));
            assert_int_equal(err, 0);
            ta_encoder_close(&e);
            ta_encoder_settings_release(&s);
        }
    }
}

static void test_crf(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double min, max;
    } ranges[] = {{"h264", 0, 51}, {"hevc", 0, 51}, {"av1", 1, 63}};
    for (size_t i = 0; i < TA_COUNT(ranges); i++) {
        const struct ta_encoder_info *info = ta_encoder_find(ranges[i].name);
        double before = -1;
        for (int tenth = 0; tenth <= 510; tenth++) {
            double own = ta_encoder_crf(info, tenth / 10.0);
            if (own < before || own < ranges[i].min || own > ranges[i].max)
                fail_msg("%s: crf %g becomes %g, after %g", info->name, tenth / 10.0, own, before);
            before = own;
        }
        assert_true(ta_encoder_crf(info, 51) == ranges[i].max);
        assert_true(ta_encoder_crf(info, 0) == ranges[i].min);
        // A whole step of the user's scale is one of the encoder's where it is used.
        for (int crf = 12; crf < 30; crf++)
            assert_true(ta_encoder_crf(info, crf + 1) > ta_encoder_crf(info, crf));
    }
    assert_true(ta_encoder_crf(ta_encoder_find("h264"), 17.5) == 17.5);
    assert_true(ta_encoder_crf(ta_encoder_find("hevc"), 18) == 19);
    assert_true(ta_encoder_crf(ta_encoder_find("av1"), 18) == 16);
}

static void test_speed(void **state)
{
    (void)state;
    static const char *const names[] = {"h264", "hevc", "av1"};
    for (size_t i = 0; i < TA_COUNT(names); i++) {
        const struct ta_encoder_info *info = ta_encoder_find(names[i]);
        int before = 14;
        for (int k = 0; ta_encoder_speeds[k]; k++) {
            const char *own = ta_encoder_speed(info, ta_encoder_speeds[k]);
            assert_non_null(own);
            if (strcmp(info->name, "av1")) {
                assert_string_equal(own, ta_encoder_speeds[k]);
                continue;
            }
            int preset = atoi(own); // 0 is the slowest of SVT-AV1's
            assert_true(preset >= 0 && preset <= 13 && preset <= before);
            before = preset;
        }
        assert_null(ta_encoder_speed(info, "quick"));
        assert_null(ta_encoder_speed(info, NULL));
    }
    assert_string_equal(ta_encoder_quality_speed("fast"), "veryfast");
    assert_string_equal(ta_encoder_quality_speed("good"), "medium");
    assert_string_equal(ta_encoder_quality_speed(NULL), "medium");
    assert_string_equal(ta_encoder_quality_speed("best"), "slower");
    assert_null(ta_encoder_quality_speed("better"));
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        const char *name, *quality, *in, *out;
    } rows[] = {
        {"h264", "good", "yuv420p", "yuv420p"},
        {"h264", "best", "yuv444p12le", "yuv420p"},
        {"h264", "good", "gbrp", "yuv420p"},
        {"hevc", "good", "yuv420p", "yuv420p10le"},
        {"hevc", "fast", "yuv422p", "yuv420p"},
        {"hevc", "fast", "yuv422p10le", "yuv420p10le"},
        {"hevc", NULL, "gray", "yuv420p10le"},
        {"av1", "best", "yuv411p", "yuv420p10le"},
        {"av1", "fast", "yuvj420p", "yuv420p"},
        {"ffv1", "good", "yuv411p", "yuv411p"},
        {"ffv1", "good", "yuv420p10le", "yuv420p10le"},
        {"ffv1", "good", "yuvj422p", "yuv422p"},
        {"ffv1", "good", "gbrp", "bgr0"},
        {"ffv1", "good", "gbrap", "bgra"},
        {"ffv1", "good", "pal8", "bgra"},
        {"ffv1", "good", "gray", "gray"},
        {"ffv1", "good", "gray9le", "gray10le"},
        {"ffv1", "good", "gray14le", "gray16le"},
        {"ffv1", "good", "yuva444p12le", "yuva444p16le"},
        {"ffv1", "good", "gbrp14le", "gbrp14le"},
        {"ffv1", "good", "ya8", "yuva420p"},
        {"prores", "good", "yuv420p", "yuv422p10le"},
        {"prores", "good", "yuv411p", "yuv422p10le"},
        {"prores", "good", "yuv440p", "yuv444p10le"},
        {"prores", "good", "gbrp", "yuv444p10le"},
        {"prores", "good", "gbrap16le", "yuva444p10le"},
        {"prores", "fast", "yuv444p", "yuv444p10le"},
        {"prores", "fast", "gray", "yuv422p10le"},
        {"prores", "fast", "yuva420p", "yuva444p10le"},
        {"raw", "good", "yuv422p10le", "yuv422p10le"},
        {"raw", "good", "yuv410p", "yuv411p"},
        {"raw", "good", "gbrp", "yuv444p"},
        {"raw", "good", "gbrp10le", "yuv444p10le"},
        {"raw", "good", "gray16le", "gray16le"},
        {"raw", "good", "yuva444p", "yuva444p"},
        {"raw", "good", "yuv440p", "yuv444p"},
    };
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        struct ta_format f = format(av_get_pix_fmt(rows[i].in), 640, 480);
        struct ta_encoder_wish wish = {.crf = 18, .quality = rows[i].quality};
        struct ta_encoder_settings s;
        assert_int_equal(ta_encoder_plan(&s, ta_encoder_find(rows[i].name), &wish, &f, log_), 0);
        if (strcmp(av_get_pix_fmt_name(s.pix_fmt), rows[i].out))
            fail_msg("%s %s: %s, not %s", rows[i].name, rows[i].in, av_get_pix_fmt_name(s.pix_fmt),
                     rows[i].out);
        ta_encoder_settings_release(&s);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int width, height;
        enum ta_scan_type scan;
        double crf;
        const char *speed, *quality, *says; // NULL: taken
    } rows[] = {
        {"h264", 720, 480, TA_SCAN_BFF, 18, NULL, NULL, NULL},
        {"h264", 719, 480, 0, 18, NULL, NULL, "width that is a multiple of 2"},
        {"h264", 720, 479, 0, 18, NULL, NULL, "not 720x479"},
        {"h264", 720, 482, 0, 18, NULL, NULL, NULL},
        {"h264", 720, 482, TA_SCAN_TFF, 18, NULL, NULL, "multiple of 4 for interlaced"},
        {"h264", 16386, 64, 0, 18, NULL, NULL, "from 2x2 to 16384x16384"},
        {"h264", 720, 480, 0, 51.5, NULL, NULL, "crf 51.5"},
        {"h264", 720, 480, 0, -1, NULL, NULL, "crf -1"},
        {"h264", 720, 480, 0, 18, "turbo", NULL, "no encoder speed \"turbo\""},
        {"h264", 720, 480, 0, 18, NULL, "great", "no quality \"great\""},
        {"hevc", 720, 480, TA_SCAN_TFF, 18, NULL, NULL, "can't code interlaced pictures"},
        {"hevc", 14, 14, 0, 18, NULL, NULL, "from 16x16"},
        {"hevc", 16, 16, 0, 18, NULL, NULL, NULL},
        {"hevc", 721, 480, 0, 18, NULL, NULL, "multiple of 2"},
        {"av1", 720, 480, TA_SCAN_BFF, 18, NULL, NULL, "can't code interlaced pictures"},
        {"av1", 64, 62, 0, 18, NULL, NULL, "from 64x64 to 16384x8704, not 64x62"},
        {"av1", 64, 64, 0, 18, NULL, NULL, NULL},
        {"ffv1", 1, 1, 0, 99, "any", NULL, NULL},
        {"ffv1", 721, 577, TA_SCAN_TFF, 18, NULL, NULL, NULL},
        {"ffv1", 1076, 887, 0, 18, NULL, NULL, NULL},
        {"ffv1", 353, 15, 0, 18, NULL, NULL, "as narrow as 353x15"},
        {"ffv1", 15, 288, 0, 18, NULL, NULL, NULL},
        {"ffv1", 353, 16, 0, 18, NULL, NULL, NULL},
        {"ffv1", 16, 20000, 0, 18, NULL, NULL, NULL},
        {"ffv1", 40000, 2, 0, 18, NULL, NULL, "32768"},
        {"prores", 721, 480, 0, 18, NULL, NULL, "multiple of 2"},
        {"prores", 720, 481, 0, 18, NULL, NULL, NULL},
        {"prores", 720, 480, TA_SCAN_TFF, 18, NULL, NULL, NULL},
        {"raw", 3, 5, TA_SCAN_BFF, 18, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        struct ta_format f = format(AV_PIX_FMT_YUV420P, rows[i].width, rows[i].height);
        f.scan = rows[i].scan;
        struct ta_encoder_wish wish = {
            .crf = rows[i].crf, .speed = rows[i].speed, .quality = rows[i].quality};
        struct ta_encoder_settings s;
        const struct ta_encoder_info *info = ta_encoder_find(rows[i].name);
        said.size = 0;
        int err = ta_encoder_plan(&s, info, &wish, &f, log_);
        if ((err < 0) != !!rows[i].says || (rows[i].says && !strstr(ta_buf_text(&said), rows[i].says)))
            fail_msg("row %zu: %d, \"%s\"", i, err, said.size ? ta_buf_text(&said) : "");
        if (err < 0)
            assert_true(!s.name && !s.codec && !s.options);
        // What a plan takes, the encoder takes.
        if (!err && avcodec_find_encoder_by_name(info->codec)) {
            struct ta_encoder *e = NULL;
            f.pix_fmt = s.pix_fmt;
            if (ta_encoder_open(&e, &s, &f, log_))
                fail_msg("row %zu: %s", i, ta_buf_text(&said));
            ta_encoder_close(&e);
        }
        ta_encoder_settings_release(&s);
    }
}

// The tests of the encoder itself: what the table says it refuses, it refuses.
static void test_limits_are_true(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int width, height;
    } rows[] = {{"h264", 16386, 64}, {"hevc", 8, 8}, {"av1", 62, 64}, {"h264", 65, 64}, {"av1", 65, 64}};
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        const struct ta_encoder_info *info = ta_encoder_find(rows[i].name);
        if (!avcodec_find_encoder_by_name(info->codec))
            continue;
        struct ta_format f = format(AV_PIX_FMT_YUV420P, 640, 480);
        struct ta_encoder_wish wish = {.crf = 18, .quality = "fast"};
        struct ta_encoder_settings s;
        struct ta_encoder *e = NULL;
        assert_int_equal(ta_encoder_plan(&s, info, &wish, &f, log_), 0);
        f.width = rows[i].width;
        f.height = rows[i].height;
        said.size = 0;
        int err = ta_encoder_open(&e, &s, &f, log_);
        // Versions after those that were measured may take more.
        if (err == 0 && LIBAVCODEC_VERSION_MAJOR == 59)
            fail_msg("%s takes %dx%d", info->name, f.width, f.height);
        if (err) {
            assert_int_equal(err, TA_ERR_UNSUPPORTED);
            assert_non_null(strstr(ta_buf_text(&said), "can't be opened for"));
            assert_null(e);
        }
        ta_encoder_close(&e);
        ta_encoder_settings_release(&s);
    }
}

static void assert_same_settings(const struct ta_encoder_settings *a, const struct ta_encoder_settings *b)
{
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->codec, b->codec);
    assert_int_equal(a->pix_fmt, b->pix_fmt);
    assert_int_equal(a->threads, b->threads);
    assert_int_equal(av_dict_count(a->options), av_dict_count(b->options));
    const AVDictionaryEntry *x = NULL, *y = NULL;
    while ((x = av_dict_get(a->options, "", x, AV_DICT_IGNORE_SUFFIX))) {
        y = av_dict_get(b->options, "", y, AV_DICT_IGNORE_SUFFIX);
        assert_string_equal(x->key, y->key);
        assert_string_equal(x->value, y->value);
    }
}

static void test_json(void **state)
{
    (void)state;
    for (int row = 0; ta_encoders[row]; row++) {
        const struct ta_encoder_info *i = ta_encoders[row];
        struct ta_format f = format(AV_PIX_FMT_YUV422P10, 1440, 1080);
        struct ta_encoder_wish wish = {.crf = 17.25, .quality = "best"};
        struct ta_encoder_settings s, again;
        assert_int_equal(ta_encoder_plan(&s, i, &wish, &f, log_), 0);
        json_t *o = ta_encoder_settings_to_json(&s);
        assert_int_equal(ta_encoder_settings_from_json(&again, o, "encoder", log_), 0);
        assert_same_settings(&s, &again);
        const AVDictionaryEntry *e = NULL;
        const char *before = "";
        while ((e = av_dict_get(s.options, "", e, AV_DICT_IGNORE_SUFFIX))) {
            assert_true(strcmp(before, e->key) < 0);
            before = e->key;
        }
        ta_encoder_settings_release(&s);
        ta_encoder_settings_release(&again);
        json_decref(o);
    }
}

static void test_bad_json(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *says; // JSON text; NULL removes the key
    } rows[] = {
        {"name", "\"h265\"", "no encoder \"h265\""},
        {"name", NULL, "name"},
        {"codec", "\"ffv1\"", "of the codec \"ffv1\""},
        {"pix_fmt", "\"yuv\"", "pix_fmt \"yuv\""},
        {"pix_fmt", "7", "pix_fmt"},
        {"threads", "0", "threads"},
        {"threads", "1000", "threads"},
        {"threads", "\"4\"", "threads"},
        {"options", "[]", "options"},
        {"options", "{\"crf\": 18}", "options.crf"},
    };
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 640, 480);
    struct ta_encoder_wish wish = {.crf = 18};
    struct ta_encoder_settings s;
    assert_int_equal(ta_encoder_plan(&s, ta_encoder_find("h264"), &wish, &f, log_), 0);
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        json_t *o = ta_encoder_settings_to_json(&s);
        if (rows[i].value)
            json_object_set_new(o, rows[i].key, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(o, rows[i].key);
        struct ta_encoder_settings bad;
        said.size = 0;
        assert_int_equal(ta_encoder_settings_from_json(&bad, o, "plan.json: encoder", log_), TA_ERR_FORMAT);
        if (!strstr(ta_buf_text(&said), rows[i].says) || !strstr(ta_buf_text(&said), "plan.json: encoder"))
            fail_msg("row %zu: \"%s\"", i, ta_buf_text(&said));
        assert_true(!bad.name && !bad.options);
        json_decref(o);
    }
    ta_encoder_settings_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),    cmocka_unit_test(test_crf),
        cmocka_unit_test(test_speed),    cmocka_unit_test(test_format),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_limits_are_true),
        cmocka_unit_test(test_json),     cmocka_unit_test(test_bad_json),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
