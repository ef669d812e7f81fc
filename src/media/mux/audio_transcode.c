// Transcoded sound: decoded, placed by its timestamps, encoded.
//
// Places are counted in samples of the decoded sound since time 0 (`clock`), before resampling: the resampler
// then sees one unbroken signal, whatever the source's timestamps do.
#include <stdlib.h>

#include <libavutil/audio_fifo.h>
#include <libavutil/mathematics.h>
#include <libswresample/swresample.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/audio_encoder.h"
#include "media/mux/streams.h"

#define TOLERANCE_MS 5
#define CHUNK 4096          // samples of silence at a time; samples a packet of codecs without frames
#define MAX_CHANNELS 64     // the resampler's limit
#define MAX_BACK_SECONDS 10 // timestamps that go back further are no overlap: the clock was set anew
#define LEAD_IN ((int64_t)AV_TIME_BASE) // decoded before a range begins, so that decoders have settled
#define BEYOND_END \
    (60 * (int64_t)AV_TIME_BASE) // timestamps further behind the source's end than this are wrong

struct audio_lane {
    struct ta_lane lane;
    struct ta_streams *streams;
    const AVStream *st;
    int64_t offset;     // AV_TIME_BASE units
    int64_t start, end; // the range, AV_TIME_BASE units of the source, or AV_NOPTS_VALUE
    int64_t latest; // no sound starts after it, AV_TIME_BASE units of the source; INT64_MAX when not known
    struct ta_audio_transcode_stats *stats, own_stats;
    struct ta_log *log;
    AVCodecContext *dec, *enc;
    AVPacket *packet;
    AVFrame *frame; // decoded; with `held` it waits for its turn
    int skip;       // samples of it left out at its front
    AVFrame *block; // to the encoder

    // The decoded sound as `swr` expects it.
    int rate;
    enum AVSampleFormat format;
    AVChannelLayout layout;
    SwrContext *swr;
    AVFrame *silent;    // CHUNK samples of it
    AVFrame *converted; // what the resampler gives
    AVAudioFifo *fifo;

    int64_t clock;    // place of the next sample; AV_NOPTS_VALUE before the first
    int64_t rebase;   // added to all places after the source's clock was set anew
    int64_t silence;  // samples of it to come before `frame`
    int64_t last_end; // where the last packet ends by its own time, AV_TIME_BASE units of the source;
                      // AV_NOPTS_VALUE
    bool held;
    bool draining; // the decoder has got everything
    bool complete; // the fifo has got everything
    int64_t sent;  // place of the next sample for the encoder, in its rate
    bool any;      // the encoder got a frame
    bool flushing; // the encoder got everything
};

static void release_format(struct audio_lane *a)
{
    swr_free(&a->swr);
    av_channel_layout_uninit(&a->layout);
    av_frame_free(&a->silent);
    av_frame_free(&a->converted);
}

static void destroy(struct ta_lane *lane)
{
    struct audio_lane *a = (struct audio_lane *)lane;

    release_format(a);
    avcodec_free_context(&a->dec);
    avcodec_free_context(&a->enc);
    if (a->fifo)
        av_audio_fifo_free(a->fifo);
    av_packet_free(&a->packet);
    av_frame_free(&a->frame);
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

static int open_decoder(struct audio_lane *a)
{
    const AVCodecParameters *par = a->st->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);

    if (!codec) {
        ta_error(a->log, "libav was built without a decoder for %s", avcodec_get_name(par->codec_id));
        return TA_ERR_UNSUPPORTED;
    }
    if (par->sample_rate <= 0 || par->ch_layout.nb_channels <= 0) {
        ta_error(a->log, "its sample rate and channels are not known");
        return TA_ERR_FORMAT;
    }
    a->dec = avcodec_alloc_context3(codec);
    if (!a->dec || avcodec_parameters_to_context(a->dec, par) < 0)
        return TA_ERR_NOMEM;
    a->dec->pkt_timebase = a->st->time_base;
    a->dec->thread_count = 1;
    a->dec->strict_std_compliance =
        FF_COMPLIANCE_EXPERIMENTAL; // rare codecs whose decoders are not praised are better than silence
    int ret = ta_av_open_portable(a->dec, codec, NULL);
    return ret < 0 ? fail(a, "its decoder can't be opened", ret) : 0;
}

static AVFrame *alloc_frame(enum AVSampleFormat format, int rate, const AVChannelLayout *layout, int samples)
{
    AVFrame *f = av_frame_alloc();

    if (!f)
        return NULL;
    f->format = format;
    f->sample_rate = rate;
    f->nb_samples = samples;
    if (av_channel_layout_copy(&f->ch_layout, layout) < 0 || av_frame_get_buffer(f, 0) < 0)
        av_frame_free(&f);
    return f;
}

// Room for at least `samples` in `converted`; what was in it is lost.
static int reserve(struct audio_lane *a, int samples)
{
    if (a->converted && a->converted->nb_samples >= samples)
        return 0;
    av_frame_free(&a->converted);
    a->converted = alloc_frame(a->enc->sample_fmt, a->enc->sample_rate, &a->enc->ch_layout,
                               TA_MAX(samples, 2 * CHUNK));
    return a->converted ? 0 : TA_ERR_NOMEM;
}

// `count` samples (data NULL: what the resampler still holds) through the resampler into the fifo.
static int convert(struct audio_lane *a, const uint8_t **data, int count)
{
    int room = swr_get_out_samples(a->swr, count);
    if (room < 0)
        return fail(a, "can't be resampled", room);
    int err = reserve(a, room + 32);
    if (err < 0)
        return err;
    int n = swr_convert(a->swr, a->converted->extended_data, a->converted->nb_samples, data, count);
    if (n < 0)
        return fail(a, "can't be resampled", n);
    return av_audio_fifo_write(a->fifo, (void **)a->converted->extended_data, n) < n ? TA_ERR_NOMEM : 0;
}

// Prepares for decoded sound of this format; what came before in another one is finished first.
static int set_format(struct audio_lane *a, enum AVSampleFormat format, int rate,
                      const AVChannelLayout *layout)
{
    AVChannelLayout known = {0};
    int err = a->swr ? convert(a, NULL, 0) : 0;

    if (err < 0)
        return err;
    if (layout->nb_channels > MAX_CHANNELS) {
        ta_error(a->log, "%d channels are too many", layout->nb_channels);
        return TA_ERR_UNSUPPORTED;
    }
    if (layout->order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&known, layout->nb_channels);
    else if (av_channel_layout_copy(&known, layout) < 0)
        return TA_ERR_NOMEM;
    if (a->rate) {
        AVRational from = {1, a->rate}, to = {1, rate};
        a->clock = ta_rescale(a->clock, from, to);
        a->rebase = ta_rescale(a->rebase, from, to);
    }
    release_format(a);
    a->layout = known;
    a->rate = rate;
    a->format = format;
    int ret = swr_alloc_set_opts2(&a->swr, &a->enc->ch_layout, a->enc->sample_fmt, a->enc->sample_rate,
                                  &a->layout, format, rate, 0, NULL);
    if (ret >= 0) {
        ta_av_setup_begin(true);
        ret = swr_init(a->swr);
        ta_av_setup_end(true);
    }
    if (ret < 0)
        return fail(a, "can't be converted for the encoder", ret);
    a->silent = alloc_frame(format, rate, &a->layout, CHUNK);
    if (!a->silent)
        return TA_ERR_NOMEM;
    av_samples_set_silence(a->silent->extended_data, 0, CHUNK, a->layout.nb_channels, format);
    return 0;
}

static int64_t to_place(const struct audio_lane *a, int64_t t, AVRational time_base)
{
    AVRational samples = {1, a->rate};
    return ta_rescale(t, time_base, samples) - ta_rescale(a->offset, AV_TIME_BASE_Q, samples);
}

// Takes `count` samples off the front of `frame`.
static void trim_front(struct audio_lane *a, int64_t count)
{
    int n = (int)TA_MIN(count, a->frame->nb_samples);
    a->skip += n;
    a->frame->nb_samples -= n;
}

// Where the frame belongs, or where the clock stands if its time can't be believed.
static int64_t place_of(struct audio_lane *a)
{
    int64_t t = a->frame->pts != AV_NOPTS_VALUE ? a->frame->pts : a->frame->best_effort_timestamp;
    int64_t fallback = a->clock != AV_NOPTS_VALUE ? a->clock : 0;

    if (t == AV_NOPTS_VALUE)
        return fallback;
    if (av_compare_ts(t, a->st->time_base, a->latest, AV_TIME_BASE_Q) > 0)
        return fallback;
    int64_t place = to_place(a, t, a->st->time_base) + a->rebase;
    if (a->clock != AV_NOPTS_VALUE && a->clock - place > (int64_t)MAX_BACK_SECONDS * a->rate) {
        ta_problem(a->log, TA_PROBLEM_SOUND_CLOCK_BACK,
                   "its timestamps go back by %.1f s at %.1f s: sound goes on where it was",
                   (double)(a->clock - place) / a->rate, (double)a->clock / a->rate);
        a->rebase += a->clock - place;
        place = a->clock;
    }
    return place;
}

// Decides what of the decoded frame is used (it may end up empty) and how much silence comes before it.
static void place_frame(struct audio_lane *a)
{
    int64_t tolerance = (int64_t)a->rate * TOLERANCE_MS / 1000;
    int64_t place = place_of(a);
    int64_t first = 0;

    if (a->start != AV_NOPTS_VALUE)
        first = TA_MAX(first, to_place(a, a->start, AV_TIME_BASE_Q));
    if (a->clock == AV_NOPTS_VALUE) {
        int64_t early = TA_MAX(first - place, 0);
        trim_front(a, early);
        if (!a->frame->nb_samples)
            return;
        a->clock = place + early;
        a->sent = ta_rescale(a->clock, (AVRational){1, a->rate}, (AVRational){1, a->enc->sample_rate});
    } else if (place > a->clock + tolerance) {
        a->silence = place - a->clock;
        a->stats->gaps++;
        a->stats->gap_seconds += (double)a->silence / a->rate;
    } else if (place < a->clock - tolerance) {
        a->stats->overlaps++;
        a->stats->overlap_seconds += (double)TA_MIN(a->clock - place, a->frame->nb_samples) / a->rate;
        trim_front(a, a->clock - place);
    }
    if (a->end != AV_NOPTS_VALUE) {
        int64_t room = to_place(a, a->end, AV_TIME_BASE_Q) - a->clock;
        if (a->silence + a->frame->nb_samples >= room) {
            a->silence = TA_MIN(a->silence, TA_MAX(room, 0));
            a->frame->nb_samples = (int)TA_MIN(a->frame->nb_samples, TA_MAX(room - a->silence, 0));
            a->draining = true; // nothing after it is wanted
        }
    }
}

// All sound is there: ends silence that damaged packets left at the end, and empties the resampler.
static int complete(struct audio_lane *a)
{
    if (a->clock != AV_NOPTS_VALUE && a->stats->decode_errors && a->last_end != AV_NOPTS_VALUE &&
        a->end == AV_NOPTS_VALUE) {
        int64_t missing = to_place(a, a->last_end, AV_TIME_BASE_Q) + a->rebase - a->clock;
        if (missing > (int64_t)a->rate * TOLERANCE_MS / 1000) {
            a->last_end = AV_NOPTS_VALUE;
            a->stats->gaps++;
            a->stats->gap_seconds += (double)missing / a->rate;
            a->silence = missing;
            return 0;
        }
    }
    a->complete = true;
    return a->swr ? convert(a, NULL, 0) : 0;
}

// Feeds the decoder. TA_LANE_LATER, or 0.
static int feed_decoder(struct audio_lane *a)
{
    int64_t until = a->lane.horizon == INT64_MAX ? INT64_MAX : a->lane.horizon + a->offset;
    int ret = ta_streams_read(a->streams, a->st->index, until, a->packet);

    if (ret < 0 || ret == TA_LANE_LATER)
        return ret;
    if (ret == 0) {
        a->draining = true;
        avcodec_send_packet(a->dec, NULL);
        return 0;
    }
    int64_t t = a->packet->pts != AV_NOPTS_VALUE ? a->packet->pts : a->packet->dts;
    if (t != AV_NOPTS_VALUE) {
        int64_t end = ta_rescale(t + TA_MAX(a->packet->duration, 0), a->st->time_base, AV_TIME_BASE_Q);
        if (a->start != AV_NOPTS_VALUE && end < a->start - LEAD_IN) {
            av_packet_unref(a->packet);
            return 0;
        }
        if (end <= a->latest)
            a->last_end = end;
    }
    ret = avcodec_send_packet(a->dec, a->packet);
    av_packet_unref(a->packet);
    if (ret == AVERROR(ENOMEM))
        return TA_ERR_NOMEM;
    if (ret < 0 && ret != AVERROR(EAGAIN) && ret != AVERROR_EOF) {
        a->stats->decode_errors++;
        ta_debug(a->log, "a packet does not decode: %s", ta_av_text(ret));
    }
    return 0;
}

// Decodes on: a frame that is placed, or some way towards it. TA_LANE_LATER, or 0.
static int decode(struct audio_lane *a)
{
    int ret = avcodec_receive_frame(a->dec, a->frame);

    if (ret == AVERROR(ENOMEM))
        return TA_ERR_NOMEM;
    if (ret == AVERROR_EOF)
        return complete(a);
    if (ret == AVERROR(EAGAIN))
        return a->draining ? complete(a) : feed_decoder(a);
    if (ret < 0) {
        a->stats->decode_errors++;
        ta_debug(a->log, "a packet does not decode: %s", ta_av_text(ret));
        return 0;
    }
    if (a->frame->nb_samples <= 0 || a->frame->sample_rate <= 0 || a->frame->ch_layout.nb_channels <= 0)
        return 0;
    // Layouts are compared by their channels: decoders change their mind on what an unknown layout is.
    if (!a->swr || a->frame->format != a->format || a->frame->sample_rate != a->rate ||
        (av_channel_layout_compare(&a->frame->ch_layout, &a->layout) &&
         (a->frame->ch_layout.order != AV_CHANNEL_ORDER_UNSPEC ||
          a->frame->ch_layout.nb_channels != a->layout.nb_channels))) {
        int err = set_format(a, a->frame->format, a->frame->sample_rate, &a->frame->ch_layout);
        if (err < 0)
            return err;
    }
    a->skip = 0;
    place_frame(a);
    a->held = true;
    return 0;
}

// Brings some more sound into the fifo. TA_LANE_LATER, or 0.
static int fill(struct audio_lane *a)
{
    int err;

    if (a->silence > 0) {
        int n = (int)TA_MIN(a->silence, CHUNK);
        err = convert(a, (const uint8_t **)a->silent->extended_data, n);
        a->silence -= n;
        a->clock += n;
        return err;
    }
    if (!a->held)
        return decode(a);
    a->held = false;
    err = 0;
    if (a->frame->nb_samples) {
        const uint8_t *planes[MAX_CHANNELS];
        bool planar = av_sample_fmt_is_planar(a->format);
        int count = planar ? a->layout.nb_channels : 1;
        size_t step = (size_t)av_get_bytes_per_sample(a->format) *
                      (planar ? 1 : (size_t)a->layout.nb_channels);
        for (int i = 0; i < count; i++)
            planes[i] = a->frame->extended_data[i] + (size_t)a->skip * step;
        err = convert(a, planes, a->frame->nb_samples);
        a->clock += a->frame->nb_samples;
    }
    av_frame_unref(a->frame);
    if (err >= 0 && a->draining && a->end != AV_NOPTS_VALUE && a->clock != AV_NOPTS_VALUE &&
        a->clock >= to_place(a, a->end, AV_TIME_BASE_Q))
        return complete(a); // what the decoder still holds lies behind the range
    return err;
}

static int send_block(struct audio_lane *a, int samples)
{
    AVFrame *f = a->block;
    int ret = 0;

    f->nb_samples = samples;
    f->format = a->enc->sample_fmt;
    f->sample_rate = a->enc->sample_rate;
    if (av_channel_layout_copy(&f->ch_layout, &a->enc->ch_layout) < 0 || av_frame_get_buffer(f, 0) < 0)
        return TA_ERR_NOMEM;
    av_audio_fifo_read(a->fifo, (void **)f->extended_data, samples);
    f->pts = a->sent;
    a->sent += samples;
    a->any = true;
    ret = avcodec_send_frame(a->enc, f);
    av_frame_unref(f);
    return ret < 0 ? fail(a, "can't be encoded", ret) : 0;
}

// Moves the encoder on. TA_LANE_LATER, or 0.
static int feed_encoder(struct audio_lane *a)
{
    int want = a->enc->frame_size > 0 ? a->enc->frame_size : CHUNK;
    int have = av_audio_fifo_size(a->fifo);

    if (have >= want)
        return send_block(a, want);
    if (!a->complete)
        return fill(a);
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
            // What the last packets hold beyond the sound is padding.
            if (a->flushing && packet->pts + packet->duration > a->sent)
                packet->duration = TA_MAX(a->sent - packet->pts, 0);
            return 1;
        }
        if (ret == AVERROR_EOF || (a->flushing && !a->any))
            return 0;
        if (ret != AVERROR(EAGAIN))
            return fail(a, "can't be encoded", ret);
        if (!a->any && a->complete && !av_audio_fifo_size(a->fifo))
            return 0; // no sound at all
        ret = feed_encoder(a);
        if (ret < 0 || ret == TA_LANE_LATER)
            return ret;
    }
}

static int open_lane(struct audio_lane *a, const char *codec, int64_t bit_rate, bool global_header)
{
    const AVCodecParameters *par = a->st->codecpar;
    int err = open_decoder(a);

    if (err < 0)
        return err;
    err = ta_audio_encoder_open(&a->enc, codec, par->sample_rate, a->dec->sample_fmt, &par->ch_layout,
                                bit_rate, global_header, a->log);
    if (err < 0)
        return err;
    a->fifo = av_audio_fifo_alloc(a->enc->sample_fmt, a->enc->ch_layout.nb_channels, 4 * CHUNK);
    a->packet = av_packet_alloc();
    a->frame = av_frame_alloc();
    a->block = av_frame_alloc();
    a->lane.parameters = avcodec_parameters_alloc();
    if (!a->fifo || !a->packet || !a->frame || !a->block || !a->lane.parameters ||
        avcodec_parameters_from_context(a->lane.parameters, a->enc) < 0)
        return TA_ERR_NOMEM;
    a->lane.time_base = a->enc->time_base;
    return 0;
}

int ta_lane_audio(struct ta_lane **out, struct ta_streams *s, int stream, int64_t offset, const char *codec,
                  int64_t bit_rate, bool global_header, struct ta_audio_transcode_stats *stats,
                  struct ta_log *log)
{
    *out = NULL;
    int err = ta_streams_claim(s, stream);
    if (err < 0)
        return err;
    struct audio_lane *a = ta_xcalloc(1, sizeof(*a));
    struct ta_lane *lane = &a->lane;
    const AVFormatContext *fmt = ta_streams_format(s);

    a->log = ta_log_child(log, "sound %d", stream);
    a->streams = s;
    a->st = ta_streams_get(s, stream);
    a->offset = offset;
    ta_streams_range(s, &a->start, &a->end);
    a->latest = INT64_MAX;
    if (fmt->duration > 0)
        a->latest = fmt->duration + BEYOND_END + (fmt->start_time != AV_NOPTS_VALUE ? fmt->start_time : 0);
    a->stats = stats ? stats : &a->own_stats;
    a->clock = a->last_end = AV_NOPTS_VALUE;
    lane->next = next;
    lane->destroy = destroy;
    lane->horizon = INT64_MAX;
    lane->like = a->st;
    err = open_lane(a, codec, bit_rate, global_header);
    if (err < 0) {
        ta_lane_destroy(&lane);
        return err;
    }
    *out = lane;
    return 0;
}
