// log-under-lock: words for people while others wait for the lock.
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int count;

void add(void)
{
    pthread_mutex_lock(&lock);
    count++;
    printf("%d\n", count); // finds log-under-lock
    pthread_mutex_unlock(&lock);
}

void add_and_tell(void)
{
    pthread_mutex_lock(&lock);
    int now = ++count;
    pthread_mutex_unlock(&lock);
    printf("%d\n", now);
}
