// Files that list where each packet is (MP4, MOV), of which bytes are missing in the middle: everything
// behind these stands before its place. Splices put it back.
#ifndef TA_MEDIA_LOST_BYTES_H
#define TA_MEDIA_LOST_BYTES_H

#include "media/av.h"
#include "media/patch.h"

struct ta_source;

enum { TA_LOST_MAX = 64 }; // places

// Where the index (moov) does not stand where the boxes of the file lead to, but elsewhere behind the media:
// a splice that puts it there. `pb` stands anywhere before and after.
bool ta_lost_before_index(AVIOContext *pb, struct ta_splice *out);
// Where frames (of DV, H.263, H.264, HEVC, MPEG-1, -2 and -4, JPEG, ProRes, DNxHD) stand before the places
// that are listed for them, or bytes are too many before one place from which on all stand behind: how many
// splices of `out`, with which the file is to be opened; 0 where all stand where they should, or it can't be
// told. `s` was just opened.
int ta_lost_between_frames(const struct ta_source *s, struct ta_splice *out);

#endif
