// Dropouts of worn tapes: a stretch of a line that shows something else than what was there just before and
// is there again just after. A mean over time leaves them alone, for what is there at one moment alone may
// well be the picture; thin and long as a piece of a line it is not.
//
// Thread-safety: Unsafe; splits its work over the pool that it is given, with the same bits for any number of
// threads.
#ifndef TA_VIDEO_DROPOUTS_H
#define TA_VIDEO_DROPOUTS_H

#include "video/motion.h"

struct ta_pool;
struct ta_dropouts;

// For pictures of `in`. `noise` are standard deviations of the planes in steps of 8 bits; those without are
// left alone, and all where luma has hardly any: that is no worn tape. TA_ERR_NOMEM.
int ta_dropouts_create(struct ta_dropouts **out, const double noise[TA_MOTION_PLANES],
                       const struct ta_format *in, struct ta_pool *pool);
void ta_dropouts_destroy(struct ta_dropouts **d);
int64_t ta_dropouts_bytes(const struct ta_format *in);

// A moment's picture without its dropouts: in their place is the mean of the moments before and behind, moved
// by their vectors, which must have been found (NULL for either: nothing is known, and nothing is mended).
// Planes that have some are those of `to`, others the moment's own.
struct ta_motion_picture ta_dropouts_mend(struct ta_dropouts *d, struct ta_motion *m, int64_t moment,
                                          const struct ta_motion_picture *to);

#endif
