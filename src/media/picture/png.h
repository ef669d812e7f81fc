// Writing a picture as PNG.
#ifndef TA_MEDIA_PICTURE_PNG_H
#define TA_MEDIA_PICTURE_PNG_H

#include <libavutil/frame.h>

struct ta_buf;
struct ta_log;

// The file is appended to `out`; `name` is for messages. `picture` as below.
int ta_png_encode(const AVFrame *picture, struct ta_buf *out, const char *name, struct ta_log *log);
// `picture` is planar RGB of 8 bits (gbrp), full range. Written atomically: an old file stays until the new
// one is complete. `bytes` may be NULL.
int ta_png_write(const char *path, const AVFrame *picture, int64_t *bytes, struct ta_log *log);

#endif
