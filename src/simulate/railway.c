// Evening railway: landscape in five depths that slides by at different speeds, a train with turning wheels,
// rods, smoke and lit windows.
#include "simulate/parts.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "simulate/train.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

// Places in canvas units.
#define HORIZON 300.0f
#define CLOUDS_BOTTOM 250.0f
#define MOUNTAINS_TOP 165.0f
#define HILLS_TOP 248.0f
#define HILLS_BOTTOM 330.0f
#define BANK_TOP 366.0f
#define RAIL 380.0f
#define BUSHES_TOP 380.0f
#define SUN_X 452.0f
#define SUN_Y 158.0f

enum { WIDE_PX = 1440, WIDE_UNITS = 1280 }; // of layers that repeat

// Pixels a second to the left.
static const double speed_clouds = 15, speed_mountains = 30, speed_hills = 90, speed_poles = 180,
                    speed_bank = 240, speed_bushes = 480;

struct railway {
    int height;
    uint32_t seed;
    struct ta_layer *sky, *clouds, *mountains, *hills, *poles, *bank, *bushes;
    struct ta_train *train;
};

static struct ta_rgba shade_sky(const void *priv, float x, float y)
{
    (void)priv;
    static const struct {
        float y;
        unsigned colour;
    } stops[] = {{0, 0x1c2a58}, {90, 0x5a4684}, {150, 0xbb5f74}, {215, 0xf08c58}, {HORIZON, 0xffcf7a}};
    struct ta_rgba c = ta_colour(stops[4].colour);
    for (int i = 0; i < 4; i++)
        if (y < stops[i + 1].y) {
            c = ta_mix_colour(ta_colour(stops[i].colour), ta_colour(stops[i + 1].colour),
                              ta_clamp01((y - stops[i].y) / (stops[i + 1].y - stops[i].y)));
            break;
        }
    float dx = x - SUN_X, dy = y - SUN_Y, d2 = dx * dx + dy * dy;
    c = ta_mix_colour(c, ta_colour(0xffe0a0), 0.75f / (1 + d2 / 4200));
    ta_lay(&c, ta_colour(0xfff6d8), ta_cover_disc(x, y, SUN_X, SUN_Y, 27, 2.5f));
    if (y < HORIZON)
        return c;
    // The lake: the sky upside down, darker towards us.
    float depth = (y - HORIZON) / (BANK_TOP - HORIZON);
    struct ta_rgba water = ta_mix_colour(ta_colour(0xe89a62), ta_colour(0x2a3057), ta_clamp01(depth * 1.1f));
    float ripple = ta_noise(x * 0.05f, (y - HORIZON) * (1.4f - 0.8f * depth), 0, 77) - 0.5f;
    return ta_shade(water, 1 + 0.18f * ripple);
}

static struct ta_rgba shade_clouds(const void *priv, float x, float y)
{
    const struct railway *r = priv;
    float density = ta_clouds(x * (12.0f / WIDE_UNITS), y / 26, 12, 5, r->seed);
    float below = ta_noise(x * (48.0f / WIDE_UNITS), (y + 9) / 7, 48, r->seed + 5);
    struct ta_rgba c = ta_mix_colour(ta_colour(0xffc09a), ta_colour(0x7c4d78),
                                     ta_ramp(0.35f, 0.8f, density + 0.2f * below - 0.1f));
    c.a = ta_ramp(0.50f, 0.66f, density) * ta_ramp(10, 90, y) * ta_ramp(CLOUDS_BOTTOM, 170, y) * 0.9f;
    return c;
}

// Height of a ridge over its foot at x, 0..1, repeating after WIDE_UNITS.
static float ridge(float x, int cells, uint32_t seed)
{
    float sum = 0, size = 0.55f;
    for (int i = 0; i < 5; i++) {
        float n = ta_noise(x * (float)cells / WIDE_UNITS, 0.5f, cells, seed + (uint32_t)i);
        sum += size * (1 - fabsf(2 * n - 1));
        cells *= 2;
        size *= 0.48f;
    }
    return sum;
}

static struct ta_rgba shade_mountains(const void *priv, float x, float y)
{
    const struct railway *r = priv;
    y += MOUNTAINS_TOP;
    float h = HORIZON - 135 * ridge(x, 7, r->seed + 20);
    float face = ta_noise(x * (80.0f / WIDE_UNITS) + y * 0.055f, y * 0.02f, 0, r->seed + 30);
    struct ta_rgba rock = ta_mix_colour(ta_colour(0x4a3d6b), ta_colour(0x7a5878), face);
    struct ta_rgba snow = ta_mix_colour(ta_colour(0xd9a7ae), ta_colour(0x8f7fa8),
                                        ta_ramp(0.35f, 0.65f, face));
    struct ta_rgba c = ta_mix_colour(snow, rock, ta_ramp(-6, 10, y - h - 12 - 16 * face));
    c = ta_mix_colour(c, ta_colour(0xe9955f), 0.75f * ta_ramp(210, HORIZON, y)); // haze
    c.a = ta_clamp01(0.5f + (y - h) / TA_SOFT);
    return c;
}

// Conifers: distance above the nearest tree's outline (negative inside).
static float above_trees(float x, float y, float foot, float pitch, float tall, uint32_t seed)
{
    float best = y < foot ? foot - y : -1;
    int cell = (int)floorf(x / pitch), cells = (int)(WIDE_UNITS / pitch + 0.5f);
    for (int i = cell - 1; i <= cell + 1; i++) {
        uint32_t h = ta_hash((uint32_t)((i + cells) % cells), 3, seed);
        float cx = ((float)i + 0.2f + 0.6f * (float)(h & 255) / 255) * pitch,
              top = foot - tall * (0.55f + 0.45f * (float)(h >> 8 & 255) / 255);
        float down = y - top; // the outline widens downwards, in steps as branches do
        float wide = 0.16f * down + 1.6f * (down * 0.16f - floorf(down * 0.16f));
        float d = fabsf(x - cx) - (down > 0 ? wide : down * 4);
        best = d < best ? d : best;
    }
    return best;
}

static struct ta_rgba shade_hills(const void *priv, float x, float y)
{
    const struct railway *r = priv;
    y += HILLS_TOP;
    float hill = ta_noise(x * (9.0f / WIDE_UNITS), 0.5f, 9, r->seed + 40), foot = 302 - 22 * hill;
    struct ta_rgba c = {0, 0, 0, 0};
    float grain = ta_noise(x * (320.0f / WIDE_UNITS), y * 0.3f, 320, r->seed + 41);
    ta_lay(&c, ta_mix_colour(ta_colour(0x3f4456), ta_colour(0x58505f), grain),
           ta_clamp01(0.5f - above_trees(x, y, foot - 5, 10, 36, r->seed + 42) / TA_SOFT));
    ta_lay(&c, ta_mix_colour(ta_colour(0x1d2b35), ta_colour(0x33423f), grain),
           ta_clamp01(0.5f - above_trees(x, y, foot + 10, 16, 44, r->seed + 43) / TA_SOFT));
    c.a *= ta_clamp01((HILLS_BOTTOM - 8 - 10 * hill - y) / 2); // the shore
    return c;
}

static struct ta_rgba shade_poles(const void *priv, float x, float y)
{
    (void)priv;
    const float pitch = WIDE_UNITS / 4.0f, top = 14; // the layer begins at y = 220
    float u = x - pitch * floorf(x / pitch) - pitch / 2;
    struct ta_rgba c = {0, 0, 0, 0}, wood = ta_colour(0x2a2028);
    // Wires hang between poles; the distance across the curve is what counts.
    float s = u / (pitch / 2); // -1..1, the pole is at 0
    for (int i = 0; i < 2; i++) {
        float sag = 26 * (1 - (1 - fabsf(s)) * (1 - fabsf(s))), slope = 52 * (1 - fabsf(s)) / (pitch / 2);
        float d = fabsf(y - (top + 4 + 12 * (float)i + sag)) / sqrtf(1 + slope * slope);
        ta_lay(&c, wood, 0.8f * ta_clamp01(0.5f - (d - 0.5f) / TA_SOFT));
    }
    ta_lay(&c, wood, ta_cover_box(u, y, -2, 4, 2, 160, 0, TA_SOFT));
    for (int i = 0; i < 2; i++) {
        float bar = top + 3 + 12 * (float)i;
        ta_lay(&c, wood, ta_cover_box(u, y, -11, bar, 11, bar + 2.4f, 0, TA_SOFT));
        ta_lay(&c, ta_colour(0xd8d0c0), ta_cover_box(fabsf(u), y, 8, bar - 4, 10, bar, 0.8f, TA_SOFT));
    }
    return c;
}

static struct ta_rgba shade_bank(const void *priv, float x, float y)
{
    const struct railway *r = priv;
    y += BANK_TOP;
    float edge = BANK_TOP + 6 + 3 * ta_noise(x * (160.0f / WIDE_UNITS), 0.5f, 160, r->seed + 60);
    float blades = ta_clouds(x * (320.0f / WIDE_UNITS), y * 0.13f, 320, 3, r->seed + 61),
          patch = ta_noise(x * (20.0f / WIDE_UNITS), y / 30, 20, r->seed + 62);
    struct ta_rgba c = ta_mix_colour(ta_colour(0x2c3a1e), ta_colour(0x8a7a3c),
                                     ta_ramp(0.3f, 0.8f, 0.6f * blades + 0.4f * patch));
    c = ta_shade(c, 1.15f - 0.55f * ta_ramp(RAIL, 480, y));
    // Flowers.
    float fx = x * (160.0f / WIDE_UNITS), fy = (y - 400) / 8;
    uint32_t h = ta_hash((uint32_t)(int)floorf(fx), (uint32_t)(int)floorf(fy), r->seed + 63);
    if (y > 402 && h % 5 == 0)
        ta_lay(&c,
               ta_colour(h & 64    ? 0xe8d25a
                         : h & 128 ? 0xd0667a
                                   : 0xe9e4da),
               0.9f * ta_cover_disc((fx - floorf(fx)) * 8, (fy - floorf(fy)) * 8, 2 + (float)(h >> 8 & 3),
                                    2 + (float)(h >> 10 & 3), 1.5f, TA_SOFT));
    // Ballast, sleepers, rail.
    float stones = ta_noise(x * (640.0f / WIDE_UNITS), y * 0.5f, 640, r->seed + 64);
    ta_lay(&c, ta_mix_colour(ta_colour(0x55484a), ta_colour(0xa08a78), stones),
           ta_ramp(RAIL, RAIL + 2, y) * ta_ramp(RAIL + 16, RAIL + 12, y + 3 * stones));
    float u = x - 16 * floorf(x / 16);
    ta_lay(&c, ta_colour(0x3a2a26), ta_cover_box(u, y, 4, RAIL + 3, 12, RAIL + 7.5f, 0.5f, TA_SOFT));
    ta_lay(&c, ta_colour(0x4a3436), ta_cover_box(x, y, -10, RAIL, WIDE_UNITS + 10, RAIL + 3.5f, 0, TA_SOFT));
    ta_lay(&c, ta_colour(0xffd9a4),
           0.85f * ta_cover_box(x, y, -10, RAIL - 0.4f, WIDE_UNITS + 10, RAIL + 1.1f, 0, TA_SOFT));
    c.a = ta_clamp01(0.5f + (y - edge) / TA_SOFT);
    return c;
}

static struct ta_rgba shade_bushes(const void *priv, float x, float y)
{
    const struct railway *r = priv;
    float n = ta_clouds(x * (20.0f / WIDE_UNITS), y / 90, 20, 3, r->seed + 70),
          leaves = ta_noise(x * (180.0f / WIDE_UNITS), y / 7, 180, r->seed + 71);
    float top = 108 - 84 * ta_ramp(0.45f, 0.78f, n);
    struct ta_rgba c = ta_mix_colour(ta_colour(0x10160f), ta_colour(0x2b3018), leaves);
    c.a = ta_ramp(top - 6, top + 8, y + 7 * leaves);
    return c;
}

static int line_of(const struct railway *r, float y)
{
    return (int)lroundf(y * (float)r->height / TA_CANVAS_UNITS_Y);
}

static struct ta_layer *wide_layer(const struct railway *r, float top, float bottom, ta_shader_fn shader)
{
    return ta_layer_create(WIDE_PX, line_of(r, bottom) - line_of(r, top), r->height, true, shader, r);
}

static void *create(int width, int height, uint32_t seed)
{
    struct railway *r = ta_xcalloc(1, sizeof(*r));
    r->height = height;
    r->seed = seed;
    r->sky = ta_layer_create(width, height, height, false, shade_sky, r);
    r->clouds = wide_layer(r, 0, CLOUDS_BOTTOM, shade_clouds);
    r->mountains = wide_layer(r, MOUNTAINS_TOP, HORIZON, shade_mountains);
    r->hills = wide_layer(r, HILLS_TOP, HILLS_BOTTOM, shade_hills);
    r->poles = wide_layer(r, 220, 375, shade_poles);
    r->bank = wide_layer(r, BANK_TOP, TA_CANVAS_UNITS_Y, shade_bank);
    r->bushes = wide_layer(r, BUSHES_TOP, TA_CANVAS_UNITS_Y, shade_bushes);
    r->train = ta_train_create(height);
    return r;
}

struct glitter {
    double seconds;
    uint32_t seed;
};

// The sun on the water: short bright strokes that come and go.
static struct ta_rgba shade_glitter(const void *priv, float x, float y)
{
    const struct glitter *g = priv;
    float depth = (y - HORIZON) / (BANK_TOP - HORIZON), half = 14 + 34 * depth;
    float n = ta_noise(x * (0.11f - 0.05f * depth), y * 0.55f + (float)g->seconds * 2.2f, 0, g->seed);
    struct ta_rgba c = ta_colour(0xffe9b8);
    c.a = ta_ramp(0.52f, 0.78f, n) * ta_ramp(half, half * 0.3f, fabsf(x - SUN_X)) * 0.95f;
    return c;
}

static void draw(const void *part, struct ta_canvas *c, double seconds)
{
    const struct railway *r = part;
    ta_canvas_layer(c, r->sky, 0, 0);
    ta_canvas_layer(c, r->clouds, -ta_part_half_px(seconds, speed_clouds), 0);
    ta_canvas_layer(c, r->mountains, -ta_part_half_px(seconds, speed_mountains), line_of(r, MOUNTAINS_TOP));
    struct glitter g = {seconds, r->seed + 90};
    ta_canvas_shape(c, SUN_X - 48, HORIZON + 6, SUN_X + 48, BANK_TOP + 8, shade_glitter, &g);
    ta_canvas_layer(c, r->hills, -ta_part_half_px(seconds, speed_hills), line_of(r, HILLS_TOP));
    ta_canvas_layer(c, r->poles, -ta_part_half_px(seconds, speed_poles), line_of(r, 220));
    ta_canvas_layer(c, r->bank, -ta_part_half_px(seconds, speed_bank), line_of(r, BANK_TOP));
    double at = -330 + 78 * seconds; // the train gains on the camera, which pans with the bank's speed
    ta_train_draw(r->train, c, at, RAIL, seconds, speed_bank);
    ta_canvas_layer(c, r->bushes, -ta_part_half_px(seconds, speed_bushes), line_of(r, BUSHES_TOP));
}

static void destroy(void *part)
{
    struct railway *r = part;
    if (!r)
        return;
    struct ta_layer **layers[] = {&r->sky,   &r->clouds, &r->mountains, &r->hills,
                                  &r->poles, &r->bank,   &r->bushes};
    for (size_t i = 0; i < TA_COUNT(layers); i++)
        ta_layer_destroy(layers[i]);
    ta_train_destroy(&r->train);
    free(r);
}

const struct ta_part_info ta_part_railway = {"railway", create, draw, destroy};
