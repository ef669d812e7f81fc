// Tapes of raw DV, made block by block.
#ifndef TA_TESTS_UNIT_DV_TAPE_H
#define TA_TESTS_UNIT_DV_TAPE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/mathematics.h>

#include "base/mem.h"
#include "media/dv/table.h"

enum { NTSC = 0, PAL = 1, PAL_411 = 3, NTSC_50 = 16, PAL_50 = 17 };
enum { FRAMES = 12, HZ = 440, LEVEL = 8000 };

struct tape {
    uint8_t *data;
    size_t size;
};

static inline const AVDVProfile *profile(int number)
{
    const AVDVProfile *p = ta_dv_profile(number);
    assert_non_null(p);
    assert_int_equal(ta_dv_profile_number(p), number);
    return p;
}

static inline unsigned bcd(unsigned n)
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

static inline void put_sample(uint8_t *frame, const AVDVProfile *p, int channel, int sample, int value)
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

static inline void make_frame(uint8_t *out, const struct look *look)
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
static inline void append(struct tape *t, int number, int count, bool wide, int rate_code)
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

static inline struct tape make_tape(int number)
{
    struct tape t = {0};
    append(&t, number, FRAMES, false, 0);
    return t;
}

static inline int read_tape(void *priv, int64_t offset, uint8_t *buffer, int size)
{
    const struct tape *t = priv;
    int got = (int)TA_MIN((int64_t)size, (int64_t)t->size - offset);
    memcpy(buffer, t->data + offset, (size_t)got);
    return got;
}

static inline struct ta_dv_table *scan(struct tape *t)
{
    const struct ta_dv_file file = {read_tape, t, (int64_t)t->size};
    struct ta_dv_table *table = NULL;
    assert_int_equal(ta_dv_scan(&table, &file, false, NULL, NULL), 0);
    return table;
}

static inline void cut(struct tape *t, size_t at, size_t count)
{
    memmove(t->data + at, t->data + at + count, t->size - at - count);
    t->size -= count;
}

static inline void insert(struct tape *t, size_t at, size_t count, int byte)
{
    t->data = ta_xrealloc(t->data, t->size + count);
    memmove(t->data + at + count, t->data + at, t->size - at);
    for (size_t i = 0; i < count; i++)
        t->data[at + i] = (uint8_t)(byte >= 0 ? byte : rand() >> 7);
    t->size += count;
}

#endif
