// Limits of workers: what is written where control groups are allowed (a folder stands for them), and what a
// child does to itself where they are not.
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
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

#include "base/dir.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "jobs/limits.h"

static void assert_file(const char *dir, const char *name, const char *wanted)
{
    char *path = ta_path_join(dir, name);
    struct ta_buf text = {0};
    assert_int_equal(ta_file_read(path, 1000, &text, NULL), 0);
    assert_string_equal(ta_buf_text(&text), wanted);
    ta_buf_release(&text);
    free(path);
}

static void test_groups(void **state)
{
    (void)state;
    char dir[] = "/tmp/ta-limits-XXXXXX", pid[32];
    struct ta_limits *limits;
    struct ta_limited limited;
    int status;
    assert_non_null(mkdtemp(dir));
    ta_limits_create(&limits, &(struct ta_limits_config){123456789, 3}, dir, NULL);
    assert_true(ta_limits_by_groups(limits));
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    assert_file(dir, "service/cgroup.procs", pid); // out of the way: groups with processes hand nothing on
    assert_file(dir, "cgroup.subtree_control", "+memory +cpu");
    ta_limits_make(limits, 4, true, &limited);
    assert_true(limited.group_fd >= 0 && !limited.data_bytes && !limited.pinned);
    assert_file(dir, "worker-4/memory.max", "123456789");
    assert_file(dir, "worker-4/memory.oom.group", "1");
    assert_file(dir, "worker-4/cpu.max", "300000 100000");
    pid_t child = fork();
    if (child == 0) {
        ta_limited_enter(&limited);
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_file(dir, "worker-4/cgroup.procs", "0"); // the child means itself
    ta_limited_release(&limited);
    // What the kernel says of it.
    assert_int_equal(ta_limits_exceeded(limits, 4), 0);
    char *events = ta_path_join(dir, "worker-4/memory.events");
    static const char said[] = "low 0\nhigh 0\nmax 273\noom 3\noom_kill 6\noom_group_kill 3\n";
    assert_int_equal(ta_file_write_atomic(events, said, strlen(said), NULL), 0);
    free(events);
    assert_int_equal(ta_limits_exceeded(limits, 4), 6);
    assert_int_equal(ta_limits_exceeded(limits, 5), 0);
    assert_int_equal(ta_limits_exceeded(NULL, 4), 0);
    ta_limits_destroy(&limits);
    ta_dir_remove(dir, NULL);
}

// What a child sees of its limits.
static void ask_child(const struct ta_limited *limited, int64_t *data, int *cores)
{
    int ends[2];
    int64_t said[2] = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit;
        cpu_set_t set;
        ta_limited_enter(limited);
        getrlimit(RLIMIT_DATA, &limit);
        sched_getaffinity(0, sizeof(set), &set);
        said[0] = limit.rlim_cur == RLIM_INFINITY ? -1 : (int64_t)limit.rlim_cur;
        said[1] = CPU_COUNT(&set);
        ssize_t n = write(ends[1], said, sizeof(said));
        _exit(n != sizeof(said));
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], said, sizeof(said)), sizeof(said));
    close(ends[0]);
    waitpid(child, NULL, 0);
    *data = said[0];
    *cores = (int)said[1];
}

static void test_processes(void **state)
{
    (void)state;
    struct ta_limits *limits;
    struct ta_limited limited;
    cpu_set_t all;
    int64_t data;
    int cores;
    sched_getaffinity(0, sizeof(all), &all);
    ta_limits_create(&limits, &(struct ta_limits_config){512 << 20, 1}, "/nowhere", NULL);
    assert_false(ta_limits_by_groups(limits));
    cpu_set_t used;
    CPU_ZERO(&used);
    for (int place = 0; place < CPU_COUNT(&all); place++) {
        ta_limits_make(limits, place, false, &limited);
        ask_child(&limited, &data, &cores);
        assert_int_equal(data, 512 << 20);
        assert_int_equal(cores, 1);
        if (limited.pinned) // each place has a core of its own
            CPU_OR(&used, &used, &limited.cpus);
        ta_limited_release(&limited);
    }
    assert_int_equal(CPU_COUNT(&used), CPU_COUNT(&all) > 1 ? CPU_COUNT(&all) : 0);
    // Drivers of devices reserve more than anybody ever has.
    ta_limits_make(limits, 0, true, &limited);
    ask_child(&limited, &data, &cores);
    assert_int_equal(data, -1);
    ta_limits_destroy(&limits);
}

static void test_none(void **state)
{
    (void)state;
    struct ta_limits *limits;
    struct ta_limited limited;
    cpu_set_t all;
    int64_t data;
    int cores;
    sched_getaffinity(0, sizeof(all), &all);
    ta_limits_create(&limits, &(struct ta_limits_config){0, 0}, NULL, NULL);
    assert_false(ta_limits_by_groups(limits));
    ta_limits_make(limits, 0, false, &limited);
    ask_child(&limited, &data, &cores);
    assert_int_equal(data, -1);
    assert_int_equal(cores, CPU_COUNT(&all));
    ta_limits_destroy(&limits);
}

// A tenth of the machine stays, and who has just begun is counted as if it held its own.
static void test_room(void **state)
{
    (void)state;
    enum { MB = 1000000 };
    const struct ta_limits_config none = {0, 0}, small = {100 * MB, 0}, large = {(int64_t)4000 * MB, 0};
    const int64_t total = (int64_t)8000 * MB;
    assert_true(ta_limits_have_room(&none, -1, total, 100));
    assert_true(ta_limits_have_room(&none, 1100 * MB, total, 0));
    assert_false(ta_limits_have_room(&none, 1099 * MB, total, 0));
    assert_true(ta_limits_have_room(&none, 1400 * MB, total, 1));
    assert_false(ta_limits_have_room(&none, 1399 * MB, total, 1));
    assert_true(ta_limits_have_room(&small, 900 * MB, total, 0));
    assert_false(ta_limits_have_room(&small, 1000 * MB, total, 2));
    assert_true(ta_limits_have_room(&large, 1100 * MB, total, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
