// When a run is slower or larger than usual: learnt, raised once, cleared, learnt anew.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/log.h>

#include "base/dir.h"
#include "base/mem.h"
#include "base/tree.h"
#include "jobs/alerts.h"
#include "jobs/jobs.h"

static enum ta_alert_change take(struct ta_baseline *b, double value)
{
    double usual;
    return ta_baseline_take(b, value, 1.2, &usual);
}

static void test_baseline(void **state)
{
    (void)state;
    struct ta_baseline b = {0};
    for (int i = 0; i < TA_ALERT_LEARN; i++)
        assert_int_equal(take(&b, i == 2 ? 500 : 10),
                         TA_ALERT_NONE); // it learns; one that is odd does not count
    assert_int_equal(take(&b, 11.9), TA_ALERT_NONE);
    assert_int_equal(take(&b, 12.1), TA_ALERT_RAISED);
    assert_int_equal(take(&b, 13), TA_ALERT_NONE);   // once
    assert_int_equal(take(&b, 11.5), TA_ALERT_NONE); // below the limit, and not yet as usual
    assert_true(b.raised);
    assert_int_equal(take(&b, 10.9), TA_ALERT_CLEARED);
    assert_int_equal(take(&b, 10), TA_ALERT_NONE);
    // What stays is what is usual.
    assert_int_equal(take(&b, 30), TA_ALERT_RAISED);
    for (int i = 2; i < TA_ALERT_RELEARN; i++)
        assert_int_equal(take(&b, 30), TA_ALERT_NONE);
    assert_int_equal(take(&b, 30), TA_ALERT_CLEARED);
    assert_int_equal(take(&b, 31), TA_ALERT_NONE);
    assert_int_equal(take(&b, 40), TA_ALERT_RAISED);
}

struct state {
    char dir[64];
    struct ta_jobs *jobs;
    struct ta_alerts *alerts;
    struct ta_log *log;
    struct ta_buf said;
};

static void hear(void *priv, enum ta_log_level level, const char *component, const char *message,
                 const char *code)
{
    struct state *s = priv;
    (void)component;
    (void)code;
    if (level <= TA_LOG_WARN)
        ta_buf_printf(&s->said, "%s\n", message);
}

static int setup(void **out)
{
    struct state *s = ta_xcalloc(1, sizeof(*s));
    strcpy(s->dir, "/tmp/ta-alerts-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(ta_log_create(&s->log, hear, s), 0);
    assert_int_equal(ta_jobs_open(&s->jobs, s->dir, NULL, NULL), 0);
    assert_int_equal(ta_alerts_open(&s->alerts, s->jobs, NULL, s->log), 0);
    *out = s;
    return 0;
}

static int teardown(void **state)
{
    struct state *s = *state;
    ta_alerts_close(&s->alerts);
    ta_jobs_close(&s->jobs);
    ta_dir_remove(s->dir, NULL);
    ta_log_destroy(&s->log);
    ta_buf_release(&s->said);
    free(s);
    return 0;
}

// A run of 100 frames in 10 s.
static void run(struct state *s, const char *recipe, double preprocessing, double memory, bool written)
{
    json_t *o = json_pack("{s:f, s:f, s:f, s:f, s:{s:s}, s:[i, i], s:i}", "preprocessing_time_sec",
                          preprocessing, "total_time_sec", 10.0, "frames_per_second", 10.0, "peak_memory_mb",
                          memory, "recipe", "sha256", recipe, "size", 1440, 1080, "exit_code", 0);
    ta_alerts_run(s->alerts, 7, o, written);
    json_decref(o);
}

static size_t raised(struct state *s)
{
    json_t *o = ta_alerts_json(s->alerts);
    size_t count = json_array_size(json_object_get(o, "alerts"));
    json_decref(o);
    return count;
}

static void test_runs(void **state)
{
    struct state *s = *state;
    for (int i = 0; i < TA_ALERT_LEARN; i++)
        run(s, "aa", 2, 400, true);
    run(s, "bb", 9, 900, true); // another recipe has a baseline of its own
    assert_int_equal(raised(s), 0);
    run(s, "aa", 2.5, 590, true);
    assert_int_equal(raised(s), 1);
    assert_non_null(
        strstr(ta_buf_text(&s->said), "Preprocessing of job 7 is 1.2 times what is usual: 25 ms a frame"));
    run(s, "aa", 2.6, 610, true);
    assert_int_equal(raised(s), 2);
    assert_non_null(strstr(ta_buf_text(&s->said), "Memory of job 7 is 1.5 times"));
    // The events say so, too.
    int64_t seq = 0;
    const char *kind;
    char *data;
    bool lost;
    int told = 0;
    while (ta_events_next(ta_jobs_events(s->jobs), &seq, &kind, &data, &lost)) {
        told += !strcmp(kind, "alert") && strstr(data, "\"raised\":true");
        free(data);
    }
    assert_int_equal(told, 2);
    // What was learnt outlives the service.
    ta_alerts_close(&s->alerts);
    assert_int_equal(ta_alerts_open(&s->alerts, s->jobs, NULL, s->log), 0);
    run(s, "aa", 2, 400, true);
    run(s, "aa", 2.5, 400, true);
    assert_int_equal(raised(s), 1);
}

static int times_said(struct state *s, const char *words)
{
    int count = 0;
    for (const char *at = ta_buf_text(&s->said); (at = strstr(at, words)); at++)
        count++;
    return count;
}

static void test_records_that_can_not_be_written(void **state)
{
    struct state *s = *state;
    for (int i = 0; i < 3; i++)
        run(s, "aa", 2, 400, false);
    assert_int_equal(times_said(s, "performance_metrics.jsonl can't be written"), 1);
    run(s, "aa", 2, 400, true);
    run(s, "aa", 2, 400, false); // it could meanwhile
    assert_int_equal(times_said(s, "performance_metrics.jsonl can't be written"), 2);
}

static void test_a_slow_queue(void **state)
{
    struct state *s = *state;
    for (int i = 0; i < 100; i++)
        ta_alerts_query(s->alerts, i == 50 ? 3 : 0.001); // a single one is no alert
    assert_int_equal(raised(s), 0);
    for (int i = 0; i < 10; i++)
        ta_alerts_query(s->alerts, 0.2);
    assert_int_equal(raised(s), 1);
    for (int i = 0; i < 64; i++)
        ta_alerts_query(s->alerts, 0.08); // less, but not what is right
    assert_int_equal(raised(s), 1);
    for (int i = 0; i < 64; i++)
        ta_alerts_query(s->alerts, 0.001);
    assert_int_equal(raised(s), 0);
    char *text = ta_alerts_prometheus(s->alerts, 3, 1);
    assert_non_null(strstr(text, "terminalai_queue_query_seconds_count 238\n"));
    assert_non_null(strstr(text, "terminalai_queue_query_seconds_bucket{le=\"0.1\"} 227\n"));
    assert_non_null(strstr(text, "terminalai_workers_busy 1\n"));
    assert_non_null(strstr(text, "terminalai_alert{measure=\"queue\"} 0\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline),
        cmocka_unit_test_setup_teardown(test_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_records_that_can_not_be_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_slow_queue, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
