// A still camera: tulip fields and a mill whose sails turn, a balloon, birds, slow clouds.
#include "simulate/parts.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

#define HORIZON 262.0f
#define MILL_X 436.0f
#define HUB_Y 168.0f
#define SAIL 128.0f
#define BALLOON 56.0f

enum { WIDE_PX = 1440, WIDE_UNITS = 1280, BIRDS = 5 };
static const double speed_clouds = 22;

struct windmill {
    uint32_t seed;
    struct ta_layer *sky, *clouds, *land;
};

static struct ta_rgba shade_sky(const void *priv, float x, float y)
{
    (void)priv;
    (void)x;
    return ta_mix_colour(ta_colour(0x3f7fc8), ta_colour(0xdcecf2), ta_ramp(-60, HORIZON, y));
}

static struct ta_rgba shade_clouds(const void *priv, float x, float y)
{
    const struct windmill *m = priv;
    float thick = ta_clouds(x * (8.0f / WIDE_UNITS), y / 64, 8, 5, m->seed + 200);
    float lit = ta_clouds((x - 8) * (16.0f / WIDE_UNITS), (y + 10) / 34, 16, 3, m->seed + 201);
    struct ta_rgba c = ta_mix_colour(ta_colour(0xffffff), ta_colour(0xaebccb), ta_ramp(0.3f, 0.75f, lit));
    c.a = ta_ramp(0.50f, 0.60f, thick) * ta_ramp(HORIZON, 170, y);
    return c;
}

static void paint_field(struct ta_rgba *c, const struct windmill *m, float x, float y)
{
    static const unsigned tulips[] = {0xd4343c, 0xf4c52e, 0xe06aa8, 0xf6f0ea, 0x8c3a9c, 0xf08030};
    float depth = (y - HORIZON) / (TA_CANVAS_UNITS_Y - HORIZON), near = y - HORIZON + 7; // 0 far .. 1 near
    float row = (x - 250) / near * 9, cell = floorf(row), u = row - cell;
    uint32_t h = ta_hash((uint32_t)((int)cell + 1000), 1, m->seed + 210);
    float z = 2600 / near; // along the row
    float grain = ta_noise(row * 7, z * 7, 0, m->seed + 211),
          heads = ta_noise(row * 9, z * 11, 0, m->seed + 212);
    struct ta_rgba green = ta_mix_colour(ta_colour(0x2f6a2c), ta_colour(0x6f9a3e), grain);
    struct ta_rgba bloom = ta_shade(ta_colour(tulips[h % TA_COUNT(tulips)]), 0.72f + 0.4f * heads);
    float stripe = ta_ramp(0.10f, 0.22f, u) * ta_ramp(0.90f, 0.78f, u);
    struct ta_rgba ground = ta_mix_colour(green, bloom,
                                          stripe * ta_ramp(0.25f, 0.45f, heads + 0.25f * (1 - depth)));
    *c = ta_mix_colour(ta_colour(0xa8c0a0), ground, ta_ramp(-0.08f, 0.25f, depth));
    *c = ta_shade(*c, 1.06f - 0.25f * depth);
}

static void paint_mill(struct ta_rgba *c, const struct windmill *m, float x, float y)
{
    static const float tower[][2] = {
        {MILL_X - 25, 182}, {MILL_X + 25, 182}, {MILL_X + 46, 330}, {MILL_X - 46, 330}};
    static const float cap[][2] = {
        {MILL_X - 30, 184}, {MILL_X - 20, 158}, {MILL_X + 4, 147}, {MILL_X + 26, 160}, {MILL_X + 31, 184}};
    float across = (x - MILL_X) / (25 + 21 * (y - 182) / 148),
          light = 1.12f - 0.5f * ta_ramp(-0.6f, 1.1f, across);
    float course = floorf(y / 4.5f), brick = (x + (course - 2 * floorf(course / 2)) * 5) / 10;
    float joint = fminf(fabsf(y / 4.5f - course - 0.5f) * 2, 1),
          shade = (float)(ta_hash((uint32_t)(int)floorf(brick), (uint32_t)(int)course, m->seed + 220) & 255) /
                  255;
    struct ta_rgba wall = ta_shade(ta_mix_colour(ta_colour(0x9a5a40), ta_colour(0x7c4634), shade),
                                   light * (joint > 0.8f ? 1.15f : 1));
    ta_lay(c, wall, ta_cover_polygon(x, y, tower, 4, TA_SOFT));
    static const float windows[][2] = {{-8, 206}, {10, 236}, {-12, 262}};
    for (size_t i = 0; i < TA_COUNT(windows); i++) {
        float wx = MILL_X + windows[i][0], wy = windows[i][1];
        ta_lay(c, ta_colour(0xf2efe6), ta_cover_box(x, y, wx - 6, wy - 8, wx + 6, wy + 8, 1, TA_SOFT));
        ta_lay(c, ta_colour(0x2c3a4c), ta_cover_box(x, y, wx - 4, wy - 6, wx + 4, wy + 6, 0, TA_SOFT));
        ta_lay(c, ta_colour(0xf2efe6), ta_cover_box(x, y, wx - 0.6f, wy - 6, wx + 0.6f, wy + 6, 0, TA_SOFT));
    }
    ta_lay(c, ta_colour(0x3c5a3c), ta_cover_box(x, y, MILL_X - 9, 300, MILL_X + 9, 331, 2, TA_SOFT));
    ta_lay(c, ta_colour(0xe8e2d4),
           ta_cover_box(x, y, MILL_X - 62, 277, MILL_X + 62, 280.5f, 1, TA_SOFT)); // the gallery
    ta_lay(c, ta_colour(0xe8e2d4), ta_cover_box(x, y, MILL_X - 62, 266, MILL_X + 62, 267.8f, 0, TA_SOFT));
    float u = x - MILL_X - 8 * floorf((x - MILL_X) / 8);
    ta_lay(c, ta_colour(0xe8e2d4),
           ta_cover_box(u, y, 3.2f, 266, 4.8f, 278, 0, TA_SOFT) *
               ta_cover_box(x, y, MILL_X - 62, 260, MILL_X + 62, 280, 0, 1));
    struct ta_rgba thatch = ta_mix_colour(ta_colour(0x5a4a34), ta_colour(0x8a744e),
                                          ta_noise(x / 2, y / 9, 0, m->seed + 221));
    ta_lay(c, ta_shade(thatch, light), ta_cover_polygon(x, y, cap, 5, TA_SOFT));
}

static struct ta_rgba shade_land(const void *priv, float x, float y)
{
    const struct windmill *m = priv;
    struct ta_rgba c = {0, 0, 0, 0};
    if (y > HORIZON - 1)
        paint_field(&c, m, x, y);
    c.a = ta_clamp01(0.5f + (y - HORIZON) / TA_SOFT);
    // The village on the horizon.
    float trees = HORIZON - 4 - 15 * ta_clouds(x / 26, 0.5f, 0, 3, m->seed + 230);
    ta_lay(&c,
           ta_mix_colour(ta_colour(0x5f7f6a), ta_colour(0x86a284), ta_noise(x / 4, y / 4, 0, m->seed + 231)),
           ta_clamp01(0.5f + (y - trees) / TA_SOFT) * ta_clamp01(0.5f + (HORIZON + 2 - y) / TA_SOFT));
    static const float spire[][2] = {{118, 196}, {119, 196}, {127, 240}, {110, 240}};
    ta_lay(&c, ta_colour(0x5a6a78), ta_cover_polygon(x, y, spire, 4, TA_SOFT));
    ta_lay(&c, ta_colour(0xa8928a), ta_cover_box(x, y, 111, 238, 126, HORIZON, 0, TA_SOFT));
    for (int i = 0; i < 7; i++) {
        float left = 40 + 37 * (float)i + (float)(ta_hash((uint32_t)i, 4, m->seed) & 15),
              top = 247 - (float)(ta_hash((uint32_t)i, 5, m->seed) & 3);
        float roof[][2] = {{left + 8, top - 10}, {left + 14, top - 10}, {left + 24, top}, {left - 2, top}};
        ta_lay(&c, ta_colour(0xd8d0c2),
               ta_cover_box(x, y, left, top - 1, left + 22, HORIZON + 1, 0, TA_SOFT));
        ta_lay(&c, ta_colour(0xb4604a), ta_cover_polygon(x, y, (const float(*)[2])roof, 4, TA_SOFT));
    }
    if (fabsf(x - MILL_X) < 80 && y > 140 && y < 335)
        paint_mill(&c, m, x, y);
    return c;
}

static void *create(int width, int height, uint32_t seed)
{
    struct windmill *m = ta_xcalloc(1, sizeof(*m));
    m->seed = seed;
    m->sky = ta_layer_create(width, height, height, false, shade_sky, m);
    m->clouds = ta_layer_create(WIDE_PX, (int)(HORIZON * (float)height / TA_CANVAS_UNITS_Y), height, true,
                                shade_clouds, m);
    m->land = ta_layer_create(width, height, height, false, shade_land, m);
    return m;
}

struct sails {
    float cx, cy, dx, dy; // hub and direction of one sail
};

// One arm's frame, in the sail's own coordinates: `along` from the hub outwards, `across` to its lattice
// side.
static void paint_sail(struct ta_rgba *c, float along, float across)
{
    ta_lay(c, ta_colour(0x5c4a3a), ta_cover_box(along, across, 0, -2.2f, SAIL, 2.2f, 0.5f, TA_SOFT));
    if (along < 20 || along > SAIL || across < -2 || across > 23)
        return;
    ta_lay(c, ta_colour(0xf1e6cc),
           0.92f * ta_cover_box(along, across, 26, 2, SAIL - 30, 20, 0.5f,
                                TA_SOFT)); // the cloth is partly furled
    float u = along - 24 - 8.6f * floorf((along - 24) / 8.6f);
    ta_lay(c, ta_colour(0x6a4630),
           ta_cover_box(u, across, 3.6f, 1, 5.2f, 20.5f, 0, TA_SOFT) * ta_clamp01(along - 23));
    ta_lay(c, ta_colour(0x6a4630), ta_cover_box(along, across, 24, 9.7f, SAIL - 1, 11.3f, 0, TA_SOFT));
    ta_lay(c, ta_colour(0x6a4630), ta_cover_box(along, across, 24, 19.6f, SAIL - 1, 21.4f, 0, TA_SOFT));
}

static struct ta_rgba shade_sails(const void *priv, float x, float y)
{
    const struct sails *s = priv;
    struct ta_rgba c = {0, 0, 0, 0};
    float dx = x - s->cx, dy = y - s->cy;
    if (dx * dx + dy * dy > (SAIL + 3) * (SAIL + 3) + 600)
        return c;
    float a = dx * s->dx + dy * s->dy, b = dy * s->dx - dx * s->dy;
    // A quarter turn brings each quadrant to the first sail.
    if (a > -3 && b > -3 && b < 24)
        paint_sail(&c, a, b);
    if (b > -3 && a < 3 && a > -24)
        paint_sail(&c, b, -a);
    if (a < 3 && b < 3 && b > -24)
        paint_sail(&c, -a, -b);
    if (b < 3 && a > -3 && a < 24)
        paint_sail(&c, -b, a);
    ta_lay(&c, ta_colour(0x4a3a30), ta_cover_disc(x, y, s->cx, s->cy, 7, TA_SOFT));
    ta_lay(&c, ta_colour(0xd0442e), ta_cover_disc(x, y, s->cx, s->cy, 3, TA_SOFT));
    return c;
}

struct balloon {
    float x, y; // centre of the envelope
};

static struct ta_rgba shade_balloon(const void *priv, float x, float y)
{
    static const unsigned gores[] = {0xd83a34, 0xf6d04a, 0x2f62b4, 0xf6d04a};
    const struct balloon *b = priv;
    float dx = x - b->x, dy = y - b->y;
    struct ta_rgba c = {0, 0, 0, 0};
    float wide = dy < 0 ? BALLOON * BALLOON - dy * dy : 0;
    wide = dy < 0 ? (wide > 0 ? sqrtf(wide) : 0) : BALLOON * (1 - 0.00009f * dy * dy) - 0.0035f * dy * dy;
    const float neck = 1.42f * BALLOON;
    if (dy < neck && wide > 0) {
        float s = dx / wide, turned = s * (1 + 0.25f * s * s) * 3.2f + 8;
        int gore = (int)floorf(turned) & 3;
        float edge = turned - floorf(turned),
              light = 1.1f - 0.45f * ta_ramp(-0.4f, 1.05f, s) + 0.15f * ta_ramp(0.35f, 0, fabsf(s + 0.4f));
        struct ta_rgba cloth = ta_mix_colour(ta_colour(gores[gore]), ta_colour(gores[(gore + 1) & 3]),
                                             ta_ramp(0.9f, 1.0f, edge));
        if (fabsf(dy + 6) < 9)
            cloth = ta_mix_colour(cloth, ta_colour(0xfdf8ee), ta_clamp01((9 - fabsf(dy + 6)) / TA_SOFT));
        float inside = ta_clamp01(0.5f + (wide - fabsf(dx)) / TA_SOFT) *
                       ta_clamp01(0.5f + (neck - dy) / TA_SOFT);
        ta_lay(&c, ta_shade(cloth, light), inside);
    }
    for (int i = -1; i <= 1; i += 2)
        ta_lay(&c, ta_colour(0x4a3c34),
               ta_cover_line(dx, dy, 9 * (float)i, neck, 5.5f * (float)i, neck + 20, 1, TA_SOFT));
    ta_lay(&c, ta_colour(0x8a5a34), ta_cover_box(dx, dy, -7.5f, neck + 18, 7.5f, neck + 29, 2, TA_SOFT));
    ta_lay(&c, ta_colour(0x5e3a22), ta_cover_box(dx, dy, -8, neck + 18, 8, neck + 20.2f, 1, TA_SOFT));
    return c;
}

struct bird {
    float x, y, flap;
};

static struct ta_rgba shade_bird(const void *priv, float x, float y)
{
    const struct bird *b = priv;
    struct ta_rgba c = ta_colour(0x30343c);
    float left = ta_cover_line(x, y, b->x, b->y, b->x - 8, b->y - b->flap, 1.9f, TA_SOFT),
          right = ta_cover_line(x, y, b->x, b->y, b->x + 8, b->y - b->flap, 1.9f, TA_SOFT);
    c.a = left > right ? left : right;
    return c;
}

static void draw(const void *part, struct ta_canvas *c, double seconds)
{
    const struct windmill *m = part;
    ta_canvas_layer(c, m->sky, 0, 0);
    ta_canvas_layer(c, m->clouds, -ta_part_half_px(seconds, speed_clouds), 0);
    struct balloon b = {(float)(128 + 19 * seconds + 2.5 * ta_sine(seconds * 0.3)),
                        (float)(142 - 9 * seconds)};
    ta_canvas_shape(c, b.x - BALLOON - 2, b.y - BALLOON - 2, b.x + BALLOON + 2, b.y + BALLOON * 1.42f + 32,
                    shade_balloon, &b);
    for (int i = 0; i < BIRDS; i++) {
        double x = 700 - 74 * seconds - 21 * i * (i % 2 ? 1 : 1.3);
        struct bird bird = {(float)x, 70 + 9 * (float)i + 5 * ta_sine(seconds * 0.4 + i * 0.2),
                            1.5f + 5 * ta_sine(seconds * 1.7 + i * 0.37)};
        ta_canvas_shape(c, bird.x - 10, bird.y - 9, bird.x + 10, bird.y + 7, shade_bird, &bird);
    }
    ta_canvas_layer(c, m->land, 0, 0);
    double turns = seconds * 0.13 + 0.07;
    struct sails s = {MILL_X, HUB_Y, ta_sine(turns + 0.25), ta_sine(turns)};
    ta_canvas_shape(c, MILL_X - SAIL - 12, HUB_Y - SAIL - 12, MILL_X + SAIL + 12, HUB_Y + SAIL + 12,
                    shade_sails, &s);
}

static void destroy(void *part)
{
    struct windmill *m = part;
    if (!m)
        return;
    ta_layer_destroy(&m->sky);
    ta_layer_destroy(&m->clouds);
    ta_layer_destroy(&m->land);
    free(m);
}

const struct ta_part_info ta_part_windmill = {"windmill", create, draw, destroy};
