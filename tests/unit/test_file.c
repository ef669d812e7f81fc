#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "base/mem.h"

#include "capture.h"

struct fixture {
    struct capture c;
    char dir[PATH_MAX]; // fresh and resolved
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char pattern[] = "/tmp/ta-file-XXXXXX";
    if (!f || !mkdtemp(pattern) || !realpath(pattern, f->dir))
        return -1;
    capture_init(&f->c);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    capture_release(&f->c);
    chmod(f->dir, 0700);
    char *command = ta_xprintf("rm -rf '%s'", f->dir);
    int ret = system(command);
    free(command);
    free(f);
    return ret;
}

// Joined to the fixture's folder; a few live at a time.
static const char *in_dir(struct fixture *f, const char *name)
{
    static char paths[32][PATH_MAX + 300];
    static int next;
    char *path = paths[next++ % 32];
    snprintf(path, sizeof(paths[0]), "%s/%s", f->dir, name);
    return path;
}

static void expect_content(const char *path, const char *content)
{
    struct ta_buf b = {0};
    assert_int_equal(ta_file_read(path, 1000, &b, NULL), 0);
    assert_string_equal(ta_buf_text(&b), content);
    ta_buf_release(&b);
}

static void expect_names(struct fixture *f, int expected_count, const char *const *expected)
{
    char **names;
    int count = ta_dir_list(f->dir, &names, f->c.log);
    assert_int_equal(count, expected_count);
    for (int i = 0; i < count; i++)
        assert_string_equal(names[i], expected[i]);
    ta_dir_list_free(&names);
    assert_null(names);
}

static void test_errno_map(void **state)
{
    (void)state;
    static const struct {
        int errnum, err;
    } cases[] = {
        {ENOENT, TA_ERR_NOT_FOUND},
        {ENOTDIR, TA_ERR_NOT_FOUND},
        {EEXIST, TA_ERR_EXISTS},
        {EACCES, TA_ERR_ACCESS},
        {EPERM, TA_ERR_ACCESS},
        {EROFS, TA_ERR_ACCESS},
        {ENOSPC, TA_ERR_NO_SPACE},
        {EDQUOT, TA_ERR_NO_SPACE},
        {EFBIG, TA_ERR_NO_SPACE},
        {ENOMEM, TA_ERR_NOMEM},
        {EIO, TA_ERR_IO},
        {EBUSY, TA_ERR_BUSY},
        {EAGAIN, TA_ERR_BUSY},
        {EINVAL, TA_ERR_INVALID},
        {ENOSYS, TA_ERR_UNSUPPORTED},
        {0, TA_ERR_IO},
        {99999, TA_ERR_IO},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++)
        if (ta_error_from_errno(cases[i].errnum) != cases[i].err)
            fail_msg("errno %d gives %d", cases[i].errnum, ta_error_from_errno(cases[i].errnum));
    for (int errnum = -5; errnum < 200; errnum++)
        assert_true(ta_error_from_errno(errnum) < 0);
}

static void test_path_parts(void **state)
{
    (void)state;
    static const struct {
        const char *path, *dir, *name, *stem, *extension;
    } cases[] = {
        {"a/b.c.avi", "a", "b.c.avi", "b.c", "avi"},
        {"x", ".", "x", "x", ""},
        {"", ".", "", "", ""},
        {"/x", "/", "x", "x", ""},
        {"/", "/", "", "", ""},
        {"a//b", "a", "b", "b", ""},
        {"//b", "/", "b", "b", ""},
        {"a/b/", "a/b", "", "", ""},
        {"a.b/c", "a.b", "c", "c", ""},
        {".hidden", ".", ".hidden", ".hidden", ""},
        {"d/.hidden.avi", "d", ".hidden.avi", ".hidden", "avi"},
        {"..avi", ".", "..avi", "..avi", ""},
        {"tape.", ".", "tape.", "tape", ""},
        {"tape..", ".", "tape..", "tape.", ""},
        {"..", ".", "..", "..", ""},
        {".", ".", ".", ".", ""},
        {"tape.tar.gz", ".", "tape.tar.gz", "tape.tar", "gz"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *dir = ta_path_dir(cases[i].path), *stem = ta_path_stem(cases[i].path);
        const char *name = ta_path_name(cases[i].path), *extension = ta_path_extension(cases[i].path);
        if (strcmp(dir, cases[i].dir) || strcmp(stem, cases[i].stem) || strcmp(name, cases[i].name) ||
            strcmp(extension, cases[i].extension))
            fail_msg("\"%s\": dir %s, name %s, stem %s, extension %s", cases[i].path, dir, name, stem,
                     extension);
        free(dir);
        free(stem);
    }
}

static void test_path_join(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"},
        {"", "b", "b"},    {"a", "/b", "/b"},  {".", "b", "./b"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *joined = ta_path_join(cases[i][0], cases[i][1]);
        assert_string_equal(joined, cases[i][2]);
        free(joined);
    }
}

static void test_path_absolute(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(in_dir(f, "real"), 0700), 0);
    assert_int_equal(mkdir(in_dir(f, "real/sub"), 0700), 0);
    assert_int_equal(symlink("real/sub", in_dir(f, "link")), 0);
    assert_int_equal(symlink("nowhere", in_dir(f, "dangling")), 0);
    char *old = getcwd(NULL, 0);
    assert_int_equal(chdir(f->dir), 0);
    static const char *const cases[][2] = {
        {"", ""},
        {".", ""},
        {"real", "/real"},
        {"./real/./sub/", "/real/sub"},
        {"real//sub", "/real/sub"},
        {"real/sub/..", "/real"},
        {"link", "/real/sub"},
        {"link/..", "/real"}, // where the link leads, not where it lies
        {"link/new/../out.mkv", "/real/sub/out.mkv"},
        {"new/x/../../y", "/y"},
        {"dangling", "/dangling"},
        {"dangling/x", "/dangling/x"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *expected = ta_xprintf("%s%s", f->dir, cases[i][1]);
        char *path = ta_path_absolute(cases[i][0]);
        assert_string_equal(path, expected);
        free(path);
        char *from_root = ta_path_join(f->dir, cases[i][0]);
        path = ta_path_absolute(from_root);
        assert_string_equal(path, expected);
        free(path);
        free(from_root);
        free(expected);
    }
    static const char *const roots[] = {"/", "//", "/..", "/../..", "/."};
    for (size_t i = 0; i < TA_COUNT(roots); i++) {
        char *path = ta_path_absolute(roots[i]);
        assert_string_equal(path, "/");
        free(path);
    }
    assert_int_equal(chdir(old), 0);
    free(old);
}

static void test_same_file(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ta_file_write_atomic(in_dir(f, "a"), "1", 1, f->c.log), 0);
    assert_int_equal(ta_file_write_atomic(in_dir(f, "b"), "1", 1, f->c.log), 0);
    assert_int_equal(link(in_dir(f, "a"), in_dir(f, "hard")), 0);
    assert_int_equal(symlink("a", in_dir(f, "soft")), 0);
    assert_true(ta_path_same_file(in_dir(f, "a"), in_dir(f, "a")));
    assert_true(ta_path_same_file(in_dir(f, "a"), in_dir(f, "hard")));
    assert_true(ta_path_same_file(in_dir(f, "soft"), in_dir(f, "a")));
    assert_false(ta_path_same_file(in_dir(f, "a"), in_dir(f, "b")));
    assert_false(ta_path_same_file(in_dir(f, "a"), in_dir(f, "missing")));
    assert_false(ta_path_same_file(in_dir(f, "missing"), in_dir(f, "missing")));
}

static void test_read(void **state)
{
    struct fixture *f = *state;
    size_t size = 200001; // several blocks
    char *data = ta_xcalloc(size, 1);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)i; // with NUL bytes
    const char *path = in_dir(f, "data");
    assert_int_equal(ta_file_write_atomic(path, data, size, f->c.log), 0);
    struct ta_buf b = {0};
    ta_buf_puts(&b, "old");
    assert_int_equal(ta_file_read(path, size, &b, f->c.log), 0);
    assert_int_equal(b.size, size);
    assert_memory_equal(b.data, data, size);
    capture_expect(&f->c, "");
    assert_int_equal(ta_file_read(path, size - 1, &b, f->c.log), TA_ERR_INVALID);
    assert_int_equal(b.size, 0);
    capture_expect_error(&f->c, "data: larger than the limit of 200000 bytes");
    assert_int_equal(ta_file_read(in_dir(f, "missing"), 10, &b, f->c.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&f->c, "missing: can't open: No such file or directory");
    assert_int_equal(ta_file_read(f->dir, 10, &b, f->c.log), TA_ERR_IO);
    capture_expect_error(&f->c, "can't read: Is a directory");
    assert_int_equal(ta_file_write_atomic(path, "", 0, f->c.log), 0);
    assert_int_equal(ta_file_read(path, 0, &b, f->c.log), 0);
    assert_int_equal(b.size, 0);
    ta_buf_release(&b);
    free(data);
}

static void test_write_atomic(void **state)
{
    struct fixture *f = *state;
    mode_t mask = umask(027);
    const char *path = in_dir(f, "file");
    assert_int_equal(ta_file_write_atomic(path, "first", 5, f->c.log), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640); // by the umask, as any new file
    umask(mask);
    expect_content(path, "first");
    assert_int_equal(ta_file_write_atomic(path, "second", 6, f->c.log), 0);
    expect_content(path, "second");
    char longest[NAME_MAX + 1];
    memset(longest, 'n', NAME_MAX);
    longest[NAME_MAX] = '\0';
    assert_int_equal(ta_file_write_atomic(in_dir(f, longest), "x", 1, f->c.log), 0);
    expect_names(f, 2, (const char *const[]){"file", longest});
    // A relative name without a folder.
    char *old = getcwd(NULL, 0);
    assert_int_equal(chdir(f->dir), 0);
    assert_int_equal(ta_file_write_atomic("file", "third", 5, f->c.log), 0);
    expect_content("file", "third");
    assert_int_equal(chdir(old), 0);
    free(old);
    capture_expect(&f->c, "");
}

static void test_write_atomic_fails(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ta_file_write_atomic(in_dir(f, "missing/file"), "x", 1, f->c.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&f->c, "missing/file: can't create: No such file or directory");
    // A folder has the name: only the rename fails.
    assert_int_equal(mkdir(in_dir(f, "folder"), 0700), 0);
    assert_true(ta_file_write_atomic(in_dir(f, "folder"), "x", 1, f->c.log) < 0);
    capture_expect_error(&f->c, "folder: can't write: Is a directory");
    expect_names(f, 1, (const char *const[]){"folder"});
}

// Runs `run` in a child process and passes its messages on, since limits and user ids can't be taken back.
static void in_child(struct fixture *f, void (*run)(struct fixture *f))
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        close(pipes[0]);
        run(f);
        ssize_t n = write(pipes[1], ta_buf_text(&f->c.text), f->c.text.size);
        _exit(n == (ssize_t)f->c.text.size ? 0 : 1);
    }
    close(pipes[1]);
    char block[1000];
    ssize_t n;
    while ((n = read(pipes[0], block, sizeof(block))) > 0)
        ta_buf_append(&f->c.text, block, (size_t)n);
    close(pipes[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define LIMIT 1000

static void limit_file_size(void)
{
    signal(SIGXFSZ, SIG_IGN); // writes then fail with EFBIG
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){LIMIT, LIMIT});
}

static void write_too_much(struct fixture *f)
{
    static char data[LIMIT + 1];
    limit_file_size();
    if (ta_file_write_atomic(in_dir(f, "file"), data, sizeof(data), f->c.log) != TA_ERR_NO_SPACE)
        _exit(2);
}

static void append_too_much(struct fixture *f)
{
    static char data[LIMIT + 1];
    limit_file_size();
    // Part of it fits, and must not stay.
    if (ta_file_append_sync(in_dir(f, "file"), data, sizeof(data), f->c.log) != TA_ERR_NO_SPACE)
        _exit(2);
    if (ta_file_append_sync(in_dir(f, "file"), " more", 5, f->c.log) != 0)
        _exit(3);
}

static void test_no_space(void **state)
{
    struct fixture *f = *state;
    in_child(f, write_too_much);
    capture_expect_error(&f->c, "file: can't write: no file may have more than 1000 bytes here (ulimit -f)");
    expect_names(f, 0, NULL);
    assert_int_equal(ta_file_write_atomic(in_dir(f, "file"), "old", 3, f->c.log), 0);
    in_child(f, write_too_much);
    capture_expect_error(&f->c, "file: can't write: no file may have more than 1000 bytes here (ulimit -f)");
    expect_names(f, 1, (const char *const[]){"file"});
    expect_content(in_dir(f, "file"), "old");
    in_child(f, append_too_much);
    capture_expect_error(&f->c, "file: can't append: ");
    expect_content(in_dir(f, "file"), "old more");

    if (access("/dev/full", W_OK))
        return;
    assert_int_equal(ta_file_append_sync("/dev/full", "x", 1, f->c.log), TA_ERR_NO_SPACE);
    capture_expect(&f->c, "error terminalai: /dev/full: can't append: No space left on device\n");
}

// Root may write anywhere: become somebody else.
static void drop_privileges(void)
{
    if (!geteuid() && (setgid(65534) || setuid(65534)))
        _exit(2);
}

static void write_without_permission(struct fixture *f)
{
    drop_privileges();
    if (ta_file_write_atomic(in_dir(f, "file"), "new", 3, f->c.log) != TA_ERR_ACCESS)
        _exit(3);
}

static void other_calls_without_permission(struct fixture *f)
{
    drop_privileges();
    if (ta_dir_create(in_dir(f, "folder"), f->c.log) != TA_ERR_ACCESS)
        _exit(3);
    if (ta_file_append_sync(in_dir(f, "file"), "new", 3, f->c.log) != TA_ERR_ACCESS)
        _exit(4);
}

static void test_read_only_folder(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ta_file_write_atomic(in_dir(f, "file"), "old", 3, f->c.log), 0);
    assert_int_equal(chmod(in_dir(f, "file"), 0444), 0);
    assert_int_equal(chmod(f->dir, 0555), 0);
    in_child(f, write_without_permission);
    capture_expect_error(&f->c, "file: can't create: Permission denied");
    in_child(f, other_calls_without_permission);
    char *expected = ta_xprintf("error terminalai: %s/folder: can't create the folder: Permission denied\n"
                                "error terminalai: %s/file: can't open: Permission denied\n",
                                f->dir, f->dir);
    capture_expect(&f->c, expected);
    free(expected);
    expect_names(f, 1, (const char *const[]){"file"});
    expect_content(in_dir(f, "file"), "old");
}

static void test_commit(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ta_file_write_atomic(in_dir(f, "x.part"), "new", 3, f->c.log), 0);
    assert_int_equal(ta_file_write_atomic(in_dir(f, "x"), "old", 3, f->c.log), 0);
    assert_int_equal(ta_file_commit(in_dir(f, "x.part"), in_dir(f, "x"), f->c.log), 0);
    expect_names(f, 1, (const char *const[]){"x"});
    expect_content(in_dir(f, "x"), "new");
    capture_expect(&f->c, "");
    assert_int_equal(ta_file_commit(in_dir(f, "x.part"), in_dir(f, "x"), f->c.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&f->c, "x.part: can't open: No such file or directory");
    assert_int_equal(ta_file_commit(in_dir(f, "x"), in_dir(f, "no/x"), f->c.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&f->c, "no/x: No such file or directory");
    expect_content(in_dir(f, "x"), "new");
    assert_int_equal(ta_file_sync_dir(in_dir(f, "no"), f->c.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&f->c, "no: can't open the folder: No such file or directory");
}

static void test_append(void **state)
{
    struct fixture *f = *state;
    const char *path = in_dir(f, "journal");
    assert_int_equal(ta_file_append_sync(path, "one\n", 4, f->c.log), 0);
    assert_int_equal(ta_file_append_sync(path, "", 0, f->c.log), 0);
    assert_int_equal(ta_file_append_sync(path, "two\n", 4, f->c.log), 0);
    expect_content(path, "one\ntwo\n");
    capture_expect(&f->c, "");
    assert_int_equal(ta_file_append_sync(in_dir(f, "no/journal"), "x", 1, f->c.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&f->c, "no/journal: can't open: No such file or directory");
}

static void test_folders(void **state)
{
    struct fixture *f = *state;
    const char *path = in_dir(f, "work");
    assert_int_equal(ta_dir_create(path, f->c.log), 0);
    assert_int_equal(ta_dir_create(path, f->c.log), 0);
    assert_int_equal(symlink("work", in_dir(f, "link")), 0);
    assert_int_equal(ta_dir_create(in_dir(f, "link"), f->c.log), 0);
    capture_expect(&f->c, "");
    assert_int_equal(ta_file_write_atomic(in_dir(f, "file"), "x", 1, f->c.log), 0);
    assert_int_equal(ta_dir_create(in_dir(f, "file"), f->c.log), TA_ERR_EXISTS);
    capture_expect_error(&f->c, "file: can't create the folder: something else has this name");
    assert_int_equal(ta_dir_create(in_dir(f, "no/work"), f->c.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&f->c, "no/work: can't create the folder: No such file or directory");

    // Removal: files and links, but no sub-folders, and never through a link.
    assert_int_equal(ta_file_write_atomic(in_dir(f, "work/b"), "x", 1, f->c.log), 0);
    assert_int_equal(symlink("../file", in_dir(f, "work/a")), 0);
    assert_int_equal(mkdir(in_dir(f, "work/sub"), 0700), 0);
    assert_int_equal(ta_dir_remove(path, f->c.log), TA_ERR_EXISTS);
    capture_expect_error(&f->c, "work: can't remove the folder: it holds the folder \"sub\"");
    expect_content(in_dir(f, "work/b"), "x");
    assert_int_equal(rmdir(in_dir(f, "work/sub")), 0);
    assert_int_equal(ta_dir_remove(in_dir(f, "link"), f->c.log), TA_ERR_INVALID);
    capture_expect_error(&f->c, "link: can't remove the folder: not a folder");
    assert_int_equal(ta_dir_remove(in_dir(f, "file"), f->c.log), TA_ERR_INVALID);
    capture_expect_error(&f->c, "file: can't remove the folder: not a folder");
    assert_int_equal(ta_dir_remove(path, f->c.log), 0);
    assert_int_equal(ta_dir_remove(path, f->c.log), 0);
    capture_expect(&f->c, "");

    // With all that is in it, but not what links in it lead to.
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(in_dir(f, "work/sub"), 0700), 0);
    assert_int_equal(ta_file_write_atomic(in_dir(f, "work/sub/b"), "x", 1, f->c.log), 0);
    assert_int_equal(symlink("../../file", in_dir(f, "work/sub/a")), 0);
    assert_int_equal(symlink("..", in_dir(f, "work/up")), 0);
    ta_dir_remove_all(path);
    ta_dir_remove_all(path); // nothing is there
    expect_names(f, 2, (const char *const[]){"file", "link"});
    expect_content(in_dir(f, "file"), "x");
}

static void test_list(void **state)
{
    struct fixture *f = *state;
    expect_names(f, 0, NULL);
    static const char *const names[] = {"a b", "b", ".z", "B", "a"};
    for (size_t i = 0; i < TA_COUNT(names); i++)
        assert_int_equal(ta_file_write_atomic(in_dir(f, names[i]), "", 0, f->c.log), 0);
    expect_names(f, 5, (const char *const[]){".z", "B", "a", "a b", "b"});
    char **list = (char **)1;
    assert_int_equal(ta_dir_list(in_dir(f, "no"), &list, f->c.log), TA_ERR_NOT_FOUND);
    assert_null(list);
    capture_expect_error(&f->c, "no: can't list the folder: No such file or directory");
    ta_dir_list_free(&list);
}

static void test_disk_free(void **state)
{
    struct fixture *f = *state;
    int64_t here = ta_disk_free_bytes(f->dir);
    assert_true(here > 0 && here < INT64_MAX);
    int64_t deep = ta_disk_free_bytes(in_dir(f, "not/yet/there"));
    assert_true(deep > 0 && deep < INT64_MAX);
    int64_t relative = ta_disk_free_bytes("not-there");
    assert_true(relative > 0 && relative < INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errno_map),
        cmocka_unit_test(test_path_parts),
        cmocka_unit_test(test_path_join),
        cmocka_unit_test_setup_teardown(test_path_absolute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_atomic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_atomic_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_only_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_append, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_free, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
