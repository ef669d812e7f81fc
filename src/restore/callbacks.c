#include "restore/callbacks.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "base/tuning.h"

// At most ten updates a second, changes of phase always.
static const double REPORT_INTERVAL = 0.1, WATCH_INTERVAL = 1;

static bool ask(void *priv)
{
    const struct ta_callbacks *c = priv;
    return c->canceled && c->canceled(c->priv);
}

void ta_meter_init(struct ta_meter *m, const struct ta_callbacks *callbacks)
{
    *m = (struct ta_meter){.callbacks = callbacks};
    if (callbacks)
        m->cancel = (struct ta_cancel){ask, (void *)callbacks};
    m->now.kind = m->now.stage = "";
    const struct ta_env *env = callbacks ? callbacks->env : NULL;
    m->unthrottled = env && env->tuning && !env->tuning->progress_throttle;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->told, NULL);
    m->clock = ta_clock_seconds;
    m->started = m->phase_started = m->clock();
}

void ta_meter_release(struct ta_meter *m)
{
    pthread_cond_destroy(&m->told);
    pthread_mutex_destroy(&m->lock);
}

const struct ta_cancel *ta_meter_cancel(const struct ta_meter *m)
{
    return m->callbacks ? &m->cancel : NULL;
}

struct ta_env ta_meter_env(const struct ta_meter *m, const struct ta_cancel *cancel, struct ta_log *log)
{
    struct ta_env env = m->callbacks && m->callbacks->env ? *m->callbacks->env : (struct ta_env){0};
    env.cancel = cancel;
    env.log = log;
    return env;
}

// Share of the whole that lies before each phase, and the phase's own: reading and joining are bound by the
// disk, restoring by the processor. What may come before restoring, and takes as long as it takes, is not
// counted.
static const struct {
    double before, own;
} shares[TA_PHASE_COUNT] = {
    [TA_PHASE_SEGMENTS] = {0, 0.95},  [TA_PHASE_SOUND] = {0.95, 0}, [TA_PHASE_JOIN] = {0.95, 0.03},
    [TA_PHASE_VERIFY] = {0.98, 0.02}, [TA_PHASE_DONE] = {1, 0},
};

static const char *const names[TA_PHASE_COUNT] = {
    [TA_PHASE_INDEX] = "index",       [TA_PHASE_SCAN] = "scan",     [TA_PHASE_MEASURE] = "measure",
    [TA_PHASE_DOWNLOAD] = "download", [TA_PHASE_SOUND] = "sound",   [TA_PHASE_SEGMENTS] = "restore",
    [TA_PHASE_JOIN] = "join",         [TA_PHASE_VERIFY] = "verify", [TA_PHASE_DONE] = "done",
};

const char *ta_phase_name(enum ta_phase phase)
{
    return phase >= 0 && phase < TA_PHASE_COUNT ? names[phase] : "unknown";
}

// What is to be told, as it stands now. Under the lock.
struct report {
    bool progress, watch; // who hears of it
    struct ta_progress now;
    char stage[sizeof((struct ta_meter *)0)->stage];
};

// Frames and what else is done, as one number.
static double work_done(const struct ta_meter *m)
{
    return (double)m->now.frames_done + m->other_done;
}

static double all_work(const struct ta_meter *m)
{
    return (double)m->now.frames_total + m->other_total;
}

static void fill(struct ta_meter *m, double now, struct report *r)
{
    struct ta_progress *p = &m->now;
    double in_phase = now - m->phase_started;
    p->elapsed = now - m->started;
    p->total = shares[p->phase].before + shares[p->phase].own * p->fraction;
    p->eta = p->fps = 0;
    if (p->phase == TA_PHASE_SEGMENTS && in_phase > 0.05) {
        double own = (double)(p->frames_done - m->frames_at_start);
        double rate = (own + m->other_done - m->other_at_start) / in_phase;
        p->fps = own / in_phase;
        p->eta = rate > 0 ? TA_MAX(0.0, all_work(m) - work_done(m)) / rate : 0;
    }
    r->now = *p;
    memcpy(r->stage, m->stage, sizeof r->stage);
    r->now.stage = r->stage;
}

// Tells what is due. Called with the lock, which is not held while others' code runs. A thread that finds
// another one telling leaves it at that, and works on; a new phase waits its turn: it is never left out, and
// nothing older is told behind it.
static void report(struct ta_meter *m, bool always)
{
    struct report r = {0};
    while (always && m->telling)
        pthread_cond_wait(&m->told, &m->lock);
    double now = m->clock();
    r.progress = m->callbacks && m->callbacks->progress &&
                 (always || m->unthrottled || now - m->last_report >= REPORT_INTERVAL);
    r.watch = m->watch && (always || now - m->last_watch >= WATCH_INTERVAL);
    if (m->telling || (!r.progress && !r.watch))
        return;
    fill(m, now, &r);
    m->telling = true;
    m->last_report = r.progress ? now : m->last_report;
    m->last_watch = r.watch ? now : m->last_watch;
    pthread_mutex_unlock(&m->lock);
    r.now.rss_bytes = ta_rss_bytes(); // reads a file
    if (r.progress)
        m->callbacks->progress(m->callbacks->priv, &r.now);
    if (r.watch)
        m->watch(m->watch_priv, &r.now);
    pthread_mutex_lock(&m->lock);
    m->now.rss_bytes = r.now.rss_bytes;
    m->telling = false;
    pthread_cond_broadcast(&m->told);
}

static void report_fraction(void *priv, double fraction)
{
    ta_meter_fraction(priv, fraction);
}

// perf-ok(callback-under-lock): a clock
struct ta_progress_fn ta_meter_start(struct ta_meter *m, enum ta_phase phase)
{
    pthread_mutex_lock(&m->lock);
    m->now.phase = phase;
    m->now.fraction = phase == TA_PHASE_DONE ? 1 : 0;
    m->from = 0;
    m->to = 1;
    m->now.kind = "";
    m->stage[0] = 0;
    m->phase_started = m->clock();
    report(m, true);
    pthread_mutex_unlock(&m->lock);
    return (struct ta_progress_fn){report_fraction, m};
}

void ta_meter_part(struct ta_meter *m, double from, double to)
{
    pthread_mutex_lock(&m->lock);
    m->from = from;
    m->to = to;
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_fraction(struct ta_meter *m, double fraction)
{
    pthread_mutex_lock(&m->lock);
    m->now.fraction = m->from + (m->to - m->from) * TA_MIN(1.0, TA_MAX(0.0, fraction));
    report(m, false);
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_set_work(struct ta_meter *m, const struct ta_meter_work *work)
{
    pthread_mutex_lock(&m->lock);
    m->now.frames_total = work->frames_total;
    m->now.frames_done = m->frames_at_start = work->frames_done;
    m->now.tasks_total = work->tasks_total;
    m->now.tasks_done = work->tasks_done;
    m->now.segments_total = work->segments_total;
    m->now.segments_done = work->segments_done;
    m->other_total = work->other_total;
    m->other_done = m->other_at_start = work->other_done;
    pthread_mutex_unlock(&m->lock);
}

// Under the lock.
static void advance(struct ta_meter *m)
{
    if (m->now.phase == TA_PHASE_SEGMENTS && all_work(m) > 0)
        m->now.fraction = TA_MIN(1.0, work_done(m) / all_work(m));
    report(m, false);
}

void ta_meter_add(struct ta_meter *m, int64_t frames, int64_t bytes)
{
    pthread_mutex_lock(&m->lock);
    m->now.frames_done += frames;
    m->now.bytes += bytes;
    advance(m);
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_add_other(struct ta_meter *m, double frames)
{
    pthread_mutex_lock(&m->lock);
    m->other_done += frames;
    advance(m);
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_add_task(struct ta_meter *m, bool segment)
{
    pthread_mutex_lock(&m->lock);
    m->now.tasks_done++;
    m->now.segments_done += segment;
    report(m, false);
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_name(struct ta_meter *m, const char *kind, const char *stage)
{
    pthread_mutex_lock(&m->lock);
    m->now.kind = kind;
    snprintf(m->stage, sizeof m->stage, "%s", stage);
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_bytes(struct ta_meter *m, int64_t bytes)
{
    pthread_mutex_lock(&m->lock);
    m->now.bytes = bytes;
    report(m, false);
    pthread_mutex_unlock(&m->lock);
}
