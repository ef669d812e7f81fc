// Finished video segments on disk: one elementary stream in NUT, with a mark of our own in it.
//
// The file is written front to back. NUT holds codec, extradata, packets, key flags and presentation times
// (any player shows a segment); it does not hold decoding times, colour tags and profile, and a cut in it can
// go unnoticed. So a mark, a NUT info packet before the final index, keeps the packet count, the CRC-32 of
// all before and behind it, and the rest of the codec parameters.
#ifndef TA_MEDIA_MUX_SEGFILE_H
#define TA_MEDIA_MUX_SEGFILE_H

#include "media/av.h"

// Writing. The file is written under the given (temporary) name; the caller commits it with ta_file_commit().
// Thread-safety: Unsafe.
struct ta_segwriter;
// Writes to the open file `fd`, which it takes, also on failure; `path` is for messages.
int ta_segwriter_create(struct ta_segwriter **out, int fd, const char *path, const AVCodecContext *encoder,
                        struct ta_log *log);
// A packet with pts as the encoder gave it: its ordinal in presentation order, 0..n-1 without a gap, at most
// 16 places from its place in decoding order. Data, pts and the key flag are kept; dts, duration and side
// data are not. The packet is unreferenced, also on failure.
int ta_segwriter_write(struct ta_segwriter *w, AVPacket *packet);
// Mark, index, flush, close (no fsync, no rename). `frames` packets were written; sha256 is of the whole file
// (hashed as it was written). TA_ERR_INTERNAL when the packets' times were not 0..n-1.
int ta_segwriter_finish(struct ta_segwriter *w, int64_t *frames, int64_t *bytes, char sha256[65]);
void ta_segwriter_destroy(struct ta_segwriter **w); // also unfinished; removes nothing

// Reading.
struct ta_segreader;
// TA_ERR_DAMAGED when the file is cut off or is no segment.
int ta_segreader_open(struct ta_segreader **out, const char *path, struct ta_log *log);
// The same of an open file, which it takes, also on failure; `path` is for messages.
int ta_segreader_open_fd(struct ta_segreader **out, int fd, const char *path, struct ta_log *log);
const AVCodecParameters *ta_segreader_parameters(
    const struct ta_segreader *r);                         // as the encoder's, extradata included
int64_t ta_segreader_frames(const struct ta_segreader *r); // packets in all
int ta_segreader_reorder(
    const struct ta_segreader *r); // the largest of (place in decoding order - pts): how far decoding leads
// 1: a packet, in decoding order, with pts = ordinal in presentation order and dts = place in decoding order
// - reorder; 0: end. A file that was changed is TA_ERR_DAMAGED, at the end at the latest.
int ta_segreader_next(struct ta_segreader *r, AVPacket *packet);
void ta_segreader_close(struct ta_segreader **r);

#endif
