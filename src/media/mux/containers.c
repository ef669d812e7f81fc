#include "media/mux/containers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libavutil/channel_layout.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/encode/audio_encoder.h"

static const char mp3[] = "libmp3lame"; // libav has no encoder of its own

const struct ta_container_info ta_containers[] = {
    {"mp4", "mp4", "MPEG-4: plays everywhere", true, true},
    {"mkv", "matroska", "Matroska: holds nearly everything", true, false},
    {"mov", "mov", "QuickTime: for editing, ProRes and PCM", true, true},
    {"webm", "webm", "WebM: for browsers, VP8, VP9 or AV1 with Opus", true, false},
    {"y4m", "yuv4mpegpipe", "raw pictures for other programs, also to standard output", false, false},
    {"wav", "wav", "WAV: uncompressed sound alone", false, false},
    {"flac", "flac", "FLAC: lossless sound alone", false, false},
    {"ogg", "ogg", "Ogg: Vorbis, Opus or FLAC, sound alone", true, true},
    {"opus", "opus", "Opus: small and good, sound alone", true, true},
    {"mp3", "mp3", "MP3: sound alone that everything plays, up to two channels", false, true},
    {NULL, NULL, NULL, false, false},
};

int64_t ta_container_longest_step(const struct ta_container_info *c, AVRational tb)
{
    if (strcmp(c->name, "mp4") != 0 && strcmp(c->name, "mov") != 0)
        return INT64_MAX;
    // 31 bits of the track's own units, which libavformat halves until a second has 10000 of them.
    int64_t halves = 1;
    while (tb.den * halves < 10000)
        halves *= 2;
    return INT32_MAX / halves / tb.num;
}

static const char *const other_names[][2] = {{"m4v", "mp4"}, {"m4a", "mp4"}, {"mka", "mkv"}, {"oga", "ogg"}};

const struct ta_container_info *ta_container_find(const char *extension)
{
    for (size_t i = 0; i < TA_COUNT(other_names); i++)
        if (!strcasecmp(extension, other_names[i][0]))
            extension = other_names[i][1];
    for (const struct ta_container_info *c = ta_containers; c->name; c++) {
        if (!strcasecmp(c->name, extension))
            return c;
    }
    return NULL;
}

static const char *const action_names[] = {
    [TA_STREAM_COPY] = "copy",
    [TA_STREAM_TRANSCODE] = "transcode",
    [TA_STREAM_DROP] = "drop",
    [TA_STREAM_RESTORE] = "restore",
};

const char *ta_stream_action_name(enum ta_stream_action a)
{
    return (size_t)a < TA_COUNT(action_names) ? action_names[a] : "?";
}

int ta_stream_action_from_name(const char *name)
{
    for (size_t i = 0; i < TA_COUNT(action_names); i++) {
        if (!strcmp(action_names[i], name))
            return (int)i;
    }
    return TA_ERR_INVALID;
}

const char *ta_container_sound_name(const char *extension)
{
    const struct ta_container_info *c = ta_container_find(extension);
    if (!c || !strcmp(c->name, "y4m") || (!strcmp(c->name, "mp3") && !avcodec_find_encoder_by_name(mp3)))
        return NULL;
    for (size_t i = 0; i < TA_COUNT(other_names); i++)
        if (!strcasecmp(extension, other_names[i][0]))
            return other_names[i][0];
    return c->name;
}

enum container { MP4, MKV, MOV, WEBM, Y4M, WAV, FLAC_FILE, OGG, OPUS_FILE, MP3_FILE };

static enum container container_of(const struct ta_container_info *info)
{
    return (enum container)(info - ta_containers);
}

bool ta_container_is_sound_only(const struct ta_container_info *c)
{
    return container_of(c) >= WAV;
}

static bool in_list(enum AVCodecID id, const enum AVCodecID *list)
{
    for (; *list != AV_CODEC_ID_NONE; list++) {
        if (*list == id)
            return true;
    }
    return false;
}

// Does libavformat have a code for it in this container? Necessary, but not enough: it also has codes that
// players do not know.
static bool muxer_knows(enum AVCodecID id, const struct ta_container_info *container)
{
    const AVOutputFormat *of = av_guess_format(container->muxer, NULL, NULL);
    unsigned int tag;
    if (!of)
        return false;
    if (avformat_query_codec(of, id, FF_COMPLIANCE_NORMAL) == 1)
        return true;
    // Matroska's own list aside, it takes what AVI and WAV have a code for.
    return !strcmp(container->name, "mkv") && of->codec_tag && av_codec_get_tag2(of->codec_tag, id, &tag);
}

static struct ta_stream_choice copy(void)
{
    return (struct ta_stream_choice){.action = TA_STREAM_COPY};
}

static struct ta_stream_choice drop(const char *reason)
{
    return (struct ta_stream_choice){.action = TA_STREAM_DROP, .reason = reason};
}

// Opened for real: a decoder that is there may still refuse what the headers say, and a job should not end
// with finding that out.
static bool can_decode(const AVCodecParameters *par)
{
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    bool ok = false;

    if (c && avcodec_parameters_to_context(c, par) >= 0) {
        c->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
        c->pkt_timebase = AV_TIME_BASE_Q;
        c->thread_count = 1;
        ok = ta_av_open(c, codec, NULL) >= 0;
    }
    avcodec_free_context(&c);
    return ok;
}

static struct ta_stream_choice transcode(const AVCodecParameters *from, const char *codec, const char *reason)
{
    if (!can_decode(from))
        return drop("it would have to be transcoded, and libav can't decode it");
    if (!avcodec_find_encoder_by_name(codec))
        return drop("it would have to be transcoded, and libav was built without the encoder");
    return (struct ta_stream_choice){.action = TA_STREAM_TRANSCODE, .codec = codec, .reason = reason};
}

static bool is_pcm(enum AVCodecID id)
{
    return id >= AV_CODEC_ID_PCM_S16LE && id < AV_CODEC_ID_ADPCM_IMA_QT;
}

// Plain PCM that holds the samples of `par` without loss.
static const char *plain_pcm(const AVCodecParameters *par)
{
    int bits = par->bits_per_raw_sample ? par->bits_per_raw_sample
                                        : av_get_exact_bits_per_sample(par->codec_id);
    if (bits <= 0)
        bits = par->bits_per_coded_sample;
    switch (par->codec_id) {
    case AV_CODEC_ID_PCM_F16LE:
    case AV_CODEC_ID_PCM_F24LE:
    case AV_CODEC_ID_PCM_F32BE:
    case AV_CODEC_ID_PCM_F32LE:
        return "pcm_f32le";
    case AV_CODEC_ID_PCM_F64BE:
    case AV_CODEC_ID_PCM_F64LE:
        return "pcm_f64le";
    default:
        return bits <= 16 ? "pcm_s16le" : bits <= 24 ? "pcm_s24le" : "pcm_s32le";
    }
}

static const enum AVCodecID mp4_audio[] = {
    AV_CODEC_ID_AAC, AV_CODEC_ID_MP3,  AV_CODEC_ID_MP2,  AV_CODEC_ID_MP1,  AV_CODEC_ID_AC3,  AV_CODEC_ID_EAC3,
    AV_CODEC_ID_DTS, AV_CODEC_ID_ALAC, AV_CODEC_ID_OPUS, AV_CODEC_ID_FLAC, AV_CODEC_ID_NONE,
};
// PCM is missing here: see choose_mov_pcm().
static const enum AVCodecID mov_audio[] = {
    AV_CODEC_ID_AAC,          AV_CODEC_ID_MP3,  AV_CODEC_ID_AC3,   AV_CODEC_ID_EAC3,  AV_CODEC_ID_ALAC,
    AV_CODEC_ID_ADPCM_IMA_QT, AV_CODEC_ID_QDM2, AV_CODEC_ID_MACE3, AV_CODEC_ID_MACE6, AV_CODEC_ID_NONE,
};
static const enum AVCodecID mov_pcm[] = {
    AV_CODEC_ID_PCM_S16LE, AV_CODEC_ID_PCM_S16BE, AV_CODEC_ID_PCM_S24LE, AV_CODEC_ID_PCM_S24BE,
    AV_CODEC_ID_PCM_S32LE, AV_CODEC_ID_PCM_S32BE, AV_CODEC_ID_PCM_F32LE, AV_CODEC_ID_PCM_F32BE,
    AV_CODEC_ID_PCM_F64LE, AV_CODEC_ID_PCM_F64BE, AV_CODEC_ID_PCM_ALAW,  AV_CODEC_ID_PCM_MULAW,
    AV_CODEC_ID_PCM_U8,    AV_CODEC_ID_PCM_S8,    AV_CODEC_ID_NONE,
};
static const enum AVCodecID ogg_audio[] = {AV_CODEC_ID_VORBIS, AV_CODEC_ID_OPUS, AV_CODEC_ID_FLAC,
                                           AV_CODEC_ID_SPEEX, AV_CODEC_ID_NONE};
static const enum AVCodecID webm_audio[] = {AV_CODEC_ID_OPUS, AV_CODEC_ID_VORBIS, AV_CODEC_ID_NONE};
// Known to Windows' list of formats, by which libavformat's Matroska muxer would take them, but not to it in
// fact, or not to players from there.
static const enum AVCodecID not_mkv_audio[] = {
    AV_CODEC_ID_ATRAC3,   AV_CODEC_ID_COOK,    AV_CODEC_ID_RA_288,     AV_CODEC_ID_SIPR,
    AV_CODEC_ID_AAC_LATM, AV_CODEC_ID_PCM_DVD, AV_CODEC_ID_PCM_BLURAY, AV_CODEC_ID_PCM_S24DAUD,
    AV_CODEC_ID_PCM_ZORK, AV_CODEC_ID_NONE,
};

// The samples of PCM in mov have no times, a gap would move all that follows. So it is "transcoded" into
// itself, which changes no sample but puts silence into gaps.
static struct ta_stream_choice choose_mov_pcm(const AVCodecParameters *par)
{
    const AVCodec *same = in_list(par->codec_id, mov_pcm) ? avcodec_find_encoder(par->codec_id) : NULL;

    if (same)
        return transcode(par, same->name,
                         "PCM in mov can't have gaps: they are filled with silence, samples do not change");
    return transcode(par, plain_pcm(par), "mov has no PCM of this kind");
}

// In codecs that are made for it, the channel of low frequencies holds nothing else.
static bool low_is_low(enum AVCodecID id)
{
    return id == AV_CODEC_ID_AC3 || id == AV_CODEC_ID_EAC3 || id == AV_CODEC_ID_DTS ||
           id == AV_CODEC_ID_AAC || id == AV_CODEC_ID_AAC_LATM;
}

// As AAC, where that keeps every channel as it is; else without loss.
static struct ta_stream_choice choose_aac(const AVCodecParameters *par, bool mov, const char *reason)
{
    const AVChannelLayout *l = &par->ch_layout;
    if (ta_audio_keeps_channels(AV_CODEC_ID_AAC, l, low_is_low(par->codec_id)))
        return transcode(par, "aac", reason);
    if (mov)
        return transcode(par, plain_pcm(par), "AAC would not keep all its channels as they are");
    if (ta_audio_keeps_channels(AV_CODEC_ID_FLAC, l, true))
        return transcode(par, "flac", "AAC would not keep all its channels as they are, FLAC does");
    return (struct ta_stream_choice){.action = TA_STREAM_DROP,
                                     .reason = "mp4 has no sound of more than 8 channels",
                                     .refuse = "name the output .mkv or .mov"};
}

// libav's own Opus encoder is no match, but better than no sound; its own Vorbis encoder is not.
static const char *opus(void)
{
    return avcodec_find_encoder_by_name("libopus") ? "libopus" : "opus";
}

const char *ta_container_small_sound(const struct ta_container_info *info)
{
    switch (container_of(info)) {
    case WEBM:
    case OPUS_FILE:
        return opus();
    case OGG:
        return avcodec_find_encoder_by_name("libvorbis") ? "libvorbis" : opus();
    case MP3_FILE:
        return mp3;
    default:
        return NULL;
    }
}

static struct ta_stream_choice choose_audio(const AVCodecParameters *par,
                                            const struct ta_container_info *info)
{
    enum AVCodecID id = par->codec_id;

    if (id == AV_CODEC_ID_NONE)
        return drop("its codec is unknown");
    // Announced in the head of the file, but no packet was found from which to learn the rest.
    if (par->sample_rate <= 0 || par->ch_layout.nb_channels <= 0)
        return drop("it seems to be empty: its sample rate and channels are not known");
    switch (container_of(info)) {
    case MP4:
        // MPEG-4 has no code for the low rates of MPEG-2.5.
        if (in_list(id, mp4_audio) && !(id == AV_CODEC_ID_MP3 && par->sample_rate < 16000))
            return copy();
        return choose_aac(par, false,
                          is_pcm(id) ? "mp4 has no PCM that players take"
                                     : "players of mp4 do not take this codec");
    case MOV:
        if (in_list(id, mov_audio))
            return copy();
        if (is_pcm(id))
            return choose_mov_pcm(par);
        return choose_aac(par, true, "players of mov do not take this codec");
    case WEBM:
        if (in_list(id, webm_audio))
            return copy();
        return transcode(par, opus(), "webm takes Opus and Vorbis only");
    case MKV:
        if (muxer_knows(id, info) && !in_list(id, not_mkv_audio))
            return copy();
        if (is_pcm(id))
            return transcode(par, plain_pcm(par), "Matroska has no PCM of this kind");
        if (!ta_audio_keeps_channels(AV_CODEC_ID_FLAC, &par->ch_layout, true))
            return transcode(par, plain_pcm(par), "Matroska does not hold this codec");
        return transcode(par, "flac", "Matroska does not hold this codec");
    case WAV:
        if (id == AV_CODEC_ID_PCM_S16LE || id == AV_CODEC_ID_PCM_S24LE || id == AV_CODEC_ID_PCM_S32LE ||
            id == AV_CODEC_ID_PCM_F32LE)
            return copy();
        return transcode(par, is_pcm(id) ? plain_pcm(par) : "pcm_s16le", "WAV takes plain PCM");
    case FLAC_FILE:
        if (id == AV_CODEC_ID_FLAC)
            return copy();
        return transcode(par, "flac", "it becomes FLAC");
    case OGG:
        if (in_list(id, ogg_audio))
            return copy();
        return transcode(par, ta_container_small_sound(info), "Ogg takes Vorbis, Opus, FLAC and Speex");
    case OPUS_FILE:
        if (id == AV_CODEC_ID_OPUS)
            return copy();
        return transcode(par, opus(), "it becomes Opus");
    case MP3_FILE:
        if (id == AV_CODEC_ID_MP3)
            return copy();
        return transcode(par, mp3, "it becomes MP3");
    case Y4M:
        break;
    }
    return drop("y4m holds pictures only");
}

struct ta_stream_choice ta_sound_transcode_choose(const AVCodecParameters *par,
                                                  const struct ta_container_info *info)
{
    static const char *const reason = "it changes on the way, which a copy could not say";
    switch (container_of(info)) {
    case MP4:
        return choose_aac(par, false, reason);
    case MOV:
        return choose_aac(par, true, reason);
    case WEBM:
    case OGG:
    case OPUS_FILE:
    case MP3_FILE:
        return transcode(par, ta_container_small_sound(info), reason);
    case MKV:
        return transcode(par, par->ch_layout.nb_channels <= 8 ? "flac" : plain_pcm(par), reason);
    case WAV:
        return transcode(par, plain_pcm(par), reason);
    case FLAC_FILE:
        return transcode(par, "flac", reason);
    case Y4M:
        break;
    }
    return drop("y4m holds pictures only");
}

bool ta_subtitle_is_text(enum AVCodecID id)
{
    const AVCodecDescriptor *d = avcodec_descriptor_get(id);
    // Closed captions have a decoder that gives text, though the list does not say so in all versions.
    return d && d->type == AVMEDIA_TYPE_SUBTITLE &&
           ((d->props & AV_CODEC_PROP_TEXT_SUB) || id == AV_CODEC_ID_EIA_608) && avcodec_find_decoder(id);
}

static struct ta_stream_choice choose_subtitle(const AVCodecParameters *par,
                                               const struct ta_container_info *info)
{
    enum AVCodecID id = par->codec_id;
    bool text = ta_subtitle_is_text(id);

    switch (container_of(info)) {
    case MP4:
    case MOV:
        if (id == AV_CODEC_ID_MOV_TEXT)
            return copy();
        if (text)
            return transcode(par, "mov_text", "the container takes mov_text only");
        break;
    case WEBM:
        if (id == AV_CODEC_ID_WEBVTT)
            return copy();
        if (text)
            return transcode(par, "webvtt", "webm takes WebVTT only");
        break;
    case MKV:
        if (id != AV_CODEC_ID_TEXT && muxer_knows(id, info)) {
            // Blu-ray text subtitles aside, Matroska's pictures need their size and palette, which some
            // demuxers lack: the muxer copes.
            return copy();
        }
        if (text)
            return transcode(par, "subrip", "Matroska does not hold this kind of subtitles");
        return drop("Matroska does not hold this kind of subtitles");
    case WAV:
    case FLAC_FILE:
    case OGG:
    case OPUS_FILE:
    case MP3_FILE:
        return drop("the container holds sound only");
    case Y4M:
        return drop("y4m holds pictures only");
    }
    if (id == AV_CODEC_ID_DVB_TELETEXT || id == AV_CODEC_ID_NONE)
        return drop("the container does not hold this kind of subtitles");
    return drop(text ? "the container does not hold this kind of subtitles"
                     : "subtitles that are pictures need Matroska (mkv)");
}

static const enum AVCodecID mp4_video[] = {
    AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MPEG4, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG1VIDEO,
    AV_CODEC_ID_AV1,  AV_CODEC_ID_VP9,  AV_CODEC_ID_MJPEG, AV_CODEC_ID_VC1,        AV_CODEC_ID_NONE,
};
static const enum AVCodecID not_mov_video[] = {
    AV_CODEC_ID_VP8,
    AV_CODEC_ID_VP9,
    AV_CODEC_ID_AV1,
    AV_CODEC_ID_NONE,
};
static const enum AVCodecID webm_video[] = {AV_CODEC_ID_VP8, AV_CODEC_ID_VP9, AV_CODEC_ID_AV1,
                                            AV_CODEC_ID_NONE};

static struct ta_stream_choice choose_cover(const AVCodecParameters *par,
                                            const struct ta_container_info *info)
{
    enum AVCodecID id = par->codec_id;
    switch (container_of(info)) {
    case MP4:
        if (id == AV_CODEC_ID_MJPEG || id == AV_CODEC_ID_PNG || id == AV_CODEC_ID_BMP)
            return copy();
        return drop("mp4 takes JPEG, PNG and BMP as cover art only");
    case MKV:
        return copy();
    default:
        return drop("the container has no place for cover art");
    }
}

static struct ta_stream_choice choose_video(const AVCodecParameters *par, int disposition,
                                            const struct ta_container_info *info)
{
    enum container c = container_of(info);
    bool ok;

    if (c == Y4M)
        return drop("y4m holds a single video stream");
    if (ta_container_is_sound_only(info))
        return drop("the container holds sound only");
    if (disposition & AV_DISPOSITION_TIMED_THUMBNAILS)
        return drop("thumbnails do not fit restored pictures");
    if (disposition & AV_DISPOSITION_ATTACHED_PIC)
        return choose_cover(par, info);
    if (c == MP4)
        ok = in_list(par->codec_id, mp4_video);
    else if (c == WEBM)
        ok = in_list(par->codec_id, webm_video);
    else
        ok = c != MOV || !in_list(par->codec_id, not_mov_video);
    if (!ok || !muxer_knows(par->codec_id, info))
        return drop("the container does not take this video codec");
    if (par->width <= 0 || par->height <= 0)
        return drop("it seems to be empty: the size of its pictures is not known");
    if ((par->codec_id == AV_CODEC_ID_H264 || par->codec_id == AV_CODEC_ID_HEVC) && !par->extradata_size)
        return drop("the headers of its codec are missing");
    return copy();
}

struct ta_stream_choice ta_stream_choose(const AVCodecParameters *par, int disposition,
                                         const struct ta_container_info *container)
{
    switch (par->codec_type) {
    case AVMEDIA_TYPE_VIDEO:
        return choose_video(par, disposition, container);
    case AVMEDIA_TYPE_AUDIO:
        return choose_audio(par, container);
    case AVMEDIA_TYPE_SUBTITLE:
        return choose_subtitle(par, container);
    case AVMEDIA_TYPE_ATTACHMENT:
        if (container_of(container) == MKV)
            return copy();
        return drop("attachments need Matroska (mkv)");
    case AVMEDIA_TYPE_DATA:
        if (par->codec_tag == MKTAG('t', 'm', 'c', 'd'))
            return drop("the timecode is kept as metadata");
        if (par->codec_id == AV_CODEC_ID_BIN_DATA && par->codec_tag == MKTAG('t', 'e', 'x', 't'))
            return drop("chapters are written anew from their list");
        return drop("the container does not hold data of this kind");
    default:
        return drop("nothing is known of it");
    }
}

// Every codec that a choice above may name, by container; PCM is plain_pcm()'s, and in mov also mov_pcm's.
static const char *const sounds[] = {
    [MP4] = " aac flac ",
    [MKV] = " flac pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le ",
    [MOV] = " aac pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le ",
    [WEBM] = " libopus opus ",
    [Y4M] = "",
    [WAV] = " pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le ",
    [FLAC_FILE] = " flac ",
    [OGG] = " libvorbis libopus opus ",
    [OPUS_FILE] = " libopus opus ",
    [MP3_FILE] = " libmp3lame ",
};
static const char *const subtitles[] = {
    [MP4] = " mov_text ", [MKV] = " subrip ", [MOV] = " mov_text ", [WEBM] = " webvtt ", [MP3_FILE] = NULL,
};

static bool has_word(const char *list, const char *word)
{
    char *framed = ta_xprintf(" %s ", word);
    bool has = *word && !strchr(word, ' ') && strstr(list, framed);
    free(framed);
    return has;
}

bool ta_stream_may_become(enum ta_stream_kind kind, const char *codec, const struct ta_container_info *info)
{
    enum container c = container_of(info);
    if (kind == TA_STREAM_SUBTITLE)
        return subtitles[c] && has_word(subtitles[c], codec);
    if (kind != TA_STREAM_AUDIO)
        return false;
    const AVCodec *pcm = c == MOV ? avcodec_find_encoder_by_name(codec) : NULL;
    return has_word(sounds[c], codec) || (pcm && in_list(pcm->id, mov_pcm) && !strcmp(pcm->name, codec));
}

// What restored sound may become besides: what a person may ask for.
static const char *const stored[] = {
    [MP4] = " aac flac libopus opus ac3 eac3 ",
    [MKV] = " aac flac libopus opus ac3 eac3 pcm_s24le ",
    [MOV] = " aac ac3 eac3 pcm_s24le ",
    [WEBM] = " libopus opus ",
    [Y4M] = "",
    [WAV] = " pcm_s24le pcm_s16le ",
    [FLAC_FILE] = " flac ",
    [OGG] = " libvorbis libopus opus flac ",
    [OPUS_FILE] = " libopus opus ",
    [MP3_FILE] = " libmp3lame ",
};

bool ta_sound_may_be_stored(const char *codec, const struct ta_container_info *info)
{
    return has_word(stored[container_of(info)], codec) && avcodec_find_encoder_by_name(codec);
}

bool ta_stream_may_be_copied(enum ta_stream_kind kind, const struct ta_container_info *info)
{
    enum container c = container_of(info);
    switch (kind) {
    case TA_STREAM_AUDIO:
    case TA_STREAM_SUBTITLE:
        return c != Y4M;
    case TA_STREAM_COVER:
        return c == MP4 || c == MKV;
    case TA_STREAM_ATTACHMENT:
        return c == MKV;
    default: // further pictures are left out, data has no place
        return false;
    }
}
