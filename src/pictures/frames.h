// The pictures of a segment before they are encoded: decoding and the chain, on threads of their own.
// What encodes, shows or measures restored pictures takes them from here, so that all see the same.
#ifndef TA_PICTURES_FRAMES_H
#define TA_PICTURES_FRAMES_H

#include "plan/plan.h"

struct ta_env;

struct ta_frames_stats {
    int64_t concealed, damaged; // source frames of the segment that were repaired
    int max_cll, max_fall;      // HDR10: the brightest pixel and the brightest frame's average, cd/m2; else 0
};

// Thread-safety: Unsafe.
struct ta_frames;
// Starts. plan and what `env` points at must outlive it; *env itself is copied.
int ta_frames_open(struct ta_frames **out, const struct ta_plan *plan, const struct ta_segment *segment,
                   const struct ta_env *env);
// The next picture, owned by the caller: exactly those that the plan says, in order, pts = 0, 1, 2, ... NULL
// with 0 after the last one.
int ta_frames_next(struct ta_frames *f, AVFrame **frame);
// Stops and waits. `err` is how the caller's own work ended; the result is the failure that explains the
// others, or 0. `stats` may be NULL. *f may be NULL: then it is `err`.
int ta_frames_close(struct ta_frames **f, int err, struct ta_frames_stats *stats);

#endif
