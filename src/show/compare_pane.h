// A pane of a comparison's grid, the source or one result, that shows what it has at a given time; and the
// grid's file.
#ifndef TA_SHOW_COMPARE_PANE_H
#define TA_SHOW_COMPARE_PANE_H

#include "show/compare.h"

// Thread-safety: Unsafe.
struct ta_compare_pane;
// `contestant` NULL: the source, in step with `master`. Pictures are fitted into `cell`, their shape kept;
// one that has lost its sides lies where these pictures lie in the whole.
struct ta_compare_pane *ta_compare_pane_create(struct ta_compare *c, struct ta_contestant *contestant,
                                               const struct ta_plan *master, const struct ta_format *cell);
void ta_compare_pane_destroy(struct ta_compare_pane **p);
int ta_compare_pane_open(struct ta_compare_pane *p, int excerpt);
// The last picture that is not later than `seconds` behind the excerpt's start; of the source, the field.
// Never backwards.
int ta_compare_pane_show(struct ta_compare_pane *p, int64_t source, int field, double seconds);
const AVFrame *ta_compare_pane_picture(const struct ta_compare_pane *p); // fitted
// Its place in the cell, in steps of the board.
void ta_compare_pane_place(const struct ta_compare_pane *p, int *x, int *y);
// The size that a result would have with all its sides, upright, its pixels square.
void ta_compare_whole_size(const struct ta_contestant *contestant, double *width, double *height);
// Adds what the picture measures, brought to the source's size and without what any of the presets cuts off,
// so that all are asked about the same part. `source` NULL: it is the source's own.
int ta_compare_pane_measure(const struct ta_compare_pane *p, const struct ta_compare_pane *source,
                            struct ta_measures *sum);
const char *ta_compare_pane_name(const struct ta_compare_pane *p);
const char *ta_compare_pane_detail(const struct ta_compare_pane *p);

// A finished segment file as an MP4 of its own, by way of the free name `part` on the same file system;
// `times` of its frames in format->time_base, and the end behind them.
int ta_compare_mux(const char *segment, const char *part, const char *path, const int64_t *times,
                   int64_t frames, const struct ta_format *format, const struct ta_cancel *cancel,
                   struct ta_log *log);

#endif
