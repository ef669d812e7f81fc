#include "restore/turns.h"

void ta_turns_init(struct ta_turns *turns, int chains, int encoders)
{
    turns->free[TA_TURN_CHAIN] = chains;
    turns->free[TA_TURN_ENCODER] = encoders;
    pthread_mutex_init(&turns->lock, NULL);
    pthread_cond_init(&turns->changed, NULL);
}

void ta_turns_release(struct ta_turns *turns)
{
    pthread_cond_destroy(&turns->changed);
    pthread_mutex_destroy(&turns->lock);
}

void ta_turns_wait(struct ta_turns *turns, enum ta_turn turn)
{
    if (!turns)
        return;
    pthread_mutex_lock(&turns->lock);
    while (!turns->free[turn])
        pthread_cond_wait(&turns->changed, &turns->lock);
    turns->free[turn]--;
    pthread_mutex_unlock(&turns->lock);
}

void ta_turns_end(struct ta_turns *turns, enum ta_turn turn)
{
    if (!turns)
        return;
    pthread_mutex_lock(&turns->lock);
    turns->free[turn]++;
    pthread_cond_broadcast(&turns->changed);
    pthread_mutex_unlock(&turns->lock);
}
