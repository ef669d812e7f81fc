// block-under-lock: the lock is held while something is waited for.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

struct pool {
    pthread_mutex_t lock, other;
    pthread_cond_t changed;
    pthread_t thread;
    int ready;
};

void stop(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->ready = 0;
    pthread_join(p->thread, NULL); // finds block-under-lock
    pthread_mutex_unlock(&p->lock);
}

static int end_of(int pid)
{
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
}

void collect(struct pool *p, int pid)
{
    pthread_mutex_lock(&p->lock);
    p->ready = end_of(pid); // finds block-under-lock
    pthread_mutex_unlock(&p->lock);
}

void with_two(struct pool *p)
{
    pthread_mutex_lock(&p->other);
    pthread_mutex_lock(&p->lock);
    while (!p->ready)
        pthread_cond_wait(&p->changed, &p->lock); // finds block-under-lock
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_unlock(&p->other);
}

// Waiting on a condition gives the lock back.
void with_one(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->ready)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void stop_well(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->ready = 0;
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
}
