// Pictures for stages, and what comes out of them. Include after cmocka.h.
#ifndef TA_TESTS_UNIT_STAGES_KIT_H
#define TA_TESTS_UNIT_STAGES_KIT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static inline struct ta_format format(enum AVPixelFormat p, int width, int height, enum ta_scan_type scan)
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

static inline void plane_size(const AVFrame *f, int plane, int *width, int *height)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    bool chroma = (plane == 1 || plane == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
    *width = chroma ? AV_CEIL_RSHIFT(f->width, d->log2_chroma_w) : f->width;
    *height = chroma ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height;
}

static inline int depth_of(const AVFrame *f)
{
    return av_pix_fmt_desc_get(f->format)->comp[0].depth;
}

static inline int sample(const AVFrame *f, int plane, int x, int y)
{
    const uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    return depth_of(f) > 8 ? ((const uint16_t *)(const void *)row)[x] : row[x];
}

static inline void put(AVFrame *f, int plane, int x, int y, int value)
{
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    if (depth_of(f) > 8)
        ((uint16_t *)(void *)row)[x] = (uint16_t)value;
    else
        row[x] = (uint8_t)value;
}

// A slope that moves, with noise on it, whose fields differ. The same frame for the same number.
static inline AVFrame *picture(const struct ta_format *fmt, int64_t number, enum ta_scan_type scan)
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

static inline uint64_t sum_of(const AVFrame *f)
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

static inline void note(struct result *r, const AVFrame *f)
{
    assert_true(r->count < MAX_OUT);
    r->pts[r->count] = f->pts;
    r->sums[r->count++] = sum_of(f);
    r->interlaced |= ta_frame_is_interlaced(f);
}

static inline int take(void *receiver, AVFrame *f)
{
    note(receiver, f);
    av_frame_free(&f);
    return 0;
}

static inline void set(struct ta_stage_plan *p, const char *name, const char *value)
{
    assert_int_equal(ta_opt_set(ta_opt_find(p->info->options, name), p->opts, value, NULL, NULL), 0);
}

static inline enum ta_scan_type scan_of(char c)
{
    return c == 'P' ? TA_SCAN_PROGRESSIVE : c == 'T' ? TA_SCAN_TFF : TA_SCAN_BFF;
}

typedef AVFrame *maker(const struct ta_format *fmt, int64_t number, enum ta_scan_type scan);

// Frames first..end-1 of `scans` through one stage.
static inline void run_stage_on(maker *make, const struct ta_stage_plan *stage, const char *scans, int first,
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

static inline void run_stage(const struct ta_stage_plan *stage, const char *scans, int first, int end,
                             struct result *r)
{
    run_stage_on(picture, stage, scans, first, end, r);
}

// All of `scans` through libavfilter.
static inline void run_libavfilter(maker *make, const char *text, const struct ta_format *in,
                                   const char *scans, struct result *r)
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

static inline void expect_same_result(const struct result *a, const struct result *b, const char *what)
{
    if (a->count != b->count || memcmp(a->pts, b->pts, sizeof a->pts) ||
        memcmp(a->sums, b->sums, sizeof a->sums))
        fail_msg("%s", what);
}

#endif
