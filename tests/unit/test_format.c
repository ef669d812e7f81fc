// Colour that is filled in, planar pixel formats, and formats as JSON.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavutil/pixdesc.h>
#include <terminalai/error.h>

#include "base/mem.h"
#include "media/format.h"

static void test_colour(void **state)
{
    (void)state;
    enum {
        NO_PRI = AVCOL_PRI_UNSPECIFIED,
        NO_MAT = AVCOL_SPC_UNSPECIFIED,
        NO_RANGE = AVCOL_RANGE_UNSPECIFIED
    };
    static const struct {
        const char *name;
        enum AVPixelFormat pix_fmt;
        int height, rate;
        int primaries, matrix, range;                               // stated
        int want_primaries, want_transfer, want_matrix, want_range; // resolved
    } cases[] = {
        {"NTSC", AV_PIX_FMT_YUV411P, 480, 30, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_SMPTE170M,
         AVCOL_TRC_SMPTE170M, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG},
        {"PAL", AV_PIX_FMT_YUV420P, 576, 25, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_BT470BG, AVCOL_TRC_SMPTE170M,
         AVCOL_SPC_BT470BG, AVCOL_RANGE_MPEG},
        {"PAL frames at a film rate", AV_PIX_FMT_YUV420P, 576, 24, NO_PRI, NO_MAT, NO_RANGE,
         AVCOL_PRI_BT470BG, AVCOL_TRC_SMPTE170M, AVCOL_SPC_BT470BG, AVCOL_RANGE_MPEG},
        {"small, by rate", AV_PIX_FMT_YUV420P, 360, 25, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_BT470BG,
         AVCOL_TRC_SMPTE170M, AVCOL_SPC_BT470BG, AVCOL_RANGE_MPEG},
        {"small, by rate, other", AV_PIX_FMT_YUV420P, 360, 30, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_SMPTE170M,
         AVCOL_TRC_SMPTE170M, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG},
        {"HD", AV_PIX_FMT_YUV420P, 720, 25, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_BT709, AVCOL_TRC_BT709,
         AVCOL_SPC_BT709, AVCOL_RANGE_MPEG},
        {"SD that says 709", AV_PIX_FMT_YUV420P, 480, 30, NO_PRI, AVCOL_SPC_BT709, NO_RANGE, AVCOL_PRI_BT709,
         AVCOL_TRC_BT709, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG},
        {"HD that says 601", AV_PIX_FMT_YUV420P, 1080, 30, NO_PRI, AVCOL_SPC_SMPTE170M, NO_RANGE,
         AVCOL_PRI_SMPTE170M, AVCOL_TRC_SMPTE170M, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG},
        {"UHD", AV_PIX_FMT_YUV420P10, 2160, 50, AVCOL_PRI_BT2020, NO_MAT, NO_RANGE, AVCOL_PRI_BT2020,
         AVCOL_TRC_BT709, AVCOL_SPC_BT2020_NCL, AVCOL_RANGE_MPEG},
        {"JPEG", AV_PIX_FMT_YUVJ420P, 480, 30, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_SMPTE170M,
         AVCOL_TRC_SMPTE170M, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG},
        {"stated full range", AV_PIX_FMT_YUV420P, 480, 30, NO_PRI, NO_MAT, AVCOL_RANGE_JPEG,
         AVCOL_PRI_SMPTE170M, AVCOL_TRC_SMPTE170M, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG},
        {"RGB", AV_PIX_FMT_BGR24, 1080, 30, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_BT709, AVCOL_TRC_BT709,
         AVCOL_SPC_RGB, AVCOL_RANGE_JPEG},
        {"palette", AV_PIX_FMT_PAL8, 1080, 30, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_BT709, AVCOL_TRC_BT709,
         AVCOL_SPC_RGB, AVCOL_RANGE_JPEG},
        {"YUV that claims to be RGB", AV_PIX_FMT_YUV420P, 480, 30, NO_PRI, AVCOL_SPC_RGB, NO_RANGE,
         AVCOL_PRI_SMPTE170M, AVCOL_TRC_SMPTE170M, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG},
        {"gray", AV_PIX_FMT_GRAY8, 480, 30, NO_PRI, NO_MAT, NO_RANGE, AVCOL_PRI_SMPTE170M,
         AVCOL_TRC_SMPTE170M, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_format f = {.pix_fmt = cases[i].pix_fmt,
                              .width = cases[i].height * 4 / 3,
                              .height = cases[i].height,
                              .frame_rate = {cases[i].rate, 1},
                              .primaries = (enum AVColorPrimaries)cases[i].primaries,
                              .transfer = AVCOL_TRC_UNSPECIFIED,
                              .matrix = (enum AVColorSpace)cases[i].matrix,
                              .range = (enum AVColorRange)cases[i].range};
        ta_format_resolve_colour(&f);
        print_message("%s\n", cases[i].name);
        assert_int_equal(f.primaries, cases[i].want_primaries);
        assert_int_equal(f.transfer, cases[i].want_transfer);
        assert_int_equal(f.matrix, cases[i].want_matrix);
        assert_int_equal(f.range, cases[i].want_range);
        struct ta_format again = f;
        ta_format_resolve_colour(&again);
        assert_memory_equal(&again, &f, sizeof(f));
    }
}

static void test_chroma_location(void **state)
{
    (void)state;
    static const struct {
        enum AVPixelFormat pix_fmt;
        enum AVChromaLocation stated, want;
    } cases[] = {
        {AV_PIX_FMT_YUV420P, AVCHROMA_LOC_UNSPECIFIED, AVCHROMA_LOC_LEFT},
        {AV_PIX_FMT_YUV420P, AVCHROMA_LOC_TOPLEFT, AVCHROMA_LOC_TOPLEFT},
        {AV_PIX_FMT_YUV422P, AVCHROMA_LOC_UNSPECIFIED, AVCHROMA_LOC_LEFT},
        {AV_PIX_FMT_YUV444P, AVCHROMA_LOC_LEFT, AVCHROMA_LOC_UNSPECIFIED},
        {AV_PIX_FMT_GBRP, AVCHROMA_LOC_UNSPECIFIED, AVCHROMA_LOC_UNSPECIFIED},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_format f = {.pix_fmt = cases[i].pix_fmt, .height = 576, .chroma_location = cases[i].stated};
        ta_format_resolve_colour(&f);
        assert_int_equal(f.chroma_location, cases[i].want);
    }
}

static void assert_pix_fmt(enum AVPixelFormat from, enum AVPixelFormat got, const char *want)
{
    const char *name = av_get_pix_fmt_name(got);
    print_message("%s -> %s\n", av_get_pix_fmt_name(from), name ? name : "none");
    assert_string_equal(name ? name : "none", want);
}

static void test_planar(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"yuv420p", "yuv420p"},
        {"yuvj420p", "yuvj420p"},
        {"yuyv422", "yuv422p"},
        {"uyvy422", "yuv422p"},
        {"nv12", "yuv420p"},
        {"nv16", "yuv422p"},
        {"p010le", "yuv420p10le"},
        {"p010be", "yuv420p10le"},
        {"uyyvyy411", "yuv411p"},
        {"y210le", "yuv422p10le"},
        {"rgb24", "gbrp"},
        {"bgr0", "gbrp"},
        {"bgra", "gbrap"},
        {"pal8", "gbrap"},
        {"rgb48be", "gbrp16le"},
        {"rgba64le", "gbrap16le"},
        {"rgb565le", "gbrp"},
        {"x2rgb10le", "gbrp10le"},
        {"gray", "gray"},
        {"gray16be", "gray16le"},
        {"gray10le", "gray10le"},
        {"monob", "gray"},
        {"ya8", "yuva444p"},
        {"ya16le", "yuva444p16le"},
        {"yuv422p10be", "yuv422p10le"},
        {"ayuv64le", "yuva444p16le"},
        {"gbrp", "gbrp"},
        {"yuv410p", "yuv410p"},
        {"bayer_rggb8", "none"},
        {"vaapi", "none"},
        {"gbrpf32le", "none"},
        {"xyz12le", "none"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        enum AVPixelFormat p = av_get_pix_fmt(cases[i][0]);
        assert_int_not_equal(p, AV_PIX_FMT_NONE);
        assert_pix_fmt(p, ta_pix_fmt_planar(p), cases[i][1]);
    }
    assert_int_equal(ta_pix_fmt_planar(AV_PIX_FMT_NONE), AV_PIX_FMT_NONE);
}

// Whatever libav knows: nothing gets lost on the way to planes, and planes stay as they are.
static void test_planar_keeps_everything(void **state)
{
    (void)state;
    int found = 0;
    for (const AVPixFmtDescriptor *d = NULL; (d = av_pix_fmt_desc_next(d));) {
        enum AVPixelFormat from = av_pix_fmt_desc_get_id(d), to = ta_pix_fmt_planar(from);
        if (to == AV_PIX_FMT_NONE)
            continue;
        const AVPixFmtDescriptor *t = av_pix_fmt_desc_get(to);
        found++;
        for (int c = 0; c < d->nb_components; c++)
            assert_true(t->comp[0].depth >= d->comp[c].depth);
        assert_true(t->nb_components >= d->nb_components);
        assert_int_equal(t->log2_chroma_w, d->log2_chroma_w);
        assert_int_equal(t->log2_chroma_h, d->log2_chroma_h);
        assert_true(!(d->flags & AV_PIX_FMT_FLAG_ALPHA) || (t->flags & AV_PIX_FMT_FLAG_ALPHA));
        assert_int_equal(t->flags & AV_PIX_FMT_FLAG_BE, 0);
        assert_int_equal(av_pix_fmt_count_planes(to), t->nb_components);
        assert_int_equal(ta_pix_fmt_planar(to), to);
    }
    assert_true(found > 120);
}

static void test_with_depth(void **state)
{
    (void)state;
    static const struct {
        enum AVPixelFormat from;
        int depth;
        const char *want;
    } cases[] = {
        {AV_PIX_FMT_YUV420P, 10, "yuv420p10le"},
        {AV_PIX_FMT_YUVJ420P, 8, "yuvj420p"},
        {AV_PIX_FMT_YUVJ420P, 10, "yuv420p10le"},
        {AV_PIX_FMT_YUV420P10, 8, "yuv420p"},
        {AV_PIX_FMT_YUYV422, 16, "yuv422p16le"},
        {AV_PIX_FMT_YUVA444P, 12, "yuva444p12le"},
        {AV_PIX_FMT_GBRP, 14, "gbrp14le"},
        {AV_PIX_FMT_RGB24, 10, "gbrp10le"},
        {AV_PIX_FMT_GRAY8, 12, "gray12le"},
        {AV_PIX_FMT_YUV411P, 10, "none"},
        {AV_PIX_FMT_YUV420P, 7, "none"},
        {AV_PIX_FMT_YUV420P, 11, "none"},
        {AV_PIX_FMT_NONE, 8, "none"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++)
        assert_pix_fmt(cases[i].from, ta_pix_fmt_with_depth(cases[i].from, cases[i].depth), cases[i].want);
}

static struct ta_format dv_format(void)
{
    struct ta_format f = {
        .pix_fmt = AV_PIX_FMT_YUV411P,
        .width = 720,
        .height = 480,
        .sar = {8, 9},
        .scan = TA_SCAN_BFF,
        .mixed_scan = true,
        .frame_rate = {30000, 1001},
        .time_base = {1001, 30000},
        .rotation = 180,
        .primaries = AVCOL_PRI_UNSPECIFIED,
        .transfer = AVCOL_TRC_UNSPECIFIED,
        .matrix = AVCOL_SPC_UNSPECIFIED,
    };
    ta_format_resolve_colour(&f);
    return f;
}

static void test_json(void **state)
{
    (void)state;
    struct ta_format f = dv_format(), back;
    json_t *o = ta_format_to_json(&f);
    assert_int_equal(ta_format_from_json(&back, o, "format", NULL), 0);
    assert_memory_equal(&back, &f, sizeof(f));

    // Every key is needed, and checked.
    static const struct {
        const char *key, *text;
        int number;
    } bad[] = {
        {"pix_fmt", "nonsense", 0}, {"width", NULL, 0},
        {"width", NULL, 100000},    {"height", NULL, -1},
        {"sar", "8:9", 0},          {"sar", "8/0", 0},
        {"sar", "-1/1", 0},         {"scan", "both", 0},
        {"frame_rate", "x", 0},     {"time_base", "0/1", 0},
        {"primaries", "bt70", 0},   {"primaries", "reserved", 0},
        {"transfer", "", 0},        {"matrix", "bt709x", 0},
        {"range", "tv", 0},         {"chroma_location", "lef", 0},
        {"rotation", NULL, 45},     {"rotation", NULL, 360},
    };
    for (size_t i = 0; i < TA_COUNT(bad); i++) {
        json_t *copy = json_deep_copy(o);
        json_object_set_new(copy, bad[i].key,
                            bad[i].text ? json_string(bad[i].text) : json_integer(bad[i].number));
        print_message("%s\n", bad[i].key);
        assert_int_equal(ta_format_from_json(&back, copy, "format", NULL), TA_ERR_FORMAT);
        json_decref(copy);
    }
    static const char *const needed[] = {"pix_fmt",  "width",      "height",    "sar",
                                         "scan",     "frame_rate", "time_base", "primaries",
                                         "transfer", "matrix",     "range",     "chroma_location"};
    for (size_t i = 0; i < TA_COUNT(needed); i++) {
        json_t *copy = json_deep_copy(o);
        json_object_del(copy, needed[i]);
        assert_int_equal(ta_format_from_json(&back, copy, "format", NULL), TA_ERR_FORMAT);
        json_decref(copy);
    }
    json_decref(o);
}

static void test_describe(void **state)
{
    (void)state;
    struct ta_format f = dv_format();
    struct ta_buf b = {0};
    ta_format_describe(&f, &b);
    assert_string_equal(ta_buf_text(&b),
                        "720x480 yuv411p bff 30000/1001 sar 8/9 smpte170m limited rotation 180");
    ta_buf_release(&b);
    assert_int_equal(ta_format_depth(&f), 8);
    assert_false(ta_format_is_rgb(&f));
    assert_false(ta_format_has_alpha(&f));
    f.pix_fmt = AV_PIX_FMT_GBRAP16;
    assert_int_equal(ta_format_depth(&f), 16);
    assert_true(ta_format_is_rgb(&f));
    assert_true(ta_format_has_alpha(&f));
}

static void test_scan_names(void **state)
{
    (void)state;
    for (int t = TA_SCAN_PROGRESSIVE; t <= TA_SCAN_BFF; t++)
        assert_int_equal(ta_scan_type_from_name(ta_scan_type_name((enum ta_scan_type)t)), t);
    assert_int_equal(ta_scan_type_from_name("TFF"), TA_ERR_INVALID);
    assert_int_equal(ta_scan_type_from_name(NULL), TA_ERR_INVALID);
}

static void test_usual_rates(void **state)
{
    (void)state;
    static const struct {
        AVRational rate, want;
        double tolerance;
    } cases[] = {
        {{19001, 634}, {30000, 1001}, 1e-5},
        {{25, 1}, {25, 1}, 1e-5},
        {{50, 2}, {25, 1}, 1e-5},
        {{179, 6}, {179, 6}, 1e-5},
        {{2997, 100}, {2997, 100}, 1e-7},
        {{2997, 100}, {30000, 1001}, 1e-4},
        {{0, 1}, {0, 1}, 1},
        {{24, 1}, {24, 1}, 0.01},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        AVRational got = ta_usual_frame_rate(cases[i].rate, cases[i].tolerance);
        print_message("%d/%d -> %d/%d\n", cases[i].rate.num, cases[i].rate.den, got.num, got.den);
        assert_int_equal(got.num, cases[i].want.num);
        assert_int_equal(got.den, cases[i].want.den);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colour),      cmocka_unit_test(test_chroma_location),
        cmocka_unit_test(test_planar),      cmocka_unit_test(test_planar_keeps_everything),
        cmocka_unit_test(test_with_depth),  cmocka_unit_test(test_json),
        cmocka_unit_test(test_describe),    cmocka_unit_test(test_scan_names),
        cmocka_unit_test(test_usual_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
