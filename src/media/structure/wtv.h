// Recordings of Windows Media Center (WTV). Such a file is a file system of its own, whose directory and
// lists of blocks may lie behind everything else; a recording that was cut off lacks them, and no demuxer
// finds any of it. The recording itself is a chain of chunks in blocks of 256 KiB, which is walked (wtv.c)
// and, where it is damaged or cut off, put together by splices, from byte 4096 on and with nothing behind it.
#ifndef TA_MEDIA_STRUCTURE_WTV_H
#define TA_MEDIA_STRUCTURE_WTV_H

#include "base/mem.h"
#include "media/patch.h"
#include "media/structure.h"

// Is there no directory, or no list of the blocks of the recording, where it should be? False for other
// files.
bool ta_wtv_is_cut(ta_structure_read *read, void *priv, int64_t size);
// What a recording lacks that is read with its splices and has `size` bytes then: `out` gets what belongs
// behind it, `head` what the head of the file says of that. False for other files.
bool ta_wtv_directory(ta_structure_read *read, void *priv, int64_t size, struct ta_buf *out,
                      struct ta_patch *head);

#endif
