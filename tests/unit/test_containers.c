// What becomes of each kind of stream in each container.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <libavcodec/avcodec.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/mux/containers.h"

struct row {
    enum AVMediaType type;
    enum AVCodecID id;
    int disposition;
    const char *mp4, *mkv, *mov, *webm; // "copy", "drop", or the encoder
};

#define A AVMEDIA_TYPE_AUDIO
#define V AVMEDIA_TYPE_VIDEO
#define S AVMEDIA_TYPE_SUBTITLE
#define COVER AV_DISPOSITION_ATTACHED_PIC

static const struct row rows[] = {
    {A, AV_CODEC_ID_AAC, 0, "copy", "copy", "copy", "libopus"},
    {A, AV_CODEC_ID_AAC_LATM, 0, "aac", "flac", "aac", "libopus"},
    {A, AV_CODEC_ID_MP3, 0, "copy", "copy", "copy", "libopus"},
    {A, AV_CODEC_ID_MP2, 0, "copy", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_AC3, 0, "copy", "copy", "copy", "libopus"},
    {A, AV_CODEC_ID_EAC3, 0, "copy", "copy", "copy", "libopus"},
    {A, AV_CODEC_ID_DTS, 0, "copy", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_TRUEHD, 0, "aac", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_ALAC, 0, "copy", "copy", "copy", "libopus"},
    {A, AV_CODEC_ID_FLAC, 0, "copy", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_OPUS, 0, "copy", "copy", "aac", "copy"},
    {A, AV_CODEC_ID_VORBIS, 0, "aac", "copy", "aac", "copy"},
    {A, AV_CODEC_ID_WMAV1, 0, "aac", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_WMAV2, 0, "aac", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_WMAPRO, 0, "aac", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_COOK, 0, "aac", "flac", "aac", "libopus"},
    {A, AV_CODEC_ID_ATRAC3, 0, "aac", "flac", "aac", "libopus"},
    {A, AV_CODEC_ID_AMR_NB, 0, "aac", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_NELLYMOSER, 0, "aac", "flac", "aac", "libopus"},
    {A, AV_CODEC_ID_QDM2, 0, "aac", "copy", "copy", "libopus"},
    {A, AV_CODEC_ID_ADPCM_MS, 0, "aac", "copy", "aac", "libopus"},
    {A, AV_CODEC_ID_ADPCM_IMA_QT, 0, "aac", "flac", "copy", "libopus"},
    {A, AV_CODEC_ID_PCM_S16LE, 0, "aac", "copy", "pcm_s16le", "libopus"},
    {A, AV_CODEC_ID_PCM_S16BE, 0, "aac", "copy", "pcm_s16be", "libopus"},
    {A, AV_CODEC_ID_PCM_U8, 0, "aac", "copy", "pcm_u8", "libopus"},
    {A, AV_CODEC_ID_PCM_S24LE, 0, "aac", "copy", "pcm_s24le", "libopus"},
    {A, AV_CODEC_ID_PCM_F32LE, 0, "aac", "copy", "pcm_f32le", "libopus"},
    {A, AV_CODEC_ID_PCM_ALAW, 0, "aac", "copy", "pcm_alaw", "libopus"},
    {A, AV_CODEC_ID_PCM_DVD, 0, "aac", "pcm_s16le", "pcm_s16le", "libopus"},
    {A, AV_CODEC_ID_PCM_BLURAY, 0, "aac", "pcm_s16le", "pcm_s16le", "libopus"},
    {A, AV_CODEC_ID_NONE, 0, "drop", "drop", "drop", "drop"},
    {S, AV_CODEC_ID_SUBRIP, 0, "mov_text", "copy", "mov_text", "webvtt"},
    {S, AV_CODEC_ID_ASS, 0, "mov_text", "copy", "mov_text", "webvtt"},
    {S, AV_CODEC_ID_WEBVTT, 0, "mov_text", "copy", "mov_text", "copy"},
    {S, AV_CODEC_ID_MOV_TEXT, 0, "copy", "subrip", "copy", "webvtt"},
    {S, AV_CODEC_ID_TEXT, 0, "mov_text", "subrip", "mov_text", "webvtt"},
    {S, AV_CODEC_ID_MICRODVD, 0, "mov_text", "subrip", "mov_text", "webvtt"},
    {S, AV_CODEC_ID_SAMI, 0, "mov_text", "subrip", "mov_text", "webvtt"},
    {S, AV_CODEC_ID_EIA_608, 0, "mov_text", "subrip", "mov_text", "webvtt"},
    {S, AV_CODEC_ID_DVD_SUBTITLE, 0, "drop", "copy", "drop", "drop"},
    {S, AV_CODEC_ID_HDMV_PGS_SUBTITLE, 0, "drop", "copy", "drop", "drop"},
    {S, AV_CODEC_ID_DVB_SUBTITLE, 0, "drop", "copy", "drop", "drop"},
    {S, AV_CODEC_ID_XSUB, 0, "drop", "drop", "drop", "drop"},
    {S, AV_CODEC_ID_NONE, 0, "drop", "drop", "drop", "drop"},
    {V, AV_CODEC_ID_MPEG4, 0, "copy", "copy", "copy", "drop"},
    {V, AV_CODEC_ID_VP8, 0, "drop", "copy", "drop", "copy"},
    {V, AV_CODEC_ID_VP9, 0, "copy", "copy", "drop", "copy"},
    {V, AV_CODEC_ID_AV1, 0, "copy", "copy", "drop", "copy"},
    {V, AV_CODEC_ID_PRORES, 0, "drop", "copy", "copy", "drop"},
    {V, AV_CODEC_ID_DVVIDEO, 0, "drop", "copy", "copy", "drop"},
    {V, AV_CODEC_ID_H264, 0, "drop", "drop", "drop", "drop"}, // no extradata
    {V, AV_CODEC_ID_MJPEG, COVER, "copy", "copy", "drop", "drop"},
    {V, AV_CODEC_ID_PNG, COVER, "copy", "copy", "drop", "drop"},
    {V, AV_CODEC_ID_GIF, COVER, "drop", "copy", "drop", "drop"},
    {V, AV_CODEC_ID_MJPEG, COVER | AV_DISPOSITION_TIMED_THUMBNAILS, "drop", "drop", "drop", "drop"},
    {V, AV_CODEC_ID_MJPEG, AV_DISPOSITION_TIMED_THUMBNAILS, "drop", "drop", "drop", "drop"},
    {AVMEDIA_TYPE_ATTACHMENT, AV_CODEC_ID_TTF, 0, "drop", "copy", "drop", "drop"},
    {AVMEDIA_TYPE_DATA, AV_CODEC_ID_SMPTE_KLV, 0, "drop", "drop", "drop", "drop"},
    {AVMEDIA_TYPE_UNKNOWN, AV_CODEC_ID_NONE, 0, "drop", "drop", "drop", "drop"},
};

static struct ta_stream_choice choose(const struct row *row, const char *container)
{
    AVCodecParameters *par = avcodec_parameters_alloc();
    AVStream st = {.codecpar = par, .disposition = row->disposition};

    par->codec_type = row->type;
    par->codec_id = row->id;
    par->sample_rate = 48000;
    par->block_align = 1024;
    par->bit_rate = 128000;
    par->bits_per_coded_sample = 4;
    par->width = 640;
    par->height = 480;
    av_channel_layout_default(&par->ch_layout, 2);
    if (row->id == AV_CODEC_ID_PCM_DVD || row->id == AV_CODEC_ID_PCM_BLURAY)
        par->bits_per_coded_sample = 16;
    struct ta_stream_choice c = ta_stream_choose(st.codecpar, st.disposition, ta_container_find(container));
    avcodec_parameters_free(&par);
    return c;
}

static void check(const struct row *row, const char *container, const char *want)
{
    struct ta_stream_choice c = choose(row, container);
    const char *name = avcodec_get_name(row->id);
    // Decoders that need the headers of a real stream: transcoding is refused here for that reason and no
    // other.
    static const enum AVCodecID need_headers[] = {AV_CODEC_ID_ALAC,   AV_CODEC_ID_VORBIS, AV_CODEC_ID_WMAPRO,
                                                  AV_CODEC_ID_ATRAC3, AV_CODEC_ID_QDM2,   AV_CODEC_ID_COOK};
    for (size_t i = 0; i < TA_COUNT(need_headers); i++) {
        if (row->id == need_headers[i] && strcmp(want, "copy") != 0 && strcmp(container, "y4m") != 0) {
            assert_int_equal(c.action, TA_STREAM_DROP);
            assert_non_null(strstr(c.reason, "can't decode"));
            return;
        }
    }
    const char *got = c.action == TA_STREAM_TRANSCODE ? c.codec : ta_stream_action_name(c.action);

    // A build of libav may lack an encoder: then the answer is another one, or a drop that says so.
    if (strcmp(want, "copy") != 0 && strcmp(want, "drop") != 0 && !avcodec_find_encoder_by_name(want)) {
        assert_int_not_equal(c.action, TA_STREAM_COPY);
        return;
    }
    if (strcmp(got, want) != 0)
        fail_msg("%s in %s: %s, should be %s", name, container, got, want);
    if ((c.action == TA_STREAM_COPY) != (c.reason == NULL) ||
        (c.action == TA_STREAM_TRANSCODE) != (c.codec != NULL))
        fail_msg("%s in %s: reason %s, codec %s", name, container, c.reason ? c.reason : "(none)",
                 c.codec ? c.codec : "(none)");
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        check(&rows[i], "mp4", rows[i].mp4);
        check(&rows[i], "mkv", rows[i].mkv);
        check(&rows[i], "mov", rows[i].mov);
        check(&rows[i], "webm", rows[i].webm);
        check(&rows[i], "y4m", "drop");
    }
}

// Every codec that libav knows gets an answer, and a transcoded one has decoder and encoder.
static void test_all_codecs(void **state)
{
    (void)state;
    int count = 0;
    for (const AVCodecDescriptor *d = avcodec_descriptor_next(NULL); d; d = avcodec_descriptor_next(d)) {
        for (const struct ta_container_info *c = ta_containers; c->name; c++) {
            struct row row = {d->type, d->id, 0, "", "", "", ""};
            struct ta_stream_choice choice = choose(&row, c->name);
            count++;
            if (choice.action == TA_STREAM_TRANSCODE &&
                (!avcodec_find_decoder(d->id) || !avcodec_find_encoder_by_name(choice.codec)))
                fail_msg("%s in %s: can't be transcoded to %s", d->name, c->name, choice.codec);
            if (choice.action != TA_STREAM_COPY && !choice.reason)
                fail_msg("%s in %s: no reason", d->name, c->name);
        }
    }
    assert_true(count > 2000);
}

static void test_low_rate_mp3(void **state)
{
    (void)state;
    AVCodecParameters *par = avcodec_parameters_alloc();
    AVStream st = {.codecpar = par};
    par->codec_type = AVMEDIA_TYPE_AUDIO;
    par->codec_id = AV_CODEC_ID_MP3;
    par->sample_rate = 11025;
    av_channel_layout_default(&par->ch_layout, 2);
    assert_int_equal(ta_stream_choose(st.codecpar, st.disposition, ta_container_find("mp4")).action,
                     TA_STREAM_TRANSCODE);
    assert_int_equal(ta_stream_choose(st.codecpar, st.disposition, ta_container_find("mkv")).action,
                     TA_STREAM_COPY);
    par->codec_id = AV_CODEC_ID_PCM_DVD;
    par->bits_per_coded_sample = 24;
    assert_string_equal(ta_stream_choose(st.codecpar, st.disposition, ta_container_find("mkv")).codec,
                        "pcm_s24le");
    avcodec_parameters_free(&par);
}

// Streams that a head announces but that are empty: what a muxer would refuse.
static void test_empty_streams(void **state)
{
    (void)state;
    AVCodecParameters *par = avcodec_parameters_alloc();
    AVStream st = {.codecpar = par};
    for (const struct ta_container_info *c = ta_containers; c->name; c++) {
        par->codec_type = AVMEDIA_TYPE_AUDIO;
        par->codec_id = AV_CODEC_ID_AC3;
        assert_int_equal(ta_stream_choose(st.codecpar, st.disposition, c).action, TA_STREAM_DROP);
        par->codec_type = AVMEDIA_TYPE_VIDEO;
        par->codec_id = AV_CODEC_ID_MPEG2VIDEO;
        assert_int_equal(ta_stream_choose(st.codecpar, st.disposition, c).action, TA_STREAM_DROP);
    }
    avcodec_parameters_free(&par);
}

static void test_timecode_reason(void **state)
{
    (void)state;
    AVCodecParameters *par = avcodec_parameters_alloc();
    AVStream st = {.codecpar = par};
    par->codec_type = AVMEDIA_TYPE_DATA;
    par->codec_tag = MKTAG('t', 'm', 'c', 'd');
    struct ta_stream_choice c = ta_stream_choose(st.codecpar, st.disposition, ta_container_find("mov"));
    assert_int_equal(c.action, TA_STREAM_DROP);
    assert_non_null(strstr(c.reason, "timecode"));
    avcodec_parameters_free(&par);
}

static void test_names(void **state)
{
    (void)state;
    assert_ptr_equal(ta_container_find("MP4"), ta_container_find("mp4"));
    assert_ptr_equal(ta_container_find("m4v"), ta_container_find("mp4"));
    assert_null(ta_container_find("avi"));
    assert_ptr_equal(ta_container_find("m4a"), ta_container_find("mp4"));
    assert_ptr_equal(ta_container_find("mka"), ta_container_find("mkv"));
    assert_null(ta_container_find(""));
    for (int a = TA_STREAM_COPY; a <= TA_STREAM_RESTORE; a++)
        assert_int_equal(ta_stream_action_from_name(ta_stream_action_name(a)), a);
    assert_int_equal(ta_stream_action_from_name("Copy"), TA_ERR_INVALID);
    assert_string_equal(ta_stream_action_name((enum ta_stream_action)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),        cmocka_unit_test(test_all_codecs),
        cmocka_unit_test(test_low_rate_mp3), cmocka_unit_test(test_timecode_reason),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_empty_streams),
    };
    av_log_set_level(AV_LOG_QUIET);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
