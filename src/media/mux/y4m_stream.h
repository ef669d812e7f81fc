// YUV4MPEG2 for another program's input: pictures go out as they are made, straight from their frames.
#ifndef TA_MEDIA_Y4M_STREAM_H
#define TA_MEDIA_Y4M_STREAM_H

#include "base/mem.h"
#include "media/format.h"

struct ta_cancel;
struct ta_log;

// Appends the line of text that y4m begins with. `name` is what messages call the output. TA_ERR_UNSUPPORTED
// for what y4m does not hold.
int ta_y4m_head(struct ta_buf *out, const struct ta_format *f, const char *name, struct ta_log *log);

// Thread-safety: Unsafe.
struct ta_y4m_stream;
// Begins with the head. `fd` stays the caller's; `cancel` (may be NULL) must outlive the stream. A pipe is
// made as large as it may be. The process must ignore SIGPIPE.
int ta_y4m_stream_open(struct ta_y4m_stream **out, int fd, const struct ta_format *format, const char *name,
                       const struct ta_cancel *cancel, struct ta_log *log);
// Writes a picture of the format; blocks while the reader is behind. TA_ERR_CLOSED, without a message, when
// there is no reader any more.
int ta_y4m_stream_write(struct ta_y4m_stream *s, const AVFrame *picture);
int64_t ta_y4m_stream_bytes(const struct ta_y4m_stream *s); // written so far
void ta_y4m_stream_close(struct ta_y4m_stream **s);

#endif
