// Encoding a picture as JPEG.
#ifndef TA_MEDIA_PICTURE_JPEG_H
#define TA_MEDIA_PICTURE_JPEG_H

#include <libavutil/frame.h>

struct ta_buf;
struct ta_log;

// `picture` is yuvj420p or yuv420p, full range, BT.601, of even size. `quality` as libav has it: 2 the best,
// 31 the smallest. The file is appended to `out`.
int ta_jpeg_encode(const AVFrame *picture, int quality, struct ta_buf *out, struct ta_log *log);

#endif
