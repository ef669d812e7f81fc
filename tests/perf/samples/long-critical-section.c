// long-critical-section: work on all items inside the lock.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct list {
    pthread_mutex_t lock;
    int *items, count;
};

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void tell(struct list *l, char *out)
{
    pthread_mutex_lock(&l->lock); // finds long-critical-section
    for (int i = 0; i < l->count; i++)
        out += sprintf(out, "%d ", l->items[i]);
    pthread_mutex_unlock(&l->lock);
}

void sort(struct list *l)
{
    pthread_mutex_lock(&l->lock); // finds long-critical-section
    qsort(l->items, (size_t)l->count, sizeof *l->items, by_value);
    pthread_mutex_unlock(&l->lock);
}

int find(struct list *l, int value)
{
    int at = -1;
    pthread_mutex_lock(&l->lock);
    for (int i = 0; i < l->count; i++)
        if (l->items[i] == value)
            at = i;
    pthread_mutex_unlock(&l->lock);
    return at;
}
