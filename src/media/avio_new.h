// New files for libav's muxers: opened by us, so that nothing that was there is written into or followed.
#ifndef TA_MEDIA_AVIO_NEW_H
#define TA_MEDIA_AVIO_NEW_H

#include "media/av.h"

struct ta_cancel;
struct ta_log;

// Creates the file `path`, which nothing has as its name yet, for `fmt` to write: sets fmt->pb, and how the
// muxer opens the same file again to read it (mp4, mov: the index in front). TA_ERR_EXISTS when something
// has the name; logs failures. `cancel` (may be NULL) must outlive it.
int ta_avio_create(AVFormatContext *fmt, const char *path, const struct ta_cancel *cancel,
                   struct ta_log *log);
// Writes what is left and closes; *bytes (may be NULL) is the file's size. Nothing is open: 0. The first
// AVERROR of writing, or 0.
int ta_avio_close(AVFormatContext *fmt, int64_t *bytes);

#endif
