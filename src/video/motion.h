// The motion engine: a service to stages that need to know where things were, or will be. It holds the frames
// around the one that a stage works on, makes of each field (or frame) the whole picture of its moment, finds
// vectors from moment to moment, and puts one moment's picture together from another's.
//
// Moments are numbered: 2 f and 2 f + 1 for the fields of frame f (both the frame itself where it is
// progressive), or f where moments are frames. Everything is made when it is first asked for, and depends on
// the frames alone, not on the order of questions: a moment's picture on the frames before and behind its
// own, vectors on the two pictures and, beyond the nearest moment, on the vectors there and from there. Work
// is split over the environment's pool in parts that do not depend on the number of threads.
//
// Thread-safety: Unsafe; one thread at a time.
#ifndef TA_VIDEO_MOTION_H
#define TA_VIDEO_MOTION_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/buffer.h>
#include <libavutil/frame.h>

#include "dsp/motion.h"
#include "media/format.h"

struct ta_env;

enum {
    TA_MOTION_RADIUS = 6, // moments that vectors reach at most
    TA_MOTION_PLANES = 4,
    TA_MOTION_PAD = 32, // samples around each plane that repeat its border
};

struct ta_motion_settings {
    int radius;  // vectors are wanted to moments so far away, 1 to TA_MOTION_RADIUS
    int frames;  // held at a time
    int moments; // that follow each other and are kept at a time; 0: those of all frames that are held
    bool fields; // a moment for each field
    bool fine;   // vectors in quarters of a sample; else whole ones
    int spares;  // pictures for the stage's own use, without what is needed to search them
    int takers;  // planes that are taken at the same time
};

// Samples of TA_MOTION_DEPTH bits.
struct ta_motion_plane {
    uint16_t *at; // the first sample; TA_MOTION_PAD are readable on all sides
    ptrdiff_t step;
    int width, height;
    int shift_x, shift_y; // subsampling
};
struct ta_motion_picture {
    struct ta_motion_plane planes[TA_MOTION_PLANES];
};

// Vectors (struct ta_motion_vector) are of blocks of luma, in quarters of a sample: blocks lie every
// TA_MOTION_STEP samples, the first one TA_MOTION_STEP outside of the picture's corner, `across` in a row
// (ta_motion_blocks()).

struct ta_motion;

// `in` and what `env` points at must live as long. TA_ERR_NOMEM.
int ta_motion_create(struct ta_motion **out, const struct ta_motion_settings *settings,
                     const struct ta_format *in, const struct ta_env *env);
void ta_motion_destroy(struct ta_motion **m);
// What one takes. Pure.
int64_t ta_motion_bytes(const struct ta_motion_settings *settings, const struct ta_format *in);

// The next frame, which is taken; the oldest is let go where more than settings.frames would be held. A frame
// of NULL says that none follow.
void ta_motion_push(struct ta_motion *m, AVFrame *frame);
int64_t ta_motion_count(const struct ta_motion *m); // frames pushed so far
bool ta_motion_ended(const struct ta_motion *m);
// NULL where it is not held.
const AVFrame *ta_motion_frame(const struct ta_motion *m, int64_t frame);

// A moment may be asked for while its frame is held, and those that the above says.
bool ta_motion_has(const struct ta_motion *m, int64_t moment);
bool ta_motion_is_whole(const struct ta_motion *m, int64_t moment); // of a progressive frame
// Of a field: does it hold the first line?
bool ta_motion_is_top(const struct ta_motion *m, int64_t moment);
const struct ta_motion_picture *ta_motion_picture(struct ta_motion *m, int64_t moment);
// Vectors of `moment` to those 1 to `radius` away on both sides. NULL where there is none, or where nothing
// of it is found again: a cut lies between.
void ta_motion_find(struct ta_motion *m, int64_t moment, int radius);
const struct ta_motion_vector *ta_motion_vectors(const struct ta_motion *m, int64_t moment, int away);
void ta_motion_blocks(const struct ta_motion *m, int *across, int *down);

// Two stages next to each other in a chain share one search: who makes a picture of each field hands what it
// knows of the moment on with the picture, and who works on these pictures, a moment each, takes it over.

// What a picture carries, for the pool that it is taken from. Pure.
size_t ta_motion_handed_bytes(const struct ta_motion_settings *settings, const struct ta_format *in);
// Finds the vectors of `moment` to settings.radius and lets `out` carry them; none where a frame that is as
// far away is progressive, for then pictures are no moments. TA_ERR_NOMEM.
int ta_motion_hand_on(struct ta_motion *m, int64_t moment, AVBufferPool *pool, AVFrame *out);
// Of a frame that was pushed as `moment`: takes what it carries off, and over where it reaches
// settings.radius and has the same blocks. ta_motion_find() then searches nothing for this moment.
void ta_motion_take_over(struct ta_motion *m, int64_t moment, AVFrame *frame);

struct ta_motion_picture *ta_motion_spare(struct ta_motion *m, int i);
// Repeats the borders of rows first..end-1 to the sides; those of the first and last rows up and down, too.
void ta_motion_extend(const struct ta_motion_plane *plane, int first, int end);
void ta_motion_extend_all(const struct ta_motion_plane *plane);

// Puts a plane of `from` together, moved back by vectors, in strips of TA_MOTION_STEP rows from strip `first`
// on. Takers, 0 to settings.takers - 1, don't know of each other: threads may use one each.
void ta_motion_take_begin(struct ta_motion *m, int taker, const struct ta_motion_picture *from, int plane,
                          const struct ta_motion_vector *vectors, int first);
// The next strip; its rows get TA_MOTION_STEP samples more on either side, which repeat the border.
void ta_motion_take_strip(struct ta_motion *m, int taker, uint16_t *dst, ptrdiff_t step);

#endif
