// What other parts of the service write in the queue's transactions, and clocks that are set back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/mem.h"
#include "jobs/jobs.h"
#include "jobs/store.h"

struct state {
    char dir[64];
    struct ta_jobs *jobs;
    int ended, emptied, woken, other;
    int fail;
    int64_t rows;
};

static int setup(void **out)
{
    struct state *s = ta_xcalloc(1, sizeof(*s));
    strcpy(s->dir, "/tmp/ta-hooks-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(ta_jobs_open(&s->jobs, s->dir, NULL, NULL), 0);
    *out = s;
    return 0;
}

static int teardown(void **state)
{
    struct state *s = *state;
    ta_jobs_close(&s->jobs);
    ta_dir_remove(s->dir, NULL);
    free(s);
    return 0;
}

static int64_t add(struct state *s)
{
    struct ta_job_wanted w = {.input = "/a", .output = "/b", .options = "{}", .batch = ""};
    struct ta_job *job;
    assert_int_equal(ta_jobs_add(s->jobs, &w, 1, &job), 0);
    int64_t id = job->id;
    ta_job_unref(&job);
    return id;
}

static int put_row(struct ta_store *store, const char *endpoint, int64_t number)
{
    return ta_store_do(store, "a row",
                       "INSERT INTO notices(endpoint, event, created, due, attempt, state, error, body)"
                       " VALUES(?1, 'e', ?2, 0, 0, 'waiting', '', '')",
                       "si", endpoint, number);
}

static int on_ended(void *priv, struct ta_store *store, const struct ta_job *job)
{
    struct state *s = priv;
    s->ended++;
    int err = put_row(store, "ended", job->id);
    return s->fail ? TA_ERR_NO_SPACE : err;
}

static int on_emptied(void *priv, struct ta_store *store)
{
    struct state *s = priv;
    s->emptied++;
    return put_row(store, "emptied", 0);
}

static void see_row(void *priv, const struct ta_row *row)
{
    ((struct state *)priv)->rows = ta_row_number(row, 0);
}

static int count(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    assert_null(added);
    return ta_store_each(store, "rows", "SELECT count(*) FROM notices", see_row, priv, "");
}

static int64_t rows(struct state *s)
{
    assert_int_equal(ta_jobs_store(s->jobs, count, s), 0);
    return s->rows;
}

static int end(struct state *s, int64_t id, enum ta_job_state state)
{
    return ta_jobs_end(s->jobs, id, &(struct ta_job_end){.state = state, .reason = ""});
}

static void claim(struct state *s, int64_t id)
{
    struct ta_job *job;
    int64_t due;
    assert_int_equal(ta_jobs_claim(s->jobs, &job, &due), 0);
    assert_non_null(job);
    assert_int_equal(job->id, id);
    ta_job_unref(&job);
}

// The row is there when the job has ended, and not when it has not.
static void test_rows_of_jobs_that_end(void **state)
{
    struct state *s = *state;
    ta_jobs_set_hooks(s->jobs, &(struct ta_jobs_hooks){on_ended, on_emptied, s});
    int64_t a = add(s), b = add(s), c = add(s);
    claim(s, a);
    assert_int_equal(end(s, a, TA_JOB_DONE), 0);
    assert_int_equal(rows(s), 1);
    claim(s, b);
    assert_int_equal(end(s, b, TA_JOB_PAUSED), 0); // has not ended
    assert_int_equal(rows(s), 1);
    claim(s, c);
    s->fail = 1;
    assert_int_equal(end(s, c, TA_JOB_FAILED), TA_ERR_NO_SPACE);
    struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), c);
    assert_int_equal(job->state, TA_JOB_PLANNING); // neither is on disk
    ta_job_unref(&job);
    assert_int_equal(rows(s), 1);
    assert_int_equal(s->emptied, 0);
    s->fail = 0;
    assert_int_equal(end(s, c, TA_JOB_FAILED), 0);
    assert_int_equal(s->emptied, 1); // a paused one waits for nobody
    assert_int_equal(rows(s), 3);
    // Cancelling the last is the caller's own doing: nothing to tell.
    int64_t d = add(s);
    assert_int_equal(ta_jobs_act(s->jobs, d, TA_JOB_CANCEL, NULL, NULL), 0);
    assert_int_equal(s->emptied, 1);
}

static int also(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    struct state *s = priv;
    int err = put_row(store, "also", added[1]->id);
    return s->fail ? TA_ERR_NO_SPACE : err;
}

static void test_rows_of_jobs_that_are_added(void **state)
{
    struct state *s = *state;
    struct ta_job_wanted w[2] = {{.input = "/a", .output = "/b", .options = "{}", .batch = ""},
                                 {.input = "/c", .output = "/d", .options = "{}", .batch = ""}};
    s->fail = 1;
    assert_int_equal(ta_jobs_add_with(s->jobs, w, 2, NULL, also, s), TA_ERR_NO_SPACE);
    assert_int_equal(rows(s), 0);
    int64_t counts[TA_JOB_STATE_COUNT];
    ta_job_list_counts(ta_jobs_list(s->jobs), counts);
    assert_int_equal(counts[TA_JOB_QUEUED], 0);
    s->fail = 0;
    assert_int_equal(ta_jobs_add_with(s->jobs, w, 2, NULL, also, s), 0);
    assert_int_equal(rows(s), 1);
}

static void wake_one(void *priv)
{
    ++*(int *)priv;
}

static void test_several_are_woken(void **state)
{
    struct state *s = *state;
    ta_jobs_on_change(s->jobs, wake_one, &s->woken);
    ta_jobs_on_change(s->jobs, wake_one, &s->other);
    add(s);
    assert_int_equal(s->woken, 1);
    assert_int_equal(s->other, 1);
    ta_jobs_on_change(s->jobs, NULL, &s->woken);
    add(s);
    assert_int_equal(s->woken, 1);
    assert_int_equal(s->other, 2);
    ta_jobs_on_change(s->jobs, NULL, &s->other);
}

// A job that waits five seconds does not wait a year because the clock was set back by one.
static void test_clock_set_back(void **state)
{
    struct state *s = *state;
    int64_t id = add(s), due, now = ta_jobs_now_ms(), year = (int64_t)365 * 24 * 3600 * 1000;
    claim(s, id);
    struct ta_job_end e = {.state = TA_JOB_QUEUED, .reason = "crashed", .not_before_ms = now + 5000};
    assert_int_equal(ta_jobs_end(s->jobs, id, &e), 0);
    struct ta_job *job = ta_job_list_next(ta_jobs_list(s->jobs), now + 1000, &due);
    assert_null(job);
    assert_true(due == now + 5000);
    job = ta_job_list_next(ta_jobs_list(s->jobs), now - year, &due);
    assert_non_null(job);
    ta_job_unref(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_of_jobs_that_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_of_jobs_that_are_added, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_are_woken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_set_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
