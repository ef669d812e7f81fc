// The HTTP side of the service (libmicrohttpd): who may ask, routing, answers, server-sent events.
//
// Every answer is JSON but for events. Errors are problems by RFC 9457: {"type", "title", "status",
// "detail"}.
#ifndef TA_SERVER_HTTP_H
#define TA_SERVER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct ta_jobs;
struct ta_log;
struct ta_notify;
struct ta_server;
struct ta_supervisor;

struct ta_server_config {
    const char *address; // "127.0.0.1:7860", "[::1]:7860"; NULL: none. Port 0: any that is free
    const char *socket;  // path of a Unix socket; NULL: none
    const char *token;   // that a client must show at the address; NULL: none is needed
    char *const *roots;  // folders in which clients may name files, from the root; root_count of them
    int root_count;
    bool read_only;           // what comes by the address may change nothing: nobody has named a folder
    struct ta_notify *notify; // NULL: nobody is told of anything
};

// Starts to listen. Everything is borrowed until stop. TA_ERR_BUSY when the address is taken, TA_ERR_INVALID
// for an address that is none; logged.
int ta_server_start(struct ta_server **out, const struct ta_server_config *config, struct ta_jobs *jobs,
                    struct ta_supervisor *supervisor, struct ta_log *log);
void ta_server_stop(struct ta_server **s);
int ta_server_port(const struct ta_server *s); // that it listens on; 0: none
// Does only this machine reach the address?
bool ta_server_is_loopback(const char *address);

// ---- for routes ----

struct ta_request {
    struct ta_jobs *jobs;
    struct ta_supervisor *supervisor;
    const struct ta_server_config *config;
    struct ta_log *log;
    bool local;       // by the Unix socket: the user's own shell
    int64_t id;       // what the path has for "{id}"
    const char *verb; // and for "{action}"
    json_t *body;     // an object; NULL where there is none
    void *connection; // for ta_request_query()
    // The answer.
    int status;
    json_t *answer; // taken
};

// The value of a query's parameter, borrowed; NULL.
const char *ta_request_query(const struct ta_request *r, const char *name);
// Makes the answer a problem.
void ta_request_problem(struct ta_request *r, int status, const char *title, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// One row a route: what clients can ask.
struct ta_route {
    const char *method, *path; // "/api/v1/jobs/{id}/{action}"
    const char *summary;
    void (*run)(struct ta_request *r);
    bool changes; // refused to clients that may change nothing
};
extern const struct ta_route ta_routes[]; // ends with a method of NULL

#endif
