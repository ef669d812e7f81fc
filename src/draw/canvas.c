#include "draw/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

enum { PHASES = 4, LANES = 16 };

enum row_kind { ROW_EMPTY, ROW_MIXED, ROW_SOLID };

struct phase {
    uint8_t *y, *cb, *cr;      // width, width / 2, width / 2 samples a row
    uint8_t *alpha, *alpha_uv; // coverage of the luma and chroma samples
};

struct ta_layer {
    int width, height;
    bool wraps;
    struct phase phase[PHASES];
    uint8_t *rows;   // enum row_kind
    uint8_t *memory; // all of the above
};

void ta_colour_codes(struct ta_rgba c, float out[3])
{
    float luma = 0.299f * c.r + 0.587f * c.g + 0.114f * c.b;
    out[0] = 16 + 219 * luma;
    out[1] = 128 + 224 * (c.b - luma) / 1.772f;
    out[2] = 128 + 224 * (c.r - luma) / 1.402f;
}

static uint8_t to_code(float v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5f);
}

// Premultiplied luma, chroma and coverage of a point.
struct sample {
    float y, cb, cr, a;
};

static struct sample sample_of(struct ta_rgba c)
{
    float code[3];
    ta_colour_codes(c, code);
    return (struct sample){code[0] * c.a, code[1] * c.a, code[2] * c.a, c.a};
}

static struct sample sum_of(const struct sample *s, int count)
{
    struct sample sum = {0, 0, 0, 0};
    for (int i = 0; i < count; i++) {
        sum.y += s[i].y;
        sum.cb += s[i].cb;
        sum.cr += s[i].cr;
        sum.a += s[i].a;
    }
    return sum;
}

// Samples every half pixel along a line.
static void sample_row(struct sample *out, const struct ta_layer *l, float y, ta_shader_fn shader,
                       const void *priv, float unit_x)
{
    for (int i = 0; i < 2 * l->width; i++)
        out[i] = sample_of(shader(priv, ((float)i + 0.5f) * 0.5f * unit_x, y));
}

// A line of the layer at one phase from samples `s`, of which sample i lies at (i + 0.5) / 2 pixels: the
// layer is shifted right by phase / 2 pixels.
static void store_row(struct ta_layer *l, int phase, int row, const struct sample *s)
{
    struct phase *p = &l->phase[phase];
    int count = 2 * l->width;
    for (int x = 0; x < l->width; x += 2) {
        struct sample four[4];
        for (int i = 0; i < 4; i++) {
            int from = 2 * x + i - phase;
            if (l->wraps)
                from = (from + count) % count;
            four[i] = from < 0 || from >= count ? (struct sample){0, 0, 0, 0} : s[from];
        }
        ptrdiff_t at = (ptrdiff_t)row * l->width + x, at_uv = at / 2;
        for (int i = 0; i < 2; i++) {
            struct sample v = sum_of(four + 2 * i, 2);
            p->y[at + i] = v.a > 0 ? to_code(v.y / v.a) : 16;
            p->alpha[at + i] = to_code(v.a * 127.5f);
        }
        struct sample v = sum_of(four, 4);
        p->cb[at_uv] = v.a > 0 ? to_code(v.cb / v.a) : 128;
        p->cr[at_uv] = v.a > 0 ? to_code(v.cr / v.a) : 128;
        p->alpha_uv[at_uv] = to_code(v.a * 63.75f);
    }
}

static enum row_kind kind_of(const struct ta_layer *l, int row)
{
    bool empty = true, solid = true;
    for (int p = 0; p < PHASES; p++) {
        const uint8_t *alpha = l->phase[p].alpha + (ptrdiff_t)row * l->width;
        for (int x = 0; x < l->width; x++) {
            empty = empty && alpha[x] == 0;
            solid = solid && alpha[x] == 255;
        }
    }
    return empty ? ROW_EMPTY : solid ? ROW_SOLID : ROW_MIXED;
}

struct ta_layer *ta_layer_create(int width, int height, int canvas_height, bool wraps, ta_shader_fn shader,
                                 const void *priv)
{
    struct ta_layer *l = ta_xcalloc(1, sizeof(*l));
    size_t luma = (size_t)width * (size_t)height;
    l->width = width;
    l->height = height;
    l->wraps = wraps;
    l->memory = ta_xcalloc(PHASES * luma * 7 / 2 + (size_t)height, 1);
    uint8_t *next = l->memory;
    for (int p = 0; p < PHASES; p++) {
        l->phase[p] = (struct phase){next, next + luma, next + luma * 3 / 2, next + luma * 2,
                                     next + luma * 3};
        next += luma * 7 / 2;
    }
    l->rows = next;

    // Each line is a weighted sum of three: a camera's beam is wider than a line.
    const float weight[3] = {0.25f, 0.5f, 0.25f};
    float unit_x = TA_CANVAS_UNITS_X / 720.0f, unit_y = TA_CANVAS_UNITS_Y / (float)canvas_height;
    ptrdiff_t samples = (ptrdiff_t)width * 2;
    struct sample *ring = ta_xcalloc((size_t)samples * 4, sizeof(*ring)), *line = ring + samples * 3;
    for (int below = -1; below <= height; below++) {
        sample_row(ring + (below + 3) % 3 * samples, l, ((float)below + 0.5f) * unit_y, shader, priv, unit_x);
        int row = below - 1;
        if (row < 0)
            continue;
        for (int x = 0; x < samples; x++) {
            struct sample v = {0, 0, 0, 0};
            for (int k = 0; k < 3; k++) {
                const struct sample *s = &ring[(row + k + 2) % 3 * samples + x];
                v = (struct sample){v.y + weight[k] * s->y, v.cb + weight[k] * s->cb,
                                    v.cr + weight[k] * s->cr, v.a + weight[k] * s->a};
            }
            line[x] = v;
        }
        for (int p = 0; p < PHASES; p++)
            store_row(l, p, row, line);
        l->rows[row] = (uint8_t)kind_of(l, row);
    }
    free(ring);
    return l;
}

void ta_layer_destroy(struct ta_layer **l)
{
    if (!*l)
        return;
    free((*l)->memory);
    ta_freep(l);
}

static inline uint8_t blend(int below, int above, int alpha)
{
    int a = alpha + (alpha >> 7); // 0..256
    return (uint8_t)((below * (256 - a) + above * a + 128) >> 8);
}

static void blend_run(uint8_t *restrict dst, const uint8_t *restrict src, const uint8_t *restrict alpha,
                      int count)
{
    int i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            dst[i + k] = blend(dst[i + k], src[i + k], alpha[i + k]);
    for (; i < count; i++)
        dst[i] = blend(dst[i], src[i], alpha[i]);
}

// `count` samples of all planes from layer pixel `from` to canvas pixel `to`; all even.
static void draw_run(struct ta_canvas *c, const struct ta_layer *l, const struct phase *p, int row, int line,
                     int from, int to, int count)
{
    ptrdiff_t at = (ptrdiff_t)row * l->width + from;
    uint8_t *y = c->plane[0] + line * c->stride[0] + to;
    uint8_t *cb = c->plane[1] + line * c->stride[1] + to / 2,
            *cr = c->plane[2] + line * c->stride[2] + to / 2;
    if (l->rows[row] == ROW_SOLID) {
        memcpy(y, p->y + at, (size_t)count);
        memcpy(cb, p->cb + at / 2, (size_t)count / 2);
        memcpy(cr, p->cr + at / 2, (size_t)count / 2);
    } else {
        blend_run(y, p->y + at, p->alpha + at, count);
        blend_run(cb, p->cb + at / 2, p->alpha_uv + at / 2, count / 2);
        blend_run(cr, p->cr + at / 2, p->alpha_uv + at / 2, count / 2);
    }
}

static int first_line(const struct ta_canvas *c, int from)
{
    int line = from < c->first ? c->first : from;
    return line + (c->step - (line - c->first) % c->step) % c->step;
}

void ta_canvas_layer(struct ta_canvas *c, const struct ta_layer *l, int64_t x_half, int y)
{
    int phase = (int)((x_half % PHASES + PHASES) % PHASES);
    int64_t left = (x_half - phase) / 2; // even pixel
    const struct phase *p = &l->phase[phase];
    if (l->wraps) {
        left %= l->width;
        left -= left > 0 ? l->width : 0;
    }
    for (int line = first_line(c, y); line < y + l->height && line < c->height; line += c->step) {
        int row = line - y;
        if (l->rows[row] == ROW_EMPTY)
            continue;
        for (int64_t x = left; x < c->width; x += l->width) {
            int from = x < 0 ? (int)-x : 0, to = (int)(x + from);
            int count = TA_MIN(l->width - from, c->width - to);
            if (count > 0)
                draw_run(c, l, p, row, line, from, to, count);
            if (!l->wraps)
                break;
        }
    }
}

void ta_canvas_shape(struct ta_canvas *c, float x0, float y0, float x1, float y1, ta_shader_fn shader,
                     const void *priv)
{
    float unit_x = TA_CANVAS_UNITS_X / (float)c->width, unit_y = TA_CANVAS_UNITS_Y / (float)c->height;
    int left = (int)floorf(x0 / unit_x) & ~1, right = (int)ceilf(x1 / unit_x), top = (int)floorf(y0 / unit_y),
        bottom = (int)ceilf(y1 / unit_y);
    left = TA_MAX(left, 0);
    right = TA_MIN(right, c->width - 1);
    for (int line = first_line(c, TA_MAX(top, 0)); line <= bottom && line < c->height; line += c->step) {
        float y = ((float)line + 0.5f) * unit_y;
        uint8_t *luma = c->plane[0] + line * c->stride[0], *cb = c->plane[1] + line * c->stride[1],
                *cr = c->plane[2] + line * c->stride[2];
        for (int x = left; x <= right; x += 2) {
            struct sample two[2];
            for (int i = 0; i < 2; i++) {
                two[i] = sample_of(shader(priv, ((float)(x + i) + 0.5f) * unit_x, y));
                if (two[i].a > 0)
                    luma[x + i] = to_code(luma[x + i] * (1 - two[i].a) + two[i].y);
            }
            struct sample v = sum_of(two, 2);
            if (v.a > 0) {
                cb[x / 2] = to_code(cb[x / 2] * (1 - v.a / 2) + v.cb / 2);
                cr[x / 2] = to_code(cr[x / 2] * (1 - v.a / 2) + v.cr / 2);
            }
        }
    }
}

void ta_canvas_mask(struct ta_canvas *c, int x, int y, const uint8_t *mask, ptrdiff_t mask_stride, int width,
                    int height, struct ta_rgba colour, int opacity)
{
    float code[3];
    ta_colour_codes(colour, code);
    int luma = to_code(code[0]), cb = to_code(code[1]), cr = to_code(code[2]);
    for (int line = first_line(c, TA_MAX(y, 0)); line < y + height && line < c->height; line += c->step) {
        const uint8_t *m = mask + (line - y) * mask_stride;
        uint8_t *dst = c->plane[0] + line * c->stride[0], *u = c->plane[1] + line * c->stride[1],
                *v = c->plane[2] + line * c->stride[2];
        for (int i = x < 0 ? (-x + 1) & ~1 : 0; i + 1 < width && x + i + 1 < c->width; i += 2) {
            if (!m[i] && !m[i + 1])
                continue;
            int at = x + i;
            dst[at] = blend(dst[at], luma, m[i] * opacity >> 8);
            dst[at + 1] = blend(dst[at + 1], luma, m[i + 1] * opacity >> 8);
            u[at / 2] = blend(u[at / 2], cb, (m[i] + m[i + 1]) * opacity >> 9);
            v[at / 2] = blend(v[at / 2], cr, (m[i] + m[i + 1]) * opacity >> 9);
        }
    }
}
