// One moment's picture put together from another's: blocks that overlap by half, each from where its vector
// points.
#include "base/mem.h"
#include "video/motion_parts.h"

static struct ta_motion_source find_source(const struct ta_motion *m, const struct ta_motion_taker *t,
                                           const struct ta_motion_vector *row, int i, int strip)
{
    return ta_motion_find_moved(m, t->from, row + TA_MIN(i << t->from->shift_x, m->across - 1), i, strip);
}

static bool follows(const struct ta_motion_source *next, const struct ta_motion_source *s, int steps)
{
    return next->x == s->x + steps * TA_MOTION_STEP && next->y == s->y && next->fraction_x == s->fraction_x &&
           next->fraction_y == s->fraction_y;
}

// Points at the blocks of a row. Blocks that move alike lie side by side in what is made between samples.
static void point(const struct ta_motion *m, const struct ta_motion_taker *t, struct ta_motion_block *blocks,
                  uint16_t *between, int strip)
{
    const struct ta_motion_plane *from = t->from;
    const struct ta_motion_vector *row = t->vectors + TA_MIN(strip << from->shift_y, m->down - 1) * m->across;
    int count = (from->width + TA_MOTION_STEP - 1) / TA_MOTION_STEP + 1;
    struct ta_motion_source next = find_source(m, t, row, 0, strip);
    for (int i = 0; i < count;) {
        struct ta_motion_source s = next;
        int first = i;
        do
            next = ++i < count ? find_source(m, t, row, i, strip) : (struct ta_motion_source){0};
        while (i < count && follows(&next, &s, i - first));
        const uint16_t *at = from->at + s.y * from->step + s.x;
        ptrdiff_t step = from->step;
        if (s.fraction_x || s.fraction_y) {
            int n = (i - first + 1) * TA_MOTION_STEP;
            m->dsp->between(between, n, at, step, s.fraction_x, s.fraction_y, n);
            at = between;
            step = n;
            between += n * TA_MOTION_BLOCK;
        }
        for (int k = first; k < i; k++)
            blocks[k] = (struct ta_motion_block){at + (k - first) * TA_MOTION_STEP, step};
    }
}

void ta_motion_take_begin(struct ta_motion *m, int taker, const struct ta_motion_picture *from, int plane,
                          const struct ta_motion_vector *vectors, int first)
{
    struct ta_motion_taker *t = &m->takers[taker];
    t->from = &from->planes[plane];
    t->vectors = vectors;
    t->strip = first;
    point(m, t, t->below, t->between[first & 1], first);
}

void ta_motion_take_strip(struct ta_motion *m, int taker, uint16_t *dst, ptrdiff_t step)
{
    struct ta_motion_taker *t = &m->takers[taker];
    int width = t->from->width, cells = (width + TA_MOTION_STEP - 1) / TA_MOTION_STEP;
    struct ta_motion_block *blocks = t->above;
    t->above = t->below;
    t->below = blocks;
    for (int i = 0; i <= cells; i++)
        t->above[i].at += TA_MOTION_STEP * t->above[i].step;
    t->strip++;
    point(m, t, t->below, t->between[t->strip & 1], t->strip);
    m->dsp->overlap(dst, step, t->above, t->below, cells, TA_MOTION_STEP);
    for (int y = 0; y < TA_MOTION_STEP; y++, dst += step)
        for (int i = 0; i < TA_MOTION_STEP; i++) {
            dst[i - TA_MOTION_STEP] = dst[0];
            dst[width + i] = dst[width - 1];
        }
}
