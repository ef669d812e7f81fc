// A place at which encoders wait for their turn, so that the next segment's chain is warm when an encoder
// becomes free.
#ifndef TA_RESTORE_TURNS_H
#define TA_RESTORE_TURNS_H

#include <pthread.h>

struct ta_turns {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int free;
};

void ta_turns_init(struct ta_turns *turns, int count);
void ta_turns_release(struct ta_turns *turns);
// Nothing with NULL.
void ta_turns_wait(struct ta_turns *turns);
void ta_turns_end(struct ta_turns *turns);

#endif
