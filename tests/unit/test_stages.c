// Stages in chains: the same pixels however the film is cut, changing scan types, all pixel formats.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/common.h>
#include <libavutil/log.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/cpu.h"
#include "base/env.h"
#include "base/mem.h"
#include "capture.h"
#include "media/av.h"
#include "media/picture/graph.h"
#include "video/chain.h"
#include "video/stages.h"
#include "stages_kit.h"

#include "sets.h"

// ---- deinterlacing ----

static const char *const deinterlacers[] = {"deinterlace.bwdif", "deinterlace.yadif", "deinterlace.w3fdif",
                                            "deinterlace.motion"}; // the last is no filter of libavfilter's
static const char *const scan_orders[] = {"PPPPTTTTBBBPTPPBBTPP", "TTTTPPPPPPTTTPBBBBBB",
                                          "PPPPPPPPPPPPPPPPPPBB", "BTBTBTPBPTPBPTBBBTTT",
                                          "PTTTTTTTTTTTTTTTTTTP"};

static void plan_deinterlacer(struct ta_stage_plan *p, const char *name, const char *fields)
{
    struct ta_format in = format(AV_PIX_FMT_YUV420P10, 48, 32, TA_SCAN_TFF);
    in.mixed_scan = true;
    ta_stage_plan_init(p, ta_stage_find(name), &in);
    set(p, "fields", fields);
    assert_int_equal(ta_stage_plan_configure(p, NULL), 0);
}

// Frames change between progressive and either field order: each gives as many as the plan counts with, at
// its times; progressive ones are untouched.
static void changing_scan_types(void **state)
{
    (void)state;
    for (size_t d = 0; d < TA_COUNT(deinterlacers); d++)
        for (int both = 0; both < 2; both++)
            for (size_t o = 0; o < TA_COUNT(scan_orders); o++) {
                const char *scans = scan_orders[o];
                struct ta_stage_plan p;
                struct result r;
                plan_deinterlacer(&p, deinterlacers[d], both ? "both" : "one");
                int n = (int)strlen(scans), k = 0;
                run_stage(&p, scans, 0, n, &r);
                for (int i = 0; i < n; i++)
                    for (int field = 0; field < (both && scans[i] != 'P' ? 2 : 1); field++, k++) {
                        assert_true(k < r.count);
                        assert_int_equal(r.pts[k], 2 * i + field);
                        AVFrame *was = picture(&p.in, i, TA_SCAN_PROGRESSIVE);
                        bool same = sum_of(was) == r.sums[k];
                        av_frame_free(&was);
                        assert_int_equal(same, scans[i] == 'P');
                    }
                assert_int_equal(r.count, k);
                assert_false(r.interlaced);
                ta_stage_plan_release(&p);
            }
}

// Any piece, with the reach that the stage declares, gives what the whole gives.
static void cut_anywhere(void **state)
{
    (void)state;
    for (size_t d = 0; d < TA_COUNT(deinterlacers); d++)
        for (size_t o = 0; o < TA_COUNT(scan_orders); o++) {
            const char *scans = scan_orders[o];
            struct ta_stage_plan p;
            struct result whole, part;
            plan_deinterlacer(&p, deinterlacers[d], "both");
            struct ta_reach reach = p.info->reach(p.opts, &p.in);
            int n = (int)strlen(scans);
            run_stage(&p, scans, 0, n, &whole);
            for (int first = 0; first < n; first++)
                for (int length = 1; length < 5 && first + length <= n; length++) {
                    run_stage(&p, scans, TA_MAX(0, first - reach.before),
                              TA_MIN(n, first + length + reach.after), &part);
                    int a = 0, b = 0;
                    while (whole.pts[a] < 2 * first)
                        a++;
                    while (part.pts[b] < 2 * first)
                        b++;
                    for (; a < whole.count && whole.pts[a] < 2 * (first + length); a++, b++) {
                        assert_true(b < part.count);
                        assert_int_equal(part.pts[b], whole.pts[a]);
                        if (part.sums[b] != whole.sums[a])
                            fail_msg("%s, %s, cut at %d: field %d of frame %d differs", deinterlacers[d],
                                     scans, first, (int)(whole.pts[a] & 1), (int)(whole.pts[a] >> 1));
                    }
                }
            ta_stage_plan_release(&p);
        }
}

// libavfilter's own run.
static void as_libavfilter(void **state)
{
    (void)state;
    static const char *const texts[] = {"bwdif=deint=interlaced", "yadif=send_field:deint=interlaced",
                                        "w3fdif=deint=interlaced"};
    const char *scans = "TTTTBBPPBBBTTP";
    for (size_t d = 0; d < TA_COUNT(texts); d++) {
        struct ta_stage_plan p;
        struct result ours, theirs;
        plan_deinterlacer(&p, deinterlacers[d], "both");
        run_stage(&p, scans, 0, (int)strlen(scans), &ours);
        run_libavfilter(picture, texts[d], &p.in, scans, &theirs);
        expect_same_result(&ours, &theirs, texts[d]);
        ta_stage_plan_release(&p);
    }
}

// Noise from end to end of what samples can be, a new one for each number: every branch of a filter.
static AVFrame *noise(const struct ta_format *fmt, int64_t number, enum ta_scan_type scan)
{
    AVFrame *f = picture(fmt, number, scan);
    uint32_t seed = (uint32_t)number + 7;
    int depth = depth_of(f);
    for (int p = 0; p < av_pix_fmt_count_planes(f->format); p++) {
        int w, h;
        plane_size(f, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                seed = seed * 1664525u + 1013904223u;
                // Some places hardly change, some keep still, some hold the least and the most.
                int value = sample(f, p, x, y) >> (x % 5);
                if (x / 7 % 3 == 0)
                    value = seed >> 31 ? (1 << depth) - 1 : 0;
                else if (x / 7 % 3 == 1)
                    value = (int)(seed >> (32 - depth));
                put(f, p, x, y, x % 11 == 0 ? 5 : value);
            }
    }
    return f;
}

// A native stage against the filter that it says it is, with one set of instructions.
static void same_with(const char *cpu, maker *make, const char *stage, const char *option, const char *value,
                      const struct ta_format *in, const char *scans)
{
    struct ta_stage_plan p;
    struct result ours, theirs;
    ta_stage_plan_init(&p, ta_stage_find(stage), in);
    set(&p, option, value);
    assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
    char *text = ta_chain_text(&p, 1);
    run_libavfilter(make, text, in, scans, &theirs);
    assert_true(theirs.count > 0);
    char what[200];
    run_stage_on(make, &p, scans, 0, (int)strlen(scans), &ours);
    snprintf(what, sizeof what, "%s, %s, %dx%d, %s, %s", cpu, av_get_pix_fmt_name(in->pix_fmt), in->width,
             in->height, scans, text);
    expect_same_result(&ours, &theirs, what);
    free(text);
    ta_stage_plan_release(&p);
}

// Our bwdif has libavfilter's bits, in all sets of instructions, formats and sizes.
static void bwdif_as_libavfilter(void **state)
{
    const char *cpu = use_set(state);
    static const enum AVPixelFormat formats[] = {
        AV_PIX_FMT_YUV420P,   AV_PIX_FMT_YUV411P,   AV_PIX_FMT_GRAY8,  AV_PIX_FMT_YUVA444P,
        AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV420P12, AV_PIX_FMT_GBRP14, AV_PIX_FMT_YUV444P16};
    static const int sizes[][2] = {{67, 32}, {38, 29}, {16, 16}, {33, 9}};
    // libavfilter takes the first interlaced frame for the film's first, so that must be it.
    static const char *const orders[] = {"TTBPBBT", "TP", "T", "P", "BTB"};
    int compared = 0;
    for (size_t f = 0; f < TA_COUNT(formats); f++)
        for (size_t s = 0; s < TA_COUNT(sizes); s++) {
            struct ta_format in = format(formats[f], sizes[s][0], sizes[s][1], TA_SCAN_TFF);
            const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in.pix_fmt);
            in.mixed_scan = true;
            if (d->comp[0].depth > 8 && in.height >> d->log2_chroma_h < 8)
                continue; // libavfilter would read outside of the picture
            for (size_t o = 0; o < TA_COUNT(orders); o++, compared++) {
                same_with(cpu, noise, "deinterlace.bwdif", "fields", "both", &in, orders[o]);
                same_with(cpu, noise, "deinterlace.bwdif", "fields", "one", &in, orders[o]);
            }
        }
    assert_true(compared > 100);
}

// Noise without the ends of the range, at whose difference libavfilter's hqdn3d reads what nobody has
// written.
static AVFrame *inner_noise(const struct ta_format *fmt, int64_t number, enum ta_scan_type scan)
{
    AVFrame *f = noise(fmt, number, scan);
    int most = (1 << depth_of(f)) - 1, margin = most / 32;
    for (int p = 0; p < av_pix_fmt_count_planes(f->format); p++) {
        int w, h;
        plane_size(f, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                put(f, p, x, y, TA_MIN(TA_MAX(sample(f, p, x, y), margin), most - margin));
    }
    return f;
}

static void hqdn3d_as_libavfilter(void **state)
{
    const char *cpu = use_set(state);
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUV422P10,
                                                 AV_PIX_FMT_YUV420P12, AV_PIX_FMT_YUV444P16};
    static const int sizes[][2] = {{67, 32}, {38, 29}, {16, 3}, {1, 1}};
    static const char *const strengths[] = {"3:2:3:2", "4:3:6:4.5", "20:0.5:0:12", "0:3:6:0",
                                            "255:252:253:254"};
    for (size_t f = 0; f < TA_COUNT(formats); f++)
        for (size_t s = 0; s < TA_COUNT(sizes); s++)
            for (size_t k = 0; k < TA_COUNT(strengths); k++) {
                struct ta_format in = format(formats[f], sizes[s][0], sizes[s][1], TA_SCAN_PROGRESSIVE);
                same_with(cpu, inner_noise, "denoise.hqdn3d", "strength", strengths[k], &in, "PPPP");
                same_with(cpu, picture, "denoise.hqdn3d", "strength", strengths[k], &in, "PPPP");
            }
}

// A strength of 0 is none, in space, in time or at all.
static void hqdn3d_of_nothing(void **state)
{
    (void)state;
    struct ta_format in = format(AV_PIX_FMT_YUV420P10, 38, 29, TA_SCAN_PROGRESSIVE);
    struct ta_stage_plan p;
    struct result r;
    ta_stage_plan_init(&p, ta_stage_find("denoise.hqdn3d"), &in);
    set(&p, "strength", "0:0:0:0");
    assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
    assert_int_equal(p.info->reach(p.opts, &in).before, 0);
    run_stage_on(noise, &p, "PPP", 0, 3, &r);
    for (int i = 0; i < 3; i++) {
        AVFrame *was = noise(&in, i, TA_SCAN_PROGRESSIVE);
        assert_true(sum_of(was) == r.sums[i]);
        av_frame_free(&was);
    }
    ta_stage_plan_release(&p);
}

static void very_short(void **state)
{
    (void)state;
    for (size_t d = 0; d < TA_COUNT(deinterlacers); d++)
        for (int n = 1; n <= 3; n++)
            for (int kind = 0; kind < 3; kind++) {
                struct ta_stage_plan p;
                struct result r;
                plan_deinterlacer(&p, deinterlacers[d], "both");
                const char *scans[] = {"PPP", "TTT", "PBP"};
                run_stage(&p, scans[kind], 0, n, &r);
                static const int counts[3][4] = {{0, 1, 2, 3}, {0, 2, 4, 6}, {0, 1, 3, 4}};
                assert_int_equal(r.count, counts[kind][n]);
                ta_stage_plan_release(&p);
            }
}

// ---- formats and sizes ----

// All stages that recipes name, in all planar formats and odd sizes: refused while planning, or run.
static void every_format(void **state)
{
    (void)state;
    static const char *const names[] = {
        "crop.crop",    "mask.mask",          "deinterlace.bwdif", "deinterlace.yadif", "deinterlace.w3fdif",
        "deblock.weak", "deblock.strong",     "sharpen.cas",       "denoise.nlmeans",   "denoise.hqdn3d",
        "colour.grade", "deinterlace.motion", "denoise.motion"};
    static const int sizes[][2] = {{48, 32}, {37, 29}, {16, 16}, {8, 8}};
    int ran = 0;
    for (enum AVPixelFormat p = 0; p < AV_PIX_FMT_NB; p++) {
        if (!av_pix_fmt_desc_get(p) || ta_pix_fmt_planar(p) != p)
            continue;
        for (size_t s = 0; s < TA_COUNT(sizes); s++)
            for (size_t i = 0; i < TA_COUNT(names); i++) {
                struct ta_format f = format(p, sizes[s][0], sizes[s][1], TA_SCAN_TFF);
                struct ta_stage_plan plan;
                struct ta_chain *c = NULL;
                struct result r = {0};
                struct capture said;
                capture_init(&said);
                ta_stage_plan_init(&plan, ta_stage_find(names[i]), &f);
                if (!strcmp(names[i], "mask.mask"))
                    set(&plan, "bottom", "3");
                if (!strcmp(names[i], "denoise.nlmeans"))
                    set(&plan, "nlmeans-research", "3");
                if (!strcmp(names[i], "colour.grade"))
                    set(&plan, "gain", s % 2 ? "1.1:1:0.9" : "1:1:1");
                int err = ta_stage_plan_configure(&plan, said.log);
                if (err >= 0)
                    err = ta_chain_create(&c, &plan, 1, &(struct ta_env){.log = said.log});
                if (err < 0) {
                    capture_expect_error(&said, ""); // one line
                } else {
                    for (int n = 0; n < 2; n++)
                        assert_int_equal(ta_chain_push(c, picture(&f, n, TA_SCAN_TFF), take, &r), 0);
                    assert_int_equal(ta_chain_push(c, NULL, take, &r), 0);
                    assert_int_equal(r.count, !strncmp(names[i], "deint", 5) ? 4 : 2);
                    ran++;
                }
                ta_chain_destroy(&c);
                ta_stage_plan_release(&plan);
                capture_release(&said);
            }
    }
    assert_true(ran > 500);
}

// ---- nlmeans ----

// The definition, in double precision, of one sample.
static double nlmeans_sample(const AVFrame *f, int plane, int x, int y, int patch, int research, double h)
{
    int w, height, p = patch / 2, r = research / 2, shift = TA_MAX(0, depth_of(f) - 11);
    plane_size(f, plane, &w, &height);
    double sum = sample(f, plane, x, y), weight = 1;
    for (int dy = -r; dy <= r; dy++)
        for (int dx = -r; dx <= r; dx++) {
            if ((!dx && !dy) || x + dx < 0 || x + dx >= w || y + dy < 0 || y + dy >= height)
                continue;
            double d = 0;
            for (int j = -p; j <= p; j++)
                for (int i = -p; i <= p; i++) {
                    int ax = av_clip(x + i, 0, w - 1), ay = av_clip(y + j, 0, height - 1);
                    int bx = av_clip(x + i + dx, 0, w - 1), by = av_clip(y + j + dy, 0, height - 1);
                    double e = (sample(f, plane, ax, ay) >> shift) - (sample(f, plane, bx, by) >> shift);
                    d += e * e;
                }
            double v = exp(-d / (h * h));
            if (v >= 1.0 / 255) {
                weight += v;
                sum += v * sample(f, plane, x + dx, y + dy);
            }
        }
    return sum / weight;
}

static int take_frame(void *receiver, AVFrame *f)
{
    *(AVFrame **)receiver = f;
    return 0;
}

static AVFrame *one_frame(const struct ta_stage_plan *p, const struct ta_format *f)
{
    struct ta_chain *c = NULL;
    AVFrame *got = NULL;
    assert_int_equal(ta_chain_create(&c, p, 1, NULL), 0);
    assert_int_equal(ta_chain_push(c, picture(f, 3, TA_SCAN_PROGRESSIVE), take_frame, &got), 0);
    ta_chain_destroy(&c);
    assert_non_null(got);
    return got;
}

static void nlmeans_by_definition(void **state)
{
    (void)state;
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P10,
                                                 AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV420P16};
    static const struct {
        const char *strength, *chroma, *patch, *research;
    } cases[] = {
        {"4", "0.5", "7", "9"}, {"12", "1", "3", "5"}, {"8", "0.25", "15", "7"}, {"30", "2", "5", "51"}};
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        for (size_t k = 0; k < TA_COUNT(cases); k++) {
            struct ta_format f = format(formats[i], 37, 29, TA_SCAN_PROGRESSIVE);
            struct ta_stage_plan p;
            ta_stage_plan_init(&p, &ta_stage_nlmeans, &f);
            set(&p, "nlmeans-strength", cases[k].strength);
            set(&p, "nlmeans-chroma", cases[k].chroma);
            set(&p, "nlmeans-patch", cases[k].patch);
            set(&p, "nlmeans-research", cases[k].research);
            assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
            AVFrame *got = one_frame(&p, &f), *was = picture(&f, 3, TA_SCAN_PROGRESSIVE);
            double h = atof(cases[k].strength) * 10 * (1 << (TA_MIN(11, depth_of(was)) - 8));
            for (int plane = 0; plane < 3; plane++) {
                int w, height;
                plane_size(was, plane, &w, &height);
                for (int y = 0; y < height; y += 2)
                    for (int x = 0; x < w; x += 3) {
                        double want = nlmeans_sample(was, plane, x, y, atoi(cases[k].patch),
                                                     atoi(cases[k].research),
                                                     plane ? h * atof(cases[k].chroma) : h);
                        // Half a code of rounding, and what floats lose of 16 bits.
                        double most = 0.51 + (depth_of(was) > 12 ? 0.5 : 0);
                        if (fabs(sample(got, plane, x, y) - want) > most)
                            fail_msg("%s, case %zu: %d at %d,%d of plane %d should be %f",
                                     av_get_pix_fmt_name(f.pix_fmt), k, sample(got, plane, x, y), x, y, plane,
                                     want);
                    }
            }
            av_frame_free(&got);
            av_frame_free(&was);
            ta_stage_plan_release(&p);
        }
}

// In 8 bit libavfilter does the same, to a code here and there.
static void nlmeans_as_libavfilter(void **state)
{
    (void)state;
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 150, 94, TA_SCAN_PROGRESSIVE);
    struct ta_stage_plan p;
    ta_stage_plan_init(&p, &ta_stage_nlmeans, &f);
    assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
    AVFrame *got = one_frame(&p, &f), *want = NULL;
    struct ta_graph *g = NULL;
    assert_int_equal(ta_graph_create(&g, "nlmeans=s=4", &f, NULL, NULL), 0);
    assert_int_equal(ta_graph_push(g, picture(&f, 3, TA_SCAN_PROGRESSIVE)), 0);
    assert_int_equal(ta_graph_pull(g, &want), 0);
    int differ = 0, changed = 0;
    AVFrame *was = picture(&f, 3, TA_SCAN_PROGRESSIVE);
    for (int y = 0; y < f.height; y++)
        for (int x = 0; x < f.width; x++) {
            int d = abs(sample(got, 0, x, y) - sample(want, 0, x, y));
            assert_true(d <= 1);
            differ += d;
            changed += sample(got, 0, x, y) != sample(was, 0, x, y);
        }
    assert_true(differ < 30);
    assert_true(changed > f.width * f.height / 2);
    av_frame_free(&got);
    av_frame_free(&want);
    av_frame_free(&was);
    ta_graph_destroy(&g);
    ta_stage_plan_release(&p);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changing_scan_types),    cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(as_libavfilter),         SET_TEST(bwdif_as_libavfilter, "none"),
        SET_TEST(bwdif_as_libavfilter, "sse4.1"), SET_TEST(bwdif_as_libavfilter, "avx2"),
        SET_TEST(bwdif_as_libavfilter, "avx512"), SET_TEST(hqdn3d_as_libavfilter, "none"),
        SET_TEST(hqdn3d_as_libavfilter, "avx2"),  SET_TEST(hqdn3d_as_libavfilter, "avx512"),
        cmocka_unit_test(hqdn3d_of_nothing),      cmocka_unit_test(very_short),
        cmocka_unit_test(every_format),           cmocka_unit_test(nlmeans_by_definition),
        cmocka_unit_test(nlmeans_as_libavfilter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
