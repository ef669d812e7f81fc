// The missing rows of a moment (deinterlace.motion): a mean of what the moments around it say of them, moved
// to where things are now, and of what is interpolated, each by how well it explains the rows next to it.
#ifndef TA_VIDEO_FUSION_H
#define TA_VIDEO_FUSION_H

#include <stdbool.h>

#include "media/format.h"
#include "video/motion.h"

enum { TA_FUSION_NEIGHBOURS = 4 }; // moments, at most, that say something

// Works on one moment at a time. Thread-safety: Unsafe, but for parts.
struct ta_fuser;

// One moment's missing rows.
struct ta_fusion {
    struct ta_fuser *fuser;
    const struct ta_motion_picture *here; // interpolated so far
    const struct ta_motion_picture *bob;
    const struct ta_motion_picture *neighbours[TA_FUSION_NEIGHBOURS]; // that guesses are taken from
    const struct ta_motion_vector *vectors[TA_FUSION_NEIGHBOURS];
    bool same_lines[TA_FUSION_NEIGHBOURS]; // the guess is from a field of the same lines
    bool whole[TA_FUSION_NEIGHBOURS];      // ... from a frame: all its lines are true
    float trusts[TA_FUSION_NEIGHBOURS];
    int count;
    const struct ta_motion_picture *sides[2]; // the nearest moments as they are; NULL where there is none
    int before, after;                        // guesses of the nearest moments; negative: none
    int missing;                              // the first missing row, 0 or 1
    const struct ta_motion_picture *to;       // or
    AVFrame *out;
    const AVFrame *source; // of the rows that are there
};

// Parts of the work on a picture of this format. Pure.
int ta_fuser_parts(const struct ta_format *in);
int64_t ta_fuser_bytes(const struct ta_format *in); // that one takes. Pure
// `motion` (borrowed) has TA_FUSION_NEIGHBOURS takers for each part. TA_ERR_NOMEM.
int ta_fuser_create(struct ta_fuser **out, struct ta_motion *motion, const struct ta_format *in);
void ta_fuser_destroy(struct ta_fuser **fuser);
// Makes a part, 0 to ta_fuser_parts() - 1. Each may have a thread of its own.
void ta_fuse_part(const struct ta_fusion *f, int part);

#endif
