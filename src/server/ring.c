#include "server/ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"

struct line {
    int64_t n, time_ms; // n 0: none
    enum ta_log_level level;
    char *component, *text, *code; // code NULL: none
};

struct ta_log_ring {
    struct ta_log *log, *to;
    pthread_mutex_t lock;
    struct line *lines; // [TA_RING_KEPT], n at n % TA_RING_KEPT
    int64_t last;
    void (*tell)(void *priv, char *json);
    void *priv;
};

static json_t *line_json(const struct line *l)
{
    json_t *o = json_pack("{s:I, s:I, s:s}", "n", (json_int_t)l->n, "time_ms", (json_int_t)l->time_ms,
                          "level", ta_log_level_name(l->level));
    json_object_set_new(o, "component", ta_json_any_text(l->component));
    json_object_set_new(o, "text", ta_json_any_text(l->text));
    if (l->code)
        json_object_set_new(o, "code", json_string(l->code));
    return o;
}

// perf-ok(callback-under-lock): lines reach pages in their order; it queues an event
static void on_message(void *priv, enum ta_log_level level, const char *component, const char *message,
                       const char *code)
{
    struct ta_log_ring *ring = priv;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    pthread_mutex_lock(&ring->lock);
    int64_t n = ++ring->last;
    struct line *l = &ring->lines[n % TA_RING_KEPT];
    free(l->component);
    free(l->text);
    free(l->code);
    *l = (struct line){.n = n,
                       .time_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                       .level = level,
                       .component = ta_xstrdup(component ? component : ""),
                       .text = ta_xstrdup(message),
                       .code = code ? ta_xstrdup(code) : NULL};
    if (ring->tell) {
        json_t *o = line_json(l);
        ring->tell(ring->priv, json_dumps(o, JSON_COMPACT));
        json_decref(o);
    }
    pthread_mutex_unlock(&ring->lock);
    ta_log_message(ring->to, level, "%s", message);
}

int ta_log_ring_create(struct ta_log_ring **out, struct ta_log *to)
{
    struct ta_log_ring *ring = ta_xcalloc(1, sizeof(*ring));
    pthread_mutex_init(&ring->lock, NULL);
    ring->lines = ta_xcalloc(TA_RING_KEPT, sizeof(*ring->lines));
    ring->to = to;
    int err = ta_log_create(&ring->log, on_message, ring);
    if (err < 0)
        ta_log_ring_destroy(&ring);
    *out = ring;
    return err;
}

void ta_log_ring_destroy(struct ta_log_ring **out)
{
    struct ta_log_ring *ring = *out;
    if (!ring)
        return;
    ta_log_destroy(&ring->log);
    for (int i = 0; i < TA_RING_KEPT; i++) {
        free(ring->lines[i].component);
        free(ring->lines[i].text);
        free(ring->lines[i].code);
    }
    free(ring->lines);
    pthread_mutex_destroy(&ring->lock);
    ta_freep(out);
}

struct ta_log *ta_log_ring_log(struct ta_log_ring *ring)
{
    return ring->log;
}

void ta_log_ring_on_line(struct ta_log_ring *ring, void (*tell)(void *priv, char *json), void *priv)
{
    pthread_mutex_lock(&ring->lock);
    ring->tell = tell;
    ring->priv = priv;
    pthread_mutex_unlock(&ring->lock);
}

json_t *ta_log_ring_json(struct ta_log_ring *ring, int64_t after, enum ta_log_level level, const char *text,
                         int limit)
{
    json_t *lines = json_array();
    pthread_mutex_lock(&ring->lock);
    int64_t oldest = TA_MAX(ring->last - TA_RING_KEPT + 1, (int64_t)1);
    for (int64_t n = ring->last; n >= TA_MAX(oldest, after + 1) && limit > 0; n--) {
        const struct line *l = &ring->lines[n % TA_RING_KEPT];
        if (l->level > level || (text && !strcasestr(l->text, text)))
            continue;
        json_array_insert_new(lines, 0, line_json(l));
        limit--;
    }
    json_t *o = json_pack("{s:o, s:I}", "lines", lines, "last", (json_int_t)ring->last);
    pthread_mutex_unlock(&ring->lock);
    return o;
}
