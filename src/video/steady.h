// What lines of a worn tape jitter by, taken out of vectors. The lines of each field lie a little to the left
// or to the right of where they belong, many neighbouring ones alike. A search follows that: each moment's
// blocks are found just where jitter has put them, and a mean over time then keeps the jitter of the moment
// it is made for. What moves goes on from moment to moment; what jitters goes to and fro, in all blocks of a
// row alike, and in other rows otherwise. That part is found here, from blocks with detail: in flat places
// vectors follow the noise.
//
// Thread-safety: Unsafe; splits its work over the pool that it is given, with the same bits for any number of
// threads.
#ifndef TA_VIDEO_STEADY_H
#define TA_VIDEO_STEADY_H

#include <stddef.h>
#include <stdint.h>

#include "dsp/motion.h"

struct ta_motion_bytes_plane;
struct ta_pool;
struct ta_steady;

// For blocks as ta_motion_blocks() has them, vectors to `radius` moments on each side and noise of that
// standard deviation, more than 0, in steps of 8 bits. Never NULL.
struct ta_steady *ta_steady_create(int across, int down, int radius, double noise, struct ta_pool *pool);
void ta_steady_destroy(struct ta_steady **s);
int64_t ta_steady_bytes(int across, int down, int radius);

// `vectors` has those of one moment to the one `away` at [away + radius], NULL where there are none; blocks
// whose error is `far` or more say nothing. Finds shifts for moments that have one as far away on the other
// side, and all between. `picture` is what was searched, in full size.
// Returns how much rows are believed to jitter, 0 to 1.
double ta_steady_find(struct ta_steady *s, const struct ta_motion_bytes_plane *picture,
                      const struct ta_motion_vector *const *vectors, unsigned far);
// By how much the x of each row's vectors is too large, in quarters of a sample; 0 where nothing is known.
const int16_t *ta_steady_shifts(const struct ta_steady *s, int away);

#endif
