// Frames of one size and format whose memory is used again.
#ifndef TA_MEDIA_PICTURE_FRAME_POOL_H
#define TA_MEDIA_PICTURE_FRAME_POOL_H

#include <libavutil/buffer.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

enum { TA_FRAME_ALIGNMENT = 64 }; // of rows and of their distance, in bytes

// What av_buffer_pool_get() gives. The thread sanitizer, which does not see how libavutil synchronises, is
// told that who used the memory before is done. NULL when out of memory.
AVBufferRef *ta_buffer_get(AVBufferPool *pool);

// Thread-safety: ta_frame_pool_get() Unsafe; frames may be released on any thread, and live on when the pool
// is destroyed.
struct ta_frame_pool;
// Planar formats of 8 to 16 bits. NULL when out of memory.
struct ta_frame_pool *ta_frame_pool_create(enum AVPixelFormat pix_fmt, int width, int height);
void ta_frame_pool_destroy(struct ta_frame_pool **pool);
// A writable frame with its data, format and size set, nothing else. NULL when out of memory.
AVFrame *ta_frame_pool_get(struct ta_frame_pool *pool);
// For filters that can write over what they read: `in` itself where nobody else holds it, else a frame of the
// pool with its properties. NULL when out of memory.
AVFrame *ta_frame_pool_writable(struct ta_frame_pool *pool, AVFrame *in);

#endif
