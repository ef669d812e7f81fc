#include "media/sound/piece.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavformat/avformat.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "dsp/sound.h"
#include "media/av.h"

// Floats are stored as they lie in memory.
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pieces of sound are PCM_F32LE: swap bytes"
#endif

// Many pages at once: packet by packet, writing takes the kernel twice as long.
enum { IO_SIZE = 256 << 10, PACKET_SAMPLES = 4096 };

// ---- writing ----

struct ta_pcm_piece_writer {
    AVFormatContext *mux;
    AVIOContext *io;
    AVPacket *packet;
    struct ta_sha256 *sha256;
    struct ta_log *log;
    char *path;
    int fd, channels, err;
    float *block; // interleaved
    int filled;   // samples of it
    int64_t samples, bytes;
};

static int write_bytes(void *opaque, TA_AVIO_DATA *data, int size)
{
    struct ta_pcm_piece_writer *w = opaque;
    if (w->err)
        return AVERROR(EIO);
    ta_sha256_update(w->sha256, data, (size_t)size);
    for (int done = 0; done < size;) {
        ssize_t n = write(w->fd, data + done, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            w->err = ta_error_from_errno(errno);
            ta_error(w->log, "%s: %s", w->path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
            return AVERROR(EIO);
        }
        done += (int)n;
    }
    w->bytes += size;
    return size;
}

static int writer_fail(struct ta_pcm_piece_writer *w, int ret)
{
    if (w->err)
        return w->err; // logged
    ta_error(w->log, "%s: %s", w->path, ta_av_text(ret));
    return w->err = ta_error_from_av(ret);
}

static int open_muxer(struct ta_pcm_piece_writer *w, int rate, const AVChannelLayout *layout)
{
    uint8_t *buffer = av_malloc(IO_SIZE);
    w->io = buffer ? avio_alloc_context(buffer, IO_SIZE, 1, w, NULL, write_bytes, NULL) : NULL;
    if (!w->io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    w->io->seekable = 0;
    ta_av_listen();
    int ret = avformat_alloc_output_context2(&w->mux, NULL, "nut", NULL);
    AVStream *st = ret >= 0 ? avformat_new_stream(w->mux, NULL) : NULL;
    w->packet = av_packet_alloc();
    if (!st || !w->packet)
        return ret < 0 ? ret : AVERROR(ENOMEM);
    w->mux->pb = w->io;
    w->mux->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    w->mux->flush_packets = 0;
    st->time_base = (AVRational){1, rate};
    st->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    st->codecpar->codec_id = AV_CODEC_ID_PCM_F32LE;
    st->codecpar->format = AV_SAMPLE_FMT_FLT;
    st->codecpar->sample_rate = rate;
    st->codecpar->block_align = w->channels * (int)sizeof(float);
    st->codecpar->bits_per_coded_sample = 32;
    st->codecpar->bit_rate = (int64_t)32 * rate * w->channels;
    ret = av_channel_layout_copy(&st->codecpar->ch_layout, layout);
    return ret < 0 ? ret : avformat_write_header(w->mux, NULL);
}

int ta_pcm_piece_create(struct ta_pcm_piece_writer **out, int fd, const char *path, int rate,
                        const AVChannelLayout *layout, struct ta_log *log)
{
    struct ta_pcm_piece_writer *w = ta_xcalloc(1, sizeof *w);
    w->log = log;
    w->path = ta_xstrdup(path);
    w->fd = fd;
    w->channels = layout->nb_channels;
    w->sha256 = ta_sha256_create();
    w->block = ta_xcalloc((size_t)PACKET_SAMPLES * (size_t)w->channels, sizeof *w->block);
    int ret = open_muxer(w, rate, layout), err = ret < 0 ? writer_fail(w, ret) : 0;
    if (err < 0)
        ta_pcm_piece_destroy(&w);
    *out = w;
    return err;
}

static int write_block(struct ta_pcm_piece_writer *w)
{
    AVPacket *p = w->packet;
    p->data = (uint8_t *)w->block; // stays ours: a packet without a buffer
    p->size = w->filled * w->channels * (int)sizeof(float);
    p->pts = p->dts = w->samples;
    p->duration = w->filled;
    p->flags |= AV_PKT_FLAG_KEY;
    p->stream_index = 0;
    av_packet_rescale_ts(p, (AVRational){1, w->mux->streams[0]->codecpar->sample_rate},
                         w->mux->streams[0]->time_base);
    int ret = av_write_frame(w->mux, p);
    av_packet_unref(p);
    w->samples += w->filled;
    w->filled = 0;
    return ret < 0 || w->err ? writer_fail(w, ret) : 0;
}

int ta_pcm_piece_write(struct ta_pcm_piece_writer *w, float *const *planes, size_t samples)
{
    int err = 0;
    for (size_t done = 0; done < samples && err >= 0;) {
        size_t n = TA_MIN(samples - done, (size_t)(PACKET_SAMPLES - w->filled));
        float *block = w->block + w->filled * w->channels;
        if (w->channels == 2)
            ta_sound_dsp()->interleave(block, planes[0] + done, planes[1] + done, n);
        for (int c = 0; c < w->channels && w->channels != 2; c++) {
            float *to = block + c;
            for (size_t i = 0; i < n; i++, to += w->channels)
                *to = planes[c][done + i];
        }
        done += n;
        w->filled += (int)n;
        if (w->filled == PACKET_SAMPLES)
            err = write_block(w);
    }
    return err;
}

int ta_pcm_piece_finish(struct ta_pcm_piece_writer *w, int64_t *samples, int64_t *bytes, char sha256[65])
{
    int err = w->filled ? write_block(w) : 0;
    if (err < 0)
        return err;
    int ret = av_write_trailer(w->mux);
    avio_flush(w->io);
    if (ret < 0 || w->err)
        return writer_fail(w, ret);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) < 0 && errno != EINTR) {
        ta_error(w->log, "%s: %s", w->path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        return ta_error_from_errno(errno);
    }
    ta_sha256_finish(&w->sha256, sha256);
    *samples = w->samples;
    *bytes = w->bytes;
    return 0;
}

void ta_pcm_piece_destroy(struct ta_pcm_piece_writer **writer)
{
    struct ta_pcm_piece_writer *w = *writer;
    char unused[TA_SHA256_HEX];
    *writer = NULL;
    if (!w)
        return;
    if (w->sha256)
        ta_sha256_finish(&w->sha256, unused);
    avformat_free_context(w->mux);
    if (w->io)
        av_freep(&w->io->buffer);
    avio_context_free(&w->io);
    av_packet_free(&w->packet);
    if (w->fd >= 0)
        close(w->fd);
    free(w->block);
    free(w->path);
    free(w);
}

// ---- reading ----

struct ta_pcm_piece_reader {
    AVFormatContext *demux;
    AVIOContext *io;
    AVPacket *packet;
    int used; // bytes of it
    int fd, channels;
    char *path;
    struct ta_log *log;
};

static int read_bytes(void *opaque, uint8_t *data, int size)
{
    struct ta_pcm_piece_reader *r = opaque;
    for (;;) {
        ssize_t n = read(r->fd, data, (size_t)size);
        if (n >= 0)
            return n ? (int)n : AVERROR_EOF;
        if (errno != EINTR)
            return AVERROR(errno);
    }
}

int ta_pcm_piece_open(struct ta_pcm_piece_reader **out, int fd, const char *path, int rate, int channels,
                      struct ta_log *log)
{
    struct ta_pcm_piece_reader *r = ta_xcalloc(1, sizeof *r);
    uint8_t *buffer = av_malloc(IO_SIZE);
    r->fd = fd;
    r->channels = channels;
    r->path = ta_xstrdup(path);
    r->log = log;
    r->packet = av_packet_alloc();
    r->io = buffer ? avio_alloc_context(buffer, IO_SIZE, 0, r, read_bytes, NULL, NULL) : NULL;
    if (!r->io)
        av_free(buffer);
    r->demux = avformat_alloc_context();
    ta_av_listen();
    int ret = r->io && r->demux && r->packet ? 0 : AVERROR(ENOMEM);
    if (ret >= 0) {
        r->demux->pb = r->io;
        r->demux->flags |= AVFMT_FLAG_CUSTOM_IO;
        ret = avformat_open_input(&r->demux, NULL, av_find_input_format("nut"), NULL);
    }
    const AVCodecParameters *par = ret >= 0 && r->demux->nb_streams == 1 ? r->demux->streams[0]->codecpar
                                                                         : NULL;
    int err = ret == AVERROR(ENOMEM) ? TA_ERR_NOMEM : 0;
    if (!err && (!par || par->codec_id != AV_CODEC_ID_PCM_F32LE || par->sample_rate != rate ||
                 par->ch_layout.nb_channels != channels)) {
        ta_error(log, "%s: is no piece of this sound", path);
        err = TA_ERR_DAMAGED;
    }
    if (err < 0)
        ta_pcm_piece_close(&r);
    *out = r;
    return err;
}

int ta_pcm_piece_read(struct ta_pcm_piece_reader *r, float *const *planes, int room)
{
    const int step = r->channels * (int)sizeof(float);
    int n = 0;
    while (n < room) {
        if (r->used + step > r->packet->size) {
            av_packet_unref(r->packet);
            r->used = 0;
            int ret = av_read_frame(r->demux, r->packet);
            if (ret == AVERROR_EOF)
                break;
            if (ret < 0) {
                ta_error(r->log, "%s: %s", r->path, ta_av_text(ret));
                return ta_error_from_av(ret);
            }
        }
        int count = TA_MIN(room - n, (r->packet->size - r->used) / step);
        // Floats of packets lie as libav lays out its buffers: where any number may.
        const uint8_t *block = r->packet->data + r->used;
        if (r->channels == 2)
            ta_sound_dsp()->part(planes[0] + n, planes[1] + n, (const float *)(const void *)block,
                                 (size_t)count);
        for (int c = 0; c < r->channels && r->channels != 2; c++) {
            const uint8_t *from = block + (size_t)c * sizeof(float);
            for (int i = 0; i < count; i++, from += step)
                memcpy(&planes[c][n + i], from, sizeof(float));
        }
        n += count;
        r->used += count * step;
    }
    return n;
}

void ta_pcm_piece_close(struct ta_pcm_piece_reader **reader)
{
    struct ta_pcm_piece_reader *r = *reader;
    *reader = NULL;
    if (!r)
        return;
    avformat_close_input(&r->demux);
    if (r->io)
        av_freep(&r->io->buffer);
    avio_context_free(&r->io);
    av_packet_free(&r->packet);
    if (r->fd >= 0)
        close(r->fd);
    free(r->path);
    free(r);
}
