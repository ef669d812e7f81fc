#include "simulate/train.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "simulate/parts.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

// The train stands in its layer from x = 0 (rear) to LENGTH (front), rail at y = RAIL_Y; canvas units.
#define LENGTH 640.0f
#define RAIL_Y 116.0f
#define PIXELS_PER_UNIT (720.0 / 640.0)

enum { PUFFS = 16 };
static const double puff_every = 0.17;

struct ta_train {
    struct ta_layer *body;
};

struct wheel {
    float x, radius;
    int spokes; // diameters
};

static const struct wheel drivers[] = {{492, 21, 6}, {537, 21, 6}, {582, 21, 6}};
static const struct wheel small_wheels[] = {
    {612, 10, 4}, {382, 11, 4}, {404, 11, 4}, {426, 11, 4}, {214, 10, 4}, {238, 10, 4},
    {322, 10, 4}, {346, 10, 4}, {32, 10, 4},  {56, 10, 4},  {140, 10, 4}, {164, 10, 4},
};

// A body lit from above as a barrel is: t = 0 at its top edge, 1 at the bottom.
static struct ta_rgba barrel(struct ta_rgba c, float t)
{
    float light = 1.35f - 0.95f * t;
    c = ta_shade(c, light);
    return ta_mix_colour(c, ta_colour(0xffe2b8), 0.45f * ta_ramp(0.16f, 0, fabsf(t - 0.2f)));
}

static void paint_coach(struct ta_rgba *c, float x, float y, uint32_t seed)
{
    ta_lay(c, ta_colour(0x1c1a1c), ta_cover_box(x, y, 4, 88, 150, 97, 1, TA_SOFT));
    ta_lay(c, barrel(ta_colour(0x8e2b3a), (y - 34) / 56), ta_cover_box(x, y, 0, 34, 154, 90, 4, TA_SOFT));
    ta_lay(c, ta_colour(0xe6d3a6), ta_cover_box(x, y, 1, 44, 153, 68, 0, TA_SOFT));
    ta_lay(c, ta_colour(0xd9b44c), ta_cover_box(x, y, 1, 70, 153, 71.4f, 0, 1));
    ta_lay(c, ta_colour(0xd9b44c), ta_cover_box(x, y, 1, 83, 153, 84.2f, 0, 1));
    ta_lay(c, barrel(ta_colour(0x6a6468), (y - 26) / 10), ta_cover_box(x, y, -3, 27, 157, 36, 4, TA_SOFT));
    for (int i = 0; i < 7; i++) {
        float left = 9 + 20.2f * (float)i;
        uint32_t h = ta_hash((uint32_t)i, 1, seed);
        ta_lay(c, ta_colour(0x2a1c1e), ta_cover_box(x, y, left - 1.4f, 45.5f, left + 15.4f, 66, 2, TA_SOFT));
        ta_lay(c, ta_mix_colour(ta_colour(0xfff0bc), ta_colour(0xf3b45a), ta_clamp01((y - 46) / 20)),
               ta_cover_box(x, y, left, 47, left + 14, 64.5f, 1.5f, TA_SOFT));
        if (h % 3) { // somebody looks out
            float head = left + 5 + (float)(h >> 8 & 3);
            float inside = ta_cover_box(x, y, left, 47, left + 14, 64.5f, 1.5f, TA_SOFT);
            ta_lay(c, ta_colour(0x4a2c28), inside * ta_cover_disc(x, y, head, 56, 3.1f, TA_SOFT));
            ta_lay(c, ta_colour(0x3a2c40), inside * ta_cover_disc(x, y, head, 64.5f, 5.4f, TA_SOFT));
        }
    }
}

static void paint_tender(struct ta_rgba *c, float x, float y)
{
    float coal = 46 - 7 * ta_noise(x / 7, 0.5f, 0, 5) - 5 * ta_ramp(0, 25, x - 372) * ta_ramp(436, 415, x);
    ta_lay(c, ta_mix_colour(ta_colour(0x151417), ta_colour(0x4a444c), ta_noise(x / 3, y / 3, 0, 6)),
           ta_clamp01(0.5f + (y - coal) / TA_SOFT) * ta_cover_box(x, y, 370, 30, 438, 60, 1, TA_SOFT));
    ta_lay(c, barrel(ta_colour(0x2c6a48), (y - 48) / 42), ta_cover_box(x, y, 366, 50, 440, 90, 3, TA_SOFT));
    ta_lay(c, ta_colour(0xd9b44c),
           ta_cover_box(x, y, 371, 55, 435, 85, 2, 1) *
               (1 - ta_cover_box(x, y, 372.4f, 56.4f, 433.6f, 83.6f, 1, 1)));
    ta_lay(c, ta_colour(0x1c1a1c), ta_cover_box(x, y, 364, 90, 442, 97, 1, TA_SOFT));
}

static void paint_engine(struct ta_rgba *c, float x, float y)
{
    static const float chimney[][2] = {{594, 40}, {591, 16}, {611, 16}, {607, 40}};
    static const float catcher[][2] = {{619, 90}, {621, 90}, {640, 112}, {619, 112}};
    struct ta_rgba green = ta_colour(0x2f7350), black = ta_colour(0x242225), brass = ta_colour(0xe0b850);
    ta_lay(c, ta_colour(0x1c1a1c), ta_cover_box(x, y, 450, 84, 622, 98, 1, TA_SOFT));
    ta_lay(c, barrel(black, (y - 16) / 40), ta_cover_polygon(x, y, chimney, 4, TA_SOFT));
    ta_lay(c, barrel(black, 0.2f), ta_cover_box(x, y, 588, 13, 614, 18, 2, TA_SOFT));
    ta_lay(c, barrel(brass, (y - 30) / 22), ta_cover_disc(x, y, 540, 42, 10, TA_SOFT));
    ta_lay(c, barrel(black, 0.3f), ta_cover_box(x, y, 562, 33, 570, 46, 2, TA_SOFT));
    ta_lay(c, barrel(green, (y - 40) / 38), ta_cover_box(x, y, 486, 40, 592, 78, 3, TA_SOFT));
    for (int i = 0; i < 4; i++)
        ta_lay(c, barrel(brass, (y - 40) / 38),
               ta_cover_box(x, y, 497 + 26 * (float)i, 40, 499.4f + 26 * (float)i, 78, 0, TA_SOFT));
    ta_lay(c, barrel(black, (y - 38) / 42), ta_cover_box(x, y, 590, 38, 617, 80, 4, TA_SOFT));
    ta_lay(c, ta_colour(0xa8342c), ta_cover_box(x, y, 476, 79, 620, 83, 1, TA_SOFT));
    ta_lay(c, barrel(green, (y - 24) / 60), ta_cover_box(x, y, 446, 24, 490, 84, 2, TA_SOFT));
    ta_lay(c, ta_colour(0x1a1416), ta_cover_box(x, y, 452.5f, 32.5f, 477.5f, 53.5f, 3, TA_SOFT));
    ta_lay(c, ta_mix_colour(ta_colour(0xffd27a), ta_colour(0xe8692c), ta_clamp01((y - 34) / 18)),
           ta_cover_box(x, y, 454, 34, 476, 52, 2, TA_SOFT));
    ta_lay(c, ta_colour(0x2a2024), ta_cover_disc(x, y, 463, 45, 4, TA_SOFT));
    ta_lay(c, barrel(black, (y - 16) / 12), ta_cover_box(x, y, 439, 18, 496, 26, 4, TA_SOFT));
    ta_lay(c, ta_colour(0xb03a2e), ta_cover_polygon(x, y, catcher, 4, TA_SOFT));
    ta_lay(c, ta_colour(0xb03a2e), ta_cover_box(x, y, 614, 82, 623, 94, 1, TA_SOFT));
    ta_lay(c, ta_colour(0xfff4cc), ta_cover_disc(x, y, 620, 48, 5, 2));
}

static struct ta_rgba shade_body(const void *priv, float x, float y)
{
    (void)priv;
    struct ta_rgba c = {0, 0, 0, 0};
    for (int i = 0; i < 2; i++) {
        float left = 20 + 182 * (float)i;
        ta_lay(&c, ta_colour(0x1c1a1c),
               ta_cover_box(x, y, left + 150, 90, left + 186, 94, 0, TA_SOFT)); // coupling
        if (x > left - 6 && x < left + 162)
            paint_coach(&c, x - left, y, 40 + (uint32_t)i);
    }
    if (x > 360 && x < 446)
        paint_tender(&c, x, y);
    if (x > 434)
        paint_engine(&c, x, y);
    return c;
}

struct ta_train *ta_train_create(int canvas_height)
{
    struct ta_train *t = ta_xcalloc(1, sizeof(*t));
    int lines = (int)lroundf(RAIL_Y * (float)canvas_height / TA_CANVAS_UNITS_Y);
    t->body = ta_layer_create((int)(LENGTH * PIXELS_PER_UNIT) / 2 * 2, lines, canvas_height, false,
                              shade_body, t);
    return t;
}

void ta_train_destroy(struct ta_train **t)
{
    if (!*t)
        return;
    ta_layer_destroy(&(*t)->body);
    ta_freep(t);
}

struct turning {
    float x, y, radius;
    float direction[8][2]; // of the spokes
    int spokes;
    float pin_x, pin_y; // crank pin, or the hub for wheels without
};

static struct ta_rgba shade_wheel(const void *priv, float x, float y)
{
    const struct turning *w = priv;
    float dx = x - w->x, dy = y - w->y, d2 = dx * dx + dy * dy;
    struct ta_rgba c = {0, 0, 0, 0};
    if (d2 > (w->radius + 2) * (w->radius + 2))
        return c;
    float d = sqrtf(d2), nearest = 100;
    for (int i = 0; i < w->spokes; i++) {
        float across = fabsf(dx * w->direction[i][1] - dy * w->direction[i][0]);
        nearest = across < nearest ? across : nearest;
    }
    float thick = w->radius * 0.045f + 0.35f, rim = w->radius * 0.16f;
    ta_lay(&c, ta_colour(0x151214),
           ta_clamp01(0.5f - (d - w->radius) / TA_SOFT) * 0.55f); // what is seen between the spokes
    ta_lay(&c, ta_colour(0xc43c30),
           ta_clamp01(0.5f - (nearest - thick) / TA_SOFT) * ta_clamp01(0.5f - (d - w->radius) / TA_SOFT));
    ta_lay(&c, ta_colour(0xc43c30), ta_clamp01(0.5f - (d - w->radius * 0.24f) / TA_SOFT));
    ta_lay(&c, ta_colour(0xb0352b), ta_clamp01(0.5f - (fabsf(d - w->radius + rim) - rim / 2) / TA_SOFT));
    ta_lay(&c, ta_colour(0xe8dcc8),
           ta_clamp01(0.5f - (fabsf(d - w->radius + rim * 0.3f) - rim * 0.3f) / TA_SOFT));
    ta_lay(&c, ta_colour(0xf0e4c8), ta_cover_disc(x, y, w->pin_x, w->pin_y, w->radius * 0.11f, TA_SOFT));
    return c;
}

static void draw_wheel(struct ta_canvas *c, const struct wheel *wheel, float left, float rail, double rolled,
                       float crank)
{
    struct turning w = {
        .x = left + wheel->x, .y = rail - wheel->radius, .radius = wheel->radius, .spokes = wheel->spokes};
    double turns = rolled / (6.283185307179586 * wheel->radius);
    for (int i = 0; i < w.spokes; i++) {
        w.direction[i][0] = ta_sine(turns + 0.25 + 0.5 * i / w.spokes);
        w.direction[i][1] = ta_sine(turns + 0.5 * i / w.spokes);
    }
    w.pin_x = w.x + crank * ta_sine(turns + 0.25);
    w.pin_y = w.y + crank * ta_sine(turns);
    ta_canvas_shape(c, w.x - w.radius - 1, w.y - w.radius - 1, w.x + w.radius + 1, w.y + w.radius + 1,
                    shade_wheel, &w);
}

struct rod {
    float x0, y0, x1, y1, width;
};

static struct ta_rgba shade_rod(const void *priv, float x, float y)
{
    const struct rod *r = priv;
    struct ta_rgba c = ta_mix_colour(ta_colour(0xf2efe6), ta_colour(0x8a8688),
                                     ta_clamp01(0.5f + (y - (r->y0 + r->y1) / 2) / 6));
    c.a = ta_cover_line(x, y, r->x0, r->y0, r->x1, r->y1, r->width, TA_SOFT);
    return c;
}

static void draw_rod(struct ta_canvas *c, struct rod r)
{
    ta_canvas_shape(c, fminf(r.x0, r.x1) - 5, fminf(r.y0, r.y1) - 4, fmaxf(r.x0, r.x1) + 5,
                    fmaxf(r.y0, r.y1) + 4, shade_rod, &r);
}

struct puff {
    float x, y, radius, opacity, grey;
};

static struct ta_rgba shade_puff(const void *priv, float x, float y)
{
    const struct puff *p = priv;
    float dx = (x - p->x) / p->radius, dy = (y - p->y) / p->radius, d2 = dx * dx + dy * dy;
    if (d2 >= 1)
        return (struct ta_rgba){0, 0, 0, 0};
    float light = ta_clamp01(0.55f + 0.35f * dx + 0.25f * dy); // the sun stands low at the right
    struct ta_rgba c = ta_mix_colour(ta_colour(0x7a6f82), ta_colour(0xfff0e0), light * p->grey);
    c.a = p->opacity * (1 - d2) * (1 - 0.6f * d2);
    return c;
}

static void draw_smoke(struct ta_canvas *c, double at, float rail, double seconds)
{
    int64_t newest = (int64_t)floor(seconds / puff_every);
    for (int64_t n = newest - PUFFS + 1; n <= newest; n++) {
        double age = seconds - (double)n * puff_every;
        uint32_t h = ta_hash((uint32_t)n, 9, 1234);
        double front = (at - 78 * age) / PIXELS_PER_UNIT +
                       601; // where the chimney was; the air goes by more slowly than the bank
        struct puff p = {
            .x = (float)(front - 105 * age + ((h & 255) / 255.0 - 0.5) * 16 * age),
            .y = (float)(rail - RAIL_Y + 10 - 46 * age + 7 * age * age +
                         ((h >> 8 & 255) / 255.0 - 0.5) * 10 * age),
            .radius = (float)(9 + 18 * age),
            .opacity = (float)(0.95 * (1 - age / (puff_every * PUFFS)) * ta_ramp(0, 0.12f, (float)age)),
            .grey = 0.7f + 0.3f * (float)(h >> 16 & 255) / 255,
        };
        ta_canvas_shape(c, p.x - p.radius, p.y - p.radius, p.x + p.radius, p.y + p.radius, shade_puff, &p);
    }
}

void ta_train_draw(const struct ta_train *t, struct ta_canvas *c, double at, float rail, double seconds,
                   double ground)
{
    int64_t half = ta_part_half_px(1, at);
    float left = (float)(half / 2.0 / PIXELS_PER_UNIT);
    double rolled = (seconds * ground + at) / PIXELS_PER_UNIT;
    const float crank = 10;
    draw_smoke(c, at, rail, seconds);
    for (size_t i = 0; i < TA_COUNT(small_wheels); i++)
        draw_wheel(c, &small_wheels[i], left, rail, rolled, 0);
    ta_canvas_layer(c, t->body, half, (int)lroundf((rail - RAIL_Y) * (float)c->height / TA_CANVAS_UNITS_Y));
    for (size_t i = 0; i < TA_COUNT(drivers); i++)
        draw_wheel(c, &drivers[i], left, rail, rolled, crank);
    double turns = rolled / (6.283185307179586 * drivers[0].radius);
    float px = crank * ta_sine(turns + 0.25), py = crank * ta_sine(turns), axle = rail - drivers[0].radius;
    draw_rod(c, (struct rod){left + drivers[0].x + px, axle + py, left + drivers[2].x + px, axle + py, 3.4f});
    draw_rod(c, (struct rod){left + drivers[1].x + px, axle + py, left + 610 + px * 0.95f, axle - 2, 2.8f});
}
