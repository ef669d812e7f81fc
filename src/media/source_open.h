// What the files that open sources share; nobody else's.
#ifndef TA_MEDIA_SOURCE_OPEN_H
#define TA_MEDIA_SOURCE_OPEN_H

#include "media/source.h"

struct ta_bytes;

extern const struct ta_source_known ta_source_nothing_known;

// 0 for a file that can be read and read again; else TA_ERR_* after a message.
int ta_source_check_file(const char *path, struct ta_log *log);
// One demuxer. `bytes` (may be NULL) is what to read instead of the file `path`; it becomes the source's,
// also on failure.
int ta_source_open_one(struct ta_source **out, const char *path, struct ta_bytes *bytes,
                       const struct ta_source_known *known, const struct ta_cancel *cancel,
                       struct ta_log *log);
// Several files (parts/name.h): as one stream of bytes or one behind the other.
int ta_source_open_joined(struct ta_source **out, const char *name, const struct ta_source_known *known,
                          const struct ta_cancel *cancel, struct ta_log *log);
// A title of a DVD.
int ta_source_open_title(struct ta_source **out, const char *name, const struct ta_source_known *known,
                         const struct ta_cancel *cancel, struct ta_log *log);

#endif
