#include "infer/sessions.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/lru.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"

// What the cache holds; the user sees its first member.
struct entry {
    struct ta_session session;
    void (*unload)(void *handle);
};

// A load that is under way. On the loader's stack until it is done, then kept alive by those who wait.
struct flight {
    struct flight *next;
    char *key;
    int waiting; // gets that wait for it; the last one frees it
    bool done;
    int err;             // once done
    struct entry *entry; // once done, pinned once for each that waits; NULL on failure
};

struct ta_sessions {
    struct ta_lru *lru;
    pthread_mutex_t lock; // guards all below, and what is in flight
    pthread_cond_t landed;
    struct flight *flights;
    struct ta_sessions_stats stats;
};

static void unload(void *value)
{
    struct entry *e = value;
    if (e->unload)
        e->unload(e->session.handle);
    free(e);
}

int ta_sessions_create(struct ta_sessions **out, size_t max_bytes)
{
    struct ta_sessions *c = ta_xcalloc(1, sizeof *c);
    ta_cond_init(&c->landed);
    pthread_mutex_init(&c->lock, NULL);
    int err = ta_lru_create(&c->lru, max_bytes, unload);
    *out = c;
    return err;
}

void ta_sessions_destroy(struct ta_sessions **sessions)
{
    struct ta_sessions *c = *sessions;
    *sessions = NULL;
    if (!c)
        return;
    ta_lru_destroy(&c->lru);
    pthread_cond_destroy(&c->landed);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct flight *find_flight(struct ta_sessions *c, const char *key)
{
    for (struct flight *f = c->flights; f; f = f->next)
        if (!strcmp(f->key, key))
            return f;
    return NULL;
}

static struct flight *add_flight(struct ta_sessions *c, const char *key)
{
    struct flight *f = ta_xcalloc(1, sizeof *f);
    f->key = ta_xstrdup(key);
    f->next = c->flights;
    c->flights = f;
    return f;
}

static void free_flight(struct flight *f)
{
    free(f->key);
    free(f);
}

// Waits until the flight lands or the caller is told to stop. Called and left with the lock held, which is
// given up while it asks. Returns whether the flight has landed.
static bool wait_for(struct ta_sessions *c, struct flight *f, const struct ta_cancel *cancel)
{
    enum { ASK_MS = 20 };
    f->waiting++;
    while (!f->done) {
        pthread_mutex_unlock(&c->lock);
        bool stop = ta_canceled(cancel);
        pthread_mutex_lock(&c->lock);
        if (stop || f->done)
            break;
        struct timespec until = ta_clock_after(ASK_MS / 1000.0);
        // timed wait: whether the caller is to stop has to be asked, nobody tells.
        pthread_cond_timedwait(&c->landed, &c->lock, &until);
    }
    f->waiting--;
    return f->done;
}

// Loads, with the lock given up meanwhile.
static int load(struct ta_sessions *c, const char *key, const struct ta_session_loader *loader,
                const struct ta_cancel *cancel, struct ta_log *log, struct entry **out)
{
    struct flight *f = add_flight(c, key);
    c->stats.misses++;
    pthread_mutex_unlock(&c->lock);
    double start = ta_clock_seconds();
    void *handle = NULL;
    size_t bytes = 0;
    struct entry *e = NULL;
    int err = loader->load(loader->priv, &handle, &bytes, cancel, log);
    double seconds = ta_clock_seconds() - start;
    if (err >= 0) {
        e = ta_xcalloc(1, sizeof *e);
        e->session.handle = handle;
        e->unload = loader->unload;
        // May unload others: not under the lock.
        e = ta_lru_add(c->lru, key, e, bytes);
        ta_verbose(log, "%s: loaded in %.2f s, %zu bytes", key, seconds, bytes);
    }
    pthread_mutex_lock(&c->lock);
    c->stats.seconds += seconds;
    c->stats.loads += err >= 0;
    c->stats.failures += err < 0;
    struct flight **link = &c->flights;
    while (*link != f)
        link = &(*link)->next;
    *link = f->next;
    f->done = true;
    f->err = err < 0 ? err : 0;
    f->entry = e;
    for (int i = 0; e && i < f->waiting; i++)
        ta_lru_get(c->lru, key);
    if (f->waiting)
        pthread_cond_broadcast(&c->landed);
    else
        free_flight(f);
    *out = e;
    return err < 0 ? err : 0;
}

int ta_sessions_get(struct ta_sessions *c, const char *key, const struct ta_session_loader *loader,
                    const struct ta_cancel *cancel, struct ta_log *log, const struct ta_session **out)
{
    struct entry *e = NULL;
    int err = 0;
    bool waited = false;
    *out = NULL;
    pthread_mutex_lock(&c->lock);
    while (!e && !err) {
        struct flight *f;
        if ((e = ta_lru_get(c->lru, key))) {
            c->stats.hits++;
        } else if (!(f = find_flight(c, key))) {
            err = load(c, key, loader, cancel, log, &e);
        } else if (!wait_for(c, f, cancel)) {
            err = TA_ERR_CANCELED;
        } else {
            e = f->entry;
            c->stats.hits += e != NULL;
            err = f->err == TA_ERR_CANCELED ? 0 : f->err;
            waited = err < 0;
            if (!f->waiting)
                free_flight(f);
        }
    }
    pthread_mutex_unlock(&c->lock);
    if (waited)
        ta_error(log, "%s: can't be loaded, as another task was told: %s", key, ta_error_text(err));
    *out = e ? &e->session : NULL;
    return err;
}

void ta_sessions_put(struct ta_sessions *c, const struct ta_session **session)
{
    if (*session)
        ta_lru_put(c->lru, (void *)*session);
    *session = NULL;
}

void ta_sessions_get_stats(struct ta_sessions *c, struct ta_sessions_stats *stats)
{
    pthread_mutex_lock(&c->lock);
    *stats = c->stats;
    pthread_mutex_unlock(&c->lock);
    stats->bytes = ta_lru_bytes(c->lru);
}
