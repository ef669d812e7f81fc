// Stages in chains: the same pixels however the film is cut, changing scan types, all pixel formats, and
// crop and mask against a plain reference.
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

static struct ta_format format(enum AVPixelFormat p, int width, int height, enum ta_scan_type scan)
{
    struct ta_format f = {.pix_fmt = p,
                          .width = width,
                          .height = height,
                          .sar = {8, 9},
                          .scan = scan,
                          .frame_rate = {30000, 1001},
                          .time_base = {1001, 30000},
                          .primaries = AVCOL_PRI_SMPTE170M,
                          .transfer = AVCOL_TRC_SMPTE170M};
    f.matrix = ta_format_is_rgb(&f) ? AVCOL_SPC_RGB : AVCOL_SPC_SMPTE170M;
    f.range = ta_format_is_rgb(&f) ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    return f;
}

static void plane_size(const AVFrame *f, int plane, int *width, int *height)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    bool chroma = (plane == 1 || plane == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
    *width = chroma ? AV_CEIL_RSHIFT(f->width, d->log2_chroma_w) : f->width;
    *height = chroma ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height;
}

static int depth_of(const AVFrame *f)
{
    return av_pix_fmt_desc_get(f->format)->comp[0].depth;
}

static int sample(const AVFrame *f, int plane, int x, int y)
{
    const uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    return depth_of(f) > 8 ? ((const uint16_t *)(const void *)row)[x] : row[x];
}

static void put(AVFrame *f, int plane, int x, int y, int value)
{
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    if (depth_of(f) > 8)
        ((uint16_t *)(void *)row)[x] = (uint16_t)value;
    else
        row[x] = (uint8_t)value;
}

// A slope that moves, with noise on it, whose fields differ. The same frame for the same number.
static AVFrame *picture(const struct ta_format *fmt, int64_t number, enum ta_scan_type scan)
{
    AVFrame *f = av_frame_alloc();
    f->format = fmt->pix_fmt;
    f->width = fmt->width;
    f->height = fmt->height;
    assert_true(av_frame_get_buffer(f, 0) >= 0);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    uint32_t seed = (uint32_t)number * 2654435761u + 1;
    for (int p = 0; p < av_pix_fmt_count_planes(f->format); p++) {
        int w, h;
        plane_size(f, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                seed = seed * 1664525u + 1013904223u;
                int value = 40 + ((x * 3 + y * 2 + (int)number * 14 + (y & 1) * 7) & 127) + (int)(seed >> 29);
                put(f, p, x, y, value << (d->comp[0].depth - 8));
            }
    }
    ta_frame_set_interlaced(f, scan != TA_SCAN_PROGRESSIVE, scan == TA_SCAN_TFF);
    f->pts = number;
    f->color_range = fmt->range;
    return f;
}

static uint64_t sum_of(const AVFrame *f)
{
    uint64_t sum = 14695981039346656037u;
    for (int p = 0; p < av_pix_fmt_count_planes(f->format); p++) {
        int w, h;
        plane_size(f, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                sum = (sum ^ (uint64_t)sample(f, p, x, y)) * 1099511628211u;
    }
    return sum;
}

// What came out of a chain.
enum { MAX_OUT = 256 };
struct result {
    int count;
    int64_t pts[MAX_OUT];
    uint64_t sums[MAX_OUT];
    bool interlaced;
};

static void note(struct result *r, const AVFrame *f)
{
    assert_true(r->count < MAX_OUT);
    r->pts[r->count] = f->pts;
    r->sums[r->count++] = sum_of(f);
    r->interlaced |= ta_frame_is_interlaced(f);
}

static int take(void *receiver, AVFrame *f)
{
    note(receiver, f);
    av_frame_free(&f);
    return 0;
}

static void set(struct ta_stage_plan *p, const char *name, const char *value)
{
    assert_int_equal(ta_opt_set(ta_opt_find(p->info->options, name), p->opts, value, NULL, NULL), 0);
}

static enum ta_scan_type scan_of(char c)
{
    return c == 'P' ? TA_SCAN_PROGRESSIVE : c == 'T' ? TA_SCAN_TFF : TA_SCAN_BFF;
}

typedef AVFrame *maker(const struct ta_format *fmt, int64_t number, enum ta_scan_type scan);

// Frames first..end-1 of `scans` through one stage.
static void run_stage_on(maker *make, const struct ta_stage_plan *stage, const char *scans, int first,
                         int end, struct result *r)
{
    struct ta_chain *c = NULL;
    memset(r, 0, sizeof *r);
    assert_int_equal(ta_chain_create(&c, stage, 1, NULL), 0);
    for (int i = first; i < end; i++)
        assert_int_equal(ta_chain_push(c, make(&stage->in, i, scan_of(scans[i])), take, r), 0);
    assert_int_equal(ta_chain_push(c, NULL, take, r), 0);
    ta_chain_destroy(&c);
}

static void run_stage(const struct ta_stage_plan *stage, const char *scans, int first, int end,
                      struct result *r)
{
    run_stage_on(picture, stage, scans, first, end, r);
}

// All of `scans` through libavfilter.
static void run_libavfilter(maker *make, const char *text, const struct ta_format *in, const char *scans,
                            struct result *r)
{
    struct ta_graph *g = NULL;
    memset(r, 0, sizeof *r);
    assert_int_equal(ta_graph_create(&g, text, in, NULL, NULL), 0);
    for (int i = 0; i == 0 || scans[i - 1]; i++) {
        assert_int_equal(ta_graph_push(g, scans[i] ? make(in, i, scan_of(scans[i])) : NULL), 0);
        AVFrame *f = NULL;
        while (ta_graph_pull(g, &f) == 0 && f) {
            note(r, f);
            av_frame_free(&f);
        }
    }
    ta_graph_destroy(&g);
}

static void expect_same_result(const struct result *a, const struct result *b, const char *what)
{
    if (a->count != b->count || memcmp(a->pts, b->pts, sizeof a->pts) ||
        memcmp(a->sums, b->sums, sizeof a->sums))
        fail_msg("%s", what);
}

// ---- deinterlacing ----

static const char *const deinterlacers[] = {"deinterlace.bwdif", "deinterlace.yadif", "deinterlace.w3fdif"};
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
    for (size_t d = 0; d < TA_COUNT(deinterlacers); d++) {
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

// A native stage against the filter that it says it is.
static void same_in_all_sets(maker *make, const char *stage, const char *option, const char *value,
                             const struct ta_format *in, const char *scans)
{
    static const char *const cpus[] = {"none", "sse4.1", "avx2", "all"};
    struct ta_stage_plan p;
    struct result ours, theirs;
    ta_stage_plan_init(&p, ta_stage_find(stage), in);
    set(&p, option, value);
    assert_int_equal(ta_stage_plan_configure(&p, NULL), 0);
    char *text = ta_chain_text(&p, 1);
    run_libavfilter(make, text, in, scans, &theirs);
    assert_true(theirs.count > 0);
    for (size_t c = 0; c < TA_COUNT(cpus); c++) {
        unsigned mask;
        char what[200];
        assert_int_equal(ta_cpu_mask_from_name(cpus[c], &mask), 0);
        ta_cpu_mask(mask);
        run_stage_on(make, &p, scans, 0, (int)strlen(scans), &ours);
        snprintf(what, sizeof what, "%s, %s, %dx%d, %s, %s", cpus[c], av_get_pix_fmt_name(in->pix_fmt),
                 in->width, in->height, scans, text);
        expect_same_result(&ours, &theirs, what); // the last set is that of the machine
    }
    free(text);
    ta_stage_plan_release(&p);
}

// Our bwdif has libavfilter's bits, in all sets of instructions, formats and sizes.
static void bwdif_as_libavfilter(void **state)
{
    (void)state;
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
                same_in_all_sets(noise, "deinterlace.bwdif", "fields", "both", &in, orders[o]);
                same_in_all_sets(noise, "deinterlace.bwdif", "fields", "one", &in, orders[o]);
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
    (void)state;
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUV422P10,
                                                 AV_PIX_FMT_YUV420P12, AV_PIX_FMT_YUV444P16};
    static const int sizes[][2] = {{67, 32}, {38, 29}, {16, 3}, {1, 1}};
    static const char *const strengths[] = {"3:2:3:2", "4:3:6:4.5", "20:0.5:0:12", "0:3:6:0",
                                            "255:252:253:254"};
    for (size_t f = 0; f < TA_COUNT(formats); f++)
        for (size_t s = 0; s < TA_COUNT(sizes); s++)
            for (size_t k = 0; k < TA_COUNT(strengths); k++) {
                struct ta_format in = format(formats[f], sizes[s][0], sizes[s][1], TA_SCAN_PROGRESSIVE);
                same_in_all_sets(inner_noise, "denoise.hqdn3d", "strength", strengths[k], &in, "PPPP");
                same_in_all_sets(picture, "denoise.hqdn3d", "strength", strengths[k], &in, "PPPP");
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
    static const char *const names[] = {"crop.crop",         "mask.mask",          "deinterlace.bwdif",
                                        "deinterlace.yadif", "deinterlace.w3fdif", "deblock.weak",
                                        "deblock.strong",    "sharpen.cas",        "denoise.nlmeans",
                                        "denoise.hqdn3d",    "colour.grade"};
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
                    err = ta_chain_create(&c, &plan, 1, said.log);
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
        cmocka_unit_test(changing_scan_types),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(as_libavfilter),
        cmocka_unit_test(bwdif_as_libavfilter),
        cmocka_unit_test(hqdn3d_as_libavfilter),
        cmocka_unit_test(hqdn3d_of_nothing),
        cmocka_unit_test(very_short),
        cmocka_unit_test(every_format),
        cmocka_unit_test(nlmeans_by_definition),
        cmocka_unit_test(nlmeans_as_libavfilter),
        cmocka_unit_test(crop_as_libavfilter),
        cmocka_unit_test(crop_refuses),
        cmocka_unit_test(crop_follows_rotation),
        cmocka_unit_test(mask_by_reference),
        cmocka_unit_test(mask_of_odd_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
