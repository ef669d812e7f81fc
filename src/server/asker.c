#include "server/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/lru.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "jobs/events.h"
#include "jobs/lines.h"
#include "server/asker_parts.h"

enum {
    WAITING_MAX = 256,    // questions that nobody has taken up yet
    KEPT_BYTES = 8 << 20, // of answers
    IDLE_SECONDS = 20,    // a process without questions ends
    FAILED_SECONDS = 3,   // how long a failure is told again without being tried again
    FAILED_IDLY_SECONDS = 300,
};

// A question until its answer is kept elsewhere or too old.
struct entry {
    char *key;
    enum ta_ask_line line;
    json_t *look;
    char **command;
    const char *type;
    int keep_s;
    const char *event;
    json_t *about;
    enum { ASKED, WORKED_ON, TOLD } state;
    struct ta_told *told;
    double until; // TOLD: forgotten then
    void **sleepers;
    int sleeper_count;
    struct entry *next;
};

struct ta_asker {
    const char *program;
    const struct ta_box_rules *rules;
    struct ta_events *events;
    struct ta_log *log;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct entry *entries; // oldest first
    int waiting;
    struct ta_lru *kept;
    struct ta_seat {
        struct ta_asker *asker;
        enum ta_ask_line line;
        struct ta_thread *thread;
        struct ta_looker looker;
        int cancel_fd; // readable: the question that is worked on is not wanted any more
    } seats[TA_ASK_LINES];
    bool started, stopping;
    int stop_fd[2]; // readable once it stops
};

static const int limit_seconds[TA_ASK_LINES] = {600, 60, 3600};

// ---- answers ----

static void told_destroy(void *value)
{
    struct ta_told *t = value;
    if (!t)
        return;
    ta_blob_unref(&t->blob);
    json_decref(t->head);
    json_decref(t->problem);
    free(t);
}

static void entry_destroy(struct entry *e)
{
    told_destroy(e->told);
    json_decref(e->look);
    json_decref(e->about);
    for (int i = 0; e->command && e->command[i]; i++)
        free(e->command[i]);
    free(e->command);
    free(e->sleepers);
    free(e->key);
    free(e);
}

// The answer as one of HTTP.
static void tell(struct ta_request *r, const struct ta_told *t)
{
    const char *name;
    json_t *value;
    if (t->problem) {
        const char *code = json_string_value(json_object_get(t->problem, "code")),
                   *message = json_string_value(json_object_get(t->problem, "message"));
        ta_request_problem(r, t->status, code && *code ? code : "failed", "%s",
                           message ? message : "it can't be told");
        json_t *args = json_object_get(t->problem, "args");
        json_object_foreach(args, name, value) ta_request_arg(r, name, json_incref(value));
        if ((value = json_object_get(t->problem, "advice")))
            json_object_set(r->answer, "advice", value);
        return;
    }
    ta_request_reply(r, t->status, NULL);
    r->blob = ta_blob_ref(t->blob);
    json_object_foreach(t->head, name, value) ta_request_set_header(r, name, json_string_value(value));
}

static struct entry *find(struct ta_asker *a, const char *key)
{
    double now = ta_clock_seconds();
    for (struct entry **at = &a->entries, *e; (e = *at);) {
        if (e->state == TOLD && now >= e->until) {
            *at = e->next;
            entry_destroy(e);
            continue;
        }
        if (!strcmp(e->key, key))
            return e;
        at = &e->next;
    }
    return NULL;
}

static bool tell_known(struct ta_asker *a, struct ta_request *r, const char *key)
{
    struct ta_told *t = ta_lru_get(a->kept, key);
    if (!t)
        return false;
    if (r)
        tell(r, t);
    ta_lru_put(a->kept, t);
    return true;
}

// ---- asking ----

static int work(void *arg);

// Under the lock. The threads are made when the first question comes: most services are never asked.
static int start(struct ta_asker *a)
{
    int err = 0;
    for (int i = 0; i < TA_ASK_LINES && !a->started && !err; i++) {
        a->seats[i].asker = a;
        a->seats[i].line = (enum ta_ask_line)i;
        a->seats[i].looker = (struct ta_looker){.fd = -1};
        err = ta_thread_create(&a->seats[i].thread, "looks", work, &a->seats[i]);
    }
    a->started = true;
    return err;
}

static struct entry *add(struct ta_asker *a, struct ta_question *q)
{
    struct entry *e = ta_xcalloc(1, sizeof(*e)), **end = &a->entries;
    e->key = ta_xstrdup(q->key);
    e->line = q->line;
    e->look = json_incref(q->look);
    e->type = q->type;
    e->keep_s = q->keep_s;
    e->event = q->event;
    e->about = json_incref(q->about);
    int count = 0;
    while (q->command && q->command[count])
        count++;
    if (q->command) {
        e->command = ta_xcalloc((size_t)count + 2, sizeof(*e->command));
        e->command[0] = ta_xstrdup(a->program);
        for (int i = 0; i < count; i++)
            e->command[i + 1] = ta_xstrdup(q->command[i]);
    }
    while (*end)
        end = &(*end)->next;
    *end = e;
    a->waiting++;
    pthread_cond_broadcast(&a->changed);
    return e;
}

static void release_question(struct ta_question *q)
{
    json_decref(q->look);
    json_decref(q->about);
    q->look = q->about = NULL;
}

// 1: the answer is there; 0: it is on its way; -1: there is no room.
static int ask(struct ta_asker *a, struct ta_request *r, struct ta_question *q, bool wait)
{
    int ret = 0;
    pthread_mutex_lock(&a->lock);
    struct entry *e = find(a, q->key);
    if (e && e->state == TOLD) {
        if (r)
            tell(r, e->told);
        ret = 1;
    } else if (!e && tell_known(a, r, q->key)) {
        ret = 1;
    } else if (a->stopping || (!q->look && !q->command) || (!e && a->waiting >= WAITING_MAX) ||
               start(a) < 0) {
        ret = -1;
    } else {
        if (!e)
            e = add(a, q);
        if (wait) {
            e->sleepers = ta_xrealloc(e->sleepers, (size_t)(e->sleeper_count + 1) * sizeof(*e->sleepers));
            e->sleepers[e->sleeper_count++] = r->connection;
            ta_request_sleep(r);
        }
    }
    pthread_mutex_unlock(&a->lock);
    release_question(q);
    return ret;
}

bool ta_asker_ask(struct ta_asker *a, struct ta_request *r, struct ta_question *q)
{
    int ret = ask(a, r, q, true);
    if (ret < 0)
        ta_request_problem(r, 429, "too-many-questions",
                           "so many questions wait for their answers already; ask again later");
    return ret != 0;
}

bool ta_asker_look(struct ta_asker *a, struct ta_request *r, struct ta_question *q)
{
    return ask(a, r, q, false) > 0;
}

int ta_asker_state(struct ta_asker *a, struct ta_request *r, const char *key)
{
    int ret = -1;
    pthread_mutex_lock(&a->lock);
    struct entry *e = find(a, key);
    if (e && e->state == TOLD)
        tell(r, e->told);
    if (e)
        ret = e->state == TOLD;
    else if (tell_known(a, r, key))
        ret = 1;
    pthread_mutex_unlock(&a->lock);
    return ret;
}

void ta_asker_do(struct ta_asker *a, struct ta_question *q)
{
    ask(a, NULL, q, false);
}

// ---- one question ----

static void publish(struct ta_asker *a, const struct entry *e, const json_t *more)
{
    if (!e->event)
        return;
    json_t *o = json_deep_copy(e->about);
    json_object_update(o, (json_t *)more);
    ta_events_publish(a->events, e->event, json_dumps(o, JSON_COMPACT));
    json_decref(o);
}

struct progress {
    struct ta_asker *asker;
    const struct entry *entry;
};

static void on_progress(void *priv, const json_t *line)
{
    const struct progress *p = priv;
    json_t *o = json_deep_copy(line);
    static const char *const own[] = {"v", "type", "job"};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        json_object_del(o, own[i]);
    json_object_set_new(o, "state", json_string("working"));
    publish(p->asker, p->entry, o);
    json_decref(o);
}

static bool is_canceled(const struct ta_told *t)
{
    return t->problem && !strcmp(ta_json_member_text(t->problem, "code"), "cancelled");
}

static void publish_end(struct ta_asker *a, const struct entry *e, const struct ta_told *t)
{
    json_t *more = json_pack("{s:s}", "state",
                             is_canceled(t) ? "cancelled"
                             : t->problem   ? "failed"
                                            : "ready");
    if (t->problem)
        json_object_set(more, "problem", t->problem);
    publish(a, e, more);
    json_decref(more);
}

static void keep_answer(struct ta_asker *a, struct entry *e, struct ta_told *t)
{
    bool keep = e->keep_s < 0 && !t->problem;
    size_t bytes = sizeof(*t) + strlen(e->key) + (t->blob ? ta_blob_size(t->blob) : 0);
    e->state = TOLD;
    int failed = e->line == TA_ASK_IDLY ? FAILED_IDLY_SECONDS : FAILED_SECONDS;
    e->until = ta_clock_seconds() + (is_canceled(t) ? 0
                                     : t->problem   ? failed
                                     : keep         ? FAILED_SECONDS
                                                    : e->keep_s);
    e->told = t;
    if (keep) { // a second one that shares the bytes
        struct ta_told *copy = ta_xcalloc(1, sizeof(*copy));
        *copy = *t;
        ta_blob_ref(copy->blob);
        json_incref(copy->head);
        ta_lru_put(a->kept, ta_lru_add(a->kept, e->key, copy, bytes));
    }
    for (int i = 0; i < e->sleeper_count; i++)
        ta_request_wake(e->sleepers[i]);
    e->sleeper_count = 0;
}

// perf-ok(io-under-lock): an event counter, which never waits
bool ta_asker_cancel(struct ta_asker *a, const char *key)
{
    pthread_mutex_lock(&a->lock);
    struct entry *e = find(a, key);
    bool there = e && e->state != TOLD;
    if (there && e->state == ASKED) {
        struct ta_told *t = ta_told_problem(409, "cancelled", "cancelled");
        a->waiting--;
        publish_end(a, e, t);
        keep_answer(a, e, t);
    } else if (there) {
        uint64_t one = 1;
        ssize_t ignored = write(a->seats[e->line].cancel_fd, &one, sizeof(one));
        (void)ignored;
    }
    pthread_mutex_unlock(&a->lock);
    return there;
}

static struct entry *next_entry(struct ta_asker *a, enum ta_ask_line line)
{
    for (struct entry *e = a->entries; e; e = e->next)
        if (e->state == ASKED && e->line == line)
            return e;
    return NULL;
}

// perf-ok(io-under-lock, long-critical-section): an event counter; the loop waits on a condition
static int work(void *arg)
{
    struct ta_seat *seat = arg;
    struct ta_asker *a = seat->asker;
    pthread_mutex_lock(&a->lock);
    while (!a->stopping) {
        struct entry *e = next_entry(a, seat->line);
        if (!e && seat->looker.pid) {
            struct timespec until = ta_clock_after(IDLE_SECONDS);
            // timed wait: a process that nobody asks is ended
            int late = pthread_cond_timedwait(&a->changed, &a->lock, &until);
            if (late == ETIMEDOUT && !next_entry(a, seat->line)) {
                // Only this thread touches it, and its end is waited for: nobody else waits, too.
                pthread_mutex_unlock(&a->lock);
                ta_looker_end(&seat->looker);
                pthread_mutex_lock(&a->lock);
            }
            continue;
        }
        if (!e) {
            pthread_cond_wait(&a->changed, &a->lock);
            continue;
        }
        e->state = WORKED_ON;
        a->waiting--;
        uint64_t count; // a cancel that came too late for the one before
        ssize_t ignored = read(seat->cancel_fd, &count, sizeof(count));
        (void)ignored;
        pthread_mutex_unlock(&a->lock);
        struct progress progress = {a, e};
        struct ta_looker_wish wish = {.program = a->program,
                                      .config = a->rules->config,
                                      .rules = a->rules,
                                      .look = e->look,
                                      .command = e->command,
                                      .type = e->type,
                                      .seconds = limit_seconds[e->line],
                                      .stop_fd = a->stop_fd[0],
                                      .cancel_fd = seat->cancel_fd,
                                      .progress = on_progress,
                                      .priv = &progress};
        // perf-ok(process-in-loop): one process answers many questions
        struct ta_told *t = ta_looker_ask(&seat->looker, &wish, a->log);
        publish_end(a, e, t);
        pthread_mutex_lock(&a->lock);
        keep_answer(a, e, t);
    }
    pthread_mutex_unlock(&a->lock);
    ta_looker_end(&seat->looker);
    return 0;
}

// ---- start and stop ----

int ta_asker_create(struct ta_asker **out, const char *program, const struct ta_box_rules *rules,
                    struct ta_events *events, struct ta_log *log)
{
    struct ta_asker *a = ta_xcalloc(1, sizeof(*a));
    a->program = program;
    a->rules = rules;
    a->events = events;
    a->log = log;
    pthread_mutex_init(&a->lock, NULL);
    ta_cond_init(&a->changed);
    int err = pipe2(a->stop_fd, O_CLOEXEC) < 0 ? TA_ERR_LIMIT : 0;
    for (int i = 0; i < TA_ASK_LINES; i++) {
        a->seats[i].cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (a->seats[i].cancel_fd < 0)
            err = TA_ERR_LIMIT;
    }
    if (err < 0) {
        a->stop_fd[0] = a->stop_fd[1] = -1;
        ta_error(log, "the service can't be started: no pipe is left");
    } else {
        err = ta_lru_create(&a->kept, KEPT_BYTES, told_destroy);
    }
    if (err < 0)
        ta_asker_destroy(&a);
    *out = a;
    return err;
}

void ta_asker_stop(struct ta_asker *a)
{
    if (!a || a->stop_fd[1] < 0)
        return;
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    close(a->stop_fd[1]);
    a->stop_fd[1] = -1;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    for (int i = 0; i < TA_ASK_LINES; i++)
        ta_thread_join(&a->seats[i].thread);
    pthread_mutex_lock(&a->lock);
    for (struct entry *e = a->entries; e; e = e->next) {
        for (int i = 0; i < e->sleeper_count; i++)
            ta_request_wake(e->sleepers[i]); // asks again, and is refused
        e->sleeper_count = 0;
    }
    pthread_mutex_unlock(&a->lock);
}

void ta_asker_destroy(struct ta_asker **out)
{
    struct ta_asker *a = *out;
    if (!a)
        return;
    ta_asker_stop(a);
    for (struct entry *e = a->entries, *next; e; e = next) {
        next = e->next;
        entry_destroy(e);
    }
    if (a->kept)
        ta_lru_destroy(&a->kept);
    if (a->stop_fd[0] >= 0)
        close(a->stop_fd[0]);
    for (int i = 0; i < TA_ASK_LINES; i++)
        if (a->seats[i].cancel_fd >= 0)
            close(a->seats[i].cancel_fd);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    ta_freep(out);
}
