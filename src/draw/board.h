// Pictures put beside each other on one frame, with lettering around them. Boards are planar YUV of 8 to 16
// bits; panes have the board's pixel format.
#ifndef TA_DRAW_BOARD_H
#define TA_DRAW_BOARD_H

#include <stdbool.h>

#include "media/av.h"
#include "media/format.h"

// Can boards have this pixel format?
bool ta_board_takes(enum AVPixelFormat p);
// The nearest pixel format that boards can have: YUV instead of RGB and gray, no alpha, planes.
enum AVPixelFormat ta_board_format(enum AVPixelFormat p);

// Where places on a board must be multiples of this, across and down, for the chroma's sake.
enum { TA_BOARD_GRID = 4 };

// Frames of one format. Thread-safety: Unsafe.
struct ta_board;
int ta_board_create(struct ta_board **out, const struct ta_format *f);
void ta_board_destroy(struct ta_board **b);
// An empty board, dark grey, owned by the caller. TA_ERR_NOMEM.
int ta_board_frame(struct ta_board *b, AVFrame **out);

// The part of `pane` from column `from` on, `width` columns of it, with its upper left corner at x, y. What
// lies outside the board is left out. All on the grid, but for the pane's own right and lower edge.
void ta_board_put(const struct ta_board *b, AVFrame *board, const AVFrame *pane, int x, int y, int from,
                  int width);
// A filled box; `luma` from 0 (black) to 1 (white).
void ta_board_box(const struct ta_board *b, AVFrame *board, int x, int y, int width, int height, double luma);

enum ta_board_align { TA_BOARD_LEFT = 0, TA_BOARD_RIGHT };
// One line: `name` bright, then `detail` (may be "") less so, in a strip of this height; what does not fit is
// written smaller, then the detail is left out, then the name is cut.
void ta_board_label(struct ta_board *b, AVFrame *board, int x, int y, int width, int height,
                    enum ta_board_align align, const char *name, const char *detail);
// A strip's height that suits pictures of this size.
int ta_board_strip(int width, int height);

#endif
