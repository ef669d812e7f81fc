#include "media/picture/lossless.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/mem.h"

struct ta_lossless {
    FILE *file;
    struct ta_log *log;
    int threads;
    AVCodecContext *coder; // the encoder; the decoder once all is written
    AVPacket *packet;
    AVFrame **properties; // of each picture, without its pixels
    int64_t count, room, next;
    int64_t bytes;
};

int ta_lossless_create(struct ta_lossless **out, const struct ta_folder *folder, int threads,
                       struct ta_log *log)
{
    struct ta_lossless *l = *out = ta_xcalloc(1, sizeof *l);
    char name[64];
    l->log = log;
    l->threads = threads;
    l->packet = av_packet_alloc();
    snprintf(name, sizeof name, "pass-%ld-%p.part", (long)getpid(), (void *)l);
    int fd = l->packet ? ta_folder_create(folder, name, log) : TA_ERR_NOMEM;
    if (fd >= 0) {
        ta_folder_unlink(folder, name);
        l->file = fdopen(fd, "w+");
        if (!l->file)
            close(fd);
    }
    int err = l->file ? 0 : fd < 0 ? fd : TA_ERR_IO;
    if (err < 0)
        ta_lossless_destroy(out);
    return err;
}

static int disk_failed(const struct ta_lossless *l, const char *what)
{
    int error = errno;
    ta_error(l->log, "a file between two passes can't be %s: %s", what,
             ta_errno_text(error, (char[TA_ERRNO_TEXT]){0}));
    return ta_error_from_errno(error);
}

static int coder_failed(const struct ta_lossless *l, const char *what)
{
    ta_error(l->log, "pictures between two passes can't be %s", what);
    return TA_ERR_INTERNAL;
}

static bool takes(const AVCodec *codec, enum AVPixelFormat format)
{
    for (const enum AVPixelFormat *f = codec ? codec->pix_fmts : NULL; f && *f != AV_PIX_FMT_NONE; f++)
        if (*f == format)
            return true;
    return false;
}

static bool is_deep(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    return d && d->comp[0].depth > 8;
}

static int open_encoder(struct ta_lossless *l, const AVFrame *frame)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_FFV1);
    if (!takes(codec, frame->format))
        codec = avcodec_find_encoder(AV_CODEC_ID_RAWVIDEO);
    AVCodecContext *c = l->coder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!c)
        return codec ? TA_ERR_NOMEM : coder_failed(l, "compressed");
    c->width = frame->width;
    c->height = frame->height;
    c->pix_fmt = frame->format;
    c->time_base = (AVRational){1, 25}; // times are kept apart
    c->gop_size = 1;
    if (codec->id == AV_CODEC_ID_FFV1) // what it takes of its own for deep pictures, with a warning
        av_opt_set_int(c->priv_data, "coder", is_deep(frame->format), 0);
    c->level = codec->id == AV_CODEC_ID_FFV1 ? 3 : c->level;
    c->thread_type = FF_THREAD_SLICE;
    c->thread_count = l->threads;
    return avcodec_open2(c, codec, NULL) < 0 ? coder_failed(l, "compressed") : 0;
}

static int write_packets(struct ta_lossless *l)
{
    int err;
    while ((err = avcodec_receive_packet(l->coder, l->packet)) >= 0) {
        uint32_t size = (uint32_t)l->packet->size;
        bool written = fwrite(&size, sizeof size, 1, l->file) == 1 &&
                       fwrite(l->packet->data, 1, size, l->file) == size;
        l->bytes += (int64_t)(size + sizeof size);
        av_packet_unref(l->packet);
        if (!written)
            return disk_failed(l, "written");
    }
    return err == AVERROR(EAGAIN) || err == AVERROR_EOF ? 0 : coder_failed(l, "compressed");
}

// perf-ok(alloc-in-frame-loop): the way of before, to be measured
int ta_lossless_write(struct ta_lossless *l, const AVFrame *frame)
{
    int err = l->coder ? 0 : open_encoder(l, frame);
    AVFrame *kept = av_frame_alloc(), *sent = av_frame_clone(frame);
    if (err >= 0 && (!kept || !sent || av_frame_copy_props(kept, frame) < 0))
        err = TA_ERR_NOMEM;
    if (err >= 0) {
        sent->pts = l->count;
        sent->pict_type = AV_PICTURE_TYPE_NONE;
        err = avcodec_send_frame(l->coder, sent) < 0 ? coder_failed(l, "compressed") : write_packets(l);
    }
    av_frame_free(&sent);
    if (err < 0) {
        av_frame_free(&kept);
        return err;
    }
    if (l->count == l->room) {
        l->room = TA_MAX(64, l->room * 2);
        l->properties = ta_xrealloc(l->properties, (size_t)l->room * sizeof(*l->properties));
    }
    l->properties[l->count++] = kept;
    return 0;
}

int ta_lossless_finish(struct ta_lossless *l)
{
    if (!l->coder)
        return 0; // there was no picture
    int err = avcodec_send_frame(l->coder, NULL) < 0 ? coder_failed(l, "compressed") : write_packets(l);
    if (err >= 0 && (fflush(l->file) != 0 || fseek(l->file, 0, SEEK_SET) < 0))
        err = disk_failed(l, "written");
    AVCodecContext *written = l->coder;
    const AVCodec *codec = avcodec_find_decoder(written->codec_id);
    AVCodecContext *c = l->coder = codec ? avcodec_alloc_context3(codec) : NULL;
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    if (err >= 0 && (!c || !parameters || avcodec_parameters_from_context(parameters, written) < 0 ||
                     avcodec_parameters_to_context(c, parameters) < 0))
        err = TA_ERR_NOMEM;
    if (err >= 0) {
        c->thread_type = FF_THREAD_SLICE;
        c->thread_count = l->threads;
        err = avcodec_open2(c, codec, NULL) < 0 ? coder_failed(l, "read") : 0;
    }
    avcodec_parameters_free(&parameters);
    avcodec_free_context(&written);
    return err;
}

static int read_packet(struct ta_lossless *l)
{
    uint32_t size;
    if (fread(&size, sizeof size, 1, l->file) != 1)
        return feof(l->file) ? coder_failed(l, "read") : disk_failed(l, "read");
    if (av_new_packet(l->packet, (int)size) < 0)
        return TA_ERR_NOMEM;
    if (fread(l->packet->data, 1, size, l->file) != size)
        return disk_failed(l, "read");
    int err = avcodec_send_packet(l->coder, l->packet);
    av_packet_unref(l->packet);
    return err < 0 ? coder_failed(l, "read") : 0;
}

int ta_lossless_read(struct ta_lossless *l, AVFrame **frame)
{
    *frame = NULL;
    if (l->next == l->count)
        return 0;
    AVFrame *f = av_frame_alloc();
    int err = f ? read_packet(l) : TA_ERR_NOMEM;
    if (err >= 0 && avcodec_receive_frame(l->coder, f) < 0)
        err = coder_failed(l, "read");
    if (err >= 0) { // the decoder's word on the picture is replaced by the picture's own
        AVFrame *kept = l->properties[l->next];
        for (int i = f->nb_side_data - 1; i >= 0; i--)
            av_frame_remove_side_data(f, f->side_data[i]->type);
        av_dict_free(&f->metadata);
        if (av_frame_copy_props(f, kept) < 0)
            err = TA_ERR_NOMEM;
        av_frame_free(&l->properties[l->next++]);
    }
    if (err < 0)
        av_frame_free(&f);
    *frame = f;
    return err;
}

int64_t ta_lossless_bytes(const struct ta_lossless *l)
{
    return l->bytes;
}

int64_t ta_lossless_frames(const struct ta_lossless *l)
{
    return l->count;
}

void ta_lossless_destroy(struct ta_lossless **lossless)
{
    struct ta_lossless *l = *lossless;
    *lossless = NULL;
    if (!l)
        return;
    if (l->file)
        fclose(l->file);
    avcodec_free_context(&l->coder);
    av_packet_free(&l->packet);
    for (int64_t i = 0; i < l->count; i++)
        av_frame_free(&l->properties[i]);
    free(l->properties);
    free(l);
}
