// suite: thread
// The cache of loaded networks, with a loader that loads nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "infer/sessions.h"
#include "media/av.h"

#include "capture.h"

// ---- a loader ----

enum { MAX_THREADS = 8 };

struct network {
    int number; // which load made it
    atomic_int users;
};

struct stand_in {
    size_t bytes;
    atomic_int running, most_running, loads;
    atomic_int fail;  // so many loads fail
    int err;          // with this
    atomic_bool held; // loads wait while it is set
};

// unload() gets the handle alone.
static atomic_int unloaded;

static int load(void *priv, void **handle, size_t *bytes, const struct ta_cancel *cancel, struct ta_log *log)
{
    struct stand_in *s = priv;
    int running = atomic_fetch_add(&s->running, 1) + 1, most = atomic_load(&s->most_running);
    while (running > most && !atomic_compare_exchange_weak(&s->most_running, &most, running))
        ;
    int number = atomic_fetch_add(&s->loads, 1) + 1;
    int err = 0;
    while (atomic_load(&s->held) && !err) {
        if (ta_canceled(cancel))
            err = TA_ERR_CANCELED;
        usleep(500);
    }
    if (!err && atomic_load(&s->fail) > 0) {
        atomic_fetch_sub(&s->fail, 1);
        err = s->err;
        ta_error(log, "load %d fails", number);
    }
    if (!err) {
        struct network *n = ta_xcalloc(1, sizeof *n);
        n->number = number;
        *handle = n;
        *bytes = s->bytes;
    }
    atomic_fetch_sub(&s->running, 1);
    return err;
}

static void unload(void *handle)
{
    struct network *n = handle;
    assert_int_equal(atomic_load(&n->users), 0);
    atomic_fetch_add(&unloaded, 1);
    free(n);
}

static struct ta_session_loader loader_of(struct stand_in *s)
{
    return (struct ta_session_loader){load, unload, s};
}

static int number_of(const struct ta_session *s)
{
    return ((struct network *)s->handle)->number;
}

static int reset(void **state)
{
    (void)state;
    atomic_store(&unloaded, 0);
    return 0;
}

// ---- one thread ----

// Gets and puts back; the number of the load that it came from.
static int use(struct ta_sessions *c, const char *key, struct stand_in *s)
{
    struct ta_session_loader loader = loader_of(s);
    const struct ta_session *session;
    assert_int_equal(ta_sessions_get(c, key, &loader, NULL, NULL, &session), 0);
    int number = number_of(session);
    ta_sessions_put(c, &session);
    assert_null(session);
    return number;
}

static void test_loads_once(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 10};
    struct ta_sessions *c;
    struct ta_sessions_stats stats;
    assert_int_equal(ta_sessions_create(&c, 100), 0);
    assert_int_equal(use(c, "a", &s), 1);
    assert_int_equal(use(c, "a", &s), 1);
    assert_int_equal(use(c, "b", &s), 2);
    assert_int_equal(use(c, "a", &s), 1);
    ta_sessions_get_stats(c, &stats);
    assert_int_equal(stats.loads, 2);
    assert_int_equal(stats.misses, 2);
    assert_int_equal(stats.hits, 2);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.bytes, 20);
    assert_true(stats.seconds >= 0);
    ta_sessions_destroy(&c);
    assert_null(c);
    assert_int_equal(atomic_load(&unloaded), 2);
    ta_sessions_destroy(&c);
}

// That used longest ago goes first, and nothing that is in use.
static void test_eviction(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 40};
    struct ta_session_loader loader = loader_of(&s);
    struct ta_sessions *c;
    struct ta_sessions_stats stats;
    const struct ta_session *held;
    assert_int_equal(ta_sessions_create(&c, 100), 0);
    use(c, "a", &s);
    use(c, "b", &s);
    use(c, "a", &s);
    use(c, "c", &s); // 120 bytes: b goes
    assert_int_equal(atomic_load(&unloaded), 1);
    assert_int_equal(use(c, "a", &s), 1);
    assert_int_equal(use(c, "c", &s), 3);
    assert_int_equal(use(c, "b", &s), 4); // anew: a goes
    assert_int_equal(ta_sessions_get(c, "c", &loader, NULL, NULL, &held), 0);
    use(c, "d", &s);
    use(c, "e", &s);
    assert_int_equal(number_of(held), 3);
    ta_sessions_get_stats(c, &stats);
    assert_int_equal(stats.bytes, 80);
    ta_sessions_put(c, &held);
    assert_int_equal(use(c, "c", &s), 3);
    ta_sessions_destroy(&c);
    assert_int_equal(atomic_load(&unloaded), atomic_load(&s.loads));
}

// Without room for idle ones each use loads: what a program does that keeps none.
static void test_no_room(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 1};
    struct ta_sessions *c;
    struct ta_sessions_stats stats;
    assert_int_equal(ta_sessions_create(&c, 0), 0);
    assert_int_equal(use(c, "a", &s), 1);
    assert_int_equal(use(c, "a", &s), 2);
    ta_sessions_get_stats(c, &stats);
    assert_int_equal(stats.loads, 2);
    assert_int_equal(stats.bytes, 0);
    ta_sessions_destroy(&c);
}

static void test_failure_is_not_kept(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 1, .fail = 2, .err = TA_ERR_FORMAT};
    struct ta_session_loader loader = loader_of(&s);
    struct capture log;
    struct ta_sessions *c;
    struct ta_sessions_stats stats;
    const struct ta_session *session = (void *)&s;
    capture_init(&log);
    assert_int_equal(ta_sessions_create(&c, 10), 0);
    assert_int_equal(ta_sessions_get(c, "a", &loader, NULL, log.log, &session), TA_ERR_FORMAT);
    assert_null(session);
    capture_expect_error(&log, "load 1 fails");
    assert_int_equal(ta_sessions_get(c, "a", &loader, NULL, log.log, &session), TA_ERR_FORMAT);
    capture_expect_error(&log, "load 2 fails");
    assert_int_equal(use(c, "a", &s), 3);
    ta_sessions_get_stats(c, &stats);
    assert_int_equal(stats.loads, 1);
    assert_int_equal(stats.failures, 2);
    assert_int_equal(stats.misses, 3);
    ta_sessions_destroy(&c);
    capture_release(&log);
}

// ---- several threads ----

struct user {
    struct ta_sessions *c;
    struct stand_in *s;
    const char *key;
    struct ta_cancel cancel;
    atomic_bool stop;
    atomic_int asked;
    struct ta_thread *thread;
    int number; // of the load, after success
};

static bool is_stopped(void *priv)
{
    struct user *u = priv;
    atomic_fetch_add(&u->asked, 1);
    return atomic_load(&u->stop);
}

static int get_once(void *arg)
{
    struct user *u = arg;
    struct ta_session_loader loader = loader_of(u->s);
    const struct ta_session *session;
    int err = ta_sessions_get(u->c, u->key, &loader, &u->cancel, NULL, &session);
    if (err < 0)
        return err;
    u->number = number_of(session);
    ta_sessions_put(u->c, &session);
    return 0;
}

static void start_user(struct user *u, struct ta_sessions *c, struct stand_in *s, const char *key)
{
    *u = (struct user){.c = c, .s = s, .key = key};
    u->cancel = (struct ta_cancel){is_stopped, u};
    assert_int_equal(ta_thread_create(&u->thread, "user", get_once, u), 0);
}

static void wait_until(atomic_int *value, int least)
{
    while (atomic_load(value) < least)
        usleep(500);
}

// All want the same while it loads: one load, and all get it, though nothing idle is kept.
static void test_others_wait(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 5, .held = true};
    struct ta_sessions *c;
    struct ta_sessions_stats stats;
    struct user users[MAX_THREADS];
    assert_int_equal(ta_sessions_create(&c, 0), 0);
    start_user(&users[0], c, &s, "a");
    wait_until(&s.loads, 1);
    for (int i = 1; i < MAX_THREADS; i++)
        start_user(&users[i], c, &s, "a");
    for (int i = 1; i < MAX_THREADS; i++)
        wait_until(&users[i].asked, 1); // it asks once it counts as one who waits
    atomic_store(&s.held, false);
    for (int i = 0; i < MAX_THREADS; i++) {
        assert_int_equal(ta_thread_join(&users[i].thread), 0);
        assert_int_equal(users[i].number, 1);
    }
    ta_sessions_get_stats(c, &stats);
    assert_int_equal(stats.loads, 1);
    assert_int_equal(stats.hits, MAX_THREADS - 1);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(atomic_load(&unloaded), 1);
    ta_sessions_destroy(&c);
}

// Different keys load beside each other.
static void test_keys_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 5, .held = true};
    struct ta_sessions *c;
    struct user users[2];
    assert_int_equal(ta_sessions_create(&c, 100), 0);
    start_user(&users[0], c, &s, "a");
    start_user(&users[1], c, &s, "b");
    wait_until(&s.loads, 2);
    atomic_store(&s.held, false);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ta_thread_join(&users[i].thread), 0);
    assert_int_equal(atomic_load(&s.most_running), 2);
    ta_sessions_destroy(&c);
}

// One who waits can be told to stop; the load goes on.
static void test_cancel_waiting(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 5, .held = true};
    struct ta_sessions *c;
    struct user loads, waits;
    assert_int_equal(ta_sessions_create(&c, 100), 0);
    start_user(&loads, c, &s, "a");
    wait_until(&s.loads, 1);
    start_user(&waits, c, &s, "a");
    wait_until(&waits.asked, 2);
    atomic_store(&waits.stop, true);
    assert_int_equal(ta_thread_join(&waits.thread), TA_ERR_CANCELED);
    atomic_store(&s.held, false);
    assert_int_equal(ta_thread_join(&loads.thread), 0);
    assert_int_equal(use(c, "a", &s), 1);
    ta_sessions_destroy(&c);
}

// The one who loads is told to stop: that is his affair, and another loads.
static void test_cancel_loading(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 5, .held = true};
    struct ta_sessions *c;
    struct user loads, waits[3];
    assert_int_equal(ta_sessions_create(&c, 100), 0);
    start_user(&loads, c, &s, "a");
    wait_until(&s.loads, 1);
    for (int i = 0; i < 3; i++)
        start_user(&waits[i], c, &s, "a");
    for (int i = 0; i < 3; i++)
        wait_until(&waits[i].asked, 1);
    atomic_store(&loads.stop, true);
    assert_int_equal(ta_thread_join(&loads.thread), TA_ERR_CANCELED);
    wait_until(&s.loads, 2);
    atomic_store(&s.held, false);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ta_thread_join(&waits[i].thread), 0);
        assert_int_equal(waits[i].number, 2);
    }
    assert_int_equal(atomic_load(&s.loads), 2);
    ta_sessions_destroy(&c);
}

// Those who wait hear of the failure instead of trying the same one after the other.
static void test_failure_reaches_those_who_wait(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 5, .held = true, .fail = 1, .err = TA_ERR_NOMEM};
    struct ta_sessions *c;
    struct user users[4];
    assert_int_equal(ta_sessions_create(&c, 100), 0);
    start_user(&users[0], c, &s, "a");
    wait_until(&s.loads, 1);
    for (int i = 1; i < 4; i++)
        start_user(&users[i], c, &s, "a");
    for (int i = 1; i < 4; i++)
        wait_until(&users[i].asked, 1);
    atomic_store(&s.held, false);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ta_thread_join(&users[i].thread), TA_ERR_NOMEM);
    assert_int_equal(atomic_load(&s.loads), 1);
    assert_int_equal(use(c, "a", &s), 2);
    ta_sessions_destroy(&c);
}

// Many threads, few keys, little room, failures and cancelling now and then: nothing is used after it was
// unloaded, nothing leaks, and no key is loaded twice at the same time.
static int use_often(void *arg)
{
    struct user *u = arg;
    struct ta_session_loader loader = loader_of(u->s);
    unsigned dice = (unsigned)(uintptr_t)u;
    for (int i = 0; i < 400; i++) {
        char key[2] = {(char)('a' + rand_r(&dice) % 4), 0};
        const struct ta_session *session;
        atomic_store(&u->stop, rand_r(&dice) % 16 == 0);
        if (rand_r(&dice) % 32 == 0)
            atomic_fetch_add(&u->s->fail, 1);
        int err = ta_sessions_get(u->c, key, &loader, &u->cancel, NULL, &session);
        if (err < 0) {
            if (err != TA_ERR_IO && err != TA_ERR_CANCELED)
                return err;
            continue;
        }
        struct network *n = session->handle;
        atomic_fetch_add(&n->users, 1);
        usleep(20);
        atomic_fetch_sub(&n->users, 1);
        ta_sessions_put(u->c, &session);
    }
    return 0;
}

static void test_many_threads(void **state)
{
    (void)state;
    struct stand_in s = {.bytes = 10, .err = TA_ERR_IO};
    struct ta_sessions *c;
    struct ta_sessions_stats stats;
    struct user users[MAX_THREADS];
    assert_int_equal(ta_sessions_create(&c, 25), 0);
    for (int i = 0; i < MAX_THREADS; i++) {
        users[i] = (struct user){.c = c, .s = &s};
        users[i].cancel = (struct ta_cancel){is_stopped, &users[i]};
        assert_int_equal(ta_thread_create(&users[i].thread, "user", use_often, &users[i]), 0);
    }
    for (int i = 0; i < MAX_THREADS; i++)
        assert_int_equal(ta_thread_join(&users[i].thread), 0);
    ta_sessions_get_stats(c, &stats);
    assert_true(stats.bytes <= 25);
    assert_int_equal(stats.loads + stats.failures, stats.misses);
    assert_true(atomic_load(&s.most_running) <= 4);
    ta_sessions_destroy(&c);
    assert_int_equal(atomic_load(&unloaded), (int)stats.loads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_loads_once, reset),
        cmocka_unit_test_setup(test_eviction, reset),
        cmocka_unit_test_setup(test_no_room, reset),
        cmocka_unit_test_setup(test_failure_is_not_kept, reset),
        cmocka_unit_test_setup(test_others_wait, reset),
        cmocka_unit_test_setup(test_keys_do_not_wait_for_each_other, reset),
        cmocka_unit_test_setup(test_cancel_waiting, reset),
        cmocka_unit_test_setup(test_cancel_loading, reset),
        cmocka_unit_test_setup(test_failure_reaches_those_who_wait, reset),
        cmocka_unit_test_setup(test_many_threads, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
