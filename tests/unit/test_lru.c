// suite: thread
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/lru.h"
#include "base/mem.h"
#include "base/thread.h"

struct value {
    int id;
    atomic_int *destroyed; // counts by id
    atomic_int users;      // in the test with threads
};

static atomic_int destroyed[100];

static int reset(void **state)
{
    (void)state;
    for (size_t i = 0; i < TA_COUNT(destroyed); i++)
        atomic_store(&destroyed[i], 0);
    return 0;
}

static void destroy(void *arg)
{
    struct value *v = arg;
    atomic_fetch_add(&v->destroyed[v->id], 1);
    free(v);
}

static struct value *make(int id)
{
    struct value *v = ta_xcalloc(1, sizeof(*v));
    v->id = id;
    v->destroyed = destroyed;
    return v;
}

static struct ta_lru *cache(size_t bytes)
{
    struct ta_lru *c = NULL;
    assert_int_equal(ta_lru_create(&c, bytes, destroy), 0);
    return c;
}

static void add(struct ta_lru *c, const char *key, int id, size_t bytes)
{
    struct value *v = make(id);
    assert_ptr_equal(ta_lru_add(c, key, v, bytes), v);
    ta_lru_put(c, v);
}

static bool has(struct ta_lru *c, const char *key)
{
    void *v = ta_lru_get(c, key);
    if (v)
        ta_lru_put(c, v);
    return v;
}

static void test_evicts_oldest(void **state)
{
    (void)state;
    struct ta_lru *c = cache(100);
    assert_null(ta_lru_get(c, "a"));
    add(c, "a", 1, 40);
    add(c, "b", 2, 40);
    add(c, "", 3, 20); // exactly full
    assert_int_equal(ta_lru_bytes(c), 100);
    assert_true(has(c, "a")); // now b is the oldest
    add(c, "d", 4, 1);
    assert_int_equal(ta_lru_bytes(c), 61);
    assert_false(has(c, "b"));
    assert_int_equal(destroyed[2], 1);
    assert_true(has(c, ""));
    assert_true(has(c, "a"));
    assert_true(has(c, "d"));
    add(c, "e", 5, 100); // all others must go
    assert_int_equal(ta_lru_bytes(c), 100);
    assert_int_equal(destroyed[1] + destroyed[3] + destroyed[4], 3);
    assert_true(has(c, "e"));
    add(c, "f", 6, 101); // too large: lives while it is pinned
    assert_false(has(c, "f"));
    assert_int_equal(destroyed[6], 1);
    ta_lru_destroy(&c);
    assert_null(c);
    ta_lru_destroy(&c);
    for (int i = 1; i <= 6; i++)
        assert_int_equal(destroyed[i], 1);
}

static void test_pinned_stay(void **state)
{
    (void)state;
    struct ta_lru *c = cache(10);
    struct value *a = ta_lru_add(c, "a", make(1), 10);
    struct value *b = ta_lru_add(c, "b", make(2), 10); // over the limit, but both are in use
    assert_int_equal(ta_lru_bytes(c), 20);
    assert_ptr_equal(ta_lru_get(c, "a"), a); // pinned twice
    ta_lru_put(c, a);
    assert_int_equal(destroyed[1], 0);
    ta_lru_put(c, b);
    assert_int_equal(destroyed[2], 1);
    assert_int_equal(ta_lru_bytes(c), 10);
    ta_lru_put(c, a);
    assert_int_equal(destroyed[1], 0); // fits
    assert_ptr_equal(ta_lru_get(c, "a"), a);
    ta_lru_put(c, a);
    ta_lru_destroy(&c);
    assert_int_equal(destroyed[1], 1);
}

static void test_second_add_loses(void **state)
{
    (void)state;
    struct ta_lru *c = cache(10);
    char key[] = "key";
    struct value *first = make(1);
    assert_ptr_equal(ta_lru_add(c, key, first, 5), first);
    key[0] = 'X'; // the cache has its own copy
    assert_ptr_equal(ta_lru_add(c, "key", make(2), 5), first);
    assert_int_equal(destroyed[2], 1);
    assert_int_equal(ta_lru_bytes(c), 5);
    ta_lru_put(c, first);
    ta_lru_put(c, first);
    ta_lru_destroy(&c);
    assert_int_equal(destroyed[1], 1);
}

static void test_no_limit_of_keys(void **state)
{
    (void)state;
    struct ta_lru *c = cache(500);
    char key[20];
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        add(c, key, i % 100, 1);
    }
    assert_int_equal(ta_lru_bytes(c), 500);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(has(c, key), i >= 1500);
    }
    ta_lru_destroy(&c);
    for (int i = 0; i < 100; i++)
        assert_int_equal(destroyed[i], 20);
}

static void test_nothing_to_destroy_with(void **state)
{
    (void)state;
    struct ta_lru *c = NULL;
    int value;
    assert_int_equal(ta_lru_create(&c, 10, NULL), 0);
    assert_ptr_equal(ta_lru_add(c, "a", &value, 20), &value);
    ta_lru_put(c, &value);
    assert_int_equal(ta_lru_bytes(c), 0);
    ta_lru_destroy(&c);
}

#define THREADS 4
#define ROUNDS 3000

struct shared {
    struct ta_lru *c;
    atomic_int made, bad, next;
};

static int use_cache(void *arg)
{
    struct shared *s = arg;
    unsigned x = (unsigned)atomic_fetch_add(&s->next, 1) * 7919u + 1;
    for (int i = 0; i < ROUNDS; i++) {
        x = x * 1664525u + 1013904223u;
        int id = (int)(x >> 20) % 12;
        char key[20];
        snprintf(key, sizeof(key), "%d", id);
        struct value *v = ta_lru_get(s->c, key);
        if (!v) {
            atomic_fetch_add(&s->made, 1);
            v = ta_lru_add(s->c, key, make(id), 10 + (size_t)id);
        }
        atomic_fetch_add(&v->users, 1);
        if (v->id != id)
            atomic_fetch_add(&s->bad, 1);
        atomic_fetch_sub(&v->users, 1);
        ta_lru_put(s->c, v);
    }
    return 0;
}

static void test_threads(void **state)
{
    (void)state;
    struct shared s = {.c = cache(60)};
    struct ta_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(ta_thread_create(&threads[i], "lru", use_cache, &s), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(ta_thread_join(&threads[i]), 0);
    assert_int_equal(s.bad, 0);
    assert_true(ta_lru_bytes(s.c) <= 60);
    ta_lru_destroy(&s.c);
    int total = 0;
    for (int i = 0; i < 12; i++)
        total += destroyed[i];
    assert_int_equal(total, s.made); // each once: a second time would be a use after free
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_evicts_oldest, reset),
        cmocka_unit_test_setup(test_pinned_stay, reset),
        cmocka_unit_test_setup(test_second_add_loses, reset),
        cmocka_unit_test_setup(test_no_limit_of_keys, reset),
        cmocka_unit_test_setup(test_nothing_to_destroy_with, reset),
        cmocka_unit_test_setup(test_threads, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
