#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/env.h>
#include <terminalai/error.h>

#include "base/env.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/tuning.h"
#include "infer/sessions.h"

#include "capture.h"

static char folder[64];
static char *path;

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ta-tuning-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    path = ta_xprintf("%s/tuning.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    free(path);
    return ta_dir_remove(folder, NULL);
}

static void write_file(const char *text)
{
    assert_int_equal(ta_file_write_atomic(path, text, strlen(text), NULL), 0);
}

static void expect_defaults(const struct ta_tuning *t)
{
    struct ta_tuning d;
    ta_tuning_defaults(&d);
    assert_true(d.video_pipeline_filters && d.audio_model_preload && d.queue_rwlock && d.gui_polling &&
                d.progress_throttle && d.filter_chain_cache && d.engine_batching);
    assert_memory_equal(t, &d, sizeof d);
}

static void test_missing(void **state)
{
    (void)state;
    struct capture log;
    struct ta_tuning t;
    capture_init(&log);
    assert_false(ta_tuning_load(&t, "/nowhere/at/all/tuning.yaml", log.log));
    assert_false(ta_tuning_load(&t, NULL, log.log)); // a user without a home
    expect_defaults(&t);
    capture_expect(&log, "");
    capture_release(&log);
}

static void test_read(void **state)
{
    (void)state;
    struct capture log;
    struct ta_tuning t;
    capture_init(&log);
    write_file("version: 1\naudio_model_preload: off\nprogress_throttle: no\n"
               "devices:\n  cpu: {threads: 8}\n  cuda:0: {batch: 32, threads: 2}\n");
    assert_true(ta_tuning_load(&t, path, log.log));
    capture_expect(&log, "");
    assert_false(t.audio_model_preload);
    assert_false(t.progress_throttle);
    assert_true(t.video_pipeline_filters && t.queue_rwlock && t.gui_polling && t.filter_chain_cache &&
                t.engine_batching);
    assert_int_equal(t.device_count, 2);
    assert_int_equal(ta_tuning_batch(&t, "cuda:0", 16), 32);
    assert_int_equal(ta_tuning_batch(&t, "cpu", 16), 16);
    assert_int_equal(ta_tuning_batch(&t, "cuda:1", 16), 16);
    assert_int_equal(ta_tuning_threads(&t, "cpu", 4), 8);
    assert_int_equal(ta_tuning_threads(&t, "cuda:1", 4), 4);
    t.engine_batching = false;
    assert_int_equal(ta_tuning_batch(&t, "cuda:0", 16), 1);
    assert_int_equal(ta_tuning_batch(NULL, "cuda:0", 16), 16);
    assert_int_equal(ta_tuning_threads(NULL, "cuda:0", 3), 3);
    capture_release(&log);
}

// Nothing of a file that is wrong anywhere counts, and one warning says where and why.
static void test_garbled(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "it is no list"},
        {"\x01\x02", "tuning.yaml"},
        {"version: 1\ngui_polling: off\n  - x: [\n", "tuning.yaml:"},
        {"gui_polling: off\n", "version"},
        {"version: 2\ngui_polling: off\n", "version must be"},
        {"version: 1\ngui_polling: off\nqueue_rwlok: on\n",
         "tuning.yaml:3: unknown option \"queue_rwlok\"; did you mean \"queue_rwlock\"?"},
        {"version: 1\ngui_polling: off\nqueue_rwlock: perhaps\n", "tuning.yaml:3: "},
        {"version: 1\ngui_polling: off\nqueue_rwlock: [on]\n", "tuning.yaml:3: "},
        {"version: 1\ngui_polling: off\ndevices: 3\n", "devices must be a group"},
        {"version: 1\ngui_polling: off\ndevices: {cpu: 3}\n", "must be an object"},
        {"version: 1\ngui_polling: off\ndevices: {cpu: {batch: 33}}\n", "33"},
        {"version: 1\ngui_polling: off\ndevices: {cpu: {batch: -1}}\n", "-1"},
        {"version: 1\ngui_polling: off\ndevices: {'a b': {batch: 1}}\n", "can't be a device"},
        {"version: 1\ngui_polling: off\ndevices: {a234567890123456789012345678901234567890: {}}\n",
         "can't be a device"},
        {"version: 1\ngui_polling: off\ngui_polling: on\n", "tuning.yaml:3"},
    };
    struct capture log;
    capture_init(&log);
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_tuning t;
        write_file(cases[i].text);
        assert_false(ta_tuning_load(&t, path, log.log));
        expect_defaults(&t);
        const char *said = ta_buf_text(&log.text), *newline = strchr(said, '\n');
        if (strncmp(said, "warn ", 5) || !newline || newline[1] || !strstr(said, cases[i].says) ||
            !strstr(said, "the defaults of the tuning file are used"))
            fail_msg("case %d: expected one warning with \"%s\", got: %s", (int)i, cases[i].says, said);
        ta_buf_clear(&log.text);
    }
    capture_release(&log);
}

static void test_too_many_devices(void **state)
{
    (void)state;
    struct ta_tuning t;
    struct ta_buf text = {0};
    ta_buf_puts(&text, "version: 1\ndevices:\n");
    for (int i = 0; i < TA_TUNING_DEVICES; i++)
        ta_buf_printf(&text, "  cuda:%d: {batch: %d}\n", i, i + 1);
    write_file(ta_buf_text(&text));
    assert_true(ta_tuning_load(&t, path, NULL));
    assert_int_equal(t.device_count, TA_TUNING_DEVICES);
    ta_buf_puts(&text, "  one-more: {batch: 1}\n");
    write_file(ta_buf_text(&text));
    assert_false(ta_tuning_load(&t, path, NULL));
    expect_defaults(&t);
    ta_buf_release(&text);
}

// What is written is read again; each switch by itself.
static void test_write(void **state)
{
    (void)state;
    for (const struct ta_opt *o = ta_tuning_options; o->name; o++) {
        struct ta_tuning t, again;
        ta_tuning_defaults(&t);
        assert_int_equal(ta_opt_set(o, &t, "off", NULL, NULL), 0);
        t.device_count = 2;
        t.devices[0] = (struct ta_device_tuning){"cuda:0", 24, 3, 0};
        t.devices[1] = (struct ta_device_tuning){"cpu", 0, 7, 2};
        assert_int_equal(ta_tuning_save(&t, path, NULL), 0);
        assert_true(ta_tuning_load(&again, path, NULL));
        assert_memory_equal(&t, &again, sizeof t);
    }
}

// In a folder that is not there yet; in one that can't be made it fails with a message.
static void test_write_makes_the_folder(void **state)
{
    (void)state;
    struct capture log;
    struct ta_tuning t;
    struct stat st;
    char *dir = ta_xprintf("%s/config", folder), *file = ta_xprintf("%s/tuning.yaml", dir),
         *deep = ta_xprintf("%s/a/b/tuning.yaml", folder);
    capture_init(&log);
    ta_tuning_defaults(&t);
    assert_int_equal(ta_tuning_save(&t, file, log.log), 0);
    assert_int_equal(stat(file, &st), 0);
    capture_expect(&log, "");
    assert_true(ta_tuning_save(&t, deep, log.log) < 0);
    capture_expect_error(&log, "a/b");
    assert_int_equal(ta_dir_remove(dir, NULL), 0);
    free(dir);
    free(file);
    free(deep);
    capture_release(&log);
}

static int load(void *priv, void **handle, size_t *bytes, const struct ta_cancel *cancel, struct ta_log *log)
{
    (void)cancel;
    (void)log;
    ++*(int *)priv;
    *handle = priv;
    *bytes = 10;
    return 0;
}

// The environment of a process: with audio_model_preload off, each use of a network loads it again.
static void test_env(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int loads;
    } cases[] = {{"version: 1\n", 1}, {"version: 1\naudio_model_preload: off\n", 3}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_env *env = NULL;
        int loads = 0;
        struct ta_session_loader loader = {load, NULL, &loads};
        write_file(cases[i].text);
        assert_int_equal(ta_env_create(&env, path, NULL), 0);
        assert_non_null(env->pool);
        for (int k = 0; k < 3; k++) {
            const struct ta_session *s;
            assert_int_equal(ta_sessions_get(env->sessions, "a", &loader, env->cancel, env->log, &s), 0);
            ta_sessions_put(env->sessions, &s);
        }
        assert_int_equal(loads, cases[i].loads);
        ta_env_destroy(&env);
        assert_null(env);
    }
    struct ta_env *env = NULL;
    assert_int_equal(ta_env_create(&env, NULL, NULL), 0);
    expect_defaults(env->tuning);
    ta_env_destroy(&env);
    ta_env_destroy(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test_setup_teardown(test_read, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_garbled, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_too_many_devices, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_write, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_write_makes_the_folder, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_env, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
