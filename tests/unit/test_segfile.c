#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "base/sha256.h"
#include "capture.h"
#include "media/mux/segfile.h"

#define FRAMES 9

static char *folder, *path;
static struct capture capture;

static int setup(void **state)
{
    (void)state;
    static char name[] = "/tmp/ta-segfile-XXXXXX";
    av_log_set_level(AV_LOG_QUIET);
    folder = mkdtemp(name);
    path = ta_path_join(folder, "seg.nut");
    capture_init(&capture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ta_dir_remove(folder, NULL);
    free(path);
    capture_release(&capture);
    return 0;
}

// An encoder that was never opened is enough to say what its packets are.
static AVCodecContext *context(void)
{
    AVCodecContext *c = avcodec_alloc_context3(NULL);
    c->codec_type = AVMEDIA_TYPE_VIDEO;
    c->codec_id = AV_CODEC_ID_H264;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->width = 720;
    c->height = 486;
    c->sample_aspect_ratio = (AVRational){10, 11};
    c->time_base = (AVRational){33367, 1000000};
    c->framerate = (AVRational){1000000, 33367};
    c->color_primaries = AVCOL_PRI_SMPTE170M;
    c->color_trc = AVCOL_TRC_BT709;
    c->colorspace = AVCOL_SPC_FCC;
    c->color_range = AVCOL_RANGE_JPEG;
    c->chroma_sample_location = AVCHROMA_LOC_TOPLEFT;
    c->field_order = AV_FIELD_BB;
    c->profile = 100;
    c->level = 41;
    c->bits_per_raw_sample = 8;
    c->has_b_frames = 2;
    c->extradata = av_mallocz(5 + AV_INPUT_BUFFER_PADDING_SIZE);
    memcpy(c->extradata, "\1extr", 5);
    c->extradata_size = 5;
    return c;
}

static AVPacket *packet(int64_t pts, int size)
{
    AVPacket *p = av_packet_alloc();
    assert_int_equal(av_new_packet(p, size), 0);
    for (int i = 0; i < size; i++)
        p->data[i] = (uint8_t)(i * 7 + pts);
    p->pts = pts;
    p->dts = 77; // not kept
    p->duration = 55;
    p->flags = pts % 4 ? 0 : AV_PKT_FLAG_KEY;
    uint8_t *side = av_packet_new_side_data(p, AV_PKT_DATA_QUALITY_STATS, 8);
    memset(side, 1, 8);
    return p;
}

// Times of pictures in decoding order, with B frames.
static const int64_t order[FRAMES] = {0, 4, 2, 1, 3, 8, 6, 5, 7};

static int size_of(int i)
{
    return i == 5 ? 70000 : 10 + i; // one larger than libavformat's buffers
}

static int new_file(const char *name)
{
    return open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
}

static int write_segment(const int64_t *times, int count, int64_t *frames, int64_t *bytes, char *sha256)
{
    AVCodecContext *c = context();
    struct ta_segwriter *w;
    assert_int_equal(ta_segwriter_create(&w, new_file(path), path, c, capture.log), 0);
    int err = 0;
    for (int i = 0; i < count && !err; i++) {
        AVPacket *p = packet(times[i], size_of(i));
        err = ta_segwriter_write(w, p);
        assert_true(!p->data && !p->size);
        av_packet_free(&p);
    }
    if (!err)
        err = ta_segwriter_finish(w, frames, bytes, sha256);
    ta_segwriter_destroy(&w);
    assert_null(w);
    avcodec_free_context(&c);
    return err;
}

static void test_round_trip(void **state)
{
    (void)state;
    int64_t frames = 0, bytes = 0;
    char sha256[TA_SHA256_HEX], again[TA_SHA256_HEX];
    assert_int_equal(write_segment(order, FRAMES, &frames, &bytes, sha256), 0);
    assert_int_equal(frames, FRAMES);
    assert_int_equal(ta_sha256_file(path, again, capture.log), 0);
    assert_string_equal(sha256, again);
    struct ta_buf whole = {0};
    assert_int_equal(ta_file_read(path, 1 << 20, &whole, capture.log), 0);
    assert_int_equal(whole.size, bytes);
    ta_buf_release(&whole);

    struct ta_segreader *r;
    assert_int_equal(ta_segreader_open(&r, path, capture.log), 0);
    assert_int_equal(ta_segreader_frames(r), FRAMES);
    assert_int_equal(ta_segreader_reorder(r), 2);
    const AVCodecParameters *p = ta_segreader_parameters(r);
    assert_int_equal(p->codec_type, AVMEDIA_TYPE_VIDEO);
    assert_int_equal(p->codec_id, AV_CODEC_ID_H264);
    assert_int_equal(p->format, AV_PIX_FMT_YUV420P);
    assert_int_equal(p->width, 720);
    assert_int_equal(p->height, 486);
    assert_int_equal(p->sample_aspect_ratio.num, 10);
    assert_int_equal(p->sample_aspect_ratio.den, 11);
    assert_int_equal(p->color_primaries, AVCOL_PRI_SMPTE170M);
    assert_int_equal(p->color_trc, AVCOL_TRC_BT709);
    assert_int_equal(p->color_space, AVCOL_SPC_FCC);
    assert_int_equal(p->color_range, AVCOL_RANGE_JPEG);
    assert_int_equal(p->chroma_location, AVCHROMA_LOC_TOPLEFT);
    assert_int_equal(p->field_order, AV_FIELD_BB);
    assert_int_equal(p->profile, 100);
    assert_int_equal(p->level, 41);
    assert_int_equal(p->bits_per_raw_sample, 8);
    assert_int_equal(p->video_delay, 2);
    assert_int_equal(p->extradata_size, 5);
    assert_memory_equal(p->extradata, "\1extr", 5);

    AVPacket *got = av_packet_alloc();
    for (int i = 0; i < FRAMES; i++) {
        AVPacket *wrote = packet(order[i], size_of(i));
        assert_int_equal(ta_segreader_next(r, got), 1);
        assert_int_equal(got->pts, order[i]);
        assert_int_equal(got->dts, i - 2);
        assert_int_equal(got->duration, 1);
        assert_int_equal(got->size, wrote->size);
        assert_memory_equal(got->data, wrote->data, (size_t)got->size);
        assert_int_equal(got->flags, wrote->flags);
        assert_int_equal(got->side_data_elems, 0);
        av_packet_free(&wrote);
        av_packet_unref(got);
    }
    assert_int_equal(ta_segreader_next(r, got), 0);
    assert_int_equal(ta_segreader_next(r, got), 0);
    av_packet_free(&got);
    ta_segreader_close(&r);
    assert_null(r);
    capture_expect(&capture, "");
}

static void test_wrong_times(void **state)
{
    (void)state;
    static const struct {
        int64_t times[4];
        int count;
        bool ok;
        const char *says;
    } rows[] = {
        {{0}, 1, true, NULL},
        {{1, 0, 3, 1}, 4, false, "two packets have the time 1"},
        {{3, 2, 1, 0}, 4, true, NULL},
        {{0}, 0, false, "gave no packet"},
        {{0, 1, 1, 3}, 4, false, "two packets have the time 1"},
        {{0, 0, 3, 3}, 4, false, "two packets have the time 0"},
        {{1, 2, 3, 4}, 4, false, "are not 0 to 3"},
        {{0, 1, 2, 4}, 4, false, "are not 0 to 3"},
        {{0, -1}, 2, false, "packet 1 has the time -1"},
        {{0, 18}, 2, false, "packet 1 has the time 18, negative or more than 16 frames from its place"},
        {{AV_NOPTS_VALUE}, 1, false, "packet 0 has no time"},
    };
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        int64_t frames = -1, bytes;
        char sha256[TA_SHA256_HEX];
        int err = write_segment(rows[i].times, rows[i].count, &frames, &bytes, sha256);
        if ((err == 0) != rows[i].ok)
            fail_msg("row %zu: %d", i, err);
        if (rows[i].ok) {
            assert_int_equal(frames, rows[i].count);
        } else {
            assert_int_equal(err, TA_ERR_INTERNAL);
            capture_expect_error(&capture, rows[i].says);
        }
    }
}

// Opens and reads to the end.
static int read_all(const char *name)
{
    struct ta_segreader *r;
    int err = ta_segreader_open(&r, name, capture.log);
    if (err < 0) {
        assert_null(r);
        return err;
    }
    AVPacket *p = av_packet_alloc();
    while ((err = ta_segreader_next(r, p)) > 0)
        av_packet_unref(p);
    av_packet_free(&p);
    ta_segreader_close(&r);
    return err;
}

static void store(const char *name, const char *data, size_t size)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void test_every_byte_counts(void **state)
{
    (void)state;
    static const int64_t times[3] = {0, 2, 1};
    int64_t frames, bytes;
    char sha256[TA_SHA256_HEX];
    assert_int_equal(write_segment(times, 3, &frames, &bytes, sha256), 0);
    struct ta_buf whole = {0};
    assert_int_equal(ta_file_read(path, 1 << 20, &whole, capture.log), 0);
    assert_int_equal(read_all(path), 0);
    char *other = ta_path_join(folder, "changed.nut");
    for (size_t i = 0; i < whole.size; i++) {
        static const char masks[] = {1, 0x20, (char)0x80};
        for (size_t m = 0; m < sizeof(masks); m++) {
            whole.data[i] ^= masks[m];
            store(other, whole.data, whole.size);
            whole.data[i] ^= masks[m];
            int err = read_all(other);
            if (err != TA_ERR_DAMAGED)
                fail_msg("byte %zu of %zu changed by %#x: %d", i, whole.size, (unsigned)masks[m] & 0xff, err);
            capture_expect_error(&capture, "changed.nut: damaged segment: ");
        }
    }
    for (size_t size = 0; size < whole.size; size++) {
        store(other, whole.data, size);
        int err = read_all(other);
        if (err != TA_ERR_DAMAGED)
            fail_msg("cut to %zu of %zu: %d", size, whole.size, err);
        capture_expect_error(&capture, "changed.nut: damaged segment: ");
    }
    free(other);
    ta_buf_release(&whole);
}

static void test_unfinished(void **state)
{
    (void)state;
    AVCodecContext *c = context();
    struct ta_segwriter *w = NULL;
    ta_segwriter_destroy(&w);
    assert_int_equal(ta_segwriter_create(&w, new_file(path), path, c, capture.log), 0);
    AVPacket *p = packet(0, 100000);
    assert_int_equal(ta_segwriter_write(w, p), 0);
    av_packet_free(&p);
    ta_segwriter_destroy(&w);
    assert_int_equal(access(path, F_OK), 0); // the caller's to remove
    assert_int_equal(read_all(path), TA_ERR_DAMAGED);
    capture_expect_error(&capture, "never finished");

    char *missing = ta_path_join(folder, "no/seg.nut");
    assert_int_equal(read_all(missing), TA_ERR_NOT_FOUND);
    capture_expect_error(&capture, "no/seg.nut: No such file");
    free(missing);
    avcodec_free_context(&c);
}

static void test_full_disk(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK))
        skip();
    AVCodecContext *c = context();
    struct ta_segwriter *w;
    int64_t frames, bytes;
    char sha256[TA_SHA256_HEX];
    int err = ta_segwriter_create(&w, open("/dev/full", O_WRONLY), "/dev/full", c, capture.log);
    for (int i = 0; i < 5 && !err; i++) {
        AVPacket *p = packet(i, 100000);
        err = ta_segwriter_write(w, p);
        av_packet_free(&p);
    }
    assert_int_equal(err, TA_ERR_NO_SPACE);
    capture_expect_error(&capture, "/dev/full: No space left");
    if (w)
        assert_int_equal(ta_segwriter_finish(w, &frames, &bytes, sha256), TA_ERR_NO_SPACE);
    ta_segwriter_destroy(&w);
    avcodec_free_context(&c);
    capture_expect(&capture, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_wrong_times),
        cmocka_unit_test(test_every_byte_counts), cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
