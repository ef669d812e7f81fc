// How the fields of a frame fit together and fit those of its neighbours: the measurement under the scan type
// diagnosis.
#ifndef TA_DIAGNOSE_FIELD_METRICS_H
#define TA_DIAGNOSE_FIELD_METRICS_H

#include <stdbool.h>

#include <libavutil/frame.h>

// Comb energy is the mean of |above + below - 2 * line| over the lines of a weave. A frame woven from fields
// of one moment has only the comb energy of its vertical detail and noise; the farther apart in time the
// fields are, the more motion adds. Detail and noise are in all three weaves alike, so that only differences
// between them count.
//
// The picture is looked at in blocks of 32x16 (a grid of them in large pictures; a margin is left out: tapes
// have head-switching lines and blanking there). A block whose weaves differ by more than its noise can
// explain votes for one scan type.
// Three fields in the order of time: does the one in the middle belong with the one before it or with the one
// after it? In film, fields of one moment weave without combing. In video it fits neither.
struct ta_field_triple {
    float before, after; // share of the blocks in which it fits that side clearly better, strong differences
                         // count up to 3 times
    float torn;          // ... in which it is combed with either and moves; likewise
    float moved_most;    // difference of the outer two, of one parity, in 8-bit codes, where it is largest
};

struct ta_field_metrics {
    double tff, bff;    // comb energy when the frame's fields are woven with the neighbours' fields that are
                        // nearest for that order
    double progressive; // comb energy of the frame itself; these three in 8-bit codes
    double motion;      // mean absolute difference to the frame before (0 when there is none), 8-bit codes
    double repeat_top, repeat_bottom; // the same for each field alone: near 0 for a field shown before
    double votes_tff, votes_bff, votes_progressive; // share of the blocks that vote, 0..1 in sum, strong
                                                    // differences count up to 4 times
    double repeat; // -1..1: +1 when the top field alone repeats that of the frame before, -1 the bottom
                   // field; 0 without motion
    // [0]: with top field first, [1]: bottom field first; then: the frame's first field in the middle, its
    // second. All 0 where a neighbour is missing.
    struct ta_field_triple triples[2][2];
    int blocks; // blocks looked at; 0 when the picture is too small or has no readable luma: then all else is
                // 0
};

// Luma (green for RGB) of three consecutive frames of one format, 8 to 16 bit. `prev` or `next` may be NULL,
// but not both: then only the other side counts. A neighbour that belongs to another scene is left out where
// the other one knows better. No allocation. Thread-safety: Safe.
void ta_field_metrics_measure(const AVFrame *prev, const AVFrame *cur, const AVFrame *next,
                              struct ta_field_metrics *out);

// Share of the blocks (0..1) in which neighbouring lines differ far more than lines of one field do: the mark
// of fields from different moments in a single frame. Detail one line high looks the same, so it counts only
// where nothing else is known.
double ta_field_combing(const AVFrame *frame);

#endif
