// Places at which the segments of a run wait for each other: as many encoders work at once as the machine has
// room for, and as many chains as fit beside them. A chain that is begun while the one before still gives
// pictures is warm when an encoder becomes free; where memory for that is missing, it begins when the one
// before has given its last picture, while the encoder still works on those that it has.
#ifndef TA_RESTORE_TURNS_H
#define TA_RESTORE_TURNS_H

#include <pthread.h>

enum ta_turn { TA_TURN_CHAIN, TA_TURN_ENCODER, TA_TURN_KINDS };

struct ta_turns {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int free[TA_TURN_KINDS];
};

void ta_turns_init(struct ta_turns *turns, int chains, int encoders);
void ta_turns_release(struct ta_turns *turns);
// Who has a chain may wait for an encoder, never the other way round. Nothing with NULL.
void ta_turns_wait(struct ta_turns *turns, enum ta_turn turn);
void ta_turns_end(struct ta_turns *turns, enum ta_turn turn);

#endif
