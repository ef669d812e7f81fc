#include "media/avio_new.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

enum { BLOCK = 256 << 10 };

struct opened {
    int fd;
    int64_t at; // of a reader: writing moves the descriptor's own place
    bool reads;
    const struct ta_cancel *cancel;
};

static int write_block(void *priv, TA_AVIO_DATA *data, int size)
{
    struct opened *o = priv;
    for (int done = 0; done < size;) {
        if (o->cancel && ta_canceled(o->cancel))
            return AVERROR_EXIT;
        ssize_t n = write(o->fd, data + done, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return AVERROR(errno);
        done += (int)n;
    }
    return size;
}

static int read_block(void *priv, uint8_t *data, int size)
{
    struct opened *o = priv;
    ssize_t n;
    if (o->cancel && ta_canceled(o->cancel))
        return AVERROR_EXIT;
    do
        n = pread(o->fd, data, (size_t)size, o->at);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return AVERROR(errno);
    o->at += n;
    return n ? (int)n : AVERROR_EOF;
}

static int64_t move(void *priv, int64_t offset, int whence)
{
    struct opened *o = priv;
    struct stat st;
    if ((whence & ~AVSEEK_FORCE) == AVSEEK_SIZE)
        return fstat(o->fd, &st) < 0 ? AVERROR(errno) : st.st_size;
    if (o->reads) {
        if ((whence & ~AVSEEK_FORCE) != SEEK_SET)
            return AVERROR(EINVAL); // avio makes places from the start of all others
        return o->at = offset;
    }
    off_t place = lseek(o->fd, offset, whence & ~AVSEEK_FORCE);
    return place < 0 ? AVERROR(errno) : place;
}

// Takes `fd`, also on failure.
static int open_context(AVIOContext **pb, int fd, bool reads, const struct ta_cancel *cancel)
{
    struct opened *o = ta_xcalloc(1, sizeof *o);
    uint8_t *block = av_malloc(BLOCK);
    *o = (struct opened){.fd = fd, .reads = reads, .cancel = cancel};
    *pb = block ? avio_alloc_context(block, BLOCK, !reads, o, read_block, write_block, move) : NULL;
    if (*pb)
        return 0;
    av_free(block);
    close(fd);
    free(o);
    return AVERROR(ENOMEM);
}

static int close_context(AVIOContext *pb)
{
    struct opened *o = pb->opaque;
    if (!o->reads)
        avio_flush(pb);
    int ret = pb->error < 0 ? pb->error : 0;
    if (close(o->fd) < 0 && errno != EINTR && ret >= 0) // network file systems report late write errors here
        ret = AVERROR(errno);
    free(o);
    av_freep(&pb->buffer);
    avio_context_free(&pb);
    return ret;
}

// A muxer that looks at what it has written asks for it by name: it gets the same file.
static int open_again(AVFormatContext *fmt, AVIOContext **pb, const char *url, int flags,
                      AVDictionary **options)
{
    (void)url;
    (void)options;
    const struct opened *o = fmt->opaque;
    *pb = NULL;
    if (flags & AVIO_FLAG_WRITE)
        return AVERROR(EPERM);
    int fd = dup(o->fd);
    return fd < 0 ? AVERROR(errno) : open_context(pb, fd, true, o->cancel);
}

static int close_again(AVFormatContext *fmt, AVIOContext *pb)
{
    (void)fmt;
    return close_context(pb);
}

int ta_avio_create(AVFormatContext *fmt, const char *path, const struct ta_cancel *cancel, struct ta_log *log)
{
    int fd = ta_file_create(path, log);
    if (fd < 0)
        return fd;
    if (open_context(&fmt->pb, fd, false, cancel) < 0) {
        ta_error(log, "%s: out of memory", path);
        unlink(path);
        return TA_ERR_NOMEM;
    }
    fmt->flags |= AVFMT_FLAG_CUSTOM_IO;
    fmt->flush_packets = 0; // whole blocks: nobody reads the file before it is complete
    fmt->opaque = fmt->pb->opaque;
    fmt->io_open = open_again;
    fmt->io_close2 = close_again;
    return 0;
}

int ta_avio_close(AVFormatContext *fmt, int64_t *bytes)
{
    AVIOContext *pb = fmt ? fmt->pb : NULL;
    struct stat st;
    if (!pb)
        return 0;
    fmt->pb = NULL;
    fmt->opaque = NULL;
    avio_flush(pb);
    if (bytes)
        *bytes = fstat(((const struct opened *)pb->opaque)->fd, &st) < 0 ? 0 : st.st_size;
    return close_context(pb);
}
