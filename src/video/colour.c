// Colour: levels, white balance, tone, saturation, hue and look-up tables, in one native stage.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/buffer.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/picture/frame_pool.h"
#include "video/grade.h"
#include "video/luts.h"
#include "video/stages.h"

// The white of the formats that video comes in, as the formula below has it.
#define NEUTRAL_KELVIN 6500.0

struct colour_opts {
    struct ta_floats levels, gamma, gain;
    double brightness, contrast, saturation, hue, temperature, tint, lut_strength;
    char *lut, *lut_sum;
    bool stretch;
};

static const struct ta_opt options[] = {
    {.name = "levels",
     .kind = &ta_opt_floats,
     TA_FIELD(struct colour_opts, levels, struct ta_floats),
     .def = "0:1",
     .min = -1,
     .max = 10,
     .min_count = 2,
     .max_count = 3,
     .syntax = "BLACK:WHITE[:GAMMA]",
     .help = "the values that become black and white (0 is black, 1 is white, highlights may lie above), and "
             "a gamma for what lies between"},
    {.name = "stretch",
     .kind = &ta_opt_switch,
     TA_FIELD(struct colour_opts, stretch, bool),
     .def = "off",
     .help =
         "bring black and white of a tape to where they belong, by half of what is measured, where torn lines "
         "show that it is one; with levels set, those count"},
    {.name = "temperature",
     .kind = &ta_opt_float,
     TA_FIELD(struct colour_opts, temperature, double),
     .def = "6500",
     .min = 2500,
     .max = 15000,
     .syntax = "K",
     .unit = "kelvin",
     .help = "white balance: the colour that white gets; less is warmer, 6500 leaves it"},
    {.name = "tint",
     .kind = &ta_opt_float,
     TA_FIELD(struct colour_opts, tint, double),
     .def = "0",
     .min = -1,
     .max = 1,
     .help = "white balance from green (-1) to magenta (1)"},
    {.name = "gain",
     .kind = &ta_opt_floats,
     TA_FIELD(struct colour_opts, gain, struct ta_floats),
     .def = "1:1:1",
     .min = 0,
     .max = 4,
     .min_count = 3,
     .max_count = 3,
     .syntax = "R:G:B",
     .help = "white balance as factors of red, green and blue",
     .flags = TA_OPT_ADVANCED},
    {.name = "brightness",
     .kind = &ta_opt_float,
     TA_FIELD(struct colour_opts, brightness, double),
     .def = "0",
     .min = -1,
     .max = 1,
     .help = "added to luma; 0.05 is a twentieth of the way from black to white"},
    {.name = "contrast",
     .kind = &ta_opt_float,
     TA_FIELD(struct colour_opts, contrast, double),
     .def = "1",
     .min = 0,
     .max = 4,
     .help = "factor of luma about middle gray"},
    {.name = "gamma",
     .kind = &ta_opt_floats,
     TA_FIELD(struct colour_opts, gamma, struct ta_floats),
     .def = "1",
     .min = 0.1,
     .max = 10,
     .min_count = 1,
     .max_count = 3,
     .syntax = "G|R:G:B",
     .help = "lightens (above 1) or darkens the middle: of luma, or of red, green and blue each"},
    {.name = "saturation",
     .kind = &ta_opt_float,
     TA_FIELD(struct colour_opts, saturation, double),
     .def = "1",
     .min = 0,
     .max = 4,
     .help = "factor of colour; 0 is black and white"},
    {.name = "hue",
     .kind = &ta_opt_float,
     TA_FIELD(struct colour_opts, hue, double),
     .def = "0",
     .min = -180,
     .max = 180,
     .unit = "degrees",
     .help = "turns all colours, red towards yellow"},
    {.name = "lut",
     .kind = &ta_opt_text,
     TA_FIELD(struct colour_opts, lut, char *),
     .def = "none",
     .syntax = "NAME|FILE",
     .help = "look-up table: none, vhs_restore, warm_vintage, cool_modern, or a .cube file"},
    {.name = "lut-strength",
     .kind = &ta_opt_float,
     TA_FIELD(struct colour_opts, lut_strength, double),
     .def = "1",
     .min = 0,
     .max = 1,
     .help = "how much of the look-up table's picture is taken, the rest from the one before it"},
    {.name = "lut-sum",
     .kind = &ta_opt_text,
     TA_FIELD(struct colour_opts, lut_sum, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "SHA-256 of the look-up table, set by the plan"},
    {0},
};

static bool names_lut(const struct colour_opts *o)
{
    return o->lut && strcmp(o->lut, "none") != 0;
}

static bool is_gray(const struct ta_format *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    return d && d->nb_components <= 2 && !ta_format_is_rgb(f);
}

// Linear BT.709 red, green and blue of a black body, by M. Krystek's formula (1985) for its place in CIE
// 1960 coordinates.
static void black_body(double kelvin, double rgb[3])
{
    double t = kelvin, t2 = kelvin * kelvin;
    double u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t2) /
               (1 + 8.42420235e-4 * t + 7.08145163e-7 * t2);
    double v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t2) /
               (1 - 2.89741816e-5 * t + 1.61456053e-7 * t2);
    double d = 2 * u - 8 * v + 4, x = 3 * u / d, y = 2 * v / d;
    double X = x / y, Z = (1 - x - y) / y;
    rgb[0] = 3.2406 * X - 1.5372 - 0.4986 * Z;
    rgb[1] = -0.9689 * X + 1.8758 + 0.0415 * Z;
    rgb[2] = 0.0557 * X - 0.2040 + 1.0570 * Z;
}

// Factors of the coded (not linear) values, by the 2.4 that displays raise them to. White keeps its luma.
static void white_balance(const struct colour_opts *o, const struct ta_format *f, double gain[3])
{
    if (o->temperature != NEUTRAL_KELVIN || o->tint != 0) {
        double white[3], neutral[3], kr = 0.2126, kb = 0.0722;
        black_body(o->temperature, white);
        black_body(NEUTRAL_KELVIN, neutral);
        ta_grade_luma_weights(f, &kr, &kb);
        for (int i = 0; i < 3; i++)
            gain[i] = pow(white[i] / neutral[i], 1 / 2.4);
        gain[1] *= exp2(-o->tint / 4);
        double luma = kr * gain[0] + (1 - kr - kb) * gain[1] + kb * gain[2];
        for (int i = 0; i < 3; i++)
            gain[i] /= luma;
    }
    for (int i = 0; i < 3; i++)
        gain[i] *= o->gain.v[i];
}

static struct ta_grade_settings settings_of(const struct colour_opts *o, const struct ta_format *f,
                                            const struct ta_cube *cube)
{
    struct ta_grade_settings s = ta_grade_neutral;
    s.black = o->levels.v[0];
    s.white = o->levels.v[1];
    s.mid = o->levels.count > 2 ? o->levels.v[2] : 1;
    s.contrast = o->contrast;
    s.brightness = o->brightness;
    s.gamma = o->gamma.count == 1 ? o->gamma.v[0] : 1;
    for (int i = 0; i < 3 && o->gamma.count == 3; i++)
        s.rgb_gamma[i] = o->gamma.v[i];
    white_balance(o, f, s.gain);
    s.saturation = o->saturation;
    s.hue = o->hue;
    s.cube = cube;
    s.strength = o->lut_strength;
    return s;
}

// The darkest of a scene need not have been black: half of the way is right in the mean, and never wrong by
// much.
static void set_measured(void *opts, const struct ta_stage_measured *m, struct ta_buf *why)
{
    const double black = 16, white = 235, most = 16; // codes
    struct colour_opts *o = opts;
    bool untouched = o->levels.v[0] == 0 && o->levels.v[1] == 1;
    double lifted = m->black - black, lowered = white - m->white;
    if (!o->stretch || !untouched || !m->torn || m->white <= m->black)
        return;
    lifted = lifted > 0 && lifted <= most ? lifted / 2 : 0;
    lowered = lowered > 0 && lowered <= most ? lowered / 2 : 0;
    o->levels.v[0] = round(lifted / (white - black) * 1000) / 1000;
    o->levels.v[1] = round((1 - lowered / (white - black)) * 1000) / 1000;
    if (lifted + lowered > 0)
        ta_buf_printf(why, "levels %g:%g, because the tape has %.0f to %.0f", o->levels.v[0], o->levels.v[1],
                      m->black, m->white);
}

static bool neutral(const void *opts, const struct ta_format *in)
{
    const struct colour_opts *o = opts;
    struct ta_grade_settings s = settings_of(o, in, NULL), none = ta_grade_neutral;
    // A gamma of two numbers is refused later.
    bool tone = o->gamma.count == 2 || s.black != none.black || s.white != none.white || s.mid != none.mid ||
                s.contrast != none.contrast || s.brightness != none.brightness || s.gamma != none.gamma;
    bool turn = (s.saturation != 1 || s.hue != 0) && !is_gray(in);
    return !tone && !turn && !ta_grade_needs_rgb(&s) && !(names_lut(o) && s.strength > 0);
}

static int find_file(const char *value, char **path, char sum[65], struct ta_log *log)
{
    struct ta_cube cube;
    int err = ta_lut_load(&cube, value, NULL, path, sum, log);
    if (err >= 0)
        ta_cube_release(&cube);
    return err;
}

static int prepare(void *opts, const struct ta_format *source, const struct ta_named_file *file,
                   struct ta_log *log)
{
    struct colour_opts *o = opts;
    struct ta_grade_settings s = settings_of(o, source, NULL);
    if (is_gray(source) && (ta_grade_needs_rgb(&s) || names_lut(o))) {
        ta_error(log, "%s: the pictures are gray: %s needs colour", ta_stage_colour.name,
                 names_lut(o) ? "a look-up table" : "white balance or a gamma of red, green and blue");
        return TA_ERR_UNSUPPORTED;
    }
    if (!names_lut(o))
        return 0;
    ta_require(log, file, TA_ERR_USAGE);
    if (file->err < 0) {
        ta_error(log, "%s", file->why);
        return file->err;
    }
    free(o->lut);
    free(o->lut_sum);
    o->lut = ta_xstrdup(file->path);
    o->lut_sum = ta_xstrdup(file->sum);
    return 0;
}

// As prepare() has left it.
static bool is_found(const struct colour_opts *o)
{
    return (ta_lut_find(o->lut) || o->lut[0] == '/') && o->lut_sum &&
           strlen(o->lut_sum) == TA_SHA256_HEX - 1 &&
           strspn(o->lut_sum, "0123456789abcdef") == TA_SHA256_HEX - 1;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const struct colour_opts *o = opts;
    (void)out;
    double black = o->levels.v[0], white = o->levels.v[1];
    if (black < -0.5 || white > 2 || white - black < 0.01) {
        ta_buf_printf(why,
                      "can't spread %g..%g from black to white: black must lie at least 0.01 below "
                      "white, in -0.5..2",
                      black, white);
        return TA_ERR_INVALID;
    }
    if (o->levels.count > 2 && o->levels.v[2] < 0.1) {
        ta_buf_printf(why, "takes levels with a gamma of 0.1..10, not %g", o->levels.v[2]);
        return TA_ERR_INVALID;
    }
    if (o->gamma.count == 2) {
        ta_buf_puts(why, "takes a gamma of one number, or of three (red, green, blue)");
        return TA_ERR_INVALID;
    }
    if (names_lut(o) && !is_found(o)) {
        ta_buf_puts(why, "takes a look-up table of its own, or a path from the root, with its checksum");
        return TA_ERR_INVALID;
    }
    return ta_grade_check(in, why);
}

enum { ALIGNMENT = 64 };

struct colour_priv {
    struct ta_grade *grade;
    AVBufferPool *pool; // of the planes that change
    int linesize[3];
    size_t offset[3];
};

// The table that the plan means, and no other.
static int load_lut(const struct colour_opts *o, struct ta_cube *cube, struct ta_log *log)
{
    char *resolved, sum[TA_SHA256_HEX];
    int err = ta_lut_load(cube, o->lut, o->lut_sum ? o->lut_sum : "", &resolved, sum, log);
    if (err >= 0)
        free(resolved);
    if (err != TA_ERR_MISMATCH)
        return err;
    ta_error(log,
             "%s: the look-up table is not the one that was planned with: it changed, or another program "
             "made the plan",
             o->lut);
    return TA_ERR_INVALID;
}

static bool plane_changes(const struct colour_priv *p, int plane)
{
    return !(plane ? ta_grade_keeps_chroma(p->grade) : ta_grade_keeps_luma(p->grade));
}

static int create_pool(struct colour_priv *p, const struct ta_format *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    size_t size = 0;
    for (int i = 0; i < 3; i++) {
        if (!plane_changes(p, i))
            continue;
        int width = i ? AV_CEIL_RSHIFT(f->width, d->log2_chroma_w) : f->width;
        int height = i ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height;
        p->linesize[i] = FFALIGN(width * (d->comp[0].depth > 8 ? 2 : 1), ALIGNMENT);
        p->offset[i] = size;
        size += (size_t)p->linesize[i] * (size_t)height;
    }
    // Encoders' kernels may read a little past the end.
    p->pool = av_buffer_pool_init(size + 2 * ALIGNMENT, NULL);
    return p->pool ? 0 : TA_ERR_NOMEM;
}

static int init(struct ta_stage *s)
{
    struct colour_priv *p = s->priv;
    const struct colour_opts *o = s->opts;
    struct ta_cube cube = {0};
    int err = names_lut(o) ? load_lut(o, &cube, s->log) : 0;
    if (err < 0)
        return err;
    struct ta_grade_settings settings = settings_of(o, &s->in, names_lut(o) ? &cube : NULL);
    err = ta_grade_create(&p->grade, &settings, &s->in);
    ta_cube_release(&cube);
    if (err >= 0)
        err = create_pool(p, &s->in);
    if (err < 0)
        ta_error(s->log, "%s: out of memory", s->info->name);
    return err;
}

// A frame with planes of its own where they change, and those of `in` where they don't.
static AVFrame *new_frame(struct colour_priv *p, const AVFrame *in)
{
    AVFrame *out = av_frame_alloc();
    if (!out)
        return NULL;
    bool ok = av_frame_copy_props(out, in) >= 0 && (out->buf[0] = ta_buffer_get(p->pool)) != NULL;
    out->format = in->format;
    out->width = in->width;
    out->height = in->height;
    bool keeps = false;
    for (int i = 0; i < 3 && ok; i++) {
        if (plane_changes(p, i)) {
            uintptr_t start = ((uintptr_t)out->buf[0]->data + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
            out->data[i] = (uint8_t *)start + p->offset[i];
            out->linesize[i] = p->linesize[i];
        } else {
            out->data[i] = in->data[i];
            out->linesize[i] = in->linesize[i];
            keeps = true;
        }
    }
    for (int i = 0; i < AV_NUM_DATA_POINTERS - 1 && in->buf[i] && keeps && ok; i++)
        ok = (out->buf[1 + i] = av_buffer_ref(in->buf[i])) != NULL;
    if (!ok)
        av_frame_free(&out);
    return out;
}

static int process(struct ta_stage *s, AVFrame *in)
{
    struct colour_priv *p = s->priv;
    if (!in || (!plane_changes(p, 0) && !plane_changes(p, 1)))
        return in ? ta_stage_emit(s, in) : 0;
    if (in->format != (int)s->in.pix_fmt || in->width != s->in.width || in->height != s->in.height) {
        ta_error(s->log, "internal: %s got a frame of another format", s->info->name);
        av_frame_free(&in);
        return TA_ERR_INTERNAL;
    }
    AVFrame *out = new_frame(p, in);
    if (!out) {
        av_frame_free(&in);
        return ta_stage_no_memory(s);
    }
    ta_grade_run(p->grade, in, out);
    av_frame_free(&in);
    return ta_stage_emit(s, out);
}

static void release(struct ta_stage *s)
{
    struct colour_priv *p = s->priv;
    if (!p)
        return;
    ta_grade_destroy(&p->grade);
    av_buffer_pool_uninit(&p->pool);
}

const struct ta_stage_info ta_stage_colour = {
    .name = "colour.grade",
    .summary = "levels, white balance, tone, saturation, hue, look-up tables",
    .options = options,
    .options_size = sizeof(struct colour_opts),
    .priv_size = sizeof(struct colour_priv),
    .needs_yuv = true,
    .neutral = neutral,
    .set_measured = set_measured,
    .file_option = "lut",
    .find_file = find_file,
    .prepare = prepare,
    .configure = configure,
    .init = init,
    .process = process,
    .release = release,
};
