// The HTTP side of the service (libmicrohttpd): who may ask, routing, answers, server-sent events.
//
// Every answer is JSON but for events, pictures, files and pages. Errors are problems by RFC 9457:
// {"type", "title", "status", "code", "args", "detail"}.
#ifndef TA_SERVER_HTTP_H
#define TA_SERVER_HTTP_H

#include "server/request.h"

struct ta_alerts;
struct ta_folders;
struct ta_notify;
struct ta_server;

struct ta_server_config {
    const char *address; // "127.0.0.1:7860", "[::1]:7860"; NULL: none. Port 0: any that is free
    const char *socket;  // path of a Unix socket; NULL: none
    const char *token;   // that a client must show at the address; NULL: none is needed
    char *const *roots;  // folders in which clients may name files, from the root; root_count of them
    int root_count;
    bool read_only;             // what comes by the address may change nothing: nobody has named a folder
    struct ta_notify *notify;   // NULL: nobody is told of anything
    struct ta_folders *folders; // those that are watched
    struct ta_alerts *alerts;   // NULL: nobody looks at how long things take
    const char *program;        // this program's own file, for what is looked at in processes of its own
    const char *config;         // the configuration that viewers are given; NULL: the user's own
    const char *state;          // the folder of what the service keeps
    const char *cache;          // of what can be made again (thumbnails); NULL: none is kept on disk
    const char *uploads;        // the folder that uploaded files come into; NULL: none are taken
    int64_t upload_bytes;       // largest one
    bool page_asks; // the page asks each second instead of being told (gui_polling off): for measurements
    struct ta_log_ring *ring; // the service's log; NULL: none is shown
    const char *records;      // the file with a record of each run; NULL: none is shown
};

// Starts to listen. Everything is borrowed until stop. TA_ERR_BUSY when the address is taken, TA_ERR_INVALID
// for an address that is none; logged.
int ta_server_start(struct ta_server **out, const struct ta_server_config *config, struct ta_jobs *jobs,
                    struct ta_supervisor *supervisor, struct ta_log *log);
void ta_server_stop(struct ta_server **s);
int ta_server_port(const struct ta_server *s); // that it listens on; 0: none
// Is it a number and a port? Does only this machine reach it?
bool ta_server_is_address(const char *address);
bool ta_server_is_loopback(const char *address);

// ---- for routes ----

// A parameter of a route's query, for the description of the API.
struct ta_parameter {
    const char *name; // NULL ends the list
    const char *type; // of JSON Schema: "string", "integer", "number"
    const char *what;
};

// One row a route: what clients can ask. docs/api.md and /api/v1/openapi.json are held against it.
struct ta_route {
    const char *method, *path; // "/api/v1/jobs/{id}/{action}"
    const char *summary;
    void (*run)(struct ta_request *r);
    // What `run` needs of the user's folders, which may never answer: called before it, by a thread that may
    // wait for them. It leaves what it saw in the request, or refuses. NULL: nothing.
    void (*look)(struct ta_request *r);
    bool changes;                     // refused to clients that may change nothing
    bool disk;                        // waits for the service's own: run by a thread that may (clerk.h)
    bool far;                         // the same for folders of the user, which may never answer
    const struct ta_parameter *query; // NULL: none
    const char *body;   // what is sent: a name in the description's schemas; "" bytes; NULL: nothing
    const char *answer; // what comes: a name there, or a media type; NULL: some object of JSON
    // A body that is not kept but taken piece by piece: `begin` when its headers are there, `take` for each
    // piece; once either has made an answer the rest is passed over. Then `run`, unless there is an answer.
    // `drop` at the end of the request, however it ends. NULL: the body is an object of JSON.
    void (*begin)(struct ta_request *r);
    void (*take)(struct ta_request *r, const char *data, size_t size);
    void (*drop)(void *stream);
};
extern const struct ta_route ta_routes[]; // ends with a method of NULL

#endif
