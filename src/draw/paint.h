// Colours, shapes and textures from numbers alone. All arithmetic is IEEE single or double without the C
// library's transcendental functions, whose last digit depends on the processor: the same picture comes out
// everywhere.
#ifndef TA_DRAW_PAINT_H
#define TA_DRAW_PAINT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

// Gamma-encoded red, green, blue 0..1, and coverage. Not premultiplied.
struct ta_rgba {
    float r, g, b, a;
};

static inline float ta_mix(float a, float b, float t)
{
    return a + (b - a) * t;
}

static inline float ta_clamp01(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

// 0 below `from`, 1 above `to` (from may be the larger one), smooth between.
static inline float ta_ramp(float from, float to, float v)
{
    float t = ta_clamp01((v - from) / (to - from));
    return t * t * (3 - 2 * t);
}

// "#rrggbb" as a number.
static inline struct ta_rgba ta_colour(unsigned rgb)
{
    return (struct ta_rgba){(float)(rgb >> 16 & 255) / 255.0f, (float)(rgb >> 8 & 255) / 255.0f,
                            (float)(rgb & 255) / 255.0f, 1};
}

static inline struct ta_rgba ta_mix_colour(struct ta_rgba a, struct ta_rgba b, float t)
{
    return (struct ta_rgba){ta_mix(a.r, b.r, t), ta_mix(a.g, b.g, t), ta_mix(a.b, b.b, t),
                            ta_mix(a.a, b.a, t)};
}

// `top` over `below`, which is opaque or not.
static inline struct ta_rgba ta_over(struct ta_rgba top, struct ta_rgba below)
{
    float a = top.a + below.a * (1 - top.a);
    if (a <= 0)
        return (struct ta_rgba){below.r, below.g, below.b, 0};
    float t = top.a / a;
    return (struct ta_rgba){ta_mix(below.r, top.r, t), ta_mix(below.g, top.g, t), ta_mix(below.b, top.b, t),
                            a};
}

// Paints `c` over *below where `coverage` says.
static inline void ta_lay(struct ta_rgba *below, struct ta_rgba c, float coverage)
{
    if (coverage <= 0)
        return;
    c.a *= coverage;
    *below = ta_over(c, *below);
}

// Darker or lighter.
static inline struct ta_rgba ta_shade(struct ta_rgba c, float factor)
{
    return (struct ta_rgba){ta_clamp01(c.r * factor), ta_clamp01(c.g * factor), ta_clamp01(c.b * factor),
                            c.a};
}

// sin(2 pi turns), any finite argument up to some 1e9 turns; error below 1e-7.
float ta_sine(double turns);

// A well mixed 32-bit number.
uint32_t ta_hash(uint32_t a, uint32_t b, uint32_t seed);

// Smooth noise 0..1 with one lattice point a unit; repeats after `period` units of x when period > 0.
float ta_noise(float x, float y, int period, uint32_t seed);
// Sum of octaves, each of twice the frequency and half the size; 0..1, mostly near 0.5.
float ta_clouds(float x, float y, int period, int octaves, uint32_t seed);

// Coverage (0..1) of shapes with edges about `soft` wide, in the caller's units.
float ta_cover_disc(float x, float y, float cx, float cy, float radius, float soft);
float ta_cover_ring(float x, float y, float cx, float cy, float radius, float width, float soft);
float ta_cover_box(float x, float y, float x0, float y0, float x1, float y1, float round, float soft);
float ta_cover_line(float x, float y, float x0, float y0, float x1, float y1, float width, float soft);
// Convex polygon, corners clockwise on the screen.
float ta_cover_polygon(float x, float y, const float (*corners)[2], int count, float soft);

#endif
