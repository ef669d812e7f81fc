// One moment's picture put together from another's: blocks that overlap by half, each from where its vector
// points.
#include "base/mem.h"
#include "base/thread.h"
#include "video/motion_parts.h"

enum {
    // Samples of the border's repetition that blocks keep away from: a filter between samples reads on, and
    // rows of blocks begin a step outside.
    INSIDE = TA_MOTION_PAD - 2,
    BETWEEN_SIZE = TA_MOTION_BLOCK * TA_MOTION_BLOCK,
};

static int strips_of(const struct ta_motion_plane *p)
{
    return (p->height + TA_MOTION_STEP - 1) / TA_MOTION_STEP;
}

static int slices_of(const struct ta_motion_plane *p)
{
    return (strips_of(p) + TA_MOTION_SLICE - 1) / TA_MOTION_SLICE;
}

int ta_motion_take_parts(const struct ta_motion_plane *planes, int count)
{
    int parts = 0;
    for (int i = 0; i < count; i++)
        parts += slices_of(&planes[i]);
    return parts;
}

// A row of blocks at a time, of one plane.
struct taker {
    const struct ta_motion *m;
    const struct ta_motion_plane *to, *from;
    const struct ta_motion_vector *vectors;
    struct ta_motion_block *above, *below;
    uint16_t *between[2]; // what those that lie between samples are made in
};

// By quarters of the plane's own samples, rounded to what is wanted.
static int scaled(int x, int shift, bool fine)
{
    x = (x + (1 << shift >> 1)) >> shift;
    return fine ? x : ((x + 2) >> 2) * 4;
}

// What a block of a plane is taken from.
struct source {
    int x, y;                   // its first sample
    int fraction_x, fraction_y; // in quarters
};

static struct source find_source(const struct taker *t, const struct ta_motion_vector *row, int i, int strip)
{
    const struct ta_motion_plane *from = t->from;
    const struct ta_motion_vector *v = row + TA_MIN(i << from->shift_x, t->m->across - 1);
    int vx = scaled(v->x, from->shift_x, t->m->settings.fine);
    int vy = scaled(v->y, from->shift_y, t->m->settings.fine);
    int x = (i - 1) * TA_MOTION_STEP + (vx >> 2), y = (strip - 1) * TA_MOTION_STEP + (vy >> 2);
    return (struct source){
        .x = ta_motion_clip(x, -INSIDE, from->width + INSIDE - TA_MOTION_BLOCK),
        .y = ta_motion_clip(y, -INSIDE, from->height + INSIDE - TA_MOTION_BLOCK),
        .fraction_x = vx & 3,
        .fraction_y = vy & 3,
    };
}

static bool follows(const struct source *next, const struct source *s, int steps)
{
    return next->x == s->x + steps * TA_MOTION_STEP && next->y == s->y && next->fraction_x == s->fraction_x &&
           next->fraction_y == s->fraction_y;
}

// Points at the blocks of a row. Blocks that move alike lie side by side in what is made between samples.
static void point(const struct taker *t, struct ta_motion_block *blocks, uint16_t *between, int strip)
{
    const struct ta_motion_plane *from = t->from;
    const struct ta_motion_vector *row = t->vectors +
                                         TA_MIN(strip << from->shift_y, t->m->down - 1) * t->m->across;
    int count = (from->width + TA_MOTION_STEP - 1) / TA_MOTION_STEP + 1;
    struct source next = find_source(t, row, 0, strip);
    for (int i = 0; i < count;) {
        struct source s = next;
        int first = i;
        do
            next = ++i < count ? find_source(t, row, i, strip) : (struct source){0};
        while (i < count && follows(&next, &s, i - first));
        const uint16_t *at = from->at + s.y * from->step + s.x;
        ptrdiff_t step = from->step;
        if (s.fraction_x || s.fraction_y) {
            int n = (i - first + 1) * TA_MOTION_STEP;
            t->m->dsp->between(between, n, at, step, s.fraction_x, s.fraction_y, n);
            at = between;
            step = n;
            between += n * TA_MOTION_BLOCK;
        }
        for (int k = first; k < i; k++)
            blocks[k] = (struct ta_motion_block){at + (k - first) * TA_MOTION_STEP, step};
    }
}

static void take_strips(struct taker *t, int first, int end)
{
    int cells = (t->to->width + TA_MOTION_STEP - 1) / TA_MOTION_STEP;
    point(t, t->below, t->between[0], first);
    for (int strip = first; strip < end; strip++) {
        struct ta_motion_block *blocks = t->above;
        t->above = t->below;
        t->below = blocks;
        for (int i = 0; i <= cells; i++)
            t->above[i].at += TA_MOTION_STEP * t->above[i].step;
        point(t, t->below, t->between[(strip - first + 1) & 1], strip + 1);
        int y = strip * TA_MOTION_STEP, rows = TA_MIN(TA_MOTION_STEP, t->to->height - y);
        t->m->dsp->overlap(t->to->at + y * t->to->step, t->to->step, t->above, t->below, cells, rows);
        ta_motion_extend(t->to, y, y + rows);
    }
}

struct work {
    struct ta_motion *m;
    const struct ta_motion_taking *takings;
};

static void take_part(void *arg, int part)
{
    const struct work *w = arg;
    const struct ta_motion *m = w->m;
    const struct ta_motion_taking *taking = &w->takings[part / m->take_parts];
    int slice = part % m->take_parts, plane = 0;
    while (slice >= slices_of(&taking->to->planes[plane]))
        slice -= slices_of(&taking->to->planes[plane++]);
    const struct ta_motion_plane *to = &taking->to->planes[plane];
    struct ta_motion_block *blocks = m->blocks + (ptrdiff_t)part * 2 * m->across;
    uint16_t *between = m->between ? m->between + (ptrdiff_t)part * 2 * m->across * BETWEEN_SIZE : NULL;
    struct taker t = {
        .m = m,
        .to = to,
        .from = &taking->from->planes[plane],
        .vectors = taking->vectors,
        .above = blocks,
        .below = blocks + m->across,
        .between = {between, between ? between + m->across * BETWEEN_SIZE : NULL},
    };
    int first = slice * TA_MOTION_SLICE;
    take_strips(&t, first, TA_MIN(first + TA_MOTION_SLICE, strips_of(to)));
}

void ta_motion_take(struct ta_motion *m, const struct ta_motion_taking *takings, int count)
{
    struct work w = {m, takings};
    ta_pool_run(m->pool, count * m->take_parts, take_part, &w);
}
