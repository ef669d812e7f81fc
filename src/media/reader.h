// Exact reading: the decoded frames first..first+count-1 of an index, all of them, in order, from any place
// in the file.
#ifndef TA_MEDIA_READER_H
#define TA_MEDIA_READER_H

#include "media/fit.h"
#include "media/index/index.h"

struct ta_reader_stats {
    int64_t concealed; // frames that could not be decoded: the neighbour before (or after) was repeated in
                       // their place
    int64_t damaged;   // frames that the decoder gave but flagged as damaged
    int64_t packets_read, frames_decoded; // work done, the lead-in included
};

// One pass over a range of frames. Seeks to a key packet from which the first frame decodes exactly as in a
// full decode (open GOPs respected: never starts at a key packet whose leading pictures are wanted), checks
// every packet against the index (position, size, times) and falls back from time seeks to byte seeks to
// reading from the start. Decoders run single-threaded and bit-exact, so that the result depends on nothing
// but the source. Frames of another size, shape or pixel format than index->format are fitted into it
// (fit.h). Thread-safety: Unsafe; one thread at a time.
struct ta_reader;

// `index` and `cancel` must outlive the reader. first + count <= index->frame_count, count >= 1.
// TA_ERR_MISMATCH when the file is not the one that was indexed.
int ta_reader_open(struct ta_reader **out, const char *path, const struct ta_index *index, size_t first,
                   size_t count, const struct ta_cancel *cancel, struct ta_log *log);
// Fits into another frame than the index's, and by other parts; before the first next(). Copied.
void ta_reader_set_fit(struct ta_reader *r, const struct ta_format *format, const struct ta_part *parts,
                       int count);
// The next frame, owned by the caller: pts = its number in index->frames, interlaced flags as the stream's
// (the plan overrides them). *frame = NULL with 0 after the last one. TA_ERR_IO when reading fails,
// TA_ERR_DAMAGED when not a single frame of a wanted range and its lead-in decodes.
int ta_reader_next(struct ta_reader *r, AVFrame **frame);
void ta_reader_get_stats(const struct ta_reader *r, struct ta_reader_stats *out);
void ta_reader_close(struct ta_reader **r);

#endif
