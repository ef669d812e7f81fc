#include "draw/font.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST = ' ', LAST = '_', GLYPHS = LAST - FIRST + 1, HALVES = 2 };

// Strokes on a grid of 5 x 7 points: column and row figures (0..4, 0..6 from the top), lines to be joined; a
// blank lifts the pen.
static const char *const strokes[GLYPHS] = {
    ['!' - FIRST] = "2024 2626",
    ['\'' - FIRST] = "2022",
    ['(' - FIRST] = "30121436",
    [')' - FIRST] = "10323416",
    ['%' - FIRST] = "0640 0010110100 3546463535",
    ['+' - FIRST] = "0343 2125",
    [',' - FIRST] = "2617",
    ['-' - FIRST] = "1333",
    ['.' - FIRST] = "2626",
    ['/' - FIRST] = "0640",
    [':' - FIRST] = "2222 2525",
    ['=' - FIRST] = "0242 0444",
    ['>' - FIRST] = "113316",
    ['0' - FIRST] = "100105163645413010",
    ['1' - FIRST] = "112026 1636",
    ['2' - FIRST] = "01103041420646",
    ['3' - FIRST] = "0110304142334445361605 1333",
    ['4' - FIRST] = "36300444",
    ['5' - FIRST] = "4000023243453606",
    ['6' - FIRST] = "4130100105163645443303",
    ['7' - FIRST] = "004016",
    ['8' - FIRST] = "100102133344453616050413 1030414233",
    ['9' - FIRST] = "4313020110304145361605",
    ['A' - FIRST] = "0602204246 0444",
    ['B' - FIRST] = "00063645443303 0030414233",
    ['C' - FIRST] = "4130100105163645",
    ['D' - FIRST] = "00063645413000",
    ['E' - FIRST] = "40000646 0333",
    ['F' - FIRST] = "400006 0333",
    ['G' - FIRST] = "41301001051636454323",
    ['H' - FIRST] = "0006 4046 0343",
    ['I' - FIRST] = "2026 1030 1636",
    ['J' - FIRST] = "4045361605",
    ['K' - FIRST] = "0006 400346",
    ['L' - FIRST] = "000646",
    ['M' - FIRST] = "0600234046",
    ['N' - FIRST] = "06004640",
    ['O' - FIRST] = "100105163645413010",
    ['P' - FIRST] = "06003041423303",
    ['Q' - FIRST] = "100105163645413010 2446",
    ['R' - FIRST] = "06003041423303 2346",
    ['S' - FIRST] = "413010010213334445361605",
    ['T' - FIRST] = "0040 2026",
    ['U' - FIRST] = "000516364540",
    ['V' - FIRST] = "002640",
    ['W' - FIRST] = "0016223640",
    ['X' - FIRST] = "0046 4006",
    ['Y' - FIRST] = "002340 2326",
    ['Z' - FIRST] = "00400646",
    ['_' - FIRST] = "0646",
};

struct ta_font {
    int width, height, advance; // of a mask, pixels and lines; from letter to letter
    int margin;                 // pixels of a mask to the left of and above its cell
    int canvas_height;
    uint8_t *masks; // GLYPHS x HALVES masks
};

static float cover_glyph(const char *path, float x, float y, float weight, float soft)
{
    float most = 0;
    while (path && *path) {
        if (*path == ' ') {
            path++;
            continue;
        }
        float x0 = (float)(path[0] - '0'), y0 = (float)(path[1] - '0');
        path += 2;
        if (!*path || *path == ' ')
            continue;
        float c = ta_cover_line(x, y, x0, y0, (float)(path[0] - '0'), (float)(path[1] - '0'), weight, soft);
        most = c > most ? c : most;
    }
    return most;
}

struct ta_font *ta_font_create(float height, float weight, int canvas_width, int canvas_height)
{
    struct ta_font *f = ta_xcalloc(1, sizeof(*f));
    float unit_x = TA_CANVAS_UNITS_X / (float)canvas_width, unit_y = TA_CANVAS_UNITS_Y / (float)canvas_height;
    float cell = height / 6, margin = weight / 2 + 1;
    f->canvas_height = canvas_height;
    f->margin = (int)lroundf(margin / unit_y);
    f->advance = (int)lroundf(cell * 5.8f / unit_x / 2) * 2;
    f->width = ((int)ceilf((cell * 4 + 2 * margin) / unit_x) + 2) & ~1;
    f->height = (int)ceilf((height + 2 * margin) / unit_y) + 1;
    size_t size = (size_t)f->width * (size_t)f->height;
    f->masks = ta_xcalloc(GLYPHS * HALVES, size);
    for (int g = 0; g < GLYPHS; g++) {
        for (int half = 0; half < HALVES; half++) {
            uint8_t *mask = f->masks + (size_t)(g * HALVES + half) * size;
            for (int y = 0; strokes[g] && y < f->height; y++) {
                for (int x = 0; x < f->width; x++) {
                    float gx = (((float)x + 0.5f) * unit_x - margin) / cell,
                          gy = (((float)y + 0.5f - 0.5f * (float)half) * unit_y - margin) / cell;
                    mask[y * f->width + x] =
                        (uint8_t)(cover_glyph(strokes[g], gx, gy, weight / cell, TA_SOFT / cell) * 255 +
                                  0.5f);
                }
            }
        }
    }
    return f;
}

void ta_font_destroy(struct ta_font **f)
{
    if (!*f)
        return;
    free((*f)->masks);
    ta_freep(f);
}

int ta_font_width(const struct ta_font *f, const char *text)
{
    int count = 0;
    while (text[count])
        count++;
    return count * f->advance;
}

void ta_font_draw(const struct ta_font *f, struct ta_canvas *c, int x, int y_half, const char *text,
                  struct ta_rgba colour, int opacity)
{
    int half = y_half & 1, y = (y_half - half) / 2;
    for (; *text; text++, x += f->advance) {
        int g = toupper((unsigned char)*text) - FIRST;
        if (g < 0 || g >= GLYPHS || !strokes[g])
            continue;
        const uint8_t *mask = f->masks + (ptrdiff_t)(g * HALVES + half) * f->width * f->height;
        ta_canvas_mask(c, x, y, mask, f->width, f->width, f->height, colour, opacity);
    }
}

const uint8_t *ta_font_mask(const struct ta_font *f, char letter, int *width, int *height, int *margin)
{
    int g = toupper((unsigned char)letter) - FIRST;
    *width = f->width;
    *height = f->height;
    *margin = f->margin;
    if (g < 0 || g >= GLYPHS || !strokes[g])
        return NULL;
    return f->masks + (ptrdiff_t)(g * HALVES) * f->width * f->height;
}

int ta_font_advance(const struct ta_font *f)
{
    return f->advance;
}
