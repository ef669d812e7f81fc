#include "server/clerk.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"
#include "server/request.h"

// What waits for the disk at the same time shares one transaction, so a few are enough. Who only reads may
// wait for a folder that does not answer: one thread is always left to those that change something.
enum { CLERKS = 4, READING_MAX = CLERKS - 1 };

struct task {
    struct ta_request *request;
    void (*run)(struct ta_request *r);
    bool reads;
    struct task *next;
};

struct ta_clerk {
    pthread_mutex_t lock; // guards all below but the threads
    pthread_cond_t changed;
    struct task *first; // in the order in which they came, never more than connections
    int reading;
    bool ends;
    struct ta_thread *threads[CLERKS];
};

// The first that may begin, taken out of the list; NULL: none. Under the lock.
static struct task *take(struct ta_clerk *clerk)
{
    struct task **at = &clerk->first;
    while (*at && (*at)->reads && clerk->reading >= READING_MAX)
        at = &(*at)->next;
    struct task *task = *at;
    if (task) {
        *at = task->next;
        clerk->reading += task->reads;
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
            pthread_cond_wait(&clerk->changed, &clerk->lock);
            continue;
        }
        pthread_mutex_unlock(&clerk->lock);
        void *connection = task->request->connection;
        task->run(task->request);
        ta_request_wake(connection); // from here on the request may be gone
        pthread_mutex_lock(&clerk->lock);
        clerk->reading -= task->reads;
        if (task->reads) // another that reads may begin
            pthread_cond_broadcast(&clerk->changed);
        free(task);
    }
    pthread_mutex_unlock(&clerk->lock);
    return 0;
}

int ta_clerk_create(struct ta_clerk **out)
{
    struct ta_clerk *clerk = ta_xcalloc(1, sizeof(*clerk));
    *out = clerk;
    pthread_mutex_init(&clerk->lock, NULL);
    pthread_cond_init(&clerk->changed, NULL);
    int err = 0;
    for (int i = 0; i < CLERKS && !err; i++)
        err = ta_thread_create(&clerk->threads[i], "clerk", work, clerk);
    if (err < 0)
        ta_clerk_destroy(out);
    return err;
}

void ta_clerk_do(struct ta_clerk *clerk, struct ta_request *r, bool reads, void (*run)(struct ta_request *r))
{
    struct task *task = ta_xcalloc(1, sizeof(*task)), **last;
    *task = (struct task){r, run, reads, NULL};
    ta_request_sleep(r);
    pthread_mutex_lock(&clerk->lock);
    bool ends = clerk->ends;
    for (last = &clerk->first; !ends && *last; last = &(*last)->next)
        continue;
    if (!ends)
        *last = task;
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
    for (int i = 0; i < CLERKS; i++)
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
