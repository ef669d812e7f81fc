// Running a grade on a frame.
#include <string.h>

#include "base/mem.h"
#include "media/av.h"
#include "video/grade_parts.h"

// A frame, or one field of it.
struct picture {
    const uint8_t *src[3];
    uint8_t *dst[3];
    ptrdiff_t src_stride[3], dst_stride[3];
    int height, chroma_height;
    const struct ta_siting *down;
};

static void widen(const struct ta_grade *g, float *dst, const uint8_t *row, int n)
{
    if (g->bytes == 1)
        g->dsp->widen8(dst, row, n);
    else
        g->dsp->widen16(dst, (const uint16_t *)(const void *)row, n);
}

static void pack(const struct ta_grade *g, uint8_t *row, const float *const src[], const float w[], int rows,
                 int n)
{
    if (g->bytes == 1)
        g->dsp->pack8(row, src, w, rows, n);
    else
        g->dsp->pack16((uint16_t *)(void *)row, src, w, rows, g->max, n);
}

// Repeats the first and the last value of a row.
static void extend(float *row, int n, int before, int total)
{
    for (int i = 1; i <= before; i++)
        row[-i] = row[0];
    for (int i = n; i < total; i++)
        row[i] = row[n - 1];
}

static int full_width(const struct ta_grade *g)
{
    return g->chroma_width * g->ratio_x;
}

static void load_luma(struct ta_grade *g, const struct picture *p, int y)
{
    const uint8_t *row = p->src[0] + TA_MIN(y, p->height - 1) * p->src_stride[0];
    if (!g->look)
        widen(g, g->full[0], row, g->width);
    else if (g->bytes == 1)
        g->dsp->look8(g->full[0], row, g->look, g->width);
    else
        g->dsp->look16(g->full[0], (const uint16_t *)(const void *)row, g->look, g->width);
    extend(g->full[0], g->width, 0, full_width(g));
}

// Row `j` of both chroma planes as floats, kept for the next lines.
static int chroma_line(struct ta_grade *g, const struct picture *p, int j)
{
    int slot = j & 1;
    if (g->line_of[slot] == j)
        return slot;
    g->line_of[slot] = j;
    for (int k = 0; k < 2; k++) {
        widen(g, g->line[k][slot], p->src[1 + k] + j * p->src_stride[1 + k], g->chroma_width);
        extend(g->line[k][slot], g->chroma_width, 1, g->chroma_width + 1);
    }
    return slot;
}

static int clamp(int i, int count)
{
    return i < 0 ? 0 : TA_MIN(i, count - 1);
}

static void load_chroma(struct ta_grade *g, const struct picture *p, int y)
{
    int phase = y % g->ratio_y, at = y / g->ratio_y + p->down->at[phase];
    int above = clamp(at, p->chroma_height), below = clamp(at + 1, p->chroma_height);
    float w = p->down->weight[phase];
    bool one = above == below || w == 1;
    int a = chroma_line(g, p, above), b = one ? a : chroma_line(g, p, below);
    for (int k = 0; k < 2; k++) {
        const float *row = g->line[k][a];
        if (!one) {
            g->dsp->blend(g->mixed[k], g->line[k][a], g->line[k][b], w, 1 - w, g->chroma_width);
            extend(g->mixed[k], g->chroma_width, 1, g->chroma_width + 1);
            row = g->mixed[k];
        }
        if (g->ratio_x == 1)
            memcpy(g->full[1 + k], row, (size_t)g->chroma_width * sizeof *row);
        else
            g->dsp->expand(g->full[1 + k], row, g->ratio_x, g->across.at, g->across.weight, g->chroma_width);
    }
}

static void run_steps(struct ta_grade *g)
{
    int n = full_width(g);
    for (int i = 0; i < g->step_count; i++) {
        const struct ta_grade_step *s = &g->steps[i];
        switch (s->kind) {
        case TA_GRADE_MATRIX:
            g->dsp->matrix(g->full, s->matrix, n);
            break;
        case TA_GRADE_POWER:
            for (int k = 0; k < 3; k++)
                if (g->exponents[k] != 1)
                    g->dsp->power(g->full[k], g->exponents[k], n);
            break;
        case TA_GRADE_LUT:
            g->dsp->lut(g->full, &g->lut, n);
            break;
        case TA_GRADE_CURVE:
            for (int k = 0; k < 3; k++)
                g->dsp->curve(g->full[k], &g->curves[k], n);
            break;
        }
    }
}

static void keep_chroma(struct ta_grade *g, int y)
{
    for (int k = 0; k < 2; k++) {
        float *row = g->full[1 + k], *kept = g->ring[k][y % TA_GRADE_RING];
        if (g->ratio_x == 1) {
            memcpy(kept, row, (size_t)g->chroma_width * sizeof *row);
            continue;
        }
        extend(row, full_width(g), TA_SITING_MAX_TAPS, full_width(g) + TA_SITING_MAX_TAPS);
        g->dsp->shrink(kept, row, g->ratio_x, g->across.first, g->across.back, g->across.taps,
                       g->chroma_width);
    }
}

static void store_chroma(struct ta_grade *g, const struct picture *p, int i, int rows)
{
    const struct ta_siting *d = p->down;
    for (int k = 0; k < 2; k++) {
        const float *src[TA_SITING_MAX_TAPS];
        for (int t = 0; t < d->taps; t++)
            src[t] = g->ring[k][clamp(i * d->ratio + d->first + t, rows) % TA_GRADE_RING];
        pack(g, p->dst[1 + k] + i * p->dst_stride[1 + k], src, d->back, d->taps, g->chroma_width);
    }
}

// Luma rows from top to bottom; a chroma row as soon as all luma rows that it is made of are done.
static void run_picture(struct ta_grade *g, const struct picture *p)
{
    static const float one = 1;
    const struct ta_siting *d = p->down;
    int rows = TA_MAX(p->chroma_height * d->ratio, p->height), next = 0;
    g->line_of[0] = g->line_of[1] = -1;
    for (int y = 0; y < rows; y++) {
        load_luma(g, p, y);
        load_chroma(g, p, y);
        run_steps(g);
        if (y < p->height)
            pack(g, p->dst[0] + y * p->dst_stride[0], (const float *const *)g->full, &one, 1, g->width);
        keep_chroma(g, y);
        while (next < p->chroma_height && (y == rows - 1 || y >= next * d->ratio + d->first + d->taps - 1))
            store_chroma(g, p, next++, rows);
    }
}

void ta_grade_run_rgb(struct ta_grade *g, const AVFrame *in, AVFrame *out)
{
    bool fields = g->ratio_y > 1 && g->chroma_height > 1 && ta_frame_is_interlaced(in);
    for (int f = 0; f < (fields ? 2 : 1); f++) {
        int lines = fields ? 2 : 1;
        struct picture p = {
            .height = (g->height + lines - 1 - f) / lines,
            .chroma_height = (g->chroma_height + lines - 1 - f) / lines,
            .down = &g->down[fields ? 1 + f : 0],
        };
        for (int k = 0; k < 3; k++) {
            p.src[k] = in->data[k] + (ptrdiff_t)f * in->linesize[k];
            p.dst[k] = out->data[k] + (ptrdiff_t)f * out->linesize[k];
            p.src_stride[k] = (ptrdiff_t)lines * in->linesize[k];
            p.dst_stride[k] = (ptrdiff_t)lines * out->linesize[k];
        }
        run_picture(g, &p);
    }
}

static void run_luma(const struct ta_grade *g, const AVFrame *in, AVFrame *out)
{
    for (int y = 0; y < g->height; y++) {
        const uint8_t *src = in->data[0] + (ptrdiff_t)y * in->linesize[0];
        uint8_t *dst = out->data[0] + (ptrdiff_t)y * out->linesize[0];
        if (g->bytes == 1)
            g->dsp->map8(dst, src, g->luma_map, g->width);
        else
            g->dsp->map16((uint16_t *)(void *)dst, (const uint16_t *)(const void *)src, g->luma_map,
                          g->width);
    }
}

static void run_chroma(const struct ta_grade *g, const AVFrame *in, AVFrame *out)
{
    for (int y = 0; y < g->chroma_height; y++) {
        const uint8_t *src[2];
        uint8_t *dst[2];
        for (int k = 0; k < 2; k++) {
            src[k] = in->data[1 + k] + (ptrdiff_t)y * in->linesize[1 + k];
            dst[k] = out->data[1 + k] + (ptrdiff_t)y * out->linesize[1 + k];
        }
        if (g->bytes == 1)
            g->dsp->turn8(dst, src, g->turn, g->chroma_width);
        else
            g->dsp->turn16((uint16_t *const[2]){(uint16_t *)(void *)dst[0], (uint16_t *)(void *)dst[1]},
                           (const uint16_t *const[2]){(const uint16_t *)(const void *)src[0],
                                                      (const uint16_t *)(const void *)src[1]},
                           g->turn, g->max, g->chroma_width);
    }
}

void ta_grade_run(struct ta_grade *g, const AVFrame *in, AVFrame *out)
{
    if (g->rgb) {
        ta_grade_run_rgb(g, in, out);
        return;
    }
    if (g->luma_map)
        run_luma(g, in, out);
    if (g->turns)
        run_chroma(g, in, out);
}
