// A test card: colour bars, a grey wedge, gratings, a zone plate whose rings run, a clock hand, and titles
// that roll through it.
#include "simulate/parts.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "draw/font.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

#define BARS_TOP 392.0f
#define WEDGE_TOP 436.0f
#define WEDGE_BOTTOM 456.0f
#define ROLL_LEFT 196.0f
#define ROLL_RIGHT 444.0f
#define ROLL_TOP 34.0f
#define ROLL_BOTTOM 378.0f
#define PLATE_X 540.0f
#define PLATE_Y 108.0f
#define PLATE 76.0f
#define CLOCK_X 100.0f
#define CLOCK_Y 108.0f
#define CLOCK 72.0f

static const double roll_lines = 90; // lines of a 480-line picture a second

static const char *const titles[] = {
    "THE TAPE", "FROM THE",  "ATTIC",         "", "A SCENE OF",    "NUMBERS",
    "",         "LANDSCAPE", "VALUE NOISE",   "", "ENGINE DRIVER", "LOCAL 4-6-0",
    "",         "MILLER",    "THE WEST WIND", "", "BALLOON",       "HOT AIR",
    "",         "MELODY",    "FIVE TONES",    "", "RECORDED ON",   "HALF INCH TAPE",
    "1992",
};

struct card {
    int width, height;
    struct ta_layer *back;
    struct ta_font *big, *small;
};

static struct ta_rgba shade_back(const void *priv, float x, float y)
{
    (void)priv;
    static const unsigned bars[] = {0xbfbfbf, 0xbfbf00, 0x00bfbf, 0x00bf00, 0xbf00bf, 0xbf0000, 0x0000bf};
    struct ta_rgba c = ta_mix_colour(ta_colour(0x2a3c52), ta_colour(0x182230), y / TA_CANVAS_UNITS_Y);
    float gx = x - 40 * floorf(x / 40) - 20, gy = y - 40 * floorf(y / 40) - 20;
    float grid = fmaxf(ta_clamp01(0.5f - (fabsf(gx) - 0.7f) / TA_SOFT),
                       ta_clamp01(0.5f - (fabsf(gy) - 0.7f) / TA_SOFT));
    ta_lay(&c, ta_colour(0x5a7088), grid * 0.8f);
    ta_lay(&c, ta_colour(0xd8dee6), ta_cover_ring(x, y, 320, 240, 226, 1.8f, TA_SOFT));
    // Behind the titles.
    ta_lay(&c, ta_colour(0x101722),
           0.93f * ta_cover_box(x, y, ROLL_LEFT, ROLL_TOP - 8, ROLL_RIGHT, ROLL_BOTTOM + 8, 10, TA_SOFT));
    // Bars and wedge.
    float u = (x - 40) / 80;
    if (u >= 0 && u < 7 && y > BARS_TOP && y < WEDGE_TOP)
        c = ta_colour(bars[(int)u]);
    if (u >= 0 && u < 7 && y >= WEDGE_TOP && y < WEDGE_BOTTOM) {
        float grey = floorf((x - 40) / 560 * 11) / 10;
        c = (struct ta_rgba){grey, grey, grey, 1};
    }
    // Gratings of 0.5 to 4 MHz at the left, level lines at the right.
    if (x > 40 && x < 160 && y > 214 && y < 364) {
        float step = floorf((y - 214) / 30), pitch = 22 - step * 4.4f; // units a cycle
        float v = 0.5f + 0.45f * ta_sine((x - 40) / pitch);
        c = (struct ta_rgba){v, v, v, 1};
    }
    if (x > 480 && x < 600 && y > 214 && y < 364) {
        float step = floorf((x - 480) / 30), pitch = 20 - step * 5;
        float v = 0.5f + 0.45f * ta_sine((y - 214) / pitch);
        c = (struct ta_rgba){v, v, v, 1};
    }
    // The clock's face.
    ta_lay(&c, ta_colour(0xeceae2), ta_cover_disc(x, y, CLOCK_X, CLOCK_Y, CLOCK, TA_SOFT));
    ta_lay(&c, ta_colour(0x243040), ta_cover_ring(x, y, CLOCK_X, CLOCK_Y, CLOCK - 3, 2.4f, TA_SOFT));
    bool near = fabsf(x - CLOCK_X) < CLOCK && fabsf(y - CLOCK_Y) < CLOCK;
    for (int i = 0; near && i < 30; i++) {
        float dx = ta_sine(i / 60.0 + 0.25), dy = ta_sine(i / 60.0),
              along = (x - CLOCK_X) * dx + (y - CLOCK_Y) * dy,
              across = (x - CLOCK_X) * dy - (y - CLOCK_Y) * dx;
        ta_lay(&c, ta_colour(0x243040),
               ta_cover_box(fabsf(along), across, i % 5 ? CLOCK - 11 : CLOCK - 17, i % 5 ? -0.6f : -1.6f,
                            CLOCK - 6, i % 5 ? 0.6f : 1.6f, 0, TA_SOFT));
    }
    return c;
}

static void *create(int width, int height, uint32_t seed)
{
    (void)seed;
    struct card *d = ta_xcalloc(1, sizeof(*d));
    d->width = width;
    d->height = height;
    d->back = ta_layer_create(width, height, height, false, shade_back, d);
    d->big = ta_font_create(20, 3.4f, width, height);
    d->small = ta_font_create(13, 2.2f, width, height);
    return d;
}

static struct ta_rgba shade_plate(const void *priv, float x, float y)
{
    double seconds = *(const double *)priv;
    float dx = x - PLATE_X, dy = y - PLATE_Y, d2 = dx * dx + dy * dy;
    // The phase grows with the square of the distance; at the rim a cycle is 4.5 units long.
    float v = 0.5f + 0.45f * ta_sine(d2 / (2 * 4.5 * PLATE) - seconds * 1.2);
    struct ta_rgba c = {v, v, v, ta_cover_disc(x, y, PLATE_X, PLATE_Y, PLATE, TA_SOFT)};
    return c;
}

struct hand {
    float dx, dy;
};

static struct ta_rgba shade_hand(const void *priv, float x, float y)
{
    const struct hand *h = priv;
    struct ta_rgba c = {0, 0, 0, 0};
    ta_lay(&c, ta_colour(0xc8322a),
           ta_cover_line(x, y, CLOCK_X - 16 * h->dx, CLOCK_Y - 16 * h->dy, CLOCK_X + 58 * h->dx,
                         CLOCK_Y + 58 * h->dy, 3.2f, TA_SOFT));
    ta_lay(&c, ta_colour(0xc8322a), ta_cover_disc(x, y, CLOCK_X, CLOCK_Y, 6, TA_SOFT));
    return c;
}

static void draw_titles(const struct card *d, struct ta_canvas *c, double seconds)
{
    double scale = d->height / 480.0;
    double start = (ROLL_BOTTOM - 120 - roll_lines * seconds) * scale;
    for (size_t i = 0; i < TA_COUNT(titles); i++) {
        bool head = i < 3 || (i > 0 && !titles[i - 1][0]);
        const struct ta_font *f = i < 3 ? d->big : d->small;
        double y = start + (double)i * 30 * scale;
        float place = (float)(y / scale);
        if (place < ROLL_TOP - 20 || place > ROLL_BOTTOM)
            continue;
        float seen = ta_ramp(ROLL_TOP - 4, ROLL_TOP + 26, place) *
                     ta_ramp(ROLL_BOTTOM - 16, ROLL_BOTTOM - 46, place);
        int x = (d->width - ta_font_width(f, titles[i])) / 4 * 2;
        ta_font_draw(f, c, x, (int)floor(2 * y + 0.5), titles[i], ta_colour(head ? 0xffd66b : 0xf4f4f0),
                     (int)(256 * seen));
    }
}

static void draw(const void *part, struct ta_canvas *c, double seconds)
{
    const struct card *d = part;
    ta_canvas_layer(c, d->back, 0, 0);
    ta_canvas_shape(c, PLATE_X - PLATE - 2, PLATE_Y - PLATE - 2, PLATE_X + PLATE + 2, PLATE_Y + PLATE + 2,
                    shade_plate, &seconds);
    double turns = seconds / 2 - 0.25;
    struct hand h = {ta_sine(turns + 0.25), ta_sine(turns)};
    ta_canvas_shape(c, CLOCK_X - 62, CLOCK_Y - 62, CLOCK_X + 62, CLOCK_Y + 62, shade_hand, &h);
    draw_titles(d, c, seconds);
}

static void destroy(void *part)
{
    struct card *d = part;
    if (!d)
        return;
    ta_layer_destroy(&d->back);
    ta_font_destroy(&d->big);
    ta_font_destroy(&d->small);
    free(d);
}

const struct ta_part_info ta_part_card = {"card", create, draw, destroy};
