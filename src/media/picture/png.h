// Writing a picture as PNG.
#ifndef TA_MEDIA_PICTURE_PNG_H
#define TA_MEDIA_PICTURE_PNG_H

#include <libavutil/frame.h>

struct ta_log;

// `picture` is planar RGB of 8 bits (gbrp), full range. Written atomically: an old file stays until the new
// one is complete. `bytes` may be NULL.
int ta_png_write(const char *path, const AVFrame *picture, int64_t *bytes, struct ta_log *log);

#endif
