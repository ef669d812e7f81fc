// Who is told what happens: an entry of the group "notify" of the configuration.
#ifndef TA_JOBS_ENDPOINT_H
#define TA_JOBS_ENDPOINT_H

#include <stdbool.h>

#include <jansson.h>

#include "base/opt.h"

struct ta_log;
struct ta_marks;

enum ta_endpoint_kind {
    TA_ENDPOINT_DISCORD = 0,
    TA_ENDPOINT_SLACK,
    TA_ENDPOINT_WEBHOOK,
    TA_ENDPOINT_MAIL,
    TA_ENDPOINT_COMMAND
};

// What can be told. The names are in the configuration and in messages.
enum ta_notice_event {
    TA_NOTICE_DONE = 0,
    TA_NOTICE_FAILED,
    TA_NOTICE_EMPTY,
    TA_NOTICE_ALERT,
    TA_NOTICE_TEST,
    TA_NOTICE_COUNT
};
const char *ta_notice_event_name(enum ta_notice_event event); // "done", "failed", "empty", "alert", "test"

struct ta_endpoint {
    char *name;
    int kind; // enum ta_endpoint_kind
    char *events, *batch;
    char *address, *address_file, *address_env;
    char *secret_file, *secret_env;
    char *from, *to, *user, *password_file, *password_env;
    int tls; // index into "starttls", "off"
    char *ca_file;
    bool private_addresses;
    double retry; // seconds
    // Made of them when it is read.
    unsigned mask; // 1 << enum ta_notice_event
    char **command;
    char *target, *secret, *password; // what the files and variables hold; never shown, never kept
};
extern const struct ta_opt ta_endpoint_options[];

// Reads one entry, which stands at `path` ("notify.0") in the file. 0, or TA_ERR_* after a message; then it
// is empty. Secrets are read here: from files that only the user may read, or from the environment.
int ta_endpoint_read(struct ta_endpoint *out, const json_t *entry, const char *file, const char *path,
                     const struct ta_marks *marks, struct ta_log *log);
void ta_endpoint_release(struct ta_endpoint *e);
// Where it sends to, as far as that is no secret: a host, a program's name. To be freed.
char *ta_endpoint_where(const struct ta_endpoint *e);
// Is it to be told of the event, of a job of this batch?
bool ta_endpoint_wants(const struct ta_endpoint *e, enum ta_notice_event event, const char *batch);

#endif
