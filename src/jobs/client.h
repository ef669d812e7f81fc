// Asking a service from the shell, over its Unix socket or an address (libcurl).
#ifndef TA_JOBS_CLIENT_H
#define TA_JOBS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct ta_client;
struct ta_log;

struct ta_client_config {
    const char *socket;  // path of the Unix socket; not used with an address
    const char *address; // "http://host:port"; NULL: the socket
    const char *token;   // NULL: none
};
// Connects to nothing yet. The first in a process must be made while it has one thread. 0 or TA_ERR_NOMEM.
int ta_client_create(struct ta_client **out, const struct ta_client_config *config, struct ta_log *log);
void ta_client_destroy(struct ta_client **c);

// One request; `body` (taken) may be NULL. 0 and the answer (a new reference) when the service has done it.
// Else TA_ERR_* after a message: what the service said, or that there is none.
int ta_client_ask(struct ta_client *c, const char *method, const char *path, json_t *body, json_t **answer);

// Follows events from number `after` on until the service ends or `on_event` says false. `data` is borrowed.
int ta_client_follow(struct ta_client *c, int64_t after,
                     bool (*on_event)(void *priv, const char *kind, const json_t *data), void *priv);

#endif
