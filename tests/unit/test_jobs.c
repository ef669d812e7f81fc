// suite: thread
// The queue: legal states, what is on disk, whose turn it is, and a random walk beside a simple model.
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

#include <terminalai/error.h>
#include <terminalai/log.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "jobs/jobs.h"

struct state {
    char dir[64];
    struct ta_jobs *jobs;
    struct ta_log *log;
    struct ta_buf said;
};

static void hear(void *priv, enum ta_log_level level, const char *component, const char *message,
                 const char *code)
{
    struct state *s = priv;
    (void)level;
    (void)component;
    (void)code;
    ta_buf_printf(&s->said, "%s\n", message);
}

static int setup(void **out)
{
    struct state *s = ta_xcalloc(1, sizeof(*s));
    strcpy(s->dir, "/tmp/ta-jobs-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(ta_log_create(&s->log, hear, s), 0);
    assert_int_equal(ta_jobs_open(&s->jobs, s->dir, NULL, s->log), 0);
    *out = s;
    return 0;
}

static int teardown(void **state)
{
    struct state *s = *state;
    ta_jobs_close(&s->jobs);
    ta_dir_remove(s->dir, NULL);
    ta_log_destroy(&s->log);
    ta_buf_release(&s->said);
    free(s);
    return 0;
}

static void reopen(struct state *s)
{
    ta_jobs_close(&s->jobs);
    assert_int_equal(ta_jobs_open(&s->jobs, s->dir, NULL, s->log), 0);
}

static int64_t add(struct state *s, const char *input, int priority)
{
    struct ta_job_wanted w = {.input = input,
                              .output = "/out.mp4",
                              .options = "{\"crf\":\"20\"}",
                              .batch = "shelf",
                              .priority = priority};
    struct ta_job *job;
    assert_int_equal(ta_jobs_add(s->jobs, &w, 1, &job), 0);
    int64_t id = job->id;
    ta_job_unref(&job);
    return id;
}

static enum ta_job_state state_of(struct state *s, int64_t id)
{
    struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), id);
    assert_non_null(job);
    enum ta_job_state state = job->state;
    ta_job_unref(&job);
    return state;
}

static int64_t claim(struct state *s)
{
    struct ta_job *job;
    int64_t due;
    assert_int_equal(ta_jobs_claim(s->jobs, &job, &due), 0);
    int64_t id = job ? job->id : 0;
    ta_job_unref(&job);
    return id;
}

static int end(struct state *s, int64_t id, enum ta_job_state state)
{
    struct ta_job_end e = {.state = state, .reason = "told so"};
    return ta_jobs_end(s->jobs, id, &e);
}

// Brings a new job into a state by legal steps.
static int64_t bring(struct state *s, enum ta_job_state state)
{
    int64_t id = add(s, "/tape.avi", TA_JOB_PRIORITY_MAX);
    struct ta_job_progress p = {.frames_total = 10};
    if (state == TA_JOB_QUEUED)
        return id;
    if (state == TA_JOB_DOWNLOADING) {
        assert_int_equal(end(s, id, TA_JOB_DOWNLOADING), 0);
        return id;
    }
    assert_int_equal(claim(s), id);
    if (state == TA_JOB_RUNNING)
        ta_jobs_report(s->jobs, id, &p);
    else if (state != TA_JOB_PLANNING)
        assert_int_equal(end(s, id, state), 0);
    return id;
}

// As the table in docs/architecture.md: what may become what.
static const char *const table[TA_JOB_STATE_COUNT] = {
    /* to: queued, downloading, planning, running, paused, done, failed, cancelled */
    [TA_JOB_QUEUED] = "-++-+-++",  [TA_JOB_DOWNLOADING] = "+-+-+-++", [TA_JOB_PLANNING] = "+--+++++",
    [TA_JOB_RUNNING] = "+---++++", [TA_JOB_PAUSED] = "+------+",      [TA_JOB_DONE] = "--------",
    [TA_JOB_FAILED] = "+-------",  [TA_JOB_CANCELLED] = "+-------",
};

static void test_every_pair(void **state)
{
    struct state *s = *state;
    for (int from = 0; from < TA_JOB_STATE_COUNT; from++)
        for (int to = 0; to < TA_JOB_STATE_COUNT; to++) {
            bool may = table[from][to] == '+';
            assert_int_equal(ta_job_may_become((enum ta_job_state)from, (enum ta_job_state)to), may);
            if (from == to)
                continue;
            int64_t id = bring(s, (enum ta_job_state)from);
            int err = end(s, id, (enum ta_job_state)to);
            assert_int_equal(err, may ? 0 : TA_ERR_INVALID);
            assert_int_equal(state_of(s, id), may ? to : from);
            // Out of the way of the next one.
            if (ta_job_state_is_active(state_of(s, id)))
                assert_int_equal(end(s, id, TA_JOB_FAILED), 0);
            assert_int_equal(ta_jobs_remove(s->jobs, id, NULL), 0);
        }
}

static void test_is_on_disk(void **state)
{
    struct state *s = *state;
    int64_t a = add(s, "/a.avi", 3), b = add(s, "/b \"quoted\" \xc3\xa9.avi", 0), c = add(s, "/c.avi", 0);
    assert_int_equal(claim(s), a);
    struct ta_job_progress p = {.frames_total = 10, .frames_done = 3};
    ta_jobs_report(s->jobs, a, &p);
    assert_int_equal(state_of(s, a), TA_JOB_RUNNING);
    assert_int_equal(ta_jobs_act(s->jobs, c, TA_JOB_CANCEL, NULL, NULL), 0);
    assert_int_equal(ta_jobs_pause_all(s->jobs, true), 0);
    reopen(s);
    struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), b);
    assert_string_equal(job->input, "/b \"quoted\" \xc3\xa9.avi");
    assert_string_equal(job->options, "{\"crf\":\"20\"}");
    assert_string_equal(job->batch, "shelf");
    ta_job_unref(&job);
    // What was begun is queued again, once.
    assert_int_equal(state_of(s, a), TA_JOB_QUEUED);
    assert_int_equal(state_of(s, c), TA_JOB_CANCELLED);
    assert_int_equal(claim(s), 0); // paused
    assert_int_equal(ta_jobs_pause_all(s->jobs, false), 0);
    assert_int_equal(claim(s), a);
    json_t *history = ta_jobs_history(s->jobs, a);
    static const char *const states[] = {"queued", "planning", "running", "queued", "planning"};
    assert_int_equal(json_array_size(history), TA_COUNT(states));
    for (size_t i = 0; i < TA_COUNT(states); i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(history, i), "state")),
                            states[i]);
    json_decref(history);
}

// A wish that no worker could obey any more is obeyed at the next start.
static void test_wishes_outlive_the_service(void **state)
{
    struct state *s = *state;
    int64_t a = bring(s, TA_JOB_RUNNING), b = bring(s, TA_JOB_PLANNING);
    struct ta_job *job;
    assert_int_equal(ta_jobs_act(s->jobs, a, TA_JOB_PAUSE, &job, NULL), 0);
    assert_int_equal(job->wish, TA_JOB_WISH_PAUSE);
    assert_int_equal(job->state, TA_JOB_RUNNING);
    ta_job_unref(&job);
    assert_int_equal(ta_jobs_act(s->jobs, b, TA_JOB_CANCEL, NULL, NULL), 0);
    char *why;
    assert_int_equal(ta_jobs_act(s->jobs, b, TA_JOB_PAUSE, NULL, &why), TA_ERR_INVALID);
    assert_non_null(strstr(why, "being cancelled"));
    free(why);
    reopen(s);
    assert_int_equal(state_of(s, a), TA_JOB_PAUSED);
    assert_int_equal(state_of(s, b), TA_JOB_CANCELLED);
}

static void test_order(void **state)
{
    struct state *s = *state;
    int64_t a = add(s, "/a", 0), b = add(s, "/b", 0), c = add(s, "/c", 0), d = add(s, "/d", 5);
    assert_int_equal(ta_jobs_move(s->jobs, c, a, NULL, NULL), 0);
    assert_int_equal(ta_jobs_move(s->jobs, a, 0, NULL, NULL), 0);
    assert_int_equal(claim(s), d);
    assert_int_equal(claim(s), c);
    assert_int_equal(claim(s), b);
    assert_int_equal(claim(s), a);
    assert_int_equal(claim(s), 0);
    char *why;
    assert_int_equal(ta_jobs_move(s->jobs, a, 99, NULL, &why), TA_ERR_NOT_FOUND);
    assert_string_equal(why, "there is no job 99");
    free(why);
    // As often as anybody likes into the same gap.
    int64_t x = add(s, "/x", 0), y = add(s, "/y", 0), z = add(s, "/z", 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(ta_jobs_move(s->jobs, i % 2 ? y : x, z, NULL, NULL), 0);
    assert_int_equal(claim(s), x);
    assert_int_equal(claim(s), y);
    assert_int_equal(claim(s), z);
}

static void test_waits_for_its_time(void **state)
{
    struct state *s = *state;
    int64_t a = add(s, "/a", 0), due;
    struct ta_job *job;
    assert_int_equal(claim(s), a);
    struct ta_job_end e = {.state = TA_JOB_QUEUED,
                           .reason = "its worker crashed",
                           .not_before_ms = ta_jobs_now_ms() + 60000,
                           .attempted = true};
    assert_int_equal(ta_jobs_end(s->jobs, a, &e), 0);
    assert_int_equal(ta_jobs_claim(s->jobs, &job, &due), 0);
    assert_null(job);
    assert_true(due == e.not_before_ms);
    job = ta_job_list_get(ta_jobs_list(s->jobs), a);
    assert_int_equal(job->attempt, 1);
    ta_job_unref(&job);
}

static void test_one_service_a_folder(void **state)
{
    struct state *s = *state;
    struct ta_jobs *other;
    char pid[64];
    assert_int_equal(ta_jobs_open(&other, s->dir, NULL, s->log), TA_ERR_BUSY);
    assert_null(other);
    snprintf(pid, sizeof(pid), "process %d", (int)getpid());
    assert_non_null(strstr(ta_buf_text(&s->said), pid));
}

// A database that is garbled is moved aside, whole, and said.
static void test_damaged_store(void **state)
{
    struct state *s = *state;
    char *path = ta_path_join(s->dir, "jobs.db"), **names;
    add(s, "/a", 0);
    ta_jobs_close(&s->jobs);
    assert_int_equal(ta_file_write_atomic(path, "this is no database, is it?", 27, s->log), 0);
    assert_int_equal(ta_jobs_open(&s->jobs, s->dir, NULL, s->log), 0);
    assert_non_null(strstr(ta_buf_text(&s->said), "it was moved to"));
    int count = ta_dir_list(s->dir, &names, s->log), aside = 0;
    for (int i = 0; i < count; i++) {
        char *at = ta_path_join(s->dir, names[i]);
        struct ta_buf text = {0};
        if (!strncmp(names[i], "jobs.db.damaged-", 16)) {
            assert_int_equal(ta_file_read(at, 1000, &text, s->log), 0);
            assert_string_equal(ta_buf_text(&text), "this is no database, is it?");
            aside++;
        }
        ta_buf_release(&text);
        free(at);
    }
    ta_dir_list_free(&names);
    assert_int_equal(aside, 1);
    assert_int_equal(add(s, "/b", 0), 1);
    free(path);
}

static void test_pages(void **state)
{
    struct state *s = *state;
    struct ta_job *found[4];
    bool more;
    for (int i = 0; i < 7; i++)
        add(s, i % 2 ? "/odd.avi" : "/even.avi", 0);
    struct ta_job_filter f = {.limit = 3, .text = "EVEN"};
    assert_int_equal(ta_job_list_page(ta_jobs_list(s->jobs), &f, found, &more), 3);
    assert_true(more);
    assert_int_equal(found[2]->id, 5);
    f.after = found[2]->id;
    for (int i = 0; i < 3; i++)
        ta_job_unref(&found[i]);
    assert_int_equal(ta_job_list_page(ta_jobs_list(s->jobs), &f, found, &more), 1);
    assert_false(more);
    assert_int_equal(found[0]->id, 7);
    ta_job_unref(&found[0]);
    f = (struct ta_job_filter){.limit = 2, .backwards = true, .states = 1u << TA_JOB_QUEUED};
    assert_int_equal(ta_job_list_page(ta_jobs_list(s->jobs), &f, found, &more), 2);
    assert_true(more && found[0]->id == 7 && found[1]->id == 6);
    ta_job_unref(&found[0]);
    ta_job_unref(&found[1]);
    int removed;
    assert_int_equal(ta_jobs_act(s->jobs, 1, TA_JOB_CANCEL, NULL, NULL), 0);
    assert_int_equal(ta_jobs_act(s->jobs, 2, TA_JOB_CANCEL, NULL, NULL), 0);
    assert_int_equal(ta_jobs_prune(s->jobs, 0, INT64_MAX, 1, &removed), 0);
    assert_int_equal(removed, 1); // of those that have ended
    assert_int_equal(state_of(s, 2), TA_JOB_CANCELLED);
}

// ---- beside a model ----

enum { MODEL_JOBS = 40, MODEL_STEPS = 3000 };

static void test_random_walk(void **state)
{
    struct state *s = *state;
    enum ta_job_state model[MODEL_JOBS + 1];
    bool there[MODEL_JOBS + 1] = {0};
    unsigned dice = 7;
    int made = 0;
    for (int step = 0; step < MODEL_STEPS; step++) {
        int what = rand_r(&dice) % 8;
        int64_t id = made ? 1 + rand_r(&dice) % made : 0;
        if (what == 0 && made < MODEL_JOBS) {
            id = add(s, "/tape.avi", 0);
            assert_int_equal(id, ++made);
            model[id] = TA_JOB_QUEUED;
            there[id] = true;
        } else if (what == 1) {
            int64_t first = 0;
            for (int i = made; i; i--)
                if (there[i] && model[i] == TA_JOB_QUEUED)
                    first = i;
            assert_int_equal(claim(s), first);
            if (first)
                model[first] = TA_JOB_PLANNING;
        } else if (what == 2 && id) {
            enum ta_job_state to = (enum ta_job_state)(rand_r(&dice) % TA_JOB_STATE_COUNT);
            bool may = there[id] && (ta_job_may_become(model[id], to) || model[id] == to);
            int err = end(s, id, to);
            assert_int_equal(err, may ? 0 : there[id] ? TA_ERR_INVALID : TA_ERR_NOT_FOUND);
            if (may)
                model[id] = to;
        } else if (what == 3 && id) {
            enum ta_job_action action = (enum ta_job_action)(rand_r(&dice) % TA_JOB_ACTION_COUNT);
            static const enum ta_job_state to[] = {TA_JOB_PAUSED, TA_JOB_QUEUED, TA_JOB_CANCELLED,
                                                   TA_JOB_QUEUED};
            int err = ta_jobs_act(s->jobs, id, action, NULL, NULL);
            if (!err && !ta_job_state_is_active(model[id]))
                model[id] = to[action];
        } else if (what == 4 && id && rand_r(&dice) % 8 == 0) {
            bool may = there[id] && !ta_job_state_is_active(model[id]);
            assert_int_equal(ta_jobs_remove(s->jobs, id, NULL), may         ? 0
                                                                : there[id] ? TA_ERR_INVALID
                                                                            : TA_ERR_NOT_FOUND);
            there[id] = there[id] && !may;
        }
        for (int i = 1; i <= made; i++) {
            struct ta_job *job = ta_job_list_get(ta_jobs_list(s->jobs), i);
            assert_int_equal(!!job, there[i]);
            if (job)
                assert_int_equal(job->state, model[i]);
            ta_job_unref(&job);
        }
    }
    int64_t counts[TA_JOB_STATE_COUNT], sum = 0, expected = 0;
    ta_job_list_counts(ta_jobs_list(s->jobs), counts);
    for (int i = 0; i < TA_JOB_STATE_COUNT; i++)
        sum += counts[i];
    for (int i = 1; i <= made; i++)
        expected += there[i];
    assert_true(sum == expected);
}

// ---- many at once ----

enum { CLIENTS = 4, EACH = 25 };

static int submit_many(void *arg)
{
    struct state *s = arg;
    for (int i = 0; i < EACH; i++) {
        int64_t id = add(s, "/tape.avi", 0);
        ta_jobs_set_priority(s->jobs, id, i % 3, NULL, NULL);
    }
    return 0;
}

static int claim_many(void *arg)
{
    struct state *s = arg;
    for (int claimed = 0; claimed < CLIENTS * EACH / 2;) {
        int64_t id = claim(s);
        if (!id)
            continue;
        struct ta_job_progress p = {.frames_total = 1};
        ta_jobs_report(s->jobs, id, &p);
        assert_int_equal(end(s, id, TA_JOB_DONE), 0); // fails if another had it too
        claimed++;
    }
    return 0;
}

static void test_clients_and_workers(void **state)
{
    struct state *s = *state;
    struct ta_thread *threads[CLIENTS + 2];
    for (int i = 0; i < CLIENTS + 2; i++)
        assert_int_equal(ta_thread_create(&threads[i], "t", i < CLIENTS ? submit_many : claim_many, s), 0);
    for (int i = 0; i < CLIENTS + 2; i++)
        ta_thread_join(&threads[i]);
    int64_t counts[TA_JOB_STATE_COUNT];
    ta_job_list_counts(ta_jobs_list(s->jobs), counts);
    assert_int_equal(counts[TA_JOB_DONE], CLIENTS * EACH);
    // Each change was told, in order.
    int64_t seq = 0;
    const char *kind;
    char *data;
    bool lost;
    int done = 0;
    while (ta_events_next(ta_jobs_events(s->jobs), &seq, &kind, &data, &lost)) {
        assert_false(lost);
        done += !strcmp(kind, "job") && strstr(data, "\"state\":\"done\"");
        free(data);
    }
    assert_int_equal(done, CLIENTS * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_pair, setup, teardown),
        cmocka_unit_test_setup_teardown(test_is_on_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wishes_outlive_the_service, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits_for_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_service_a_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_store, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clients_and_workers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
