#include "media/mux/segfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/intreadwrite.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"
#include "media/mux/segfile_info.h"

#define IO_SIZE (1 << 16)

// Writing.

struct ta_segwriter {
    AVFormatContext *mux;
    AVIOContext *io;
    struct ta_segfile_info info;
    struct ta_sha256 *sha256;
    struct ta_log *log;
    char *path;
    int fd;
    struct ta_buf *capture; // where the end of the stream goes instead, when not NULL
    int64_t bytes;
    int64_t pts_max;
    uint64_t seen; // bit k: a packet with the time (place - TA_SEGFILE_SHIFT + k) was there
    int io_error;  // TA_ERR_* of the first failed write: libavformat forgets why
};

static int write_all(struct ta_segwriter *w, const uint8_t *data, size_t size)
{
    if (w->io_error)
        return w->io_error;
    if (w->capture) {
        ta_buf_append(w->capture, data, size);
        return 0;
    }
    ta_sha256_update(w->sha256, data, size);
    w->info.crc = ta_segfile_crc(w->info.crc, data, size);
    while (size) {
        ssize_t n = write(w->fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            w->io_error = ta_error_from_errno(errno);
            ta_error(w->log, "%s: %s", w->path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
            return w->io_error;
        }
        data += n;
        size -= (size_t)n;
        w->bytes += n;
    }
    return 0;
}

static int write_packet(void *opaque, TA_AVIO_DATA *data, int size)
{
    return write_all(opaque, data, (size_t)size) < 0 ? AVERROR(EIO) : size;
}

static int writer_fail(struct ta_segwriter *w, int averror)
{
    if (w->io_error)
        return w->io_error; // logged
    ta_error(w->log, "%s: %s", w->path, ta_av_text(averror));
    return ta_error_from_av(averror);
}

static int open_muxer(struct ta_segwriter *w, const AVCodecContext *encoder)
{
    uint8_t *buffer = av_malloc(IO_SIZE);
    if (!buffer)
        return AVERROR(ENOMEM);
    w->io = avio_alloc_context(buffer, IO_SIZE, 1, w, NULL, write_packet, NULL);
    if (!w->io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    w->io->seekable = 0;
    w->info.parameters = avcodec_parameters_alloc();
    if (!w->info.parameters)
        return AVERROR(ENOMEM);
    ta_av_listen();
    int ret = avcodec_parameters_from_context(w->info.parameters, encoder);
    if (ret >= 0)
        ret = avformat_alloc_output_context2(&w->mux, NULL, "nut", NULL);
    if (ret < 0)
        return ret;
    w->mux->pb = w->io;
    w->mux->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    w->mux->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    AVStream *st = avformat_new_stream(w->mux, NULL);
    if (!st)
        return AVERROR(ENOMEM);
    w->info.time_base = encoder->time_base;
    st->time_base = encoder->time_base;
    st->avg_frame_rate = encoder->framerate;
    st->sample_aspect_ratio = encoder->sample_aspect_ratio;
    ret = avcodec_parameters_copy(st->codecpar, w->info.parameters);
    return ret < 0 ? ret : avformat_write_header(w->mux, NULL);
}

int ta_segwriter_create(struct ta_segwriter **out, int fd, const char *path, const AVCodecContext *encoder,
                        struct ta_log *log)
{
    *out = NULL;
    struct ta_segwriter *w = ta_xcalloc(1, sizeof(*w));
    w->log = log;
    w->path = ta_xstrdup(path);
    w->sha256 = ta_sha256_create();
    w->pts_max = -1;
    w->info.crc = TA_SEGFILE_CRC;
    w->fd = fd;
    int ret = open_muxer(w, encoder), err = ret < 0 ? writer_fail(w, ret) : 0;
    if (err < 0)
        ta_segwriter_destroy(&w);
    *out = w;
    return err;
}

int ta_segwriter_write(struct ta_segwriter *w, AVPacket *packet)
{
    int64_t pts = packet->pts, place = w->info.packets;
    // The time's place in a window around the packet's place.
    bool near = pts >= 0 && pts >= place - TA_SEGFILE_SHIFT && pts <= place + TA_SEGFILE_SHIFT;
    if (!near) {
        if (pts == AV_NOPTS_VALUE)
            ta_error(w->log, "%s: packet %" PRId64 " has no time", w->path, place);
        else
            ta_error(w->log,
                     "%s: packet %" PRId64 " has the time %" PRId64
                     ", negative or more than %d frames from its place",
                     w->path, place, pts, TA_SEGFILE_SHIFT);
        av_packet_unref(packet);
        return TA_ERR_INTERNAL;
    }
    uint64_t bit = UINT64_C(1) << (pts - place + TA_SEGFILE_SHIFT);
    if (w->seen & bit) {
        ta_error(w->log, "%s: two packets have the time %" PRId64, w->path, pts);
        av_packet_unref(packet);
        return TA_ERR_INTERNAL;
    }
    packet->pts = pts + TA_SEGFILE_SHIFT;
    packet->dts = place;
    packet->duration = 1;
    packet->stream_index = 0;
    av_packet_free_side_data(packet);
    av_packet_rescale_ts(packet, w->info.time_base, w->mux->streams[0]->time_base);
    int ret = av_write_frame(w->mux, packet);
    av_packet_unref(packet);
    if (ret < 0)
        return writer_fail(w, ret);
    w->info.packets++;
    w->seen = (w->seen | bit) >> 1;
    w->pts_max = TA_MAX(w->pts_max, pts);
    w->info.reorder = TA_MAX(w->info.reorder, place - pts);
    return 0;
}

// The end of the stream is caught: packets of its own (heads once more), and at its very end the index, whose
// size its last 12 bytes tell. The mark goes before the index, which holds places before itself alone, so
// that it is found from the end of the file.
static int write_end(struct ta_segwriter *w)
{
    avio_flush(w->io);
    struct ta_buf end = {0}, mark = {0};
    w->capture = &end;
    int ret = av_write_trailer(w->mux);
    avio_flush(w->io);
    w->capture = NULL;
    uint64_t index = ret < 0 || end.size < 12 ? 0 : AV_RB64(end.data + end.size - 12);
    int err = 0;
    if (w->io_error || !index || index > end.size) {
        err = writer_fail(w, ret < 0 ? ret : AVERROR_BUG);
    } else {
        size_t before = end.size - (size_t)index;
        err = write_all(w, (const uint8_t *)end.data, before);
        w->info.index_crc = ta_segfile_crc(TA_SEGFILE_CRC, end.data + before, (size_t)index);
        ta_segfile_info_write(&w->info, &mark);
        if (!err)
            err = write_all(w, (const uint8_t *)mark.data, mark.size);
        if (!err)
            err = write_all(w, (const uint8_t *)end.data + before, (size_t)index);
    }
    ta_buf_release(&end);
    ta_buf_release(&mark);
    return err;
}

int ta_segwriter_finish(struct ta_segwriter *w, int64_t *frames, int64_t *bytes, char sha256[65])
{
    if (w->io_error)
        return w->io_error;
    if (!w->info.packets) {
        ta_error(w->log, "%s: the encoder gave no packet", w->path);
        return TA_ERR_INTERNAL;
    }
    // None came twice, so n packets up to n-1 are all of them.
    if (w->pts_max != w->info.packets - 1) {
        ta_error(w->log, "%s: the times of its %" PRId64 " packets are not 0 to %" PRId64, w->path,
                 w->info.packets, w->info.packets - 1);
        return TA_ERR_INTERNAL;
    }
    int err = write_end(w);
    if (err < 0)
        return err;
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) < 0 && errno != EINTR) {
        ta_error(w->log, "%s: %s", w->path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        return ta_error_from_errno(errno);
    }
    ta_sha256_finish(&w->sha256, sha256);
    *frames = w->info.packets;
    *bytes = w->bytes;
    return 0;
}

void ta_segwriter_destroy(struct ta_segwriter **w)
{
    if (!*w)
        return;
    char unused[TA_SHA256_HEX];
    if ((*w)->sha256)
        ta_sha256_finish(&(*w)->sha256, unused);
    avformat_free_context((*w)->mux);
    if ((*w)->io)
        av_freep(&(*w)->io->buffer);
    avio_context_free(&(*w)->io);
    avcodec_parameters_free(&(*w)->info.parameters);
    if ((*w)->fd >= 0)
        close((*w)->fd);
    free((*w)->path);
    ta_freep(w);
}

// Reading.

struct ta_segreader {
    AVFormatContext *demux;
    AVIOContext *io;
    struct ta_segfile_info info;
    struct ta_log *log;
    char *path;
    int fd;
    int64_t left; // bytes before the mark that were not read yet
    uint32_t crc; // of those that were
    int io_error;
    int64_t given; // packets
};

static int damaged(struct ta_segreader *r, const char *what)
{
    ta_error(r->log, "%s: damaged segment: %s", r->path, what);
    return TA_ERR_DAMAGED;
}

static int read_bytes(struct ta_segreader *r, void *data, size_t size)
{
    for (;;) {
        ssize_t n = read(r->fd, data, size);
        if (n >= 0)
            return (int)n;
        if (errno == EINTR)
            continue;
        r->io_error = ta_error_from_errno(errno);
        ta_error(r->log, "%s: %s", r->path, strerror(errno));
        return r->io_error;
    }
}

// The file up to the mark.
static int read_packet(void *opaque, uint8_t *data, int size)
{
    struct ta_segreader *r = opaque;
    if (!r->left)
        return AVERROR_EOF;
    int n = read_bytes(r, data, (size_t)TA_MIN(size, r->left));
    if (n <= 0)
        return n < 0 ? AVERROR(EIO) : AVERROR_EOF;
    r->left -= n;
    r->crc = ta_segfile_crc(r->crc, data, (size_t)n);
    return n;
}

// `size` bytes at `place`; short is damage.
static int read_at(struct ta_segreader *r, off_t place, void *data, size_t size)
{
    if (lseek(r->fd, place, SEEK_SET) < 0)
        return damaged(r, "it is cut off");
    for (size_t done = 0; done < size;) {
        int n = read_bytes(r, (char *)data + done, size - done);
        if (n <= 0)
            return n < 0 ? n : damaged(r, "it is cut off");
        done += (size_t)n;
    }
    return 0;
}

static int check_index(struct ta_segreader *r, off_t place, int64_t size)
{
    uint8_t part[4096];
    uint32_t crc = TA_SEGFILE_CRC;
    while (size > 0) {
        size_t n = (size_t)TA_MIN(size, (int64_t)sizeof(part));
        int err = read_at(r, place, part, n);
        if (err < 0)
            return err;
        crc = ta_segfile_crc(crc, part, n);
        place += (off_t)n;
        size -= (int64_t)n;
    }
    return crc == r->info.index_crc ? 0 : damaged(r, "its index is not as it was written");
}

// Finds and reads the mark, checks what is behind it, and leaves the file at its start.
static int read_mark(struct ta_segreader *r)
{
    static const char none[] = "it has no end mark: it is cut off, was never finished or is no segment";
    uint8_t last[12], tail[TA_SEGFILE_TAIL];
    off_t end = lseek(r->fd, 0, SEEK_END);
    if (end < (off_t)(sizeof(last) + sizeof(tail)))
        return damaged(r, none);
    int err = read_at(r, end - (off_t)sizeof(last), last, sizeof(last));
    if (err < 0)
        return err;
    uint64_t index = AV_RB64(last);
    if (index < sizeof(last) || index > (uint64_t)end - sizeof(tail))
        return damaged(r, none);
    off_t place = end - (off_t)index;
    err = read_at(r, place - (off_t)sizeof(tail), tail, sizeof(tail));
    if (err < 0)
        return err;
    size_t size = ta_segfile_info_size(tail);
    if (!size || (off_t)size > place)
        return damaged(r, none);
    r->left = place - (off_t)size;
    uint8_t *mark = ta_xcalloc(1, size);
    err = read_at(r, r->left, mark, size);
    if (!err && ta_segfile_info_parse(&r->info, mark, size) < 0)
        err = damaged(r, "its end mark makes no sense");
    free(mark);
    if (!err)
        err = check_index(r, place, (int64_t)index);
    if (!err && lseek(r->fd, 0, SEEK_SET) < 0)
        err = damaged(r, strerror(errno));
    return err;
}

static int open_demuxer(struct ta_segreader *r)
{
    uint8_t *buffer = av_malloc(IO_SIZE);
    if (!buffer)
        return TA_ERR_NOMEM;
    r->io = avio_alloc_context(buffer, IO_SIZE, 0, r, read_packet, NULL, NULL);
    if (!r->io) {
        av_free(buffer);
        return TA_ERR_NOMEM;
    }
    r->io->seekable = 0;
    ta_av_listen();
    r->demux = avformat_alloc_context();
    if (!r->demux)
        return TA_ERR_NOMEM;
    r->demux->pb = r->io;
    // Packets as they are: no parser, no guessed times, no probing ahead.
    r->demux->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
    int ret = avformat_open_input(&r->demux, NULL, av_find_input_format("nut"), NULL);
    if (ret < 0)
        return r->io_error ? r->io_error : damaged(r, ta_av_text(ret));
    if (r->demux->nb_streams != 1 || r->demux->streams[0]->codecpar->codec_id != r->info.parameters->codec_id)
        return damaged(r, "its head does not fit its end");
    const AVCodecParameters *head = r->demux->streams[0]->codecpar;
    AVCodecParameters *p = r->info.parameters;
    if (head->extradata_size > 0) {
        p->extradata = av_mallocz((size_t)head->extradata_size + AV_INPUT_BUFFER_PADDING_SIZE);
        if (!p->extradata)
            return TA_ERR_NOMEM;
        memcpy(p->extradata, head->extradata, (size_t)head->extradata_size);
        p->extradata_size = head->extradata_size;
    }
    return 0;
}

int ta_segreader_open(struct ta_segreader **out, const char *path, struct ta_log *log)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int err = ta_error_from_errno(errno);
        ta_error(log, "%s: %s", path, strerror(errno));
        return err;
    }
    return ta_segreader_open_fd(out, fd, path, log);
}

int ta_segreader_open_fd(struct ta_segreader **out, int fd, const char *path, struct ta_log *log)
{
    *out = NULL;
    struct ta_segreader *r = ta_xcalloc(1, sizeof(*r));
    r->log = log;
    r->path = ta_xstrdup(path);
    r->crc = TA_SEGFILE_CRC;
    r->fd = fd;
    r->info.parameters = avcodec_parameters_alloc();
    int err = r->info.parameters ? 0 : TA_ERR_NOMEM;
    if (!err)
        err = read_mark(r);
    if (!err)
        err = open_demuxer(r);
    if (err < 0)
        ta_segreader_close(&r);
    *out = r;
    return err;
}

const AVCodecParameters *ta_segreader_parameters(const struct ta_segreader *r)
{
    return r->info.parameters;
}

int64_t ta_segreader_frames(const struct ta_segreader *r)
{
    return r->info.packets;
}

int ta_segreader_reorder(const struct ta_segreader *r)
{
    return (int)r->info.reorder;
}

// libavformat reads over damage, so the end decides.
static int check_end(struct ta_segreader *r)
{
    uint8_t rest[4096];
    int n = 1;
    while (n > 0 && r->left > 0)
        n = read_packet(r, rest, sizeof(rest));
    if (r->io_error)
        return r->io_error;
    if (r->left || r->given != r->info.packets || r->crc != r->info.crc)
        return damaged(r, "it is not as it was written");
    return 0;
}

int ta_segreader_next(struct ta_segreader *r, AVPacket *packet)
{
    int ret = av_read_frame(r->demux, packet);
    if (r->io_error || ret == AVERROR(ENOMEM)) {
        av_packet_unref(packet);
        return r->io_error ? r->io_error : TA_ERR_NOMEM;
    }
    if (ret < 0)
        return check_end(r);
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) || packet->pts == AV_NOPTS_VALUE ||
        r->given >= r->info.packets) {
        av_packet_unref(packet);
        return damaged(r, "a packet is broken");
    }
    packet->pts = av_rescale_q(packet->pts, r->demux->streams[0]->time_base, r->info.time_base) -
                  TA_SEGFILE_SHIFT;
    packet->dts = r->given - r->info.reorder;
    packet->duration = 1;
    packet->pos = -1;
    if (packet->pts < packet->dts || packet->pts >= r->info.packets) {
        av_packet_unref(packet);
        return damaged(r, "a packet has an impossible time");
    }
    r->given++;
    return 1;
}

void ta_segreader_close(struct ta_segreader **r)
{
    if (!*r)
        return;
    avformat_close_input(&(*r)->demux);
    if ((*r)->io)
        av_freep(&(*r)->io->buffer);
    avio_context_free(&(*r)->io);
    avcodec_parameters_free(&(*r)->info.parameters);
    if ((*r)->fd >= 0)
        close((*r)->fd);
    free((*r)->path);
    ta_freep(r);
}
