// A file that libav reads is one file: nothing that it names is opened on its behalf. Playlists, scripts and
// reference films are refused by name where the demuxer is known to be one; whatever else a demuxer would
// open on the side fails, because neither its io_open nor a protocol is there for it.
#ifndef TA_MEDIA_ALONE_H
#define TA_MEDIA_ALONE_H

#include <stdbool.h>

#include "media/av.h"

// Does this demuxer do nothing but read other files (HLS, VobSub's index, ...)?
bool ta_is_playlist(const AVInputFormat *f);

// Before avformat_open_input(), with fmt->pb set. False when memory runs out. What is refused is said in
// libav's log. Thread-safety: Safe.
bool ta_keep_alone(AVFormatContext *fmt);

// Opens a regular file to read it back, alone, and finds its streams. An AVERROR on failure, with *fmt NULL.
int ta_open_alone(AVFormatContext **fmt, const char *path);
void ta_close_alone(AVFormatContext **fmt); // NULL is fine

#endif
