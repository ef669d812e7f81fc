#include "video/edges.h"

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"

int64_t ta_edges_side(const struct ta_edges *e, enum ta_side side)
{
    const int64_t sides[] = {e->top, e->right, e->bottom, e->left};
    return sides[side];
}

bool ta_edges_none(const struct ta_edges *e)
{
    return !e->top && !e->right && !e->bottom && !e->left;
}

// A quarter turn clockwise shows the stored left side at the top.
enum ta_side ta_side_shown(enum ta_side stored, int rotation)
{
    return (enum ta_side)(((int)stored + rotation / 90) % 4);
}

struct ta_edges ta_edges_stored(const struct ta_edges *shown, int rotation)
{
    return (struct ta_edges){.top = ta_edges_side(shown, ta_side_shown(TA_SIDE_TOP, rotation)),
                             .right = ta_edges_side(shown, ta_side_shown(TA_SIDE_RIGHT, rotation)),
                             .bottom = ta_edges_side(shown, ta_side_shown(TA_SIDE_BOTTOM, rotation)),
                             .left = ta_edges_side(shown, ta_side_shown(TA_SIDE_LEFT, rotation))};
}

void ta_edges_cut(const struct ta_edges *stored, AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    int left = (int)stored->left >> d->log2_chroma_w << d->log2_chroma_w,
        top = (int)stored->top >> d->log2_chroma_h << d->log2_chroma_h, bytes = (d->comp[0].depth + 7) / 8;
    for (int p = 0; p < av_pix_fmt_count_planes(f->format); p++) {
        bool chroma = (p == 1 || p == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
        int x = chroma ? left >> d->log2_chroma_w : left, y = chroma ? top >> d->log2_chroma_h : top;
        f->data[p] += (ptrdiff_t)y * f->linesize[p] + (ptrdiff_t)x * bytes;
    }
    f->width -= (int)stored->right + left;
    f->height -= (int)stored->bottom + top;
}

const char *ta_side_name(enum ta_side side)
{
    static const char *const names[] = {"top", "right", "bottom", "left"};
    return names[side];
}

int ta_edges_check(const struct ta_edges *stored, const struct ta_format *f, const char *verb,
                   struct ta_buf *why)
{
    int64_t columns = stored->left + stored->right, lines = stored->top + stored->bottom;
    bool turned = f->rotation % 180 != 0;
    const char *column_word = turned ? "lines" : "columns", *line_word = turned ? "columns" : "lines";
    bool wide = f->width - columns < TA_EDGE_KEEP;
    if (!wide && f->height - lines >= TA_EDGE_KEEP)
        return 0;
    int size = wide ? f->width : f->height;
    ta_buf_printf(why, "%lld of %d %s can't be %s: %d must stay", (long long)(wide ? columns : lines), size,
                  wide ? column_word : line_word, verb, TA_EDGE_KEEP);
    return TA_ERR_UNSUPPORTED;
}
