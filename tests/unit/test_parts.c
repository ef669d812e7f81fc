// Names of sources that are several files, and their bytes read as one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/parts/bytes.h"
#include "media/parts/name.h"

#include "capture.h"

static char folder[] = "/tmp/ta-parts-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char *command = ta_xprintf("rm -rf '%s'", folder);
    int failed = chdir("/") || system(command);
    free(command);
    return failed;
}

static void test_join_and_split(void **state)
{
    (void)state;
    static const struct {
        const char *paths[4], *name;
    } cases[] = {
        {{"a.avi", "b.avi"}, "a.avi" TA_NAME_PLUS "b.avi"},
        {{"t/a.avi", "t/b.avi", "t/c.avi"}, "t/a.avi" TA_NAME_PLUS "b.avi" TA_NAME_PLUS "c.avi"},
        {{"t/a.avi", "/x/b.avi"}, "t/a.avi" TA_NAME_PLUS "/x/b.avi"},
        {{"t/a.avi", "b.avi"}, "t/a.avi" TA_NAME_PLUS "./b.avi"},
        {{"a + b.avi", "c.avi"}, "a + b.avi" TA_NAME_PLUS "c.avi"},
        {{"/a.avi", "/b.avi"}, "/a.avi" TA_NAME_PLUS "b.avi"},
        {{"one.avi"}, "one.avi"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        int count = 0;
        while (cases[i].paths[count])
            count++;
        char *name = ta_name_join((char *const *)cases[i].paths, count), **files;
        assert_string_equal(name, cases[i].name);
        assert_int_equal(ta_name_is_several(name), count > 1);
        assert_int_equal(ta_name_files(name, &files), count);
        for (int k = 0; k < count; k++) {
            const char *is = files[k] + (strncmp(files[k], "./", 2) ? 0 : 2);
            assert_string_equal(is, cases[i].paths[k]);
        }
        ta_name_files_free(&files);
        free(name);
    }
    char *bad[] = {"a" TA_NAME_PLUS "b.avi", "c.avi"};
    assert_null(ta_name_join(bad, 2));
}

static void test_titles(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int title;
    } cases[] = {
        {"d/VIDEO_TS/VTS_01_0.IFO", 0},
        {"d/VIDEO_TS/VTS_01_0.IFO#2", 2},
        {"vts_01_0.ifo#99", 99},
        {"VTS_01_0.IFO#0", -1},
        {"VTS_01_0.IFO#100", -1},
        {"VTS_01_0.IFO#1x", -1},
        {"VTS_01_0.IFO#", -1},
        {"VTS_01_1.VOB", -1},
        {".ifo", -1},
        {"a.ifo" TA_NAME_PLUS "b.ifo", -1},
        {"x.ifox", -1},
        {"VTS_01_0.IFO#99999999999", -1},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *ifo;
        assert_int_equal(ta_name_title(cases[i].name, &ifo), cases[i].title);
        assert_int_equal(ifo != NULL, cases[i].title >= 0);
        free(ifo);
    }
}

static void test_outputs(void **state)
{
    (void)state;
    static const struct {
        const char *name, *output;
    } cases[] = {
        {"t/a.avi", "t/a.restored.mp4"},
        {"./a.avi", "./a.restored.mp4"},
        {"a.avi", "a.restored.mp4"},
        {"t/a.avi" TA_NAME_PLUS "b.avi", "t/a.restored.mp4"},
        {"/d/Xmas/VIDEO_TS/VTS_01_0.IFO", "/d/Xmas/Xmas.title1.restored.mp4"},
        {"/d/Xmas/VIDEO_TS/VTS_02_0.IFO#3", "/d/Xmas/Xmas.title2-3.restored.mp4"},
        {"/d/Xmas/VIDEO_TS/VTS_02_1.VOB" TA_NAME_PLUS "VTS_02_2.VOB", "/d/Xmas/Xmas.title2.restored.mp4"},
        {"/d/Xmas/VIDEO_TS/VTS_02_1.VOB", "/d/Xmas/VIDEO_TS/VTS_02_1.restored.mp4"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *output = ta_name_output(cases[i].name, "mp4");
        assert_string_equal(output, cases[i].output);
        free(output);
    }
    char *below = ta_name_below("/r", "t/a.avi" TA_NAME_PLUS "b.avi" TA_NAME_PLUS "/x/c.avi"),
         *title = ta_name_below("/r", "VIDEO_TS/VTS_01_0.IFO#2");
    assert_string_equal(below, "/r/t/a.avi" TA_NAME_PLUS "b.avi" TA_NAME_PLUS "/x/c.avi");
    assert_string_equal(title, "/r/VIDEO_TS/VTS_01_0.IFO#2");
    free(below);
    free(title);
}

static void test_series(void **state)
{
    (void)state;
    static const char *const follow[][2] = {
        {"capture_001.avi", "capture_002.avi"},
        {"capture_009.avi", "capture_010.avi"},
        {"a1.dv", "a2.dv"},
        {"a9.dv", "a10.dv"},
        {"00000.MTS", "00001.MTS"},
        {"GOPR0017.MP4", "GP010017.MP4"},
        {"GP010017.MP4", "GP020017.MP4"},
        {"GH010017.MP4", "GH020017.MP4"},
        {"film.avi", "film.001.avi"},
        {"film.avi", "film_2.avi"},
        {"film.avi", "film (2).avi"},
        {"film.avi.001", "film.avi.002"},
        {"VTS_01_1.VOB", "VTS_01_2.VOB"},
        {"x1y2.avi", "x1y3.avi"},
    };
    static const char *const stand[][2] = {
        {"capture_002.avi", "capture_001.avi"},
        {"capture_001.avi", "capture_003.avi"},
        {"capture_001.avi", "capture_002.mov"},
        {"a.avi", "b.avi"},
        {"GOPR0017.MP4", "GP010018.MP4"},
        {"x1y2.avi", "x2y3.avi"},
        {"film.avi", "film.avi"},
        {"film.avi", "film_3.avi"},
        {"film1.avi", "film1.avi"},
        {"film.avi", "film.mov"},
    };
    for (size_t i = 0; i < TA_COUNT(follow); i++)
        if (!ta_name_follows(follow[i][0], follow[i][1]))
            fail_msg("%s follows on %s", follow[i][1], follow[i][0]);
    for (size_t i = 0; i < TA_COUNT(stand); i++)
        if (ta_name_follows(stand[i][0], stand[i][1]))
            fail_msg("%s does not follow on %s", stand[i][1], stand[i][0]);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_bytes(void **state)
{
    (void)state;
    write_file("a", "0123456789");
    write_file("b", "");
    write_file("c", "abcdef");
    char *files[] = {"a", "b", "c"};
    struct ta_bytes *b;
    char text[64] = {0};
    struct capture log;
    capture_init(&log);
    assert_int_equal(ta_bytes_open(&b, files, 3, NULL, 0, NULL, log.log), 0);
    assert_int_equal(ta_bytes_size(b), 16);
    AVIOContext *io = ta_bytes_io(b);
    assert_int_equal(avio_size(io), 16);
    assert_int_equal(avio_read(io, (unsigned char *)text, 60), 16);
    assert_string_equal(text, "0123456789abcdef");
    assert_int_equal(avio_seek(io, 8, SEEK_SET), 8);
    assert_int_equal(avio_read(io, (unsigned char *)text, 4), 4);
    assert_memory_equal(text, "89ab", 4);
    assert_int_equal(ta_bytes_read_at(b, 9, text, 10), 1); // up to the end of the part
    assert_int_equal(ta_bytes_read_at(b, 16, text, 10), 0);
    ta_bytes_close(&b);

    // Parts, in another order; what is one part behind the other in a file is one.
    static const struct ta_extent parts[] = {{2, 2, 2}, {0, 0, 3}, {0, 3, 2}, {0, 5, 0}, {2, 0, 6}};
    assert_int_equal(ta_bytes_open(&b, files, 3, parts, 5, NULL, log.log), 0);
    memset(text, 0, sizeof(text));
    assert_int_equal(avio_read(ta_bytes_io(b), (unsigned char *)text, 60), 13);
    assert_string_equal(text, "cd01234abcdef");
    assert_int_equal(ta_bytes_read_at(b, 2, text, 60), 5);
    ta_bytes_close(&b);

    static const struct ta_extent beyond = {0, 5, 6};
    assert_int_equal(ta_bytes_open(&b, files, 3, &beyond, 1, NULL, log.log), TA_ERR_DAMAGED);
    capture_expect_error(&log, "shorter than it should be");
    char *missing[] = {"a", "nosuch"};
    assert_int_equal(ta_bytes_open(&b, missing, 2, NULL, 0, NULL, log.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&log, "nosuch: there is no such file");
    capture_release(&log);
}

// A file that shrinks while it is read is an error, not the end.
static void test_shrinks(void **state)
{
    (void)state;
    write_file("a", "0123456789");
    write_file("c", "abcdef");
    char *files[] = {"a", "c"}, text[32];
    struct ta_bytes *b;
    assert_int_equal(ta_bytes_open(&b, files, 2, NULL, 0, NULL, NULL), 0);
    assert_int_equal(truncate("c", 2), 0);
    assert_int_equal(ta_bytes_read_at(b, 10, text, 8), 2);
    assert_int_equal(ta_bytes_read_at(b, 12, text, 8), AVERROR(EIO));
    ta_bytes_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_and_split), cmocka_unit_test(test_titles), cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_series),         cmocka_unit_test(test_bytes),  cmocka_unit_test(test_shrinks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
