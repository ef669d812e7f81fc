// Records of runs: the line, and the file that grows by it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/mem.h"
#include "metrics/metrics.h"

static struct ta_metrics sample(void)
{
    struct ta_metrics m;
    ta_metrics_begin(&m, "restore");
    m.total_seconds = 12.5;
    m.peak_memory_mb = 321.25;
    m.frames_per_second = 40;
    m.frames = 500;
    m.width = 1440;
    m.height = 1080;
    strcpy(m.preset, "vhs");
    strcpy(m.source_sha, "ab");
    strcpy(m.tuning[0].name, "gui_polling");
    m.tuning[0].on = true;
    m.tuning_count = 1;
    m.exit_code = 3;
    return m;
}

static void test_line(void **state)
{
    (void)state;
    static const char *const nulls[] = {"preprocessing_time_sec",
                                        "upscaling_time_sec",
                                        "encoding_time_sec",
                                        "gpu_utilization_percent",
                                        "model_load_time_sec",
                                        "queue_query_time_ms",
                                        "cache"};
    struct ta_metrics m = sample(), other = sample();
    char *line = ta_metrics_line(&m);
    assert_null(strchr(line, '\n'));
    json_t *o = json_loads(line, 0, NULL);
    assert_int_equal(json_object_size(o), 9 + 12);
    for (size_t i = 0; i < TA_COUNT(nulls); i++)
        assert_true(json_is_null(json_object_get(o, nulls[i])));
    assert_true(json_number_value(json_object_get(o, "total_time_sec")) == 12.5);
    assert_true(json_number_value(json_object_get(o, "peak_memory_mb")) == 321.25);
    assert_true(json_number_value(json_object_get(o, "frames_per_second")) == 40);
    assert_int_equal(json_integer_value(json_object_get(o, "frames")), 500);
    assert_int_equal(json_integer_value(json_object_get(o, "exit_code")), 3);
    assert_string_equal(json_string_value(json_object_get(o, "kind")), "restore");
    assert_string_equal(json_string_value(json_object_get(json_object_get(o, "recipe"), "preset")), "vhs");
    assert_true(json_is_null(json_object_get(json_object_get(o, "recipe"), "sha256")));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(o, "size"), 0)), 1440);
    assert_true(json_is_true(json_object_get(json_object_get(o, "tuning"), "gui_polling")));
    assert_true(json_integer_value(json_object_get(json_object_get(o, "machine"), "cores")) >= 1);
    assert_int_equal(strlen(json_string_value(json_object_get(o, "time"))), 20);
    assert_int_equal(strlen(m.run_id), 32);
    assert_string_not_equal(m.run_id, other.run_id);
    json_decref(o);
    free(line);
}

struct fixture {
    char dir[64];
    char *path;
};

static void set_up(struct fixture *x)
{
    snprintf(x->dir, sizeof x->dir, "/tmp/ta-test-metrics-XXXXXX");
    assert_non_null(mkdtemp(x->dir));
    x->path = ta_xprintf("%s/state/terminalai/performance_metrics.jsonl", x->dir);
}

static void tear_down(struct fixture *x)
{
    char *command = ta_xprintf("rm -r '%s'", x->dir);
    assert_int_equal(system(command), 0);
    free(command);
    free(x->path);
}

// Whole lines of a file; -1 when there is none, fails when one is torn.
static int count_lines(const char *path)
{
    struct ta_buf text = {0};
    int lines = 0;
    if (access(path, F_OK) < 0)
        return -1;
    assert_true(ta_file_read(path, 64 << 20, &text, NULL) >= 0);
    for (char *p = text.data, *end; p && *p; p = end + 1, lines++) {
        assert_non_null(end = strchr(p, '\n'));
        json_t *o = json_loadb(p, (size_t)(end - p), 0, NULL);
        assert_non_null(o);
        json_decref(o);
    }
    ta_buf_release(&text);
    return lines;
}

// Several programs at once: no line is lost, none is torn.
static void test_append(void **state)
{
    (void)state;
    struct fixture x;
    struct ta_metrics m = sample();
    set_up(&x);
    pid_t children[4];
    for (int i = 0; i < 4; i++)
        if ((children[i] = fork()) == 0) {
            int err = 0;
            for (int n = 0; n < 50; n++)
                err |= ta_metrics_append(x.path, &m, NULL);
            _exit(err ? 1 : 0);
        }
    for (int i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_lines(x.path), 200);
    // A power cut has left half a line: it is one bad line, and the next is whole.
    assert_int_equal(ta_file_append_sync(x.path, "{\"run", 5, NULL), 0);
    assert_int_equal(ta_metrics_append(x.path, &m, NULL), 0);
    struct ta_buf text = {0};
    assert_true(ta_file_read(x.path, 64 << 20, &text, NULL) >= 0);
    assert_non_null(strstr(text.data, "\n{\"run\n{\"run_id\""));
    ta_buf_release(&text);
    assert_int_not_equal(ta_metrics_append("/proc/none/such", &m, NULL), 0);
    tear_down(&x);
}

static void fill(const char *path, int64_t size)
{
    struct ta_metrics m = sample();
    char *line = ta_metrics_line(&m), *spaces = ta_xprintf("%*s", (int)(size - 1), line);
    free(line);
    line = ta_xprintf("%s\n", spaces);
    assert_int_equal(ta_file_write_atomic(path, line, strlen(line), NULL), 0);
    free(spaces);
    free(line);
}

// Five files of ten million bytes: the oldest goes.
static void test_rotation(void **state)
{
    (void)state;
    struct fixture x;
    struct ta_metrics m = sample();
    struct stat st;
    set_up(&x);
    assert_int_equal(ta_metrics_append(x.path, &m, NULL), 0);
    for (int round = 1; round <= 7; round++) {
        fill(x.path, TA_METRICS_FILE_BYTES - round); // tells them apart
        assert_int_equal(ta_metrics_append(x.path, &m, NULL), 0);
        assert_int_equal(count_lines(x.path), 1);
        for (int i = 1; i < TA_METRICS_FILES + 2; i++) {
            char *old = ta_xprintf("%s.%d", x.path, i);
            bool there = stat(old, &st) == 0;
            assert_int_equal(there, i <= round && i < TA_METRICS_FILES);
            if (there)
                assert_int_equal(st.st_size, TA_METRICS_FILE_BYTES - (round - i + 1));
            free(old);
        }
    }
    tear_down(&x);
}

// Older files are opened where they are needed, and only there.
static void test_last(void **state)
{
    (void)state;
    struct fixture x;
    struct ta_metrics m = sample();
    int broken;
    set_up(&x);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ta_metrics_append(x.path, &m, NULL), 0);
    char *old = ta_xprintf("%s.1", x.path);
    assert_int_equal(mkdir(old, 0700), 0);
    for (int most = 1; most <= 3; most++) {
        json_t *found = ta_metrics_last(x.path, most, &broken, NULL);
        assert_int_equal(json_array_size(found), most);
        json_decref(found);
    }
    assert_null(ta_metrics_last(x.path, 4, &broken, NULL));
    assert_null(ta_metrics_last(x.path, 0, &broken, NULL));
    free(old);
    tear_down(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
