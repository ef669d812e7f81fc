// The picture that scenes are put together on: 8-bit 4:2:2, limited range, of which all lines or those of one
// field are drawn, and layers painted in advance that slide over it.
#ifndef TA_DRAW_CANVAS_H
#define TA_DRAW_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "draw/paint.h"

// Scenes measure in units of a 640x480 picture with square pixels, for both television systems.
#define TA_CANVAS_UNITS_X 640.0f
#define TA_CANVAS_UNITS_Y 480.0f

struct ta_canvas {
    uint8_t *plane[3];
    ptrdiff_t stride[3];
    int width, height; // pixels; width is a multiple of 16
    int first, step;   // lines drawn: first, first + step, ...
};

// What a layer or moving shape looks like at a place in units; `soft` edges of about TA_SOFT look natural.
typedef struct ta_rgba (*ta_shader_fn)(const void *priv, float x, float y);
#define TA_SOFT 1.3f

// Painted in advance at four horizontal positions, half a pixel apart, so that it can slide smoothly.
// Read-only afterwards.
struct ta_layer;
// `width` pixels (even) by `height` lines for a canvas of `canvas_height` lines. The shader is asked for
// places relative to the layer's upper left corner. `wraps`: the layer repeats to the right and left for
// ever.
struct ta_layer *ta_layer_create(int width, int height, int canvas_height, bool wraps, ta_shader_fn shader,
                                 const void *priv);
void ta_layer_destroy(struct ta_layer **l);
// Upper left corner at `x_half` half pixels and line `y`.
void ta_canvas_layer(struct ta_canvas *c, const struct ta_layer *l, int64_t x_half, int y);

// A shape that changes from field to field: the shader (in canvas units) over a box in units.
void ta_canvas_shape(struct ta_canvas *c, float x0, float y0, float x1, float y1, ta_shader_fn shader,
                     const void *priv);

// A colour through a mask of `width` x `height` coverages (0..255) whose upper left corner is at pixel x
// (even), line y; `opacity` 0..256.
void ta_canvas_mask(struct ta_canvas *c, int x, int y, const uint8_t *mask, ptrdiff_t mask_stride, int width,
                    int height, struct ta_rgba colour, int opacity);

// Y, Cb, Cr codes of BT.601, 16..235 and 16..240.
void ta_colour_codes(struct ta_rgba c, float out[3]);

#endif
