#include "media/mux/pcm_reader.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/audio_fifo.h>
#include <libavutil/mathematics.h>
#include <libswresample/swresample.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/audio_encoder.h"

#define TOLERANCE_MS 5
#define CHUNK 4096          // samples of silence at a time
#define MAX_CHANNELS 64     // the resampler's limit
#define MAX_BACK_SECONDS 10 // timestamps that go back further are no overlap: the clock was set anew
#define LEAD_IN ((int64_t)AV_TIME_BASE) // decoded before a range begins, so that decoders have settled
#define BEYOND_END \
    (60 * (int64_t)AV_TIME_BASE) // timestamps further behind the source's end than this are wrong

struct ta_pcm_reader {
    struct ta_streams *streams;
    const AVStream *st;
    int64_t offset;     // AV_TIME_BASE units
    int64_t start, end; // the range, AV_TIME_BASE units of the source, or AV_NOPTS_VALUE
    int64_t latest; // no sound starts after it, AV_TIME_BASE units of the source; INT64_MAX when not known
    struct ta_audio_transcode_stats *stats, own_stats;
    struct ta_log *log;
    struct ta_pcm_spec spec;
    AVCodecContext *dec;
    AVPacket *packet;
    AVFrame *frame; // decoded; with `held` it waits for its turn
    int skip;       // samples of it left out at its front

    // The decoded sound as `swr` expects it. Places are counted in its samples since time 0 (`clock`), before
    // resampling: the resampler then sees one unbroken signal, whatever the source's timestamps do.
    int rate;
    enum AVSampleFormat format;
    AVChannelLayout given;  // as the decoder calls it
    AVChannelLayout layout; // as the resampler is told
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
    int64_t place; // of the next sample in the fifo, in the spec's rate

    int64_t anchor_pts, anchor_place; // of a piece; AV_NOPTS_VALUE: there is none, or it was met
    int64_t piece_end;                // INT64_MAX: none; both are places at the wanted rate
    AVRational true_rate;             // of the wanted rate's samples; 0/1: the rate
    bool changed;                     // the rate has changed on the way
    int64_t mark_pts, mark_place;     // AV_NOPTS_VALUE: none
    int64_t moved;
};

static void release_format(struct ta_pcm_reader *r)
{
    swr_free(&r->swr);
    av_channel_layout_uninit(&r->layout);
    av_channel_layout_uninit(&r->given);
    av_frame_free(&r->silent);
    av_frame_free(&r->converted);
}

void ta_pcm_reader_close(struct ta_pcm_reader **reader)
{
    struct ta_pcm_reader *r = *reader;
    if (!r)
        return;
    release_format(r);
    avcodec_free_context(&r->dec);
    if (r->fifo)
        av_audio_fifo_free(r->fifo);
    av_packet_free(&r->packet);
    av_frame_free(&r->frame);
    av_channel_layout_uninit(&r->spec.layout);
    ta_freep(reader);
}

static int fail(const struct ta_pcm_reader *r, const char *what, int ret)
{
    ta_error(r->log, "%s: %s", what, ta_av_text(ret));
    return ta_error_from_av(ret);
}

static int open_decoder(struct ta_pcm_reader *r)
{
    const AVCodecParameters *par = r->st->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);

    if (!codec) {
        ta_error(r->log, "libav was built without a decoder for %s", avcodec_get_name(par->codec_id));
        return TA_ERR_UNSUPPORTED;
    }
    if (par->sample_rate <= 0 || par->ch_layout.nb_channels <= 0) {
        ta_error(r->log, "its sample rate and channels are not known");
        return TA_ERR_FORMAT;
    }
    r->dec = avcodec_alloc_context3(codec);
    if (!r->dec || avcodec_parameters_to_context(r->dec, par) < 0)
        return TA_ERR_NOMEM;
    r->dec->pkt_timebase = r->st->time_base;
    r->dec->thread_count = 1;
    r->dec->strict_std_compliance =
        FF_COMPLIANCE_EXPERIMENTAL; // rare codecs whose decoders are not praised are better than silence
    int ret = ta_av_open_portable(r->dec, codec, NULL);
    return ret < 0 ? fail(r, "its decoder can't be opened", ret) : 0;
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
static int reserve(struct ta_pcm_reader *r, int samples)
{
    if (r->converted && r->converted->nb_samples >= samples)
        return 0;
    av_frame_free(&r->converted);
    r->converted = alloc_frame(r->spec.format, r->spec.rate, &r->spec.layout, TA_MAX(samples, 2 * CHUNK));
    return r->converted ? 0 : TA_ERR_NOMEM;
}

// `count` samples (data NULL: what the resampler still holds) through the resampler into the fifo.
static int convert(struct ta_pcm_reader *r, const uint8_t **data, int count)
{
    int room = swr_get_out_samples(r->swr, count);
    if (room < 0)
        return fail(r, "can't be resampled", room);
    int err = reserve(r, room + 32);
    if (err < 0)
        return err;
    int n = swr_convert(r->swr, r->converted->extended_data, r->converted->nb_samples, data, count);
    if (n < 0)
        return fail(r, "can't be resampled", n);
    return av_audio_fifo_write(r->fifo, (void **)r->converted->extended_data, n) < n ? TA_ERR_NOMEM : 0;
}

// Prepares for decoded sound of this format; what came before in another one is finished first.
static int set_format(struct ta_pcm_reader *r, enum AVSampleFormat format, int rate,
                      const AVChannelLayout *layout)
{
    AVChannelLayout known = {0};
    int err = r->swr ? convert(r, NULL, 0) : 0;

    if (err < 0)
        return err;
    if (layout->nb_channels > MAX_CHANNELS) {
        ta_error(r->log, "%d channels are too many", layout->nb_channels);
        return TA_ERR_UNSUPPORTED;
    }
    const AVChannelLayout *as = ta_audio_maps_in_order(layout, &r->spec.layout) ? &r->spec.layout : layout;
    if (as->order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&known, as->nb_channels);
    if (!known.nb_channels && av_channel_layout_copy(&known, as) < 0)
        return TA_ERR_NOMEM;
    if (r->rate) {
        r->changed |= r->rate != rate;
        AVRational from = {1, r->rate}, to = {1, rate};
        r->clock = ta_rescale(r->clock, from, to);
        r->rebase = ta_rescale(r->rebase, from, to);
    }
    release_format(r);
    r->layout = known;
    if (av_channel_layout_copy(&r->given, layout) < 0)
        return TA_ERR_NOMEM;
    r->rate = rate;
    r->format = format;
    int ret = swr_alloc_set_opts2(&r->swr, &r->spec.layout, r->spec.format, r->spec.rate, &r->layout, format,
                                  rate, 0, NULL);
    if (ret >= 0) {
        ta_av_setup_begin(true);
        ret = swr_init(r->swr);
        ta_av_setup_end(true);
    }
    if (ret < 0)
        return fail(r, "can't be converted for the encoder", ret);
    r->silent = alloc_frame(format, rate, &r->layout, CHUNK);
    if (!r->silent)
        return TA_ERR_NOMEM;
    av_samples_set_silence(r->silent->extended_data, 0, CHUNK, r->layout.nb_channels, format);
    return 0;
}

static int64_t to_place(const struct ta_pcm_reader *r, int64_t t, AVRational time_base)
{
    AVRational samples = {1, r->rate};
    if (r->true_rate.num > 0)
        samples = av_mul_q(av_inv_q(r->true_rate), (AVRational){r->spec.rate, r->rate});
    return ta_rescale(t, time_base, samples) - ta_rescale(r->offset, AV_TIME_BASE_Q, samples);
}

// A place at the wanted rate, at the stream's own.
static int64_t own_place(const struct ta_pcm_reader *r, int64_t place, enum AVRounding rounding)
{
    return r->rate == r->spec.rate ? place : av_rescale_rnd(place, r->rate, r->spec.rate, rounding);
}

// Behind the last sample of a piece that is needed of the stream; INT64_MAX: all are.
static int64_t own_end(const struct ta_pcm_reader *r)
{
    return r->piece_end == INT64_MAX ? INT64_MAX : own_place(r, r->piece_end, AV_ROUND_UP);
}

// Takes `count` samples off the front of `frame`.
static void trim_front(struct ta_pcm_reader *r, int64_t count)
{
    int n = (int)TA_MIN(count, r->frame->nb_samples);
    r->skip += n;
    r->frame->nb_samples -= n;
}

// Where the frame belongs, or where the clock stands if its time can't be believed.
static int64_t place_of(struct ta_pcm_reader *r)
{
    int64_t t = r->frame->pts != AV_NOPTS_VALUE ? r->frame->pts : r->frame->best_effort_timestamp;
    int64_t fallback = r->clock != AV_NOPTS_VALUE ? r->clock : 0;

    if (t == AV_NOPTS_VALUE)
        return fallback;
    if (av_compare_ts(t, r->st->time_base, r->latest, AV_TIME_BASE_Q) > 0)
        return fallback;
    int64_t place = to_place(r, t, r->st->time_base) + r->rebase;
    if (r->clock != AV_NOPTS_VALUE && r->clock - place > (int64_t)MAX_BACK_SECONDS * r->rate) {
        double back = (double)(r->clock - place) / r->rate, at = (double)r->clock / r->rate;
        ta_problem_at(r->log, TA_PROBLEM_SOUND_CLOCK_BACK,
                      &(struct ta_problem_about){.args = json_pack("{s:f, s:f}", "seconds", back, "at", at)},
                      "its timestamps go back by %.1f s at %.1f s: sound goes on where it was", back, at);
        r->rebase += r->clock - place;
        place = r->clock;
    }
    return place;
}

// What lies behind the end of a piece is not used.
static void cut_piece(struct ta_pcm_reader *r)
{
    if (r->piece_end == INT64_MAX || r->clock == AV_NOPTS_VALUE)
        return;
    int64_t room = TA_MAX(own_end(r) - r->clock, 0);
    if (r->silence + r->frame->nb_samples < room)
        return;
    r->silence = TA_MIN(r->silence, room);
    r->frame->nb_samples = (int)TA_MIN(r->frame->nb_samples, room - r->silence);
    r->draining = true;
}

static int64_t time_of(const AVFrame *f)
{
    return f->pts != AV_NOPTS_VALUE ? f->pts : f->best_effort_timestamp;
}

// Waits for the frame that a piece begins with. False: this one comes before it. TA_ERR_NOT_FOUND.
static int meet_anchor(struct ta_pcm_reader *r)
{
    int64_t t = time_of(r->frame);
    if (t != AV_NOPTS_VALUE && t > r->anchor_pts)
        return TA_ERR_NOT_FOUND;
    if (t != r->anchor_pts)
        return 0;
    r->place = r->anchor_place;
    r->clock = own_place(r, r->anchor_place, AV_ROUND_NEAR_INF);
    r->anchor_pts = AV_NOPTS_VALUE;
    return 1;
}

static void place_frame(struct ta_pcm_reader *r);

// A frame of a piece: 0, or TA_ERR_NOT_FOUND.
static int place_in_piece(struct ta_pcm_reader *r)
{
    int met = r->anchor_pts != AV_NOPTS_VALUE ? meet_anchor(r) : 0;
    if (met < 0)
        return met;
    if (met == 0 && r->anchor_pts != AV_NOPTS_VALUE) {
        r->frame->nb_samples = 0;
        return 0;
    }
    if (met == 0)
        place_frame(r);
    r->mark_pts = AV_NOPTS_VALUE;
    if (!r->silence && !r->skip && !r->changed && !r->rebase && r->frame->nb_samples) {
        r->mark_pts = time_of(r->frame);
        r->mark_place = r->clock;
    }
    cut_piece(r);
    return 0;
}

// Decides what of the decoded frame is used (it may end up empty) and how much silence comes before it.
static void place_frame(struct ta_pcm_reader *r)
{
    int64_t tolerance = (int64_t)r->rate * TOLERANCE_MS / 1000;
    int64_t place = place_of(r);
    int64_t first = 0;

    if (r->start != AV_NOPTS_VALUE)
        first = TA_MAX(first, to_place(r, r->start, AV_TIME_BASE_Q));
    if (r->clock == AV_NOPTS_VALUE) {
        int64_t early = TA_MAX(first - place, 0);
        trim_front(r, early);
        if (!r->frame->nb_samples)
            return;
        r->clock = place + early;
        r->place = ta_rescale(r->clock, (AVRational){1, r->rate}, (AVRational){1, r->spec.rate});
    } else if (place > r->clock + tolerance) {
        r->silence = place - r->clock;
        r->moved += r->silence;
        r->stats->gaps++;
        r->stats->gap_seconds += (double)r->silence / r->rate;
    } else if (place < r->clock - tolerance) {
        r->stats->overlaps++;
        r->stats->overlap_seconds += (double)TA_MIN(r->clock - place, r->frame->nb_samples) / r->rate;
        r->moved -= TA_MIN(r->clock - place, r->frame->nb_samples);
        trim_front(r, r->clock - place);
    }
    if (r->end != AV_NOPTS_VALUE) {
        int64_t room = to_place(r, r->end, AV_TIME_BASE_Q) - r->clock;
        if (r->silence + r->frame->nb_samples >= room) {
            r->silence = TA_MIN(r->silence, TA_MAX(room, 0));
            r->frame->nb_samples = (int)TA_MIN(r->frame->nb_samples, TA_MAX(room - r->silence, 0));
            r->draining = true; // nothing after it is wanted
        }
    }
}

// All sound is there: ends silence that damaged packets left at the end, and empties the resampler.
static int complete(struct ta_pcm_reader *r)
{
    if (r->anchor_pts != AV_NOPTS_VALUE && r->clock == AV_NOPTS_VALUE)
        return TA_ERR_NOT_FOUND; // the frame that the piece begins with did not come
    if (r->clock != AV_NOPTS_VALUE && r->stats->decode_errors && r->last_end != AV_NOPTS_VALUE &&
        r->end == AV_NOPTS_VALUE && r->clock < own_end(r)) {
        int64_t missing = to_place(r, r->last_end, AV_TIME_BASE_Q) + r->rebase - r->clock;
        if (missing > (int64_t)r->rate * TOLERANCE_MS / 1000) {
            r->last_end = AV_NOPTS_VALUE;
            r->stats->gaps++;
            r->stats->gap_seconds += (double)missing / r->rate;
            r->silence = TA_MIN(missing, own_end(r) - r->clock);
            return 0;
        }
    }
    r->complete = true;
    return r->swr ? convert(r, NULL, 0) : 0;
}

// Feeds the decoder. TA_LANE_LATER, or 0.
static int feed_decoder(struct ta_pcm_reader *r, int64_t horizon)
{
    int64_t until = horizon == INT64_MAX ? INT64_MAX : horizon + r->offset;
    int ret = ta_streams_read(r->streams, r->st->index, until, r->packet);

    if (ret < 0 || ret == TA_LANE_LATER)
        return ret;
    if (ret == 0) {
        r->draining = true;
        avcodec_send_packet(r->dec, NULL);
        return 0;
    }
    int64_t t = r->packet->pts != AV_NOPTS_VALUE ? r->packet->pts : r->packet->dts;
    if (t != AV_NOPTS_VALUE) {
        int64_t end = ta_rescale(t + TA_MAX(r->packet->duration, 0), r->st->time_base, AV_TIME_BASE_Q);
        if (r->start != AV_NOPTS_VALUE && end < r->start - LEAD_IN) {
            av_packet_unref(r->packet);
            return 0;
        }
        if (end <= r->latest)
            r->last_end = end;
    }
    ret = avcodec_send_packet(r->dec, r->packet);
    av_packet_unref(r->packet);
    if (ret == AVERROR(ENOMEM))
        return TA_ERR_NOMEM;
    if (ret < 0 && ret != AVERROR(EAGAIN) && ret != AVERROR_EOF) {
        r->stats->decode_errors++;
        ta_debug(r->log, "a packet does not decode: %s", ta_av_text(ret));
    }
    return 0;
}

// Decodes on: a frame that is placed, or some way towards it. TA_LANE_LATER, or 0.
static int decode(struct ta_pcm_reader *r, int64_t horizon)
{
    int ret = avcodec_receive_frame(r->dec, r->frame);

    if (ret == AVERROR(ENOMEM))
        return TA_ERR_NOMEM;
    if (ret == AVERROR_EOF)
        return complete(r);
    if (ret == AVERROR(EAGAIN))
        return r->draining ? complete(r) : feed_decoder(r, horizon);
    if (ret < 0) {
        r->stats->decode_errors++;
        ta_debug(r->log, "a packet does not decode: %s", ta_av_text(ret));
        return 0;
    }
    if (r->frame->nb_samples <= 0 || r->frame->sample_rate <= 0 || r->frame->ch_layout.nb_channels <= 0)
        return 0;
    int err = 0;
    // Layouts are compared by their channels: decoders change their mind on what an unknown layout is.
    if (!r->swr || r->frame->format != r->format || r->frame->sample_rate != r->rate ||
        (av_channel_layout_compare(&r->frame->ch_layout, &r->given) &&
         (r->frame->ch_layout.order != AV_CHANNEL_ORDER_UNSPEC ||
          r->frame->ch_layout.nb_channels != r->given.nb_channels))) {
        err = set_format(r, r->frame->format, r->frame->sample_rate, &r->frame->ch_layout);
        if (err < 0)
            return err;
    }
    r->skip = 0;
    err = place_in_piece(r);
    r->held = err >= 0;
    return err;
}

int ta_pcm_reader_fill(struct ta_pcm_reader *r, int64_t horizon)
{
    int err;

    if (r->silence > 0) {
        int n = (int)TA_MIN(r->silence, CHUNK);
        err = convert(r, (const uint8_t **)r->silent->extended_data, n);
        r->silence -= n;
        r->clock += n;
        return err;
    }
    if (!r->held)
        return decode(r, horizon);
    r->held = false;
    err = 0;
    if (r->frame->nb_samples) {
        const uint8_t *planes[MAX_CHANNELS];
        bool planar = av_sample_fmt_is_planar(r->format);
        int count = planar ? r->layout.nb_channels : 1;
        size_t step = (size_t)av_get_bytes_per_sample(r->format) *
                      (planar ? 1 : (size_t)r->layout.nb_channels);
        for (int i = 0; i < count; i++)
            planes[i] = r->frame->extended_data[i] + (size_t)r->skip * step;
        err = convert(r, planes, r->frame->nb_samples);
        r->clock += r->frame->nb_samples;
    }
    av_frame_unref(r->frame);
    bool ended = r->end != AV_NOPTS_VALUE && r->clock != AV_NOPTS_VALUE &&
                 r->clock >= to_place(r, r->end, AV_TIME_BASE_Q);
    ended |= r->clock != AV_NOPTS_VALUE && r->clock >= own_end(r);
    if (err >= 0 && r->draining && ended)
        return complete(r); // what the decoder still holds lies behind the range
    return err;
}

int ta_pcm_reader_ready(const struct ta_pcm_reader *r)
{
    return av_audio_fifo_size(r->fifo);
}

bool ta_pcm_reader_ended(const struct ta_pcm_reader *r)
{
    return r->complete;
}

int64_t ta_pcm_reader_place(const struct ta_pcm_reader *r)
{
    return r->place;
}

void ta_pcm_reader_take(struct ta_pcm_reader *r, uint8_t *const *planes, int count)
{
    void *to[MAX_CHANNELS];
    int n = av_sample_fmt_is_planar(r->spec.format) ? r->spec.layout.nb_channels : 1;
    for (int i = 0; i < n; i++)
        to[i] = planes[i];
    av_audio_fifo_read(r->fifo, to, count);
    r->place += count;
}

enum AVSampleFormat ta_pcm_reader_native(const struct ta_pcm_reader *r)
{
    return r->dec->sample_fmt;
}

void ta_pcm_reader_set_piece(struct ta_pcm_reader *r, int64_t pts, int64_t place, int64_t end)
{
    r->anchor_pts = pts;
    r->anchor_place = place;
    r->piece_end = end;
}

int64_t ta_pcm_reader_moved(const struct ta_pcm_reader *r)
{
    return r->moved;
}

void ta_pcm_reader_set_true_rate(struct ta_pcm_reader *r, AVRational rate)
{
    r->true_rate = rate;
}

bool ta_pcm_reader_mark(const struct ta_pcm_reader *r, int64_t *pts, int64_t *place)
{
    *pts = r->mark_pts;
    *place = r->mark_place;
    return r->mark_pts != AV_NOPTS_VALUE;
}

int ta_pcm_reader_set_spec(struct ta_pcm_reader *r, const struct ta_pcm_spec *spec)
{
    r->spec.format = spec->format;
    r->spec.rate = spec->rate;
    if (av_channel_layout_copy(&r->spec.layout, &spec->layout) < 0)
        return TA_ERR_NOMEM;
    r->fifo = av_audio_fifo_alloc(spec->format, spec->layout.nb_channels, 4 * CHUNK);
    return r->fifo ? 0 : TA_ERR_NOMEM;
}

int ta_pcm_reader_open(struct ta_pcm_reader **out, struct ta_streams *s, int stream, int64_t offset,
                       struct ta_audio_transcode_stats *stats, struct ta_log *log)
{
    *out = NULL;
    int err = ta_streams_claim(s, stream);
    if (err < 0)
        return err;
    struct ta_pcm_reader *r = ta_xcalloc(1, sizeof(*r));
    const AVFormatContext *fmt = ta_streams_format(s);

    r->log = log;
    r->streams = s;
    r->st = ta_streams_get(s, stream);
    r->offset = offset;
    ta_streams_range(s, &r->start, &r->end);
    r->latest = INT64_MAX;
    if (fmt->duration > 0)
        r->latest = fmt->duration + BEYOND_END + (fmt->start_time != AV_NOPTS_VALUE ? fmt->start_time : 0);
    r->stats = stats ? stats : &r->own_stats;
    r->clock = r->last_end = r->anchor_pts = r->mark_pts = AV_NOPTS_VALUE;
    r->piece_end = INT64_MAX;
    r->true_rate = (AVRational){0, 1};
    r->packet = av_packet_alloc();
    r->frame = av_frame_alloc();
    err = r->packet && r->frame ? open_decoder(r) : TA_ERR_NOMEM;
    if (err < 0)
        ta_pcm_reader_close(&r);
    *out = r;
    return err;
}
