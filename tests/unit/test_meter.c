// suite: thread
// The meter: who is told how far a run is, when, and that nobody waits for it.
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/thread.h"
#include "restore/callbacks.h"

enum { MAX_CALLS = 1000 };

struct heard {
    struct ta_meter *meter;
    int count;
    atomic_int inside, overlaps;
    struct {
        enum ta_phase phase;
        int64_t frames;
        char kind[16], stage[16];
    } calls[MAX_CALLS];
    sem_t entered, go_on; // of the call numbered `hold`
    int hold;
    bool held;
};

static void hear(void *priv, const struct ta_progress *p)
{
    struct heard *h = priv;
    if (atomic_fetch_add(&h->inside, 1))
        atomic_fetch_add(&h->overlaps, 1);
    if (h->count < MAX_CALLS) {
        h->calls[h->count].phase = p->phase;
        h->calls[h->count].frames = p->frames_done;
        strncpy(h->calls[h->count].kind, p->kind, 15);
        strncpy(h->calls[h->count].stage, p->stage, 15);
    }
    if (++h->count == h->hold) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 10;
        sem_post(&h->entered);
        h->held = sem_timedwait(&h->go_on, &until) ==
                  0; // timed wait: a meter that holds its lock never ends it
    }
    atomic_fetch_sub(&h->inside, 1);
}

static void begin(struct heard *h, struct ta_meter *m, struct ta_callbacks *callbacks)
{
    memset(h, 0, sizeof *h);
    sem_init(&h->entered, 0, 0);
    sem_init(&h->go_on, 0, 0);
    h->meter = m;
    *callbacks = (struct ta_callbacks){.progress = hear, .priv = h};
    ta_meter_init(m, callbacks);
    ta_meter_set_work(
        m, &(struct ta_meter_work){.frames_total = 1000000, .tasks_total = 4, .segments_total = 3});
}

static void end(struct heard *h, struct ta_meter *m)
{
    ta_meter_release(m);
    sem_destroy(&h->entered);
    sem_destroy(&h->go_on);
}

static int start_phase(void *meter)
{
    ta_meter_start(meter, TA_PHASE_SEGMENTS);
    return 0;
}

// While the caller's code runs, others go on with their work; a phase that begins meanwhile is told
// afterwards.
static void test_no_lock_is_held(void **state)
{
    (void)state;
    static struct heard h;
    struct ta_meter m;
    struct ta_callbacks callbacks;
    begin(&h, &m, &callbacks);
    h.hold = 1;
    struct ta_thread *teller = NULL, *phase = NULL;
    assert_int_equal(ta_thread_create(&teller, "teller", start_phase, &m), 0);
    sem_wait(&h.entered);
    for (int i = 0; i < 1000; i++)
        ta_meter_add(&m, 1, 10);
    ta_meter_name(&m, "video", "seg-00001");
    assert_int_equal(ta_thread_create(&phase, "phase", start_phase, &m), 0);
    usleep(20000);
    assert_int_equal(h.count, 1);
    sem_post(&h.go_on);
    ta_thread_join(&teller);
    ta_thread_join(&phase);
    assert_true(h.held);
    assert_int_equal(h.count, 2);
    assert_int_equal(h.calls[0].frames, 0);
    assert_int_equal(h.calls[1].frames, 1000);
    end(&h, &m);
}

static int add_many(void *meter)
{
    for (double start = ta_clock_seconds(); ta_clock_seconds() - start < 0.45;)
        ta_meter_add(meter, 1, 10);
    return 0;
}

// At most ten a second whoever works, one at a time, and every change of phase.
static void test_how_often(void **state)
{
    (void)state;
    static struct heard h;
    struct ta_meter m;
    struct ta_callbacks callbacks;
    begin(&h, &m, &callbacks);
    ta_meter_start(&m, TA_PHASE_SEGMENTS);
    struct ta_thread *threads[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(ta_thread_create(&threads[i], "worker", add_many, &m), 0);
    for (int i = 0; i < 4; i++)
        ta_thread_join(&threads[i]);
    if (h.count < 3 || h.count > 6)
        fail_msg("%d reports in 0.45 s", h.count);
    int before = h.count;
    static const enum ta_phase phases[] = {TA_PHASE_MEASURE, TA_PHASE_SOUND,  TA_PHASE_DOWNLOAD,
                                           TA_PHASE_JOIN,    TA_PHASE_VERIFY, TA_PHASE_DONE};
    for (size_t i = 0; i < TA_COUNT(phases); i++)
        ta_meter_start(&m, phases[i]);
    assert_int_equal(h.count, before + (int)TA_COUNT(phases));
    for (size_t i = 0; i < TA_COUNT(phases); i++)
        assert_int_equal(h.calls[before + (int)i].phase, phases[i]);
    assert_int_equal(atomic_load(&h.overlaps), 0);
    end(&h, &m);
}

static void test_what_is_said(void **state)
{
    (void)state;
    static struct heard h;
    struct ta_meter m;
    struct ta_callbacks callbacks;
    begin(&h, &m, &callbacks);
    ta_meter_start(&m, TA_PHASE_SEGMENTS);
    ta_meter_name(&m, "video", "seg-00002");
    ta_meter_add_task(&m, false);
    ta_meter_add_task(&m, true);
    usleep(120000);
    ta_meter_add(&m, 250000, 10);
    ta_meter_start(&m, TA_PHASE_JOIN);
    assert_int_equal(h.count, 3);
    assert_string_equal(h.calls[0].kind, "");
    assert_string_equal(h.calls[1].kind, "video");
    assert_string_equal(h.calls[1].stage, "seg-00002");
    assert_string_equal(h.calls[2].stage, ""); // of the phase before
    assert_int_equal(m.now.tasks_done, 2);
    assert_int_equal(m.now.segments_done, 1);
    assert_true(m.now.rss_bytes > 100000);
    assert_true(m.now.total >= 0.9);
    end(&h, &m);
}

// What is no frame weighs as many frames as it takes time for, in the fraction and in what is left.
static void test_other_work(void **state)
{
    (void)state;
    static struct heard h;
    struct ta_meter m;
    struct ta_callbacks callbacks;
    begin(&h, &m, &callbacks);
    ta_meter_set_work(&m, &(struct ta_meter_work){.frames_total = 200,
                                                  .frames_done = 100,
                                                  .tasks_total = 4,
                                                  .other_total = 300,
                                                  .other_done = 100});
    ta_meter_start(&m, TA_PHASE_SEGMENTS);
    usleep(120000);
    ta_meter_add(&m, 100, 10);
    assert_true(fabs(m.now.fraction - 0.6) < 1e-9);
    assert_true(m.now.fps > 0);
    double rate = m.now.fps; // of frames that are done, all that there are
    // Two hundred frames' worth are left, at as many a second.
    assert_true(fabs(m.now.eta - 200 / rate) < 1e-6);
    usleep(120000);
    ta_meter_add_other(&m, 150);
    assert_true(fabs(m.now.fraction - 0.9) < 1e-9);
    assert_true(m.now.fps < rate && m.now.eta > 0 && m.now.eta < 200 / rate);
    ta_meter_add_other(&m, 50);
    assert_true(m.now.fraction == 1);
    ta_meter_start(&m, TA_PHASE_JOIN);
    assert_true(m.now.eta == 0);
    end(&h, &m);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"index", "scan",    "restore", "join",    "verify",
                                        "done",  "measure", "sound",   "download"};
    assert_int_equal(TA_COUNT(names), TA_PHASE_COUNT);
    for (int i = 0; i < TA_PHASE_COUNT; i++)
        assert_string_equal(ta_phase_name((enum ta_phase)i), names[i]);
    assert_string_equal(ta_phase_name(TA_PHASE_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_lock_is_held), cmocka_unit_test(test_how_often),
        cmocka_unit_test(test_what_is_said),    cmocka_unit_test(test_other_work),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
