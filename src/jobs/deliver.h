// Telling one endpoint of one event, once.
#ifndef TA_JOBS_DELIVER_H
#define TA_JOBS_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/mem.h"
#include "jobs/endpoint.h"

enum ta_delivered {
    TA_DELIVERED = 0,
    TA_DELIVER_LATER, // the receiver is away, or busy
    TA_DELIVER_NEVER  // it refuses this, and would again
};

struct ta_delivery {
    const struct ta_endpoint *endpoint;
    const json_t *notice;
    int64_t id;
    bool (*canceled)(void *priv); // asked all the time; true ends it
    void *priv;
    // How it went.
    enum ta_delivered result;
    double retry_after; // seconds that the receiver asks for; 0: it does not say
    struct ta_buf why;  // a phrase; the caller releases it
};

// Blocks for at most half a minute. curl_global_init() must have been called.
void ta_deliver(struct ta_delivery *d);

#endif
