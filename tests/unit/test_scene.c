// The scene and its tape: the same everywhere, moving between fields, sound without seams, files as promised.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavutil/cpu.h>

#include <terminalai/error.h>
#include <terminalai/log.h>

#include "base/sha256.h"
#include "base/mem.h"
#include "media/av.h"
#include "simulate/scene.h"

static struct ta_scene_opts options(int height, int64_t frames, enum ta_scan_type scan)
{
    struct ta_scene_opts o = {0};
    ta_opt_defaults(ta_scene_options, &o);
    o.width = 720;
    o.height = height;
    o.frames = frames;
    o.scan = scan;
    return o;
}

static struct ta_scene *scene(const struct ta_scene_opts *o)
{
    struct ta_scene *s = NULL;
    assert_int_equal(ta_scene_create(&s, o, NULL), 0);
    return s;
}

static void hash_frame(const AVFrame *f, char out[TA_SHA256_HEX])
{
    struct ta_sha256 *h = ta_sha256_create();
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < f->height; y++)
            ta_sha256_update(h, f->data[p] + (ptrdiff_t)y * f->linesize[p],
                             (size_t)(p ? f->width / 2 : f->width));
    ta_sha256_finish(&h, out);
}

// Mean absolute luma difference over the lines first, first + step, ... of the upper nine tenths.
static double difference(const AVFrame *a, const AVFrame *b, int first, int step)
{
    int64_t sum = 0, count = 0;
    for (int y = first; y < a->height * 9 / 10; y += step)
        for (int x = 0; x < a->width; x++) {
            sum += abs(a->data[0][y * a->linesize[0] + x] - b->data[0][y * b->linesize[0] + x]);
            count++;
        }
    return (double)sum / (double)count;
}

static void test_defaults(void **state)
{
    (void)state;
    struct ta_scene_opts o = {0};
    ta_opt_defaults(ta_scene_options, &o);
    assert_int_equal(o.width, 720);
    assert_int_equal(o.height, 480);
    assert_int_equal(o.scan, TA_SCAN_BFF);
    const struct ta_opt *size = ta_opt_find(ta_scene_options, "size");
    assert_int_equal(ta_opt_set(size, &o, "576", NULL, NULL), 0);
    assert_int_equal(o.height, 576);
    char *text = ta_opt_text_of(size, &o);
    assert_string_equal(text, "576");
    free(text);
    assert_int_equal(ta_opt_set(size, &o, "1080", NULL, NULL), TA_ERR_INVALID);
    assert_int_equal(o.height, 576);
}

static void test_bad_options(void **state)
{
    (void)state;
    struct ta_scene_opts good = options(480, 10, TA_SCAN_BFF), o;
    struct ta_scene *s;
#define REFUSED(field, value)                                        \
    o = good;                                                        \
    o.field = value;                                                 \
    assert_int_equal(ta_scene_create(&s, &o, NULL), TA_ERR_INVALID); \
    assert_null(s)
    REFUSED(height, 481);
    REFUSED(width, 640);
    REFUSED(frames, 0);
    REFUSED(scan, 3);
    REFUSED(noise, -1);
    REFUSED(jitter, 1e9);
#undef REFUSED
}

// Twice the same options: twice the same pictures. Another seed: others.
static void test_deterministic(void **state)
{
    (void)state;
    char hash[3][TA_SHA256_HEX];
    for (int i = 0; i < 3; i++) {
        struct ta_scene_opts o = options(480, 10, TA_SCAN_TFF);
        o.jitter = 0.5;
        o.dropouts = 3;
        o.seed = i == 2 ? 8 : 7;
        struct ta_scene *s = scene(&o);
        AVFrame *f = av_frame_alloc();
        if (i == 1) // what was drawn before must not matter
            assert_int_equal(ta_scene_tape_frame(s, 2, f), 0);
        assert_int_equal(ta_scene_tape_frame(s, 5, f), 0);
        hash_frame(f, hash[i]);
        av_frame_free(&f);
        ta_scene_destroy(&s);
    }
    assert_string_equal(hash[0], hash[1]);
    assert_string_not_equal(hash[0], hash[2]);
}

// The lines of a tape frame show the moments that its field order says: each field is nearest to its own
// moment of the truth.
static void test_field_order(void **state)
{
    (void)state;
    for (int scan = TA_SCAN_PROGRESSIVE; scan <= TA_SCAN_BFF; scan++) {
        struct ta_scene_opts o = options(480, 30, (enum ta_scan_type)scan);
        o.noise = 0;
        struct ta_scene *s = scene(&o);
        const int64_t n = 20;
        AVFrame *tape = av_frame_alloc(), *moment[3] = {av_frame_alloc(), av_frame_alloc(), av_frame_alloc()};
        assert_int_equal(ta_scene_tape_frame(s, n, tape), 0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(ta_scene_render(s, 2 * n + i - 1, moment[i]), 0);
        assert_true(difference(moment[1], moment[2], 0, 1) > 2); // it moves at all
        for (int parity = 0; parity < 2; parity++) {
            bool later = scan == TA_SCAN_TFF ? parity == 1 : scan == TA_SCAN_BFF ? parity == 0 : false;
            double own = difference(tape, moment[later ? 2 : 1], parity, 2),
                   other = difference(tape, moment[later ? 1 : 2], parity, 2);
            if (own >= other)
                fail_msg("%s: field %d differs by %.2f from its moment and by %.2f from the other",
                         ta_scan_type_name((enum ta_scan_type)scan), parity, own, other);
        }
        av_frame_free(&tape);
        for (int i = 0; i < 3; i++)
            av_frame_free(&moment[i]);
        ta_scene_destroy(&s);
    }
}

// A cut after 5 seconds of fields, and only there.
static void test_cut(void **state)
{
    (void)state;
    struct ta_scene_opts o = options(576, 130, TA_SCAN_TFF);
    struct ta_scene *s = scene(&o);
    AVFrame *a = av_frame_alloc(), *b = av_frame_alloc(), *c = av_frame_alloc();
    assert_int_equal(ta_scene_render(s, 248, a), 0);
    assert_int_equal(ta_scene_render(s, 249, b), 0);
    assert_int_equal(ta_scene_render(s, 250, c), 0);
    assert_true(difference(a, b, 0, 1) < 15);
    assert_true(difference(b, c, 0, 1) > 30);
    assert_int_equal(ta_scene_render(s, 260, c), TA_ERR_INVALID); // behind the end
    av_frame_free(&a);
    av_frame_free(&b);
    av_frame_free(&c);
    ta_scene_destroy(&s);
}

// The noise has the sigma that was asked for, where nothing clips it.
static void test_noise(void **state)
{
    (void)state;
    struct ta_scene_opts o = options(480, 2, TA_SCAN_PROGRESSIVE);
    AVFrame *f[2] = {av_frame_alloc(), av_frame_alloc()};
    for (int i = 0; i < 2; i++) {
        o.noise = i ? 6 : 0;
        struct ta_scene *s = scene(&o);
        assert_int_equal(ta_scene_tape_frame(s, 0, f[i]), 0);
        ta_scene_destroy(&s);
    }
    double power = 0;
    int count = 0;
    for (int y = 20; y < 300; y++)
        for (int x = 0; x < 720; x++) {
            int clean = f[0]->data[0][y * f[0]->linesize[0] + x],
                noisy = f[1]->data[0][y * f[1]->linesize[0] + x];
            if (clean > 40 && clean < 210) {
                power += (noisy - clean) * (noisy - clean);
                count++;
            }
        }
    assert_true(count > 50000);
    double variance = power / count;
    if (variance < 36 * 0.93 || variance > 36 * 1.07)
        fail_msg("variance of the noise is %.1f, not 36", variance);
    av_frame_free(&f[0]);
    av_frame_free(&f[1]);
}

static void test_sound(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct ta_scene_opts o = options(480, 1, TA_SCAN_BFF);
    struct ta_scene *s = scene(&o);
    int16_t *whole = ta_xcalloc(COUNT * 2, sizeof(*whole)), *parts = ta_xcalloc(COUNT * 2, sizeof(*parts));
    ta_scene_sound(s, 230000, COUNT, whole);
    for (int done = 0, size = 1; done < COUNT; done += size, size = size * 3 + 1) {
        size = TA_MIN(size, COUNT - done);
        ta_scene_sound(s, 230000 + done, size, parts + 2 * done);
    }
    assert_memory_equal(whole, parts, COUNT * 2 * sizeof(*whole));
    int64_t loud = 0;
    int steepest = 0, at = 0;
    for (int i = 1; i < COUNT; i++) {
        loud += abs(whole[2 * i]);
        int step = abs(whole[2 * i] - whole[2 * i - 2]);
        if (step > steepest) {
            steepest = step;
            at = i;
        }
    }
    assert_true(loud / COUNT > 300);
    // The cut at 5.005 s clicks.
    assert_true(steepest > 8000);
    assert_in_range(230000 + at, 240240, 240340);
    free(whole);
    free(parts);
    ta_scene_destroy(&s);
}

struct facts {
    int64_t video_frames, samples;
    enum AVCodecID video, audio;
    AVRational rate, sar;
    enum AVPixelFormat pix_fmt;
    int width, height;
    int interlaced, bottom_first; // frames
};

static void decode(AVCodecContext *c, const AVPacket *packet, struct facts *out)
{
    AVFrame *f = av_frame_alloc();
    assert_true(avcodec_send_packet(c, packet) >= 0);
    while (avcodec_receive_frame(c, f) >= 0) {
        out->video_frames++;
        out->interlaced += ta_frame_is_interlaced(f);
        out->bottom_first += ta_frame_is_interlaced(f) && !ta_frame_is_top_first(f);
        out->pix_fmt = (enum AVPixelFormat)f->format;
    }
    av_frame_free(&f);
}

static struct facts facts_of(const char *path)
{
    struct facts out = {0};
    AVFormatContext *fmt = NULL;
    assert_int_equal(avformat_open_input(&fmt, path, NULL, NULL), 0);
    assert_true(avformat_find_stream_info(fmt, NULL) >= 0);
    assert_int_equal(fmt->nb_streams, 2);
    const AVCodecParameters *v = fmt->streams[0]->codecpar, *a = fmt->streams[1]->codecpar;
    out.video = v->codec_id;
    out.audio = a->codec_id;
    out.rate = fmt->streams[0]->r_frame_rate;
    out.sar = fmt->streams[0]->sample_aspect_ratio.num ? fmt->streams[0]->sample_aspect_ratio
                                                       : v->sample_aspect_ratio;
    out.width = v->width;
    out.height = v->height;
    AVCodecContext *c = avcodec_alloc_context3(avcodec_find_decoder(v->codec_id));
    assert_true(avcodec_parameters_to_context(c, v) >= 0);
    c->thread_count = 1;
    assert_true(avcodec_open2(c, NULL, NULL) >= 0);
    AVPacket *p = av_packet_alloc();
    while (av_read_frame(fmt, p) >= 0) {
        if (p->stream_index == 0)
            decode(c, p, &out);
        else
            out.samples += a->codec_id == AV_CODEC_ID_MP2 ? 1152 : p->size / 4;
        av_packet_unref(p);
    }
    decode(c, NULL, &out);
    av_packet_free(&p);
    avcodec_free_context(&c);
    avformat_close_input(&fmt);
    return out;
}

static void test_files(void **state)
{
    (void)state;
    enum { FRAMES = 12 };
    static const struct {
        const char *extension;
        int height;
        enum ta_scan_type scan;
        enum AVCodecID video, audio;
        enum AVPixelFormat pix_fmt;
        bool bottom_first;
    } cases[] = {
        {"avi", 480, TA_SCAN_BFF, AV_CODEC_ID_DVVIDEO, AV_CODEC_ID_PCM_S16LE, AV_PIX_FMT_YUV411P, true},
        {"avi", 576, TA_SCAN_BFF, AV_CODEC_ID_DVVIDEO, AV_CODEC_ID_PCM_S16LE, AV_PIX_FMT_YUV420P, true},
        {"mkv", 480, TA_SCAN_BFF, AV_CODEC_ID_FFV1, AV_CODEC_ID_PCM_S16LE, AV_PIX_FMT_YUV422P, true},
        {"mkv", 576, TA_SCAN_PROGRESSIVE, AV_CODEC_ID_FFV1, AV_CODEC_ID_PCM_S16LE, AV_PIX_FMT_YUV422P, false},
        {"mpg", 480, TA_SCAN_TFF, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MP2, AV_PIX_FMT_YUV420P, false},
        {"mpg", 576, TA_SCAN_BFF, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MP2, AV_PIX_FMT_YUV420P, true},
    };
    char dir[] = "/tmp/ta-scene-XXXXXX";
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_scene_opts o = options(cases[i].height, FRAMES, cases[i].scan);
        char *path = ta_xprintf("%s/tape-%zu.%s", dir, i, cases[i].extension);
        assert_int_equal(ta_scene_write_tape(&o, path, NULL), 0);
        struct facts f = facts_of(path);
        bool ntsc = o.height == 480;
        int64_t seconds_1000 = ntsc ? FRAMES * 1001000LL / 30000 : FRAMES * 40LL;
        assert_int_equal(f.video_frames, FRAMES);
        assert_int_equal(f.video, cases[i].video);
        assert_int_equal(f.audio, cases[i].audio);
        assert_int_equal(f.pix_fmt, cases[i].pix_fmt);
        assert_int_equal(f.width, 720);
        assert_int_equal(f.height, o.height);
        assert_int_equal(av_cmp_q(f.rate, ntsc ? (AVRational){30000, 1001} : (AVRational){25, 1}), 0);
        assert_int_equal(av_cmp_q(f.sar, ntsc ? (AVRational){8, 9} : (AVRational){16, 15}), 0);
        assert_in_range(f.samples, seconds_1000 * 48 - 100, seconds_1000 * 48 + 1152);
        assert_int_equal(f.interlaced, cases[i].scan == TA_SCAN_PROGRESSIVE ? 0 : FRAMES);
        assert_int_equal(f.bottom_first, cases[i].bottom_first ? FRAMES : 0);
        unlink(path);
        free(path);
    }
    // Nothing else is left, and names of other kinds are refused without a trace.
    struct ta_scene_opts o = options(480, 1, TA_SCAN_BFF);
    char *path = ta_xprintf("%s/tape.txt", dir);
    assert_int_equal(ta_scene_write_tape(&o, path, NULL), TA_ERR_UNSUPPORTED);
    free(path);
    path = ta_xprintf("%s/none/tape.mkv", dir);
    assert_true(ta_scene_write_tape(&o, path, NULL) < 0);
    free(path);
    assert_int_equal(rmdir(dir), 0);
}

// The bytes do not depend on the instruction sets that libav may use.
static void test_cpu_flags(void **state)
{
    (void)state;
    static const char *const extensions[] = {"avi", "mkv", "mpg"};
    char dir[] = "/tmp/ta-scene-XXXXXX";
    assert_non_null(mkdtemp(dir));
    int flags = av_get_cpu_flags();
    for (size_t i = 0; i < TA_COUNT(extensions); i++) {
        char hash[2][TA_SHA256_HEX];
        for (int plain = 0; plain < 2; plain++) {
            char *path = ta_xprintf("%s/tape.%s", dir, extensions[i]);
            struct ta_scene_opts o = options(480, 5, TA_SCAN_TFF);
            av_force_cpu_flags(plain ? 0 : flags);
            assert_int_equal(ta_scene_write_tape(&o, path, NULL), 0);
            assert_int_equal(ta_sha256_file(path, hash[plain], NULL), 0);
            unlink(path);
            free(path);
        }
        if (strcmp(hash[0], hash[1]) != 0)
            fail_msg("%s: other bytes without SIMD", extensions[i]);
    }
    av_force_cpu_flags(flags);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_deterministic), cmocka_unit_test(test_field_order),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_noise),
        cmocka_unit_test(test_sound),         cmocka_unit_test(test_files),
        cmocka_unit_test(test_cpu_flags),
    };
    return cmocka_run_group_tests_name("scene", tests, NULL, NULL);
}
