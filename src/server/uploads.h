// Files that clients send, piece by piece: what has come is on disk, and the rest may come over another
// connection, after another start of the service too.
//
// Unfinished ones lie in the folder ".unfinished" of the folder for uploads, as ID.part with ID.json beside
// it; a whole one gets its name, or "NAME (2)" where that is taken.
#ifndef TA_SERVER_UPLOADS_H
#define TA_SERVER_UPLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/request.h"

struct ta_uploads;
// `folder` NULL: none are taken. What nobody has gone on with for a week is removed. 0 or TA_ERR_*.
int ta_uploads_create(struct ta_uploads **out, const char *folder, int64_t max_bytes, struct ta_log *log);
void ta_uploads_destroy(struct ta_uploads **u); // NULL-safe

// Routes (http.h). The path's name is the upload's.
void ta_upload_create(struct ta_request *r); // {"name", "size"}
void ta_upload_get(struct ta_request *r);
void ta_upload_delete(struct ta_request *r);
// A body that goes into it from ?offset= on, which is what it has.
void ta_upload_begin(struct ta_request *r);
void ta_upload_take(struct ta_request *r, const char *data, size_t size);
void ta_upload_end(struct ta_request *r);
void ta_upload_drop(void *stream);

#endif
