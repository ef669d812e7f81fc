// The stage denoise.recursive: formats, fields, depths, frames that are shared, what it keeps and what it
// forgets.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "media/av.h"
#include "video/chain.h"
#include "video/denoise.h"
#include "video/stages.h"

#include "sets.h"

enum { MAX_FRAMES = 200 };

static unsigned seed;

static int noise(int sigma) // roughly Gaussian
{
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        seed = seed * 1664525u + 1013904223u;
        sum += (int)(seed >> 16 & 0xff) - 127;
    }
    return sum * sigma / 147;
}

static struct ta_format format(enum AVPixelFormat p, int width, int height)
{
    return (struct ta_format){.pix_fmt = p, .width = width, .height = height, .sar = {1, 1}};
}

static int plane_width(const AVFrame *f, int plane)
{
    return plane ? AV_CEIL_RSHIFT(f->width, av_pix_fmt_desc_get(f->format)->log2_chroma_w) : f->width;
}

static int plane_height(const AVFrame *f, int plane)
{
    return plane ? AV_CEIL_RSHIFT(f->height, av_pix_fmt_desc_get(f->format)->log2_chroma_h) : f->height;
}

static int depth_of(const AVFrame *f)
{
    return av_pix_fmt_desc_get(f->format)->comp[0].depth;
}

static int get(const AVFrame *f, int plane, int x, int y)
{
    const uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    return depth_of(f) > 8 ? ((const uint16_t *)(const void *)row)[x] : row[x];
}

static void put(AVFrame *f, int plane, int x, int y, int value)
{
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    int max = (1 << depth_of(f)) - 1;
    value = TA_MIN(TA_MAX(value, 0), max);
    if (depth_of(f) > 8)
        ((uint16_t *)(void *)row)[x] = (uint16_t)value;
    else
        row[x] = (uint8_t)value;
}

#define EACH_SAMPLE(f)                                     \
    for (int plane = 0; plane < 3; plane++)                \
        for (int y = 0; y < plane_height((f), plane); y++) \
            for (int x = 0; x < plane_width((f), plane); x++)

static AVFrame *blank(const struct ta_format *f)
{
    AVFrame *a = av_frame_alloc();
    a->format = f->pix_fmt;
    a->width = f->width;
    a->height = f->height;
    assert_true(av_frame_get_buffer(a, 1) >= 0);
    return a;
}

// A noisy pattern that moves by `t`.
static AVFrame *scene(const struct ta_format *f, int t, int sigma)
{
    AVFrame *a = blank(f);
    int scale = 1 << (depth_of(a) - 8);
    EACH_SAMPLE(a)
    {
        int level = ((x + 2 * t) / 9 + y / 7) % 2 ? 60 + plane * 20 : 180;
        put(a, plane, x, y, (level + (x * y) % 5) * scale + noise(sigma * scale));
    }
    a->pts = t;
    return a;
}

struct output {
    AVFrame *frames[MAX_FRAMES];
    int count;
};

static int keep(void *receiver, AVFrame *frame)
{
    struct output *out = receiver;
    out->frames[out->count++] = frame;
    return 0;
}

static void drop(struct output *out)
{
    for (int i = 0; i < out->count; i++)
        av_frame_free(&out->frames[i]);
    out->count = 0;
}

static void set_strength(struct ta_denoise_opts *o, const char *text)
{
    double *v = o->strength.v;
    assert_int_equal(sscanf(text, "%lf:%lf:%lf:%lf", &v[0], &v[1], &v[2], &v[3]), 4);
}

// Frames by the stage; they stay the caller's, shared, when `shared`.
static void run(struct output *out, const struct ta_format *f, const char *strength, AVFrame **frames,
                int count, bool shared)
{
    struct ta_stage_plan plan;
    struct ta_chain *chain = NULL;
    ta_stage_plan_init(&plan, &ta_stage_recursive, f);
    set_strength(plan.opts, strength);
    assert_int_equal(ta_stage_plan_configure(&plan, NULL), 0);
    assert_int_equal(ta_chain_create(&chain, &plan, 1, NULL), 0);
    for (int i = 0; i < count; i++) {
        AVFrame *a = av_frame_clone(frames[i]);
        if (!shared)
            assert_true(av_frame_make_writable(a) >= 0);
        assert_int_equal(ta_chain_push(chain, a, keep, out), 0);
    }
    assert_int_equal(ta_chain_push(chain, NULL, keep, out), 0);
    assert_int_equal(out->count, count);
    ta_chain_destroy(&chain);
    ta_stage_plan_release(&plan);
}

static void assert_same(const AVFrame *a, const AVFrame *b, const char *what)
{
    EACH_SAMPLE(a)
    {
        if (get(a, plane, x, y) != get(b, plane, x, y))
            fail_msg("%s: plane %d at %d, %d: %d, not %d", what, plane, x, y, get(a, plane, x, y),
                     get(b, plane, x, y));
    }
}

static const enum AVPixelFormat formats[] = {
    AV_PIX_FMT_YUV420P,   AV_PIX_FMT_YUV411P,   AV_PIX_FMT_YUV444P,
    AV_PIX_FMT_YUVJ422P,  AV_PIX_FMT_YUV420P9,  AV_PIX_FMT_YUV422P10,
    AV_PIX_FMT_YUV420P12, AV_PIX_FMT_YUV444P14, AV_PIX_FMT_YUV420P16,
};

// No strength, no change: in each format, at odd sizes, woven or not.
static void test_nothing_at_no_strength(void **state)
{
    (void)state;
    for (size_t k = 0; k < TA_COUNT(formats); k++)
        for (int turn = 0; turn < 4; turn++) {
            static const char *const strengths[] = {"0:0:0:0", "0:0:0:0", "0:3:0:3", "3:0:3:0"};
            struct ta_format f = format(formats[k], 41, 27);
            AVFrame *in[3];
            struct output out = {0};
            for (int i = 0; i < 3; i++) {
                in[i] = scene(&f, i, 4);
                ta_frame_set_interlaced(in[i], turn & 1, true);
            }
            run(&out, &f, strengths[turn], in, 3, turn != 1);
            for (int i = 0; i < 3; i++) {
                assert_int_equal(out.frames[i]->pts, i);
                assert_true(ta_frame_is_interlaced(out.frames[i]) == (turn & 1));
                int changed[3] = {0};
                EACH_SAMPLE(in[i])
                {
                    changed[plane] += get(in[i], plane, x, y) != get(out.frames[i], plane, x, y);
                }
                assert_true((changed[0] > 0) == (turn == 3));
                assert_true((changed[1] > 0) == (turn == 2));
                assert_true((changed[2] > 0) == (turn == 2));
                av_frame_free(&in[i]);
            }
            drop(&out);
        }
}

// Frames that others hold stay as they are, and give what frames of one's own give.
static void test_shared_frames(void **state)
{
    (void)state;
    struct ta_format f = format(AV_PIX_FMT_YUV422P10, 50, 37);
    AVFrame *in[6], *copy[6];
    struct output own = {0}, shared = {0};
    for (int i = 0; i < 6; i++) {
        in[i] = scene(&f, i, 5);
        ta_frame_set_interlaced(in[i], i > 2, true);
        copy[i] = av_frame_clone(in[i]);
        assert_true(av_frame_make_writable(copy[i]) >= 0);
    }
    run(&shared, &f, "4:3:6:4.5", in, 6, true);
    run(&own, &f, "4:3:6:4.5", in, 6, false);
    for (int i = 0; i < 6; i++) {
        assert_same(in[i], copy[i], "input");
        assert_same(shared.frames[i], own.frames[i], "output");
        av_frame_free(&in[i]);
        av_frame_free(&copy[i]);
    }
    drop(&own);
    drop(&shared);
}

// A woven frame is two pictures.
static void test_fields(void **state)
{
    (void)state;
    struct ta_format whole = format(AV_PIX_FMT_YUV420P, 50, 48), half = format(AV_PIX_FMT_YUV420P, 50, 24);
    AVFrame *woven[4], *field[2][4];
    struct output out = {0}, by_field[2] = {{{0}, 0}, {{0}, 0}};
    for (int i = 0; i < 4; i++) {
        woven[i] = scene(&whole, i, 5);
        ta_frame_set_interlaced(woven[i], true, false);
        for (int k = 0; k < 2; k++) {
            field[k][i] = blank(&half);
            EACH_SAMPLE(field[k][i])
            {
                put(field[k][i], plane, x, y, get(woven[i], plane, x, 2 * y + k));
            }
        }
    }
    run(&out, &whole, "4:3:6:4.5", woven, 4, true);
    for (int k = 0; k < 2; k++)
        run(&by_field[k], &half, "4:3:6:4.5", field[k], 4, true);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 2; k++) {
            const AVFrame *want = by_field[k].frames[i];
            EACH_SAMPLE(want)
            {
                assert_int_equal(get(out.frames[i], plane, x, 2 * y + k), get(want, plane, x, y));
            }
            av_frame_free(&field[k][i]);
        }
        av_frame_free(&woven[i]);
    }
    drop(&out);
    drop(&by_field[0]);
    drop(&by_field[1]);
}

// The same pictures in more bits give the same, but for the rounding at the end.
static void test_depths(void **state)
{
    (void)state;
    static const enum AVPixelFormat same[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV420P16};
    struct output out[3] = {{{0}, 0}, {{0}, 0}, {{0}, 0}};
    struct ta_format f = format(same[0], 53, 31);
    AVFrame *in[5];
    for (int i = 0; i < 5; i++)
        in[i] = scene(&f, i, 4);
    for (int k = 0; k < 3; k++) {
        struct ta_format g = format(same[k], 53, 31);
        AVFrame *wide[5];
        for (int i = 0; i < 5; i++) {
            wide[i] = blank(&g);
            EACH_SAMPLE(in[i])
            {
                put(wide[i], plane, x, y, get(in[i], plane, x, y) << (depth_of(wide[i]) - 8));
            }
        }
        run(&out[k], &g, "3:2:3:2", wide, 5, true);
        for (int i = 0; i < 5; i++)
            av_frame_free(&wide[i]);
    }
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 2; k++) {
            int shift = 16 - depth_of(out[k].frames[i]);
            EACH_SAMPLE(in[i])
            {
                int want = TA_MIN(get(out[2].frames[i], plane, x, y) + (1 << shift) / 2, 65535) >> shift;
                assert_int_equal(get(out[k].frames[i], plane, x, y), want);
            }
        }
        av_frame_free(&in[i]);
    }
    for (int k = 0; k < 3; k++)
        drop(&out[k]);
}

static void test_same_on_every_cpu(void **state)
{
    const char *levels[] = {"none", use_set(state)};
    for (size_t k = 0; k < TA_COUNT(formats); k++) {
        struct ta_format f = format(formats[k], 75, 22);
        struct output out[2] = {{{0}, 0}, {{0}, 0}};
        AVFrame *in[4];
        for (int i = 0; i < 4; i++)
            in[i] = scene(&f, i, 6);
        for (int l = 0; l < 2; l++) {
            ta_cpu_mask(set_flags(levels[l]));
            run(&out[l], &f, "6:4:8:6", in, 4, true);
        }
        for (int i = 0; i < 4; i++) {
            assert_same(out[1].frames[i], out[0].frames[i], levels[1]);
            av_frame_free(&in[i]);
        }
        for (int l = 0; l < 2; l++)
            drop(&out[l]);
    }
}

// Mean squared distance from a still, flat picture, in squared levels of 8 bits.
static double noise_left(const AVFrame *f, int plane, int level)
{
    double sum = 0;
    for (int y = 0; y < plane_height(f, plane); y++)
        for (int x = 0; x < plane_width(f, plane); x++)
            sum += pow(get(f, plane, x, y) / (double)(1 << (depth_of(f) - 8)) - level, 2);
    return sum / plane_width(f, plane) / plane_height(f, plane);
}

static void test_noise_goes_and_cuts_leave_nothing(void **state)
{
    (void)state;
    enum { N = 40, CUT = 30 };
    struct ta_format f = format(AV_PIX_FMT_YUV420P10, 64, 48);
    AVFrame *in[N];
    struct output out = {0}, fresh = {0};
    for (int i = 0; i < N; i++) {
        in[i] = blank(&f);
        EACH_SAMPLE(in[i])
        {
            put(in[i], plane, x, y, (i < CUT ? 90 : 150) * 4 + noise(12));
        }
    }
    run(&out, &f, "4:4:4:4", in, N, true);
    for (int plane = 0; plane < 3; plane++) {
        double before = noise_left(in[CUT - 1], plane, 90),
               after = noise_left(out.frames[CUT - 1], plane, 90);
        assert_true(before > 7 && before < 11);
        if (after > before / 8)
            fail_msg("plane %d: %.2f of %.2f left", plane, after, before);
    }
    run(&fresh, &f, "4:4:4:4", in + CUT, N - CUT, true);
    for (int i = CUT; i < N; i++)
        assert_same(out.frames[i], fresh.frames[i - CUT], "behind the cut");
    for (int i = 0; i < N; i++)
        av_frame_free(&in[i]);
    drop(&out);
    drop(&fresh);
}

// An object that moves leaves no trail: where it was, the ground is what it is without it.
static void test_no_trail(void **state)
{
    (void)state;
    enum { N = 12, SIZE = 8, STEP = 5, GROUND = 400, OBJECT = 520 };
    struct ta_format f = format(AV_PIX_FMT_YUV420P10, 96, 32);
    AVFrame *in[N];
    struct output out = {0};
    for (int i = 0; i < N; i++) {
        in[i] = blank(&f);
        EACH_SAMPLE(in[i])
        {
            int side = plane ? SIZE / 2 : SIZE, left = i * STEP >> !!plane;
            bool inside = x >= left && x < left + side && y >= side && y < 2 * side;
            put(in[i], plane, x, y, inside ? OBJECT : GROUND);
        }
    }
    run(&out, &f, "8:6:12:9", in, N, true);
    for (int i = 0; i < N; i++) {
        EACH_SAMPLE(in[i])
        {
            int got = get(out.frames[i], plane, x, y), want = get(in[i], plane, x, y);
            if (abs(got - want) > 4)
                fail_msg("frame %d, plane %d at %d, %d: %d, not %d", i, plane, x, y, got, want);
        }
        av_frame_free(&in[i]);
    }
    drop(&out);
}

// What the stage says of its reach: a start that far before gives the frame to 80 dB.
static void test_reach(void **state)
{
    (void)state;
    static const char *const strengths[] = {"5:5:0:0",  "2:1:2:1",     "4:3:6:4.5",
                                            "8:6:12:9", "12:12:20:20", "20:15:30:20"};
    enum { N = 150, RUN = 8 };
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 64, 48);
    AVFrame *in[N];
    for (int i = 0; i < N; i++)
        in[i] = scene(&f, i / 40, 4); // still for long
    for (size_t k = 0; k < TA_COUNT(strengths); k++) {
        struct output whole = {0}, part = {0};
        struct ta_denoise_opts opts;
        set_strength(&opts, strengths[k]);
        int before = ta_stage_recursive.reach(&opts, &f).before;
        run(&whole, &f, strengths[k], in, N, true);
        run(&part, &f, strengths[k], in + N - before - RUN, before + RUN, true);
        for (int i = 0; i < RUN; i++) {
            const AVFrame *a = whole.frames[N - RUN + i], *b = part.frames[before + i];
            double error = 0, samples = 0;
            EACH_SAMPLE(a)
            {
                error += pow(get(a, plane, x, y) - get(b, plane, x, y), 2);
                samples++;
            }
            double db = 10 * log10(255 * 255 * samples / TA_MAX(error, 1e-9));
            if (db < 80)
                fail_msg("strength %s, frame %d: %.1f dB", strengths[k], i, db);
        }
        drop(&whole);
        drop(&part);
    }
    for (int i = 0; i < N; i++)
        av_frame_free(&in[i]);
}

static void test_formats_refused(void **state)
{
    (void)state;
    static const enum AVPixelFormat bad[] = {AV_PIX_FMT_GRAY8,       AV_PIX_FMT_NV12,  AV_PIX_FMT_YUVA420P,
                                             AV_PIX_FMT_YUV420P10BE, AV_PIX_FMT_GBRP,  AV_PIX_FMT_YUYV422,
                                             AV_PIX_FMT_P010LE,      AV_PIX_FMT_RGB24, AV_PIX_FMT_PAL8};
    const struct ta_denoise_opts opts = {.strength = {{3, 2, 3, 2}, 4}};
    for (size_t k = 0; k < TA_COUNT(bad); k++) {
        struct ta_format in = format(bad[k], 64, 48), out = in;
        struct ta_buf why = {0}, want = {0};
        ta_buf_printf(&want, "does not take %s", av_get_pix_fmt_name(bad[k]));
        assert_int_equal(ta_stage_recursive.configure(&opts, &in, &out, &why), TA_ERR_UNSUPPORTED);
        assert_string_equal(ta_buf_text(&why), ta_buf_text(&want));
        ta_buf_release(&why);
        ta_buf_release(&want);
    }
}

int main(void)
{
    seed = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_at_no_strength),
        cmocka_unit_test(test_shared_frames),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_depths),
        SET_TEST(test_same_on_every_cpu, "sse4.1"),
        SET_TEST(test_same_on_every_cpu, "avx2"),
        SET_TEST(test_same_on_every_cpu, "avx512"),
        cmocka_unit_test(test_noise_goes_and_cuts_leave_nothing),
        cmocka_unit_test(test_no_trail),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_formats_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
