#include "restore/turns.h"

void ta_turns_init(struct ta_turns *turns, int count)
{
    turns->free = count;
    pthread_mutex_init(&turns->lock, NULL);
    pthread_cond_init(&turns->changed, NULL);
}

void ta_turns_release(struct ta_turns *turns)
{
    pthread_cond_destroy(&turns->changed);
    pthread_mutex_destroy(&turns->lock);
}

void ta_turns_wait(struct ta_turns *turns)
{
    if (!turns)
        return;
    pthread_mutex_lock(&turns->lock);
    while (!turns->free)
        pthread_cond_wait(&turns->changed, &turns->lock);
    turns->free--;
    pthread_mutex_unlock(&turns->lock);
}

void ta_turns_end(struct ta_turns *turns)
{
    if (!turns)
        return;
    pthread_mutex_lock(&turns->lock);
    turns->free++;
    pthread_cond_signal(&turns->changed);
    pthread_mutex_unlock(&turns->lock);
}
