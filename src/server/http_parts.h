// What http.c shares with answer.c and follow.c.
#ifndef TA_SERVER_HTTP_PARTS_H
#define TA_SERVER_HTTP_PARTS_H

#include <pthread.h>

#include <microhttpd.h>

#include "base/sha256.h"
#include "jobs/box_job.h"
#include "server/http.h"

#define TA_SESSION_COOKIE "terminalai"

struct ta_clerk;
struct ta_crowd;
struct ta_follower;

struct ta_server {
    struct ta_server_config config;
    struct ta_jobs *jobs;
    struct ta_supervisor *supervisor;
    struct ta_box_rules rules; // of processes that look at files
    struct ta_asker *asker;
    struct ta_clerk *clerk;
    struct ta_uploads *uploads;
    struct ta_tables *tables;
    struct ta_log *log;
    struct MHD_Daemon *tcp, *local;
    struct ta_crowd *crowd;
    int port;
    bool loopback;
    char run[24];                // of this start alone, for ETag
    char session[TA_SHA256_HEX]; // what the cookie of who has shown the token says
    pthread_mutex_t lock;        // of the followers
    struct ta_follower *followers;
    int follower_count;
    bool stopping;
};

// Sends the request's answer and releases it.
enum MHD_Result ta_answer(struct ta_request *r);

// ---- events (follow.c) ----

// Sends events from now on, or from the number that the client says. At most so many at a time: 429.
enum MHD_Result ta_follow(struct ta_server *s, struct ta_request *r);
// Something of that kind happened; NULL: all are to wake. `priv` is the server.
void ta_follow_wake(void *priv, const char *kind);

// ---- connections (crowd.c) ----

// Connections that have not asked yet, or not again. When they are many, the one that has waited longest
// makes room for the next, so that clients that never come to the point keep nobody out.
int ta_crowd_create(struct ta_crowd **out);
void ta_crowd_destroy(struct ta_crowd **c);
// For MHD_OPTION_NOTIFY_CONNECTION; `priv` is the crowd.
void ta_crowd_on_connection(void *priv, struct MHD_Connection *c, void **socket_context,
                            enum MHD_ConnectionNotificationCode code);
// A request's headers are there; it has ended.
void ta_crowd_asks(struct ta_crowd *c, struct MHD_Connection *connection);
void ta_crowd_rests(struct ta_crowd *c, struct MHD_Connection *connection);

#endif
