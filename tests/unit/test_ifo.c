// What the .IFO files of DVDs say, and that no such file harms.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/parts/ifo.h"

#include "capture.h"

enum {
    SIZE = 6 * TA_IFO_SECTOR,
    CHAPTERS = 2 * TA_IFO_SECTOR,
    CHAINS = 3 * TA_IFO_SECTOR,
    ADDRESSES = 4 * TA_IFO_SECTOR
};

static uint8_t file[SIZE];

static void put(size_t at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        file[at + (size_t)i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

struct cell {
    unsigned flags;
    uint32_t first, last, time; // as the file has it
    unsigned vob, number;
};

// Program chain `number` (from 1) at a byte of the table of chains; programs begin with these cells.
static size_t put_chain(int number, size_t at, const struct cell *cells, int count, const char *programs)
{
    size_t p = CHAINS + at, map = 0xec, playback = map + 32, position = playback + 24 * (size_t)count;
    put(CHAINS, (uint32_t)number, 2);
    put(CHAINS + 8 + 8 * (size_t)(number - 1) + 4, (uint32_t)at, 4);
    put(p + 2, (uint32_t)strlen(programs), 1);
    put(p + 3, (uint32_t)count, 1);
    put(p + 0x0c, 0x81, 1);       // the first sound is stream 1, the second is not there
    put(p + 0x1c, 0x80020503, 4); // 4:3, wide, letterbox, pan and scan
    put(p + 0xa4, 0x00eb8080, 4); // white
    put(p + 0xa8, 0x00108080, 4);
    put(p + 0xac, 0x0051f05a, 4); // red
    put(p + 0xe6, (uint32_t)map, 2);
    put(p + 0xe8, (uint32_t)playback, 2);
    put(p + 0xea, (uint32_t)position, 2);
    for (size_t i = 0; programs[i]; i++)
        put(p + map + i, (uint32_t)(programs[i] - '0'), 1);
    for (int i = 0; i < count; i++) {
        size_t c = p + playback + 24 * (size_t)i;
        put(c, cells[i].flags, 1);
        put(c + 4, cells[i].time, 4);
        put(c + 8, cells[i].first, 4);
        put(c + 20, cells[i].last, 4);
        put(p + position + 4 * (size_t)i, cells[i].vob, 2);
        put(p + position + 4 * (size_t)i + 3, cells[i].number, 1);
    }
    return at + position + 4 * (size_t)count;
}

// Chapters as "chain program chain program ..." for each title.
static void put_titles(const char *const *titles, int count)
{
    size_t at = 8 + 4 * (size_t)count;
    put(CHAPTERS, (uint32_t)count, 2);
    for (int i = 0; i < count; i++) {
        put(CHAPTERS + 8 + 4 * (size_t)i, (uint32_t)at, 4);
        for (const char *c = titles[i]; *c; c++, at += 2)
            put(CHAPTERS + at, (uint32_t)(*c - '0'), 2);
    }
    put(CHAPTERS + 4, (uint32_t)at - 1, 4);
}

static void begin(void)
{
    memset(file, 0, sizeof(file));
    memcpy(file, "DVDVIDEO-VTS", 12);
    put(0xc8, CHAPTERS / TA_IFO_SECTOR, 4);
    put(0xcc, CHAINS / TA_IFO_SECTOR, 4);
    put(0xe0, ADDRESSES / TA_IFO_SECTOR, 4);
    put(0x200, 0x5c, 1); // PAL, 16:9
    put(0x202, 2, 2);
    put(0x204, 0x04, 1);
    memcpy(file + 0x206, "DE", 2);
    put(0x209, 3, 1);
    put(0x20c, 0xc0, 1); // DTS in no language
    put(0x254, 1, 2);
    put(0x256, 0x01, 1);
    memcpy(file + 0x258, "fr", 2);
}

static struct ta_ifo *parse(void)
{
    struct ta_ifo *ifo;
    assert_int_equal(ta_ifo_parse(&ifo, file, sizeof(file), "x.ifo", NULL), 0);
    return ifo;
}

static char *runs_text(const struct ta_ifo_title *t)
{
    struct ta_buf b = {0};
    for (int i = 0; i < t->run_count; i++)
        ta_buf_printf(&b, "%s%u-%u", i ? " " : "", (unsigned)t->runs[i].first, (unsigned)t->runs[i].last);
    return ta_buf_take(&b);
}

static void expect_runs(const struct ta_ifo_title *t, const char *wanted)
{
    char *text = runs_text(t);
    assert_string_equal(text, wanted);
    free(text);
}

static void test_title(void **state)
{
    (void)state;
    static const struct cell cells[] = {
        {0, 0, 9, 0x00000152, 1, 1}, {0, 10, 29, 0x00010040, 1, 2}, {2, 100, 110, 0x01000052, 2, 1}};
    static const char *const titles[] = {"111213", "12"};
    begin();
    put_chain(1, 24, cells, 3, "123");
    put_titles(titles, 2);
    struct ta_ifo *ifo = parse();
    assert_int_equal(ifo->aspect_num, 16);
    assert_true(ifo->pal);
    assert_int_equal(ifo->sound_count, 2);
    assert_string_equal(ifo->sounds[0].language, "de");
    assert_int_equal(ifo->sounds[0].extension, 3);
    assert_string_equal(ifo->sounds[1].language, "");
    assert_int_equal(ifo->sounds[1].coding, 6);
    assert_string_equal(ifo->subtitles[0].language, "fr");
    assert_int_equal(ifo->title_count, 2);
    const struct ta_ifo_title *t = &ifo->titles[0];
    expect_runs(t, "0-29 100-110");
    assert_true(t->changes_clock);
    assert_int_equal(t->chapter_count, 3);
    assert_int_equal(t->chapters_ms[1], 1480); // 1 s and 12 pictures
    assert_int_equal(t->chapters_ms[2], 61480);
    assert_int_equal(t->duration_ms, 61480 + 3600480);
    assert_int_equal(t->sounds[0], 1);
    assert_int_equal(t->sounds[1], -1);
    assert_int_equal(t->subtitles[0], 2); // the wide one
    assert_int_equal(t->palette[0], 0xffffff);
    assert_int_equal(t->palette[1], 0);
    assert_int_equal(t->palette[2] >> 16, 0xff);
    assert_true((t->palette[2] & 0xffff) < 0x0404);
    expect_runs(&ifo->titles[1], "10-29 100-110"); // from its first chapter on
    assert_int_equal(ifo->titles[1].chapter_count, 1);
    ta_ifo_destroy(&ifo);
}

static void test_several_chains(void **state)
{
    (void)state;
    static const struct cell a[] = {{0, 50, 59, 0x152, 1, 1}},
                             b[] = {{0, 0, 9, 0x140, 1, 1}, {0, 20, 29, 0x140, 1, 2}};
    static const char *const titles[] = {"112122", "91"};
    begin();
    size_t at = put_chain(1, 24, a, 1, "1");
    put_chain(2, at, b, 2, "12");
    put_titles(titles, 2);
    struct ta_ifo *ifo = parse();
    expect_runs(&ifo->titles[0], "50-59 0-9 20-29");
    assert_int_equal(ifo->titles[0].chapter_count, 3);
    assert_int_equal(ifo->titles[0].chapters_ms[1], 1480);
    assert_int_equal(ifo->titles[0].chapters_ms[2], 2480);
    assert_int_equal(ifo->titles[1].run_count, 0); // there is no chain 9
    ta_ifo_destroy(&ifo);
}

static void test_angles(void **state)
{
    (void)state;
    static const struct cell cells[] = {{0, 0, 9, 0x140, 1, 1},
                                        {0x54, 10, 38, 0x140, 2, 1},
                                        {0x94, 15, 44, 0x140, 2, 2},
                                        {0xd4, 20, 49, 0x140, 2, 3},
                                        {0x04, 60, 79, 0x140, 3, 1}};
    static const char *const titles[] = {"11"};
    static const uint32_t pieces[][4] = {{2, 1, 10, 14}, {2, 2, 15, 19}, {2, 1, 30, 34}, {2, 1, 36, 39}};
    begin();
    put_chain(1, 24, cells, 5, "1");
    put_titles(titles, 1);
    put(ADDRESSES + 4, 8 + 12 * 4 - 1, 4);
    for (size_t i = 0; i < 4; i++) {
        put(ADDRESSES + 8 + 12 * i, pieces[i][0], 2);
        put(ADDRESSES + 8 + 12 * i + 2, pieces[i][1], 1);
        put(ADDRESSES + 8 + 12 * i + 4, pieces[i][2], 4);
        put(ADDRESSES + 8 + 12 * i + 8, pieces[i][3], 4);
    }
    struct ta_ifo *ifo = parse();
    // What reaches behind the cell's end is none of its pieces.
    expect_runs(&ifo->titles[0], "0-14 30-34 60-79");
    assert_int_equal(ifo->titles[0].angles, 3);
    assert_true(ifo->titles[0].mixed); // the last cell is interleaved, and nobody says how
    assert_int_equal(ifo->titles[0].duration_ms, 3000);
    ta_ifo_destroy(&ifo);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct cell bad[] = {{0, 10, 9, 0x140, 1, 1}, {0, 0, 1u << 24, 0x140, 1, 2}};
    static const char *const titles[] = {"11"};
    struct capture log;
    struct ta_ifo *ifo;
    struct ta_ifo_entry entries[TA_IFO_MAX_TITLES];
    capture_init(&log);
    begin();
    put_chain(1, 24, bad, 2, "1");
    put_titles(titles, 1);
    assert_int_equal(ta_ifo_parse(&ifo, file, sizeof(file), "x.ifo", log.log), TA_ERR_FORMAT);
    capture_expect_error(&log, "x.ifo: no title can be found in it");
    assert_int_equal(ta_ifo_parse_disc(entries, file, sizeof(file), "x.ifo", log.log), TA_ERR_FORMAT);
    capture_expect_error(&log, "not the description of a DVD");
    file[0] = 'x';
    assert_int_equal(ta_ifo_parse(&ifo, file, sizeof(file), "x.ifo", log.log), TA_ERR_FORMAT);
    capture_expect_error(&log, "not the description of a title set");
    capture_release(&log);
}

static void test_disc(void **state)
{
    (void)state;
    static const uint8_t list[][3] = {{1, 2, 1}, {0, 1, 1}, {1, 1, 1}, {1, 3, 0}, {4, 120, 1}, {1, 12, 3}};
    struct ta_ifo_entry e[TA_IFO_MAX_TITLES];
    memset(file, 0, sizeof(file));
    memcpy(file, "DVDVIDEO-VMG", 12);
    put(0xc4, 1, 4);
    put(TA_IFO_SECTOR, TA_COUNT(list), 2);
    for (size_t i = 0; i < TA_COUNT(list); i++) {
        put(TA_IFO_SECTOR + 8 + 12 * i + 1, list[i][0], 1);
        put(TA_IFO_SECTOR + 8 + 12 * i + 6, list[i][1], 1);
        put(TA_IFO_SECTOR + 8 + 12 * i + 7, list[i][2], 1);
    }
    assert_int_equal(ta_ifo_parse_disc(e, file, sizeof(file), "x.ifo", NULL), 4);
    assert_int_equal(e[0].set, 2);
    assert_int_equal(e[3].set, 12);
    assert_int_equal(e[3].title, 3);
}

// Cut off anywhere, and with any byte another one: refused or read, never more than is there.
static void test_hostile(void **state)
{
    (void)state;
    static const struct cell cells[] = {{0x54, 0, 9, 0x152, 1, 1}, {4, 10, 29, 0x10040, 1, 2}};
    static const char *const titles[] = {"1112", "12"};
    begin();
    put_chain(1, 24, cells, 2, "12");
    put_titles(titles, 2);
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    struct ta_ifo *ifo;
    for (size_t size = 0; size <= sizeof(file); size += size < CHAPTERS || size > CHAINS + 600 ? 512 : 1) {
        uint8_t *exact = malloc(size ? size : 1);
        assert_non_null(exact);
        memcpy(exact, file, size);
        if (ta_ifo_parse(&ifo, exact, size, "x.ifo", NULL) >= 0)
            ta_ifo_destroy(&ifo);
        free(exact);
    }
    for (size_t at = 0xc0; at < CHAINS + 512; at++) {
        for (size_t v = 0; v < TA_COUNT(values); v++) {
            uint8_t was = file[at];
            file[at] = values[v];
            if (ta_ifo_parse(&ifo, file, sizeof(file), "x.ifo", NULL) >= 0) {
                assert_true(ifo->title_count <= TA_IFO_MAX_TITLES);
                ta_ifo_destroy(&ifo);
            }
            file[at] = was;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_title),   cmocka_unit_test(test_several_chains), cmocka_unit_test(test_angles),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_disc),           cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
