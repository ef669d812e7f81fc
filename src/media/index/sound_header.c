#include "media/index/sound_header.h"

#include <libavutil/intreadwrite.h>

static bool mpeg_audio(const uint8_t *d, struct ta_sound_header *out)
{
    static const int rates[] = {44100, 48000, 32000};
    int version = d[1] >> 3 & 3, layer = d[1] >> 1 & 3, rate = d[2] >> 2 & 3;
    if (d[0] != 0xff || d[1] >> 5 != 7 || version == 1 || layer == 0 || rate == 3 || d[2] >> 4 == 15)
        return false;
    out->rate = rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    out->channels = d[3] >> 6 == 3 ? 1 : 2;
    out->layer = 4 - layer;
    return true;
}

static int ac3_channels(int mode, int low)
{
    static const int channels[] = {2, 1, 2, 3, 3, 4, 4, 5};
    return channels[mode] + low;
}

static bool ac3(const uint8_t *d, struct ta_sound_header *out)
{
    static const int rates[] = {48000, 44100, 32000};
    int id = d[5] >> 3;
    if (d[0] != 0x0b || d[1] != 0x77)
        return false;
    if (id > 10) { // E-AC-3
        int rate = d[4] >> 6, type = d[2] >> 6;
        // Dependent frames add channels to the one before them.
        if (type == 1 || (rate == 3 && (d[4] >> 4 & 3) == 3))
            return false;
        out->rate = rate == 3 ? rates[d[4] >> 4 & 3] / 2 : rates[rate];
        out->channels = ac3_channels(d[4] >> 1 & 7, d[4] & 1);
        return true;
    }
    int rate = d[4] >> 6, mode = d[6] >> 5;
    if (rate == 3)
        return false;
    // The channel of low frequencies comes behind what the mode has of mixing levels.
    int skip = ((mode & 1) && mode != 1 ? 2 : 0) + (mode & 4 ? 2 : 0) + (mode == 2 ? 2 : 0);
    out->rate = rates[rate] >> (id > 8 ? id - 8 : 0);
    out->channels = ac3_channels(mode, AV_RB16(d + 6) >> (12 - skip) & 1);
    return true;
}

static bool adts(const uint8_t *d, struct ta_sound_header *out)
{
    static const int rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                22050, 16000, 12000, 11025, 8000,  7350};
    int rate = d[2] >> 2 & 15, channels = (d[2] & 1) << 2 | d[3] >> 6;
    // No channels: what they are is said elsewhere.
    if (d[0] != 0xff || (d[1] & 0xf6) != 0xf0 || rate > 12 || !channels)
        return false;
    out->rate = rates[rate];
    out->channels = channels == 7 ? 8 : channels;
    return true;
}

static bool dvd_pcm(const uint8_t *d, struct ta_sound_header *out)
{
    static const int rates[] = {48000, 96000, 44100, 32000};
    out->rate = rates[d[1] >> 4 & 3];
    out->channels = (d[1] & 7) + 1;
    return true;
}

// What a container says of the packet: channels and rate are named where they change.
static bool said_beside(const AVPacket *p, struct ta_sound_header *out)
{
    size_t size = 0;
    const uint8_t *d = av_packet_get_side_data(p, AV_PKT_DATA_PARAM_CHANGE, &size);
    if (!d || size < 4)
        return false;
    uint32_t flags = AV_RL32(d);
    size_t at = 4 + (flags & 1 ? 4 : 0) + (flags & 2 ? 8 : 0);
    // Bit 0: channels, bit 1: layout, bit 2: rate.
    if ((flags & 5) != 5 || size < at + 4)
        return false;
    out->channels = (int)AV_RL32(d + 4);
    out->rate = (int)AV_RL32(d + at);
    return out->channels > 0 && out->channels <= 64 && out->rate > 0;
}

bool ta_sound_header(enum AVCodecID codec, const AVPacket *p, struct ta_sound_header *out)
{
    *out = (struct ta_sound_header){0};
    if (p->size < 8)
        return false;
    switch (codec) {
    case AV_CODEC_ID_MP1:
    case AV_CODEC_ID_MP2:
    case AV_CODEC_ID_MP3:
        return mpeg_audio(p->data, out);
    case AV_CODEC_ID_AC3:
    case AV_CODEC_ID_EAC3:
        return ac3(p->data, out);
    case AV_CODEC_ID_AAC:
        return adts(p->data, out) || said_beside(p, out);
    case AV_CODEC_ID_PCM_DVD:
        return dvd_pcm(p->data, out);
    default:
        return said_beside(p, out);
    }
}
