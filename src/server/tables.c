#include "server/tables.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/options.h>

#include "base/lru.h"
#include "base/mem.h"

enum { KEPT_BYTES = 2 << 20 };

struct ta_tables {
    pthread_mutex_t lock;
    struct ta_blob *blobs[TA_TABLE_COUNT];
    struct ta_lru *kept; // of struct kept
};

// What the cache holds: each its own, whatever it leads to.
struct kept {
    struct ta_blob *blob;
};

static void kept_destroy(void *value)
{
    struct kept *k = value;
    ta_blob_unref(&k->blob);
    free(k);
}

int ta_tables_create(struct ta_tables **out)
{
    *out = ta_xcalloc(1, sizeof(**out));
    pthread_mutex_init(&(*out)->lock, NULL);
    return ta_lru_create(&(*out)->kept, KEPT_BYTES, kept_destroy);
}

void ta_tables_destroy(struct ta_tables **t)
{
    if (!*t)
        return;
    for (int i = 0; i < TA_TABLE_COUNT; i++)
        ta_blob_unref(&(*t)->blobs[i]);
    ta_lru_destroy(&(*t)->kept);
    pthread_mutex_destroy(&(*t)->lock);
    ta_freep(t);
}

struct ta_blob *ta_tables_find(struct ta_tables *t, const char *key)
{
    struct kept *k = ta_lru_get(t->kept, key);
    struct ta_blob *blob = k ? ta_blob_ref(k->blob) : NULL;
    if (k)
        ta_lru_put(t->kept, k);
    return blob;
}

void ta_tables_keep(struct ta_tables *t, const char *key, struct ta_blob *blob)
{
    struct kept *k = ta_xcalloc(1, sizeof(*k));
    k->blob = ta_blob_ref(blob);
    ta_lru_put(t->kept, ta_lru_add(t->kept, key, k, ta_blob_size(blob) + strlen(key) + sizeof(*k)));
}

// perf-ok(callback-under-lock): made once in a life, and only once
struct ta_blob *ta_tables_get(struct ta_tables *t, enum ta_table_name name)
{
    static const struct {
        char *(*make)(void);
        const char *type;
    } makers[TA_TABLE_COUNT] = {
        [TA_TABLE_OPTIONS] = {ta_options_describe, "application/json"},
        [TA_TABLE_SCHEMA] = {ta_options_schema, "application/schema+json"},
        [TA_TABLE_OPENAPI] = {ta_openapi_text, "application/json"},
    };
    pthread_mutex_lock(&t->lock);
    if (!t->blobs[name]) {
        char *text = makers[name].make();
        t->blobs[name] = ta_blob_create(text, strlen(text), makers[name].type);
    }
    struct ta_blob *blob = ta_blob_ref(t->blobs[name]);
    pthread_mutex_unlock(&t->lock);
    return blob;
}
