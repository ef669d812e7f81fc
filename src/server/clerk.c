#include "server/clerk.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"
#include "server/request.h"

// What waits for the service's own disk at the same time shares one transaction, so a few are enough for
// that; the others are for folders that don't answer. One of all is kept from those.
enum { CLERKS_MAX = 32, FAR_MAX = CLERKS_MAX - 1 };

struct task {
    struct ta_request *request;
    void (*run)(struct ta_request *r);
    bool far;
    struct task *next;
};

struct ta_clerk {
    pthread_mutex_t lock; // guards all below
    pthread_cond_t changed;
    struct task *first; // in the order in which they came, never more than connections
    int far, idle;      // threads that are at such a task; that have none
    bool ends;
    int count;
    struct ta_thread *threads[CLERKS_MAX]; // started when there is need, for good
};

// The first that may begin, taken out of the list; NULL: none. Under the lock.
static struct task *take(struct ta_clerk *clerk)
{
    struct task **at = &clerk->first;
    while (*at && (*at)->far && clerk->far >= FAR_MAX)
        at = &(*at)->next;
    struct task *task = *at;
    if (task) {
        *at = task->next;
        clerk->far += task->far;
    }
    return task;
}

static int work(void *arg)
{
    struct ta_clerk *clerk = arg;
    pthread_mutex_lock(&clerk->lock);
    for (;;) {
        struct task *task = take(clerk);
        if (!task && clerk->ends && !clerk->first)
            break;
        if (!task) {
            clerk->idle++;
            pthread_cond_wait(&clerk->changed, &clerk->lock);
            clerk->idle--;
            continue;
        }
        pthread_mutex_unlock(&clerk->lock);
        void *connection = task->request->connection;
        task->run(task->request);
        ta_request_wake(connection); // from here on the request may be gone
        pthread_mutex_lock(&clerk->lock);
        clerk->far -= task->far;
        if (task->far) // another of them may begin
            pthread_cond_broadcast(&clerk->changed);
        free(task);
    }
    pthread_mutex_unlock(&clerk->lock);
    return 0;
}

// Under the lock.
static int start_one(struct ta_clerk *clerk)
{
    if (clerk->count == CLERKS_MAX)
        return 0;
    int err = ta_thread_create(&clerk->threads[clerk->count], "clerk", work, clerk);
    clerk->count += err >= 0;
    return err;
}

int ta_clerk_create(struct ta_clerk **out)
{
    struct ta_clerk *clerk = ta_xcalloc(1, sizeof(*clerk));
    *out = clerk;
    pthread_mutex_init(&clerk->lock, NULL);
    pthread_cond_init(&clerk->changed, NULL);
    pthread_mutex_lock(&clerk->lock);
    int err = start_one(clerk);
    pthread_mutex_unlock(&clerk->lock);
    if (err < 0)
        ta_clerk_destroy(out);
    return err;
}

void ta_clerk_do(struct ta_clerk *clerk, struct ta_request *r, bool far, void (*run)(struct ta_request *r))
{
    struct task *task = ta_xcalloc(1, sizeof(*task)), **last;
    int waiting = 1;
    *task = (struct task){r, run, far, NULL};
    ta_request_sleep(r);
    pthread_mutex_lock(&clerk->lock);
    bool ends = clerk->ends;
    for (last = &clerk->first; !ends && *last; last = &(*last)->next)
        waiting++;
    if (!ends)
        *last = task;
    if (!ends && waiting > clerk->idle)
        start_one(clerk); // where the system gives none it waits for the others
    pthread_cond_broadcast(&clerk->changed);
    pthread_mutex_unlock(&clerk->lock);
    if (ends) { // the service does
        free(task);
        run(r);
        ta_request_wake(r->connection);
    }
}

void ta_clerk_stop(struct ta_clerk *clerk)
{
    if (!clerk)
        return;
    pthread_mutex_lock(&clerk->lock);
    clerk->ends = true;
    pthread_cond_broadcast(&clerk->changed);
    pthread_mutex_unlock(&clerk->lock);
    for (int i = 0; i < clerk->count; i++)
        ta_thread_join(&clerk->threads[i]);
}

void ta_clerk_destroy(struct ta_clerk **clerk)
{
    if (!*clerk)
        return;
    ta_clerk_stop(*clerk);
    pthread_cond_destroy(&(*clerk)->changed);
    pthread_mutex_destroy(&(*clerk)->lock);
    ta_freep(clerk);
}
