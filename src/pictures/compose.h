// The pictures of a preview: what is restored beside the source, as the plan's `show` says.
#ifndef TA_PICTURES_COMPOSE_H
#define TA_PICTURES_COMPOSE_H

#include "plan/plan.h"

// Sets plan->out_format to the board for plan->show->chain in its layout: the chain's pictures, upright,
// twice or once, and strips for the labels.
void ta_show_board(const struct ta_show *show, struct ta_format *board);

// Thread-safety: Unsafe.
struct ta_composer;
int ta_composer_create(struct ta_composer **out, const struct ta_plan *plan, const struct ta_segment *segment,
                       const struct ta_cancel *stop, struct ta_log *log);
// *frame is the segment's next picture, as ta_frames_next() gives it; it becomes the board. Taken on failure.
int ta_composer_frame(struct ta_composer *c, AVFrame **frame);
void ta_composer_destroy(struct ta_composer **c);

// Frames of the chain made ready for a board: its pixel format, upright. Thread-safety: Unsafe.
struct ta_pane_maker;
// `pane`: the format to give; its size may differ from the chain's. NULL maker and 0 when nothing is to do.
int ta_pane_maker_create(struct ta_pane_maker **out, const struct ta_format *chain,
                         const struct ta_format *pane, struct ta_log *log);
int ta_pane_maker_run(struct ta_pane_maker *m, AVFrame **frame); // m may be NULL; takes *frame on failure
void ta_pane_maker_destroy(struct ta_pane_maker **m);

#endif
