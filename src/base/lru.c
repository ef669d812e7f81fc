#include "base/lru.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define uthash_fatal(message) abort()
#include <uthash.h>
#include <utlist.h>

struct entry {
    UT_hash_handle by_key;
    UT_hash_handle by_value;
    struct entry *prev, *next; // in `idle`, while not pinned
    char *key;
    void *value;
    size_t bytes;
    int pins;
};

struct ta_lru {
    size_t max_bytes;
    void (*destroy)(void *value);
    pthread_mutex_t lock; // guards all below
    struct entry *by_key, *by_value;
    struct entry *idle; // not pinned, that used longest ago first
    size_t bytes;
};

int ta_lru_create(struct ta_lru **out, size_t max_bytes, void (*destroy)(void *value))
{
    struct ta_lru *c = ta_xcalloc(1, sizeof(*c));
    c->max_bytes = max_bytes;
    c->destroy = destroy;
    c->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    *out = c;
    return 0;
}

static void destroy_value(const struct ta_lru *c, void *value)
{
    if (c->destroy)
        c->destroy(value);
}

// Takes idle entries out while the sum is over `limit`; returns them as a list. Call with the lock held.
static struct entry *take_excess(struct ta_lru *c, size_t limit)
{
    struct entry *excess = NULL;
    while (c->bytes > limit && c->idle) {
        struct entry *e = c->idle;
        DL_DELETE(c->idle, e);
        HASH_DELETE(by_key, c->by_key, e);
        HASH_DELETE(by_value, c->by_value, e);
        c->bytes -= e->bytes;
        DL_APPEND(excess, e);
    }
    return excess;
}

// Without the lock: destroying a value (a model on a GPU) takes long.
static void destroy_list(const struct ta_lru *c, struct entry *list)
{
    struct entry *e, *next;
    DL_FOREACH_SAFE(list, e, next)
    {
        destroy_value(c, e->value);
        free(e->key);
        free(e);
    }
}

void ta_lru_destroy(struct ta_lru **cache)
{
    struct ta_lru *c = *cache;
    if (!c)
        return;
    // Whatever is still pinned is a caller's bug, but no reason to leak.
    struct entry *e, *next;
    HASH_ITER(by_key, c->by_key, e, next)
    {
        HASH_DELETE(by_key, c->by_key, e);
        HASH_DELETE(by_value, c->by_value, e);
        destroy_value(c, e->value);
        free(e->key);
        free(e);
    }
    pthread_mutex_destroy(&c->lock);
    ta_freep(cache);
}

static void *pin(struct ta_lru *c, struct entry *e)
{
    if (!e->pins++)
        DL_DELETE(c->idle, e);
    return e->value;
}

static struct entry *find_key(struct ta_lru *c, const char *key)
{
    struct entry *e;
    HASH_FIND(by_key, c->by_key, key, strlen(key), e);
    return e;
}

void *ta_lru_get(struct ta_lru *c, const char *key)
{
    pthread_mutex_lock(&c->lock);
    struct entry *e = find_key(c, key);
    void *value = e ? pin(c, e) : NULL;
    pthread_mutex_unlock(&c->lock);
    return value;
}

void *ta_lru_add(struct ta_lru *c, const char *key, void *value, size_t bytes)
{
    pthread_mutex_lock(&c->lock);
    struct entry *e = find_key(c, key);
    if (e) {
        void *first = pin(c, e);
        pthread_mutex_unlock(&c->lock);
        if (first != value)
            destroy_value(c, value);
        return first;
    }
    e = ta_xcalloc(1, sizeof(*e));
    e->key = ta_xstrdup(key);
    e->value = value;
    e->bytes = bytes;
    e->pins = 1;
    HASH_ADD_KEYPTR(by_key, c->by_key, e->key, strlen(e->key), e);
    HASH_ADD_KEYPTR(by_value, c->by_value, &e->value, sizeof(e->value), e);
    c->bytes += bytes;
    struct entry *excess = take_excess(c, c->max_bytes);
    pthread_mutex_unlock(&c->lock);
    destroy_list(c, excess);
    return value;
}

void ta_lru_put(struct ta_lru *c, void *value)
{
    struct entry *e, *excess = NULL;
    pthread_mutex_lock(&c->lock);
    HASH_FIND(by_value, c->by_value, &value, sizeof(value), e);
    if (e && e->pins > 0 && !--e->pins) {
        DL_APPEND(c->idle, e);
        excess = take_excess(c, c->max_bytes);
    }
    pthread_mutex_unlock(&c->lock);
    destroy_list(c, excess);
}

size_t ta_lru_bytes(struct ta_lru *c)
{
    pthread_mutex_lock(&c->lock);
    size_t bytes = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}
