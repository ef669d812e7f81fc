// The trials of the patches of queue and service.
#include "perf/trial_run.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "base/tuning.h"
#include "jobs/client.h"
#include "jobs/jobs.h"

enum {
    READERS = 4,
    READ_JOBS = 20,
    WINDOW_MS = 1000,
    PAGES = 10,
    PAGE_JOBS = 400,
    PAGE_SECONDS = 3,
    START_SECONDS = 20,
    END_SECONDS = 10
};

// ---- queue_rwlock ----

struct reading {
    struct ta_jobs *jobs;
    struct ta_job_list *list;
    atomic_bool stop;
    atomic_llong reads;
    atomic_int torn;            // states that were seen to go back
    atomic_int seen_in_the_end; // jobs that a reader saw done, of all readers
};

static int stage_of(enum ta_job_state state)
{
    return ta_job_state_is_final(state) ? 2 : ta_job_state_is_active(state);
}

static int stage_now(struct reading *r, int number)
{
    ta_job_list_hold(r->list);
    struct ta_job *job = ta_job_list_get(r->list, 1 + number);
    int stage = job ? stage_of(job->state) : 0;
    ta_job_unref(&job);
    ta_job_list_let_go(r->list);
    return stage;
}

static int read_on(void *arg)
{
    struct reading *r = arg;
    long long reads = 0;
    int before[READ_JOBS] = {0};
    for (int i = 0; !atomic_load(&r->stop); i = (i + 1) % READ_JOBS) {
        int stage = stage_now(r, i);
        if (stage < before[i])
            atomic_fetch_add(&r->torn, 1);
        before[i] = stage;
        reads++;
    }
    for (int i = 0; i < READ_JOBS; i++)
        atomic_fetch_add(&r->seen_in_the_end, stage_now(r, i) == 2);
    atomic_fetch_add(&r->reads, reads);
    return 0;
}

// Whoever hears of a change takes a millisecond for it.
static int tell_on(void *arg)
{
    struct reading *r = arg;
    while (!atomic_load(&r->stop)) {
        ta_job_list_hold(r->list);
        // timed wait: stands for work
        ta_sleep_us(1000); // perf-ok(polling-sleep, block-under-lock): it stands for work
        ta_job_list_let_go(r->list);
        // timed wait: between two changes
        ta_sleep_us(100); // perf-ok(polling-sleep): and this for the time between two changes
    }
    return 0;
}

// Works all jobs through, spread over the window.
static int work_on(struct reading *r)
{
    int err = 0;
    double begun = ta_clock_seconds();
    for (int i = 0; i < READ_JOBS && err >= 0; i++) {
        struct ta_job *job = NULL;
        int64_t due;
        err = ta_jobs_claim(r->jobs, &job, &due);
        if (err >= 0 && !job)
            err = TA_ERR_INTERNAL;
        double next = begun + (i + 1.0) * WINDOW_MS / 1000 / READ_JOBS - ta_clock_seconds();
        // timed wait: stands for work
        ta_sleep_us((int64_t)(1e6 * TA_MAX(next, 0))); // perf-ok(polling-sleep): a job takes so long
        if (err >= 0)
            err = ta_jobs_end(r->jobs, job->id, &(struct ta_job_end){.state = TA_JOB_DONE, .reason = ""});
        ta_job_unref(&job);
    }
    return err;
}

static int read_for_a_while(struct reading *r)
{
    struct ta_thread *threads[READERS + 1] = {NULL};
    int err = ta_thread_create(&threads[READERS], "tells", tell_on, r);
    for (int i = 0; i < READERS && err >= 0; i++)
        err = ta_thread_create(&threads[i], "reads", read_on, r);
    if (err >= 0)
        err = work_on(r);
    atomic_store(&r->stop, true);
    for (int i = 0; i <= READERS; i++)
        ta_thread_join(&threads[i]);
    return err;
}

static int open_jobs(struct ta_trial *t, const char *dir, const struct ta_tuning *tuning,
                     struct ta_jobs **jobs)
{
    struct ta_job_wanted wanted[READ_JOBS];
    for (int i = 0; i < READ_JOBS; i++)
        wanted[i] = (struct ta_job_wanted){"/a", "/a.mp4", "{}", "", 0};
    ta_dir_remove(dir, NULL);
    int err = ta_dir_create(dir, t->log);
    if (err >= 0)
        err = ta_jobs_open(jobs, dir, tuning, t->log);
    return err < 0 ? err : ta_jobs_add(*jobs, wanted, READ_JOBS, NULL);
}

int ta_trial_readers(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    char *dir = ta_trial_path(t, applied ? "queue-now" : "queue-before");
    struct ta_tuning tuning;
    struct ta_jobs *jobs = NULL;
    ta_tuning_defaults(&tuning);
    tuning.queue_rwlock = applied;
    int err = open_jobs(t, dir, &tuning, &jobs);
    if (err >= 0) {
        struct reading r = {.jobs = jobs, .list = ta_jobs_list(jobs)};
        double begun = ta_clock_seconds();
        err = read_for_a_while(&r);
        double seconds = ta_clock_seconds() - begun;
        out->cost = seconds * 1e6 / (double)TA_MAX(atomic_load(&r.reads), 1);
        // What the readers saw: times differ.
        char *seen = ta_xprintf("%d done, %d back", atomic_load(&r.seen_in_the_end), atomic_load(&r.torn));
        ta_sha256_hex(seen, strlen(seen), out->sum);
        free(seen);
    }
    ta_jobs_close(&jobs);
    free(dir);
    return err;
}

// ---- gui_polling ----

struct service {
    pid_t pid;
    char *socket;
    struct ta_client *client;
};

// One that looks on, as a page does.
struct page {
    struct service *service;
    struct ta_client *client;
    struct ta_thread *thread;
    json_t *known; // of each job by its number: state and priority
    int number;
    bool told;          // of changes; else it asks
    atomic_bool *ended; // nothing changes any more
};

static bool is_there(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return false;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return there;
}

static int wait_for_service(struct ta_trial *t, const struct service *s)
{
    for (int tries = 0; tries < START_SECONDS * 20; tries++) {
        if (is_there(s->socket))
            return 0;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
            break;
        ta_sleep_us(50000); // timed wait: a socket that is not there yet tells nobody when it is
    }
    ta_error(t->log,
             "the service does not start for the trial; its messages are what \"terminalai serve\" says");
    return TA_ERR_UNSUPPORTED;
}

// Jobs that wait: the queue is paused.
static int add_jobs(struct ta_trial *t, struct service *s)
{
    char *tape = ta_trial_path(t, "tape.avi");
    json_t *list = json_array(), *answer = NULL;
    for (int i = 0; i < PAGE_JOBS; i++) {
        char *made = ta_xprintf("%s/%d.mp4", t->dir, i);
        json_array_append_new(list, json_pack("{s:s, s:s}", "input", tape, "output", made));
        free(made);
    }
    int err = ta_file_write_atomic(tape, "tape", 4, t->log);
    if (err >= 0)
        err = ta_client_ask(s->client, "POST", "/api/v1/queue/pause", NULL, &answer);
    json_decref(answer);
    answer = NULL;
    if (err >= 0)
        err = ta_client_ask(s->client, "POST", "/api/v1/jobs", json_pack("{s:O}", "jobs", list), &answer);
    json_decref(answer);
    json_decref(list);
    free(tape);
    return err;
}

int ta_trial_pages_prepare(struct ta_trial *t)
{
    struct service *s = ta_xcalloc(1, sizeof *s);
    t->kept = s;
    s->socket = ta_trial_path(t, "socket");
    struct ta_client_config config = {.socket = s->socket};
    const char *args[] = {"serve", "--listen", "none", "--socket", s->socket, "--root", t->dir, NULL};
    int err = ta_client_create(&s->client, &config, t->log);
    pid_t pid = err < 0 ? err : ta_trial_start(t, NULL, args);
    if (pid < 0)
        return pid;
    s->pid = pid;
    err = wait_for_service(t, s);
    return err < 0 ? err : add_jobs(t, s);
}

// One that answers nothing may not hear of it either: then it is killed.
static void end_service(struct service *s)
{
    bool ended = s->pid <= 0 || kill(s->pid, SIGTERM) < 0;
    for (int tries = 0; !ended && tries < END_SECONDS * 20; tries++) {
        pid_t pid = waitpid(s->pid, NULL, WNOHANG);
        ended = pid == s->pid || (pid < 0 && errno != EINTR);
        if (!ended)
            ta_sleep_us(50000); // timed wait: waitpid() knows no end of its own
    }
    if (!ended && kill(s->pid, SIGKILL) == 0)
        while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    s->pid = 0;
}

void ta_trial_pages_finish(struct ta_trial *t)
{
    struct service *s = t->kept;
    if (!s)
        return;
    end_service(s);
    ta_client_destroy(&s->client);
    free(s->socket);
    ta_freep(&t->kept);
}

// Nanoseconds that all threads of the process have had processors.
static double cpu_of(pid_t pid)
{
    char *dir = ta_xprintf("/proc/%d/task", (int)pid), **names = NULL;
    double sum = 0;
    int count = ta_dir_list(dir, &names, NULL);
    for (int i = 0; i < count; i++) {
        char *path = ta_xprintf("%s/%s/schedstat", dir, names[i]);
        struct ta_buf text = {0};
        if (ta_file_read(path, 4096, &text, NULL) >= 0)
            sum += strtod(ta_buf_text(&text), NULL);
        ta_buf_release(&text);
        free(path);
    }
    ta_dir_list_free(&names);
    free(dir);
    return sum / 1e9;
}

static void note_job(struct page *p, const json_t *job)
{
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)json_integer_value(json_object_get(job, "id")));
    json_object_set_new(
        p->known, key,
        json_pack("[O?, O?]", json_object_get(job, "state"), json_object_get(job, "priority")));
}

// All jobs, and the event after which others come.
static int read_list(struct page *p, int64_t *event)
{
    json_t *answer = NULL, *job;
    size_t i;
    int err = ta_client_ask(p->client, "GET", "/api/v1/jobs?limit=1000", NULL, &answer);
    json_array_foreach(json_object_get(answer, "jobs"), i, job) note_job(p, job);
    *event = json_integer_value(json_object_get(answer, "event"));
    json_decref(answer);
    return err;
}

static bool hear(void *priv, const char *kind, const json_t *data)
{
    struct page *p = priv;
    if (!strcmp(kind, "job"))
        note_job(p, data);
    // Events come in their order: what comes when all has ended comes after all else.
    return !(atomic_load(p->ended) && !strcmp(kind, "queue"));
}

static int look_on(void *arg)
{
    struct page *p = arg;
    int64_t event = 0;
    int err = read_list(p, &event);
    if (p->told)
        return err < 0 ? err : ta_client_follow(p->client, event, hear, p);
    // timed wait: not all at once
    ta_sleep_us(p->number * (int64_t)1000000 / PAGES);
    while (err >= 0 && !atomic_load(p->ended)) {
        err = read_list(p, &event);
        // timed wait: each page asks once a second
        ta_sleep_us(1000000); // perf-ok(polling-sleep): each page asks once a second
    }
    return err < 0 ? err : read_list(p, &event);
}

static int set_priority(struct service *s, int job, int priority)
{
    json_t *answer = NULL;
    char path[40];
    snprintf(path, sizeof path, "/api/v1/jobs/%d", job);
    int err = ta_client_ask(s->client, "PATCH", path, json_pack("{s:i}", "priority", priority), &answer);
    json_decref(answer);
    return err;
}

static int reset_jobs(struct service *s)
{
    int err = 0;
    for (int i = 1; i <= PAGE_SECONDS && err >= 0; i++)
        err = set_priority(s, i, 0);
    return err;
}

// A job changes each second, and the last thing that happens is told to all.
// Where that can't be told the service ends, and with it what the pages wait for.
static int change_jobs(struct service *s, atomic_bool *ended)
{
    int err = 0;
    json_t *answer = NULL;
    for (int i = 1; i <= PAGE_SECONDS && err >= 0; i++) {
        err = set_priority(s, i, 10 + i);
        // timed wait: so often something happens
        ta_sleep_us(1000000); // perf-ok(polling-sleep): so often something happens
    }
    atomic_store(ended, true);
    // Paused once more: nothing changes by it, and all are told.
    int told = ta_client_ask(s->client, "POST", "/api/v1/queue/pause", NULL, &answer);
    json_decref(answer);
    if (told < 0)
        end_service(s);
    return err < 0 ? err : told;
}

static void know(const struct page *p, struct ta_sha256 *all)
{
    char *text = json_dumps(p->known, JSON_COMPACT | JSON_SORT_KEYS);
    ta_sha256_update(all, text ? text : "", text ? strlen(text) : 0);
    free(text);
}

int ta_trial_pages(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    struct service *s = t->kept;
    const struct ta_client_config config = {.socket = s->socket};
    struct page pages[PAGES] = {0};
    atomic_bool ended = false;
    int err = reset_jobs(s);
    for (int i = 0; i < PAGES && err >= 0; i++) {
        struct page *p = &pages[i];
        *p = (struct page){
            .service = s, .number = i, .told = applied, .ended = &ended, .known = json_object()};
        err = ta_client_create(&p->client, &config, t->log);
        if (err >= 0)
            err = ta_thread_create(&p->thread, "page", look_on, p);
    }
    // timed wait: all have begun; what beginning costs is no part of it
    ta_sleep_us(300000);
    double before = cpu_of(s->pid);
    int changed = change_jobs(s, &ended);
    out->cost = changed < 0 ? 0 : cpu_of(s->pid) - before;
    err = err < 0 ? err : changed;
    struct ta_sha256 *all = ta_sha256_create();
    for (int i = 0; i < PAGES; i++) {
        int own = ta_thread_join(&pages[i].thread);
        err = err < 0 ? err : own;
        know(&pages[i], all);
        ta_client_destroy(&pages[i].client);
        json_decref(pages[i].known);
    }
    ta_sha256_finish(&all, out->sum);
    return err < 0 ? err : 0;
}
