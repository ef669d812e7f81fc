#include "media/encode/audio_encoder.h"

#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

// Layouts that every decoder of the codec knows; libav's encoders would take more, in ways that few decoders
// understand.
static const uint64_t aac_layouts[] = {
    AV_CH_LAYOUT_MONO,
    AV_CH_LAYOUT_STEREO,
    AV_CH_LAYOUT_SURROUND,
    AV_CH_LAYOUT_4POINT0,
    AV_CH_LAYOUT_5POINT0_BACK,
    AV_CH_LAYOUT_5POINT1_BACK,
    0,
};
static const uint64_t opus_layouts[] = {
    AV_CH_LAYOUT_MONO,    AV_CH_LAYOUT_STEREO,       AV_CH_LAYOUT_SURROUND,
    AV_CH_LAYOUT_QUAD,    AV_CH_LAYOUT_5POINT0_BACK, AV_CH_LAYOUT_5POINT1_BACK,
    AV_CH_LAYOUT_6POINT1, AV_CH_LAYOUT_7POINT1,      0,
};

// Those that its format names, by the number of channels; it keeps any others in order.
static const uint64_t flac_layouts[] = {
    AV_CH_LAYOUT_MONO,    AV_CH_LAYOUT_STEREO,       AV_CH_LAYOUT_SURROUND,
    AV_CH_LAYOUT_QUAD,    AV_CH_LAYOUT_5POINT0_BACK, AV_CH_LAYOUT_5POINT1_BACK,
    AV_CH_LAYOUT_6POINT1, AV_CH_LAYOUT_7POINT1,      0,
};

static bool is_lossless(enum AVCodecID id)
{
    const AVCodecDescriptor *d = avcodec_descriptor_get(id);
    return d && (d->props & AV_CODEC_PROP_LOSSLESS);
}

// The format that loses least, then the narrowest. Sound of unknown format counts as 16 bits.
static enum AVSampleFormat choose_format(const AVCodec *codec, enum AVSampleFormat in)
{
    enum AVSampleFormat best = AV_SAMPLE_FMT_NONE;
    int best_cost = 0;

    if (in == AV_SAMPLE_FMT_NONE)
        in = AV_SAMPLE_FMT_S16;
    const enum AVSampleFormat *f = ta_codec_sample_formats(codec);
    if (!f)
        return av_get_packed_sample_fmt(in);
    for (; *f != AV_SAMPLE_FMT_NONE; f++) {
        int wider = av_get_bytes_per_sample(*f) - av_get_bytes_per_sample(in);
        int cost = (wider < 0 ? 100 - wider : wider) * 2 +
                   (av_get_packed_sample_fmt(*f) != av_get_packed_sample_fmt(in));
        if (best == AV_SAMPLE_FMT_NONE || cost < best_cost) {
            best = *f;
            best_cost = cost;
        }
    }
    return best;
}

static int choose_rate(const AVCodec *codec, int in)
{
    int limit = is_lossless(codec->id) ? INT32_MAX : 48000, above = 0, highest = 0;

    const int *r = ta_codec_sample_rates(codec);
    if (!r)
        return TA_MIN(in, limit);
    for (; *r; r++) {
        if (*r > limit)
            continue;
        if (*r >= in && (!above || *r < above))
            above = *r;
        highest = TA_MAX(highest, *r);
    }
    return above ? above : highest;
}

// Which speakers, surround ones at the side or at the back alike.
static uint64_t speakers(uint64_t mask)
{
    uint64_t side = AV_CH_SIDE_LEFT | AV_CH_SIDE_RIGHT, back = AV_CH_BACK_LEFT | AV_CH_BACK_RIGHT;
    return (mask & side) == side && !(mask & back) ? (mask & ~side) | back : mask;
}

// The i-th layout that the encoder may be given; 0 after the last. *any: it takes all.
static uint64_t layout_of(const AVCodec *codec, size_t i, bool *any)
{
    *any = false;
    if (codec->id == AV_CODEC_ID_FLAC)
        return flac_layouts[i];
    if (codec->id == AV_CODEC_ID_AAC)
        return aac_layouts[i];
    if (codec->id == AV_CODEC_ID_OPUS)
        return opus_layouts[i];
    const AVChannelLayout *list = ta_codec_layouts(codec);
    *any = !list;
    return list && list[i].nb_channels && list[i].order == AV_CHANNEL_ORDER_NATIVE ? list[i].u.mask : 0;
}

// Mono and stereo need no names.
static uint64_t mask_of(const AVChannelLayout *l)
{
    if (l->order == AV_CHANNEL_ORDER_NATIVE)
        return l->u.mask;
    return l->nb_channels == 1 ? AV_CH_LAYOUT_MONO : l->nb_channels == 2 ? AV_CH_LAYOUT_STEREO : 0;
}

bool ta_audio_keeps_channels(enum AVCodecID codec, const AVChannelLayout *layout, bool low_is_low)
{
    uint64_t mask = mask_of(layout);
    const uint64_t *list = codec == AV_CODEC_ID_AAC ? aac_layouts : opus_layouts;
    if (codec == AV_CODEC_ID_FLAC)
        return layout->nb_channels <= 8;
    if (layout->nb_channels <= 2)
        return true;
    if (!mask || ((mask & AV_CH_LOW_FREQUENCY) && !low_is_low))
        return false;
    for (; *list; list++)
        if (!(speakers(mask) & ~speakers(*list)))
            return true;
    return false;
}

bool ta_audio_maps_in_order(const AVChannelLayout *from, const AVChannelLayout *to)
{
    uint64_t a = mask_of(from), b = mask_of(to);
    return from->nb_channels == to->nb_channels && from->nb_channels > 2 &&
           (!a || !b || speakers(a) != speakers(b));
}

// The same layout, else the smallest that has all its speakers, else one of as many channels, else the
// largest.
static void choose_layout(const AVCodec *codec, const AVChannelLayout *in, AVChannelLayout *out)
{
    uint64_t mask = mask_of(in), best = 0, equal = 0, largest = 0;
    bool any;

    for (size_t i = 0;; i++) {
        uint64_t l = layout_of(codec, i, &any);
        if (!l)
            break;
        if (l == mask) {
            best = l;
            break;
        }
        if (mask && !(speakers(mask) & ~speakers(l)) && (!best || av_popcount64(l) < av_popcount64(best)))
            best = l;
        if (av_popcount64(l) == in->nb_channels)
            equal = l;
        if (!largest || av_popcount64(l) > av_popcount64(largest))
            largest = l;
    }
    if (any && !mask)
        av_channel_layout_copy(out, in);
    else
        av_channel_layout_from_mask(out, any ? mask : best ? best : equal ? equal : largest);
}

int64_t ta_audio_default_bit_rate(const AVCodec *codec, int rate, int channels)
{
    int64_t sum;

    switch (codec->id) {
    case AV_CODEC_ID_AAC:
        sum = channels <= 2 ? 96000 * channels : 64000 * channels;
        // An encoder has at most 6144 bits for the 1024 samples of a channel.
        return TA_MIN(sum, (int64_t)rate * channels * 4);
    case AV_CODEC_ID_OPUS:
        return channels <= 2 ? 80000 * channels : 64000 * channels;
    case AV_CODEC_ID_AC3:
    case AV_CODEC_ID_EAC3:
        return channels > 2 ? 640000 : 96000 * channels;
    case AV_CODEC_ID_MP2:
    case AV_CODEC_ID_MP3:
        return rate >= 32000 ? 96000 * channels : rate >= 16000 ? 48000 * channels : 24000 * channels;
    case AV_CODEC_ID_VORBIS:
        return TA_MIN(80000, (int64_t)rate * 4) * channels; // it takes no more at low rates
    default:
        return 0;
    }
}

int ta_audio_encoder_open(AVCodecContext **out, const char *name, int rate, enum AVSampleFormat format,
                          const AVChannelLayout *layout, bool low_is_low, int64_t bit_rate,
                          bool global_header, struct ta_log *log)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(name);

    *out = NULL;
    if (!codec || codec->type != AVMEDIA_TYPE_AUDIO) {
        ta_error(log, "libav was built without a sound encoder %s", name);
        return TA_ERR_UNSUPPORTED;
    }
    AVCodecContext *c = avcodec_alloc_context3(codec);
    if (!c)
        return TA_ERR_NOMEM;
    c->sample_fmt = choose_format(codec, format);
    c->sample_rate = choose_rate(codec, rate);
    choose_layout(codec, layout, &c->ch_layout);
    c->bit_rate = bit_rate ? bit_rate
                           : ta_audio_default_bit_rate(codec, c->sample_rate, c->ch_layout.nb_channels);
    c->time_base = (AVRational){1, c->sample_rate};
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    c->strict_std_compliance =
        FF_COMPLIANCE_EXPERIMENTAL; // who names libav's own Opus or Vorbis encoder wants it
    // Opus: channels that are no speakers, each coded for itself.
    AVDictionary *options = NULL;
    if (!strcmp(name, "libopus") && !ta_audio_keeps_channels(codec->id, layout, low_is_low)) {
        av_channel_layout_uninit(&c->ch_layout);
        c->ch_layout = (AVChannelLayout){.order = AV_CHANNEL_ORDER_UNSPEC,
                                         .nb_channels = layout->nb_channels};
        c->bit_rate = bit_rate ? bit_rate : 80000 * (int64_t)layout->nb_channels;
        av_dict_set(&options, "mapping_family", "255", 0);
    }
    if (global_header)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    // 32-bit samples of sound that has fewer bits: FLAC writes 24 of them.
    if (c->sample_fmt == AV_SAMPLE_FMT_S32 && codec->id == AV_CODEC_ID_FLAC)
        c->bits_per_raw_sample = 24;
    int ret = ta_av_open_portable(c, codec, &options);
    av_dict_free(&options);
    if (ret < 0) {
        ta_error(log, "the encoder %s can't be opened for %d Hz and %d channels: %s", name, c->sample_rate,
                 c->ch_layout.nb_channels, ta_av_text(ret));
        avcodec_free_context(&c);
        return ret == TA_AVERROR_THREADS ? TA_ERR_LIMIT : TA_ERR_UNSUPPORTED;
    }
    *out = c;
    return 0;
}

int ta_audio_encoder_samples(const AVCodecContext *enc)
{
    enum { ANY = 4096 };
    return enc->frame_size > 0 ? enc->frame_size : ANY;
}

int ta_audio_encoder_frame(const AVCodecContext *enc, AVFrame *frame, int samples)
{
    frame->nb_samples = samples;
    frame->format = enc->sample_fmt;
    frame->sample_rate = enc->sample_rate;
    return av_channel_layout_copy(&frame->ch_layout, &enc->ch_layout) < 0 || av_frame_get_buffer(frame, 0) < 0
               ? TA_ERR_NOMEM
               : 0;
}

void ta_audio_encoder_trim(AVPacket *packet, int64_t end)
{
    if (packet->pts + packet->duration > end)
        packet->duration = TA_MAX(end - packet->pts, 0);
}
