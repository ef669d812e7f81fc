// What the tests of performance look at from within: not how long something takes on a machine that is busy
// with other things, but what happens how often, and who waits for whom.
//
// usage: perf_tool readers on|off
//            how many of four readers are in the queue at once (queue_rwlock)
//        perf_tool progress on|off
//            reports of 1,000 frames in ten seconds of a clock made up (progress_throttle)
//        perf_tool texts on|off FILES
//            chains of sound for so many files: texts found and built (filter_chain_cache)
//        perf_tool shares on|off LAPS HZ [event|timer]
//            two threads that spend 50, 30 and 20 % in three functions for so long, with samples on or off:
//            the shares that the samples see, and the work's own cost
//        perf_tool threads COUNT HZ [event|timer]
//            so many threads one after the other, under samples: of how many the last ones were seen
// Each prints one JSON object.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audio/stages.h"
#include "audio/text.h"
#include "base/env.h"
#include "base/dir.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "perf/sampler.h"
#include "restore/callbacks.h"
#if TA_HAVE_SERVICE
#include "jobs/jobs.h"
#endif

static int usage(void)
{
    fputs("usage: perf_tool readers|progress|texts|shares|threads ...; its source says what\n", stderr);
    return 2;
}

// ---- queue ----

#if TA_HAVE_SERVICE
enum { READERS = 4, MEET_MS = 1500 };

struct meeting {
    struct ta_job_list *list;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int inside, most, done;
};

static struct timespec in_ms(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

// Makes a list into words, and stays in there until all readers are, or no other can come.
static int read_and_meet(void *arg)
{
    struct meeting *m = arg;
    struct timespec until = in_ms(MEET_MS);
    ta_job_list_hold(m->list);
    struct ta_job *job = ta_job_list_get(m->list, 1);
    pthread_mutex_lock(&m->lock);
    m->inside++;
    m->most = TA_MAX(m->most, m->inside);
    pthread_cond_broadcast(&m->changed);
    // timed wait: under one mutex the others never come
    while (m->most < READERS && pthread_cond_timedwait(&m->changed, &m->lock, &until) == 0)
        continue;
    m->inside--;
    m->done += job != NULL;
    pthread_mutex_unlock(&m->lock);
    ta_job_unref(&job);
    ta_job_list_let_go(m->list);
    return 0;
}

static int with_queue(bool rwlock)
{
    char dir[] = "/tmp/ta-perf-XXXXXX";
    struct ta_tuning tuning;
    struct ta_jobs *jobs;
    struct meeting m = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct ta_thread *threads[READERS];
    struct ta_job_wanted wanted[] = {{"/a", "/a.mp4", "{}", "", 0}, {"/b", "/b.mp4", "{}", "", 0}};
    ta_tuning_defaults(&tuning);
    tuning.queue_rwlock = rwlock;
    if (!mkdtemp(dir) || ta_jobs_open(&jobs, dir, &tuning, NULL) < 0 ||
        ta_jobs_add(jobs, wanted, 2, NULL) < 0)
        return 1;
    m.list = ta_jobs_list(jobs);
    for (int i = 0; i < READERS; i++)
        if (ta_thread_create(&threads[i], "reads", read_and_meet, &m) < 0)
            return 1;
    for (int i = 0; i < READERS; i++)
        ta_thread_join(&threads[i]);
    ta_jobs_close(&jobs);
    ta_dir_remove(dir, NULL);
    printf("{\"readers\": %d, \"at_once\": %d, \"read\": %d}\n", READERS, m.most, m.done);
    return 0;
}
#else
static int with_queue(bool rwlock)
{
    (void)rwlock;
    return 77;
}
#endif

// ---- progress ----

static double hand; // the clock made up; one thread looks at it

static double look_at_hand(void)
{
    return hand;
}

struct heard {
    int count, done, phases;
    int64_t first, last;
    enum ta_phase phase;
    double least, before; // between two reports of one phase
};

static void hear(void *priv, const struct ta_progress *p)
{
    struct heard *h = priv;
    bool new_phase = !h->count || p->phase != h->phase;
    h->phases += new_phase;
    h->first = h->count ? h->first : p->frames_done;
    if (!new_phase)
        h->least = TA_MIN(h->least, hand - h->before);
    h->before = hand;
    h->phase = p->phase;
    h->last = p->frames_done;
    h->done += p->phase == TA_PHASE_DONE;
    h->count++;
}

static int with_meter(bool throttled)
{
    enum { FRAMES = 1000 };
    struct heard h = {.least = 1e9};
    struct ta_tuning tuning;
    struct ta_env env = {.tuning = &tuning};
    struct ta_callbacks callbacks = {.progress = hear, .priv = &h, .env = &env};
    struct ta_meter m;
    ta_tuning_defaults(&tuning);
    tuning.progress_throttle = throttled;
    hand = 100;
    ta_meter_init(&m, &callbacks);
    m.clock = look_at_hand;
    m.started = m.phase_started = hand;
    ta_meter_start(&m, TA_PHASE_INDEX);
    ta_meter_set_work(&m,
                      &(struct ta_meter_work){.frames_total = FRAMES, .tasks_total = 1, .segments_total = 1});
    ta_meter_start(&m, TA_PHASE_SEGMENTS);
    for (int i = 0; i < FRAMES; i++) {
        hand += 0.01;
        ta_meter_add(&m, 1, 10);
    }
    ta_meter_start(&m, TA_PHASE_JOIN);
    ta_meter_start(&m, TA_PHASE_DONE);
    ta_meter_release(&m);
    printf("{\"frames\": %d, \"seconds\": 10, \"reports\": %d, \"phases\": %d, \"first\": %lld, ", FRAMES,
           h.count, h.phases, (long long)h.first);
    printf("\"last\": %lld, \"done\": %d, \"least_ms\": %.1f}\n", (long long)h.last, h.done, h.least * 1000);
    return 0;
}

// ---- texts of chains ----

static int with_texts(bool cached, int files)
{
    static const struct ta_sound_stage_info *const infos[] = {&ta_sound_highpass, &ta_sound_lowpass,
                                                              &ta_sound_peak};
    enum { COUNT = TA_COUNT(infos) };
    struct ta_sound_texts *texts;
    struct ta_tuning tuning;
    struct ta_sound_stage_plan stages[COUNT];
    struct ta_sound_format format = {.rate = 48000, .channels = 2, .mask = 3};
    ta_tuning_defaults(&tuning);
    tuning.filter_chain_cache = cached;
    for (int i = 0; i < COUNT; i++)
        ta_sound_stage_plan_init(&stages[i], infos[i], &format);
    ta_sound_texts_create(&texts);
    double began = ta_clock_seconds();
    char *first = ta_sound_text(texts, stages, COUNT, &tuning);
    int same = 1;
    for (int i = 1; i < files; i++) {
        char *text = ta_sound_text(texts, stages, COUNT, &tuning);
        same += !strcmp(text, first);
        free(text);
    }
    double each = (ta_clock_seconds() - began) / files;
    struct ta_sound_text_counts counts = ta_sound_texts_counts(texts);
    printf(
        "{\"files\": %d, \"same\": %d, \"hits\": %lld, \"misses\": %lld, \"length\": %zu, \"us_each\": %.3f}\n",
        files, same, (long long)counts.hits, (long long)counts.misses, strlen(first), each * 1e6);
    free(first);
    for (int i = 0; i < COUNT; i++)
        ta_sound_stage_plan_release(&stages[i]);
    ta_sound_texts_destroy(&texts);
    return 0;
}

// ---- samples ----

enum { ROUND = 20000 };

static __attribute__((noinline)) uint64_t spend(uint64_t x, int rounds)
{
    for (int i = 0; i < rounds; i++)
        x = x * 6364136223846793005u + 1442695040888963407u;
    return x;
}

// The empty asm keeps each call from becoming a jump, which would take it off the stack.
__attribute__((noinline)) static uint64_t half_of_it(uint64_t x)
{
    x = spend(x, 5 * ROUND);
    __asm__ volatile("" : "+r"(x));
    return x;
}

__attribute__((noinline)) static uint64_t three_tenths(uint64_t x)
{
    x = spend(x, 3 * ROUND);
    __asm__ volatile("" : "+r"(x));
    return x;
}

__attribute__((noinline)) static uint64_t a_fifth(uint64_t x)
{
    x = spend(x, 2 * ROUND);
    __asm__ volatile("" : "+r"(x));
    return x;
}

struct toil {
    int laps;
    uint64_t x;
    double cpu; // seconds of this thread
};

static int toil(void *arg)
{
    struct toil *t = arg;
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (int i = 0; i < t->laps; i++)
        t->x = a_fifth(three_tenths(half_of_it(t->x + (uint64_t)i)));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    t->cpu = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
    return 0;
}

static double total_of(json_t *found, const char *name)
{
    json_t *f, *list = json_object_get(found, "functions");
    size_t i;
    json_array_foreach(list, i, f) if (!strcmp(json_string_value(json_object_get(f, "name")), name)) return (
        double)json_integer_value(json_object_get(f, "total"));
    return 0;
}

static int with_samples(enum ta_sampler_clock clock, bool on, int laps, int hz)
{
    enum { TOILERS = 2 };
    struct toil work[TOILERS] = {{.laps = laps}, {.laps = laps}};
    struct ta_thread *threads[TOILERS];
    struct ta_sampler *sampler = NULL;
    if (on && ta_sampler_start(&sampler, clock, hz, 12000) < 0)
        return 77;
    for (int i = 0; i < TOILERS; i++)
        if (ta_thread_create(&threads[i], "toils", toil, &work[i]) < 0)
            return 1;
    for (int i = 0; i < TOILERS; i++)
        ta_thread_join(&threads[i]);
    double cpu = work[0].cpu + work[1].cpu, all = 0;
    json_t *found = NULL;
    if (on) {
        ta_sampler_stop(sampler);
        found = ta_sampler_json(sampler);
        all = total_of(found, "toil");
    }
    printf("{\"clock\": \"%s\", \"cpu\": %.4f, \"own\": %.6f, \"samples\": %.0f, ",
           found ? json_string_value(json_object_get(found, "clock")) : "", cpu,
           found ? json_real_value(json_object_get(found, "own_seconds")) : 0, all);
    printf("\"half_of_it\": %.4f, \"three_tenths\": %.4f, \"a_fifth\": %.4f, \"odd\": %d}\n",
           all ? total_of(found, "half_of_it") / all : 0, all ? total_of(found, "three_tenths") / all : 0,
           all ? total_of(found, "a_fifth") / all : 0, (int)((work[0].x ^ work[1].x) & 1));
    json_decref(found);
    ta_sampler_destroy(&sampler);
    return 0;
}

static enum ta_sampler_clock clock_named(const char *name)
{
    return name && !strcmp(name, "event")   ? TA_SAMPLER_EVENT
           : name && !strcmp(name, "timer") ? TA_SAMPLER_TIMER
                                            : TA_SAMPLER_ANY;
}

// Long enough that the sampler looks meanwhile.
static int linger(void *arg)
{
    (void)arg;
    ta_sleep_us(100000);
    return 0;
}

static int with_threads(enum ta_sampler_clock clock, int count, int hz)
{
    enum { AT_ONCE = 100 };
    struct ta_thread *threads[AT_ONCE] = {NULL}, *last = NULL;
    struct ta_sampler *sampler = NULL;
    struct toil work = {.laps = 300};
    if (ta_sampler_start(&sampler, clock, hz, 12000) < 0)
        return 77;
    for (int begun = 0; begun < count; begun += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++)
            if (ta_thread_create(&threads[i], "lingers", linger, NULL) < 0)
                return 1;
        for (int i = 0; i < AT_ONCE; i++)
            ta_thread_join(&threads[i]);
    }
    if (ta_thread_create(&last, "toils", toil, &work) < 0)
        return 1;
    ta_thread_join(&last);
    ta_sampler_stop(sampler);
    json_t *found = ta_sampler_json(sampler);
    printf("{\"samples\": %.0f, \"lost\": %d, \"odd\": %d}\n", total_of(found, "toil"),
           (int)json_integer_value(json_object_get(found, "threads_lost")), (int)(work.x & 1));
    json_decref(found);
    ta_sampler_destroy(&sampler);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    bool on = argc > 2 && !strcmp(argv[2], "on");
    int number = argc > 3 ? atoi(argv[3]) : 0;
    if (!strcmp(what, "readers"))
        return with_queue(on);
    if (!strcmp(what, "progress"))
        return with_meter(on);
    if (!strcmp(what, "texts") && number > 0)
        return with_texts(on, number);
    if (!strcmp(what, "shares") && number > 0)
        return with_samples(clock_named(argc > 5 ? argv[5] : NULL), on, number,
                            argc > 4 ? atoi(argv[4]) : 100);
    if (!strcmp(what, "threads") && argc > 3)
        return with_threads(clock_named(argc > 4 ? argv[4] : NULL), atoi(argv[2]), number);
    return usage();
}
