// The queue itself, without HTTP: how many reads a second go beside reports, with the read-write lock and
// with the one mutex of before; and a supervisor with many workers that only stand in.
//
// usage: queue_bench reads SECONDS
//        queue_bench dummies STAND_IN WORKERS JOBS MILLISECONDS
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "jobs/jobs.h"
#include "jobs/supervisor.h"

enum {
    BATCH = 50,
    PAUSE_US = 500,
    READERS = 4,
    REPORTERS = 4,
    JOBS = 100,
    REPORTS_A_SECOND = 10,
    RECEIVER_MS = 5,
    STEPS = 200000,
    STEP_NS = 50
};

static void die(const char *doing, int err)
{
    fprintf(stderr, "%s: %s\n", doing, ta_error_text(err));
    exit(1);
}

static struct ta_jobs *open_queue(char dir[64], bool rwlock)
{
    struct ta_tuning tuning;
    struct ta_jobs *jobs;
    ta_tuning_defaults(&tuning);
    tuning.queue_rwlock = rwlock;
    snprintf(dir, 64, "/tmp/ta-queue-XXXXXX");
    if (!mkdtemp(dir))
        die(dir, TA_ERR_IO);
    int err = ta_jobs_open(&jobs, dir, &tuning, NULL);
    if (err < 0)
        die(dir, err);
    return jobs;
}

static void add_jobs(struct ta_jobs *jobs, int count)
{
    enum { AT_ONCE = 1000 };
    static struct ta_job_wanted wanted[AT_ONCE];
    while (count > 0) {
        int n = count < AT_ONCE ? count : AT_ONCE;
        for (int i = 0; i < n; i++)
            wanted[i] = (struct ta_job_wanted){.input = "/tapes/tape.avi",
                                               .output = "/tapes/out.mp4",
                                               .options = "{\"preset\":\"vhs\"}",
                                               .batch = ""};
        int err = ta_jobs_add(jobs, wanted, n, NULL);
        if (err < 0)
            die("adding", err);
        count -= n;
    }
}

static void sleep_ms(double ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)((ms - 1000.0 * (time_t)(ms / 1000)) * 1e6)};
    while (nanosleep(&t, &t) < 0)
        continue;
}

// ---- reads beside reports ----

// How often the lock was held for how long; of one side.
struct holds {
    long counts[STEPS];
    long total;
};

static void note(struct holds *h, double seconds)
{
    long step = (long)(seconds * 1e9 / STEP_NS);
    h->counts[step < STEPS ? step : STEPS - 1]++;
    h->total++;
}

static double quantile_us(const struct holds *h, double part)
{
    long left = (long)((double)h->total * part);
    for (int i = 0; i < STEPS; i++)
        if ((left -= h->counts[i]) < 0)
            return (i + 1) * (STEP_NS / 1e3);
    return STEPS * (STEP_NS / 1e3);
}

// Each thread counts for itself, by sides: counts that all share would cost readers on several cores more
// than the lock that is measured.
static _Thread_local struct holds *own_holds;

static void add_own_holds(struct holds all[2], pthread_mutex_t *lock)
{
    if (!own_holds)
        return;
    pthread_mutex_lock(lock);
    for (int side = 0; side < 2; side++) {
        all[side].total += own_holds[side].total;
        for (int i = 0; i < STEPS; i++)
            all[side].counts[i] += own_holds[side].counts[i];
    }
    pthread_mutex_unlock(lock);
    free(own_holds);
    own_holds = NULL;
}

struct load {
    struct ta_jobs *jobs;
    bool rwlock, receiver, pages, pauses;
    atomic_bool stop;
    atomic_long reads, reports;
    _Atomic(double) reporting; // seconds that reporters were in the queue, all together
    struct holds held[2];      // by readers, by writers
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool news;
};

static void on_passed(void *priv, bool writer, double waited, double held)
{
    (void)priv;
    (void)waited;
    if (!own_holds)
        own_holds = ta_xcalloc(2, sizeof(*own_holds));
    note(&own_holds[writer], held);
}

// What is told: before, the receiver is waited for by who tells; now a thread of its own waits for it.
static void on_event(void *priv, const char *kind)
{
    struct load *l = priv;
    (void)kind;
    if (!l->rwlock) {
        sleep_ms(RECEIVER_MS);
        return;
    }
    pthread_mutex_lock(&l->lock);
    l->news = true;
    pthread_cond_signal(&l->told);
    pthread_mutex_unlock(&l->lock);
}

static int receive(void *arg)
{
    struct load *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!atomic_load(&l->stop)) {
        if (!l->news) {
            pthread_cond_wait(&l->told, &l->lock);
            continue;
        }
        l->news = false;
        pthread_mutex_unlock(&l->lock);
        sleep_ms(RECEIVER_MS);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return 0;
}

static int read_states(void *arg)
{
    struct load *l = arg;
    struct ta_job_list *list = ta_jobs_list(l->jobs);
    struct ta_job *found[20];
    long reads = 0;
    while (!atomic_load_explicit(&l->stop, memory_order_relaxed)) {
        if (l->pages) {
            struct ta_job_filter f = {.limit = 20};
            struct ta_buf text = {0};
            bool more;
            ta_job_list_hold(list);
            int n = ta_job_list_page(list, &f, found, &more);
            for (int i = 0; i < n; i++) {
                ta_job_text(&text, found[i]);
                ta_job_unref(&found[i]);
            }
            ta_job_list_let_go(list);
            ta_buf_release(&text);
        } else {
            struct ta_job *job = ta_job_list_get(list, 1 + reads % JOBS);
            ta_job_unref(&job);
        }
        reads++;
        if (l->pauses && reads % (l->pages ? 1 : BATCH) == 0)
            sleep_ms(PAUSE_US / 1e3);
    }
    atomic_fetch_add(&l->reads, reads);
    add_own_holds(l->held, &l->lock);
    return 0;
}

static int report(void *arg)
{
    struct load *l = arg;
    double busy = 0, next = ta_clock_seconds();
    int share = JOBS / REPORTERS;
    static atomic_int who;
    int first = 1 + atomic_fetch_add(&who, 1) % REPORTERS * share;
    for (int64_t i = 0; !atomic_load(&l->stop); i++) {
        struct ta_job_progress p = {.frames_done = i, .frames_total = 1000000, .phase = "video"};
        double begun = ta_clock_seconds();
        ta_jobs_report(l->jobs, first + i % share, &p);
        busy += ta_clock_seconds() - begun;
        atomic_fetch_add(&l->reports, 1);
        next += 1.0 / (share * REPORTS_A_SECOND);
        double left = next - ta_clock_seconds();
        if (left > 0)
            sleep_ms(left * 1000);
    }
    for (double old = atomic_load(&l->reporting);
         !atomic_compare_exchange_weak(&l->reporting, &old, old + busy);)
        continue;
    add_own_holds(l->held, &l->lock);
    return 0;
}

static double run_load(bool rwlock, bool receiver, bool pages, bool pauses, double seconds)
{
    char dir[64];
    static struct load l;
    struct ta_thread *threads[READERS + REPORTERS + 1] = {0};
    memset(&l, 0, sizeof(l));
    l.rwlock = rwlock;
    l.receiver = receiver;
    l.pages = pages;
    l.pauses = pauses;
    pthread_mutex_init(&l.lock, NULL);
    pthread_cond_init(&l.told, NULL);
    l.jobs = open_queue(dir, rwlock);
    add_jobs(l.jobs, JOBS);
    for (int i = 0; i < JOBS; i++) {
        struct ta_job *job;
        int64_t due;
        struct ta_job_progress p = {.frames_total = 1000000, .phase = "video"};
        ta_jobs_claim(l.jobs, &job, &due);
        ta_jobs_report(l.jobs, job->id, &p);
        ta_job_unref(&job);
    }
    ta_job_list_watch(ta_jobs_list(l.jobs), on_passed, &l);
    if (receiver)
        ta_events_on_publish(ta_jobs_events(l.jobs), on_event, &l);
    double begun = ta_clock_seconds();
    for (int i = 0; i < READERS; i++)
        ta_thread_create(&threads[i], "reader", read_states, &l);
    for (int i = 0; i < REPORTERS; i++)
        ta_thread_create(&threads[READERS + i], "reporter", report, &l);
    ta_thread_create(&threads[READERS + REPORTERS], "receiver", receive, &l);
    sleep_ms(seconds * 1000);
    atomic_store(&l.stop, true);
    pthread_mutex_lock(&l.lock);
    pthread_cond_broadcast(&l.told);
    pthread_mutex_unlock(&l.lock);
    double took = ta_clock_seconds() - begun; // a reader may wait for long yet
    for (size_t i = 0; i < TA_COUNT(threads); i++)
        ta_thread_join(&threads[i]);
    ta_events_on_publish(ta_jobs_events(l.jobs), NULL, NULL);
    double end = ta_clock_seconds(), rate = (double)atomic_load(&l.reads) / (end - begun);
    printf("  {\"lock\": \"%s\", \"receiver_ms\": %d, \"pauses\": %s, \"what\": \"%s\", ",
           rwlock ? "rwlock" : "mutex", receiver ? RECEIVER_MS : 0, pauses ? "true" : "false",
           pages ? "pages of 20" : "status");
    printf("\"reads_per_second\": %.0f, \"reports_per_second\": %.0f, \"workers_blocked\": %.4f, ", rate,
           (double)atomic_load(&l.reports) / took, atomic_load(&l.reporting) / ((end - begun) * REPORTERS));
    for (int i = 0; i < 2; i++)
        printf("\"%s_hold_p50_us\": %.2f, \"%s_hold_p99_us\": %.2f%s", i ? "writer" : "reader",
               quantile_us(&l.held[i], 0.5), i ? "writer" : "reader", quantile_us(&l.held[i], 0.99),
               i ? "}" : ", ");
    ta_jobs_close(&l.jobs);
    ta_dir_remove(dir, NULL);
    return rate;
}

// Readers that ask for some states (or one page) and then do something else for a moment, which is how
// clients are; and readers without a pause, which keep a mutex among themselves (whoever gives it back has it
// again before another wakes), so that there it is the reporters that starve.
static int bench_reads(double seconds)
{
    static const struct {
        const char *name;
        bool receiver, pages, pauses;
    } cases[] = {
        {"status", true, false, true},
        {"pages", true, true, true},
        {"status_without_receiver", false, false, true},
        {"status_flat_out", true, false, false},
        {"pages_flat_out_without_receiver", false, true, false},
    };
    double ratios[TA_COUNT(cases)];
    printf(
        "{\"cores\": %d, \"readers\": %d, \"jobs_that_report\": %d, \"batch\": %d, \"pause_us\": %d, \"runs\": [\n",
        ta_cpu_count(), READERS, JOBS, BATCH, PAUSE_US);
    for (size_t i = 0; i < TA_COUNT(cases); i++) { // before and after beside each other
        double before = run_load(false, cases[i].receiver, cases[i].pages, cases[i].pauses, seconds);
        printf(",\n");
        ratios[i] = run_load(true, cases[i].receiver, cases[i].pages, cases[i].pauses, seconds) / before;
        printf("%s\n", i + 1 < TA_COUNT(cases) ? "," : "");
    }
    printf("], \"ratios\": {");
    for (size_t i = 0; i < TA_COUNT(cases); i++)
        printf("%s\"%s\": %.2f", i ? ", " : "", cases[i].name, ratios[i]);
    printf("}}\n");
    return ratios[0] < 4;
}

// ---- many workers ----

static int run_supervisor(void *arg)
{
    return ta_supervisor_run(arg);
}

// Asks for pages meanwhile, as somebody who looks does.
static int look(void *arg)
{
    struct load *l = arg;
    struct ta_job *found[100];
    while (!atomic_load(&l->stop)) {
        struct ta_job_filter f = {.limit = 100};
        bool more;
        double begun = ta_clock_seconds();
        int n = ta_job_list_page(ta_jobs_list(l->jobs), &f, found, &more);
        note(&l->held[0], ta_clock_seconds() - begun);
        while (n)
            ta_job_unref(&found[--n]);
        sleep_ms(5);
    }
    return 0;
}

static int bench_dummies(char *stand_in, int workers, int count, char *length)
{
    char dir[64], *command[] = {stand_in, length, NULL};
    static struct load l;
    struct ta_thread *thread = NULL, *looker = NULL;
    struct ta_supervisor *s;
    struct ta_supervisor_config config = ta_supervisor_defaults();
    l.jobs = open_queue(dir, true);
    add_jobs(l.jobs, count);
    config.workers = workers;
    config.command = command;
    config.nice = 0;
    config.open = true;
    int err = ta_supervisor_create(&s, l.jobs, &config, NULL);
    if (err < 0)
        die("supervisor", err);
    double begun = ta_clock_seconds(), cpu = ta_cpu_seconds();
    ta_thread_create(&looker, "looker", look, &l);
    ta_thread_create(&thread, "supervisor", run_supervisor, s);
    int64_t counts[TA_JOB_STATE_COUNT], most = 0;
    do {
        sleep_ms(50);
        ta_job_list_counts(ta_jobs_list(l.jobs), counts);
        if (counts[TA_JOB_RUNNING] > most)
            most = counts[TA_JOB_RUNNING];
    } while (counts[TA_JOB_DONE] + counts[TA_JOB_FAILED] < count && ta_clock_seconds() - begun < 300);
    double took = ta_clock_seconds() - begun;
    ta_supervisor_stop(s, true);
    ta_thread_join(&thread);
    atomic_store(&l.stop, true);
    ta_thread_join(&looker);
    printf("{\"workers\": %d, \"jobs\": %d, \"running_at_once\": %" PRId64 ", \"done\": %" PRId64
           ", \"failed\": %" PRId64 ", \"seconds\": %.1f, \"cpu_seconds\": %.2f, \"events\": %" PRId64
           ", \"rss_mb\": %.1f, \"page_p99_us\": %.1f}\n",
           workers, count, most, counts[TA_JOB_DONE], counts[TA_JOB_FAILED], took, ta_cpu_seconds() - cpu,
           ta_events_last(ta_jobs_events(l.jobs)), (double)ta_rss_bytes() / 1e6,
           quantile_us(&l.held[0], 0.99));
    bool whole = counts[TA_JOB_DONE] == count && most == (workers < count ? workers : count);
    ta_supervisor_destroy(&s);
    ta_jobs_close(&l.jobs);
    ta_dir_remove(dir, NULL);
    return !whole;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "reads"))
        return bench_reads(atof(argv[2]));
    if (argc == 6 && !strcmp(argv[1], "dummies"))
        return bench_dummies(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5]);
    fprintf(stderr, "usage: queue_bench reads SECONDS\n"
                    "       queue_bench dummies STAND_IN WORKERS JOBS MILLISECONDS\n");
    return 2;
}
