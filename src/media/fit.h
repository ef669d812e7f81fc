// Pictures of another size or shape, brought into the frame that most pictures of the file have: scaled, and
// padded where their shape is another, so that all that follows sees one format.
#ifndef TA_MEDIA_FIT_H
#define TA_MEDIA_FIT_H

#include <stdbool.h>

#include "media/format.h"
#include "media/index/index.h"

// Where a picture stands within the frame, in its pixels.
struct ta_place {
    int x, y, width, height;
};

// A run of frames whose pictures are alike, and their place.
struct ta_part {
    int64_t first, count; // numbers in the index
    int width, height;    // of the decoded pictures
    AVRational sar;       // of these; 0/1 when nothing is known of it
    bool interlaced;      // some are, so lines of two fields must not be mixed
    struct ta_place place;
};

// The shape of pixels of pictures that say none: 4:3 for the sizes of standard definition, else square.
// *assumed (may be NULL): it is the former.
AVRational ta_usual_sar(int width, int height, bool *assumed);
// Width by height as it is shown, for pixels of this shape; 0/1 counts as ta_usual_sar().
double ta_display_aspect(int width, int height, AVRational sar);
// The same shape? 704 and 720 columns of one recording are.
bool ta_same_aspect(double a, double b);

// The largest place for a picture in a frame that keeps its shape, in the middle, at whole chroma samples of
// both fields. All of the frame where the shapes are the same.
struct ta_place ta_fit_place(const struct ta_format *frame, int width, int height, AVRational sar);

// The parts of the frames first..first+count-1 by the index, each placed in `frame`. *parts is allocated
// (NULL when there is nothing to fit: all pictures are like the frame); the result is their count.
int ta_fit_parts(const struct ta_index *index, const struct ta_format *frame, int64_t first, int64_t count,
                 struct ta_part **parts);
// The part of a frame; NULL when none has it.
const struct ta_part *ta_part_of(const struct ta_part *parts, int count, int64_t frame);

// Thread-safety: Unsafe.
struct ta_fitter;
void ta_fitter_create(struct ta_fitter **out, const struct ta_format *frame, struct ta_log *log);
// Replaces *f by a picture of the frame's size and pixel format, with its properties, when it has not got
// these already or its place is not the whole frame; around it is black. `interlaced`: lines of the two
// fields are not mixed. *f is the caller's, also after a failure (logged with `name`).
int ta_fitter_run(struct ta_fitter *t, AVFrame **f, const struct ta_place *place, bool interlaced,
                  const char *name);
void ta_fitter_destroy(struct ta_fitter **t);

#endif
