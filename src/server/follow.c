// Events for who follows them: a connection that sleeps until something happens.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "jobs/jobs.h"
#include "server/http_parts.h"

enum {
    EVENT_BLOCK = 16 << 10,
    FOLLOWERS_MAX = 128,
    // Who follows is woken by progress alone at most so often: to wake ten of them ten times a second took
    // more of the processor than as many questions a second.
    PROGRESS_MS = 500,
};

struct ta_follower {
    struct ta_server *server;
    struct MHD_Connection *connection;
    int64_t seq;
    struct ta_buf out;
    size_t sent;
    bool asleep;   // under the server's lock, as the next
    double rested; // from when on progress may wake it again, by ta_clock_seconds()
    struct ta_follower *next;
};

// What is not told now is told with the next event: a job that reports no more ends by one of another kind.
void ta_follow_wake(void *priv, const char *kind)
{
    struct ta_server *s = priv;
    bool waits = kind && !strcmp(kind, "progress");
    double now = ta_clock_seconds();
    pthread_mutex_lock(&s->lock);
    for (struct ta_follower *f = s->followers; f; f = f->next)
        if (f->asleep && !(waits && now < f->rested)) {
            f->asleep = false;
            f->rested = now + PROGRESS_MS / 1000.0;
            MHD_resume_connection(f->connection);
        }
    pthread_mutex_unlock(&s->lock);
}

static void fill_events(struct ta_follower *f)
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
    struct ta_follower *f = priv;
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
    struct ta_follower *f = priv, **at;
    pthread_mutex_lock(&f->server->lock);
    for (at = &f->server->followers; *at != f; at = &(*at)->next)
        continue;
    *at = f->next;
    f->server->follower_count--;
    pthread_mutex_unlock(&f->server->lock);
    ta_buf_release(&f->out);
    free(f);
}

// The number that the client has seen last; that of the newest event where it says none.
static bool find_start(struct ta_server *s, struct ta_request *r, int64_t *seq)
{
    const char *last = ta_request_header(r, "Last-Event-ID");
    *seq = ta_events_last(ta_jobs_events(s->jobs));
    if (!last)
        return ta_request_number(r, "after", 0, INT64_MAX - 1, seq);
    char *end;
    int64_t number = strtoll(last, &end, 10);
    // What is no number of ours is told as a gap.
    *seq = *last && !*end && number >= 0 && number < INT64_MAX ? number : INT64_MAX - 1;
    return true;
}

enum MHD_Result ta_follow(struct ta_server *s, struct ta_request *r)
{
    int64_t seq;
    pthread_mutex_lock(&s->lock);
    bool many = s->follower_count >= FOLLOWERS_MAX;
    pthread_mutex_unlock(&s->lock);
    if (many)
        ta_request_problem(r, 429, "too-many-followers", "%d clients follow the events already",
                           (int)FOLLOWERS_MAX);
    if (many || !find_start(s, r, &seq))
        return ta_answer(r);
    struct ta_follower *f = ta_xcalloc(1, sizeof(*f));
    f->server = s;
    f->connection = r->connection;
    f->seq = seq;
    ta_buf_puts(&f->out, "retry: 2000\n\n"); // first bytes at once: the client knows that it is connected
    pthread_mutex_lock(&s->lock);
    f->next = s->followers;
    s->followers = f;
    s->follower_count++;
    pthread_mutex_unlock(&s->lock);
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, EVENT_BLOCK,
                                                                      read_events, f, end_events);
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result ret = MHD_queue_response(r->connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    ta_request_release(r);
    return ret;
}
