#include "media/encode/encoder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/encode/encoder_hardware.h"
#include "media/encode/encoder_row.h"

struct ta_encoder {
    AVCodecContext *context;
    AVBufferRef *frames; // on the device, for hardware that does not take them itself; else NULL
    struct ta_format format;
    char *name;
    struct ta_log *log;
    int64_t sent;  // frames
    bool ended;    // the end of the stream was sent
    bool must_end; // see end_stream()
    bool alone;    // holds the turn of those that can be open one at a time only
};

void ta_encoder_silence(void)
{
    for (const struct ta_encoder_info *const *i = ta_encoders; *i; i++)
        if ((*i)->quiet_env)
            setenv((*i)->quiet_env, "1", 0);
}

static void set_format(AVCodecContext *c, const struct ta_format *f)
{
    AVRational rate = f->frame_rate.num > 0 && f->frame_rate.den > 0 ? f->frame_rate : (AVRational){25, 1};
    c->width = f->width;
    c->height = f->height;
    c->pix_fmt = f->pix_fmt;
    c->sample_aspect_ratio = f->sar;
    c->framerate = rate;
    c->time_base = av_inv_q(rate);
    c->color_primaries = f->primaries;
    c->color_trc = f->transfer;
    c->colorspace = f->matrix;
    c->color_range = f->range;
    c->chroma_sample_location = f->chroma_location;
    c->field_order = ta_scan_field_order(f->scan);
}

// A pool of frames on the device, which the encoder takes its input from.
static int open_device(struct ta_encoder *e, const struct ta_hardware_kind *kind)
{
    enum { POOL = 32 };
    AVBufferRef *device = NULL;
    int ret = av_hwdevice_ctx_create(&device, kind->upload, NULL, NULL, 0);
    if (ret < 0) {
        ta_error(e->log, "no %s device opens: %s", kind->name, ta_av_text(ret));
        return TA_ERR_UNSUPPORTED;
    }
    e->frames = av_hwframe_ctx_alloc(device);
    av_buffer_unref(&device);
    if (!e->frames)
        return TA_ERR_NOMEM;
    AVHWFramesContext *f = (AVHWFramesContext *)e->frames->data;
    f->format = kind->uploaded;
    f->sw_format = e->format.pix_fmt;
    f->width = e->format.width;
    f->height = e->format.height;
    f->initial_pool_size = POOL;
    ret = av_hwframe_ctx_init(e->frames);
    if (ret >= 0) {
        e->context->pix_fmt = kind->uploaded;
        e->context->hw_frames_ctx = av_buffer_ref(e->frames);
        return e->context->hw_frames_ctx ? 0 : TA_ERR_NOMEM;
    }
    ta_error(e->log, "the %s device holds no pictures of %dx%d: %s", kind->name, f->width, f->height,
             ta_av_text(ret));
    return TA_ERR_UNSUPPORTED;
}

// The turn of those that can be open one at a time only.
static pthread_mutex_t alone_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t alone_changed = PTHREAD_COND_INITIALIZER;
static bool alone_taken; // guarded by alone_lock, as the next
static pthread_t alone_by;

// False: this thread has it already, and would wait for itself.
static bool take_alone(void)
{
    pthread_mutex_lock(&alone_lock);
    bool own = alone_taken && pthread_equal(alone_by, pthread_self());
    while (alone_taken && !own)
        pthread_cond_wait(&alone_changed, &alone_lock);
    alone_taken = true;
    alone_by = pthread_self();
    pthread_mutex_unlock(&alone_lock);
    return !own;
}

static void give_alone(void)
{
    pthread_mutex_lock(&alone_lock);
    alone_taken = false;
    pthread_cond_signal(&alone_changed);
    pthread_mutex_unlock(&alone_lock);
}

static int open_context(struct ta_encoder *e, const AVCodec *codec, const struct ta_encoder_settings *s)
{
    struct ta_format *f = &e->format;
    AVDictionary *options = NULL;
    int err = av_dict_copy(&options, s->options, 0) < 0 ? TA_ERR_NOMEM : 0;
    e->context = err ? NULL : avcodec_alloc_context3(codec);
    if (!e->context) {
        av_dict_free(&options);
        return TA_ERR_NOMEM;
    }
    set_format(e->context, f);
    // Libraries of encoders wait for ever for threads that did not start.
    if (!ta_threads_available(TA_MAX(s->threads, 1) + 4)) {
        ta_error(e->log, "encoder %s (%s) can't be opened: %s", s->name, s->codec,
                 ta_av_text(TA_AVERROR_THREADS));
        av_dict_free(&options);
        return TA_ERR_LIMIT;
    }
    const struct ta_hardware_kind *kind = ta_hardware_of(s->codec);
    if (kind && kind->upload != AV_HWDEVICE_TYPE_NONE && (err = open_device(e, kind)) < 0) {
        av_dict_free(&options);
        return err;
    }
    e->context->thread_count = s->threads;
    // ProRes and FFV1: frame threads hold more frames and give the same.
    e->context->thread_type = FF_THREAD_SLICE;
    int ret = ta_encoder_is_software(s) && s->info->portable
                  ? ta_av_open_portable(e->context, codec, &options)
                  : ta_av_open(e->context, codec, &options);
    if (ret < 0 && kind) {
        ta_error(e->log, "%s does not open for %dx%d (%s; -v shows the driver's words)", s->codec, f->width,
                 f->height, ta_av_text(ret));
        err = TA_ERR_UNSUPPORTED;
    } else if (ret < 0) {
        ta_error(e->log, "encoder %s (%s) can't be opened for %dx%d %s at %d/%d frames a second: %s", s->name,
                 s->codec, f->width, f->height, av_get_pix_fmt_name(f->pix_fmt), e->context->framerate.num,
                 e->context->framerate.den, ta_av_text(ret));
        err = ret == AVERROR(ENOMEM)      ? TA_ERR_NOMEM
              : ret == TA_AVERROR_THREADS ? TA_ERR_LIMIT
                                          : TA_ERR_UNSUPPORTED;
    } else {
        const AVDictionaryEntry *left = av_dict_get(options, "", NULL, AV_DICT_IGNORE_SUFFIX);
        if (left) {
            ta_error(e->log, "encoder %s (%s) has no option \"%s\"", s->name, s->codec, left->key);
            err = TA_ERR_UNSUPPORTED;
        }
    }
    av_dict_free(&options);
    return err;
}

int ta_encoder_open(struct ta_encoder **out, const struct ta_encoder_settings *s, const struct ta_format *f,
                    struct ta_log *log)
{
    *out = NULL;
    const AVCodec *codec = avcodec_find_encoder_by_name(s->codec);
    if (!codec) {
        ta_error(log, "encoder %s: this libavcodec is built without %s", s->name, s->codec);
        return TA_ERR_UNSUPPORTED;
    }
    if (f->pix_fmt != s->pix_fmt) {
        ta_error(log, "encoder %s was planned for %s, but the pictures are %s", s->name,
                 av_get_pix_fmt_name(s->pix_fmt), av_get_pix_fmt_name(f->pix_fmt));
        return TA_ERR_MISMATCH;
    }
    struct ta_encoder *e = ta_xcalloc(1, sizeof(*e));
    e->format = *f;
    e->log = log;
    e->name = ta_xstrdup(s->name);
    int err = 0;
    if (ta_encoder_is_alone(s)) {
        e->alone = take_alone();
        if (!e->alone) {
            ta_error(log, "internal: encoder %s is open already, and there can be one at a time", s->name);
            err = TA_ERR_USAGE;
        }
    }
    if (!err)
        err = open_context(e, codec, s);
    e->must_end = !err && ta_encoder_is_software(s) && s->info->must_end;
    if (err < 0)
        ta_encoder_close(&e);
    *out = e;
    return err;
}

const AVCodecContext *ta_encoder_context(const struct ta_encoder *e)
{
    return e->context;
}

// Marks that a decoder or a stage left on the frame must not steer the encoder.
static void prepare(const struct ta_encoder *e, AVFrame *frame)
{
    bool interlaced = e->format.scan != TA_SCAN_PROGRESSIVE;
    if (interlaced)
        ta_frame_set_interlaced(frame, !e->format.mixed_scan || ta_frame_is_interlaced(frame),
                                e->format.scan == TA_SCAN_TFF);
    else if (!e->format.mixed_scan)
        ta_frame_set_interlaced(frame, false, false);
    frame->pict_type = AV_PICTURE_TYPE_NONE;
    frame->repeat_pict = 0;
    frame->quality = 0;
    frame->pts = e->sent;
    // Regions of interest, wherever they come from, would shift bits.
    av_frame_remove_side_data(frame, AV_FRAME_DATA_REGIONS_OF_INTEREST);
}

// Moves `*frame` to the device; an AVERROR.
static int upload(struct ta_encoder *e, AVFrame **frame)
{
    AVFrame *there = av_frame_alloc();
    int ret = there ? av_hwframe_get_buffer(e->frames, there, 0) : AVERROR(ENOMEM);
    if (ret >= 0)
        ret = av_hwframe_transfer_data(there, *frame, 0);
    if (ret >= 0)
        ret = av_frame_copy_props(there, *frame);
    if (ret < 0) {
        av_frame_free(&there);
        return ret;
    }
    av_frame_free(frame);
    *frame = there;
    return 0;
}

// Takes `frame`; an AVERROR.
static int send_frame(struct ta_encoder *e, AVFrame *frame)
{
    int ret = frame && e->frames ? upload(e, &frame) : 0;
    if (ret >= 0)
        ret = avcodec_send_frame(e->context, frame);
    if (ret >= 0) {
        e->ended = !frame;
        e->sent += frame != NULL;
    }
    av_frame_free(&frame);
    return ret;
}

int ta_encoder_send(struct ta_encoder *e, AVFrame *frame)
{
    const struct ta_format *f = &e->format;
    if (frame && (frame->format != f->pix_fmt || frame->width != f->width || frame->height != f->height)) {
        ta_error(e->log, "encoder %s was opened for %dx%d %s, but frame %lld is %dx%d %s", e->name, f->width,
                 f->height, av_get_pix_fmt_name(f->pix_fmt), (long long)e->sent, frame->width, frame->height,
                 av_get_pix_fmt_name(frame->format));
        av_frame_free(&frame);
        return TA_ERR_MISMATCH;
    }
    if (frame)
        prepare(e, frame);
    int ret = send_frame(e, frame);
    if (ret < 0) {
        ta_error(e->log, "encoder %s, frame %lld: %s", e->name, (long long)e->sent, ta_av_text(ret));
        return ret == AVERROR(EAGAIN) || ret == AVERROR_EOF ? TA_ERR_USAGE : ta_error_from_av(ret);
    }
    return 0;
}

int ta_encoder_receive(struct ta_encoder *e, AVPacket *packet)
{
    int ret = avcodec_receive_packet(e->context, packet);
    if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
        return 0;
    if (ret < 0) {
        ta_error(e->log, "encoder %s, after frame %lld: %s", e->name, (long long)e->sent, ta_av_text(ret));
        return ta_error_from_av(ret);
    }
    return 1;
}

// What may not be closed before it has had a frame and the end of the stream gets both, and the rest is
// thrown away.
static void end_stream(struct ta_encoder *e)
{
    AVFrame *frame = e->sent ? NULL : av_frame_alloc();
    if (frame) {
        frame->format = e->format.pix_fmt;
        frame->width = e->format.width;
        frame->height = e->format.height;
        if (av_frame_get_buffer(frame, 0) < 0)
            av_frame_free(&frame);
        else
            for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->buf[i]; i++)
                memset(frame->buf[i]->data, 0, frame->buf[i]->size);
    }
    AVPacket *packet = av_packet_alloc();
    if (frame)
        send_frame(e, frame);
    while (packet && avcodec_receive_packet(e->context, packet) >= 0)
        av_packet_unref(packet);
    send_frame(e, NULL);
    while (packet && avcodec_receive_packet(e->context, packet) >= 0)
        av_packet_unref(packet);
    av_packet_free(&packet);
}

void ta_encoder_close(struct ta_encoder **e)
{
    if (!*e)
        return;
    if ((*e)->must_end && !(*e)->ended)
        end_stream(*e);
    avcodec_free_context(&(*e)->context);
    av_buffer_unref(&(*e)->frames);
    if ((*e)->alone)
        give_alone();
    free((*e)->name);
    ta_freep(e);
}

int ta_encoder_headers(const struct ta_encoder_settings *s, const struct ta_format *f, struct ta_buf *headers,
                       struct ta_log *log)
{
    struct ta_encoder *e = NULL;
    int err = ta_encoder_open(&e, s, f, log);
    if (err >= 0 && e->context->extradata_size > 0)
        ta_buf_append(headers, e->context->extradata, (size_t)e->context->extradata_size);
    ta_encoder_close(&e);
    return err;
}
