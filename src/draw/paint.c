#include "draw/paint.h"

#include <math.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

float ta_sine(double turns)
{
    double t = turns - floor(turns); // 0..1
    double sign = 1;
    if (t >= 0.5) {
        t -= 0.5;
        sign = -1;
    }
    if (t > 0.25)
        t = 0.5 - t;
    double x = t * 6.283185307179586, x2 = x * x; // 0..pi/2: the series to x^13 is good to 1e-9
    double s = 1 - x2 / 156;
    for (int n = 11; n >= 3; n -= 2)
        s = 1 - x2 / (n * (n - 1)) * s;
    return (float)(sign * x * s);
}

uint32_t ta_hash(uint32_t a, uint32_t b, uint32_t seed)
{
    uint32_t h = a * 0x9e3779b1u ^ (b + 0x7f4a7c15u) * 0x85ebca6bu ^ seed * 0x27d4eb2fu;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    return h ^ h >> 15;
}

static float lattice(int x, int y, uint32_t seed)
{
    return (float)(ta_hash((uint32_t)x, (uint32_t)y, seed) >> 8) / 16777216.0f;
}

static int wrap(int x, int period)
{
    if (period <= 0 || (unsigned)x < (unsigned)period)
        return x;
    x %= period;
    return x < 0 ? x + period : x;
}

// floorf() is a call into the C library on old instruction sets.
static int whole(float v)
{
    int i = (int)v;
    return i - (v < (float)i);
}

float ta_noise(float x, float y, int period, uint32_t seed)
{
    int left = whole(x), y0 = whole(y), x0 = wrap(left, period), x1 = wrap(left + 1, period);
    float tx = x - (float)left, ty = y - (float)y0;
    tx = tx * tx * (3 - 2 * tx);
    ty = ty * ty * (3 - 2 * ty);
    return ta_mix(ta_mix(lattice(x0, y0, seed), lattice(x1, y0, seed), tx),
                  ta_mix(lattice(x0, y0 + 1, seed), lattice(x1, y0 + 1, seed), tx), ty);
}

float ta_clouds(float x, float y, int period, int octaves, uint32_t seed)
{
    float sum = 0, size = 0.5f, total = 0;
    for (int i = 0; i < octaves; i++) {
        sum += size * ta_noise(x, y, period, seed + (uint32_t)i * 101u);
        total += size;
        x *= 2;
        y *= 2;
        period *= 2;
        size /= 2;
    }
    return sum / total;
}

static float coverage(float distance, float soft)
{
    return ta_clamp01(0.5f - distance / soft);
}

float ta_cover_disc(float x, float y, float cx, float cy, float radius, float soft)
{
    float dx = x - cx, dy = y - cy;
    return coverage(sqrtf(dx * dx + dy * dy) - radius, soft);
}

float ta_cover_ring(float x, float y, float cx, float cy, float radius, float width, float soft)
{
    float dx = x - cx, dy = y - cy;
    return coverage(fabsf(sqrtf(dx * dx + dy * dy) - radius) - width / 2, soft);
}

float ta_cover_box(float x, float y, float x0, float y0, float x1, float y1, float round, float soft)
{
    float dx = fabsf(x - (x0 + x1) / 2) - (x1 - x0) / 2 + round,
          dy = fabsf(y - (y0 + y1) / 2) - (y1 - y0) / 2 + round;
    float ox = dx > 0 ? dx : 0, oy = dy > 0 ? dy : 0, inside = dx > dy ? dx : dy;
    return coverage(sqrtf(ox * ox + oy * oy) + (inside < 0 ? inside : 0) - round, soft);
}

float ta_cover_line(float x, float y, float x0, float y0, float x1, float y1, float width, float soft)
{
    float dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
    float t = length2 > 0 ? ta_clamp01(((x - x0) * dx + (y - y0) * dy) / length2) : 0;
    float ex = x - x0 - t * dx, ey = y - y0 - t * dy;
    return coverage(sqrtf(ex * ex + ey * ey) - width / 2, soft);
}

float ta_cover_polygon(float x, float y, const float (*corners)[2], int count, float soft)
{
    float farthest = -1e9f; // distance outside the edge that the point is farthest outside of
    for (int i = 0; i < count; i++) {
        const float *a = corners[i], *b = corners[(i + 1) % count];
        float dx = b[0] - a[0], dy = b[1] - a[1];
        float d = ((x - a[0]) * dy - (y - a[1]) * dx) / sqrtf(dx * dx + dy * dy);
        farthest = d > farthest ? d : farthest;
    }
    return coverage(farthest, soft);
}
