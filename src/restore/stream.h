// A plan whose output is standard output: its pictures go out as the chain gives them, with no work folder
// and no file on the way. They are those that the segments would hold, bit for bit.
#ifndef TA_RESTORE_STREAM_H
#define TA_RESTORE_STREAM_H

#include "restore/callbacks.h"
#include "plan/plan.h"

struct ta_stream_result {
    int64_t frames, bytes; // given so far, also on failure
    int64_t concealed, damaged;
};

// Only for plans of raw pictures in y4m. `strict`: source frames that can't be decoded are a failure. One
// frame of each segment is enough to begin; memory does not depend on how slow the reader is. TA_ERR_CLOSED,
// without a message, when the reader has ended.
int ta_stream_run(const struct ta_plan *plan, bool strict, struct ta_meter *meter,
                  struct ta_stream_result *out, struct ta_log *log);

#endif
