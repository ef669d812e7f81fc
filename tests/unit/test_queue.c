// suite: thread
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"

static atomic_int dropped;
static atomic_long dropped_sum;

static void drop(void *item)
{
    atomic_fetch_add(&dropped, 1);
    atomic_fetch_add(&dropped_sum, (long)(intptr_t)item);
}

static int reset(void **state)
{
    (void)state;
    atomic_store(&dropped, 0);
    atomic_store(&dropped_sum, 0);
    return 0;
}

static void *number(int n)
{
    return (void *)(intptr_t)n;
}

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static struct ta_queue *make(size_t items, size_t bytes)
{
    struct ta_queue *q = NULL;
    assert_int_equal(ta_queue_create(&q, items, bytes, drop), 0);
    assert_non_null(q);
    return q;
}

static void expect_pop(struct ta_queue *q, int expected)
{
    void *item = NULL;
    assert_int_equal(ta_queue_pop(q, &item), 0);
    assert_int_equal((intptr_t)item, expected);
}

static void test_order_and_end(void **state)
{
    (void)state;
    struct ta_queue *q = make(100, 0);
    // Enough rounds to wrap the ring while it grows.
    int pushed = 0, popped = 0;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 1 + round % 7 * 3 && pushed - popped < 100; i++)
            assert_int_equal(ta_queue_push(q, number(++pushed), 5), 0);
        for (int i = 0; i < 1 + round % 5 * 2 && popped < pushed; i++)
            expect_pop(q, ++popped);
    }
    assert_int_equal(ta_queue_push(q, number(++pushed), SIZE_MAX), 0);
    ta_queue_finish(q, 0);
    ta_queue_finish(q, TA_ERR_IO); // the first call counts
    while (popped < pushed)
        expect_pop(q, ++popped);
    for (int i = 0; i < 3; i++) {
        void *item = q;
        assert_int_equal(ta_queue_pop(q, &item), 0);
        assert_null(item);
    }
    assert_int_equal(dropped, 0);
    assert_int_equal(ta_queue_push(q, number(77), 1), TA_ERR_CANCELED);
    assert_int_equal(dropped, 1);
    assert_int_equal(dropped_sum, 77);
    ta_queue_destroy(&q);
    assert_null(q);
    ta_queue_destroy(&q);
}

static void test_error_comes_after_items(void **state)
{
    (void)state;
    struct ta_queue *q = make(4, 0);
    assert_int_equal(ta_queue_push(q, number(1), 1), 0);
    assert_int_equal(ta_queue_push(q, number(2), 1), 0);
    ta_queue_finish(q, TA_ERR_DAMAGED);
    ta_queue_finish(q, 0);
    expect_pop(q, 1);
    expect_pop(q, 2);
    for (int i = 0; i < 2; i++) {
        void *item = q;
        assert_int_equal(ta_queue_pop(q, &item), TA_ERR_DAMAGED);
        assert_null(item);
    }
    ta_queue_destroy(&q);
}

static void test_cancel_drops(void **state)
{
    (void)state;
    struct ta_queue *q = make(30, 0);
    for (int i = 1; i <= 20; i++)
        assert_int_equal(ta_queue_push(q, number(i), 1), 0);
    expect_pop(q, 1);
    ta_queue_cancel(q);
    assert_int_equal(dropped, 19);
    assert_int_equal(dropped_sum, 20 * 21 / 2 - 1);
    void *item = q;
    assert_int_equal(ta_queue_pop(q, &item), TA_ERR_CANCELED);
    assert_null(item);
    assert_int_equal(ta_queue_push(q, number(100), 1), TA_ERR_CANCELED);
    assert_int_equal(dropped, 20);
    ta_queue_cancel(q);
    ta_queue_finish(q, 0);
    assert_int_equal(ta_queue_pop(q, &item), TA_ERR_CANCELED); // wins over the end
    ta_queue_destroy(&q);
    assert_int_equal(dropped, 20);

    q = make(4, 0);
    assert_int_equal(ta_queue_push(q, number(1), 1), 0);
    ta_queue_destroy(&q); // drops what is left
    assert_int_equal(dropped, 21);
    assert_int_equal(ta_queue_create(&q, 4, 0, NULL), 0); // nothing to drop with
    assert_int_equal(ta_queue_push(q, number(1), 1), 0);
    ta_queue_destroy(&q);
}

struct pusher {
    struct ta_queue *q;
    int item;
    size_t bytes;
    atomic_int result; // 1 while it waits
};

static int push_one(void *arg)
{
    struct pusher *p = arg;
    atomic_store(&p->result, ta_queue_push(p->q, number(p->item), p->bytes));
    return 0;
}

// Starts a push that must wait, and says that it does.
static struct ta_thread *start_blocked(struct pusher *p)
{
    struct ta_thread *t;
    atomic_store(&p->result, 1);
    assert_int_equal(ta_thread_create(&t, "push", push_one, p), 0);
    sleep_ms(30);
    assert_int_equal(atomic_load(&p->result), 1);
    return t;
}

static void test_limits(void **state)
{
    (void)state;
    // By items.
    struct ta_queue *q = make(2, 0);
    assert_int_equal(ta_queue_push(q, number(1), 1), 0);
    assert_int_equal(ta_queue_push(q, number(2), 1), 0);
    struct pusher p = {.q = q, .item = 3, .bytes = 1};
    struct ta_thread *t = start_blocked(&p);
    expect_pop(q, 1);
    ta_thread_join(&t);
    assert_int_equal(p.result, 0);
    ta_queue_destroy(&q);

    // By bytes.
    q = make(100, 1000);
    assert_int_equal(ta_queue_push(q, number(1), 600), 0);
    assert_int_equal(ta_queue_push(q, number(2), 400), 0);
    p = (struct pusher){.q = q, .item = 3, .bytes = 401};
    t = start_blocked(&p);
    expect_pop(q, 1); // 400 are left: 401 more are too many
    expect_pop(q, 2);
    ta_thread_join(&t);
    assert_int_equal(p.result, 0);
    expect_pop(q, 3);

    // Larger than the limit: passes alone, and nothing beside it.
    assert_int_equal(ta_queue_push(q, number(4), SIZE_MAX), 0);
    p = (struct pusher){.q = q, .item = 5, .bytes = 1};
    t = start_blocked(&p);
    expect_pop(q, 4);
    ta_thread_join(&t);
    expect_pop(q, 5);
    assert_int_equal(ta_queue_push(q, number(6), 1), 0);
    p = (struct pusher){.q = q, .item = 7, .bytes = 5000};
    t = start_blocked(&p);
    expect_pop(q, 6);
    ta_thread_join(&t);
    expect_pop(q, 7);
    ta_queue_destroy(&q);
    assert_int_equal(dropped, 2); // 2 and 3 of the first queue
}

static void test_wakes_waiting_producers(void **state)
{
    (void)state;
    for (int finish = 0; finish < 2; finish++) {
        struct ta_queue *q = make(1, 0);
        assert_int_equal(ta_queue_push(q, number(1), 1), 0);
        struct pusher p[3];
        struct ta_thread *t[3];
        for (int i = 0; i < 3; i++) {
            p[i] = (struct pusher){.q = q, .item = 10 + i, .bytes = 1};
            t[i] = start_blocked(&p[i]);
        }
        if (finish)
            ta_queue_finish(q, 0);
        else
            ta_queue_cancel(q);
        for (int i = 0; i < 3; i++) {
            ta_thread_join(&t[i]);
            assert_int_equal(p[i].result, TA_ERR_CANCELED);
        }
        ta_queue_destroy(&q);
    }
    assert_int_equal(dropped, 8);
}

struct popper {
    struct ta_queue *q;
    atomic_int waiting;
};

static int pop_one(void *arg)
{
    struct popper *p = arg;
    void *item;
    atomic_store(&p->waiting, 1);
    return ta_queue_pop(p->q, &item);
}

static void test_wakes_waiting_consumers(void **state)
{
    (void)state;
    static const int errors[] = {0, TA_ERR_IO, TA_ERR_CANCELED};
    for (size_t e = 0; e < TA_COUNT(errors); e++) {
        struct popper p = {.q = make(1, 0)};
        struct ta_thread *t[3];
        for (int i = 0; i < 3; i++)
            assert_int_equal(ta_thread_create(&t[i], "pop", pop_one, &p), 0);
        while (!atomic_load(&p.waiting))
            sleep_ms(1);
        sleep_ms(20);
        if (errors[e] == TA_ERR_CANCELED)
            ta_queue_cancel(p.q);
        else
            ta_queue_finish(p.q, errors[e]);
        for (int i = 0; i < 3; i++)
            assert_int_equal(ta_thread_join(&t[i]), errors[e]);
        ta_queue_destroy(&p.q);
    }
}

#define PRODUCERS 3
#define CONSUMERS 3
#define ITEMS 3000

struct traffic {
    struct ta_queue *q;
    atomic_int next_producer;
    atomic_int taken;
    atomic_long sum;
    atomic_int disorder;
};

static int produce(void *arg)
{
    struct traffic *s = arg;
    int producer = atomic_fetch_add(&s->next_producer, 1);
    for (int i = 1; i <= ITEMS; i++) {
        int ret = ta_queue_push(s->q, number(producer * ITEMS + i), (size_t)(i % 50));
        if (ret < 0)
            return ret;
    }
    return 0;
}

static int consume(void *arg)
{
    struct traffic *s = arg;
    int last[PRODUCERS] = {0};
    for (;;) {
        void *item;
        int ret = ta_queue_pop(s->q, &item);
        if (ret < 0 || !item)
            return ret;
        int n = (int)(intptr_t)item, producer = (n - 1) / ITEMS;
        if (n <= last[producer]) // each consumer sees each producer's items in order
            atomic_fetch_add(&s->disorder, 1);
        last[producer] = n;
        atomic_fetch_add(&s->taken, 1);
        atomic_fetch_add(&s->sum, n);
    }
}

static void run_traffic(bool cancel)
{
    struct traffic s = {.q = make(8, 200)};
    struct ta_thread *producers[PRODUCERS], *consumers[CONSUMERS];
    for (int i = 0; i < CONSUMERS; i++)
        assert_int_equal(ta_thread_create(&consumers[i], "consumer", consume, &s), 0);
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(ta_thread_create(&producers[i], "producer", produce, &s), 0);
    const long total = PRODUCERS * ITEMS, sum = total * (total + 1) / 2;
    if (cancel) {
        sleep_ms(2);
        ta_queue_cancel(s.q);
    }
    int canceled = 0;
    for (int i = 0; i < PRODUCERS; i++)
        canceled += ta_thread_join(&producers[i]) == TA_ERR_CANCELED;
    ta_queue_finish(s.q, 0);
    for (int i = 0; i < CONSUMERS; i++)
        assert_int_equal(ta_thread_join(&consumers[i]), cancel ? TA_ERR_CANCELED : 0);
    assert_int_equal(s.disorder, 0);
    if (cancel) {
        // Whatever was pushed was either taken or dropped.
        assert_true(s.sum + dropped_sum <= sum);
        assert_true(canceled > 0 || s.taken + dropped == total);
    } else {
        assert_int_equal(canceled, 0);
        assert_int_equal(s.taken, total);
        assert_int_equal(s.sum, sum);
        assert_int_equal(dropped, 0);
    }
    ta_queue_destroy(&s.q);
}

static void test_many_threads(void **state)
{
    (void)state;
    run_traffic(false);
}

static void test_cancel_many_threads(void **state)
{
    for (int i = 0; i < 20; i++) {
        reset(state);
        run_traffic(true);
    }
}

static int report_thread(void *arg)
{
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    pthread_getname_np(pthread_self(), arg, 32);
    return sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGINT) ? TA_ERR_DAMAGED : 0;
}

static void test_thread(void **state)
{
    (void)state;
    char name[32] = "";
    struct ta_thread *t = NULL;
    assert_int_equal(ta_thread_join(&t), 0);
    assert_int_equal(ta_thread_create(&t, "a name that is too long", report_thread, name), 0);
    assert_int_equal(ta_thread_join(&t), TA_ERR_DAMAGED);
    assert_null(t);
    assert_string_equal(name, "a name that is ");
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGTERM)); // the caller's own mask is as before
}

static void test_clocks(void **state)
{
    (void)state;
    double start = ta_clock_seconds(), cpu = ta_cpu_seconds();
    sleep_ms(50);
    double waited = ta_clock_seconds() - start, used = ta_cpu_seconds() - cpu;
    assert_true(waited >= 0.05);
    assert_true(used >= 0 && used < waited); // sleeping costs nothing
    assert_true(ta_peak_rss_bytes() > 100000);
    assert_true(ta_peak_rss_bytes() < (int64_t)1 << 50);
}

static void test_cpu_count(void **state)
{
    (void)state;
    int count = ta_cpu_count();
    assert_true(count >= 1);
    assert_true(count <= sysconf(_SC_NPROCESSORS_CONF));
    // Affinity is obeyed.
    cpu_set_t old, one;
    assert_int_equal(sched_getaffinity(0, sizeof(old), &old), 0);
    int first = 0;
    while (!CPU_ISSET(first, &old))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(ta_cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(old), &old), 0);
    assert_int_equal(ta_cpu_count(), count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order_and_end, reset),
        cmocka_unit_test_setup(test_error_comes_after_items, reset),
        cmocka_unit_test_setup(test_cancel_drops, reset),
        cmocka_unit_test_setup(test_limits, reset),
        cmocka_unit_test_setup(test_wakes_waiting_producers, reset),
        cmocka_unit_test_setup(test_wakes_waiting_consumers, reset),
        cmocka_unit_test_setup(test_many_threads, reset),
        cmocka_unit_test_setup(test_cancel_many_threads, reset),
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_cpu_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
