#include "video/grade.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "video/grade_parts.h"

// Below this a power is a straight line to black: its slope has no bounds there, and would make specks of
// the noise in black.
#define TOE (1.0 / 1024)

const struct ta_grade_settings ta_grade_neutral = {
    .white = 1,
    .mid = 1,
    .contrast = 1,
    .gamma = 1,
    .gain = {1, 1, 1},
    .saturation = 1,
    .rgb_gamma = {1, 1, 1},
    .strength = 1,
};

bool ta_grade_needs_rgb(const struct ta_grade_settings *s)
{
    for (int i = 0; i < 3; i++)
        if (s->gain[i] != 1 || s->rgb_gamma[i] != 1)
            return true;
    return s->cube && s->strength > 0;
}

bool ta_grade_needs_chroma(const struct ta_grade_settings *s)
{
    return s->saturation != 1 || s->hue != 0 || ta_grade_needs_rgb(s);
}

// ---- colour ----

// Rows of (x, y, z, 1).
struct affine {
    double m[3][4];
};

static struct affine scaling(double x, double y, double z)
{
    return (struct affine){{{x, 0, 0, 0}, {0, y, 0, 0}, {0, 0, z, 0}}};
}

// First b, then a.
static struct affine after(const struct affine *a, const struct affine *b)
{
    struct affine r;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
            r.m[i][j] = j == 3 ? a->m[i][3] : 0;
            for (int k = 0; k < 3; k++)
                r.m[i][j] += a->m[i][k] * b->m[k][j];
        }
    return r;
}

static void chain(struct affine *all, const struct affine *next)
{
    *all = after(next, all);
}

bool ta_grade_luma_weights(const struct ta_format *f, double *kr, double *kb)
{
    switch (f->matrix) {
    case AVCOL_SPC_BT709:
        *kr = 0.2126;
        *kb = 0.0722;
        return true;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        *kr = 0.299;
        *kb = 0.114;
        return true;
    case AVCOL_SPC_FCC:
        *kr = 0.30;
        *kb = 0.11;
        return true;
    case AVCOL_SPC_SMPTE240M:
        *kr = 0.212;
        *kb = 0.087;
        return true;
    case AVCOL_SPC_BT2020_NCL:
        *kr = 0.2627;
        *kb = 0.0593;
        return true;
    default:
        return false;
    }
}

static struct affine to_rgb(double kr, double kb)
{
    double kg = 1 - kr - kb, r = 2 * (1 - kr), b = 2 * (1 - kb);
    return (struct affine){{{1, 0, r, 0}, {1, -b * kb / kg, -r * kr / kg, 0}, {1, b, 0, 0}}};
}

static struct affine to_yuv(double kr, double kb)
{
    double kg = 1 - kr - kb, u = 2 * (1 - kb), v = 2 * (1 - kr);
    return (struct affine){
        {{kr, kg, kb, 0}, {-kr / u, -kg / u, (1 - kb) / u, 0}, {(1 - kr) / v, -kg / v, -kb / v, 0}}};
}

// Where a format has black, white and no colour.
struct range {
    double y0, y, c0, c; // sample = y0 + y * luma; c0 + c * chroma (-0.5..0.5)
};

static struct range range_of(const struct ta_format *f)
{
    int depth = ta_format_depth(f);
    double unit = 1 << (depth - 8), all = (1 << depth) - 1;
    if (f->range == AVCOL_RANGE_JPEG)
        return (struct range){0, all, 128 * unit, all};
    return (struct range){16 * unit, 219 * unit, 128 * unit, 224 * unit};
}

static double bend(double x, double e)
{
    if (x <= 0 || e == 1)
        return x;
    return x <= TOE ? x * pow(TOE, e) / TOE : pow(x, e);
}

static double tone(const struct ta_grade_settings *s, double y)
{
    y = bend((y - s->black) / (s->white - s->black), 1 / s->mid);
    y = (y - 0.5) * s->contrast + 0.5 + s->brightness;
    return bend(y, 1 / s->gamma);
}

// u and v turned and stretched.
static struct affine chroma_matrix(const struct ta_grade_settings *s)
{
    double angle = s->hue * acos(-1) / 180;
    double c = s->saturation * cos(angle), n = s->saturation * sin(angle);
    return (struct affine){{{1, 0, 0, 0}, {0, c, -n, 0}, {0, n, c, 0}}};
}

// ---- luma by table, chroma by matrix ----

static void plan_luma_map(struct ta_grade *g, const struct ta_grade_settings *s, const struct range *r)
{
    struct ta_grade_settings none = ta_grade_neutral;
    if (s->black == none.black && s->white == none.white && s->mid == none.mid &&
        s->contrast == none.contrast && s->brightness == none.brightness && s->gamma == none.gamma)
        return;
    // Words beyond the depth, which no picture should have, are taken as the largest sample.
    int count = g->bytes == 1 ? 256 : 65536;
    uint8_t *bytes = NULL;
    uint16_t *words = NULL;
    if (g->bytes == 1)
        g->luma_map = bytes = ta_xcalloc((size_t)count, sizeof *bytes);
    else
        g->luma_map = words = ta_xcalloc((size_t)count, sizeof *words);
    for (int i = 0; i < count; i++) {
        double y = (TA_MIN(i, g->max) - r->y0) / r->y;
        // A hair above one half: pow() may differ in its last bit from machine to machine.
        double v = floor(r->y0 + r->y * tone(s, y) + 0.5 + 1e-9);
        int sample = v < 0 ? 0 : v > g->max ? g->max : (int)v;
        if (bytes)
            bytes[i] = (uint8_t)sample;
        else
            words[i] = (uint16_t)sample;
    }
}

static void plan_turn(struct ta_grade *g, const struct ta_grade_settings *s, const struct range *r)
{
    struct affine m = chroma_matrix(s);
    double stretch = 1 / (s->white - s->black);
    g->turns = stretch != 1 || s->saturation != 1 || s->hue != 0;
    for (int i = 0; i < 2; i++) {
        double a = m.m[1 + i][1] * stretch, b = m.m[1 + i][2] * stretch;
        g->turn[3 * i] = (float)a;
        g->turn[3 * i + 1] = (float)b;
        g->turn[3 * i + 2] = (float)(r->c0 * (1 - a - b));
    }
}

// ---- red, green and blue ----

static void add_matrix(struct ta_grade *g, const struct affine *m)
{
    struct ta_grade_step *s = &g->steps[g->step_count++];
    s->kind = TA_GRADE_MATRIX;
    for (int i = 0; i < 12; i++)
        s->matrix[i] = (float)m->m[i / 4][i % 4];
}

static void add_step(struct ta_grade *g, enum ta_grade_step_kind kind)
{
    g->steps[g->step_count++].kind = kind;
}

// Samples to luma and chroma with luma's operations done: by a table where they are no straight line.
static struct affine plan_samples(struct ta_grade *g, const struct ta_grade_settings *s,
                                  const struct range *r)
{
    double stretch = 1 / (s->white - s->black), c = stretch / r->c;
    struct affine m = {{{1, 0, 0, 0}, {0, c, 0, -r->c0 * c}, {0, 0, c, -r->c0 * c}}};
    if (s->mid == 1 && s->gamma == 1) {
        double black = tone(s, 0), white = tone(s, 1);
        m.m[0][0] = (white - black) / r->y;
        m.m[0][3] = black - r->y0 * m.m[0][0];
        return m;
    }
    int count = g->bytes == 1 ? 256 : 65536;
    g->look = ta_xcalloc((size_t)count, sizeof *g->look);
    for (int i = 0; i < count; i++)
        g->look[i] = (float)tone(s, (TA_MIN(i, g->max) - r->y0) / r->y);
    return m;
}

// What the cube gives for one of its rows, blended with what goes in.
static void blended_row(const struct ta_cube *c, size_t row, const double in[3], double strength,
                        double out[3])
{
    for (int k = 0; k < 3; k++)
        out[k] = strength * (double)c->rows[3 * row + (size_t)k] + (1 - strength) * in[k];
}

static double node_position(const struct ta_cube *c, int channel, size_t n)
{
    double width = c->domain_max[channel] - c->domain_min[channel];
    return c->domain_min[channel] + width * (double)n / (c->size - 1);
}

// red, green, blue to positions in the cube.
static struct affine cube_positions(const struct ta_cube *c)
{
    struct affine m = scaling(1, 1, 1);
    for (int k = 0; k < 3; k++) {
        m.m[k][k] = (c->size - 1) / (c->domain_max[k] - c->domain_min[k]);
        m.m[k][3] = -c->domain_min[k] * m.m[k][k];
    }
    return m;
}

// A 3D table: what follows it (`rest`, affine) and the blend with the original are done to its nodes, since
// interpolation changes neither.
static int plan_lut(struct ta_grade *g, const struct ta_cube *c, double strength, const struct affine *rest,
                    const struct affine *positions)
{
    size_t size = (size_t)c->size;
    g->nodes = calloc(c->row_count, 4 * sizeof *g->nodes);
    if (!g->nodes)
        return TA_ERR_NOMEM;
    for (size_t n = 0; n < c->row_count; n++) {
        double in[3] = {node_position(c, 0, n % size), node_position(c, 1, n / size % size),
                        node_position(c, 2, n / size / size)};
        double v[3];
        blended_row(c, n, in, strength, v);
        for (int k = 0; k < 3; k++)
            g->nodes[4 * n + (size_t)k] = (float)(rest->m[k][0] * v[0] + rest->m[k][1] * v[1] +
                                                  rest->m[k][2] * v[2] + rest->m[k][3]);
    }
    g->lut = (struct ta_grade_lut){.nodes = g->nodes, .size = c->size};
    // Colours outside keep their distance from the nearest one inside: highlights above white stay there.
    for (int i = 0; i < 9; i++)
        g->lut.beyond[i] = (float)(rest->m[i / 3][i % 3] / positions->m[i % 3][i % 3]);
    add_step(g, TA_GRADE_LUT);
    return 0;
}

static int plan_curves(struct ta_grade *g, const struct ta_cube *c, double strength,
                       const struct affine *rest, const struct affine *positions)
{
    for (int k = 0; k < 3; k++) {
        g->curve_values[k] = ta_xcalloc((size_t)c->size, sizeof(float));
        for (size_t n = 0; n < c->row_count; n++) {
            double in[3] = {node_position(c, 0, n), node_position(c, 1, n), node_position(c, 2, n)}, v[3];
            blended_row(c, n, in, strength, v);
            g->curve_values[k][n] = (float)v[k];
        }
        g->curves[k] = (struct ta_grade_curve){g->curve_values[k], c->size, (float)(1 / positions->m[k][k])};
    }
    add_step(g, TA_GRADE_CURVE);
    add_matrix(g, rest);
    return 0;
}

static int plan_rgb(struct ta_grade *g, const struct ta_grade_settings *s, const struct ta_format *f,
                    const struct range *r)
{
    double kr = 0, kb = 0;
    ta_grade_luma_weights(f, &kr, &kb);
    struct affine rgb = to_rgb(kr, kb), yuv = to_yuv(kr, kb), turn = chroma_matrix(s);
    struct affine gain = scaling(s->gain[0], s->gain[1], s->gain[2]);
    struct affine samples = scaling(r->y, r->c, r->c);
    samples.m[0][3] = r->y0;
    samples.m[1][3] = samples.m[2][3] = r->c0;

    struct affine m = plan_samples(g, s, r);
    chain(&m, &rgb);
    chain(&m, &gain);
    chain(&m, &yuv);
    chain(&m, &turn);
    struct affine rest = after(&samples, &yuv); // red, green, blue to samples
    bool power = s->rgb_gamma[0] != 1 || s->rgb_gamma[1] != 1 || s->rgb_gamma[2] != 1;
    const struct ta_cube *c = s->strength > 0 ? s->cube : NULL;
    if (!power && !c) {
        chain(&m, &samples);
        add_matrix(g, &m);
        return 0;
    }
    chain(&m, &rgb);
    if (power) {
        add_matrix(g, &m);
        for (int k = 0; k < 3; k++)
            g->exponents[k] = (float)(1 / s->rgb_gamma[k]);
        add_step(g, TA_GRADE_POWER);
        m = scaling(1, 1, 1);
    }
    if (!c) {
        add_matrix(g, &rest);
        return 0;
    }
    struct affine positions = cube_positions(c);
    chain(&m, &positions);
    add_matrix(g, &m);
    return c->curves ? plan_curves(g, c, s->strength, &rest, &positions)
                     : plan_lut(g, c, s->strength, &rest, &positions);
}

// ---- rows ----

static void plan_sitings(struct ta_grade *g, enum AVChromaLocation location)
{
    bool centre_x = location == AVCHROMA_LOC_CENTER || location == AVCHROMA_LOC_TOP ||
                    location == AVCHROMA_LOC_BOTTOM;
    bool top = location == AVCHROMA_LOC_TOPLEFT || location == AVCHROMA_LOC_TOP;
    bool bottom = location == AVCHROMA_LOC_BOTTOMLEFT || location == AVCHROMA_LOC_BOTTOM;
    double last = g->ratio_y - 1;
    ta_siting_init(&g->across, g->ratio_x, centre_x ? (g->ratio_x - 1) / 2.0 : 0);
    for (int i = 0; i < 3; i++) {
        // Half-way between lines of the frame is a quarter of the way between two of a field, from the line
        // above in the top field, from the one below in the bottom field.
        double middle = i == 0 ? last / 2 : i == 1 ? last / 4 : last * 3 / 4;
        ta_siting_init(&g->down[i], g->ratio_y, top ? 0 : bottom ? last : middle);
    }
}

static float *take_row(float **next, int width)
{
    float *row = *next + TA_GRADE_PAD;
    *next += width + 2 * TA_GRADE_PAD;
    return row;
}

static int allocate_rows(struct ta_grade *g)
{
    int full = TA_MAX(g->chroma_width * g->ratio_x, g->width);
    size_t full_size = (size_t)full + 2 * TA_GRADE_PAD,
           chroma_size = (size_t)g->chroma_width + 2 * TA_GRADE_PAD;
    g->memory = calloc(3 * full_size + (6 + 2 * TA_GRADE_RING) * chroma_size, sizeof *g->memory);
    if (!g->memory)
        return TA_ERR_NOMEM;
    float *next = g->memory;
    for (int k = 0; k < 3; k++)
        g->full[k] = take_row(&next, full);
    for (int k = 0; k < 2; k++) {
        g->mixed[k] = take_row(&next, g->chroma_width);
        for (int i = 0; i < 2; i++)
            g->line[k][i] = take_row(&next, g->chroma_width);
        for (int i = 0; i < TA_GRADE_RING; i++)
            g->ring[k][i] = take_row(&next, g->chroma_width);
    }
    return 0;
}

int ta_grade_check(const struct ta_format *f, struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    const uint64_t others = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL |
                            AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER;
    bool ok = d && d->nb_components == 3 && (d->flags & AV_PIX_FMT_FLAG_PLANAR) && !(d->flags & others) &&
              av_pix_fmt_count_planes(f->pix_fmt) == 3 && d->log2_chroma_w <= 2 && d->log2_chroma_h <= 2;
    for (int i = 0; ok && i < 3; i++)
        ok = d->comp[i].depth >= 8 && d->comp[i].depth <= 16 && !d->comp[i].shift &&
             (d->comp[i].depth == 8 || !(d->flags & AV_PIX_FMT_FLAG_BE));
    double kr, kb;
    if (!ok) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    if (!ta_grade_luma_weights(f, &kr, &kb)) {
        const char *name = av_color_space_name(f->matrix);
        ta_buf_printf(why, "does not take pictures of the colour matrix %s", name ? name : "unknown");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

int ta_grade_create(struct ta_grade **out, const struct ta_grade_settings *s, const struct ta_format *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    struct ta_grade *g = ta_xcalloc(1, sizeof *g);
    struct range r = range_of(f);
    *out = NULL;
    g->dsp = ta_grade_dsp();
    g->width = f->width;
    g->height = f->height;
    g->depth = d->comp[0].depth;
    g->bytes = g->depth > 8 ? 2 : 1;
    g->max = (1 << g->depth) - 1;
    g->ratio_x = 1 << d->log2_chroma_w;
    g->ratio_y = 1 << d->log2_chroma_h;
    g->chroma_width = AV_CEIL_RSHIFT(f->width, d->log2_chroma_w);
    g->chroma_height = AV_CEIL_RSHIFT(f->height, d->log2_chroma_h);
    g->rgb = ta_grade_needs_rgb(s);
    int err = 0;
    if (g->rgb) {
        plan_sitings(g, f->chroma_location);
        err = plan_rgb(g, s, f, &r);
        if (err >= 0)
            err = allocate_rows(g);
    } else {
        plan_luma_map(g, s, &r);
        plan_turn(g, s, &r);
    }
    if (err < 0)
        ta_grade_destroy(&g);
    *out = g;
    return err;
}

void ta_grade_destroy(struct ta_grade **grade)
{
    struct ta_grade *g = *grade;
    *grade = NULL;
    if (!g)
        return;
    free(g->luma_map);
    free(g->look);
    free(g->nodes);
    for (int k = 0; k < 3; k++)
        free(g->curve_values[k]);
    free(g->memory);
    free(g);
}

bool ta_grade_keeps_luma(const struct ta_grade *g)
{
    return !g->rgb && !g->luma_map;
}

bool ta_grade_keeps_chroma(const struct ta_grade *g)
{
    return !g->rgb && !g->turns;
}
