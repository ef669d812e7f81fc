// Ranges of a plan that are made again with other settings.
//
// Such a plan keeps everything of the plan before it but for the stages, and the encoder's settings, of the
// range; its cuts gain the range's borders. Segments that the range does not touch keep their numbers, and so
// their files; the others go by keys, checksums of all that decides their pictures. So nothing that is
// finished is ever overwritten, a redo that is stopped goes on like any run, and one that is taken back finds
// the old files.
#ifndef TA_PLAN_REDO_RANGES_H
#define TA_PLAN_REDO_RANGES_H

#include "plan/plan.h"

// The plan's part of JSON.
json_t *ta_redo_json(const struct ta_plan *p);
void ta_redo_release(struct ta_plan *p);

// Numbers that segments of the plan go by: 0..this-1.
int ta_plan_numbers(const struct ta_plan *p);
// "seg-00012" or "seg-0123456789abcdef": the stem of segment k's files. To be freed.
char *ta_plan_segment_stem(const struct ta_plan *p, int k);
// Makes the segments' names anew, for cuts or ranges that have changed.
void ta_plan_name_segments(struct ta_plan *p);
// Does a segment start or end there? The borders of ranges must be cuts: a segment is made in one way.
bool ta_plan_is_cut(const struct ta_plan *p, int64_t frame);
// A checksum of what was redone; "" for nothing.
void ta_redo_sum(const struct ta_plan *p, char out[65]);

#endif
