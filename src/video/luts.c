#include "video/luts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/path.h"
#include "base/mem.h"
#include "base/opt.h"

enum { NODES = 33, MAX_NAMES = 8 };

static double luma(const double rgb[3])
{
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

static void multiply(double rgb[3], double r, double g, double b)
{
    rgb[0] *= r;
    rgb[1] *= g;
    rgb[2] *= b;
}

static void saturate(double rgb[3], double s)
{
    double y = luma(rgb);
    for (int i = 0; i < 3; i++)
        rgb[i] = y + (rgb[i] - y) * s;
}

static void contrast(double rgb[3], double c)
{
    for (int i = 0; i < 3; i++)
        rgb[i] = (rgb[i] - 0.5) * c + 0.5;
}

// 0 below the edge and 1 above. It goes from one to the other over a tenth, for a step would draw a contour
// in every gradient that crosses it.
static double above(double x, double edge)
{
    double t = (x - edge) / 0.1 + 0.5;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * t * (3 - 2 * t);
}

// Lightens what tapes darken, brings colour back, takes the blue cast off, but not out of the shadows.
static void grade_vhs_restore(double rgb[3])
{
    for (int i = 0; i < 3; i++)
        rgb[i] = pow(rgb[i], 0.95);
    saturate(rgb, 1.10);
    multiply(rgb, 1.02, 1.01, 0.98);
    rgb[2] *= 1 + 0.03 * (1 - above(luma(rgb), 0.3));
}

static void grade_warm_vintage(double rgb[3])
{
    for (int i = 0; i < 3; i++)
        rgb[i] = 0.05 + rgb[i] * 0.95;
    multiply(rgb, 1.15, 1.05, 0.90);
    contrast(rgb, 0.9);
    saturate(rgb, 1 - 0.3 * above(luma(rgb), 0.7));
}

static void grade_cool_modern(double rgb[3])
{
    for (int i = 0; i < 3; i++)
        rgb[i] *= 0.5 + 0.5 * above(rgb[i], 0.1);
    multiply(rgb, 0.95, 1.02, 1.08);
    contrast(rgb, 1.15);
}

const struct ta_lut_info ta_luts[] = {
    {"vhs_restore",
     "fresher colours for tapes: a little lighter, more saturated, less blue outside the shadows",
     grade_vhs_restore},
    {"warm_vintage", "the look of old film: lifted blacks, warm, soft contrast, pale highlights",
     grade_warm_vintage},
    {"cool_modern", "crisp and cool: deep blacks, more contrast, a touch of blue", grade_cool_modern},
    {0},
};

const struct ta_lut_info *ta_lut_find(const char *name)
{
    for (const struct ta_lut_info *l = ta_luts; l->name; l++)
        if (!strcmp(l->name, name))
            return l;
    return NULL;
}

void ta_lut_make(struct ta_cube *out, const struct ta_lut_info *info)
{
    *out = (struct ta_cube){
        .title = ta_xstrdup(info->name),
        .size = NODES,
        .domain_max = {1, 1, 1},
        .row_count = (size_t)NODES * NODES * NODES,
    };
    out->rows = ta_xcalloc(out->row_count, 3 * sizeof *out->rows);
    for (size_t n = 0; n < out->row_count; n++) {
        double rgb[3] = {(double)(n % NODES), (double)(n / NODES % NODES), (double)(n / NODES / NODES)};
        for (int i = 0; i < 3; i++)
            rgb[i] /= NODES - 1;
        info->grade(rgb);
        for (int i = 0; i < 3; i++) {
            double v = rgb[i] < 0 ? 0 : rgb[i] > 1 ? 1 : rgb[i];
            // Six decimals also make the table independent of the last bit of pow().
            out->rows[3 * n + (size_t)i] = (float)(floor(v * 1e6 + 0.5) / 1e6);
        }
    }
}

static int unknown_lut(const char *spec, struct ta_log *log)
{
    const char *names[MAX_NAMES] = {0};
    for (int i = 0; ta_luts[i].name; i++)
        names[i] = ta_luts[i].name;
    const char *nearest = ta_nearest(spec, names);
    struct ta_buf text = {0};
    ta_buf_quote(&text, spec);
    ta_buf_puts(&text, " is no built-in LUT (");
    for (int i = 0; names[i]; i++)
        ta_buf_printf(&text, "%s%s", i ? ", " : "", names[i]);
    ta_buf_puts(&text, "), and the name of a file ends in .cube");
    if (nearest)
        ta_buf_printf(&text, "; did you mean \"%s\"?", nearest);
    ta_error(log, "%s", ta_buf_text(&text));
    ta_buf_release(&text);
    return TA_ERR_INVALID;
}

int ta_lut_load(struct ta_cube *out, const char *spec, const char *wanted, char **resolved,
                char sum[TA_SHA256_HEX], struct ta_log *log)
{
    *out = (struct ta_cube){0};
    *resolved = NULL;
    const struct ta_lut_info *info = ta_lut_find(spec);
    if (info) {
        struct ta_buf text = {0};
        ta_lut_make(out, info);
        ta_cube_write(out, &text);
        ta_sha256_hex(ta_buf_text(&text), text.size, sum);
        ta_buf_release(&text);
        if (wanted && strcmp(wanted, sum) != 0) {
            ta_cube_release(out);
            return TA_ERR_MISMATCH;
        }
        *resolved = ta_xstrdup(spec);
        return 0;
    }
    if (!strchr(spec, '/') && strcasecmp(ta_path_extension(spec), "cube"))
        return unknown_lut(spec, log);
    char *path = ta_path_absolute(spec);
    int err = ta_cube_load(out, path, wanted, sum, log);
    if (err < 0)
        free(path);
    else
        *resolved = path;
    return err;
}
