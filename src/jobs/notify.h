// Tells endpoints what happens. Each thing to tell is a row of the store for each endpoint, written in the
// transaction that ends the job; a thread of its own sends them, one endpoint's in their order, and tries
// again what could not be sent. So each endpoint hears of everything at least once, also when the service is
// killed between hearing "yes" and writing it down.
#ifndef TA_JOBS_NOTIFY_H
#define TA_JOBS_NOTIFY_H

#include <jansson.h>

#include "jobs/endpoint.h"

struct ta_jobs;
struct ta_log;
struct ta_notify;

struct ta_notify_config {
    struct ta_endpoint *endpoints; // borrowed until close
    int count;
    double most;  // seconds between two attempts at most, unless the receiver asks for more
    int attempts; // after which it is given up
};
// The values of the program; endpoints are the caller's.
struct ta_notify_config ta_notify_defaults(void);

// Begins to tell, also what a service before this one has left. Before other threads are made (libcurl). 0 or
// TA_ERR_*.
int ta_notify_open(struct ta_notify **out, struct ta_jobs *jobs, const struct ta_notify_config *config,
                   struct ta_log *log);
// What is being sent is broken off and sent at the next start.
void ta_notify_close(struct ta_notify **n);

// Thread-safety of what follows: Safe, but not from the queue's writer.
// Tells all that want alerts; takes `alert` {"title", "text", ...}. 0 or TA_ERR_*.
int ta_notify_alert(struct ta_notify *n, json_t *alert);
// A message to the endpoint of this name, to see whether it arrives; its number in *id. TA_ERR_NOT_FOUND.
int ta_notify_test(struct ta_notify *n, const char *name, int64_t *id);
// The endpoints and the newest notices, without anything secret; a new reference.
json_t *ta_notify_json(struct ta_notify *n);

#endif
