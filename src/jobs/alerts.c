#include "jobs/alerts.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "jobs/jobs.h"
#include "jobs/notify.h"
#include "jobs/store.h"

enum { QUERIES = 64, QUERIES_LEAST = 8, FRAMES_LEAST = 25, BUCKETS = 7, KEY_SIZE = 128 };

static const double preprocessing_factor = 1.2, memory_factor = 1.5, query_limit = 0.1, query_again = 0.05;
static const double bucket_limits[BUCKETS] = {0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 2};

// What is measured of a run.
struct measure {
    const char *name, *what, *unit;
    double factor;
    double (*value)(const json_t *record);
};

// One that is raised.
struct alert {
    char *key; // of the recipe; "" for the queue
    const char *measure;
    char *title, *text;
    double value, usual;
    int64_t since_ms;
};

struct ta_alerts {
    struct ta_jobs *jobs;
    struct ta_notify *notify;
    struct ta_log *log;
    pthread_mutex_t lock;
    struct alert *alerts;
    int alert_count;
    double queries[QUERIES]; // the last ones, seconds
    int64_t query_count;
    double query_seconds;
    int64_t buckets[BUCKETS];
    bool slow, unwritten; // the queue is; the file of records can't be written, which was said
    int64_t runs_done, runs_failed, frames;
    double preprocessing, upscaling, encoding, total, last_memory;
    double begun;
};

// ---- the decision ----

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double median(const double *values, int count)
{
    double sorted[TA_ALERT_SAMPLES];
    memcpy(sorted, values, (size_t)count * sizeof(*values));
    qsort(sorted, (size_t)count, sizeof(*sorted), compare);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static void learn(struct ta_baseline *b, double value)
{
    if (b->count == TA_ALERT_SAMPLES)
        memmove(b->samples, b->samples + 1, (size_t)--b->count * sizeof(*b->samples));
    b->samples[b->count++] = value;
}

enum ta_alert_change ta_baseline_take(struct ta_baseline *b, double value, double factor, double *usual)
{
    *usual = b->count >= TA_ALERT_LEARN ? median(b->samples, b->count) : 0;
    if (*usual <= 0) {
        learn(b, value);
        return TA_ALERT_NONE;
    }
    double high = *usual * factor, low = *usual * (1 + (factor - 1) / 2);
    if (value <= (b->raised ? low : high)) {
        bool was = b->raised;
        b->raised = false;
        b->unusual_count = 0;
        learn(b, value);
        return was ? TA_ALERT_CLEARED : TA_ALERT_NONE;
    }
    b->unusual[b->unusual_count++] = value;
    if (b->unusual_count == TA_ALERT_RELEARN) { // the machine, or the films, are others now
        memcpy(b->samples, b->unusual, sizeof(b->unusual));
        b->count = TA_ALERT_RELEARN;
        b->unusual_count = 0;
        b->raised = false;
        return TA_ALERT_CLEARED;
    }
    bool was = b->raised;
    b->raised = true;
    return was ? TA_ALERT_NONE : TA_ALERT_RAISED;
}

// ---- measures of a run ----

static double number(const json_t *record, const char *key)
{
    const json_t *n = json_object_get(record, key);
    return json_is_number(n) ? json_number_value(n) : -1;
}

// Frames that this run made, not those that it found done.
static double frames_made(const json_t *record)
{
    double rate = number(record, "frames_per_second"), seconds = number(record, "total_time_sec");
    return rate > 0 && seconds > 0 ? rate * seconds : 0;
}

static double preprocessing_of(const json_t *record)
{
    double seconds = number(record, "preprocessing_time_sec"), frames = frames_made(record);
    return seconds >= 0 && frames >= FRAMES_LEAST ? seconds / frames * 1000 : -1;
}

static double memory_of(const json_t *record)
{
    return frames_made(record) >= FRAMES_LEAST ? number(record, "peak_memory_mb") : -1;
}

static const struct measure measures[] = {
    {"preprocessing", "Preprocessing", "ms a frame", preprocessing_factor, preprocessing_of},
    {"memory", "Memory", "MB", memory_factor, memory_of},
};

// What makes runs comparable: all values of the recipe, and the size of what is made.
static bool key_of(const json_t *record, char out[KEY_SIZE])
{
    const char *recipe = ta_json_member_text(json_object_get(record, "recipe"), "sha256");
    const json_t *size = json_object_get(record, "size");
    snprintf(out, KEY_SIZE, "%.64s %dx%d", recipe, (int)json_integer_value(json_array_get(size, 0)),
             (int)json_integer_value(json_array_get(size, 1)));
    return *recipe;
}

// ---- in the store ----

struct take {
    const char *key;
    const struct measure *measure;
    double value, usual;
    struct ta_baseline baseline;
    enum ta_alert_change change;
};

static void read_samples(double *out, int most, int *count, const json_t *list)
{
    size_t i;
    const json_t *n;
    json_array_foreach(list, i, n)
    {
        if (*count < most && json_is_number(n))
            out[(*count)++] = json_number_value(n);
    }
}

static void see_baseline(void *priv, const struct ta_row *row)
{
    struct ta_baseline *b = priv;
    json_t *o = json_loads(ta_row_text(row, 0), 0, NULL);
    read_samples(b->samples, TA_ALERT_SAMPLES, &b->count, json_object_get(o, "usual"));
    read_samples(b->unusual, TA_ALERT_RELEARN - 1, &b->unusual_count, json_object_get(o, "unusual"));
    b->raised = ta_row_number(row, 1) != 0;
    json_decref(o);
}

static json_t *samples_of(const double *values, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_real(values[i]));
    return list;
}

static int take_value(void *priv, struct ta_store *store, struct ta_job *const *added)
{
    struct take *t = priv;
    (void)added;
    t->baseline = (struct ta_baseline){0};
    int err = ta_store_each(store, "baselines can't be read",
                            "SELECT samples, raised FROM baselines WHERE key=?1 AND measure=?2", see_baseline,
                            &t->baseline, "ss", t->key, t->measure->name);
    if (err)
        return err;
    t->change = ta_baseline_take(&t->baseline, t->value, t->measure->factor, &t->usual);
    json_t *o = json_pack("{s:o, s:o}", "usual", samples_of(t->baseline.samples, t->baseline.count),
                          "unusual", samples_of(t->baseline.unusual, t->baseline.unusual_count));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    err = ta_store_do(store, "a baseline can't be written",
                      "INSERT INTO baselines(key, measure, samples, raised) VALUES(?1, ?2, ?3, ?4)"
                      " ON CONFLICT(key, measure) DO UPDATE SET samples=?3, raised=?4",
                      "sssi", t->key, t->measure->name, text, (int64_t)t->baseline.raised);
    free(text);
    json_decref(o);
    return err;
}

// ---- telling ----

static void release_alert(struct alert *a)
{
    free(a->key);
    free(a->title);
    free(a->text);
}

static json_t *alert_json(const struct alert *a)
{
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:I}", "measure", a->measure, "title", a->title, "text",
                     a->text, "value", a->value, "usual", a->usual, "since_ms", (json_int_t)a->since_ms);
}

static void publish(struct ta_alerts *a, const struct alert *alert, bool raised)
{
    json_t *o = alert_json(alert);
    json_object_set_new(o, "raised", json_boolean(raised));
    ta_events_publish(ta_jobs_events(a->jobs), "alert", json_dumps(o, JSON_COMPACT));
    json_decref(o);
}

// Takes key, title and text.
static void raise_alert(struct ta_alerts *a, struct alert alert)
{
    alert.since_ms = ta_jobs_now_ms();
    ta_warn(a->log, "%s: %s", alert.title, alert.text);
    publish(a, &alert, true);
    json_t *told = a->notify ? alert_json(&alert) : NULL;
    pthread_mutex_lock(&a->lock);
    a->alerts = ta_xrealloc(a->alerts, (size_t)(a->alert_count + 1) * sizeof(*a->alerts));
    a->alerts[a->alert_count++] = alert;
    pthread_mutex_unlock(&a->lock);
    if (told)
        ta_notify_alert(a->notify, told);
}

static void clear_alert(struct ta_alerts *a, const char *key, const char *measure)
{
    struct alert gone = {0};
    pthread_mutex_lock(&a->lock);
    for (int i = 0; i < a->alert_count; i++)
        if (!strcmp(a->alerts[i].key, key) && !strcmp(a->alerts[i].measure, measure)) {
            gone = a->alerts[i];
            a->alerts[i] = a->alerts[--a->alert_count];
            break;
        }
    pthread_mutex_unlock(&a->lock);
    ta_info(a->log, "%s is as usual again", measure);
    if (gone.key)
        publish(a, &gone, false);
    release_alert(&gone);
}

static void judge(struct ta_alerts *a, int64_t job, const char *key, const struct measure *m, double value)
{
    struct take t = {.key = key, .measure = m, .value = value};
    if (value < 0 || ta_jobs_store(a->jobs, take_value, &t) < 0)
        return;
    if (t.change == TA_ALERT_CLEARED)
        clear_alert(a, key, m->name);
    else if (t.change == TA_ALERT_RAISED)
        raise_alert(a, (struct alert){
                           .key = ta_xstrdup(key),
                           .measure = m->name,
                           .value = value,
                           .usual = t.usual,
                           .title = ta_xprintf("%s of job %" PRId64 " is %.1f times what is usual", m->what,
                                               job, value / t.usual),
                           .text = ta_xprintf("%.4g %s, where runs of this recipe on this machine take %.4g",
                                              value, m->unit, t.usual)});
}

void ta_alerts_run(struct ta_alerts *a, int64_t job, const json_t *record, bool written)
{
    char key[KEY_SIZE];
    int64_t exit_code = json_integer_value(json_object_get(record, "exit_code"));
    bool done = exit_code == 0 || exit_code == 3, say = false;
    if (!record)
        return;
    pthread_mutex_lock(&a->lock);
    say = !written && !a->unwritten;
    a->unwritten = !written;
    a->runs_done += done;
    a->runs_failed += !done;
    a->frames += (int64_t)frames_made(record);
    a->preprocessing += TA_MAX(number(record, "preprocessing_time_sec"), 0.0);
    a->upscaling += TA_MAX(number(record, "upscaling_time_sec"), 0.0);
    a->encoding += TA_MAX(number(record, "encoding_time_sec"), 0.0);
    a->total += TA_MAX(number(record, "total_time_sec"), 0.0);
    a->last_memory = TA_MAX(number(record, "peak_memory_mb"), 0.0) * 1e6;
    pthread_mutex_unlock(&a->lock);
    if (say)
        ta_warn(a->log,
                "performance_metrics.jsonl can't be written: no records of runs are kept until it can");
    for (size_t i = 0; done && key_of(record, key) && i < TA_COUNT(measures); i++)
        judge(a, job, key, &measures[i], measures[i].value(record));
}

// The time that nine of ten of the last questions took at most; under the lock.
static double slowest(const struct ta_alerts *a)
{
    double sorted[QUERIES];
    int count = (int)TA_MIN(a->query_count, (int64_t)QUERIES);
    memcpy(sorted, a->queries, sizeof(sorted));
    qsort(sorted, (size_t)count, sizeof(*sorted), compare);
    return count ? sorted[count * 9 / 10] : 0;
}

void ta_alerts_query(struct ta_alerts *a, double seconds)
{
    pthread_mutex_lock(&a->lock);
    a->queries[a->query_count++ % QUERIES] = seconds;
    a->query_seconds += seconds;
    for (int i = 0; i < BUCKETS; i++)
        a->buckets[i] += seconds <= bucket_limits[i];
    double now = a->query_count >= QUERIES_LEAST ? slowest(a) : 0;
    bool was = a->slow;
    a->slow = now > (was ? query_again : query_limit);
    bool slow = a->slow;
    pthread_mutex_unlock(&a->lock);
    if (slow && !was)
        raise_alert(a, (struct alert){
                           .key = ta_xstrdup(""),
                           .measure = "queue",
                           .value = now * 1000,
                           .usual = query_limit * 1000,
                           .title = ta_xstrdup("The queue answers slowly"),
                           .text = ta_xprintf("%.0f ms for one question in ten, and at most 100 ms are right",
                                              now * 1000)});
    else if (was && !slow)
        clear_alert(a, "", "queue");
}

// ---- to be shown ----

// perf-ok(long-critical-section): a few alerts
json_t *ta_alerts_json(struct ta_alerts *a)
{
    json_t *list = json_array();
    pthread_mutex_lock(&a->lock);
    for (int i = 0; i < a->alert_count; i++)
        json_array_append_new(list, alert_json(&a->alerts[i]));
    double query = slowest(a) * 1000;
    pthread_mutex_unlock(&a->lock);
    return json_pack("{s:o, s:f}", "alerts", list, "queue_query_ms", query);
}

static void head(struct ta_buf *out, const char *name, const char *type, const char *help)
{
    ta_buf_printf(out, "# HELP terminalai_%s %s\n# TYPE terminalai_%s %s\n", name, help, name, type);
}

static void one(struct ta_buf *out, const char *name, const char *type, const char *help, double value)
{
    head(out, name, type, help);
    ta_buf_printf(out, "terminalai_%s %.12g\n", name, value);
}

static void append_queries(struct ta_buf *out, const struct ta_alerts *a)
{
    head(out, "queue_query_seconds", "histogram", "Time that the queue takes to answer.");
    for (int i = 0; i < BUCKETS; i++)
        ta_buf_printf(out, "terminalai_queue_query_seconds_bucket{le=\"%g\"} %" PRId64 "\n", bucket_limits[i],
                      a->buckets[i]);
    ta_buf_printf(out, "terminalai_queue_query_seconds_bucket{le=\"+Inf\"} %" PRId64 "\n", a->query_count);
    ta_buf_printf(
        out, "terminalai_queue_query_seconds_sum %.9g\nterminalai_queue_query_seconds_count %" PRId64 "\n",
        a->query_seconds, a->query_count);
}

char *ta_alerts_prometheus(struct ta_alerts *a, int workers, int busy)
{
    struct ta_buf out = {0};
    int64_t counts[TA_JOB_STATE_COUNT];
    ta_job_list_counts(ta_jobs_list(a->jobs), counts);
    head(&out, "build_info", "gauge", "The version, as a label.");
    ta_buf_printf(&out, "terminalai_build_info{version=\"%s\"} 1\n", ta_version());
    head(&out, "jobs", "gauge", "Jobs in the list by state.");
    for (int i = 0; i < TA_JOB_STATE_COUNT; i++)
        ta_buf_printf(&out, "terminalai_jobs{state=\"%s\"} %" PRId64 "\n",
                      ta_job_state_name((enum ta_job_state)i), counts[i]);
    one(&out, "queue_paused", "gauge", "Whether nothing new is begun.", ta_jobs_is_paused(a->jobs));
    one(&out, "workers", "gauge", "Worker processes.", workers);
    one(&out, "workers_busy", "gauge", "Worker processes with a job.", busy);
    pthread_mutex_lock(&a->lock);
    head(&out, "runs_total", "counter", "Runs that have ended since the service began.");
    ta_buf_printf(&out,
                  "terminalai_runs_total{result=\"done\"} %" PRId64
                  "\nterminalai_runs_total{result=\"failed\"} %" PRId64 "\n",
                  a->runs_done, a->runs_failed);
    one(&out, "frames_total", "counter", "Output frames that these runs made.", (double)a->frames);
    head(&out, "run_seconds_total", "counter", "Time of these runs by part.");
    const char *const parts[] = {"preprocessing", "upscaling", "encoding", "total"};
    const double seconds[] = {a->preprocessing, a->upscaling, a->encoding, a->total};
    for (size_t i = 0; i < TA_COUNT(parts); i++)
        ta_buf_printf(&out, "terminalai_run_seconds_total{part=\"%s\"} %.9g\n", parts[i], seconds[i]);
    one(&out, "last_run_peak_memory_bytes", "gauge", "Most memory that the last run held.", a->last_memory);
    append_queries(&out, a);
    head(&out, "alert", "gauge", "Alerts that are raised now, by measure.");
    static const char *const names[] = {"preprocessing", "memory", "queue"};
    for (size_t i = 0; i < TA_COUNT(names); i++) {
        int count = 0;
        for (int k = 0; k < a->alert_count; k++)
            count += !strcmp(a->alerts[k].measure, names[i]);
        ta_buf_printf(&out, "terminalai_alert{measure=\"%s\"} %d\n", names[i], count);
    }
    one(&out, "uptime_seconds", "gauge", "Since the service began.", ta_clock_seconds() - a->begun);
    pthread_mutex_unlock(&a->lock);
    one(&out, "resident_memory_bytes", "gauge", "Memory of the service itself.", (double)ta_rss_bytes());
    one(&out, "cpu_seconds_total", "counter", "Processor time of the service itself.", ta_cpu_seconds());
    return ta_buf_take(&out);
}

// ---- beginning and end ----

int ta_alerts_open(struct ta_alerts **out, struct ta_jobs *jobs, struct ta_notify *notify, struct ta_log *log)
{
    struct ta_alerts *a = ta_xcalloc(1, sizeof(*a));
    a->jobs = jobs;
    a->notify = notify;
    a->log = log;
    a->begun = ta_clock_seconds();
    pthread_mutex_init(&a->lock, NULL);
    *out = a;
    return 0;
}

void ta_alerts_close(struct ta_alerts **out)
{
    struct ta_alerts *a = *out;
    if (!a)
        return;
    for (int i = 0; i < a->alert_count; i++)
        release_alert(&a->alerts[i]);
    free(a->alerts);
    pthread_mutex_destroy(&a->lock);
    ta_freep(out);
}
