// Crop and mask against a plain reference and libavfilter.
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
#include "base/mem.h"
#include "capture.h"
#include "media/av.h"
#include "media/picture/graph.h"
#include "video/chain.h"
#include "video/stages.h"
#include "stages_kit.h"

// ---- crop ----

static void crop_as_libavfilter(void **state)
{
    (void)state;
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P10,
                                                 AV_PIX_FMT_YUV411P, AV_PIX_FMT_GBRP,
                                                 AV_PIX_FMT_GRAY10,  AV_PIX_FMT_YUVA420P};
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            struct ta_format f = format(formats[i], 64, 48, interlaced ? TA_SCAN_BFF : TA_SCAN_PROGRESSIVE);
            struct ta_stage_plan p;
            struct result r;
            ta_stage_plan_init(&p, &ta_stage_crop, &f);
            set(&p, "top", "4");
            set(&p, "bottom", "8");
            set(&p, "left", "12");
            set(&p, "right", "4");
            assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
            assert_int_equal(p.out.width, 48);
            assert_int_equal(p.out.height, 36);
            assert_int_equal(p.out.sar.num, 8);
            run_stage(&p, "BBB", 0, 3, &r);
            char *text = ta_chain_text(&p, 1);
            struct ta_graph *g = NULL;
            assert_int_equal(ta_graph_create(&g, text, &f, NULL, NULL), 0);
            free(text);
            for (int n = 0; n < 3; n++) {
                assert_int_equal(ta_graph_push(g, picture(&f, n, TA_SCAN_BFF)), 0);
                AVFrame *want = NULL;
                assert_int_equal(ta_graph_pull(g, &want), 0);
                assert_true(sum_of(want) == r.sums[n]);
                av_frame_free(&want);
            }
            ta_graph_destroy(&g);
            ta_stage_plan_release(&p);
        }
}

static void crop_refuses(void **state)
{
    (void)state;
    static const struct {
        enum AVPixelFormat pix_fmt;
        enum ta_scan_type scan;
        int width, height, rotation;
        const char *side, *lines;
        const char *reason; // NULL: taken
    } cases[] = {
        {AV_PIX_FMT_YUV420P, TA_SCAN_TFF, 720, 480, 0, "bottom", "8", NULL},
        {AV_PIX_FMT_YUV420P, TA_SCAN_TFF, 720, 480, 0, "bottom", "6",
         "6 can't be cut at the bottom of interlaced yuv420p, which goes in steps of 4: the nearest is 8"},
        {AV_PIX_FMT_YUV420P, TA_SCAN_TFF, 720, 480, 0, "top", "1", "the nearest is 0"},
        {AV_PIX_FMT_YUV420P, TA_SCAN_TFF, 720, 486, 0, "bottom", "6", NULL}, // 480 stay
        {AV_PIX_FMT_YUV411P, TA_SCAN_BFF, 720, 480, 0, "bottom", "6", NULL},
        {AV_PIX_FMT_YUV411P, TA_SCAN_BFF, 720, 480, 0, "bottom", "7", "steps of 2: the nearest is 8"},
        {AV_PIX_FMT_YUV411P, TA_SCAN_BFF, 720, 480, 0, "left", "6", "steps of 4"},
        {AV_PIX_FMT_YUV420P, TA_SCAN_PROGRESSIVE, 720, 480, 0, "top", "6", NULL},
        {AV_PIX_FMT_YUV420P, TA_SCAN_PROGRESSIVE, 720, 480, 0, "top", "7", "steps of 2"},
        {AV_PIX_FMT_YUV444P, TA_SCAN_PROGRESSIVE, 720, 480, 0, "left", "7", NULL},
        {AV_PIX_FMT_YUV420P, TA_SCAN_PROGRESSIVE, 175, 143, 0, "right", "3", NULL},
        {AV_PIX_FMT_YUV420P, TA_SCAN_PROGRESSIVE, 720, 480, 0, "top", "480", "480 of 480 lines can't be cut"},
        {AV_PIX_FMT_YUV420P, TA_SCAN_PROGRESSIVE, 720, 480, 0, "top", "474", "8 must stay"},
        {AV_PIX_FMT_YUV420P, TA_SCAN_PROGRESSIVE, 720, 480, 0, "top", "472", NULL},
        {AV_PIX_FMT_YUV420P, TA_SCAN_PROGRESSIVE, 720, 480, 0, "right", "714", "714 of 720 columns"},
        {AV_PIX_FMT_YUV420P, TA_SCAN_PROGRESSIVE, 720, 480, 90, "top", "714", "714 of 720 lines"},
        {AV_PIX_FMT_YUV422P, TA_SCAN_PROGRESSIVE, 720, 480, 90, "top", "3", "at the top of yuv422p"},
        {AV_PIX_FMT_YUV422P, TA_SCAN_PROGRESSIVE, 720, 480, 90, "left", "3", NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_format f = format(cases[i].pix_fmt, cases[i].width, cases[i].height, cases[i].scan);
        f.rotation = cases[i].rotation;
        struct ta_stage_plan p;
        struct capture said;
        capture_init(&said);
        ta_stage_plan_init(&p, &ta_stage_crop, &f);
        set(&p, cases[i].side, cases[i].lines);
        int err = ta_stage_plan_configure(&p, said.log);
        if (cases[i].reason)
            capture_expect_error(&said, cases[i].reason);
        else
            capture_expect(&said, "");
        assert_int_equal(err, cases[i].reason ? TA_ERR_UNSUPPORTED : 0);
        ta_stage_plan_release(&p);
        capture_release(&said);
    }
}

// Sides are those of the picture as it is shown: a quarter turn clockwise shows the stored left at the top.
static void crop_follows_rotation(void **state)
{
    (void)state;
    static const char *const wants[] = {"crop=62:41:0:4", "crop=57:46:4:2", "crop=62:41:2:3",
                                        "crop=57:46:3:0"};
    for (int turn = 0; turn < 4; turn++) {
        struct ta_format f = format(AV_PIX_FMT_YUV444P, 64, 48, TA_SCAN_PROGRESSIVE);
        f.rotation = turn * 90;
        struct ta_stage_plan p;
        ta_stage_plan_init(&p, &ta_stage_crop, &f);
        // top 4, right 2, bottom 3, left 0 of what is shown
        set(&p, "top", "4");
        set(&p, "right", "2");
        set(&p, "bottom", "3");
        assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
        char *text = ta_chain_text(&p, 1);
        assert_string_equal(text, wants[turn]);
        free(text);
        ta_stage_plan_release(&p);
    }
}

// ---- mask ----

// The plain reference: where does the sample at x, y of a plane come from? -1: black.
static int mask_source(int at, int size, int near, int far, const char *mode)
{
    int first = near, last = size - far - 1;
    if (at >= first && at <= last)
        return at;
    if (!strcmp(mode, "black"))
        return -1;
    if (!strcmp(mode, "repeat"))
        return at < first ? first : last;
    while (at < first || at > last)
        at = at < first ? 2 * first - 1 - at : 2 * last + 1 - at;
    return at;
}

static void check_mask(const struct ta_format *f, const char *mode, const int edges[4], bool interlaced)
{
    static const char *const sides[] = {"top", "right", "bottom", "left"};
    struct ta_stage_plan p;
    ta_stage_plan_init(&p, &ta_stage_mask, f);
    for (int i = 0; i < 4; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", edges[i]);
        set(&p, sides[i], text);
    }
    set(&p, "mode", mode);
    assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
    AVFrame *want = picture(f, 5, TA_SCAN_PROGRESSIVE), *was = picture(f, 5, TA_SCAN_PROGRESSIVE);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    int depth = d->comp[0].depth, fields = interlaced ? 2 : 1;
    for (int plane = 0; plane < d->nb_components; plane++) {
        if (plane == d->nb_components - 1 && (d->flags & AV_PIX_FMT_FLAG_ALPHA))
            continue;
        int w, h;
        plane_size(was, plane, &w, &h);
        int sx = w < f->width ? d->log2_chroma_w : 0, sy = h < f->height ? d->log2_chroma_h : 0;
        // The reference is for sizes and edges in whole steps.
        int top = edges[0] >> sy, bottom = edges[2] >> sy, left = edges[3] >> sx, right = edges[1] >> sx;
        bool chroma = plane && !ta_format_is_rgb(f);
        int black = chroma ? 1 << (depth - 1) : f->range == AVCOL_RANGE_JPEG ? 0 : 16 << (depth - 8);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int from_x = mask_source(x, w, left, right, mode);
                int line = mask_source(y / fields, h / fields, top / fields, bottom / fields, mode);
                int from_y = line < 0 ? -1 : line * fields + y % fields;
                put(want, plane, x, y, from_x < 0 || from_y < 0 ? black : sample(was, plane, from_x, from_y));
            }
    }
    struct ta_chain *c = NULL;
    struct result r = {0};
    assert_int_equal(ta_chain_create(&c, &p, 1, NULL), 0);
    // Someone else holds the frame, too: it must not change under his hands.
    AVFrame *shared = picture(f, 5, interlaced ? TA_SCAN_BFF : TA_SCAN_PROGRESSIVE);
    AVFrame *held = av_frame_clone(shared);
    assert_int_equal(ta_chain_push(c, shared, take, &r), 0);
    assert_int_equal(r.count, 1);
    if (r.sums[0] != sum_of(want))
        fail_msg("%s %s %d %d %d %d", d->name, mode, edges[0], edges[1], edges[2], edges[3]);
    assert_true(sum_of(held) == sum_of(was));
    ta_chain_destroy(&c);
    av_frame_free(&held);
    av_frame_free(&want);
    av_frame_free(&was);
    ta_stage_plan_release(&p);
}

static void mask_by_reference(void **state)
{
    (void)state;
    static const enum AVPixelFormat formats[] = {
        AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV411P,  AV_PIX_FMT_GBRP10,
        AV_PIX_FMT_GRAY8,   AV_PIX_FMT_YUVA420P,  AV_PIX_FMT_YUV444P16};
    static const char *const modes[] = {"black", "repeat", "mirror"};
    static const int edges[][4] = {{0, 0, 8, 0}, {4, 8, 12, 4}, {0, 0, 36, 0}, {0, 48, 0, 0}, {20, 0, 16, 0}};
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        for (size_t m = 0; m < TA_COUNT(modes); m++)
            for (size_t e = 0; e < TA_COUNT(edges); e++)
                for (int kind = 0; kind < 4; kind++) {
                    struct ta_format f = format(formats[i], 64, 48, TA_SCAN_PROGRESSIVE);
                    if (kind & 2)
                        f.range = AVCOL_RANGE_JPEG;
                    if (kind & 1)
                        f.scan = TA_SCAN_BFF;
                    check_mask(&f, modes[m], edges[e], kind & 1);
                }
}

// An odd number of lines: no luma line more, and the chroma that belongs to it.
static void mask_of_odd_lines(void **state)
{
    (void)state;
    struct ta_format f = format(AV_PIX_FMT_YUV420P, 16, 32, TA_SCAN_PROGRESSIVE);
    struct ta_stage_plan p;
    ta_stage_plan_init(&p, &ta_stage_mask, &f);
    set(&p, "bottom", "3");
    assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
    AVFrame *want = picture(&f, 0, TA_SCAN_PROGRESSIVE);
    for (int y = 29; y < 32; y++)
        for (int x = 0; x < 16; x++)
            put(want, 0, x, y, 16);
    for (int y = 14; y < 16; y++)
        for (int x = 0; x < 8; x++) {
            put(want, 1, x, y, 128);
            put(want, 2, x, y, 128);
        }
    struct result r;
    run_stage(&p, "P", 0, 1, &r);
    assert_true(r.sums[0] == sum_of(want));
    av_frame_free(&want);
    ta_stage_plan_release(&p);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crop_as_libavfilter),   cmocka_unit_test(crop_refuses),
        cmocka_unit_test(crop_follows_rotation), cmocka_unit_test(mask_by_reference),
        cmocka_unit_test(mask_of_odd_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
