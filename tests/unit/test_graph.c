#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/picture/graph.h"

static struct ta_buf said;
static struct ta_log *log_;

static void hear(void *priv, enum ta_log_level level, const char *component, const char *message,
                 const char *code)
{
    (void)code;
    (void)level;
    (void)component;
    ta_buf_printf(priv, "%s\n", message);
}

static int setup(void **state)
{
    (void)state;
    av_log_set_level(AV_LOG_QUIET);
    return ta_log_create(&log_, hear, &said);
}

static int teardown(void **state)
{
    (void)state;
    ta_log_destroy(&log_);
    ta_buf_release(&said);
    return 0;
}

static struct ta_format format(enum AVPixelFormat p)
{
    struct ta_format f = {
        .pix_fmt = p,
        .width = 96,
        .height = 64,
        .sar = {8, 9},
        .scan = TA_SCAN_BFF,
        .frame_rate = {30000, 1001},
        .time_base = {1, 90000},
        .primaries = AVCOL_PRI_SMPTE170M,
        .transfer = AVCOL_TRC_SMPTE170M,
        .matrix = AVCOL_SPC_SMPTE170M,
        .range = AVCOL_RANGE_MPEG,
        .rotation = 90,
    };
    return f;
}

static AVFrame *frame_for(const struct ta_format *f, int64_t pts, int level)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = f->pix_fmt;
    frame->width = f->width;
    frame->height = f->height;
    frame->pts = pts;
    ta_format_tag_frame(f, frame);
    ta_frame_set_interlaced(frame, true, false);
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->buf[i]; i++)
        for (size_t k = 0; k < (size_t)frame->buf[i]->size; k++)
            frame->buf[i]->data[k] = (uint8_t)(level + k / 7);
    return frame;
}

static AVFrame *pull(struct ta_graph *g)
{
    AVFrame *frame = NULL;
    assert_int_equal(ta_graph_pull(g, &frame), 0);
    return frame;
}

static void assert_same_picture(const AVFrame *a, const AVFrame *b)
{
    assert_int_equal(a->format, b->format);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(a->format);
    for (int p = 0; p < av_pix_fmt_count_planes(a->format); p++) {
        int shift = p == 1 || p == 2 ? d->log2_chroma_h : 0, width = p == 1 || p == 2 ? d->log2_chroma_w : 0;
        for (int y = 0; y < a->height >> shift; y++)
            assert_memory_equal(a->data[p] + y * a->linesize[p], b->data[p] + y * b->linesize[p],
                                (size_t)(a->width >> width));
    }
}

static void test_identity(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL, "", "null", "copy", "null,copy"};
    for (size_t i = 0; i < TA_COUNT(texts); i++) {
        struct ta_format in = format(AV_PIX_FMT_YUV420P), out;
        struct ta_graph *g;
        assert_int_equal(ta_graph_create(&g, texts[i], &in, &out, log_), 0);
        assert_memory_equal(&in, &out, sizeof(in));
        assert_null(pull(g));
        // Times with holes, as variable rate has them; they are no concern of the graph's.
        static const int64_t times[] = {-3003, 0, 3003, 3004, 90000, 1ll << 40};
        for (size_t n = 0; n < TA_COUNT(times); n++) {
            AVFrame *frame = frame_for(&in, times[n], (int)n), *copy = av_frame_clone(frame);
            AVFrameSideData *sd = av_frame_new_side_data(frame, AV_FRAME_DATA_A53_CC, 3);
            memcpy(sd->data, "abc", 3);
            av_dict_set(&frame->metadata, "key", "value", 0);
            assert_int_equal(ta_graph_push(g, frame), 0);
            AVFrame *got = pull(g);
            assert_non_null(got);
            assert_true(got->pts == times[n]);
            assert_same_picture(copy, got);
            assert_true(ta_frame_is_interlaced(got) && !ta_frame_is_top_first(got));
            sd = av_frame_get_side_data(got, AV_FRAME_DATA_A53_CC);
            assert_true(sd && sd->size == 3 && !memcmp(sd->data, "abc", 3));
            assert_string_equal(av_dict_get(got->metadata, "key", NULL, 0)->value, "value");
            assert_int_equal(got->colorspace, AVCOL_SPC_SMPTE170M);
            assert_null(pull(g));
            av_frame_free(&got);
            av_frame_free(&copy);
        }
        assert_int_equal(ta_graph_push(g, NULL), 0);
        assert_null(pull(g));
        assert_null(pull(g));
        ta_graph_destroy(&g);
        assert_null(g);
    }
}

// A filter that holds a frame back: one in gives nothing, the end gives it.
static void test_drain(void **state)
{
    (void)state;
    struct ta_format in = format(AV_PIX_FMT_YUV420P), out;
    struct ta_graph *g;
    assert_int_equal(ta_graph_create(&g, "bwdif=mode=send_field:parity=bff", &in, &out, log_), 0);
    assert_int_equal(out.frame_rate.num, 60000);
    assert_int_equal(out.frame_rate.den, 1001);
    assert_int_equal(out.scan, in.scan); // left to the stage
    assert_int_equal(ta_graph_push(g, frame_for(&in, 9000, 50)), 0);
    assert_null(pull(g));
    assert_int_equal(ta_graph_push(g, frame_for(&in, 12003, 60)), 0);
    AVFrame *first = pull(g);
    assert_int_equal(ta_rescale(first->pts, out.time_base, in.time_base), 9000);
    av_frame_free(&first);
    assert_int_equal(ta_graph_push(g, NULL), 0);
    int64_t before = 9000;
    int count = 1;
    for (AVFrame *f; (f = pull(g)); count++) {
        int64_t t = ta_rescale(f->pts, out.time_base, in.time_base);
        assert_true(t > before);
        before = t;
        av_frame_free(&f);
    }
    assert_int_equal(count, 4);
    assert_null(pull(g));
    said.size = 0;
    assert_int_equal(ta_graph_push(g, frame_for(&in, 12003, 50)), TA_ERR_USAGE);
    assert_int_equal(ta_graph_push(g, NULL), TA_ERR_USAGE);
    ta_graph_destroy(&g);
}

static void test_bob_times(void **state)
{
    (void)state;
    struct ta_format in = format(AV_PIX_FMT_YUV420P), out;
    struct ta_graph *g;
    assert_int_equal(ta_graph_create(&g, "yadif=mode=send_field:parity=tff", &in, &out, log_), 0);
    int count = 0;
    for (int n = 0; n <= 10; n++) {
        assert_int_equal(ta_graph_push(g, n < 10 ? frame_for(&in, n * 3003, n) : NULL), 0);
        for (AVFrame *f; (f = pull(g)); count++) {
            // Exactly half-way: in units of half the time base.
            assert_int_equal(ta_rescale(2 * f->pts, out.time_base, in.time_base), count * 3003);
            av_frame_free(&f);
        }
    }
    assert_int_equal(count, 20);
    ta_graph_destroy(&g);
}

static void test_negotiation(void **state)
{
    (void)state;
    struct ta_format in = format(AV_PIX_FMT_YUV422P), out;
    struct ta_graph *g;
    assert_int_equal(
        ta_graph_create(&g, "scale=192:144:flags=bicubic,setsar=1,format=yuv422p,settb=1/1000,fps=50", &in,
                        &out, log_),
        0);
    assert_int_equal(out.width, 192);
    assert_int_equal(out.height, 144);
    assert_int_equal(out.pix_fmt, AV_PIX_FMT_YUV422P);
    assert_int_equal(out.sar.num, 1);
    assert_int_equal(out.time_base.den, 50);
    assert_int_equal(out.frame_rate.num, 50);
    assert_int_equal(out.matrix, in.matrix);
    assert_int_equal(out.rotation, 90);
    ta_graph_destroy(&g);
    // A conversion that is asked for is made.
    assert_int_equal(ta_graph_create(&g, "scale,format=yuv420p10le", &in, &out, log_), 0);
    assert_int_equal(out.pix_fmt, AV_PIX_FMT_YUV420P10);
    assert_int_equal(ta_graph_push(g, frame_for(&in, 0, 0)), 0);
    AVFrame *f = pull(g);
    assert_int_equal(f->format, AV_PIX_FMT_YUV420P10);
    av_frame_free(&f);
    ta_graph_destroy(&g); // without an end, with nothing pulled
    // Unknown rate, no output wanted.
    in.frame_rate = (AVRational){0, 1};
    in.sar = (AVRational){0, 1};
    assert_int_equal(ta_graph_create(&g, "hqdn3d=3:2:3:2", &in, NULL, log_), 0);
    ta_graph_destroy(&g);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pix_fmt;
        int err;
        const char *says;
    } rows[] = {
        {"hqdn3d", "pal8", TA_ERR_UNSUPPORTED, "filter hqdn3d does not take pal8"},
        {"null,nlmeans=s=2", "yuv420p10le", TA_ERR_UNSUPPORTED, "filter nlmeans does not take yuv420p10le"},
        {"bwdif,scale,format=gbrp,bwdif,colorlevels,eq", "yuv420p", TA_ERR_UNSUPPORTED,
         "filter eq does not take gbrp"},
        {"format=yuv444p", "yuv420p", TA_ERR_UNSUPPORTED, "filter format does not take yuv420p"},
        {"lut3d=interp=nearest", "yuv420p", TA_ERR_UNSUPPORTED, "filter lut3d does not take yuv420p"},
        {"fieldmatch", "yuv420p10le", TA_ERR_UNSUPPORTED, "filter fieldmatch does not take yuv420p10le"},
        {"crop=200:200", "yuv420p", TA_ERR_UNSUPPORTED, "\"crop=200:200\" can't work on 96x64 yuv420p"},
        {"null,nosuch=1", "yuv420p", TA_ERR_INVALID, "no filter \"nosuch\""},
        {"bwdif=mode=fastest", "yuv420p", TA_ERR_INVALID,
         "bwdif does not take its options: \"bwdif=mode=fastest\""},
        {"null,hqdn3d=speed=2", "yuv420p", TA_ERR_INVALID,
         "hqdn3d does not take its options: \"hqdn3d=speed=2\""},
        {"overlay", "yuv420p", TA_ERR_INVALID, "is not a chain"},
        {"split", "yuv420p", TA_ERR_INVALID, "is not a chain"},
        {"split[a][b];[a]null[c];[b]nullsink", "yuv420p", TA_ERR_INVALID, "is not a chain"},
        {"null,,null", "yuv420p", TA_ERR_INVALID, "empty place"},
        {"null,", "yuv420p", TA_ERR_INVALID, "empty place"},
        {",", "yuv420p", TA_ERR_INVALID, "empty place"},
    };
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        struct ta_format in = format(av_get_pix_fmt(rows[i].pix_fmt));
        struct ta_graph *g = NULL;
        said.size = 0;
        int err = ta_graph_create(&g, rows[i].text, &in, NULL, log_);
        if (err != rows[i].err || !said.size || !strstr(ta_buf_text(&said), rows[i].says))
            fail_msg("\"%s\": %d, \"%s\"", rows[i].text, err, said.size ? ta_buf_text(&said) : "");
        assert_null(g);
        assert_ptr_equal(strchr(ta_buf_text(&said), '\n'), ta_buf_text(&said) + said.size - 1); // one line
    }
    struct ta_format in = format(AV_PIX_FMT_NONE);
    struct ta_graph *g;
    assert_int_equal(ta_graph_create(&g, "null", &in, NULL, log_), TA_ERR_INVALID);
    in = format(AV_PIX_FMT_YUV420P);
    in.time_base = (AVRational){0, 1};
    assert_int_equal(ta_graph_create(&g, "null", &in, NULL, log_), TA_ERR_INVALID);
    assert_int_equal(ta_graph_create(&g, "null", &in, NULL, NULL), TA_ERR_INVALID);
}

// Commas that do not end a filter, so that a refusal further on names the right one.
static void test_quoted_commas(void **state)
{
    (void)state;
    static const char *const texts[] = {"select='not(eq(n,3))',nlmeans", "select=not(eq(n\\,3)),nlmeans"};
    for (size_t i = 0; i < TA_COUNT(texts); i++) {
        struct ta_format in = format(AV_PIX_FMT_YUV420P10);
        struct ta_graph *g;
        said.size = 0;
        assert_int_equal(ta_graph_create(&g, texts[i], &in, NULL, log_), TA_ERR_UNSUPPORTED);
        assert_non_null(strstr(ta_buf_text(&said), "filter nlmeans does not take yuv420p10le"));
    }
}

static void test_wrong_frames(void **state)
{
    (void)state;
    struct ta_format in = format(AV_PIX_FMT_YUV420P), other = in;
    struct ta_graph *g;
    assert_int_equal(ta_graph_create(&g, "hqdn3d", &in, NULL, log_), 0);
    other.pix_fmt = AV_PIX_FMT_YUV422P;
    said.size = 0;
    assert_int_equal(ta_graph_push(g, frame_for(&other, 0, 0)), TA_ERR_MISMATCH);
    assert_non_null(strstr(ta_buf_text(&said), "a frame is 96x64 yuv422p"));
    other = in;
    other.height = 62;
    assert_int_equal(ta_graph_push(g, frame_for(&other, 0, 0)), TA_ERR_MISMATCH);
    // Other tags do not matter, and the graph goes on.
    other = in;
    other.matrix = AVCOL_SPC_BT709;
    other.range = AVCOL_RANGE_JPEG;
    assert_int_equal(ta_graph_push(g, frame_for(&other, 5, 0)), 0);
    AVFrame *f = pull(g);
    assert_int_equal(f->pts, 5);
    av_frame_free(&f);
    ta_graph_destroy(&g);
}

// A graph may keep the picture that it was given while the caller keeps another reference: neither changes
// the other's.
static void test_shared_frames(void **state)
{
    (void)state;
    struct ta_format in = format(AV_PIX_FMT_YUV420P);
    struct ta_graph *g;
    assert_int_equal(ta_graph_create(&g, "drawbox=c=white:t=fill", &in, NULL, log_), 0);
    AVFrame *frame = frame_for(&in, 0, 3), *kept = av_frame_clone(frame), *fresh = frame_for(&in, 0, 3);
    assert_int_equal(ta_graph_push(g, frame), 0);
    AVFrame *got = pull(g);
    assert_same_picture(kept, fresh);
    assert_int_not_equal(got->data[0][0], kept->data[0][0]);
    av_frame_free(&got);
    av_frame_free(&kept);
    av_frame_free(&fresh);
    ta_graph_destroy(&g);
}

static void test_has_filter(void **state)
{
    (void)state;
    assert_true(ta_graph_has_filter("bwdif"));
    assert_false(ta_graph_has_filter("nosuch"));
    assert_false(ta_graph_has_filter(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),     cmocka_unit_test(test_drain),
        cmocka_unit_test(test_bob_times),    cmocka_unit_test(test_negotiation),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_quoted_commas),
        cmocka_unit_test(test_wrong_frames), cmocka_unit_test(test_shared_frames),
        cmocka_unit_test(test_has_filter),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
