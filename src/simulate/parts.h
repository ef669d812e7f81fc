// The shots that the scene is cut from. Each paints what does not change in advance and draws any moment of
// itself from that.
#ifndef TA_SIMULATE_PARTS_H
#define TA_SIMULATE_PARTS_H

#include "draw/canvas.h"

struct ta_part_info {
    const char *name;
    // Paints the layers for a canvas of this size. The result is read-only.
    void *(*create)(int width, int height, uint32_t seed);
    // Draws the moment `seconds` (from the shot's start) on the lines of the canvas; all of them are covered.
    void (*draw)(const void *part, struct ta_canvas *c, double seconds);
    void (*destroy)(void *part); // NULL is allowed
};

extern const struct ta_part_info ta_part_railway;  // a camera follows a steam train in the evening
extern const struct ta_part_info ta_part_windmill; // a still camera on a mill, a balloon and tulips
extern const struct ta_part_info ta_part_card;     // a test card with rolling titles

// Half pixels that something of `speed` pixels a second has gone.
static inline int64_t ta_part_half_px(double seconds, double speed)
{
    double v = seconds * speed * 2;
    return (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
}

#endif
