// A pane of a comparison's grid, the source or one result, that shows what it has at a given time; and the
// grid's file.
#ifndef TA_SHOW_COMPARE_PANE_H
#define TA_SHOW_COMPARE_PANE_H

#include "show/compare.h"

// Thread-safety: Unsafe.
struct ta_compare_pane;
// `contestant` NULL: the source, in step with `master`. Pictures are fitted into `cell`, their shape kept.
struct ta_compare_pane *ta_compare_pane_create(struct ta_compare *c, struct ta_contestant *contestant,
                                               const struct ta_plan *master, const struct ta_format *cell);
void ta_compare_pane_destroy(struct ta_compare_pane **p);
int ta_compare_pane_open(struct ta_compare_pane *p, int excerpt);
// The last picture that is not later than `seconds` behind the excerpt's start; of the source, the field.
// Never backwards.
int ta_compare_pane_show(struct ta_compare_pane *p, int64_t source, int field, double seconds);
const AVFrame *ta_compare_pane_picture(const struct ta_compare_pane *p); // fitted
const AVFrame *ta_compare_pane_native(const struct ta_compare_pane *p);  // as it was decoded
// The luma of it with 8 bits, brought to the source's size: what noise and sharpness are measured on, so that
// versions of different sizes can be compared. A new frame.
int ta_compare_pane_probe(const struct ta_compare_pane *p, AVFrame **out);
const char *ta_compare_pane_name(const struct ta_compare_pane *p);
const char *ta_compare_pane_detail(const struct ta_compare_pane *p);

// A finished segment file as an MP4 of its own, by way of the free name `part` on the same file system;
// `times` of its frames in format->time_base, and the end behind them.
int ta_compare_mux(const char *segment, const char *part, const char *path, const int64_t *times,
                   int64_t frames, const struct ta_format *format, const struct ta_cancel *cancel,
                   struct ta_log *log);

#endif
