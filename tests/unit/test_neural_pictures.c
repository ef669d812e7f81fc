// Frames as numbers for networks, and back, held against the formulas of colour: every matrix, both ranges, 8
// to 16 bits, and every siting of chroma.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "video/neural.h"

enum { WIDTH = 64, HEIGHT = 48, EDGE = 12 }; // pixels from the border that a kernel sees beyond it from

struct colour {
    double y, u, v; // 0..1 and -0.5..0.5
};

struct rgb {
    double r, g, b;
};

static void weights_of(enum AVColorSpace matrix, double *kr, double *kb)
{
    *kr = matrix == AVCOL_SPC_BT709 ? 0.2126 : matrix == AVCOL_SPC_BT2020_NCL ? 0.2627 : 0.299;
    *kb = matrix == AVCOL_SPC_BT709 ? 0.0722 : matrix == AVCOL_SPC_BT2020_NCL ? 0.0593 : 0.114;
}

static struct rgb to_rgb(struct colour c, enum AVColorSpace matrix)
{
    double kr, kb;
    weights_of(matrix, &kr, &kb);
    double r = c.y + 2 * (1 - kr) * c.v, b = c.y + 2 * (1 - kb) * c.u;
    return (struct rgb){r, (c.y - kr * r - kb * b) / (1 - kr - kb), b};
}

static struct colour to_colour(struct rgb x, enum AVColorSpace matrix)
{
    double kr, kb;
    weights_of(matrix, &kr, &kb);
    double y = kr * x.r + (1 - kr - kb) * x.g + kb * x.b;
    return (struct colour){y, (x.b - y) / (2 * (1 - kb)), (x.r - y) / (2 * (1 - kr))};
}

// A plane's value as its code, not rounded, and the other way.
static double code_of(double value, int plane, int depth, bool full)
{
    double unit = ldexp(1, depth - 8), most = ldexp(1, depth) - 1;
    if (plane == 0)
        return full ? value * most : unit * (16 + 219 * value);
    return ldexp(1, depth - 1) + value * (full ? most : unit * 224);
}

static double value_of(double code, int plane, int depth, bool full)
{
    double nil = code_of(0, plane, depth, full);
    return (code - nil) / (code_of(1, plane, depth, full) - nil);
}

static struct ta_format format_of(enum AVPixelFormat pix_fmt, enum AVColorSpace matrix, bool full,
                                  enum AVChromaLocation at)
{
    return (struct ta_format){
        .pix_fmt = pix_fmt,
        .width = WIDTH,
        .height = HEIGHT,
        .sar = {1, 1},
        .frame_rate = {25, 1},
        .time_base = {1, 25},
        .primaries = AVCOL_PRI_BT709,
        .transfer = AVCOL_TRC_BT709,
        .matrix = matrix,
        .range = full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG,
        .chroma_location = at,
    };
}

static AVFrame *frame_of(const struct ta_format *f)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->format = f->pix_fmt;
    frame->width = f->width;
    frame->height = f->height;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    ta_format_tag_frame(f, frame);
    return frame;
}

static double get(const AVFrame *f, int plane, int x, int y)
{
    const uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    return av_pix_fmt_desc_get(f->format)->comp[0].depth > 8 ? ((const uint16_t *)row)[x] : row[x];
}

static void put(AVFrame *f, int plane, int x, int y, double code)
{
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    if (av_pix_fmt_desc_get(f->format)->comp[0].depth > 8)
        ((uint16_t *)row)[x] = (uint16_t)lrint(code);
    else
        row[x] = (uint8_t)lrint(code);
}

static struct ta_neural_pictures *pictures_of(const struct ta_format *in, int factor, struct ta_format *out)
{
    struct ta_neural_pictures *p = NULL;
    struct ta_buf why = {0};
    *out = *in;
    if (ta_neural_format(in, factor, out, &why) < 0 ||
        ta_neural_pictures_create(&p, in, out, 3, 1, NULL, &why) < 0)
        fail_msg("%s", ta_buf_text(&why));
    ta_buf_release(&why);
    return p;
}

static double clipped(double x)
{
    return fmin(fmax(x, 0), 1);
}

static void check(const char *what, double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%s: %.7g, expected %.7g within %g", what, value, expected, within);
}

// Where chroma samples lie among those of luma: sample i at `wide` * i + *x.
static void site_of(enum AVChromaLocation at, int wide, int tall, double *x, double *y)
{
    bool left = at == AVCHROMA_LOC_LEFT || at == AVCHROMA_LOC_TOPLEFT || at == AVCHROMA_LOC_BOTTOMLEFT;
    bool top = at == AVCHROMA_LOC_TOP || at == AVCHROMA_LOC_TOPLEFT;
    bool bottom = at == AVCHROMA_LOC_BOTTOM || at == AVCHROMA_LOC_BOTTOMLEFT;
    *x = left ? 0 : (wide - 1) / 2.0;
    *y = top ? 0 : bottom ? tall - 1 : (tall - 1) / 2.0;
}

static const enum AVColorSpace matrices[] = {AVCOL_SPC_SMPTE170M, AVCOL_SPC_BT470BG, AVCOL_SPC_BT709,
                                             AVCOL_SPC_BT2020_NCL};

// Any colours at all, each pixel another: the numbers are the formula's, and the way back gives the same
// codes.
static void check_colours(enum AVPixelFormat pix_fmt, enum AVColorSpace matrix, bool full)
{
    const struct ta_format in = format_of(pix_fmt, matrix, full, AVCHROMA_LOC_UNSPECIFIED);
    int depth = ta_format_depth(&in);
    struct ta_format out;
    struct ta_neural_pictures *p = pictures_of(&in, 1, &out);
    AVFrame *frame = frame_of(&in), *back = NULL;
    float *numbers = ta_xcalloc((size_t)3 * WIDTH * HEIGHT, sizeof *numbers);
    unsigned seed = 1;
    for (int plane = 0; plane < 3; plane++)
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            seed = seed * 1664525 + 1013904223;
            put(frame, plane, i % WIDTH, i / WIDTH, floor(ldexp(seed >> 8, depth - 24)));
        }
    assert_int_equal(ta_neural_fill(p, frame, numbers, NULL), 0);
    assert_int_equal(ta_neural_drain(p, frame, numbers, &back, NULL), 0);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        int x = i % WIDTH, y = i / WIDTH;
        struct rgb want = to_rgb((struct colour){value_of(get(frame, 0, x, y), 0, depth, full),
                                                 value_of(get(frame, 1, x, y), 1, depth, full),
                                                 value_of(get(frame, 2, x, y), 2, depth, full)},
                                 matrix);
        check("red", numbers[i], clipped(want.r), 1.5 / 65535);
        check("green", numbers[WIDTH * HEIGHT + i], clipped(want.g), 1.5 / 65535);
        check("blue", numbers[2 * WIDTH * HEIGHT + i], clipped(want.b), 1.5 / 65535);
        struct rgb cut = {clipped(want.r), clipped(want.g), clipped(want.b)};
        struct colour c = to_colour(cut, matrix);
        double within = 0.51 + ldexp(1.5, depth - 16); // half a code, and what 16 bits between leave open
        check("luma", get(back, 0, x, y), code_of(c.y, 0, depth, full), within);
        check("Cb", get(back, 1, x, y), code_of(c.u, 1, depth, full), within);
        check("Cr", get(back, 2, x, y), code_of(c.v, 2, depth, full), within);
    }
    free(numbers);
    av_frame_free(&frame);
    av_frame_free(&back);
    ta_neural_pictures_destroy(&p);
}

static void test_colours(void **state)
{
    (void)state;
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10,
                                                 AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV444P16};
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        for (size_t m = 0; m < TA_COUNT(matrices); m++)
            for (int full = 0; full < 2; full++)
                check_colours(formats[i], matrices[m], full);
}

// Colours that change in lines are the same wherever they are sampled, but for their rounding to codes.
static struct colour ramp(double x, double y)
{
    return (struct colour){0.5, (x - WIDTH / 2.0) * 0.006 + (y - HEIGHT / 2.0) * 0.003,
                           (x - WIDTH / 2.0) * -0.004 + (y - HEIGHT / 2.0) * 0.005};
}

// With another siting numbers are off by 0.006 for half a pixel and more.
static void check_siting(enum AVPixelFormat pix_fmt, enum AVChromaLocation at)
{
    const struct ta_format in = format_of(pix_fmt, AVCOL_SPC_BT709, false, at);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pix_fmt);
    int depth = ta_format_depth(&in), wide = 1 << d->log2_chroma_w, tall = 1 << d->log2_chroma_h;
    struct ta_format out;
    struct ta_neural_pictures *p = pictures_of(&in, 2, &out);
    assert_int_equal(out.chroma_location, at);
    AVFrame *frame = frame_of(&in), *back = NULL;
    size_t pixels = (size_t)WIDTH * HEIGHT;
    float *numbers = ta_xcalloc(3 * pixels, sizeof *numbers), *large = ta_xcalloc(12 * pixels, sizeof *large);
    double site_x, site_y;
    site_of(at, wide, tall, &site_x, &site_y);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            put(frame, 0, x, y, code_of(0.5, 0, depth, false));
            if (x % wide || y % tall)
                continue;
            struct colour c = ramp(x + site_x, y + site_y);
            put(frame, 1, x / wide, y / tall, code_of(c.u, 1, depth, false));
            put(frame, 2, x / wide, y / tall, code_of(c.v, 2, depth, false));
        }
    assert_int_equal(ta_neural_fill(p, frame, numbers, NULL), 0);
    double rounding = depth > 8 ? 0.0015 : 0.005; // of the codes, and of the kernel on lines
    double y0 = value_of(rint(code_of(0.5, 0, depth, false)), 0, depth, false);
    for (int y = EDGE; y < HEIGHT - EDGE; y++)
        for (int x = EDGE; x < WIDTH - EDGE; x++) {
            struct colour c = ramp(x, y);
            c.y = y0;
            struct rgb want = to_rgb(c, AVCOL_SPC_BT709);
            size_t i = (size_t)y * WIDTH + (size_t)x;
            check("red", numbers[i], want.r, rounding);
            check("green", numbers[pixels + i], want.g, rounding);
            check("blue", numbers[2 * pixels + i], want.b, rounding);
        }
    // Twice as large, as a network would give it: pixel x of it lies at (x + 0.5) / 2 - 0.5.
    for (int y = 0; y < 2 * HEIGHT; y++)
        for (int x = 0; x < 2 * WIDTH; x++) {
            struct rgb c = to_rgb(ramp((x + 0.5) / 2 - 0.5, (y + 0.5) / 2 - 0.5), AVCOL_SPC_BT709);
            size_t i = (size_t)y * 2 * WIDTH + (size_t)x;
            large[i] = (float)c.r;
            large[4 * pixels + i] = (float)c.g;
            large[8 * pixels + i] = (float)c.b;
        }
    assert_int_equal(ta_neural_drain(p, frame, large, &back, NULL), 0);
    double within = depth > 8 ? 1.1 : 0.55; // codes, of which half a pixel is 0.6 of 8 bits and 2.4 of 10
    for (int y = EDGE; y < 2 * HEIGHT - EDGE; y += tall)
        for (int x = EDGE; x < 2 * WIDTH - EDGE; x += wide) {
            struct colour c = ramp((x + site_x + 0.5) / 2 - 0.5, (y + site_y + 0.5) / 2 - 0.5);
            check("Cb", get(back, 1, x / wide, y / tall), code_of(c.u, 1, depth, false), within);
            check("Cr", get(back, 2, x / wide, y / tall), code_of(c.v, 2, depth, false), within);
        }
    free(numbers);
    free(large);
    av_frame_free(&frame);
    av_frame_free(&back);
    ta_neural_pictures_destroy(&p);
}

static void test_siting(void **state)
{
    (void)state;
    static const enum AVChromaLocation of_420[] = {AVCHROMA_LOC_LEFT,       AVCHROMA_LOC_CENTER,
                                                   AVCHROMA_LOC_TOPLEFT,    AVCHROMA_LOC_TOP,
                                                   AVCHROMA_LOC_BOTTOMLEFT, AVCHROMA_LOC_BOTTOM};
    for (size_t i = 0; i < TA_COUNT(of_420); i++) {
        check_siting(AV_PIX_FMT_YUV420P, of_420[i]);
        check_siting(AV_PIX_FMT_YUV420P10, of_420[i]);
        check_siting(AV_PIX_FMT_YUV420P16, of_420[i]);
    }
    check_siting(AV_PIX_FMT_YUV422P10, AVCHROMA_LOC_LEFT);
    check_siting(AV_PIX_FMT_YUV422P10, AVCHROMA_LOC_CENTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_colours), cmocka_unit_test(test_siting)};
    return cmocka_run_group_tests_name("neural_pictures", tests, NULL, NULL);
}
