// The trials of the patches of queue and service.
#include "perf/trial_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
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
#include "jobs/jobs.h"

enum { READERS = 4, WINDOW_MS = 1000, PAGES = 10, PAGE_SECONDS = 3, START_SECONDS = 20 };

static void rest(int us)
{
    // timed wait: a trial lasts so long, or stands for work that does
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000L}, NULL);
}

// ---- queue_rwlock ----

struct reading {
    struct ta_job_list *list;
    atomic_bool stop;
    atomic_llong reads;
};

static int read_on(void *arg)
{
    struct reading *r = arg;
    long long reads = 0;
    while (!atomic_load(&r->stop)) {
        ta_job_list_hold(r->list);
        struct ta_job *job = ta_job_list_get(r->list, 1 + reads % 2);
        ta_job_unref(&job);
        ta_job_list_let_go(r->list);
        reads++;
    }
    atomic_fetch_add(&r->reads, reads);
    return 0;
}

// Whoever hears of a change takes a millisecond for it.
static int tell_on(void *arg)
{
    struct reading *r = arg;
    while (!atomic_load(&r->stop)) {
        ta_job_list_hold(r->list);
        rest(1000); // perf-ok(polling-sleep, block-under-lock): it stands for work
        ta_job_list_let_go(r->list);
        rest(100); // perf-ok(polling-sleep): and this for the time between two changes
    }
    return 0;
}

static int read_for_a_while(struct reading *r)
{
    struct ta_thread *threads[READERS + 1] = {NULL};
    int err = ta_thread_create(&threads[READERS], "tells", tell_on, r);
    for (int i = 0; i < READERS && err >= 0; i++)
        err = ta_thread_create(&threads[i], "reads", read_on, r);
    if (err >= 0)
        rest(WINDOW_MS * 1000);
    atomic_store(&r->stop, true);
    for (int i = 0; i <= READERS; i++)
        ta_thread_join(&threads[i]);
    return err;
}

int ta_trial_readers(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    char *dir = ta_trial_path(t, applied ? "queue-now" : "queue-before");
    struct ta_tuning tuning;
    struct ta_jobs *jobs = NULL;
    const struct ta_job_wanted wanted[] = {{"/a", "/a.mp4", "{}", "", 0}, {"/b", "/b.mp4", "{}", "", 0}};
    ta_tuning_defaults(&tuning);
    tuning.queue_rwlock = applied;
    ta_dir_remove(dir, NULL);
    int err = ta_dir_create(dir, t->log);
    if (err >= 0)
        err = ta_jobs_open(&jobs, dir, &tuning, t->log);
    if (err >= 0)
        err = ta_jobs_add(jobs, wanted, TA_COUNT(wanted), NULL);
    if (err >= 0) {
        struct reading r = {.list = ta_jobs_list(jobs)};
        double begun = ta_clock_seconds();
        err = read_for_a_while(&r);
        double seconds = ta_clock_seconds() - begun;
        out->cost = seconds * 1e6 / (double)TA_MAX(atomic_load(&r.reads), 1);
        // What the readers saw: states, for times differ.
        int64_t counts[TA_JOB_STATE_COUNT];
        ta_job_list_counts(r.list, counts);
        ta_sha256_hex(counts, sizeof counts, out->sum);
    }
    ta_jobs_close(&jobs);
    free(dir);
    return err;
}

// ---- gui_polling ----

struct service {
    pid_t pid;
    char *socket;
};

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool ask(int fd, const char *path)
{
    char *text = ta_xprintf("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    size_t size = strlen(text);
    bool sent = send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
    free(text);
    return sent;
}

int ta_trial_pages_prepare(struct ta_trial *t)
{
    struct service *s = ta_xcalloc(1, sizeof *s);
    t->kept = s;
    s->socket = ta_trial_path(t, "socket");
    const char *args[] = {"serve", "--listen", "none", "--socket", s->socket, "--root", t->dir, NULL};
    pid_t pid = ta_trial_start(t, NULL, args);
    if (pid < 0)
        return pid;
    s->pid = pid;
    for (int tries = 0; tries < START_SECONDS * 20; tries++) {
        int fd = dial(s->socket);
        if (fd >= 0) {
            close(fd);
            return 0;
        }
        if (waitpid(pid, NULL, WNOHANG) == pid)
            break;
        rest(50000); // timed wait: a socket that is not there yet tells nobody when it is
    }
    ta_error(t->log,
             "the service does not start for the trial; its messages are what \"terminalai serve\" says");
    return TA_ERR_UNSUPPORTED;
}

void ta_trial_pages_finish(struct ta_trial *t)
{
    struct service *s = t->kept;
    if (!s)
        return;
    if (s->pid > 0 && kill(s->pid, SIGTERM) == 0)
        while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
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

// The states of all jobs, as a page has them in the end; times and the like differ.
static void sum_of_jobs(int fd, struct ta_trial_run *out)
{
    struct ta_buf text = {0};
    char part[4096];
    if (ask(fd, "/api/v1/jobs?limit=20")) {
        for (struct pollfd p = {.fd = fd, .events = POLLIN}; poll(&p, 1, text.size ? 100 : 5000) > 0;) {
            ssize_t n = read(fd, part, sizeof part);
            if (n <= 0)
                break;
            ta_buf_append(&text, part, (size_t)n);
        }
    }
    const char *body = strstr(ta_buf_text(&text), "\r\n\r\n");
    ta_sha256_hex(body ? body : "", body ? strlen(body) : 0, out->sum);
    ta_buf_release(&text);
}

static void drain(int fd)
{
    char part[16384];
    while (recv(fd, part, sizeof part, MSG_DONTWAIT) > 0)
        continue;
}

int ta_trial_pages(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    struct service *s = t->kept;
    int pages[PAGES], err = 0;
    for (int i = 0; i < PAGES; i++) {
        pages[i] = dial(s->socket);
        if (pages[i] < 0 || !ask(pages[i], applied ? "/api/v1/events" : "/api/v1/jobs?limit=20"))
            err = TA_ERR_IO;
    }
    rest(300000); // both have begun; what beginning costs is no part of it
    double before = cpu_of(s->pid), begun = ta_clock_seconds();
    for (int round = 0; round < PAGE_SECONDS * PAGES && err >= 0; round++) {
        int page = pages[round % PAGES];
        drain(page);
        if (!applied && !ask(page, "/api/v1/jobs?limit=20"))
            err = TA_ERR_IO;
        double next = begun + (round + 1.0) / PAGES - ta_clock_seconds();
        if (next > 0)
            rest((int)(next *
                       1e6)); // perf-ok(polling-sleep): each page asks once a second, one after the other
    }
    out->cost = cpu_of(s->pid) - before;
    for (int i = 0; i < PAGES; i++) {
        if (pages[i] >= 0)
            close(pages[i]);
    }
    int fd = dial(s->socket);
    if (fd >= 0) {
        sum_of_jobs(fd, out);
        close(fd);
    }
    if (err < 0)
        ta_error(t->log, "the service does not answer in the trial");
    return err;
}
