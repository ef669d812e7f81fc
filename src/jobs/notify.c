#include "jobs/notify.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "jobs/deliver.h"
#include "jobs/jobs.h"
#include "jobs/notice.h"
#include "jobs/store.h"

enum { KEPT = 1000, SHOWN = 100, PAUSE_SECONDS = 5 };

struct ta_notify {
    struct ta_jobs *jobs;
    struct ta_notify_config config;
    struct ta_log *log;
    struct ta_thread *sender;
    atomic_bool arrived; // rows that the sender has not looked for
    atomic_bool closing;
    bool *down; // of each endpoint: its last attempt failed, and that was said; the sender's
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

struct ta_notify_config ta_notify_defaults(void)
{
    return (struct ta_notify_config){.most = 900, .attempts = 100}; // for a day
}

// ---- rows ----

static int add_row(struct ta_notify *n, struct ta_store *store, const char *endpoint,
                   enum ta_notice_event event, const char *body)
{
    int64_t now = ta_jobs_now_ms();
    atomic_store(&n->arrived, true);
    return ta_store_do(store, "a notification can't be written",
                       "INSERT INTO notices(endpoint, event, created, due, attempt, state, error, body)"
                       " VALUES(?1, ?2, ?3, ?3, 0, 'waiting', '', ?4)",
                       "ssis", endpoint, ta_notice_event_name(event), now, body);
}

// Rows for all that want it.
static int add_rows(struct ta_notify *n, struct ta_store *store, enum ta_notice_event event, json_t *about,
                    const char *batch)
{
    json_t *notice = ta_notice_create(event, ta_jobs_now_ms(), about);
    char *body = json_dumps(notice, JSON_COMPACT);
    int err = 0;
    for (int i = 0; i < n->config.count && !err; i++)
        if (ta_endpoint_wants(&n->config.endpoints[i], event, batch))
            err = add_row(n, store, n->config.endpoints[i].name, event, body);
    free(body);
    json_decref(notice);
    return err;
}

static int on_ended(void *priv, struct ta_store *store, const struct ta_job *job)
{
    json_t *about = ta_job_json(job);
    json_object_set_new(about, "source", json_string(job->source));
    return add_rows(priv, store, job->state == TA_JOB_DONE ? TA_NOTICE_DONE : TA_NOTICE_FAILED, about,
                    job->batch);
}

static int on_emptied(void *priv, struct ta_store *store)
{
    return add_rows(priv, store, TA_NOTICE_EMPTY, NULL, NULL);
}

static void wake_up(struct ta_notify *n)
{
    pthread_mutex_lock(&n->lock);
    pthread_cond_signal(&n->changed);
    pthread_mutex_unlock(&n->lock);
}

static void on_change(void *priv)
{
    struct ta_notify *n = priv;
    if (atomic_load(&n->arrived))
        wake_up(n);
}

struct wanted_row {
    struct ta_notify *n;
    json_t *alert;
    const char *endpoint;
    int64_t id;
};

static void take_number(void *priv, const struct ta_row *row)
{
    *(int64_t *)priv = ta_row_number(row, 0);
}

static int write_wanted(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    struct wanted_row *w = priv;
    (void)added;
    if (w->alert)
        return add_rows(w->n, store, TA_NOTICE_ALERT, json_incref(w->alert), NULL);
    json_t *notice = ta_notice_create(TA_NOTICE_TEST, ta_jobs_now_ms(), NULL);
    char *body = json_dumps(notice, JSON_COMPACT);
    int err = add_row(w->n, store, w->endpoint, TA_NOTICE_TEST, body);
    free(body);
    json_decref(notice);
    return err ? err
               : ta_store_each(store, "a notification can't be written", "SELECT max(id) FROM notices",
                               take_number, &w->id, "");
}

int ta_notify_alert(struct ta_notify *n, json_t *alert)
{
    struct wanted_row w = {.n = n, .alert = alert};
    int err = ta_jobs_store(n->jobs, write_wanted, &w);
    json_decref(alert);
    return err;
}

static const struct ta_endpoint *endpoint_of(const struct ta_notify *n, const char *name)
{
    for (int i = 0; i < n->config.count; i++)
        if (!strcmp(n->config.endpoints[i].name, name))
            return &n->config.endpoints[i];
    return NULL;
}

int ta_notify_test(struct ta_notify *n, const char *name, int64_t *id)
{
    struct wanted_row w = {.n = n, .endpoint = name};
    int err = endpoint_of(n, name) ? ta_jobs_store(n->jobs, write_wanted, &w) : TA_ERR_NOT_FOUND;
    *id = w.id;
    return err;
}

// ---- sending ----

// The first that waits of one endpoint.
struct head {
    int64_t id, due, created;
    int attempt;
    char *endpoint, *body;
};

struct heads {
    struct head *list;
    int count;
};

static void take_head(void *priv, const struct ta_row *row)
{
    struct heads *h = priv;
    h->list = ta_xrealloc(h->list, (size_t)(h->count + 1) * sizeof(*h->list));
    h->list[h->count++] = (struct head){.id = ta_row_number(row, 0),
                                        .due = ta_row_number(row, 1),
                                        .created = ta_row_number(row, 2),
                                        .attempt = (int)ta_row_number(row, 3),
                                        .endpoint = ta_xstrdup(ta_row_text(row, 4)),
                                        .body = ta_xstrdup(ta_row_text(row, 5))};
}

static int read_heads(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    (void)added;
    return ta_store_each(
        store, "notifications can't be read",
        "SELECT id, due, created, attempt, endpoint, body FROM notices WHERE id IN"
        " (SELECT min(id) FROM notices WHERE state='waiting' GROUP BY endpoint) ORDER BY due, id",
        take_head, priv, "");
}

static void release_heads(struct heads *h)
{
    for (int i = 0; i < h->count; i++) {
        free(h->list[i].endpoint);
        free(h->list[i].body);
    }
    free(h->list);
    *h = (struct heads){0};
}

// How one attempt ended, as the row then says.
struct end {
    int64_t id, due;
    int attempt;
    const char *state, *error;
};

static int write_end(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    const struct end *e = priv;
    (void)added;
    int err = ta_store_do(store, "a notification can't be written",
                          "UPDATE notices SET state=?2, error=?3, attempt=?4, due=?5 WHERE id=?1", "issii",
                          e->id, e->state, e->error, (int64_t)e->attempt, e->due);
    return err || !strcmp(e->state, "waiting")
               ? err
               : ta_store_do(store, "old notifications can't be removed",
                             "DELETE FROM notices WHERE state!='waiting' AND id <= ?1 - ?2", "ii", e->id,
                             (int64_t)KEPT);
}

static bool is_closing(void *priv)
{
    return atomic_load(&((struct ta_notify *)priv)->closing);
}

static void say(struct ta_notify *n, const struct ta_endpoint *e, const struct ta_delivery *d, bool given_up)
{
    bool *down = &n->down[e - n->config.endpoints];
    if (d->result == TA_DELIVERED && *down)
        ta_info(n->log, "notification %s: it arrives again", e->name);
    else if (given_up)
        ta_warn(n->log, "notification %s: message %" PRId64 " is given up: %s", e->name, d->id,
                ta_buf_text(&d->why));
    else if (d->result != TA_DELIVERED && !*down)
        ta_warn(n->log, "notification %s: %s; it is tried again", e->name, ta_buf_text(&d->why));
    *down = d->result != TA_DELIVERED;
}

// Sends it once, and writes down how that ended. Seconds until its endpoint may be asked again.
static double send_one(struct ta_notify *n, const struct head *h)
{
    const struct ta_endpoint *endpoint = endpoint_of(n, h->endpoint);
    json_t *notice = json_loads(h->body, 0, NULL);
    struct ta_delivery d = {
        .endpoint = endpoint, .notice = notice, .id = h->id, .canceled = is_closing, .priv = n};
    struct end e = {.id = h->id, .attempt = h->attempt + 1, .state = "sent", .error = ""};
    double wait = 0;
    if (!endpoint || !notice) {
        e.state = "given up";
        e.error = endpoint ? "it is garbled" : "there is no such endpoint any more";
    } else {
        ta_deliver(&d);
        bool given_up = d.result == TA_DELIVER_NEVER ||
                        (d.result == TA_DELIVER_LATER && e.attempt >= n->config.attempts);
        if (d.result != TA_DELIVERED && is_closing(n)) { // this attempt does not count
            ta_buf_release(&d.why);
            json_decref(notice);
            return 0;
        }
        if (d.result == TA_DELIVER_LATER && !given_up) {
            double doubled = endpoint->retry * (double)(1 << TA_MIN(h->attempt, 20));
            wait = TA_MAX(TA_MIN(doubled, n->config.most), d.retry_after);
            e.state = "waiting";
        } else if (given_up) {
            e.state = "given up";
        }
        say(n, endpoint, &d, given_up);
        e.error = ta_buf_text(&d.why);
    }
    e.due = ta_jobs_now_ms() + (int64_t)(wait * 1000);
    if (ta_jobs_store(n->jobs, write_end, &e) < 0)
        wait = PAUSE_SECONDS; // the disk is full: it is sent again, which is better than not at all
    ta_buf_release(&d.why);
    json_decref(notice);
    return wait;
}

// Sends all that are due. Seconds until the next is; negative: none waits.
static double send_due(struct ta_notify *n)
{
    struct heads h = {0};
    double next = -1;
    bool sent = false;
    atomic_store(&n->arrived, false);
    if (ta_jobs_store(n->jobs, read_heads, &h) < 0)
        next = PAUSE_SECONDS;
    for (int i = 0; i < h.count && !is_closing(n); i++) {
        // Never later than what is waited for at most: the clock may have been set back since.
        double wait = (double)(h.list[i].due - ta_jobs_now_ms()) / 1000;
        wait = TA_MIN(wait, TA_MAX(n->config.most, 3600.0));
        if (wait <= 0) {
            wait = send_one(n, &h.list[i]);
            sent = sent || wait <= 0;
        }
        if (wait > 0 && (next < 0 || wait < next))
            next = wait;
    }
    release_heads(&h);
    return sent ? 0 : next; // others may stand behind what was sent
}

static int send_all(void *arg)
{
    struct ta_notify *n = arg;
    while (!is_closing(n)) {
        double wait = send_due(n);
        pthread_mutex_lock(&n->lock);
        if (!atomic_load(&n->closing) && !atomic_load(&n->arrived) && wait != 0) {
            struct timespec until = ta_clock_after(TA_MAX(wait, 0));
            if (wait < 0)
                pthread_cond_wait(&n->changed, &n->lock);
            else // timed wait: a receiver that was away is asked again after a while
                pthread_cond_timedwait(&n->changed, &n->lock, &until);
        }
        pthread_mutex_unlock(&n->lock);
    }
    return 0;
}

int ta_notify_open(struct ta_notify **out, struct ta_jobs *jobs, const struct ta_notify_config *config,
                   struct ta_log *log)
{
    struct ta_notify *n = ta_xcalloc(1, sizeof(*n));
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(n);
        return TA_ERR_NOMEM;
    }
    n->jobs = jobs;
    n->config = *config;
    n->log = log;
    n->down = ta_xcalloc((size_t)config->count + 1, sizeof(*n->down));
    pthread_mutex_init(&n->lock, NULL);
    ta_cond_init(&n->changed);
    ta_jobs_set_hooks(jobs, &(struct ta_jobs_hooks){on_ended, on_emptied, n});
    ta_jobs_on_change(jobs, on_change, n);
    int err = ta_thread_create(&n->sender, "notify", send_all, n);
    if (err < 0)
        ta_notify_close(&n);
    *out = n;
    return err;
}

void ta_notify_close(struct ta_notify **out)
{
    struct ta_notify *n = *out;
    if (!n)
        return;
    ta_jobs_set_hooks(n->jobs, &(struct ta_jobs_hooks){0});
    ta_jobs_on_change(n->jobs, NULL, n);
    atomic_store(&n->closing, true);
    wake_up(n);
    ta_thread_join(&n->sender);
    pthread_cond_destroy(&n->changed);
    pthread_mutex_destroy(&n->lock);
    curl_global_cleanup();
    free(n->down);
    ta_freep(out);
}

// ---- to be shown ----

static void show_row(void *priv, const struct ta_row *row)
{
    json_array_append_new(
        priv,
        json_pack("{s:I, s:s, s:s, s:s, s:I, s:s, s:I, s:I}", "id", (json_int_t)ta_row_number(row, 0),
                  "endpoint", ta_row_text(row, 1), "event", ta_row_text(row, 2), "state", ta_row_text(row, 3),
                  "attempt", (json_int_t)ta_row_number(row, 4), "error", ta_row_text(row, 5), "created_ms",
                  (json_int_t)ta_row_number(row, 6), "due_ms", (json_int_t)ta_row_number(row, 7)));
}

static void count_row(void *priv, const struct ta_row *row)
{
    json_object_set_new(priv, ta_row_text(row, 0), json_integer((json_int_t)ta_row_number(row, 1)));
}

struct view {
    json_t *rows, *waiting;
};

static int read_view(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    struct view *v = priv;
    (void)added;
    int err = ta_store_each(store, "notifications can't be read",
                            "SELECT id, endpoint, event, state, attempt, error, created, due FROM notices"
                            " ORDER BY id DESC LIMIT ?1",
                            show_row, v->rows, "i", (int64_t)SHOWN);
    return err ? err
               : ta_store_each(
                     store, "notifications can't be read",
                     "SELECT endpoint, count(*) FROM notices WHERE state='waiting' GROUP BY endpoint",
                     count_row, v->waiting, "");
}

json_t *ta_notify_json(struct ta_notify *n)
{
    struct view v = {json_array(), json_object()};
    json_t *endpoints = json_array();
    ta_jobs_store(n->jobs, read_view, &v);
    for (int i = 0; i < n->config.count; i++) {
        const struct ta_endpoint *e = &n->config.endpoints[i];
        char *kind = ta_opt_text_of(ta_opt_find(ta_endpoint_options, "kind"), e),
             *where = ta_endpoint_where(e);
        json_array_append_new(endpoints,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "name", e->name, "kind", kind,
                                        "where", where ? where : "", "events", e->events ? e->events : "",
                                        "batch", e->batch ? e->batch : "", "waiting",
                                        json_integer_value(json_object_get(v.waiting, e->name))));
        free(where);
        free(kind);
    }
    json_decref(v.waiting);
    return json_pack("{s:o, s:o}", "endpoints", endpoints, "notices", v.rows);
}
