#include "server/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/tree.h"
#include "jobs/jobs.h"
#include "restore/work_files.h"
#include "server/asker.h"
#include "server/clerk.h"
#include "server/http_parts.h"
#include "server/listen.h"
#include "server/ring.h"
#include "server/routes.h"
#include "server/tables.h"
#include "server/uploads.h"

enum {
    BODY_MAX = 1 << 20,
    PASSED_OVER_MAX = 64 << 20, // of a body that is refused; then the connection is closed
    CONNECTIONS_MAX = 1024,
    TIMEOUT_SECONDS = 30,
    HEADER_BYTES = 32 << 10,
    THREADS = 4,
    NAME_MAX_BYTES = 256, // of what stands for "{key}" in a path
};

// A request from its first line to the end of its answer.
struct call {
    struct ta_request request;
    const struct ta_route *route; // NULL: none, or refused; set with the headers
    char name[NAME_MAX_BYTES];    // what request.verb points at
    struct ta_buf body;
    size_t size;  // of the body so far
    bool begun;   // the headers are there
    bool garbled; // the address holds what no text can
    bool looked;  // the route has looked, or does now
};

// ---- who may ask ----

// In a time that does not tell how much of it was right.
static bool is_token(const char *given, const char *right)
{
    size_t length = strlen(right), other = strlen(given);
    unsigned differs = length != other;
    for (size_t i = 0; i < length; i++)
        differs |= (unsigned char)right[i] ^ (unsigned char)(other ? given[i % other] : 0);
    return !differs;
}

// Programs show the token, pages the cookie that they got for it: pictures, films and events are asked for by
// the browser itself, which shows nothing else.
static bool has_token(const struct ta_server *s, const struct ta_request *r)
{
    const char *header = ta_request_header(r, "Authorization"),
               *cookie = MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, TA_SESSION_COOKIE);
    return !s->config.token ||
           (header && !strncasecmp(header, "Bearer ", 7) && is_token(header + 7, s->config.token)) ||
           (cookie && is_token(cookie, s->session));
}

void ta_route_session(struct ta_request *r)
{
    const char *token = json_string_value(json_object_get(r->body, "token"));
    if (r->config->token && !(token && is_token(token, r->config->token))) {
        ta_request_problem(r, 401, "token", "this is not the token of the service");
        return;
    }
    ta_request_reply(r, 200, json_pack("{s:s}", "status", "ok"));
    char *line = ta_xprintf("%s=%s; Path=/; HttpOnly; SameSite=Strict", TA_SESSION_COOKIE, r->session);
    ta_request_set_header(r, "Set-Cookie", line);
    free(line);
}

static bool is_own_name(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < TA_COUNT(names); i++) {
        size_t n = strlen(names[i]);
        if (!strncasecmp(host, names[i], n) && (!host[n] || host[n] == ':'))
            return true;
    }
    return false;
}

// A page of another site that the user's browser shows must not speak to the service. It would send that
// site's name as Origin or, by a name that it has turned to this machine, as Host.
static bool is_own_site(const struct ta_server *s, const struct ta_request *r)
{
    const char *host = ta_request_header(r, "Host"), *origin = ta_request_header(r, "Origin");
    if (s->loopback && (!host || !is_own_name(host)))
        return false;
    const char *site = origin ? strstr(origin, "://") : NULL;
    return !origin || (site && host && !strcasecmp(site + 3, host));
}

// The page itself holds nothing that is secret, and has to be there before it can ask for the token.
static bool is_page(const char *path)
{
    return (strncmp(path, "/api/", 5) != 0 && strcmp(path, "/metrics") != 0) ||
           !strcmp(path, "/api/v1/session");
}

// ---- routes ----

// Does the path fit the route? Fills what stands for "{id}" and for any other name.
static bool fits(const char *route, const char *path, int64_t *id, char name[NAME_MAX_BYTES])
{
    while (*route && *path) {
        if (*route != '{') {
            if (*route++ != *path++)
                return false;
            continue;
        }
        size_t n = strcspn(path, "/");
        if (!strncmp(route, "{id}", 4)) {
            if (n > 18 || strspn(path, "0123456789") != n)
                return false;
            *id = strtoll(path, NULL, 10);
        } else {
            if (!n || n >= NAME_MAX_BYTES)
                return false;
            memcpy(name, path, n);
            name[n] = '\0';
        }
        route = strchr(route, '}') + 1;
        path += n;
    }
    return !*route && !*path;
}

// The route of a request, or NULL after a refusal.
static const struct ta_route *find_route(struct call *call, const char *method, const char *path)
{
    struct ta_request *r = &call->request;
    struct ta_buf others = {0};
    const struct ta_route *found = NULL;
    if (!strcmp(method, "HEAD")) // libmicrohttpd leaves the body out
        method = "GET";
    for (const struct ta_route *t = ta_routes; t->method && !found; t++) {
        int64_t id = 0;
        char name[NAME_MAX_BYTES] = "";
        if (!fits(t->path, path, &id, name))
            continue;
        if (strcmp(t->method, method)) {
            ta_buf_printf(&others, "%s%s", others.size ? ", " : "", t->method);
            continue;
        }
        found = t;
        r->id = id;
        memcpy(call->name, name, sizeof(name));
        r->verb = call->name;
    }
    if (!found && others.size) {
        ta_request_problem(r, 405, "wrong-method", "%s is not for %s", method, path);
        ta_request_set_header(r, "Allow", ta_buf_text(&others));
    } else if (!found) {
        ta_request_problem(r, 404, "not-found", "there is nothing at %s", path);
    } else if (found->changes && r->config->read_only && !r->local) {
        ta_request_problem(r, 403, "read-only",
                           "no folder was opened to clients: start the service with --root DIR");
    }
    ta_buf_release(&others);
    return r->status ? NULL : found;
}

static void read_body(struct ta_request *r, const struct call *call)
{
    json_error_t error;
    if (call->size > BODY_MAX) {
        ta_request_problem(r, 413, "too-long", "a request has at most %d bytes", (int)BODY_MAX);
        return;
    }
    if (!call->body.size)
        return;
    r->body = json_loadb(call->body.data, call->body.size, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(r->body))
        return;
    ta_request_problem(r, 400, "no-json-object", "the body must be a JSON object%s%s", r->body ? "" : ": ",
                       r->body ? "" : error.text);
}

// ---- requests ----

static struct call *call_create(const char *uri)
{
    struct call *call = ta_xcalloc(1, sizeof(*call));
    call->garbled = strstr(uri, "%00") != NULL;
    call->request.fd = -1;
    return call;
}

// Before anything else of the request is known.
static void *on_uri(void *priv, const char *uri, struct MHD_Connection *c)
{
    (void)priv;
    (void)c;
    return call_create(uri);
}

static void begin(struct ta_server *s, struct call *call, const char *path, const char *method)
{
    struct ta_request *r = &call->request;
    call->begun = true;
    r->jobs = s->jobs;
    r->supervisor = s->supervisor;
    r->asker = s->asker;
    r->uploads = s->uploads;
    r->tables = s->tables;
    r->session = s->session;
    r->run = s->run;
    r->ring = s->config.ring;
    r->config = &s->config;
    r->log = s->log;
    if (!r->local && !is_own_site(s, r))
        ta_request_problem(r, 403, "another-site", "this service answers its own pages and programs alone");
    else if (!r->local && !is_page(path) && !has_token(s, r))
        ta_request_problem(r, 401, "token", "this service asks for its token");
    else if (call->garbled)
        ta_request_problem(r, 400, "garbled-address", "the address holds a zero");
    else
        call->route = find_route(call, method, path);
    if (call->route && call->route->begin) {
        ta_crowd_asks(s->crowd, r->connection); // a slow body of this kind is no idleness
        call->route->begin(r);
    }
}

// A piece of the body. False: there is no end of it.
static bool take(struct call *call, const char *data, size_t size)
{
    struct ta_request *r = &call->request;
    bool streams = call->route && call->route->take;
    call->size += size;
    if (streams && !r->status)
        call->route->take(r, data, size);
    else if (!streams && call->size <= BODY_MAX)
        ta_buf_append(&call->body, data, size);
    else // what is refused is read to its end: else the client would not come to read the answer
        return call->size <= PASSED_OVER_MAX || (streams && !r->status);
    return true;
}

static enum MHD_Result on_request(struct ta_server *s, bool local, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *data, size_t *size, void **state)
{
    struct call *call = *state ? *state : (*state = call_create(""));
    struct ta_request *r = &call->request;
    if (!call->begun) { // the headers alone
        r->local = local;
        r->connection = c;
        begin(s, call, path, method);
        return MHD_YES;
    }
    if (*size) {
        bool on = take(call, data, *size);
        *size = 0;
        return on ? MHD_YES : MHD_NO;
    }
    ta_crowd_asks(s->crowd, c);
    if (call->route && !r->status && !r->body && !call->route->take)
        read_body(r, call);
    if (call->route && !r->status && call->route->look && !call->looked) {
        call->looked = true;
        ta_clerk_do(s->clerk, r, true, call->route->look);
        return MHD_YES; // this is called again when the connection wakes
    }
    if (call->route && !r->status && !call->route->run)
        return ta_follow(s, r); // events alone have nothing to run
    if (call->route && !r->status) {
        r->waits = false;
        if (call->route->disk || call->route->far)
            ta_clerk_do(s->clerk, r, call->route->far, call->route->run);
        else
            call->route->run(r);
        if (r->waits) // the connection sleeps; this is called again when it wakes
            return MHD_YES;
    }
    return ta_answer(r);
}

static enum MHD_Result on_tcp(void *priv, struct MHD_Connection *c, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    (void)version;
    return on_request(priv, false, c, path, method, data, size, state);
}

static enum MHD_Result on_local(void *priv, struct MHD_Connection *c, const char *path, const char *method,
                                const char *version, const char *data, size_t *size, void **state)
{
    (void)version;
    return on_request(priv, true, c, path, method, data, size, state);
}

static void on_end(void *priv, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
    struct ta_server *s = priv;
    struct call *call = *state;
    (void)code;
    if (call) {
        if (call->request.stream)
            call->route->drop(call->request.stream);
        ta_request_release(&call->request);
        ta_buf_release(&call->body);
    }
    free(call);
    *state = NULL;
    ta_crowd_rests(s->crowd, c);
}

// ---- start and stop ----

static int serve(struct ta_server *s, int fd, MHD_AccessHandlerCallback handler, struct MHD_Daemon **out)
{
    if (fd < 0)
        return fd;
    *out = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL, handler, s,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_end, s, MHD_OPTION_URI_LOG_CALLBACK,
        on_uri, s, MHD_OPTION_NOTIFY_CONNECTION, ta_crowd_on_connection, s->crowd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)TIMEOUT_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_END);
    if (*out)
        return 0;
    ta_error(s->log, "the HTTP server could not be started");
    close(fd);
    return TA_ERR_LIMIT;
}

// A line of the log as an event.
static void tell_line(void *priv, char *json)
{
    struct ta_server *s = priv;
    ta_events_publish(ta_jobs_events(s->jobs), "log", json);
}

// What is left of a job that was taken out of the list: nobody goes on with it.
static void discard_work(void *priv, const struct ta_job *job)
{
    struct ta_server *s = priv;
    json_t *options = ta_job_object(job->options);
    const char *work_dir = ta_json_member_text(options, "work-dir");
    char *folder = ta_work_path_of(job->output, work_dir);
    if (access(folder, F_OK) == 0) {
        char *key = ta_xprintf("discard %" PRId64, job->id);
        struct ta_question q = {.key = key,
                                .line = TA_ASK_SHORT,
                                .look = json_pack("{s:s, s:s, s:s}", "kind", "discard", "output", job->output,
                                                  "work_dir", work_dir),
                                .keep_s = 0};
        ta_asker_do(s->asker, &q);
        free(key);
    }
    free(folder);
    json_decref(options);
}

int ta_server_start(struct ta_server **out, const struct ta_server_config *config, struct ta_jobs *jobs,
                    struct ta_supervisor *supervisor, struct ta_log *log)
{
    struct ta_server *s = ta_xcalloc(1, sizeof(*s));
    s->config = *config;
    s->jobs = jobs;
    s->supervisor = supervisor;
    s->rules = (struct ta_box_rules){config->config, (const char *const *)config->roots, config->root_count};
    s->log = log;
    snprintf(s->run, sizeof(s->run), "%llx", (unsigned long long)ta_jobs_now_ms());
    // What can't be guessed without the token, and does not tell it.
    char *text = ta_xprintf("session of %s", config->token ? config->token : "nobody");
    ta_sha256_hex(text, strlen(text), s->session);
    free(text);
    s->loopback = config->address && ta_server_is_loopback(config->address);
    pthread_mutex_init(&s->lock, NULL);
    int err = ta_crowd_create(&s->crowd);
    if (!err)
        err = ta_clerk_create(&s->clerk);
    if (!err)
        err = ta_tables_create(&s->tables);
    if (!err)
        err = ta_asker_create(&s->asker, config->program, &s->rules, ta_jobs_events(jobs), log);
    if (!err)
        err = ta_uploads_create(&s->uploads, config->uploads, config->upload_bytes, log);
    ta_events_on_publish(ta_jobs_events(jobs), ta_follow_wake, s);
    if (config->ring)
        ta_log_ring_on_line(config->ring, tell_line, s);
    if (!err)
        ta_jobs_on_leave(jobs, discard_work, s);
    if (!err && config->address)
        err = serve(s, ta_listen_on(config->address, &s->port, log), on_tcp, &s->tcp);
    if (!err && config->socket)
        err = serve(s, ta_listen_at(config->socket, log), on_local, &s->local);
    if (err < 0)
        ta_server_stop(&s);
    *out = s;
    return err;
}

void ta_server_stop(struct ta_server **out)
{
    struct ta_server *s = *out;
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
    ta_jobs_on_leave(s->jobs, NULL, NULL);
    // A connection that sleeps can't be closed.
    ta_follow_wake(s, NULL);
    ta_asker_stop(s->asker);
    ta_clerk_stop(s->clerk);
    ta_events_on_publish(ta_jobs_events(s->jobs), NULL, NULL);
    if (s->config.ring)
        ta_log_ring_on_line(s->config.ring, NULL, NULL);
    if (s->tcp)
        MHD_stop_daemon(s->tcp);
    if (s->local) {
        MHD_stop_daemon(s->local);
        unlink(s->config.socket);
    }
    ta_asker_destroy(&s->asker);
    ta_clerk_destroy(&s->clerk);
    ta_uploads_destroy(&s->uploads);
    ta_tables_destroy(&s->tables);
    ta_crowd_destroy(&s->crowd);
    pthread_mutex_destroy(&s->lock);
    ta_freep(out);
}

int ta_server_port(const struct ta_server *s)
{
    return s->port;
}
