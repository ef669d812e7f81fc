#include "media/segfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/crc.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"

// NUT takes no negative times and libavformat no pts before its dts; so pts are stored this much later, and
// dts are the places in the file. It is also the largest reorder distance that H.264, H.265 and AV1 allow.
#define PTS_SHIFT 16
#define IO_SIZE (1 << 16)
#define VERSION 1
// The last bytes of the file: magic, size of the JSON text before it (8 hex digits), newline.
#define MAGIC "\nterminalai-segment-end "
#define TAIL_SIZE (sizeof(MAGIC) - 1 + 8 + 1)
#define MAX_TRAILER 65536

// What NUT does not hold of the codec parameters: numbers of 32 bits, as the trailer names them.
#define FIELD(key, member, min, max)                       \
    {                                                      \
        key, offsetof(AVCodecParameters, member), min, max \
    }
static const struct {
    const char *key;
    size_t offset;
    int64_t min, max;
} fields[] = {
    FIELD("codec_tag", codec_tag, 0, UINT32_MAX),
    FIELD("width", width, 1, 65535),
    FIELD("height", height, 1, 65535),
    FIELD("profile", profile, INT16_MIN, INT16_MAX),
    FIELD("level", level, INT16_MIN, INT16_MAX),
    FIELD("bits_per_coded_sample", bits_per_coded_sample, 0, 64),
    FIELD("bits_per_raw_sample", bits_per_raw_sample, 0, 64),
    FIELD("video_delay", video_delay, 0, PTS_SHIFT),
    FIELD("field_order", field_order, 0, AV_FIELD_BT),
    FIELD("primaries", color_primaries, 0, AVCOL_PRI_NB - 1),
    FIELD("transfer", color_trc, 0, AVCOL_TRC_NB - 1),
    FIELD("matrix", color_space, 0, AVCOL_SPC_NB - 1),
    FIELD("range", color_range, 0, AVCOL_RANGE_NB - 1),
    FIELD("chroma_location", chroma_location, 0, AVCHROMA_LOC_NB - 1),
};

// Writing.

struct ta_segwriter {
    AVFormatContext *mux;
    AVIOContext *io;
    AVCodecParameters *parameters;
    struct ta_sha256 *sha256;
    struct ta_log *log;
    char *path;
    int fd;
    uint32_t crc;
    int64_t bytes, packets;
    int64_t pts_sum, pts_max; // to see whether each time came once
    int64_t reorder;
    AVRational time_base; // of the encoder: 1/frame rate
    int io_error;         // TA_ERR_* of the first failed write: libavformat forgets why
};

static int write_all(struct ta_segwriter *w, const uint8_t *data, size_t size)
{
    if (w->io_error)
        return w->io_error;
    ta_sha256_update(w->sha256, data, size);
    w->crc = av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), w->crc, data, size);
    while (size) {
        ssize_t n = write(w->fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            w->io_error = ta_error_from_errno(errno);
            ta_error(w->log, "%s: %s", w->path, strerror(errno));
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
    w->parameters = avcodec_parameters_alloc();
    if (!w->parameters)
        return AVERROR(ENOMEM);
    int ret = avcodec_parameters_from_context(w->parameters, encoder);
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
    w->time_base = encoder->time_base;
    st->time_base = encoder->time_base;
    st->avg_frame_rate = encoder->framerate;
    ret = avcodec_parameters_copy(st->codecpar, w->parameters);
    return ret < 0 ? ret : avformat_write_header(w->mux, NULL);
}

int ta_segwriter_create(struct ta_segwriter **out, const char *path, const AVCodecContext *encoder,
                        struct ta_log *log)
{
    *out = NULL;
    struct ta_segwriter *w = ta_xcalloc(1, sizeof(*w));
    w->log = log;
    w->path = ta_xstrdup(path);
    w->sha256 = ta_sha256_create();
    w->pts_max = -1;
    w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int err = 0;
    if (w->fd < 0) {
        err = ta_error_from_errno(errno);
        ta_error(log, "%s: %s", path, strerror(errno));
    } else {
        int ret = open_muxer(w, encoder);
        if (ret < 0)
            err = writer_fail(w, ret);
    }
    if (err < 0)
        ta_segwriter_destroy(&w);
    *out = w;
    return err;
}

int ta_segwriter_write(struct ta_segwriter *w, AVPacket *packet)
{
    int64_t pts = packet->pts, place = w->packets;
    if (pts == AV_NOPTS_VALUE || pts < 0 || pts < place - PTS_SHIFT || pts > place + PTS_SHIFT) {
        ta_error(w->log,
                 "%s: packet %" PRId64 " has the time %" PRId64 ", more than %d frames from its place",
                 w->path, place, pts, PTS_SHIFT);
        av_packet_unref(packet);
        return TA_ERR_INTERNAL;
    }
    packet->pts = pts + PTS_SHIFT;
    packet->dts = place;
    packet->duration = 1;
    packet->stream_index = 0;
    av_packet_free_side_data(packet);
    av_packet_rescale_ts(packet, w->time_base, w->mux->streams[0]->time_base);
    int ret = av_write_frame(w->mux, packet);
    av_packet_unref(packet);
    if (ret < 0)
        return writer_fail(w, ret);
    w->packets++;
    w->pts_sum += pts;
    w->pts_max = TA_MAX(w->pts_max, pts);
    w->reorder = TA_MAX(w->reorder, place - pts);
    return 0;
}

static char *trailer_text(const struct ta_segwriter *w)
{
    const AVCodecParameters *p = w->parameters;
    json_t *o = json_object();
    json_object_set_new(o, "version", json_integer(VERSION));
    json_object_set_new(o, "packets", json_integer(w->packets));
    json_object_set_new(o, "reorder", json_integer(w->reorder));
    json_object_set_new(o, "crc32", json_integer(w->crc));
    json_object_set_new(o, "time_base", ta_json_rational(w->time_base));
    json_object_set_new(o, "codec", json_string(avcodec_get_name(p->codec_id)));
    const char *pix_fmt = av_get_pix_fmt_name(p->format);
    json_object_set_new(o, "pix_fmt", json_string(pix_fmt ? pix_fmt : "none"));
    json_object_set_new(o, "sar", ta_json_rational(p->sample_aspect_ratio));
    for (size_t i = 0; i < TA_COUNT(fields); i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)p + fields[i].offset, sizeof(bits));
        json_object_set_new(o, fields[i].key,
                            json_integer(fields[i].min < 0 ? (int32_t)bits : (int64_t)bits));
    }
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

static int write_trailer(struct ta_segwriter *w)
{
    int ret = av_write_trailer(w->mux);
    avio_flush(w->io);
    if (ret < 0 || w->io_error)
        return writer_fail(w, ret);
    char *text = trailer_text(w);
    if (!text)
        return TA_ERR_NOMEM;
    struct ta_buf tail = {0};
    ta_buf_puts(&tail, text);
    ta_buf_printf(&tail, "%s%08zx\n", MAGIC, strlen(text));
    free(text);
    int err = write_all(w, (const uint8_t *)tail.data, tail.size);
    ta_buf_release(&tail);
    return err;
}

int ta_segwriter_finish(struct ta_segwriter *w, int64_t *frames, int64_t *bytes, char sha256[65])
{
    // With each in 0..n-1 once the sum is this; the places were checked one by one.
    if (w->pts_max != w->packets - 1 || w->pts_sum != w->packets * (w->packets - 1) / 2) {
        ta_error(w->log, "%s: the times of its %" PRId64 " packets are not 0 to %" PRId64, w->path,
                 w->packets, w->packets - 1);
        return TA_ERR_INTERNAL;
    }
    int err = write_trailer(w);
    if (err < 0)
        return err;
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) < 0 && errno != EINTR) {
        ta_error(w->log, "%s: %s", w->path, strerror(errno));
        return ta_error_from_errno(errno);
    }
    ta_sha256_finish(&w->sha256, sha256);
    *frames = w->packets;
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
    avcodec_parameters_free(&(*w)->parameters);
    if ((*w)->fd >= 0)
        close((*w)->fd);
    free((*w)->path);
    ta_freep(w);
}

// Reading.

struct ta_segreader {
    AVFormatContext *demux;
    AVIOContext *io;
    AVCodecParameters *parameters;
    struct ta_log *log;
    char *path;
    int fd;
    int64_t left; // bytes of the NUT stream that were not read yet
    uint32_t crc; // of those that were
    int io_error;
    int64_t packets, reorder; // as the trailer says
    uint32_t whole_crc;
    AVRational time_base;
    int64_t given;
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

// The NUT stream alone: what is behind it is not for libavformat.
static int read_packet(void *opaque, uint8_t *data, int size)
{
    struct ta_segreader *r = opaque;
    if (!r->left)
        return AVERROR_EOF;
    int n = read_bytes(r, data, (size_t)TA_MIN(size, r->left));
    if (n <= 0)
        return n < 0 ? AVERROR(EIO) : AVERROR_EOF;
    r->left -= n;
    r->crc = av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), r->crc, data, (size_t)n);
    return n;
}

static int parse_trailer(struct ta_segreader *r, const json_t *o)
{
    AVCodecParameters *p = r->parameters;
    int64_t crc = 0;
    const char *codec = "", *pix_fmt = "";
    int err = ta_json_get_int(o, r->path, "packets", 0, INT32_MAX, &r->packets, r->log);
    if (!err)
        err = ta_json_get_int(o, r->path, "reorder", 0, PTS_SHIFT, &r->reorder, r->log);
    if (!err)
        err = ta_json_get_int(o, r->path, "crc32", 0, UINT32_MAX, &crc, r->log);
    if (!err)
        err = ta_json_get_rational(o, r->path, "time_base", &r->time_base, r->log);
    if (!err)
        err = ta_json_get_rational(o, r->path, "sar", &p->sample_aspect_ratio, r->log);
    if (!err)
        err = ta_json_get_string(o, r->path, "codec", &codec, r->log);
    if (!err)
        err = ta_json_get_string(o, r->path, "pix_fmt", &pix_fmt, r->log);
    for (size_t i = 0; i < TA_COUNT(fields) && !err; i++) {
        int64_t value = 0;
        err = ta_json_get_int(o, r->path, fields[i].key, fields[i].min, fields[i].max, &value, r->log);
        uint32_t bits = (uint32_t)value;
        memcpy((char *)p + fields[i].offset, &bits, sizeof(bits));
    }
    const AVCodecDescriptor *d = err ? NULL : avcodec_descriptor_get_by_name(codec);
    if (!d || d->type != AVMEDIA_TYPE_VIDEO || r->time_base.num <= 0)
        return TA_ERR_FORMAT;
    r->whole_crc = (uint32_t)crc;
    p->codec_type = AVMEDIA_TYPE_VIDEO;
    p->codec_id = d->id;
    p->format = av_get_pix_fmt(pix_fmt);
    return 0;
}

// Finds the trailer and leaves the file at its start.
static int read_trailer(struct ta_segreader *r)
{
    char tail[TAIL_SIZE + 1] = "";
    off_t end = lseek(r->fd, 0, SEEK_END);
    if (end < (off_t)TAIL_SIZE || lseek(r->fd, end - (off_t)TAIL_SIZE, SEEK_SET) < 0)
        return damaged(r, "it is too short");
    int n = read_bytes(r, tail, TAIL_SIZE);
    if (n < 0)
        return n;
    char *stop = NULL;
    size_t magic = sizeof(MAGIC) - 1;
    unsigned long size = memcmp(tail, MAGIC, magic) ? 0 : strtoul(tail + magic, &stop, 16);
    if (!size || size > MAX_TRAILER || strcmp(stop, "\n") || (off_t)size > end - (off_t)TAIL_SIZE)
        return damaged(r, "it has no end mark: it is cut off or was never finished");
    r->left = end - (off_t)TAIL_SIZE - (off_t)size;
    char *text = ta_xcalloc(1, size + 1);
    json_t *o = NULL;
    int err = TA_ERR_DAMAGED;
    if (lseek(r->fd, r->left, SEEK_SET) >= 0 && read_bytes(r, text, size) == (int)size &&
        ta_json_parse(text, size, r->path, &o, r->log) >= 0 && json_is_object(o))
        err = parse_trailer(r, o);
    json_decref(o);
    free(text);
    if (err < 0 || lseek(r->fd, 0, SEEK_SET) < 0)
        return damaged(r, "its end mark makes no sense");
    return 0;
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
    r->demux = avformat_alloc_context();
    if (!r->demux)
        return TA_ERR_NOMEM;
    r->demux->pb = r->io;
    // Packets as they are: no parser, no guessed times, no probing ahead.
    r->demux->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
    int ret = avformat_open_input(&r->demux, NULL, av_find_input_format("nut"), NULL);
    if (ret < 0)
        return r->io_error ? r->io_error : damaged(r, ta_av_text(ret));
    if (r->demux->nb_streams != 1 || r->demux->streams[0]->codecpar->codec_id != r->parameters->codec_id)
        return damaged(r, "its head does not fit its end");
    const AVCodecParameters *head = r->demux->streams[0]->codecpar;
    AVCodecParameters *p = r->parameters;
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
    struct ta_segreader *r = ta_xcalloc(1, sizeof(*r));
    r->log = log;
    r->path = ta_xstrdup(path);
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    r->parameters = avcodec_parameters_alloc();
    int err = r->parameters ? 0 : TA_ERR_NOMEM;
    if (r->fd < 0) {
        err = ta_error_from_errno(errno);
        ta_error(log, "%s: %s", path, strerror(errno));
    }
    if (!err)
        err = read_trailer(r);
    if (!err)
        err = open_demuxer(r);
    if (err < 0)
        ta_segreader_close(&r);
    *out = r;
    return err;
}

const AVCodecParameters *ta_segreader_parameters(const struct ta_segreader *r)
{
    return r->parameters;
}

int64_t ta_segreader_frames(const struct ta_segreader *r)
{
    return r->packets;
}

int ta_segreader_reorder(const struct ta_segreader *r)
{
    return (int)r->reorder;
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
    if (r->left || r->given != r->packets || r->crc != r->whole_crc)
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
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) || packet->pts == AV_NOPTS_VALUE || r->given >= r->packets) {
        av_packet_unref(packet);
        return damaged(r, "a packet is broken");
    }
    packet->pts = av_rescale_q(packet->pts, r->demux->streams[0]->time_base, r->time_base) - PTS_SHIFT;
    packet->dts = r->given - r->reorder;
    packet->duration = 1;
    packet->pos = -1;
    if (packet->pts < packet->dts || packet->pts >= r->packets) {
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
    avcodec_parameters_free(&(*r)->parameters);
    if ((*r)->fd >= 0)
        close((*r)->fd);
    free((*r)->path);
    ta_freep(r);
}
