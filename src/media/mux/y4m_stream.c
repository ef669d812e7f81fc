#include "media/mux/y4m_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"
#include "media/av.h"

enum {
    PIPE_BYTES = 1 << 20, // what an unprivileged process may ask for
    MAX_PARTS = 512,      // of a single write
    PATIENCE_MS = 200,    // between two looks at `cancel` while the reader is behind
};

struct ta_y4m_stream {
    int fd;
    struct ta_format format;
    const char *name;
    const struct ta_cancel *cancel;
    struct ta_log *log;
    int line_bytes[4];
    int64_t bytes;
    struct iovec parts[MAX_PARTS];
    int part_count;
};

static int fail_write(const struct ta_y4m_stream *s)
{
    int number = errno, err = ta_error_from_errno(number);
    if (err != TA_ERR_CLOSED)
        ta_error(s->log, "%s: can't be written: %s", s->name, strerror(number));
    return err;
}

// Waits until there is room, or the reader is gone.
static int wait_for_room(const struct ta_y4m_stream *s)
{
    for (;;) {
        if (ta_canceled(s->cancel))
            return TA_ERR_CANCELED;
        struct pollfd p = {.fd = s->fd, .events = POLLOUT};
        // timed wait: a signal may come to another thread, and nothing else tells that the run was cancelled
        int n = poll(&p, 1, PATIENCE_MS);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return fail_write(s);
    }
}

// Writes the parts that were collected.
static int flush(struct ta_y4m_stream *s)
{
    struct iovec *at = s->parts;
    int left = s->part_count;
    s->part_count = 0;
    while (left) {
        int err = wait_for_room(s);
        if (err < 0)
            return err;
        ssize_t n = writev(s->fd, at, left);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return fail_write(s);
        size_t written = n > 0 ? (size_t)n : 0;
        s->bytes += (int64_t)written;
        for (; left && written >= at->iov_len; left--)
            written -= at++->iov_len;
        if (left) {
            at->iov_base = (char *)at->iov_base + written;
            at->iov_len -= written;
        }
    }
    return 0;
}

static int add(struct ta_y4m_stream *s, const void *data, size_t size)
{
    struct iovec *last = s->part_count ? &s->parts[s->part_count - 1] : NULL;
    if (last && (char *)last->iov_base + last->iov_len == (const char *)data) {
        last->iov_len += size;
        return 0;
    }
    s->parts[s->part_count++] = (struct iovec){(void *)data, size};
    return s->part_count == MAX_PARTS ? flush(s) : 0;
}

int ta_y4m_stream_open(struct ta_y4m_stream **out, int fd, const struct ta_format *format, const char *name,
                       const struct ta_cancel *cancel, struct ta_log *log)
{
    struct ta_buf head = {0};
    *out = NULL;
    struct ta_y4m_stream *s = ta_xcalloc(1, sizeof *s);
    *s = (struct ta_y4m_stream){.fd = fd, .format = *format, .name = name, .cancel = cancel, .log = log};
    int err = ta_y4m_head(&head, format, name, log);
    if (err >= 0 && av_image_fill_linesizes(s->line_bytes, format->pix_fmt, format->width) < 0)
        err = TA_ERR_UNSUPPORTED;
#ifdef F_SETPIPE_SZ
    // Fewer turns between two programs; what is no pipe, or may not grow, stays what it is.
    if (err >= 0 && fcntl(fd, F_GETPIPE_SZ) < PIPE_BYTES)
        fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
#endif
    if (err >= 0)
        err = add(s, head.data, head.size);
    if (err >= 0)
        err = flush(s);
    ta_buf_release(&head);
    if (err < 0)
        ta_y4m_stream_close(&s);
    *out = s;
    return err;
}

int ta_y4m_stream_write(struct ta_y4m_stream *s, const AVFrame *picture)
{
    static const char mark[] = "FRAME\n";
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->format.pix_fmt);
    if (picture->format != s->format.pix_fmt || picture->width != s->format.width ||
        picture->height != s->format.height) {
        ta_error(s->log, "%s: internal: a picture of another format", s->name);
        return TA_ERR_INTERNAL;
    }
    int err = add(s, mark, sizeof mark - 1);
    for (int plane = 0; err >= 0 && plane < 4 && s->line_bytes[plane]; plane++) {
        bool chroma = plane == 1 || plane == 2;
        int lines = chroma ? AV_CEIL_RSHIFT(picture->height, d->log2_chroma_h) : picture->height;
        for (int y = 0; err >= 0 && y < lines; y++)
            err = add(s, picture->data[plane] + (ptrdiff_t)y * picture->linesize[plane],
                      (size_t)s->line_bytes[plane]);
    }
    return err < 0 ? err : flush(s);
}

int64_t ta_y4m_stream_bytes(const struct ta_y4m_stream *s)
{
    return s->bytes;
}

void ta_y4m_stream_close(struct ta_y4m_stream **s)
{
    ta_freep(s);
}
