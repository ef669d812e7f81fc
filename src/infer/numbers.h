// Memory for the numbers that go into networks and come out of them: from the engine, where its device reads
// and writes some of the host's memory without a copy between (pinned), and ordinary memory everywhere else.
#ifndef TA_INFER_NUMBERS_H
#define TA_INFER_NUMBERS_H

#include "infer/engine.h"

struct ta_numbers {
    float *at;               // NULL: none; 64 bytes or a page are a border
    size_t count;            // of numbers that there is room for
    struct ta_network *from; // that gave it, and must live longer; NULL: ordinary memory
};

// Room for so many numbers, whose values are anything. `n`: the network that will get them; NULL: ordinary
// memory. Where the engine has nothing to give it is ordinary memory, too. TA_ERR_NOMEM without a message:
// there is none at all. `m` may be given back in any case, and is empty then.
int ta_numbers_take(struct ta_numbers *m, struct ta_network *n, size_t count);
void ta_numbers_give(struct ta_numbers *m);

#endif
