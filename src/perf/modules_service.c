// The queue, and the service with pages that look on.
#include <terminalai/error.h>

#include "base/log.h"
#include "perf/modules_parts.h"

#if TA_HAVE_SERVICE

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/env.h"
#include "base/file.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "base/thread.h"
#include "jobs/client.h"
#include "jobs/jobs.h"
#include "jobs/supervisor.h"
#include "server/http.h"

enum { WORKERS = 4, READERS = 4, JOBS = 100, REPORTS = 20, PAGES = 10 };

struct queue {
    struct ta_jobs *jobs;
    struct ta_ledger_row *read_wait, *write_wait, *read, *report, *claim, *blocked;
    atomic_int ended;
    atomic_bool stop;
    atomic_long reads;
    int reports;
};

static void on_passed(void *priv, bool writer, double waited, double held)
{
    struct queue *q = priv;
    (void)held;
    ta_ledger_add(writer ? q->write_wait : q->read_wait, waited, 0, 1, 0);
}

static int open_queue(struct queue *q, struct ta_perf_work *w)
{
    static struct ta_job_wanted wanted[JOBS];
    struct ta_ledger *l = w->env->ledger;
    char *dir = ta_xprintf("%s/queue", w->folder);
    *q = (struct queue){.read_wait = ta_ledger_row(l, "lock", "queue, readers"),
                        .write_wait = ta_ledger_row(l, "lock", "queue, writers"),
                        .read = ta_ledger_row(l, "stage", "read the queue"),
                        .report = ta_ledger_row(l, "stage", "report progress"),
                        .claim = ta_ledger_row(l, "stage", "claim and end jobs"),
                        .reports = w->quick ? 2 : REPORTS};
    for (int i = 0; i < JOBS; i++)
        wanted[i] = (struct ta_job_wanted){"/tape.avi", "/tape.mp4", "{}", "", 0};
    int err = ta_jobs_open(&q->jobs, dir, w->env->tuning, w->log);
    if (err >= 0)
        err = ta_jobs_add(q->jobs, wanted, JOBS, NULL);
    if (err >= 0)
        ta_job_list_watch(ta_jobs_list(q->jobs), on_passed, q);
    free(dir);
    return err;
}

static int queue_prepare(struct ta_perf_work *w)
{
    struct queue *q = w->state = ta_xcalloc(1, sizeof *q);
    return open_queue(q, w);
}

// As a worker: takes the next job, tells how far it is, ends it.
static int work_jobs(void *arg)
{
    struct queue *q = arg;
    int err = 0;
    while (err >= 0 && atomic_load(&q->ended) < JOBS) {
        struct ta_job *job = NULL;
        int64_t due;
        struct ta_lap a = ta_lap_now();
        err = ta_jobs_claim(q->jobs, &job, &due);
        struct ta_lap b = ta_lap_now();
        ta_ledger_add(q->claim, b.wall - a.wall, b.cpu - a.cpu, 1, 0);
        if (err < 0 || !job)
            break;
        for (int i = 1; i <= q->reports; i++) {
            struct ta_job_progress p = {.frames_done = i, .frames_total = q->reports, .phase = "restore"};
            a = ta_lap_now();
            ta_jobs_report(q->jobs, job->id, &p);
            b = ta_lap_now();
            ta_ledger_add(q->report, b.wall - a.wall, b.cpu - a.cpu, 1, 0);
            ta_sleep_us(1000); // timed wait: what it would restore meanwhile
        }
        struct ta_job_end end = {.state = TA_JOB_DONE, .reason = ""};
        a = ta_lap_now();
        err = ta_jobs_end(q->jobs, job->id, &end);
        b = ta_lap_now();
        ta_ledger_add(q->claim, b.wall - a.wall, b.cpu - a.cpu, 0, 0);
        ta_job_unref(&job);
        atomic_fetch_add(&q->ended, 1);
    }
    return err;
}

static int read_jobs(void *arg)
{
    struct queue *q = arg;
    struct ta_job *page[20];
    struct ta_job_filter filter = {.limit = 20, .backwards = true};
    long reads = 0;
    while (!atomic_load(&q->stop)) {
        bool more;
        int64_t counts[TA_JOB_STATE_COUNT];
        struct ta_lap a = ta_lap_now();
        int count = ta_job_list_page(ta_jobs_list(q->jobs), &filter, page, &more);
        ta_job_list_counts(ta_jobs_list(q->jobs), counts);
        for (int i = 0; i < count; i++)
            ta_job_unref(&page[i]);
        struct ta_lap b = ta_lap_now();
        ta_ledger_add(q->read, b.wall - a.wall, b.cpu - a.cpu, 2, 0);
        reads += 2;
        if (reads % 40 == 0)
            ta_sleep_us(1000); // timed wait: readers do other things besides
    }
    atomic_fetch_add(&q->reads, reads);
    return 0;
}

static int queue_work(struct ta_perf_work *w)
{
    struct queue *q = w->state;
    struct ta_thread *workers[WORKERS] = {0}, *readers[READERS] = {0};
    int err = 0;
    double began = ta_clock_seconds();
    for (int i = 0; i < READERS && err >= 0; i++)
        err = ta_thread_create(&readers[i], "reader", read_jobs, q);
    for (int i = 0; i < WORKERS && err >= 0; i++)
        err = ta_thread_create(&workers[i], "worker", work_jobs, q);
    for (int i = 0; i < WORKERS; i++) {
        int own = ta_thread_join(&workers[i]);
        err = err < 0 ? err : own;
    }
    double seconds = ta_clock_seconds() - began;
    atomic_store(&q->stop, true);
    for (int i = 0; i < READERS; i++)
        ta_thread_join(&readers[i]);
    struct ta_ledger_sum report = ta_ledger_sum(q->report), waits = ta_ledger_sum(q->write_wait);
    w->items = atomic_load(&q->ended);
    w->unit = "jobs";
    json_object_set_new(w->facts, "reads_a_second", json_real(seconds > 0 ? (double)q->reads / seconds : 0));
    json_object_set_new(w->facts, "workers", json_integer(WORKERS));
    json_object_set_new(w->facts, "readers", json_integer(READERS));
    // Of their time that workers waited for a lock, and that they spent telling at all.
    double all = seconds * WORKERS;
    json_object_set_new(w->facts, "workers_blocked", json_real(all > 0 ? waits.wall / all : 0));
    json_object_set_new(w->facts, "workers_reporting", json_real(all > 0 ? report.wall / all : 0));
    return err < 0 ? err : atomic_load(&q->ended) == JOBS ? 0 : TA_ERR_INTERNAL;
}

static void queue_release(struct ta_perf_work *w)
{
    struct queue *q = w->state;
    if (q && q->jobs) {
        ta_job_list_watch(ta_jobs_list(q->jobs), NULL, NULL);
        ta_jobs_close(&q->jobs);
    }
    free(q);
}

const struct ta_perf_module ta_perf_queue_manager = {
    .name = "queue_manager",
    .what = "the queue kept on disk: 100 jobs, 4 workers that report, 4 readers",
    .prepare = queue_prepare,
    .work = queue_work,
    .release = queue_release};

// ---- gui ----

struct page {
    struct gui *gui;
    struct ta_client *client;
    struct ta_thread *thread;
    int64_t heard;
};

struct gui {
    struct queue queue; // first
    struct ta_supervisor *supervisor;
    struct ta_server *server;
    char *root, *state, *address, *command[3];
    struct page pages[PAGES], asker;
    struct ta_ledger_row *ask;
};

static int gui_prepare(struct ta_perf_work *w)
{
    struct gui *g = w->state = ta_xcalloc(1, sizeof *g);
    struct ta_supervisor_config workers = ta_supervisor_defaults();
    int err = open_queue(&g->queue, w);
    g->root = ta_xstrdup(w->folder);
    g->state = ta_xprintf("%s/queue", w->folder);
    g->command[0] = ta_xstrdup(w->program);
    g->command[1] = ta_xstrdup("worker");
    g->ask = ta_ledger_row(w->env->ledger, "stage", "answer a request");
    workers.command = g->command;
    struct ta_server_config http = {.address = "127.0.0.1:0",
                                    .roots = &g->root,
                                    .root_count = 1,
                                    .program = w->program,
                                    .state = g->state};
    if (err >= 0)
        err = ta_supervisor_create(&g->supervisor, g->queue.jobs, &workers, w->log);
    if (err >= 0)
        err = ta_server_start(&g->server, &http, g->queue.jobs, g->supervisor, w->log);
    g->address = err >= 0 ? ta_xprintf("http://127.0.0.1:%d", ta_server_port(g->server)) : NULL;
    struct ta_client_config config = {.address = g->address};
    for (int i = 0; i <= PAGES && err >= 0; i++) {
        struct page *p = i < PAGES ? &g->pages[i] : &g->asker;
        p->gui = g;
        err = ta_client_create(&p->client, &config, w->log);
    }
    return err;
}

static bool hear(void *priv, const char *kind, const json_t *data)
{
    struct page *p = priv;
    (void)kind;
    (void)data;
    p->heard++;
    return !atomic_load(&p->gui->queue.stop);
}

static int look_on(void *arg)
{
    struct page *p = arg;
    ta_client_follow(p->client, 0, hear, p);
    return 0;
}

static int ask_on(void *arg)
{
    struct page *p = arg;
    while (!atomic_load(&p->gui->queue.stop)) {
        json_t *answer = NULL;
        struct ta_lap a = ta_lap_now();
        int err = ta_client_ask(p->client, "GET", "/api/v1/jobs?order=newest&limit=50", NULL, &answer);
        struct ta_lap b = ta_lap_now();
        ta_ledger_add(p->gui->ask, b.wall - a.wall, b.cpu - a.cpu, 1, 0);
        json_decref(answer);
        p->heard++;
        if (err < 0)
            return err;
        ta_sleep_us(20000); // timed wait: so often somebody asks
    }
    return 0;
}

static int gui_work(struct ta_perf_work *w)
{
    struct gui *g = w->state;
    struct ta_thread *workers[WORKERS] = {0};
    int err = 0;
    for (int i = 0; i < PAGES && err >= 0; i++)
        err = ta_thread_create(&g->pages[i].thread, "page", look_on, &g->pages[i]);
    if (err >= 0)
        err = ta_thread_create(&g->asker.thread, "asks", ask_on, &g->asker);
    for (int i = 0; i < WORKERS && err >= 0; i++)
        err = ta_thread_create(&workers[i], "worker", work_jobs, &g->queue);
    for (int i = 0; i < WORKERS; i++) {
        int own = ta_thread_join(&workers[i]);
        err = err < 0 ? err : own;
    }
    atomic_store(&g->queue.stop, true);
    ta_jobs_pause_all(g->queue.jobs, true); // a last event, so that each page hears of the end
    int64_t heard = 0;
    for (int i = 0; i < PAGES; i++) {
        ta_thread_join(&g->pages[i].thread);
        heard += g->pages[i].heard;
    }
    int own = ta_thread_join(&g->asker.thread);
    struct ta_ledger_sum asked = ta_ledger_sum(g->ask);
    w->items = heard;
    w->unit = "events";
    json_object_set_new(w->facts, "pages", json_integer(PAGES));
    json_object_set_new(w->facts, "requests", json_integer(asked.count));
    json_object_set_new(w->facts, "request_ms",
                        asked.count ? json_real(asked.wall * 1000 / (double)asked.count) : json_null());
    return err < 0 ? err : own;
}

static void gui_release(struct ta_perf_work *w)
{
    struct gui *g = w->state;
    if (!g)
        return;
    for (int i = 0; i < PAGES; i++)
        ta_client_destroy(&g->pages[i].client);
    ta_client_destroy(&g->asker.client);
    ta_server_stop(&g->server);
    if (g->supervisor)
        ta_supervisor_destroy(&g->supervisor);
    free(g->root);
    free(g->state);
    free(g->address);
    free(g->command[0]);
    free(g->command[1]);
    queue_release(w);
}

const struct ta_perf_module ta_perf_gui = {
    .name = "gui",
    .what = "the service over HTTP: ten pages that follow 100 jobs, one that asks",
    .prepare = gui_prepare,
    .work = gui_work,
    .release = gui_release};

#else

static int absent(struct ta_perf_work *w)
{
    ta_error(w->log,
             "this build has no service: SQLite, libmicrohttpd or libcurl were missing when it was made");
    return TA_ERR_UNSUPPORTED;
}

const struct ta_perf_module ta_perf_queue_manager = {
    .name = "queue_manager", .what = "the queue (not in this build)", .prepare = absent, .work = absent};
const struct ta_perf_module ta_perf_gui = {
    .name = "gui", .what = "the service (not in this build)", .prepare = absent, .work = absent};

#endif
