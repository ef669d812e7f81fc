// The temporal mean: a moment's picture, averaged with those around it where these show the same. Each block
// is weighted by how well it was found again, against what noise alone would differ; each sample counts only
// as far as noise can explain its difference, so that what is there at one moment alone stays, and leaves no
// trace at others.
//
// Thread-safety: Unsafe; splits its work over the environment's pool, with the same bits for any number of
// threads.
#ifndef TA_VIDEO_TEMPORAL_H
#define TA_VIDEO_TEMPORAL_H

#include "video/motion.h"

struct ta_temporal_settings {
    int radius;                     // moments looked at on each side, 1 to TA_MOTION_RADIUS
    int spare;                      // which of the engine's spare pictures it may work in
    double noise[TA_MOTION_PLANES]; // standard deviations, in steps of 8 bits; 0 leaves a plane alone
};

struct ta_temporal;

// TA_ERR_NOMEM. `m` and what `env` points at must live as long.
int ta_temporal_create(struct ta_temporal **out, const struct ta_temporal_settings *settings,
                       struct ta_motion *m, const struct ta_format *in, const struct ta_env *env);
void ta_temporal_destroy(struct ta_temporal **t);
// What one takes. Pure.
int64_t ta_temporal_bytes(const struct ta_temporal_settings *settings, const struct ta_format *in);
// Makes in `to` the mean of `moment` and those around it that are held, in all planes that have noise.
// Borders are extended.
void ta_temporal_mean(struct ta_temporal *t, int64_t moment, const struct ta_motion_picture *to);

// How much the last mean took over from other moments in each cell of 8 by 8 samples of luma: 0, nothing, to
// TA_TEMPORAL_SURE. `x` and `y` count cells.
enum { TA_TEMPORAL_SURE = 4 };
int ta_temporal_share(const struct ta_temporal *t, int x, int y);

#endif
