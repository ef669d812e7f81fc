#include "infer/runtimes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/dummy.h"

struct runtime {
    struct ta_engine *engine;
    char *named; // library that was named for it, NULL for none
    int threads;
    size_t memory; // its limit
};

struct ta_runtimes {
    pthread_mutex_t lock;
    ta_runtime_opener open;
    char *named;
    size_t memory;
    struct runtime *list;
    int count;
};

void ta_runtimes_create(struct ta_runtimes **out, ta_runtime_opener open)
{
    struct ta_runtimes *r = ta_xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->open = open;
    *out = r;
}

void ta_runtimes_destroy(struct ta_runtimes **runtimes)
{
    struct ta_runtimes *r = *runtimes;
    *runtimes = NULL;
    if (!r)
        return;
    for (int i = 0; i < r->count; i++) {
        ta_engine_close(&r->list[i].engine);
        free(r->list[i].named);
    }
    pthread_mutex_destroy(&r->lock);
    free(r->list);
    free(r->named);
    free(r);
}

void ta_runtimes_name_library(struct ta_runtimes *r, const char *named)
{
    pthread_mutex_lock(&r->lock);
    free(r->named);
    r->named = named && *named ? ta_xstrdup(named) : NULL;
    pthread_mutex_unlock(&r->lock);
}

void ta_runtimes_limit_memory(struct ta_runtimes *r, size_t bytes)
{
    pthread_mutex_lock(&r->lock);
    r->memory = bytes;
    pthread_mutex_unlock(&r->lock);
}

size_t ta_runtimes_memory(struct ta_runtimes *r)
{
    pthread_mutex_lock(&r->lock);
    size_t bytes = r->memory;
    pthread_mutex_unlock(&r->lock);
    return bytes;
}

static const struct ta_engine_info *find_info(const char *name)
{
    for (const struct ta_engine_info *const *e = ta_engines; *e; e++)
        if (!strcmp((*e)->name, name))
            return *e;
    return strcmp(name, ta_engine_dummy.name) != 0 ? NULL : &ta_engine_dummy;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

// Under the lock. The limit as it is wanted now.
static int limit_one(struct ta_runtimes *r, struct runtime *known, struct ta_log *log)
{
    int (*limit)(struct ta_engine *, size_t, struct ta_log *) = known->engine->info->limit_memory;
    if (known->memory == r->memory)
        return 0;
    int err = limit ? limit(known->engine, r->memory, log) : 0;
    if (err >= 0)
        known->memory = r->memory;
    return err;
}

// Under the lock.
static int open_one(struct ta_runtimes *r, const char *name, int threads, struct ta_log *log,
                    struct ta_engine **out)
{
    const struct ta_engine_info *info = find_info(name);
    if (!info) {
        ta_error(log, "there is no engine \"%s\"; \"terminalai engines\" lists them", name);
        return TA_ERR_NOT_FOUND;
    }
    for (int i = 0; i < r->count; i++) {
        struct runtime *known = &r->list[i];
        if (known->engine->info != info || known->threads != threads || !same_text(known->named, r->named))
            continue;
        int err = limit_one(r, known, log);
        *out = err < 0 ? NULL : known->engine;
        return err;
    }
    struct ta_engine *e = NULL;
    int err = r->open(&e, info, r->named, threads, r->memory, log);
    if (err < 0)
        return err;
    r->list = ta_xrealloc(r->list, (size_t)(r->count + 1) * sizeof *r->list);
    r->list[r->count++] = (struct runtime){e, r->named ? ta_xstrdup(r->named) : NULL, threads, r->memory};
    *out = e;
    return 0;
}

int ta_runtimes_get(struct ta_runtimes *r, const char *name, int threads, struct ta_log *log,
                    struct ta_engine **out)
{
    *out = NULL;
    pthread_mutex_lock(&r->lock);
    int err = open_one(r, name, threads, log, out);
    pthread_mutex_unlock(&r->lock);
    return err;
}
