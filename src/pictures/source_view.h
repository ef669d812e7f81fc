// The source as a viewer sees it, for showing beside what is restored: each field in its turn, scaled to the
// result's size and format, without what the result has cut off, nothing else done to it.
#ifndef TA_PICTURES_SOURCE_VIEW_H
#define TA_PICTURES_SOURCE_VIEW_H

#include "plan/plan.h"

// Thread-safety: Unsafe.
struct ta_source_view;
// The plan's source frames first..end-1. `pane` is the format to give (one that boards take). Fields are
// taken apart where the plan does so; else frames are shown as they are. `cut`: sides that are not shown, as
// stored (copied; NULL: none). All else must outlive it.
int ta_source_view_open(struct ta_source_view **out, const struct ta_plan *plan, int64_t first, int64_t end,
                        const struct ta_edges *cut, const struct ta_format *pane,
                        const struct ta_cancel *stop, struct ta_log *log);
// The picture of field `field` (0 the earlier one) of a source frame, borrowed until the next call. Source
// frames must not go backwards.
int ta_source_view_get(struct ta_source_view *v, int64_t source, int field, const AVFrame **pane);
// The source frame behind it, planar, as it was decoded; borrowed likewise. NULL before the first get.
const AVFrame *ta_source_view_frame(const struct ta_source_view *v);
// The whole picture before it was cut and scaled, the field with lines between its own: planar, as stored.
const AVFrame *ta_source_view_picture(const struct ta_source_view *v);
void ta_source_view_close(struct ta_source_view **v);

// `in` (planes, chroma subsampled alike both ways or not at all) turned clockwise by 0, 90, 180 or 270
// degrees; takes *frame.
int ta_picture_turn(AVFrame **frame, int degrees);

#endif
