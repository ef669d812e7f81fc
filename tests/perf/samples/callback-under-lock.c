// callback-under-lock: others' code runs while the lock is held.
#include <pthread.h>

struct meter {
    pthread_mutex_t lock;
    int done;
    void (*report)(void *priv, int done);
    void *priv;
};

void add(struct meter *m)
{
    pthread_mutex_lock(&m->lock);
    m->done++;
    m->report(m->priv, m->done); // finds callback-under-lock
    pthread_mutex_unlock(&m->lock);
}

void add_outside(struct meter *m)
{
    pthread_mutex_lock(&m->lock);
    int done = ++m->done;
    pthread_mutex_unlock(&m->lock);
    m->report(m->priv, done);
}
