// A lane that a thread of its own reads ahead, into a file without a name.
#ifndef TA_MEDIA_MUX_LANE_AHEAD_H
#define TA_MEDIA_MUX_LANE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "media/mux/lane.h"

struct ta_folder;
struct ta_log;

// Takes `inner` (also on failure), which must share its source with no other lane that is read: the thread
// reads it to its end at once. The packets wait in an unnamed file in `folder`, so memory stays flat
// and nothing is left behind by a killed run. Returns after the first packet: by then everything behind
// `inner` is set up. next() waits for the thread and gives exactly the packets of `inner`; its failure is
// returned where it happened. Thread-safety: Unsafe, but for ta_lane_ahead_error().
int ta_lane_ahead(struct ta_lane **out, struct ta_lane *inner, const struct ta_folder *folder,
                  struct ta_log *log);
// 0, or why reading ahead stopped before its end (logged). Thread-safety: Safe.
int ta_lane_ahead_error(struct ta_lane *ahead);
// Bytes in the file so far. Thread-safety: Safe.
int64_t ta_lane_ahead_bytes(struct ta_lane *ahead);

#endif
