// Chains and encoders of a run wait for each other: never more of either than there is room for.
// suite: thread
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/thread.h"
#include "restore/turns.h"

enum { SEGMENTS = 40, WORKERS = 5 };

struct run {
    struct ta_turns turns;
    atomic_int next, chains, encoders, most_chains, most_encoders, made;
};

static void raise_to(atomic_int *most, int value)
{
    int before = atomic_load(most);
    while (before < value && !atomic_compare_exchange_weak(most, &before, value)) {}
}

// As a segment is made: the chain ends before the encoder has.
static int work(void *arg)
{
    struct run *r = arg;
    while (atomic_fetch_add(&r->next, 1) < SEGMENTS) {
        ta_turns_wait(&r->turns, TA_TURN_CHAIN);
        raise_to(&r->most_chains, atomic_fetch_add(&r->chains, 1) + 1);
        ta_turns_wait(&r->turns, TA_TURN_ENCODER);
        raise_to(&r->most_encoders, atomic_fetch_add(&r->encoders, 1) + 1);
        atomic_fetch_sub(&r->chains, 1);
        ta_turns_end(&r->turns, TA_TURN_CHAIN);
        atomic_fetch_add(&r->made, 1);
        atomic_fetch_sub(&r->encoders, 1);
        ta_turns_end(&r->turns, TA_TURN_ENCODER);
    }
    return 0;
}

static void run_with(int chains, int encoders)
{
    struct run r = {0};
    struct ta_thread *threads[WORKERS];
    ta_turns_init(&r.turns, chains, encoders);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(ta_thread_create(&threads[i], "makes", work, &r), 0);
    for (int i = 0; i < WORKERS; i++)
        ta_thread_join(&threads[i]);
    assert_int_equal(r.made, SEGMENTS);
    assert_in_range(r.most_chains, 1, chains);
    assert_in_range(r.most_encoders, 1, encoders);
    ta_turns_release(&r.turns);
}

static void test_all_are_made(void **state)
{
    (void)state;
    run_with(1, 1);
    run_with(2, 1); // one is warm before its time
    run_with(2, 2);
    run_with(4, 3);
}

// A chain that waits for its turn gets it while the encoder before still works.
static void test_a_chain_ends_before_its_encoder(void **state)
{
    (void)state;
    struct ta_turns turns;
    ta_turns_init(&turns, 1, 1);
    ta_turns_wait(&turns, TA_TURN_CHAIN);
    ta_turns_wait(&turns, TA_TURN_ENCODER);
    ta_turns_end(&turns, TA_TURN_CHAIN);
    ta_turns_wait(&turns, TA_TURN_CHAIN); // does not block
    assert_int_equal(turns.free[TA_TURN_ENCODER], 0);
    ta_turns_end(&turns, TA_TURN_ENCODER);
    ta_turns_end(&turns, TA_TURN_CHAIN);
    assert_int_equal(turns.free[TA_TURN_CHAIN], 1);
    assert_int_equal(turns.free[TA_TURN_ENCODER], 1);
    ta_turns_wait(NULL, TA_TURN_CHAIN); // a task alone has no turns
    ta_turns_end(NULL, TA_TURN_CHAIN);
    ta_turns_release(&turns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_made),
        cmocka_unit_test(test_a_chain_ends_before_its_encoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
