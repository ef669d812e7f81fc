// What a boxed child can and can't do: each is tried in a process of its own.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "jobs/box_job.h"

struct place {
    char dir[64];
    char *tape, *other, *out, *elsewhere; // files of two folders that may be read, of one that may be written
};

static char *make_file(const char *dir, const char *name)
{
    char *folder = ta_path_join(dir, name), *path;
    assert_int_equal(mkdir(folder, 0700), 0);
    path = ta_path_join(folder, "file");
    assert_int_equal(ta_file_write_atomic(path, "x", 1, NULL), 0);
    free(folder);
    return path;
}

static int setup(void **state)
{
    struct place *p = ta_xcalloc(1, sizeof(*p));
    strcpy(p->dir, "/tmp/ta-box-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    p->tape = make_file(p->dir, "tapes");
    p->other = make_file(p->dir, "others");
    p->out = make_file(p->dir, "out");
    p->elsewhere = make_file(p->dir, "elsewhere");
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    ta_dir_remove_all(p->dir);
    free(p->tape);
    free(p->other);
    free(p->out);
    free(p->elsewhere);
    free(p);
    return 0;
}

// What the child finds out: bits of what went well.
enum {
    READS_TAPE = 1 << 0,
    READS_OTHER = 1 << 1,
    READS_OUT = 1 << 2,
    WRITES_OUT = 1 << 3,
    RENAMES_OUT = 1 << 4,
    WRITES_TAPE = 1 << 5,
    REMOVES_TAPE = 1 << 6,
    WRITES_ELSEWHERE = 1 << 7,
    SOCKET_INET = 1 << 8,
    SOCKET_UNIX = 1 << 9,
    RUNS_PROGRAMS = 1 << 10,
    TRACES = 1 << 11,
    SIGNALS_PARENT = 1 << 12,
    LEAVES_CORE = 1 << 13,
    GAINS = 1 << 14,
    WRITES_NULL = 1 << 15,
    READS_PASSWORDS = 1 << 16,
    SOCKET_PAIR = 1 << 17,
    NAMES_ELSEWHERE = 1 << 18, // moves a file of its own there
    REPLACES_ELSEWHERE = 1 << 19,
    READS_ELSEWHERE = 1 << 20,
    REMOVES_ELSEWHERE = 1 << 21,
};

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool can_socket(int domain)
{
    int fd = socket(domain, SOCK_STREAM, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool runs(const char *program)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        execl(program, program, (char *)NULL);
        _exit(126);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// With files that it has made itself.
static bool moves(const char *made, const char *to, unsigned flags)
{
    return opens(made, O_WRONLY | O_CREAT) &&
           syscall(SYS_renameat2, AT_FDCWD, made, AT_FDCWD, to, flags) == 0;
}

static uint32_t find_out(const struct place *p)
{
    uint32_t can = 0;
    struct rlimit core;
    int pair[2];
    char *made = ta_xprintf("%s.made", p->out), *moved = ta_xprintf("%s.moved", p->out),
         *new_elsewhere = ta_xprintf("%s.made", p->elsewhere),
         *named_elsewhere = ta_xprintf("%s.named", p->elsewhere);
    enum { NOT_REPLACING = 1 };
    can |= opens(p->tape, O_RDONLY) ? READS_TAPE : 0;
    can |= opens(p->other, O_RDONLY) ? READS_OTHER : 0;
    can |= opens(p->out, O_RDONLY) ? READS_OUT : 0;
    can |= opens(made, O_WRONLY | O_CREAT | O_TRUNC) ? WRITES_OUT : 0;
    can |= rename(made, moved) == 0 ? RENAMES_OUT : 0;
    can |= moves(made, named_elsewhere, NOT_REPLACING) ? NAMES_ELSEWHERE : 0;
    can |= moves(made, named_elsewhere, 0) ? REPLACES_ELSEWHERE : 0;
    can |= opens(named_elsewhere, O_RDONLY) || opens(p->elsewhere, O_RDONLY) ? READS_ELSEWHERE : 0;
    can |= unlink(p->elsewhere) == 0 ? REMOVES_ELSEWHERE : 0;
    can |= opens(p->tape, O_WRONLY) ? WRITES_TAPE : 0;
    can |= unlink(p->tape) == 0 ? REMOVES_TAPE : 0;
    can |= opens(new_elsewhere, O_WRONLY | O_CREAT) ? WRITES_ELSEWHERE : 0;
    can |= can_socket(AF_INET) ? SOCKET_INET : 0;
    can |= can_socket(AF_UNIX) ? SOCKET_UNIX : 0;
    can |= socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? SOCKET_PAIR : 0;
    can |= runs("/bin/true") ? RUNS_PROGRAMS : 0;
    can |= syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0) == 0 ? TRACES : 0;
    can |= kill(getppid(), 0) == 0 ? SIGNALS_PARENT : 0;
    can |= getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max ? LEAVES_CORE : 0;
    can |= prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : GAINS;
    can |= opens("/dev/null", O_RDWR) ? WRITES_NULL : 0;
    can |= opens("/etc/passwd", O_RDONLY) ? READS_PASSWORDS : 0;
    free(made);
    free(moved);
    free(new_elsewhere);
    free(named_elsewhere);
    return can;
}

static uint32_t try_box(const struct place *p, const struct ta_box *box)
{
    struct ta_box_ready ready;
    int ends[2];
    uint32_t can = UINT32_MAX;
    assert_int_equal(pipe(ends), 0);
    ta_box_make(&ready, box, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (!ta_box_enter(&ready))
            _exit(1);
        can = find_out(p);
        ssize_t n = write(ends[1], &can, sizeof(can));
        _exit(n != sizeof(can));
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &can, sizeof(can)), sizeof(can));
    close(ends[0]);
    waitpid(pid, NULL, 0);
    ta_box_ready_release(&ready);
    return can;
}

static void need_kernel(void)
{
    if (*ta_box_gaps()) {
        fprintf(stderr, "%s\n", ta_box_gaps());
        skip();
    }
}

static void test_exactly_its_files(void **state)
{
    const struct place *p = *state;
    struct ta_box box = {0};
    char *out = ta_path_dir(p->out);
    need_kernel();
    ta_box_read(&box, p->tape);
    ta_box_write(&box, out);
    uint32_t can = try_box(p, &box),
             wanted = READS_TAPE | READS_OUT | WRITES_OUT | RENAMES_OUT | WRITES_NULL | SOCKET_PAIR;
    // Signals are kept within since Linux 6.12.
    assert_int_equal(can & ~(uint32_t)SIGNALS_PARENT, wanted);
    ta_box_release(&box);
    free(out);
}

// Where the output gets its name, nothing else is reached.
static void test_place_of_a_name(void **state)
{
    const struct place *p = *state;
    struct ta_box box = {0};
    char *out = ta_path_dir(p->out), *elsewhere = ta_path_dir(p->elsewhere);
    need_kernel();
    ta_box_read(&box, p->tape);
    ta_box_write(&box, out);
    ta_box_set_place(&box, elsewhere);
    uint32_t wanted = READS_TAPE | READS_OUT | WRITES_OUT | RENAMES_OUT | WRITES_NULL | SOCKET_PAIR |
                      NAMES_ELSEWHERE;
    assert_int_equal(try_box(p, &box) & ~(uint32_t)SIGNALS_PARENT, wanted);
    box.replaces = true;
    char *named = ta_xprintf("%s.named", p->elsewhere);
    assert_int_equal(unlink(named), 0);
    assert_int_equal(try_box(p, &box) & ~(uint32_t)SIGNALS_PARENT,
                     wanted | REPLACES_ELSEWHERE | REMOVES_ELSEWHERE);
    ta_box_release(&box);
    free(named);
    free(elsewhere);
    free(out);
}

static void test_devices(void **state)
{
    const struct place *p = *state;
    struct ta_box box = {.devices = true};
    need_kernel();
    ta_box_read(&box, p->dir);
    uint32_t can = try_box(p, &box);
    assert_int_equal(can, READS_TAPE | READS_OTHER | READS_OUT | READS_ELSEWHERE | SOCKET_UNIX | SOCKET_PAIR |
                              WRITES_NULL | READS_PASSWORDS | SIGNALS_PARENT);
    ta_box_release(&box);
}

static void test_downloads(void **state)
{
    const struct place *p = *state;
    struct ta_box box = {.network = true, .programs = true};
    char *out = ta_path_dir(p->out);
    need_kernel();
    ta_box_write(&box, out);
    uint32_t can = try_box(p, &box);
    assert_int_equal(can, READS_OUT | WRITES_OUT | RENAMES_OUT | SOCKET_INET | SOCKET_UNIX | SOCKET_PAIR |
                              WRITES_NULL | READS_PASSWORDS | SIGNALS_PARENT | RUNS_PROGRAMS);
    ta_box_release(&box);
    free(out);
}

// In a box of nothing, can the program be run?
static bool runs_boxed(const char *program)
{
    struct ta_box none = {0};
    struct ta_box_ready ready;
    int status = -1;
    ta_box_make(&ready, &none, NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(ta_box_enter(&ready) && runs(program) ? 0 : 1);
    waitpid(pid, &status, 0);
    ta_box_ready_release(&ready);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void copy_program(const char *to)
{
    struct ta_buf data = {0};
    assert_int_equal(ta_file_read("/bin/true", 16 << 20, &data, NULL), 0);
    assert_int_equal(ta_file_write_atomic(to, data.data, data.size, NULL), 0);
    assert_int_equal(chmod(to, 0700), 0);
    ta_buf_release(&data);
}

// A service goes on through an update of its program: workers are made of the new file.
static void test_replaced_program(void **state)
{
    const struct place *p = *state;
    char *program = ta_xprintf("%s.program", p->elsewhere);
    need_kernel();
    copy_program(program);
    assert_false(runs_boxed(program)); // it is not of this process
    int fd = open(program, O_RDONLY | O_CLOEXEC);
    void *map = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    assert_true(fd >= 0 && map != MAP_FAILED);
    close(fd);
    assert_true(runs_boxed(program));
    assert_int_equal(unlink(program), 0);
    copy_program(program);
    assert_true(runs_boxed(program));
    munmap(map, 1);
    free(program);
}

static void test_covers(void **state)
{
    (void)state;
    struct ta_box a = {0}, b = {0};
    assert_true(ta_box_covers(&a, &b));
    ta_box_read(&a, "/nowhere/tapes");
    ta_box_write(&a, "/nowhere/out");
    ta_box_read(&b, "/nowhere/tapes/one.avi");
    ta_box_read(&b, "/nowhere/out/two.avi"); // what it writes it reads
    assert_true(ta_box_covers(&a, &b));
    assert_false(ta_box_covers(&b, &a));
    ta_box_write(&b, "/nowhere/out/sub");
    assert_true(ta_box_covers(&a, &b));
    b.devices = true;
    assert_false(ta_box_covers(&a, &b));
    b.devices = false;
    ta_box_read(&b, "/nowhere/tapes2"); // another folder, whose name only begins so
    assert_false(ta_box_covers(&a, &b));
    ta_box_release(&a);
    ta_box_release(&b);
}

static bool has(char *const *list, int count, const char *path)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(list[i], path))
            return true;
    return false;
}

// The files of a job by its options; and what else of the folder it may not see.
static void test_box_of_a_job(void **state)
{
    const struct place *p = *state;
    struct ta_box box = {0};
    struct ta_box_rules rules = {0};
    char *output = ta_xprintf("%s/new.mp4", p->dir), *lut = ta_xprintf("%s", p->other),
         *work_dir = ta_path_dir(p->elsewhere);
    json_t *options = json_pack("{s:s, s:s}", "colour-lut", lut, "work-dir", work_dir);
    struct ta_box_work work = {p->tape, output, work_dir, options, true, false};
    setenv("XDG_CACHE_HOME", p->dir, 1);
    setenv("XDG_DATA_HOME", p->dir, 1); // no network is there
    ta_box_for_work(&box, &rules, &work);
    assert_true(has(box.reads, box.read_count, p->tape));
    assert_true(has(box.writes, box.write_count, p->dir)); // of the output
    assert_true(has(box.writes, box.write_count, work_dir));
    assert_false(box.devices || box.network || box.programs);
    ta_box_release(&box);
    // An encoder in hardware needs devices, and its worker may go on with others.
    json_object_set_new(options, "hardware", json_string("on"));
    const char *roots[] = {p->dir};
    rules.roots = roots;
    rules.root_count = 1;
    ta_box_for_work(&box, &rules, &work);
    assert_true(box.devices && !box.network);
    assert_true(has(box.reads, box.read_count, p->dir));
    ta_box_release(&box);
    json_decref(options);
    free(work_dir);
    free(output);
    free(lut);
}

// Nothing of the output's folder but the output and its work.
static void test_exact_box_of_a_job(void **state)
{
    const struct place *p = *state;
    struct ta_box box = {0};
    struct ta_box_rules rules = {0};
    char *output = ta_xprintf("%s/new.mp4", p->dir), *place = ta_xprintf("%s.terminalai", output);
    json_t *options = json_object();
    struct ta_box_work work = {p->tape, output, "", options, true, true};
    char *cache = ta_path_dir(p->elsewhere);
    setenv("XDG_CACHE_HOME", cache, 1);
    setenv("XDG_DATA_HOME", p->dir, 1); // no network is there
    ta_box_for_work(&box, &rules, &work);
    assert_string_equal(box.work, place);
    assert_string_equal(box.place, p->dir);
    assert_true(has(box.writes, box.write_count, place) && !has(box.writes, box.write_count, p->dir));
    assert_false(box.replaces || has(box.reads, box.read_count, p->dir));
    ta_box_release(&box);
    assert_int_equal(rmdir(place), 0);
    // What is there already is read, and replaced.
    assert_int_equal(ta_file_write_atomic(output, "x", 1, NULL), 0);
    ta_box_for_work(&box, &rules, &work);
    assert_true(box.replaces && has(box.reads, box.read_count, output));
    ta_box_release(&box);
    assert_int_equal(rmdir(place), 0);
    // Checksums of frames are read of the output under its name.
    json_object_set_new(options, "framemd5", json_string("on"));
    ta_box_for_work(&box, &rules, &work);
    assert_true(!box.place && has(box.writes, box.write_count, p->dir));
    assert_int_equal(access(place, F_OK), -1);
    ta_box_release(&box);
    json_decref(options);
    free(cache);
    free(place);
    free(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exactly_its_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_place_of_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_downloads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaced_program, setup, teardown),
        cmocka_unit_test(test_covers),
        cmocka_unit_test_setup_teardown(test_box_of_a_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exact_box_of_a_job, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
