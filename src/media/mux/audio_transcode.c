// Transcoded sound: what the reader of samples gives, encoded.
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/audio_encoder.h"
#include "media/mux/pcm_reader.h"
#include "media/mux/streams.h"

struct audio_lane {
    struct ta_lane lane;
    struct ta_log *log;
    struct ta_pcm_reader *reader;
    AVCodecContext *enc;
    AVFrame *block; // to the encoder
    bool any;       // the encoder got a frame
    bool flushing;  // ... and everything
};

static void destroy(struct ta_lane *lane)
{
    struct audio_lane *a = (struct audio_lane *)lane;

    ta_pcm_reader_close(&a->reader);
    avcodec_free_context(&a->enc);
    av_frame_free(&a->block);
    avcodec_parameters_free(&a->lane.parameters);
    ta_log_destroy(&a->log);
    free(a);
}

static int fail(const struct audio_lane *a, const char *what, int ret)
{
    ta_error(a->log, "%s: %s", what, ta_av_text(ret));
    return ta_error_from_av(ret);
}

static int send_block(struct audio_lane *a, int samples)
{
    AVFrame *f = a->block;
    int ret = 0;

    if (ta_audio_encoder_frame(a->enc, f, samples) < 0)
        return TA_ERR_NOMEM;
    f->pts = ta_pcm_reader_place(a->reader);
    ta_pcm_reader_take(a->reader, f->extended_data, samples);
    a->any = true;
    ret = avcodec_send_frame(a->enc, f);
    av_frame_unref(f);
    return ret < 0 ? fail(a, "can't be encoded", ret) : 0;
}

// Moves the encoder on. TA_LANE_LATER, or 0.
static int feed_encoder(struct audio_lane *a)
{
    int want = ta_audio_encoder_samples(a->enc);
    int have = ta_pcm_reader_ready(a->reader);

    if (have >= want)
        return send_block(a, want);
    if (!ta_pcm_reader_ended(a->reader))
        return ta_pcm_reader_fill(a->reader, a->lane.horizon);
    if (have > 0)
        return send_block(a, have); // encoders without a short last frame pad it themselves
    a->flushing = true;
    int ret = avcodec_send_frame(a->enc, NULL);
    return ret < 0 ? fail(a, "can't be encoded", ret) : 0;
}

static int next(struct ta_lane *lane, AVPacket *packet)
{
    struct audio_lane *a = (struct audio_lane *)lane;

    for (;;) {
        int ret = a->any ? avcodec_receive_packet(a->enc, packet) : AVERROR(EAGAIN);
        if (ret >= 0) {
            packet->time_base = lane->time_base;
            if (a->flushing)
                ta_audio_encoder_trim(packet, ta_pcm_reader_place(a->reader));
            return 1;
        }
        if (ret == AVERROR_EOF || (a->flushing && !a->any))
            return 0;
        if (ret != AVERROR(EAGAIN))
            return fail(a, "can't be encoded", ret);
        if (!a->any && ta_pcm_reader_ended(a->reader) && !ta_pcm_reader_ready(a->reader))
            return 0; // no sound at all
        ret = feed_encoder(a);
        if (ret < 0 || ret == TA_LANE_LATER)
            return ret;
    }
}

static int open_lane(struct audio_lane *a, struct ta_streams *s, int stream, int64_t offset,
                     const char *codec, int64_t bit_rate, bool global_header,
                     struct ta_audio_transcode_stats *stats)
{
    int err = ta_pcm_reader_open(&a->reader, s, stream, offset, stats, a->log);
    if (err < 0)
        return err;
    const AVCodecParameters *par = a->lane.like->codecpar;
    err = ta_audio_encoder_open(&a->enc, codec, par->sample_rate, ta_pcm_reader_native(a->reader),
                                &par->ch_layout, false, bit_rate, global_header, a->log);
    if (err < 0)
        return err;
    const struct ta_pcm_spec spec = {a->enc->sample_fmt, a->enc->sample_rate, a->enc->ch_layout};
    err = ta_pcm_reader_set_spec(a->reader, &spec);
    a->block = av_frame_alloc();
    a->lane.parameters = avcodec_parameters_alloc();
    if (err < 0 || !a->block || !a->lane.parameters ||
        avcodec_parameters_from_context(a->lane.parameters, a->enc) < 0)
        return TA_ERR_NOMEM;
    a->lane.time_base = a->enc->time_base;
    return 0;
}

int ta_lane_audio(struct ta_lane **out, struct ta_streams *s, int stream, int64_t offset, const char *codec,
                  int64_t bit_rate, bool global_header, struct ta_audio_transcode_stats *stats,
                  struct ta_log *log)
{
    struct audio_lane *a = ta_xcalloc(1, sizeof(*a));
    struct ta_lane *lane = &a->lane;

    *out = NULL;
    a->log = ta_log_child(log, "sound %d", stream);
    lane->next = next;
    lane->destroy = destroy;
    lane->horizon = INT64_MAX;
    lane->like = ta_streams_get(s, stream);
    int err = open_lane(a, s, stream, offset, codec, bit_rate, global_header, stats);
    if (err < 0) {
        ta_lane_destroy(&lane);
        return err;
    }
    *out = lane;
    return 0;
}
