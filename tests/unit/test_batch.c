// Which inputs a call has and what its outputs are called.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "cli/batch.h"
#include "media/parts/name.h"

#include "capture.h"

static char *here; // where the test started
static char folder[] = "/tmp/ta-batch-XXXXXX";

static void touch(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    here = getcwd(NULL, 0);
    if (!here || !mkdtemp(folder) || chdir(folder))
        return -1;
    static const char *const folders[] = {"tapes",
                                          "tapes/1991",
                                          "tapes/1991/deep",
                                          "tapes/x.mp4.terminalai",
                                          "empty",
                                          "out",
                                          "kinds",
                                          "series",
                                          "p",
                                          "p/x",
                                          "q",
                                          "q/x"};
    static const char *const files[] = {
        "tapes/b.avi",
        "tapes/a.MPG",
        "tapes/notes.txt",
        "tapes/a.restored.mp4",
        "tapes/.hidden.avi",
        "tapes/1991/c.vob",
        "tapes/1991/b.avi",
        "tapes/1991/deep/d.dv",
        "tapes/x.mp4.terminalai/seg.nut",
        "same.avi",
        "same.mov",
        "one.avi",
        "p/x/b.avi",
        "q/x/b.avi",
        "kinds/a.vro",
        "kinds/b.DAT",
        "kinds/c.tp",
        "kinds/d.trp",
        "kinds/e.nuv",
        "kinds/f.tod",
        "kinds/g.mod",
        "kinds/h.sub",
        "series/cap_1.avi",
        "series/cap_2.avi",
        "series/cap_3.avi",
        "series/cap_5.avi",
    };
    for (size_t i = 0; i < TA_COUNT(folders); i++)
        if (mkdir(folders[i], 0777))
            return -1;
    for (size_t i = 0; i < TA_COUNT(files); i++)
        touch(files[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char *command = ta_xprintf("rm -rf '%s'", folder);
    int failed = chdir(here) || system(command);
    free(command);
    free(here);
    return failed;
}

// Collects for operands joined by spaces; the result as "INPUT>OUTPUT" joined by spaces ("-" for the default
// output).
static int collect(const char *operands, const char *output, bool recursive, char **result,
                   struct capture *log)
{
    char *copy = ta_xstrdup(operands), *words[8], *at = copy, *word;
    int count = 0;
    while ((word = strsep(&at, " ")))
        words[count++] = word;
    struct ta_batch_wish wish = {.output = output, .extension = "mp4", .recursive = recursive};
    struct ta_batch batch;
    int err = ta_batch_collect(&batch, words, count, &wish, log->log);
    struct ta_buf text = {0};
    for (int i = 0; i < batch.count; i++)
        ta_buf_printf(&text, "%s%s>%s", i ? " " : "", batch.items[i].input,
                      batch.items[i].output ? batch.items[i].output : "default");
    *result = ta_buf_take(&text);
    ta_batch_release(&batch);
    free(copy);
    return err;
}

static void test_collect(void **state)
{
    (void)state;
    static const struct {
        const char *operands, *output;
        bool recursive;
        const char *result;
    } cases[] = {
        {"one.avi", NULL, false, "one.avi>default"},
        {"nosuch.avi", NULL, false, "nosuch.avi>default"},
        {"one.avi", "x.mkv", false, "one.avi>x.mkv"},
        {"one.avi", "-", false, "one.avi>-"},
        {"one.avi", "out", false, "one.avi>out/one.restored.mp4"},
        {"one.avi", "out/", false, "one.avi>out/one.restored.mp4"},
        {"one.avi", "new/", false, "one.avi>new/one.restored.mp4"},
        {"one.avi tapes/b.avi", NULL, false, "one.avi>one.restored.mp4 tapes/b.avi>tapes/b.restored.mp4"},
        {"./one.avi same.avi", NULL, false, "./one.avi>./one.restored.mp4 same.avi>same.restored.mp4"},
        {"tapes", NULL, false, "tapes/a.MPG>tapes/a.restored.mp4 tapes/b.avi>tapes/b.restored.mp4"},
        {"tapes", "new2", false, "tapes/a.MPG>new2/a.restored.mp4 tapes/b.avi>new2/b.restored.mp4"},
        {"tapes", "out", true,
         "tapes/1991/b.avi>out/1991/b.restored.mp4 tapes/1991/c.vob>out/1991/c.restored.mp4 "
         "tapes/1991/deep/d.dv>out/1991/deep/d.restored.mp4 tapes/a.MPG>out/a.restored.mp4 "
         "tapes/b.avi>out/b.restored.mp4"},
        {"same.avi same.mov one.avi", NULL, false,
         "same.avi>same.avi.restored.mp4 same.mov>same.mov.restored.mp4 one.avi>one.restored.mp4"},
        {"tapes/b.avi tapes/1991/b.avi", "out", false,
         "tapes/b.avi>out/tapes.b.avi.restored.mp4 tapes/1991/b.avi>out/1991.b.avi.restored.mp4"},
        {"kinds", NULL, false,
         "kinds/a.vro>kinds/a.restored.mp4 kinds/b.DAT>kinds/b.restored.mp4 kinds/c.tp>kinds/c.restored.mp4 "
         "kinds/d.trp>kinds/d.restored.mp4 kinds/e.nuv>kinds/e.restored.mp4 kinds/f.tod>kinds/f.restored.mp4 "
         "kinds/g.mod>kinds/g.restored.mp4"},
        {"one.avi tapes/1991", "out", false,
         "one.avi>out/one.restored.mp4 tapes/1991/b.avi>out/b.restored.mp4 tapes/1991/c.vob>out/c.restored.mp4"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct capture log;
        char *result;
        capture_init(&log);
        int err = collect(cases[i].operands, cases[i].output, cases[i].recursive, &result, &log);
        if (err)
            fail_msg("%s: %s", cases[i].operands, ta_buf_text(&log.text));
        assert_string_equal(result, cases[i].result);
        free(result);
        capture_release(&log);
    }
    struct stat st;
    assert_int_equal(stat("new2", &st), 0);
    assert_int_equal(stat("out/1991/deep", &st), 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *operands, *output;
        int err;
        const char *message;
    } cases[] = {
        {"one.avi same.avi", "one.avi", TA_ERR_USAGE, "one.avi: is a file"},
        {"one.avi same.avi", "-", TA_ERR_USAGE, "one input only"},
        {"tapes", "-", TA_ERR_USAGE, "one input only"},
        {"one.avi same.avi", "new.mp4", TA_ERR_USAGE, "--join if they are one film"},
        {"tapes", "new.mkv", TA_ERR_USAGE, "--join if they are one film"},
        {"one.avi one.avi", NULL, TA_ERR_USAGE, "one.avi: is given twice"},
        {"p/x/b.avi q/x/b.avi", "out", TA_ERR_USAGE, "would both become out/x.b.avi.restored.mp4"},
        {"one.avi same.avi", "no/such/folder", TA_ERR_NOT_FOUND, "no/such/folder"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct capture log;
        char *result;
        capture_init(&log);
        assert_int_equal(collect(cases[i].operands, cases[i].output, false, &result, &log), cases[i].err);
        capture_expect_error(&log, cases[i].message);
        free(result);
        capture_release(&log);
    }
}

static void test_join(void **state)
{
    (void)state;
    static const struct {
        const char *operands[4], *output, *result;
    } cases[] = {
        {{"one.avi", "same.avi"}, "x.mp4", "one.avi" TA_NAME_PLUS "same.avi>x.mp4"},
        {{"tapes/b.avi", "tapes/a.MPG"}, NULL, "tapes/b.avi" TA_NAME_PLUS "a.MPG>default"},
        {{"tapes/b.avi", "same.avi"}, "out/", "tapes/b.avi" TA_NAME_PLUS "./same.avi>out/b.restored.mp4"},
        {{"series"},
         "-",
         "series/cap_1.avi" TA_NAME_PLUS "cap_2.avi" TA_NAME_PLUS "cap_3.avi" TA_NAME_PLUS "cap_5.avi>-"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct capture log;
        struct ta_batch batch;
        struct ta_batch_wish wish = {.output = cases[i].output, .extension = "mp4", .join = true};
        int count = 0;
        while (cases[i].operands[count])
            count++;
        capture_init(&log);
        assert_int_equal(ta_batch_collect(&batch, (char *const *)cases[i].operands, count, &wish, log.log),
                         0);
        assert_int_equal(batch.count, 1);
        char *result = ta_xprintf("%s>%s", batch.items[0].input,
                                  batch.items[0].output ? batch.items[0].output : "default");
        assert_string_equal(result, cases[i].result);
        free(result);
        ta_batch_release(&batch);
        capture_release(&log);
    }
    struct capture log;
    struct ta_batch batch;
    struct ta_batch_wish wish = {.extension = "mp4", .join = true};
    char *one[] = {"one.avi"};
    capture_init(&log);
    assert_int_equal(ta_batch_collect(&batch, one, 1, &wish, log.log), TA_ERR_USAGE);
    capture_expect_error(&log, "give two or more");
    capture_release(&log);
}

static void test_left_out(void **state)
{
    (void)state;
    struct capture log;
    char *result;
    FILE *f = fopen("kinds/b.DAT", "w");
    assert_non_null(f);
    fputs("settings of some program", f);
    fclose(f);
    capture_init(&log);
    assert_int_equal(collect("tapes kinds", NULL, false, &result, &log), 0);
    assert_null(strstr(result, "b.DAT"));
    free(result);
    static const char *const said[] = {
        "tapes: left out: notes.txt; 1 output of earlier calls; 1 folder (--recursive looks into them)",
        "kinds: left out: b.DAT, h.sub"};
    for (size_t i = 0; i < TA_COUNT(said); i++)
        if (!strstr(ta_buf_text(&log.text), said[i]))
            fail_msg("\"%s\" is not in: %s", said[i], ta_buf_text(&log.text));
    capture_release(&log);
}

static void test_series(void **state)
{
    (void)state;
    char *series = ta_batch_series("series/cap_1.avi");
    assert_string_equal(series, "series/cap_1.avi" TA_NAME_PLUS "cap_2.avi" TA_NAME_PLUS "cap_3.avi");
    free(series);
    assert_null(ta_batch_series("series/cap_3.avi"));
    assert_null(ta_batch_series("one.avi"));
    assert_null(ta_batch_series("nosuch/cap_1.avi"));
}

static void test_empty(void **state)
{
    (void)state;
    char *words[] = {"empty", "one.avi"};
    struct ta_batch_wish wish = {.extension = "mp4"};
    struct ta_batch batch;
    struct capture log;
    capture_init(&log);
    assert_int_equal(ta_batch_collect(&batch, words, 2, &wish, log.log), 0);
    assert_int_equal(batch.empty_folders, 1);
    assert_int_equal(batch.count, 1);
    capture_expect_error(&log, "empty: no video files");
    ta_batch_release(&batch);
    capture_release(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect),  cmocka_unit_test(test_refused), cmocka_unit_test(test_join),
        cmocka_unit_test(test_left_out), cmocka_unit_test(test_series),  cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
