#include "jobs/events.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct event {
    const char *kind;
    char *data;
};

struct ta_events {
    pthread_mutex_t lock;
    struct event kept[TA_EVENTS_KEPT];
    int64_t last;
    pthread_mutex_t wake_lock; // held while `wake` is called, so that it can be taken back
    void (*wake)(void *priv, const char *kind);
    void *priv;
};

int ta_events_create(struct ta_events **out)
{
    *out = ta_xcalloc(1, sizeof(**out));
    pthread_mutex_init(&(*out)->lock, NULL);
    pthread_mutex_init(&(*out)->wake_lock, NULL);
    return 0;
}

void ta_events_destroy(struct ta_events **e)
{
    if (!*e)
        return;
    for (int i = 0; i < TA_EVENTS_KEPT; i++)
        free((*e)->kept[i].data);
    pthread_mutex_destroy(&(*e)->lock);
    pthread_mutex_destroy(&(*e)->wake_lock);
    ta_freep(e);
}

void ta_events_on_publish(struct ta_events *e, void (*wake)(void *priv, const char *kind), void *priv)
{
    pthread_mutex_lock(&e->wake_lock);
    e->wake = wake;
    e->priv = priv;
    pthread_mutex_unlock(&e->wake_lock);
}

// perf-ok(callback-under-lock): so that nobody is called who has taken back the call; it writes to a pipe
void ta_events_publish(struct ta_events *e, const char *kind, char *data)
{
    pthread_mutex_lock(&e->lock);
    struct event *slot = &e->kept[++e->last % TA_EVENTS_KEPT];
    char *old = slot->data;
    *slot = (struct event){kind, data};
    pthread_mutex_unlock(&e->lock);
    free(old);
    pthread_mutex_lock(&e->wake_lock);
    if (e->wake)
        e->wake(e->priv, kind);
    pthread_mutex_unlock(&e->wake_lock);
}

int64_t ta_events_last(struct ta_events *e)
{
    pthread_mutex_lock(&e->lock);
    int64_t last = e->last;
    pthread_mutex_unlock(&e->lock);
    return last;
}

bool ta_events_next(struct ta_events *e, int64_t *seq, const char **kind, char **data, bool *lost)
{
    pthread_mutex_lock(&e->lock);
    int64_t next = *seq + 1, oldest = TA_MAX(e->last - TA_EVENTS_KEPT + 1, (int64_t)1);
    *lost = next < oldest || next > e->last + 1; // the latter: numbers of a service before this one
    if (*lost)
        next = oldest;
    bool found = next <= e->last;
    if (found) {
        const struct event *slot = &e->kept[next % TA_EVENTS_KEPT];
        *seq = next;
        *kind = slot->kind;
        *data = ta_xstrdup(slot->data);
    }
    pthread_mutex_unlock(&e->lock);
    return found;
}
