// suite: thread
// The index of the queue: the order of those that wait beside a simple oracle, a job in words, and who waits
// for whom under the read-write lock and under the one mutex.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <terminalai/error.h>
#include <terminalai/plan.h>

#include "base/dir.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "jobs/jobs.h"
#include "restore/outcome.h"

// ---- order ----

enum { MOST = 60, STEPS = 4000 };

struct entry {
    bool there, queued;
    int priority;
    double position;
    int64_t not_before;
};

static struct ta_job *value_of(int64_t id, const struct entry *e)
{
    struct ta_job *job = ta_job_copy(NULL);
    job->id = id;
    job->state = e->queued ? TA_JOB_QUEUED : TA_JOB_PAUSED;
    job->priority = e->priority;
    job->position = e->position;
    job->not_before_ms = e->not_before;
    return job;
}

// By looking at all of them.
static int64_t oracle(const struct entry *all, int made, int64_t now, int64_t *due)
{
    int64_t best = 0;
    *due = 0;
    for (int i = 1; i <= made; i++) {
        const struct entry *e = &all[i], *b = &all[best];
        if (!e->there || !e->queued)
            continue;
        if (e->not_before > now)
            *due = *due && *due < e->not_before ? *due : e->not_before;
        else if (!best || e->priority > b->priority ||
                 (e->priority == b->priority && e->position < b->position))
            best = i;
    }
    return best;
}

static void walk(bool one_mutex, unsigned dice)
{
    struct ta_job_list *list;
    struct entry all[MOST + 1] = {0};
    int made = 0;
    const int64_t now = 1000;
    assert_int_equal(ta_job_list_create(&list, one_mutex), 0);
    for (int step = 0; step < STEPS; step++) {
        struct ta_job *values[4];
        int64_t gone[4];
        int count = 0, gone_count = 0;
        // A transaction of several changes, as the writer makes them.
        for (int k = rand_r(&dice) % 4; k >= 0; k--) {
            int what = rand_r(&dice) % 8, id = made ? 1 + rand_r(&dice) % made : 0;
            bool taken = false, fresh = what < 3 && made < MOST;
            if (fresh)
                id = ++made;
            for (int i = 0; i < count; i++)
                taken = taken || values[i]->id == id;
            for (int i = 0; i < gone_count; i++)
                taken = taken || gone[i] == id;
            if (!id || taken || (!fresh && !all[id].there))
                continue;
            struct entry *e = &all[id];
            if (what == 7) {
                e->there = false;
                gone[gone_count++] = id;
                continue;
            }
            *e = (struct entry){true, rand_r(&dice) % 4 > 0, rand_r(&dice) % 3,
                                fresh ? id : (rand_r(&dice) % 100) / 7.0,
                                rand_r(&dice) % 3 ? 0 : now + rand_r(&dice) % 50 - 25};
            values[count++] = value_of(id, e);
        }
        // New ones come last and in order.
        for (int i = 0; i < count; i++)
            for (int j = i + 1; j < count; j++)
                if (values[j]->id < values[i]->id) {
                    struct ta_job *v = values[i];
                    values[i] = values[j];
                    values[j] = v;
                }
        assert_int_equal(ta_job_list_swap(list, values, count, gone, gone_count), 0);
        int64_t due, wanted_due, wanted = oracle(all, made, now, &wanted_due);
        struct ta_job *next = ta_job_list_next(list, now, &due);
        assert_int_equal(next ? next->id : 0, wanted);
        if (!next)
            assert_int_equal(due, wanted_due);
        ta_job_unref(&next);
        int64_t counts[TA_JOB_STATE_COUNT], queued = 0;
        ta_job_list_counts(list, counts);
        for (int i = 1; i <= made; i++)
            queued += all[i].there && all[i].queued;
        assert_int_equal(counts[TA_JOB_QUEUED], queued);
        for (int i = 1; i <= made; i++) {
            struct ta_job *job = ta_job_list_get(list, i);
            assert_int_equal(job != NULL, all[i].there);
            ta_job_unref(&job);
        }
    }
    ta_job_list_destroy(&list);
}

static void test_order(void **state)
{
    (void)state;
    for (unsigned dice = 1; dice <= 4; dice++)
        walk(dice % 2, dice);
}

// One that is added and taken out by the same transaction.
static void test_comes_and_goes(void **state)
{
    (void)state;
    struct ta_job_list *list;
    struct entry e = {.queued = true};
    int64_t gone[] = {1, 1}, due;
    assert_int_equal(ta_job_list_create(&list, false), 0);
    struct ta_job *values[] = {value_of(1, &e), value_of(2, &e)};
    assert_int_equal(ta_job_list_swap(list, values, 2, gone, 2), 0);
    struct ta_job *next = ta_job_list_next(list, 0, &due);
    assert_int_equal(next->id, 2);
    ta_job_unref(&next);
    assert_null(ta_job_list_get(list, 1));
    ta_job_list_destroy(&list);
}

// ---- words ----

static void test_text(void **state)
{
    (void)state;
    struct ta_job *job = ta_job_copy(NULL);
    job->id = INT64_MAX;
    job->state = TA_JOB_RUNNING;
    job->priority = -100;
    job->position = 3.0000000000000004;
    job->progress = (struct ta_job_progress){.fraction = 0.25,
                                             .total = 0.1234567,
                                             .fps = 1e300,
                                             .eta = -1.5,
                                             .elapsed = 0.0 / 0.0,
                                             .frames_done = -7,
                                             .bytes = INT64_MIN};
    strcpy(job->progress.phase, "video");
    ta_job_set(&job->input, "/t\xc3\xa9 \"q\" \\ \n\x01\xff<img>");
    ta_job_set(&job->options, "{\"crf\":\"20\"}");
    json_t *o = ta_job_json(job), *p = json_object_get(o, "progress");
    assert_int_equal(json_integer_value(json_object_get(o, "id")), INT64_MAX);
    assert_string_equal(json_string_value(json_object_get(o, "state")), "running");
    assert_int_equal(json_integer_value(json_object_get(o, "priority")), -100);
    assert_true(json_real_value(json_object_get(o, "position")) == 3.0000000000000004);
    assert_string_equal(json_string_value(json_object_get(o, "input")),
                        "/t\xc3\xa9 \"q\" \\ \n\x01\xef\xbf\xbd<img>");
    assert_string_equal(json_string_value(json_object_get(json_object_get(o, "options"), "crf")), "20");
    assert_true(json_real_value(json_object_get(p, "fraction")) == 0.25);
    assert_true(json_real_value(json_object_get(p, "total")) == 0.123457);
    assert_true(json_real_value(json_object_get(p, "fps")) == 9e12);
    assert_true(json_real_value(json_object_get(p, "eta")) == -1.5);
    assert_true(json_real_value(json_object_get(p, "elapsed")) == 0);
    assert_int_equal(json_integer_value(json_object_get(p, "frames_done")), -7);
    assert_true(json_integer_value(json_object_get(p, "bytes")) == INT64_MIN);
    assert_int_equal(json_object_size(o), 18);
    json_decref(o);
    // Every real is written as one.
    for (int i = -2000; i < 2000; i++) {
        struct ta_buf out = {0};
        job->progress.fraction = i / 1000.0;
        ta_job_progress_text(&out, &job->progress, 5);
        o = json_loads(ta_buf_text(&out), 0, NULL);
        assert_true(json_is_real(json_object_get(o, "fraction")));
        assert_true(json_real_value(json_object_get(o, "fraction")) == i / 1000.0);
        assert_int_equal(json_integer_value(json_object_get(o, "id")), 5);
        json_decref(o);
        ta_buf_release(&out);
    }
    ta_job_unref(&job);
}

// What a worker says of its progress is what clients are told of it, member by member (docs/json.md).
static void test_progress_is_passed_on(void **state)
{
    (void)state;
    const struct ta_progress p = {.phase = TA_PHASE_SEGMENTS,
                                  .fraction = 0.5,
                                  .total = 0.25,
                                  .frames_done = 1,
                                  .frames_total = 2,
                                  .fps = 3.5,
                                  .elapsed = 4.5,
                                  .eta = 5.5,
                                  .bytes = 6,
                                  .segments_done = 7,
                                  .segments_total = 8,
                                  .tasks_done = 9,
                                  .tasks_total = 10,
                                  .kind = "video",
                                  .stage = "seg-00012",
                                  .rss_bytes = 11};
    struct ta_job_progress read;
    struct ta_buf text = {0};
    json_t *said = ta_progress_json(&p, 0),
           *long_name = json_pack("{s:s}", "stage", "thirty letters and an \xc3\xa4 ---->\xc3\xa4");
    ta_job_progress_read(&read, said);
    ta_job_progress_text(&text, &read, 0);
    json_t *told = json_loads(ta_buf_text(&text), 0, NULL);
    if (!json_equal(said, told))
        fail_msg("said %s, told %s", json_dumps(said, JSON_SORT_KEYS), json_dumps(told, JSON_SORT_KEYS));
    // What is too long is cut between characters.
    ta_job_progress_read(&read, long_name);
    assert_string_equal(read.stage, "thirty letters and an \xc3\xa4 ---->");
    json_decref(said);
    json_decref(told);
    json_decref(long_name);
    ta_buf_release(&text);
}

// ---- who waits for whom ----

struct meeting {
    struct ta_jobs *jobs;
    bool one_mutex, was_asked;
    struct ta_thread *reader;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_read;
};

static int read_one(void *arg)
{
    struct meeting *m = arg;
    struct ta_job *job = ta_job_list_get(ta_jobs_list(m->jobs), 1);
    assert_non_null(job);
    ta_job_unref(&job);
    pthread_mutex_lock(&m->lock);
    m->has_read = true;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
    return 0;
}

// Who is told of a change wants to know first what somebody else reads. With the one mutex that one waits
// until all has been told, so it is waited for for a moment only.
static void on_event(void *priv, const char *kind)
{
    (void)kind;
    struct meeting *m = priv;
    struct timespec until;
    if (m->was_asked)
        return;
    m->was_asked = true;
    ta_thread_create(&m->reader, "reader", read_one, m);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += m->one_mutex ? 0 : 30;
    until.tv_nsec += m->one_mutex ? 100000000 : 0;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&m->lock);
    // timed wait: with the one mutex the other can't come
    while (!m->has_read && pthread_cond_timedwait(&m->changed, &m->lock, &until) == 0)
        continue;
    bool has_read = m->has_read;
    pthread_mutex_unlock(&m->lock);
    assert_int_equal(has_read, !m->one_mutex);
}

static void meet(bool one_mutex)
{
    char dir[64] = "/tmp/ta-jobs-XXXXXX";
    struct ta_tuning tuning;
    struct meeting m = {.one_mutex = one_mutex};
    struct ta_job_wanted w = {"/a", "/b.mp4", "{}", "", 0};
    struct ta_job_progress p = {.frames_total = 10};
    struct ta_job *job;
    int64_t due;
    pthread_mutex_init(&m.lock, NULL);
    pthread_cond_init(&m.changed, NULL);
    assert_non_null(mkdtemp(dir));
    ta_tuning_defaults(&tuning);
    tuning.queue_rwlock = !one_mutex;
    assert_int_equal(ta_jobs_open(&m.jobs, dir, &tuning, NULL), 0);
    assert_int_equal(ta_jobs_add(m.jobs, &w, 1, NULL), 0);
    assert_int_equal(ta_jobs_claim(m.jobs, &job, &due), 0);
    ta_events_on_publish(ta_jobs_events(m.jobs), on_event, &m);
    ta_jobs_report(m.jobs, job->id, &p);
    ta_thread_join(&m.reader);
    ta_events_on_publish(ta_jobs_events(m.jobs), NULL, NULL);
    assert_true(m.was_asked && m.has_read);
    ta_job_unref(&job);
    ta_jobs_close(&m.jobs);
    ta_dir_remove(dir, NULL);
    pthread_cond_destroy(&m.changed);
    pthread_mutex_destroy(&m.lock);
}

static void test_readers_wait_for_nobody(void **state)
{
    (void)state;
    meet(false);
}

static void test_one_mutex_keeps_readers_waiting(void **state)
{
    (void)state;
    meet(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_comes_and_goes),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_progress_is_passed_on),
        cmocka_unit_test(test_readers_wait_for_nobody),
        cmocka_unit_test(test_one_mutex_keeps_readers_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
