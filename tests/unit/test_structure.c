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

static void make_pva(struct file *f)
{
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, "AV\1", 3);
        put_number(&f->bytes, (uint64_t)i, 1, true);
        put(&f->bytes, "\x55\0", 2);
        put_number(&f->bytes, BODY, 2, true);
        put_body(&f->bytes, BODY);
    }
}

static void make_rm(struct file *f)
{
    put(&f->bytes,
        ".RMF\0\0\0\x12\0\0\0\0\0\0\0\0\0\2"
        "DATA",
        22);
    put_number(&f->bytes, 18 + UNITS * BODY, 4, true);
    put_number(&f->bytes, UNITS, 10, true);
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put_number(&f->bytes, BODY, 4, true);
        put_number(&f->bytes, (uint64_t)i, 8, true); // stream 0, time
        put_body(&f->bytes, BODY - 12);
    }
}

static void make_fragments(struct file *f)
{
    put(&f->bytes,
        "\0\0\0\x8"
        "ftyp\0\0\0\x8"
        "moov",
        16);
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes,
            "\0\0\0\x20"
            "moof",
            8);
        put_body(&f->bytes, 24);
        put_number(&f->bytes, BODY, 4, true);
        put(&f->bytes, "mdat", 4);
        put_body(&f->bytes, BODY - 8);
    }
}

static void make_y4m(struct file *f)
{
    put(&f->bytes, "YUV4MPEG2 W10 H20 F25:1 C420jpeg\n", 33);
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, "FRAME\n", 6);
        put_body(&f->bytes, 300);
    }
}

static const struct {
    const char *demuxer;
    void (*make)(struct file *f);
    bool sees_damage;
} rows[] = {
    {"flv", make_flv, true},
    {"asf", make_asf, true},
    {"ogg", make_ogg, true},
    {"mxf", make_mxf, true},
    {"matroska,webm", make_mkv, true},
    {"avi", make_avi, true},
    {"mpegts", make_ts, true},
    {"mpeg", make_ps, true},
    {"pva", make_pva, true},
    {"rm", make_rm, true},
    {"mov,mp4,m4a,3gp,3g2,mj2", make_fragments, true},
    {"yuv4mpegpipe", make_y4m, true},
};

static int64_t read_bytes(void *priv, int64_t position, uint8_t *data, int64_t size)
{
    const struct ta_buf *b = priv;
    int64_t n = TA_MIN(size, (int64_t)b->size - position);
    memcpy(data, b->data + position, (size_t)n);
    return n;
}

// Places of transport streams count as breaks here.
static struct ta_structure walk(const char *demuxer, struct ta_buf *bytes)
{
    struct ta_structure s;
    assert_int_equal(ta_structure_walk(&s, demuxer, read_bytes, bytes, (int64_t)bytes->size, NULL), 0);
    s.breaks += s.gap_count;
    ta_structure_release(&s);
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
        expect(i, "cut off", walk(rows[i].demuxer, &f.bytes), 0, true);
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

// Packets of one stream: a picture begins in every fourth.
static void make_counted(struct file *f)
{
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, i % 4 ? "\x47\1\0" : "\x47\x41\0", 3);
        put_number(&f->bytes, (uint64_t)(0x10 | (i & 15)), 1, true);
        put(&f->bytes, i % 4 ? "\x55\x55\x55" : "\0\0\1", 3);
        put_body(&f->bytes, 181);
    }
}

static void take_out(struct file *f, int from, int to)
{
    memmove(f->bytes.data + f->at[from], f->bytes.data + f->at[to], f->bytes.size - f->at[to]);
    f->bytes.size -= f->at[to] - f->at[from];
}

// Whole packets that are gone leave no trace but their numbers.
static void test_transport_packets_missing(void **state)
{
    (void)state;
    static const struct {
        int from, to, gaps;
        bool at_unit;
    } cases[] = {
        {9, 10, 1, false}, {9, 13, 1, false}, {8, 12, 1, true}, {0, 5, 0, false}, {30, UNITS, 0, false}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct file f = {0};
        struct ta_structure s;
        make_counted(&f);
        f.at[UNITS] = f.bytes.size;
        take_out(&f, cases[i].from, cases[i].to);
        assert_int_equal(ta_structure_walk(&s, "mpegts", read_bytes, &f.bytes, (int64_t)f.bytes.size, NULL),
                         0);
        assert_int_equal(s.gap_count, cases[i].gaps);
        assert_int_equal(s.breaks, 0);
        if (s.gap_count) {
            assert_int_equal(s.gaps[0].pid, 0x100);
            assert_int_equal(s.gaps[0].at_unit, cases[i].at_unit);
            assert_int_equal(s.gaps[0].from, f.at[cases[i].from - 1]);
            assert_int_equal(s.gaps[0].to, f.at[cases[i].from]);
        }
        ta_structure_release(&s);
        ta_buf_release(&f.bytes);
    }
}

// The same packet twice, and one that says that the count begins anew, are no loss.
static void test_transport_counters_that_may_jump(void **state)
{
    (void)state;
    struct file f = {0};
    make_counted(&f);
    f.bytes.data[f.at[9] + 3] = 0x18; // as the one before
    for (int i = 10; i < UNITS; i++)
        f.bytes.data[f.at[i] + 3] = (char)(0x10 | ((i - 1) & 15));
    f.bytes.data[f.at[20] + 3] = 0x3f;
    f.bytes.data[f.at[20] + 4] = 1;
    f.bytes.data[f.at[20] + 5] = (char)0x80;
    for (int i = 21; i < UNITS; i++)
        f.bytes.data[f.at[i] + 3] = (char)(0x10 | ((i - 6) & 15));
    struct ta_structure s = walk("mpegts", &f.bytes);
    assert_int_equal(s.breaks, 0);
    ta_buf_release(&f.bytes);
}

// Zeros between packs are a way to fill sectors.
static void test_stuffing_between_packs(void **state)
{
    (void)state;
    struct file f = {0};
    for (int i = 0; i < 5; i++) {
        make_ps(&f);
        for (int k = 0; k < 400; k++)
            ta_buf_putc(&f.bytes, 0);
    }
    struct ta_structure s = walk("mpeg", &f.bytes);
    assert_int_equal(s.breaks, 0);
    assert_false(s.cut_off);
    ta_buf_release(&f.bytes);
}

// A Matroska file of one cluster: what is behind the damage in it is found, and made readable.
static void make_cluster(struct file *f)
{
    put(&f->bytes, "\x1a\x45\xdf\xa3\x84\x42\x86\x81\1\x18\x53\x80\x67\1\xff\xff\xff\xff\xff\xff\xff", 21);
    put(&f->bytes, "\x1f\x43\xb6\x75", 4);
    put_number(&f->bytes, 0x4000 + 3 + UNITS * (BODY + 3), 2, true);
    put(&f->bytes, "\xe7\x81\0", 3);
    for (int i = 0; i < UNITS; i++) {
        f->at[i] = f->bytes.size;
        put(&f->bytes, "\xa3", 1);
        put_number(&f->bytes, 0x4000 + BODY, 2, true);
        put(&f->bytes, "\x81", 1);
        put_number(&f->bytes, (uint64_t)i * 40, 2, true);
        put(&f->bytes, "\x80", 1);
        put_body(&f->bytes, BODY - 4);
    }
    f->at[UNITS] = f->bytes.size;
    put(&f->bytes, "\x1c\x53\xbb\x6b\x80", 5);
}

static void test_hole_in_a_cluster(void **state)
{
    (void)state;
    for (int lost = 0; lost < 3; lost++) {
        struct file f = {0};
        struct ta_structure s;
        make_cluster(&f);
        int64_t from = (int64_t)f.at[10], to = (int64_t)f.at[12];
        if (lost == 2) { // whole blocks: nothing but the cluster's length tells
            take_out(&f, 10, 12);
        } else if (lost) {
            memmove(f.bytes.data + f.at[9] + 50, f.bytes.data + f.at[11] + 90, f.bytes.size - f.at[11] - 90);
            f.bytes.size -= f.at[11] + 40 - f.at[9];
            to = (int64_t)(f.at[13] - (f.at[11] + 40 - f.at[9])); // block 9 takes the head of block 12
        } else {
            memset(f.bytes.data + f.at[10], 0, f.at[11] - f.at[10] + 20);
        }
        assert_int_equal(
            ta_structure_walk(&s, "matroska,webm", read_bytes, &f.bytes, (int64_t)f.bytes.size, NULL), 0);
        assert_int_equal(s.breaks, 1);
        assert_int_equal(s.patch_count, lost == 1 ? 2 : 1);
        const struct ta_patch *p = &s.patches[s.patch_count - 1];
        if (lost) { // the cluster is open now
            assert_int_equal(s.patches[0].at, 25);
            assert_memory_equal(s.patches[0].bytes, "\x7f\xff", 2);
        }
        if (lost < 2) {
            assert_int_equal(p->at, from);
            assert_int_equal(p->bytes[0], 0xec);
            assert_int_equal(p->size == 2 ? (p->bytes[1] & 0x7f) + 2
                                          : (int64_t)(AV_RB64(p->bytes + 1) & 0xffff) + 9,
                             to - from);
        }
        ta_structure_release(&s);
        ta_buf_release(&f.bytes);
    }
}

// An element in a track: encodings, one of them, and in it what says that it encrypts or what type it is.
static bool is_encrypted(int type, const char *encoding, int size)
{
    struct file f = {0};
    put(&f.bytes, "\x1a\x45\xdf\xa3\x84\x42\x86\x81\1\x18\x53\x80\x67\1\xff\xff\xff\xff\xff\xff\xff", 21);
    put(&f.bytes, "\x16\x54\xae\x6b", 4);
    put_number(&f.bytes, (uint64_t)(0x80 | (size + 11)), 1, true);
    put(&f.bytes, "\xae", 1);
    put_number(&f.bytes, (uint64_t)(0x80 | (size + 9)), 1, true);
    put(&f.bytes, "\x83\x81", 2);
    put_number(&f.bytes, (uint64_t)type, 1, true);
    put(&f.bytes, "\x6d\x80", 2);
    put_number(&f.bytes, (uint64_t)(0x80 | (size + 3)), 1, true);
    put(&f.bytes, "\x62\x40", 2);
    put_number(&f.bytes, (uint64_t)(0x80 | size), 1, true);
    put(&f.bytes, encoding, (size_t)size);
    struct ta_structure s = walk("matroska,webm", &f.bytes);
    ta_buf_release(&f.bytes);
    return s.encrypted;
}

static void test_encrypted_matroska(void **state)
{
    (void)state;
    assert_true(is_encrypted(1, "\x50\x33\x81\1", 4));
    assert_true(is_encrypted(1, "\x50\x35\x84\x47\xe1\x81\5", 7));
    assert_false(is_encrypted(1, "\x50\x33\x81\0", 4)); // compressed
    assert_false(is_encrypted(2, "\x50\x33\x81\1", 4)); // sound: the pictures can be seen
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
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_bytes_lost),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_asf_length),
        cmocka_unit_test(test_ogg_pages_missing),
        cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_transport_packets_missing),
        cmocka_unit_test(test_transport_counters_that_may_jump),
        cmocka_unit_test(test_stuffing_between_packs),
        cmocka_unit_test(test_hole_in_a_cluster),
        cmocka_unit_test(test_encrypted_matroska),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
