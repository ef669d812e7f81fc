#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"

// One call of ta_pool_run(), on its caller's stack. It is in the pool's list while parts are left to take.
struct task {
    struct task *next;
    void (*run)(void *arg, int i);
    void *arg;
    int parts, taken, done;
};

struct ta_pool {
    int workers; // threads besides the callers
    struct ta_thread **threads;
    pthread_mutex_t lock; // guards all below
    pthread_cond_t work;  // a task came, or the pool stops
    pthread_cond_t done;  // the last part of some task was done
    struct task *first, **last;
    bool stop;
    atomic_int calls; // of ta_pool_run() that have not returned
};

// Takes the next part of `t` and runs it. Call with the lock held; it is held again on return.
static void run_part(struct ta_pool *p, struct task *t)
{
    int i = t->taken++;
    if (t->taken == t->parts) { // nothing is left to take: out of the list
        struct task **link = &p->first;
        while (*link != t)
            link = &(*link)->next;
        *link = t->next;
        if (!t->next)
            p->last = link;
    }
    pthread_mutex_unlock(&p->lock);
    t->run(t->arg, i);
    pthread_mutex_lock(&p->lock);
    // After this the caller may return, and `t` with it.
    if (++t->done == t->parts)
        pthread_cond_broadcast(&p->done);
}

static int worker_main(void *arg)
{
    struct ta_pool *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (p->first)
            run_part(p, p->first);
        else
            pthread_cond_wait(&p->work, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return 0;
}

int ta_pool_create(struct ta_pool **out, int threads)
{
    *out = NULL;
    struct ta_pool *p = ta_xcalloc(1, sizeof(*p));
    p->last = &p->first;
    p->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    p->work = p->done = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    p->threads = ta_xcalloc((size_t)TA_MAX(threads, 1), sizeof(*p->threads));
    for (int i = 0; i < threads - 1; i++) {
        char name[24];
        snprintf(name, sizeof(name), "pool %d", i + 1);
        int ret = ta_thread_create(&p->threads[p->workers], name, worker_main, p);
        if (ret < 0) {
            ta_pool_destroy(&p);
            return ret;
        }
        p->workers++;
    }
    *out = p;
    return 0;
}

void ta_pool_destroy(struct ta_pool **pool)
{
    struct ta_pool *p = *pool;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->workers; i++)
        ta_thread_join(&p->threads[i]);
    free(p->threads);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    ta_freep(pool);
}

static void run_alone(int n, void (*run)(void *arg, int i), void *arg)
{
    for (int i = 0; i < n; i++)
        run(arg, i);
}

static void share(struct ta_pool *p, int n, void (*run)(void *arg, int i), void *arg)
{
    struct task t = {.run = run, .arg = arg, .parts = n};
    pthread_mutex_lock(&p->lock);
    *p->last = &t;
    p->last = &t.next;
    if (n > 2)
        pthread_cond_broadcast(&p->work);
    else
        pthread_cond_signal(&p->work);
    // The caller works on its own task alone, so that a call from inside a part always gets done.
    while (t.taken < t.parts)
        run_part(p, &t);
    while (t.done < t.parts)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void ta_pool_run(struct ta_pool *p, int n, void (*run)(void *arg, int i), void *arg)
{
    if (!p || !p->workers || n <= 1) {
        run_alone(n, run, arg);
        return;
    }
    // Where as many calls run as there are threads, each has one to itself, and meetings only cost.
    bool alone = atomic_fetch_add(&p->calls, 1) >= p->workers;
    if (alone)
        run_alone(n, run, arg);
    else
        share(p, n, run, arg);
    atomic_fetch_sub(&p->calls, 1);
}
