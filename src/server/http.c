#include "server/http.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <microhttpd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "jobs/jobs.h"
#include "server/listen.h"

enum {
    BODY_MAX = 1 << 20,
    CONNECTIONS_MAX = 256,
    TIMEOUT_SECONDS = 30,
    HEADER_BYTES = 32 << 10,
    THREADS = 2,
    EVENT_BLOCK = 16 << 10,
};

// A reader of events: its connection sleeps until something happens.
struct follower {
    struct ta_server *server;
    struct MHD_Connection *connection;
    int64_t seq;
    struct ta_buf out;
    size_t sent;
    bool asleep; // under the server's lock
    struct follower *next;
};

struct ta_server {
    struct ta_server_config config;
    struct ta_jobs *jobs;
    struct ta_supervisor *supervisor;
    struct ta_log *log;
    struct MHD_Daemon *tcp, *local;
    int port;
    bool loopback;
    pthread_mutex_t lock;
    struct follower *followers;
    bool stopping;
};

// A request while its body arrives.
struct call {
    struct ta_buf body;
    bool too_long;
};

const char *ta_request_query(const struct ta_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

void ta_request_problem(struct ta_request *r, int status, const char *title, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *detail = ta_xvprintf(format, args);
    va_end(args);
    json_decref(r->answer);
    r->status = status;
    r->answer = json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title", title, "status", status);
    json_object_set_new(r->answer, "detail", ta_json_any_text(detail));
    free(detail);
}

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

static bool has_token(const struct ta_server *s, struct MHD_Connection *c)
{
    const char *header = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
    return !s->config.token ||
           (header && !strncasecmp(header, "Bearer ", 7) && is_token(header + 7, s->config.token));
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
static bool is_own_site(const struct ta_server *s, struct MHD_Connection *c)
{
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host"),
               *origin = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Origin");
    if (s->loopback && (!host || !is_own_name(host)))
        return false;
    const char *site = origin ? strstr(origin, "://") : NULL;
    return !origin || (site && host && !strcasecmp(site + 3, host));
}

// ---- routes ----

// Does the path fit the route? Fills what stands for "{id}" and "{action}".
static bool fits(const char *route, const char *path, int64_t *id, char *verb, size_t verb_size)
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
            if (!n || n >= verb_size)
                return false;
            memcpy(verb, path, n);
            verb[n] = '\0';
        }
        route = strchr(route, '}') + 1;
        path += n;
    }
    return !*route && !*path;
}

static enum MHD_Result answer(struct MHD_Connection *c, struct ta_request *r)
{
    char *text = r->answer ? json_dumps(r->answer, JSON_COMPACT) : NULL;
    json_decref(r->answer);
    if (!text)
        text = ta_xstrdup("{}");
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text,
                                                                    MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type",
                            r->status >= 400 ? "application/problem+json" : "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (r->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    enum MHD_Result ret = MHD_queue_response(c, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return ret;
}

static void read_body(struct ta_request *r, const struct call *call)
{
    json_error_t error;
    if (call->too_long) {
        ta_request_problem(r, 413, "too long", "a request has at most %d bytes", (int)BODY_MAX);
        return;
    }
    if (!call->body.size)
        return;
    r->body = json_loadb(call->body.data, call->body.size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(r->body))
        ta_request_problem(r, 400, "no JSON object", "the body must be a JSON object%s%s",
                           r->body ? "" : ": ", r->body ? "" : error.text);
}

static void route(struct ta_request *r, const char *method, const char *path, const struct call *call)
{
    char verb[32] = "";
    bool known = false;
    for (const struct ta_route *t = ta_routes; t->method; t++) {
        if (!fits(t->path, path, &r->id, verb, sizeof(verb)))
            continue;
        known = true;
        if (strcmp(t->method, method))
            continue;
        r->verb = verb;
        if (t->changes && r->config->read_only && !r->local) {
            ta_request_problem(r, 403, "read only",
                               "no folder was opened to clients: start the service with --root DIR");
            return;
        }
        read_body(r, call);
        if (!r->status)
            t->run(r);
        return;
    }
    if (known)
        ta_request_problem(r, 405, "wrong method", "%s is not for %s", method, path);
    else
        ta_request_problem(r, 404, "not found", "there is nothing at %s", path);
}

// ---- events ----

static void wake_followers(void *priv)
{
    struct ta_server *s = priv;
    pthread_mutex_lock(&s->lock);
    for (struct follower *f = s->followers; f; f = f->next)
        if (f->asleep) {
            f->asleep = false;
            MHD_resume_connection(f->connection);
        }
    pthread_mutex_unlock(&s->lock);
}

static void fill_events(struct follower *f)
{
    const char *kind;
    char *data;
    bool lost;
    ta_buf_clear(&f->out);
    f->sent = 0;
    while (f->out.size < EVENT_BLOCK &&
           ta_events_next(ta_jobs_events(f->server->jobs), &f->seq, &kind, &data, &lost)) {
        if (lost) // what lay between is gone: the client reads the list again
            ta_buf_puts(&f->out, "event: reset\ndata: {}\n\n");
        ta_buf_printf(&f->out, "id: %" PRId64 "\nevent: %s\ndata: %s\n\n", f->seq, kind, data);
        free(data);
    }
}

static ssize_t read_events(void *priv, uint64_t at, char *out, size_t max)
{
    struct follower *f = priv;
    (void)at;
    if (f->sent == f->out.size)
        fill_events(f);
    if (f->sent == f->out.size) {
        pthread_mutex_lock(&f->server->lock);
        bool end = f->server->stopping;
        // Nothing has come since, or it would be slept through.
        if (!end && ta_events_last(ta_jobs_events(f->server->jobs)) <= f->seq) {
            f->asleep = true;
            MHD_suspend_connection(f->connection);
        }
        pthread_mutex_unlock(&f->server->lock);
        return end ? MHD_CONTENT_READER_END_OF_STREAM : 0;
    }
    size_t n = TA_MIN(max, f->out.size - f->sent);
    memcpy(out, f->out.data + f->sent, n);
    f->sent += n;
    return (ssize_t)n;
}

static void end_events(void *priv)
{
    struct follower *f = priv, **at;
    pthread_mutex_lock(&f->server->lock);
    for (at = &f->server->followers; *at != f; at = &(*at)->next)
        continue;
    *at = f->next;
    pthread_mutex_unlock(&f->server->lock);
    ta_buf_release(&f->out);
    free(f);
}

static enum MHD_Result follow_events(struct ta_server *s, struct MHD_Connection *c)
{
    const char *last = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Last-Event-ID");
    if (!last)
        last = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "after");
    struct follower *f = ta_xcalloc(1, sizeof(*f));
    f->server = s;
    f->connection = c;
    f->seq = last ? strtoll(last, NULL, 10) : ta_events_last(ta_jobs_events(s->jobs));
    ta_buf_puts(&f->out, "retry: 2000\n\n"); // first bytes at once: the client knows that it is connected
    pthread_mutex_lock(&s->lock);
    f->next = s->followers;
    s->followers = f;
    pthread_mutex_unlock(&s->lock);
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, EVENT_BLOCK,
                                                                      read_events, f, end_events);
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result ret = MHD_queue_response(c, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return ret;
}

// ---- requests ----

static enum MHD_Result on_request(struct ta_server *s, bool local, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *data, size_t *size, void **state)
{
    struct call *call = *state;
    if (!call) { // the headers alone
        *state = ta_xcalloc(1, sizeof(*call));
        return MHD_YES;
    }
    if (*size) {
        call->too_long = call->too_long || call->body.size + *size > BODY_MAX;
        if (!call->too_long)
            ta_buf_append(&call->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    struct ta_request r = {.jobs = s->jobs,
                           .supervisor = s->supervisor,
                           .config = &s->config,
                           .log = s->log,
                           .local = local,
                           .connection = c};
    if (!local && !is_own_site(s, c))
        ta_request_problem(&r, 403, "another site", "this service answers its own pages and programs alone");
    else if (!local && !has_token(s, c))
        ta_request_problem(&r, 401, "token", "this service asks for its token");
    else if (!strcmp(path, "/api/v1/events") && !strcmp(method, "GET"))
        return follow_events(s, c);
    else
        route(&r, method, path, call);
    json_decref(r.body);
    return answer(c, &r);
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
    struct call *call = *state;
    (void)priv;
    (void)c;
    (void)code;
    if (call)
        ta_buf_release(&call->body);
    free(call);
    *state = NULL;
}

// ---- start and stop ----

static int serve(struct ta_server *s, int fd, MHD_AccessHandlerCallback handler, struct MHD_Daemon **out)
{
    if (fd < 0)
        return fd;
    *out = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL,
                            NULL, handler, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
                            on_end, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_SECONDS,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
                            MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_END);
    if (*out)
        return 0;
    ta_error(s->log, "the HTTP server could not be started");
    close(fd);
    return TA_ERR_LIMIT;
}

int ta_server_start(struct ta_server **out, const struct ta_server_config *config, struct ta_jobs *jobs,
                    struct ta_supervisor *supervisor, struct ta_log *log)
{
    struct ta_server *s = ta_xcalloc(1, sizeof(*s));
    s->config = *config;
    s->jobs = jobs;
    s->supervisor = supervisor;
    s->log = log;
    s->loopback = config->address && ta_server_is_loopback(config->address);
    pthread_mutex_init(&s->lock, NULL);
    ta_events_on_publish(ta_jobs_events(jobs), wake_followers, s);
    int err = config->address ? serve(s, ta_listen_on(config->address, &s->port, log), on_tcp, &s->tcp) : 0;
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
    wake_followers(s); // a connection that sleeps can't be closed
    ta_events_on_publish(ta_jobs_events(s->jobs), NULL, NULL);
    if (s->tcp)
        MHD_stop_daemon(s->tcp);
    if (s->local) {
        MHD_stop_daemon(s->local);
        unlink(s->config.socket);
    }
    pthread_mutex_destroy(&s->lock);
    ta_freep(out);
}

int ta_server_port(const struct ta_server *s)
{
    return s->port;
}
