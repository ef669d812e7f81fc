// Lines and columns at the sides of a picture, as crop and mask take them.
#ifndef TA_VIDEO_EDGES_H
#define TA_VIDEO_EDGES_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/frame.h>

#include "media/format.h"

struct ta_buf;

enum ta_side { TA_SIDE_TOP = 0, TA_SIDE_RIGHT, TA_SIDE_BOTTOM, TA_SIDE_LEFT }; // clockwise
struct ta_edges {
    int64_t top, right, bottom, left;
};
enum {
    TA_EDGE_MAX = 16384,
    TA_EDGE_KEEP = 8, // lines and columns that must stay
};

int64_t ta_edges_side(const struct ta_edges *e, enum ta_side side);
bool ta_edges_none(const struct ta_edges *e);
// The part of `frame` (planes) within the sides as stored, by moving its pointers: whole chroma samples, so
// that sides may be cut a little less. Its size becomes the part's.
void ta_edges_cut(const struct ta_edges *stored, AVFrame *frame);
// Options mean sides as they are shown; stages work on pictures as they are stored. `rotation` as in struct
// ta_format.
struct ta_edges ta_edges_stored(const struct ta_edges *shown, int rotation);
enum ta_side ta_side_shown(enum ta_side stored, int rotation);
const char *ta_side_name(enum ta_side side);
// TA_ERR_UNSUPPORTED with the reason in `why` when less than TA_EDGE_KEEP lines or columns of a picture are
// left. `stored` are sides as stored; `verb` is "cut" or "masked".
int ta_edges_check(const struct ta_edges *stored, const struct ta_format *f, const char *verb,
                   struct ta_buf *why);

#endif
