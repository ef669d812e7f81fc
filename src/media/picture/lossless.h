// Pictures put aside in a file without loss, and read again in order: as one program does that hands its
// pictures to the next one by a file (FFV1; raw where that has no such pixel format). What belongs to a
// picture besides its pixels (time, flags, side data) is kept in memory.
#ifndef TA_MEDIA_LOSSLESS_H
#define TA_MEDIA_LOSSLESS_H

#include <stdint.h>

#include <libavutil/frame.h>

struct ta_folder;
struct ta_log;

// Thread-safety: Unsafe.
struct ta_lossless;
// A file without a name in the folder: it goes with the object, also when the process is killed. `folder` is
// for this call alone; `threads` may compress one picture.
int ta_lossless_create(struct ta_lossless **out, const struct ta_folder *folder, int threads,
                       struct ta_log *log);
// All of one size and format. The picture stays the caller's.
int ta_lossless_write(struct ta_lossless *l, const AVFrame *frame);
// The end of writing: what follows is read.
int ta_lossless_finish(struct ta_lossless *l);
// The next picture, owned by the caller; NULL with 0 behind the last one.
int ta_lossless_read(struct ta_lossless *l, AVFrame **frame);
int64_t ta_lossless_bytes(const struct ta_lossless *l);  // written so far
int64_t ta_lossless_frames(const struct ta_lossless *l); // the same
void ta_lossless_destroy(struct ta_lossless **l);

#endif
