// Raw DV: what its blocks say, and which frames a file with any damage is found to have.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/error.h>
#include <libavutil/mem.h>

#include "base/mem.h"
#include "media/dv/demux.h"
#include "media/dv/sound.h"
#include "media/dv/table.h"

enum { NTSC = 0, PAL = 1, PAL_411 = 3, NTSC_50 = 16, PAL_50 = 17 };
enum { FRAMES = 12, HZ = 440, LEVEL = 8000 };

struct tape {
    uint8_t *data;
    size_t size;
};

static const AVDVProfile *profile(int number)
{
    const AVDVProfile *p = ta_dv_profile(number);
    assert_non_null(p);
    assert_int_equal(ta_dv_profile_number(p), number);
    return p;
}

static unsigned bcd(unsigned n)
{
    return n / 10 << 4 | n % 10;
}

struct look { // of a frame to be made
    int profile, number;
    bool wide;
    int rate_code; // 0: 48, 1: 44.1, 2: 32 kHz; -1: no sound
    int samples;
    int64_t first_sample; // since the start of the sound
};

static void put_sample(uint8_t *frame, const AVDVProfile *p, int channel, int sample, int value)
{
    // Where a sample is told by libav's table the other way round.
    for (int s = 0; s < p->difseg_size; s++)
        for (int k = 0; k < 9; k++) {
            int at = 2 * sample + channel - p->audio_shuffle[s][k];
            if (at < 0 || at % p->audio_stride || at / p->audio_stride >= 36)
                continue;
            uint8_t *b = frame + (s * TA_DV_SEQUENCE + 6 + 16 * k) * TA_DV_BLOCK + 8 +
                         at / p->audio_stride * 2;
            b[0] = (uint8_t)(value >> 8);
            b[1] = (uint8_t)value;
            return;
        }
    fail_msg("no place for sample %d", sample);
}

static void make_frame(uint8_t *out, const struct look *look)
{
    static const int rates[] = {48000, 44100, 32000};
    const AVDVProfile *p = profile(look->profile);
    int fps = p->dsf ? 25 : 30;
    unsigned n = (unsigned)look->number;
    for (int slot = 0; slot < ta_dv_frame_blocks(p); slot++) {
        uint8_t *b = out + slot * TA_DV_BLOCK;
        int sequence = slot / TA_DV_SEQUENCE, block = slot % TA_DV_SEQUENCE;
        memset(b, 0xff, TA_DV_BLOCK);
        ta_dv_write_id(b, sequence / p->difseg_size, sequence % p->difseg_size, block);
        if (block == 0) {
            b[3] = (uint8_t)(p->dsf << 7 | 0x3f);
            b[4] = look->profile == PAL_411 || p->video_stype ? 0xf9 : 0xf8;
        } else if (block <= 2) {
            const uint8_t timecode[] = {0x13, (uint8_t)bcd(n % (unsigned)fps),
                                        (uint8_t)bcd(n / (unsigned)fps), 0, 1};
            memcpy(b + 6, timecode, 5);
        } else if (block <= 5) {
            const uint8_t packs[] = {0x60, 0xff, 0xff, (uint8_t)(p->dsf << 5 | p->video_stype),
                                     0xff, 0x61, 0x3f, look->wide ? 0xca : 0xc8,
                                     0xfc, 0xff, 0x62, 0xff,
                                     0x17, 0x05, 0x03, 0x63,
                                     0xff, 0x05, 0x22, 0x14};
            memcpy(b + 48, packs, 20);
        } else if ((block - 6) % 16 == 0) {
            memset(b + 8, 0, 72);
            if (look->rate_code >= 0 && (block - 6) / 16 == 3) {
                uint8_t source[] = {0x50, 0, 0, (uint8_t)(p->dsf << 5 | (p->video_stype ? 2 : 0)),
                                    (uint8_t)(look->rate_code << 3)};
                source[1] = (uint8_t)(look->samples - p->audio_min_samples[look->rate_code]);
                memcpy(b + 3, source, 5);
            }
        } else {
            b[3] = 0x0f;
            memset(b + 4, (int)(n * 37 + (unsigned)slot) & 0xff, 76);
        }
    }
    for (int i = 0; look->rate_code >= 0 && i < look->samples; i++) {
        double t = (double)(look->first_sample + i) / rates[look->rate_code];
        int value = (int)lrint(LEVEL * sin(2 * M_PI * HZ * t));
        put_sample(out, p, 0, i, value);
        put_sample(out, p, 1, i, -value);
    }
}

// `count` frames behind what is there.
static void append(struct tape *t, int number, int count, bool wide, int rate_code)
{
    static const int rates[] = {48000, 44100, 32000};
    const AVDVProfile *p = profile(number);
    t->data = ta_xrealloc(t->data, t->size + (size_t)count * (size_t)p->frame_size);
    int64_t sample = 0;
    for (int i = 0; i < count; i++) {
        int64_t next = rate_code < 0 ? 0
                                     : av_rescale_q(i + 1, p->time_base, (AVRational){1, rates[rate_code]});
        struct look look = {number, i, wide, rate_code, (int)(next - sample), sample};
        make_frame(t->data + t->size, &look);
        t->size += (size_t)p->frame_size;
        sample = next;
    }
}

static struct tape make_tape(int number)
{
    struct tape t = {0};
    append(&t, number, FRAMES, false, 0);
    return t;
}

static int read_tape(void *priv, int64_t offset, uint8_t *buffer, int size)
{
    const struct tape *t = priv;
    int got = (int)TA_MIN((int64_t)size, (int64_t)t->size - offset);
    memcpy(buffer, t->data + offset, (size_t)got);
    return got;
}

static struct ta_dv_table *scan(struct tape *t)
{
    const struct ta_dv_file file = {read_tape, t, (int64_t)t->size};
    struct ta_dv_table *table = NULL;
    assert_int_equal(ta_dv_scan(&table, &file, NULL, 0, NULL, NULL), 0);
    return table;
}

static void cut(struct tape *t, size_t at, size_t count)
{
    memmove(t->data + at, t->data + at + count, t->size - at - count);
    t->size -= count;
}

static void insert(struct tape *t, size_t at, size_t count, int byte)
{
    t->data = ta_xrealloc(t->data, t->size + count);
    memmove(t->data + at + count, t->data + at, t->size - at);
    for (size_t i = 0; i < count; i++)
        t->data[at + i] = (uint8_t)(byte >= 0 ? byte : rand() >> 7);
    t->size += count;
}

static void check(struct tape *t, size_t frames, int damaged, int missing, const char *what)
{
    struct ta_dv_table *table = scan(t);
    struct ta_dv_summary s;
    ta_dv_table_summarise(table, &s);
    if (table->frame_count != frames || s.damaged != damaged || s.missing != missing)
        fail_msg("%s: %zu frames, %d damaged, %d missing; expected %zu, %d, %d", what, table->frame_count,
                 (int)s.damaged, (int)s.missing, frames, damaged, missing);
    struct ta_buf b = {0};
    ta_dv_table_write(table, &b);
    struct ta_dv_table *again = ta_dv_table_parse((const uint8_t *)b.data, b.size);
    assert_non_null(again);
    assert_memory_equal(again->frames, table->frames, frames * sizeof(*table->frames));
    assert_null(ta_dv_table_parse((const uint8_t *)b.data, b.size - 1));
    ta_dv_table_destroy(&again);
    ta_buf_release(&b);
    ta_dv_table_destroy(&table);
    free(t->data);
    t->data = NULL;
}

static void test_ids(void **state)
{
    (void)state;
    for (int channel = 0; channel < TA_DV_CHANNELS; channel++)
        for (int sequence = 0; sequence < TA_DV_SEQUENCES; sequence++)
            for (int block = 0; block < TA_DV_SEQUENCE; block++) {
                uint8_t bytes[3];
                struct ta_dv_id id;
                ta_dv_write_id(bytes, channel, sequence, block);
                assert_true(ta_dv_parse_id(bytes, &id));
                assert_int_equal(id.channel, channel);
                assert_int_equal(id.sequence, sequence);
                assert_int_equal(id.block, block);
            }
    struct ta_dv_id id;
    assert_false(ta_dv_parse_id((const uint8_t[]){0, 0, 0}, &id));
    assert_false(ta_dv_parse_id((const uint8_t[]){0xff, 0xff, 0xff}, &id));
    assert_false(ta_dv_parse_id((const uint8_t[]){0x9f, 0x07, 135}, &id));
}

static void test_facts(void **state)
{
    (void)state;
    static const int numbers[] = {NTSC, PAL, PAL_411, NTSC_50, PAL_50};
    for (size_t i = 0; i < TA_COUNT(numbers); i++) {
        struct tape t = {0};
        append(&t, numbers[i], 1, i % 2, 0);
        struct ta_dv_facts f;
        ta_dv_examine(t.data, t.size, &f);
        assert_ptr_equal(f.profile, profile(numbers[i]));
        assert_true(f.tells_aspect);
        assert_int_equal(f.wide, i % 2);
        assert_int_equal(f.sound.rate, 48000);
        assert_int_equal(f.sound.bits, 16);
        assert_int_equal(f.sound.pairs, numbers[i] >= NTSC_50 ? 2 : 1);
        assert_int_equal(f.timecode, 0x01000000);
        assert_int_equal(f.date, 0x20030517);
        assert_int_equal(f.time, 0x142205);
        assert_int_equal(f.blocks, ta_dv_frame_blocks(f.profile));
        assert_int_equal(f.video, ta_dv_video_blocks(f.profile));
        free(t.data);
    }
    assert_int_equal(ta_dv_seconds(0x19700101, 0x000000), 0);
    assert_int_equal(ta_dv_seconds(0x20030517, 0x142205), 1053181325);
    assert_int_equal(ta_dv_seconds(0x20000229, 0x235959), 951868799);
    assert_true(ta_dv_seconds(TA_DV_NONE, 0) == INT64_MIN);
}

static void test_whole(void **state)
{
    (void)state;
    static const int numbers[] = {NTSC, PAL, PAL_411, NTSC_50, PAL_50};
    for (size_t i = 0; i < TA_COUNT(numbers); i++) {
        struct tape t = make_tape(numbers[i]);
        check(&t, FRAMES, 0, 0, "whole");
    }
}

// Bytes that are overwritten: the frames around them stay where they were.
static void test_zeros(void **state)
{
    (void)state;
    static const struct {
        size_t at, count; // in blocks * 80 + bytes
        int damaged, missing;
    } cases[] = {
        {1800 * 80 * 3, 512, 1, 0},          // the head of a frame
        {1800 * 80 * 3 - 100, 512, 2, 0},    // the end of one and the head of the next
        {1800 * 80 * 3 + 70000, 512, 1, 0},  // inside
        {1800 * 80 * 3 + 70000, 4096, 1, 0}, //
        {0, 512, 1, 0},                      // the head of the file
        {0, 1800 * 80 * 2, 2, 2},            //
        {1800 * 80 * 3, 1800 * 80 * 4, 4, 4},
        {1800 * 80 * 3 + 5000, 1800 * 80 * 4, 5, 3},
        {1800 * 80 * 10, 1800 * 80 * 2, 2, 2}, // the end of the file
        {1800 * 80 * 12 - 512, 512, 1, 0},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct tape t = make_tape(PAL);
        memset(t.data + cases[i].at, 0, cases[i].count);
        char what[64];
        snprintf(what, sizeof(what), "zeros %zu", i);
        check(&t, FRAMES, cases[i].damaged, cases[i].missing, what);
    }
}

static void test_lost_and_inserted(void **state)
{
    (void)state;
    static const int numbers[] = {NTSC, PAL, PAL_50};
    for (size_t n = 0; n < TA_COUNT(numbers); n++) {
        size_t frame = (size_t)profile(numbers[n])->frame_size;
        static const size_t counts[] = {1, 79, 80, 3000, 11999, 50000};
        for (size_t i = 0; i < TA_COUNT(counts); i++) {
            struct tape t = make_tape(numbers[n]);
            cut(&t, 4 * frame + 20000, counts[i]);
            check(&t, FRAMES, 1, 0, "lost inside");
            t = make_tape(numbers[n]);
            cut(&t, 4 * frame, counts[i]);
            check(&t, FRAMES, 1, 0, "lost at the head");
            t = make_tape(numbers[n]);
            cut(&t, 0, counts[i]);
            check(&t, FRAMES, 1, 0, "lost at the start");
            t = make_tape(numbers[n]);
            t.size -= counts[i];
            check(&t, FRAMES, 1, 0, "lost at the end");
            t = make_tape(numbers[n]);
            cut(&t, 4 * frame - counts[i] / 2, counts[i]);
            // Whether the last block of a frame is whole can't be seen where the next frame's head is
            // missing.
            check(&t, FRAMES, counts[i] <= 80 ? 1 : 2, 0, "lost across");
            t = make_tape(numbers[n]);
            insert(&t, 4 * frame + 20000, counts[i], -1);
            check(&t, FRAMES, 1, 0, "inserted");
            t = make_tape(numbers[n]);
            insert(&t, 0, counts[i], -1);
            check(&t, FRAMES, 0, 0, "inserted at the start");
            t = make_tape(numbers[n]);
            insert(&t, t.size, counts[i], -1);
            check(&t, FRAMES, 0, 0, "inserted at the end");
        }
        // So much that the end of a later frame comes to stand behind the beginning of an earlier one.
        struct tape t = make_tape(numbers[n]);
        cut(&t, 4 * frame + 20000, 2 * frame + 30000);
        check(&t, FRAMES - 1, 2, 0, "frames lost");
        t = make_tape(numbers[n]);
        insert(&t, 6 * frame + 333, 3 * frame + 17, -1);
        cut(&t, 2 * frame + 40, 500);
        memset(t.data + 3 * frame, 0, 2048);
        check(&t, FRAMES, 3, 0, "several");
    }
}

static void test_systems(void **state)
{
    (void)state;
    struct tape t = make_tape(PAL);
    append(&t, NTSC, 5, true, 2);
    struct ta_dv_table *table = scan(&t);
    struct ta_dv_summary s;
    ta_dv_table_summarise(table, &s);
    assert_int_equal(table->frame_count, FRAMES + 5);
    assert_int_equal(table->profile, PAL);
    assert_int_equal(table->rate, 48);
    assert_int_equal(s.damaged, 0);
    assert_int_equal(s.other_system, 5);
    assert_int_equal(s.other_aspect, 5);
    assert_int_equal(s.other_rate, 5);
    assert_int_equal(s.rate_changes, 1);
    ta_dv_table_destroy(&table);
    free(t.data);

    // A wrong bit in some headers is no other system.
    t = make_tape(PAL);
    for (int i = 0; i < 5; i++)
        t.data[3 * 144000 + i * 12000 + 3] ^= 0x80;
    check(&t, FRAMES, 0, 0, "bits");
}

// ---- packets ----

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

static void test_not_dv(void **state)
{
    (void)state;
    struct tape t = {ta_xcalloc(1, 1 << 20), 1 << 20};
    struct ta_dv_file file = {read_tape, &t, (int64_t)t.size};
    struct ta_dv_table *table = NULL;
    assert_false(ta_dv_probe(&file));
    assert_int_equal(ta_dv_scan(&table, &file, NULL, 0, NULL, NULL), AVERROR_INVALIDDATA);
    for (size_t i = 0; i < t.size; i++)
        t.data[i] = (uint8_t)(rand() >> 7);
    assert_false(ta_dv_probe(&file));
    free(t.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_lost_and_inserted),
        cmocka_unit_test(test_systems),
        cmocka_unit_test(test_sound_as_it_is),
        cmocka_unit_test(test_sound_of_other_rates),
        cmocka_unit_test(test_sound_unlocked),
        cmocka_unit_test(test_sound_bridged),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_12_bits),
        cmocka_unit_test(test_not_dv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
