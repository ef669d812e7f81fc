// What the files of the motion engine share.
#ifndef TA_VIDEO_MOTION_PARTS_H
#define TA_VIDEO_MOTION_PARTS_H

#include "dsp/bwdif.h"
#include "video/motion.h"

enum {
    TA_MOTION_LEVELS = 3,                        // pictures to search: full size, half, quarter
    TA_MOTION_SLICE = 16,                        // rows of blocks that depend on each other
    TA_MOTION_PREDICTIONS = 2 * TA_MOTION_SLICE, // rows of them, of a slice
    TA_MOTION_ALIGNMENT = 64,
    // Samples of the border's repetition that blocks keep away from: a filter between samples reads on, and
    // rows of blocks begin a step outside.
    TA_MOTION_INSIDE = TA_MOTION_PAD - 2,
};

struct ta_motion_bytes_plane { // a picture to search; padded like the others
    uint8_t *at;
    ptrdiff_t step;
    int width, height;
};

enum ta_motion_state { TA_MOTION_UNKNOWN = 0, TA_MOTION_FOUND, TA_MOTION_LOST };

struct ta_motion_moment {
    int64_t number;
    bool made;
    bool searchable; // so are the pictures to search
    bool given;      // its vectors were taken over
    struct ta_motion_picture picture;
    struct ta_motion_bytes_plane search[TA_MOTION_LEVELS];
    uint16_t
        *sums; // of TA_LIGHT_SAMPLES in each second block both ways, of all `coarse_across` by `coarse_down`
    struct ta_motion_vector *vectors[2 * TA_MOTION_RADIUS + 1]; // to `away` at [away + TA_MOTION_RADIUS]
    enum ta_motion_state state[2 * TA_MOTION_RADIUS + 1];
};

struct ta_motion_held {
    AVFrame *frame;
    struct ta_motion_picture woven; // its samples, not padded
    bool widened;
};

struct ta_motion_taker {
    const struct ta_motion_plane *from;
    const struct ta_motion_vector *vectors;
    struct ta_motion_block *above, *below;
    uint16_t *between[2]; // what those that lie between samples are made in
    int strip;
};

struct ta_motion {
    struct ta_motion_settings settings;
    const struct ta_motion_dsp *dsp;
    const struct ta_bwdif_dsp *bwdif;
    struct ta_pool *pool;
    int planes, depth;
    int across, down;               // blocks
    int coarse_across, coarse_down; // ... of twice the distance
    int64_t count;
    bool ended;
    struct ta_motion_held *held; // frame f at f % frames
    struct ta_motion_moment *moments;
    int moment_count;
    struct ta_motion_picture *spares;
    struct ta_motion_vector *coarse[2];
    struct ta_motion_bytes_plane lit[2][TA_MOTION_LEVELS]; // pictures to search in another light
    struct ta_motion_place *places;                        // predictions, for the slices of two searches
    struct ta_motion_taker *takers;
    int slices; // of rows, of all planes
    void *memory;
};

// Vectors from one moment to another one `away`. To the next one they are searched from scratch; back from
// there they begin at `reverse`, those that led there; to others at `near`, those to the moment before,
// followed by `step`, that one's to the next (each NULL: unknown).
struct ta_motion_search {
    const struct ta_motion_moment *from, *to;
    const struct ta_motion_bytes_plane *pictures; // of `from`, in the light of `to`
    int away;
    const struct ta_motion_vector *near, *step, *reverse;
    struct ta_motion_vector *vectors, *coarse;
    bool lost; // the result: most of the picture is not there
};
// One or two that do not depend on each other.
void ta_motion_search(struct ta_motion *m, struct ta_motion_search *searches, int count);
void ta_motion_count_blocks(const struct ta_format *in, int *across, int *down);
// What is kept of a moment whose frame is held; begins anew where it has not been asked for.
struct ta_motion_moment *ta_motion_moment_of(const struct ta_motion *m, int64_t number);
// Made, with its pictures to search.
struct ta_motion_moment *ta_motion_searchable(struct ta_motion *m, int64_t number);
void ta_motion_make_search_pictures(struct ta_motion *m, struct ta_motion_moment *moment);

static inline int ta_motion_clip(int x, int least, int most)
{
    return x < least ? least : x > most ? most : x;
}

// As lrint() rounds, without a call: beyond 2^52 no double has a fraction. For what fits an int.
static inline int ta_motion_nearest(double x)
{
    const double whole = 0x1.8p52;
    return (int)(x + whole - whole);
}

// What a block of a plane is taken from.
struct ta_motion_source {
    int x, y;                   // its first sample
    int fraction_x, fraction_y; // in quarters
};

// By quarters of the plane's own samples, rounded to what is wanted.
static inline int ta_motion_scaled(int x, int shift, bool fine)
{
    x = (x + (1 << shift >> 1)) >> shift;
    return fine ? x : ((x + 2) >> 2) * 4;
}

static inline struct ta_motion_source ta_motion_find_moved(const struct ta_motion *m,
                                                           const struct ta_motion_plane *from,
                                                           const struct ta_motion_vector *v, int column,
                                                           int row)
{
    int vx = ta_motion_scaled(v->x, from->shift_x, m->settings.fine);
    int vy = ta_motion_scaled(v->y, from->shift_y, m->settings.fine);
    int x = (column - 1) * TA_MOTION_STEP + (vx >> 2), y = (row - 1) * TA_MOTION_STEP + (vy >> 2);
    return (struct ta_motion_source){
        .x = ta_motion_clip(x, -TA_MOTION_INSIDE, from->width + TA_MOTION_INSIDE - TA_MOTION_BLOCK),
        .y = ta_motion_clip(y, -TA_MOTION_INSIDE, from->height + TA_MOTION_INSIDE - TA_MOTION_BLOCK),
        .fraction_x = vx & 3,
        .fraction_y = vy & 3,
    };
}

// The block in column `column` and row `row` of a plane that is taken from, moved by a vector of the luma
// block whose place it shares: its first sample. One that lies between samples is made in `between`, of
// TA_MOTION_BLOCK * TA_MOTION_BLOCK; without settings.fine there is none.
static inline struct ta_motion_block ta_motion_block_at(const struct ta_motion *m,
                                                        const struct ta_motion_plane *from,
                                                        const struct ta_motion_vector *v, int column, int row,
                                                        uint16_t *between)
{
    struct ta_motion_source s = ta_motion_find_moved(m, from, v, column, row);
    const uint16_t *at = from->at + s.y * from->step + s.x;
    if (!s.fraction_x && !s.fraction_y)
        return (struct ta_motion_block){at, from->step};
    m->dsp->between(between, TA_MOTION_BLOCK, at, from->step, s.fraction_x, s.fraction_y, TA_MOTION_BLOCK);
    return (struct ta_motion_block){between, TA_MOTION_BLOCK};
}

#endif
