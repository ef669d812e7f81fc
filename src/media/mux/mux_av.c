#include "media/mux/mux_av.h"

#include <string.h>

#include <libavutil/mem.h>

// The side data of streams moved from AVStream to AVCodecParameters in 6.1.
#define SIDE_DATA_IN_PARAMETERS (LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 30, 100))

static int set(AVStream *to, const AVPacketSideData *sd)
{
#if SIDE_DATA_IN_PARAMETERS
    AVPacketSideData *copy = av_packet_side_data_new(
        &to->codecpar->coded_side_data, &to->codecpar->nb_coded_side_data, sd->type, sd->size, 0);
    if (!copy)
        return AVERROR(ENOMEM);
    memcpy(copy->data, sd->data, sd->size);
#else
    uint8_t *copy = av_stream_new_side_data(to, sd->type, sd->size);
    if (!copy)
        return AVERROR(ENOMEM);
    memcpy(copy, sd->data, sd->size);
#endif
    return 0;
}

static const AVPacketSideData *list(const AVStream *st, int *count)
{
#if SIDE_DATA_IN_PARAMETERS
    *count = st->codecpar->nb_coded_side_data;
    return st->codecpar->coded_side_data;
#else
    *count = st->nb_side_data;
    return st->side_data;
#endif
}

int ta_av_copy_side_data(AVStream *to, const AVStream *from,
                         bool (*want)(enum AVPacketSideDataType type, const void *priv), const void *priv)
{
    int count;
    const AVPacketSideData *sd = list(from, &count);

    for (int i = 0; i < count; i++) {
        if (!want(sd[i].type, priv))
            continue;
        int ret = set(to, &sd[i]);
        if (ret < 0)
            return ret;
    }
    return 0;
}

int ta_av_add_side_data(AVStream *to, enum AVPacketSideDataType type, const void *data, size_t size)
{
    AVPacketSideData sd = {.data = (uint8_t *)data, .size = size, .type = type};
    return set(to, &sd);
}

bool ta_av_has_side_data(const AVStream *st, enum AVPacketSideDataType type)
{
    int count;
    const AVPacketSideData *sd = list(st, &count);

    for (int i = 0; i < count; i++) {
        if (sd[i].type == type)
            return true;
    }
    return false;
}

int64_t ta_av_matroska_delay(const AVCodecParameters *par, bool *added)
{
    // Since 6.0 it declares the delay of all codecs and adds it; before, it declares that of Opus alone and
    // leaves the rest to others.
    *added = LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 3, 100);
    if (par->codec_type != AVMEDIA_TYPE_AUDIO || par->initial_padding <= 0)
        return 0;
    if (par->codec_id == AV_CODEC_ID_OPUS)
        return ta_rescale(par->initial_padding, (AVRational){1, 48000}, (AVRational){1, 1000});
    return *added ? ta_rescale(par->initial_padding, (AVRational){1, par->sample_rate}, (AVRational){1, 1000})
                  : 0;
}

bool ta_av_matroska_writes_rotation(void)
{
    return LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(61, 1, 100);
}
