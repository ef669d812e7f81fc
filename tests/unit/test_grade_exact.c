// Grading where it must be exact: identity, ramps, no change, every set of instructions.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/pixdesc.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "media/av.h"
#include "video/grade.h"
#include "video/siting.h"
#include "grade_kit.h"

#include "sets.h"

static void expect_equal(const char *what, const AVFrame *a, const AVFrame *b)
{
    for (int p = 0; p < 3; p++) {
        int w, h;
        plane_size(a, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                if (sample(a, p, x, y) != sample(b, p, x, y))
                    fail_msg("%s, %s: plane %d at %d,%d is %d instead of %d", what,
                             av_get_pix_fmt_name(a->format), p, x, y, sample(b, p, x, y), sample(a, p, x, y));
    }
}

// A table that changes nothing changes nothing, in no format: also not colours that are no RGB, highlights
// above white, and chroma that is finer than a filter would leave it.
static void test_identity_is_exact(void **state)
{
    (void)state;
    static const int sizes[] = {2, 17, 33, 64};
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        for (size_t n = 0; n < TA_COUNT(sizes) + 1; n++)
            for (int location = AVCHROMA_LOC_LEFT; location <= AVCHROMA_LOC_BOTTOM; location++) {
                bool curves = n == TA_COUNT(sizes);
                struct ta_cube c = make_cube(curves, curves ? 256 : sizes[n], identity);
                struct ta_grade_settings s = ta_grade_neutral;
                struct ta_format f = format(formats[i], 41, 23);
                f.chroma_location = (enum AVChromaLocation)location;
                f.range = location % 2 ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
                s.cube = &c;
                AVFrame *in = frame(&f);
                fill_noise(in);
                AVFrame *out = grade(&f, &s, in);
                expect_equal(curves ? "identity curves" : "identity", in, out);
                av_frame_free(&in);
                av_frame_free(&out);
                ta_cube_release(&c);
            }
}

// Gray ramps through a table of its own for gray: exact values at every strength, for every sample.
static void test_strength_on_ramps(void **state)
{
    (void)state;
    static const enum AVPixelFormat depths[] = {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV420P10,
                                                AV_PIX_FMT_YUV422P12};
    static const double strengths[] = {0, 0.5, 1};
    struct ta_cube c = make_cube(false, 33, mild);
    for (size_t i = 0; i < TA_COUNT(depths); i++)
        for (size_t n = 0; n < TA_COUNT(strengths); n++) {
            struct ta_format f = format(depths[i], 1 << av_pix_fmt_desc_get(depths[i])->comp[0].depth, 8);
            struct ta_grade_settings s = ta_grade_neutral;
            int exact = 0;
            s.cube = &c;
            s.strength = strengths[n];
            AVFrame *in = frame(&f);
            struct ref r = reference(&f, &s, in, -1);
            for (int p = 0; p < 3; p++) {
                int w, h;
                plane_size(in, p, &w, &h);
                for (int y = 0; y < h; y++)
                    for (int x = 0; x < w; x++)
                        put(in, p, x, y, p ? (int)r.c0 : x);
            }
            AVFrame *out = grade(&f, &s, in);
            for (int x = 0; x < f.width; x++) {
                double ideal[3];
                ref_pixel(&r, x, 3, ideal);
                double v = fmin(fmax(ideal[0], 0), f.width - 1);
                if (fabs(v - floor(v) - 0.5) < 2e-3)
                    continue; // half-way between two samples: either is right
                exact++;
                if (sample(out, 0, x, 3) != (int)floor(v + 0.5))
                    fail_msg("strength %g: %d gives %d instead of %.4f", s.strength, x, sample(out, 0, x, 3),
                             v);
            }
            assert_true(exact > f.width * 98 / 100);
            if (s.strength == 0)
                expect_equal("strength 0", in, out);
            av_frame_free(&in);
            av_frame_free(&out);
        }
    ta_cube_release(&c);
}

static void test_no_change_touches_nothing(void **state)
{
    (void)state;
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 16, 16);
    struct ta_grade_settings s = ta_grade_neutral;
    struct ta_grade *g;
    assert_int_equal(ta_grade_create(&g, &s, &f), 0);
    assert_true(ta_grade_keeps_luma(g) && ta_grade_keeps_chroma(g));
    ta_grade_destroy(&g);
    s.saturation = 1.1;
    assert_int_equal(ta_grade_create(&g, &s, &f), 0);
    assert_true(ta_grade_keeps_luma(g) && !ta_grade_keeps_chroma(g));
    ta_grade_destroy(&g);
    s = ta_grade_neutral;
    s.brightness = 0.1;
    assert_int_equal(ta_grade_create(&g, &s, &f), 0);
    assert_true(!ta_grade_keeps_luma(g) && ta_grade_keeps_chroma(g));
    ta_grade_destroy(&g);
}

static void test_same_for_every_cpu(void **state)
{
    const char *const masks[] = {"none", use_set(state)};
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        for (int n = 0; n < SETTINGS; n++) {
            const char *name;
            struct ta_grade_settings s = settings(n, &name);
            struct ta_format f = format(formats[i], 67, 18);
            AVFrame *in = frame(&f), *first = NULL;
            fill_noise(in);
            for (size_t m = 0; m < TA_COUNT(masks); m++) {
                ta_cpu_mask(set_flags(masks[m]));
                AVFrame *out = grade(&f, &s, in);
                if (first) {
                    expect_equal(masks[m], first, out);
                    av_frame_free(&out);
                } else {
                    first = out;
                }
            }
            av_frame_free(&in);
            av_frame_free(&first);
        }
}

static void test_refused_formats(void **state)
{
    (void)state;
    static const enum AVPixelFormat refused[] = {
        AV_PIX_FMT_GBRP, AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUVA420P, AV_PIX_FMT_NV12, AV_PIX_FMT_YUYV422,
        AV_PIX_FMT_PAL8, AV_PIX_FMT_RGB24, AV_PIX_FMT_P010,     AV_PIX_FMT_NONE, AV_PIX_FMT_YUV420P10BE};
    struct ta_buf why = {0};
    for (size_t i = 0; i < TA_COUNT(refused); i++) {
        struct ta_format f = format(refused[i], 16, 16);
        ta_buf_clear(&why);
        assert_true(ta_grade_check(&f, &why) < 0);
        assert_non_null(strstr(ta_buf_text(&why), "does not take"));
    }
    struct ta_format f = format(AV_PIX_FMT_YUV444P, 16, 16);
    assert_int_equal(ta_grade_check(&f, &why), 0);
    f.matrix = AVCOL_SPC_YCGCO;
    ta_buf_clear(&why);
    assert_true(ta_grade_check(&f, &why) < 0);
    assert_non_null(strstr(ta_buf_text(&why), "ycgco"));
    ta_buf_release(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_is_exact),         cmocka_unit_test(test_strength_on_ramps),
        cmocka_unit_test(test_no_change_touches_nothing), SET_TEST(test_same_for_every_cpu, "avx2"),
        SET_TEST(test_same_for_every_cpu, "avx512"),      cmocka_unit_test(test_refused_formats),
    };
    return cmocka_run_group_tests(tests, create_cubes, release_cubes);
}
