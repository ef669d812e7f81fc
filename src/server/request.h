// A request while it is worked on, for routes: what it asks, and the answer that they give.
#ifndef TA_SERVER_REQUEST_H
#define TA_SERVER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct ta_asker;
struct ta_blob;
struct ta_jobs;
struct ta_log;
struct ta_log_ring;
struct ta_server_config;
struct ta_supervisor;
struct ta_tables;
struct ta_uploads;

struct ta_request {
    struct ta_jobs *jobs;
    struct ta_supervisor *supervisor;
    struct ta_asker *asker;
    struct ta_log_ring *ring;
    struct ta_uploads *uploads;
    struct ta_tables *tables;
    const struct ta_server_config *config;
    struct ta_log *log;
    const char *session; // the cookie's value
    const char *run;     // tells this start of the service from others
    bool local;          // by the Unix socket: the user's own shell
    int64_t id;          // what the path has for "{id}"
    const char *verb;    // and for "{action}", "{key}", "{name}"
    json_t *body;        // an object; NULL where there is none
    void *connection;    // for ta_request_query()
    // Routes that take a body piece by piece: what the first call made, until the last (ta_route.begin).
    void *stream;
    char *seen; // what ta_route.look found; freed with the request
    // The answer: one of JSON, bytes, a file.
    int status;
    json_t *answer;        // taken
    struct ta_blob *blob;  // a reference, taken
    int fd;                // taken; -1: none
    const char *file_type; // its media type, static
    char *file_name;       // the name to be saved as; NULL: it is shown. Freed
    char *etag;            // of fd or answer, without quotes; NULL: none. Freed
    const char *cache;     // Cache-Control, static; NULL: "no-store", or with an etag "no-cache"
    json_t *headers;       // further ones, an object of texts; NULL: none. Taken
    bool waits; // no answer yet: the connection was put to sleep, and the route is run again when it wakes
};

// Bytes of an answer that several may share, counted. `type` is static.
struct ta_blob;
struct ta_blob *ta_blob_create(void *data, size_t size, const char *type); // takes data, made with malloc
// Bytes that live for ever, with a name of theirs for ETag (static, too).
struct ta_blob *ta_blob_static(const void *data, size_t size, const char *type, const char *etag);
// The same where another name for this state of it is known; else its bytes are the name.
struct ta_blob *ta_blob_create_named(void *data, size_t size, const char *type, const char *etag);
struct ta_blob *ta_blob_ref(struct ta_blob *blob);
void ta_blob_unref(struct ta_blob **blob); // NULL-safe
const void *ta_blob_data(const struct ta_blob *blob);
size_t ta_blob_size(const struct ta_blob *blob);
const char *ta_blob_type(const struct ta_blob *blob);
// A checksum of the bytes, for ETag; lives as long as the blob.
const char *ta_blob_etag(const struct ta_blob *blob);

// The value of a query's parameter, of a header; borrowed; NULL.
const char *ta_request_query(const struct ta_request *r, const char *name);
const char *ta_request_header(const struct ta_request *r, const char *name);
// A whole number of the query in min..max; `out` stays as it is where there is none; false after a refusal.
bool ta_request_number(struct ta_request *r, const char *name, int64_t min, int64_t max, int64_t *out);

// Makes the answer JSON. Takes `answer`.
void ta_request_reply(struct ta_request *r, int status, json_t *answer);
// Makes the answer a problem by RFC 9457. `code` is stable, in words joined by "-" ("job-not-found"): what
// programs and pages go by; its words are the title. The detail is for a person.
void ta_request_problem(struct ta_request *r, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// A name or number of the detail, for pages that say it in another language. Takes `value`.
void ta_request_arg(struct ta_request *r, const char *name, json_t *value);
void ta_request_set_header(struct ta_request *r, const char *name, const char *value);
// Has the client the answer already, which is known by this text (without quotes; taken)? Then it is 304.
bool ta_request_is_known(struct ta_request *r, char *etag);
// Frees what is left of the answer.
void ta_request_release(struct ta_request *r);

// Puts the connection to sleep until ta_request_wake(). The caller holds the lock under which whoever wakes
// it will look for it, so that it can't be woken before.
void ta_request_sleep(struct ta_request *r);
void ta_request_wake(void *connection);

#endif
