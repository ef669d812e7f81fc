// suite: thread
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"

#define PARTS_MAX 1000

struct work {
    int counts[PARTS_MAX]; // plain: no two threads may share a part, and the end of a run makes all visible
    atomic_int total;
};

static void count(void *arg, int i)
{
    struct work *w = arg;
    w->counts[i]++;
    atomic_fetch_add(&w->total, 1);
}

static void test_every_part_once(void **state)
{
    (void)state;
    static const int parts[] = {0, 1, 2, 3, 7, 64, PARTS_MAX};
    for (int threads = 1; threads <= 5; threads++) {
        struct ta_pool *pool = NULL;
        assert_int_equal(ta_pool_create(&pool, threads), 0);
        for (int round = 0; round < 20; round++) {
            for (size_t p = 0; p < TA_COUNT(parts); p++) {
                struct work w = {.total = 0};
                ta_pool_run(pool, parts[p], count, &w);
                assert_int_equal(w.total, parts[p]);
                for (int i = 0; i < PARTS_MAX; i++)
                    assert_int_equal(w.counts[i], i < parts[p]);
            }
        }
        ta_pool_destroy(&pool);
        assert_null(pool);
        ta_pool_destroy(&pool);
    }
}

struct here {
    pthread_t caller;
    atomic_int elsewhere;
};

static void look_where(void *arg, int i)
{
    (void)i;
    struct here *h = arg;
    if (!pthread_equal(h->caller, pthread_self()))
        atomic_fetch_add(&h->elsewhere, 1);
}

static void test_runs_in_caller(void **state)
{
    (void)state;
    struct here h = {.caller = pthread_self()};
    struct ta_pool *pools[3] = {NULL};
    assert_int_equal(ta_pool_create(&pools[1], 1), 0);
    assert_int_equal(ta_pool_create(&pools[2], 0), 0); // taken for 1
    for (int i = 0; i < 3; i++) {
        ta_pool_run(pools[i], 100, look_where, &h);
        ta_pool_destroy(&pools[i]);
    }
    assert_int_equal(h.elsewhere, 0);
}

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int present, expected;
};

// Returns only when all parts are inside at the same time.
static void meet(void *arg, int i)
{
    (void)i;
    struct meeting *m = arg;
    pthread_mutex_lock(&m->lock);
    if (++m->present == m->expected)
        pthread_cond_broadcast(&m->changed);
    while (m->present < m->expected)
        pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

static void test_runs_at_the_same_time(void **state)
{
    (void)state;
    for (int threads = 2; threads <= 4; threads++) {
        struct meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, threads};
        struct ta_pool *pool;
        assert_int_equal(ta_pool_create(&pool, threads), 0);
        for (int round = 0; round < 50; round++) {
            m.present = 0;
            ta_pool_run(pool, threads, meet,
                        &m); // hangs (and runs into the time limit) if a thread is left asleep
        }
        ta_pool_destroy(&pool);
    }
}

struct nest {
    struct ta_pool *pool;
    int depth;
    atomic_int leaves;
};

static void descend(void *arg, int i)
{
    struct nest *parent = arg;
    (void)i;
    if (!parent->depth) {
        atomic_fetch_add(&parent->leaves, 1);
        return;
    }
    struct nest child = {.pool = parent->pool, .depth = parent->depth - 1};
    ta_pool_run(parent->pool, 4, descend, &child);
    atomic_fetch_add(&parent->leaves, atomic_load(&child.leaves));
}

static void test_calls_from_parts(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        struct nest n = {.depth = 4};
        assert_int_equal(ta_pool_create(&n.pool, threads), 0);
        ta_pool_run(n.pool, 4, descend, &n);
        assert_int_equal(n.leaves, 4 * 4 * 4 * 4 * 4);
        ta_pool_destroy(&n.pool);
    }
}

struct whereabouts {
    struct ta_pool *pool;
    pthread_t caller;
    atomic_int elsewhere;
};

static void look_from_inside(void *arg, int i)
{
    struct whereabouts *w = arg;
    (void)i;
    if (!pthread_equal(pthread_self(), w->caller))
        atomic_fetch_add(&w->elsewhere, 1);
}

static void call_from_inside(void *arg, int i)
{
    struct whereabouts *w = arg;
    struct whereabouts own = {.pool = w->pool, .caller = pthread_self()};
    (void)i;
    ta_pool_run(w->pool, 50, look_from_inside, &own);
    atomic_fetch_add(&w->elsewhere, atomic_load(&own.elsewhere));
}

// Where each thread of the pool has a call to itself, nobody waits for anybody.
static void test_busy_pool(void **state)
{
    (void)state;
    struct whereabouts w = {0};
    assert_int_equal(ta_pool_create(&w.pool, 2), 0);
    for (int round = 0; round < 50; round++)
        ta_pool_run(w.pool, 2, call_from_inside, &w);
    assert_int_equal(w.elsewhere, 0);
    // Left alone, it shares again: this hangs if it does not.
    struct meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 2};
    ta_pool_run(w.pool, 2, meet, &m);
    ta_pool_destroy(&w.pool);
}

static int run_often(void *arg)
{
    struct ta_pool *pool = arg;
    int wrong = 0;
    for (int round = 0; round < 200; round++) {
        struct work w = {.total = 0};
        ta_pool_run(pool, 1 + round % 20, count, &w);
        wrong += atomic_load(&w.total) != 1 + round % 20;
    }
    return wrong;
}

static void test_several_callers(void **state)
{
    (void)state;
    struct ta_pool *pool;
    assert_int_equal(ta_pool_create(&pool, 3), 0);
    struct ta_thread *callers[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(ta_thread_create(&callers[i], "caller", run_often, pool), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ta_thread_join(&callers[i]), 0);
    ta_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_part_once),       cmocka_unit_test(test_runs_in_caller),
        cmocka_unit_test(test_runs_at_the_same_time), cmocka_unit_test(test_calls_from_parts),
        cmocka_unit_test(test_several_callers),       cmocka_unit_test(test_busy_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
