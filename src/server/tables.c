#include "server/tables.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/options.h>

#include "base/mem.h"

struct ta_tables {
    pthread_mutex_t lock;
    struct ta_blob *blobs[TA_TABLE_COUNT];
};

int ta_tables_create(struct ta_tables **out)
{
    *out = ta_xcalloc(1, sizeof(**out));
    pthread_mutex_init(&(*out)->lock, NULL);
    return 0;
}

void ta_tables_destroy(struct ta_tables **t)
{
    if (!*t)
        return;
    for (int i = 0; i < TA_TABLE_COUNT; i++)
        ta_blob_unref(&(*t)->blobs[i]);
    pthread_mutex_destroy(&(*t)->lock);
    ta_freep(t);
}

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
