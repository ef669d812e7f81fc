// Threads for what waits for a disk: a change of the queue is answered once it is on it. Its connection
// sleeps meanwhile, and the thread of the connections goes on with the others.
#ifndef TA_SERVER_CLERK_H
#define TA_SERVER_CLERK_H

#include <stdbool.h>

struct ta_request;

// Thread-safety: Safe, except create and destroy.
struct ta_clerk;
// 0 or TA_ERR_*.
int ta_clerk_create(struct ta_clerk **out);
// Calls run(r), which must make an answer and must not put the connection to sleep itself, on another thread;
// r's connection sleeps until then. Who reaches into folders of the user (`far`) may wait for ever, for one
// on a network that does not answer: a thread is always left to the others, and one more is started where all
// wait. By the thread of the connection; once the clerk is stopped run(r) is called here.
void ta_clerk_do(struct ta_clerk *clerk, struct ta_request *r, bool far, void (*run)(struct ta_request *r));
// Finishes what was given, so that no connection sleeps any more. Before the connections are closed.
// NULL-safe.
void ta_clerk_stop(struct ta_clerk *clerk);
void ta_clerk_destroy(struct ta_clerk **clerk); // stops; NULL-safe

#endif
