// Grading's reference in double precision, and the settings that are tried. Include after cmocka.h.
#ifndef TA_TESTS_UNIT_GRADE_KIT_H
#define TA_TESTS_UNIT_GRADE_KIT_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <libavutil/pixdesc.h>
#include "base/cpu.h"
#include "base/mem.h"
#include "media/av.h"
#include "video/grade.h"
#include "video/siting.h"

// ---- pictures ----

static inline struct ta_format format(enum AVPixelFormat p, int width, int height)
{
    return (struct ta_format){
        .pix_fmt = p,
        .width = width,
        .height = height,
        .sar = {1, 1},
        .matrix = AVCOL_SPC_SMPTE170M,
        .range = AVCOL_RANGE_MPEG,
        .chroma_location = AVCHROMA_LOC_LEFT,
    };
}

static inline void plane_size(const AVFrame *f, int plane, int *width, int *height)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    *width = plane ? AV_CEIL_RSHIFT(f->width, d->log2_chroma_w) : f->width;
    *height = plane ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height;
}

static inline int sample(const AVFrame *f, int plane, int x, int y)
{
    const uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    return av_pix_fmt_desc_get(f->format)->comp[0].depth > 8 ? ((const uint16_t *)(const void *)row)[x]
                                                             : row[x];
}

static inline void put(AVFrame *f, int plane, int x, int y, int value)
{
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    if (av_pix_fmt_desc_get(f->format)->comp[0].depth > 8)
        ((uint16_t *)(void *)row)[x] = (uint16_t)value;
    else
        row[x] = (uint8_t)value;
}

static inline AVFrame *frame(const struct ta_format *f)
{
    AVFrame *a = av_frame_alloc();
    a->format = f->pix_fmt;
    a->width = f->width;
    a->height = f->height;
    assert_true(av_frame_get_buffer(a, 0) >= 0);
    ta_frame_set_interlaced(a, f->scan != TA_SCAN_PROGRESSIVE, true);
    return a;
}

static unsigned seed = 7;

static inline int random_below(int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((uint64_t)(seed >> 8) * (unsigned)n >> 24);
}

static inline void fill_noise(AVFrame *f)
{
    int max = (1 << av_pix_fmt_desc_get(f->format)->comp[0].depth) - 1;
    for (int p = 0; p < 3; p++) {
        int w, h;
        plane_size(f, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int kind = random_below(16);
                put(f, p, x, y, kind == 0 ? 0 : kind == 1 ? max : random_below(max + 1));
            }
    }
}

static inline AVFrame *grade(const struct ta_format *f, const struct ta_grade_settings *s, const AVFrame *in)
{
    struct ta_grade *g = NULL;
    AVFrame *out = frame(f);
    assert_int_equal(ta_grade_create(&g, s, f), 0);
    for (int p = 0; p < 3; p++)
        memset(out->data[p], 0xa5, (size_t)out->linesize[p]);
    for (int p = 0; p < 3; p++)
        if (p ? ta_grade_keeps_chroma(g) : ta_grade_keeps_luma(g)) {
            int w, h;
            plane_size(in, p, &w, &h);
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++)
                    put(out, p, x, y, sample(in, p, x, y));
        }
    ta_grade_run(g, in, out);
    ta_grade_destroy(&g);
    return out;
}

// ---- the reference ----

struct ref {
    const struct ta_format *f;
    const struct ta_grade_settings *s;
    const AVFrame *in;
    int field;     // -1: the frame
    double kr, kb; // shares in luma
    double y0, y1, c0, c1;
};

static inline double ref_bend(double x, double gamma)
{
    return gamma == 1 || x <= 0 ? x
           : x <= 1.0 / 1024    ? x * 1024 * pow(1.0 / 1024, 1 / gamma)
                                : pow(x, 1 / gamma);
}

static inline int clamp(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

// A sample of the picture or field.
static inline double ref_sample(const struct ref *r, int plane, int x, int y)
{
    int w, h;
    plane_size(r->in, plane, &w, &h);
    if (r->field >= 0) {
        h = (h + 1 - r->field) / 2;
        return sample(r->in, plane, clamp(x, w), 2 * clamp(y, h) + r->field);
    }
    return sample(r->in, plane, clamp(x, w), clamp(y, h));
}

static inline void offsets(const struct ref *r, double *x, double *y)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(r->f->pix_fmt);
    double last_x = (1 << d->log2_chroma_w) - 1, last_y = (1 << d->log2_chroma_h) - 1;
    enum AVChromaLocation l = r->f->chroma_location;
    *x = l == AVCHROMA_LOC_CENTER || l == AVCHROMA_LOC_TOP || l == AVCHROMA_LOC_BOTTOM ? last_x / 2 : 0;
    *y = l == AVCHROMA_LOC_TOPLEFT || l == AVCHROMA_LOC_TOP         ? 0
         : l == AVCHROMA_LOC_BOTTOMLEFT || l == AVCHROMA_LOC_BOTTOM ? last_y
         : r->field < 0                                             ? last_y / 2
         : r->field == 0                                            ? last_y / 4
                                                                    : last_y * 3 / 4;
}

static inline double ref_chroma(const struct ref *r, int plane, int x, int y)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(r->f->pix_fmt);
    double ox, oy;
    offsets(r, &ox, &oy);
    double px = (x - ox) / (1 << d->log2_chroma_w), py = (y - oy) / (1 << d->log2_chroma_h);
    int ix = (int)floor(px), iy = (int)floor(py);
    double fx = px - ix, fy = py - iy;
    return (1 - fy) * ((1 - fx) * ref_sample(r, plane, ix, iy) + fx * ref_sample(r, plane, ix + 1, iy)) +
           fy * ((1 - fx) * ref_sample(r, plane, ix, iy + 1) + fx * ref_sample(r, plane, ix + 1, iy + 1));
}

static inline void ref_matrix(const struct ref *r, const double yuv[3], double rgb[3])
{
    double kg = 1 - r->kr - r->kb;
    rgb[0] = yuv[0] + 2 * (1 - r->kr) * yuv[2];
    rgb[2] = yuv[0] + 2 * (1 - r->kb) * yuv[1];
    rgb[1] = (yuv[0] - r->kr * rgb[0] - r->kb * rgb[2]) / kg;
}

static inline void ref_back(const struct ref *r, const double rgb[3], double yuv[3])
{
    yuv[0] = r->kr * rgb[0] + (1 - r->kr - r->kb) * rgb[1] + r->kb * rgb[2];
    yuv[1] = (rgb[2] - yuv[0]) / (2 * (1 - r->kb));
    yuv[2] = (rgb[0] - yuv[0]) / (2 * (1 - r->kr));
}

static inline void ref_turn(const struct ta_grade_settings *s, double yuv[3])
{
    double a = s->hue * acos(-1) / 180, u = yuv[1], v = yuv[2];
    yuv[1] = s->saturation * (u * cos(a) - v * sin(a));
    yuv[2] = s->saturation * (u * sin(a) + v * cos(a));
}

static inline double node(const struct ta_cube *c, const int at[3], int k)
{
    return (double)c->rows[3 * (at[0] + c->size * (at[1] + c->size * at[2])) + k];
}

// The walk from the corner below to the one above, along the largest fraction first.
static inline void ref_lut3(const struct ta_cube *c, const double in[3], double out[3])
{
    int at[3], order[3] = {0, 1, 2};
    double f[3];
    for (int k = 0; k < 3; k++) {
        double x = (in[k] - c->domain_min[k]) / (c->domain_max[k] - c->domain_min[k]) * (c->size - 1);
        at[k] = clamp((int)floor(x), c->size - 1);
        f[k] = x - at[k];
    }
    for (int i = 0; i < 3; i++)
        for (int j = i + 1; j < 3; j++)
            if (f[order[j]] > f[order[i]]) {
                int t = order[i];
                order[i] = order[j];
                order[j] = t;
            }
    for (int k = 0; k < 3; k++)
        out[k] = node(c, at, k);
    for (int i = 0; i < 3; i++) {
        int next[3] = {at[0], at[1], at[2]};
        next[order[i]]++;
        for (int k = 0; k < 3; k++)
            out[k] += f[order[i]] * (node(c, next, k) - node(c, at, k));
        memcpy(at, next, sizeof at);
    }
}

static inline void ref_cube(const struct ta_grade_settings *s, double rgb[3])
{
    const struct ta_cube *c = s->cube;
    double in[3], out[3];
    if (!c || s->strength == 0)
        return;
    for (int k = 0; k < 3; k++)
        in[k] = fmin(fmax(rgb[k], c->domain_min[k]), c->domain_max[k]);
    if (c->curves)
        for (int k = 0; k < 3; k++) {
            double x = (in[k] - c->domain_min[k]) / (c->domain_max[k] - c->domain_min[k]) * (c->size - 1);
            int i = clamp((int)floor(x), c->size - 1);
            double a = (double)c->rows[3 * i + k], b = (double)c->rows[3 * (i + 1) + k];
            out[k] = a + (x - i) * (b - a);
        }
    else
        ref_lut3(c, in, out);
    for (int k = 0; k < 3; k++)
        rgb[k] = s->strength * out[k] + (1 - s->strength) * in[k] + (rgb[k] - in[k]);
}

// One picture element at full resolution; out in samples, not rounded.
static inline void ref_pixel(const struct ref *r, int x, int y, double out[3])
{
    const struct ta_grade_settings *s = r->s;
    double stretch = 1 / (s->white - s->black), yuv[3], rgb[3];
    double luma = ((ref_sample(r, 0, x, y) - r->y0) / r->y1 - s->black) * stretch;
    luma = (ref_bend(luma, s->mid) - 0.5) * s->contrast + 0.5 + s->brightness;
    yuv[0] = ref_bend(luma, s->gamma);
    for (int k = 1; k < 3; k++)
        yuv[k] = (ref_chroma(r, k, x, y) - r->c0) / r->c1 * stretch;
    if (ta_grade_needs_rgb(s)) {
        ref_matrix(r, yuv, rgb);
        for (int k = 0; k < 3; k++)
            rgb[k] *= s->gain[k];
        ref_back(r, rgb, yuv);
        ref_turn(s, yuv);
        ref_matrix(r, yuv, rgb);
        for (int k = 0; k < 3; k++)
            rgb[k] = ref_bend(rgb[k], s->rgb_gamma[k]);
        ref_cube(s, rgb);
        ref_back(r, rgb, yuv);
    } else {
        ref_turn(s, yuv);
    }
    out[0] = r->y0 + r->y1 * yuv[0];
    out[1] = r->c0 + r->c1 * yuv[1];
    out[2] = r->c0 + r->c1 * yuv[2];
}

static inline double ref_down(const struct ref *r, int plane, int i, int j, int full_w, int full_h)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(r->f->pix_fmt);
    struct ta_siting sx, sy;
    double ox, oy, sum = 0, out[3];
    offsets(r, &ox, &oy);
    ta_siting_init(&sx, 1 << d->log2_chroma_w, ox); // its taps: test_siting.c
    ta_siting_init(&sy, 1 << d->log2_chroma_h, oy);
    for (int b = 0; b < sy.taps; b++)
        for (int a = 0; a < sx.taps; a++) {
            ref_pixel(r, clamp(i * sx.ratio + sx.first + a, full_w),
                      clamp(j * sy.ratio + sy.first + b, full_h), out);
            sum += (double)sx.back[a] * (double)sy.back[b] * out[plane];
        }
    return sum;
}

static inline struct ref reference(const struct ta_format *f, const struct ta_grade_settings *s,
                                   const AVFrame *in, int field)
{
    struct ref r = {.f = f, .s = s, .in = in, .field = field};
    int depth = ta_format_depth(f);
    double unit = 1 << (depth - 8), all = (1 << depth) - 1;
    bool full = f->range == AVCOL_RANGE_JPEG;
    r.y0 = full ? 0 : 16 * unit;
    r.y1 = full ? all : 219 * unit;
    r.c0 = 128 * unit;
    r.c1 = full ? all : 224 * unit;
    switch (f->matrix) {
    case AVCOL_SPC_BT709:
        r.kr = 0.2126, r.kb = 0.0722;
        break;
    case AVCOL_SPC_BT2020_NCL:
        r.kr = 0.2627, r.kb = 0.0593;
        break;
    case AVCOL_SPC_SMPTE240M:
        r.kr = 0.212, r.kb = 0.087;
        break;
    default:
        r.kr = 0.299, r.kb = 0.114;
    }
    return r;
}

// Every sample within half a code of the reference but for `slack`: so within one code of its rounding.
static inline void check(const char *what, const struct ta_format *f, const struct ta_grade_settings *s)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    AVFrame *in = frame(f);
    fill_noise(in);
    AVFrame *out = grade(f, s, in);
    int max = (1 << ta_format_depth(f)) - 1;
    double slack = ta_format_depth(f) > 12 ? 0.3 : 0.02;
    bool rgb = ta_grade_needs_rgb(s), fields = f->scan != TA_SCAN_PROGRESSIVE && d->log2_chroma_h && rgb;
    for (int field = fields ? 0 : -1; field < (fields ? 2 : 0); field++) {
        struct ref r = reference(f, s, in, field);
        for (int p = 0; p < 3; p++) {
            int w, h, cw, ch;
            plane_size(in, p, &w, &h);
            plane_size(in, 1, &cw, &ch);
            if (fields) {
                h = (h + 1 - field) / 2;
                ch = (ch + 1 - field) / 2;
            }
            int full_h = TA_MAX(ch << d->log2_chroma_h, fields ? (f->height + 1 - field) / 2 : f->height);
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    double v[3];
                    if (p && rgb) {
                        v[p] = ref_down(&r, p, x, y, cw << d->log2_chroma_w, full_h);
                    } else if (p) {
                        struct ref flat = r;
                        double stretch = 1 / (s->white - s->black);
                        double yuv[3] = {0, (ref_sample(&flat, 1, x, y) - r.c0) / r.c1 * stretch,
                                         (ref_sample(&flat, 2, x, y) - r.c0) / r.c1 * stretch};
                        ref_turn(s, yuv);
                        v[p] = r.c0 + r.c1 * yuv[p];
                    } else {
                        ref_pixel(&r, x, y, v);
                    }
                    double ideal = fmin(fmax(v[p], 0), max);
                    int got = sample(out, p, x, fields ? 2 * y + field : y);
                    if (fabs(got - ideal) > 0.5 + slack)
                        fail_msg(
                            "%s, %s matrix %d range %d location %d field %d: plane %d at %d,%d is %d instead "
                            "of %.3f",
                            what, d->name, f->matrix, f->range, f->chroma_location, field, p, x, y, got,
                            ideal);
                }
        }
    }
    av_frame_free(&in);
    av_frame_free(&out);
}

// ---- settings ----

static struct ta_cube make_cube(bool curves, int size, double (*value)(int channel, const double in[3]))
{
    struct ta_cube c = {.curves = curves, .size = size, .domain_max = {1, 1, 1}};
    c.row_count = curves ? (size_t)size : (size_t)size * (size_t)size * (size_t)size;
    c.rows = ta_xcalloc(c.row_count, 3 * sizeof *c.rows);
    for (size_t n = 0; n < c.row_count; n++) {
        size_t s = (size_t)size;
        double in[3] = {(double)(n % s), (double)(curves ? n : n / s % s), (double)(curves ? n : n / s / s)};
        for (int k = 0; k < 3; k++)
            in[k] /= size - 1;
        for (int k = 0; k < 3; k++)
            c.rows[3 * n + (size_t)k] = (float)value(k, in);
    }
    return c;
}

static inline double identity(int channel, const double in[3])
{
    return in[channel];
}

static inline double wild(int channel, const double in[3])
{
    return 0.5 + 0.4 * sin(9 * in[channel] + 4 * in[(channel + 1) % 3]) - 0.3 * in[(channel + 2) % 3];
}

static inline double mild(int channel, const double in[3])
{
    return 0.05 + 0.8 * in[channel] * in[channel] + 0.1 * in[(channel + 1) % 3];
}

enum { SETTINGS = 9 };
static struct ta_cube cubes[3];

static inline struct ta_grade_settings settings(int n, const char **name)
{
    static const char *const names[SETTINGS] = {"tone", "levels",   "chroma", "all of YUV", "white balance",
                                                "LUT",  "channels", "curves", "everything"};
    struct ta_grade_settings s = ta_grade_neutral;
    *name = names[n];
    bool all = n == 8;
    if (n == 0 || n == 3 || all) {
        s.contrast = 1.3;
        s.brightness = 0.04;
        s.gamma = 1.2;
    }
    if (n == 1 || n == 3 || all) {
        s.black = 0.05;
        s.white = 1.05;
        s.mid = all ? 1.1 : 1;
    }
    if (n == 2 || n == 3 || all) {
        s.saturation = 1.2;
        s.hue = -11;
    }
    if (n == 4 || all) {
        s.gain[0] = 1.1;
        s.gain[2] = 0.85;
        s.brightness = all ? 0.04 : 0.02;
    }
    if (n == 6 || all) {
        s.rgb_gamma[0] = 1.15;
        s.rgb_gamma[1] = 0.9;
    }
    if (n == 5 || n == 7 || all) {
        s.cube = n == 7 ? &cubes[2] : all ? &cubes[1] : &cubes[0];
        s.strength = n == 5 ? 1 : 0.6;
    }
    return s;
}

static inline int create_cubes(void **state)
{
    (void)state;
    cubes[0] = make_cube(false, 5, wild);
    cubes[1] = make_cube(false, 9, mild);
    cubes[1].domain_min[0] = -0.2;
    cubes[1].domain_max[2] = 1.5;
    cubes[2] = make_cube(true, 33, mild);
    return 0;
}

static inline int release_cubes(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        ta_cube_release(&cubes[i]);
    return 0;
}

// ---- tests ----

static const enum AVPixelFormat formats[] = {
    AV_PIX_FMT_YUV420P,   AV_PIX_FMT_YUV422P,   AV_PIX_FMT_YUV444P,   AV_PIX_FMT_YUV411P,
    AV_PIX_FMT_YUV440P,   AV_PIX_FMT_YUV410P,   AV_PIX_FMT_YUV420P9,  AV_PIX_FMT_YUV420P10,
    AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P10, AV_PIX_FMT_YUV422P12, AV_PIX_FMT_YUV420P14,
    AV_PIX_FMT_YUV420P16, AV_PIX_FMT_YUV444P16,
};

#endif
