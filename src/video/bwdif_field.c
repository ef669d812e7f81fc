#include "video/bwdif_field.h"

#include <stdlib.h>
#include <string.h>

enum ta_bwdif_kind ta_bwdif_kind_of_row(int y, int height)
{
    return y >= 4 && y + 5 <= height   ? TA_BWDIF_INNER
           : y >= 2 && y + 3 <= height ? TA_BWDIF_BORDER
                                       : TA_BWDIF_OUTMOST;
}

// The row `away` from y, or where that lies outside the one as far on the other side. libavfilter measures in
// bytes there.
static int row_near(const struct ta_bwdif_field *a, int y, int away, int other)
{
    int margin = a->as_libavfilter ? abs(away) * (a->bytes - 1) : 0;
    bool inside = away > 0 ? y + away + margin < a->height : y + away - margin >= 0;
    int row = inside ? y + away : y + other;
    return row < 0 || row >= a->height ? y - other : row;
}

static void make_alone(const struct ta_bwdif_dsp *dsp, const struct ta_bwdif_field *a, int y)
{
    static const int away[4][2] = {{-3, 1}, {-1, 1}, {1, -1}, {3, -1}};
    const void *here[4];
    for (int i = 0; i < 4; i++)
        here[i] = a->here + row_near(a, y, away[i][0], away[i][1]) * a->here_step;
    uint8_t *dst = a->dst + y * a->step;
    if (a->bytes == 1)
        dsp->alone8(dst, here, a->width);
    else
        dsp->alone16((uint16_t *)(void *)dst, here, (1 << a->depth) - 1, a->width);
}

static void make_row(const struct ta_bwdif_dsp *dsp, const struct ta_bwdif_field *a, int y)
{
    enum ta_bwdif_kind kind = ta_bwdif_kind_of_row(y, a->height);
    struct ta_bwdif_rows r = {0};
    for (int i = 0; i < 2; i++) {
        int row = row_near(a, y, i ? 1 : -1, i ? -1 : 1);
        r.here[1 + i] = a->here + row * a->here_step;
        r.earlier[i] = a->earlier + row * a->earlier_step;
        r.later[i] = a->later + row * a->later_step;
    }
    if (kind == TA_BWDIF_INNER) {
        r.here[0] = a->here + (y - 3) * a->here_step;
        r.here[3] = a->here + (y + 3) * a->here_step;
    }
    // The missing field was before this one in its own frame, or in the frame before.
    const uint8_t *before = a->second ? a->here : a->earlier, *after = a->second ? a->later : a->here;
    ptrdiff_t before_step = a->second ? a->here_step : a->earlier_step,
              after_step = a->second ? a->later_step : a->here_step;
    int reach = kind == TA_BWDIF_INNER ? 2 : kind == TA_BWDIF_BORDER ? 1 : 0;
    for (int i = -reach; i <= reach; i++) {
        r.fields_before[2 + i] = before + (y + 2 * i) * before_step;
        r.fields_after[2 + i] = after + (y + 2 * i) * after_step;
    }
    uint8_t *dst = a->dst + y * a->step;
    if (a->bytes == 1)
        dsp->row8(dst, &r, kind, a->width);
    else
        dsp->row16((uint16_t *)(void *)dst, &r, kind, (1 << a->depth) - 1, a->width);
}

void ta_bwdif_field_rows(const struct ta_bwdif_dsp *dsp, const struct ta_bwdif_field *a, int first, int end)
{
    for (int y = first; y < end; y++) {
        bool kept = (y % 2 == 0) == a->keep_top;
        if (kept)
            memcpy(a->dst + y * a->step, a->here + y * a->here_step, (size_t)a->width * (size_t)a->bytes);
        else if (a->alone)
            make_alone(dsp, a, y);
        else
            make_row(dsp, a, y);
    }
}
