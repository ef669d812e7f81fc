#include "server/clerk.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"
#include "server/request.h"

// What waits for the disk at the same time shares one transaction, so a few are enough. A request is there
// once, so that there are never more than connections.
enum { CLERKS = 4, REQUESTS_MAX = 4096 };

struct ta_clerk {
    struct ta_queue *queue; // of struct task
    struct ta_thread *threads[CLERKS];
};

struct task {
    struct ta_request *request;
    void (*run)(struct ta_request *r);
};

static int work(void *arg)
{
    struct ta_clerk *clerk = arg;
    void *item;
    while (!ta_queue_pop(clerk->queue, &item) && item) {
        struct task task = *(struct task *)item;
        free(item);
        void *connection = task.request->connection;
        task.run(task.request);
        ta_request_wake(connection); // from here on the request may be gone
    }
    return 0;
}

int ta_clerk_create(struct ta_clerk **out)
{
    struct ta_clerk *clerk = ta_xcalloc(1, sizeof(*clerk));
    *out = clerk;
    int err = ta_queue_create(&clerk->queue, REQUESTS_MAX, 0, NULL);
    for (int i = 0; i < CLERKS && !err; i++)
        err = ta_thread_create(&clerk->threads[i], "clerk", work, clerk);
    if (err < 0)
        ta_clerk_destroy(out);
    return err;
}

void ta_clerk_do(struct ta_clerk *clerk, struct ta_request *r, void (*run)(struct ta_request *r))
{
    struct task *task = ta_xcalloc(1, sizeof(*task));
    *task = (struct task){r, run};
    ta_request_sleep(r);
    if (ta_queue_push(clerk->queue, task, 0) < 0) { // the service ends
        free(task);
        run(r);
        ta_request_wake(r->connection);
    }
}

void ta_clerk_stop(struct ta_clerk *clerk)
{
    if (!clerk)
        return;
    ta_queue_finish(clerk->queue, 0);
    for (int i = 0; i < CLERKS; i++)
        ta_thread_join(&clerk->threads[i]);
}

void ta_clerk_destroy(struct ta_clerk **clerk)
{
    if (!*clerk)
        return;
    if ((*clerk)->queue)
        ta_clerk_stop(*clerk);
    ta_queue_destroy(&(*clerk)->queue);
    ta_freep(clerk);
}
