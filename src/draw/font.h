// Letters drawn with strokes: capitals, figures and some signs.
#ifndef TA_DRAW_FONT_H
#define TA_DRAW_FONT_H

#include "draw/canvas.h"

// Masks of all letters in one size. Read-only once created.
struct ta_font;
// `height` of a capital and `weight` of its strokes in canvas units.
struct ta_font *ta_font_create(float height, float weight, int canvas_width, int canvas_height);
void ta_font_destroy(struct ta_font **f);
// Width of a text in pixels (even).
int ta_font_width(const struct ta_font *f, const char *text);
// Upper left corner at pixel x (even) and half line y_half; opacity 0..256. Lower case is shown as capitals,
// unknown signs as spaces.
void ta_font_draw(const struct ta_font *f, struct ta_canvas *c, int x, int y_half, const char *text,
                  struct ta_rgba colour, int opacity);

// For pictures that are no canvas: a font made for a canvas of 640x480 measures in pixels. The letter's
// coverages (width x height, rows without gaps), NULL for a space; it hangs `margin` pixels out of its cell
// at all sides.
const uint8_t *ta_font_mask(const struct ta_font *f, char letter, int *width, int *height, int *margin);
int ta_font_advance(const struct ta_font *f); // pixels from letter to letter

#endif
