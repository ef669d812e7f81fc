// Walking containers from unit to unit: sound files, damage, cut ends, encryption.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/bswap.h>
#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/structure.h"

#define UNITS 40
#define BODY 200 // bytes of a unit's content

struct file {
    struct ta_buf bytes;
    size_t at[UNITS + 1]; // where each unit starts, and the last one ends
};

static void put(struct ta_buf *b, const void *data, size_t size)
{
    ta_buf_append(b, data, size);
}

static void put_number(struct ta_buf *b, uint64_t value, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++) {
        int place = big ? bytes - 1 - i : i;
        uint8_t byte = place < 8 ? (uint8_t)(value >> 8 * place) : 0;
        ta_buf_append(b, &byte, 1);
    }
}

// Content in which nothing looks like a head.
static void put_body(struct ta_buf *b, int bytes)
{
    for (int i = 0; i < bytes; i++)
        ta_buf_putc(b, 0x55);
}

static void make_flv(struct file *f)
{
    put(&f->bytes, "FLV\1\5\0\0\0\11\0\0\0\0", 13);
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put_number(&f->bytes, i % 3 ? 9 : 8, 1, true);
        put_number(&f->bytes, BODY, 3, true);
        put_number(&f->bytes, 0, 7, true);
        put_body(&f->bytes, BODY);
        put_number(&f->bytes, BODY + 11, 4, true);
    }
}

static void make_asf(struct file *f)
{
    static const uint8_t head[16] = {0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11,
                                     0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c};
    static const uint8_t facts[16] = {0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11,
                                      0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65};
    struct ta_buf *b = &f->bytes;
    put(b, head, 16);
    put_number(b, 30 + 104, 8, false);
    put_number(b, 1, 6, false);
    put(b, facts, 16);
    put_number(b, 104, 8, false);
    put_number(b, 0, 32, false); // identity, size, date
    put_number(b, UNITS, 8, false);
    put_number(b, 80000000, 8, false); // length: 8 s, 3 of them before the first picture
    put_number(b, 80000000, 8, false);
    put_number(b, 3000, 8, false);
    put_number(b, 0, 4, false);
    put_number(b, BODY, 4, false);
    put_number(b, BODY, 4, false);
    put_number(b, 0, 4, false);
    put(b, "\x36", 1);
    put(b, head + 1, 15);
    put_number(b, 50 + UNITS * BODY, 8, false);
    put_number(b, 0, 26, false);
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = b->size;
        put(b, "\x82\0\0\x08\x5d\0", 6); // a byte says the padding: none
        put_number(b, 0, 6, false);
        put(b, "\x81\0\0\0\0\0\x08\0\1\0\0\0\0\0\0", 15); // stream, object, offset, 8 bytes: size and time
        put_body(b, BODY - 27);
    }
}

static void make_ogg(struct file *f)
{
    for (int i = 0; i < UNITS; i++) {
        size_t at = f->at[i] = f->bytes.size;
        put(&f->bytes, "OggS\0", 5);
        put_number(&f->bytes, i == 0 ? 2 : i == UNITS - 1 ? 4 : 0, 1, false);
        put_number(&f->bytes, (uint64_t)i, 8, false);
        put_number(&f->bytes, 77, 4, false);
        put_number(&f->bytes, (uint64_t)i, 4, false);
        put_number(&f->bytes, 0, 4, false);
        put_number(&f->bytes, 1, 1, false);
        put_number(&f->bytes, BODY, 1, false);
        put_body(&f->bytes, BODY);
        uint8_t *page = (uint8_t *)f->bytes.data + at;
        AV_WL32(page + 22, av_bswap32(av_crc(av_crc_get_table(AV_CRC_32_IEEE), 0, page, f->bytes.size - at)));
    }
}

static void make_mxf(struct file *f)
{
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, "\x06\x0e\x2b\x34\1\2\1\1\x0d\1\3\1\x15\1\5\1", 16);
        put_number(&f->bytes, 0x83, 1, true);
        put_number(&f->bytes, BODY, 3, true);
        put_body(&f->bytes, BODY);
    }
}

// Clusters of one block each.
static void make_mkv(struct file *f)
{
    put(&f->bytes, "\x1a\x45\xdf\xa3\x84\x42\x86\x81\1\x18\x53\x80\x67\1\xff\xff\xff\xff\xff\xff\xff", 21);
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, "\x1f\x43\xb6\x75", 4);
        put_number(&f->bytes, 0x4000 + BODY + 6, 2, true);
        put(&f->bytes, "\xe7\x81\0\xa3", 4);
        put_number(&f->bytes, 0x4000 + BODY, 2, true);
        put(&f->bytes, "\x81\0\0\x80", 4);
        put_body(&f->bytes, BODY - 4);
    }
}

static void make_avi(struct file *f)
{
    put(&f->bytes, "RIFF\xff\xff\xff\0AVI LIST\xff\xff\xff\0movi", 24);
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, i % 3 ? "00dc" : "01wb", 4);
        put_number(&f->bytes, BODY - 1, 4, false); // and a byte to make it even
        put_body(&f->bytes, BODY);
    }
}

static void make_ts(struct file *f)
{
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, "\x47\1\0\x10", 4);
        put_body(&f->bytes, 184);
    }
}

static void make_ps(struct file *f)
{
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, "\0\0\1\xba\x44\0\4\0\4\1\0\0\3\xf8\0\0\1\xe0", 18);
        put_number(&f->bytes, BODY, 2, true);
        put(&f->bytes, "\x80\0\0", 3);
        put_body(&f->bytes, BODY - 3);
    }
}

static const struct {
    const char *demuxer;
    void (*make)(struct file *f);
    bool sees_damage;
} rows[] = {
    {"flv", make_flv, true},    {"asf", make_asf, true},           {"ogg", make_ogg, true},
    {"mxf", make_mxf, true},    {"matroska,webm", make_mkv, true}, {"avi", make_avi, true},
    {"mpegts", make_ts, false}, {"mpeg", make_ps, false},
};

static int64_t read_bytes(void *priv, int64_t position, uint8_t *data, int64_t size)
{
    const struct ta_buf *b = priv;
    int64_t n = TA_MIN(size, (int64_t)b->size - position);
    memcpy(data, b->data + position, (size_t)n);
    return n;
}

static struct ta_structure walk(const char *demuxer, struct ta_buf *bytes)
{
    struct ta_structure s;
    assert_int_equal(ta_structure_walk(&s, demuxer, read_bytes, bytes, (int64_t)bytes->size, NULL), 0);
    return s;
}

static struct file make(size_t row)
{
    struct file f = {0};
    rows[row].make(&f);
    f.at[UNITS] = f.bytes.size;
    return f;
}

static void expect(size_t row, const char *what, struct ta_structure is, int breaks, bool cut_off)
{
    if (is.breaks != breaks || is.cut_off != cut_off || is.encrypted)
        fail_msg("%s, %s: %lld breaks where there are %d, cut off %d where it is %d, encrypted %d",
                 rows[row].demuxer, what, (long long)is.breaks, breaks, is.cut_off, cut_off, is.encrypted);
}

static void test_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        struct file f = make(i);
        expect(i, "sound", walk(rows[i].demuxer, &f.bytes), 0, false);
        ta_buf_release(&f.bytes);
    }
}

// A hole over the heads of two units, then a second one.
static void test_holes(void **state)
{
    (void)state;
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        for (int fill = 0; fill < 2; fill++) {
            struct file f = make(i);
            memset(f.bytes.data + f.at[10] - 60, fill ? 0x3c : 0, f.at[11] - f.at[10] + 80);
            expect(i, "a hole", walk(rows[i].demuxer, &f.bytes), rows[i].sees_damage, false);
            memset(f.bytes.data + f.at[30], 0x99, 12);
            expect(i, "two holes", walk(rows[i].demuxer, &f.bytes), rows[i].sees_damage ? 2 : 0, false);
            ta_buf_release(&f.bytes);
        }
    }
}

static void test_bytes_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        if (!rows[i].sees_damage)
            continue;
        struct file f = make(i);
        size_t from = f.at[10] + 50, to = f.at[12] + 63;
        memmove(f.bytes.data + from, f.bytes.data + to, f.bytes.size - to);
        f.bytes.size -= to - from;
        struct ta_structure is = walk(rows[i].demuxer, &f.bytes);
        is.cut_off = false; // Windows Media says how many packets there are
        expect(i, "bytes lost", is, 1, false);
        ta_buf_release(&f.bytes);
    }
}

static void test_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        struct file f = make(i);
        f.bytes.size = f.at[25] + 100;
        // A program stream has no marks of its own.
        expect(i, "cut off", walk(rows[i].demuxer, &f.bytes), 0, strcmp(rows[i].demuxer, "mpeg") != 0);
        ta_buf_release(&f.bytes);
    }
}

// Pages taken out at their borders leave no trace but their numbers.
static void test_ogg_pages_missing(void **state)
{
    (void)state;
    struct file f = {0};
    make_ogg(&f);
    memmove(f.bytes.data + f.at[10], f.bytes.data + f.at[14], f.bytes.size - f.at[14]);
    f.bytes.size -= f.at[14] - f.at[10];
    struct ta_structure s = walk("ogg", &f.bytes);
    assert_int_equal(s.breaks, 1);
    ta_buf_release(&f.bytes);
}

static void test_asf_length(void **state)
{
    (void)state;
    struct file f = {0};
    make_asf(&f);
    assert_int_equal(walk("asf", &f.bytes).duration_us, 5000000);
    assert_int_equal(walk("avi", &f.bytes).duration_us, -1);
    ta_buf_release(&f.bytes);
}

static void test_encrypted(void **state)
{
    (void)state;
    struct file ts = {0}, ps = {0}, flv = {0}, asf = {0};
    make_ts(&ts);
    make_ps(&ps);
    make_flv(&flv);
    make_asf(&asf);
    for (int i = 0; i < UNITS; i++) {
        ts.bytes.data[ts.at[i] + 3] |= i % 4 ? (char)0x80 : 0;
        ps.bytes.data[ps.at[i] + 20] |= i % 2 ? 0x10 : 0;
        flv.bytes.data[flv.at[i]] |= 0x20;
    }
    assert_true(walk("mpegts", &ts.bytes).encrypted);
    assert_true(walk("mpeg", &ps.bytes).encrypted);
    assert_true(walk("flv", &flv.bytes).encrypted);
    assert_false(walk("asf", &asf.bytes).encrypted);
    memcpy(asf.bytes.data + 30, "\xfb\xb3\x11\x22\x23\xbd\xd2\x11\xb4\xb7\x00\xa0\xc9\x55\xfc\x6e", 16);
    // Its head is that of another object then, so the packets are not found: encrypted is what counts.
    assert_true(walk("asf", &asf.bytes).encrypted);
    ta_buf_release(&ts.bytes);
    ta_buf_release(&ps.bytes);
    ta_buf_release(&flv.bytes);
    ta_buf_release(&asf.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),      cmocka_unit_test(test_holes),
        cmocka_unit_test(test_bytes_lost), cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_asf_length), cmocka_unit_test(test_ogg_pages_missing),
        cmocka_unit_test(test_encrypted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
