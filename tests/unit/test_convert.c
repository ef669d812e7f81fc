// Conversions by zimg: identities, depths, ranges, odd sizes, gray, alpha, fields, unaligned input.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/pixdesc.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "media/picture/convert.h"

#include "sets.h"

static struct ta_format format(enum AVPixelFormat p, int width, int height)
{
    struct ta_format f = {.pix_fmt = p, .width = width, .height = height, .sar = {1, 1}};
    f.matrix = ta_format_is_rgb(&f) ? AVCOL_SPC_RGB : AVCOL_SPC_SMPTE170M;
    f.range = ta_format_is_rgb(&f) ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    f.primaries = AVCOL_PRI_SMPTE170M;
    f.transfer = AVCOL_TRC_SMPTE170M;
    f.chroma_location = AVCHROMA_LOC_LEFT;
    return f;
}

static void plane_size(const AVFrame *f, int plane, int *width, int *height)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    bool chroma = (plane == 1 || plane == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
    *width = chroma ? AV_CEIL_RSHIFT(f->width, d->log2_chroma_w) : f->width;
    *height = chroma ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height;
}

static int sample(const AVFrame *f, int plane, int x, int y)
{
    const uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    return av_pix_fmt_desc_get(f->format)->comp[0].depth > 8 ? ((const uint16_t *)(const void *)row)[x]
                                                             : row[x];
}

static void put(AVFrame *f, int plane, int x, int y, int value)
{
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    if (av_pix_fmt_desc_get(f->format)->comp[0].depth > 8)
        ((uint16_t *)(void *)row)[x] = (uint16_t)value;
    else
        row[x] = (uint8_t)value;
}

// `align` 1 gives rows at odd addresses.
static AVFrame *frame(const struct ta_format *f, int align)
{
    AVFrame *a = av_frame_alloc();
    a->format = f->pix_fmt;
    a->width = f->width;
    a->height = f->height;
    assert_true(av_frame_get_buffer(a, align) >= 0);
    return a;
}

static void fill_noise(AVFrame *f, unsigned seed)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    for (int p = 0; p < d->nb_components; p++) {
        int w, h;
        plane_size(f, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                seed = seed * 1664525u + 1013904223u;
                put(f, p, x, y, (int)(seed >> 8) & ((1 << d->comp[0].depth) - 1));
            }
    }
}

static AVFrame *convert(const struct ta_format *from, const struct ta_format *to, const AVFrame *in)
{
    struct ta_converter *c = NULL;
    struct ta_buf why = {0};
    if (ta_converter_create(&c, from, to, TA_KERNEL_SPLINE36, TA_DITHER_KIND_NONE, &why) < 0)
        fail_msg("%s to %s: %s", av_get_pix_fmt_name(from->pix_fmt), av_get_pix_fmt_name(to->pix_fmt),
                 ta_buf_text(&why));
    AVFrame *out = NULL;
    assert_int_equal(ta_converter_run(c, in, &out, NULL), 0);
    ta_converter_destroy(&c);
    ta_buf_release(&why);
    assert_int_equal(out->width, to->width);
    assert_int_equal(out->height, to->height);
    assert_int_equal(out->format, to->pix_fmt);
    return out;
}

static void expect_equal(const AVFrame *a, const AVFrame *b, int shift)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(a->format);
    for (int p = 0; p < d->nb_components; p++) {
        int w, h;
        plane_size(a, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                if (sample(a, p, x, y) << shift != sample(b, p, x, y))
                    fail_msg("plane %d, %d,%d: %d and %d", p, x, y, sample(a, p, x, y), sample(b, p, x, y));
    }
}

// To more bits and back is the same picture, whatever the size and wherever the rows lie.
static void depths_round_trip(void **state)
{
    (void)state;
    static const enum AVPixelFormat pairs[][2] = {
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10}, {AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV422P10},
        {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P16}, {AV_PIX_FMT_GBRP, AV_PIX_FMT_GBRP10},
        {AV_PIX_FMT_GRAY8, AV_PIX_FMT_GRAY10},
    };
    static const int sizes[][2] = {{64, 48}, {175, 143}, {1, 1}, {3, 5}, {720, 2}, {130, 31}};
    for (size_t i = 0; i < TA_COUNT(pairs); i++)
        for (size_t s = 0; s < TA_COUNT(sizes); s++)
            for (int align = 1; align <= 64; align += 63) {
                struct ta_format a = format(pairs[i][0], sizes[s][0], sizes[s][1]),
                                 b = format(pairs[i][1], sizes[s][0], sizes[s][1]);
                AVFrame *in = frame(&a, align);
                fill_noise(in, (unsigned)(i * 100 + s));
                AVFrame *deep = convert(&a, &b, in), *back = convert(&b, &a, deep);
                expect_equal(in, back, 0);
                if (!ta_format_is_rgb(&a)) // limited range: a shift
                    expect_equal(in, deep, ta_format_depth(&b) - ta_format_depth(&a));
                av_frame_free(&in);
                av_frame_free(&deep);
                av_frame_free(&back);
            }
}

// Code values of black and white in both ranges, all depths.
static void ranges(void **state)
{
    (void)state;
    static const struct {
        enum AVPixelFormat from, to;
        int from_black, from_white, to_black, to_white;
    } rows[] = {
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, 0, 255, 16, 235},
        {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV420P10, 0, 255, 64, 940},
        {AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUV420P, 0, 255, 16, 235},
        {AV_PIX_FMT_YUV422P16, AV_PIX_FMT_YUV420P, 0, 65535, 16, 235},
    };
    for (size_t i = 0; i < TA_COUNT(rows); i++)
        for (int white = 0; white < 2; white++) {
            struct ta_format a = format(rows[i].from, 32, 32), b = format(rows[i].to, 32, 32);
            a.range = AVCOL_RANGE_JPEG;
            AVFrame *in = frame(&a, 64);
            int planes = av_pix_fmt_desc_get(a.pix_fmt)->nb_components,
                neutral = 1 << (ta_format_depth(&a) - 1);
            for (int p = 0; p < planes; p++) {
                int w, h;
                plane_size(in, p, &w, &h);
                for (int y = 0; y < h; y++)
                    for (int x = 0; x < w; x++)
                        put(in, p, x, y, p ? neutral : white ? rows[i].from_white : rows[i].from_black);
            }
            AVFrame *out = convert(&a, &b, in);
            assert_int_equal(sample(out, 0, 7, 9), white ? rows[i].to_white : rows[i].to_black);
            assert_int_equal(sample(out, 1, 3, 3), 1 << (ta_format_depth(&b) - 1));
            assert_int_equal(sample(out, 2, 3, 3), 1 << (ta_format_depth(&b) - 1));
            assert_int_equal(out->color_range, AVCOL_RANGE_MPEG);
            av_frame_free(&in);
            av_frame_free(&out);
        }
}

// Legal colours in `from`, by their red, green and blue.
static void fill_colours(AVFrame *f, const struct ta_format *from, double kr, double kb)
{
    double unit = 1 << (ta_format_depth(from) - 8);
    unsigned seed = 3;
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            double rgb[3];
            for (int k = 0; k < 3; k++) {
                seed = seed * 1664525u + 1013904223u;
                rgb[k] = (seed >> 28) == 0 ? 0 : (seed >> 28) == 1 ? 1 : (seed >> 8) / 16777216.0;
            }
            double luma = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
            put(f, 0, x, y, (int)lround((16 + 219 * luma) * unit));
            put(f, 1, x, y, (int)lround((128 + 112 * (rgb[2] - luma) / (1 - kb)) * unit));
            put(f, 2, x, y, (int)lround((128 + 112 * (rgb[0] - luma) / (1 - kr)) * unit));
        }
}

static void expect_near(const AVFrame *a, const AVFrame *b, int most)
{
    for (int p = 0; p < 3; p++) {
        int w, h;
        plane_size(a, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                if (abs(sample(a, p, x, y) - sample(b, p, x, y)) > most)
                    fail_msg("plane %d at %d,%d: %d became %d", p, x, y, sample(a, p, x, y),
                             sample(b, p, x, y));
    }
}

// From one matrix or range to another and back, each sample within one code.
static void there_and_back(void **state)
{
    (void)state;
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10,
                                                 AV_PIX_FMT_YUV444P16};
    for (size_t i = 0; i < TA_COUNT(formats); i++) {
        struct ta_format a = format(formats[i], 128, 96), b = a;
        AVFrame *in = frame(&a, 64);
        fill_colours(in, &a, 0.299, 0.114);
        b.matrix = AVCOL_SPC_BT709;
        AVFrame *there = convert(&a, &b, in), *back = convert(&b, &a, there);
        expect_near(in, back, 1);
        assert_true(sample(there, 0, 5, 5) != sample(in, 0, 5, 5) ||
                    sample(there, 1, 5, 5) != sample(in, 1, 5, 5));
        av_frame_free(&there);
        av_frame_free(&back);

        b = a;
        a.range = AVCOL_RANGE_JPEG;
        b.range = AVCOL_RANGE_MPEG;
        fill_noise(in, 9);
        there = convert(&a, &b, in);
        back = convert(&b, &a, there);
        expect_near(in, back, 1);
        av_frame_free(&there);
        av_frame_free(&back);
        av_frame_free(&in);
    }
}

// A picture of one colour stays that colour up to its edges, at any size.
static void flat_pictures_stay_flat(void **state)
{
    (void)state;
    static const int sizes[][2] = {{175, 143}, {176, 144}, {33, 17}, {720, 480}, {3, 3}};
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUVA420P,
                                                 AV_PIX_FMT_YUVA444P12, AV_PIX_FMT_GBRAP};
    for (size_t k = 0; k < TA_COUNT(formats); k++)
        for (size_t s = 0; s < TA_COUNT(sizes); s++) {
            struct ta_format a = format(formats[k], sizes[s][0], sizes[s][1]),
                             b = format(formats[k], 146, 98);
            AVFrame *in = frame(&a, 1);
            int planes = av_pix_fmt_desc_get(a.pix_fmt)->nb_components;
            for (int p = 0; p < planes; p++) {
                int w, h;
                plane_size(in, p, &w, &h);
                for (int y = 0; y < h; y++)
                    for (int x = 0; x < w; x++)
                        put(in, p, x, y, 40 + 50 * p);
            }
            AVFrame *out = convert(&a, &b, in);
            for (int p = 0; p < planes; p++) {
                int w, h;
                plane_size(out, p, &w, &h);
                for (int y = 0; y < h; y++)
                    for (int x = 0; x < w; x++)
                        if (sample(out, p, x, y) != 40 + 50 * p)
                            fail_msg("%s %dx%d: plane %d, %d,%d is %d", av_get_pix_fmt_name(a.pix_fmt),
                                     a.width, a.height, p, x, y, sample(out, p, x, y));
            }
            av_frame_free(&in);
            av_frame_free(&out);
        }
}

// Two fields of different brightness do not bleed into each other.
static void fields_stay_apart(void **state)
{
    (void)state;
    struct ta_format a = format(AV_PIX_FMT_YUV422P, 64, 48), b = format(AV_PIX_FMT_YUV420P, 96, 72);
    a.scan = b.scan = TA_SCAN_TFF;
    AVFrame *in = frame(&a, 64);
    for (int p = 0; p < 3; p++) {
        int w, h;
        plane_size(in, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                put(in, p, x, y, y % 2 ? 200 : 60);
    }
    AVFrame *out = convert(&a, &b, in);
    for (int p = 0; p < 3; p++) {
        int w, h;
        plane_size(out, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                assert_int_equal(sample(out, p, x, y), y % 2 ? 200 : 60);
    }
    av_frame_free(&in);
    av_frame_free(&out);
}

// Between SDR and HDR the light is kept: white is at 203 cd/m2, 573 of PQ and 721 of HLG in 10 bits.
static void light_is_kept(void **state)
{
    (void)state;
    static const struct {
        enum AVColorTransferCharacteristic transfer;
        int white;
    } cases[] = {{AVCOL_TRC_SMPTE2084, 573}, {AVCOL_TRC_ARIB_STD_B67, 721}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_format sdr = format(AV_PIX_FMT_YUV420P10, 64, 48), hdr = sdr;
        hdr.primaries = AVCOL_PRI_BT2020;
        hdr.transfer = cases[i].transfer;
        hdr.matrix = AVCOL_SPC_BT2020_NCL;
        AVFrame *in = frame(&sdr, 64);
        for (int p = 0; p < 3; p++)
            for (int y = 0; y < (p ? 24 : 48); y++)
                for (int x = 0; x < (p ? 32 : 64); x++)
                    put(in, p, x, y, p ? 512 : x < 32 ? 940 : 400);
        AVFrame *light = convert(&sdr, &hdr, in), *back = convert(&hdr, &sdr, light);
        assert_true(abs(sample(light, 0, 8, 8) - cases[i].white) <= 1);
        assert_int_equal(sample(light, 1, 8, 8), 512);
        assert_true(abs(sample(back, 0, 8, 8) - 940) <= 2);
        assert_true(abs(sample(back, 0, 56, 8) - 400) <= 2);
        av_frame_free(&in);
        av_frame_free(&light);
        av_frame_free(&back);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const enum AVPixelFormat pairs[][2] = {
        {AV_PIX_FMT_PAL8, AV_PIX_FMT_YUV420P},    {AV_PIX_FMT_YUYV422, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_RGB24},   {AV_PIX_FMT_GRAY8, AV_PIX_FMT_GBRP},
        {AV_PIX_FMT_GBRP, AV_PIX_FMT_GRAY8},      {AV_PIX_FMT_YUV420P10BE, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_GRAYF32, AV_PIX_FMT_YUV420P}, {AV_PIX_FMT_NV12, AV_PIX_FMT_YUV420P},
    };
    for (size_t i = 0; i < TA_COUNT(pairs); i++) {
        struct ta_format a = format(pairs[i][0], 64, 48), b = format(pairs[i][1], 64, 48);
        struct ta_converter *c = NULL;
        struct ta_buf why = {0};
        assert_true(ta_converter_create(&c, &a, &b, TA_KERNEL_BICUBIC, TA_DITHER_KIND_NONE, &why) < 0);
        assert_null(c);
        assert_true(why.size > 0);
        ta_buf_release(&why);
    }
}

// Our own kernels give zimg's bits: sizes, depths, chroma planes and where they lie, all kernels. Without
// SIMD the conversion is zimg's.
static void own_kernels_are_zimgs(void **state)
{
    const char *set = use_set(state);
    const unsigned masks[] = {set_flags(set), 0};
    const size_t first = strcmp(set, "avx2") ? 1 : 0; // the largest pictures once: they take most of the time
    static const struct {
        enum AVPixelFormat from, to;
    } formats[] = {
        {AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUV420P},     {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10},   {AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV420P16},
        {AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV422P10}, {AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV420P},     {AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV444P16},
        {AV_PIX_FMT_YUV444P16, AV_PIX_FMT_YUV444P16}, {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P12},
        {AV_PIX_FMT_YUV420P16, AV_PIX_FMT_YUV420P10}, {AV_PIX_FMT_YUVA420P, AV_PIX_FMT_YUVA420P},
    };
    static const int sizes[][4] = {{720, 480, 1440, 1080}, {96, 64, 144, 96}, {104, 48, 104, 92},
                                   {64, 96, 200, 96},      {32, 32, 640, 34}, {180, 120, 188, 126},
                                   {64, 48, 48, 40},       {72, 36, 718, 74}, {8, 8, 64, 64}};
    static const enum AVChromaLocation places[] = {AVCHROMA_LOC_LEFT, AVCHROMA_LOC_CENTER,
                                                   AVCHROMA_LOC_TOPLEFT, AVCHROMA_LOC_TOP,
                                                   AVCHROMA_LOC_BOTTOMLEFT};
    unsigned seed = 5;
    for (size_t k = 0; k < TA_COUNT(formats); k++)
        for (size_t s = first; s < TA_COUNT(sizes); s++)
            for (int kernel = TA_KERNEL_BILINEAR; kernel <= TA_KERNEL_LANCZOS; kernel++) {
                struct ta_format a = format(formats[k].from, sizes[s][0], sizes[s][1]),
                                 b = format(formats[k].to, sizes[s][2], sizes[s][3]);
                a.chroma_location = places[++seed % TA_COUNT(places)];
                b.chroma_location = places[seed / 7 % TA_COUNT(places)];
                AVFrame *in = frame(&a, 1 + (int)(seed % 2) * 63), *out[2];
                fill_noise(in, seed);
                for (size_t m = 0; m < 2; m++) {
                    struct ta_converter *c = NULL;
                    ta_cpu_mask(masks[m]);
                    assert_int_equal(ta_converter_create(&c, &a, &b, (enum ta_scale_kernel)kernel,
                                                         TA_DITHER_KIND_NONE, NULL),
                                     0);
                    assert_int_equal(ta_converter_run(c, in, &out[m], NULL), 0);
                    ta_converter_destroy(&c);
                }
                expect_equal(out[0], out[1], 0);
                for (int m = 0; m < 2; m++)
                    av_frame_free(&out[m]);
                av_frame_free(&in);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depths_round_trip),       cmocka_unit_test(ranges),
        cmocka_unit_test(there_and_back),          cmocka_unit_test(flat_pictures_stay_flat),
        cmocka_unit_test(fields_stay_apart),       cmocka_unit_test(refusals),
        cmocka_unit_test(light_is_kept),           SET_TEST(own_kernels_are_zimgs, "avx2"),
        SET_TEST(own_kernels_are_zimgs, "avx512"), SET_TEST(own_kernels_are_zimgs, "vnni"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
