// Bytes of several files read as one, for formats whose files may be put one behind the other: program and
// transport streams, raw DV, and whatever was only cut into pieces.
#ifndef TA_MEDIA_PARTS_BYTES_H
#define TA_MEDIA_PARTS_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "media/av.h"
#include "media/patch.h"
#include "media/routes.h"

struct ta_cancel;
struct ta_log;

struct ta_extent { // a part of a file
    int file;      // -1: zeros
    int64_t offset, length;
};

// Thread-safety: Unsafe; every reader opens its own. At most one file is open at a time.
struct ta_bytes;

// `extents` NULL: all files whole, with the sizes they have now. Both arrays are copied. `cancel` may be NULL
// and must outlive it. Refuses with a line that names the file what can't be opened and extents that lie
// outside of their file.
int ta_bytes_open(struct ta_bytes **out, char *const *files, int file_count, const struct ta_extent *extents,
                  int extent_count, const struct ta_cancel *cancel, struct ta_log *log);
// One file with splices, ascending.
int ta_bytes_open_spliced(struct ta_bytes **out, const char *path, const struct ta_splice *splices, int count,
                          const struct ta_cancel *cancel, struct ta_log *log);
void ta_bytes_close(struct ta_bytes **b);

// What is read behind everything; copied. Not after the context below was asked for.
void ta_bytes_append(struct ta_bytes *b, const void *data, int64_t size);
// What is read instead at some places, ascending; copied.
void ta_bytes_patch(struct ta_bytes *b, const struct ta_patch *patches, int count);
// Packets of a transport stream get other identifiers as they are read.
void ta_bytes_route(struct ta_bytes *b, const struct ta_routes *routes);
// From now on reading by the context below ends, once, where pictures turn into others by these routes, so
// that a demuxer gives everything before that ahead of what follows.
void ta_bytes_end_at_turns(struct ta_bytes *b);
// Was it such an end that was met? Reading goes on then.
bool ta_bytes_pass_turn(struct ta_bytes *b);

int64_t ta_bytes_size(const struct ta_bytes *b);
// Reads at `position`: the number of bytes, fewer than `size` at the end of a part; 0 at the end of all; an
// AVERROR. Doesn't move what the context below reads next.
int ta_bytes_read_at(struct ta_bytes *b, int64_t position, void *data, int size);
// The same up to `size`, however many parts that takes, as a ta_structure_read of `bytes`.
int64_t ta_bytes_read(void *bytes, int64_t position, uint8_t *data, int64_t size);
// The same for libav, to read and to seek; lives as long as `b`. NULL when memory runs out.
AVIOContext *ta_bytes_io(struct ta_bytes *b);

#endif
