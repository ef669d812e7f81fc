#include "restore/callbacks.h"

#include "base/mem.h"
#include "base/thread.h"

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
    pthread_mutex_init(&m->lock, NULL);
    m->started = m->phase_started = ta_clock_seconds();
}

void ta_meter_release(struct ta_meter *m)
{
    pthread_mutex_destroy(&m->lock);
}

const struct ta_cancel *ta_meter_cancel(const struct ta_meter *m)
{
    return m->callbacks ? &m->cancel : NULL;
}

// Share of the whole that lies before each phase, and the phase's own: reading and joining are bound by the
// disk, restoring by the processor.
static double total_of(const struct ta_progress *p)
{
    static const double before[] = {0, 0, 0, 0.95, 0.98, 1}, share[] = {0, 0, 0.95, 0.03, 0.02, 0};
    return before[p->phase] + share[p->phase] * p->fraction;
}

static void report(struct ta_meter *m, bool always)
{
    double now = ta_clock_seconds();
    bool told = m->callbacks && m->callbacks->progress && (always || now - m->last_report >= REPORT_INTERVAL);
    bool watched = m->watch && (always || now - m->last_watch >= WATCH_INTERVAL);
    if (!told && !watched)
        return;
    struct ta_progress *p = &m->now;
    double in_phase = now - m->phase_started;
    p->elapsed = now - m->started;
    p->total = total_of(p);
    p->eta = 0;
    if (p->phase == TA_PHASE_SEGMENTS) {
        int64_t own = p->frames_done - m->frames_at_start;
        p->fps = in_phase > 0.05 ? (double)own / in_phase : 0;
        p->eta = p->fps > 0 ? (double)(p->frames_total - p->frames_done) / p->fps : 0;
    }
    if (told) {
        m->last_report = now;
        m->callbacks->progress(m->callbacks->priv, p);
    }
    if (watched) {
        m->last_watch = now;
        m->watch(m->watch_priv, p);
    }
}

static void report_fraction(void *priv, double fraction)
{
    ta_meter_fraction(priv, fraction);
}

struct ta_progress_fn ta_meter_start(struct ta_meter *m, enum ta_phase phase)
{
    pthread_mutex_lock(&m->lock);
    m->now.phase = phase;
    m->now.fraction = phase == TA_PHASE_DONE ? 1 : 0;
    m->phase_started = ta_clock_seconds();
    report(m, true);
    pthread_mutex_unlock(&m->lock);
    return (struct ta_progress_fn){report_fraction, m};
}

void ta_meter_fraction(struct ta_meter *m, double fraction)
{
    pthread_mutex_lock(&m->lock);
    m->now.fraction = TA_MIN(1.0, TA_MAX(0.0, fraction));
    report(m, false);
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_set_work(struct ta_meter *m, int64_t frames_total, int64_t frames_done, int segments_total,
                       int segments_done)
{
    pthread_mutex_lock(&m->lock);
    m->now.frames_total = frames_total;
    m->now.frames_done = m->frames_at_start = frames_done;
    m->now.segments_total = segments_total;
    m->now.segments_done = segments_done;
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_add(struct ta_meter *m, int64_t frames, int64_t bytes, int segments)
{
    pthread_mutex_lock(&m->lock);
    m->now.frames_done += frames;
    m->now.bytes += bytes;
    m->now.segments_done += segments;
    if (m->now.phase == TA_PHASE_SEGMENTS && m->now.frames_total)
        m->now.fraction = TA_MIN(1.0, (double)m->now.frames_done / (double)m->now.frames_total);
    report(m, false);
    pthread_mutex_unlock(&m->lock);
}

void ta_meter_bytes(struct ta_meter *m, int64_t bytes)
{
    pthread_mutex_lock(&m->lock);
    m->now.bytes = bytes;
    report(m, false);
    pthread_mutex_unlock(&m->lock);
}
