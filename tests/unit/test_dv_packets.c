// Raw DV: the packets of pictures and sound that its frames become.
#include <libavutil/mem.h>

#include "dv_tape.h"
#include "media/dv/demux.h"
#include "media/dv/sound.h"

static int read_avio(void *opaque, uint8_t *buffer, int size)
{
    struct tape *t = opaque;
    size_t *at = (size_t *)(t + 1);
    int got = read_tape(t, (int64_t)*at, buffer, size);
    *at += (size_t)got;
    return got ? got : AVERROR_EOF;
}

static int64_t seek_avio(void *opaque, int64_t offset, int whence)
{
    struct tape *t = opaque;
    size_t *at = (size_t *)(t + 1);
    if (whence == AVSEEK_SIZE)
        return (int64_t)t->size;
    *at = (size_t)offset;
    return offset;
}

struct player {
    struct tape tape;
    size_t at; // behind `tape`, see above
    struct ta_dv_table *table;
    AVIOContext *pb;
    struct ta_dv_demux *demux;
};

static struct player *play(struct tape t)
{
    struct player *p = ta_xcalloc(1, sizeof(*p));
    p->tape = t;
    p->table = scan(&p->tape);
    p->pb = avio_alloc_context(av_malloc(4096), 4096, 0, p, read_avio, NULL, seek_avio);
    assert_non_null(p->pb);
    assert_int_equal(ta_dv_demux_create(&p->demux, p->table, p->pb), 0);
    return p;
}

static void stop(struct player *p)
{
    ta_dv_demux_destroy(&p->demux);
    ta_dv_table_destroy(&p->table);
    av_freep(&p->pb->buffer);
    avio_context_free(&p->pb);
    free(p->tape.data);
    free(p);
}

// All sound of a pair, each sample at its place.
static int16_t *all_sound(struct player *p, int pair, int64_t *count)
{
    AVPacket *packet = av_packet_alloc();
    int16_t *all = NULL;
    *count = 0;
    assert_int_equal(ta_dv_demux_seek(p->demux, -1, 0), 0);
    while (ta_dv_demux_read(p->demux, packet) >= 0) {
        if (packet->stream_index == pair + 1) {
            int64_t samples = packet->size / 4, end = packet->pts + samples;
            assert_true(llabs(packet->pts - *count) <= 2);
            all = ta_xrealloc(all, (size_t)end * 4);
            memcpy(all + 2 * packet->pts, packet->data, (size_t)packet->size);
            *count = end;
        }
    }
    av_packet_free(&packet);
    return all;
}

// The largest difference to the tone in from..to, whose phase is that of sample `zero` of the result.
static double off_tone(const int16_t *pcm, int64_t from, int64_t to, double zero, int rate)
{
    double worst = 0;
    for (int64_t i = from; i < to; i++) {
        double expected = LEVEL * sin(2 * M_PI * HZ * ((double)i - zero) / rate);
        worst = fmax(worst, fmax(fabs(pcm[2 * i] - expected), fabs(pcm[2 * i + 1] + expected)));
    }
    return worst;
}

static void test_sound_as_it_is(void **state)
{
    (void)state;
    static const int numbers[] = {NTSC, PAL, PAL_411};
    for (size_t i = 0; i < TA_COUNT(numbers); i++) {
        struct player *p = play(make_tape(numbers[i]));
        int64_t count;
        int16_t *pcm = all_sound(p, 0, &count);
        assert_int_equal(count, av_rescale_q(FRAMES, profile(numbers[i])->time_base, (AVRational){1, 48000}));
        double off = off_tone(pcm, 0, count, 0, 48000);
        assert_true(off <= 0.5001);
        free(pcm);
        stop(p);
    }
}

static void test_sound_of_other_rates(void **state)
{
    (void)state;
    static const int numbers[] = {NTSC, PAL};
    for (size_t i = 0; i < TA_COUNT(numbers); i++) {
        struct tape t = make_tape(numbers[i]);
        append(&t, numbers[i], 6, false, 2);
        append(&t, numbers[i], 5, false, 1);
        append(&t, numbers[i], 4, false, -1);
        struct player *p = play(t);
        int64_t count, places[5];
        int16_t *pcm = all_sound(p, 0, &count);
        for (int k = 0; k < 5; k++)
            places[k] = av_rescale_q((const int[]){0, FRAMES, FRAMES + 6, FRAMES + 11, FRAMES + 15}[k],
                                     profile(numbers[i])->time_base, (AVRational){1, 48000});
        assert_true(llabs(count - places[4]) <= 1);
        for (int k = 0; k < 3; k++) { // away from the seams, where the tone begins anew
            double off = off_tone(pcm, places[k] + 60, places[k + 1] - 60, (double)places[k], 48000);
            if (off > 80) // 40 dB below; NTSC's samples are not quite where they belong in time
                fail_msg("part %d is off by %.1f", k, off);
        }
        for (int64_t k = 2 * (places[3] + 2); k < 2 * places[4]; k++)
            assert_int_equal(pcm[k], 0);
        free(pcm);
        stop(p);
    }
}

// A clock that is not the picture's: 0.3 % fast.
static void test_sound_unlocked(void **state)
{
    (void)state;
    struct tape t = {0};
    enum { COUNT = 60 };
    t.size = COUNT * 144000;
    t.data = ta_xcalloc(1, t.size);
    int64_t sample = 0;
    for (int i = 0; i < COUNT; i++) {
        int samples = i % 4 == 3 ? 1927 : 1925;
        make_frame(t.data + (size_t)i * 144000, &(struct look){PAL, i, false, 0, samples, sample});
        sample += samples;
    }
    struct player *p = play(t);
    int64_t count;
    int16_t *pcm = all_sound(p, 0, &count);
    assert_int_equal(count, COUNT * 1920);
    double ratio = (double)count / (double)sample, worst = 0;
    for (int64_t i = 100; i < count - 100; i++)
        worst = fmax(worst, fabs(pcm[2 * i] - LEVEL * sin(2 * M_PI * HZ * (double)i / 48000 / ratio)));
    if (worst > 8) // 60 dB below
        fail_msg("off by %.1f", worst);
    free(pcm);
    stop(p);
}

static void test_sound_bridged(void **state)
{
    (void)state;
    struct tape t = make_tape(PAL);
    for (int s = 2; s < 4; s++) // three blocks of sound
        memset(t.data + 4 * 144000 + s * 12000 + 6 * 80, 0, 80);
    memset(t.data + 4 * 144000 + 7 * 12000 + 22 * 80, 0, 80);
    struct player *p = play(t);
    int64_t count;
    int16_t *pcm = all_sound(p, 0, &count);
    assert_int_equal(count, FRAMES * 1920);
    assert_true(off_tone(pcm, 0, count, 0, 48000) < 60);
    free(pcm);
    stop(p);
}

// What is missing comes from a frame that is whole; packets do not depend on how they are come to.
static void test_pictures(void **state)
{
    (void)state;
    struct tape t = make_tape(PAL);
    memset(t.data + 4 * 144000 + 40 * 80, 0, 480);
    memset(t.data + 5 * 144000, 0, 512);
    uint8_t *raw = ta_xcalloc(1, t.size);
    memcpy(raw, t.data, t.size);
    struct player *p = play(t);
    AVPacket *packet = av_packet_alloc();
    static const int order[] = {0, 1, 2, 3, 4, 5, 6, 4, 5, 11};
    for (size_t i = 0; i < TA_COUNT(order); i++) {
        int n = order[i];
        assert_int_equal(ta_dv_demux_seek(p->demux, 0, n), 0);
        assert_int_equal(ta_dv_demux_read(p->demux, packet), 0);
        assert_int_equal(packet->stream_index, 0);
        assert_int_equal(packet->pts, n);
        assert_int_equal(packet->size, 144000);
        assert_int_equal(!!(packet->flags & AV_PKT_FLAG_CORRUPT), n == 4 || n == 5);
        struct ta_dv_facts f;
        ta_dv_examine(packet->data, (size_t)packet->size, &f);
        assert_int_equal(f.blocks, 1800);
        assert_ptr_equal(f.profile, profile(PAL));
        if (n != 4 && n != 5) {
            assert_memory_equal(packet->data, raw + n * 144000, 144000);
        } else {
            int own = 0, before = 0;
            for (int b = 0; b < 1800; b++) {
                own += !memcmp(packet->data + b * 80 + 8, raw + n * 144000 + b * 80 + 8, 72);
                before += !memcmp(packet->data + b * 80 + 8, raw + 3 * 144000 + b * 80 + 8, 72);
            }
            assert_in_range(own, 1800 - 20, 1800 - 6);
            assert_true(before >= 6);
        }
    }
    av_packet_free(&packet);
    free(raw);
    stop(p);
}

static void test_12_bits(void **state)
{
    (void)state;
    const AVDVProfile *p = profile(PAL);
    uint8_t *frame = ta_xcalloc(1, (size_t)p->frame_size), there[1800];
    memset(there, 1, sizeof(there));
    // The first samples of the first two blocks' pairs: left 0x7ff (the loudest), right its opposite.
    uint8_t *b = frame + 6 * TA_DV_BLOCK + 8;
    b[0] = 0x7f;
    b[1] = 0x80;
    b[2] = 0xf1; // left 0x7ff, right 0x801
    int16_t out[2 * TA_DV_MAX_SAMPLES];
    const struct ta_dv_sound sound = {.rate = 32000, .samples = 1280, .pairs = 2, .bits = 12};
    assert_int_equal(ta_dv_sound_extract(frame, there, p, &sound, 0, out), 0);
    assert_int_equal(out[0], 511 << 6);
    assert_int_equal(out[1], -1 - (510 << 6));
    assert_int_equal(ta_dv_sound_extract(frame, there, p, &sound, 1, out), 0);
    assert_int_equal(out[0], 0);
    b[0] = 0x80;
    b[2] = 0x01; // the mark of what could not be read
    assert_int_equal(ta_dv_sound_extract(frame, there, p, &sound, 0, out), 1);
    free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_as_it_is), cmocka_unit_test(test_sound_of_other_rates),
        cmocka_unit_test(test_sound_unlocked), cmocka_unit_test(test_sound_bridged),
        cmocka_unit_test(test_pictures),       cmocka_unit_test(test_12_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
