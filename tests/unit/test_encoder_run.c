// suite: thread
// Encoders at work: what is refused, hardware, and those of which only one can be open.
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

static void test_open_refuses(void **state)
{
    (void)state;
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 64, 64);
    struct ta_encoder_wish wish = {.crf = 18};
    struct ta_encoder_settings s;
    struct ta_encoder *e;
    assert_int_equal(ta_encoder_plan(&s, ta_encoder_find("ffv1"), &wish, &f, log_), 0);
    f.pix_fmt = AV_PIX_FMT_YUV422P;
    said.size = 0;
    assert_int_equal(ta_encoder_open(&e, &s, &f, log_), TA_ERR_MISMATCH);
    assert_non_null(strstr(ta_buf_text(&said), "planned for yuv420p, but the pictures are yuv422p"));
    f.pix_fmt = AV_PIX_FMT_YUV420P;
    av_dict_set(&s.options, "no-such-option", "1", 0);
    said.size = 0;
    assert_int_equal(ta_encoder_open(&e, &s, &f, log_), TA_ERR_UNSUPPORTED);
    assert_non_null(strstr(ta_buf_text(&said), "no-such-option"));
    assert_null(e);
    av_dict_set(&s.options, "no-such-option", NULL, 0);
    ta_freep(&s.codec);
    s.codec = ta_xstrdup("no_such_codec");
    said.size = 0;
    assert_int_equal(ta_encoder_open(&e, &s, &f, log_), TA_ERR_UNSUPPORTED);
    assert_non_null(strstr(ta_buf_text(&said), "no_such_codec"));
    ta_encoder_settings_release(&s);
}

static void test_send_refuses(void **state)
{
    (void)state;
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 64, 64);
    struct ta_encoder_wish wish = {.crf = 18};
    struct ta_encoder_settings s;
    struct ta_encoder *e;
    assert_int_equal(ta_encoder_plan(&s, ta_encoder_find("ffv1"), &wish, &f, log_), 0);
    assert_int_equal(ta_encoder_open(&e, &s, &f, log_), 0);
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = 64;
    frame->height = 62;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    said.size = 0;
    assert_int_equal(ta_encoder_send(e, frame), TA_ERR_MISMATCH);
    assert_non_null(strstr(ta_buf_text(&said), "frame 0 is 64x62 yuv420p"));
    assert_int_equal(ta_encoder_send(e, NULL), 0);
    assert_int_equal(ta_encoder_send(e, NULL), TA_ERR_USAGE);
    ta_encoder_close(&e);
    ta_encoder_settings_release(&s);
}

// A task that is cancelled closes its encoder in the middle.
static void test_close_in_the_middle(void **state)
{
    (void)state;
    for (int row = 0; ta_encoders[row]; row++) {
        const struct ta_encoder_info *i = ta_encoders[row];
        if (!avcodec_find_encoder_by_name(i->codec))
            continue;
        for (int frames = 0; frames <= 40; frames += 20) {
            struct ta_format f = format(AV_PIX_FMT_YUV420P, 64, 64);
            struct ta_encoder_wish wish = {.crf = 30, .speed = "ultrafast"};
            struct ta_encoder_settings s;
            struct ta_encoder *e;
            assert_int_equal(ta_encoder_plan(&s, i, &wish, &f, log_), 0);
            f.pix_fmt = s.pix_fmt;
            assert_int_equal(ta_encoder_open(&e, &s, &f, log_), 0);
            AVPacket *packet = av_packet_alloc();
            for (int n = 0; n < frames; n++) {
                AVFrame *frame = av_frame_alloc();
                frame->format = f.pix_fmt;
                frame->width = f.width;
                frame->height = f.height;
                assert_int_equal(av_frame_get_buffer(frame, 0), 0);
                for (int p = 0; p < AV_NUM_DATA_POINTERS && frame->buf[p]; p++)
                    memset(frame->buf[p]->data, n, frame->buf[p]->size);
                assert_int_equal(ta_encoder_send(e, frame), 0);
                while (ta_encoder_receive(e, packet) > 0)
                    av_packet_unref(packet);
            }
            av_packet_free(&packet);
            ta_encoder_close(&e);
            assert_null(e);
            ta_encoder_settings_release(&s);
        }
    }
}

static void test_memory(void **state)
{
    (void)state;
    for (int row = 0; ta_encoders[row]; row++) {
        const struct ta_encoder_info *i = ta_encoders[row];
        struct ta_format f = format(AV_PIX_FMT_YUV420P, 1920, 1080);
        struct ta_encoder_wish fast = {.crf = 18, .quality = "fast"}, best = {.crf = 18, .quality = "best"};
        struct ta_encoder_settings a, b;
        assert_int_equal(ta_encoder_plan(&a, i, &fast, &f, log_), 0);
        assert_int_equal(ta_encoder_plan(&b, i, &best, &f, log_), 0);
        int64_t frame = 1920 * 1080 * 3 / 2;
        assert_true(ta_encoder_memory_bytes(&a, 1920, 1080) > frame);
        assert_true(ta_encoder_memory_bytes(&b, 1920, 1080) >= ta_encoder_memory_bytes(&a, 1920, 1080));
        assert_true(ta_encoder_memory_bytes(&a, 720, 480) < ta_encoder_memory_bytes(&a, 1920, 1080));
        ta_encoder_settings_release(&a);
        ta_encoder_settings_release(&b);
    }
}

static void test_self_test(void **state)
{
    (void)state;
    for (int row = 0; ta_encoders[row]; row++) {
        const struct ta_encoder_info *i = ta_encoders[row];
        struct ta_buf why = {0};
        int err = ta_encoder_test(i, NULL, &why);
        if (avcodec_find_encoder_by_name(i->codec)) {
            if (err)
                fail_msg("%s: %s", i->name, ta_buf_text(&why));
        } else {
            assert_int_equal(err, TA_ERR_UNSUPPORTED);
            assert_non_null(strstr(ta_buf_text(&why), i->codec));
        }
        ta_buf_release(&why);
    }
    const struct ta_encoder_info missing = {.name = "none",
                                            .codec = "no_such_codec",
                                            .max_width = 1000,
                                            .max_height = 1000,
                                            .lossless = true,
                                            .pix_fmts = ta_encoders[0]->pix_fmts};
    struct ta_buf why = {0};
    assert_int_equal(ta_encoder_test(&missing, NULL, &why), TA_ERR_UNSUPPORTED);
    assert_non_null(strstr(ta_buf_text(&why), "built without no_such_codec"));
    assert_int_equal(ta_encoder_test(&missing, NULL, NULL), TA_ERR_UNSUPPORTED);
    ta_buf_release(&why);
}

static void test_hardware_settings(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *key, *value, *speed_key, *speed;
    } rows[] = {
        {"nvenc", "cq", "21", "preset", "p4"},
        {"qsv", "global_quality", "21", "preset", "medium"},
        {"vaapi", "qp", "21", NULL, NULL},
        {"amf", "qp_i", "21", "quality", "balanced"},
    };
    struct ta_format f = format(AV_PIX_FMT_YUV420P10, 1440, 1080);
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        const struct ta_hardware_kind *kind = &ta_hardware_kinds[i];
        assert_string_equal(kind->name, rows[i].kind);
        for (const char *const *name = (const char *const[]){"h264", "hevc", NULL}; *name; name++) {
            const struct ta_encoder_info *info = ta_encoder_find(*name);
            struct ta_encoder_wish wish = {.crf = 21, .speed = "medium"};
            struct ta_encoder_settings s, back;
            struct ta_buf why = {0};
            char *codec = ta_hardware_codec(info, kind);
            int err = ta_hardware_plan(&s, info, kind, &wish, &f, &why);
            if (!avcodec_find_encoder_by_name(codec)) {
                assert_int_equal(err, TA_ERR_UNSUPPORTED);
                assert_non_null(strstr(ta_buf_text(&why), codec));
            } else {
                assert_int_equal(err, 0);
                assert_string_equal(s.codec, codec);
                assert_int_equal(s.pix_fmt, strcmp(*name, "h264") ? AV_PIX_FMT_P010 : AV_PIX_FMT_NV12);
                assert_string_equal(av_dict_get(s.options, rows[i].key, NULL, 0)->value, rows[i].value);
                if (rows[i].speed_key)
                    assert_string_equal(av_dict_get(s.options, rows[i].speed_key, NULL, 0)->value,
                                        rows[i].speed);
                assert_false(ta_encoder_is_reproducible(&s));
                json_t *o = ta_encoder_settings_to_json(&s);
                assert_true(json_is_false(json_object_get(o, "reproducible")));
                assert_int_equal(ta_encoder_settings_from_json(&back, o, "test", log_), 0);
                assert_string_equal(back.codec, codec);
                ta_encoder_settings_release(&back);
                json_object_set_new(o, "codec", json_string("h264_software"));
                assert_int_equal(ta_encoder_settings_from_json(&back, o, "test", log_), TA_ERR_FORMAT);
                json_decref(o);
                f.scan = TA_SCAN_TFF;
                ta_encoder_settings_release(&s);
                assert_int_equal(ta_hardware_plan(&s, info, kind, &wish, &f, &why), TA_ERR_UNSUPPORTED);
                f.scan = TA_SCAN_PROGRESSIVE;
            }
            ta_encoder_settings_release(&s);
            ta_buf_release(&why);
            free(codec);
        }
    }
}

struct second {
    struct ta_encoder_settings settings;
    struct ta_format format;
    atomic_bool open;
};

static void *open_second(void *arg)
{
    struct second *x = arg;
    struct ta_encoder *e;
    int err = ta_encoder_open(&e, &x->settings, &x->format, NULL);
    atomic_store(&x->open, err >= 0);
    ta_encoder_close(&e);
    return NULL;
}

// SVT-AV1 crashes when one is opened while another works: the second waits for the first.
static void test_alone(void **state)
{
    (void)state;
    const struct ta_encoder_info *info = ta_encoder_find("av1");
    struct ta_encoder_wish wish = {.crf = 30, .speed = "ultrafast"};
    struct second x = {.format = format(AV_PIX_FMT_YUV420P10, 64, 64)};
    struct ta_encoder *first;
    pthread_t thread;
    if (!avcodec_find_encoder_by_name(info->codec))
        skip();
    assert_int_equal(ta_encoder_plan(&x.settings, info, &wish, &x.format, log_), 0);
    assert_true(ta_encoder_is_alone(&x.settings));
    x.format.pix_fmt = x.settings.pix_fmt;
    assert_int_equal(ta_encoder_open(&first, &x.settings, &x.format, log_), 0);
    assert_int_equal(pthread_create(&thread, NULL, open_second, &x), 0);
    usleep(300000);
    assert_false(atomic_load(&x.open));
    ta_encoder_close(&first);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&x.open));
    ta_encoder_settings_release(&x.settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_refuses),
        cmocka_unit_test(test_send_refuses),
        cmocka_unit_test(test_close_in_the_middle),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_self_test),
        cmocka_unit_test(test_hardware_settings),
        cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
