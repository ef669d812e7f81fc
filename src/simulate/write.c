// Scenes as files: the encoders and containers that tapes are captured to.
#include "simulate/scene.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"
#include "media/avio_new.h"
#include "simulate/sound.h"

struct tape_kind {
    const char *extension, *muxer;
    enum AVCodecID video;
    const char *audio;             // encoder
    enum AVPixelFormat pix_fmt[2]; // for 480 and 576 lines
};

static const struct tape_kind kinds[] = {
    {"avi", "avi", AV_CODEC_ID_DVVIDEO, "pcm_s16le", {AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUV420P}},
    {"mkv", "matroska", AV_CODEC_ID_FFV1, "pcm_s16le", {AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV422P}},
    {"mpg", "vob", AV_CODEC_ID_MPEG2VIDEO, "mp2fixed", {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P}},
};

struct writer {
    const struct ta_scene_opts *opts;
    const struct tape_kind *kind;
    const char *path; // the temporary one
    struct ta_log *log;
    struct ta_scene *scene;
    AVFormatContext *fmt;
    AVCodecContext *video, *audio;
    AVFrame *picture, *coded, *sound;
    AVPacket *packet;
    int64_t samples; // sent so far
    bool created;    // the temporary file
};

static int failed(const struct writer *w, const char *what, int averror)
{
    ta_error(w->log, "%s: %s: %s", w->path, what, ta_av_text(averror));
    return ta_error_from_av(averror);
}

static int add_stream(struct writer *w, const AVCodecContext *c)
{
    AVStream *st = avformat_new_stream(w->fmt, NULL);
    int ret = st ? avcodec_parameters_from_context(st->codecpar, c) : AVERROR(ENOMEM);
    if (ret < 0)
        return failed(w, "a stream can't be added", ret);
    st->time_base = c->time_base;
    if (c->codec_type == AVMEDIA_TYPE_VIDEO) {
        st->avg_frame_rate = c->framerate;
        st->sample_aspect_ratio = c->sample_aspect_ratio;
    }
    return 0;
}

static int open_video(struct writer *w)
{
    const struct ta_scene_opts *o = w->opts;
    const AVCodec *codec = avcodec_find_encoder(w->kind->video);
    if (!codec) {
        ta_error(w->log, "%s: this libavcodec has no %s encoder", w->path, avcodec_get_name(w->kind->video));
        return TA_ERR_UNSUPPORTED;
    }
    AVCodecContext *c = w->video = avcodec_alloc_context3(codec);
    if (!c)
        return failed(w, codec->name, AVERROR(ENOMEM));
    bool ntsc = o->height == 480;
    c->width = o->width;
    c->height = o->height;
    c->pix_fmt = w->kind->pix_fmt[!ntsc];
    c->framerate = ntsc ? (AVRational){30000, 1001} : (AVRational){25, 1};
    c->time_base = av_inv_q(c->framerate);
    c->sample_aspect_ratio = ntsc ? (AVRational){8, 9} : (AVRational){16, 15};
    c->color_primaries = ntsc ? AVCOL_PRI_SMPTE170M : AVCOL_PRI_BT470BG;
    c->color_trc = AVCOL_TRC_SMPTE170M;
    c->colorspace = ntsc ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_BT470BG;
    c->color_range = AVCOL_RANGE_MPEG;
    // DV's video segments are coded one by one, so that any number of threads gives the same bytes.
    c->thread_type = FF_THREAD_SLICE;
    c->thread_count = w->kind->video == AV_CODEC_ID_DVVIDEO ? TA_MIN(ta_cpu_count(), 4) : 1;
    // The integer transforms are plain C on every machine; what else these encoders have in assembler counts
    // exactly.
    c->dct_algo = FF_DCT_INT;
    c->idct_algo = FF_IDCT_SIMPLE;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (w->fmt->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    c->field_order = AV_FIELD_PROGRESSIVE;
    if (o->scan != TA_SCAN_PROGRESSIVE || w->kind->video == AV_CODEC_ID_DVVIDEO) {
        c->field_order = o->scan == TA_SCAN_TFF && w->kind->video != AV_CODEC_ID_DVVIDEO ? AV_FIELD_TT
                                                                                         : AV_FIELD_BB;
        c->flags |= AV_CODEC_FLAG_INTERLACED_DCT | AV_CODEC_FLAG_INTERLACED_ME;
    }
    AVDictionary *options = NULL;
    if (w->kind->video == AV_CODEC_ID_MPEG2VIDEO) {
        // A fixed quantiser: rate control counts in floating point.
        c->flags |= AV_CODEC_FLAG_QSCALE;
        c->global_quality = 5 * FF_QP2LAMBDA;
        c->gop_size = 15;
        c->max_b_frames = 2;
    } else if (w->kind->video == AV_CODEC_ID_FFV1) {
        c->level = 3;
        c->gop_size = 1;
        av_dict_set(&options, "slices", "4", 0);
        av_dict_set(&options, "slicecrc", "1", 0);
    }
    int ret = ta_av_open(c, codec, &options);
    av_dict_free(&options);
    return ret < 0 ? failed(w, codec->name, ret) : add_stream(w, c);
}

static int open_audio(struct writer *w)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(w->kind->audio);
    if (!codec) {
        ta_error(w->log, "%s: this libavcodec has no %s encoder", w->path, w->kind->audio);
        return TA_ERR_UNSUPPORTED;
    }
    AVCodecContext *c = w->audio = avcodec_alloc_context3(codec);
    if (!c)
        return failed(w, codec->name, AVERROR(ENOMEM));
    c->sample_rate = TA_SOUND_RATE;
    c->sample_fmt = AV_SAMPLE_FMT_S16;
    av_channel_layout_default(&c->ch_layout, 2);
    c->time_base = (AVRational){1, TA_SOUND_RATE};
    c->bit_rate = 224000;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (w->fmt->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    int ret = ta_av_open_portable(c, codec, NULL);
    return ret < 0 ? failed(w, codec->name, ret) : add_stream(w, c);
}

static int open_file(struct writer *w)
{
    ta_av_listen();
    int ret = avformat_alloc_output_context2(&w->fmt, NULL, w->kind->muxer, w->path);
    if (ret < 0)
        return failed(w, w->kind->muxer, ret);
    w->fmt->flags |= AVFMT_FLAG_BITEXACT;
    int err = open_video(w);
    if (err < 0 || (err = open_audio(w)) < 0)
        return err;
    if ((err = ta_avio_create(w->fmt, w->path, NULL, w->log)) < 0)
        return err;
    w->created = true;
    AVDictionary *options = NULL;
    if (!strcmp(w->kind->muxer, "vob")) { // as on a DVD
        av_dict_set(&options, "muxrate", "10080000", 0);
        w->fmt->max_delay = 700000;
    }
    ret = avformat_write_header(w->fmt, &options);
    av_dict_free(&options);
    if (ret < 0)
        return failed(w, "the file's header", ret);
    w->picture = av_frame_alloc();
    w->coded = av_frame_alloc();
    w->sound = av_frame_alloc();
    w->packet = av_packet_alloc();
    return w->picture && w->coded && w->sound && w->packet ? 0 : failed(w, "frames", AVERROR(ENOMEM));
}

// One packet at most is held by a loop like this; both streams end up in the muxer's interleaving queue.
static int encode(struct writer *w, AVCodecContext *c, int stream, const AVFrame *frame)
{
    int ret = avcodec_send_frame(c, frame);
    while (ret >= 0 && (ret = avcodec_receive_packet(c, w->packet)) >= 0) {
        w->packet->stream_index = stream;
        av_packet_rescale_ts(w->packet, c->time_base, w->fmt->streams[stream]->time_base);
        ret = av_interleaved_write_frame(w->fmt, w->packet);
    }
    return ret == AVERROR(EAGAIN) || ret == AVERROR_EOF || ret >= 0 ? 0 : failed(w, "can't be written", ret);
}

static void halve_across(const uint8_t *from, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++) { // co-sited with every second sample
        int left = from[x ? 2 * x - 1 : 0], right = from[2 * x + 1];
        to[x] = (uint8_t)((left + 2 * from[2 * x] + right + 2) >> 2);
    }
}

static void average(const uint8_t *a, const uint8_t *b, int weight_a, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++)
        to[x] = (uint8_t)((a[x] * weight_a + b[x] * (4 - weight_a) + 2) >> 2);
}

// 4:2:2 to 4:1:1 or 4:2:0. Interlaced 4:2:0 takes each chroma line from lines of one field: they lie a
// quarter of a field line above and below the middle of the pair.
static void convert_chroma(const AVFrame *in, AVFrame *out, bool interlaced)
{
    for (int p = 1; p < 3; p++) {
        int lines = out->format == AV_PIX_FMT_YUV420P ? in->height / 2 : in->height;
        for (int y = 0; y < lines; y++) {
            uint8_t *to = out->data[p] + (ptrdiff_t)y * out->linesize[p];
            const uint8_t *from = in->data[p] + (ptrdiff_t)y * in->linesize[p];
            if (out->format == AV_PIX_FMT_YUV411P) {
                halve_across(from, to, in->width / 4);
            } else if (out->format == AV_PIX_FMT_YUV420P) {
                int field = y & 1, first = interlaced ? (y - field) * 2 + field : 2 * y,
                    step = interlaced ? 2 : 1;
                const uint8_t *a = in->data[p] + (ptrdiff_t)first * in->linesize[p];
                average(a, a + step * in->linesize[p], interlaced ? (field ? 1 : 3) : 2, to, in->width / 2);
            } else {
                memcpy(to, from, (size_t)in->width / 2);
            }
        }
    }
}

static int write_picture(struct writer *w, int64_t n)
{
    int err = ta_scene_tape_frame(w->scene, n, w->picture);
    if (err < 0) {
        ta_error(w->log, "%s: no memory for frame %lld", w->path, (long long)n);
        return err;
    }
    AVFrame *f = w->coded;
    int ret = 0;
    if (!f->data[0]) {
        f->format = w->video->pix_fmt;
        f->width = w->video->width;
        f->height = w->video->height;
        f->sample_aspect_ratio = w->video->sample_aspect_ratio;
        ret = av_frame_get_buffer(f, 0);
    }
    if (ret < 0 || (ret = av_frame_make_writable(f)) < 0)
        return failed(w, "frames", ret);
    bool interlaced = w->opts->scan != TA_SCAN_PROGRESSIVE;
    for (int y = 0; y < f->height; y++)
        memcpy(f->data[0] + (ptrdiff_t)y * f->linesize[0],
               w->picture->data[0] + (ptrdiff_t)y * w->picture->linesize[0], (size_t)f->width);
    convert_chroma(w->picture, f, interlaced);
    f->pts = n;
    f->quality = w->video->global_quality;
    ta_frame_set_interlaced(f, interlaced, w->opts->scan == TA_SCAN_TFF);
    return encode(w, w->video, 0, f);
}

// Sends sound until `end` samples have been sent; whole encoder frames, so that a little more may be.
static int write_sound(struct writer *w, int64_t end)
{
    AVFrame *f = w->sound;
    while (w->samples < end) {
        int count = w->audio->frame_size > 0 ? w->audio->frame_size : (int)TA_MIN(end - w->samples, 4096);
        av_frame_unref(f);
        f->format = AV_SAMPLE_FMT_S16;
        f->sample_rate = TA_SOUND_RATE;
        f->nb_samples = count;
        int ret = av_channel_layout_copy(&f->ch_layout, &w->audio->ch_layout);
        if (ret < 0 || (ret = av_frame_get_buffer(f, 0)) < 0)
            return failed(w, "frames", ret);
        ta_scene_sound(w->scene, w->samples, count, (int16_t *)(void *)f->data[0]);
        f->pts = w->samples;
        w->samples += count;
        int err = encode(w, w->audio, 1, f);
        if (err < 0)
            return err;
    }
    return 0;
}

static int write_all(struct writer *w)
{
    int err = open_file(w);
    for (int64_t n = 0; err >= 0 && n < w->opts->frames; n++) {
        err = write_picture(w, n);
        if (err >= 0)
            err = write_sound(w, av_rescale_q(n + 1, w->video->time_base, w->audio->time_base));
    }
    if (err < 0 || (err = encode(w, w->video, 0, NULL)) < 0 || (err = encode(w, w->audio, 1, NULL)) < 0)
        return err;
    int ret = av_write_trailer(w->fmt);
    if (ret >= 0)
        ret = ta_avio_close(w->fmt, NULL);
    return ret < 0 ? failed(w, "can't be written", ret) : 0;
}

static void release(struct writer *w)
{
    ta_avio_close(w->fmt, NULL);
    avformat_free_context(w->fmt);
    avcodec_free_context(&w->video);
    avcodec_free_context(&w->audio);
    av_frame_free(&w->picture);
    av_frame_free(&w->coded);
    av_frame_free(&w->sound);
    av_packet_free(&w->packet);
    ta_scene_destroy(&w->scene);
}

int ta_scene_write_tape(const struct ta_scene_opts *o, const char *path, struct ta_log *log)
{
    struct writer w = {.opts = o, .log = log};
    const char *extension = ta_path_extension(path);
    for (size_t i = 0; i < TA_COUNT(kinds); i++)
        if (!strcmp(extension, kinds[i].extension))
            w.kind = &kinds[i];
    if (!w.kind) {
        ta_error(log, "%s: a tape is written as .avi, .mkv or .mpg", path);
        return TA_ERR_UNSUPPORTED;
    }
    if (w.kind->video == AV_CODEC_ID_DVVIDEO && o->scan == TA_SCAN_TFF)
        ta_problem_at(
            log, TA_PROBLEM_DV_FIELD_ORDER, &(struct ta_problem_about){.file = path, .option = "field-order"},
            "%s: DV calls every frame bottom field first, but this scene's is top field first", path);
    int err = ta_scene_create(&w.scene, o, log);
    if (err < 0)
        return err;
    char tag[TA_TAG_SIZE];
    ta_file_tag(tag);
    char *temporary = ta_path_part(path, tag);
    w.path = temporary;
    err = write_all(&w);
    release(&w);
    if (err >= 0)
        err = ta_file_commit(temporary, path, log);
    if (err < 0 && w.created)
        unlink(temporary);
    free(temporary);
    return err < 0 ? err : 0;
}
