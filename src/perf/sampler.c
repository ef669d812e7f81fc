#include "perf/sampler.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "perf/symbols.h"

enum { DEPTH = 40, THREADS = 512, LOOK_MS = 20, FUNCTIONS = 400, STACKS = 1500 };

struct sample {
    int depth;
    uintptr_t at[DEPTH]; // the innermost first
};

struct watched {
    pid_t id;
    timer_t timer;
    int event; // -1: it has a timer
    bool there;
};

// What perf_event_open() may be asked to count, best first: what the processor counts is exact; where it does
// not count or the system does not show the kernel's part to everybody, less.
static const struct {
    const char *name;
    uint32_t type;
    uint64_t config;
    bool user_only;
} events[] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, false},
    {"task clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, false},
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, true},
    {"task clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, true},
};

struct ta_sampler {
    int hz, most;
    struct sample *samples;
    _Atomic int64_t own_ns; // of threads, in the handler
    atomic_int next;        // may run past `most`: those are lost
    atomic_bool on;
    int event; // of `events`; -1: timers
    struct watched threads[THREADS];
    int thread_count;
    pid_t lost[THREADS]; // that are there and get no clock, each once
    int lost_count;
    pthread_mutex_t lock; // guards `stopped`
    pthread_cond_t changed;
    bool stopped;
    struct ta_thread *looker;
};

// A signal handler gets nothing but this.
static struct ta_sampler *_Atomic current;

struct walk {
    struct sample *sample;
    uintptr_t inner; // where the signal came: what lies within is the handler's
    bool found;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *priv)
{
    struct walk *w = priv;
    uintptr_t at = _Unwind_GetIP(context);
    if (at <= 1) // beyond the first function of a thread
        return _URC_END_OF_STACK;
    if (!w->found && at != w->inner)
        return _URC_NO_REASON;
    // Behind a call, but for the innermost: the call itself lies before.
    w->sample->at[w->sample->depth++] = w->found ? at - 1 : at;
    w->found = true;
    return w->sample->depth < DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static uintptr_t place_of(const ucontext_t *u)
{
#if defined(__x86_64__)
    return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)u->uc_mcontext.pc;
#else
    (void)u;
    return 0;
#endif
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    int error = errno;
    struct timespec began, ended; // of the thread's own clock: others may have the processor meanwhile
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    struct ta_sampler *s = atomic_load(&current);
    if (s && atomic_load_explicit(&s->on, memory_order_relaxed)) {
        int i = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
        if (i < s->most) {
            struct walk w = {.sample = &s->samples[i], .inner = place_of(context)};
            _Unwind_Backtrace(note_frame, &w);
            if (!w.found) { // code without tables: the place alone
                w.sample->at[0] = w.inner;
                w.sample->depth = 1;
            }
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
        int64_t ns = (ended.tv_sec - began.tv_sec) * (int64_t)1000000000 + ended.tv_nsec - began.tv_nsec;
        atomic_fetch_add_explicit(&s->own_ns, ns, memory_order_relaxed);
    }
    errno = error;
}

// The clock of another thread's processor time, by the kernel's rule.
static clockid_t clock_of(pid_t thread)
{
    return (clockid_t)((~(unsigned)thread << 3) | 6);
}

// An event that interrupts this thread by SIGPROF; -1.
static int open_event(int which, pid_t thread, int hz)
{
    struct perf_event_attr attr = {
        .type = events[which].type,
        .size = sizeof attr,
        .config = events[which].config,
        .sample_freq = (uint64_t)hz,
        .freq = 1,
        .wakeup_events = 1,
        .disabled = 1,
        .exclude_hv = 1,
        .exclude_kernel = events[which].user_only,
    };
    struct f_owner_ex owner = {F_OWNER_TID, thread};
    int fd = (int)syscall(SYS_perf_event_open, &attr, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0 &&
        (fcntl(fd, F_SETSIG, SIGPROF) < 0 || fcntl(fd, F_SETOWN_EX, &owner) < 0 ||
         fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) < 0 || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool start_timer(struct watched *w, int hz)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    event._sigev_un._tid = w->id;
    long ns = 1000000000L / hz;
    struct itimerspec every = {{0, ns}, {0, ns}};
    if (timer_create(clock_of(w->id), &event, &w->timer) < 0)
        return false;
    timer_settime(w->timer, 0, &every, NULL);
    return true;
}

static void lose_thread(struct ta_sampler *s, pid_t id)
{
    for (int i = 0; i < s->lost_count; i++)
        if (s->lost[i] == id)
            return;
    if (s->lost_count < THREADS)
        s->lost[s->lost_count++] = id;
}

static void watch_thread(struct ta_sampler *s, pid_t id)
{
    for (int i = 0; i < s->thread_count; i++)
        if (s->threads[i].id == id) {
            s->threads[i].there = true;
            return;
        }
    if (s->thread_count == THREADS) {
        lose_thread(s, id);
        return;
    }
    struct watched *w = &s->threads[s->thread_count];
    *w = (struct watched){.id = id, .event = -1, .there = true};
    if (s->event >= 0)
        w->event = open_event(s->event, id, s->hz);
    if (w->event >= 0 || (s->event < 0 && start_timer(w, s->hz)))
        s->thread_count++;
    else if (syscall(SYS_tgkill, getpid(), id, 0) == 0) // it has not ended meanwhile
        lose_thread(s, id);
}

static void forget_thread(struct ta_sampler *s, int i)
{
    if (s->threads[i].event >= 0)
        close(s->threads[i].event);
    else
        timer_delete(s->threads[i].timer);
    s->threads[i] = s->threads[--s->thread_count];
}

// Threads that have ended make room for those that come.
static void watch_new_threads(struct ta_sampler *s)
{
    DIR *folder = opendir("/proc/self/task");
    for (int i = 0; i < s->thread_count; i++)
        s->threads[i].there = !folder;
    for (struct dirent *e; folder && (e = readdir(folder));)
        if (e->d_name[0] != '.')
            watch_thread(s, (pid_t)atoi(e->d_name));
    if (folder)
        closedir(folder);
    for (int i = s->thread_count - 1; i >= 0; i--)
        if (!s->threads[i].there)
            forget_thread(s, i);
}

// The first clock that the system gives for this thread; TA_ERR_LIMIT.
static int choose_clock(struct ta_sampler *s, enum ta_sampler_clock clock)
{
    s->event = -1;
    for (int i = 0; i < (int)TA_COUNT(events) && s->event < 0 && clock != TA_SAMPLER_TIMER; i++) {
        int fd = open_event(i, (pid_t)syscall(SYS_gettid), s->hz);
        if (fd >= 0) {
            close(fd);
            s->event = i;
        }
    }
    return s->event < 0 && clock == TA_SAMPLER_EVENT ? TA_ERR_LIMIT : 0;
}

static int look(void *arg)
{
    struct ta_sampler *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stopped) {
        struct timespec until = ta_clock_after(LOOK_MS / 1000.0);
        // timed wait: nothing tells of a thread that a library has started
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
        pthread_mutex_unlock(&s->lock);
        watch_new_threads(s);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int ta_sampler_start(struct ta_sampler **out, enum ta_sampler_clock clock, int hz, int most)
{
    struct ta_sampler *s = ta_xcalloc(1, sizeof *s), *none = NULL;
    *out = NULL;
    s->hz = hz;
    s->most = most;
    s->samples = ta_xcalloc((size_t)most, sizeof *s->samples);
    pthread_mutex_init(&s->lock, NULL);
    ta_cond_init(&s->changed);
    if (!atomic_compare_exchange_strong(&current, &none, s)) {
        free(s->samples);
        free(s);
        return TA_ERR_BUSY;
    }
    // What unwinding loads, it loads now and not within a signal.
    struct sample warm = {0};
    struct walk w = {.sample = &warm};
    _Unwind_Backtrace(note_frame, &w);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGPROF, &action, NULL);
    int err = choose_clock(s, clock);
    atomic_store(&s->on, true);
    if (err >= 0)
        watch_new_threads(s);
    if (err >= 0)
        err = s->thread_count ? ta_thread_create(&s->looker, "sampler", look, s) : TA_ERR_LIMIT;
    *out = s;
    if (err < 0)
        ta_sampler_destroy(out);
    return err;
}

void ta_sampler_stop(struct ta_sampler *s)
{
    atomic_store(&s->on, false);
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    ta_thread_join(&s->looker);
    while (s->thread_count)
        forget_thread(s, s->thread_count - 1);
}

void ta_sampler_destroy(struct ta_sampler **sampler)
{
    struct ta_sampler *s = *sampler;
    *sampler = NULL;
    if (!s)
        return;
    ta_sampler_stop(s);
    // One that is still on its way is lost, instead of ending the process.
    signal(SIGPROF, SIG_IGN);
    atomic_store(&current, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s->samples);
    free(s);
}

// ---- what was found ----

struct counted {
    const char *name, *module;
    char *stack;
    int self, total;
    int last; // the sample that was counted last: a function counts once a sample
};

struct counts {
    struct counted *items;
    size_t count;
};

static struct counted *of_function(struct counts *c, const char *name, const char *module)
{
    for (size_t i = 0; i < c->count; i++)
        if (!strcmp(c->items[i].name, name) && !strcmp(c->items[i].module, module))
            return &c->items[i];
    c->items = ta_xrealloc(c->items, (c->count + 1) * sizeof *c->items);
    c->items[c->count] = (struct counted){.name = name, .module = module, .last = -1};
    return &c->items[c->count++];
}

static int by_stack(const void *a, const void *b)
{
    return strcmp(((const struct counted *)a)->stack, ((const struct counted *)b)->stack);
}

static int by_self(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    return x->self != y->self ? y->self - x->self : y->total - x->total;
}

static char *count_sample(struct counts *functions, struct ta_symbols *symbols, const struct sample *s,
                          int number)
{
    struct ta_buf stack = {0};
    for (int d = s->depth - 1; d >= 0; d--) {
        const char *name, *module;
        ta_symbols_find(symbols, s->at[d], &name, &module);
        struct counted *f = of_function(functions, name, module);
        f->self += d == 0;
        f->total += f->last != number;
        f->last = number;
        ta_buf_printf(&stack, "%s%s", stack.size ? "\n" : "", name);
    }
    return ta_buf_take(&stack);
}

static json_t *list_of_functions(struct counts *functions)
{
    json_t *list = json_array();
    qsort(functions->items, functions->count, sizeof *functions->items, by_self);
    for (size_t i = 0; i < functions->count && i < FUNCTIONS; i++) {
        const struct counted *f = &functions->items[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i}", "name", f->name, "module", f->module,
                                              "self", f->self, "total", f->total));
    }
    return list;
}

static json_t *list_of_stacks(struct counted *all, size_t count)
{
    json_t *list = json_array();
    size_t distinct = 0;
    qsort(all, count, sizeof *all, by_stack);
    for (size_t i = 0; i < count; i++)
        if (distinct && !strcmp(all[distinct - 1].stack, all[i].stack)) {
            all[distinct - 1].self++;
            ta_freep(&all[i].stack);
        } else {
            struct counted one = all[i];
            all[i].stack = NULL;
            all[distinct++] = one;
        }
    qsort(all, distinct, sizeof *all, by_self);
    for (size_t i = 0; i < distinct && i < STACKS; i++) {
        json_t *names = json_array();
        for (char *rest = all[i].stack, *name; (name = strsep(&rest, "\n"));)
            json_array_append_new(names, json_string(name));
        json_array_append_new(list, json_pack("{s:o, s:i}", "stack", names, "count", all[i].self));
    }
    for (size_t i = 0; i < distinct; i++)
        free(all[i].stack);
    return list;
}

json_t *ta_sampler_json(struct ta_sampler *s)
{
    struct ta_symbols *symbols;
    struct counts functions = {0};
    int asked = atomic_load(&s->next), count = TA_MIN(asked, s->most);
    struct counted *stacks = ta_xcalloc((size_t)count + 1, sizeof *stacks);
    size_t stack_count = 0;
    ta_symbols_create(&symbols);
    for (int i = 0; i < count; i++)
        if (s->samples[i].depth)
            stacks[stack_count++] = (struct counted){
                .stack = count_sample(&functions, symbols, &s->samples[i], i), .self = 1};
    json_t *o = json_pack("{s:s, s:b, s:i, s:f, s:i, s:i, s:i, s:o, s:o}", "clock",
                          s->event < 0 ? "timer" : events[s->event].name, "system",
                          s->event < 0 || !events[s->event].user_only, "hz", s->hz, "own_seconds",
                          (double)atomic_load(&s->own_ns) * 1e-9, "samples", (int)stack_count, "lost",
                          asked - count, "threads_lost", s->lost_count, "functions",
                          list_of_functions(&functions), "stacks", list_of_stacks(stacks, stack_count));
    ta_symbols_destroy(&symbols);
    free(functions.items);
    free(stacks);
    return o;
}
