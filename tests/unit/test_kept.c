// What stays of things that can be made again: those that were used last.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/kept.h"

static void make(const char *dir, const char *name, size_t size, int used)
{
    char *path = ta_path_join(dir, name), *data = ta_xcalloc(size + 1, 1);
    struct timespec times[2] = {{1000, used}, {1000, used}}; // within one second
    assert_int_equal(ta_file_write_atomic(path, data, size, NULL), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(data);
    free(path);
}

// The names that are there, in the order of the alphabet.
static void assert_there(const char *dir, const char *wanted)
{
    char found[256] = "", **names;
    for (int i = 0, count = ta_dir_list(dir, &names, NULL); i < count; i++) {
        strcat(found, names[i]);
        strcat(found, " ");
    }
    ta_dir_list_free(&names);
    assert_string_equal(found, wanted);
}

static void test_bytes_and_count(void **state)
{
    (void)state;
    char dir[] = "/tmp/ta-kept-XXXXXX";
    assert_non_null(mkdtemp(dir));
    make(dir, "a", 100, 5);
    make(dir, "b", 100, 1);
    make(dir, "c", 100, 3);
    make(dir, "d", 100, 2);
    ta_kept_prune(dir, 400, 4, 0); // all have room
    assert_there(dir, "a b c d ");
    ta_kept_prune(dir, 399, 4, 0); // the one that was used first goes
    assert_there(dir, "a c d ");
    make(dir, "d", 100, 9); // looked at again
    ta_kept_prune(dir, 200, 4, 0);
    assert_there(dir, "a d ");
    ta_kept_prune(dir, 1000, 1, 0);
    assert_there(dir, "d ");
    make(dir, "e", 5000, 10); // larger than all that may be kept
    ta_kept_prune(dir, 1000, 10, 0);
    assert_there(dir, "");
    ta_kept_prune(dir, 0, 0, 0);
    ta_kept_prune("/nowhere", 0, 0, 0);
    ta_dir_remove(dir, NULL);
}

// Whatever its size, what is older than a month goes; and none where age does not count.
static void test_age(void **state)
{
    (void)state;
    enum { DAY = 86400 };
    char dir[] = "/tmp/ta-kept-XXXXXX";
    static const struct {
        const char *name;
        int days;
    } files[] = {{"new", 0}, {"of-29", 29}, {"of-31", 31}, {"of-400", 400}};
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < TA_COUNT(files); i++) {
        char *path = ta_path_join(dir, files[i].name);
        make(dir, files[i].name, 10, 0);
        struct timespec times[2] = {{time(NULL) - files[i].days * DAY, 0}};
        times[1] = times[0];
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
        free(path);
    }
    ta_kept_prune(dir, 1000, 10, 0);
    assert_there(dir, "new of-29 of-31 of-400 ");
    ta_kept_prune(dir, 1000, 10, 30);
    assert_there(dir, "new of-29 ");
    ta_kept_prune(dir, 1000, 1, 30);
    assert_there(dir, "new ");
    ta_dir_remove(dir, NULL);
}

static void test_folders(void **state)
{
    (void)state;
    char dir[] = "/tmp/ta-kept-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *inner = ta_path_join(dir, "work");
    assert_int_equal(mkdir(inner, 0700), 0);
    make(inner, "x", 10, 1);
    struct timespec times[2] = {{500, 0}, {500, 0}};
    assert_int_equal(utimensat(AT_FDCWD, inner, times, 0), 0);
    make(dir, "a", 100, 5);
    ta_kept_prune(dir, 100, 2, 0);
    assert_there(dir, "a work ");
    ta_kept_prune(dir, 100, 1, 0);
    assert_there(dir, "a ");
    free(inner);
    ta_dir_remove(dir, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes_and_count), cmocka_unit_test(test_age),
                                       cmocka_unit_test(test_folders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
